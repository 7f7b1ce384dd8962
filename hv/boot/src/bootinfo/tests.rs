use proptest::prelude::*;

use super::*;
use crate::testing::{changes, damaged};

const QEMU: &[u8] = include_bytes!("../../fixtures/qemu-virt-a15.dtb");
const BOARD: &[u8] = include_bytes!("../../fixtures/board.dtb");

fn bank(start: u64, bytes: u64) -> Bank {
    Bank { start, bytes }
}

#[test]
fn qemu_virt() {
    let header = identify(&QEMU[..IDENTIFY_BYTES]).unwrap();
    assert_eq!(header, BlobHeader { source: Source::Dtb, total_bytes: QEMU.len() });
    let info = parse(QEMU).unwrap();
    assert_eq!(info.banks[..], [bank(0x4000_0000, 256 << 20)]);
    assert_eq!((info.reserved.len(), info.initrd), (0, None));
    assert_eq!((&*info.model, &*info.compatible), ("linux,dummy-virt", "linux,dummy-virt"));
    assert_eq!((&*info.cmdline, info.cmdline_cut), ("", false));
    // With the padding that QEMU puts there.
    assert!(parse(&[QEMU, &[0; 100]].concat()).is_ok());
}

#[test]
fn a_board_with_everything() {
    let info = parse(BOARD).unwrap();
    // The second node touches the first bank; the third is disabled.
    assert_eq!(info.banks[..], [bank(0, 0x1800_0000), bank(0x2000_0000, 0x800_0000)]);
    // The two entries of the reservation block touch.
    assert_eq!(info.reserved[..], [bank(0x1000, 0x2000), bank(0x1800_0000, 0x80_0000)]);
    assert_eq!(info.initrd, Some(bank(0x0800_0000, 0x12345)));
    assert_eq!(&*info.cmdline, "console=ttyS0,115200n8 loglevel=7");
    assert_eq!(&*info.compatible, "nex,test-board");
    assert_eq!(info.model.len(), 64);
    assert!(info.model.starts_with("Nex test board"));
}

#[test]
fn a_board_reserves_more() {
    let mut info = parse(BOARD).unwrap();
    assert_eq!(info.reserve(0x2e80_0000, 0x3e_8000), Ok(()));
    assert_eq!(info.reserve(0x3000, 0x1000), Ok(()), "it touches the first");
    let expected = [bank(0x1000, 0x3000), bank(0x1800_0000, 0x80_0000), bank(0x2e80_0000, 0x3e_8000)];
    assert_eq!(info.reserved[..], expected);
    let wraps = BootInfoError::BadBank { start: 1, bytes: u64::MAX };
    assert_eq!(info.reserve(1, u64::MAX), Err(wraps));
    let full = (0..64).map(|n| info.reserve(0x4000_0000 + n * 0x2000, 0x1000)).find(Result::is_err);
    assert_eq!((full, info.reserved.len()), (Some(Err(BootInfoError::TooManyReserved)), 32));
}

/// `BOARD` with the only occurrence of `from` replaced by `to`, of the same length.
fn board_with(from: &[u8], to: &[u8]) -> Result<BootInfo, BootInfoError> {
    let mut bytes = BOARD.to_vec();
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + from.len()].copy_from_slice(to);
    parse(&bytes)
}

#[test]
fn wrong_device_trees_say_why() {
    let words = |list: [u32; 2]| list.map(u32::to_be_bytes).concat();
    let initrd_end = words([0, 0x0801_2345]);
    assert_eq!(board_with(&initrd_end, &words([0, 0x0700_0000])).unwrap_err(), BootInfoError::BadInitrd);
    assert_eq!(board_with(&initrd_end, &words([0, 0x0800_0000])).unwrap().initrd, None);
    let renamed = board_with(b"linux,initrd-end\0", b"linux,initrd-enx\0");
    assert_eq!(renamed.unwrap_err(), BootInfoError::BadInitrd);

    // No node is memory any more.
    let mut bytes = BOARD.to_vec();
    while let Some(at) = bytes.windows(7).position(|window| window == b"memory\0" && window != b"mem0ry\0") {
        bytes[at + 3] = b'0';
    }
    assert_eq!(parse(&bytes).unwrap().banks.as_slice(), []);

    // A reservation that wraps around: the start of the first entry's size.
    let mut bytes = BOARD.to_vec();
    let at = u32::from_be_bytes(bytes[16..20].try_into().unwrap()) as usize;
    bytes[at + 8..at + 16].fill(0xff);
    assert_eq!(parse(&bytes).unwrap_err(), BootInfoError::BadBank { start: 0x1000, bytes: u64::MAX });
    assert!(matches!(parse(&BOARD[..BOARD.len() - 1]), Err(BootInfoError::Dtb(DtbError::Truncated))));
}

#[test]
fn sizes_are_bounded() {
    let header = |total: u32| [0xd00d_feed_u32.to_be_bytes(), total.to_be_bytes()].concat();
    assert_eq!(identify(&header(1 << 20)).unwrap().total_bytes, 1 << 20);
    assert_eq!(identify(&header(2 << 20)).unwrap().total_bytes, MAX_DTB_BYTES);
    for total_bytes in [0, 39, (2 << 20) + 1, u32::MAX] {
        assert_eq!(identify(&header(total_bytes)), Err(BootInfoError::DtbSize { total_bytes }));
    }
    assert_eq!(identify(&header(64)[..6]), Err(BootInfoError::Dtb(DtbError::Truncated)));
    assert_eq!(identify(&[]), Err(BootInfoError::Unknown { first_word: 0 }));
    let nonsense = identify(&[0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0]).unwrap_err();
    assert!(nonsense.to_string().contains("0x78563412"), "{nonsense}");
}

/// A tag list; the last word of a tag is its own.
fn list(tags: &[(u32, &[u32])]) -> Vec<u8> {
    let tag =
        |(number, contents): &(u32, &[u32])| [&[2 + contents.len() as u32, *number][..], contents].concat();
    tags.iter().flat_map(tag).flat_map(u32::to_le_bytes).collect()
}

const CORE: (u32, &[u32]) = (atags::CORE, &[1, 4096, 0]);
const MEM: u32 = 0x5441_0002;
const CMDLINE: u32 = 0x5441_0009;
const END: [u8; 8] = [0; 8];

/// What a Tegra 2 boot loader passes, NVIDIA's own tag included.
fn tegra() -> Vec<u8> {
    let text: Vec<u32> =
        b"tegraid=20 mem=448M\0".chunks(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect();
    let tags = list(&[
        CORE,
        (MEM, &[0x0800_0000, 0x1000_0000]),
        (MEM, &[0x1000_0000, 0]),
        (0x4100_0801, &[1, 8, 0xdead_beef, 0]),
        (0x5441_0006, &[0x89ab_cdef, 0x0123_4567]),
        (0x5441_0007, &[0x42]),
        (0x5442_0005, &[0x0400_0000, 0x5000]),
        (CMDLINE, &text),
    ]);
    [&tags[..], &END, &[0xff; 32]].concat()
}

#[test]
fn tags_of_a_tegra_2() {
    let tags = tegra();
    let header = identify(&tags[..IDENTIFY_BYTES]).unwrap();
    assert_eq!(header, BlobHeader { source: Source::Atags, total_bytes: 16 * 1024 });
    let info = parse(&tags).unwrap();
    assert_eq!(info.banks[..], [bank(0, 0x1800_0000)]);
    assert_eq!(info.initrd, Some(bank(0x0400_0000, 0x5000)));
    assert_eq!(&*info.cmdline, "tegraid=20 mem=448M");
    assert_eq!((info.serial, info.revision), (Some(0x0123_4567_89ab_cdef), Some(0x42)));
    // A core tag without contents is as good.
    let short = [&list(&[(atags::CORE, &[]), (MEM, &[0x1000, 0])])[..], &END].concat();
    assert_eq!(parse(&short).unwrap().banks[..], [bank(0, 0x1000)]);
}

#[test]
fn wrong_tags_say_where() {
    let fails = |tags: &[(u32, &[u32])], tail: &[u32]| {
        let tail: Vec<u8> = tail.iter().flat_map(|word| word.to_le_bytes()).collect();
        match parse(&[list(tags), tail].concat()) {
            Err(BootInfoError::Atags { offset, error }) => (offset, error),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(fails(&[CORE], &[0, MEM]), (20, AtagError::TooShort));
    assert_eq!(fails(&[CORE], &[1, MEM, 0]), (20, AtagError::TooShort));
    assert_eq!(fails(&[CORE, (MEM, &[1])], &[0, 0]), (20, AtagError::TooShort));
    assert_eq!(fails(&[CORE], &[5, MEM, 0, 0]), (20, AtagError::TooLong));
    assert_eq!(fails(&[CORE], &[u32::MAX, MEM, 0, 0]), (20, AtagError::TooLong));
    assert_eq!(fails(&[CORE], &[0x4000_0002, MEM, 0, 0]), (20, AtagError::TooLong));
    assert_eq!(fails(&[CORE], &[]), (20, AtagError::NoEnd));
    assert_eq!(fails(&[CORE], &[4]), (20, AtagError::NoEnd));
    let endless = [CORE].into_iter().chain(std::iter::repeat_n((1, &[][..]), 4000)).collect::<Vec<_>>();
    assert!(matches!(fails(&endless, &[0, 0]), (_, AtagError::NoEnd | AtagError::TooLong)));
    let no_memory = [list(&[CORE]), END.to_vec()].concat();
    assert_eq!(parse(&no_memory).unwrap().banks.as_slice(), []);
}

#[test]
fn command_lines_are_cut_at_characters() {
    let cmdline = |text: &[u8]| {
        let mut padded = text.to_vec();
        padded.resize(text.len().next_multiple_of(4), 0);
        let words: Vec<u32> = padded.chunks(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect();
        let tags = list(&[CORE, (MEM, &[0x1000, 0]), (CMDLINE, &words)]);
        let info = parse(&[&tags[..], &END].concat()).unwrap();
        (info.cmdline.to_string(), info.cmdline_cut)
    };
    assert_eq!(cmdline(&[b'a'; 1024]), ("a".repeat(1024), false));
    assert_eq!(cmdline(&[b'a'; 1025]), ("a".repeat(1024), true));
    assert_eq!(cmdline("ä".repeat(600).as_bytes()), ("ä".repeat(512), true));
    assert_eq!(cmdline(b"good \xff bad"), ("good ".to_string(), true));
    assert_eq!(cmdline(b"one\0two"), ("one".to_string(), false));
}

#[test]
fn merging() {
    let mut banks: ArrayVec<Bank, 4> = ArrayVec::new();
    let mut add =
        |start, bytes| merge(&mut banks, start, bytes, BootInfoError::TooManyBanks).map(|()| banks.to_vec());
    assert_eq!(add(0x5000, 0x1000), Ok(vec![bank(0x5000, 0x1000)]));
    assert_eq!(add(0x1000, 0x1000), Ok(vec![bank(0x1000, 0x1000), bank(0x5000, 0x1000)]));
    assert_eq!(add(0x3000, 0), Ok(vec![bank(0x1000, 0x1000), bank(0x5000, 0x1000)]));
    assert_eq!(add(0x1800, 0x1000), Ok(vec![bank(0x1000, 0x1800), bank(0x5000, 0x1000)]));
    assert_eq!(add(0x2800, 0x2800), Ok(vec![bank(0x1000, 0x5000)]));
    assert_eq!(add(0x2000, 0x100), Ok(vec![bank(0x1000, 0x5000)]));
    let last = u64::MAX - 0xfff;
    assert_eq!(add(last, 0x1000), Err(BootInfoError::BadBank { start: last, bytes: 0x1000 }));
    for start in [0x10_0000, 0x20_0000, 0x30_0000] {
        assert!(add(start, 1).is_ok());
    }
    assert_eq!(add(0x40_0000, 1), Err(BootInfoError::TooManyBanks));
    // One that joins two makes room.
    assert_eq!(add(0x10_0001, 0xf_ffff).unwrap().len(), 3);
}

/// What must hold for anything that `parse` accepts.
fn check(info: &BootInfo) {
    let sorted = |list: &[Bank]| list.windows(2).all(|pair| pair[0].end() < pair[1].start);
    assert!(sorted(&info.banks) && sorted(&info.reserved));
    assert!(info.banks.iter().chain(&info.reserved).all(|bank| bank.bytes > 0));
    assert!(info.initrd.is_none_or(|initrd| initrd.bytes > 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn damaged_blobs_do_no_harm(changes in changes(), which in 0..3) {
        let original = match which { 0 => QEMU.to_vec(), 1 => BOARD.to_vec(), _ => tegra() };
        let bytes = damaged(&original, &changes);
        match parse(&bytes) {
            Ok(info) => check(&info),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn noise_does_no_harm(words in prop::collection::vec(prop_oneof![0u32..8, 0x5441_0000u32..0x5441_000a, any::<u32>()], 0..200)) {
        let noise: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let _ = parse(&noise);
        if let Ok(info) = parse(&[list(&[CORE]), noise].concat()) {
            check(&info);
        }
    }
}
