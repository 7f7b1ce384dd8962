//! CP15: domains, thread registers, control, address spaces, TLB, address translation.

use super::{empty, kernel_loop};
use crate::measure::{How, Loop, Row};
use crate::memory_map::{PAGES_VA, USER_DATA_VA};
use crate::mmu::{DACR_CLOSED, DACR_OPEN, Space};

const fn row(name: &'static str, run: Loop) -> Row {
    Row::new("cp15", name, 20_000, How::Net(run, empty))
}

pub(super) const ROWS: &[Row] = &[
    row("DACR read", dacr_read),
    row("DACR write, same", dacr_write).arguments([DACR_OPEN, DACR_OPEN, 0]).operations(2),
    // Closed, then open again.
    row("DACR write, changed", dacr_write).arguments([DACR_CLOSED, DACR_OPEN, 0]).operations(2),
    row("TPIDRPRW read", tpidrprw_read),
    row("TPIDRPRW write", tpidrprw_write),
    row("SCTLR read", sctlr_read),
    row("CONTEXTIDR change", contextidr)
        .arguments([Space::Second as u32, Space::First as u32, 0])
        .operations(2),
    row("TLBIMVA", tlbimva).arguments([USER_DATA_VA | Space::First as u32, 0, 0]),
    row("TLBIMVA and touch", tlbimva_touch).arguments([USER_DATA_VA | Space::First as u32, USER_DATA_VA, 0]),
    row("TLBIASID", tlbiasid).arguments([Space::First as u32, 0, 0]),
    row("TLBIALL", tlbiall),
    row("ATS1CPR and PAR", ats1cpr).arguments([PAGES_VA, 0, 0]),
];

kernel_loop! { dacr_read: "mrc p15, 0, r4, c3, c0, 0" }
kernel_loop! { dacr_write: "mcr p15, 0, r1, c3, c0, 0\nmcr p15, 0, r2, c3, c0, 0" }
kernel_loop! { tpidrprw_read: "mrc p15, 0, r4, c13, c0, 4" }
kernel_loop! { tpidrprw_write: "mcr p15, 0, r1, c13, c0, 4" }
kernel_loop! { sctlr_read: "mrc p15, 0, r4, c1, c0, 0" }
kernel_loop! { contextidr: "mcr p15, 0, r1, c13, c0, 1\nmcr p15, 0, r2, c13, c0, 1" }
kernel_loop! { tlbimva: "mcr p15, 0, r1, c8, c7, 1" }
kernel_loop! { tlbimva_touch: "mcr p15, 0, r1, c8, c7, 1\ndsb\nisb\nldr r4, [r2]" }
kernel_loop! { tlbiasid: "mcr p15, 0, r1, c8, c7, 2" }
kernel_loop! {
    /// What the program itself needs is dropped too, and comes back within the loop.
    tlbiall: "mcr p15, 0, r1, c8, c7, 0"
}
kernel_loop! { ats1cpr: "mcr p15, 0, r1, c7, c8, 0\nisb\nmrc p15, 0, r4, c7, c4, 0" }
