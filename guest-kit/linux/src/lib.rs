//! Programs for Linux on 32-bit ARM, without a C library and without a cross compiler for C: `no_std` programs for
//! `armv7a-none-eabi` that make their own system calls.
//!
//! - [`entry!`] says where a program begins.
//! - [`sys`] has the system calls, one function for each that is used.
//! - [`process`] starts processes and waits for them.
//! - [`memory`] maps memory.
//! - [`thread`] has threads and futexes, [`trace`] ptrace.
//! - [`print`] writes text.
//!
//! Numbers and structures are those of the kernel's own interface (`arch/arm/tools/syscall.tbl`, `include/uapi`), which
//! differ from those of a C library here and there.

#![no_std]

pub mod memory;
pub mod print;
pub mod process;
pub mod start;
pub mod sys;
pub mod thread;
pub mod trace;

pub use start::Arguments;
pub use sys::{Error, Result};
