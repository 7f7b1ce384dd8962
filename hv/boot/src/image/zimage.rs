//! zImages: a kernel that unpacks itself.
//!
//! Layout: Linux `arch/arm/boot/compressed/head.S` and `vmlinux.lds.S`. From offset 0x24 of the file: magic number, load
//! address (0: anywhere), end address, 0x04030201 for the byte order, and since Linux 4.15 0x45454545 and the offset of a
//! table. An entry of the table has its length in words, a tag, and values; the tag "KLSZ" has where in the file the size
//! of the unpacked kernel stands, the size of its .bss, and since 5.11 the offset of the unpacked kernel from the start
//! of memory and the size of the decompressor's heap.

use super::{ImageError, RamWindow};
use crate::bytes::le32;

/// Offset of the magic number.
pub(super) const MAGIC_AT: usize = 0x24;
pub(super) const MAGIC: u32 = 0x016f_2818;

const MAGIC2_AT: usize = 0x34;
const MAGIC2: u32 = 0x4545_4545;
const TABLE_AT: usize = 0x38;
/// Word 1 of the only entry there is.
const KERNEL_SIZE_TAG: u32 = 0x5a53_4c4b;

/// Largest offset of an unpacked kernel from the start of memory (TEXT_OFFSET in Linux `arch/arm/Makefile`, for Axxia).
const MAX_TEXT_OFFSET: u32 = 0x30_8000;
/// Heap of the decompressor, where the file does not say.
const HEAP_BYTES: u32 = 0x1_0000;
/// The decompressor's stack, its .bss, and the rounding when it moves itself: less than a page each.
const SLACK_BYTES: u64 = 0x4000;
/// Where the file does not say how large the kernel will be: this many times the file, as kexec-tools has it. (Debian's
/// is 3.8 times.)
const ASSUMED_RATIO: u64 = 4;
/// A kernel takes the memory that its own address lies in to begin at a multiple of this, unless its device tree says
/// otherwise (AUTO_ZRELADDR in `head.S`).
const MEMORY_UNIT: u32 = 128 << 20;

/// Whether the file is one.
pub(super) fn is_zimage(file: &[u8]) -> bool {
    le32(file, MAGIC_AT) == Some(MAGIC)
}

/// Checks a zImage's header. Gives the address it must be loaded at, if it is not position-independent.
///
/// `end` may be before the end of the file: an appended device tree is behind it, and loaded as well.
pub(super) fn load_address(file: &[u8]) -> Result<Option<u32>, ImageError> {
    let (start, end) = le32(file, MAGIC_AT + 4)
        .zip(le32(file, MAGIC_AT + 8))
        .ok_or(ImageError::ZImageTruncated { expected_bytes: 0x30, bytes: file.len() })?;
    let expected_bytes = end.wrapping_sub(start);
    if expected_bytes as usize > file.len() {
        return Err(ImageError::ZImageTruncated { expected_bytes, bytes: file.len() });
    }
    Ok((start != 0).then_some(start))
}

/// The first address that unpacking leaves alone, for the zImage `file` loaded at `load`.
///
/// If the unpacked kernel would lie on the zImage, that moves itself behind the kernel first, with heap and stack; what
/// lies there is lost. Later the kernel clears its .bss.
pub(super) fn end_of_unpacking(file: &[u8], load: u32, ram: &RamWindow) -> u64 {
    let bytes = file.len() as u64;
    let sizes = Sizes::of(file).unwrap_or(Sizes {
        unpacked_bytes: ASSUMED_RATIO * bytes,
        bss_bytes: 0,
        text_offset: MAX_TEXT_OFFSET,
        heap_bytes: HEAP_BYTES,
    });
    let decompressor = bytes + u64::from(sizes.heap_bytes) + SLACK_BYTES;
    let memory = ram.base.max(load / MEMORY_UNIT * MEMORY_UNIT);
    let kernel_end = u64::from(memory) + u64::from(sizes.text_offset) + sizes.unpacked_bytes;
    let moved_end = kernel_end + decompressor;
    let unmoved_end = u64::from(load) + decompressor;
    moved_end.max(unmoved_end).max(kernel_end + u64::from(sizes.bss_bytes))
}

/// What the file says about itself.
struct Sizes {
    unpacked_bytes: u64,
    bss_bytes: u32,
    text_offset: u32,
    heap_bytes: u32,
}

impl Sizes {
    fn of(file: &[u8]) -> Option<Self> {
        if le32(file, MAGIC2_AT)? != MAGIC2 {
            return None;
        }
        let table = le32(file, TABLE_AT)? as usize;
        let word = |index: usize| le32(file, table.checked_add(4 * index)?);
        let words = word(0)?;
        if word(1)? != KERNEL_SIZE_TAG || words < 4 {
            return None;
        }
        // Anything absurd here only keeps the initial RAM disk further away, or leaves it no room.
        Some(Self {
            unpacked_bytes: u64::from(le32(file, word(2)? as usize)?),
            bss_bytes: word(3)?,
            text_offset: if words >= 6 { word(4)? } else { MAX_TEXT_OFFSET },
            heap_bytes: if words >= 6 { word(5)? } else { HEAP_BYTES },
        })
    }
}
