//! What holds for every page.

use nex_decode::{Branch, Class, ItState, Next, flow_a32, flow_t32, t32, t32_is_wide};
use nex_rewrite::{
    Encoded, Entry, InstructionSet, Original, PAGE_WORDS, Page, Scratch, T32, Tables, decode_a32, decode_t32,
    encode_a32, encode_t32,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const BASE: u32 = 0xc010_8000;

type Words = Box<[u32; PAGE_WORDS]>;

fn entry(offset: u32, set: InstructionSet) -> Entry<'static> {
    Entry { addr: BASE + offset, set, next: Some(0xbf00), begins_with_tail: false, before: None, after: None }
}

/// Words that are instructions more often than not: what matters to a scan, and what lies between.
fn word() -> impl Strategy<Value = u32> {
    let cond = prop_oneof![8 => Just(0xe_u32), 1 => 0..15_u32].prop_map(|cond| cond << 28);
    let a32 = prop_oneof![
        6 => any::<u32>().prop_map(|bits| 0x0080_0000 | bits & 0x0007_7e0f),
        2 => (-40..40_i32).prop_map(|to| 0x0a00_0000 | to as u32 & 0xff_ffff),
        1 => (-40..40_i32).prop_map(|to| 0x0b00_0000 | to as u32 & 0xff_ffff),
        1 => (0..64_u32).prop_map(|to| 0x059f_3000 | (to * 4)),
        1 => Just(0x012f_ff1e),
        1 => Just(0x010f_3000),
        1 => Just(0x0121_f003),
        1 => Just(0x01b0_f10e),
        1 => Just(0x0e1d_3f90),
        1 => Just(0x0320_f003),
        1 => Just(0x0f12_3456),
        1 => Just(0x0ffe_0001),
        1 => any::<u32>().prop_map(|bits| bits >> 4),
    ];
    let t16 = prop_oneof![
        4 => 0x1800..0x4000_u32,
        1 => (-40..40_i32).prop_map(|to| 0xe000 | to as u32 & 0x7ff),
        1 => (0..0xe00_u32).prop_map(|low| 0xd000 | low),
        1 => Just(0xb672),
        1 => Just(0x4770),
        1 => (1..16_u32).prop_map(|mask| 0xbf00 | mask),
        1 => (0..32_u32).prop_map(|to| 0x4b00 | to),
        1 => 0..0x1_0000_u32,
    ];
    let t32 = prop_oneof![
        Just(0x8300_f3ef_u32),
        Just(0x8100_f383),
        Just(0x3f90_ee1d),
        Just(0xf807_e8df),
        Just(0x0e04_f852),
        (0..64_u32).prop_map(|to| 0xf800_f000 | to << 16),
    ];
    prop_oneof![
        4 => (cond, a32).prop_map(|(cond, word)| cond | word),
        4 => (t16.clone(), t16).prop_map(|(low, high)| low | high << 16),
        2 => t32,
        1 => (0..1024_u32).prop_map(|to| BASE + to * 4),
        1 => any::<u32>(),
        1 => Just(0xf10c_0080),
    ]
}

/// A page without codes: they have tests of their own.
fn page() -> impl Strategy<Value = Words> {
    prop_oneof![prop::collection::vec(word(), PAGE_WORDS), prop::collection::vec(any::<u32>(), PAGE_WORDS),]
        .prop_map(|words| {
            let mut words: Words = words.into_boxed_slice().try_into().unwrap();
            while let Some(i) = code_at(&words) {
                words[i] = 0xe1a0_4005;
            }
            words
        })
}

fn set() -> impl Strategy<Value = InstructionSet> {
    prop_oneof![Just(InstructionSet::A32), Just(InstructionSet::T32)]
}

fn half(words: &[u32; PAGE_WORDS], h: usize) -> u16 {
    (words[h / 2] >> (h % 2 * 16)) as u16
}

/// The instructions that are certainly reached, as (halfword, T32, IT state), in no clever way.
fn reached(words: &[u32; PAGE_WORDS], first: (usize, bool)) -> BTreeSet<(usize, bool, u8)> {
    let mut found = BTreeSet::new();
    let mut todo = vec![(first.0, first.1, ItState::NONE)];
    while let Some((h, thumb, it)) = todo.pop() {
        if h >= 2048
            || (thumb && h == 2047 && t32_is_wide(half(words, h)))
            || !found.insert((h, thumb, it.bits()))
        {
            continue;
        }
        let addr = BASE + h as u32 * 2;
        let (flow, class, n, it) = if thumb {
            let (first, second) = (half(words, h), if h < 2047 { half(words, h + 1) } else { 0 });
            let n = 1 + usize::from(t32_is_wide(first));
            (flow_t32(first, second, it, addr), t32(first, second, it).class, n, it.after(first))
        } else {
            (flow_a32(words[h / 2], addr), nex_decode::a32(words[h / 2]).class, 2, ItState::NONE)
        };
        match flow.next {
            Next::Always | Next::IfNotTaken => todo.push((h + n, thumb, it)),
            Next::AfterException if matches!(class, Class::Svc { .. }) => todo.push((h + n, thumb, it)),
            _ => {}
        }
        if let Branch::Direct(target) = flow.branch {
            let offset = target.addr.wrapping_sub(BASE);
            if offset < 4096 {
                todo.push((offset as usize / 2, target.set == InstructionSet::T32, ItState::NONE));
            }
        }
    }
    found
}

/// The first word that is a code of ours, or has a part of one.
fn code_at(words: &[u32; PAGE_WORDS]) -> Option<usize> {
    let tables = Tables::new(0);
    (0..PAGE_WORDS).find(|&i| {
        let next = words.get(i + 1).copied().unwrap_or(0);
        let (low, high, next) = (words[i] as u16, (words[i] >> 16) as u16, next as u16);
        let t32 = |first, second| {
            decode_t32(T32::Narrow(first), &tables.t32).is_some()
                || decode_t32(T32::Wide(u32::from(first) << 16 | u32::from(second)), &tables.t32).is_some()
        };
        decode_a32(words[i], &tables.a32).is_some() || t32(low, high) || t32(high, next)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restored_pages_are_as_before(words in page(), at in 0..4096_u32, set in set(), limit in 0..40_u16) {
        let (mut tables, mut scratch) = (Tables::new(limit), Scratch::new());
        let mut now = words.clone();
        let mut page = Page::new();
        let report = page.scan(&mut now, entry(at, set), &mut tables, &mut scratch).unwrap();
        prop_assert_eq!(page.sites().len(), usize::from(report.sites));
        for (i, &word) in words.iter().enumerate() {
            let offset = i as u32 * 4;
            prop_assert!(page.original(&now, offset) == word, "{offset:#x}");
            let inside = (report.changed.0..report.changed.1).contains(&(i as u16 * 4));
            prop_assert!(inside || now[i] == word);
        }
        for pair in page.sites().windows(2) {
            let end = pair[0].offset() + pair[0].original().halfwords() as u32 * 2;
            prop_assert!(end <= pair[1].offset());
        }
        page.restore(&mut now);
        prop_assert!(now == words);
        prop_assert!(page.sites().is_empty());
    }

    #[test]
    fn what_is_reached_is_replaced(words in page(), at in 0..4096_u32, set in set()) {
        let (mut tables, mut scratch) = (Tables::new(1000), Scratch::new());
        (tables.replace_tpidruro, tables.replace_tpidrurw, tables.replace_sev) = (true, true, true);
        let mut now = words.clone();
        let mut page = Page::new();
        let report = page.scan(&mut now, entry(at, set), &mut tables, &mut scratch).unwrap();
        if report.conflicts > 0 {
            return Ok(());
        }
        let thumb = set == InstructionSet::T32;
        let first = if thumb { at as usize / 2 } else { at as usize / 4 * 2 };
        let reached = reached(&words, (first, thumb));
        // What is reached within an IT block and without one is taken as it comes first.
        let places: BTreeSet<(usize, bool)> = reached.iter().map(|&(h, thumb, _)| (h, thumb)).collect();
        if places.len() < reached.len() {
            return Ok(());
        }
        for (h, thumb, it) in reached {
            let it = ItState::from_psr((u32::from(it) & 3) << 25 | (u32::from(it) & 0xfc) << 8);
            let site = page.site(h as u32 * 2);
            let (first, second) = (half(&words, h), if h < 2047 { half(&words, h + 1) } else { 0 });
            let wide = u32::from(first) << 16 | u32::from(second);
            if !thumb && encode_a32(words[h / 2]) != Encoded::Stays {
                prop_assert_eq!(site, Some(Original::A32(words[h / 2])), "{:#x}", h * 2);
            } else if thumb && encode_t32(first, second, it) != Encoded::Stays {
                let original = if t32_is_wide(first) { Original::Wide(wide) } else { Original::Narrow(first) };
                prop_assert_eq!(site, Some(original), "{:#x}", h * 2);
            }
            // What runs now may run.
            let (first, second) = (half(&now, h), if h < 2047 { half(&now, h + 1) } else { 0 });
            let class = if thumb { t32(first, second, it).class } else { nex_decode::a32(now[h / 2]).class };
            prop_assert!(class.may_stay(), "{:#x} {class:?}", h * 2);
        }
    }

    #[test]
    fn scanning_again_changes_nothing(words in page(), at in 0..4096_u32, set in set()) {
        let (mut tables, mut scratch) = (Tables::new(1000), Scratch::new());
        let mut once = words;
        let mut page = Page::new();
        page.scan(&mut once, entry(at, set), &mut tables, &mut scratch).unwrap();
        let sites = page.sites().to_vec();
        let mut again = once.clone();
        let report = page.scan(&mut again, entry(at, set), &mut tables, &mut scratch).unwrap();
        prop_assert_eq!(&again, &once);
        prop_assert_eq!(page.sites(), &sites[..]);
        prop_assert_eq!(report.changed, (0, 0));
    }

    #[test]
    fn entries_in_any_order(words in page(), a in 0..4096_u32, b in 0..4096_u32, set in set()) {
        let (mut tables, mut scratch) = (Tables::new(1000), Scratch::new());
        let (mut one, mut two) = (words.clone(), words);
        let (mut first, mut second) = (Page::new(), Page::new());
        for (page, words, order) in [(&mut first, &mut one, [a, b]), (&mut second, &mut two, [b, a])] {
            for at in order {
                page.scan(words, entry(at, set), &mut tables, &mut scratch).unwrap();
            }
        }
        prop_assert_eq!(first.sites(), second.sites());
        prop_assert_eq!(one, two);
    }

    #[test]
    fn a_store_is_as_if_it_had_been_there(
        words in page(),
        at in 0..4096_u32,
        set in set(),
        stores in prop::collection::vec((0..4100_u32, prop_oneof![
            any::<u32>().prop_map(|word| word.to_le_bytes().to_vec()),
            word().prop_map(|word| word.to_le_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..12),
        ], any::<bool>()), 1..6),
    ) {
        let (mut tables, mut scratch) = (Tables::new(1000), Scratch::new());
        let (mut now, mut plain) = (words.clone(), words);
        let mut page = Page::new();
        page.scan(&mut now, entry(at, set), &mut tables, &mut scratch).unwrap();
        for (offset, bytes, align) in stores {
            let offset = if align { offset & !3 } else { offset };
            for (i, &byte) in bytes.iter().enumerate() {
                let to = offset as usize + i;
                if to < 4096 {
                    let shift = to % 4 * 8;
                    plain[to / 4] = plain[to / 4] & !(0xff << shift) | u32::from(byte) << shift;
                }
            }
            page.store(&mut now, offset, &bytes, &mut tables, &mut scratch).unwrap();
        }
        // A code would count as itself in one, and as what it stands for in the other.
        prop_assume!(code_at(&plain).is_none());
        let mut fresh = Page::new();
        let mut expected = plain.clone();
        fresh.scan(&mut expected, entry(at, set), &mut tables, &mut scratch).unwrap();
        prop_assert_eq!(page.sites(), fresh.sites());
        prop_assert_eq!(&now, &expected);
        page.restore(&mut now);
        prop_assert_eq!(now, plain);
    }
}
