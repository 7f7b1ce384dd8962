//! CP15 and CP14 (B3.17, B4.1, C11): what the identification says, what registers hold, who may access them.

use super::cp15_access::{Register, access};
use crate::harness::code::{Code, Isa, a32, both, t32};
use crate::harness::cp15::{self, cp15_read, cp15_write, is_cortex_a9, sctlr, set_sctlr};
use crate::harness::gic;
use crate::harness::report::{Case, case};
use crate::harness::run::{Kind, Mode, Run, psr};

pub(crate) fn cases() {
    identification();
    holding();
    control();
    thread_registers();
    thread_registers_apart();
    thumb_ee_handler_base();
    isr();
    cache_size();
    debug();
    bxj();
}

fn identification() {
    case!("cp15.midr"; |c| {
        let midr = cp15_read!(0, c0, c0, 0);
        c.eq("implementer and architecture", midr & 0xff0f_0000, 0x410f_0000);
        c.holds("Cortex-A7, A9 or A15", matches!(midr >> 4 & 0xfff, 0xc07 | 0xc09 | 0xc0f));
        // Unallocated ones in this group are MIDR again (B4.1.105).
        c.holds("alias 4", cp15_read!(0, c0, c0, 4) == midr);
        c.holds("alias 7", cp15_read!(0, c0, c0, 7) == midr);
    });
    case!("cp15.mpidr"; |c| {
        let mpidr = cp15_read!(0, c0, c0, 5);
        c.eq("format and affinity", mpidr & 0x80ff_ffff, 0x8000_0000);
    });
    case!("cp15.ctr"; |c| {
        let ctr = cp15_read!(0, c0, c0, 1);
        c.eq("format", ctr >> 29, 4);
        c.holds("instruction lines", matches!(ctr & 0xf, 2..=10));
        c.holds("data lines", matches!(ctr >> 16 & 0xf, 2..=10));
    });
    case!("cp15.tlbtr"; |c| c.eq("unified", cp15_read!(0, c0, c0, 3) & 1, 0));
    case!("cp15.tcmtr"; |c| c.eq("no TCM", cp15_read!(0, c0, c0, 2) & 0x7, 0));
    case!("cp15.id-pfr0"; |c| {
        let value = cp15_read!(0, c0, c1, 0);
        c.eq("A32", value & 0xf, 1);
        c.eq("T32", value >> 4 & 0xf, 3);
    });
    case!("cp15.id-pfr1"; |c| {
        let value = cp15_read!(0, c0, c1, 1);
        c.eq("standard modes", value & 0xf, 1);
        c.eq("Security Extensions", value >> 4 & 0xf, 0);
        c.eq("Virtualization Extensions", value >> 12 & 0xf, 0);
        c.eq("generic timer", value >> 16 & 0xf, 1);
    });
    case!("cp15.id-mmfr"; |c| {
        // VMSAv7, or VMSAv7 with long descriptors, PXN and 64-bit accesses (B4.1.89).
        c.eq("VMSA", cp15_read!(0, c0, c1, 4) & 0xf, if is_cortex_a9() { 3 } else { 5 });
        c.note(cp15_read!(0, c0, c1, 4) >> 12 & 0xff);
        c.eq("maintenance by set and way", cp15_read!(0, c0, c1, 7) >> 4 & 0xf, 1);
        c.eq("maintenance by address", cp15_read!(0, c0, c1, 7) & 0xf, 1);
    });
    case!("cp15.id-isar"; |c| {
        c.eq("divide", cp15_read!(0, c0, c2, 0) >> 24 & 0xf, if is_cortex_a9() { 0 } else { 2 });
        c.eq("breakpoint", cp15_read!(0, c0, c2, 0) >> 20 & 0xf, 1);
        c.eq("exception A32", cp15_read!(0, c0, c2, 1) >> 4 & 0xf, 1);
        c.eq("if-then", cp15_read!(0, c0, c2, 1) >> 16 & 0xf, 1);
        c.eq("multiply", cp15_read!(0, c0, c2, 2) >> 12 & 0xf, 2);
        c.eq("SVC", cp15_read!(0, c0, c2, 3) >> 8 & 0xf, 1);
        c.eq("barriers", cp15_read!(0, c0, c2, 4) >> 16 & 0xf, 1);
        c.eq("ID_ISAR5", cp15_read!(0, c0, c2, 5), 0);
    });
    case!("cp15.id-reserved"; |c| {
        // Reserved in the CPUID scheme: read as zero (B7.2).
        c.eq("c0, c2, 7", cp15_read!(0, c0, c2, 7), 0);
        c.eq("c0, c3, 0", cp15_read!(0, c0, c3, 0), 0);
        c.eq("c0, c4, 1", cp15_read!(0, c0, c4, 1), 0);
        c.eq("c0, c7, 7", cp15_read!(0, c0, c7, 7), 0);
    });
    // What ID_ISAR0 promises is there, and what it does not is not.
    for code in both!(".arch_extension idiv", "udiv r0, r1, r2", "sdiv r3, r4, r2", "mls r5, r1, r2, r4") {
        case!("cp15.divides.{}", code.isa.name(); |c| {
            for mode in [Mode::Usr, Mode::Svc] {
                let trap = Run::new(code).mode(mode).r(1, 0xffff_fff9).r(2, 7).r(4, 0xffff_ff9c).go();
                if is_cortex_a9() {
                    trap.check(c, Kind::Und, &[(1, 0xffff_fff9), (2, 7), (4, 0xffff_ff9c)]);
                    continue;
                }
                trap.check(c, Kind::Done, &[(0, 0xffff_fff9 / 7), (1, 0xffff_fff9), (2, 7), (3, 0u32.wrapping_sub(14)),
                    (4, 0xffff_ff9c), (5, 0xffff_ff9cu32.wrapping_sub(0xffff_fff9u32.wrapping_mul(7)))]);
            }
        });
    }
}

/// Registers that hold what is written to them while the MMU is off, and the bits that they have.
fn holding() {
    let registers: [(Register, u32); 14] = [
        (("ttbr0", 0, 2, 0, 0), 0xffff_c000),
        (("ttbr1", 0, 2, 0, 1), 0xffff_c000),
        (("ttbcr.n", 0, 2, 0, 2), 7),
        (("dacr", 0, 3, 0, 0), !0),
        (("dfsr", 0, 5, 0, 0), 0xcff),
        (("ifsr", 0, 5, 0, 1), 0x40f),
        (("dfar", 0, 6, 0, 0), !0),
        (("ifar", 0, 6, 0, 2), !0),
        (("contextidr", 0, 13, 0, 1), !0),
        (("tpidrurw", 0, 13, 0, 2), !0),
        (("tpidruro", 0, 13, 0, 3), !0),
        (("vbar", 0, 12, 0, 0), 0xffff_ffe0),
        (("prrr", 0, 10, 2, 0), 0x00ff_ffff),
        (("nmrr", 0, 10, 2, 1), !0),
    ];
    for (register, mask) in registers {
        for isa in Isa::BOTH {
            case!("cp15.holds.{}.{}", register.0, isa.name(); |c| {
                // Read back at once: the vectors of the next trap need VBAR.
                let (_, opc1, crn, crm, opc2) = register;
                let word = |read: u32, rt: u32| {
                    0xee00_0f10 | opc1 << 21 | crn << 16 | opc2 << 5 | crm | read << 20 | rt << 12
                };
                for value in [0, mask, 0x5555_5555 & mask, 0xaaaa_aaaa & mask] {
                    // MRC r4; MCR r1; ISB; MRC r2; MCR r4; ISB
                    let code = match isa {
                        Isa::A32 => Code::write_a32(&[word(1, 4), word(0, 1), 0xf57f_f06f, word(1, 2), word(0, 4), 0xf57f_f06f]),
                        Isa::T32 => {
                            let mut halves = [0u16; 12];
                            let words = [word(1, 4), word(0, 1), 0xf3bf_8f6f, word(1, 2), word(0, 4), 0xf3bf_8f6f];
                            for (n, word) in words.into_iter().enumerate() {
                                halves[2 * n] = (word >> 16) as u16;
                                halves[2 * n + 1] = word as u16;
                            }
                            Code::write_t32(&halves)
                        }
                    };
                    let trap = Run::new(code).r(1, value).go();
                    c.eq("kind", trap.kind as u32, Kind::Done as u32);
                    c.eq("value", trap.r(2) & mask, value);
                }
            });
        }
    }
}

/// SCTLR: each bit that ARMv7 has can be set and cleared alone; those that are always 1 are.
fn control() {
    case!("cp15.sctlr.fixed"; |c| {
        let value = sctlr();
        // RAO: 22, 18, 16, 4, 3; U is 22, XP 23 (B4.1.130).
        c.eq("ones", value & 0x00c5_0018, 0x00c5_0018);
        c.eq("NMFI", value >> 27 & 1, 0);
        c.eq("MMU", value & 1, 0);
    });
    let bits = [
        ("a", cp15::sctlr::A),
        ("c", cp15::sctlr::C),
        ("z", cp15::sctlr::Z),
        ("i", cp15::sctlr::I),
        ("ee", cp15::sctlr::EE),
        ("tre", cp15::sctlr::TRE),
        ("afe", cp15::sctlr::AFE),
        ("sw", cp15::sctlr::SW),
    ];
    for (name, bit) in bits {
        case!("cp15.sctlr.{name}"; |c| {
            let old = sctlr();
            for value in [old | bit, old & !bit, old | bit, old] {
                set_sctlr(value);
                c.eq("bit", sctlr() & bit, value & bit);
            }
        });
    }
    case!("cp15.cpacr"; |c| {
        let old = cp15_read!(0, c1, c0, 2);
        for value in [0, 0x00f0_0000, 0x0050_0000, 0] {
            cp15_write!(0, c1, c0, 2, value);
            c.eq("cp10 and cp11", cp15_read!(0, c1, c0, 2) & 0x00f0_0000, value);
        }
        // No other coprocessor is there.
        cp15_write!(0, c1, c0, 2, 0x000f_ffff);
        c.note(cp15_read!(0, c1, c0, 2) & 0x0000_0fff);
        cp15_write!(0, c1, c0, 2, old);
    });
}

/// TPIDRURW is PL0's, TPIDRURO can be read there, TPIDRPRW is PL1's.
fn thread_registers() {
    for isa in Isa::BOTH {
        case!("cp15.tpidr.{}", isa.name(); |c| {
            for value in [0x1234_5678, 0, !0] {
                let urw = ("tpidrurw", 0, 13, 0, 2);
                let uro = ("tpidruro", 0, 13, 0, 3);
                for mode in Mode::ALL {
                    Run::new(access(urw, false, isa)).mode(mode).r(1, value).go().check(c, Kind::Done, &[(1, value)]);
                    Run::new(access(urw, true, isa)).mode(mode).go().check(c, Kind::Done, &[(1, value)]);
                    c.eq("TPIDRURW", cp15_read!(0, c13, c0, 2), value);
                    cp15_write!(0, c13, c0, 3, !value);
                    Run::new(access(uro, true, isa)).mode(mode).go().check(c, Kind::Done, &[(1, !value)]);
                    let kind = if mode == Mode::Usr { Kind::Und } else { Kind::Done };
                    Run::new(access(uro, false, isa)).mode(mode).go().check(c, kind, &[]);
                }
            }
        });
    }
    for code in both!("mcr p15, 0, r0, c13, c0, 4", "mrc p15, 0, r1, c13, c0, 4") {
        case!("cp15.tpidrprw.{}", code.isa.name(); |c| {
            for mode in Mode::PRIVILEGED {
                for value in [0x8765_4321, 0, !0] {
                    let trap = Run::new(code).mode(mode).r(0, value).go();
                    trap.check(c, Kind::Done, &[(0, value), (1, value)]);
                }
            }
        });
    }
}

/// What the kernel writes to its own leaves the user's as it is, and the other way round. The vectors here use TPIDRPRW
/// themselves, so it is read where it was written.
fn thread_registers_apart() {
    let codes = both!(
        "mcr p15, 0, r0, c13, c0, 4",
        "mrc p15, 0, r1, c13, c0, 2",
        "mcr p15, 0, r2, c13, c0, 2",
        "mrc p15, 0, r3, c13, c0, 4",
        "mrc p15, 0, r4, c13, c0, 2",
    );
    for code in codes {
        case!("cp15.tpidr.apart.{}", code.isa.name(); |c| {
            let urw = ("tpidrurw", 0, 13, 0, 2);
            for (kernel, user) in [(0x1234_5678, 0x9abc_def0), (!0, 0), (0, !0)] {
                for mode in Mode::PRIVILEGED {
                    Run::new(access(urw, false, code.isa)).mode(Mode::Usr).r(1, !user).go().check(c, Kind::Done, &[]);
                    let trap = Run::new(code).mode(mode).r(0, kernel).r(2, user).go();
                    trap.check(c, Kind::Done, &[(1, !user), (3, kernel), (4, user)]);
                    Run::new(access(urw, true, code.isa)).mode(Mode::Usr).go().check(c, Kind::Done, &[(1, user)]);
                }
            }
        });
    }
}

/// ThumbEE's handler base is the user's as well, unless TEECR.XED closes it (DDI 0406C, TEECR and TEEHBR).
fn thumb_ee_handler_base() {
    const TEECR: u32 = 0xeec0_1e10;
    const TEEHBR: u32 = 0xeec1_1e10;
    const READ: u32 = 1 << 20;
    for isa in Isa::BOTH {
        case!("cp14.teehbr.{}", isa.name(); |c| {
            let run = |word, mode, value| Run::new(Code::write_coprocessor(isa, word)).mode(mode).r(1, value).go();
            run(TEECR, Mode::Svc, 0).check(c, Kind::Done, &[]);
            for value in [0x1234_5678, 0, 0xffff_fffc] {
                run(TEEHBR, Mode::Svc, value).check(c, Kind::Done, &[]);
                for mode in Mode::ALL {
                    run(TEEHBR | READ, mode, 1).check(c, Kind::Done, &[(1, value)]);
                }
                run(TEEHBR, Mode::Usr, !value & !3).check(c, Kind::Done, &[]);
                run(TEEHBR | READ, Mode::Svc, 1).check(c, Kind::Done, &[(1, !value & !3)]);
            }
            run(TEECR, Mode::Usr, 0).check(c, Kind::Und, &[]);
            run(TEECR, Mode::Svc, 1).check(c, Kind::Done, &[]);
            run(TEEHBR | READ, Mode::Usr, 1).check(c, Kind::Und, &[]);
            run(TEEHBR, Mode::Usr, 1).check(c, Kind::Und, &[]);
            run(TEEHBR | READ, Mode::Svc, 1).check(c, Kind::Done, &[(1, 0)]);
            run(TEECR, Mode::Svc, 0).check(c, Kind::Done, &[]);
            run(TEEHBR, Mode::Svc, 0).check(c, Kind::Done, &[]);
        });
    }
}

/// ISR shows what is pending, masked or not (B4.1.100).
fn isr() {
    for code in both!("mrc p15, 0, r0, c12, c1, 0") {
        case!("cp15.isr.{}", code.isa.name(); |c| {
            Run::new(code).go().check(c, Kind::Done, &[(0, 0)]);
            let trap = gic::with_pending(|| Run::new(code).go());
            trap.check(c, Kind::Done, &[(0, psr::I)]);
            Run::new(code).go().check(c, Kind::Done, &[(0, 0)]);
        });
    }
}

fn cache_size() {
    case!("cp15.csselr"; |c| {
        // Cortex-A9 has no level 2 of its own, and CCSIDR there says nothing.
        let caches: &[u32] = if is_cortex_a9() { &[0, 1, 0] } else { &[0, 1, 2, 0] };
        for &value in caches {
            cp15_write!(2, c0, c0, 0, value);
            c.eq("CSSELR", cp15_read!(2, c0, c0, 0), value);
            let ccsidr = cp15_read!(1, c0, c0, 0);
            // Lines of 32 or 64 bytes.
            c.holds("line", matches!(ccsidr & 7, 1 | 2));
        }
    });
    case!("cp15.clidr"; |c| {
        let clidr = cp15_read!(1, c0, c0, 1);
        c.eq("level 1", clidr & 7, 3);
        let (level_2, coherency) = if is_cortex_a9() { (0, 1) } else { (4, 2) };
        c.eq("level 2", clidr >> 3 & 7, level_2);
        c.eq("level of coherency", clidr >> 24 & 7, coherency);
    });
}

/// CP14: the debug identification, and Jazelle as far as ARMv7 without it has it (A2.10.4, C11.11).
fn debug() {
    let codes = [
        ("dbgdidr", both!("mrc p14, 0, r0, c0, c0, 0")),
        ("dbgdrar", both!("mrc p14, 0, r0, c1, c0, 0")),
        ("dbgdsar", both!("mrc p14, 0, r0, c2, c0, 0")),
        ("dbgdscr", both!("mrc p14, 0, r0, c0, c1, 0")),
    ];
    for (name, codes) in codes {
        for code in codes {
            case!("cp14.{name}.{}", code.isa.name(); |c| {
                let trap = Run::new(code).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                match name {
                    // v7.1 debug; the baseline registers of v7 debug.
                    "dbgdidr" => c.eq("version", trap.r(0) >> 16 & 0xf, if is_cortex_a9() { 4 } else { 5 }),
                    // Not valid: no memory-mapped debug registers.
                    "dbgdrar" | "dbgdsar" => c.eq("valid", trap.r(0) & 3, 0),
                    // Not halted, no debug mode.
                    _ => c.eq("DBGDSCR", trap.r(0) & 0xc001, 0),
                }
            });
        }
    }
    for code in both!("mrc p14, 7, r0, c0, c0, 0", "mrc p14, 7, r1, c1, c0, 0", "mrc p14, 7, r2, c2, c0, 0") {
        case!("cp14.jazelle.{}", code.isa.name(); |c| {
            Run::new(code).go().check(c, Kind::Done, &[(0, 0), (1, 0), (2, 0)]);
        });
    }
}

/// BXJ is BX (A2.10.4).
fn bxj() {
    for code in [a32!("bxj r0"), t32!("bxj r0")] {
        for mode in Mode::ALL {
            case!("cp14.bxj.{}.{}", mode.name(), code.isa.name(); |c: &mut Case| {
                for target in both!("mov r12, #0x5a") {
                    let address = target.address | (target.isa.t() >> 5);
                    let trap = Run::new(code).mode(mode).r(0, address).go();
                    trap.check(c, Kind::Done, &[(0, address), (12, 0x5a)]);
                    c.eq("T", trap.psr() & psr::T, target.isa.t());
                }
            });
        }
    }
}
