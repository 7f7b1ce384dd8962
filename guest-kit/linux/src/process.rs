//! Processes.

use core::ffi::{CStr, c_char};

use crate::sys::{self, Error, Pid, Result, call};

/// Half of what fork returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// This is the child.
    Child,
    /// This is the parent; the child's number.
    Parent(Pid),
}

/// How a process ended or stopped, as wait4 tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It ended by itself, with this status.
    Exited(u32),
    /// This signal ended it.
    Killed(u32),
    /// This signal stopped it, for its tracer to see.
    Stopped(u32),
}

/// Makes a child with a copy of this process's memory.
///
/// # Errors
/// What Linux returns.
pub fn fork() -> Result<Fork> {
    // SAFETY: no pointers; the child has a copy of all, the stack included, and these programs have one thread.
    Ok(match unsafe { call("fork", 2, []) }? {
        0 => Fork::Child,
        child => Fork::Parent(child),
    })
}

/// Makes a child that does `work` and ends, with status 0 or, on an error, 1.
///
/// # Errors
/// What fork returns.
pub fn spawn(work: impl FnOnce() -> Result<()>) -> Result<Pid> {
    match fork()? {
        Fork::Parent(child) => Ok(child),
        Fork::Child => sys::exit(match work() {
            Ok(()) => 0,
            Err(error) => {
                crate::println!("in a child: {error}");
                1
            }
        }),
    }
}

/// Waits until a child ends, or stops if it is traced.
///
/// # Errors
/// What Linux returns.
pub fn wait(child: Pid) -> Result<End> {
    let mut status = 0u32;
    // SAFETY: Linux writes one word.
    unsafe { call("wait4", 114, [child as usize, (&raw mut status).addr(), 0, 0]) }?;
    Ok(match status & 0x7f {
        0 => End::Exited(status >> 8 & 0xff),
        0x7f => End::Stopped(status >> 8 & 0xff),
        signal => End::Killed(signal),
    })
}

/// Waits for a child that is to end with status 0.
///
/// # Errors
/// If it ended otherwise.
pub fn wait_good(child: Pid) -> Result<()> {
    match wait(child)? {
        End::Exited(0) => Ok(()),
        _ => Err(Error::new("a child failed")),
    }
}

/// Becomes another program, with at most seven arguments (its own name included) and an empty environment. Returns only
/// if that fails.
pub fn exec(path: &CStr, arguments: &[&CStr]) -> Error {
    let mut pointers: [*const c_char; 8] = [core::ptr::null(); 8];
    if arguments.len() >= pointers.len() {
        return Error::new("too many arguments");
    }
    for (pointer, argument) in pointers.iter_mut().zip(arguments) {
        *pointer = argument.as_ptr();
    }
    let environment: [*const c_char; 1] = [core::ptr::null()];
    let words = [path.as_ptr().addr(), pointers.as_ptr().addr(), environment.as_ptr().addr()];
    // SAFETY: Linux reads strings and the lists of pointers to them, which end with null. All live until it returns.
    match unsafe { call("execve", 11, words) } {
        Err(error) => error,
        Ok(_) => Error::new("execve returned"),
    }
}
