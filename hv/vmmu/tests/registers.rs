//! Register values as hardware has them: DFSR, IFSR, PAR; and decoding of maintenance operations.

mod common;
use common::*;
use nex_mm::Gva;
use nex_vmmu::fault::Cause;
use nex_vmmu::par::Operation;
use nex_vmmu::tlb::{self, Flush, Maintenance};
use nex_vmmu::{Abort, Access, Fault, FaultKind, Kind, Registers, translate};

const READ: Access = Access::new(false, Kind::Read);
const WRITE: Access = Access::new(false, Kind::Write);
const FETCH: Access = Access::new(false, Kind::Execute);

fn fault(regs: &Registers, ram: &mut Ram, va: u32, access: Access) -> Fault {
    translate(regs, ram, Gva::new(va), access).expect_err("a fault")
}

/// A table in domain 2 with a page that PL0 may read; another that leads to the UART; sections.
fn short_tables() -> Ram {
    Ram::new(&[
        (0x4000_4000, 0x4001_0041),
        (0x4001_0004, 0x4567_8022 | 1),
        (0x4001_0008, 0x4567_8002),
        (0x4000_4004, 0x0900_0061),
        (0x4000_4008, 0x7000_0081),
        // A section in domain 5 for PL1 only.
        (0x4000_400c, 0x4440_04a2),
    ])
}

#[test]
fn short_fault_registers() {
    let regs = short(A15);
    let mut ram = short_tables();
    let dfsr = |regs: &Registers, va, access: Access| {
        let cause = if access.kind == Kind::Write { Cause::Write } else { Cause::Read };
        fault(regs, &mut short_tables(), va, access).dfsr(cause, regs.features)
    };
    // Translation faults: nothing in the first level, nothing in the second.
    assert_eq!(dfsr(&regs, 0x8000_0000, READ), 0x005);
    assert_eq!(dfsr(&regs, 0x8000_0000, WRITE), 0x805);
    assert_eq!(dfsr(&regs, 0x0000_0000, READ), 0x027);
    // Permission: a page, a section.
    assert_eq!(dfsr(&regs, 0x0000_1000, WRITE), 0x82f);
    assert_eq!(dfsr(&regs, 0x0030_0000, READ), 0x05d);
    // Domain.
    let closed = Registers { dacr: 0, ..regs };
    assert_eq!(dfsr(&closed, 0x0000_1000, READ), 0x02b);
    assert_eq!(dfsr(&closed, 0x0030_0000, WRITE), 0x859);
    // Access flag.
    let flags = Registers { sctlr: M | AFE, ..regs };
    assert_eq!(dfsr(&flags, 0x0000_2000, READ), 0x026);
    let mut cleared = short_tables();
    cleared.write(0x4000_400c, 0x4440_00a2);
    assert_eq!(fault(&flags, &mut cleared, 0x0030_0000, READ).dfsr(Cause::Read, A15), 0x053);
    // External abort on the second level: a device answers "slave error", a hole "decode error".
    assert_eq!(dfsr(&regs, 0x0010_0000, READ), 0x103e);
    assert_eq!(dfsr(&regs, 0x0020_0000, WRITE), 0x84e);
    let nowhere = Registers { ttbr0: 0x1000_0000, ..regs };
    assert_eq!(dfsr(&nowhere, 0, READ), 0x00c);
    // Alignment.
    let strict = Registers { sctlr: M | A, ..regs };
    assert_eq!(dfsr(&strict, 1, WRITE.sized(4)), 0x801);
    assert_eq!(dfsr(&regs, 2, READ.sized(4).aligned_only()), 0x001);

    // DFAR and IFAR are the address; IFSR has neither domain nor WnR.
    let fetch = fault(&regs, &mut ram, 0x0000_1234, FETCH);
    assert_eq!((fetch.ifsr(), fetch.va), (0x00f, Gva::new(0x1234)));
    assert_eq!(fault(&regs, &mut ram, 0x0010_0000, FETCH).ifsr(), 0x100e);
    // Maintenance: WnR always, CM on CPUs with LPAE.
    let missing = fault(&regs, &mut ram, 0x8000_0000, READ);
    assert_eq!(missing.dfsr(Cause::Maintenance, A15), 0x2805);
    assert_eq!(missing.dfsr(Cause::Maintenance, A9), 0x805);
    // A translated address without memory.
    let external = Fault::external(&regs, Gva::new(0x10), Abort::Decode);
    assert_eq!((external.dfsr(Cause::Read, A15), external.ifsr()), (0x008, 0x008));
    let external = Fault::external(&regs, Gva::new(0x10), Abort::Slave);
    assert_eq!((external.dfsr(Cause::Write, A15), external.ifsr()), (0x1808, 0x1008));
}

#[test]
fn domain_validity() {
    let regs = short(A15);
    let mut ram = short_tables();
    for (va, access, lpae, valid) in [
        (0x8000_0000, READ, true, false),
        (0x0000_0000, READ, true, true),
        (0x0020_0000, READ, true, true),
        (0x0000_1000, WRITE, true, false),
        (0x0000_1000, WRITE, false, true),
        (0x0030_0000, READ, false, true),
    ] {
        let features = if lpae { A15 } else { A9 };
        let regs = Registers { features, ..regs };
        assert_eq!(fault(&regs, &mut ram, va, access).domain_is_valid(features), valid, "{va:#x} {access:?}");
    }
    let closed = Registers { dacr: 0, ..regs };
    assert!(fault(&closed, &mut ram, 0x0030_0000, READ).domain_is_valid(A15));
    let long = Fault::external(&lpae(), Gva::new(0), Abort::Decode);
    assert!(
        !long.domain_is_valid(A15) && !Fault::external(&regs, Gva::new(0), Abort::Decode).domain_is_valid(A9)
    );
}

#[test]
fn long_fault_registers() {
    let regs = lpae();
    let tables = || {
        Ram::long(&[
            (0x4000_4000, 0x4001_0003),
            (0x4001_0000, 0x4002_0003),
            // A page for PL1, one without access flag, and the reserved encoding.
            (0x4002_0008, 0x4567_8403),
            (0x4002_0010, 0x4567_8043),
            (0x4002_0018, 0x4567_8441),
            // Blocks: without access flag, for PL1; tables on the UART and in a hole above 4 GiB.
            (0x4001_0008, 0x4560_0041),
            (0x4001_0010, 0x4560_0401),
            (0x4001_0018, 0x0900_0003),
            (0x4000_4008, 0x12_0000_0003),
            (0x4000_4010, 0x4000_0001),
            (0x4000_4018, 0x4000_0401),
        ])
    };
    let dfsr = |va, access: Access| {
        let cause = if access.kind == Kind::Write { Cause::Write } else { Cause::Read };
        fault(&regs, &mut tables(), va, access).dfsr(cause, A15)
    };
    let mut empty = Ram::default();
    assert_eq!(fault(&regs, &mut empty, 0, READ).dfsr(Cause::Read, A15), 0x205);
    assert_eq!(dfsr(0x0080_0000, WRITE), 0xa06);
    assert_eq!(dfsr(0x0000_0000, READ), 0x207);
    assert_eq!(dfsr(0x0000_3000, READ), 0x207);
    assert_eq!(dfsr(0x8000_0000, READ), 0x209);
    assert_eq!(dfsr(0x0020_0000, READ), 0x20a);
    assert_eq!(dfsr(0x0000_2000, READ), 0x20b);
    assert_eq!(dfsr(0xc000_0000, READ), 0x20d);
    assert_eq!(dfsr(0x0040_0000, WRITE), 0xa0e);
    assert_eq!(dfsr(0x0000_1000, READ), 0x20f);
    let nowhere = Registers { ttbr0: 0x1000_0000, ..regs };
    assert_eq!(fault(&nowhere, &mut empty, 0, READ).dfsr(Cause::Read, A15), 0x215);
    assert_eq!(dfsr(0x4000_0000, READ), 0x216);
    assert_eq!(dfsr(0x0060_0000, WRITE), 0x1a17);
    assert_eq!(dfsr(1, READ.sized(2).aligned_only()), 0x221);
    let fetch = fault(&regs, &mut tables(), 0x0000_1000, FETCH);
    assert_eq!((fetch.ifsr(), fetch.dfsr(Cause::Maintenance, A15)), (0x20f, 0x2a0f));
    assert_eq!(Fault::external(&regs, Gva::new(0), Abort::Slave).dfsr(Cause::Write, A15), 0x1a10);
    // TTBCR.EAE alone chooses the format, MMU on or off.
    let off = Registers { sctlr: A, ..regs };
    assert_eq!(fault(&off, &mut empty, 1, READ.sized(4)).dfsr(Cause::Read, A15), 0x221);
}

#[test]
fn prints() {
    let text = |regs: &Registers, va, access| fault(regs, &mut short_tables(), va, access).to_string();
    let regs = short(A15);
    assert_eq!(text(&regs, 0x1000, WRITE), "permission fault, level 2, at 0x00001000");
    let closed = Registers { dacr: 0, ..regs };
    assert_eq!(text(&closed, 0x30_0000, READ), "domain fault, level 1, domain 5, at 0x00300000");
    assert_eq!(text(&regs, 2, READ.sized(4).aligned_only()), "alignment fault, at 0x00000002");
}

fn par(regs: &Registers, ram: &mut Ram, opc2: u8, va: u32) -> u64 {
    Operation::decode(opc2).unwrap().run(regs, ram, Gva::new(va)).expect("a PAR value")
}

#[test]
fn short_par() {
    // TRE = 0. Sections for PL1, one for each memory type; NS (bit 9) is 1 throughout.
    let section = |tex_cb: u32, s: u32| 0x4440_0402 | (tex_cb >> 2) << 12 | (tex_cb & 3) << 2 | s << 16;
    let regs = short(A9);
    let with = |regs: &Registers, entry| par(regs, &mut Ram::new(&[(0x4000_4000, entry)]), 0, 0x0001_2345);
    for (tex_cb, s, expected) in [
        // Strongly-ordered, Device, non-shareable Device.
        (0b00000, 0, 0x4441_2290),
        (0b00001, 0, 0x4441_22b0),
        (0b01000, 1, 0x4441_2230),
        // Normal: write-through, write-back, not cacheable, write-back with allocation; shareable.
        (0b00010, 0, 0x4441_2268),
        (0b00011, 0, 0x4441_227c),
        (0b00100, 0, 0x4441_2200),
        (0b00111, 0, 0x4441_2254),
        (0b00111, 1, 0x4441_22d4),
        // Outer write-through, inner not cacheable.
        (0b11000, 0, 0x4441_2208),
    ] {
        assert_eq!(with(&regs, section(tex_cb, s)), expected, "{tex_cb:05b} {s}");
    }
    // Remapped, inner shareable: NOS.
    assert_eq!(with(&linux(A15), section(0b00111, 1)), 0x4441_2200 | 1 << 10 | 0xd4);
    // A supersection: PA[31:24], PA[39:32], SS.
    assert_eq!(with(&regs, 0x41a5_0402 | 1 << 18 | 0x6 << 5), 0x416a_0292);
    // A page keeps the address bits down to 12.
    assert_eq!(par(&regs, &mut short_tables(), 2, 0x0000_1fff) & !0xfff, 0x4567_8000);

    // Failures: FS[4:0] in bits 5..1.
    let failed = |regs: &Registers, opc2, va| par(regs, &mut short_tables(), opc2, va);
    assert_eq!(failed(&regs, 0, 0x8000_0000), 0x05 << 1 | 1);
    assert_eq!(failed(&regs, 0, 0x0000_0000), 0x07 << 1 | 1);
    assert_eq!(failed(&regs, 3, 0x0000_1000), 0x0f << 1 | 1);
    assert_eq!(failed(&regs, 2, 0x0030_0000), 0x0d << 1 | 1);
    assert_eq!(failed(&Registers { dacr: 0, ..regs }, 1, 0x0000_1000), 0x0b << 1 | 1);
    // With the MMU off the address comes back, as Strongly-ordered memory.
    assert_eq!(par(&Registers::reset(A15), &mut Ram::default(), 3, 0xdead_beef), 0xdead_b290);
}

#[test]
fn long_par() {
    let regs = lpae();
    let block = |index: u64, sh: u64| 0x12_4560_0401 | index << 2 | sh << 8;
    let with = |entry, opc2| {
        par(&regs, &mut Ram::long(&[(0x4000_4000, 0x4001_0003), (0x4001_0000, entry)]), opc2, 0x0001_2345)
    };
    let address = 0x12_4561_2000 | 1 << 11 | 1 << 9;
    // Device and Strongly-ordered memory, and Normal memory that is not cacheable, are outer shareable.
    assert_eq!(with(block(0, 0), 0), address | 0b10 << 7);
    assert_eq!(with(block(1, 3), 0), address | 0b10 << 7 | 0x04 << 56);
    assert_eq!(with(block(4, 3), 0), address | 0b10 << 7 | 0x44 << 56);
    assert_eq!(with(block(3, 3), 0), address | 0b11 << 7 | 0xff << 56);
    assert_eq!(with(block(3, 2), 1), address | 0b10 << 7 | 0xff << 56);
    assert_eq!(with(block(3, 0), 1), address | 0xff << 56);
    // PL0 may not: permission fault, level 2, marked as the long format.
    assert_eq!(with(block(3, 0), 2), 1 << 11 | 0x0e << 1 | 1);
    assert_eq!(with(0, 0), 1 << 11 | 0x06 << 1 | 1);
    let off = Registers { sctlr: 0, ..regs };
    assert_eq!(par(&off, &mut Ram::default(), 0, 0x1234_5678), 0x1234_5000 | 1 << 11 | 1 << 9 | 0b10 << 7);
}

/// A table without memory is a data abort, not a value in PAR.
#[test]
fn par_external_abort() {
    let run =
        |regs: &Registers, va| Operation::decode(0).unwrap().run(regs, &mut short_tables(), Gva::new(va));
    let abort = run(&short(A15), 0x0010_0000).unwrap_err();
    assert_eq!((abort.kind, abort.dfsr(Cause::Maintenance, A15)), (FaultKind::ExternalOnWalk, 0x383e));
}

#[test]
fn operations_decode() {
    let decoded: Vec<_> = (0..=8).map(Operation::decode).collect();
    let op = |privileged, write, non_secure_other| Some(Operation { privileged, write, non_secure_other });
    let expected = [
        op(true, false, false),
        op(true, true, false),
        op(false, false, false),
        op(false, true, false),
        op(true, false, true),
        op(true, true, true),
        op(false, false, true),
        op(false, true, true),
        None,
    ];
    assert_eq!(decoded, expected);
}

#[test]
fn maintenance_decodes() {
    let value = 0x1234_5607;
    let (va, asid) = (Gva::new(0x1234_5000), 0x07);
    let forms = [Flush::All, Flush::Page { va, asid }, Flush::Asid(asid), Flush::PageAllAsids { va }];
    for crm in 0..16 {
        for opc2 in 0..8u8 {
            let known = match crm {
                3 | 7 => opc2 < 4,
                5 | 6 => opc2 < 3,
                _ => false,
            };
            let expected =
                known.then(|| Maintenance { flush: forms[usize::from(opc2)], inner_shareable: crm == 3 });
            assert_eq!(tlb::decode(crm, opc2, value), expected, "c8, c{crm}, {opc2}");
        }
    }
}

#[test]
fn what_a_flush_drops() {
    let (va, asid) = (Gva::new(0x1234_5000), 7);
    // (flush, address of the mapping, log2 of its size, ASID, global, dropped).
    for (flush, at, bits, of, global, dropped) in [
        (Flush::All, 0, 12, 1, true, true),
        (Flush::Asid(7), 0, 12, 7, false, true),
        (Flush::Asid(7), 0, 12, 7, true, false),
        (Flush::Asid(7), 0, 12, 6, false, false),
        (Flush::Page { va, asid }, 0x1234_5abc, 12, 7, false, true),
        (Flush::Page { va, asid }, 0x1234_5abc, 12, 6, false, false),
        (Flush::Page { va, asid }, 0x1234_5abc, 12, 6, true, true),
        (Flush::Page { va, asid }, 0x1234_6000, 12, 7, false, false),
        // The whole of a large page, section, supersection or long block that has the address.
        (Flush::Page { va, asid }, 0x1234_0000, 16, 7, false, true),
        (Flush::Page { va, asid }, 0x1235_0000, 16, 7, false, false),
        (Flush::Page { va, asid }, 0x123f_f000, 20, 7, false, true),
        (Flush::Page { va, asid }, 0x1200_0000, 24, 7, false, true),
        (Flush::Page { va, asid }, 0x1300_0000, 24, 7, false, false),
        (Flush::Page { va, asid }, 0x0000_0000, 30, 7, false, true),
        (Flush::PageAllAsids { va }, 0x1234_5000, 12, 6, false, true),
        (Flush::PageAllAsids { va }, 0x1234_4000, 12, 6, true, false),
    ] {
        assert_eq!(
            flush.drops(Gva::new(at), bits, of, global),
            dropped,
            "{flush:?} {at:#x} {bits} {of} {global}"
        );
    }
}
