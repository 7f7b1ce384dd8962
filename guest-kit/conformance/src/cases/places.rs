//! Code that changes, virtual addresses anywhere, vectors anywhere (A3.5.4, B1.8.1, B3.2).

use super::memory::{VA, small};
use super::probe::{Access, Fault, expect};
use crate::harness::code::{Code, END_A32, Isa, a32, both, t32};
use crate::harness::cp15::{self, cp15_write, with_sctlr};
use crate::harness::layout::{CODE, TARGET};
use crate::harness::mmio::{read32, write32};
use crate::harness::report::{Case, case};
use crate::harness::run::{Kind, Mode, Run, pattern};
use crate::harness::tables::{Long, Short, long, short};
use crate::harness::vectors;

pub(crate) fn cases() {
    changing_code();
    addresses();
    high_vectors();
}

/// New instructions, with the maintenance that A3.5.4 asks for.
fn changing_code() {
    for isa in Isa::BOTH {
        for mode in Mode::ALL {
            case!("memory.new-code.{}.{}", mode.name(), isa.name(); |c| {
                for value in [0u16, 1, 0x7f, 0xff, 3, 3, 0] {
                    let code = match isa {
                        // MOV r0, #value
                        Isa::A32 => Code::write_a32(&[0xe3a0_0000 | u32::from(value)]),
                        Isa::T32 => Code::write_t32(&[0x2000 | value]),
                    };
                    let trap = Run::new(code).mode(mode).go();
                    c.eq("kind", trap.kind as u32, Kind::Done as u32);
                    c.eq("r0", trap.r(0), value.into());
                }
            });
        }
    }
    // A sensitive instruction takes the place of a harmless one and the reverse, in the page that is being run.
    for code in [
        a32!(
            "str r1, [r0]",
            "mcr p15, 0, r0, c7, c11, 1",
            "dsb",
            "mcr p15, 0, r0, c7, c5, 1",
            "mcr p15, 0, r3, c7, c5, 6",
            "dsb",
            "isb",
            "bx r0"
        ),
        t32!(
            "str r1, [r0]",
            "mcr p15, 0, r0, c7, c11, 1",
            "dsb",
            "mcr p15, 0, r0, c7, c5, 1",
            "mcr p15, 0, r3, c7, c5, 6",
            "dsb",
            "isb",
            "bx r0"
        ),
    ] {
        case!("memory.self-modifying.{}", code.isa.name(); |c| {
            // MRS r2, CPSR and CPSID i in place of MOVs; A32 in the scratch page.
            for (word, r2) in [(0xe10f_2000, 0x1d3), (0xe3a0_2011, 0x11), (0xe10f_2000, 0x1d3), (0xe320_f000, pattern(2))] {
                let at = Code::write_a32(&[0xe3a0_2077]).address;
                let trap = Run::new(code).r(0, at).r(1, word).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
                c.eq("r2", trap.r(2), r2);
                c.eq("read back", read32(at + 4), END_A32);
            }
        });
    }
    // Written by one address, run by another.
    for isa in Isa::BOTH {
        case!("memory.alias-code.{}", isa.name(); |c| {
            let tables = Short::new();
            tables.l2(VA, 0, small(CODE, 7));
            tables.l2(VA + 0x1000, 0, small(CODE, 3));
            tables.setup().run(|| {
                for value in 1..6u16 {
                    match isa {
                        Isa::A32 => Code::write_a32(&[0xe3a0_0000 | u32::from(value), 0xe10f_1000]),
                        Isa::T32 => Code::write_t32(&[0x2000 | value, 0xf3ef, 0x8100]),
                    };
                    for address in [VA, VA + 0x1000, CODE] {
                        let trap = Run::new(Code { address, isa }).mode(Mode::Svc).go();
                        c.eq("kind", trap.kind as u32, Kind::Done as u32);
                        c.eq("r0", trap.r(0), value.into());
                        c.eq("r1", trap.r(1) & 0x1f, 0x13);
                    }
                    // The same from User mode, where MRS shows less.
                    let trap = Run::new(Code { address: VA, isa }).mode(Mode::Usr).go();
                    c.eq("r0", trap.r(0), value.into());
                }
            });
        });
    }
    // Data beside code in one page, written while the code runs.
    case!("memory.data-in-code-page"; |c| {
        let code = Code::write_a32(&[
            0xe3a0_2064, // mov r2, #100
            0xe590_1000, // ldr r1, [r0]
            0xe281_1001, // add r1, r1, #1
            0xe580_1000, // str r1, [r0]
            0xe10f_3000, // mrs r3, cpsr
            0xe252_2001, // subs r2, r2, #1
            0x1aff_fff9, // bne ldr
        ]);
        for mode in [Mode::Svc, Mode::Sys, Mode::Usr] {
            write32(CODE + 0x800, 0);
            let trap = Run::new(code).mode(mode).r(0, CODE + 0x800).go();
            c.eq("kind", trap.kind as u32, Kind::Done as u32);
            c.eq("count", read32(CODE + 0x800), 100);
        }
    });
}

/// Virtual addresses everywhere, those that a hypervisor may want for itself included: data.
fn addresses() {
    let places = [
        0x0000_0000,
        0x0000_1000,
        0x00ff_f000,
        0x1000_0000,
        0x3fff_f000,
        0x7fff_f000,
        0x8000_0000,
        0xa123_4000,
        0xbfff_f000,
        0xc000_0000,
        0xd000_0000,
        0xe000_0000,
        0xefff_f000,
        0xf000_0000,
        0xf800_0000,
        0xfeff_f000,
        0xff00_0000,
        0xffef_f000,
        0xffff_0000,
        0xffff_f000,
    ];
    for va in places {
        case!("memory.address.{va:08x}"; |c| {
            let tables = Short::new();
            tables.l2(va, 0, small(TARGET, 3));
            tables.setup().run(|| data_at(c, va, 2));
            let tables = Long::new();
            tables.set(va, 3, TARGET | long::PAGE | long::AF | long::ap(1), 0, 0);
            tables.setup().run(|| data_at(c, va, 3));
        });
    }
    for va in [0x0000_0000, 0x8000_0000, 0xe000_0000u32] {
        case!("memory.address.section.{va:08x}"; |c| {
            let tables = Short::new();
            tables.l1(va, TARGET | short::NORMAL | short::section_ap(3) | short::SECTION);
            tables.setup().run(|| {
                for offset in (0..1 << 20).step_by(0x1_1000) {
                    data_at(c, va + offset, 0);
                }
            });
        });
    }
}

/// Every kind of access to the page at `va`; the neighbours, where they are not mapped, fault.
fn data_at(c: &mut Case, va: u32, level: u32) {
    let code = both!(
        "str r1, [r0]",
        "ldrb r2, [r0, #1]",
        "strh r2, [r0, #6]",
        "ldrd r4, r5, [r0]",
        "ldrex r6, [r0]",
        "add r6, r6, #1",
        "strex r7, r6, [r0]",
        "ldm r0, {{r8, r9}}",
        "ldr r10, [r0, #2]"
    );
    for code in code {
        for mode in [Mode::Usr, Mode::Svc] {
            let trap = Run::new(code).mode(mode).r(0, va).r(1, 0x1122_3344).r(5, 0).go();
            c.eq("kind", trap.kind as u32, Kind::Done as u32);
            for (n, want) in [(2, 0x33), (4, 0x1122_3344), (6, 0x1122_3345), (7, 0), (8, 0x1122_3345)] {
                c.eq("register", trap.r(n), want);
            }
            c.eq("upper half", trap.r(5) >> 16, 0x33);
            c.eq("unaligned", trap.r(10) & 0xffff, 0x1122);
        }
    }
    if level != 0 {
        // The next page, if it is in the same table.
        let next = va.wrapping_add(0x1000);
        if next >> 20 == va >> 20 {
            expect(c, Mode::Svc, Access::Read, next, Some((Fault::Translation, level)));
            expect(c, Mode::Usr, Access::Write, next + 4, Some((Fault::Translation, level)));
        }
    }
}

/// SCTLR.V, and VBAR 0 with the vectors mapped at 0.
fn high_vectors() {
    case!("memory.high-vectors"; |c| {
        let tables = Short::new();
        tables.l2(0xffff_0000, 0, small(vectors::table(3), 5));
        tables.setup().run(|| with_sctlr(cp15::sctlr::V, 0, || all_kinds(c)));
    });
    case!("memory.high-vectors.long"; |c| {
        let tables = Long::new();
        tables.set(0xffff_0000, 3, vectors::table(3) | long::PAGE | long::AF | long::ap(2), 0, 0);
        tables.setup().run(|| with_sctlr(cp15::sctlr::V, 0, || all_kinds(c)));
    });
    for vbar in [0, 0x8000_0000, 0xa000_0000] {
        case!("memory.vectors-at.{vbar:08x}"; |c| {
            let tables = Short::new();
            tables.l2(vbar, 0, small(vectors::table(3), 5));
            tables.setup().run(|| {
                cp15_write!(0, c12, c0, 0, vbar);
                all_kinds(c);
                cp15_write!(0, c12, c0, 0, vectors::table(0));
            });
        });
    }
    // VBAR within a page: entries begin at any 32 bytes.
    case!("memory.vectors-at.offset"; |c| {
        let tables = Short::new();
        // A copy of table 0's branch does not work elsewhere, so a table of `ldr pc, [pc, #24]` is written.
        for n in 0..8 {
            write32(TARGET + 0xa60 + 4 * n, 0xe59f_f018);
            // Table 1's entries: offset n * 4 holds a branch to them.
            write32(TARGET + 0xa80 + 4 * n, vectors::table(1) + 4 * n);
        }
        tables.l2(VA, 0, small(TARGET, 5));
        tables.setup().run(|| {
            cp15_write!(0, c12, c0, 0, VA + 0xa60);
            let trap = Run::new(a32!("svc #0")).mode(Mode::Usr).go();
            trap.check(c, Kind::Svc, &[]);
            c.eq("table", trap.state.kind >> 8 & 0xff, 1);
            cp15_write!(0, c12, c0, 0, vectors::table(0));
        });
    });
}

fn all_kinds(c: &mut Case) {
    for isa in Isa::BOTH {
        for (_, code, kind, at) in super::exceptions::synchronous(isa) {
            for mode in Mode::ALL {
                let trap = Run::new(code).mode(mode).r(0, crate::harness::layout::HOLE).go();
                trap.check(c, kind, &[]);
                c.eq("where", trap.offset(), at);
                c.eq("table", trap.state.kind >> 8 & 0xff, 3);
            }
        }
    }
}
