//! Tables made to do harm: each walk ends after a bounded number of reads, with a translation or a defined fault.

mod common;
use common::*;
use nex_mm::Gva;
use nex_vmmu::{Abort, Access, FaultKind, GuestMemory, Kind, Registers, translate};
use proptest::prelude::*;

const READ: Access = Access::new(true, Kind::Read);

/// A first-level table that is its own second-level table, and a page of itself.
#[test]
fn short_tables_that_point_to_themselves() {
    let regs = short(A15);
    // Entry 0 of the first level points to itself as a table: as a page it is large (0b01), at 0x4000_0000.
    let mut ram = Ram::new(&[(0x4000_4000, 0x4000_4000 | 0b01 | 1 << 4)]);
    let found = translate(&regs, &mut ram, Gva::new(0), READ).unwrap();
    assert_eq!((found.output, found.log2_bytes, ram.reads), (0x4000_0000, 16, 2));
}

#[test]
fn long_tables_that_point_to_themselves() {
    let regs = lpae();
    // Each level finds the same entry, which is a page at the third.
    let mut ram = Ram::long(&[(0x4000_4000, 0x4000_4403)]);
    let found = translate(&regs, &mut ram, Gva::new(0), READ).unwrap();
    assert_eq!((found.output, found.log2_bytes, ram.reads), (0x4000_4000, 12, 3));
}

#[test]
fn tables_at_devices_and_outside_memory() {
    for (place, slave) in
        [(0x0900_0000u32, true), (0x0000_0000, false), (0xffff_fc00, false), (0x5000_0000, false)]
    {
        // The root.
        let regs = Registers { ttbr0: place.into(), ..short(A15) };
        let fault = translate(&regs, &mut Ram::default(), Gva::new(0), READ).unwrap_err();
        assert_eq!((fault.kind, fault.level, fault.slave_error), (FaultKind::ExternalOnWalk, 1, slave));
        // The second level.
        let mut ram = Ram::new(&[(0x4000_4000, place | 1)]);
        let fault = translate(&short(A15), &mut ram, Gva::new(0), READ).unwrap_err();
        assert_eq!((fault.kind, fault.level, fault.slave_error), (FaultKind::ExternalOnWalk, 2, slave));
    }
    for high in 1..=0xffu64 {
        let regs = Registers { ttbr0: high << 32 | 0x4000_4000, ..lpae() };
        let fault = translate(&regs, &mut Ram::default(), Gva::new(0), READ).unwrap_err();
        assert_eq!((fault.kind, fault.level), (FaultKind::ExternalOnWalk, 1));
        // Bits 47..40 of an entry are not part of the address.
        let mut ram =
            Ram::long(&[(0x4000_4000, high << 40 | 0x4001_0003), (0x4001_0000, high << 32 | 0x4440_0401)]);
        let found = translate(&lpae(), &mut ram, Gva::new(0), READ).unwrap();
        assert_eq!((found.output, found.gpa()), (high << 32 | 0x4440_0000, None));
    }
}

/// Memory that is the same everywhere, at every address there is.
struct Everywhere(u64, u32);

impl GuestMemory for Everywhere {
    fn read32(&mut self, gpa: u64) -> Result<u32, Abort> {
        assert!(gpa.is_multiple_of(4) && gpa < 1 << 32);
        self.1 += 1;
        Ok(self.0 as u32)
    }

    fn read64(&mut self, gpa: u64) -> Result<u64, Abort> {
        assert!(gpa.is_multiple_of(8) && gpa < 1 << 40);
        self.1 += 1;
        Ok(self.0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any registers with any word in all of memory: few reads, aligned and in range, and no panic.
    #[test]
    fn walks_are_bounded(
        words in any::<[u32; 6]>(),
        (ttbr0, ttbr1, word) in any::<(u64, u64, u64)>(),
        va in any::<u32>(),
        size_bytes in any::<u8>(),
        features in prop_oneof![Just(A9), Just(A15)],
    ) {
        let [sctlr, ttbcr, dacr, prrr_mair0, nmrr_mair1, contextidr] = words;
        let regs = Registers { features, sctlr, ttbr0, ttbr1, ttbcr, dacr, prrr_mair0, nmrr_mair1, contextidr };
        let levels = if regs.long() { 3 } else { 2 };
        for kind in Kind::ALL {
            for table in [word, word | 3, word & !3 | 1] {
                let mut memory = Everywhere(table, 0);
                let access = Access { size_bytes, ..Access::new(va & 1 == 0, kind) };
                match translate(&regs, &mut memory, Gva::new(va), access) {
                    Ok(found) => {
                        prop_assert!(found.output < 1 << 40);
                        let offset = (1u64 << found.log2_bytes) - 1;
                        prop_assert_eq!(found.output & offset, u64::from(va) & offset);
                        prop_assert_eq!(found.gpa().is_some(), found.output < 1 << 32);
                        prop_assert!(found.rights().allows(access.privileged, kind));
                    }
                    Err(fault) => {
                        prop_assert!((1..=levels).contains(&fault.level));
                        prop_assert!(fault.status() < 64 && fault.fs() < 32 && fault.domain < 16);
                    }
                }
                prop_assert!(memory.1 <= u32::from(levels));
            }
        }
    }
}
