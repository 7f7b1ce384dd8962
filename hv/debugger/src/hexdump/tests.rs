use super::*;
use proptest::prelude::*;

/// Dumps memory whose byte at each address is that address's low byte, except on the pages that are `missing`.
/// Gives the text and the reads.
fn dump(width: Width, size: u32, at: u32, missing: &[u32]) -> (String, Vec<(u32, Width)>) {
    let mut out = String::new();
    let mut reads = vec![];
    hexdump(&mut out, width, SizeAt::new(size, at).unwrap(), &mut |at, width| {
        reads.push((at, width));
        if missing.contains(&(at / 4096)) {
            return None;
        }
        let bytes: [u8; 8] = core::array::from_fn(|i| at.wrapping_add(i as u32) as u8);
        // More bytes than asked for must not be shown.
        Some(u64::from_le_bytes(bytes))
    })
    .unwrap();
    (out, reads)
}

#[test]
fn all_widths() {
    let text = |width| dump(width, 0x20, 0xfff0_0030, &[]).0;
    assert_eq!(
        text(Width::Byte),
        "fff00030: 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?\n\
         fff00040: 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO\n"
    );
    assert_eq!(
        text(Width::Half),
        "fff00030: 3130 3332 3534 3736 3938 3b3a 3d3c 3f3e  0123456789:;<=>?\n\
         fff00040: 4140 4342 4544 4746 4948 4b4a 4d4c 4f4e  @ABCDEFGHIJKLMNO\n"
    );
    assert_eq!(
        text(Width::Word),
        "fff00030: 33323130 37363534 3b3a3938 3f3e3d3c  0123456789:;<=>?\n\
         fff00040: 43424140 47464544 4b4a4948 4f4e4d4c  @ABCDEFGHIJKLMNO\n"
    );
    assert_eq!(
        text(Width::Double),
        "fff00030: 3736353433323130 3f3e3d3c3b3a3938  0123456789:;<=>?\n\
         fff00040: 4746454443424140 4f4e4d4c4b4a4948  @ABCDEFGHIJKLMNO\n"
    );
}

#[test]
fn characters() {
    assert_eq!(
        dump(Width::Byte, 0x10, 0x78, &[]).0,
        "00000078: 78 79 7a 7b 7c 7d 7e 7f 80 81 82 83 84 85 86 87  xyz{|}~.........\n"
    );
    assert_eq!(dump(Width::Byte, 2, 0x1f, &[]).0.trim_end().rsplit("  ").next(), Some("."));
}

#[test]
fn unaligned_start_and_cut_end() {
    let (text, reads) = dump(Width::Word, 0x16, 0x1031, &[]);
    assert_eq!(
        text,
        "00001031: 34333231 38373635 3c3b3a39 403f3e3d  123456789:;<=>?@\n\
         00001041: 44434241 4645                        ABCDEF\n"
    );
    let expected: Vec<_> = (0x1031..0x1047).map(|at| (at, Width::Byte)).collect();
    assert_eq!(reads, expected);
}

#[test]
fn registers_are_read_once_with_their_width() {
    let (_, reads) = dump(Width::Word, 10, 0x1000, &[]);
    assert_eq!(
        reads,
        [(0x1000, Width::Word), (0x1004, Width::Word), (0x1008, Width::Byte), (0x1009, Width::Byte)]
    );
}

#[test]
fn the_end_of_the_address_space() {
    assert_eq!(
        dump(Width::Double, 8, 0xffff_fff8, &[]).0,
        "fffffff8: fffefdfcfbfaf9f8                   ........\n"
    );
    let (text, reads) = dump(Width::Byte, 0x1000, 0xffff_f000, &[0xf_ffff]);
    assert_eq!((text.as_str(), reads.len()), ("fffff000: fault\n", 1));
}

#[test]
fn a_missing_page_costs_one_line() {
    let (text, reads) = dump(Width::Word, 0x3010, 0x0fe0, &[1, 2]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[..5],
        [
            "00000fe0: e3e2e1e0 e7e6e5e4 ebeae9e8 efeeedec  ................",
            "00000ff0: f3f2f1f0 f7f6f5f4 fbfaf9f8 fffefdfc  ................",
            "00001000: fault",
            "00002000: fault",
            "00003000: 03020100 07060504 0b0a0908 0f0e0d0c  ................",
        ]
    );
    assert_eq!(lines.len(), 4 + 0xff0 / 16);
    assert_eq!(reads.iter().filter(|(at, _)| matches!(at / 4096, 1 | 2)).count(), 2);
}

#[test]
fn a_row_that_runs_into_a_missing_page() {
    let (text, _) = dump(Width::Word, 0x1018, 0x0ff8, &[1]);
    assert_eq!(
        text,
        "00000ff8: fbfaf9f8 fffefdfc fault\n\
         00002000: 03020100 07060504                    ........\n\
         00002008: 0b0a0908 0f0e0d0c                    ........\n"
    );
    let (text, _) = dump(Width::Word, 0x1010, 0x0ffe, &[1]);
    assert_eq!(
        text,
        "00000ffe: fault\n\
         00002000: 03020100 07060504 0b0a0908 0d0c      ..............\n"
    );
}

#[test]
fn output_that_fails_stops_the_dump() {
    struct Full;
    impl Write for Full {
        fn write_str(&mut self, _: &str) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    let mut reads = 0;
    let range = SizeAt::new(0x1_0000, 0).unwrap();
    let result = hexdump(&mut Full, Width::Byte, range, &mut |_, _| {
        reads += 1;
        Some(0)
    });
    assert_eq!((result, reads), (Err(fmt::Error), 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_range(
        size in 1u32..=0x5000,
        at in prop_oneof![any::<u32>(), 0u32..0x3000, 0xffff_a000u32..],
        width in prop_oneof![Just(Width::Byte), Just(Width::Half), Just(Width::Word), Just(Width::Double)],
        missing in proptest::collection::vec(any::<u8>(), 0..6),
    ) {
        prop_assume!(SizeAt::new(size, at).is_ok());
        let missing: Vec<u32> = missing.iter().map(|page| at / 4096 + u32::from(page % 6)).collect();
        let (text, reads) = dump(width, size, at, &missing);
        let end = u64::from(at) + u64::from(size);
        let mut next = u64::from(at);
        let mut faults = 0;
        for &(read, width) in &reads {
            let read = u64::from(read);
            prop_assert!(read >= next && read % width.bytes() as u64 == 0);
            next = read + width.bytes() as u64;
            prop_assert!(next <= end);
            if missing.contains(&((read / 4096) as u32)) {
                faults += 1;
                next = (read / 4096 + 1) * 4096;
            }
        }
        prop_assert_eq!(text.lines().filter(|line| line.ends_with("fault")).count(), faults);
        prop_assert!(faults > 0 || next == end);
        prop_assert!(text.lines().all(|line| line.len() <= 9 + 48 + 2 + ROW_BYTES));
    }
}
