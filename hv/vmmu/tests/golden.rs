//! Walks put together by hand from the figures of DDI 0406C B3.5 and B3.6, and as real systems have them.

mod common;
use common::*;
use nex_mm::{Gpa, Gva};
use nex_vmmu::memory::{Cache, Memory, Shareability, Type};
use nex_vmmu::regs::{Base, DomainAccess};
use nex_vmmu::walk::lookup;
use nex_vmmu::{Access, Fault, FaultKind, Kind, Registers, Translation, translate};

fn walk(regs: &Registers, ram: &mut Ram, va: u32) -> Result<Translation, Fault> {
    lookup(regs, ram, Gva::new(va), false)
}

fn kind_and_level(result: Result<Translation, Fault>) -> (FaultKind, u8) {
    let fault = result.expect_err("a fault");
    (fault.kind, fault.level)
}

const fn normal(cache: Cache, shareability: Shareability) -> Memory {
    Memory { kind: Type::Normal { inner: cache, outer: cache }, shareability }
}

#[test]
fn mmu_off() {
    let mut regs = Registers::reset(A15);
    let mut ram = Ram::default();
    let data = walk(&regs, &mut ram, 0x1234_5678).unwrap();
    assert_eq!((data.output, data.level, data.log2_bytes, data.base), (0x1234_5678, 0, 12, None));
    assert_eq!(data.memory.kind, Type::StronglyOrdered);
    let fetch = |regs: &Registers| lookup(regs, &mut Ram::default(), Gva::new(0x1000), true).unwrap().memory;
    assert_eq!(fetch(&regs), normal(Cache::NonCacheable, Shareability::Outer));
    regs.sctlr = 1 << 12;
    assert_eq!(fetch(&regs), normal(Cache::WriteThrough, Shareability::Non));
    for kind in Kind::ALL {
        for privileged in [false, true] {
            assert!(data.rights().allows(privileged, kind));
        }
    }
    // With the MMU off, tables are not read and DACR does not count.
    assert_eq!(ram.reads, 0);
    let odd = Access::new(true, Kind::Read).sized(4);
    let fault = translate(&regs, &mut ram, Gva::new(0x1001), odd).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Alignment, "Strongly-ordered memory");
}

/// Linux on a machine with RAM at 0x4000_0000: the kernel's first megabyte is a section, its vectors a small page.
#[test]
fn linux_kernel() {
    let regs = linux(A15);
    let mut ram = Ram::new(&[
        // 0xc000_0000: section, TEX 001 C B, S, AP 01, domain 0.
        (0x4000_4000 + 0xc00 * 4, 0x4001_140e),
        // 0xffff_0000: table in domain 0, then a small page, AP 111 (read-only for both), TEX 001 C B, S.
        (0x4000_4000 + 0xfff * 4, 0x4fff_f801),
        (0x4fff_f800 + 0xf0 * 4, 0x4f00_067e),
        // 0x0001_0000 in a process: table in domain 1, small page, AP 011, nG, XN.
        (0x4000_4000, 0x4abc_d421),
        (0x4abc_d400 + 0x10 * 4, 0x4123_4c7f),
    ]);
    let kernel = walk(&regs, &mut ram, 0xc012_3456).unwrap_err();
    assert_eq!((kernel.kind, kernel.level), (FaultKind::Translation, 1), "only one section is mapped");
    let kernel = walk(&regs, &mut ram, 0xc00f_edcb).unwrap();
    assert_eq!(kernel.gpa(), Some(Gpa::new(0x400f_edcb)));
    assert_eq!((kernel.log2_bytes, kernel.level, kernel.domain, kernel.global), (20, 1, 0, true));
    assert_eq!(kernel.block(), Gva::new(0xc000_0000));
    // TEX[0]:C:B = 7: TR7 = Normal, IR7 = OR7 = write-back, write-allocate; NS1 = 1, NOS7 = 1.
    assert_eq!(kernel.memory, normal(Cache::WriteBackAllocate, Shareability::Inner));
    assert_eq!(format!("{:?}", kernel.rights()), "p:rwx u:---");

    let vectors = walk(&regs, &mut ram, 0xffff_0018).unwrap();
    assert_eq!(vectors.gpa(), Some(Gpa::new(0x4f00_0018)));
    assert_eq!((vectors.log2_bytes, vectors.level), (12, 2));
    assert_eq!(format!("{:?}", vectors.rights()), "p:r-x u:r-x");

    let user = walk(&regs, &mut ram, 0x0001_0abc).unwrap();
    assert_eq!(user.gpa(), Some(Gpa::new(0x4123_4abc)));
    assert_eq!((user.domain, user.global, user.base), (1, false, Some(Base::Ttbr0)));
    assert_eq!(format!("{:?}", user.rights()), "p:rw- u:rw-");

    // Software PAN: domain 1 is taken away, and nothing else changes.
    let pan = Registers { dacr: 0x5555_5551, ..regs };
    let user = walk(&pan, &mut ram, 0x0001_0abc).unwrap();
    assert_eq!(user.domain_access, DomainAccess::None);
    assert_eq!(format!("{:?} {:?}", user.client, user.rights()), "p:rw- u:rw- p:--- u:---");
    let access = Access::new(true, Kind::Read);
    let fault = translate(&pan, &mut ram, Gva::new(0x0001_0abc), access).unwrap_err();
    assert_eq!((fault.kind, fault.level, fault.domain), (FaultKind::Domain, 2, 1));
}

#[test]
fn large_page_and_supersection() {
    let regs = short(A15);
    let mut ram = Ram::new(&[
        // 0x0010_0000: table; 0x0015_0000: large page, XN (15), TEX 000, C (write-through), AP 001, AP[2].
        (0x4000_4004, 0x4001_0001),
        (0x4001_0000 + 0x54 * 4, 0x4567_8219 | 1 << 15),
        // 0x1000_0000: supersection, PA[35:32] = 5 (23..20), PA[39:36] = 0xa (8..5), AP 011.
        (0x4000_4400 + 0x4 * 4, 0x4154_0d42),
    ]);
    let large = walk(&regs, &mut ram, 0x0015_4321).unwrap();
    assert_eq!(large.gpa(), Some(Gpa::new(0x4567_4321)));
    assert_eq!((large.log2_bytes, large.level), (16, 2));
    assert_eq!(large.memory, normal(Cache::WriteThrough, Shareability::Non));
    assert_eq!(format!("{:?}", large.rights()), "p:r-- u:---");

    let big = walk(&regs, &mut ram, 0x1045_6789).unwrap();
    assert_eq!((big.output, big.log2_bytes, big.domain), (0xa5_4145_6789, 24, 0));
    assert_eq!(big.gpa(), None, "no memory above 4 GiB");
    assert_eq!(big.block(), Gva::new(0x1000_0000));
}

/// Little Kernel splits with N = 2: user space in the lowest 1 GiB.
#[test]
fn split_by_n() {
    for n in 0..8u32 {
        let regs = Registers { ttbcr: n, ttbr0: 0x4100_0000, ttbr1: 0x4200_0000, ..short(A9) };
        let edge = 1u64 << (32 - n);
        // A section at the last address of TTBR0's part and at the first of TTBR1's.
        let low = (edge - 1) as u32;
        let mut ram = Ram::new(&[
            (0x4100_0000 + u64::from(low >> 20) * 4, 0x4330_0c02),
            (0x4200_0000 + ((edge >> 20) & 0xfff) * 4, 0x4440_0c02),
        ]);
        let found = walk(&regs, &mut ram, low).unwrap();
        assert_eq!((found.output, found.base), (0x433f_ffff, Some(Base::Ttbr0)), "N = {n}");
        if n > 0 {
            let found = walk(&regs, &mut ram, edge as u32).unwrap();
            assert_eq!((found.output, found.base), (0x4440_0000, Some(Base::Ttbr1)), "N = {n}");
        }
        // PD0 and PD1 disable one each.
        let disabled = Registers { ttbcr: n | 1 << 4, ..regs };
        assert_eq!(kind_and_level(walk(&disabled, &mut ram, low)), (FaultKind::Translation, 1));
        if n > 0 {
            assert!(walk(&disabled, &mut ram, edge as u32).is_ok());
            let disabled = Registers { ttbcr: n | 1 << 5, ..regs };
            assert!(walk(&disabled, &mut ram, low).is_ok());
            assert_eq!(kind_and_level(walk(&disabled, &mut ram, edge as u32)), (FaultKind::Translation, 1));
        }
    }
}

/// TTBR0's table shrinks with N, so its base may have lower bits set; without N they are ignored.
#[test]
fn table_alignment_follows_n() {
    let mut ram = Ram::new(&[(0x4100_1000, 0x4330_0c02), (0x4100_0000, 0x4440_0c02)]);
    let at = |n: u32| Registers { ttbcr: n, ttbr0: 0x4100_1000, ..short(A9) };
    assert_eq!(walk(&at(2), &mut ram, 0).unwrap().output, 0x4330_0000);
    assert_eq!(walk(&at(1), &mut ram, 0).unwrap().output, 0x4440_0000);
}

#[test]
fn big_endian_tables() {
    let regs = Registers { sctlr: M | EE, ..short(A9) };
    let mut ram =
        Ram::new(&[(0x4000_4000, 0x4001_0001u32.swap_bytes()), (0x4001_0000, 0x4567_8032u32.swap_bytes())]);
    assert_eq!(walk(&regs, &mut ram, 0x123).unwrap().output, 0x4567_8123);
    let regs = Registers { sctlr: M | EE, ..lpae() };
    let mut ram = Ram::long(&[(0x4000_4000, 0x4000_0000_0000_0441u64.swap_bytes())]);
    assert_eq!(kind_and_level(walk(&regs, &mut Ram::default(), 0x123)), (FaultKind::Translation, 1));
    assert_eq!(walk(&regs, &mut ram, 0x123).unwrap().output, 0x123);
}

#[test]
fn pxn_exists_or_is_reserved() {
    let mut ram = Ram::new(&[(0x4000_4000, 0x4000_0c03)]);
    assert_eq!(kind_and_level(walk(&short(A9), &mut ram, 0)), (FaultKind::Translation, 1));
    let found = walk(&short(A15), &mut ram, 0).unwrap();
    assert_eq!(format!("{:?}", found.rights()), "p:rw- u:rwx");
    // In a table entry it is bit 2, which an A9 ignores.
    let mut ram = Ram::new(&[(0x4000_4000, 0x4001_0005), (0x4001_0000, 0x4000_0032)]);
    assert_eq!(format!("{:?}", walk(&short(A15), &mut ram, 0).unwrap().rights()), "p:rw- u:rwx");
    assert_eq!(format!("{:?}", walk(&short(A9), &mut ram, 0).unwrap().rights()), "p:rwx u:rwx");
}

/// As U-Boot's LPAE set-up: four level-1 entries to level-2 tables full of 2 MiB blocks; and a page at level 3.
#[test]
fn long_three_levels() {
    let regs = lpae();
    let mut ram = Ram::long(&[
        (0x4000_4000, 0x4001_0003),
        (0x4000_4008, 0x0000_0000_4000_0000 | 0x701 | 3 << 2),
        (0x4001_0000 + 5 * 8, 0x0000_0000_4020_0000 | 1 << 10 | 3 << 8 | 1 << 6 | 3 << 2 | 1),
        (0x4001_0000 + 6 * 8, 0x4002_0003),
        (0x4002_0000 + 0x1ff * 8, 0x0010_0012_4567_8000 | 1 << 11 | 1 << 10 | 1 << 7 | 1 << 2 | 3),
    ]);
    let block = walk(&regs, &mut ram, 0x00a1_2345).unwrap();
    assert_eq!((block.output, block.log2_bytes, block.level), (0x4021_2345, 21, 2));
    assert_eq!(block.memory, normal(Cache::WriteBackAllocate, Shareability::Inner));
    assert_eq!(format!("{:?}", block.rights()), "p:rwx u:rwx");
    assert_eq!((block.mair_attr, block.global, block.contiguous), (0xff, true, false));

    let page = walk(&regs, &mut ram, 0x00df_fabc).unwrap();
    assert_eq!((page.output, page.log2_bytes, page.level), (0x12_4567_8abc, 12, 3));
    assert_eq!((page.gpa(), page.global, page.contiguous), (None, false, true));
    assert_eq!(page.memory.kind, Type::Device);
    assert_eq!(format!("{:?}", page.rights()), "p:r-x u:---");

    let gigabyte = walk(&regs, &mut ram, 0x7654_3210).unwrap();
    assert_eq!((gigabyte.output, gigabyte.log2_bytes, gigabyte.level), (0x7654_3210, 30, 1));
    assert_eq!(gigabyte.block(), Gva::new(0x4000_0000));
}

/// Regions (B3.6.4): the size of each, the level and alignment at which it starts, and the gap between them.
#[test]
fn long_regions() {
    let block1 = 0x441;
    let page = 0x443;
    for (t0sz, t1sz, va, expected) in [
        // One region: the whole space.
        (0, 0, 0xffff_ffff, Some((Base::Ttbr0, 0x4000_4018))),
        // TTBR1 has the top part where both claim an address.
        (0, 1, 0x7fff_ffff, Some((Base::Ttbr0, 0x4000_4008))),
        (0, 1, 0x8000_0000, Some((Base::Ttbr1, 0x4000_5000))),
        // Linux: 3 GiB for user, T1SZ = 2 starts at level 2.
        (0, 2, 0xbfff_ffff, Some((Base::Ttbr0, 0x4000_4010))),
        (0, 2, 0xc000_0000, Some((Base::Ttbr1, 0x4000_5000))),
        (0, 2, 0xffff_ffff, Some((Base::Ttbr1, 0x4000_5ff8))),
        // TTBR1 has what TTBR0 leaves.
        (1, 0, 0x7fff_ffff, Some((Base::Ttbr0, 0x4000_4008))),
        (1, 0, 0x8000_0000, Some((Base::Ttbr1, 0x4000_5010))),
        (7, 0, 0x01ff_ffff, Some((Base::Ttbr0, 0x4000_4078))),
        (7, 0, 0x0200_0000, Some((Base::Ttbr1, 0x4000_5000))),
        // A gap.
        (2, 3, 0x3fff_ffff, Some((Base::Ttbr0, 0x4000_4ff8))),
        (2, 3, 0x4000_0000, None),
        (2, 3, 0xdfff_ffff, None),
        (2, 3, 0xe000_0000, Some((Base::Ttbr1, 0x4000_5000))),
    ] {
        let regs = Registers { ttbcr: EAE | t0sz | t1sz << 16, ..lpae() };
        let label = format!("T0SZ {t0sz}, T1SZ {t1sz}, {va:#x}");
        let Some((base, entry)) = expected else {
            assert_eq!(
                kind_and_level(walk(&regs, &mut Ram::default(), va)),
                (FaultKind::Translation, 1),
                "{label}"
            );
            continue;
        };
        let mut ram = Ram::long(&[(entry, block1)]);
        let found = walk(&regs, &mut ram, va).unwrap_or_else(|fault| panic!("{label}: {fault}"));
        assert_eq!((found.base, ram.reads), (Some(base), 1), "{label}");
        // The same entry does not count at the other level, where it would be invalid: 0b11 is a table at both.
        let mut ram = Ram::long(&[(entry, page)]);
        let first =
            if (base == Base::Ttbr0 && t0sz > 1) || (base == Base::Ttbr1 && t1sz > 1) { 2 } else { 1 };
        let expected = (FaultKind::ExternalOnWalk, first + 1);
        assert_eq!(kind_and_level(walk(&regs, &mut ram, va)), expected, "{label}");
        // EPD0 and EPD1.
        let epd = if base == Base::Ttbr0 { 1 << 7 } else { 1 << 23 };
        let regs = Registers { ttbcr: regs.ttbcr | epd, ..regs };
        assert_eq!(kind_and_level(walk(&regs, &mut ram, va)), (FaultKind::Translation, 1), "{label}");
    }
}

#[test]
fn long_without_lpae_is_short() {
    let regs = Registers { features: A9, ..lpae() };
    assert!(!regs.long());
    assert_eq!(kind_and_level(walk(&regs, &mut Ram::default(), 0)), (FaultKind::Translation, 1));
}

#[test]
fn asid() {
    assert_eq!(linux(A15).asid(), 7);
    assert_eq!(lpae().asid(), 5);
    assert_eq!(Registers { ttbcr: EAE | 1 << 22, ..lpae() }.asid(), 9);
}

/// Access flag, alignment on Device memory, domain, permission: each is seen only if all before it are right.
#[test]
fn order_of_faults() {
    let user_write = Access::new(false, Kind::Write).sized(4);
    let regs = Registers { sctlr: M | AFE, dacr: 0, ..short(A15) };
    // Small Device page (B) in domain 3 that only PL1 may write.
    let table = (0x4000_4000u64, 0x4001_0061u32);
    let access_flag_clear = 0x4567_8006u32;
    let fault = |regs: &Registers, page, va, access| {
        let mut ram = Ram::new(&[table, (0x4001_0000, page)]);
        translate(regs, &mut ram, Gva::new(va), access)
            .map_err(|fault| (fault.kind, fault.level, fault.domain))
    };
    let aligned_only = user_write.aligned_only();
    assert_eq!(fault(&regs, 0, 2, aligned_only), Err((FaultKind::Alignment, 1, 0)));
    let strict = Registers { sctlr: regs.sctlr | A, ..regs };
    assert_eq!(fault(&strict, 0, 2, user_write), Err((FaultKind::Alignment, 1, 0)));
    assert_eq!(fault(&regs, 0, 2, user_write), Err((FaultKind::Translation, 2, 3)));
    assert_eq!(fault(&regs, access_flag_clear, 2, user_write), Err((FaultKind::AccessFlag, 2, 3)));
    let set = access_flag_clear | 1 << 4;
    assert_eq!(fault(&regs, set, 2, user_write), Err((FaultKind::Alignment, 1, 0)));
    assert_eq!(fault(&regs, set, 4, user_write), Err((FaultKind::Domain, 2, 3)));
    let client = Registers { dacr: 0x40, ..regs };
    assert_eq!(fault(&client, set, 4, user_write), Err((FaultKind::Permission, 2, 3)));
    assert!(fault(&client, set | 1 << 5, 4, user_write).is_ok());
    // A9 does not check the alignment of Device accesses; SCTLR.A concerns no fetches.
    let a9 = Registers { features: A9, ..client };
    assert_eq!(fault(&a9, set, 2, user_write), Err((FaultKind::Permission, 2, 3)));
    let fetch = Access::new(true, Kind::Execute).sized(4);
    assert!(fault(&Registers { sctlr: strict.sctlr, ..client }, set, 2, fetch).is_ok());
    // The access flag counts in a Manager domain too, the permissions do not.
    let manager = Registers { dacr: 0xc0, ..regs };
    assert_eq!(fault(&manager, access_flag_clear, 4, user_write), Err((FaultKind::AccessFlag, 2, 3)));
    assert!(fault(&manager, set | 1, 4, Access::new(false, Kind::Execute)).is_ok());
}
