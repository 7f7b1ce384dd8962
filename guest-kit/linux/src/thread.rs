//! Threads and futexes.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::memory::Mapping;
use crate::sys::{Error, Result, call, raw};

/// Sleeps until [`wake`] if the word still has `value`. May return early.
///
/// # Errors
/// What Linux returns, other than that the word has changed, or a signal.
pub fn wait(word: &AtomicU32, value: u32) -> Result<()> {
    const EAGAIN: u32 = 11;
    const EINTR: u32 = 4;
    // SAFETY: FUTEX_WAIT reads the word. No time limit.
    match unsafe { call("FUTEX_WAIT", 240, [word.as_ptr().addr(), 0, value as usize, 0]) } {
        Err(Error { number, .. }) if number != EAGAIN && number != EINTR => {
            Err(Error { what: "FUTEX_WAIT", number })
        }
        _ => Ok(()),
    }
}

/// Wakes those who wait for the word, at most `most`.
///
/// # Errors
/// What Linux returns.
pub fn wake(word: &AtomicU32, most: u32) -> Result<u32> {
    // SAFETY: FUTEX_WAKE does not access the word.
    unsafe { call("FUTEX_WAKE", 240, [word.as_ptr().addr(), 1, most as usize]) }
}

/// Makes a thread: `clone` with the flags, stack and words that it takes, then in the child r0 = argument, r1 = function
/// from its stack. The function's return ends the thread.
#[unsafe(naked)]
unsafe extern "C" fn clone(
    flags: u32,
    stack: *mut u32,
    parent_word: usize,
    tls: u32,
    child_word: usize,
) -> i32 {
    core::arch::naked_asm!(
        "ldr r12, [sp]",
        "push {{r4, r7}}",
        "mov r4, r12",
        "mov r7, #120",
        "svc #0",
        "cmp r0, #0",
        "popne {{r4, r7}}",
        "bxne lr",
        "pop {{r0, r1}}",
        "blx r1",
        "mov r0, #0",
        "mov r7, #1",
        "svc #0",
        "udf #0",
    )
}

/// A thread that has been started.
///
/// Not stopped when dropped: it must be joined while what it uses is there.
#[derive(Debug)]
pub struct Thread<'a> {
    alive: &'a AtomicU32,
}

/// Starts a thread at the end of `stack` with TPIDRURO = `tls`. `alive` is 1 until it has ended.
///
/// # Errors
/// What Linux returns.
///
/// # Safety
/// `work(argument)` must be sound beside this thread. `stack` and what `argument` refers to must live until [`Thread::join`]
/// has returned.
pub unsafe fn start<'a>(
    work: extern "C" fn(usize),
    argument: usize,
    tls: u32,
    stack: &Mapping,
    alive: &'a AtomicU32,
) -> Result<Thread<'a>> {
    // VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, CHILD_CLEARTID.
    const FLAGS: u32 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000 | 0x8_0000 | 0x20_0000;
    alive.store(1, Ordering::SeqCst);
    let top = stack.start().wrapping_add(stack.pages() * crate::memory::PAGE - 8).cast::<u32>();
    // SAFETY: the last two words of a stack that nobody uses yet; `clone` pops them. It clears `alive` at the thread's end.
    let result = unsafe {
        top.write_volatile(argument as u32);
        top.add(1).write_volatile(work as usize as u32);
        clone(FLAGS, top, 0, tls, alive.as_ptr().addr())
    };
    match result {
        ..0 => Err(Error { what: "clone", number: result.unsigned_abs() }),
        _ => Ok(Thread { alive }),
    }
}

impl Thread<'_> {
    /// Waits until it has ended.
    ///
    /// # Errors
    /// What Linux returns.
    pub fn join(self) -> Result<()> {
        while self.alive.load(Ordering::SeqCst) != 0 {
            wait(self.alive, 1)?;
        }
        Ok(())
    }
}

/// The word of this thread that `start` was given as `tls`.
pub fn tls() -> u32 {
    let value;
    // SAFETY: TPIDRURO may be read by programs.
    unsafe { core::arch::asm!("mrc p15, 0, {}, c13, c0, 3", out(reg) value, options(nomem, nostack)) };
    value
}

/// Makes instructions that were written between two addresses those that run.
pub fn flush(start: usize, end: usize) {
    const CACHEFLUSH: u32 = 0x0f_0002;
    // SAFETY: it only cleans and invalidates caches. It fails only where nothing is mapped.
    unsafe { raw(CACHEFLUSH, [start, end, 0, 0, 0, 0]) };
}
