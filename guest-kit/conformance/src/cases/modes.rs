//! Modes and banked registers (B1.3).

use crate::harness::code::{a32, both, t32};
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run, pattern, psr};

pub(crate) fn cases() {
    reads();
    writes();
    switches();
    spsr();
    banked_forms();
}

/// Each mode sees its own SP and LR, and what it puts there stays there.
fn reads() {
    for code in both!("mov r0, sp", "mov r1, lr", "mov r2, r8", "mov r3, r12") {
        for mode in Mode::ALL {
            case!("modes.read.{}.{}", mode.name(), code.isa.name(); |c| {
                let lr = 0x5000_0000 + mode.bits();
                let trap = Run::new(code).mode(mode).lr(mode, lr).go();
                let sp = if mode == Mode::Sys { Mode::Usr.stack() } else { mode.stack() };
                trap.check(c, Kind::Done, &[(0, sp), (1, lr), (2, pattern(8)), (3, pattern(12))]);
            });
        }
    }
}

fn writes() {
    for code in both!("mov sp, r0", "mov lr, r1", "mov r8, r2", "mov r12, r3", "svc #1") {
        for mode in Mode::ALL {
            case!("modes.write.{}.{}", mode.name(), code.isa.name(); |c| {
                let trap = Run::new(code).mode(mode).go();
                trap.check(c, Kind::Svc, &[(8, pattern(2)), (12, pattern(3))]);
                // Every other bank is as it was, but for what the exception itself wrote.
                for other in Mode::EXCEPTION {
                    let bank = trap.state.bank(other);
                    let launches = if mode == Mode::Fiq { Mode::Und } else { Mode::Fiq };
                    if other == mode {
                        c.eq("SP", bank.sp, pattern(0));
                    } else if other != launches {
                        c.eq("another SP", bank.sp, other.stack());
                    }
                    if other != Mode::Svc {
                        let lr = if other == mode { pattern(1) } else { 0xa000_0000 | other.bits() << 8 };
                        c.eq("LR", bank.lr, lr);
                        c.eq("SPSR", bank.spsr, psr::AIF | other.bits());
                    }
                }
                let user = matches!(mode, Mode::Usr | Mode::Sys);
                c.eq("SP_usr", trap.state.usr[0], if user { pattern(0) } else { Mode::Usr.stack() });
                if user {
                    c.eq("LR_usr", trap.state.usr[1], pattern(1));
                }
                // r8 to r12 of the other set.
                let (r8, r12) = match mode {
                    Mode::Fiq => (trap.state.r[8], trap.state.r[12]),
                    _ => (trap.state.fiq_r[0], trap.state.fiq_r[4]),
                };
                c.eq("other r8", r8, pattern(8));
                c.eq("other r12", r12, pattern(12));
            });
        }
    }
}

/// From any privileged mode to any other by CPS and by MSR, seeing the other's banks.
fn switches() {
    let by_msr = both!(
        "mrs r4, cpsr",
        "bic r4, r4, #0x1f",
        "orr r4, r4, r5",
        "msr cpsr_c, r4",
        "mov r0, sp",
        "mov r1, lr",
        "mov r2, r8",
        "mrs r3, cpsr",
        "svc #0"
    );
    for code in by_msr {
        for from in Mode::PRIVILEGED {
            for to in Mode::ALL {
                case!("modes.switch.{}.{}.{}", from.name(), to.name(), code.isa.name(); |c| {
                    let lr = if to == Mode::Usr || to == Mode::Sys { Mode::Usr } else { to };
                    let trap = Run::new(code).mode(from).r(5, to.bits()).lr(lr, 0x1234_5678)
                        .with(|state| {
                            state.fiq_r[0] = 0xf8;
                            state.r[8] = 0x08;
                        }).go();
                    c.eq("kind", trap.kind as u32, Kind::Svc as u32);
                    c.eq("mode", trap.psr() & 0x1f, to.bits());
                    let launches = if from == Mode::Fiq { Mode::Und } else { Mode::Fiq };
                    let sp = if to == Mode::Sys { Mode::Usr.stack() } else { to.stack() };
                    if to != launches {
                        c.eq("SP", trap.state.r[0], sp);
                    }
                    c.eq("LR", trap.state.r[1], 0x1234_5678);
                    c.eq("r8", trap.state.r[2], if to == Mode::Fiq { 0xf8 } else { 0x08 });
                    if to != Mode::Usr {
                        c.eq("CPSR", trap.state.r[3], psr::AIF | to.bits());
                    }
                });
            }
        }
    }
    let rounds = both!(
        "cps #0x11",
        "mov r0, r8",
        "mov sp, r6",
        "cps #0x12",
        "mov sp, r0",
        "cps #0x17",
        "mov lr, r1",
        "cps #0x1b",
        "mov r2, sp",
        "cps #0x1f",
        "mov r3, sp",
        "mov r9, r8",
        "cps #0x13",
        "mov r4, sp",
        "mov r5, lr",
        "cps #0x11",
        "mov r7, sp"
    );
    for code in rounds {
        case!("modes.tour.{}", code.isa.name(); |c| {
            let trap = Run::new(code).mode(Mode::Svc).with(|state| state.fiq_r[0] = 0xf1f1).go();
            let lr = 0xa000_0000 | Mode::Svc.bits() << 8;
            c.eq("kind", trap.kind as u32, Kind::Done as u32);
            let want = [(0, 0xf1f1), (2, Mode::Und.stack()), (3, Mode::Usr.stack()), (4, Mode::Svc.stack()), (5, lr),
                (7, pattern(6))];
            for (n, value) in want {
                c.eq("register", trap.state.r[n], value);
            }
            c.eq("r9", trap.state.r[9], pattern(8));
            c.eq("SP_irq", trap.state.irq.sp, 0xf1f1);
            c.eq("LR_abt", trap.state.abt.lr, pattern(1));
            c.eq("SP_fiq", trap.state.fiq.sp, pattern(6));
        });
    }
}

/// SPSR of each mode, written by each field mask.
fn spsr() {
    for mode in Mode::EXCEPTION {
        for (code, end) in [
            (a32!("mrs r0, spsr", "msr spsr_fsxc, r1", "mrs r2, spsr", "svc #0"), "a32"),
            (t32!("mrs r0, spsr", "msr spsr_fsxc, r1", "mrs r2, spsr", "svc #0"), "t32"),
        ] {
            case!("modes.spsr.{}.{end}", mode.name(); |c| {
                let (old, new) = (0x6000_0110, 0x980f_03df);
                let trap = Run::new(code).mode(mode).spsr(mode, old).r(1, new).go();
                trap.check(c, Kind::Svc, &[(0, old), (2, new)]);
                if mode != Mode::Svc {
                    c.eq("SPSR", trap.state.bank(mode).spsr, new);
                }
            });
        }
    }
}

/// MRS and MSR of another mode's registers came with the Virtualization Extensions (B9.3.9): here they are UNDEFINED.
fn banked_forms() {
    let codes = [
        a32!(".inst 0xe1010300" /* mrs r0, sp_irq */),
        a32!(".inst 0xe121f300" /* msr sp_irq, r0 */),
        t32!(".inst.w 0xf3e18030"),
        t32!(".inst.w 0xf3808130"),
    ];
    for (n, code) in codes.into_iter().enumerate() {
        case!("modes.banked-forms-undefined.{n}.{}", code.isa.name(); |c| {
            let trap = Run::new(code).go();
            trap.check(c, Kind::Und, &[]);
            c.eq("where", trap.offset(), 0);
        });
    }
}
