//! What is peculiar to ARMv7-A: boot, vectors, CP15, caches, world switch. No other module has assembly.

pub mod boot;
pub mod bulk;
pub mod cache;
pub mod cp15;
pub mod frame;
pub mod irq;
pub mod percpu;
pub mod switch;
pub mod vectors;

pub use boot::{BootArgs, WINDOW_BASE, boot_args};
pub use frame::Frame;
pub use percpu::{MAX_CPUS, PerCpu, this_cpu};
pub use vectors::{Trap, enter_guest};
