//! The VFP and Advanced SIMD unit: switching it on and off, and its registers (DDI 0406C A2.6, B1.11).
//!
//! Nex's own code is compiled without it.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering};

use super::cp15;

/// The registers of one vCPU.
#[repr(C, align(8))]
pub struct Bank {
    d: [u64; 32],
    fpscr: u32,
}

impl Bank {
    /// As after reset, for what reset leaves unknown.
    pub const ZERO: Bank = Bank { d: [0; 32], fpscr: 0 };

    /// d0 to d31.
    pub fn d_mut(&mut self) -> &mut [u64; 32] {
        &mut self.d
    }
}

const EN: u32 = 1 << 30;
const CP10_CP11: u32 = 0xf << 20;

/// FPEXC.EN as last written: reading it costs more than looking here.
static ON: AtomicBool = AtomicBool::new(false);

/// Whether there are d16 to d31.
static HAS_D32: AtomicBool = AtomicBool::new(false);

/// Lets coprocessors 10 and 11 through, and switches the unit off. Once on each CPU that has it.
pub fn init() {
    restrict(0);
    switch(false);
    let (_, mvfr) = identify();
    HAS_D32.store(mvfr[0] & 0xf == 2, Ordering::Relaxed);
}

/// FPSID, MVFR0 and MVFR1.
pub fn identify() -> (u32, [u32; 2]) {
    let (fpsid, mvfr0, mvfr1): (u32, u32, u32);
    // SAFETY: reads identification registers, which PL1 may while CPACR lets coprocessor 10 through.
    unsafe {
        asm!(".fpu neon-vfpv3", "vmrs {}, fpsid", "vmrs {}, mvfr0", "vmrs {}, mvfr1",
             out(reg) fpsid, out(reg) mvfr0, out(reg) mvfr1, options(nomem, nostack, preserves_flags));
    }
    (fpsid, [mvfr0, mvfr1])
}

/// Whether it is on.
#[inline(always)]
pub fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Switches it on or off for User mode: FPEXC.EN.
pub fn switch(on: bool) {
    // SAFETY: Nex does not use the unit itself.
    unsafe {
        asm!(".fpu neon-vfpv3", "vmsr fpexc, {}", in(reg) if on { EN } else { 0 }, options(nostack, preserves_flags));
    }
    ON.store(on, Ordering::Relaxed);
}

/// Sets CPACR: full access, but for the bits D32DIS and ASEDIS in `disabled`.
pub fn restrict(disabled: u32) {
    // SAFETY: Nex does not use the unit itself.
    unsafe { cp15::set_cpacr(CP10_CP11 | disabled) };
    cp15::isb();
}

/// Stores the registers. `d32`: all 32, else 16.
///
/// # Safety
/// The unit is on. `to` is a bank that nobody else uses.
pub unsafe fn save(to: *mut Bank, d32: bool) {
    // SAFETY: by the caller's promise; the high registers are touched only where they exist.
    unsafe {
        let mut at = to;
        asm!(".fpu neon-vfpv3", "vstmia {0}!, {{d0-d15}}", inout(reg) at, options(nostack, preserves_flags));
        if d32 {
            asm!(".fpu neon-vfpv3", "vstmia {0}, {{d16-d31}}", in(reg) at, options(nostack, preserves_flags));
        }
        let fpscr: u32;
        asm!(".fpu neon-vfpv3", "vmrs {}, fpscr", out(reg) fpscr, options(nostack, preserves_flags));
        (*to).fpscr = fpscr;
    }
}

/// Loads the registers.
///
/// # Safety
/// As for [`save`].
pub unsafe fn load(from: *const Bank, d32: bool) {
    // SAFETY: as for `save`. No compiled code has anything in the registers.
    unsafe {
        let mut at = from;
        asm!(".fpu neon-vfpv3", "vldmia {0}!, {{d0-d15}}", inout(reg) at, options(nostack, preserves_flags));
        if d32 {
            asm!(".fpu neon-vfpv3", "vldmia {0}, {{d16-d31}}", in(reg) at, options(nostack, preserves_flags));
        }
        asm!(".fpu neon-vfpv3", "vmsr fpscr, {}", in(reg) (*from).fpscr, options(nostack, preserves_flags));
    }
}

/// Copies the D registers out.
///
/// # Safety
/// The unit is on.
pub unsafe fn read(d: &mut [u64; 32]) {
    // SAFETY: the array has room for all of them.
    unsafe {
        let mut at = d.as_mut_ptr();
        asm!(".fpu neon-vfpv3", "vstmia {0}!, {{d0-d15}}", inout(reg) at, options(nostack, preserves_flags));
        if HAS_D32.load(Ordering::Relaxed) {
            asm!(".fpu neon-vfpv3", "vstmia {0}, {{d16-d31}}", in(reg) at, options(nostack, preserves_flags));
        }
    }
}

/// Copies the D registers in.
///
/// # Safety
/// The unit is on.
pub unsafe fn write(d: &[u64; 32]) {
    // SAFETY: as for `read`.
    unsafe {
        let mut at = d.as_ptr();
        asm!(".fpu neon-vfpv3", "vldmia {0}!, {{d0-d15}}", inout(reg) at, options(nostack, preserves_flags));
        if HAS_D32.load(Ordering::Relaxed) {
            asm!(".fpu neon-vfpv3", "vldmia {0}, {{d16-d31}}", in(reg) at, options(nostack, preserves_flags));
        }
    }
}
