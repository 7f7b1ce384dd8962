//! When typed bytes wait for their reader.

use crate::Source;

/// Decides what becomes of a typed byte whose reader has no room for it.
///
/// It waits where it is, and so does everything behind it, back to whoever types: nothing is lost that is pasted faster than it
/// is read. But the keys that switch the focus are behind it as well, so a reader that takes nothing for
/// [`PATIENCE_NS`](Self::PATIENCE_NS) counts as *deaf*: what does not fit is lost, until it reads again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flow {
    /// Who is waited for, and since when it has taken nothing.
    waiting: Option<(Source, u64)>,
    /// Bit *n*: domain *n* is deaf.
    deaf_domains: u64,
    deaf_nex: bool,
}

/// What to do with the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Take it: there is room, or nobody will miss it.
    Take,
    /// Leave it where it is.
    Wait,
}

impl Flow {
    /// How long a reader may take nothing while bytes wait for it.
    pub const PATIENCE_NS: u64 = 2_000_000_000;

    /// Nobody is waited for.
    pub const fn new() -> Self {
        Flow { waiting: None, deaf_domains: 0, deaf_nex: false }
    }

    /// What to do with a byte for `reader`, which has `room` for it or not. `now_ns` is asked if it has not.
    pub fn next(&mut self, reader: Source, room: bool, now_ns: impl FnOnce() -> u64) -> Next {
        if room || self.is_deaf(reader) {
            self.waiting = None;
            return Next::Take;
        }
        if !matches!(self.waiting, Some((who, _)) if who == reader) {
            self.waiting = Some((reader, now_ns()));
        }
        Next::Wait
    }

    /// `reader` has taken bytes, or is another one than before. Returns `true` if bytes waited for it, which can come now.
    pub fn has_read(&mut self, reader: Source) -> bool {
        self.set_deaf(reader, false);
        let waited = matches!(self.waiting, Some((who, _)) if who == reader);
        if waited {
            self.waiting = None;
        }
        waited
    }

    /// When patience ends, if somebody is waited for.
    pub fn deadline_ns(&self) -> Option<u64> {
        self.waiting.map(|(_, since_ns)| since_ns + Self::PATIENCE_NS)
    }

    /// To be called at that time: returns `true` if the reader counts as deaf from now on, so that bytes can come.
    pub fn expire(&mut self, now_ns: u64) -> bool {
        let expired = self.deadline_ns().is_some_and(|at| at <= now_ns);
        if expired && let Some((reader, _)) = self.waiting.take() {
            self.set_deaf(reader, true);
        }
        expired
    }

    fn is_deaf(&self, reader: Source) -> bool {
        match reader {
            Source::Nex => self.deaf_nex,
            Source::Domain(_) => self.deaf_domains & bit(reader) != 0,
        }
    }

    fn set_deaf(&mut self, reader: Source, deaf: bool) {
        match reader {
            Source::Nex => self.deaf_nex = deaf,
            Source::Domain(_) if deaf => self.deaf_domains |= bit(reader),
            Source::Domain(_) => self.deaf_domains &= !bit(reader),
        }
    }
}

/// A domain's bit. None for numbers that [`Input`](crate::Input) never gives the focus.
fn bit(source: Source) -> u64 {
    match source {
        Source::Domain(number) => 1u64.checked_shl(number.into()).unwrap_or(0),
        Source::Nex => 0,
    }
}
