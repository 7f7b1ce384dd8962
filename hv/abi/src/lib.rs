//! The hypercall ABI of Nex: numbers, errors and layouts shared by hypervisor and guests.
//!
//! This crate is the machine-readable half of the ABI. The other half, `docs/abi.md`, says what each call does. Both
//! sides use it: the hypervisor turns a raw function id into a [`Call`] at the edge and matches exhaustively, the guest
//! kit uses the same ids to make the call. There is no logic here beyond such conversions.
//!
//! # The conduit
//!
//! `hvc #0`, by the 32-bit form of the SMC Calling Convention (ARM DEN 0028, version 1.1): r0 holds the function id,
//! r1 to r3 the arguments; r0 to r3 hold the results. r0 of the result is, as an `i32`, zero or a count when the call
//! succeeded and one of [`CallError`] when it did not. r4 to lr, the CPSR and everything in r1 to r3 which the call's
//! description does not name as a result keep their values.
//!
//! | module | numbers | source |
//! | --- | --- | --- |
//! | [`smccc`] | `0x8000_0000`.. | ARM DEN 0028, Arm architecture service |
//! | [`psci`] | `0x8400_0000`.. | ARM DEN 0022, standard secure service |
//! | [`nex`] | `0x8600_0000`.. | ours, vendor-specific hypervisor service |
//! | [`platform`] | | the memory map and the state a domain starts in |
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod nex;
pub mod platform;
pub mod psci;
pub mod smccc;

mod call;
mod error;

pub use call::{Call, UnknownCall};
pub use error::{CallError, UnknownError};

#[cfg(test)]
mod tests;
