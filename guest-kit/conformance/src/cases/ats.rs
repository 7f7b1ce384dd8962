//! Address translation operations and PAR (B3.12.5, B4.2.4).

use super::probe::Fault;
use crate::harness::code::a32;
use crate::harness::cp15::{self, cp15_read, cp15_write};
use crate::harness::layout::TARGET;
use crate::harness::report::{Case, case};
use crate::harness::run::Run;
use crate::harness::tables::{Long, Short, long, short};

const VA: u32 = 0x9000_0000;

pub(crate) fn cases() {
    off();
    short_pages();
    short_faults();
    long_pages();
    registers();
}

/// The four operations: privileged read and write, user read and write.
const OPERATIONS: [(&str, bool, bool); 4] =
    [("cpr", false, false), ("cpw", false, true), ("cur", true, false), ("cuw", true, true)];

/// Translates, and returns PAR; 64 bits of it if TTBCR.EAE is set.
fn translate(n: usize, va: u32) -> u32 {
    match n {
        0 => cp15_write!(0, c7, c8, 0, va),
        1 => cp15_write!(0, c7, c8, 1, va),
        2 => cp15_write!(0, c7, c8, 2, va),
        _ => cp15_write!(0, c7, c8, 3, va),
    }
    cp15_read!(0, c7, c4, 0)
}

/// PAR without the attributes, which say how memory is cached.
fn address(c: &mut Case, par: u32, want: u32) {
    c.eq("PAR", par & 0xffff_f001, want & 0xffff_f000);
}

fn fault(c: &mut Case, par: u32, fault: Fault, level: u32, is_long: bool) {
    // PAR[6:1] is the status; in the short format FS[4] and ExT come before FS[3:0].
    let status = fault.status(level, is_long);
    let status = if is_long { status & 0x3f } else { status & 0xf | (status >> 10 & 1) << 4 };
    c.eq("PAR", par & 0x7f, status << 1 | 1);
    if is_long {
        c.eq("LPAE", par >> 11 & 1, 1);
    }
}

/// With the MMU off every address is its own.
fn off() {
    case!("ats.off"; |c| {
        for (n, _) in OPERATIONS.iter().enumerate() {
            for va in [0, 0x4000_1234, 0xffff_fffc] {
                address(c, translate(n, va), va);
            }
        }
    });
}

fn short_pages() {
    for (n, (name, user, write)) in OPERATIONS.into_iter().enumerate() {
        for ap in [0, 1, 2, 3, 5, 7] {
            case!("ats.{name}.ap{ap}"; |c| {
                let tables = Short::new();
                tables.l1(VA, TARGET | short::NORMAL | short::section_ap(ap) | short::SECTION);
                tables.l2(VA + (1 << 20), 0, (TARGET + 0x5000) | short::NORMAL_SMALL | short::page_ap(ap) | short::SMALL);
                tables.large(VA + (2 << 20), 0,
                    (TARGET + 0x1_0000) | short::NORMAL_LARGE | short::page_ap(ap) | short::LARGE);
                // XN does not matter to data.
                tables.l1(VA + (3 << 20), TARGET | short::NORMAL | short::section_ap(ap) | short::SECTION | short::SECTION_XN);
                let ok = match ap {
                    0 => false,
                    1 => !user,
                    2 => !user || !write,
                    3 => true,
                    5 => !user && !write,
                    _ => !write,
                };
                tables.setup().run(|| {
                    for (offset, pa, level) in [(0x1_2abc, TARGET + 0x1_2abc, 1), ((1 << 20) + 0xabc, TARGET + 0x5abc, 2),
                        ((2 << 20) + 0x1234, TARGET + 0x1_1234, 2), (3 << 20, TARGET, 1)]
                    {
                        let par = translate(n, VA + offset);
                        if ok { address(c, par, pa) } else { fault(c, par, Fault::Permission, level, false) }
                    }
                });
            });
        }
    }
    for (n, (name, ..)) in OPERATIONS.into_iter().enumerate() {
        case!("ats.{name}.supersection"; |c| {
            let tables = Short::new();
            tables.supersection(VA, TARGET | short::NORMAL | short::section_ap(3) | short::SUPERSECTION);
            tables.setup().run(|| {
                for offset in [0, 0x12_3456, 0xff_f000] {
                    let par = translate(n, VA + offset);
                    // Bit 1: a supersection, whose address ends at bit 24.
                    c.eq("PAR", par & 0xff00_0003, TARGET | 2);
                }
            });
        });
    }
}

fn short_faults() {
    for (n, (name, ..)) in OPERATIONS.into_iter().enumerate() {
        case!("ats.{name}.faults"; |c| {
            let tables = Short::new();
            tables.l2(VA, 0, 0);
            tables.l1(VA + (1 << 20), TARGET | short::NORMAL | short::section_ap(3) | short::SECTION | 7 << 5);
            tables.l2(VA + (2 << 20), 7 << 5, TARGET | short::NORMAL_SMALL | short::page_ap(3) | short::SMALL);
            let setup = tables.setup();
            let dfar = cp15_read!(0, c6, c0, 0);
            let dfsr = cp15_read!(0, c5, c0, 0);
            setup.run(|| {
                fault(c, translate(n, VA), Fault::Translation, 2, false);
                fault(c, translate(n, 0xfff0_0000), Fault::Translation, 1, false);
                fault(c, translate(n, 0), Fault::Translation, 1, false);
                cp15_write!(0, c3, c0, 0, 0x5555_1555);
                fault(c, translate(n, VA + (1 << 20)), Fault::Domain, 1, false);
                fault(c, translate(n, VA + (2 << 20)), Fault::Domain, 2, false);
                cp15_write!(0, c3, c0, 0, 0x5555_d555);
                address(c, translate(n, VA + (1 << 20)), TARGET);
            });
            // They are not faults of the CPU.
            c.eq("DFAR", cp15_read!(0, c6, c0, 0), dfar);
            c.eq("DFSR", cp15_read!(0, c5, c0, 0), dfsr);
        });
    }
    case!("ats.access-flag"; |c| {
        let tables = Short::new();
        tables.l1(VA, TARGET | short::NORMAL | short::section_ap(2) | short::SECTION);
        let mut setup = tables.setup();
        setup.sctlr = cp15::sctlr::AFE;
        setup.run(|| {
            for n in 0..4 {
                fault(c, translate(n, VA), Fault::AccessFlag, 1, false);
            }
        });
    });
}

fn long_pages() {
    for (n, (name, user, write)) in OPERATIONS.into_iter().enumerate() {
        for ap in 0..4 {
            case!("ats.long.{name}.ap{ap}"; |c| {
                let tables = Long::new();
                let flags = long::AF | long::ap(ap);
                tables.set(VA, 2, TARGET | flags | long::BLOCK, 0, 0);
                tables.set(0xc000_0000, 3, (TARGET + 0x5000) | flags | long::PAGE, long::XN | long::PXN, 0);
                tables.set(0xc000_1000, 3, (TARGET + 0x5000) | flags & !long::AF | long::PAGE, 0, 0);
                let ok = (!user || ap & 1 != 0) && (!write || ap & 2 == 0);
                tables.setup().run(|| {
                    for (va, pa, level) in [(VA + 0x1_2345, TARGET + 0x1_2345, 2), (0xc000_0abc, TARGET + 0x5abc, 3)] {
                        let par = translate(n, va);
                        if ok { address(c, par, pa) } else { fault(c, par, Fault::Permission, level, true) }
                    }
                    fault(c, translate(n, 0xc000_1000), Fault::AccessFlag, 3, true);
                    fault(c, translate(n, 0xc000_2000), Fault::Translation, 3, true);
                    fault(c, translate(n, 0xffff_0000), Fault::Translation, 2, true);
                    // By MRRC: bits 39:32 of the address are 0.
                    let trap = Run::new(a32!("mcr p15, 0, r0, c7, c8, 0", "isb", "mrrc p15, 0, r1, r2, c7"))
                        .r(0, VA + 0x123).go();
                    address(c, trap.r(1), TARGET);
                    c.eq("LPAE", trap.r(1) >> 11 & 1, 1);
                    c.eq("upper bits", trap.r(2) & 0xff, 0);
                });
            });
        }
    }
}

fn registers() {
    case!("ats.par-holds"; |c| {
        for value in [0, 0x1234_5000, 0xffff_f000] {
            cp15_write!(0, c7, c4, 0, value);
            c.eq("PAR", cp15_read!(0, c7, c4, 0), value);
        }
    });
}
