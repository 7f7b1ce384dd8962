//! The input side.

use crate::Source;

/// The key that switches the focus: Ctrl-A.
pub const SWITCH_KEY: u8 = 0x01;

/// Presses of [`SWITCH_KEY`] in a row that switch the focus, as in Xen.
pub const SWITCH_PRESSES: usize = 3;

/// Decides who gets a typed byte.
///
/// The focus starts with Nex. Three Ctrl-A in a row move it to the next live source in the order Nex, domain 0,
/// domain 1, ... and back to Nex. One or two Ctrl-A are held back until another key is typed, and then delivered
/// before it.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    focus: Source,
    /// Bit *n*: domain *n* is live.
    live: u64,
    /// Presses of the switch key that were held back; less than `SWITCH_PRESSES`.
    held: usize,
}

/// What a typed byte leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// These bytes go to that source.
    Deliver(Source, Keys),
    /// That source has the focus now. Tell the [`Mux`](crate::Mux) and the user.
    Switched(Source),
    /// Nothing yet.
    Nothing,
}

/// One to three typed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    bytes: [u8; SWITCH_PRESSES],
    len: usize,
}

impl Keys {
    /// The bytes in the order typed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Input {
    /// Domains that can be live: numbers 0 to 63. Higher numbers are never given the focus.
    pub const DOMAINS: u8 = 64;

    /// Nex has the focus and no domain is live.
    pub const fn new() -> Self {
        Self { focus: Source::Nex, live: 0, held: 0 }
    }

    /// Who is typed to.
    pub const fn focus(&self) -> Source {
        self.focus
    }

    /// A source can be typed to from now on. The focus stays where it is.
    pub fn open(&mut self, source: Source) {
        self.live |= bit(source);
    }

    /// A source is gone: if it had the focus, Nex gets it.
    pub fn close(&mut self, source: Source) -> Action {
        self.live &= !bit(source);
        self.focus_on(self.focus)
    }

    /// Gives the focus to `source`, or to Nex if it is not live.
    pub fn focus_on(&mut self, source: Source) -> Action {
        let source = if self.live & bit(source) != 0 { source } else { Source::Nex };
        if source == self.focus {
            return Action::Nothing;
        }
        self.held = 0;
        self.focus = source;
        Action::Switched(source)
    }

    /// Takes one typed byte.
    pub fn key(&mut self, byte: u8) -> Action {
        if byte == SWITCH_KEY {
            self.held += 1;
            if self.held < SWITCH_PRESSES {
                return Action::Nothing;
            }
            self.held = 0;
            self.focus = self.next();
            return Action::Switched(self.focus);
        }
        let held = core::mem::take(&mut self.held);
        let mut keys = Keys { bytes: [SWITCH_KEY; SWITCH_PRESSES], len: held + 1 };
        keys.bytes[held] = byte;
        Action::Deliver(self.focus, keys)
    }

    fn next(&self) -> Source {
        let first = match self.focus {
            Source::Nex => 0,
            Source::Domain(number) => u32::from(number) + 1,
        };
        let after = self.live.checked_shr(first).unwrap_or(0);
        if after == 0 {
            return Source::Nex;
        }
        Source::Domain((first + after.trailing_zeros()) as u8)
    }
}

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}

/// The source's bit in `live`; 0 for Nex, which needs none, and for numbers too high.
fn bit(source: Source) -> u64 {
    match source {
        Source::Domain(number) => 1u64.checked_shl(number.into()).unwrap_or(0),
        Source::Nex => 0,
    }
}
