//! Reads the last log records and the panic text from a dump of the machine's memory.
//!
//! Both have a magic number and are found by that; where Nex was loaded need not be known. The layouts are those in
//! `hv/src/log/ring.rs` and `hv/src/log/last_words.rs`, all words little-endian:
//!
//! | | at 0 | at 8 | at 12 | at 16 | at 20 | at 24 | then |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | `NEX_LOG_RING` | `NEX-LOG\1` | size | tail | head | sent | lost | bytes |
//! | `NEX_PANIC_TEXT` | `NEX-DIE\1` | size | length | text | | | |

use anyhow::{Context, Result, bail};

use super::id::{self, ID_SYMBOL};
use crate::elf32::Elf;
use crate::image::address_of;

const RING_MAGIC: &[u8; 8] = b"NEX-LOG\x01";
const RING_HEADER_BYTES: usize = 28;
const PANIC_MAGIC: &[u8; 8] = b"NEX-DIE\x01";
const PANIC_HEADER_BYTES: usize = 16;

/// Larger ones are no headers but something that looks like one.
const MAX_BYTES: usize = 1 << 20;

/// What a dump tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Story {
    /// Offset in the dump of Nex's first byte.
    pub nex_at: usize,
    /// The panic text, empty if Nex had not panicked.
    pub panic: String,
    /// Which build it was, 0 if it does not say.
    pub id: u32,
    /// The records that were kept, oldest first: rzCOBS data without the zeros.
    pub frames: Vec<Vec<u8>>,
    /// Records that were lost before anybody saw them.
    pub lost: u32,
}

struct Ring {
    at: usize,
    head: u32,
    lost: u32,
    data: Vec<u8>,
}

/// Finds the Nex of the file `elf` in the dump of a machine's memory.
///
/// # Errors
/// If it is not there, or the ELF file has no log.
pub fn read(memory: &[u8], elf: &Elf<'_>) -> Result<Story> {
    let address =
        |name: &str| address_of(elf, name)?.with_context(|| format!("the ELF file has no symbol {name}"));
    let (ring_va, id_va, panic_va) =
        (address("NEX_LOG_RING")?, address(ID_SYMBOL)?, address("NEX_PANIC_TEXT")?);
    let base = elf.segments[0].vaddr;
    // The image as it was loaded may still lie beside the one that ran: the one that ran has written most.
    let found = find(memory, RING_MAGIC).filter_map(|at| ring(memory, at)).max_by_key(|ring| ring.head);
    let Some(ring) = found else { bail!("no log of a Nex is in this dump") };
    // The image is one piece, so everything lies as far apart as in the ELF file.
    let at = |va: u32| (ring.at as i64 + i64::from(va) - i64::from(ring_va)) as usize;
    let id =
        memory.get(at(id_va)..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| id::decode(*bytes));
    let panic = panic_text(memory, at(panic_va)).or_else(|| {
        // With another ELF file, or a damaged memory.
        find(memory, PANIC_MAGIC).filter_map(|at| panic_text(memory, at)).max_by_key(String::len)
    });
    let frames = ring.data.split(|&byte| byte == 0).filter(|frame| !frame.is_empty()).map(<[u8]>::to_vec);
    Ok(Story {
        nex_at: at(base),
        panic: panic.unwrap_or_default(),
        id,
        frames: frames.collect(),
        lost: ring.lost,
    })
}

/// Where `magic` is at a multiple of 4.
fn find<'a>(memory: &'a [u8], magic: &'a [u8; 8]) -> impl Iterator<Item = usize> + 'a {
    (0..memory.len()).step_by(4).filter(move |&at| memory[at..].starts_with(magic))
}

fn word(memory: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*memory.get(at..)?.first_chunk()?))
}

fn ring(memory: &[u8], at: usize) -> Option<Ring> {
    let size = word(memory, at + 8)? as usize;
    let (tail, head, lost) = (word(memory, at + 12)?, word(memory, at + 16)?, word(memory, at + 24)?);
    let used = head.wrapping_sub(tail) as usize;
    if !size.is_power_of_two() || size > MAX_BYTES || used > size {
        return None;
    }
    let bytes = memory.get(at + RING_HEADER_BYTES..)?.get(..size)?;
    let data = (0..used).map(|n| bytes[(tail as usize).wrapping_add(n) % size]).collect();
    Some(Ring { at, head, lost, data })
}

fn panic_text(memory: &[u8], at: usize) -> Option<String> {
    if !memory.get(at..)?.starts_with(PANIC_MAGIC) {
        return None;
    }
    let (size, len) = (word(memory, at + 8)? as usize, word(memory, at + 12)? as usize);
    if size > MAX_BYTES || len > size {
        return None;
    }
    let text = memory.get(at + PANIC_HEADER_BYTES..)?.get(..len)?;
    Some(String::from_utf8_lossy(text).into_owned())
}
