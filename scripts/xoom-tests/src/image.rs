//! Android boot images, version 0 (AOSP `bootimg.h`).

/// Bytes of a page, the tablet's.
pub const PAGE: usize = 2048;
const CMDLINE: usize = 0x40;
const CMDLINE_LEN: usize = 512;

/// An image of a kernel, a RAM disk that may be empty, and a command line of at most 511 bytes.
///
/// The load addresses in the header are those that `fastboot boot` writes by default; the tablet ignores them.
///
/// # Panics
/// If the command line is too long.
pub fn boot_image(kernel: &[u8], ramdisk: &[u8], cmdline: &str) -> Vec<u8> {
    assert!(cmdline.len() < CMDLINE_LEN, "the command line is too long");
    let mut image = b"ANDROID!".to_vec();
    for word in [
        kernel.len(),
        0x1000_8000,
        ramdisk.len(),
        0x1100_0000,
        0, // No second stage.
        0x10f0_0000,
        0x1000_0100,
        PAGE,
    ] {
        image.extend(u32::try_from(word).expect("32 bits").to_le_bytes());
    }
    image.resize(CMDLINE, 0);
    image.extend(cmdline.as_bytes());
    for part in [kernel, ramdisk] {
        image.resize(image.len().next_multiple_of(PAGE), 0);
        image.extend(part);
    }
    image.resize(image.len().next_multiple_of(PAGE), 0);
    image
}
