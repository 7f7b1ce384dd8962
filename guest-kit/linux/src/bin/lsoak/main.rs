//! Uses a Linux kernel in many ways and checks every result: to be run for long, in several domains at once.
//!
//!     lsoak rounds N      N rounds of all checks
//!     lsoak seconds N     rounds until N seconds of CLOCK_MONOTONIC have passed
//!     lsoak forks N       N forks and N execs, no other check
//!     lsoak crash         ends by SIGSEGV, for a core dump
//!
//! The last line is `soak: N checks, N failed`; every failure has a line of its own before.

#![no_std]
#![no_main]

use nex_guest_linux::sys::{self, Error};
use nex_guest_linux::{Arguments, Result, entry, println};

mod code;
mod float;
mod memory;
mod processes;
mod signals;
mod threads;
mod timers;
mod tracing;

entry!("soak", main);

/// Something that must come out right; the number of the round makes it differ from the last time.
type Check = fn(u32) -> Result<()>;

const CHECKS: &[(&str, Check)] = &[
    ("forks and execs", processes::forks_and_execs),
    ("a tree of processes", processes::tree),
    ("data through pipes", processes::pipes),
    ("copy on write", memory::copy_on_write),
    ("a sparse mapping of 1 GiB", memory::sparse),
    ("protection", memory::protection),
    ("pages given back", memory::pressure),
    ("a file's mapping", memory::file),
    ("killed by a signal", signals::killed),
    ("handlers", signals::handlers),
    ("faults repaired by a handler", signals::repaired),
    ("breakpoints", tracing::breakpoints),
    ("system calls watched", tracing::system_calls),
    ("floating point in a traced process", tracing::float),
    ("self-modifying code", code::modified),
    ("code moved between pages", code::moved),
    ("VFP and NEON registers across switches", float::registers),
    ("floating-point results in many processes", float::results),
    ("NEON against integers", float::neon),
    ("threads and a lock", threads::lock),
    ("futex between processes", threads::ping_pong),
    ("an interval timer", timers::interval),
    ("the clock", timers::clock),
];

fn main(arguments: Arguments) -> Result<()> {
    float::HWCAP.store(arguments.hwcap(), core::sync::atomic::Ordering::Relaxed);
    let number = arguments.number(2, 1);
    let rounds = match arguments.text(1) {
        processes::EXEC => return processes::executed(number),
        "crash" => signals::crash(),
        "forks" => {
            (0..number.div_ceil(processes::EACH)).try_for_each(processes::forks_and_execs)?;
            println!("soak: {number} forks and execs");
            return Ok(());
        }
        "rounds" => Some(number),
        "seconds" => None,
        _ => return Err(Error::new("usage: lsoak rounds N, lsoak seconds N, lsoak forks N, lsoak crash")),
    };
    let start = sys::now()?;
    let over = |round: u32| -> Result<bool> {
        match rounds {
            Some(rounds) => Ok(round >= rounds),
            None => Ok(sys::now()? - start >= u64::from(number) * 1_000_000_000),
        }
    };
    let (mut done, mut failed, mut round) = (0, 0, 0);
    while !over(round)? {
        for (name, check) in CHECKS {
            done += 1;
            if let Err(error) = check(round) {
                failed += 1;
                println!("soak: {name}, round {round}: {error}");
            }
        }
        round += 1;
    }
    println!("soak: floating-point result {:016x}", float::result());
    println!("soak: {done} checks, {failed} failed");
    if failed == 0 { Ok(()) } else { sys::exit(1) }
}

/// Fails with `what` unless it is so.
fn ensure(is: bool, what: &'static str) -> Result<()> {
    if is { Ok(()) } else { Err(Error::new(what)) }
}

/// Numbers that look random: xorshift32.
fn next(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}
