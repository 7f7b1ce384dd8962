//! Long descriptors (B3.6): sizes, permissions and their hierarchy, T0SZ and T1SZ, faults.

use super::probe::{Access, Fault, expect};
use crate::harness::code::{END_A32, END_T32};
use crate::harness::cp15::{cp15_read, cp15_write, flush_tlb};
use crate::harness::layout::TARGET;
use crate::harness::mmio::{read32, write16, write32};
use crate::harness::report::{Case, case};
use crate::harness::run::Mode;
use crate::harness::tables::{Long, long};

const VA: u32 = 0x9000_0000;

pub(crate) fn cases() {
    sizes();
    permissions();
    hierarchy();
    faults();
    regions();
    asids();
    registers();
    maintenance();
}

fn bits(pa: u32, level: u32, ap: u32) -> u32 {
    let kind = if level == 3 { long::PAGE } else { long::BLOCK };
    pa | kind | long::AF | long::NORMAL | long::ap(ap)
}

fn sizes() {
    for (level, bytes) in [(1, 1 << 30), (2, 2 << 20), (3, 4096u32)] {
        case!("long.size.{level}"; |c| {
            let tables = Long::new();
            // The gigabyte of RAM is the only one with memory behind it.
            let (va, pa) = if level == 1 { (0x8000_0000, 0x4000_0000) } else { (VA, TARGET) };
            tables.set(va, level, bits(pa, level, 1), 0, 0);
            let target = TARGET - pa;
            tables.setup().run(|| {
                for offset in [0, 0x40, 0x84, 4092] {
                    write32(TARGET + offset, 0x1000 + offset);
                    for mode in [Mode::Usr, Mode::Svc] {
                        let trap = expect(c, mode, Access::Read, va + target + offset, None);
                        c.eq("read", trap.r(1), 0x1000 + offset);
                    }
                }
                for mode in [Mode::Usr, Mode::Svc] {
                    expect(c, mode, Access::Write, va + target, None);
                    c.eq("written", read32(TARGET), 0xc0de_0000 | (va + target) >> 20);
                }
                expect(c, Mode::Svc, Access::Read, va.wrapping_add(bytes), Some((Fault::Translation, level)));
            });
        });
    }
}

/// AP[2:1]: 0 PL1 only, 1 all, 2 PL1 read-only, 3 read-only for all (B3.7.1).
fn allowed(ap: u32, user: bool) -> (bool, bool) {
    (!user || ap & 1 != 0, (!user || ap & 1 != 0) && ap & 2 == 0)
}

/// All accesses of both privileges, with these effective rights.
fn probe(c: &mut Case, va: u32, level: u32, ap: u32, xn: bool, pxn: bool) {
    for mode in [Mode::Svc, Mode::Usr, Mode::Irq] {
        let user = mode == Mode::Usr;
        let (read, write) = allowed(ap, user);
        for access in Access::ALL {
            let allowed = match access {
                Access::Read => read,
                Access::Write => write,
                // No privileged execution of what PL0 may write is a rule of later versions only.
                Access::Execute => read && !xn && (user || !pxn),
            };
            let want = if allowed { None } else { Some((Fault::Permission, level)) };
            let offset = if access == Access::Execute { 0 } else { 0x20 };
            expect(c, mode, access, va + offset, want);
            if access == Access::Execute {
                expect(c, mode, access, va + 9, want);
            }
        }
    }
}

fn marks(xn: bool, pxn: bool) -> &'static str {
    match (xn, pxn) {
        (false, false) => "",
        (true, false) => "-xn",
        (false, true) => "-pxn",
        (true, true) => "-xn-pxn",
    }
}

fn attributes(xn: bool, pxn: bool) -> u32 {
    (if xn { long::XN } else { 0 }) | if pxn { long::PXN } else { 0 }
}

fn permissions() {
    for level in 1..=3 {
        for ap in 0..4 {
            for (xn, pxn) in [(false, false), (true, false), (false, true), (true, true)] {
                case!("long.permission.{level}.ap{ap}{}", marks(xn, pxn); |c| {
                    let tables = Long::new();
                    let (va, pa) = if level == 1 { (0x8000_0000, 0x4000_0000) } else { (VA, TARGET) };
                    tables.set(va, level, bits(pa, level, ap), attributes(xn, pxn), 0);
                    write32(TARGET, END_A32);
                    write16(TARGET + 8, END_T32);
                    tables.setup().run(|| probe(c, va + (TARGET - pa), level, ap, xn, pxn));
                });
            }
        }
    }
}

/// APTable, XNTable and PXNTable take rights away from all below them (B3.7.1, B3.7.2).
fn hierarchy() {
    for ap_table in 0..4 {
        for ap in 0..4 {
            case!("long.ap-table.{ap_table}.ap{ap}"; |c| {
                let tables = Long::new();
                write32(TARGET, END_A32);
                write16(TARGET + 8, END_T32);
                // In the first-level entry, in the second-level one, and shared between them.
                tables.set(0x8000_0000, 3, bits(TARGET, 3, ap), 0, 0);
                write32(tables.l1 + 2 * 8 + 4, long::ap_table(ap_table));
                tables.set(0xc000_0000, 3, bits(TARGET, 3, ap), 0, 0);
                write32(tables.second(0xc000_0000) + 4, long::ap_table(ap_table));
                tables.set(0xd000_0000, 3, bits(TARGET, 3, ap), 0, 0);
                write32(tables.second(0xc000_0000) + 0x80 * 8 + 4, long::ap_table(ap_table & 1));
                // APTable[0]: no PL0; APTable[1]: no writes.
                let effective = |ap_table: u32| (ap | ap_table & 2) & !(ap_table & 1);
                tables.setup().run(|| {
                    probe(c, 0x8000_0000, 3, effective(ap_table), false, false);
                    probe(c, 0xc000_0000, 3, effective(ap_table), false, false);
                    probe(c, 0xd000_0000, 3, effective(ap_table & 1), false, false);
                });
            });
        }
    }
    for (xn, pxn) in [(true, false), (false, true), (true, true)] {
        for level in [1, 2] {
            case!("long.table{}.{level}", marks(xn, pxn); |c| {
                let tables = Long::new();
                write32(TARGET, END_A32);
                write16(TARGET + 8, END_T32);
                tables.set(0x8000_0000, 3, bits(TARGET, 3, 1), 0, 0);
                tables.set(0x8020_0000, 2, bits(TARGET, 2, 1), 0, 0);
                let high = (if xn { long::XN_TABLE } else { 0 }) | if pxn { long::PXN_TABLE } else { 0 };
                if level == 1 {
                    write32(tables.l1 + 2 * 8 + 4, high);
                } else {
                    write32(tables.second(0x8000_0000) + 4, high);
                }
                tables.setup().run(|| {
                    probe(c, 0x8000_0000, 3, 1, xn, pxn);
                    probe(c, 0x8020_0000, 2, 1, xn && level == 1, pxn && level == 1);
                });
            });
        }
    }
}

fn faults() {
    case!("long.fault.translation"; |c| {
        let tables = Long::new();
        tables.set(0x8000_0000, 2, 0, 0, 0);
        tables.set(0xc000_0000, 3, 0, 0, 0);
        // A reserved descriptor: a block at the third level (B3.6.2).
        tables.set(0xc000_1000, 3, TARGET | long::BLOCK | long::AF | long::ap(1), 0, 0);
        // Bit 0 clear is a fault whatever the rest says.
        tables.set(0xc000_2000, 3, (TARGET | long::PAGE | long::AF) & !1, !0, 0);
        write32(tables.l1, 0xffff_fffe);
        tables.setup().run(|| {
            for (va, level) in [(0x8000_0000, 2), (0xbfff_fffc, 2), (0xc000_0000, 3), (0xc000_1ffc, 3),
                (0xc000_2000, 3), (0xffff_fffc, 2), (0xfff0_0000, 2), (0, 1), (0x07ff_fffc, 1)]
            {
                for mode in [Mode::Svc, Mode::Usr] {
                    for access in Access::ALL {
                        // Devices are not mapped by this table, so nothing is printed meanwhile.
                        expect(c, mode, access, va, Some((Fault::Translation, level)));
                    }
                }
            }
        });
    });
    for level in 1..=3 {
        case!("long.fault.access-flag.{level}"; |c| {
            let tables = Long::new();
            let (va, pa) = if level == 1 { (0x8000_0000, 0x4000_0000) } else { (VA, TARGET) };
            let descriptor = bits(pa, level, 1);
            tables.set(va, level, descriptor & !long::AF, 0, 0);
            write32(TARGET, END_A32);
            let va_target = va + (TARGET - pa);
            tables.setup().run(|| {
                for mode in [Mode::Svc, Mode::Usr] {
                    for access in Access::ALL {
                        expect(c, mode, access, va_target, Some((Fault::AccessFlag, level)));
                    }
                }
                // What a handler does: it sets the flag, and needs no flush (B3.7.5).
                tables.set(va, level, descriptor, 0, 0);
                cp15_write!(0, c7, c5, 6, 0);
                for mode in [Mode::Svc, Mode::Usr] {
                    expect(c, mode, Access::Execute, va_target, None);
                    expect(c, mode, Access::Read, va_target, None);
                }
            });
        });
    }
    case!("long.fault.external"; |c| {
        let tables = Long::new();
        tables.set(VA, 2, bits(0x1ee0_0000, 2, 1), 0, 0);
        tables.setup().run(|| {
            for mode in [Mode::Svc, Mode::Usr] {
                expect(c, mode, Access::Read, crate::harness::layout::HOLE + 8, Some((Fault::External, 0)));
                expect(c, mode, Access::Write, crate::harness::layout::HOLE + 12, Some((Fault::External, 0)));
            }
        });
    });
}

fn put(n: u32, value: u32) -> u32 {
    let at = TARGET + (n << 21);
    write32(at + 0x40, value);
    at
}

fn reads(c: &mut Case, va: u32, want: u32) {
    let trap = expect(c, Mode::Usr, Access::Read, va + 0x40, None);
    c.eq("read", trap.r(1), want);
}

/// T0SZ and T1SZ: which addresses go by which TTBR, and which by none (B3.6.4).
fn regions() {
    // RAM at 0x4000_0000 must stay in one of them, devices are not needed while the MMU is on.
    let settings: [(u32, u32); 9] = [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (3, 0), (0, 3), (5, 0)];
    for (t0, t1) in settings {
        case!("long.region.{t0}.{t1}"; |c| {
            let tables = Long::new();
            let other = tables.another();
            let (first, second) = (put(0, 0xa0), put(1, 0xa1));
            let places = [0x0000_0000, 0x0120_0000, 0x0780_0000, 0x1000_0000, 0x2000_0000, 0x6000_0000, 0x8000_0000,
                0xbfe0_0000, 0xc000_0000, 0xe000_0000, 0xffe0_0000u32];
            for va in places {
                tables.at(tables.l1, va, 2, bits(first, 2, 1), 0, 0);
                tables.at(other, va, 2, bits(second, 2, 1), 0, 0);
            }
            // A region of at most a gigabyte begins with the second level, at the part of it that it has.
            let begin = |l1: u32, size: u32, va: u32| {
                if size < 2 { l1 + if size == 1 && va != 0 { 2 * 8 } else { 0 } } else {
                    let table = read32(l1 + (va >> 30) * 8) & !0xfff;
                    table + (va >> 21 & 0x1ff) * 8
                }
            };
            let top = if t1 == 0 { 0 } else { 0u32.wrapping_sub(1 << (32 - t1)) };
            let mut setup = tables.setup();
            setup.ttbr0 = begin(tables.l1, t0, 0);
            setup.ttbr1 = begin(other, t1, top);
            // With T0SZ alone, TTBR1 has all the rest, and its walk begins with the first level.
            if t1 == 0 {
                setup.ttbr1 = other;
            }
            setup.ttbcr = 1 << 31 | t1 << 16 | t0;
            setup.run(|| {
                for va in places {
                    let in_first = if t0 == 0 { t1 == 0 || va < top } else { va < 1 << (32 - t0) };
                    let in_second = if t1 == 0 { t0 != 0 && !in_first } else { va >= top };
                    if in_first {
                        reads(c, va, 0xa0);
                    } else if in_second {
                        reads(c, va, 0xa1);
                    } else {
                        // In neither: a translation fault on the first level.
                        expect(c, Mode::Svc, Access::Read, va + 0x40, Some((Fault::Translation, 1)));
                    }
                }
            });
        });
    }
    for (name, bit, va, ram_by) in [("epd0", 1 << 7, 0x0120_0000u32, 1), ("epd1", 1 << 23, 0xc000_0000, 0)] {
        case!("long.region.{name}"; |c| {
            let tables = Long::new();
            let other = tables.another();
            for va in [0x0120_0000, 0xc000_0000] {
                tables.at(tables.l1, va, 2, bits(put(0, 0xa0), 2, 1), 0, 0);
                tables.at(other, va, 2, bits(put(0, 0xa0), 2, 1), 0, 0);
            }
            let mut setup = tables.setup();
            // T0SZ = 2 leaves RAM to TTBR1.
            let t0 = if ram_by == 1 { 2 } else { 1 };
            setup.ttbr0 = if ram_by == 1 { read32(tables.l1) & !0xfff } else { tables.l1 };
            setup.ttbr1 = other;
            setup.ttbcr = 1 << 31 | t0 | bit;
            setup.run(|| {
                for mode in [Mode::Svc, Mode::Usr] {
                    for access in Access::ALL {
                        expect(c, mode, access, va + 0x40, Some((Fault::Translation, 1)));
                    }
                }
                let walked = if va == 0xc000_0000 { 0x0120_0000 } else { 0xc000_0000 };
                reads(c, walked, 0xa0);
            });
        });
    }
}

/// `MCRR`: TTBR0 with an ASID in bits 55:48.
fn ttbr0(low: u32, asid: u32) {
    use crate::harness::code::a32;
    use crate::harness::run::Run;
    // From a case, since the harness has no other way to a 64-bit register with both halves.
    Run::new(a32!("mcrr p15, 0, r0, r1, c2", "isb")).r(0, low).r(1, asid << 16).go();
}

fn asids() {
    for which in [0u32, 1] {
        case!("long.asid.ttbr{which}"; |c| {
            use crate::harness::{code::a32, run::Run};
            let tables = Long::new();
            let spaces: [u32; 3] = core::array::from_fn(|n| {
                let l1 = tables.another();
                tables.at(l1, VA, 3, bits(put(n as u32, 0x1100 + n as u32), 3, 1) | long::NG, 0, 0);
                l1
            });
            let mut setup = tables.setup();
            setup.ttbcr |= which << 22;
            setup.run(|| {
                for _ in 0..3 {
                    for (n, l1) in spaces.into_iter().enumerate() {
                        if which == 0 {
                            // Table and ASID change at once.
                            ttbr0(l1, n as u32 + 1);
                        } else {
                            // A1: the ASID is that of TTBR1; ASID 0 has no entry for this page.
                            ttbr0(tables.l1, 0);
                            Run::new(a32!("mcrr p15, 1, r0, r1, c2", "isb")).r(0, 0).r(1, (n as u32 + 1) << 16).go();
                            ttbr0(l1, 0);
                        }
                        reads(c, VA, 0x1100 + n as u32);
                        if which == 1 {
                            Run::new(a32!("mcrr p15, 1, r0, r1, c2", "isb")).r(0, 0).r(1, 0).go();
                        }
                    }
                }
                ttbr0(tables.l1, 0);
            });
        });
    }
}

/// The 64-bit registers hold what is written, by MRRC and, their lower half, by MRC.
fn registers() {
    use crate::harness::code::both;
    use crate::harness::run::{Kind, Run};
    let codes = [
        (
            "ttbr0",
            both!("mcrr p15, 0, r0, r1, c2", "isb", "mrrc p15, 0, r2, r3, c2", "mrc p15, 0, r4, c2, c0, 0"),
        ),
        (
            "ttbr1",
            both!("mcrr p15, 1, r0, r1, c2", "isb", "mrrc p15, 1, r2, r3, c2", "mrc p15, 0, r4, c2, c0, 1"),
        ),
    ];
    for (name, codes) in codes {
        for code in codes {
            case!("long.register.{name}.{}", code.isa.name(); |c| {
                for (low, high) in [(0x1234_5000, 0), (0x4140_0000, 0x0055_0000), (0xffff_f000, 0x00ff_0000)] {
                    let trap = Run::new(code).r(0, low).r(1, high).go();
                    trap.check(c, Kind::Done, &[(2, low), (3, high), (4, low)]);
                }
                Run::new(code).r(0, 0).r(1, 0).go();
            });
        }
    }
    case!("long.register.ttbcr"; |c| {
        for value in [0x8000_0000, 0x8003_0002, 0x8080_0080, 0xb703_3704] {
            cp15_write!(0, c2, c0, 2, value);
            c.eq("TTBCR", cp15_read!(0, c2, c0, 2), value);
        }
        cp15_write!(0, c2, c0, 2, 0);
    });
    case!("long.register.mair"; |c| {
        cp15_write!(0, c2, c0, 2, 1 << 31);
        for value in [0, 0xff44_0400, 0x0000_00ff] {
            cp15_write!(0, c10, c2, 0, value);
            cp15_write!(0, c10, c2, 1, !value);
            c.eq("MAIR0", cp15_read!(0, c10, c2, 0), value);
            c.eq("MAIR1", cp15_read!(0, c10, c2, 1), !value);
        }
        cp15_write!(0, c2, c0, 2, 0);
    });
}

/// A way to drop the translation of an address.
type Drop = (&'static str, fn(u32));

fn maintenance() {
    let drops: [Drop; 4] = [
        ("tlbiall", |_| flush_tlb()),
        ("tlbimva", |va| cp15_write!(0, c8, c7, 1, va)),
        ("tlbimvaa", |va| cp15_write!(0, c8, c7, 3, va)),
        ("tlbiallis", |_| cp15_write!(0, c8, c3, 0, 0)),
    ];
    for (name, drop) in drops {
        for level in [2, 3] {
            case!("long.tlb.{name}.{level}"; |c| {
                let tables = Long::new();
                tables.set(VA, level, 0, 0, 0);
                let (first, second) = (put(0, 0xa0), put(1, 0xa1));
                tables.setup().run(|| {
                    for (pa, value) in [(first, 0xa0), (second, 0xa1), (first, 0xa0)] {
                        tables.set(VA, level, bits(pa, level, 1), 0, 0);
                        cp15_write!(0, c7, c5, 6, 0);
                        reads(c, VA, value);
                        tables.set(VA, level, bits(pa, level, 3), 0, 0);
                        drop(VA);
                        expect(c, Mode::Usr, Access::Write, VA, Some((Fault::Permission, level)));
                        tables.set(VA, level, 0, 0, 0);
                        drop(VA);
                        expect(c, Mode::Usr, Access::Read, VA, Some((Fault::Translation, level)));
                    }
                });
            });
        }
    }
}
