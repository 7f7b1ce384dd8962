//! The compact symbol table inside a Nex image.
//!
//! The host tool appends one table to the flat image; the hypervisor reads it in place to put function names into
//! backtraces. The reader needs no allocator and never panics, whatever the bytes are: a damaged table gives wrong or
//! missing names and nothing worse.
//!
//! # Layout
//!
//! All numbers are little-endian. Offsets count bytes from the start of the table. A varint is LEB128 (seven bits a
//! byte, lowest first, bit 7 set on all but the last), at most 32 bits.
//!
//! | offset | size | what |
//! | --- | --- | --- |
//! | 0 | 4 | magic, the bytes `NEXS` |
//! | 4 | 2 | version, 1 |
//! | 6 | 2 | symbols in a block, 16 |
//! | 8 | 4 | total bytes of the table, a multiple of 4 |
//! | 12 | 4 | number of symbols |
//! | 16 | 4 | base: link address of the first symbol |
//! | 20 | 4 | offset of the token index |
//! | 24 | 4 | offset of the token text |
//! | 28 | 4 | offset of the entries |
//! | 32 | 8 per block | block index: address of the block's first symbol minus base, offset of its first entry minus offset of the entries |
//! | | 2 * 257 | token index: where token *i* begins in the token text; token *i* ends where *i* + 1 begins |
//! | | | token text, ASCII |
//! | | | entries, ascending by address |
//!
//! An entry is: varint distance from the start of the previous symbol of the block (0 for the first), varint size in
//! bytes, one byte number of tokens, and that many token numbers, one byte each. Expanding the tokens one after
//! another gives the name. The idea of one-byte tokens for frequent pairs is that of Linux's kallsyms; demangled Rust
//! names shrink to about a third.
//!
//! Rejected: front coding, which saves little because symbols are sorted by address and not by name, and a general
//! compressor, which cannot be read in place.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "encode")]
extern crate alloc;

#[cfg(feature = "encode")]
mod encode;
mod table;

#[cfg(feature = "encode")]
pub use encode::{EncodeError, Input, encode};
pub use table::{Name, ParseError, Symbol, SymbolTable};

/// First four bytes of a table, as a little-endian word.
pub const MAGIC: u32 = u32::from_le_bytes(*b"NEXS");

/// Layout version that this crate reads and writes.
pub const VERSION: u16 = 1;

/// Bytes of the fixed header.
pub const HEADER_BYTES: usize = 32;

/// Longest name in bytes. The writer clips longer ones and ends them with `...`; the reader stops there.
pub const NAME_MAX_BYTES: usize = 240;

/// Symbols in one block of the address index.
const BLOCK_SYMBOLS: usize = 16;

/// Bytes of the token index: 257 half-words.
const TOKEN_INDEX_BYTES: usize = 257 * 2;
