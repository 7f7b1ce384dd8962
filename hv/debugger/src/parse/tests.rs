use super::*;
use proptest::prelude::*;

#[test]
fn words() {
    let args = Args::new("  hexdump\t4  100@fff00000 ").unwrap();
    assert_eq!((args.command(), args.len(), args.is_empty()), ("hexdump", 2, false));
    assert_eq!((args.get(0), args.get(1), args.get(2)), (Some("4"), Some("100@fff00000"), None));
    assert_eq!(args.width(0), Ok(Width::Word));
    assert_eq!(args.size_at(1), Ok(SizeAt { size: 0x100, at: 0xfff0_0000 }));
    assert_eq!(args.hex(2), Err(ParseError::Missing));
    assert_eq!((args.at_most(2), args.at_most(1)), (Ok(()), Err(ParseError::TooMany)));

    let empty = Args::new(" \t ").unwrap();
    assert_eq!((empty.command(), empty.len(), empty.get(0), empty.get(usize::MAX - 1)), ("", 0, None, None));
}

#[test]
fn too_many_words() {
    let line = |words: usize| vec!["x"; words].join(" ");
    assert_eq!(Args::new(&line(16)).unwrap().get(14), Some("x"));
    assert_eq!(Args::new(&line(17)).unwrap_err(), ParseError::TooMany);
}

#[test]
fn hexadecimal() {
    let good =
        [("0", 0), ("0x0", 0), ("ff", 255), ("0XFf", 255), ("FFFFFFFF", u32::MAX), ("0000000000010", 16)];
    for (word, value) in good {
        assert_eq!(hex(word), Ok(value), "{word}");
    }
    for word in ["", "0x", "x1", "-1", "+1", "0x0x1", "1_0", "g", "٣", "123456789abcg"] {
        assert_eq!(hex(word), Err(ParseError::NotHex), "{word}");
    }
    assert_eq!(hex("100000000"), Err(ParseError::TooBig));
}

#[test]
fn decimals() {
    assert_eq!((decimal("0"), decimal("4294967295")), (Ok(0), Ok(u32::MAX)));
    assert_eq!(decimal("4294967296"), Err(ParseError::TooBig));
    for word in ["", "0x1", "a", "-1", "1."] {
        assert_eq!(decimal(word), Err(ParseError::NotDecimal), "{word}");
    }
}

#[test]
fn ranges() {
    let parse = SizeAt::parse;
    assert_eq!(parse("0x10000@0x80000000"), Ok(SizeAt { size: 0x1_0000, at: 0x8000_0000 }));
    assert_eq!(parse("1@ffffffff"), Ok(SizeAt { size: 1, at: u32::MAX }));
    assert_eq!(parse("2@ffffffff"), Err(ParseError::PastEnd));
    assert_eq!(parse("0@0"), Err(ParseError::SizeZero));
    assert_eq!(parse("10001@0"), Err(ParseError::SizeTooBig));
    assert_eq!(parse("100"), Err(ParseError::NoAt));
    assert_eq!(parse("@1"), Err(ParseError::NotHex));
    assert_eq!(parse("1@"), Err(ParseError::NotHex));
    assert_eq!(parse("1@2@3"), Err(ParseError::NotHex));
    assert_eq!(parse("1@100000000"), Err(ParseError::TooBig));
}

#[test]
fn widths_and_accesses() {
    let widths = ["1", "2", "4", "8"].map(|word| Width::parse(word).unwrap().bytes());
    assert_eq!(widths, [1, 2, 4, 8]);
    assert_eq!(["", "0", "3", "16", "04"].map(Width::parse), [Err(ParseError::Width); 5]);

    let access = |line| Args::new(line).unwrap().access(0);
    assert_eq!(access("v2p u r").unwrap().to_string(), "user read");
    assert_eq!(access("v2p u w").unwrap().to_string(), "user write");
    assert_eq!(access("v2p p r").unwrap().to_string(), "privileged read");
    assert_eq!(access("v2p p w 0"), Ok(Access { privileged: true, write: true }));
    assert_eq!(access("v2p x r"), Err(ParseError::Privilege));
    assert_eq!(access("v2p u x"), Err(ParseError::Direction));
    assert_eq!(access("v2p p"), Err(ParseError::Missing));
}

proptest! {
    #[test]
    fn rubbish_is_refused_quietly(line in "\\PC{0,80}") {
        if let Ok(args) = Args::new(&line) {
            for index in 0..MAX_WORDS {
                let _ = (args.hex(index), args.decimal(index), args.width(index), args.access(index));
                if let Ok(range) = args.size_at(index) {
                    prop_assert!(range.size >= 1 && range.size <= MAX_SIZE_BYTES);
                    prop_assert!(u64::from(range.at) + u64::from(range.size) <= 1 << 32);
                }
            }
        }
    }

    #[test]
    fn almost_ranges(word in "(0x)?[0-9a-fA-F]{0,9}@{0,2}(0x)?[0-9a-fg]{0,9}") {
        if let Ok(range) = SizeAt::parse(&word) {
            prop_assert_eq!(SizeAt::new(range.size, range.at), Ok(range));
            prop_assert_eq!(SizeAt::parse(&format!("{:x}@{:#x}", range.size, range.at)), Ok(range));
        }
    }

    #[test]
    fn numbers_come_back(value: u32) {
        prop_assert_eq!(hex(&format!("{value:x}")), Ok(value));
        prop_assert_eq!(hex(&format!("{value:#010X}")), Ok(value));
        prop_assert_eq!(decimal(&value.to_string()), Ok(value));
    }
}
