//! Second-level tables: which entries a range touches, and how they are written.

use core::ops::Range;

use super::TableMemory;
use crate::addr::{Hpa, LARGE_BYTES, PAGE_BYTES, SECTION_BYTES};
use crate::desc::{Attrs, L2Desc};

/// Entries in a second-level table.
pub(super) const L2_ENTRIES: u32 = 256;
/// Equal entries that make up a large page.
pub(super) const PAGES_IN_LARGE: u32 = LARGE_BYTES / PAGE_BYTES;

/// The part of a range that lies in one megabyte.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// Which megabyte: 0..=4095.
    pub(super) mib: u32,
    /// First page within it: 0..=255.
    pub(super) first: u32,
    /// Pages: 1..=256.
    pub(super) count: u32,
}

impl Part {
    pub(super) fn is_whole(self) -> bool {
        self.count == L2_ENTRIES
    }

    /// Numbers of the pages within the megabyte.
    pub(super) fn pages(self) -> Range<u32> {
        self.first..self.first + self.count
    }

    pub(super) fn va(self) -> u32 {
        self.va_of(self.first)
    }

    /// Virtual address of the page with this number within the megabyte.
    pub(super) fn va_of(self, page: u32) -> u32 {
        self.mib * SECTION_BYTES + page * PAGE_BYTES
    }
}

/// Cuts a range of pages at megabytes.
#[derive(Clone)]
pub(super) struct Parts {
    next: u32,
    end: u32,
}

impl Parts {
    /// The `count` pages from page number `first`; both at most 2^20, and so is their sum.
    pub(super) fn new(first: u32, count: u32) -> Self {
        Self { next: first, end: first + count }
    }
}

impl Iterator for Parts {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        if self.next >= self.end {
            return None;
        }
        let first = self.next % L2_ENTRIES;
        let count = (L2_ENTRIES - first).min(self.end - self.next);
        let part = Part { mib: self.next / L2_ENTRIES, first, count };
        self.next += count;
        Some(part)
    }
}

/// Address of an entry of a second-level table.
#[inline]
pub(super) fn entry(l2: Hpa, page: u32) -> Hpa {
    l2.wrapping_add(page * 4)
}

/// Whether an entry of either level maps nothing; software may use its other bits.
#[inline]
pub(super) fn is_fault(raw: u32) -> bool {
    raw & 3 == 0
}

/// Writes the entries of `part` so that they map to `hpa` and on, by large pages where both sides are aligned.
pub(super) fn fill(mem: &mut impl TableMemory, l2: Hpa, part: Part, hpa: Hpa, attrs: Attrs) {
    // Encoded once: an address only has to be put in.
    let small = L2Desc::Small { hpa: Hpa::new(0), attrs }.encode();
    let large = L2Desc::Large { hpa: Hpa::new(0), attrs }.encode();
    let Range { start: mut page, end } = part.pages();
    let mut to = hpa;
    while page < end {
        let (raw, count) =
            if page % PAGES_IN_LARGE == 0 && end - page >= PAGES_IN_LARGE && to.is_aligned(LARGE_BYTES) {
                (large | to.raw(), PAGES_IN_LARGE)
            } else {
                (small | to.raw(), 1)
            };
        for same in page..page + count {
            mem.write(entry(l2, same), raw);
        }
        page += count;
        to = to.wrapping_add(count * PAGE_BYTES);
    }
}

/// Splits the large pages that reach over either end of `part`.
pub(super) fn split_edges(mem: &mut impl TableMemory, l2: Hpa, part: Part) {
    let Range { start, end } = part.pages();
    for edge in [start, end] {
        // An edge in the middle of a group of 16 entries: they may be a large page.
        if edge % PAGES_IN_LARGE != 0 {
            split_large(mem, l2, edge - edge % PAGES_IN_LARGE);
        }
    }
}

/// Replaces the large page whose first entry is `first`, if it is one, with 16 small pages that map the same.
fn split_large(mem: &mut impl TableMemory, l2: Hpa, first: u32) {
    if let L2Desc::Large { hpa, attrs } = L2Desc::decode(mem.read(entry(l2, first))) {
        for page in 0..PAGES_IN_LARGE {
            let small = L2Desc::Small { hpa: hpa.wrapping_add(page * PAGE_BYTES), attrs };
            mem.write(entry(l2, first + page), small.encode());
        }
    }
}
