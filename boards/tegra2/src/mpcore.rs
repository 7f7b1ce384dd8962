//! What the Cortex-A9 MPCore r1 of the Tegra 2 needs before two cores may share memory: its errata's remedies, and the
//! snoop control unit ([`nex_tegra2_logic::scu`]).
//!
//! Everything is read first and written only where it differs: a loader may have done it. It is done from the probe and
//! not earlier because the console works then: should an access fault, the report says where. The errata concern cores
//! that work together or rare sequences that the code up to here does not have.
//!
//! All of this is for Secure state only; see [`nex_tegra2_logic::scu::is_secure`].

use core::arch::asm;

use nex_hv::arch::cp15;

const SCTLR_RR: u32 = 1 << 14;
/// Erratum 742230 (r1p0 to r2p2): a DMB may let later reads past it.
const DIAGNOSTIC_742230: u32 = 1 << 4;
/// Erratum 751472 (before r3p0): an interrupted broadcast ICIALLUIS may stay incomplete.
const DIAGNOSTIC_751472: u32 = 1 << 11;

/// Whether the running CPU is a Cortex-A9 before r3p0: MIDR part number 0xc09, variant below 3.
fn is_early_a9() -> bool {
    let midr = cp15::midr();
    midr >> 4 & 0xfff == 0xc09 && midr >> 20 & 0xf < 3
}

/// The running core's remedies. Each core calls it for itself, in Secure state.
pub fn init_core() {
    if !is_early_a9() {
        return;
    }
    let (sctlr, diagnostic): (u32, u32);
    // SAFETY: reads SCTLR and the A9's diagnostic register, which are there in Secure state.
    unsafe {
        asm!("mrc p15, 0, {}, c1, c0, 0", "mrc p15, 0, {}, c15, c0, 1", out(reg) sctlr, out(reg) diagnostic,
             options(nostack, preserves_flags));
    }
    // Erratum 716044 (r1): an uncached load multiple may deadlock, unless caches replace lines in turn (RR).
    let wanted = sctlr | SCTLR_RR;
    if wanted != sctlr {
        // SAFETY: changes only which cache line is replaced next.
        unsafe {
            asm!("mcr p15, 0, {}, c1, c0, 0", "isb", in(reg) wanted, options(nostack, preserves_flags))
        };
    }
    let wanted = diagnostic | DIAGNOSTIC_742230 | DIAGNOSTIC_751472;
    if wanted != diagnostic {
        // SAFETY: these bits only make barriers and broadcasts stricter.
        unsafe {
            asm!("mcr p15, 0, {}, c15, c0, 1", "dsb", "isb", in(reg) wanted, options(nostack, preserves_flags))
        };
    }
}

/// Writes this core's first-level data cache back and empties it, by set and way (DDI 0406C B2.2.7).
pub fn empty_l1() {
    cp15::dsb();
    let ccsidr: u32;
    // SAFETY: selects the first-level data cache and reads its geometry.
    unsafe {
        asm!("mcr p15, 2, {}, c0, c0, 0", "isb", "mrc p15, 1, {}, c0, c0, 0", in(reg) 0, out(reg) ccsidr,
             options(nostack, preserves_flags));
    }
    let set_shift = (ccsidr & 7) + 4;
    let last_way = ccsidr >> 3 & 0x3ff;
    let last_set = ccsidr >> 13 & 0x7fff;
    // A direct-mapped cache has no way bits; `leading_zeros` is 32 then, and the way 0.
    let way_shift = last_way.leading_zeros() & 31;
    for way in 0..=last_way {
        for set in 0..=last_set {
            // SAFETY: DCCISW: no location changes its value.
            unsafe {
                asm!("mcr p15, 0, {}, c7, c14, 2", in(reg) way << way_shift | set << set_shift,
                     options(nostack, preserves_flags));
            }
        }
    }
    cp15::dsb();
}
