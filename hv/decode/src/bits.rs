//! Bit fields of instruction words, also for other decoders.

/// Bits `low..low + width` of `word`, in the low bits. `width` is 1..=31, and the sum at most 32.
pub const fn field(word: u32, low: u32, width: u32) -> u32 {
    word >> low & ((1 << width) - 1)
}

/// The register number in bits `low..low + 4`: 0..=15.
pub const fn reg(word: u32, low: u32) -> u8 {
    field(word, low, 4) as u8
}

/// Bit `n` of `word`, 0..=31.
pub const fn bit(word: u32, n: u32) -> bool {
    word >> n & 1 == 1
}

/// The number of the program counter.
pub const PC: u8 = 15;
