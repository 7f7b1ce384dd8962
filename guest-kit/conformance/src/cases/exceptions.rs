//! Exception entry: every kind from every mode, with every mask, in either instruction set (B1.8, B1.9).

use super::probe::{Fault, is_long, status_mask};
use crate::harness::code::{Code, Isa, a32, both, t32};
use crate::harness::cp15::{self, sctlr, with_sctlr};
use crate::harness::layout::HOLE;
use crate::harness::report::{Case, case};
use crate::harness::run::{Kind, Mode, Run, pattern, psr};
use crate::harness::{gic, vectors};

pub(crate) fn cases() {
    from_every_mode();
    immediates();
    aborts();
    external_fetch();
    it_blocks();
    interrupts();
    moved_vectors();
    undefined();
    resumed();
}

/// One exception of each kind that instructions cause, and the offset of the instruction.
pub(crate) fn synchronous(isa: Isa) -> [(&'static str, Code, Kind, u32); 5] {
    let codes = [
        both!("nop", "svc #0x42"),
        both!("nop", "udf #0x12"),
        both!("nop", "bkpt #0x34"),
        both!("nop", "ldr r1, [r0]"),
        both!("nop", "str r1, [r0]"),
    ];
    let code = |n: usize| codes[n][(isa == Isa::T32) as usize];
    let at = if isa == Isa::T32 { 2 } else { 4 };
    [
        ("svc", code(0), Kind::Svc, at),
        ("und", code(1), Kind::Und, at),
        ("bkpt", code(2), Kind::Pabt, at),
        ("read", code(3), Kind::Dabt, at),
        ("write", code(4), Kind::Dabt, at),
    ]
}

fn from_every_mode() {
    for isa in Isa::BOTH {
        for (name, code, kind, at) in synchronous(isa) {
            for mode in Mode::ALL {
                case!("exceptions.{name}.{}.{}", mode.name(), isa.name(); |c| {
                    let states = [
                        psr::AIF, 0, psr::A, psr::I | psr::F, psr::F | psr::N | psr::Z, psr::I | psr::C | psr::V | psr::Q,
                        psr::AIF | psr::GE, psr::E | psr::AIF, psr::E | 0xf80f_0000,
                    ];
                    for state in states {
                        let run = Run::new(code).mode(mode).psr(state, psr::AIF).r(0, HOLE + 0x40);
                        let trap = run.go();
                        trap.check(c, kind, &[]);
                        c.eq("where", trap.offset(), at);
                        c.eq("SPSR", trap.psr(), run.cpsr());
                    }
                });
            }
        }
    }
}

/// The immediate does not matter to the CPU.
fn immediates() {
    for n in [0u32, 1, 0x7f, 0xab, 0xff] {
        case!("exceptions.immediate.{n:02x}"; |c| {
            let a32 = [
                // Below 0x40_0000: see "What a guest may see differently" in docs/virtualization.md.
                (0xef00_0000 | n << 8 | n, Kind::Svc),
                (0xe7f0_00f0 | n << 8, Kind::Und),
                (0xe120_0070 | n << 8, Kind::Pabt),
            ];
            for (word, kind) in a32 {
                Run::new(Code::write_a32(&[word])).go().check(c, kind, &[]);
            }
            for (half, kind) in [(0xdf00, Kind::Svc), (0xde00, Kind::Und), (0xbe00, Kind::Pabt)] {
                Run::new(Code::write_t32(&[half | n as u16])).go().check(c, kind, &[]);
            }
        });
    }
}

/// The fault status of a synchronous external abort.
fn external() -> u32 {
    Fault::External.status(1, is_long())
}

/// What the fault registers say of an external abort (B3.13.3): FS 0b01000; of a breakpoint: 0b00010.
fn aborts() {
    let codes: [(&str, [Code; 2], u32, u32); 8] = [
        ("ldr", both!("ldr r1, [r0]"), 0, 0),
        ("str", both!("str r1, [r0, #4]"), 4, 1),
        ("ldrb", both!("ldrb r1, [r0, #3]"), 3, 0),
        ("strb", both!("strb r1, [r0, #1]"), 1, 1),
        ("ldrh", both!("ldrh r1, [r0, #2]"), 2, 0),
        ("strh", both!("strh r1, [r0, #6]"), 6, 1),
        ("ldrsb", both!("ldrsb r1, [r0]"), 0, 0),
        ("ldrsh", both!("ldrsh r1, [r0]"), 0, 0),
    ];
    for (name, codes, offset, write) in codes {
        for code in codes {
            case!("exceptions.external.{name}.{}", code.isa.name(); |c| {
                for mode in [Mode::Usr, Mode::Svc, Mode::Abt] {
                    let trap = Run::new(code).mode(mode).r(0, HOLE).go();
                    trap.check(c, Kind::Dabt, &[]);
                    c.eq("DFSR", trap.state.dfsr & (status_mask() | 1 << 11), external() | write << 11);
                    c.eq("DFAR", trap.state.dfar, HOLE + offset);
                }
            });
        }
    }
    // The base register is as before: the base restored abort model (B1.9.8).
    let codes: [(&str, [Code; 2]); 6] = [
        ("ldr-post", both!("ldr r1, [r0], #4")),
        ("str-pre", both!("str r1, [r0, #4]!")),
        ("ldm", both!("ldmia r0!, {{r1, r2}}")),
        ("stm", both!("stmdb r0!, {{r1, r2}}")),
        ("ldrd", both!("ldrd r2, r3, [r0], #8")),
        ("push", both!("mov sp, r0", "push {{r1, r2, lr}}")),
    ];
    for (name, codes) in codes {
        for code in codes {
            case!("exceptions.base-restored.{name}.{}", code.isa.name(); |c| {
                let trap = Run::new(code).mode(Mode::Svc).r(0, HOLE + 0x100).go();
                trap.check(c, Kind::Dabt, &[]);
            });
        }
    }
    for code in both!("bkpt #1") {
        case!("exceptions.bkpt-ifsr.{}", code.isa.name(); |c| {
            let trap = Run::new(code).go();
            trap.check(c, Kind::Pabt, &[]);
            c.eq("IFSR", trap.state.ifsr & status_mask(), if is_long() { 0x222 } else { 2 });
        });
    }
}

fn external_fetch() {
    for code in both!("bx r0") {
        for mode in Mode::ALL {
            case!("exceptions.external.fetch.{}.{}", mode.name(), code.isa.name(); |c| {
                for (target, t) in [(HOLE, 0), (HOLE + 0x101, psr::T), (HOLE + 0x103, psr::T)] {
                    let trap = Run::new(code).mode(mode).r(0, target).go();
                    trap.check(c, Kind::Pabt, &[]);
                    c.eq("where", trap.at, target & !1);
                    c.eq("IFSR", trap.state.ifsr & status_mask(), external());
                    c.eq("IFAR", trap.state.ifar & !3, target & !3);
                    c.eq("T", trap.psr() & psr::T, t);
                }
            });
        }
    }
}

/// SPSR holds the IT state of the instruction to return to: that of the next one for SVC, of the same one for others.
fn it_blocks() {
    let svc = t32!("itte eq", "svceq #1", "moveq r1, #1", "movne r1, #2");
    let und = t32!("itte eq", ".inst.n 0xde01", "moveq r1, #1", "movne r1, #2");
    let load = t32!("ittet ne", "movne r1, #1", "ldrne r2, [r0]", "moveq r1, #3", "movne r4, #4");
    let after = t32!("ite eq", "moveq r1, #1", "movne r1, #2", "svc #2");
    case!("exceptions.it.svc"; |c| {
        let trap = Run::new(svc).psr(psr::Z, 0).go();
        trap.check(c, Kind::Svc, &[]);
        c.eq("IT", trap.psr() & psr::IT, psr::it(0x0c));
        let trap = trap.resume(2).go();
        c.eq("kind", trap.kind as u32, Kind::Done as u32);
        c.eq("r1", trap.r(1), 1);
        c.eq("IT", trap.psr() & psr::IT, 0);
        let trap = Run::new(svc).go();
        trap.check(c, Kind::Done, &[(1, 2)]);
    });
    case!("exceptions.it.und"; |c| {
        let trap = Run::new(und).psr(psr::Z, 0).go();
        trap.check(c, Kind::Und, &[]);
        c.eq("IT", trap.psr() & psr::IT, psr::it(0x06));
        let trap = Run::new(und).go();
        trap.check(c, Kind::Done, &[(1, 2)]);
    });
    case!("exceptions.it.abort"; |c| {
        let trap = Run::new(load).r(0, HOLE).go();
        trap.check(c, Kind::Dabt, &[(1, 1)]);
        c.eq("IT", trap.psr() & psr::IT, psr::it(0x16));
        let trap = trap.resume(2).with(|state| state.cpsr = state.cpsr & !psr::IT | psr::it(0x0c)).go();
        c.eq("kind", trap.kind as u32, Kind::Done as u32);
        c.eq("r1", trap.r(1), 1);
        c.eq("r4", trap.r(4), 4);
    });
    case!("exceptions.it.over"; |c| {
        Run::new(after).psr(psr::Z, 0).go().check(c, Kind::Svc, &[(1, 1)]);
        Run::new(after).go().check(c, Kind::Svc, &[(1, 2)]);
    });
    // An interrupt between the instructions of a block, and the return into it.
    // ADD r0, #1; ADD r1, #1; ADD r2, #1: the conditions are in the state it begins with.
    let block = t32!(".inst.n 0x3001", ".inst.n 0x3101", ".inst.n 0x3201");
    for mode in Mode::ALL {
        case!("exceptions.it.irq.{}", mode.name(); |c| {
            let run = Run::new(block).mode(mode).psr(psr::Z | psr::it(0x0a), psr::I);
            let trap = gic::with_pending(|| run.go());
            trap.check(c, Kind::Irq, &[]);
            c.eq("IT", trap.psr() & psr::IT, psr::it(0x0a));
            let trap = trap.resume(0).go();
            c.eq("kind", trap.kind as u32, Kind::Done as u32);
            c.eq("r0", trap.r(0), pattern(0) + 1);
            c.eq("r1", trap.r(1), pattern(1));
            c.eq("r2", trap.r(2), pattern(2) + 1);
            c.eq("IT", trap.psr() & psr::IT, 0);
        });
    }
}

/// A pending interrupt is taken before the first instruction, or not at all.
fn interrupts() {
    for code in both!("mov r0, #1") {
        for mode in Mode::ALL {
            case!("exceptions.irq.{}.{}", mode.name(), code.isa.name(); |c| {
                for state in [0, psr::A, psr::F, psr::A | psr::F, psr::E, 0xf80f_0000] {
                    let run = Run::new(code).mode(mode).psr(state, psr::AIF);
                    let trap = gic::with_pending(|| run.go());
                    trap.check(c, Kind::Irq, &[]);
                    c.eq("where", trap.offset(), 0);
                    c.eq("SPSR", trap.psr(), run.cpsr());
                    trap.resume(0).go().check(c, Kind::Done, &[(0, 1)]);
                }
            });
            case!("exceptions.irq-masked.{}.{}", mode.name(), code.isa.name(); |c| {
                let trap = gic::with_pending(|| Run::new(code).mode(mode).go());
                trap.check(c, Kind::Done, &[(0, 1)]);
            });
        }
    }
    // FIQ, which group 0 can be: it masks F as well, and has r8 to r12 of its own.
    for code in both!("mov r8, #1") {
        for mode in Mode::ALL {
            case!("exceptions.fiq.{}.{}", mode.name(), code.isa.name(); |c| {
                for state in [0, psr::A, psr::I, psr::A | psr::I, psr::E, 0xf80f_0000] {
                    let run = Run::new(code).mode(mode).psr(state, psr::AIF)
                        .with(|cpu| cpu.fiq_r[1] = if mode == Mode::Fiq { cpu.fiq_r[1] } else { 0xf9f9 });
                    let trap = gic::with_pending_fiq(|| run.go());
                    trap.check(c, Kind::Fiq, &[]);
                    c.eq("where", trap.offset(), 0);
                    c.eq("SPSR", trap.psr(), run.cpsr());
                    let trap = trap.resume(0).go();
                    c.eq("kind", trap.kind as u32, Kind::Done as u32);
                    c.eq("r8", trap.r(8), 1);
                }
            });
            case!("exceptions.fiq-masked.{}.{}", mode.name(), code.isa.name(); |c| {
                let trap = gic::with_pending_fiq(|| Run::new(code).mode(mode).psr(0, psr::I | psr::A).go());
                trap.check(c, Kind::Done, &[(8, 1)]);
            });
        }
    }
    // Every way to unmask. How many instructions later it comes is not defined, so the loop is longer than any.
    let ways: [(&str, [Code; 2]); 3] = [
        ("cpsie", both!("cpsie i", "movw r0, #0xffff", "1: subs r0, r0, #1", "bne 1b")),
        (
            "msr",
            both!(
                "mrs r0, cpsr",
                "bic r0, r0, #0x80",
                "msr cpsr_c, r0",
                "movw r0, #0xffff",
                "1: subs r0, r0, #1",
                "bne 1b"
            ),
        ),
        ("cps-mode", both!("cpsie i, #0x1f", "movw r0, #0xffff", "1: subs r0, r0, #1", "bne 1b")),
    ];
    for (name, codes) in ways {
        for code in codes {
            case!("exceptions.irq-unmasked.{name}.{}", code.isa.name(); |c| {
                let trap = gic::with_pending(|| Run::new(code).go());
                c.eq("kind", trap.kind as u32, Kind::Irq as u32);
                c.eq("SPSR", trap.psr() & (psr::AIF | psr::T), psr::A | psr::F | code.isa.t());
                trap.check_entry(c);
            });
        }
    }
}

fn every_kind(c: &mut Case, table: u32) {
    for isa in Isa::BOTH {
        for (_, code, kind, at) in synchronous(isa) {
            for mode in Mode::ALL {
                let trap = Run::new(code).mode(mode).r(0, HOLE).go();
                trap.check(c, kind, &[]);
                c.eq("where", trap.offset(), at);
                c.eq("table", trap.state.kind >> 8 & 0xff, table);
            }
        }
    }
    for code in both!("nop") {
        let trap = gic::with_pending(|| Run::new(code).psr(0, psr::I).go());
        trap.check(c, Kind::Irq, &[]);
        c.eq("table", trap.state.kind >> 8 & 0xff, table);
    }
}

/// VBAR, SCTLR.TE, SCTLR.EE.
fn moved_vectors() {
    case!("exceptions.vbar.first"; |c| vectors::with_vbar(0, || every_kind(c, 0)));
    case!("exceptions.vbar.second"; |c| vectors::with_vbar(1, || every_kind(c, 1)));
    case!("exceptions.vbar.third"; |c| vectors::with_vbar(3, || every_kind(c, 3)));
    case!("exceptions.te"; |c| vectors::with_vbar(2, || with_sctlr(sctlr::TE, 0, || every_kind(c, 2))));
    // SCTLR.EE makes table walks big-endian too (B3.5.7), which the tables of this program are not.
    if cp15::sctlr() & sctlr::M != 0 {
        return;
    }
    case!("exceptions.ee"; |c| with_sctlr(sctlr::EE, 0, || every_kind(c, 0)));
    case!("exceptions.te-ee"; |c| vectors::with_vbar(2, || with_sctlr(sctlr::TE | sctlr::EE, 0, || every_kind(c, 2))));
}

/// What is UNDEFINED in each mode, or in User mode alone (B1.8.8).
fn undefined() {
    let always = [
        ("smc", a32!(".inst 0xe1600070"), t32!(".inst.w 0xf7f08000")),
        ("cp-none", a32!(".inst 0xee000110"), t32!(".inst.w 0xee000110")),
        ("cdp-p5", a32!(".inst 0xee000500"), t32!(".inst.w 0xee000500")),
        ("ldc-p7", a32!(".inst 0xed900700"), t32!(".inst.w 0xed900700")),
        ("mcrr-p0", a32!(".inst 0xec410000"), t32!(".inst.w 0xec410000")),
        ("udf", a32!("udf #0"), t32!("udf.w #0x123")),
    ];
    for (name, a32, t32) in always {
        for code in [a32, t32] {
            case!("exceptions.undefined.{name}.{}", code.isa.name(); |c| {
                for mode in Mode::ALL {
                    let trap = Run::new(code).mode(mode).go();
                    trap.check(c, Kind::Und, &[]);
                    c.eq("where", trap.offset(), 0);
                }
            });
        }
    }
    // HVC is UNDEFINED in User mode (and PSCI's conduit elsewhere, on this machine).
    for code in [a32!(".inst 0xe1400070"), t32!(".inst.w 0xf7e08000")] {
        case!("exceptions.undefined.hvc-user.{}", code.isa.name(); |c| {
            let trap = Run::new(code).mode(Mode::Usr).go();
            trap.check(c, Kind::Und, &[]);
        });
    }
}

/// A handler that goes on behind the instruction, four times in different modes: nothing is lost on the way.
fn resumed() {
    for code in both!(
        "svc #1",
        "add r0, r0, #1",
        "svc #2",
        "add r0, r0, #2",
        "svc #3",
        "add r0, r0, #4",
        "svc #4",
        "add r0, r0, #8"
    ) {
        for mode in Mode::ALL {
            case!("exceptions.resumed.{}.{}", mode.name(), code.isa.name(); |c| {
                let mut trap = Run::new(code).mode(mode).r(0, 0).psr(0x6000_0000, 0).go();
                let size = if code.isa == Isa::T32 { 2 } else { 4 };
                for n in 0..4 {
                    c.eq("kind", trap.kind as u32, Kind::Svc as u32);
                    c.eq("r0", trap.r(0), (1 << n) - 1);
                    trap = trap.resume(size).go();
                }
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                c.eq("r0", trap.r(0), 15);
                c.eq("flags", trap.psr() >> 28, 6);
            });
        }
    }
}
