//! A set of halfwords of a page.

/// Halfwords in a page.
pub(crate) const HALFWORDS: usize = 2048;

/// One bit for each halfword of a page.
#[derive(Clone, Copy)]
pub(crate) struct Bits([u32; HALFWORDS / 32]);

impl Bits {
    pub(crate) const EMPTY: Bits = Bits([0; HALFWORDS / 32]);

    /// Whether halfword `h` is in the set; none above the page is.
    pub(crate) fn has(&self, h: usize) -> bool {
        self.0.get(h / 32).is_some_and(|word| word >> (h % 32) & 1 == 1)
    }

    pub(crate) fn set(&mut self, h: usize) {
        if let Some(word) = self.0.get_mut(h / 32) {
            *word |= 1 << (h % 32);
        }
    }

    pub(crate) fn clear(&mut self, h: usize) {
        if let Some(word) = self.0.get_mut(h / 32) {
            *word &= !(1 << (h % 32));
        }
    }

    pub(crate) fn put(&mut self, h: usize, value: bool) {
        if value { self.set(h) } else { self.clear(h) }
    }

    /// Whether one of the two halfwords from the even number `h` is in the set.
    pub(crate) fn has_pair(&self, h: usize) -> bool {
        self.0.get(h / 32).is_some_and(|word| word >> (h % 32) & 3 != 0)
    }

    /// Adds the two halfwords from the even number `h`.
    pub(crate) fn set_pair(&mut self, h: usize) {
        if let Some(word) = self.0.get_mut(h / 32) {
            *word |= 3 << (h % 32);
        }
    }

    /// Halfwords 32 * `block` and up, the first as bit 0.
    pub(crate) fn block(&self, block: usize) -> u32 {
        self.0.get(block).copied().unwrap_or(0)
    }

    pub(crate) fn change_block(&mut self, block: usize, change: impl Fn(u32) -> u32) {
        if let Some(word) = self.0.get_mut(block) {
            *word = change(*word);
        }
    }

    /// Whether one of `n` halfwords from `h` is in the set.
    pub(crate) fn any(&self, h: usize, n: usize) -> bool {
        (h..h + n).any(|h| self.has(h))
    }

    /// The first member at `from` or after.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut word = self.0.get(from / 32)? & (u32::MAX << (from % 32));
        let mut index = from / 32;
        while word == 0 {
            index += 1;
            word = *self.0.get(index)?;
        }
        Some(index * 32 + word.trailing_zeros() as usize)
    }

    /// The last member before `end`.
    pub(crate) fn previous(&self, end: usize) -> Option<usize> {
        let mut index = end / 32;
        let mut word = self.0.get(index).copied().unwrap_or(0) & ((1 << (end % 32)) - 1);
        while word == 0 {
            index = index.checked_sub(1)?;
            word = *self.0.get(index)?;
        }
        Some(index * 32 + 31 - word.leading_zeros() as usize)
    }

    /// The first halfword at `from` or after that is in neither set.
    pub(crate) fn next_in_neither(&self, other: &Bits, from: usize) -> Option<usize> {
        let mut index = from / 32;
        let mut free = !(*self.0.get(index)? | other.0[index]) & (u32::MAX << (from % 32));
        while free == 0 {
            index += 1;
            free = !(*self.0.get(index)? | *other.0.get(index)?);
        }
        Some(index * 32 + free.trailing_zeros() as usize)
    }

    /// Takes the members of `other` out.
    pub(crate) fn remove(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// Leaves only the members of `other`.
    pub(crate) fn keep(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}
