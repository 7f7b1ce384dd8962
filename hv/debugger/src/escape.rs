//! Finds the key sequence that enters the debugger among the bytes typed.
//!
//! The sequence is one key pressed several times in a row, by default Ctrl-\ three times: no line editor and no shell
//! gives that a meaning, and a program that takes SIGQUIT for one press is not sent it by accident.

/// Ctrl-\ (ASCII FS), the default key.
pub const DEFAULT_KEY: u8 = 0x1c;

/// How often the default key is pressed.
pub const DEFAULT_PRESSES: usize = 3;

/// The most presses that a sequence can have.
pub const MAX_PRESSES: usize = 4;

/// The detector. It holds presses back until they are the sequence or another key follows.
#[derive(Debug, PartialEq, Eq)]
pub struct EscapeKey {
    key: u8,
    presses: u8,
    held: u8,
}

/// What becomes of a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sequence is complete: enter the debugger. Its bytes are not for anybody else.
    Enter,
    /// Not the sequence: deliver these bytes, in this order.
    Pass(Passed),
    /// May become the sequence: nothing to deliver yet.
    Hold,
}

/// Bytes to deliver: at most `MAX_PRESSES - 1` presses that were held back, then the byte just fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    bytes: [u8; MAX_PRESSES],
    len: u8,
}

impl Passed {
    /// The bytes in the order in which they were typed.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

impl EscapeKey {
    /// `presses` times `key` enters the debugger. `presses` is brought into 1..=[`MAX_PRESSES`].
    pub const fn new(key: u8, presses: usize) -> Self {
        let presses = match presses {
            0 => 1,
            1..=MAX_PRESSES => presses as u8,
            _ => MAX_PRESSES as u8,
        };
        Self { key, presses, held: 0 }
    }

    /// Takes one byte from the line.
    pub fn feed(&mut self, byte: u8) -> Outcome {
        if byte != self.key {
            let mut passed = self.release();
            // There is room: at most MAX_PRESSES - 1 presses are ever held.
            if let Some(slot) = passed.bytes.get_mut(usize::from(passed.len)) {
                *slot = byte;
                passed.len += 1;
            }
            return Outcome::Pass(passed);
        }
        self.held += 1;
        if self.held < self.presses {
            return Outcome::Hold;
        }
        self.held = 0;
        Outcome::Enter
    }

    /// Gives the presses held back, for a caller that does not let them wait for ever for the next key.
    pub fn release(&mut self) -> Passed {
        let len = self.held;
        self.held = 0;
        Passed { bytes: [self.key; MAX_PRESSES], len }
    }

    /// Presses held back now, 0..[`MAX_PRESSES`].
    pub const fn held(&self) -> usize {
        self.held as usize
    }
}

impl Default for EscapeKey {
    /// Three times Ctrl-\.
    fn default() -> Self {
        Self::new(DEFAULT_KEY, DEFAULT_PRESSES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `input`; gives what is delivered, with `None` in the place of an entry.
    fn feed_all(keys: &mut EscapeKey, input: &[u8]) -> Vec<Option<u8>> {
        let mut seen = vec![];
        for &byte in input {
            match keys.feed(byte) {
                Outcome::Enter => seen.push(None),
                Outcome::Pass(passed) => seen.extend(passed.as_slice().iter().map(|&b| Some(b))),
                Outcome::Hold => {}
            }
        }
        seen
    }

    #[test]
    fn three_presses_enter_and_leave_nothing() {
        let mut keys = EscapeKey::default();
        assert_eq!(feed_all(&mut keys, b"a\x1c\x1c\x1cb"), [Some(b'a'), None, Some(b'b')]);
        assert_eq!(keys, EscapeKey::default());
    }

    #[test]
    fn fewer_presses_arrive_as_typed() {
        let mut keys = EscapeKey::default();
        assert_eq!(feed_all(&mut keys, b"\x1cx"), [Some(0x1c), Some(b'x')]);
        assert_eq!(feed_all(&mut keys, b"\x1c\x1cx"), [Some(0x1c), Some(0x1c), Some(b'x')]);
        assert_eq!(feed_all(&mut keys, b"\x1c\x1c"), []);
        assert_eq!(keys.held(), 2);
        assert_eq!(keys.release().as_slice(), [0x1c, 0x1c]);
        assert_eq!(keys.release().as_slice(), []);
    }

    #[test]
    fn presses_outside_the_range() {
        assert_eq!(EscapeKey::new(1, 0).feed(1), Outcome::Enter);
        assert_eq!(EscapeKey::new(1, 1).feed(1), Outcome::Enter);
        let mut keys = EscapeKey::new(1, usize::MAX);
        assert_eq!(feed_all(&mut keys, &[1, 1, 1]), []);
        assert_eq!(keys.feed(1), Outcome::Enter);
    }

    proptest! {
        #[test]
        fn nothing_else_is_lost(input in proptest::collection::vec(0x1bu8..0x1e, 0..200), presses in 1usize..=4) {
            let mut keys = EscapeKey::new(0x1c, presses);
            let mut seen = feed_all(&mut keys, &input);
            seen.extend(keys.release().as_slice().iter().map(|&b| Some(b)));
            let replayed: Vec<u8> =
                seen.iter().flat_map(|b| b.map_or(vec![0x1c; presses], |b| vec![b])).collect();
            prop_assert_eq!(replayed, input);
        }
    }
}
