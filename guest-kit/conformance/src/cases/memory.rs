//! Memory accesses: alignment, exclusives, code that changes, permissions within a megabyte, unusual addresses
//! (A3.2, A3.4, A3.5.4, B3.7, B3.12).

use super::probe::{Access, Fault, expect, status_mask};
use crate::harness::code::{Code, END_A32, Isa, a32, both, t32};
use crate::harness::cp15::{self, cp15_write, with_sctlr};
use crate::harness::layout::{DATA, TARGET};
use crate::harness::mmio::{read8, read16, read32, write32};
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run, pattern};
use crate::harness::tables::{Long, Short, long, short};

pub(super) const VA: u32 = 0x9000_0000;

pub(crate) fn cases() {
    alignment();
    exclusives();
    copy_on_write();
    swap();
    one_megabyte();
    unprivileged();
}

pub(super) fn small(pa: u32, ap: u32) -> u32 {
    pa | short::NORMAL_SMALL | short::page_ap(ap) | short::SMALL
}

/// Calls `work` with DATA mapped one to one as normal memory, in both formats.
fn mapped(work: impl Fn(&'static str)) {
    let tables = Short::new();
    let setup = tables.setup();
    setup.run(|| work("short"));
    let tables = Long::new();
    let setup = tables.setup();
    setup.run(|| work("long"));
}

fn alignment() {
    // Name, code, whether SCTLR.A decides; else it always faults (A3.2.1).
    let forms: [(&str, [Code; 2], bool, bool); 14] = [
        ("ldr", both!("ldr r1, [r0]"), true, false),
        ("str", both!("str r2, [r0]"), true, true),
        ("ldrh", both!("ldrh r1, [r0]"), true, false),
        ("strh", both!("strh r2, [r0]"), true, true),
        ("ldrsh", both!("ldrsh r1, [r0]"), true, false),
        ("ldm", both!("ldm r0, {{r4, r5}}"), false, false),
        ("stm", both!("stm r0, {{r4, r5}}"), false, true),
        ("ldrd", both!("ldrd r4, r5, [r0]"), false, false),
        ("strd", both!("strd r4, r5, [r0]"), false, true),
        ("ldrex", both!("ldrex r1, [r0]"), false, false),
        ("ldrexh", both!("ldrexh r1, [r0]"), false, false),
        ("ldrexd", both!("ldrexd r4, r5, [r0]"), false, false),
        ("push", both!("mov sp, r0", "push {{r1, r2}}"), false, true),
        ("pop", both!("mov sp, r0", "pop {{r1, r2}}"), false, false),
    ];
    for (name, codes, optional, write) in forms {
        for code in codes {
            // SP cannot be unaligned in T32 without being UNPREDICTABLE.
            if matches!(name, "push" | "pop") && code.isa == Isa::T32 {
                continue;
            }
            for strict in [false, true] {
                case!("memory.align.{name}.{}.{}", if strict { "a" } else { "u" }, code.isa.name(); |c| {
                    let cell = core::cell::RefCell::new(c);
                    mapped(|_| {
                        let c = &mut **cell.borrow_mut();
                        let bits = if strict { cp15::sctlr::A } else { 0 };
                        with_sctlr(bits, cp15::sctlr::A & !bits, || {
                            for mode in [Mode::Usr, Mode::Sys] {
                                for n in 0..4 {
                                    write32(DATA + 4 * n, 0x4433_2211 + n * 0x0404_0404);
                                }
                                for offset in [1, 2, 3, 4] {
                                    let half = matches!(name, "ldrh" | "strh" | "ldrsh" | "ldrexh");
                                    let aligned = offset & if half { 1 } else { 3 } == 0;
                                    // LDREXD wants eight bytes.
                                    let aligned = aligned && !(name == "ldrexd" && offset & 7 != 0);
                                    let trap = Run::new(code).mode(mode).r(0, DATA + offset).go();
                                    if aligned || optional && !strict {
                                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                                        for n in [1, 2, 4, 5] {
                                            c.note(trap.r(n));
                                        }
                                        for n in 0..3 {
                                            c.note(read32(DATA + 4 * n));
                                        }
                                    } else {
                                        trap.check(c, Kind::Dabt, &[]);
                                        let status = Fault::Alignment.status(1, super::probe::is_long());
                                        let mask = status_mask() | 1 << 11;
                                        c.eq("DFSR", trap.state.dfsr & mask, status | u32::from(write) << 11);
                                        let below = if name == "push" { 8 } else { 0 };
                                        c.eq("DFAR", trap.state.dfar, DATA + offset - below);
                                    }
                                }
                            }
                        });
                    });
                });
            }
        }
    }
    for code in both!(
        "ldr r1, [r0, #1]",
        "ldrh r2, [r0, #3]",
        "str r3, [r0, #6]",
        "strh r3, [r0, #13]",
        "ldr r4, [r5]"
    ) {
        case!("memory.unaligned.{}", code.isa.name(); |c| {
            let tables = Short::new();
            // Across a page boundary, the pages not neighbours.
            tables.l2(VA, 0, small(TARGET + 0x3000, 3));
            tables.l2(VA + 0x1000, 0, small(TARGET, 3));
            for n in 0..5 {
                write32(DATA + 4 * n, 0x0302_0100 + n * 0x0404_0404);
            }
            write32(TARGET + 0x3ffc, 0xaabb_ccdd);
            write32(TARGET, 0x1122_3344);
            tables.setup().run(|| {
                for mode in [Mode::Usr, Mode::Svc] {
                    let trap = Run::new(code).mode(mode).r(0, DATA).r(5, VA + 0xffe).go();
                    trap.check(c, Kind::Done, &[(1, 0x0403_0201), (2, 0x0403), (4, 0x3344_aabb), (5, VA + 0xffe)]);
                    c.eq("stored", read32(DATA + 8), 0x0b0a_3333);
                    c.eq("stored", read16(DATA + 6).into(), 0x3333);
                    c.eq("stored", read8(DATA + 14).into(), 0x33);
                }
            });
        });
    }
}

fn exclusives() {
    let forms: [(&str, [Code; 2], u32); 4] = [
        ("word", both!("ldrex r1, [r0]", "strex r2, r3, [r0]", "strex r4, r3, [r0]"), 0x3333_3333),
        ("byte", both!("ldrexb r1, [r0]", "strexb r2, r3, [r0]", "strexb r4, r3, [r0]"), 0x33),
        ("half", both!("ldrexh r1, [r0]", "strexh r2, r3, [r0]", "strexh r4, r3, [r0]"), 0x3333),
        (
            "double",
            both!(
                "ldrexd r8, r9, [r0]",
                "mov r6, r3",
                "mov r7, r3",
                "strexd r2, r6, r7, [r0]",
                "strexd r4, r6, r7, [r0]",
                "mov r1, r8"
            ),
            0x3333_3333,
        ),
    ];
    for (name, codes, stored) in forms {
        for code in codes {
            for mode in [Mode::Usr, Mode::Svc, Mode::Irq] {
                case!("memory.exclusive.{name}.{}.{}", mode.name(), code.isa.name(); |c| {
                    let cell = core::cell::RefCell::new(c);
                    mapped(|_| {
                        let c = &mut **cell.borrow_mut();
                        write32(DATA, 0);
                        write32(DATA + 4, 0);
                        let trap = Run::new(code).mode(mode).r(0, DATA).go();
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("loaded", trap.r(1), 0);
                        c.eq("first store", trap.r(2), 0);
                        c.eq("second store", trap.r(4), 1);
                        c.eq("stored", read32(DATA), stored);
                        c.eq("upper word", read32(DATA + 4), if name == "double" { stored } else { 0 });
                    });
                });
            }
        }
    }
    for code in both!("ldrex r1, [r0]", "clrex", "strex r2, r3, [r0]") {
        case!("memory.exclusive.clrex.{}", code.isa.name(); |c| {
            let cell = core::cell::RefCell::new(c);
            mapped(|_| {
                let c = &mut **cell.borrow_mut();
                write32(DATA, 0x11);
                let trap = Run::new(code).mode(Mode::Usr).r(0, DATA).go();
                trap.check(c, Kind::Done, &[(0, DATA), (1, 0x11), (2, 1)]);
                c.eq("memory", read32(DATA), 0x11);
            });
        });
    }
    // A lock taken and released 200 times, as a spin lock is: no interruption may make it fail for ever.
    for code in both!(
        "movs r5, #200",
        "1: ldrex r1, [r0]",
        "add r1, r1, #1",
        "strex r2, r1, [r0]",
        "cmp r2, #0",
        "bne 1b",
        "subs r5, r5, #1",
        "bne 1b"
    ) {
        for mode in Mode::ALL {
            case!("memory.exclusive.loop.{}.{}", mode.name(), code.isa.name(); |c| {
                let cell = core::cell::RefCell::new(c);
                mapped(|_| {
                    let c = &mut **cell.borrow_mut();
                    write32(DATA, 0);
                    let trap = Run::new(code).mode(mode).r(0, DATA).go();
                    c.eq("kind", trap.kind as u32, Kind::Done as u32);
                    c.eq("count", read32(DATA), 200);
                });
            });
        }
    }
}

/// A page that is read by LDREX and made writable when STREX faults: what hangs if the fault refills it read-only.
fn copy_on_write() {
    for code in both!("1: ldrex r1, [r0]", "add r1, r1, #1", "strex r2, r1, [r0]", "cmp r2, #0", "bne 1b") {
        for mode in [Mode::Usr, Mode::Svc] {
            for (ap, name) in [(7, "read-only"), (2, "user-read-only")] {
                if mode == Mode::Svc && ap == 2 {
                    continue;
                }
                case!("memory.copy-on-write.{name}.{}.{}", mode.name(), code.isa.name(); |c| {
                    let tables = Short::new();
                    tables.l2(VA, 0, small(TARGET, ap));
                    write32(TARGET, 0x55);
                    write32(TARGET + 0x1000, 0x55);
                    tables.setup().run(|| {
                        let trap = Run::new(code).mode(mode).r(0, VA).go();
                        trap.check(c, Kind::Dabt, &[(0, VA), (1, 0x56)]);
                        c.eq("DFSR", trap.state.dfsr & 0xc0f, 0xf | 1 << 11);
                        c.eq("DFAR", trap.state.dfar, VA);
                        // The copy, elsewhere.
                        tables.l2(VA, 0, 0);
                        cp15_write!(0, c8, c7, 1, VA);
                        tables.l2(VA, 0, small(TARGET + 0x1000, 3));
                        let trap = trap.resume(0).go();
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("original", read32(TARGET), 0x55);
                        c.eq("copy", read32(TARGET + 0x1000), 0x56);
                    });
                });
            }
        }
    }
}

/// SWP and SWPB, where SCTLR.SW has enabled them (A8.8.229).
fn swap() {
    for mode in [Mode::Usr, Mode::Svc] {
        case!("memory.swp.{}", mode.name(); |c| {
            let tables = Short::new();
            tables.setup().run(|| with_sctlr(cp15::sctlr::SW, 0, || {
                write32(DATA, 0x1234_5678);
                let code = a32!(".inst 0xe1001092" /* swp r1, r2, [r0] */, ".inst 0xe1403094" /* swpb r3, r4, [r0] */);
                let trap = Run::new(code).mode(mode).r(0, DATA).r(2, 0xaabb_ccdd).r(4, 0x77).go();
                trap.check(c, Kind::Done, &[(0, DATA), (1, 0x1234_5678), (2, 0xaabb_ccdd), (3, 0xdd), (4, 0x77)]);
                c.eq("memory", read32(DATA), 0xaabb_cc77);
            }));
        });
    }
}

/// Pages of all rights in one megabyte: first-level entries hold no rights, so each page is as it says.
fn one_megabyte() {
    const APS: [u32; 6] = [1, 3, 2, 5, 7, 0];
    for primed in [Mode::Usr, Mode::Svc] {
        case!("memory.one-mib.primed-by-{}", primed.name(); |c| {
            let tables = Short::new();
            for (n, ap) in APS.into_iter().enumerate() {
                let n = n as u32;
                tables.l2(VA + (n << 12), 0, small(TARGET + (n << 12), ap));
                write32(TARGET + (n << 12), END_A32);
            }
            tables.setup().run(|| {
                // An access to one first, so that whatever is kept for the megabyte is that of its mode.
                super::probe::access(primed, Access::Read, VA + 0x1000, false);
                for round in 0..3u32 {
                    for (n, ap) in APS.into_iter().enumerate() {
                        let va = VA + ((n as u32) << 12);
                        for mode in [primed, Mode::Usr, Mode::Svc, Mode::Usr] {
                            let user = mode == Mode::Usr;
                            let read = !matches!((ap, user), (0, _) | (1, true) | (5, true));
                            let write = matches!((ap, user), (1, false) | (2, false) | (3, _));
                            let want = |ok: bool| if ok { None } else { Some((Fault::Permission, 2)) };
                            expect(c, mode, Access::Read, va, want(read));
                            expect(c, mode, Access::Write, va + 0x20 + 4 * round, want(write));
                            expect(c, mode, Access::Execute, va, want(read));
                        }
                    }
                }
            });
        });
    }
    case!("memory.one-mib.long"; |c| {
        let tables = Long::new();
        for n in 0..4 {
            tables.set(VA + (n << 12), 3, (TARGET + (n << 12)) | long::PAGE | long::AF | long::ap(n), 0, 0);
        }
        tables.setup().run(|| {
            for _ in 0..3 {
                for n in 0..4 {
                    for mode in [Mode::Usr, Mode::Svc] {
                        let read = mode == Mode::Svc || n & 1 != 0;
                        let write = read && n & 2 == 0;
                        let want = |ok: bool| if ok { None } else { Some((Fault::Permission, 3)) };
                        expect(c, mode, Access::Read, VA + (n << 12), want(read));
                        expect(c, mode, Access::Write, VA + (n << 12), want(write));
                    }
                }
            }
        });
    });
}

/// LDRT and its family use PL0's rights at PL1.
fn unprivileged() {
    let forms: [(&str, Code, Code, u32, u32); 8] = [
        ("ldrt", a32!("ldrt r1, [r0], #4"), t32!("ldrt r1, [r0]"), 0, 0x8182_8384),
        ("ldrbt", a32!("ldrbt r1, [r0], #4"), t32!("ldrbt r1, [r0]"), 0, 0x84),
        ("ldrht", a32!("ldrht r1, [r0], #4"), t32!("ldrht r1, [r0]"), 0, 0x8384),
        ("ldrsbt", a32!("ldrsbt r1, [r0], #4"), t32!("ldrsbt r1, [r0]"), 0, 0xffff_ff84),
        ("ldrsht", a32!("ldrsht r1, [r0], #4"), t32!("ldrsht r1, [r0]"), 0, 0xffff_8384),
        ("strt", a32!("strt r2, [r0], #4"), t32!("strt r2, [r0]"), 1, 0x3232_3232),
        ("strbt", a32!("strbt r2, [r0], #4"), t32!("strbt r2, [r0]"), 1, 0x8182_8332),
        ("strht", a32!("strht r2, [r0], #4"), t32!("strht r2, [r0]"), 1, 0x8182_3232),
    ];
    for (name, a32, t32, write, value) in forms {
        for code in [a32, t32] {
            for ap in [0, 1, 2, 3, 5, 7] {
                case!("memory.{name}.ap{ap}.{}", code.isa.name(); |c| {
                    let tables = Short::new();
                    tables.l2(VA, 0, small(TARGET, ap));
                    tables.setup().run(|| {
                        for mode in Mode::ALL {
                            write32(TARGET + 8, 0x8182_8384);
                            let ok = matches!((ap, write), (3, _) | (2 | 7, 0));
                            let trap = Run::new(code).mode(mode).r(0, VA + 8).go();
                            if !ok {
                                trap.check(c, Kind::Dabt, &[]);
                                c.eq("DFSR", trap.state.dfsr & 0xc0f, 0xf | write << 11);
                                c.eq("DFAR", trap.state.dfar, VA + 8);
                                continue;
                            }
                            let moved = if code.isa == Isa::A32 { VA + 12 } else { VA + 8 };
                            let r1 = if write == 0 { value } else { pattern(1) };
                            trap.check(c, Kind::Done, &[(0, moved), (1, r1)]);
                            c.eq("memory", read32(TARGET + 8), if write == 0 { 0x8182_8384 } else { value });
                        }
                    });
                });
            }
        }
    }
    // The forms with a register, added and subtracted, and shifted.
    let registers: [(&str, Code, u32); 4] = [
        ("ldrt-reg", a32!("ldrt r1, [r0], r3, lsl #2"), 0x40),
        ("ldrt-minus", a32!("ldrt r1, [r0], -r3"), 0u32.wrapping_sub(0x10)),
        ("ldrht-minus", a32!("ldrht r1, [r0], -r3"), 0u32.wrapping_sub(0x10)),
        ("strbt-reg", a32!("strbt r1, [r0], r3"), 0x10),
    ];
    for (name, code, moved) in registers {
        case!("memory.{name}.a32"; |c| {
            let cell = core::cell::RefCell::new(c);
            mapped(|_| {
                let c = &mut **cell.borrow_mut();
                for mode in Mode::ALL {
                    write32(DATA + 0x80, 0x1234);
                    let trap = Run::new(code).mode(mode).r(0, DATA + 0x80).r(1, 0x99).r(3, 0x10).go();
                    let r1 = if name == "strbt-reg" { 0x99 } else { 0x1234 };
                    trap.check(c, Kind::Done, &[(0, (DATA + 0x80).wrapping_add(moved)), (1, r1), (3, 0x10)]);
                }
            });
        });
    }
}
