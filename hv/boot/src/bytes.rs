//! Bounds-checked reads of fixed-width integers.

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
