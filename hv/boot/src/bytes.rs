//! Bounds-checked reads of fixed-width integers, and safe printing of names found in input.

use core::fmt::{self, Write};

/// The little-endian word at byte offset `at`, or `None` past the end.
pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*word))
}

/// The big-endian word at byte offset `at`, or `None` past the end.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word))
}

/// `count` big-endian words at `at` as one number; `None` past the end or for more than two words.
pub(crate) fn be_cells(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    match count {
        0 => Some(0),
        1 => be32(bytes, at).map(u64::from),
        2 => Some(u64::from(be32(bytes, at)?) << 32 | u64::from(be32(bytes, at + 4)?)),
        _ => None,
    }
}

/// `bytes` from the start up to the first NUL, if one is there and what precedes it is UTF-8.
pub(crate) fn c_str(bytes: &[u8]) -> Option<&str> {
    core::ffi::CStr::from_bytes_until_nul(bytes).ok()?.to_str().ok()
}

/// A name from a boot volume for a message: on one line, without control characters, and not endless.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_CHARS: usize = 64;
        for c in self.0.chars().take(MAX_CHARS) {
            f.write_char(if c.is_control() { '?' } else { c })?;
        }
        if self.0.chars().nth(MAX_CHARS).is_some() { f.write_str("...") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_on_one_line() {
        assert_eq!(Shown("vmlinuz").to_string(), "vmlinuz");
        assert_eq!(Shown("a\u{1b}[2Jb\n\u{9b}ä").to_string(), "a?[2Jb??ä");
        assert_eq!(Shown(&"x".repeat(64)).to_string(), "x".repeat(64));
        assert_eq!(Shown(&"x".repeat(65)).to_string(), format!("{}...", "x".repeat(64)));
    }
}
