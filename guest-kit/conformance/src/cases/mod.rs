//! The cases, a file for each topic.

mod ats;
mod conditional;
mod cp15;
mod cp15_access;
mod devices;
mod exceptions;
mod gic;
mod gic_signals;
mod memory;
mod mmu_long;
mod mmu_short;
mod mmu_split;
mod modes;
mod places;
mod pmu;
mod probe;
mod psr;
mod returns;
mod timer;
mod vfp;
mod vfp_results;
mod window;

use crate::harness::report::set_pass;
use crate::harness::tables::{Long, Short};

/// Runs all.
pub(crate) fn all() {
    cpu();
    cp15::cases();
    cp15_access::cases();
    pmu::cases();
    vfp::cases();
    vfp_results::cases();
    mmu_short::cases();
    mmu_split::cases();
    mmu_long::cases();
    ats::cases();
    memory::cases();
    places::cases();
    gic::cases();
    gic_signals::cases();
    timer::cases();
    devices::cases();
    // The CPU once more with the MMU on, which a virtual one may do in quite another way.
    set_pass("with-short-tables.");
    Short::new().setup().run(cpu);
    set_pass("with-long-tables.");
    Long::new().setup().run(cpu);
    set_pass("");
    window::cases();
}

/// What does not depend on the MMU.
fn cpu() {
    modes::cases();
    psr::cases();
    exceptions::cases();
    returns::cases();
    conditional::cases();
}
