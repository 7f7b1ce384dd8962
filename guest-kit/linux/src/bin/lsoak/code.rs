//! Code that is written while the program runs.

use nex_guest_linux::memory::{EXECUTE, Mapping, PRIVATE, READ, WRITE};
use nex_guest_linux::sys::Result;
use nex_guest_linux::thread::flush;

use crate::ensure;

/// MOVW r0, #number; BX LR.
fn function(number: u16) -> [u32; 2] {
    let number = u32::from(number);
    [0xe300_0000 | (number & 0xf000) << 4 | number & 0xfff, 0xe12f_ff1e]
}

/// Writes code and makes it what runs.
fn write(at: *mut u32, code: [u32; 2]) {
    // SAFETY: the callers' mappings have room there, and nothing runs in them meanwhile.
    unsafe {
        at.write_volatile(code[0]);
        at.add(1).write_volatile(code[1]);
    }
    flush(at.addr(), at.addr() + 8);
}

/// Calls code that [`write()`] has written.
fn call(at: *mut u32) -> u32 {
    // SAFETY: `write` put a function there that needs nothing and returns a number in r0.
    let code: extern "C" fn() -> u32 = unsafe { core::mem::transmute(at) };
    code()
}

/// A function that is written anew many times, while its page may be written and executed.
pub(super) fn modified(round: u32) -> Result<()> {
    let page = Mapping::new(1, READ | WRITE | EXECUTE, PRIVATE)?;
    for n in 0..200u32 {
        let number = (round.wrapping_mul(31) + n * 7) as u16;
        let at = page.page(0).wrapping_add((n as usize % 16) * 2);
        write(at, function(number));
        ensure(call(at) == number.into(), "old code ran")?;
        // The caller as code that is itself in a page written to.
        ensure(call(at) == number.into(), "code changed by itself")?;
    }
    Ok(())
}

/// As a JIT does it: a page is either writable or executable.
pub(super) fn moved(round: u32) -> Result<()> {
    let pages = Mapping::new(4, READ | WRITE, PRIVATE)?;
    for n in 0..10u16 {
        pages.protect(READ | WRITE)?;
        for page in 0..4 {
            write(pages.page(page), function(n * 4 + page as u16 + (round & 0xff) as u16));
        }
        pages.protect(READ | EXECUTE)?;
        for page in 0..4 {
            let expected = u32::from(n) * 4 + page as u32 + (round & 0xff);
            ensure(call(pages.page(page)) == expected, "old code ran after mprotect")?;
        }
    }
    Ok(())
}
