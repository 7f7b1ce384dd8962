use super::*;
use proptest::prelude::*;

const MIB: u32 = 1 << 20;

fn storage(span_bytes: u64) -> Vec<u8> {
    vec![0xa5; FrameTable::storage_bytes(span_bytes)]
}

#[test]
fn storage_is_enough_for_every_span() {
    for base in [0, 0x4000_0000, 0x4000_1000, 0x400f_f000] {
        for pages in (0..700).chain([4096, 65_535, 131_072]) {
            let span = u64::from(pages) * 4096;
            let mut storage = storage(span);
            assert!(storage.len() as u64 <= u64::from(pages) + u64::from(pages) / 128 + 5);
            let table = FrameTable::new(Hpa::new(base), &mut storage);
            assert!(table.span_frames() >= pages, "{pages} pages at {base:#x}");
        }
    }
}

#[test]
fn span_stops_at_4_gib() {
    let mut storage = storage(1 << 30);
    let mut table = FrameTable::new(Hpa::new(0xfff0_0000), &mut storage);
    assert_eq!((table.base(), table.span_frames()), (Hpa::new(0xfff0_0000), 256));
    table.add_ram(Hpa::new(0xffe0_0000), 2 * MIB);
    assert_eq!(table.free_bytes(), u64::from(MIB));
    assert_eq!(table.alloc(256, 256, Owner::Heap), Some(Hpa::new(0xfff0_0000)));
    assert_eq!(table.owner(Hpa::new(0xffff_ffff)), Owner::Heap);
    assert_eq!(table.owner(Hpa::new(0xffef_ffff)), Owner::Absent);
}

#[test]
fn no_storage_no_frames() {
    for len in 0..8 {
        let mut storage = vec![0; len];
        let mut table = FrameTable::new(Hpa::new(0x4000_0000), &mut storage);
        table.add_ram(Hpa::new(0), u32::MAX);
        table.reserve(Hpa::new(0), u32::MAX, Owner::Image);
        assert_eq!(table.alloc_one(Owner::Heap), None);
        assert_eq!(table.free_all(Owner::Heap), 0);
        assert_eq!(table.largest_free_bytes(), 0);
    }
}

#[test]
fn rounds_ram_inwards_and_reservations_outwards() {
    let mut storage = storage(64 * 4096);
    let mut table = FrameTable::new(Hpa::new(0x8000_0000), &mut storage);
    table.add_ram(Hpa::new(0x8000_0001), 0x2_ffff);
    assert_eq!(table.free_frames(), 0x2f);
    assert_eq!(table.owner(Hpa::new(0x8000_0fff)), Owner::Absent);
    assert_eq!(table.reserve(Hpa::new(0x8000_2fff), 2, Owner::Image), 2);
    assert_eq!(table.owner(Hpa::new(0x8000_2000)), Owner::Image);
    assert_eq!(table.owner(Hpa::new(0x8000_3fff)), Owner::Image);
    assert_eq!(table.reserve(Hpa::new(0x8000_1000), 0x4000, Owner::Stack), 2);
    assert_eq!(table.reserve(Hpa::new(0x8000_5000), 0, Owner::Stack), 0);
    assert_eq!(table.reserve(Hpa::new(0), u32::MAX, Owner::Free), 0);
    let usage: Vec<_> = table.usage().filter(|&(owner, _)| owner != Owner::Absent).collect();
    assert_eq!(usage, [(Owner::Free, 0x2b), (Owner::Image, 2), (Owner::Stack, 2)]);
}

#[test]
fn small_requests_spare_whole_megabytes() {
    let mut storage = storage(16 << 20);
    let mut table = FrameTable::new(Hpa::new(0x4000_0000), &mut storage);
    table.add_ram(Hpa::new(0x4000_0000), 16 * MIB);
    table.reserve(Hpa::new(0x4020_0000), 0x8000, Owner::Image);
    // The megabyte of the image is broken already.
    for page in 0..248 {
        assert_eq!(table.alloc_one(Owner::Heap), Some(Hpa::new(0x4020_8000 + page * 4096)));
    }
    assert_eq!(table.alloc(4, 4, Owner::Table), Some(Hpa::new(0x40f0_0000)));
    assert_eq!(table.alloc_one(Owner::Heap), Some(Hpa::new(0x40f0_4000)));
    assert_eq!(table.alloc(4, 4, Owner::Table), Some(Hpa::new(0x40f0_8000)));
    // 14 whole ones are left, 0 and 1 and 3..=14.
    assert_eq!(table.alloc(256, 256, Owner::Device), Some(Hpa::new(0x4000_0000)));
    assert_eq!(table.alloc(12 * 256, 256, Owner::Shared), Some(Hpa::new(0x4030_0000)));
    assert_eq!(table.alloc(512, 256, Owner::Shared), None);
    assert_eq!(table.largest_free_bytes(), u64::from(MIB));
    // Given back, it is the first choice again.
    assert_eq!(table.free(Hpa::new(0x4000_0000), 256, Owner::Device), Ok(()));
    assert_eq!(table.alloc(512, 1, Owner::Shared), Some(Hpa::new(0x4000_0000)));
}

#[test]
fn refuses_wrong_frees() {
    let mut storage = storage(1 << 20);
    let mut table = FrameTable::new(Hpa::new(0x4000_0000), &mut storage);
    table.add_ram(Hpa::new(0x4000_0000), MIB);
    let at = table.alloc(8, 8, Owner::Heap).expect("room");
    let next = Hpa::new(at.raw() + 8 * 4096);
    assert_eq!(table.free(at, 9, Owner::Heap), Err(FreeError::WrongOwner { at: next, owner: Owner::Free }));
    assert_eq!(table.free(at, 1, Owner::Stack), Err(FreeError::WrongOwner { at, owner: Owner::Heap }));
    assert_eq!(table.free(next, 1, Owner::Free), Err(FreeError::NotAnOwner));
    let below = Hpa::new(0x3fff_f000);
    assert_eq!(table.free(below, 2, Owner::Heap), Err(FreeError::Outside(below)));
    assert_eq!(table.free(at, 0xffff_ffff, Owner::Heap), Err(FreeError::Outside(at)));
    let odd = Hpa::new(at.raw() + 1);
    assert_eq!(table.free(odd, 1, Owner::Heap), Err(FreeError::Outside(odd)));
    assert_eq!(table.frames_of(Owner::Heap), 8);
    assert_eq!(table.free(at, 8, Owner::Heap), Ok(()));
    assert_eq!(table.free_frames(), 256);
    assert_eq!(
        FreeError::WrongOwner { at: next, owner: Owner::Free }.to_string(),
        "frame 0x40008000 is owned by free; only its owner frees it"
    );
}

/// One owner a frame and nothing else.
struct Model {
    first: usize,
    owners: Vec<Owner>,
}

impl Model {
    fn fits(&self, start: usize, frames: usize, align: usize) -> bool {
        (self.first + start).is_multiple_of(align)
            && start + frames <= self.owners.len()
            && self.owners[start..start + frames].iter().all(|&owner| owner == Owner::Free)
    }

    fn count(&self, owner: Owner) -> u32 {
        self.owners.iter().filter(|&&o| o == owner).count() as u32
    }

    fn longest(&self) -> usize {
        self.owners.split(|&owner| owner != Owner::Free).map(<[_]>::len).max().unwrap_or(0)
    }
}

#[derive(Clone, Debug)]
enum Step {
    AddRam(u32, u32),
    Reserve(u32, u32, Owner),
    Alloc(u32, u32, Owner),
    Free(usize, u32),
    FreeAll(Owner),
}

/// Frames of the span; about four megabytes.
const SPAN: u32 = 1100;

fn any_step() -> impl Strategy<Value = Step> {
    let owner = || {
        prop::sample::select(vec![
            Owner::Heap,
            Owner::Table,
            DomainId::new(1).map_or(Owner::Shared, Owner::Domain),
        ])
    };
    let bytes = |frames: u32| (0..frames * 4, 0u32..3).prop_map(|(q, odd)| q * 1024 + odd);
    prop_oneof![
        1 => (bytes(SPAN + 100), bytes(600)).prop_map(|(at, len)| Step::AddRam(at, len)),
        1 => (bytes(SPAN + 100), bytes(20), owner()).prop_map(|(at, len, o)| Step::Reserve(at, len, o)),
        6 => (1u32..40, 0u32..6, owner()).prop_map(|(n, a, o)| Step::Alloc(n, 1 << a, o)),
        2 => (1u32..700, 0u32..11, owner()).prop_map(|(n, a, o)| Step::Alloc(n, 1 << a, o)),
        2 => (1u32..3, Just(8), owner()).prop_map(|(n, a, o)| Step::Alloc(n * 256, 1 << a, o)),
        4 => (any::<usize>(), 1u32..50).prop_map(|(pick, n)| Step::Free(pick, n)),
        1 => owner().prop_map(Step::FreeAll),
    ]
}

proptest! {
    #[test]
    fn behaves_like_a_list_of_owners(base_page in 0u32..600, steps in prop::collection::vec(any_step(), 1..60)) {
        let base = Hpa::new(0x4000_0000 + base_page * 4096);
        let mut storage = storage(u64::from(SPAN) * 4096);
        let mut table = FrameTable::new(base, &mut storage);
        let frames = table.span_frames() as usize;
        let mut model = Model { first: base.page_number() as usize, owners: vec![Owner::Absent; frames] };
        // Something to work on, the rest comes by steps.
        table.add_ram(base, SPAN * 3 / 4 * 4096);
        model.owners[..SPAN as usize * 3 / 4].fill(Owner::Free);
        // Addresses in steps count from a little below the base.
        let below = 50 * 4096;
        let at = |offset: u32| Hpa::new(base.raw() - below + offset);
        for step in steps {
            match step {
                Step::AddRam(offset, bytes) => {
                    table.add_ram(at(offset), bytes);
                    for (i, owner) in model.owners.iter_mut().enumerate() {
                        let frame = base.raw() + i as u32 * 4096;
                        let inside = at(offset).raw() <= frame && frame + 4096 <= at(offset).raw() + bytes;
                        if inside && *owner == Owner::Absent {
                            *owner = Owner::Free;
                        }
                    }
                }
                Step::Reserve(offset, bytes, new) => {
                    let before = model.count(Owner::Free);
                    for (i, owner) in model.owners.iter_mut().enumerate() {
                        let frame = base.raw() + i as u32 * 4096;
                        let touched = at(offset).raw() < frame + 4096 && frame < at(offset).raw() + bytes && bytes > 0;
                        if touched && *owner == Owner::Free {
                            *owner = new;
                        }
                    }
                    prop_assert_eq!(table.reserve(at(offset), bytes, new), before - model.count(Owner::Free));
                }
                Step::Alloc(n, align, owner) => match table.alloc(n, align, owner) {
                    Some(hpa) => {
                        let start = (hpa.raw() - base.raw()) as usize / 4096;
                        prop_assert!(model.fits(start, n as usize, align as usize));
                        model.owners[start..start + n as usize].fill(owner);
                    }
                    None => {
                        prop_assert!((0..frames).all(|start| !model.fits(start, n as usize, align as usize)));
                    }
                },
                Step::Free(pick, n) => {
                    let start = pick % frames;
                    let owner = model.owners[start];
                    let range = start..start + n as usize;
                    let good = owner.can_own()
                        && range.end <= frames
                        && model.owners[range.clone()].iter().all(|&o| o == owner);
                    let hpa = Hpa::new(base.raw() + start as u32 * 4096);
                    prop_assert_eq!(table.free(hpa, n, owner).is_ok(), good);
                    if good {
                        model.owners[range].fill(Owner::Free);
                    }
                }
                Step::FreeAll(owner) => {
                    prop_assert_eq!(table.free_all(owner), model.count(owner));
                    model.owners.iter_mut().filter(|o| **o == owner).for_each(|o| *o = Owner::Free);
                }
            }
            for (i, &owner) in model.owners.iter().enumerate() {
                prop_assert_eq!(table.owner(Hpa::new(base.raw() + i as u32 * 4096 + 4095)), owner);
            }
            for (owner, count) in table.usage() {
                prop_assert_eq!(count, model.count(owner));
            }
            prop_assert_eq!(table.usage().map(|(_, n)| n).sum::<u32>() as usize, frames);
            prop_assert_eq!(table.largest_free_bytes(), model.longest() as u64 * 4096);
            for mib in 0..table.mibs.len() {
                let free = table.frames_of_mib(mib).filter(|&i| model.owners[i] == Owner::Free).count();
                prop_assert_eq!(table.free_in(mib), free);
                prop_assert!(free < MIB_FRAMES || mib >= table.whole_from);
            }
        }
    }
}
