//! Page tables of the cases.
//!
//! Caches are off and the tables are not cacheable, so a table is seen by walks as soon as a DSB says so, and the cases
//! need TLB maintenance only. Every table maps RAM and devices one to one, for the harness: RAM for all, devices for PL1.

use core::cell::Cell;

use super::cp15::{cp15_write, flush_tlb, sctlr, set_sctlr};
use super::layout::{HOLE, RAM, RAM_BYTES, TABLES};
use super::mmio::{clear, read32, write32};

/// What decides about translation. Domain 0 must be a client at least.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) ttbr0: u32,
    pub(crate) ttbr1: u32,
    pub(crate) ttbcr: u32,
    pub(crate) dacr: u32,
    /// PRRR or MAIR0.
    pub(crate) prrr: u32,
    /// NMRR or MAIR1.
    pub(crate) nmrr: u32,
    /// Bits of SCTLR besides M.
    pub(crate) sctlr: u32,
}

/// `MCRR p15, op1, low, high, c2`, for the 64-bit TTBRs.
fn write_ttbr_64(which: u32, low: u32) {
    // SAFETY: as cp15_write!: the new tables map the harness one to one.
    unsafe {
        if which == 0 {
            core::arch::asm!("dsb", "mcrr p15, 0, {}, {}, c2", "isb", in(reg) low, in(reg) 0, options(nostack));
        } else {
            core::arch::asm!("dsb", "mcrr p15, 1, {}, {}, c2", "isb", in(reg) low, in(reg) 0, options(nostack));
        }
    }
}

impl Setup {
    /// Writes all but SCTLR.
    pub(crate) fn load(&self) {
        cp15_write!(0, c2, c0, 2, self.ttbcr);
        if self.ttbcr >> 31 != 0 {
            write_ttbr_64(0, self.ttbr0);
            write_ttbr_64(1, self.ttbr1);
        } else {
            cp15_write!(0, c2, c0, 0, self.ttbr0);
            cp15_write!(0, c2, c0, 1, self.ttbr1);
        }
        cp15_write!(0, c3, c0, 0, self.dacr);
        cp15_write!(0, c10, c2, 0, self.prrr);
        cp15_write!(0, c10, c2, 1, self.nmrr);
        cp15_write!(0, c13, c0, 1, 0);
    }

    /// Runs `work` with the MMU on.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let old = sctlr();
        self.load();
        flush_tlb();
        set_sctlr(old | super::cp15::sctlr::M | self.sctlr);
        let result = work();
        set_sctlr(old);
        cp15_write!(0, c2, c0, 2, 0);
        cp15_write!(0, c13, c0, 1, 0);
        flush_tlb();
        result
    }
}

/// Takes tables from [`TABLES`], which one case after another has to itself.
struct Pool(Cell<u32>);

impl Pool {
    fn take(&self, bytes: u32) -> u32 {
        let at = (self.0.get() + bytes - 1) & !(bytes - 1);
        self.0.set(at + bytes);
        clear(at, bytes);
        at
    }
}

/// Short descriptors (B3.5).
pub(crate) mod short {
    /// Section or small page: type bits.
    pub(crate) const SECTION: u32 = 2;
    pub(crate) const SUPERSECTION: u32 = 2 | 1 << 18;
    pub(crate) const TABLE: u32 = 1;
    pub(crate) const SMALL: u32 = 2;
    pub(crate) const LARGE: u32 = 1;
    /// Normal memory, not cacheable: TEX = 1, C = B = 0; in a section, a small page and a large one.
    pub(crate) const NORMAL: u32 = 1 << 12;
    pub(crate) const NORMAL_SMALL: u32 = 1 << 6;
    pub(crate) const NORMAL_LARGE: u32 = 1 << 12;
    pub(crate) const SECTION_XN: u32 = 1 << 4;
    pub(crate) const SECTION_PXN: u32 = 1;
    pub(crate) const TABLE_PXN: u32 = 1 << 2;
    pub(crate) const SMALL_XN: u32 = 1;
    pub(crate) const LARGE_XN: u32 = 1 << 15;
    pub(crate) const SECTION_NG: u32 = 1 << 17;
    pub(crate) const PAGE_NG: u32 = 1 << 11;

    /// AP[2:0] in a section.
    pub(crate) const fn section_ap(ap: u32) -> u32 {
        (ap & 3) << 10 | (ap >> 2) << 15
    }

    /// AP[2:0] in a page.
    pub(crate) const fn page_ap(ap: u32) -> u32 {
        (ap & 3) << 4 | (ap >> 2) << 9
    }
}

/// A first-level table of short descriptors.
pub(crate) struct Short {
    pub(crate) l1: u32,
    pool: Pool,
}

impl Short {
    /// A table that maps the harness; all tables made before are gone.
    pub(crate) fn new() -> Self {
        let pool = Pool(Cell::new(TABLES));
        let l1 = pool.take(0x4000);
        let tables = Self { l1, pool };
        tables.map_harness(l1);
        tables
    }

    /// Another first-level table from the same memory.
    pub(crate) fn another(&self) -> u32 {
        let l1 = self.pool.take(0x4000);
        self.map_harness(l1);
        l1
    }

    fn map_harness(&self, l1: u32) {
        let section = |va: u32, flags: u32| write32(l1 + (va >> 20) * 4, va | short::SECTION | flags);
        for va in (RAM..RAM + RAM_BYTES).step_by(1 << 20) {
            section(va, short::NORMAL | short::section_ap(3));
        }
        // Device memory, never executed.
        for va in [0x0800_0000, 0x0900_0000] {
            section(va, 1 << 2 | short::section_ap(1) | short::SECTION_XN);
        }
        section(HOLE, short::NORMAL | short::section_ap(3));
    }

    /// The first-level descriptor of `va`.
    pub(crate) fn l1(&self, va: u32, descriptor: u32) {
        write32(self.l1 + (va >> 20) * 4, descriptor);
    }

    /// A 16 MiB supersection: 16 descriptors.
    pub(crate) fn supersection(&self, va: u32, descriptor: u32) {
        for n in 0..16 {
            self.l1((va & 0xff00_0000) + (n << 20), descriptor);
        }
    }

    /// The second-level descriptor of `va`; the table is made if there is none, with `table` in the first-level one.
    pub(crate) fn l2(&self, va: u32, table: u32, descriptor: u32) {
        let at = self.l1 + (va >> 20) * 4;
        let first = read32(at);
        let base = if first & 3 == short::TABLE { first & 0xffff_fc00 } else { self.pool.take(0x400) };
        write32(at, base | short::TABLE | table);
        write32(base + (va >> 12 & 0xff) * 4, descriptor);
    }

    /// A 64 KiB large page: 16 descriptors.
    pub(crate) fn large(&self, va: u32, table: u32, descriptor: u32) {
        for n in 0..16 {
            self.l2((va & 0xffff_0000) + (n << 12), table, descriptor);
        }
    }

    /// Domains 0 to 15 are clients.
    pub(crate) fn setup(&self) -> Setup {
        Setup {
            ttbr0: self.l1,
            ttbr1: 0,
            ttbcr: 0,
            dacr: 0x5555_5555,
            prrr: 0x0009_81a4,
            nmrr: 0x44e0_48e0,
            sctlr: 0,
        }
    }
}

/// Long descriptors (B3.6).
pub(crate) mod long {
    pub(crate) const BLOCK: u32 = 1;
    pub(crate) const TABLE: u32 = 3;
    pub(crate) const PAGE: u32 = 3;
    /// Access flag.
    pub(crate) const AF: u32 = 1 << 10;
    pub(crate) const NG: u32 = 1 << 11;
    /// AttrIndx 0: normal, not cacheable; 1: device. What [`super::Long::setup`] puts in MAIR0.
    pub(crate) const NORMAL: u32 = 0;
    pub(crate) const DEVICE: u32 = 1 << 2;
    /// In the upper word.
    pub(crate) const XN: u32 = 1 << 22;
    pub(crate) const PXN: u32 = 1 << 21;
    pub(crate) const XN_TABLE: u32 = 1 << 28;
    pub(crate) const PXN_TABLE: u32 = 1 << 27;

    /// AP[2:1].
    pub(crate) const fn ap(ap: u32) -> u32 {
        ap << 6
    }

    /// APTable, in the upper word.
    pub(crate) const fn ap_table(ap: u32) -> u32 {
        ap << 29
    }
}

/// Tables of long descriptors: four entries of a gigabyte each at the first level.
pub(crate) struct Long {
    pub(crate) l1: u32,
    pool: Pool,
}

impl Long {
    /// A table that maps the harness; all tables made before are gone.
    pub(crate) fn new() -> Self {
        let pool = Pool(Cell::new(TABLES));
        let l1 = pool.take(0x1000);
        let tables = Self { l1, pool };
        tables.map_harness(l1);
        tables
    }

    /// Another first-level table from the same memory.
    pub(crate) fn another(&self) -> u32 {
        let l1 = self.pool.take(0x1000);
        self.map_harness(l1);
        l1
    }

    fn map_harness(&self, l1: u32) {
        for va in (RAM..RAM + RAM_BYTES).step_by(2 << 20) {
            self.at(l1, va, 2, va | long::BLOCK | long::AF | long::NORMAL | long::ap(1), 0, 0);
        }
        for va in [0x0800_0000, 0x0900_0000] {
            self.at(l1, va, 2, va | long::BLOCK | long::AF | long::DEVICE | long::ap(0), long::XN, 0);
        }
        self.at(l1, HOLE, 2, HOLE | long::BLOCK | long::AF | long::NORMAL | long::ap(1), 0, 0);
    }

    /// The descriptor of `va` at `level` (1 to 3); missing tables are made, with `table` in their upper words.
    pub(crate) fn set(&self, va: u32, level: u32, low: u32, high: u32, table: u32) {
        self.at(self.l1, va, level, low, high, table);
    }

    /// As [`set`](Self::set), below the first-level table `l1`.
    pub(crate) fn at(&self, l1: u32, va: u32, level: u32, low: u32, high: u32, table: u32) {
        let mut at = l1 + (va >> 30) * 8;
        for below in 2..=level {
            let entry = read32(at);
            let next = if entry & 3 == long::TABLE { entry & !0xfff } else { self.pool.take(0x1000) };
            write32(at, next | long::TABLE);
            write32(at + 4, read32(at + 4) | table);
            at = next + (va >> (39 - 9 * below) & 0x1ff) * 8;
        }
        write32(at, low);
        write32(at + 4, high);
    }

    /// The second-level table of `va`'s gigabyte, which is there already.
    pub(crate) fn second(&self, va: u32) -> u32 {
        read32(self.l1 + (va >> 30) * 8) & !0xfff
    }

    /// TTBCR.EAE, MAIR0 with normal not cacheable and device.
    pub(crate) fn setup(&self) -> Setup {
        Setup { ttbr0: self.l1, ttbr1: 0, ttbcr: 1 << 31, dacr: 0, prrr: 0x0000_0444, nmrr: 0, sctlr: 0 }
    }
}
