//! What the record of a page holds: where an instruction was replaced, and by what it was.

/// A replaced instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Original {
    /// An A32 word.
    A32(u32),
    /// A T32 instruction of one halfword.
    Narrow(u16),
    /// A T32 instruction of two halfwords; the first in bits 31..=16.
    Wide(u32),
    /// The first halfword of a T32 instruction whose second one is in the next page.
    Straddle(u16),
}

impl Original {
    /// How many halfwords of this page it has: 1 or 2.
    pub const fn halfwords(self) -> usize {
        match self {
            Original::A32(_) | Original::Wide(_) => 2,
            Original::Narrow(_) | Original::Straddle(_) => 1,
        }
    }

    /// Halfword number `n` (0 or 1) as it is in memory.
    pub(crate) const fn halfword(self, n: usize) -> u16 {
        match (self, n) {
            (Original::A32(word), 0) | (Original::Wide(word), 1) => word as u16,
            (Original::A32(word), _) | (Original::Wide(word), _) => (word >> 16) as u16,
            (Original::Narrow(half), _) | (Original::Straddle(half), _) => half,
        }
    }
}

/// A place in a page at which an instruction was replaced, in six bytes: the number of the halfword with the kind of the
/// original in bits 12..=11, then its value, low half first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Site([u16; 3]);

impl Site {
    pub(crate) const fn new(halfword: usize, original: Original) -> Site {
        let (kind, value) = match original {
            Original::A32(word) => (0, word),
            Original::Narrow(half) => (1, half as u32),
            Original::Wide(word) => (2, word),
            Original::Straddle(half) => (3, half as u32),
        };
        Site([halfword as u16 & 0x7ff | kind << 11, value as u16, (value >> 16) as u16])
    }

    /// Its number of halfwords from the beginning of the page, 0..=2047.
    pub(crate) const fn halfword(self) -> usize {
        (self.0[0] & 0x7ff) as usize
    }

    /// Its distance from the beginning of the page in bytes, 0..=4094.
    pub const fn offset(self) -> u32 {
        self.halfword() as u32 * 2
    }

    /// What was there.
    pub const fn original(self) -> Original {
        let word = self.0[1] as u32 | (self.0[2] as u32) << 16;
        match self.0[0] >> 11 & 3 {
            0 => Original::A32(word),
            1 => Original::Narrow(self.0[1]),
            2 => Original::Wide(word),
            _ => Original::Straddle(self.0[1]),
        }
    }
}
