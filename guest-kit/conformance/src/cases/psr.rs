//! CPSR and SPSR: MRS, MSR with every field mask, CPS in every form, SETEND, from every mode (B9.3.2, B9.3.8 to 12).

use crate::harness::code::{Code, Isa, a32, both, t32};
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run, psr};

pub(crate) fn cases() {
    mrs();
    msr();
    msr_spsr();
    msr_immediate();
    cps();
    user_cps();
    setend();
    flags();
}

/// MRS shows all but T, J and IT; in User mode the mask bits, E and M are UNKNOWN.
fn mrs() {
    for code in both!("mrs r0, cpsr") {
        for mode in Mode::ALL {
            for (n, bits) in
                [0, psr::N | psr::C, psr::Z | psr::V | psr::Q | psr::GE, 0xf80f_0000].into_iter().enumerate()
            {
                case!("psr.mrs.{}.{n}.{}", mode.name(), code.isa.name(); |c| {
                    let run = Run::new(code).mode(mode).psr(bits, 0);
                    let trap = run.go();
                    let visible = if mode == Mode::Usr { 0xf80f_0000 } else { 0xf8ff_03df };
                    c.eq("kind", trap.kind as u32, Kind::Done as u32);
                    c.eq("CPSR", trap.r(0) & visible, run.cpsr() & visible);
                    c.eq("SPSR", trap.psr(), run.cpsr());
                });
            }
        }
    }
}

/// MSR CPSR_mask, r0.
fn msr_code(isa: Isa, spsr: u32, mask: u32) -> Code {
    match isa {
        Isa::A32 => Code::write_a32(&[0xe120_f000 | spsr << 22 | mask << 16]),
        Isa::T32 => Code::write_t32(&[0xf380 | (spsr << 4) as u16, 0x8000 | (mask << 8) as u16]),
    }
}

/// The bits of CPSR that a field mask names, without the execution state bits, which MSR leaves.
fn named(mask: u32, mode: Mode) -> u32 {
    let mut bits = 0;
    if mask & 8 != 0 {
        bits |= 0xf800_0000;
    }
    if mask & 4 != 0 {
        bits |= psr::GE;
    }
    if mask & 2 != 0 {
        bits |= psr::E | if mode == Mode::Usr { 0 } else { psr::A };
    }
    if mask & 1 != 0 && mode != Mode::Usr {
        bits |= psr::I | psr::F | 0x1f;
    }
    bits
}

fn msr() {
    for isa in Isa::BOTH {
        for mask in 1..16 {
            case!("psr.msr.mask-{mask:x}.{}", isa.name(); |c| {
                let code = msr_code(isa, 0, mask);
                for mode in Mode::ALL {
                    // One that sets all it can, with and without interrupts masked, and one that clears all.
                    for (start, value) in [
                        (psr::AIF, 0xf80f_0200 | Mode::Sys.bits()),
                        (psr::AIF | 0xf80f_0000, Mode::Svc.bits()),
                        (psr::F, 0xffff_ffc0 | Mode::Irq.bits()),
                    ] {
                        let run = Run::new(code).mode(mode).psr(start, psr::AIF).r(0, value);
                        let trap = run.go();
                        let bits = named(mask, mode);
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("CPSR", trap.psr(), run.cpsr() & !bits | value & bits);
                    }
                }
            });
        }
    }
}

fn msr_spsr() {
    for isa in Isa::BOTH {
        for mask in 1..16u32 {
            case!("psr.msr-spsr.mask-{mask:x}.{}", isa.name(); |c| {
                let code = msr_code(isa, 1, mask);
                let bytes = (0..4).filter(|n| mask >> n & 1 != 0).fold(0, |bytes, n| bytes | 0xff << (8 * n));
                // UND's own SPSR is overwritten by the end mark.
                for mode in [Mode::Fiq, Mode::Irq, Mode::Svc, Mode::Abt] {
                    for (old, new) in [(0x1000_0110, 0xe80f_03df), (0x6805_03d3, 0x9000_0010)] {
                        let trap = Run::new(code).mode(mode).spsr(mode, old).r(0, new).go();
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("SPSR", trap.state.bank(mode).spsr, old & !bytes | new & bytes);
                    }
                }
            });
        }
    }
}

fn msr_immediate() {
    let codes = [
        (a32!("msr cpsr_f, #0xa0000000"), 0xf800_0000, 0xa000_0000, true),
        (a32!("msr cpsr_f, #0x58000000"), 0xf800_0000, 0x5800_0000, true),
        (a32!("msr cpsr_s, #0x00050000"), psr::GE, 0x0005_0000, true),
        (a32!("msr cpsr_x, #0x00000200"), psr::E | psr::A, 0x200, false),
        (a32!("msr cpsr_c, #0xdf"), 0xdf, 0xdf, false),
        (a32!("msr cpsr_c, #0x12"), 0xdf, 0x12, false),
    ];
    for (n, (code, bits, value, user)) in codes.into_iter().enumerate() {
        for mode in Mode::ALL {
            case!("psr.msr-immediate.{n}.{}.a32", mode.name(); |c| {
                let run = Run::new(code).mode(mode);
                let trap = run.go();
                let bits = match (mode, user) {
                    (Mode::Usr, false) => bits & psr::E,
                    _ => bits,
                };
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                c.eq("CPSR", trap.psr(), run.cpsr() & !bits | value & bits);
            });
        }
    }
}

/// CPS with a mask of AIF, A32: imod 2 enables, 3 disables, 0 leaves them.
fn cps_a32(imod: u32, aif: u32, mode: Option<Mode>) -> u32 {
    0xf100_0000 | imod << 18 | u32::from(mode.is_some()) << 17 | aif << 6 | mode.map_or(0, Mode::bits)
}

fn cps_t32(imod: u32, aif: u32, mode: Option<Mode>) -> [u16; 2] {
    [
        0xf3af,
        0x8000 | (imod << 9 | u32::from(mode.is_some()) << 8 | aif << 5 | mode.map_or(0, Mode::bits)) as u16,
    ]
}

fn cps() {
    for isa in Isa::BOTH {
        for imod in [2, 3] {
            for aif in 1..8 {
                for to in [None, Some(Mode::Irq), Some(Mode::Sys)] {
                    let name = to.map_or("stay", Mode::name);
                    let what = if imod == 2 { "ie" } else { "id" };
                    case!("psr.cps{what}.{aif}.{name}.{}", isa.name(); |c| {
                        let code = match isa {
                            Isa::A32 => Code::write_a32(&[cps_a32(imod, aif, to)]),
                            Isa::T32 => Code::write_t32(&cps_t32(imod, aif, to)),
                        };
                        for mode in Mode::PRIVILEGED {
                            for start in [0, psr::AIF, psr::A | psr::F] {
                                cps_result(c, Run::new(code).mode(mode).psr(start | psr::Z, psr::AIF), imod, aif, to);
                            }
                        }
                    });
                }
            }
        }
        case!("psr.cps.mode-only.{}", isa.name(); |c| {
            for to in Mode::PRIVILEGED {
                let code = match isa {
                    Isa::A32 => Code::write_a32(&[cps_a32(0, 0, Some(to))]),
                    Isa::T32 => Code::write_t32(&cps_t32(0, 0, Some(to))),
                };
                for mode in Mode::PRIVILEGED {
                    cps_result(c, Run::new(code).mode(mode).psr(psr::A, psr::AIF), 0, 0, Some(to));
                }
            }
        });
    }
    for imod in [2, 3] {
        for aif in 1..8 {
            case!("psr.cps{}.{aif}.t16", if imod == 2 { "ie" } else { "id" }; |c| {
                let code = Code::write_t32(&[(0xb660 | (imod & 1) << 4 | aif) as u16]);
                for mode in Mode::PRIVILEGED {
                    for start in [0, psr::AIF, psr::I] {
                        cps_result(c, Run::new(code).mode(mode).psr(start, psr::AIF), imod, aif, None);
                    }
                }
            });
        }
    }
}

fn cps_result(c: &mut crate::harness::report::Case, run: Run, imod: u32, aif: u32, to: Option<Mode>) {
    let mut want = run.cpsr();
    match imod {
        2 => want &= !(aif << 6),
        3 => want |= aif << 6,
        _ => {}
    }
    if let Some(mode) = to {
        want = want & !0x1f | mode.bits();
    }
    let trap = run.go();
    c.eq("kind", trap.kind as u32, Kind::Done as u32);
    c.eq("CPSR", trap.psr(), want);
}

/// In User mode CPS does nothing.
fn user_cps() {
    let codes = [
        a32!("cpsie aif"),
        a32!("cpsid aif"),
        a32!("cps #0x13"),
        a32!("cpsie i, #0x1f"),
        t32!("cpsie aif"),
        t32!("cpsid i"),
        t32!("cps #0x1f"),
        t32!("cpsie i, #0x13"),
    ];
    for (n, code) in codes.into_iter().enumerate() {
        for start in [0, psr::AIF] {
            case!("psr.cps-user.{n}.{start:x}.{}", code.isa.name(); |c| {
                let run = Run::new(code).mode(Mode::Usr).psr(start, psr::AIF);
                let trap = run.go();
                trap.check(c, Kind::Done, &[]);
                c.eq("CPSR", trap.psr(), run.cpsr());
            });
        }
    }
}

/// SETEND, and loads and stores after it.
fn setend() {
    let codes = both!(
        "setend be",
        "ldr r1, [r0]",
        "ldrh r2, [r0]",
        "strh r3, [r0, #4]",
        "str r3, [r0, #8]",
        "ldrb r4, [r0]",
        "ldm r0, {{r5, r6}}",
        "ldrd r8, r9, [r0]",
        "mrs r7, cpsr",
        "setend le",
        "ldr r10, [r0, #4]",
        "ldr r11, [r0, #8]"
    );
    for code in codes {
        for mode in Mode::ALL {
            case!("psr.setend.{}.{}", mode.name(), code.isa.name(); |c| {
                use crate::harness::{layout::DATA, mmio};
                mmio::write32(DATA, 0x1122_3344);
                mmio::write32(DATA + 4, 0);
                let trap = Run::new(code).mode(mode).r(0, DATA).r(3, 0xaabb_ccdd).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                let want = [(1, 0x4433_2211), (2, 0x4433), (4, 0x44), (5, 0x4433_2211), (6, 0xccdd_0000),
                    (8, 0x4433_2211), (9, 0xccdd_0000), (10, 0xddcc), (11, 0xddcc_bbaa)];
                for (n, value) in want {
                    c.eq("register", trap.r(n), value);
                }
                if mode != Mode::Usr {
                    c.eq("E", trap.r(7) & psr::E, psr::E);
                }
                c.eq("E at the end", trap.psr() & psr::E, 0);
            });
        }
    }
    for code in both!("setend be") {
        case!("psr.setend-stays.{}", code.isa.name(); |c| {
            let trap = Run::new(code).mode(Mode::Usr).go();
            c.eq("E", trap.psr() & psr::E, psr::E);
            trap.check_entry(c);
        });
    }
}

/// APSR in every mode: flags computed here are seen there.
fn flags() {
    for code in both!(
        "adds r0, r0, r1",
        "mrs r2, apsr",
        "qadd r3, r4, r4",
        "mrs r5, apsr",
        "uadd8 r6, r7, r7",
        "mrs r8, apsr",
        "msr apsr_nzcvqg, r9"
    ) {
        for mode in Mode::ALL {
            case!("psr.apsr.{}.{}", mode.name(), code.isa.name(); |c| {
                let trap = Run::new(code).mode(mode).r(0, 0x8000_0000).r(1, 0x8000_0000).r(4, 0x7000_0000)
                    .r(7, 0x80ff_0001).r(9, 0x9005_0000).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                let mask = 0xf80f_0000;
                c.eq("r0", trap.r(0), 0);
                c.eq("NZCV", trap.r(2) & mask, psr::Z | psr::C | psr::V);
                c.eq("QADD", trap.r(3), 0x7fff_ffff);
                c.eq("Q", trap.r(5) & mask, psr::Z | psr::C | psr::V | psr::Q);
                c.eq("GE", trap.r(8) & mask, psr::Z | psr::C | psr::V | psr::Q | 0xc << 16);
                c.eq("written", trap.psr() & mask, 0x9005_0000);
            });
        }
    }
}
