//! Making code.

use crate::machine::write;

/// `bx lr`.
pub(crate) const A32_RETURN: u32 = 0xe12f_ff1e;
/// `bx lr`, and a `nop` behind it.
pub(crate) const T32_RETURN: u32 = 0xbf00_4770;

/// A32 words.
pub(crate) fn place_a32(at: u32, words: &[u32]) {
    for (n, &word) in words.iter().enumerate() {
        write(at + 4 * n as u32, word);
    }
}

/// A 32-bit T32 instruction, the first halfword high, and a return.
pub(crate) fn place_t32(at: u32, word: u32) {
    write(at, word.rotate_left(16));
    write(at + 4, T32_RETURN);
}
