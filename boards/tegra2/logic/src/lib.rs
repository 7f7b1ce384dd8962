//! What the Tegra 2 board does with registers and computes, without the addresses and instructions of the machine: so it
//! runs on the host, and is tested there register by register.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod clocks;
pub mod core1;
pub mod counter;
pub mod display;
pub mod gpio;
pub mod hwinfo;
pub mod l2;
pub mod lic;
pub mod oneshot;
pub mod options;
pub mod oscillator;
pub mod pmc;
pub mod ram;
pub mod regs;
pub mod scu;
pub mod tmr;
pub mod uarts;
