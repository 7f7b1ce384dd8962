//! Exception return: SUBS and MOVS with PC, LDM with PC and `^`, RFE; and SRS, LDM and STM of User registers
//! (B9.3.3 to 7, B9.3.13 to 20).

use crate::harness::code::{Code, Isa, a32, both, t32};
use crate::harness::layout::{CODE, DATA};
use crate::harness::mmio::{clear, read32, write32};
use crate::harness::report::{Case, case};
use crate::harness::run::{Kind, Mode, Run, Trap, pattern, psr};

pub(crate) fn cases() {
    data_processing();
    subs_t32();
    ldm_return();
    rfe();
    srs();
    user_registers();
    into_it_block();
}

/// Where returns go: `mov r12, #0x5a`, then the end mark.
fn landing() -> [Code; 2] {
    both!("mov r12, #0x5a")
}

/// CPSR values to return to, with the instruction set they mean.
pub(super) const TO: [u32; 8] = [
    Mode::Usr as u32,
    Mode::Usr as u32 | psr::T | 0x6000_0000,
    Mode::Sys as u32 | psr::AIF | 0xf80f_0000,
    Mode::Irq as u32 | psr::A | psr::I | psr::T,
    Mode::Svc as u32 | psr::F | psr::E,
    Mode::Abt as u32 | psr::I | psr::T | psr::E | 0x9005_0000,
    Mode::Fiq as u32 | psr::AIF,
    Mode::Und as u32 | psr::AIF | psr::T,
];

/// The return went to the landing with this CPSR.
fn landed(c: &mut Case, trap: &Trap, target: Code, to: u32) {
    c.eq("kind", trap.kind as u32, Kind::Done as u32);
    c.eq("where", trap.at, target.address + 4);
    c.eq("CPSR", trap.psr(), to);
    c.eq("r12", trap.r(12), 0x5a);
    trap.check_entry(c);
}

fn target(to: u32) -> Code {
    landing()[(to & psr::T != 0) as usize]
}

/// SUBS and MOVS with PC as destination. The other opcodes return as well (B9.3.20), but QEMU 7.2 takes them for plain
/// branches, so there would be nothing to compare with.
fn data_processing() {
    let forms: [(&str, Code); 12] = [
        ("movs-lr", a32!("movs pc, lr")),
        ("movs-r0", a32!("movs pc, r0")),
        ("subs-lr-0", a32!("subs pc, lr, #0")),
        ("subs-lr-4", a32!("add lr, lr, #4", "subs pc, lr, #4")),
        ("subs-lr-8", a32!("add lr, lr, #8", "subs pc, lr, #8")),
        ("subs-reg", a32!("add r0, r0, r2", "subs pc, r0, r2")),
        ("subs-shift", a32!("add r0, r0, r2, lsl #3", "subs pc, r0, r2, lsl #3")),
        ("subs-ror", a32!("add r0, r0, r2, ror #7", "subs pc, r0, r2, ror #7")),
        ("movs-lsr", a32!("lsl r2, r0, #1", "movs pc, r2, lsr #1")),
        ("movs-lsl", a32!("lsr r2, r0, #1", "movs pc, r2, lsl #1")),
        ("movs-ror", a32!("ror r2, r0, #24", "movs pc, r2, ror #8")),
        ("movs-rrx", a32!("lsl r2, r0, #1", "adds r4, r4, r4", "movs pc, r2, rrx")),
    ];
    for (name, code) in forms {
        for from in Mode::EXCEPTION {
            case!("returns.{name}.{}.a32", from.name(); |c| {
                for to in TO {
                    let target = target(to);
                    let address = target.address | (to & psr::T) >> 5;
                    // T32 targets: bit 0 is ignored; A32 targets have none.
                    let address = if name == "movs-lsl" { address & !1 } else { address };
                    let trap = Run::new(code).mode(from).spsr(from, to).lr(from, address).r(0, address).r(2, 0x120)
                        .r(4, 0x100).go();
                    landed(c, &trap, target, to);
                }
            });
        }
    }
}

/// SUBS PC, LR is the only form that T32 has.
fn subs_t32() {
    let forms = [
        ("subs-0", t32!("subs pc, lr, #0"), 0),
        ("subs-4", t32!("subs pc, lr, #4"), 4),
        ("subs-8", t32!("subs pc, lr, #8"), 8),
        ("subs-255", t32!("subs pc, lr, #255"), 255),
        ("it-eq", t32!("cmp r0, r0", "it eq", ".inst.w 0xf3de8f02" /* subseq pc, lr, #2 */), 2),
        (
            "it-ne-eq",
            t32!("cmp r0, r0", "ite ne", "movne r1, #3", ".inst.w 0xf3de8f00" /* subseq pc, lr, #0 */),
            0,
        ),
    ];
    for (name, code, n) in forms {
        for from in Mode::EXCEPTION {
            case!("returns.{name}.{}.t32", from.name(); |c| {
                for to in TO {
                    let target = target(to);
                    let trap = Run::new(code).mode(from).spsr(from, to).lr(from, target.address + n).go();
                    landed(c, &trap, target, to);
                }
            });
        }
    }
}

/// LDM with PC and `^`, in all four addressing modes, with and without write-back.
fn ldm_return() {
    let forms: [(&str, Code, u32, u32); 10] = [
        ("ia", a32!("ldmia r0, {{r1, r2, r8, pc}}^"), 0, 0),
        ("ia-wb", a32!("ldmia r0!, {{r1, r2, r8, pc}}^"), 0, 16),
        ("ib", a32!("ldmib r0, {{r1, r2, r8, pc}}^"), 4, 0),
        ("ib-wb", a32!("ldmib r0!, {{r1, r2, r8, pc}}^"), 4, 16),
        ("da", a32!("ldmda r0, {{r1, r2, r8, pc}}^"), 0u32.wrapping_sub(12), 0),
        ("da-wb", a32!("ldmda r0!, {{r1, r2, r8, pc}}^"), 0u32.wrapping_sub(12), 0u32.wrapping_sub(16)),
        ("db", a32!("ldmdb r0, {{r1, r2, r8, pc}}^"), 0u32.wrapping_sub(16), 0),
        ("db-wb", a32!("ldmdb r0!, {{r1, r2, r8, pc}}^"), 0u32.wrapping_sub(16), 0u32.wrapping_sub(16)),
        ("sp-wb", a32!("mov sp, r0", "ldmia sp!, {{r1, r2, r8, pc}}^"), 0, 0),
        ("base-in-list", a32!("ldmia r0, {{r0, r1, r8, pc}}^"), 0, 0),
    ];
    for (name, code, first, moved) in forms {
        for from in Mode::EXCEPTION {
            case!("returns.ldm.{name}.{}.a32", from.name(); |c| {
                for to in TO {
                    let target = target(to);
                    let base = DATA + 0x100;
                    for n in 0..3 {
                        write32(base.wrapping_add(first) + 4 * n, 0x700 + n);
                    }
                    write32(base.wrapping_add(first) + 12, target.address | (to & psr::T) >> 5);
                    let trap = Run::new(code).mode(from).spsr(from, to).r(0, base).go();
                    landed(c, &trap, target, to);
                    let r = if name == "base-in-list" { [0x700, 0x701, pattern(2)] } else {
                        [base.wrapping_add(moved), 0x700, 0x701]
                    };
                    for (n, value) in r.into_iter().enumerate() {
                        c.eq("register", trap.state.r[n], value);
                    }
                    // r8 of the mode that loaded it.
                    let r8 = if from == Mode::Fiq { trap.state.fiq_r[0] } else { trap.state.r[8] };
                    c.eq("r8", r8, 0x702);
                    if name == "sp-wb" && from != Mode::Und {
                        c.eq("SP", trap.state.bank(from).sp, base + 16);
                    }
                }
            });
        }
    }
}

fn rfe() {
    let forms: [(&str, [Code; 2], u32, u32); 4] = [
        ("ia", both!("rfeia r0"), 0, 0),
        ("ia-wb", both!("rfeia r0!"), 0, 8),
        ("db", both!("rfedb r0"), 0u32.wrapping_sub(8), 0),
        ("db-wb", both!("rfedb r0!"), 0u32.wrapping_sub(8), 0u32.wrapping_sub(8)),
    ];
    for (name, codes, first, moved) in forms {
        for code in codes {
            rfe_form(name, code, first, moved);
        }
    }
    rfe_form("ib", a32!("rfeib r0"), 4, 0);
    rfe_form("ib-wb", a32!("rfeib r0!"), 4, 8);
    rfe_form("da", a32!("rfeda r0"), 0u32.wrapping_sub(4), 0);
    rfe_form("da-wb", a32!("rfeda r0!"), 0u32.wrapping_sub(4), 0u32.wrapping_sub(8));
    rfe_form("it", t32!("cmp r0, r0", "it eq", "rfeiaeq r0"), 0, 0);
    for code in both!("rfeia sp!") {
        for from in Mode::PRIVILEGED {
            case!("returns.rfe.sp.{}.{}", from.name(), code.isa.name(); |c| {
                for to in TO {
                    let target = target(to);
                    write32(DATA + 0x20, target.address);
                    write32(DATA + 0x24, to);
                    let trap = Run::new(code).mode(from).sp(from, DATA + 0x20).go();
                    landed(c, &trap, target, to);
                    let sp = if from == Mode::Sys { trap.state.usr[0] } else { trap.state.bank(from).sp };
                    c.eq("SP", sp, DATA + 0x28);
                }
            });
        }
    }
}

fn rfe_form(name: &str, code: Code, first: u32, moved: u32) {
    for from in Mode::PRIVILEGED {
        case!("returns.rfe.{name}.{}.{}", from.name(), code.isa.name(); |c| {
            for to in TO {
                let target = target(to);
                let base = DATA + 0x100;
                write32(base.wrapping_add(first), target.address);
                write32(base.wrapping_add(first) + 4, to);
                let trap = Run::new(code).mode(from).r(0, base).go();
                landed(c, &trap, target, to);
                c.eq("base", trap.r(0), base.wrapping_add(moved));
            }
        });
    }
}

/// SRS from every mode with an SPSR to every mode's stack.
fn srs() {
    for isa in Isa::BOTH {
        for (p, u, name) in [(0, 1, "ia"), (1, 1, "ib"), (0, 0, "da"), (1, 0, "db")] {
            if isa == Isa::T32 && p == u {
                continue;
            }
            for wb in [0, 1] {
                for to in Mode::PRIVILEGED {
                    let mark = if wb != 0 { "-wb" } else { "" };
                    case!("returns.srs.{name}{mark}.{}.{}", to.name(), isa.name(); |c| {
                        let code = match isa {
                            Isa::A32 => Code::write_a32(&[0xf84d_0500 | p << 24 | u << 23 | wb << 21 | to.bits()]),
                            Isa::T32 => {
                                let first = if u != 0 { 0xe98d } else { 0xe80d };
                                Code::write_t32(&[first | (wb << 5) as u16, 0xc000 | to.bits() as u16])
                            }
                        };
                        for from in Mode::EXCEPTION {
                            // The mode whose SP the launch needs.
                            let launch = if from == Mode::Fiq { Mode::Und } else { Mode::Fiq };
                            if to == launch {
                                continue;
                            }
                            let base = DATA + 0x200;
                            clear(DATA + 0x1c0, 0x80);
                            let (lr, spsr) = (0x8765_4320 | from.bits() & 0xf, 0x9800_01d0 | to.bits());
                            let trap = Run::new(code).mode(from).sp(to, base).lr(from, lr).spsr(from, spsr).go();
                            c.eq("kind", trap.kind as u32, Kind::Done as u32);
                            let first = match (p, u) {
                                (0, 1) => base,
                                (1, 1) => base + 4,
                                (0, 0) => base - 4,
                                _ => base - 8,
                            };
                            for at in (DATA + 0x1c0..DATA + 0x240).step_by(4) {
                                let want = if at == first { lr } else if at == first + 4 { spsr } else { 0 };
                                c.eq("memory", read32(at), want);
                            }
                            let moved = if wb == 0 { base } else if u != 0 { base + 8 } else { base - 8 };
                            let sp = if to == Mode::Sys { trap.state.usr[0] } else { trap.state.bank(to).sp };
                            c.eq("SP", sp, moved);
                        }
                    });
                }
            }
        }
    }
}

/// LDM and STM of User mode's registers, and the modes' own left alone.
fn user_registers() {
    let loads: [(&str, Code, u32); 4] = [
        ("ia", a32!("ldmia r0, {{r1, r8-r12, sp, lr}}^"), 0),
        ("ib", a32!("ldmib r0, {{r1, r8-r12, sp, lr}}^"), 4),
        ("da", a32!("ldmda r0, {{r1, r8-r12, sp, lr}}^"), 0u32.wrapping_sub(28)),
        ("db", a32!("ldmdb r0, {{r1, r8-r12, sp, lr}}^"), 0u32.wrapping_sub(32)),
    ];
    for (name, code, first) in loads {
        for mode in Mode::EXCEPTION {
            case!("returns.ldm-user.{name}.{}", mode.name(); |c| {
                let base = DATA + 0x100;
                for n in 0..8 {
                    write32(base.wrapping_add(first) + 4 * n, 0x600 + n);
                }
                let trap = Run::new(code).mode(mode).r(0, base).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                c.eq("r0", trap.state.r[0], base);
                c.eq("r1", trap.state.r[1], 0x600);
                for n in 0..5 {
                    c.eq("r8 to r12", trap.state.r[8 + n], 0x601 + n as u32);
                    c.eq("of FIQ", trap.state.fiq_r[n], pattern(8 + n));
                }
                c.eq("SP_usr", trap.state.usr[0], 0x606);
                c.eq("LR_usr", trap.state.usr[1], 0x607);
                c.eq("SP", trap.state.bank(mode).sp, mode.stack());
                if mode != Mode::Und {
                    c.eq("LR", trap.state.bank(mode).lr, 0xa000_0000 | mode.bits() << 8);
                }
            });
        }
    }
    let stores: [(&str, Code, u32); 4] = [
        ("ia", a32!("stmia r0, {{r0, r8-r12, sp, lr}}^"), 0),
        ("ib", a32!("stmib r0, {{r0, r8-r12, sp, lr}}^"), 4),
        ("da", a32!("stmda r0, {{r0, r8-r12, sp, lr}}^"), 0u32.wrapping_sub(28)),
        ("db", a32!("stmdb r0, {{r0, r8-r12, sp, lr}}^"), 0u32.wrapping_sub(32)),
    ];
    for (name, code, first) in stores {
        for mode in Mode::EXCEPTION {
            case!("returns.stm-user.{name}.{}", mode.name(); |c| {
                let base = DATA + 0x100;
                clear(DATA, 0x200);
                let trap = Run::new(code).mode(mode).r(0, base)
                    .with(|state| {
                        state.usr = [0x1111_0000, 0x2222_0000];
                        state.fiq_r = [1, 2, 3, 4, 5];
                    }).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                let from = base.wrapping_add(first);
                c.eq("r0", read32(from), base);
                for n in 0..5 {
                    c.eq("r8 to r12", read32(from + 4 + 4 * n), pattern(8 + n as usize));
                }
                c.eq("SP_usr", read32(from + 24), 0x1111_0000);
                c.eq("LR_usr", read32(from + 28), 0x2222_0000);
                c.eq("before", read32(from - 4), 0);
                c.eq("behind", read32(from + 32), 0);
            });
        }
    }
    // One that Linux uses: all of User mode's registers to and from a frame, and back there.
    let frame = a32!(
        "stmia sp, {{r0-lr}}^",
        "mov r1, #7",
        "mov r7, #9",
        "ldmia sp, {{r0-lr}}^",
        "nop",
        "movs pc, lr"
    );
    for mode in [Mode::Svc, Mode::Abt, Mode::Irq] {
        case!("returns.frame.{}", mode.name(); |c| {
            for to in [Mode::Usr.bits(), Mode::Usr.bits() | psr::T] {
                let target = target(to);
                let trap = Run::new(frame).mode(mode).lr(mode, target.address).sp(mode, DATA).spsr(mode, to).go();
                landed(c, &trap, target, to);
                for n in 0..12 {
                    c.eq("register", trap.r(n), pattern(n));
                }
            }
        });
    }
}

/// A return into the middle of an IT block, by each kind of return.
fn into_it_block() {
    // ADD r0, #1; ADD r1, #1; ADD r2, #1.
    let block = [0x3001, 0x3101, 0x3201];
    let ways: [(&str, Code); 5] = [
        ("movs", a32!("movs pc, lr")),
        ("ldm", a32!("ldmia sp, {{pc}}^")),
        ("rfe-a32", a32!("rfeia sp")),
        ("rfe-t32", t32!("rfeia sp")),
        ("subs-t32", t32!("subs pc, lr, #0")),
    ];
    for (name, code) in ways {
        case!("returns.it.{name}"; |c| {
            // EQ NE EQ, EQ EQ NE, NE EQ NE, and the last instruction of a block.
            for it in [0x0a, 0x06, 0x1a, 0x08, 0x18] {
                for flags in [0, psr::Z] {
                    for mode in [Mode::Usr, Mode::Sys, Mode::Irq] {
                        let target = Code::write_t32_at(CODE + 0x1000, &block);
                        let to = mode.bits() | psr::T | psr::AIF | flags | psr::it(it);
                        write32(DATA, target.address);
                        write32(DATA + 4, to);
                        let trap = Run::new(code).spsr(Mode::Svc, to).lr(Mode::Svc, target.address)
                            .sp(Mode::Svc, DATA).go();
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("where", trap.at, target.address + 6);
                        let mut state = it;
                        // Outside of a block the instructions are ADDS.
                        let mut zero = flags != 0;
                        for n in 0..3 {
                            let inside = state & 0xf != 0;
                            let executed = !inside || (state >> 4 & 1 == 0) == zero;
                            c.eq("register", trap.r(n), pattern(n) + u32::from(executed));
                            zero &= inside;
                            state = if state & 7 == 0 { 0 } else { state & 0xe0 | (state << 1) & 0x1f };
                        }
                    }
                }
            }
        });
    }
}
