//! Performance monitors (C12): the cycle counter. How fast it counts is nobody's business here.

use crate::harness::code::{Code, both};
use crate::harness::cp15::{cp15_read, cp15_write};
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run};

const E: u32 = 1;
const CYCLES: u32 = 1 << 31;

/// Off, nothing counts, nothing overflowed, not for PL0.
fn reset() {
    cp15_write!(0, c9, c14, 0, 0);
    cp15_write!(0, c9, c12, 2, !0);
    cp15_write!(0, c9, c14, 2, !0);
    cp15_write!(0, c9, c12, 3, !0);
    cp15_write!(0, c9, c12, 0, 0);
}

fn cycles() -> u32 {
    cp15_read!(0, c9, c13, 0)
}

/// Whether the counter moves within a generous time.
fn moves() -> bool {
    let begin = cycles();
    (0..1_000_000).any(|_| cycles() != begin)
}

pub(crate) fn cases() {
    case!("pmu.counts"; |c| {
        reset();
        c.holds("off", !(0..1000).any(|_| cycles() != cycles()));
        // Both PMCR.E and the counter's own enable are needed.
        cp15_write!(0, c9, c12, 0, E);
        c.eq("PMCR.E", cp15_read!(0, c9, c12, 0) & E, E);
        cp15_write!(0, c9, c12, 1, CYCLES);
        c.eq("PMCNTENSET", cp15_read!(0, c9, c12, 1) & CYCLES, CYCLES);
        c.eq("PMCNTENCLR", cp15_read!(0, c9, c12, 2) & CYCLES, CYCLES);
        c.holds("counts", moves());
        cp15_write!(0, c9, c12, 2, CYCLES);
        c.eq("PMCNTENSET", cp15_read!(0, c9, c12, 1) & CYCLES, 0);
        reset();
    });
    case!("pmu.holds-while-off"; |c| {
        reset();
        for value in [0, 0x1234_5678, !0] {
            cp15_write!(0, c9, c13, 0, value);
            c.eq("PMCCNTR", cycles(), value);
        }
        // PMCR.C clears it.
        cp15_write!(0, c9, c12, 0, 4);
        c.eq("PMCCNTR", cycles(), 0);
        c.eq("PMCR.C reads as zero", cp15_read!(0, c9, c12, 0) & 6, 0);
        reset();
    });
    case!("pmu.overflow"; |c| {
        reset();
        c.eq("PMOVSR", cp15_read!(0, c9, c12, 3) & CYCLES, 0);
        cp15_write!(0, c9, c13, 0, 0xffff_fff0);
        cp15_write!(0, c9, c12, 1, CYCLES);
        cp15_write!(0, c9, c12, 0, E);
        let mut rounds = 0;
        while cycles() >= 0xffff_0000 && rounds < 10_000_000 {
            rounds += 1;
        }
        c.eq("PMOVSR", cp15_read!(0, c9, c12, 3) & CYCLES, CYCLES);
        cp15_write!(0, c9, c12, 0, 0);
        cp15_write!(0, c9, c12, 3, CYCLES);
        c.eq("cleared", cp15_read!(0, c9, c12, 3) & CYCLES, 0);
        reset();
    });
    case!("pmu.interrupt-enable"; |c| {
        reset();
        cp15_write!(0, c9, c14, 1, CYCLES);
        c.eq("PMINTENSET", cp15_read!(0, c9, c14, 1) & CYCLES, CYCLES);
        cp15_write!(0, c9, c14, 2, CYCLES);
        c.eq("PMINTENCLR", cp15_read!(0, c9, c14, 2) & CYCLES, 0);
        reset();
    });
    rights();
}

/// PMUSERENR.EN lets PL0 use them, but for PMUSERENR's own value and the interrupt enables.
fn rights() {
    let forms: [(&str, [Code; 2]); 4] = [
        ("pmccntr", both!("mrc p15, 0, r0, c9, c13, 0")),
        ("pmcr", both!("mrc p15, 0, r0, c9, c12, 0")),
        ("pmcntenset", both!("mrc p15, 0, r0, c9, c12, 1")),
        ("pmovsr", both!("mrc p15, 0, r0, c9, c12, 3")),
    ];
    for (name, codes) in forms {
        for code in codes {
            case!("pmu.rights.{name}.{}", code.isa.name(); |c| {
                reset();
                for enable in [0, 1, 0] {
                    cp15_write!(0, c9, c14, 0, enable);
                    c.eq("PMUSERENR", cp15_read!(0, c9, c14, 0) & 1, enable);
                    for mode in [Mode::Usr, Mode::Svc] {
                        let trap = Run::new(code).mode(mode).go();
                        let ok = mode == Mode::Svc || enable != 0;
                        c.eq("kind", trap.kind as u32, if ok { Kind::Done } else { Kind::Und } as u32);
                    }
                }
            });
        }
    }
    for code in both!("mrc p15, 0, r0, c9, c14, 0", "mcr p15, 0, r1, c9, c14, 0") {
        case!("pmu.rights.pmuserenr.{}", code.isa.name(); |c| {
            for enable in [0, 1] {
                cp15_write!(0, c9, c14, 0, enable);
                // PL0 may read it and not write it.
                Run::new(code).mode(Mode::Usr).go().check(c, Kind::Und, &[(0, enable)]);
            }
            reset();
        });
    }
}
