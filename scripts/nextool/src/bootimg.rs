//! Android boot images, header version 0 (AOSP `bootimg.h`): what `fastboot boot` sends to a tablet.
//!
//! A header page, then kernel and RAM disk, each from a page boundary on and padded to the next. All numbers are 32-bit
//! little-endian. The header of the image that [`pack`] makes names the load addresses that `fastboot` itself would
//! write; the Xoom's boot loader goes by none of them: it starts the kernel where it received it.

use anyhow::{Context, Result, ensure};

/// Bytes of a page of the image: what the Xoom's boot loader expects.
pub const PAGE_BYTES: usize = 2048;
/// The longest command line, without the zero byte at its end. Version 0 has room for more elsewhere in the header,
/// which older boot loaders do not know of.
pub const MAX_CMDLINE_BYTES: usize = CMDLINE_BYTES - 1;
/// Where [`pack`] asks for the kernel to be loaded.
pub const KERNEL_ADDRESS: u32 = BASE + 0x8000;
/// Where [`pack`] asks for the RAM disk to be loaded.
pub const RAMDISK_ADDRESS: u32 = BASE + 0x0100_0000;

/// The base of `fastboot`'s default addresses.
const BASE: u32 = 0x1000_0000;
const SECOND_ADDRESS: u32 = BASE + 0x00f0_0000;
const TAGS_ADDRESS: u32 = BASE + 0x100;

const MAGIC: &[u8; 8] = b"ANDROID!";
const KERNEL_SIZE_AT: usize = 0x08;
const KERNEL_ADDRESS_AT: usize = 0x0c;
const RAMDISK_SIZE_AT: usize = 0x10;
const RAMDISK_ADDRESS_AT: usize = 0x14;
const SECOND_SIZE_AT: usize = 0x18;
const SECOND_ADDRESS_AT: usize = 0x1c;
const TAGS_ADDRESS_AT: usize = 0x20;
const PAGE_SIZE_AT: usize = 0x24;
const VERSION_AT: usize = 0x28;
const NAME_AT: usize = 0x30;
const NAME_BYTES: usize = 16;
const CMDLINE_AT: usize = 0x40;
const CMDLINE_BYTES: usize = 512;
/// Name of the product, in [`NAME_BYTES`] with at least one zero.
const NAME: &[u8] = b"nex";

/// What is in a boot image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootImage<'a> {
    /// The kernel: for Nex its flat image.
    pub kernel: &'a [u8],
    /// The RAM disk: for Nex its boot volume. May be empty.
    pub ramdisk: &'a [u8],
    /// The kernel's command line.
    pub cmdline: &'a str,
}

/// Makes the image. It depends on nothing but `content`.
///
/// # Errors
/// If there is no kernel, the command line is longer than [`MAX_CMDLINE_BYTES`] or has a zero byte, or a part has 2 GiB
/// or more.
pub fn pack(content: &BootImage<'_>) -> Result<Vec<u8>> {
    let BootImage { kernel, ramdisk, cmdline } = *content;
    ensure!(!kernel.is_empty(), "the kernel is empty");
    ensure!(
        cmdline.len() <= MAX_CMDLINE_BYTES,
        "the command line has {} bytes; a boot image holds {MAX_CMDLINE_BYTES}",
        cmdline.len()
    );
    ensure!(!cmdline.contains('\0'), "the command line has a zero byte");

    let mut image = vec![0; PAGE_BYTES];
    image[..MAGIC.len()].copy_from_slice(MAGIC);
    for (at, value) in [
        (KERNEL_SIZE_AT, size(kernel, "kernel")?),
        (KERNEL_ADDRESS_AT, KERNEL_ADDRESS),
        (RAMDISK_SIZE_AT, size(ramdisk, "boot volume")?),
        (RAMDISK_ADDRESS_AT, RAMDISK_ADDRESS),
        (SECOND_ADDRESS_AT, SECOND_ADDRESS),
        (TAGS_ADDRESS_AT, TAGS_ADDRESS),
        (PAGE_SIZE_AT, PAGE_BYTES as u32),
    ] {
        image[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    image[NAME_AT..NAME_AT + NAME.len()].copy_from_slice(NAME);
    image[CMDLINE_AT..CMDLINE_AT + cmdline.len()].copy_from_slice(cmdline.as_bytes());
    for part in [kernel, ramdisk] {
        image.extend(part);
        image.resize(image.len().next_multiple_of(PAGE_BYTES), 0);
    }
    Ok(image)
}

fn size(part: &[u8], name: &str) -> Result<u32> {
    // Boot loaders round up to pages in 32 bits.
    let size = i32::try_from(part.len()).ok().with_context(|| format!("{name}: 2 GiB or more"))?;
    Ok(size as u32)
}

/// Reads an image of header version 0 with any page size from 2048 to 16384 bytes.
///
/// # Errors
/// What is wrong with it, or that it has parts that Nex's images do not have: a second stage, a later header version.
pub fn parse(image: &[u8]) -> Result<BootImage<'_>> {
    ensure!(image.starts_with(MAGIC), "no Android boot image: it does not begin with ANDROID!");
    let header = image.get(..PAGE_BYTES).context("shorter than its header")?;
    let word = |at: usize| {
        let bytes = header[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(bytes) as usize
    };
    let page = word(PAGE_SIZE_AT);
    ensure!(page.is_power_of_two() && (2048..=16384).contains(&page), "a page of {page} bytes");
    ensure!(word(VERSION_AT) == 0, "header version {}; this reads version 0", word(VERSION_AT));
    ensure!(word(SECOND_SIZE_AT) == 0, "it has a second stage");
    ensure!(word(KERNEL_SIZE_AT) != 0, "the kernel is empty");

    let part = |from: usize, bytes: usize, name: &str| {
        from.checked_add(bytes)
            .and_then(|end| image.get(from..end))
            .with_context(|| format!("shorter than its {name}"))
    };
    let kernel = part(page, word(KERNEL_SIZE_AT), "kernel")?;
    // `kernel` lies in the image, so its end can be rounded up without overflow.
    let ramdisk_at = page + kernel.len().next_multiple_of(page);
    let ramdisk = match word(RAMDISK_SIZE_AT) {
        0 => &[][..],
        bytes => part(ramdisk_at, bytes, "RAM disk")?,
    };
    let cmdline = &header[CMDLINE_AT..CMDLINE_AT + CMDLINE_BYTES];
    let length = cmdline.iter().position(|&byte| byte == 0).context("the command line has no end")?;
    let cmdline = str::from_utf8(&cmdline[..length]).context("the command line is not UTF-8")?;
    Ok(BootImage { kernel, ramdisk, cmdline })
}

const _: () = assert!(NAME.len() < NAME_BYTES);
