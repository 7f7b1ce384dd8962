//! The clock of the wall: a PL031 (ARM DDI 0224).
//!
//! # Idea
//! RTCDR counts seconds. The model has no clock: every call brings `now_s`, the caller's time in seconds, which must not
//! run backwards (if it does, it stands still). Loading another time is an offset. A match between two calls is found
//! by the next one, so a caller needs a timer only if the guest wants the interrupt: [`Pl031::deadline_s`].
//!
//! The same as in QEMU's `virt` machine: the clock runs from the start and cannot be stopped (RTCCR reads as one), any
//! write to RTCICR clears the interrupt, and a match register that equals the time matches at once.

use crate::access::{Refused, StateError, Stats, Width};

/// Bytes of the register range.
pub const SIZE_BYTES: u32 = 0x1000;

const DR: u32 = 0x00;
const MR: u32 = 0x04;
const LR: u32 = 0x08;
const CR: u32 = 0x0c;
const IMSC: u32 = 0x10;
const RIS: u32 = 0x14;
const MIS: u32 = 0x18;
const ICR: u32 = 0x1c;
const ID: u32 = 0xfe0;
/// PeriphID0..3 and PCellID0..3 (3.3.9 and on).
const ID_VALUES: [u8; 8] = [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

/// Everything a PL031 remembers. `#[repr(C)]`, fields as listed, no padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Pl031State {
    /// RTCDR at `last_s`.
    pub time: u32,
    /// RTCMR.
    pub matched: u32,
    /// RTCLR, as last written.
    pub load: u32,
    /// RTCIMSC, bit 0.
    pub imsc: u32,
    /// RTCRIS, bit 0.
    pub ris: u32,
    /// Zero; keeps `last_s` aligned.
    pub reserved: u32,
    /// The caller's time of the last call, in seconds.
    pub last_s: u64,
}

/// A real-time clock.
#[derive(Clone, Debug)]
pub struct Pl031 {
    s: Pl031State,
    stats: Stats,
}

impl Pl031 {
    /// A clock that shows `time` (seconds since 1970, usually) at the caller's time `now_s`.
    pub fn new(time: u32, now_s: u64) -> Pl031 {
        Pl031 { s: Pl031State { time, last_s: now_s, ..Pl031State::default() }, stats: Stats::default() }
    }

    /// A clock that goes on from `state`, at the caller's time `now_s`. The time since it was saved does not count: load
    /// `state.time` with the present time if it should.
    ///
    /// # Errors
    /// [`StateError`] if none can be in that state.
    pub fn from_state(state: Pl031State, now_s: u64) -> Result<Pl031, StateError> {
        if state.imsc > 1 || state.ris > 1 || state.reserved != 0 {
            return Err(StateError::Value);
        }
        Ok(Pl031 { s: Pl031State { last_s: now_s, ..state }, stats: Stats::default() })
    }

    /// Everything it remembers, to be saved.
    pub fn state(&self) -> &Pl031State {
        &self.s
    }

    /// What guests have done to it.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The level of the interrupt line, as of the last call.
    pub fn line(&self) -> bool {
        self.s.ris & self.s.imsc != 0
    }

    /// Whether the line can go high by itself: the interrupt is let through.
    pub fn is_armed(&self) -> bool {
        self.s.imsc != 0
    }

    /// Brings the clock to the caller's time `now_s`.
    pub fn advance(&mut self, now_s: u64) {
        let passed = now_s.saturating_sub(self.s.last_s);
        self.s.last_s += passed;
        // Seconds until the match, as seen from the last call; 0 has been seen already, so it is a full turn away.
        let ahead = u64::from(self.s.matched.wrapping_sub(self.s.time).wrapping_sub(1)) + 1;
        if passed >= ahead {
            self.s.ris = 1;
        }
        self.s.time = self.s.time.wrapping_add(passed as u32);
    }

    /// The caller's time at which [`line`](Pl031::line) goes high by itself, if it ever does. As of the last call.
    pub fn deadline_s(&self) -> Option<u64> {
        if self.s.imsc == 0 || self.s.ris != 0 {
            return None;
        }
        let ahead = u64::from(self.s.matched.wrapping_sub(self.s.time).wrapping_sub(1)) + 1;
        self.s.last_s.checked_add(ahead)
    }

    /// A guest's load.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(&mut self, offset: u32, width: Width, now_s: u64) -> Result<u32, Refused> {
        self.advance(now_s);
        self.stats.admit(offset, width, SIZE_BYTES, false)?;
        let s = &self.s;
        let value = match offset {
            DR => Some(s.time),
            MR => Some(s.matched),
            LR => Some(s.load),
            CR => Some(1),
            IMSC => Some(s.imsc),
            RIS => Some(s.ris),
            MIS => Some(s.ris & s.imsc),
            ID.. if offset & 3 == 0 => Some(u32::from(ID_VALUES[(offset - ID) as usize / 4])),
            _ => None,
        };
        Ok(self.stats.or_unknown(value.map(|value| value & width.mask())))
    }

    /// A guest's store. Bytes that a narrow store does not carry are zero.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn write(&mut self, offset: u32, width: Width, value: u32, now_s: u64) -> Result<(), Refused> {
        self.advance(now_s);
        self.stats.admit(offset, width, SIZE_BYTES, true)?;
        let value = value & width.mask();
        let known = match offset {
            MR => {
                self.s.matched = value;
                self.match_now();
                Some(())
            }
            LR => {
                self.s.load = value;
                self.s.time = value;
                self.match_now();
                Some(())
            }
            // Bit 0 starts the clock, which runs already.
            CR => Some(()),
            IMSC => {
                self.s.imsc = value & 1;
                Some(())
            }
            ICR => {
                self.s.ris = 0;
                Some(())
            }
            _ => None,
        };
        self.stats.or_unknown(known);
        Ok(())
    }

    fn match_now(&mut self) {
        if self.s.matched == self.s.time {
            self.s.ris = 1;
        }
    }
}
