//! From bytes to characters, controls and escape sequences (ECMA-48 5th edition; what xterm sends and takes).

/// Parameters of a control sequence that are kept; more are dropped.
const PARAMETERS: usize = 16;

/// What a byte completed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A character, not a control. U+FFFD for bytes that are not UTF-8.
    Character(char),
    /// A control of C0: 0x00 to 0x1f without ESC, or DEL.
    Control(u8),
    /// A control sequence, `ESC [ ...`.
    Sequence(Sequence),
}

/// A control sequence (ECMA-48 5.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sequence {
    parameters: [u16; PARAMETERS],
    len: usize,
    /// Began with a byte for private use, such as `?`.
    pub private: bool,
    /// Had intermediate bytes, so the final byte means something else than alone.
    pub intermediate: bool,
    /// The final byte, which says what to do.
    pub action: u8,
}

impl Sequence {
    const EMPTY: Self =
        Self { parameters: [0; PARAMETERS], len: 1, private: false, intermediate: false, action: 0 };

    /// The parameters, at least one; missing ones are 0. Too large ones are clipped to 65535.
    pub fn parameters(&self) -> &[u16] {
        self.parameters.get(..self.len).unwrap_or(&self.parameters)
    }

    /// Parameter `n`, 0 if it is missing.
    pub fn get(&self, n: usize) -> u16 {
        self.parameters().get(n).copied().unwrap_or(0)
    }

    fn parameter_byte(&mut self, byte: u8) {
        match byte {
            b'0'..=b'9' => {
                if let Some(last) = self.len.checked_sub(1).and_then(|n| self.parameters.get_mut(n)) {
                    *last = last.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                }
            }
            // Goes past the end, where digits are dropped.
            b';' | b':' => self.len = (self.len + 1).min(PARAMETERS + 1),
            _ => self.private = true,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Ground,
    /// Inside a character: bits so far, bytes that are missing, and which next byte is valid.
    Utf8 {
        bits: u32,
        missing: u8,
        low: u8,
        high: u8,
    },
    Escape,
    /// Within `ESC (` and the like: ends with the next byte that is no intermediate.
    EscapeIntermediate,
    Control,
    /// A text for the terminal (title and the like), ignored up to its end.
    Text {
        escape: bool,
    },
}

/// Turns bytes into [`Event`]s. May be cut anywhere: what is incomplete waits for the next byte.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    sequence: Sequence,
}

impl Decoder {
    /// Between characters.
    pub const fn new() -> Self {
        Self { state: State::Ground, sequence: Sequence::EMPTY }
    }

    /// Takes a byte; `out` gets what it completed, at most two events.
    #[inline]
    pub fn push(&mut self, byte: u8, mut out: impl FnMut(Event)) {
        // Nearly every byte.
        if self.state == State::Ground && matches!(byte, 0x20..=0x7e) {
            return out(Event::Character(char::from(byte)));
        }
        for event in self.step(byte).into_iter().flatten() {
            out(event);
        }
    }

    fn step(&mut self, byte: u8) -> [Option<Event>; 2] {
        if let State::Utf8 { bits, missing, low, high } = self.state {
            if !(low..=high).contains(&byte) {
                // The character was cut short; the byte is the beginning of something else.
                self.state = State::Ground;
                return [Some(Event::Character(char::REPLACEMENT_CHARACTER)), self.begin(byte)];
            }
            let bits = bits << 6 | u32::from(byte & 0x3f);
            if missing > 1 {
                self.state = State::Utf8 { bits, missing: missing - 1, low: 0x80, high: 0xbf };
                return [None; 2];
            }
            self.state = State::Ground;
            let character = char::from_u32(bits).unwrap_or(char::REPLACEMENT_CHARACTER);
            // C1 controls as characters (U+0080 to U+009F) have no meaning here and no glyph.
            return [Some(Event::Character(character)), None];
        }
        [self.begin(byte), None]
    }

    /// A byte that is not inside a character.
    fn begin(&mut self, byte: u8) -> Option<Event> {
        const CAN: u8 = 0x18;
        const SUB: u8 = 0x1a;
        const ESC: u8 = 0x1b;
        const BEL: u8 = 0x07;
        if let State::Text { escape } = self.state {
            let ends = matches!(byte, BEL | CAN | SUB) || escape && byte == b'\\';
            self.state = if ends { State::Ground } else { State::Text { escape: byte == ESC } };
            return None;
        }
        match byte {
            ESC => {
                self.state = State::Escape;
                None
            }
            CAN | SUB if self.state != State::Ground => {
                self.state = State::Ground;
                None
            }
            // Controls act in the middle of a sequence, which goes on after them.
            0x00..=0x1f => Some(Event::Control(byte)),
            _ => match self.state {
                State::Escape => {
                    self.escape(byte);
                    None
                }
                State::EscapeIntermediate => {
                    if !matches!(byte, 0x20..=0x2f) {
                        self.state = State::Ground;
                    }
                    None
                }
                State::Control => self.control(byte),
                _ => self.character(byte),
            },
        }
    }

    fn escape(&mut self, byte: u8) {
        self.state = match byte {
            b'[' => {
                self.sequence = Sequence::EMPTY;
                State::Control
            }
            // DCS, SOS, OSC, PM, APC (ECMA-48 5.6).
            b'P' | b'X' | b']' | b'^' | b'_' => State::Text { escape: false },
            0x20..=0x2f => State::EscapeIntermediate,
            _ => State::Ground,
        };
    }

    fn control(&mut self, byte: u8) -> Option<Event> {
        match byte {
            0x20..=0x2f => self.sequence.intermediate = true,
            0x30..=0x3f => self.sequence.parameter_byte(byte),
            0x40..=0x7e => {
                self.state = State::Ground;
                self.sequence.action = byte;
                self.sequence.len = self.sequence.len.min(PARAMETERS);
                return Some(Event::Sequence(self.sequence));
            }
            // DEL is padding; anything above is no part of a sequence and ends it.
            0x7f => {}
            _ => {
                self.state = State::Ground;
                return self.character(byte);
            }
        }
        None
    }

    /// First byte of a character (Unicode 15, table 3-7: what may follow, so that no character has two forms).
    fn character(&mut self, byte: u8) -> Option<Event> {
        let (bits, missing, low, high) = match byte {
            0x20..=0x7e => return Some(Event::Character(char::from(byte))),
            0x7f => return Some(Event::Control(byte)),
            0xc2..=0xdf => (byte & 0x1f, 1, 0x80, 0xbf),
            0xe0 => (0, 2, 0xa0, 0xbf),
            0xed => (byte & 0xf, 2, 0x80, 0x9f),
            0xe1..=0xef => (byte & 0xf, 2, 0x80, 0xbf),
            0xf0 => (0, 3, 0x90, 0xbf),
            0xf4 => (4, 3, 0x80, 0x8f),
            0xf1..=0xf3 => (byte & 7, 3, 0x80, 0xbf),
            _ => return Some(Event::Character(char::REPLACEMENT_CHARACTER)),
        };
        self.state = State::Utf8 { bits: u32::from(bits), missing, low, high };
        None
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}
