//! The cache of shadow tables and the memory of blocks, against naive models.

mod common;
use common::*;
use nex_mm::Gva;
use nex_vmmu::Registers;
use nex_vmmu::blocks::Blocks;
use nex_vmmu::shadow::{Caching, Domains, Policy, View};
use nex_vmmu::spaces::{Acquired, Slot, SpaceId, Spaces};
use nex_vmmu::tlb::Flush;
use proptest::prelude::*;

const POLICY: Policy = Policy { domains: Domains::Host { reserved: 15 }, caching: Caching::Guest };

fn id(process: u32) -> SpaceId {
    let regs =
        Registers { ttbr0: u64::from(0x4000_0000 + process * 0x4000), contextidr: process, ..short(A15) };
    SpaceId::new(&regs, View::User, POLICY)
}

fn free(_: u16) -> bool {
    false
}

#[test]
fn least_recently_used_goes() {
    let mut slots = [Slot::EMPTY; 3];
    let mut spaces = Spaces::new(&mut slots);
    let fresh = |slot, evicted| Some(Acquired::Fresh { slot, evicted });
    assert_eq!(spaces.acquire(&id(0), free), fresh(0, false));
    assert_eq!(spaces.acquire(&id(1), free), fresh(1, false));
    assert_eq!(spaces.acquire(&id(2), free), fresh(2, false));
    // Switching back and forth costs nothing.
    for _ in 0..10 {
        assert_eq!(spaces.acquire(&id(1), free), Some(Acquired::Resident(1)));
        assert_eq!(spaces.acquire(&id(0), free), Some(Acquired::Resident(0)));
    }
    assert_eq!(spaces.acquire(&id(3), free), fresh(2, true));
    assert_eq!((spaces.find(&id(2)), spaces.find(&id(3))), (None, Some(2)));
    // Slot 1 is next, but runs on another vCPU.
    assert_eq!(spaces.acquire(&id(4), |slot| slot == 1), fresh(0, true));
    assert_eq!(spaces.acquire(&id(5), |_| true), None);
    // A released slot comes before all others.
    spaces.release(0);
    assert_eq!((spaces.id(0), spaces.find(&id(4))), (None, None));
    assert_eq!(spaces.acquire(&id(6), free), fresh(0, false));
}

#[test]
fn generations_change_with_the_table() {
    let mut slots = [Slot::EMPTY; 2];
    let mut spaces = Spaces::new(&mut slots);
    spaces.acquire(&id(0), free);
    let first = spaces.generation(0);
    spaces.acquire(&id(0), free);
    assert_eq!(spaces.generation(0), first, "a switch back keeps the table");
    spaces.renew(0);
    assert_ne!(spaces.generation(0), first);
    assert_eq!(spaces.find(&id(0)), Some(0));
    let second = spaces.generation(0);
    spaces.release(0);
    assert_ne!(spaces.generation(0), second);
    assert_eq!((spaces.id(9), spaces.generation(9), spaces.find(&id(9))), (None, 0, None));
    spaces.release(9);
    spaces.renew(9);
}

/// What a TLB maintenance operation means for one slot.
#[derive(PartialEq, Eq, Debug)]
enum Effect {
    Nothing,
    Everything,
    NonGlobal,
    Page(Gva),
    GlobalPage(Gva),
}

#[test]
fn flushes() {
    let mut slots = [Slot::EMPTY; 4];
    let mut spaces = Spaces::new(&mut slots);
    let off = SpaceId::new(&Registers::reset(A15), View::Kernel, POLICY);
    spaces.acquire(&id(1), free);
    spaces.acquire(&id(2), free);
    spaces.acquire(&off, free);
    let va = Gva::new(0x1000);
    let effects = |spaces: &Spaces<&mut [Slot; 4]>, flush| {
        let (own, others) = spaces.concerned(flush);
        let effect = |slot| match (own.has(slot), others.has(slot), flush) {
            (false, false, _) => Nothing,
            (false, true, Flush::Page { va, .. }) => GlobalPage(va),
            (true, false, Flush::All) => Everything,
            (true, false, Flush::Asid(_)) => NonGlobal,
            (true, false, Flush::Page { va, .. } | Flush::PageAllAsids { va }) => Page(va),
            both => panic!("{both:?}"),
        };
        spaces.slots().map(effect).collect::<Vec<_>>()
    };
    use Effect::{Everything, GlobalPage, NonGlobal, Nothing, Page};
    // The third slot has the MMU off, the fourth is empty.
    assert_eq!(effects(&spaces, Flush::All), [Everything, Everything, Nothing, Nothing]);
    assert_eq!(effects(&spaces, Flush::Asid(2)), [Nothing, NonGlobal, Nothing, Nothing]);
    assert_eq!(effects(&spaces, Flush::Page { va, asid: 1 }), [Page(va), GlobalPage(va), Nothing, Nothing]);
    assert_eq!(effects(&spaces, Flush::PageAllAsids { va }), [Page(va), Page(va), Nothing, Nothing]);
    spaces.flush_all();
    assert_eq!((spaces.id(0), spaces.id(1), spaces.id(2)), (None, None, Some(off)));
}

#[test]
fn blocks_by_hand() {
    let mut blocks = Blocks::EMPTY;
    let concerned = |blocks: &Blocks, va| blocks.concerned(Gva::new(va));
    blocks.note(Gva::new(0x1234_5000), 12);
    assert_eq!(concerned(&blocks, 0x1234_5678), (Gva::new(0x1234_5000), 12));
    // A page of a section that is shadowed by pages.
    blocks.note(Gva::new(0x4001_1000), 20);
    assert_eq!(concerned(&blocks, 0x400f_f000), (Gva::new(0x4000_0000), 20));
    assert_eq!(concerned(&blocks, 0x4010_0000), (Gva::new(0x4010_0000), 12));
    // A MiB of a 1 GiB block: an address in another MiB concerns it.
    blocks.note(Gva::new(0xffff_f000), 30);
    assert_eq!(concerned(&blocks, 0xc000_0000), (Gva::new(0xc000_0000), 30));
    assert_eq!(concerned(&blocks, 0x8000_0000), (Gva::new(0x8000_0000), 12));
    blocks.clear();
    assert_eq!(concerned(&blocks, 0xc000_0000), (Gva::new(0xc000_0000), 12));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every entry that comes from a mapping of the address is in the range that is dropped.
    #[test]
    fn no_part_of_a_block_is_left(
        entries in proptest::collection::vec(
            (any::<u32>(), proptest::sample::select(vec![12u8, 12, 12, 16, 20, 21, 24, 30])),
            1..12,
        ),
        picked in any::<proptest::sample::Index>(),
        inside in any::<u32>(),
    ) {
        let mut blocks = Blocks::EMPTY;
        for &(va, log2_bytes) in &entries {
            blocks.note(Gva::new(va), log2_bytes);
        }
        let (va, log2_bytes) = *picked.get(&entries);
        let mask = (1u32 << log2_bytes) - 1;
        let (start, dropped) = blocks.concerned(Gva::new(va & !mask | inside & mask));
        prop_assert!(dropped < 32 && start.is_aligned(1 << dropped));
        prop_assert_eq!((va ^ start.raw()) >> dropped, 0);
    }
}
