//! The floating-point unit.

use super::{empty, kernel_loop};
use crate::measure::{How, Row};
use crate::memory_map::FRAMES;
use crate::vectors::{Vector, enable_floating_point};

pub(super) const ROWS: &[Row] = &[
    Row::new("float", "VFP registers switched", 5000, How::Net(switch, empty)).arguments([
        FRAMES,
        FRAMES + 512,
        0,
    ]),
    Row::new("float", "VFP used while disabled", 5000, How::Net(use_disabled, empty))
        .handler(Vector::Undefined, enable_floating_point),
    Row::new("float", "loop of 5 million", 500_000, How::Whole(compute)).operations(10),
];

kernel_loop! {
    /// Enables the unit, saves all registers at r1, loads them from r2 on, and disables it, as a kernel does that
    /// switches between two processes which both use it. Whether there are d16 to d31 is asked once (MVFR0).
    switch: ".fpu neon-vfpv4\nmov r4, #1 << 30\nmov r5, #0\nvmrs r8, mvfr0\nand r8, r8, #0xf",
    "vmsr fpexc, r4
     mov r6, r1
     vstmia r6!, {{d0-d15}}
     cmp r8, #2
     bne 7f
     vstmia r6!, {{d16-d31}}
     vmrs r7, fpscr
     mov r6, r2
     vldmia r6!, {{d0-d15}}
     vldmia r6!, {{d16-d31}}
     b 8f
     7: vmrs r7, fpscr
     mov r6, r2
     vldmia r6!, {{d0-d15}}
     8: vmsr fpscr, r7
     vmsr fpexc, r5"
}

kernel_loop! {
    /// The unit is off: the handler turns it on, and it is turned off again.
    use_disabled: ".fpu neon-vfpv4\nmov r5, #0\nvmsr fpexc, r5", "vadd.f64 d0, d0, d1\nvmsr fpexc, r5"
}

kernel_loop! {
    /// Ten instructions a pass.
    compute: ".fpu neon-vfpv4
     mov r4, #1 << 30
     vmsr fpexc, r4
     vmov.f64 d0, #1.0
     vmov.f64 d1, #1.5
     vmov.f64 d2, #0.5
     vmov.f64 d3, #2.0",
    "vmul.f64 d4, d0, d1
     vadd.f64 d5, d4, d2
     vdiv.f64 d6, d5, d3
     vsub.f64 d7, d6, d2
     vmla.f64 d7, d4, d2
     vmul.f64 d0, d7, d2
     vadd.f64 d0, d0, d2
     vsqrt.f64 d0, d0",
    "mov r5, #0\nvmsr fpexc, r5"
}
