//! VFP and NEON: who may use them, lazy enabling, results, state (A2.6, A2.7, B1.11, B4.1.57, B4.1.58).
//!
//! The unit is left as it was found: off.

use crate::harness::code::{Code, Isa, both};
use crate::harness::cp15::{cp15_read, cp15_write, is_cortex_a9};
use crate::harness::layout::{DATA, HOLE};
use crate::harness::mmio::{clear, read32, write32};
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run, pattern, psr};

const EN: u32 = 1 << 30;

/// Code with VFPv4 and NEON.
macro_rules! vfp {
    ($($line:literal),+ $(,)?) => { both!(".fpu neon-vfpv4", $($line),+) };
}
pub(super) use vfp;

fn cpacr(value: u32) {
    cp15_write!(0, c1, c0, 2, value << 20);
}

/// Writes FPEXC, for which CPACR must allow PL1.
fn fpexc(value: u32) {
    let [code, _] = vfp!("vmsr fpexc, r0", "isb");
    Run::new(code).r(0, value).go();
}

/// What the unit has, as MVFR0 and MVFR1 say (B4.1.116, B4.1.117). What it has not is UNDEFINED.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    /// d16 to d31.
    pub(super) d32: bool,
    /// Advanced SIMD.
    pub(super) simd: bool,
    /// Fused multiply-add: VFPv4.
    pub(super) fma: bool,
}

/// Leaves access to the unit off.
pub(super) fn unit() -> Unit {
    cpacr(0xf);
    let [code, _] = vfp!("vmrs r1, mvfr0", "vmrs r2, mvfr1");
    let trap = Run::new(code).go();
    cpacr(0);
    Unit { d32: trap.r(1) & 0xf == 2, simd: trap.r(2) >> 8 & 0xf != 0, fma: trap.r(2) >> 28 != 0 }
}

/// How an instruction ends while the unit is on, if it `is` there.
pub(super) fn done_if(is: bool) -> Kind {
    if is { Kind::Done } else { Kind::Und }
}

/// Calls `work` with the unit on for all.
pub(super) fn enabled<T>(work: impl FnOnce() -> T) -> T {
    cpacr(0xf);
    fpexc(EN);
    let result = work();
    fpexc(0);
    cpacr(0);
    result
}

pub(crate) fn cases() {
    rights();
    identification();
    lazy();
    state();
    memory();
    conditional();
}

/// CPACR and FPEXC.EN decide; what is refused is UNDEFINED.
fn rights() {
    let forms: [(&str, [Code; 2], bool); 9] = [
        ("vadd", vfp!("vadd.f32 s0, s1, s2"), true),
        ("vldr", vfp!("vldr d0, [r0]"), true),
        ("vmov-core", vfp!("vmov r1, s0"), true),
        ("vmov-double", vfp!("vmov d3, r1, r2"), true),
        ("vadd-neon", vfp!("vadd.i32 q0, q1, q2"), true),
        ("vld1", vfp!("vld1.32 {{d0}}, [r0]"), true),
        ("vmrs-fpscr", vfp!("vmrs r1, fpscr"), true),
        // These work at PL1 while EN is 0 (B9.3.12).
        ("vmrs-fpexc", vfp!("vmrs r1, fpexc"), false),
        ("vmrs-fpsid", vfp!("vmrs r1, fpsid"), false),
    ];
    let unit = unit();
    for (name, codes, wants_en) in forms {
        let is_there = unit.simd || !matches!(name, "vadd-neon" | "vld1");
        for code in codes {
            case!("vfp.rights.{name}.{}", code.isa.name(); |c| {
                for access in [0, 5, 0xf] {
                    for en in [0, EN] {
                        cpacr(0xf);
                        fpexc(en);
                        cpacr(access);
                        for mode in [Mode::Usr, Mode::Svc, Mode::Irq] {
                            let trap = Run::new(code).mode(mode).r(0, DATA).go();
                            let user = mode == Mode::Usr;
                            let allowed = access == 0xf || access == 5 && !user;
                            let ok = is_there && allowed && if wants_en { en != 0 } else { !user };
                            c.eq("kind", trap.kind as u32, if ok { Kind::Done } else { Kind::Und } as u32);
                            if !ok {
                                trap.check(c, Kind::Und, &[(0, DATA)]);
                                c.eq("where", trap.offset(), 0);
                            }
                            if ok && name == "vmrs-fpexc" {
                                c.eq("FPEXC", trap.r(1) & EN, en);
                            }
                        }
                    }
                }
                cpacr(0xf);
                fpexc(0);
                cpacr(0);
            });
        }
    }
    // One of the high registers, in an instruction that is VFP's.
    for code in vfp!("vmov r1, r2, d31") {
        case!("vfp.rights.d31.{}", code.isa.name(); |c| {
            let want = done_if(unit.d32);
            enabled(|| c.eq("kind", Run::new(code).go().kind as u32, want as u32));
        });
    }
    for code in vfp!("vmsr fpexc, r0") {
        case!("vfp.rights.fpexc-user.{}", code.isa.name(); |c| {
            enabled(|| Run::new(code).mode(Mode::Usr).r(0, 0).go().check(c, Kind::Und, &[(0, 0)]));
        });
    }
}

fn identification() {
    for code in vfp!("vmrs r0, fpsid", "vmrs r1, mvfr0", "vmrs r2, mvfr1") {
        case!("vfp.identification.{}", code.isa.name(); |c| {
            enabled(|| {
                let trap = Run::new(code).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                c.eq("implementer", trap.r(0) >> 24, 0x41);
                // Cortex-A9 has all, or 16 doubles without NEON; and VFPv3.
                let a9 = is_cortex_a9();
                let small = a9 && trap.r(1) & 0xf == 1;
                c.eq("doubles", trap.r(1) & 0xf, if small { 1 } else { 2 });
                c.eq("single and double", trap.r(1) >> 4 & 0xff, 0x22);
                c.eq("fused multiply-add", trap.r(2) >> 28, if a9 { 0 } else { 1 });
                c.eq("NEON", trap.r(2) >> 8 & 0xfff, if small { 0 } else { 0x111 });
            });
        });
    }
}

/// The first use traps; the handler enables the unit and goes back to the same instruction.
fn lazy() {
    for code in vfp!(
        "vmov s1, r1",
        "vmov s2, r2",
        "vadd.f32 s0, s1, s2",
        "vmov r0, s0",
        "svc #0",
        "vmul.f32 s0, s0, s0",
        "vmov r3, s0"
    ) {
        for mode in Mode::ALL {
            case!("vfp.lazy.{}.{}", mode.name(), code.isa.name(); |c| {
                // 1.5 + 2.25 = 3.75; squared 14.0625.
                let trap = Run::new(code).mode(mode).r(1, 0x3fc0_0000).r(2, 0x4010_0000).go();
                trap.check(c, Kind::Und, &[(1, 0x3fc0_0000), (2, 0x4010_0000)]);
                c.eq("where", trap.offset(), 0);
                cpacr(0xf);
                let trap = trap.resume(0).go();
                c.eq("EN is still 0", trap.kind as u32, Kind::Und as u32);
                fpexc(EN);
                let trap = trap.resume(0).go();
                c.eq("kind", trap.kind as u32, Kind::Svc as u32);
                c.eq("sum", trap.r(0), 0x4070_0000);
                // Off and on again: nothing is lost.
                fpexc(0);
                let after = if code.isa == Isa::T32 { 2 } else { 4 };
                let trap = trap.resume(after).go();
                c.eq("kind", trap.kind as u32, Kind::Und as u32);
                fpexc(EN);
                let trap = trap.resume(0).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                c.eq("square", trap.r(3), 0x4161_0000);
                fpexc(0);
                cpacr(0);
            });
        }
    }
}

/// All doubles live through exceptions, mode changes and the unit's being off.
fn state() {
    let (codes, words) = if unit().d32 {
        let codes = vfp!(
            "vldm r0!, {{d0-d15}}",
            "vldm r0, {{d16-d31}}",
            "svc #0",
            "vstm r1!, {{d0-d15}}",
            "vstm r1, {{d16-d31}}"
        );
        (codes, 64)
    } else {
        (vfp!("vldm r0, {{d0-d15}}", "svc #0", "vstm r1, {{d0-d15}}"), 32)
    };
    for code in codes {
        for mode in Mode::ALL {
            case!("vfp.state.{}.{}", mode.name(), code.isa.name(); |c| {
                clear(DATA + 0x400, 0x100);
                for n in 0..words {
                    write32(DATA + 4 * n, 0xd000_0000 | n << 8 | mode.bits());
                }
                cpacr(0xf);
                fpexc(EN);
                let trap = Run::new(code).mode(mode).r(0, DATA).r(1, DATA + 0x400).go();
                c.eq("kind", trap.kind as u32, Kind::Svc as u32);
                fpexc(0);
                cpacr(0);
                // Another program in between, which is not allowed to use it.
                let [other, _] = vfp!("vmov s0, r0");
                Run::new(other).go().check(c, Kind::Und, &[]);
                cpacr(0xf);
                fpexc(EN);
                let trap = trap.resume(if code.isa == Isa::T32 { 2 } else { 4 }).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                for n in 0..words {
                    c.eq("register", read32(DATA + 0x400 + 4 * n), 0xd000_0000 | n << 8 | mode.bits());
                }
                fpexc(0);
                cpacr(0);
            });
        }
    }
}

/// Loads and stores that fault: address, status, and no base changed.
fn memory() {
    let forms: [(&str, [Code; 2], u32); 6] = [
        ("vldr", vfp!("vldr s0, [r0]"), 0),
        ("vstr", vfp!("vstr d3, [r0]"), 1),
        ("vldm", vfp!("vldmia r0!, {{d0-d3}}"), 0),
        ("vstm", vfp!("vstmia r0!, {{d0-d3}}"), 1),
        ("vld1", vfp!("vld1.32 {{d0, d1}}, [r0]!"), 0),
        ("vst1", vfp!("vst1.8 {{d30}}, [r0]!"), 1),
    ];
    let unit = unit();
    for (name, codes, write) in forms {
        let is_there = unit.simd || !matches!(name, "vld1" | "vst1");
        for code in codes {
            case!("vfp.fault.{name}.{}", code.isa.name(); |c| {
                enabled(|| {
                    for mode in [Mode::Usr, Mode::Svc] {
                        let trap = Run::new(code).mode(mode).r(0, HOLE + 0x10).go();
                        if !is_there {
                            trap.check(c, Kind::Und, &[]);
                            continue;
                        }
                        trap.check(c, Kind::Dabt, &[]);
                        c.eq("DFSR", trap.state.dfsr & 0xc0f, 8 | write << 11);
                        c.eq("DFAR", trap.state.dfar, HOLE + 0x10);
                    }
                });
            });
        }
    }
    for code in vfp!(
        "vldr s0, [r0, #4]",
        "vldr d1, [r0, #8]",
        "vmov r1, s0",
        "vmov r2, r3, d1",
        "vpush {{d0-d2}}",
        "vpop {{d5-d7}}",
        "vmov r4, s12",
        "vstr s12, [r0, #-4]"
    ) {
        case!("vfp.load-store.{}", code.isa.name(); |c| {
            enabled(|| {
                for n in 0..6 {
                    write32(DATA + 0x20 + 4 * n, 0x100 + n);
                }
                let trap = Run::new(code).mode(Mode::Usr).r(0, DATA + 0x20).go();
                trap.check(c, Kind::Done, &[(0, DATA + 0x20), (1, 0x101), (2, 0x102), (3, 0x103), (4, 0x102)]);
                c.eq("stored", read32(DATA + 0x1c), 0x102);
                c.eq("CPACR", cp15_read!(0, c1, c0, 2) >> 20 & 0xf, 0xf);
            });
        });
    }
}

/// In an IT block, and with A32 conditions: what is skipped does not trap, even with the unit off.
fn conditional() {
    for code in both!(".fpu neon-vfpv4", "cmp r0, r0", "it ne", "vaddne.f32 s0, s1, s2", "mov r1, #1") {
        case!("vfp.skipped.{}", code.isa.name(); |c| {
            for mode in [Mode::Usr, Mode::Svc] {
                let trap = Run::new(code).mode(mode).go();
                trap.check(c, Kind::Done, &[(0, pattern(0)), (1, 1)]);
            }
        });
    }
    for code in both!(".fpu neon-vfpv4", "cmp r0, r0", "it eq", "vaddeq.f32 s0, s1, s2") {
        case!("vfp.not-skipped.{}", code.isa.name(); |c| {
            let trap = Run::new(code).go();
            trap.check(c, Kind::Und, &[]);
            c.eq("IT", trap.psr() & psr::IT, if code.isa == Isa::T32 { psr::it(8) } else { 0 });
        });
    }
}
