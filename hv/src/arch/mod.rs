//! What is peculiar to ARMv7-A: boot, vectors, CP15, caches, world switch. No other module has assembly.

pub mod boot;
pub mod bulk;
pub mod cache;
pub mod cp15;
pub mod debug;
mod fast;
pub mod float;
pub mod frame;
pub mod guest;
pub mod irq;
pub mod percpu;
pub(crate) mod raw;
pub mod switch;
pub mod vectors;

pub use boot::{BootArgs, WINDOW_BASE, boot_args};
pub use frame::Frame;
pub use percpu::{MAX_CPUS, NO_GUEST, PerCpu, this_cpu};
pub use vectors::Trap;

/// The domain (DDI 0406C B3.5) of everything that Nex maps for itself, always a client: so DACR may hold what a guest needs
/// for its own domains while Nex runs. The highest, since guests begin with the low ones.
pub const NEX_DOMAIN: u8 = 15;

/// Shuts what User mode could reach without Nex and reset leaves unknown: VFP and NEON (FPEXC), the generic timer's
/// counters and timers (CNTKCTL), the performance monitors (PMUSERENR), ThumbEE's handler base (TEECR). Once on each CPU.
pub fn close_to_user_mode() {
    // SAFETY: Nex itself uses none of these from User mode, and VFP and NEON not at all.
    unsafe {
        cp15::set_pmuserenr(0);
        if cp15::has_generic_timer() {
            cp15::set_cntkctl(0);
        }
        if cp15::has_thumb_ee() {
            // XED: the register would be one for all domains.
            cp15::set_teecr(1);
        }
    }
    cp15::isb();
    float::init();
}

/// SCTLR.A: whether every unaligned access faults (DDI 0406C A3.2.1). The guest's wish; Nex's own code makes none, as its
/// target is strictly aligned.
pub fn set_strict_alignment(strict: bool) {
    const A: u32 = 1 << 1;
    let (now, bit) = (cp15::sctlr(), if strict { A } else { 0 });
    if now & A != bit {
        // SAFETY: changes nothing but that check.
        unsafe { cp15::set_sctlr(now & !A | bit) };
        cp15::isb();
    }
}
