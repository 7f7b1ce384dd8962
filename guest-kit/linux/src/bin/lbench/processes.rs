//! Processes, pipes, and switches between them.

use nex_guest_linux::process;
use nex_guest_linux::sys::{self, Error, Fd, Pid, Result};

use crate::{Row, beside, repeated};

/// The argument with which this program ends at once.
pub(super) const EXIT: &str = "exit";

pub(super) const ROWS: &[Row] = &[
    Row::new("fork, exit, wait", 100, |count| {
        repeated(count, || process::wait_good(process::spawn(|| Ok(()))?))
    }),
    Row::new("fork, exec, exit, wait", 60, |count| {
        repeated(count, || {
            process::wait_good(process::spawn(|| {
                Err(process::exec(c"/proc/self/exe", &[c"lbench", c"exit"]))
            })?)
        })
    }),
    Row::new("pipe round trip", 2_000, pipe),
    Row::new("context switch, 2 processes", 2_000, |count| ring(count, 2)),
    Row::new("context switch, 8 processes", 2_000, |count| ring(count, 8)),
];

/// Passes one byte on; false at the end.
fn pass(from: Fd, to: Fd) -> Result<bool> {
    let mut byte = [0];
    Ok(sys::read(from, &mut byte)? == 1 && sys::write(to, &byte)? == 1)
}

/// A byte to another process and back.
fn pipe(count: u32) -> Result<u64> {
    let (ours, their_end) = sys::pipe()?;
    let (theirs, our_end) = sys::pipe()?;
    let echo = || {
        sys::close(our_end)?;
        while pass(theirs, their_end)? {}
        Ok(())
    };
    let round_trip = || {
        sys::write_all(our_end, &[1])?;
        match sys::read(ours, &mut [0])? {
            1 => Ok(()),
            _ => Err(Error::new("the other end of the pipe is gone")),
        }
    };
    let time = beside(echo, || (0..count).try_for_each(|_| round_trip()), || sys::close(our_end).map(drop));
    for fd in [ours, their_end, theirs] {
        sys::close(fd)?;
    }
    time
}

/// At most so many processes.
const MOST: usize = 8;

/// A byte goes round `size` processes, of which this is the first; one switch is one step. As lat_ctx of lmbench, with
/// nothing done between switches, and the pipes' own time not subtracted.
fn ring(switches: u32, size: usize) -> Result<u64> {
    let mut pipes = [(0, 0); MOST];
    let pipes = &mut pipes[..size];
    for pipe in pipes.iter_mut() {
        *pipe = sys::pipe()?;
    }
    let mut children: [Pid; MOST] = [0; MOST];
    // Process n reads from pipe n and writes to the next one; this one is process 0.
    for (n, child) in children.iter_mut().enumerate().take(size).skip(1) {
        *child = process::spawn(|| {
            let (from, to) = (pipes[n].0, pipes[(n + 1) % size].1);
            // A process that held another end of the ring open would not let it end.
            for fd in
                pipes.iter().flat_map(|&(read, write)| [read, write]).filter(|&fd| fd != from && fd != to)
            {
                sys::close(fd)?;
            }
            while pass(from, to)? {}
            Ok(())
        })?;
    }
    let rounds = switches / size as u32;
    let round = || {
        sys::write_all(pipes[1].1, &[1])?;
        match sys::read(pipes[0].0, &mut [0])? {
            1 => Ok(()),
            _ => Err(Error::new("the ring is broken")),
        }
    };
    round()?;
    let time = repeated(rounds, round)?;
    for fd in pipes.iter().flat_map(|&(read, write)| [read, write]) {
        sys::close(fd)?;
    }
    for &child in &children[1..size] {
        process::wait_good(child)?;
    }
    // Rounded down above, and asked for `switches`.
    Ok(time * u64::from(switches) / u64::from(rounds * size as u32))
}
