//! The cases, a file for each topic.

mod ats;
mod conditional;
mod cp15;
mod devices;
mod exceptions;
mod gic;
mod memory;
mod mmu_long;
mod mmu_short;
mod mmu_split;
mod modes;
mod probe;
mod psr;
mod returns;
mod timer;
mod vfp;

/// Runs all.
pub(crate) fn all() {
    cpu();
    mmu_short::cases();
    mmu_split::cases();
    mmu_long::cases();
    ats::cases();
    memory::cases();
    gic::cases();
    timer::cases();
    devices::cases();
}

/// What does not depend on the MMU.
fn cpu() {
    modes::cases();
    psr::cases();
    exceptions::cases();
    returns::cases();
    conditional::cases();
    cp15::cases();
    vfp::cases();
}
