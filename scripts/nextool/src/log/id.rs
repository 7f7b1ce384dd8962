//! Which build a log record is from.
//!
//! The decoder needs the very ELF file that the image was made of. Every frame carries 18 bits that both were hashed from;
//! `nextool image` puts them into the image at the symbol `NEX_LOG_ID`.

use anyhow::Result;

use crate::elf32::Elf;

/// Where the three bytes and a zero are.
pub const ID_SYMBOL: &str = "NEX_LOG_ID";

/// The id of the build: 1 to 0x3ffff. From all that is loaded and from the log's format strings.
///
/// # Errors
/// If the file has no symbols.
pub fn build_id(elf: &Elf<'_>) -> Result<u32> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    // FNV-1a, 64 bits.
    let mut add = |bytes: &[u8]| {
        for &byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for segment in &elf.segments {
        add(&segment.vaddr.to_le_bytes());
        add(segment.data);
    }
    // defmt's symbols are JSON texts.
    let mut strings: Vec<_> = elf.symbols()?.into_iter().filter(|s| s.name.starts_with('{')).collect();
    strings.sort_by(|a, b| (a.value, &a.name).cmp(&(b.value, &b.name)));
    for string in &strings {
        add(&string.value.to_le_bytes());
        add(string.name.as_bytes());
    }
    let folded = (hash ^ hash >> 18 ^ hash >> 36 ^ hash >> 54) as u32 & 0x3_ffff;
    Ok(folded.max(1))
}

/// As it is in the image and before each frame: six bits a byte, so that no byte is a zero or steers a terminal.
pub fn encode(id: u32) -> [u8; 3] {
    [id >> 12, id >> 6, id].map(|bits| 0x40 | (bits & 0x3f) as u8)
}

/// The reverse.
pub fn decode(bytes: [u8; 3]) -> u32 {
    bytes.iter().fold(0, |id, byte| id << 6 | u32::from(byte & 0x3f))
}
