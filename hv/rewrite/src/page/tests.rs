//! A page that is judged at a glance is judged as following its code would.

use super::*;

const BASE: u32 = 0xc010_8000;

/// A generator of numbers (xorshift).
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn below(&mut self, n: u32) -> u32 {
        (self.next() >> 8) % n
    }

    fn of(&mut self, words: &[u32]) -> u32 {
        words[self.below(words.len() as u32) as usize]
    }
}

/// Instructions that a compiler emits, with some that have to be replaced, and pools of constants behind functions.
/// `strange` in a thousand words are none of that.
fn page(random: &mut Random, strange: u32) -> Box<[u32; PAGE_WORDS]> {
    let mut words = Box::new([0; PAGE_WORDS]);
    // Constants, and loads of them, which come before.
    let (mut pool, mut loads, mut constants) = (0, std::vec::Vec::new(), std::vec::Vec::new());
    for i in 0..PAGE_WORDS {
        let cond = if random.below(8) == 0 { random.below(14) } else { 14 } << 28;
        words[i] = if random.below(1000) < strange {
            any(random, i)
        } else if pool > 0 {
            pool -= 1;
            constants.push(i);
            if let Some(at) = loads.pop() {
                words[at] = words[at] & !0xfff | ((i - at) as u32 * 4).saturating_sub(8);
            }
            random.of(&[0xc010_f5a8, 0xc0e0_08f0, 0xc000_0000 + i as u32 * 0x4_1234, 0x1234, 0xffff_ffea, 0])
        } else {
            match random.below(100) {
                0..60 => cond | 0x0080_0000 | random.next() & 0x0007_7e0f,
                60..70 => cond | 0x0590_0000 | random.next() & 0x0027_7fff,
                70..80 => cond | 0x0a00_0000 | random.below(64).wrapping_sub(32) & 0xff_ffff,
                80..87 => 0xeb00_0000 | random.below(64).wrapping_sub(32) & 0xff_ffff,
                87..94 => {
                    loads.push(i);
                    cond | 0x059f_0000 | random.below(8) << 12 | 0xffc
                }
                94..97 => {
                    pool = random.below(6);
                    random.of(&[0xe8bd_8010, 0xe12f_ff1e, 0xeaff_fff0, 0xe8bd_8070])
                }
                97 => 0xee1d_0f70 | random.below(8) << 12,
                98 => cond | random.of(&[0x010f_3000, 0x0121_f003, 0x0e1d_3f90, 0x0e03_3f10, 0x0320_f003]),
                _ => random.of(&[0xf10c_0080, 0xf108_0080, 0xe10f_0000, 0xe121_f000]),
            }
        };
    }
    for at in loads {
        words[at] = 0xe1a0_4005;
    }
    // Branches to constants are strange.
    for i in (0..PAGE_WORDS).filter(|_| strange < 20) {
        let target = (i as i32 + 2 + ((words[i] << 8) as i32 >> 8)) as usize;
        if words[i] >> 25 & 7 == 5 && constants.contains(&target) && !constants.contains(&i) {
            words[i] = 0xe1a0_4005;
        }
    }
    words
}

/// What is rare in code, or none.
fn any(random: &mut Random, i: usize) -> u32 {
    match random.below(16) {
        0..4 => random.next(),
        4 => BASE + random.below(1024) * 4,
        5 => BASE + random.below(4096),
        // Words and tables that are jumped through.
        6 => 0xe59f_f000 + random.below(64) * 4,
        7 => 0x979f_f102,
        8 => 0x908f_f102,
        // BLX, loads of other sizes, user registers, LDRT, returns, what looks like a code.
        9 => 0xfa00_0000 | random.below(64),
        10 => random.of(&[
            0xe1df_00b2,
            0xe1cf_20d8,
            0xed9f_0b04,
            0xecbf_0b08,
            0xe28f_0001,
            0xe55f_0003,
            0xe51f_0006,
        ]),
        11 => random.of(&[0xe8d0_7fff, 0xe8c0_0003, 0x18d0_8001, 0xe8fd_ffff, 0xf8bd_0a00, 0xf96d_0513]),
        12 => random.of(&[0xe4b0_1000, 0xe4b0_1020, 0xe0f0_10b0, 0x14b0_1004, 0xe4a0_1040]),
        13 => random.of(&[0xe1b0_f00e, 0xe25e_f004, 0x01b0_f00e, 0xe01d_f200, 0xe7f0_00f0, 0xe120_0070]),
        14 => 0xef00_0000 | random.next() & 0xff_ffff,
        _ => 0xe59f_0000 | (i as u32 & 7) << 12 | random.below(0x1000),
    }
}

/// The sites and the page by following alone.
fn followed(
    words: &[u32; PAGE_WORDS],
    entry: &Entry<'_>,
    tables: &mut Tables,
) -> (Vec<Site>, [u32; PAGE_WORDS], Holds) {
    let mut scratch = Box::new(Scratch::new());
    let mut page = Page::new();
    let thumb = u16::from(entry.set == InstructionSet::T32);
    page.entries.push((entry.addr % PAGE_BYTES / 2) as u16 & (!1 | thumb) | thumb << 15);
    page.place = Place { base: BASE, next: entry.next, begins_with_tail: entry.begins_with_tail };
    page.literals = Some(literals_of(entry, &mut scratch).unwrap());
    page.load(words, &mut scratch);
    let (_, holds) = page.follow(tables, &mut scratch);
    let mut sites = Vec::new();
    let mut at = 0;
    while let Some(h) = scratch.maps.replace.next(at) {
        sites.push(Site::new(h, original_at(&scratch, h)));
        at = h + 1;
    }
    let mut image = *words;
    for site in &sites {
        replace(&mut scratch, site, false, tables);
    }
    for site in &sites {
        for n in 0..site.original().halfwords() {
            let word = (site.halfword() + n) / 2;
            image[word] = scratch.image[word];
        }
    }
    (sites, image, holds)
}

#[test]
fn a_glance_finds_what_following_finds() {
    let mut random = Random(0x2545_f491);
    let (mut clear, mut unclear, mut replaced) = (0, 0, 0);
    for round in 0..if cfg!(debug_assertions) { 3_000 } else { 20_000 } {
        let strange = [0, 0, 1, 3, 20, 1000][round % 6];
        let words = page(&mut random, strange);
        let (before, after) = (page(&mut random, strange), page(&mut random, strange));
        let entry = Entry {
            addr: BASE + random.below(1024) * 4,
            set: InstructionSet::A32,
            next: None,
            begins_with_tail: false,
            before: (round % 4 != 0).then_some(&*before),
            after: (round % 4 != 0).then_some(&*after),
        };
        let mut tables = [Tables::new(100), Tables::new(100)];
        for tables in &mut tables {
            (tables.replace_tpidruro, tables.replace_sev) = (round % 5 == 0, round % 7 == 0);
        }
        let [tables, others] = &mut tables;
        let mut scratch = Box::new(Scratch::new());
        let (mut now, mut record) = (words.clone(), Page::new());
        let report = record.scan(&mut now, entry, tables, &mut scratch).unwrap();
        let (sites, image, holds) = followed(&words, &entry, others);
        assert_eq!(record.sites(), &sites[..], "round {round}");
        assert!(*now == image, "round {round}");
        assert_eq!(tables.a32.len(), others.a32.len());
        let changed: Vec<_> = (0..PAGE_WORDS).filter(|&i| now[i] != words[i]).collect();
        let range = changed.first().map_or((0, 0), |&first| (first * 4, changed[changed.len() - 1] * 4 + 4));
        assert_eq!(report.changed, (range.0 as u16, range.1 as u16));
        let entries = record.entries();
        if glance(&words, tables, record.place, entries, &mut scratch.notes).is_ok() {
            assert_eq!(record.holds, holds, "round {round}");
            (clear, replaced) = (clear + 1, replaced + sites.len());
        } else {
            unclear += 1;
        }
    }
    assert!(clear > 1_000 && unclear > 1_000 && replaced > 10_000, "{clear} {unclear} {replaced}");
}

#[test]
fn a_store_may_ask_for_a_new_scan() {
    let (mut tables, mut scratch) = (Tables::new(10), Box::new(Scratch::new()));
    let neighbour = Box::new([0xe1a0_4005; PAGE_WORDS]);
    let mut words = Box::new([0xe1a0_4005; PAGE_WORDS]);
    let entry = |before| Entry {
        addr: BASE,
        set: InstructionSet::A32,
        next: None,
        begins_with_tail: false,
        before,
        after: None,
    };
    let cpsid = 0xf10c_0080_u32.to_le_bytes();
    let mut page = Page::new();
    page.scan(&mut words, entry(Some(&neighbour)), &mut tables, &mut scratch).unwrap();
    // Nothing depended on the neighbour, so it was not looked at.
    let stored = page.store(&mut words, 8, &cpsid, &mut tables, &mut scratch);
    assert_eq!(stored, Err(StoreError::NeedsScan));
    assert_eq!(words[2], 0xe1a0_4005);
    // A branch or an innocuous instruction is none of that.
    page.store(&mut words, 8, &0xea00_0004_u32.to_le_bytes(), &mut tables, &mut scratch).unwrap();
    assert_eq!(words[2], 0xea00_0004);

    let mut page = Page::new();
    page.scan(&mut words, entry(None), &mut tables, &mut scratch).unwrap();
    page.store(&mut words, 8, &cpsid, &mut tables, &mut scratch).unwrap();
    assert_eq!(page.sites().len(), 1);
}
