//! The domain's console.

use core::cell::UnsafeCell;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use nex_abi::nex;

use crate::hypercall::{Refused, check, hypercall};
use crate::line::Line;

/// The line buffer, with a mark while it is in use. The mark is not there for other CPUs or interrupts, of which there
/// are none, but for a `Display` that prints, or panics, in the middle of a line.
struct Shared {
    line: UnsafeCell<Line>,
    busy: AtomicBool,
}

// SAFETY: `line` is only reached through `with`, which admits one user at a time.
unsafe impl Sync for Shared {}

static OUT: Shared = Shared { line: UnsafeCell::new(Line::new()), busy: AtomicBool::new(false) };

impl Shared {
    /// Runs `f` on the line buffer, or returns `None` if that is in use.
    fn with<T>(&self, f: impl FnOnce(&mut Line) -> T) -> Option<T> {
        if self.busy.swap(true, Ordering::Acquire) {
            return None;
        }
        // SAFETY: `busy` was false and is true now, so this is the only reference until it is false again.
        let value = f(unsafe { &mut *self.line.get() });
        self.busy.store(false, Ordering::Release);
        Some(value)
    }
}

/// Writes all of `bytes`. An error has nobody to be told to: a console that does not work cannot say so.
fn send(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(bytes) {
            Ok(count) if count > 0 => bytes = bytes.get(count..).unwrap_or(&[]),
            _ => return,
        }
    }
}

struct Out;

impl fmt::Write for Out {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if OUT.with(|line| line.push(text.as_bytes(), &mut send)).is_none() {
            send(text.as_bytes());
        }
        Ok(())
    }
}

/// What `print!` and `println!` call.
#[doc(hidden)]
pub fn print_fmt(arguments: fmt::Arguments<'_>) {
    // `Out` never fails; a `Display` that does has said all it wanted to.
    let _ = fmt::write(&mut Out, arguments);
}

/// Sends printed text that still waits for the end of its line.
pub fn flush() {
    OUT.with(|line| line.flush(&mut send));
}

/// Writes `bytes` to the console at once, past the line buffer. Returns how many were taken: at most
/// [`CONSOLE_MAX_BYTES`](nex_abi::nex::CONSOLE_MAX_BYTES).
///
/// # Errors
///
/// [`Refused`] with "not supported" where there is no Nex.
pub fn write(bytes: &[u8]) -> Result<usize, Refused> {
    let args = [bytes.as_ptr().addr() as u32, bytes.len() as u32, 0];
    // SAFETY: Nex only reads, and only `bytes`.
    let [r0, ..] = unsafe { hypercall(nex::CONSOLE_WRITE, args) };
    check(r0).map(|count| count as usize)
}

/// Reads waiting console input to `buffer` and returns how many bytes came: 0 when nothing is waiting. Does not wait.
/// Sends unfinished lines first, so that a prompt is seen.
///
/// # Errors
///
/// [`Refused`] with "not supported" where there is no Nex.
pub fn read(buffer: &mut [u8]) -> Result<usize, Refused> {
    flush();
    let args = [buffer.as_mut_ptr().addr() as u32, buffer.len() as u32, 0];
    // SAFETY: Nex writes at most `buffer.len()` bytes, to `buffer`, which is borrowed exclusively.
    let [r0, ..] = unsafe { hypercall(nex::CONSOLE_READ, args) };
    check(r0).map(|count| count as usize)
}
