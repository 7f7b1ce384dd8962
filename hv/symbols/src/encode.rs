//! The writer, for the host.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::{BLOCK_SYMBOLS, HEADER_BYTES, MAGIC, NAME_MAX_BYTES, TOKEN_INDEX_BYTES, VERSION};

/// A symbol to put into the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Link address of the first byte.
    pub start: u32,
    /// Length in bytes; 0 means "up to the next symbol", as assembly labels have it.
    pub size: u32,
    /// Demangled name. Characters other than printable ASCII become `?`.
    pub name: String,
}

/// Why no table could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The table would not fit in 32-bit offsets.
    TooBig,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("symbol table: more symbols than 32-bit offsets can hold")
    }
}

impl core::error::Error for EncodeError {}

/// Makes a table of `symbols`, given in any order.
///
/// Of several symbols at one address one is kept: the one with a size before the one without, then the first by name.
/// A symbol without a size reaches to the next symbol, or to the end of a larger symbol around it; `end`, the link
/// address after the last byte of code, bounds the last one.
///
/// # Errors
/// [`EncodeError::TooBig`] if the result would exceed 4 GiB.
pub fn encode(symbols: &[Input], end: u32) -> Result<Vec<u8>, EncodeError> {
    let symbols = settle(symbols, end);
    let mut names: Vec<Vec<u8>> = symbols.iter().map(|symbol| plain(&symbol.name)).collect();
    let tokens = train(&mut names);

    let mut index = Vec::new();
    let mut entries = Vec::new();
    let base = symbols.first().map_or(0, |symbol| symbol.start);
    let mut previous = base;
    for (i, (symbol, name)) in symbols.iter().zip(&names).enumerate() {
        if i % BLOCK_SYMBOLS == 0 {
            index.extend((symbol.start - base).to_le_bytes());
            index.extend(word(entries.len())?.to_le_bytes());
            previous = symbol.start;
        }
        varint(&mut entries, symbol.start - previous);
        varint(&mut entries, symbol.size);
        // NAME_MAX_BYTES is below 256, and a token stands for at least one byte.
        entries.push(name.len() as u8);
        entries.extend(name);
        previous = symbol.start;
    }

    let token_index_at = HEADER_BYTES + index.len();
    let token_text_at = token_index_at + TOKEN_INDEX_BYTES;
    let token_text: Vec<u8> = tokens.concat();
    let entries_at = token_text_at + token_text.len();
    let total_bytes = (entries_at + entries.len()).next_multiple_of(4);

    let mut table = Vec::with_capacity(total_bytes);
    table.extend(MAGIC.to_le_bytes());
    table.extend(VERSION.to_le_bytes());
    table.extend((BLOCK_SYMBOLS as u16).to_le_bytes());
    table.extend(word(total_bytes)?.to_le_bytes());
    table.extend(word(symbols.len())?.to_le_bytes());
    table.extend(base.to_le_bytes());
    for offset in [token_index_at, token_text_at, entries_at] {
        table.extend(word(offset)?.to_le_bytes());
    }
    table.extend(index);
    let mut at = 0u16;
    for token in &tokens {
        table.extend(at.to_le_bytes());
        // At most 256 tokens of at most NAME_MAX_BYTES: below 64 KiB.
        at += token.len() as u16;
    }
    table.extend(at.to_le_bytes());
    table.extend(token_text);
    table.extend(entries);
    table.resize(total_bytes, 0);
    Ok(table)
}

fn word(value: usize) -> Result<u32, EncodeError> {
    u32::try_from(value).map_err(|_| EncodeError::TooBig)
}

fn varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Sorts, drops doubles and fills in missing sizes.
fn settle(symbols: &[Input], end: u32) -> Vec<Input> {
    let mut sorted = symbols.to_vec();
    sorted.sort_by(|a, b| {
        (a.start, a.size == 0, &a.name, a.size).cmp(&(b.start, b.size == 0, &b.name, b.size))
    });
    sorted.dedup_by_key(|symbol| symbol.start);

    // Where the furthest-reaching symbol so far ends.
    let mut around_end = 0;
    for i in 0..sorted.len() {
        let start = sorted[i].start;
        if sorted[i].size == 0 {
            let next = sorted.get(i + 1).map_or(end, |next| next.start);
            let limit = if around_end > start { next.min(around_end) } else { next };
            sorted[i].size = limit.saturating_sub(start).max(1);
        }
        around_end = around_end.max(start.saturating_add(sorted[i].size));
    }
    sorted
}

/// The name as printable ASCII, clipped.
fn plain(name: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        name.chars().map(|c| if matches!(c, ' '..='~') { c as u8 } else { b'?' }).collect();
    if bytes.len() > NAME_MAX_BYTES {
        bytes.truncate(NAME_MAX_BYTES - 3);
        bytes.extend(b"...");
    }
    bytes
}

/// Replaces the most frequent pairs in `names` by one-byte tokens, again and again, until the 256 token numbers are
/// used up or no pair occurs often enough to pay. Returns what each token stands for.
fn train(names: &mut [Vec<u8>]) -> Vec<Vec<u8>> {
    let mut tokens: Vec<Vec<u8>> = vec![Vec::new(); 256];
    for &byte in names.iter().flatten() {
        tokens[usize::from(byte)] = vec![byte];
    }
    let free: Vec<u8> = (0..=255u8).filter(|&token| tokens[usize::from(token)].is_empty()).collect();
    let mut counts = vec![0u32; 1 << 16];
    for token in free {
        let (mut best, mut best_count) = (0, 0);
        for pair in names.iter().flat_map(|name| name.windows(2)).map(pair_number) {
            counts[pair] += 1;
            if counts[pair] > best_count {
                (best, best_count) = (pair, counts[pair]);
            }
        }
        for pair in names.iter().flat_map(|name| name.windows(2)).map(pair_number) {
            counts[pair] = 0;
        }
        let (first, second) = ((best >> 8) as u8, best as u8);
        let text = [tokens[usize::from(first)].as_slice(), &tokens[usize::from(second)]].concat();
        // A token costs its text; it saves one byte each time it is used.
        if best_count as usize <= text.len() {
            break;
        }
        tokens[usize::from(token)] = text;
        for name in names.iter_mut() {
            replace(name, first, second, token);
        }
    }
    tokens
}

fn pair_number(pair: &[u8]) -> usize {
    usize::from(pair[0]) << 8 | usize::from(pair[1])
}

fn replace(name: &mut Vec<u8>, first: u8, second: u8, token: u8) {
    let mut to = 0;
    let mut from = 0;
    while from < name.len() {
        let pair = name[from] == first && name.get(from + 1) == Some(&second);
        name[to] = if pair { token } else { name[from] };
        to += 1;
        from += if pair { 2 } else { 1 };
    }
    name.truncate(to);
}
