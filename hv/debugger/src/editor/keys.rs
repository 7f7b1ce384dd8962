//! Bytes to keys: control characters, and the escape sequences that terminals send for keys without one (ECMA-48 5.4,
//! and the xterm and VT220 ways to send Home, End and Delete).

/// A key that the editor knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    /// Printable ASCII.
    Char(u8),
    Enter,
    Interrupt,
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    Up,
    Down,
    KillToStart,
    KillToEnd,
    KillWord,
    Redraw,
    Complete,
}

/// Longest escape sequence that is waited for, in bytes after `ESC [`. Longer ones are noise.
const SEQUENCE_MAX_BYTES: u8 = 12;

#[derive(Clone, Copy, Debug)]
enum State {
    Plain,
    /// After CR: an LF belongs to it.
    Cr,
    /// After ESC.
    Esc,
    /// After `ESC O`.
    Ss3,
    /// After `ESC [`.
    Csi {
        bytes: u8,
        /// The first number, saturating.
        number: u8,
        /// In a later number or an intermediate byte: digits no longer count.
        ended: bool,
    },
}

/// The decoder.
#[derive(Debug)]
pub(super) struct Keys {
    state: State,
}

impl Keys {
    pub(super) const fn new() -> Self {
        Self { state: State::Plain }
    }

    /// Takes a byte; gives the key that it completes. A byte that does not go on with the sequence before it ends that
    /// sequence and counts by itself, so no start of a sequence swallows a key.
    pub(super) fn feed(&mut self, byte: u8) -> Option<Key> {
        let state = core::mem::replace(&mut self.state, State::Plain);
        match (state, byte) {
            (State::Cr, b'\n') => None,
            (State::Esc, b'[') => {
                self.state = State::Csi { bytes: 0, number: 0, ended: false };
                None
            }
            (State::Esc, b'O') => {
                self.state = State::Ss3;
                None
            }
            (State::Ss3, b'A'..=b'Z' | b'a'..=b'z') => named(byte),
            (State::Csi { .. }, b'~') => match state {
                State::Csi { number: 1 | 7, .. } => Some(Key::Home),
                State::Csi { number: 4 | 8, .. } => Some(Key::End),
                State::Csi { number: 3, .. } => Some(Key::Delete),
                _ => None,
            },
            (State::Csi { .. }, b'@'..=b'}') => named(byte),
            (State::Csi { bytes, number, ended }, b' '..=b'?') if bytes < SEQUENCE_MAX_BYTES => {
                let digit = byte.is_ascii_digit() && !ended;
                let number =
                    if digit { number.saturating_mul(10).saturating_add(byte - b'0') } else { number };
                self.state = State::Csi { bytes: bytes + 1, number, ended: !digit };
                None
            }
            _ => self.plain(byte),
        }
    }

    fn plain(&mut self, byte: u8) -> Option<Key> {
        Some(match byte {
            b' '..=b'~' => Key::Char(byte),
            b'\r' => {
                self.state = State::Cr;
                Key::Enter
            }
            0x1b => {
                self.state = State::Esc;
                return None;
            }
            b'\n' => Key::Enter,
            0x08 | 0x7f => Key::Backspace,
            b'\t' => Key::Complete,
            0x01 => Key::Home,
            0x02 => Key::Left,
            0x03 => Key::Interrupt,
            0x04 => Key::Delete,
            0x05 => Key::End,
            0x06 => Key::Right,
            0x0b => Key::KillToEnd,
            0x0c => Key::Redraw,
            0x0e => Key::Down,
            0x10 => Key::Up,
            0x15 => Key::KillToStart,
            0x17 => Key::KillWord,
            _ => return None,
        })
    }
}

/// The key of a sequence by its last byte.
fn named(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => return None,
    })
}
