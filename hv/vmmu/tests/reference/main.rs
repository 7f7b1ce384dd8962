//! The crate against a second MMU written after the manual's pseudocode, on random registers, tables and accesses.

mod model;

use model::{Aborted, DAbort, Machine, MemAttrs, Op, TlbRecord};
use nex_mm::Gva;
use nex_vmmu::fault::Cause;
use nex_vmmu::memory::{Cache, Memory, Shareability, Type};
use nex_vmmu::{
    Abort, Access, Fault, FaultKind, Features, GuestMemory, Kind, Registers, Translation, translate,
};
use proptest::prelude::*;

/// Memory whose every word is a hash of its address, except that tables are likely to lead back into it.
#[derive(Clone, Copy, Debug)]
struct Chaos {
    seed: u64,
    /// Double words are descriptors, rather than words.
    long: bool,
    big_endian: bool,
}

impl Chaos {
    fn hash(self, at: u64) -> u64 {
        let mut x = (at ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x ^= x >> 29;
        x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^ x >> 32
    }

    fn exists(at: u64) -> bool {
        (0x4000_0000..0x6000_0000).contains(&at)
    }

    /// 1 in 16 leads anywhere; the others into memory, and are seldom invalid and have the access flag mostly.
    fn long_entry(self, at: u64) -> u64 {
        let x = self.hash(at);
        let choice = self.hash(at ^ 0x5555);
        if choice & 0xf == 0 {
            return x;
        }
        let entry = x & 0xf800_0000_1fff_ffff | x & 0x00f0_0000_0000_0000 | 0x4000_0001;
        if choice & 0x30 == 0 { entry } else { entry | 1 << 10 }
    }

    fn short_entry(self, at: u64) -> u32 {
        let x = self.hash(at) as u32;
        let choice = self.hash(at ^ 0x5555);
        if choice & 0xf == 0 {
            return x;
        }
        let entry = x & 0x1fff_ffff | 0x4000_0000;
        let entry = if entry & 3 == 0 { entry | (1 + (choice >> 8) as u32 % 3) } else { entry };
        // Access flags of either level.
        if choice & 0x30 == 0 { entry } else { entry | 1 << 4 | 1 << 10 }
    }

    fn word(self, at: u64) -> Option<u32> {
        if !Self::exists(at) {
            return None;
        }
        Some(if self.long {
            let entry = self.long_entry(at & !7);
            let entry = if self.big_endian { entry.swap_bytes() } else { entry };
            (entry >> (8 * (at & 4))) as u32
        } else {
            let entry = self.short_entry(at);
            if self.big_endian { entry.swap_bytes() } else { entry }
        })
    }
}

impl GuestMemory for Chaos {
    fn read32(&mut self, gpa: u64) -> Result<u32, Abort> {
        self.word(gpa).ok_or(Abort::Decode)
    }

    fn read64(&mut self, gpa: u64) -> Result<u64, Abort> {
        let (low, high) = (self.read32(gpa)?, self.read32(gpa + 4)?);
        Ok(u64::from(high) << 32 | u64::from(low))
    }
}

fn same_memory(memory: Memory, attrs: MemAttrs) -> bool {
    let cache = |attrs, allocate| match (attrs, allocate) {
        (0b00, _) => Cache::NonCacheable,
        (0b10, _) => Cache::WriteThrough,
        (_, true) => Cache::WriteBackAllocate,
        (_, false) => Cache::WriteBack,
    };
    let kind = match attrs.kind {
        "so" => Type::StronglyOrdered,
        "dev" => Type::Device,
        _ => Type::Normal {
            inner: cache(attrs.innerattrs, attrs.inner_wa),
            outer: cache(attrs.outerattrs, attrs.outer_wa),
        },
    };
    let shareability = match (attrs.shareable, attrs.outershareable) {
        (false, _) => Shareability::Non,
        (true, false) => Shareability::Inner,
        (true, true) => Shareability::Outer,
    };
    memory == Memory { kind, shareability }
}

fn same_fault(fault: &Fault, aborted: &Aborted, write: bool, features: Features) {
    let kind = match aborted.kind {
        DAbort::AccessFlag => FaultKind::AccessFlag,
        DAbort::Alignment => FaultKind::Alignment,
        DAbort::Domain => FaultKind::Domain,
        DAbort::Permission => FaultKind::Permission,
        DAbort::SyncExternalOnWalk => FaultKind::ExternalOnWalk,
        DAbort::Translation => FaultKind::Translation,
    };
    assert_eq!((fault.kind, u32::from(fault.level)), (kind, aborted.level));
    let cause = if write { Cause::Write } else { Cause::Read };
    let (dfsr, mask) = aborted.dfsr(write, features.lpae);
    assert_eq!(fault.dfsr(cause, features) & mask, dfsr, "{fault}");
    assert_eq!(fault.domain_is_valid(features), mask & 0xf0 == 0xf0);
    let ifsr_mask = if aborted.ld_format { 0x123f } else { 0x160f };
    assert_eq!(fault.ifsr(), dfsr & ifsr_mask);
}

fn same_record(found: &Translation, record: &TlbRecord) {
    assert_eq!(found.output, record.pa);
    assert_eq!(1u64 << found.log2_bytes, record.blocksize_kb * 1024);
    assert_eq!(u32::from(found.level), record.level);
    assert_eq!(found.global, !record.ng);
    assert_eq!(u64::from(found.domain), record.domain.unwrap_or(0));
    assert!(same_memory(found.memory, record.memattrs), "{:?} {:?}", found.memory, record.memattrs);
}

fn features() -> impl Strategy<Value = Features> {
    prop_oneof![
        Just(Features::CORTEX_A9),
        Just(Features::CORTEX_A15),
        Just(Features { lpae: true, ..Features::CORTEX_A9 }),
        Just(Features { pxn: true, ..Features::CORTEX_A9 }),
    ]
}

fn registers() -> impl Strategy<Value = Registers> {
    let base = || {
        (any::<u64>(), 0u8..16)
            .prop_map(|(x, wild)| if wild == 0 { x } else { x & 0xff_1fff_ffff | 0x4000_0000 })
    };
    let base = move || base().prop_map(|x| if x & 1 << 20 == 0 { x & !0xff_0000_0000 } else { x });
    (features(), any::<u32>(), base(), base(), any::<[u32; 5]>(), any::<[bool; 4]>()).prop_map(
        |(
            features,
            sctlr,
            ttbr0,
            ttbr1,
            [ttbcr, dacr, prrr, nmrr, contextidr],
            [on, disabled, no_domains, split],
        )| {
            // Mostly on, without WXN in half of the cases (bit 11 stands in for a coin), walks mostly enabled.
            let sctlr = if on { sctlr | 1 } else { sctlr };
            let sctlr = if sctlr & 1 << 11 == 0 { sctlr & !(3 << 19 | 2) } else { sctlr };
            let ttbcr = if disabled { ttbcr } else { ttbcr & !(3 << 4 | 1 << 7 | 1 << 23) };
            let ttbcr = if split { ttbcr } else { ttbcr & !(7 | 7 << 16) };
            // Mostly clients and managers.
            let dacr = if no_domains { dacr } else { dacr | 0x5555_5555 };
            // The two high words of a long base are ASID and reserved bits only.
            let mask = if features.lpae { u64::MAX } else { 0xffff_ffff };
            let (ttbr0, ttbr1) = (ttbr0 & mask, ttbr1 & mask);
            Registers {
                features,
                sctlr,
                ttbr0,
                ttbr1,
                ttbcr,
                dacr,
                prrr_mair0: prrr,
                nmrr_mair1: nmrr,
                contextidr,
            }
        },
    )
}

fn compare(regs: &Registers, seed: u64, va: u32, size: u8, strict: bool) {
    let mut memory = Chaos { seed, long: regs.long(), big_endian: regs.sctlr >> 25 & 1 == 1 };
    let machine = Machine {
        have_lpae: regs.features.lpae,
        have_pxn: regs.features.pxn,
        have_virt: regs.features.wxn,
        sctlr: regs.sctlr.into(),
        ttbr0: regs.ttbr0,
        ttbr1: regs.ttbr1,
        ttbcr: regs.ttbcr.into(),
        dacr: regs.dacr.into(),
        prrr: regs.prrr_mair0.into(),
        nmrr: regs.nmrr_mair1.into(),
        mem: &|at| memory.word(at),
    };
    assert_eq!(machine.eae(), regs.long());
    let mut compared = Vec::new();
    for privileged in [false, true] {
        for (op, kind) in [(Op::Load, Kind::Read), (Op::Store, Kind::Write), (Op::Fetch, Kind::Execute)] {
            compared.push((
                Access { privileged, kind, size_bytes: size, must_align: strict },
                op == Op::Store,
                machine.translate_address_v(va.into(), privileged, op, size.into(), strict),
            ));
        }
    }
    for (access, write, expected) in compared {
        match (translate(regs, &mut memory, Gva::new(va), access), expected) {
            (Ok(found), Ok(record)) => {
                same_record(&found, &record);
            }
            (Err(fault), Err(aborted)) => {
                assert_eq!(fault.va, Gva::new(va));
                same_fault(&fault, &aborted, write, regs.features);
            }
            (found, expected) => panic!("{access:?}: {found:x?}, the manual says {expected:x?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_manual(
        regs in registers(),
        seed in any::<u64>(),
        va in any::<u32>(),
        size in prop_oneof![Just(1u8), Just(2), Just(4), Just(8)],
        strict in any::<bool>(),
    ) {
        compare(&regs, seed, va, size, strict && size > 2);
    }
}

/// The random cases are worth something: each fault at each level, and each page size, comes up often.
#[test]
fn cases_reach_everything() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::collections::BTreeMap;

    let mut runner = TestRunner::deterministic();
    let mut faults: BTreeMap<String, u32> = BTreeMap::new();
    for case in 0..6000u64 {
        let regs = registers().new_tree(&mut runner).unwrap().current();
        let va = (case.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32;
        let mut memory = Chaos { seed: case, long: regs.long(), big_endian: regs.sctlr >> 25 & 1 == 1 };
        let format = if regs.long() { "long" } else { "short" };
        for kind in Kind::ALL {
            let access = Access::new(case % 2 == 0, kind).sized(4);
            let label = match translate(&regs, &mut memory, Gva::new(va), access) {
                Ok(found) => format!("{format} {} bits", found.log2_bytes),
                Err(fault) => format!("{format} {:?} {}", fault.kind, fault.level),
            };
            *faults.entry(label).or_default() += 1;
        }
    }
    for (format, levels, sizes) in [("short", 1..=2, &[12, 16, 20, 24][..]), ("long", 1..=3, &[12, 21, 30])] {
        for level in levels {
            let mut kinds = vec!["Translation", "AccessFlag", "Permission", "ExternalOnWalk"];
            if format == "short" {
                kinds.push("Domain");
            }
            for kind in kinds {
                let label = format!("{format} {kind} {level}");
                assert!(faults.get(&label).is_some_and(|&count| count >= 5), "{label} is rare: {faults:#?}");
            }
        }
        for bits in sizes {
            let label = format!("{format} {bits} bits");
            assert!(faults.get(&label).is_some_and(|&count| count >= 20), "{label} is rare: {faults:#?}");
        }
        assert!(faults.contains_key(&format!("{format} Alignment 1")));
    }
}
