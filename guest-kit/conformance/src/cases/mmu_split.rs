//! Two tables, address space identifiers, TLB maintenance (B3.5.4, B3.9, B3.10).
//!
//! What a TLB may keep is not defined until maintenance, so every change here is followed by the maintenance that the
//! manual asks for, and only then looked at.

use super::mmu_short::Unit;
use super::probe::{Access, Fault, expect};
use crate::harness::cp15::{cp15_read, cp15_write, flush_tlb};
use crate::harness::layout::TARGET;
use crate::harness::mmio::write32;
use crate::harness::report::{Case, case};
use crate::harness::run::Mode;
use crate::harness::tables::{Short, short};

const VA: u32 = 0x9000_0000;

pub(crate) fn cases() {
    split();
    disabled();
    small_tables();
    asids();
    maintenance();
    many();
    switches();
}

fn section(pa: u32) -> u32 {
    pa | short::NORMAL | short::section_ap(3) | short::SECTION
}

fn put(n: u32, value: u32) -> u32 {
    let at = TARGET + (n << 20);
    write32(at + 0x40, value);
    at
}

fn reads(c: &mut Case, va: u32, want: u32) {
    let trap = expect(c, Mode::Usr, Access::Read, va + 0x40, None);
    c.eq("read", trap.r(1), want);
}

/// TTBCR.N: addresses below 4 GiB >> N go by TTBR0, the others by TTBR1.
fn split() {
    for n in 0..8u32 {
        case!("split.n{n}"; |c| {
            let tables = Short::new();
            let low = tables.another();
            // Same addresses in both tables, with other contents.
            let places = [0x0010_0000, 0x01f0_0000, 0x0200_0000, 0x03f0_0000, 0x0400_0000, 0x07f0_0000, 0x0a00_0000,
                0x1000_0000, 0x1ff0_0000, 0x2000_0000, 0x3ff0_0000, 0x7ff0_0000, 0x8000_0000, 0xfff0_0000];
            let (first, second) = (put(0, 0xa0), put(1, 0xa1));
            for va in places {
                write32(tables.l1 + (va >> 20) * 4, section(second));
                write32(low + (va >> 20) * 4, section(first));
            }
            let mut setup = tables.setup();
            setup.ttbr0 = low;
            setup.ttbr1 = tables.l1;
            setup.ttbcr = n;
            setup.run(|| {
                for va in places {
                    let by_ttbr0 = n == 0 || va < 1 << (32 - n);
                    reads(c, va, if by_ttbr0 { 0xa0 } else { 0xa1 });
                }
                c.eq("TTBCR", cp15_read!(0, c2, c0, 2) & 7, n);
            });
        });
    }
}

/// TTBCR.PD0 and PD1 came with the Security Extensions (B4.1.153), which this machine has not: walks go on.
fn disabled() {
    for n in [1, 3] {
        case!("split.no-pd.n{n}"; |c| {
            let tables = Short::new();
            let low = tables.another();
            let first = put(0, 0xa0);
            let places = [0x0010_0000, 0x0120_0000, 0xfff0_0000];
            for va in places {
                write32(tables.l1 + (va >> 20) * 4, section(first));
                write32(low + (va >> 20) * 4, section(first));
            }
            let mut setup = tables.setup();
            setup.ttbr0 = low;
            setup.ttbr1 = tables.l1;
            setup.ttbcr = n | 3 << 4;
            setup.run(|| {
                for va in places {
                    reads(c, va, 0xa0);
                }
                c.eq("TTBCR", cp15_read!(0, c2, c0, 2), n);
            });
        });
    }
}

/// With N = 7 the table of TTBR0 has 128 bytes and needs to be aligned to that only.
fn small_tables() {
    case!("split.small-table"; |c| {
        let tables = Short::new();
        let base = tables.another() + 0x2f80;
        for n in 0..32 {
            write32(base + 4 * n, section(put(n & 7, 0x50 + (n & 7))));
        }
        let mut setup = tables.setup();
        setup.ttbr0 = base;
        setup.ttbr1 = tables.l1;
        setup.ttbcr = 7;
        setup.run(|| {
            for n in 0..32 {
                reads(c, n << 20, 0x50 + (n & 7));
            }
            expect(c, Mode::Svc, Access::Read, 0x0200_0000, Some((Fault::Translation, 1)));
        });
    });
}

/// Sets CONTEXTIDR to an ASID.
fn asid(n: u32) {
    cp15_write!(0, c13, c0, 1, n);
}

fn asids() {
    for unit in Unit::ALL {
        if unit == Unit::Supersection {
            continue;
        }
        // The same address in three spaces, each not global, with one ASID each.
        case!("asid.{}", unit.name(); |c| {
            let tables = Short::new();
            let space = |n: u32| {
                let l1 = tables.another();
                let target = put(n, 0x1100 + n);
                if unit == Unit::Section {
                    write32(l1 + (VA >> 20) * 4, section(target) | short::SECTION_NG);
                } else {
                    let l2 = tables.another();
                    write32(l1 + (VA >> 20) * 4, l2 | short::TABLE);
                    let count = if unit == Unit::Large { 16 } else { 1 };
                    for at in 0..count {
                        let flags = match unit {
                            Unit::Large => short::LARGE | short::NORMAL_LARGE,
                            _ => short::SMALL | short::NORMAL_SMALL,
                        };
                        write32(l2 + 4 * at, target | flags | short::page_ap(3) | short::PAGE_NG);
                    }
                }
                l1
            };
            let spaces = [space(1), space(2), space(3)];
            let setup = tables.setup();
            setup.run(|| {
                for round in 0..3 {
                    for (n, l1) in spaces.into_iter().enumerate() {
                        // By way of ASID 0, whose table has nothing there (B3.10.4).
                        asid(0);
                        cp15_write!(0, c2, c0, 0, l1);
                        asid(n as u32 + 1);
                        reads(c, VA, 0x1101 + n as u32);
                        // Another process with the same table but another ASID sees the same.
                        asid(0x80 + n as u32 + round);
                        reads(c, VA, 0x1101 + n as u32);
                        asid(0);
                        cp15_write!(0, c2, c0, 0, setup.ttbr0);
                        // ASIDs used twice are flushed.
                        cp15_write!(0, c8, c7, 2, 0x80 + n as u32 + round);
                    }
                }
            });
        });
    }
    // A global page is every process's.
    case!("asid.global"; |c| {
        let tables = Short::new();
        tables.l1(VA, section(put(4, 0x4444)));
        tables.l1(VA + (1 << 20), section(put(5, 0x5555)) | short::SECTION_NG);
        tables.setup().run(|| {
            for n in [1, 2, 0xff, 3] {
                asid(n);
                reads(c, VA, 0x4444);
                reads(c, VA + (1 << 20), 0x5555);
            }
            asid(0);
        });
    });
    case!("asid.contextidr"; |c| {
        let tables = Short::new();
        tables.setup().run(|| {
            for value in [0, 1, 0xff, 0x1234_56aa, 0xffff_ff01] {
                asid(value);
                c.eq("CONTEXTIDR", cp15_read!(0, c13, c0, 1), value);
            }
            asid(0);
        });
    });
}

/// A way to drop a translation.
type Drop = (&'static str, fn(va: u32, asid: u32), bool);

/// The operations of B3.18.7 for one CPU and for all; the flag says whether they drop global entries too.
const DROPS: [Drop; 14] = [
    ("tlbiall", |_, _| cp15_write!(0, c8, c7, 0, 0), true),
    ("tlbimva", |va, asid| cp15_write!(0, c8, c7, 1, va | asid), true),
    ("tlbiasid", |_, asid| cp15_write!(0, c8, c7, 2, asid), false),
    ("tlbimvaa", |va, _| cp15_write!(0, c8, c7, 3, va), true),
    ("tlbiallis", |_, _| cp15_write!(0, c8, c3, 0, 0), true),
    ("tlbimvais", |va, asid| cp15_write!(0, c8, c3, 1, va | asid), true),
    ("tlbiasidis", |_, asid| cp15_write!(0, c8, c3, 2, asid), false),
    ("tlbimvaais", |va, _| cp15_write!(0, c8, c3, 3, va), true),
    (
        "dtlbiall-itlbiall",
        |_, _| {
            cp15_write!(0, c8, c6, 0, 0);
            cp15_write!(0, c8, c5, 0, 0);
        },
        true,
    ),
    (
        "dtlbimva-itlbimva",
        |va, asid| {
            cp15_write!(0, c8, c6, 1, va | asid);
            cp15_write!(0, c8, c5, 1, va | asid);
        },
        true,
    ),
    (
        "dtlbiasid-itlbiasid",
        |_, asid| {
            cp15_write!(0, c8, c6, 2, asid);
            cp15_write!(0, c8, c5, 2, asid);
        },
        false,
    ),
    ("tlbiall-from-user-space", |_, _| cp15_write!(0, c8, c7, 0, 0xffff_ffff), true),
    ("tlbimva-low-bits", |va, asid| cp15_write!(0, c8, c7, 1, va | 0x400 | asid), true),
    ("tlbimvaa-low-bits", |va, _| cp15_write!(0, c8, c7, 3, va | 0xfff), true),
];

/// A descriptor is changed, the operation is carried out, and the change is seen: from nothing to something needs none,
/// from one thing to another goes by way of nothing (B3.10.1).
fn maintenance() {
    for (name, drop, global_too) in DROPS {
        for unit in [Unit::Section, Unit::Small, Unit::Large] {
            case!("tlb.{name}.{}", unit.name(); |c| {
                let tables = Short::new();
                let target = put(2, 0x2222);
                let other = put(3, 0x3333);
                let global = global_too;
                let map = |pa: u32, ap: u32| {
                    match unit {
                        Unit::Section => {
                            let ng = if global { 0 } else { short::SECTION_NG };
                            let flags = short::NORMAL | short::section_ap(ap) | ng | short::SECTION;
                            tables.l1(VA, if pa == 0 { 0 } else { pa | flags });
                        }
                        Unit::Large => {
                            let ng = if global { 0 } else { short::PAGE_NG };
                            let flags = short::NORMAL_LARGE | short::page_ap(ap) | ng | short::LARGE;
                            tables.large(VA, 0, if pa == 0 { 0 } else { pa | flags });
                        }
                        _ => {
                            let ng = if global { 0 } else { short::PAGE_NG };
                            let flags = short::NORMAL_SMALL | short::page_ap(ap) | ng | short::SMALL;
                            tables.l2(VA, 0, if pa == 0 { 0 } else { pa | flags });
                        }
                    }
                };
                let level = unit.level();
                tables.l2(VA + (1 << 20), 0, 0);
                if level == 2 {
                    tables.l2(VA, 0, 0);
                }
                tables.setup().run(|| {
                    asid(0x21);
                    for round in 0..2 {
                        expect(c, Mode::Usr, Access::Read, VA + 0x40, Some((Fault::Translation, level)));
                        // A fault is never cached.
                        map(target, 3);
                        cp15_write!(0, c7, c5, 6, 0);
                        reads(c, VA, 0x2222);
                        map(0, 0);
                        drop(VA, 0x21);
                        expect(c, Mode::Usr, Access::Read, VA + 0x40, Some((Fault::Translation, level)));
                        map(other, 3);
                        drop(VA, 0x21);
                        reads(c, VA, 0x3333);
                        // Rights alone: a read-only page, the way of every fork.
                        map(other, 7);
                        drop(VA, 0x21);
                        expect(c, Mode::Usr, Access::Write, VA + 0x80, Some((Fault::Permission, level)));
                        expect(c, Mode::Svc, Access::Write, VA + 0x80, Some((Fault::Permission, level)));
                        map(other, 2);
                        drop(VA, 0x21);
                        expect(c, Mode::Usr, Access::Write, VA + 0x80, Some((Fault::Permission, level)));
                        expect(c, Mode::Svc, Access::Write, VA + 0x80, None);
                        map(other, 1);
                        drop(VA, 0x21);
                        expect(c, Mode::Usr, Access::Read, VA + 0x40, Some((Fault::Permission, level)));
                        map(0, 0);
                        drop(VA, 0x21);
                        c.note(round);
                    }
                    asid(0);
                });
            });
        }
    }
    // The instruction side.
    case!("tlb.itlb"; |c| {
        use crate::harness::code::END_A32;
        let tables = Short::new();
        write32(TARGET, END_A32);
        let page = TARGET | short::NORMAL_SMALL | short::page_ap(3) | short::SMALL;
        tables.l2(VA, 0, page);
        tables.setup().run(|| {
            expect(c, Mode::Usr, Access::Execute, VA, None);
            tables.l2(VA, 0, page | short::SMALL_XN);
            cp15_write!(0, c8, c7, 1, VA);
            expect(c, Mode::Usr, Access::Execute, VA, Some((Fault::Permission, 2)));
            tables.l2(VA, 0, 0);
            cp15_write!(0, c8, c7, 1, VA);
            expect(c, Mode::Usr, Access::Execute, VA, Some((Fault::Translation, 2)));
            tables.l2(VA, 0, page);
            expect(c, Mode::Usr, Access::Execute, VA, None);
        });
    });
}

/// More pages than any TLB has entries, forwards and backwards, with the middle changed in between.
fn many() {
    for pages in [64u32, 256, 1024, 4096] {
        case!("tlb.sweep.{pages}"; |c| {
            let tables = Short::new();
            for n in 0..pages {
                let pa = TARGET + (n << 12);
                write32(pa + 0x10, n ^ 0x5a5a_0000);
                tables.l2(VA + (n << 12), 0, pa | short::NORMAL_SMALL | short::page_ap(3) | short::SMALL);
            }
            tables.setup().run(|| {
                let mut sum = 0u32;
                for n in (0..pages).chain((0..pages).rev()) {
                    sum = sum.wrapping_add(crate::harness::mmio::read32(VA + (n << 12) + 0x10)).rotate_left(1);
                }
                let mut want = 0u32;
                for n in (0..pages).chain((0..pages).rev()) {
                    want = want.wrapping_add(n ^ 0x5a5a_0000).rotate_left(1);
                }
                c.eq("sum", sum, want);
                // Two pages change places.
                let (a, b) = (pages / 3, pages / 2);
                let page = |n: u32| (TARGET + (n << 12)) | short::NORMAL_SMALL | short::page_ap(3) | short::SMALL;
                tables.l2(VA + (a << 12), 0, 0);
                tables.l2(VA + (b << 12), 0, 0);
                cp15_write!(0, c8, c7, 1, VA + (a << 12));
                cp15_write!(0, c8, c7, 1, VA + (b << 12));
                tables.l2(VA + (a << 12), 0, page(b));
                tables.l2(VA + (b << 12), 0, page(a));
                cp15_write!(0, c7, c5, 6, 0);
                for (at, n) in [(a, b), (b, a), (0, 0), (pages - 1, pages - 1)] {
                    let trap = expect(c, Mode::Usr, Access::Read, VA + (at << 12) + 0x10, None);
                    c.eq("read", trap.r(1), n ^ 0x5a5a_0000);
                }
            });
        });
    }
}

/// The MMU off and on again, other tables at once: nothing of before shows after a flush.
fn switches() {
    case!("tlb.mmu-off-on"; |c| {
        let tables = Short::new();
        let other = tables.another();
        tables.l1(VA, section(put(6, 0x6666)));
        write32(other + (VA >> 20) * 4, section(put(7, 0x7777)));
        for round in 0..3 {
            let mut setup = tables.setup();
            setup.run(|| reads(c, VA, 0x6666));
            setup.ttbr0 = other;
            setup.run(|| reads(c, VA, 0x7777));
            c.note(round);
        }
    });
    case!("tlb.ttbr0-then-flush"; |c| {
        let tables = Short::new();
        let other = tables.another();
        tables.l1(VA, section(put(6, 0x6666)));
        write32(other + (VA >> 20) * 4, section(put(7, 0x7777)));
        tables.setup().run(|| {
            for _ in 0..3 {
                reads(c, VA, 0x6666);
                cp15_write!(0, c2, c0, 0, other);
                flush_tlb();
                reads(c, VA, 0x7777);
                cp15_write!(0, c2, c0, 0, tables.l1);
                flush_tlb();
            }
        });
    });
    case!("tlb.dacr-at-once"; |c| {
        let tables = Short::new();
        tables.l1(VA, section(put(6, 0x6666)) | 3 << 5);
        tables.setup().run(|| {
            for _ in 0..4 {
                reads(c, VA, 0x6666);
                cp15_write!(0, c3, c0, 0, 0x5555_5515);
                expect(c, Mode::Usr, Access::Read, VA, Some((Fault::Domain, 1)));
                cp15_write!(0, c3, c0, 0, 0x5555_5555);
            }
        });
    });
}
