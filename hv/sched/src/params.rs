//! What an entity asks for, and how much of a CPU that is.
//!
//! The bounds keep every product of two parameters inside `u64` (4 s * 4 s in ns^2 is 1.6e19), so that no decision
//! needs wider arithmetic and none can overflow.

use core::fmt;

/// Shortest period, ns. Shorter ones would spend the CPU on timer interrupts.
pub const MIN_PERIOD_NS: u64 = 100_000;
/// Longest period, ns (4 s). Its square fits a `u64`.
pub const MAX_PERIOD_NS: u64 = 4_000_000_000;
/// Shortest slice of an entity that reserves time at all, ns.
pub const MIN_SLICE_NS: u64 = 10_000;
/// Largest weight. The smallest is 1.
pub const MAX_WEIGHT: u32 = 65_535;

/// What an entity asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Length of a period, ns, [`MIN_PERIOD_NS`]`..=`[`MAX_PERIOD_NS`]. Without meaning if `slice_ns` is 0.
    pub period_ns: u64,
    /// Time guaranteed in each period, ns, [`MIN_SLICE_NS`]`..=period_ns`; or 0 for best effort.
    pub slice_ns: u64,
    /// Whether the entity may also run in time that nobody has reserved or claimed.
    pub extratime: bool,
    /// Share of the extra time relative to the others, `1..=`[`MAX_WEIGHT`]. Without meaning if `extratime` is off.
    pub weight: u32,
}

impl Params {
    /// No guaranteed time, only a share of the extra time.
    pub const fn best_effort(weight: u32) -> Self {
        Self { period_ns: 0, slice_ns: 0, extratime: true, weight }
    }

    /// Checks every field against its range.
    ///
    /// # Errors
    /// The first rule that is broken, in the order of [`ParamError`]'s variants.
    pub const fn validate(&self) -> Result<(), ParamError> {
        if self.extratime && (self.weight == 0 || self.weight > MAX_WEIGHT) {
            return Err(ParamError::Weight);
        }
        if self.slice_ns == 0 {
            return if self.extratime { Ok(()) } else { Err(ParamError::NeverRuns) };
        }
        if self.period_ns < MIN_PERIOD_NS || self.period_ns > MAX_PERIOD_NS {
            return Err(ParamError::Period);
        }
        if self.slice_ns < MIN_SLICE_NS || self.slice_ns > self.period_ns {
            return Err(ParamError::Slice);
        }
        Ok(())
    }
}

/// Why [`Params`] make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamError {
    /// `weight` is 0 or above [`MAX_WEIGHT`].
    Weight,
    /// Neither a slice nor extra time: the entity could never run.
    NeverRuns,
    /// `period_ns` is below [`MIN_PERIOD_NS`] or above [`MAX_PERIOD_NS`].
    Period,
    /// `slice_ns` is below [`MIN_SLICE_NS`] or longer than the period.
    Slice,
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weight => "sched: weight out of range; use 1 to 65535",
            Self::NeverRuns => "sched: slice is 0 and extratime is off; set one of them",
            Self::Period => "sched: period out of range; use 100us to 4s",
            Self::Slice => "sched: slice out of range; use 10us up to the period, or 0 for best effort",
        })
    }
}

impl core::error::Error for ParamError {}

/// A part of one CPU's time: a fixed-point number with 96 fraction bits, rounded down.
///
/// Why so many: rounding down lets the set `1/3 + 1/3 + 1/3` in, and the error must not let a set in that misses a
/// deadline. The sum over [`MAX_ENTITIES`](crate::MAX_ENTITIES) entities is off by less than 2^-89, so even in 2^64 ns
/// less than one nanosecond too much is demanded; demand is a whole number of nanoseconds, hence none is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utilisation(u128);

impl Utilisation {
    /// Nothing reserved.
    pub const ZERO: Self = Self(0);
    /// The whole CPU.
    pub const FULL: Self = Self(1 << 96);

    /// What valid `params` reserve.
    ///
    /// # Errors
    /// As [`Params::validate`].
    pub const fn of(params: &Params) -> Result<Self, ParamError> {
        if let Err(error) = params.validate() {
            return Err(error);
        }
        if params.slice_ns == 0 {
            return Ok(Self::ZERO);
        }
        // Long division in base 2^32: the period is below 2^32, so a remainder shifted by 32 fits a u64, and the
        // large 128-bit division routine stays out of the image.
        let mut sum = (params.slice_ns / params.period_ns) as u128;
        let mut rest = params.slice_ns % params.period_ns;
        let mut digit = 0;
        while digit < 3 {
            let scaled = rest << 32;
            sum = (sum << 32) | (scaled / params.period_ns) as u128;
            rest = scaled % params.period_ns;
            digit += 1;
        }
        Ok(Self(sum))
    }

    /// Parts per million, rounded up: a CPU that shows 999 999 or less has room.
    pub const fn ppm(self) -> u32 {
        let scaled = self.0.saturating_mul(1_000_000);
        (scaled.saturating_add((1 << 96) - 1) >> 96) as u32
    }

    /// What is left of a whole CPU, in parts per million, rounded down; 0 if nothing is.
    pub const fn left_ppm(self) -> u32 {
        1_000_000u32.saturating_sub(self.ppm())
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
