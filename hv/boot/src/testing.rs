//! Damage for the tests: changes to real inputs, and arbitrary bytes.

use proptest::prelude::*;
use proptest::sample::Index;

/// A change to a byte string.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Sets one byte.
    Byte(Index, u8),
    /// Flips one bit.
    Bit(Index, u8),
    /// Sets an aligned 32-bit word, big-endian.
    Word(Index, u32),
    /// Copies a run of bytes elsewhere.
    Copy(Index, Index, u8),
    /// Removes a run of bytes.
    Remove(Index, u8),
    /// Inserts one byte.
    Insert(Index, u8),
    /// Cuts everything from here.
    Truncate(Index),
}

/// One to five changes.
pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let index = any::<Index>;
    let word = prop_oneof![
        any::<u32>(),
        0u32..16,
        any::<u8>().prop_map(|byte| u32::MAX - u32::from(byte)),
        any::<u8>().prop_map(|byte| 0x7fff_ffff - u32::from(byte)),
    ];
    let interesting =
        prop_oneof![any::<u8>(), prop::sample::select(b"\0\x7f\x80\xff\"'\\\n\r[]{}=.,# 0xTZ".to_vec())];
    let change = prop_oneof![
        4 => (index(), interesting.clone()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        4 => (index(), 0u8..8).prop_map(|(at, bit)| Change::Bit(at, bit)),
        4 => (index(), word).prop_map(|(at, word)| Change::Word(at, word)),
        2 => (index(), index(), any::<u8>()).prop_map(|(from, to, len)| Change::Copy(from, to, len)),
        2 => (index(), 0u8..32).prop_map(|(at, len)| Change::Remove(at, len)),
        2 => (index(), interesting).prop_map(|(at, byte)| Change::Insert(at, byte)),
        1 => index().prop_map(Change::Truncate),
    ];
    prop::collection::vec(change, 1..6)
}

/// `original` with the changes. Every other one hits the first 64 bytes, where the headers are.
pub(crate) fn damaged(original: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for (number, change) in changes.iter().enumerate() {
        if bytes.is_empty() {
            break;
        }
        let len = bytes.len();
        let reach = if number % 2 == 1 { len.min(64) } else { len };
        match change {
            Change::Byte(at, byte) => bytes[at.index(reach)] = *byte,
            Change::Bit(at, bit) => bytes[at.index(reach)] ^= 1 << bit,
            Change::Word(at, word) => {
                let at = at.index(reach) & !3;
                let end = len.min(at + 4);
                bytes[at..end].copy_from_slice(&word.to_be_bytes()[..end - at]);
            }
            Change::Copy(from, to, run) => {
                let (from, to) = (from.index(len), to.index(len));
                let run = usize::from(*run).min(len - from.max(to));
                bytes.copy_within(from..from + run, to);
            }
            Change::Remove(at, run) => {
                let at = at.index(len);
                bytes.drain(at..len.min(at + usize::from(*run)));
            }
            Change::Insert(at, byte) => bytes.insert(at.index(len), *byte),
            Change::Truncate(at) => bytes.truncate(at.index(len)),
        }
    }
    bytes
}
