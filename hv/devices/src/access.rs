//! A guest's access to a device, and what a device answers.
//!
//! Devices see what a 32-bit peripheral bus carries: aligned accesses of one, two or four bytes. The rules are the same
//! for all of them:
//!
//! | access | answer |
//! | --- | --- |
//! | known register | as the device's manual says |
//! | offset without a register, inside the device's range | reads as zero, writes ignored; counted in [`Stats::unknown`] |
//! | not aligned to its width, eight bytes wide, or outside the range | [`Refused`]; counted in [`Stats::refused`] |
//!
//! A refused access changes nothing. The caller turns it into a synchronous external abort in the guest (DDI 0406C
//! B3.12.4), as it does for an address where there is no device. An access by LDRD or STRD is two word accesses on such
//! a bus: [`Access::on_bus`] makes them.

use core::fmt;

/// How many bytes an access moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// LDRB, STRB.
    Byte,
    /// LDRH, STRH.
    Half,
    /// LDR, STR, and each register of LDM, STM.
    Word,
    /// LDRD, STRD.
    Double,
}

impl Width {
    /// Number of bytes: 1, 2, 4 or 8.
    pub const fn bytes(self) -> u32 {
        match self {
            Width::Byte => 1,
            Width::Half => 2,
            Width::Word => 4,
            Width::Double => 8,
        }
    }

    /// The width that moves `bytes` bytes, if there is one.
    pub const fn from_bytes(bytes: u32) -> Option<Width> {
        match bytes {
            1 => Some(Width::Byte),
            2 => Some(Width::Half),
            4 => Some(Width::Word),
            8 => Some(Width::Double),
            _ => None,
        }
    }

    /// The bits of a 32-bit value that such an access carries.
    pub(crate) const fn mask(self) -> u32 {
        match self {
            Width::Byte => 0xff,
            Width::Half => 0xffff,
            Width::Word | Width::Double => u32::MAX,
        }
    }
}

/// Why a device did not take an access. Nothing has changed; the guest gets a synchronous external abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Eight bytes at once: split it first ([`Access::on_bus`]).
    Width,
    /// The offset is not a multiple of the width.
    Unaligned,
    /// The access ends outside the device's range.
    OutOfRange,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Width => "access of eight bytes to a device register: use word accesses",
            Refused::Unaligned => "device access not aligned to its width: align the address",
            Refused::OutOfRange => "device access beyond the end of the device: check the address",
        })
    }
}

/// What a device has counted. The counters wrap; they are for the monitor, not for decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Stats {
    /// Reads that were carried out.
    pub reads: u32,
    /// Writes that were carried out.
    pub writes: u32,
    /// Of these, how many met no register, or one that cannot be read or written.
    pub unknown: u32,
    /// Accesses answered with [`Refused`].
    pub refused: u32,
}

impl Stats {
    /// Checks an access to a device of `size_bytes` and counts the outcome.
    #[inline]
    pub(crate) fn admit(
        &mut self,
        offset: u32,
        width: Width,
        size_bytes: u32,
        write: bool,
    ) -> Result<(), Refused> {
        let bytes = width.bytes();
        let refused = if bytes == 8 {
            Refused::Width
        } else if offset & (bytes - 1) != 0 {
            Refused::Unaligned
        } else if offset >= size_bytes || bytes > size_bytes - offset {
            Refused::OutOfRange
        } else {
            let counter = if write { &mut self.writes } else { &mut self.reads };
            *counter = counter.wrapping_add(1);
            return Ok(());
        };
        self.refused = self.refused.wrapping_add(1);
        Err(refused)
    }

    /// The value of a register, or zero and a count if there is none.
    #[inline]
    pub(crate) fn or_unknown<T: Default>(&mut self, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.unknown = self.unknown.wrapping_add(1);
            T::default()
        })
    }
}

/// One load or store of a guest to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Bytes from the start of the device.
    pub offset: u32,
    /// How many bytes move.
    pub width: Width,
    /// The value of a store, in its low bits; `None` for a load.
    pub write: Option<u64>,
}

impl Access {
    /// Carries the access out by calls of `device(offset, width, write)`: one, or two of four bytes each for
    /// [`Width::Double`], the lower address first. Returns what was loaded, zero-extended; zero for a store.
    ///
    /// # Errors
    /// The first that `device` returns. If that is the second call, the first word has been moved.
    #[inline]
    pub fn on_bus(
        self,
        mut device: impl FnMut(u32, Width, Option<u32>) -> Result<u32, Refused>,
    ) -> Result<u64, Refused> {
        let low = self.write.map(|value| value as u32);
        if self.width != Width::Double {
            return device(self.offset, self.width, low).map(u64::from);
        }
        let high = self.write.map(|value| (value >> 32) as u32);
        let first = device(self.offset, Width::Word, low)?;
        let second = device(self.offset.wrapping_add(4), Width::Word, high)?;
        Ok(u64::from(first) | u64::from(second) << 32)
    }
}

/// Why a saved state was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// A count (of CPUs, lines, bytes in a FIFO) is beyond what the model has room for.
    Count,
    /// A field holds a value that its register cannot have.
    Value,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StateError::Count => "saved device state: a count is out of range; the state is damaged",
            StateError::Value => "saved device state: a field has an impossible value; the state is damaged",
        })
    }
}

/// Iterates over the numbers of the bits that are set in `word`, lowest first.
#[inline]
pub(crate) fn bits(mut word: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let bit = word.trailing_zeros() as usize;
        word &= word - 1;
        Some(bit)
    })
}
