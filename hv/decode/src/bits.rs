//! Bit fields of instruction words.

/// Bits `low..low + width` of `word`.
pub(crate) const fn field(word: u32, low: u32, width: u32) -> u32 {
    word >> low & ((1 << width) - 1)
}

/// The register number in bits `low..low + 4`.
pub(crate) const fn reg(word: u32, low: u32) -> u8 {
    field(word, low, 4) as u8
}

/// Bit `n` of `word`.
pub(crate) const fn bit(word: u32, n: u32) -> bool {
    word >> n & 1 == 1
}

/// The number of the program counter.
pub(crate) const PC: u8 = 15;
