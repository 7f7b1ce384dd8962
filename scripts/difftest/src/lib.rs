//! Runs random cases natively on QEMU and as the only domain of Nex, and finds the first one that differs.
//!
//! The guest (`guest-kit/difftest`) makes the cases by itself from a seed, so the host only says which ones and compares.
//!
//! - [`guest`] puts the parameters into the guest's file.
//! - [`machine`] runs QEMU on either side.
//! - [`console`] reads what the guest printed.
//! - [`search`] finds a differing case, and [`report`] shows it.

#![forbid(unsafe_code)]

pub mod console;
pub mod guest;
pub mod machine;
pub mod report;
pub mod search;
