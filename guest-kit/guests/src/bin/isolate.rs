//! Fills all of its free memory with a pattern of its own, sleeps while others do the same, and looks whether every word is
//! still its own. Before that, checks that the memory was all zero: nothing left over from anybody else.
//!
//! Options: `id=N`, different for each domain (default 1); `sleep=N` milliseconds in between (default 100).
#![no_std]
#![no_main]

use core::fmt;
use core::ops::Range;

use nex_guest::{Context, DeviceTreeError, NotANumber, entry, println, sleep_ms};

entry!(main);

fn main(ctx: &Context) -> Result<(), Failure> {
    let id = ctx.number("id", 1)? as u32;
    let pause_ms = ctx.number("sleep", 100)?.min(60_000) as u32;
    let free = ctx.free_memory()?;

    check(&free, "at the start", |_| 0)?;
    println!("isolate: id {id}: all zero at the start, writing");
    for address in words(&free) {
        // SAFETY: `free_memory` is RAM that nothing in this program uses.
        unsafe { word(address).write_volatile(pattern(id, address)) };
    }
    sleep_ms(pause_ms);
    check(&free, "after the sleep", |address| pattern(id, address))?;
    println!("isolate: id {id}: memory is mine: {} KiB checked", free.len() / 1024);
    Ok(())
}

/// Different for each id and each address, and never zero for a small id.
fn pattern(id: u32, address: u32) -> u32 {
    address ^ id.wrapping_mul(0x9e37_79b9)
}

fn words(range: &Range<u32>) -> impl Iterator<Item = u32> + use<> {
    range.clone().step_by(4)
}

fn word(address: u32) -> *mut u32 {
    core::ptr::with_exposed_provenance_mut(address as usize)
}

/// Compares every word with what `expected` says of its address.
fn check(range: &Range<u32>, when: &'static str, expected: impl Fn(u32) -> u32) -> Result<(), Failure> {
    for address in words(range) {
        // SAFETY: as in `main`.
        let found = unsafe { word(address).read_volatile() };
        let expected = expected(address);
        if found != expected {
            return Err(Failure::Differs { when, address, expected, found });
        }
    }
    Ok(())
}

enum Failure {
    Option(NotANumber<'static>),
    DeviceTree(DeviceTreeError),
    Differs { when: &'static str, address: u32, expected: u32, found: u32 },
}

impl From<NotANumber<'static>> for Failure {
    fn from(error: NotANumber<'static>) -> Failure {
        Failure::Option(error)
    }
}

impl From<DeviceTreeError> for Failure {
    fn from(error: DeviceTreeError) -> Failure {
        Failure::DeviceTree(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Option(error) => error.fmt(f),
            Failure::DeviceTree(error) => error.fmt(f),
            Failure::Differs { when, address, expected, found } => {
                write!(f, "isolate: {when}, {address:#x} holds {found:#010x}, expected {expected:#010x}")
            }
        }
    }
}
