use super::*;
use crate::desc::{Access, L1_TABLE_BYTES, L2_TABLE_BYTES, MemoryType, SUPERSECTION_BYTES};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const L1: Hpa = Hpa::new(0x8000_0000);
const OTHER_L1: Hpa = Hpa::new(0x8000_4000);
const FIRST_L2: u32 = 0x9000_0000;
const DOMAIN: u8 = 5;

/// Table memory that refuses to be touched outside the tables that are out.
#[derive(Default)]
struct Memory {
    words: BTreeMap<u32, u32>,
    tables: BTreeSet<u32>,
    limit: usize,
    /// Entries that were valid before a write, since this was last cleared.
    valid_overwritten: usize,
}

impl Memory {
    fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    fn check(&self, at: Hpa) {
        let in_l1 = at >= L1 && at.raw() < OTHER_L1.raw() + L1_TABLE_BYTES;
        let in_l2 = self.tables.contains(&at.align_down(L2_TABLE_BYTES).raw());
        assert!(at.is_aligned(4) && (in_l1 || in_l2), "access to {at}, which is in no table");
    }
}

impl TableMemory for Memory {
    fn read(&self, at: Hpa) -> u32 {
        self.check(at);
        self.words.get(&at.raw()).copied().unwrap_or(0)
    }

    fn write(&mut self, at: Hpa, value: u32) {
        self.check(at);
        let old = self.words.insert(at.raw(), value).unwrap_or(0);
        self.valid_overwritten += usize::from(old & 3 != 0);
    }

    fn alloc_l2(&mut self) -> Option<Hpa> {
        let l2 = (0..self.limit as u32)
            .map(|n| FIRST_L2 + n * L2_TABLE_BYTES)
            .find(|l2| !self.tables.contains(l2))?;
        self.tables.insert(l2);
        for offset in (0..L2_TABLE_BYTES).step_by(4) {
            self.words.remove(&(l2 + offset));
        }
        Some(Hpa::new(l2))
    }

    fn free_l2(&mut self, l2: Hpa) {
        assert!(self.tables.remove(&l2.raw()), "{l2} given back twice");
    }
}

const fn attrs(access: Access) -> Attrs {
    Attrs { access, exec: false, memory: MemoryType::NormalWriteBack, shareable: true, global: true }
}
const RW: Attrs = attrs(Access::PrivRw);
const RO: Attrs = attrs(Access::PrivRo);

fn runs(space: &AddressSpace, mem: &Memory) -> Vec<(u32, u64, u32, Attrs)> {
    let mut runs = Vec::new();
    space.for_each_mapping(mem, &mut |run| {
        runs.push((run.va, run.bytes, run.hpa.raw(), run.attrs));
    });
    runs
}

#[test]
fn picks_the_largest_blocks() {
    let mut mem = Memory::new(3);
    let space = AddressSpace::new(L1, DOMAIN);
    // A small page, 14 large pages, a section, a large page, a small page.
    assert_eq!(space.map(&mut mem, 0x4001_f000, Hpa::new(0x6001_f000), 0x1f_2000, RW), Ok(()));
    let size = |mem: &Memory, va| space.walk(mem, va).map(|m| (m.hpa.raw(), m.size_bytes, m.domain));
    assert_eq!(size(&mem, 0x4001_efff), None);
    assert_eq!(size(&mem, 0x4001_f123), Some((0x6001_f123, 0x1000, DOMAIN)));
    assert_eq!(size(&mem, 0x4002_f123), Some((0x6002_f123, 0x1_0000, DOMAIN)));
    assert_eq!(size(&mem, 0x4010_0004), Some((0x6010_0004, 0x10_0000, DOMAIN)));
    assert_eq!(size(&mem, 0x4020_fffc), Some((0x6020_fffc, 0x1_0000, DOMAIN)));
    assert_eq!(size(&mem, 0x4021_0ffc), Some((0x6021_0ffc, 0x1000, DOMAIN)));
    assert_eq!(size(&mem, 0x4021_1000), None);
    assert_eq!(runs(&space, &mem), [(0x4001_f000, 0x1f_2000, 0x6001_f000, RW)]);
    // Raw words: a section at 0x6010_0000, and a large page in the first table.
    assert_eq!(space.l1_raw(&mem, 0x4010_0000), 0x6011_14be);
    assert_eq!(mem.read(Hpa::new(FIRST_L2 + 0x2f * 4)), 0x6002_941d);
    // The same offset within large pages but not within megabytes: no section.
    assert_eq!(space.map(&mut mem, 0x5000_0000, Hpa::new(0x7001_0000), 0x10_0000, RO), Ok(()));
    assert_eq!(size(&mem, 0x5000_0000), Some((0x7001_0000, 0x1_0000, DOMAIN)));
}

#[test]
fn last_byte_of_the_address_space() {
    let mut mem = Memory::new(1);
    let space = AddressSpace::new(L1, DOMAIN);
    assert_eq!(space.map(&mut mem, 0xffff_f000, Hpa::new(0xffff_f000), 4096, RW), Ok(()));
    assert_eq!(space.walk(&mem, 0xffff_ffff).map(|m| m.hpa.raw()), Some(0xffff_ffff));
    assert_eq!(space.protect(&mut mem, 0xffff_f000, 4096, RO), Ok(()));
    assert_eq!(runs(&space, &mem), [(0xffff_f000, 4096, 0xffff_f000, RO)]);
    assert_eq!(space.unmap(&mut mem, 0xfff0_0000, 0x10_0000), Ok(1));
    assert_eq!(mem.tables.len(), 0);
    assert_eq!(space.map(&mut mem, 0xfff0_0000, Hpa::new(0), 0x10_0000, RW), Ok(()));
    assert_eq!(space.unmap(&mut mem, 0xffff_f000, 0x1000), Ok(1));
    assert_eq!(runs(&space, &mem), [(0xfff0_0000, 0xf_f000, 0, RW)]);
}

#[test]
fn refuses_bad_ranges() {
    let mut mem = Memory::new(1);
    let space = AddressSpace::new(L1, DOMAIN);
    let mut map = |va, hpa, bytes| space.map(&mut mem, va, Hpa::new(hpa), bytes, RW);
    assert_eq!(map(0x1001, 0, 4096), Err(MapError::Unaligned(0x1001)));
    assert_eq!(map(0x1000, 1, 4096), Err(MapError::Unaligned(0x1000)));
    assert_eq!(map(0x1000, 0, 4097), Err(MapError::Unaligned(0x1000)));
    assert_eq!(map(0xffff_f000, 0, 0x2000), Err(MapError::Wraps(0xffff_f000)));
    assert_eq!(map(0, 0xffff_f000, 0x2000), Err(MapError::Wraps(0)));
    assert_eq!(map(0xffff_f000, 0xffff_f000, 0), Ok(()));
    assert_eq!(space.unmap(&mut mem, 0xffff_f000, 0x2000), Err(MapError::Wraps(0xffff_f000)));
    assert_eq!(space.protect(&mut mem, 0x800, 0x2000, RW), Err(MapError::Unaligned(0x800)));
    assert_eq!(space.protect(&mut mem, 0x1000, 0x1000, RW), Err(MapError::Unmapped(0x1000)));
    assert!(mem.words.is_empty());
    assert_eq!(MapError::Unmapped(0x1000).to_string(), "0x00001000: not mapped; map it first");
}

#[test]
fn a_map_without_tables_leaves_nothing() {
    let mut mem = Memory::new(1);
    let space = AddressSpace::new(L1, DOMAIN);
    // One table for the first part, a section, and no table for the last part.
    let result = space.map(&mut mem, 0x4008_0000, Hpa::new(0x4008_0000), 0x20_0000, RW);
    assert_eq!(result, Err(MapError::NoTable(0x4020_0000)));
    assert_eq!(runs(&space, &mem), []);
}

#[test]
fn a_split_without_tables_changes_nothing() {
    let mut mem = Memory::new(1);
    let space = AddressSpace::new(L1, DOMAIN);
    assert_eq!(space.map(&mut mem, 0x4000_0000, Hpa::new(0x6000_0000), 0x30_0000, RW), Ok(()));
    let before = runs(&space, &mem);
    assert_eq!(space.unmap(&mut mem, 0x4000_1000, 0x20_0000), Err(MapError::NoTable(0x4020_0000)));
    assert_eq!(runs(&space, &mem), before);
    assert_eq!(space.protect(&mut mem, 0x4010_1000, 0x1000, RO), Err(MapError::NoTable(0x4010_1000)));
    assert_eq!(runs(&space, &mem), before);
    // The first megabyte was split already, so there it works.
    assert_eq!(space.protect(&mut mem, 0x4000_1000, 0x1000, RO), Ok(()));
}

#[test]
fn windows_are_shared_and_protected() {
    let mut mem = Memory::new(3);
    let home = AddressSpace::new(OTHER_L1, 0);
    let mut guest = AddressSpace::new(L1, DOMAIN);
    let (va, mib) = (0xfff0_0000, 0x10_0000);
    assert_eq!(guest.copy_window(&mut mem, &home, va, mib), Err(MapError::Unmapped(va)));
    assert_eq!(home.map(&mut mem, va, Hpa::new(0x4000_0000), 0x1000, RW), Ok(()));
    assert_eq!(home.map(&mut mem, va - mib, Hpa::new(0x4010_0000), mib, RO), Ok(()));
    assert_eq!(guest.copy_window(&mut mem, &home, va + 0x1000, mib), Err(MapError::Unaligned(va + 0x1000)));
    assert_eq!(guest.copy_window(&mut mem, &home, va, 2 * mib), Err(MapError::Wraps(va)));
    assert_eq!(guest.map(&mut mem, va, Hpa::new(0), 0x1000, RW), Ok(()));
    assert_eq!(guest.copy_window(&mut mem, &home, va, mib), Err(MapError::Overlap(va)));
    assert_eq!(guest.unmap(&mut mem, va, mib), Ok(1));
    assert_eq!(guest.copy_window(&mut mem, &home, va - mib, 2 * mib), Ok(()));

    // Page changes at home show in the guest's space; the domain is the lender's.
    assert_eq!(home.map(&mut mem, va + 0x2000, Hpa::new(0x5000_0000), 0x1000, RO), Ok(()));
    assert_eq!(guest.walk(&mem, va + 0x2004).map(|m| (m.hpa.raw(), m.domain)), Some((0x5000_0004, 0)));
    assert_eq!(runs(&guest, &mem), runs(&home, &mem));

    assert_eq!(
        guest.map(&mut mem, va + 0x4000, Hpa::new(0), 0x1000, RW),
        Err(MapError::Borrowed(va + 0x4000))
    );
    assert_eq!(guest.unmap(&mut mem, va - 2 * mib, 2 * mib), Err(MapError::Borrowed(va - mib)));
    assert_eq!(guest.protect(&mut mem, va, 0x1000, RO), Err(MapError::Borrowed(va)));
    assert_eq!(guest.set_l1_raw(&mut mem, va, 0), Err(MapError::Borrowed(va)));

    // Release gives back the guest's own table only.
    assert_eq!(guest.map(&mut mem, 0x8000, Hpa::new(0x8000), 0x1000, RW), Ok(()));
    assert_eq!(mem.tables.len(), 2);
    guest.release(&mut mem);
    assert_eq!((runs(&guest, &mem), mem.tables.len()), (vec![], 1));
    assert_eq!(runs(&home, &mem).len(), 3);
    // No longer borrowed.
    assert_eq!(guest.map(&mut mem, va, Hpa::new(0), 0x1000, RW), Ok(()));
}

#[test]
fn windows_are_limited_but_neighbours_count_once() {
    let mut mem = Memory::new(0);
    let home = AddressSpace::new(OTHER_L1, 0);
    let mut guest = AddressSpace::new(L1, DOMAIN);
    assert_eq!(home.map(&mut mem, 0, Hpa::new(0), 0x1000_0000, RW), Ok(()));
    for mib in 0..20 {
        assert_eq!(guest.copy_window(&mut mem, &home, mib << 20, 1 << 20), Ok(()));
    }
    for mib in [30, 40, 50] {
        assert_eq!(guest.copy_window(&mut mem, &home, mib << 20, 1 << 20), Ok(()));
    }
    assert_eq!(
        guest.copy_window(&mut mem, &home, 60 << 20, 1 << 20),
        Err(MapError::TooManyWindows(60 << 20))
    );
    assert_eq!(guest.walk(&mem, 60 << 20), None);
    assert_eq!(guest.copy_window(&mut mem, &home, 51 << 20, 1 << 20), Ok(()));
}

#[test]
fn entries_made_by_hand() {
    let mut mem = Memory::new(1);
    let space = AddressSpace::new(L1, DOMAIN);
    let own = L1Desc::Section { hpa: Hpa::new(0x7000_0000), attrs: RO, domain: 1 }.encode();
    assert_eq!(space.set_l1_raw(&mut mem, 0x1234_5678, own), Ok(()));
    assert_eq!(space.l1_raw(&mem, 0x1230_0000), own);
    assert_eq!(space.walk(&mem, 0x1234_5678).map(|m| (m.hpa.raw(), m.domain)), Some((0x7004_5678, 1)));
    assert_eq!(space.unmap(&mut mem, 0x1230_0000, 0x1000), Err(MapError::Foreign(0x1230_0000)));
    assert_eq!(
        space.map(&mut mem, 0x1230_0000, Hpa::new(0), 0x1000, RW),
        Err(MapError::Overlap(0x1230_0000))
    );

    for mib in 0..16 {
        let near = L1Desc::Supersection { hpa: Hpa::new(0x6000_0000), high: 0, attrs: RW }.encode();
        let far = L1Desc::Supersection { hpa: Hpa::new(0x6000_0000), high: 1, attrs: RW }.encode();
        assert_eq!(space.set_l1_raw(&mut mem, 0x2000_0000 + (mib << 20), near), Ok(()));
        assert_eq!(space.set_l1_raw(&mut mem, 0x3000_0000 + (mib << 20), far), Ok(()));
    }
    let inside = space.walk(&mem, 0x20a0_0010).map(|m| (m.hpa.raw(), m.size_bytes, m.domain));
    assert_eq!(inside, Some((0x60a0_0010, SUPERSECTION_BYTES, 0)));
    assert_eq!(space.walk(&mem, 0x3000_0000), None);
    assert_eq!(space.protect(&mut mem, 0x2050_0000, 0x1000, RO), Err(MapError::Foreign(0x2050_0000)));
    assert_eq!(
        runs(&space, &mem),
        [(0x1230_0000, 0x10_0000, 0x7000_0000, RO), (0x2000_0000, 0x100_0000, 0x6000_0000, RW)]
    );
}

/// The top four megabytes, as a map of pages.
const BASE: u32 = 0xffc0_0000;
const PAGES: u32 = 1024;
type Model = BTreeMap<u32, (u32, Attrs)>;

#[derive(Clone, Debug)]
enum Step {
    Map { first: u32, count: u32, hpa_page: u32, ro: bool },
    Unmap { first: u32, count: u32 },
    Protect { first: u32, count: u32, ro: bool },
}

fn any_step() -> impl Strategy<Value = Step> {
    // Pages, large pages, megabytes, and whatever lies between.
    let range = prop_oneof![
        (0..PAGES, 1u32..40),
        (0..PAGES / 16, 1u32..20).prop_map(|(a, n)| (a * 16, n * 16)),
        (0..PAGES / 256, 1u32..3).prop_map(|(a, n)| (a * 256, n * 256)),
        (0..PAGES, 1u32..600),
    ];
    let range = range.prop_map(|(first, count)| (first, count.min(PAGES - first)));
    (range, 0u32..6, any::<bool>(), any::<u32>()).prop_map(|((first, count), kind, ro, odd)| {
        // Mostly equal offsets within megabytes or large pages, so that large blocks come up.
        let shift = [0x100, 0x110, 0x10, 0x33][odd as usize % 4];
        match kind {
            0..=2 => Step::Map { first, count, hpa_page: 0x4_0000 + first + shift, ro },
            3 => Step::Unmap { first, count },
            _ => Step::Protect { first, count, ro },
        }
    })
}

/// The model's pages as `for_each_mapping` should report them.
fn model_runs(model: &Model) -> Vec<(u32, u64, u32, Attrs)> {
    let mut runs: Vec<(u32, u64, u32, Attrs)> = Vec::new();
    for (&page, &(to, attrs)) in model {
        let (va, hpa) = (BASE + page * 4096, to * 4096);
        match runs.last_mut() {
            Some((v, bytes, h, a))
                if u64::from(*v) + *bytes == u64::from(va)
                    && u64::from(*h) + *bytes == u64::from(hpa)
                    && *a == attrs =>
            {
                *bytes += 4096;
            }
            _ => runs.push((va, 4096, hpa, attrs)),
        }
    }
    runs
}

/// All that must hold whatever was done.
fn check(space: &AddressSpace, mem: &Memory, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(runs(space, mem), model_runs(model));
    let mut linked = BTreeSet::new();
    for mib in 0..PAGES / 256 {
        if let L1Desc::Table { l2, domain } = L1Desc::decode(space.l1_raw(mem, BASE + mib * SECTION_BYTES)) {
            prop_assert_eq!(domain, DOMAIN);
            prop_assert!(linked.insert(l2.raw()), "table used twice");
            // Large pages are 16 equal entries at a multiple of 16 (B3.5.1).
            for group in 0..16 {
                let raws: Vec<_> = (0..16).map(|n| mem.read(entry(l2, group * 16 + n))).collect();
                if raws.iter().any(|raw| raw & 3 == 1) {
                    prop_assert!(raws.iter().all(|raw| *raw == raws[0]), "{:x?}", raws);
                }
            }
        }
    }
    prop_assert_eq!(&linked, &mem.tables);
    for page in 0..PAGES {
        let found = space.walk(mem, BASE + page * 4096 + 7);
        let expected = model.get(&page).map(|&(to, attrs)| (to * 4096 + 7, attrs));
        prop_assert_eq!(found.map(|m| (m.hpa.raw(), m.attrs)), expected);
    }
    Ok(())
}

proptest! {
    #[test]
    fn behaves_like_a_map_of_pages(limit in 0usize..6, steps in prop::collection::vec(any_step(), 1..25)) {
        let mut mem = Memory::new(limit);
        let mut space = AddressSpace::new(L1, DOMAIN);
        let mut model = Model::new();
        let attrs = |ro| if ro { RO } else { RW };
        for step in steps {
            mem.valid_overwritten = 0;
            match step {
                Step::Map { first, count, hpa_page, ro } => {
                    let (va, pages) = (BASE + first * 4096, first..first + count);
                    let taken = pages.clone().find(|page| model.contains_key(page));
                    match space.map(&mut mem, va, Hpa::new(hpa_page * 4096), count * 4096, attrs(ro)) {
                        Ok(()) => {
                            prop_assert_eq!(taken, None);
                            prop_assert_eq!(mem.valid_overwritten, 0, "map needs no TLB maintenance");
                            model.extend(pages.map(|page| (page, (page - first + hpa_page, attrs(ro)))));
                        }
                        Err(MapError::Overlap(at)) => {
                            // A section is reported by where the range meets it.
                            prop_assert_eq!(taken.map(|page| BASE + page * 4096), Some(at));
                        }
                        Err(error) => {
                            prop_assert!(matches!(error, MapError::NoTable(_)), "{error}");
                            prop_assert!(taken.is_none() && mem.tables.len() <= limit && limit < 4);
                        }
                    }
                }
                Step::Unmap { first, count } => {
                    let gone = model.range(first..first + count).count() as u32;
                    match space.unmap(&mut mem, BASE + first * 4096, count * 4096) {
                        Ok(removed) => {
                            prop_assert_eq!(removed, gone);
                            model.retain(|page, _| !(first..first + count).contains(page));
                        }
                        Err(error) => prop_assert!(matches!(error, MapError::NoTable(_)) && limit < 4),
                    }
                }
                Step::Protect { first, count, ro } => {
                    let hole = (first..first + count).find(|page| !model.contains_key(page));
                    match space.protect(&mut mem, BASE + first * 4096, count * 4096, attrs(ro)) {
                        Ok(()) => {
                            prop_assert_eq!(hole, None);
                            model.range_mut(first..first + count).for_each(|(_, (_, a))| *a = attrs(ro));
                        }
                        Err(MapError::Unmapped(at)) => {
                            prop_assert_eq!(hole.map(|page| BASE + page * 4096), Some(at));
                        }
                        Err(error) => prop_assert!(matches!(error, MapError::NoTable(_)) && limit < 4),
                    }
                }
            }
            check(&space, &mem, &model)?;
        }
        space.release(&mut mem);
        check(&space, &mem, &Model::new())?;
    }
}
