//! What the cases stand on. All `unsafe` of this program is here or in the instructions of the cases themselves.
//!
//! - [`code`]: the instructions of a case, in A32 or T32.
//! - [`run`]: runs them in any mode with any registers until an exception, and returns the whole state of the CPU.
//! - [`vectors`]: the vector tables that catch that exception.
//! - [`report`]: counts and prints.
//! - [`cp15`], [`mmio`], [`layout`], [`tables`]: registers, devices, memory, page tables.

pub(crate) mod code;
pub(crate) mod cp15;
pub(crate) mod gic;
pub(crate) mod layout;
pub(crate) mod mmio;
pub(crate) mod psci;
pub(crate) mod report;
pub(crate) mod run;
mod start;
pub(crate) mod tables;
pub(crate) mod vectors;
