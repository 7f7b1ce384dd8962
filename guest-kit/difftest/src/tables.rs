//! Random page tables.
//!
//! This program and what it shares with a case is mapped one to one, globally, in domain 0, by every table. Besides, a
//! case has *windows*: a few MiB of addresses that random descriptors map to the pages of [`layout::DATA`], or do not.

use crate::machine::cp15::{cp15_read, cp15_write, flush_tlb, sctlr, set_long_ttbr};
use crate::machine::layout::{CODE, DATA, DATA_PAGES, FRAMES, RAM, RAM_BYTES, STACKS, TABLES};
use crate::machine::mmio::{read32, write32};
use crate::rng::Rng;

const MIB: u32 = 1 << 20;

/// Addresses of windows: neighbours of which one table maps both, the ends of what TTBCR splits, the first and the last
/// addresses, and where another part of a case may be.
const PLACES: [u32; 10] = [
    0x1000_0000,
    0x1010_0000,
    0x0000_0000,
    0x3ff0_0000,
    0x5000_0000,
    0x7ff0_0000,
    0x8000_0000,
    0xc000_0000,
    0xfe00_0000,
    0xffe0_0000,
];
/// Where code may be a second time: 1 MiB. As for [`CODE`], no sensitive instruction looks like this.
const CODE_ALIAS: u32 = 0x3770_0000;

/// Most windows of a case, and most descriptors to change.
pub(crate) const WINDOWS: usize = 4;
pub(crate) const EDITS: usize = 6;

/// What [`Tables::new`] made.
pub(crate) struct Tables {
    pub(crate) long: bool,
    pub(crate) windows: [u32; WINDOWS],
    pub(crate) edits: [(u32, u32); EDITS],
    /// First-level tables.
    pub(crate) roots: [u32; 2],
    pub(crate) code_va: u32,
    ttbcr: u32,
    dacr: u32,
    sctlr: u32,
    /// The next free table.
    free: u32,
}

impl Tables {
    /// Makes tables; `sctlr` are bits of SCTLR that the case has (AFE counts).
    pub(crate) fn new(rng: &mut Rng, sctlr: u32) -> Self {
        let long = rng.percent(40);
        let mut windows = [0; WINDOWS];
        let mut edits = [(0, 0); EDITS];
        for n in 0..WINDOWS {
            windows[n] = loop {
                let place = rng.pick(&PLACES);
                if !windows[..n].contains(&place) || n == 0 {
                    break place;
                }
            };
        }
        let alias = rng.percent(50);
        let mut dacr = 0;
        for _ in 0..16 {
            dacr = dacr << 2
                | rng.pick(if sctlr & sctlr::AFE == 0 { &[0, 1, 1, 1, 3] } else { &[0, 1, 1, 1, 1] });
        }
        let mut tables = Self {
            long,
            windows,
            edits: [(TABLES, 0); EDITS],
            roots: [0; 2],
            code_va: if alias { CODE_ALIAS } else { CODE },
            ttbcr: 0,
            dacr: dacr & !3 | 1,
            sctlr,
            free: TABLES,
        };
        if long {
            tables.make_long(rng, &mut edits);
        } else {
            let afe = sctlr & sctlr::AFE != 0;
            for n in 0..2 {
                tables.roots[n] = tables.take(0x4000);
                tables.make_short(rng, tables.roots[n], afe, &mut edits);
            }
            tables.ttbcr = if rng.percent(50) { 0 } else { rng.below(8) };
        }
        // An edit that was not made repeats the first; there is always one.
        tables.edits = edits;
        for n in 0..EDITS {
            if tables.edits[n].0 == 0 {
                // An entry of a table that nothing uses.
                tables.edits[n] = (TABLES + 0xf_0000, 0);
            }
        }
        tables
    }

    /// Zeroed memory for a table.
    fn take(&mut self, bytes: u32) -> u32 {
        let at = (self.free + bytes - 1) & !(bytes - 1);
        self.free = at + bytes;
        let mut word = at;
        while word < at + bytes {
            write32(word, 0);
            word += 4;
        }
        at
    }

    // ---- Short descriptors (B3.5) ----

    fn make_short(&mut self, rng: &mut Rng, root: u32, afe: bool, edits: &mut [(u32, u32); EDITS]) {
        // Access permissions 3 (all) and 1 (PL1), which the access flag does not change.
        let set = |va: u32, bits: u32| write32(root + (va >> 20) * 4, va | 2 | bits);
        for va in (RAM..RAM + RAM_BYTES).step_by(MIB as usize) {
            set(va, 1 << 12 | 1 << 10);
        }
        for va in [FRAMES, STACKS, DATA] {
            set(va, 1 << 12 | rng.pick(&[1, 3]) << 10);
        }
        set(CODE, 1 << 12 | 3 << 10);
        // Devices: never executed.
        for va in [0x0800_0000, 0x0900_0000] {
            set(va, 1 << 2 | 1 << 10 | 1 << 4);
        }
        let ap = rng.pick(&[1, 3, 3, 3, 7, 5]);
        write32(root + (CODE_ALIAS >> 20) * 4, CODE | section_bits(ap) | normal(rng, 12) | 2);

        for window in self.windows {
            let at = root + (window >> 20) * 4;
            if read32(at) != 0 {
                // As the other half of a supersection.
                continue;
            }
            match rng.below(10) {
                0 => write32(at, rng.next() & !3),
                1..4 => {
                    let section = section(rng, afe);
                    write32(at, section);
                    add_edit(rng, edits, at, |rng| if rng.percent(30) { 0 } else { section_of(rng, afe) });
                }
                4 if window == 0x1000_0000 || window == 0x1010_0000 => {
                    // A supersection: no domain but 0.
                    let descriptor = DATA | section(rng, afe) & 0x0003_fe1f | 1 << 18 | 2;
                    for n in 0..16 {
                        write32(root + ((window & 0xff00_0000) >> 20) * 4 + n * 4, descriptor);
                    }
                }
                _ => {
                    let table = self.take(0x400);
                    let pxn = if rng.percent(10) { 1 << 2 } else { 0 };
                    write32(at, table | rng.below(16) << 5 | pxn | 1);
                    pages(rng, table, afe, edits);
                }
            }
        }
    }

    // ---- Long descriptors (B3.6) ----

    fn make_long(&mut self, rng: &mut Rng, edits: &mut [(u32, u32); EDITS]) {
        let roots = [self.take(0x1000), self.take(0x1000)];
        self.roots = roots;
        let seconds = self.take(0x4000);
        let split = rng.percent(40);
        // T0SZ and T1SZ of one: each half of the addresses has a table of two entries.
        self.ttbcr = 1 << 31 | if split { 1 << 16 | 1 } else { 0 };
        for n in 0..4 {
            let (root, entry) = if split { (roots[n as usize / 2], n % 2) } else { (roots[0], n) };
            // XNTable, PXNTable and APTable only where this program is not.
            let high = if n > 1 && rng.percent(20) { rng.below(16) << 27 } else { 0 };
            set_long(root + entry * 8, (seconds + n * 0x1000) | 3, high);
        }
        let second = |va: u32| seconds + (va >> 30) * 0x1000 + (va >> 21 & 511) * 8;
        let normal = |rng: &mut Rng| rng.pick(&[0, 2]) << 2;
        // Two MiB each; AP[2:1] is 0 for PL1 and 1 for all.
        for va in (RAM..RAM + RAM_BYTES).step_by(2 << 20) {
            set_long(second(va), va | 1 << 10 | 1, 0);
        }
        for va in [FRAMES, DATA] {
            set_long(second(va), va & !(2 * MIB - 1) | 1 << 10 | rng.below(2) << 6 | 1, 0);
        }
        // The whole block with the code is everyone's.
        set_long(second(CODE), CODE & !(2 * MIB - 1) | 1 << 10 | 1 << 6 | 1, 0);
        for va in [0x0800_0000, 0x0900_0000] {
            set_long(second(va), va | 1 << 10 | 1 << 2 | 1, 1 << 22);
        }
        let alias = self.take(0x1000);
        set_long(second(CODE_ALIAS), alias | 3, 0);
        let ap = rng.pick(&[1, 1, 1, 3, 0]);
        for n in 0..4 {
            let bits = normal(rng) | ap << 6 | 1 << 10 | rng.below(2) << 11;
            set_long(alias + n * 8, (CODE + n * 0x1000) | bits | 3, 0);
        }
        for window in self.windows {
            let at = second(window);
            if read32(at) != 0 {
                continue;
            }
            match rng.below(10) {
                0 => set_long(at, rng.next() & !1, 0),
                1..4 => {
                    let bits = page_long(rng) & 0xfff & !3;
                    set_long(at, DATA | bits | 1, xn_long(rng));
                    add_edit(rng, edits, at, |rng| {
                        if rng.percent(30) { 0 } else { DATA | page_long(rng) & 0xffc | 1 }
                    });
                }
                _ => {
                    let table = self.take(0x1000);
                    let high = if rng.percent(20) { rng.below(16) << 27 } else { 0 };
                    set_long(at, table | 3, high);
                    for n in (0..DATA_PAGES).chain(256..256 + DATA_PAGES) {
                        let low = if rng.percent(20) { rng.next() & !1 } else { page_long(rng) };
                        let high = xn_long(rng);
                        set_long(table + n * 8, low, if low & 1 == 0 { 0 } else { high });
                        if rng.percent(20) {
                            add_edit(rng, edits, table + n * 8, |rng| {
                                if rng.percent(30) { 0 } else { page_long(rng) }
                            });
                        }
                    }
                }
            }
        }
    }

    /// Switches the MMU on.
    pub(crate) fn enable(&self) {
        cp15_write!(0, c2, c0, 2, self.ttbcr);
        if self.long {
            set_long_ttbr(0, self.roots[0]);
            set_long_ttbr(1, self.roots[1]);
            // Normal not cacheable, device, normal write-back.
            cp15_write!(0, c10, c2, 0, 0x00ff_0444);
            cp15_write!(0, c10, c2, 1, 0);
        } else {
            cp15_write!(0, c2, c0, 0, self.roots[0]);
            cp15_write!(0, c2, c0, 1, self.roots[1]);
        }
        cp15_write!(0, c3, c0, 0, self.dacr);
        flush_tlb();
        cp15_write!(0, c1, c0, 0, cp15_read!(0, c1, c0, 0) | self.sctlr | sctlr::M);
    }
}

/// Remembers a change of the descriptor at `at`, sometimes.
fn add_edit(rng: &mut Rng, edits: &mut [(u32, u32); EDITS], at: u32, new: impl Fn(&mut Rng) -> u32) {
    if let Some(edit) = edits.iter_mut().find(|edit| edit.0 == 0) {
        *edit = (at, new(rng));
    }
}

/// AP[2:0] in a section.
const fn section_bits(ap: u32) -> u32 {
    (ap & 3) << 10 | (ap >> 2) << 15
}

/// TEX, C and B of normal memory; TEX begins at bit `tex`.
fn normal(rng: &mut Rng, tex: u32) -> u32 {
    let (t, cb) = rng.pick(&[(1, 0), (0, 2), (0, 3), (1, 3)]);
    t << tex | cb << 2
}

/// AP[2:0]: 4 is reserved unless bit 0 is the access flag, which is mostly set.
fn access(rng: &mut Rng, afe: bool) -> u32 {
    if afe { rng.below(8) | u32::from(rng.percent(80)) } else { rng.pick(&[0, 1, 2, 3, 3, 3, 5, 6, 7]) }
}

fn section(rng: &mut Rng, afe: bool) -> u32 {
    section_of(rng, afe)
}

/// A section of one of the two MiB.
fn section_of(rng: &mut Rng, afe: bool) -> u32 {
    let mib = rng.below(2) << 20;
    let bits = section_bits(access(rng, afe)) | normal(rng, 12);
    let xn = rng.below(2) << 4 | rng.below(2) << 17;
    DATA | mib | bits | xn | rng.below(16) << 5 | 2 | u32::from(rng.percent(10))
}

/// A table of small and large pages.
fn pages(rng: &mut Rng, table: u32, afe: bool, edits: &mut [(u32, u32); EDITS]) {
    let page_ap = |ap: u32| (ap & 3) << 4 | (ap >> 2) << 9;
    if rng.percent(25) {
        let bits = page_ap(access(rng, afe)) | normal(rng, 12) | rng.below(2) << 11 | rng.below(2) << 15;
        for n in 0..16 {
            write32(table + n * 4, DATA | rng_mib(bits) | bits | 1);
        }
        return;
    }
    let small = |rng: &mut Rng| {
        let place = rng.below(2) << 20 | rng.below(DATA_PAGES) << 12;
        let bits = page_ap(access(rng, afe)) | normal(rng, 6) | rng.below(2) << 11;
        DATA | place | bits | 2 | rng.below(2)
    };
    for n in 0..DATA_PAGES {
        let descriptor = if rng.percent(20) { rng.next() & !3 } else { small(rng) };
        write32(table + n * 4, descriptor);
        if rng.percent(30) {
            add_edit(rng, edits, table + n * 4, |rng| if rng.percent(30) { 0 } else { small(rng) });
        }
    }
}

/// The MiB of a large page: by one of its other bits, the same in all sixteen descriptors.
const fn rng_mib(bits: u32) -> u32 {
    (bits >> 11 & 1) << 20
}

/// Lower word of a page.
fn page_long(rng: &mut Rng) -> u32 {
    let place = rng.below(2) << 20 | rng.below(DATA_PAGES) << 12;
    let access = rng.below(4) << 6 | u32::from(rng.percent(85)) << 10 | rng.below(2) << 11;
    DATA | place | access | rng.pick(&[0, 2]) << 2 | 3
}

/// Upper word: XN and PXN.
fn xn_long(rng: &mut Rng) -> u32 {
    rng.below(4) << 21
}

fn set_long(at: u32, low: u32, high: u32) {
    write32(at, low);
    write32(at + 4, high);
}
