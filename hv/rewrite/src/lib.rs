//! todo
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod codes;
mod interned;
mod page;
mod scan;
mod site;

pub use codes::{Code, Cp15, Encoded, T32, decode_a32, decode_t32, encode_a32, encode_t32};
pub use interned::Interned;
pub use nex_decode::InstructionSet;
pub use page::{Entry, NoMemory, Page, Report, Tables};
pub use scan::Scratch;
pub use site::{Original, Site};

/// Words in a page of 4 KiB.
pub const PAGE_WORDS: usize = 1024;
/// Bytes in a page.
pub const PAGE_BYTES: u32 = 4096;
