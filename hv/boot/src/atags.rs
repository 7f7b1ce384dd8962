//! ATAG lists, what boot loaders passed before device trees (Linux `Documentation/arch/arm/booting.rst`, tag numbers
//! and layouts from `arch/arm/include/uapi/asm/setup.h`).
//!
//! A tag is a header of two little-endian words (length in words with the header, tag number) and its contents.

use core::fmt;

use crate::bytes::le32;

/// No tag list is longer than this; Linux's own limit on what it copies is smaller.
pub const MAX_BYTES: usize = 16 * 1024;

const NONE: u32 = 0;
pub(crate) const CORE: u32 = 0x5441_0001;
const MEM: u32 = 0x5441_0002;
const INITRD2: u32 = 0x5442_0005;
const SERIAL: u32 = 0x5441_0006;
const REVISION: u32 = 0x5441_0007;
const CMDLINE: u32 = 0x5441_0009;

/// Why a tag list was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtagError {
    /// The list does not begin with ATAG_CORE.
    NoCore,
    /// The tag is shorter than its header or than its contents need.
    TooShort,
    /// The tag runs past the end of the list's memory.
    TooLong,
    /// The list goes on past [`MAX_BYTES`] without ATAG_NONE.
    NoEnd,
}

impl fmt::Display for AtagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCore => "list does not begin with ATAG_CORE",
            Self::TooShort => "tag is too short",
            Self::TooLong => "tag runs past the end of the list",
            Self::NoEnd => "list has no ATAG_NONE",
        })
    }
}

/// A tag that says something Nex uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag<'a> {
    /// ATAG_MEM: a bank of RAM.
    Mem {
        /// Physical address.
        start: u32,
        /// Length in bytes.
        bytes: u32,
    },
    /// ATAG_INITRD2: the initial RAM disk, here the boot volume.
    Initrd {
        /// Physical address.
        start: u32,
        /// Length in bytes.
        bytes: u32,
    },
    /// ATAG_CMDLINE: bytes up to the first NUL, or all.
    CommandLine(&'a [u8]),
    /// ATAG_SERIAL: the board's serial number.
    Serial(u64),
    /// ATAG_REVISION: the board's revision.
    Revision(u32),
    /// Any other tag, by number: framebuffer, NVIDIA's 0x41000801, and so on.
    Other(u32),
}

/// Whether `first_bytes` begin with ATAG_CORE: no contents, or flags, page size and root device.
pub(crate) fn is_core(first_bytes: &[u8]) -> bool {
    le32(first_bytes, 4) == Some(CORE) && matches!(le32(first_bytes, 0), Some(2 | 5))
}

/// Calls `each` for every tag between ATAG_CORE and ATAG_NONE, in order. `list` may be longer than the tags.
///
/// # Errors
/// [`AtagError`] with the byte offset of the tag; the tags before it have been passed on.
pub fn for_each<'a>(list: &'a [u8], mut each: impl FnMut(Tag<'a>)) -> Result<(), (usize, AtagError)> {
    if !is_core(list) {
        return Err((0, AtagError::NoCore));
    }
    let list = &list[..list.len().min(MAX_BYTES)];
    let mut at = 0;
    loop {
        let (words, tag) = le32(list, at).zip(le32(list, at + 4)).ok_or((at, AtagError::NoEnd))?;
        // Loaders disagree on the length of ATAG_NONE (0 or 2), so only its number counts.
        if tag == NONE {
            return Ok(());
        }
        if words < 2 {
            return Err((at, AtagError::TooShort));
        }
        // MAX_BYTES bounds what can be true, so the product below cannot overflow.
        if words as usize > MAX_BYTES / 4 {
            return Err((at, AtagError::TooLong));
        }
        let end = at + 4 * words as usize;
        let contents = list.get(at + 8..end).ok_or((at, AtagError::TooLong))?;
        let word = |index: usize| le32(contents, 4 * index).ok_or((at, AtagError::TooShort));
        match tag {
            CORE => {}
            MEM => each(Tag::Mem { bytes: word(0)?, start: word(1)? }),
            INITRD2 => each(Tag::Initrd { start: word(0)?, bytes: word(1)? }),
            SERIAL => each(Tag::Serial(u64::from(word(1)?) << 32 | u64::from(word(0)?))),
            REVISION => each(Tag::Revision(word(0)?)),
            CMDLINE => {
                let text = contents.split(|byte| *byte == 0).next().unwrap_or_default();
                each(Tag::CommandLine(text));
            }
            other => each(Tag::Other(other)),
        }
        at = end;
    }
}
