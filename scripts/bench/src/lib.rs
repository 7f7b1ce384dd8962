//! Runs benchmarks natively on QEMU and in a domain of Nex, and compares what the two print.
//!
//! Time is counted by QEMU's `-icount shift=0`: a nanosecond of the machine is an instruction. So a result is a number of
//! instructions, the same on every host and in every run.
//!
//! - [`suites`] says what is run: a kernel of its own, or a program in Linux.
//! - [`machine`] runs QEMU.
//! - [`console`] reads what the benchmark printed.
//! - [`results`] puts both sides together, as a table or as JSON.
//! - [`aims`] says how fast Nex wants to be.
//! - [`baseline`] finds what has become worse.
//! - [`docs`] puts the table into a page.

#![forbid(unsafe_code)]

pub mod aims;
pub mod baseline;
pub mod console;
pub mod docs;
pub mod machine;
pub mod results;
pub mod suites;
