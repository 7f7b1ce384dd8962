//! The VFP registers.

use core::arch::global_asm;

use super::cp15::{cp15_read, cp15_write};

/// d0 to d31 as words, and FPSCR. What is not there stays 0.
pub(crate) struct Float {
    pub(crate) d: [u32; 64],
    pub(crate) fpscr: u32,
}

unsafe extern "C" {
    fn difftest_float_load(d: *const u32);
    fn difftest_float_store(d: *mut u32);
}

// r0 = 64 words. The unit must be on. MVFR0 says whether there are d16 to d31.
global_asm!(
    r#"
    .section .text.float, "ax", %progbits
    .arm
    .fpu neon
    .global difftest_float_load
difftest_float_load:
    vldmia  r0!, {{d0-d15}}
    vmrs    r1, mvfr0
    and     r1, r1, #0xf
    cmp     r1, #2
    bxne    lr
    vldmia  r0!, {{d16-d31}}
    bx      lr
    .global difftest_float_store
difftest_float_store:
    vstmia  r0!, {{d0-d15}}
    vmrs    r1, mvfr0
    and     r1, r1, #0xf
    cmp     r1, #2
    bxne    lr
    vstmia  r0!, {{d16-d31}}
    bx      lr
"#
);

/// CPACR and FPEXC as they are.
pub(crate) fn control() -> (u32, u32) {
    let cpacr = cp15_read!(0, c1, c0, 2);
    cp15_write!(0, c1, c0, 2, 0x00f0_0000);
    let fpexc: u32;
    // SAFETY: coprocessors 10 and 11 are on; reading changes nothing.
    unsafe { core::arch::asm!(".fpu neon", "vmrs {}, fpexc", out(reg) fpexc, options(nostack)) };
    (cpacr, fpexc)
}

/// Sets CPACR and FPEXC.EN; the unit's use by Rust code is not compiled in.
pub(crate) fn set_control(cpacr: u32, on: bool) {
    cp15_write!(0, c1, c0, 2, 0x00f0_0000);
    let fpexc = u32::from(on) << 30;
    // SAFETY: as above; no Rust code uses the unit.
    unsafe { core::arch::asm!(".fpu neon", "vmsr fpexc, {}", "isb", in(reg) fpexc, options(nostack)) };
    cp15_write!(0, c1, c0, 2, cpacr);
}

impl Float {
    /// What is in the unit. Leaves it on.
    pub(crate) fn read() -> Self {
        set_control(0x00f0_0000, true);
        let mut float = Self { d: [0; 64], fpscr: 0 };
        // SAFETY: the unit is on, and there is room for all of it.
        unsafe {
            core::arch::asm!(".fpu neon", "vmrs {}, fpscr", out(reg) float.fpscr, options(nostack));
            difftest_float_store(float.d.as_mut_ptr());
        }
        float
    }

    /// Puts it into the unit. Leaves it on.
    pub(crate) fn write(&self) {
        set_control(0x00f0_0000, true);
        // SAFETY: the unit is on, and these are its 64 words; no Rust code keeps anything in it.
        unsafe {
            core::arch::asm!(".fpu neon", "vmsr fpscr, {}", in(reg) self.fpscr, options(nostack));
            difftest_float_load(self.d.as_ptr());
        }
    }
}
