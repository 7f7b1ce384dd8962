//! Measures what a Linux kernel's services cost, natively and in a domain: the Linux part of `make bench`.
//!
//!     lbench GROUP [boot]
//!
//! prints the rows that `scripts/bench` reads, all in GROUP; with `boot` also the time since the machine was reset. Times are
//! those of CLOCK_MONOTONIC, by a system call: with QEMU's `-icount shift=0` a nanosecond is an instruction.
//!
//! Every row runs once to warm up, and then it is measured.

#![no_std]
#![no_main]

use nex_guest_linux::{Arguments, Result, entry, println, process, sys};

mod compute;
mod files;
mod memory;
mod processes;
mod switches;

entry!("bench", main);

/// What is measured.
struct Row {
    name: &'static str,
    /// How often it is done: some ten million instructions.
    operations: u32,
    /// What one round counts as in the table.
    scale: u32,
    /// Does it so often; returns nanoseconds.
    run: fn(u32) -> Result<u64>,
}

impl Row {
    const fn new(name: &'static str, operations: u32, run: fn(u32) -> Result<u64>) -> Self {
        Self { name, operations, scale: 1, run }
    }

    /// One operation is counted as so many.
    const fn scale(mut self, scale: u32) -> Self {
        self.scale = scale;
        self
    }
}

const GROUPS: [&[Row]; 5] = [switches::ROWS, memory::ROWS, processes::ROWS, files::ROWS, compute::ROWS];

fn main(arguments: Arguments) -> Result<()> {
    // What `processes` runs in a child.
    if arguments.text(1) == processes::EXIT {
        return Ok(());
    }
    let group = match arguments.text(1) {
        "" => "linux",
        group => group,
    };
    println!("bench: begin 1000000000");
    let mut count = 0;
    if arguments.text(2) == "boot" {
        println!("row {group} boot {} 1", switches::since_reset()?);
        count += 1;
    }
    sys::no_timer_slack()?;
    files::prepare()?;
    for row in GROUPS.into_iter().flatten() {
        (row.run)(row.operations.div_ceil(8))?;
        // What was printed must be out before the clock starts.
        sys::drain(sys::STDOUT)?;
        let nanoseconds = (row.run)(row.operations)?;
        println!("row {group} {} {nanoseconds} {}", row.name, row.operations * row.scale);
        count += 1;
    }
    files::clean()?;
    println!("bench: end {count}");
    sys::drain(sys::STDOUT)
}

/// Nanoseconds that `work` takes. Marked for the profiler.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<u64> {
    sys::mark_begin();
    let start = sys::now()?;
    work()?;
    let time = sys::now()? - start;
    sys::mark_end();
    Ok(time)
}

/// Nanoseconds that `work` takes, done `count` times.
fn repeated(count: u32, mut work: impl FnMut() -> Result<()>) -> Result<u64> {
    timed(|| (0..count).try_for_each(|_| work()))
}

/// Lets a child do `work` while `meanwhile` is measured; the child must end well.
fn beside(
    work: impl FnOnce() -> Result<()>,
    meanwhile: impl FnOnce() -> Result<()>,
    finish: impl FnOnce() -> Result<()>,
) -> Result<u64> {
    let child = process::spawn(work)?;
    let time = timed(meanwhile)?;
    finish()?;
    process::wait_good(child)?;
    Ok(time)
}
