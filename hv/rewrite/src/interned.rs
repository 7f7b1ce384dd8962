//! Originals that have no code of their own.

use alloc::vec::Vec;

/// A table of instructions, each once, numbered in the order they came. A domain has one for A32 words and one for wide T32
/// instructions (first halfword in bits 31..=16).
///
/// An entry stays for as long as the table: a copy of its code may be anywhere in the guest's memory. The table is
/// bounded; what finds no place in it is left to the record of its page.
#[derive(Debug)]
pub struct Interned {
    words: Vec<u32>,
    /// A hash table of numbers plus one; 0 is free. Its length is a power of two, at least twice that of `words`, or 0.
    buckets: Vec<u16>,
    limit: u16,
}

impl Interned {
    /// The most entries of a table for A32.
    pub const MAX_A32: u16 = 0xffff;
    /// The most entries of a table for T32, where a code has 12 bits for the number.
    pub const MAX_T32: u16 = 0xfff;

    /// An empty table for at most `limit` entries ([`Interned::MAX_A32`], [`Interned::MAX_T32`] at most). 8 to 12 bytes are
    /// allocated for each entry, as they come.
    pub const fn new(limit: u16) -> Interned {
        Interned { words: Vec::new(), buckets: Vec::new(), limit }
    }

    /// The instruction with this number.
    pub fn get(&self, number: u16) -> Option<u32> {
        self.words.get(usize::from(number)).copied()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The number of the instruction `word`, which is entered if it is new. `None` if the table is full, or no memory is to
    /// be had.
    pub fn number(&mut self, word: u32) -> Option<u16> {
        if let Some(number) = self.find(word) {
            return Some(number);
        }
        let number = self.words.len();
        if number >= usize::from(self.limit) {
            return None;
        }
        self.words.try_reserve(1).ok()?;
        if self.buckets.len() < 2 * (number + 1) {
            self.grow()?;
        }
        self.words.push(word);
        self.insert(number as u16);
        Some(number as u16)
    }

    fn find(&self, word: u32) -> Option<u16> {
        let mut at = self.bucket(word)?;
        loop {
            let number = self.buckets[at].checked_sub(1)?;
            if self.words[usize::from(number)] == word {
                return Some(number);
            }
            at = (at + 1) & (self.buckets.len() - 1);
        }
    }

    /// Where to look for `word` first; `None` if there are no buckets.
    fn bucket(&self, word: u32) -> Option<usize> {
        let mask = self.buckets.len().checked_sub(1)?;
        // Fibonacci hashing, folded: neighbouring encodings differ in few bits.
        let hash = word.wrapping_mul(0x9e37_79b9);
        Some((hash >> 15) as usize & mask)
    }

    fn insert(&mut self, number: u16) {
        let Some(mut at) = self.bucket(self.words[usize::from(number)]) else { return };
        // At least half of the buckets are free.
        while self.buckets[at] != 0 {
            at = (at + 1) & (self.buckets.len() - 1);
        }
        self.buckets[at] = number + 1;
    }

    fn grow(&mut self) -> Option<()> {
        let len = (self.buckets.len() * 2).max(16);
        let mut buckets = Vec::new();
        buckets.try_reserve_exact(len).ok()?;
        buckets.resize(len, 0);
        self.buckets = buckets;
        for number in 0..self.words.len() {
            self.insert(number as u16);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_bounded() {
        let mut table = Interned::new(1000);
        assert_eq!((table.get(0), table.is_empty()), (None, true));
        for round in 0..2 {
            for i in 0..1000_u32 {
                assert_eq!(table.number((i * i) ^ 0xe1b0_f000), Some(i as u16), "round {round}");
            }
        }
        assert_eq!(table.number(1), None);
        assert_eq!(
            (table.get(31), table.get(1000), table.len()),
            (Some((31 * 31) ^ 0xe1b0_f000), None, 1000)
        );
    }

    #[test]
    fn the_largest_table() {
        let mut table = Interned::new(Interned::MAX_A32);
        for i in 0..0xffff_u32 {
            assert_eq!(table.number(!i), Some(i as u16));
        }
        assert_eq!(table.number(5), None);
        assert_eq!(table.number(!0xfffe), Some(0xfffe));
    }
}
