//! The words to compare, and the totals.

use std::collections::BTreeMap;

use crate::judge::{Finding, judge};
use crate::oracle::{Isa, Oracle};

/// A range of words, each compared once.
#[derive(Clone, Debug)]
pub struct Region {
    /// What it is.
    pub name: &'static str,
    /// The instruction set.
    pub isa: Isa,
    /// The first word.
    pub first: u32,
    /// How many words follow one another.
    pub words: u64,
}

/// The whole encoding space: A32 with conditions AL and 0b1111, and T32.
pub const WHOLE: [Region; 4] = [
    Region { name: "A32 AL", isa: Isa::A32, first: 0xe000_0000, words: 1 << 28 },
    Region { name: "A32 0b1111", isa: Isa::A32, first: 0xf000_0000, words: 1 << 28 },
    Region { name: "T32 narrow", isa: Isa::T16, first: 0, words: 0xe800 },
    Region { name: "T32 wide", isa: Isa::T32, first: 0xe800_0000, words: 0x1800_0000 },
];

/// All of A32 below condition AL, for samples.
pub const OTHER_CONDITIONS: Region =
    Region { name: "A32 other conditions", isa: Isa::A32, first: 0, words: 0xe000_0000 };

/// Findings of one kind.
#[derive(Clone, Debug)]
pub struct Group {
    /// How many words.
    pub count: u64,
    /// The first of them.
    pub example: u32,
    /// What the disassembler says of that.
    pub text: String,
}

/// Totals, by instruction set and finding.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Words compared.
    pub words: u64,
    /// What was found.
    pub groups: BTreeMap<(Isa, Finding), Group>,
}

impl Totals {
    /// Compares one word.
    pub fn add(&mut self, oracle: &Oracle, isa: Isa, word: u32) {
        // Both alignments of T32 code occur.
        let addr = if isa == Isa::A32 { 0x8000_0000 } else { 0x8000_0000 | (word.count_ones() & 1) << 1 };
        self.words += 1;
        oracle.read(isa, word, addr, |text| {
            let key = (isa, judge(isa, word, addr, text));
            // Nearly every word belongs to a known group.
            if let Some(group) = self.groups.get_mut(&key) {
                group.count += 1;
                return;
            }
            let text =
                text.map_or("-".into(), |t| format!("{} {}", t.mnemonic, t.operands).trim_end().to_string());
            self.groups.insert(key, Group { count: 1, example: word, text });
        });
    }

    /// Adds the totals of another part.
    pub fn merge(&mut self, other: Totals) {
        self.words += other.words;
        for (key, group) in other.groups {
            match self.groups.get_mut(&key) {
                Some(mine) => mine.count += group.count,
                None => {
                    self.groups.insert(key, group);
                }
            }
        }
    }
}

/// Compares every `stride`-th word of `region`, the first one `offset`, on `threads` threads.
///
/// An odd stride that is no multiple of small primes visits all values of every field in turn.
pub fn compare(region: &Region, offset: u64, stride: u64, threads: u64) -> Totals {
    let mut totals = Totals::default();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                scope.spawn(move || {
                    let oracle = Oracle::new();
                    let mut totals = Totals::default();
                    // Contiguous parts, each at the same stride.
                    let steps = region.words.saturating_sub(offset).div_ceil(stride);
                    let (from, to) = (steps * part / threads, steps * (part + 1) / threads);
                    for step in from..to {
                        totals.add(&oracle, region.isa, region.first + (offset + step * stride) as u32);
                    }
                    totals
                })
            })
            .collect();
        for part in parts {
            totals.merge(part.join().expect("no comparison panics"));
        }
    });
    totals
}
