//! Tables that share what is global, against a model that knows only who mapped what; and the common walk against the long
//! one.

mod common;
use common::*;
use nex_mm::desc::{Access as Rights, Attrs, L1Desc, L2Desc, MemoryType};
use nex_mm::space::TableMemory;
use nex_mm::{Gva, Hpa};
use nex_vmmu::quick::Tables;
use nex_vmmu::table::{New, ShadowTable};
use nex_vmmu::walk::{lookup, translate};
use nex_vmmu::{Access, GuestMemory, Kind, Registers};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Tables in a map: the first-level ones at multiples of 0x1_0000, the others from 0x100_0000 on.
#[derive(Default)]
struct Memory {
    words: BTreeMap<u32, u32>,
    next: u32,
    free: Vec<u32>,
}

impl TableMemory for Memory {
    fn read(&self, at: Hpa) -> u32 {
        self.words.get(&at.raw()).copied().unwrap_or(0)
    }
    fn write(&mut self, at: Hpa, value: u32) {
        self.words.insert(at.raw(), value);
    }
    fn alloc_l2(&mut self) -> Option<Hpa> {
        let at = self.free.pop().unwrap_or_else(|| {
            self.next += 0x400;
            0x100_0000 + self.next
        });
        self.words.extend((0..256).map(|n| (at + n * 4, 0)));
        Some(Hpa::new(at))
    }
    fn free_l2(&mut self, l2: Hpa) {
        assert!(!self.free.contains(&l2.raw()), "given back twice");
        self.free.push(l2.raw());
    }
}

impl Memory {
    /// What the MMU finds at `va` by way of the first-level table at `l1`.
    fn walk(&self, l1: Hpa, va: u32) -> Option<u32> {
        match L1Desc::decode(self.read(l1.wrapping_add(va >> 20 << 2))) {
            L1Desc::Section { hpa, .. } => Some(hpa.raw() | va & 0xf_f000),
            L1Desc::Table { l2, .. } => match L2Desc::decode(self.read(l2.wrapping_add(va >> 10 & 0x3fc))) {
                L2Desc::Small { hpa, .. } => Some(hpa.raw()),
                _ => None,
            },
            _ => None,
        }
    }
}

fn new(global: bool) -> New {
    let attrs = Attrs {
        access: Rights::UserRw,
        exec: false,
        memory: MemoryType::NormalWriteBack,
        shareable: true,
        global: false,
    };
    New { attrs, domain: 0, global, guest_log2: 12 }
}

/// What happens, with table and page as small numbers: eight pages in each of four megabytes.
#[derive(Clone, Debug)]
enum Step {
    /// The space faults on a page that the guest maps globally, or for itself.
    Fault { space: usize, page: u32, global: bool },
    /// TLBIMVA, for one space.
    FlushPage { space: usize, page: u32 },
    /// TLBIASID.
    FlushSpace { space: usize },
    /// The space is new: a process was made.
    Renew { space: usize },
    /// The section of a megabyte is mapped globally.
    Section { mib: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3usize, 0..32u32, any::<bool>()).prop_map(|(space, page, global)| Step::Fault { space, page, global }),
        2 => (0..3usize, 0..32u32).prop_map(|(space, page)| Step::FlushPage { space, page }),
        1 => (0..3usize).prop_map(|space| Step::FlushSpace { space }),
        1 => (0..3usize).prop_map(|space| Step::Renew { space }),
        1 => (0..4u32).prop_map(|mib| Step::Section { mib }),
    ];
    prop::collection::vec(step, 1..60)
}

fn va(page: u32) -> u32 {
    0xc000_0000 + ((page / 8) << 20) + page % 8 * 0x1000
}

/// The host page that a fault finds: another one for each space, and one for all where it is global.
fn target(space: usize, page: u32, global: bool) -> u32 {
    0x4000_0000
        + if global { 0 } else { 0x1000_0000 * (space as u32 + 1) }
        + ((page / 8) << 20)
        + page % 8 * 0x1000
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// As `hv` uses them: a global page goes into the table of all, unless the space has something of its own in that megabyte.
    /// Whatever a space finds is what a fault put there for it since the last maintenance that concerns it.
    #[test]
    fn a_space_finds_what_it_may(steps in steps()) {
        let mut memory = Memory::default();
        let mut all = ShadowTable::new(Hpa::new(0x1_0000));
        let mut spaces: Vec<_> = (0..3).map(|n| ShadowTable::new(Hpa::new(0x2_0000 + n * 0x1_0000))).collect();
        // What a space may find at a page: its own, or what is global.
        let mut own: [BTreeMap<u32, u32>; 3] = Default::default();
        let mut global: BTreeMap<u32, u32> = BTreeMap::new();
        let publish = |memory: &mut Memory, all: &ShadowTable, spaces: &mut Vec<ShadowTable>, mib: u32| {
            let raw = all.l1_entry_raw(memory, mib);
            for space in spaces.iter_mut().filter(|space| !space.owns(mib)) {
                space.link(memory, mib, raw);
            }
        };
        for step in steps {
            match step {
                Step::Fault { space, page, global: is_global } => {
                    let (at, hpa) = (Gva::new(va(page)), Hpa::new(target(space, page, is_global)));
                    if is_global && !spaces[space].owns(va(page) >> 20) {
                        all.map_page(&mut memory, at, hpa, new(true)).unwrap();
                        publish(&mut memory, &all, &mut spaces, va(page) >> 20);
                        global.insert(page, hpa.raw());
                    } else {
                        spaces[space].map_page(&mut memory, at, hpa, new(is_global)).unwrap();
                        own[space].insert(page, hpa.raw());
                    }
                    prop_assert_eq!(memory.walk(spaces[space].l1(), va(page)), Some(hpa.raw()), "it goes on");
                }
                Step::FlushPage { space, page } => {
                    let at = Gva::new(va(page));
                    for mib in all.concerned(at) {
                        all.flush_page(&mut memory, at, false);
                        publish(&mut memory, &all, &mut spaces, mib);
                    }
                    for (n, table) in spaces.iter_mut().enumerate() {
                        table.flush_page(&mut memory, at, n != space);
                    }
                    global.remove(&page);
                    own[space].remove(&page);
                    for (n, own) in own.iter_mut().enumerate() {
                        if own.get(&page) == Some(&target(n, page, true)) {
                            own.remove(&page);
                        }
                    }
                    prop_assert_eq!(memory.walk(spaces[space].l1(), va(page)), None);
                }
                Step::FlushSpace { space } => {
                    spaces[space].flush_non_global(&mut memory);
                    own[space].retain(|&page, hpa| *hpa == target(space, page, true));
                }
                Step::Renew { space } => {
                    spaces[space].clear(&mut memory);
                    spaces[space].link_all(&mut memory, &all);
                    own[space].clear();
                }
                Step::Section { mib } => {
                    let at = Gva::new(va(mib * 8));
                    all.map_section(&mut memory, at, Hpa::new(target(0, mib * 8, true)), New { guest_log2: 20, ..new(true) });
                    publish(&mut memory, &all, &mut spaces, at.raw() >> 20);
                    global.extend((0..8).map(|n| (mib * 8 + n, target(0, mib * 8 + n, true))));
                }
            }
            for (n, space) in spaces.iter().enumerate() {
                for page in 0..32 {
                    if let Some(found) = memory.walk(space.l1(), va(page)) {
                        let may = own[n].get(&page) == Some(&found) || global.get(&page) == Some(&found);
                        prop_assert!(may, "space {} finds {:#x} at page {}", n, found, page);
                    }
                }
            }
        }
        // Nothing is lost or given back twice.
        for space in &mut spaces {
            space.clear(&mut memory);
        }
        all.clear(&mut memory);
        prop_assert_eq!(memory.free.len() as u32 * 0x400, memory.next);
    }

    /// The common walk says what the long one says, or nothing.
    #[test]
    fn the_common_walk_agrees(
        l1 in any::<u32>(), l2 in any::<u32>(), table in any::<bool>(), dacr in any::<u32>(), control in 0u32..8,
        a9 in any::<bool>(), va in any::<u32>(), privileged in any::<bool>(), kind in 0..3usize,
    ) {
        let features = if a9 { A9 } else { A15 };
        let l1 = if table { 0x4001_0001 | l1 & 0x1e4 } else { l1 };
        let mut ram = Ram::new(&[
            (u64::from(0x4000_4000 | va >> 18 & 0x3ffc), l1),
            (u64::from(l1 & !0x3ff | va >> 10 & 0x3fc), l2),
        ]);
        let bits = [(1, TRE), (2, AFE), (4, WXN)].into_iter().filter(|&(n, _)| control & n != 0).map(|(_, bit)| bit);
        let regs = Registers { sctlr: bits.fold(M, |all, bit| all | bit), dacr, ..short(features) };
        let Some(tables) = Tables::of(&regs) else { return Ok(()) };
        let (at, kind) = (Gva::new(va), Kind::ALL[kind]);
        let slow = lookup(&regs, &mut ram, at, kind == Kind::Execute);
        match tables.find(&mut ram, at) {
            Ok(found) => {
                let slow = slow.expect("the long way has a fault");
                prop_assert_eq!(u64::from(found.page | va & 0xfff), slow.output);
                prop_assert_eq!(
                    (found.rights, found.domain, found.global, found.log2_bytes),
                    (slow.client, slow.domain, slow.global, slow.log2_bytes)
                );
                let access = Access::new(privileged, kind);
                if dacr >> (2 * u32::from(found.domain)) & 3 == 1 && !found.allows(privileged, kind) {
                    prop_assert_eq!(translate(&regs, &mut ram, at, access).unwrap_err(), found.denied(at));
                }
                if found.log2_bytes == 12 {
                    let raw = ram.read32(found.descriptor.into()).unwrap();
                    prop_assert_eq!(raw, l2);
                    prop_assert_eq!(found.neighbour(raw), Some(found), "it is its own neighbour");
                }
            }
            Err(Some(fault)) => prop_assert_eq!(slow.unwrap_err(), fault),
            Err(None) => {}
        }
    }
}
