//! Instructions written as in the manual's encoding diagrams.

use super::Generator;

/// Fields of registers, by letter.
const LETTERS: &[u8; 6] = b"dansmt";
/// No field.
const NONE: u8 = 0xff;

/// An instruction, some bits of which are free.
#[derive(Clone, Copy)]
pub(crate) struct Pattern {
    fixed: u32,
    random: u32,
    /// Lowest bits of the fields of each letter, of which there may be two.
    fields: [[u8; 2]; 6],
    conditional: bool,
}

impl Pattern {
    /// Reads 16 or 32 characters, spaces apart, from bit 31 or 15 down. `0`, `1`: fixed. `.`: random. `cccc`: the condition.
    /// `dddd`, `aaaa`: registers that are written, never the same. `nnnn`, `ssss`, `mmmm`, `tttt`: registers that are read.
    pub(crate) const fn new(text: &str) -> Self {
        let text = text.as_bytes();
        let mut pattern = Self { fixed: 0, random: 0, fields: [[NONE; 2]; 6], conditional: false };
        let (mut at, mut bit) = (text.len(), 0);
        while at > 0 {
            at -= 1;
            match text[at] {
                b' ' => continue,
                b'0' => {}
                b'1' => pattern.fixed |= 1 << bit,
                b'.' => pattern.random |= 1 << bit,
                b'c' => pattern.conditional = true,
                letter => {
                    let mut field = 0;
                    while LETTERS[field] != letter {
                        field += 1;
                    }
                    let places = &mut pattern.fields[field];
                    let place = if places[0] == NONE || bit - (places[0] as u32) < 4 { 0 } else { 1 };
                    if places[place] == NONE {
                        places[place] = bit as u8;
                    }
                }
            }
            bit += 1;
        }
        assert!(bit == 32 || bit == 16, "a pattern is of 16 or 32 bits");
        pattern
    }

    /// With all that is free chosen at random.
    pub(super) fn fill(&self, g: &mut Generator<'_>) -> u32 {
        self.fill_with(g, &[])
    }

    /// With these registers, and the rest random.
    pub(super) fn fill_with(&self, g: &mut Generator<'_>, given: &[(u8, u32)]) -> u32 {
        let mut word = self.fixed | g.rng.next() & self.random;
        let mut written = 16;
        for (letter, places) in LETTERS.iter().zip(self.fields) {
            let register = match given.iter().find(|(name, _)| name == letter) {
                Some(&(_, register)) => register,
                None if matches!(letter, b'd' | b'a') => loop {
                    let register = g.target();
                    if register != written {
                        break register;
                    }
                },
                None => g.source(),
            };
            if *letter == b'd' {
                written = register;
            }
            for place in places {
                if place != NONE {
                    word |= register << place;
                }
            }
        }
        if self.conditional {
            word |= g.condition() << 28;
        }
        word
    }
}

/// A table of patterns.
macro_rules! patterns {
    ($($text:literal),+ $(,)?) => { &[$($crate::generate::pattern::Pattern::new($text)),+] };
}
pub(super) use patterns;
