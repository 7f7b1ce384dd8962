//! What is peculiar to ARMv7-A: boot, vectors, CP15, caches, world switch. No other module has assembly.

pub mod boot;
pub mod bulk;
pub mod cache;
pub mod cp15;
pub mod debug;
pub mod frame;
pub mod irq;
pub mod percpu;
pub(crate) mod raw;
pub mod switch;
pub mod vectors;

pub use boot::{BootArgs, WINDOW_BASE, boot_args};
pub use frame::Frame;
pub use percpu::{MAX_CPUS, NO_GUEST, PerCpu, this_cpu};
pub use vectors::{Trap, enter_guest};

/// Shuts what User mode could reach without Nex and reset leaves unknown: VFP and NEON (CPACR), the generic timer's
/// counters and timers (CNTKCTL), the performance monitors (PMUSERENR). Once on each CPU.
pub fn close_to_user_mode() {
    // SAFETY: Nex itself uses none of these from User mode, and VFP and NEON not at all.
    unsafe {
        cp15::set_cpacr(0);
        cp15::set_pmuserenr(0);
        if cp15::has_generic_timer() {
            cp15::set_cntkctl(0);
        }
    }
    cp15::isb();
}
