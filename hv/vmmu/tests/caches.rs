//! The cache of shadow tables and the reverse map, against naive models.

mod common;
use common::*;
use nex_mm::Gva;
use nex_vmmu::Registers;
use nex_vmmu::blocks::Blocks;
use nex_vmmu::reverse::{InsertError, Mapping, Node, ReverseMap};
use nex_vmmu::shadow::{Caching, Domains, Policy, View};
use nex_vmmu::spaces::{Acquired, Effect, Slot, SpaceId, Spaces};
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

#[test]
fn flushes() {
    let mut slots = [Slot::EMPTY; 4];
    let mut spaces = Spaces::new(&mut slots);
    let off = SpaceId::new(&Registers::reset(A15), View::Kernel, POLICY);
    spaces.acquire(&id(1), free);
    spaces.acquire(&id(2), free);
    spaces.acquire(&off, free);
    let va = Gva::new(0x1000);
    let effects = |spaces: &Spaces<'_>, flush| {
        spaces.slots().map(|slot| spaces.effect(slot, flush)).collect::<Vec<_>>()
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

fn mapping(slot: u16, va: u32, log2_bytes: u8) -> Mapping {
    Mapping { slot, va: Gva::new(va), log2_bytes }
}

fn of_page(map: &ReverseMap<'_>, page: u32, spaces: &Spaces<'_>) -> Vec<Mapping> {
    let mut found = Vec::new();
    map.for_each(page, spaces, |mapping| found.push(mapping));
    found
}

#[test]
fn blocks_count_for_all_their_pages() {
    let mut slots = [Slot::EMPTY; 2];
    let mut spaces = Spaces::new(&mut slots);
    spaces.acquire(&id(0), free);
    let (mut heads, mut nodes) = ([0; 512], [Node::FREE; 16]);
    let mut map = ReverseMap::new(&mut heads, &mut nodes, 8);
    let small = mapping(0, 0x0001_1000, 12);
    let first = mapping(0, 0x0009_9000, 12);
    let large = mapping(0, 0x0002_0000, 16);
    let section = mapping(0, 0x0030_0000, 20);
    for (page, mapping) in [(0x111, small), (0x100, first), (0x110, large), (0x100, section)] {
        assert_eq!(map.insert(page, mapping, &spaces), Ok(None));
    }
    assert_eq!(of_page(&map, 0x111, &spaces), [small, large, section]);
    assert_eq!(of_page(&map, 0x11f, &spaces), [large, section]);
    assert_eq!(of_page(&map, 0x120, &spaces), [section]);
    assert_eq!(of_page(&map, 0x100, &spaces), [section, first]);
    assert_eq!(of_page(&map, 0x0ff, &spaces), []);
    assert_eq!(of_page(&map, 99_999, &spaces), []);
    // Unmapping page 0x111 takes the blocks it is in, and leaves the small page at the start of the section.
    let mut taken = Vec::new();
    map.take(0x111, &spaces, |mapping| taken.push(mapping));
    assert_eq!(taken, [small, large, section]);
    assert_eq!(of_page(&map, 0x111, &spaces), []);
    assert_eq!(of_page(&map, 0x100, &spaces), [first]);
}

#[test]
fn a_dropped_table_leaves_nothing() {
    let mut slots = [Slot::EMPTY; 2];
    let mut spaces = Spaces::new(&mut slots);
    spaces.acquire(&id(0), free);
    spaces.acquire(&id(1), free);
    let (mut heads, mut nodes) = ([0; 4], [Node::FREE; 3]);
    let mut map = ReverseMap::new(&mut heads, &mut nodes, 8);
    let (a, b) = (mapping(0, 0x1000, 12), mapping(1, 0x1000, 12));
    for mapping in [a, b, a] {
        assert_eq!(map.insert(2, mapping, &spaces), Ok(None));
    }
    assert_eq!(of_page(&map, 2, &spaces), [b, a], "twice is once");
    spaces.renew(0);
    assert_eq!(of_page(&map, 2, &spaces), [b]);
    // Stale nodes are reused, and are nobody's victims.
    for va in [0x5000, 0x6000] {
        assert_eq!(map.insert(2, mapping(1, va, 12), &spaces), Ok(None));
    }
    // The pool is empty: somebody has to go, and is known no longer.
    let victim = map.insert(0, mapping(1, 0x7000, 12), &spaces).unwrap().expect("a victim");
    let left = of_page(&map, 2, &spaces);
    assert!(left.len() == 2 && !left.contains(&victim), "{victim:?} {left:?}");
}

#[test]
fn wrong_mappings_are_refused() {
    let mut slots = [Slot::EMPTY; 1];
    let spaces = Spaces::new(&mut slots);
    let (mut heads, mut nodes) = ([0; 300], [Node::FREE; 4]);
    let mut map = ReverseMap::new(&mut heads, &mut nodes, 8);
    for (page, wrong) in [
        (0, mapping(0, 0x1000, 13)),
        (0, mapping(0, 0x1000, 16)),
        (1, mapping(0, 0x10000, 16)),
        (16, mapping(0, 0x10_0000, 20)),
        (0, mapping(1024, 0x1000, 12)),
    ] {
        assert_eq!(map.insert(page, wrong, &spaces), Err(InsertError::BadMapping), "{page} {wrong:?}");
    }
    for (page, outside) in [
        (300, mapping(0, 0, 12)),
        (u32::MAX, mapping(0, 0, 12)),
        (288, mapping(0, 0, 16)),
        (256, mapping(0, 0, 20)),
    ] {
        assert_eq!(map.insert(page, outside, &spaces), Err(InsertError::NoSuchPage), "{page}");
    }
    assert_eq!(map.insert(299, mapping(0, 0, 12), &spaces), Ok(None));
    let mut none = ReverseMap::new(&mut [], &mut [], 0);
    assert_eq!(none.insert(0, mapping(0, 0, 12), &spaces), Err(InsertError::BadMapping));
    assert!(InsertError::NoSuchPage.to_string().contains("outside"));
}

/// Half a GiB of addresses for one page, and every page of RAM mapped once more than there are nodes: no more work
/// for each than `alias_limit` nodes, and each victim is an entry that exists.
#[test]
fn a_guest_that_maps_everything() {
    let mut slots = [Slot::EMPTY; 1];
    let mut spaces = Spaces::new(&mut slots);
    spaces.acquire(&id(0), free);
    let (mut heads, mut nodes) = (vec![0; 1024], vec![Node::FREE; 256]);
    let mut map = ReverseMap::new(&mut heads, &mut nodes, 16);
    let mut victims = 0u32;
    for page in 0..1 << 17 {
        let victim = map.insert(7, mapping(0, page << 12, 12), &spaces).unwrap();
        // The oldest goes.
        assert_eq!(victim, page.checked_sub(16).map(|old| mapping(0, old << 12, 12)));
        victims += u32::from(victim.is_some());
    }
    assert_eq!(victims, (1 << 17) - 16);
    map.take(7, &spaces, |_| {});
    let mut present = std::collections::BTreeSet::new();
    for page in (0..1024).chain(0..1024) {
        let new = mapping(0, page << 12, 12);
        if let Some(victim) = map.insert(page, new, &spaces).unwrap() {
            assert!(present.remove(&victim.va), "{victim:?} was not mapped");
        }
        present.insert(new.va);
        assert!(present.len() <= 256);
    }
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

#[derive(Clone, Debug)]
enum Step {
    Insert(u32, Mapping),
    Remove(u32, Mapping),
    Take(u32),
    Renew(u16),
}

fn step() -> impl Strategy<Value = Step> {
    let small = (0u32..64, 0u16..3, 0u32..6).prop_map(|(page, slot, va)| (page, mapping(slot, va << 12, 12)));
    let large =
        (0u32..4, 0u16..3, 0u32..3).prop_map(|(page, slot, va)| (page * 16, mapping(slot, va << 16, 16)));
    let any_mapping = || prop_oneof![3 => small.clone(), 1 => large.clone()];
    prop_oneof![
        6 => any_mapping().prop_map(|(page, mapping)| Step::Insert(page, mapping)),
        2 => any_mapping().prop_map(|(page, mapping)| Step::Remove(page, mapping)),
        1 => (0u32..64).prop_map(Step::Take),
        1 => (0u16..3).prop_map(Step::Renew),
    ]
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

    /// The map knows exactly the entries that were inserted and neither removed, nor named as victims, nor dropped with
    /// their table.
    #[test]
    fn reverse_map_is_a_set(
        steps in proptest::collection::vec(step(), 1..120),
        node_count in 1usize..40,
        alias_limit in 1u16..6,
    ) {
        let mut slots = [Slot::EMPTY; 3];
        let mut spaces = Spaces::new(&mut slots);
        for process in 0..3 {
            spaces.acquire(&id(process), free);
        }
        let (mut heads, mut nodes) = (vec![0; 64], vec![Node::FREE; node_count]);
        let mut map = ReverseMap::new(&mut heads, &mut nodes, alias_limit);
        let mut model: Vec<(u32, Mapping)> = Vec::new();
        for step in steps {
            match step {
                Step::Insert(page, mapping) => {
                    if let Some(victim) = map.insert(page, mapping, &spaces).unwrap() {
                        let at = model.iter().position(|(_, known)| *known == victim);
                        prop_assert!(at.is_some(), "{:?} is not known", victim);
                        // The same entry may be known for another page as well; the victim is the one now missing.
                        let at = model.iter().position(|(page, known)| {
                            *known == victim && !of_page(&map, *page, &spaces).contains(&victim)
                        });
                        prop_assert!(at.is_some());
                        model.remove(at.unwrap());
                    }
                    if !model.contains(&(page, mapping)) {
                        model.push((page, mapping));
                    }
                    prop_assert!(model.len() <= node_count);
                }
                Step::Remove(page, mapping) => {
                    map.remove(page, mapping);
                    model.retain(|known| *known != (page, mapping));
                }
                Step::Take(page) => {
                    map.take(page, &spaces, |_| {});
                    model.retain(|&(first, mapping)| page < first || page >= first + (1 << (mapping.log2_bytes - 12)));
                }
                Step::Renew(slot) => {
                    spaces.renew(slot);
                    model.retain(|(_, mapping)| mapping.slot != slot);
                }
            }
            for page in 0..64 {
                let mut found = of_page(&map, page, &spaces);
                let mut expected: Vec<_> = model
                    .iter()
                    .filter(|(first, mapping)| (*first..first + (1 << (mapping.log2_bytes - 12))).contains(&page))
                    .map(|(_, mapping)| *mapping)
                    .collect();
                let key = |mapping: &Mapping| (mapping.slot, mapping.va, mapping.log2_bytes);
                found.sort_by_key(key);
                expected.sort_by_key(key);
                prop_assert_eq!(found, expected, "page {}", page);
            }
        }
    }
}
