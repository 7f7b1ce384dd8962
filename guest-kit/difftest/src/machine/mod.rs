//! The machine and the CPU, as far as the cases need them.

pub(crate) mod console;
pub(crate) mod cp15;
pub(crate) mod float;
pub(crate) mod layout;
pub(crate) mod mmio;
pub(crate) mod psci;
mod start;
pub(crate) mod state;
pub(crate) mod vectors;
