//! Device registers: one load or store each. And the null hypercall.

use super::{empty, kernel_loop};
use crate::measure::{How, Loop, Row};
use crate::memory_map::{GICD, PL011};

const fn row(name: &'static str, run: Loop, register: u32, value: u32) -> Row {
    Row::new("device", name, 10_000, How::Net(run, empty)).arguments([register, value, 0])
}

pub(super) const ROWS: &[Row] = &[
    row("PL011 FR read", read, PL011 + 0x18, 0),
    row("PL011 IMSC write", write, PL011 + 0x38, 0),
    row("GICD_CTLR read", read, GICD, 0),
    // The priority that it has.
    row("GICD_IPRIORITYR write", write, GICD + 0x400, 0xa0a0_a0a0),
    Row::new("device", "HVC null", 10_000, How::Net(hvc, hvc_without)),
];

kernel_loop! { read: "ldr r4, [r1]" }
kernel_loop! { write: "str r2, [r1]" }
kernel_loop! {
    /// PSCI_VERSION. It returns in r0 to r3, so another register counts; natively QEMU itself answers.
    hvc: ".arch_extension virt", "mov r4, r0\nmov r0, #0x84000000\nhvc #0\nmov r0, r4"
}
kernel_loop! {
    /// The same without the call.
    hvc_without: "", "mov r4, r0\nmov r0, #0x84000000\nmov r0, r4"
}
