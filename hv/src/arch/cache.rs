//! TLB and cache maintenance, written for the Cortex-A9 (QEMU models neither caches nor most TLB rules).
//!
//! - Table writes: the walker of a core with ID_MMFR3.CohWalk = 1 (Cortex-A9, A7, A15) looks into the data cache, so a
//!   DSB is enough; otherwise the line is cleaned to the point of unification first (DDI 0406C B3.10.1, "TLB
//!   maintenance operations and the memory order model").
//! - A change from fault to valid needs no TLB maintenance, since faulting entries are never cached (B3.9.3); the DSB and
//!   ISB make the new entry visible to this CPU's next access. Every other change is followed by an invalidation.
//! - Invalidation by address uses the all-ASID form: it drops global entries as well, and its broadcast variant is the
//!   one that Cortex-A9 erratum 720789 leaves usable.
//! - Code written by the CPU (a guest's image): data lines are cleaned to the point of unification, then the whole
//!   instruction cache and branch predictor are dropped: the A9's instruction cache is virtually indexed, so an
//!   operation by one address need not reach the guest's alias of the line (DDI 0388 7.2; B2.2.6).

use super::cp15;

/// Makes table entries just written visible to the table walker, before they may be used.
///
/// `entries` is where they are, in Nex's address space.
pub fn publish_tables(entries: core::ops::Range<u32>) {
    if !cp15::walks_are_coherent() {
        for_each_line(entries, cp15::dccmvau);
    }
    cp15::dsb();
    cp15::isb();
}

/// Drops this CPU's translations of `pages` pages at `va`, in all address spaces. Long ranges drop everything.
pub fn invalidate_tlb(va: u32, pages: u32) {
    cp15::dsb();
    if pages > 32 {
        cp15::tlbiall(0);
    } else {
        for n in 0..pages {
            cp15::tlbimvaa(va.wrapping_add(n * 4096) & !0xfff);
        }
    }
    cp15::bpiall(0);
    cp15::dsb();
    cp15::isb();
}

/// Drops this CPU's non-global translations of one address space.
pub fn invalidate_asid(asid: u8) {
    cp15::dsb();
    cp15::tlbiasid(asid as u32);
    cp15::bpiall(0);
    cp15::dsb();
    cp15::isb();
}

/// Drops all of this CPU's translations.
pub fn invalidate_all_tlb() {
    cp15::dsb();
    cp15::tlbiall(0);
    cp15::bpiall(0);
    cp15::dsb();
    cp15::isb();
}

/// First half of making bytes just written at `range` (Nex's addresses, mapped) fetchable as instructions: cleans them
/// to the point of unification. [`drop_fetched`] is the second.
pub fn clean_for_fetch(range: core::ops::Range<u32>) {
    for_each_line(range, cp15::dccmvau);
}

/// Second half: forgets instructions and predictions fetched before.
pub fn drop_fetched() {
    cp15::dsb();
    cp15::iciallu(0);
    cp15::bpiall(0);
    cp15::dsb();
    cp15::isb();
}

fn for_each_line(range: core::ops::Range<u32>, operation: impl Fn(u32)) {
    let line_bytes = cp15::data_line_bytes();
    let mut at = range.start & !(line_bytes - 1);
    // Eight at a time, as long as they fit: images are some megabytes.
    while range.end.saturating_sub(at) >= 8 * line_bytes {
        for _ in 0..8 {
            operation(at);
            at = at.wrapping_add(line_bytes);
        }
    }
    while at < range.end {
        operation(at);
        let Some(next) = at.checked_add(line_bytes) else { break };
        at = next;
    }
}
