//! Android boot images, checked against the format's own words, and by reading back what was written.

use nextool::bootimg::{BootImage, MAX_CMDLINE_BYTES, PAGE_BYTES, pack, parse};
use proptest::prelude::*;

fn small() -> Vec<u8> {
    pack(&BootImage { kernel: &[0x11; 5000], ramdisk: &[0x22; 3000], cmdline: "log=text fb=off" }).unwrap()
}

fn with_word(at: usize, value: u32) -> Vec<u8> {
    let mut image = small();
    image[at..at + 4].copy_from_slice(&value.to_le_bytes());
    image
}

#[test]
fn the_header_is_as_the_format_says() {
    let image = small();
    assert_eq!(&image[..8], b"ANDROID!");
    let words: Vec<u32> =
        image[8..0x30].chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    let kernel = [5000, 0x1000_8000];
    let ramdisk = [3000, 0x1100_0000];
    let second = [0, 0x10f0_0000];
    let tags_and_page = [0x1000_0100, 2048];
    let version_and_os = [0, 0];
    assert_eq!(words, [kernel, ramdisk, second, tags_and_page, version_and_os].concat());
    assert_eq!(&image[0x30..0x40], b"nex\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(&image[0x40..0x50], b"log=text fb=off\0");
    assert!(image[0x50..2048].iter().all(|&byte| byte == 0));
    assert_eq!(image.len(), 2048 * (1 + 3 + 2));
    assert_eq!(image[2048..2048 + 5000], [0x11; 5000]);
    assert_eq!(image[2048 * 4..2048 * 4 + 3000], [0x22; 3000]);
}

#[test]
fn refuses_what_an_image_cannot_hold() {
    let refusal = |kernel: &[u8], cmdline: &str| {
        pack(&BootImage { kernel, ramdisk: b"", cmdline }).unwrap_err().to_string()
    };
    assert!(refusal(b"", "").contains("kernel is empty"));
    assert!(refusal(b"k", "a\0b").contains("zero byte"));
    assert!(refusal(b"k", &"x".repeat(MAX_CMDLINE_BYTES + 1)).contains("512 bytes"));
}

#[test]
fn broken_images_are_told_apart() {
    for (image, reason) in [
        (b"ANDROID?".to_vec(), "ANDROID!"),
        (small()[..1000].to_vec(), "its header"),
        (small()[..4000].to_vec(), "its kernel"),
        (small()[..9000].to_vec(), "its RAM disk"),
        (with_word(0x08, 0), "kernel is empty"),
        (with_word(0x08, u32::MAX), "its kernel"),
        (with_word(0x10, u32::MAX), "its RAM disk"),
        (with_word(0x18, 1), "second stage"),
        (with_word(0x24, 0), "page of 0 bytes"),
        (with_word(0x24, 3000), "page of 3000 bytes"),
        (with_word(0x28, 1), "version 1"),
        (with_word(0x40, 0xffff_ffff), "not UTF-8"),
    ] {
        let said = parse(&image).unwrap_err().to_string();
        assert!(said.contains(reason), "{said:?}, not {reason:?}");
    }
    let mut endless = small();
    endless[0x40..0x240].fill(b'x');
    assert!(parse(&endless).unwrap_err().to_string().contains("no end"));
}

proptest! {
    #[test]
    fn what_was_packed_is_read_back(
        kernel in prop::collection::vec(any::<u8>(), 1..3 * PAGE_BYTES),
        ramdisk in prop::collection::vec(any::<u8>(), 0..3 * PAGE_BYTES),
        cmdline in "[ -~é]{0,255}",
    ) {
        let content = BootImage { kernel: &kernel, ramdisk: &ramdisk, cmdline: &cmdline };
        let image = pack(&content).unwrap();
        prop_assert_eq!(image.len() % PAGE_BYTES, 0);
        prop_assert_eq!(parse(&image).unwrap(), content);
    }

    /// Whatever the header says, reading ends with a result, and no part is outside the file.
    #[test]
    fn no_header_is_too_wild(
        words in prop::collection::vec((2usize..12, prop_oneof![any::<u32>(), 0u32..20_000]), 0..6),
        cut in 0usize..12_289,
    ) {
        let mut image = small();
        for (word, value) in words {
            image[4 * word..4 * word + 4].copy_from_slice(&value.to_le_bytes());
        }
        image.truncate(cut);
        if let Ok(content) = parse(&image) {
            prop_assert!(PAGE_BYTES + content.kernel.len() + content.ramdisk.len() <= image.len());
        }
    }
}
