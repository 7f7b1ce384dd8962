//! VFP and NEON: what they compute (A2.6, A2.7).

use super::vfp::{done_if, enabled, unit, vfp};
use crate::harness::code::{Code, both};
use crate::harness::layout::DATA;
use crate::harness::mmio::{read32, write32};
use crate::harness::report::{Case, case};
use crate::harness::run::{Kind, Mode, Run};

pub(crate) fn cases() {
    results();
    neon();
    conversions();
    flags();
}

/// One single-precision operation: `s0 = s1 op s2`, which may not be there.
fn single(c: &mut Case, code: Code, values: &[(u32, u32, u32)], is_there: bool) {
    enabled(|| {
        for &(a, b, want) in values {
            for mode in [Mode::Usr, Mode::Svc] {
                let trap = Run::new(code).mode(mode).r(1, a).r(2, b).go();
                c.eq("kind", trap.kind as u32, done_if(is_there) as u32);
                if is_there {
                    c.eq("result", trap.r(0), want);
                    c.note(trap.r(3));
                }
            }
        }
    });
}

/// A name, `s0 = s1 op s2` with r1 and r2, and operands with their result.
type Single = (&'static str, [Code; 2], [(u32, u32, u32); 4]);

fn results() {
    const ONE: u32 = 0x3f80_0000;
    const TWO: u32 = 0x4000_0000;
    const THREE: u32 = 0x4040_0000;
    const INF: u32 = 0x7f80_0000;
    const NAN: u32 = 0x7fc0_0000;
    let forms: [Single; 7] = [
        (
            "vadd",
            vfp!("vmov s1, r1", "vmov s2, r2", "vadd.f32 s0, s1, s2", "vmov r0, s0", "vmrs r3, fpscr"),
            [(ONE, TWO, THREE), (INF, ONE, INF), (NAN, ONE, NAN), (INF, INF | 1 << 31, NAN)],
        ),
        (
            "vsub",
            vfp!("vmov s1, r1", "vmov s2, r2", "vsub.f32 s0, s1, s2", "vmov r0, s0", "vmrs r3, fpscr"),
            [(THREE, TWO, ONE), (ONE, ONE, 0), (ONE, INF, INF | 1 << 31), (INF, INF, NAN)],
        ),
        (
            "vmul",
            vfp!("vmov s1, r1", "vmov s2, r2", "vmul.f32 s0, s1, s2", "vmov r0, s0", "vmrs r3, fpscr"),
            [(ONE, TWO, TWO), (THREE, THREE, 0x4110_0000), (0, INF, NAN), (0x7f00_0000, 0x7f00_0000, INF)],
        ),
        (
            "vdiv",
            vfp!("vmov s1, r1", "vmov s2, r2", "vdiv.f32 s0, s1, s2", "vmov r0, s0", "vmrs r3, fpscr"),
            [(ONE, TWO, 0x3f00_0000), (ONE, THREE, 0x3eaa_aaab), (ONE, 0, INF), (0, 0, NAN)],
        ),
        (
            "vsqrt",
            vfp!("vmov s1, r1", "vsqrt.f32 s0, s1", "vmov r0, s0", "vmrs r3, fpscr"),
            [(TWO, 0, 0x3fb5_04f3), (0x4110_0000, 0, THREE), (ONE | 1 << 31, 0, NAN), (1 << 31, 0, 1 << 31)],
        ),
        (
            "vfma",
            vfp!(
                "vmov s0, r1",
                "vmov s1, r1",
                "vmov s2, r2",
                "vfma.f32 s0, s1, s2",
                "vmov r0, s0",
                "vmrs r3, fpscr"
            ),
            [(ONE, TWO, THREE), (THREE, ONE, 0x40c0_0000), (0, 0, 0), (INF, ONE, INF)],
        ),
        (
            "vneg-vabs",
            vfp!("vmov s1, r1", "vneg.f32 s0, s1", "vabs.f32 s2, s0", "vmov r0, s0", "vmrs r3, fpscr"),
            [(ONE, 0, ONE | 1 << 31), (0, 0, 1 << 31), (INF, 0, INF | 1 << 31), (NAN, 0, NAN | 1 << 31)],
        ),
    ];
    let unit = unit();
    for (name, codes, values) in forms {
        let is_there = unit.fma || name != "vfma";
        for code in codes {
            case!("vfp.single.{name}.{}", code.isa.name(); |c| single(c, code, &values, is_there));
        }
    }
    // Doubles: r1:r2 op r4:r5.
    let forms: [(&str, [Code; 2], u64); 6] = [
        (
            "vadd-low",
            vfp!("vmov d1, r1, r2", "vmov d15, r4, r5", "vadd.f64 d7, d1, d15", "vmov r6, r7, d7"),
            0x400c_0000_0000_0000,
        ),
        (
            "vdiv-low",
            vfp!("vmov d1, r1, r2", "vmov d15, r4, r5", "vdiv.f64 d7, d1, d15", "vmov r6, r7, d7"),
            0x3fe8_0000_0000_0000,
        ),
        (
            "vadd",
            vfp!("vmov d1, r1, r2", "vmov d31, r4, r5", "vadd.f64 d17, d1, d31", "vmov r6, r7, d17"),
            0x400c_0000_0000_0000,
        ),
        (
            "vmul",
            vfp!("vmov d1, r1, r2", "vmov d31, r4, r5", "vmul.f64 d17, d1, d31", "vmov r6, r7, d17"),
            0x4008_0000_0000_0000,
        ),
        (
            "vdiv",
            vfp!("vmov d1, r1, r2", "vmov d31, r4, r5", "vdiv.f64 d17, d1, d31", "vmov r6, r7, d17"),
            0x3fe8_0000_0000_0000,
        ),
        (
            "vfnms",
            vfp!(
                "vmov d1, r1, r2",
                "vmov d31, r4, r5",
                "vmov d17, d1",
                "vfnms.f64 d17, d1, d31",
                "vmov r6, r7, d17"
            ),
            0x3ff8_0000_0000_0000,
        ),
    ];
    for (name, codes, want) in forms {
        let is_there = name.ends_with("-low") || unit.d32 && (unit.fma || name != "vfnms");
        for code in codes {
            case!("vfp.double.{name}.{}", code.isa.name(); |c| {
                enabled(|| {
                    // 1.5 and 2.0.
                    let trap = Run::new(code).mode(Mode::Usr).r(1, 0).r(2, 0x3ff8_0000).r(4, 0).r(5, 0x4000_0000).go();
                    c.eq("kind", trap.kind as u32, done_if(is_there) as u32);
                    if is_there {
                        c.eq("low", trap.r(6), want as u32);
                        c.eq("high", trap.r(7), (want >> 32) as u32);
                    }
                });
            });
        }
    }
}

/// Word `n` of the result, from the words of both operands.
type Result = fn(&[u32; 4], &[u32; 4], usize) -> u32;

fn neon() {
    let forms: [(&str, [Code; 2], Result); 8] = [
        (
            "vadd.i8",
            vfp!("vld1.8 {{q0}}, [r0]", "vld1.8 {{q9}}, [r1]", "vadd.i8 q15, q0, q9", "vst1.8 {{q15}}, [r2]"),
            |a, b, n| lanes(a[n], b[n], u8::wrapping_add),
        ),
        (
            "vadd.i32",
            vfp!(
                "vld1.8 {{q0}}, [r0]",
                "vld1.8 {{q9}}, [r1]",
                "vadd.i32 q15, q0, q9",
                "vst1.8 {{q15}}, [r2]"
            ),
            |a, b, n| a[n].wrapping_add(b[n]),
        ),
        (
            "vqadd.u8",
            vfp!(
                "vld1.8 {{q0}}, [r0]",
                "vld1.8 {{q9}}, [r1]",
                "vqadd.u8 q15, q0, q9",
                "vst1.8 {{q15}}, [r2]"
            ),
            |a, b, n| lanes(a[n], b[n], u8::saturating_add),
        ),
        (
            "vmul.i16",
            vfp!(
                "vld1.8 {{q0}}, [r0]",
                "vld1.8 {{q9}}, [r1]",
                "vmul.i16 q15, q0, q9",
                "vst1.8 {{q15}}, [r2]"
            ),
            |a, b, n| a[n].wrapping_mul(b[n]) & 0xffff | (a[n] >> 16).wrapping_mul(b[n] >> 16) << 16,
        ),
        (
            "veor",
            vfp!("vld1.8 {{q0}}, [r0]", "vld1.8 {{q9}}, [r1]", "veor q15, q0, q9", "vst1.8 {{q15}}, [r2]"),
            |a, b, n| a[n] ^ b[n],
        ),
        ("vrev", vfp!("vld1.8 {{q0}}, [r0]", "vrev32.8 q15, q0", "vst1.8 {{q15}}, [r2]"), |a, _, n| {
            a[n].swap_bytes()
        }),
        (
            "vext",
            vfp!(
                "vld1.8 {{q0}}, [r0]",
                "vld1.8 {{q9}}, [r1]",
                "vext.8 q15, q0, q9, #4",
                "vst1.8 {{q15}}, [r2]"
            ),
            |a, b, n| if n < 3 { a[n + 1] } else { b[0] },
        ),
        (
            "vcgt",
            vfp!(
                "vld1.8 {{q0}}, [r0]",
                "vld1.8 {{q9}}, [r1]",
                "vcgt.u32 q15, q0, q9",
                "vst1.8 {{q15}}, [r2]"
            ),
            |a, b, n| if a[n] > b[n] { !0 } else { 0 },
        ),
    ];
    let a = [0x01ff_ffff, 0x0506_0708, 0xf001_0004, 0x1000_0001];
    let b = [0x0101_0101, 0x0502_0304, 0x1f00_0001, 0x1000_0001];
    let simd = unit().simd;
    for (name, codes, want) in forms {
        for code in codes {
            case!("vfp.neon.{name}.{}", code.isa.name(); |c| {
                enabled(|| {
                    for n in 0..4 {
                        write32(DATA + 4 * n, a[n as usize]);
                        write32(DATA + 16 + 4 * n, b[n as usize]);
                    }
                    for mode in [Mode::Usr, Mode::Svc] {
                        let trap = Run::new(code).mode(mode).r(0, DATA).r(1, DATA + 16).r(2, DATA + 32).go();
                        if !simd {
                            trap.check(c, Kind::Und, &[(0, DATA), (1, DATA + 16), (2, DATA + 32)]);
                            continue;
                        }
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        for n in 0..4 {
                            c.eq("result", read32(DATA + 32 + 4 * n), want(&a, &b, n as usize));
                        }
                    }
                });
            });
        }
    }
}

/// `op` in each of the four bytes.
fn lanes(x: u32, y: u32, op: impl Fn(u8, u8) -> u8) -> u32 {
    let (x, y) = (x.to_le_bytes(), y.to_le_bytes());
    u32::from_le_bytes(core::array::from_fn(|n| op(x[n], y[n])))
}

/// Conversions, and the rounding mode of FPSCR.
fn conversions() {
    for code in vfp!(
        "vmsr fpscr, r4",
        "vmov s1, r1",
        "vcvtr.s32.f32 s0, s1",
        "vmov r0, s0",
        "vcvt.s32.f32 s0, s1",
        "vmov r2, s0",
        "vmrs r3, fpscr"
    ) {
        case!("vfp.rounding.{}", code.isa.name(); |c| {
            enabled(|| {
                // 2.5, -2.5, 2.75 by nearest, up, down, towards zero.
                for (value, want) in [(0x4020_0000, [2, 3, 2, 2]), (0xc020_0000, [-2, -2, -3, -2i32]),
                    (0x4030_0000, [3, 3, 2, 2])]
                {
                    for (mode, want) in want.into_iter().enumerate() {
                        let trap = Run::new(code).mode(Mode::Usr).r(1, value).r(4, (mode as u32) << 22).go();
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("by mode", trap.r(0), want as u32);
                        c.eq("towards zero", trap.r(2), if value >> 31 != 0 { -2i32 as u32 } else { 2 });
                        // Inexact.
                        c.eq("FPSCR", trap.r(3), (mode as u32) << 22 | 1 << 4);
                    }
                }
            });
        });
    }
    for code in vfp!(
        "vmov s1, r1",
        "vcvt.f64.s32 d15, s1",
        "vcvt.f32.f64 s0, d15",
        "vmov r0, s0",
        "vmov r2, r3, d15",
        "vcvtb.f16.f32 s4, s0",
        "vcvtb.f32.f16 s5, s4",
        "vmov r4, s4",
        "vmov r5, s5"
    ) {
        case!("vfp.convert.{}", code.isa.name(); |c| {
            enabled(|| {
                let trap = Run::new(code).r(1, 100).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                c.eq("single", trap.r(0), 0x42c8_0000);
                c.eq("double", trap.r(3), 0x4059_0000);
                c.eq("half", trap.r(4) & 0xffff, 0x5640);
                c.eq("single again", trap.r(5), 0x42c8_0000);
            });
        });
    }
}

/// Comparisons into APSR, cumulative exception flags, what FPSCR holds.
fn flags() {
    for code in vfp!("vmov s1, r1", "vmov s2, r2", "vcmp.f32 s1, s2", "vmrs apsr_nzcv, fpscr") {
        case!("vfp.compare.{}", code.isa.name(); |c| {
            enabled(|| {
                let (one, two, nan) = (0x3f80_0000, 0x4000_0000, 0x7fc0_0000);
                for (a, b, want) in [(one, one, 6), (one, two, 8), (two, one, 2), (nan, one, 3), (0, 1 << 31, 6)] {
                    for mode in Mode::ALL {
                        let trap = Run::new(code).mode(mode).r(1, a).r(2, b).go();
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("NZCV", trap.psr() >> 28, want);
                    }
                }
            });
        });
    }
    for code in vfp!("vmsr fpscr, r0", "vmrs r1, fpscr") {
        case!("vfp.fpscr.{}", code.isa.name(); |c| {
            enabled(|| {
                // NZCV, QC, AHP, DN, FZ, rounding, cumulative flags; no vectors, no traps.
                for value in [0, 0xf7c0_009f, 0x9540_0085, 0x0000_0000] {
                    let trap = Run::new(code).mode(Mode::Usr).r(0, value).go();
                    trap.check(c, Kind::Done, &[(0, value), (1, value)]);
                }
            });
        });
    }
    for code in vfp!(
        "vmsr fpscr, r5",
        "vmov s1, r1",
        "vmov s2, r2",
        "vdiv.f32 s0, s1, s2",
        "vmrs r3, fpscr",
        "vmsr fpscr, r5"
    ) {
        case!("vfp.cumulative.{}", code.isa.name(); |c| {
            enabled(|| {
                for (a, b, flags) in [
                    (0x3f80_0000, 0, 2),            // division by zero
                    (0, 0, 1),                      // invalid
                    (0x3f80_0000, 0x4040_0000, 16), // inexact
                    (0x7f00_0000, 0x0080_0000, 20), // overflow
                    (0x0080_0000, 0x7f00_0000, 24), // underflow
                    (0x3f80_0000, 0x4000_0000, 0),
                ] {
                    let trap = Run::new(code).mode(Mode::Usr).r(1, a).r(2, b).r(5, 0).go();
                    c.eq("kind", trap.kind as u32, Kind::Done as u32);
                    c.eq("flags", trap.r(3), flags);
                }
            });
        });
    }
}
