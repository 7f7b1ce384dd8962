//! A set of megabytes of the address space.

/// A bit for each of the 4096 megabytes, and one for each word of those that is not zero: looking for the next member takes a
/// few steps, however many are missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mibs {
    words: [u32; 128],
    summary: [u32; 4],
}

impl Default for Mibs {
    fn default() -> Self {
        Self::NONE
    }
}

impl Mibs {
    /// None.
    pub const NONE: Self = Self { words: [0; 128], summary: [0; 4] };

    /// Whether `mib` (0..4096) is in the set.
    #[inline]
    pub const fn has(&self, mib: u32) -> bool {
        self.words[(mib / 32 % 128) as usize] >> (mib % 32) & 1 != 0
    }

    /// Puts `mib` (0..4096) in.
    #[inline]
    pub const fn insert(&mut self, mib: u32) {
        let word = mib / 32 % 128;
        self.words[word as usize] |= 1 << (mib % 32);
        self.summary[(word / 32) as usize] |= 1 << (word % 32);
    }

    /// Takes `mib` (0..4096) out.
    #[inline]
    pub const fn remove(&mut self, mib: u32) {
        let word = mib / 32 % 128;
        self.words[word as usize] &= !(1 << (mib % 32));
        if self.words[word as usize] == 0 {
            self.summary[(word / 32) as usize] &= !(1 << (word % 32));
        }
    }

    /// The first member from `from` on.
    #[inline]
    pub const fn next(&self, from: u32) -> Option<u32> {
        if from >= 4096 {
            return None;
        }
        let word = from / 32;
        let bits = self.words[word as usize] >> (from % 32);
        if bits != 0 {
            return Some(from + bits.trailing_zeros());
        }
        let mut at = word + 1;
        while at < 128 {
            let bits = self.summary[(at / 32) as usize] >> (at % 32);
            if bits != 0 {
                let word = at + bits.trailing_zeros();
                return Some(word * 32 + self.words[word as usize].trailing_zeros());
            }
            at = (at | 31) + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn as_an_ordered_set(steps in prop::collection::vec((0u32..4096, any::<bool>()), 0..200), from in 0u32..4100) {
            let (mut mibs, mut model) = (Mibs::NONE, BTreeSet::new());
            for (mib, put) in steps {
                if put {
                    mibs.insert(mib);
                    model.insert(mib);
                } else {
                    mibs.remove(mib);
                    model.remove(&mib);
                }
                prop_assert_eq!(mibs.has(mib), put);
            }
            prop_assert_eq!(mibs.next(from), model.range(from..).next().copied());
            let mut all = Vec::new();
            let mut at = 0;
            while let Some(mib) = mibs.next(at) {
                all.push(mib);
                at = mib + 1;
            }
            prop_assert_eq!(all, model.into_iter().collect::<Vec<_>>());
        }
    }
}
