//! The reader.

use core::fmt::{self, Write};

use crate::{BLOCK_SYMBOLS, HEADER_BYTES, MAGIC, NAME_MAX_BYTES, TOKEN_INDEX_BYTES, VERSION};

/// Why bytes are not a symbol table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Fewer bytes than a header.
    TooShort,
    /// The first word is not [`MAGIC`]: no table was appended to the image.
    NoMagic,
    /// A layout that this reader does not know.
    Version(u16),
    /// The header claims this many bytes, more than are there.
    Truncated {
        /// Bytes the header claims.
        claimed_bytes: u32,
    },
    /// Offsets in the header overlap or point outside the table.
    BadOffsets,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("symbol table: too short for a header"),
            Self::NoMagic => f.write_str("symbol table: none here (was the image made with nextool?)"),
            Self::Version(version) => write!(f, "symbol table: unknown version {version}"),
            Self::Truncated { claimed_bytes } => {
                write!(f, "symbol table: cut off, should have {claimed_bytes} bytes")
            }
            Self::BadOffsets => f.write_str("symbol table: header is damaged"),
        }
    }
}

impl core::error::Error for ParseError {}

/// A symbol table whose header was checked. The rest is checked while it is read.
#[derive(Clone, Copy, Debug)]
pub struct SymbolTable<'a> {
    base: u32,
    count: u32,
    total_bytes: u32,
    index: &'a [u8],
    token_index: &'a [u8],
    token_text: &'a [u8],
    entries: &'a [u8],
}

/// One symbol, found by address.
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'a> {
    /// Demangled name, without the hash.
    pub name: Name<'a>,
    /// Link address of the first byte.
    pub start: u32,
    /// Length in bytes, at least 1.
    pub size: u32,
    /// The looked-up address minus `start`, in bytes; less than `size`.
    pub offset: u32,
}

/// Prints `name+0xoffset/0xsize`, the form that backtraces use.
impl fmt::Display for Symbol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+0x{:x}/0x{:x}", self.name, self.offset, self.size)
    }
}

/// A name, kept compressed until it is printed or compared.
#[derive(Clone, Copy)]
pub struct Name<'a> {
    tokens: &'a [u8],
    token_index: &'a [u8],
    token_text: &'a [u8],
}

struct Entry<'a> {
    start: u32,
    size: u32,
    name: Name<'a>,
}

impl<'a> SymbolTable<'a> {
    /// Takes the table at the start of `bytes`, which may be followed by anything.
    ///
    /// # Errors
    /// See [`ParseError`]. Only the header is looked at, so this takes the same short time for any table.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() < HEADER_BYTES {
            return Err(ParseError::TooShort);
        }
        let word = |at| read_u32(bytes, at).ok_or(ParseError::TooShort);
        if word(0)? != MAGIC {
            return Err(ParseError::NoMagic);
        }
        let version_and_block = word(4)?;
        let version = version_and_block as u16;
        if version != VERSION {
            return Err(ParseError::Version(version));
        }
        if (version_and_block >> 16) as usize != BLOCK_SYMBOLS {
            return Err(ParseError::BadOffsets);
        }
        let total_bytes = word(8)?;
        let table =
            bytes.get(..total_bytes as usize).ok_or(ParseError::Truncated { claimed_bytes: total_bytes })?;
        let count = word(12)?;
        let token_index_at = word(20)? as usize;
        let token_text_at = word(24)? as usize;
        let entries_at = word(28)? as usize;

        let index_bytes =
            (count as usize).div_ceil(BLOCK_SYMBOLS).checked_mul(8).ok_or(ParseError::BadOffsets)?;
        let slice = |from: usize, to: usize| table.get(from..to).ok_or(ParseError::BadOffsets);
        let index = slice(HEADER_BYTES, token_index_at)?;
        let token_index = slice(token_index_at, token_text_at)?;
        if index.len() != index_bytes || token_index.len() != TOKEN_INDEX_BYTES {
            return Err(ParseError::BadOffsets);
        }
        Ok(Self {
            base: word(16)?,
            count,
            total_bytes,
            index,
            token_index,
            token_text: slice(token_text_at, entries_at)?,
            entries: slice(entries_at, table.len())?,
        })
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no symbol at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the whole table, header included.
    pub fn total_bytes(&self) -> usize {
        self.total_bytes as usize
    }

    /// The symbol that `addr`, a link address, lies in.
    ///
    /// For a return address look up the address minus one: a call that never returns may be the last instruction of
    /// its function, and the return address then belongs to the next one.
    pub fn lookup(&self, addr: u32) -> Option<Symbol<'a>> {
        let distance = addr.checked_sub(self.base)?;
        // The last block that starts at or before the address.
        let (mut low, mut high) = (0, self.index.len() / 8);
        while low < high {
            let middle = low + (high - low) / 2;
            if read_u32(self.index, middle * 8)? <= distance {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut best = None;
        for entry in self.block(low.checked_sub(1)?) {
            if entry.start > addr {
                break;
            }
            best = Some(entry);
        }
        let Entry { start, size, name } = best?;
        let offset = addr.wrapping_sub(start);
        (offset < size).then_some(Symbol { name, start, size, offset })
    }

    /// Link address of the first symbol called `name`. Slow: expands names until one fits.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.iter().find(|symbol| symbol.name == *name).map(|symbol| symbol.start)
    }

    /// All symbols by ascending address, with `offset` 0. Ends early where the table is damaged.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'a>> + use<'a> {
        let table = *self;
        (0..self.index.len() / 8)
            .flat_map(move |block| table.block(block))
            .map(|Entry { start, size, name }| Symbol { name, start, size, offset: 0 })
    }

    /// The entries of block number `block`.
    fn block(&self, block: usize) -> Entries<'a> {
        let start = read_u32(self.index, block * 8).unwrap_or(0);
        let from = read_u32(self.index, block * 8 + 4).unwrap_or(u32::MAX);
        Entries {
            rest: self.entries.get(from as usize..).unwrap_or(&[]),
            left: (self.len().saturating_sub(block * BLOCK_SYMBOLS)).min(BLOCK_SYMBOLS),
            start: self.base.wrapping_add(start),
            token_index: self.token_index,
            token_text: self.token_text,
        }
    }
}

/// Decodes one block.
struct Entries<'a> {
    rest: &'a [u8],
    left: usize,
    start: u32,
    token_index: &'a [u8],
    token_text: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.checked_sub(1)?;
        self.start = self.start.checked_add(self.varint()?)?;
        let size = self.varint()?;
        let (&count, rest) = self.rest.split_first()?;
        let (tokens, rest) = rest.split_at_checked(usize::from(count))?;
        self.rest = rest;
        let name = Name { tokens, token_index: self.token_index, token_text: self.token_text };
        Some(Entry { start: self.start, size, name })
    }
}

impl Entries<'_> {
    fn varint(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl<'a> Name<'a> {
    /// The characters of the name. Bytes that are not printable ASCII, seen only in a damaged table, become `?`.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        let Name { tokens, token_index, token_text } = *self;
        tokens
            .iter()
            .flat_map(move |&token| {
                let bound = |i: usize| read_u16(token_index, i * 2).unwrap_or(0);
                token_text.get(bound(token.into())..bound(usize::from(token) + 1)).unwrap_or(&[])
            })
            .take(NAME_MAX_BYTES)
            .map(|&byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '?' })
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| f.write_char(c))
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq<str> for Name<'_> {
    fn eq(&self, other: &str) -> bool {
        self.chars().eq(other.chars())
    }
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn read_u16(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)))
}
