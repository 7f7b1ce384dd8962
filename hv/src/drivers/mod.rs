//! Drivers for ARM's own and other common blocks, which boards put together. They know registers, not addresses.

pub mod fw_cfg;
pub mod generic_timer;
pub mod gic;
mod mmio;
pub mod ns16550;
pub mod pl011;
pub mod psci;
pub mod ramfb;
pub mod semihosting;

pub use mmio::Mmio;
