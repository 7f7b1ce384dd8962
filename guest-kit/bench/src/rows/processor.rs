//! Status registers and modes.

use super::{empty, kernel_loop};
use crate::measure::{How, Row};

const fn row(name: &'static str, run: crate::measure::Loop) -> Row {
    Row::new("cpu", name, 50_000, How::Net(run, empty))
}

pub(super) const ROWS: &[Row] = &[
    row("MRS CPSR", mrs_cpsr),
    row("CPSID", cpsid),
    row("CPSIE", cpsie),
    row("MSR CPSR_c", msr_cpsr),
    row("interrupts off and restored", save_restore),
    row("MRS SPSR", mrs_spsr),
    row("MSR SPSR", msr_spsr),
    row("mode switch pair, CPS", cps_pair),
    row("mode switch pair, MSR", msr_pair),
];

kernel_loop! { mrs_cpsr: "mrs r4, cpsr" }
kernel_loop! { cpsid: "cpsid i" }
kernel_loop! { cpsie: "", "cpsie i", "cpsid i" }
kernel_loop! {
    /// Writes what is there already: SVC mode, interrupts masked.
    msr_cpsr: "mrs r4, cpsr", "msr cpsr_c, r4"
}
kernel_loop! {
    /// `local_irq_save` and `local_irq_restore` of Linux, from enabled to enabled: three instructions.
    save_restore: "cpsie i", "mrs r4, cpsr\ncpsid i\nmsr cpsr_c, r4", "cpsid i"
}
kernel_loop! { mrs_spsr: "mrs r4, spsr" }
kernel_loop! { msr_spsr: "mov r4, #0x10", "msr spsr_cxsf, r4" }
kernel_loop! {
    /// To IRQ mode and back to SVC mode.
    cps_pair: "cps #0x12\ncps #0x13"
}
kernel_loop! {
    /// The same, with interrupts masked in both.
    msr_pair: "mrs r5, cpsr\nbic r4, r5, #0x1f\norr r4, r4, #0x12", "msr cpsr_c, r4\nmsr cpsr_c, r5"
}
