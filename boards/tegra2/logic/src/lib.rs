//! What the Tegra 2 board computes without touching a register, so that it can be tested on the host.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod counter;
pub mod oneshot;
pub mod options;
pub mod oscillator;
pub mod ram;
