//! Whether the reservations of all domains fit on one CPU, in exact arithmetic.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// A natural number of any size, as 32-bit digits, least significant first.
///
/// Sums of fractions with different denominators have no fixed size, and a rounded sum would refuse a set of domains
/// that uses exactly all of the CPU, or accept one that uses a little more.
#[derive(Clone)]
struct Natural(Vec<u32>);

impl Natural {
    /// This number times `factor`.
    fn times(&self, factor: u32) -> Self {
        let mut digits = Vec::with_capacity(self.0.len() + 1);
        let mut carry = 0;
        for digit in &self.0 {
            let sum = u64::from(*digit) * u64::from(factor) + carry;
            digits.push(sum as u32);
            carry = sum >> 32;
        }
        digits.push(carry as u32);
        Self(digits)
    }

    fn digit(&self, index: usize) -> u32 {
        self.0.get(index).copied().unwrap_or(0)
    }

    fn plus(&self, other: &Self) -> Self {
        let longest = self.0.len().max(other.0.len());
        let mut digits = Vec::with_capacity(longest + 1);
        let mut carry = 0;
        for index in 0..longest {
            let sum = u64::from(self.digit(index)) + u64::from(other.digit(index)) + carry;
            digits.push(sum as u32);
            carry = sum >> 32;
        }
        digits.push(carry as u32);
        Self(digits)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let longest = self.0.len().max(other.0.len());
        let different = (0..longest).rev().find(|index| self.digit(*index) != other.digit(*index));
        different.map_or(Ordering::Equal, |index| self.digit(index).cmp(&other.digit(index)))
    }
}

/// The part of one CPU that is reserved so far, as a fraction.
pub(super) struct Reserved {
    numerator: Natural,
    denominator: Natural,
}

impl Reserved {
    /// Nothing reserved.
    pub(super) fn new() -> Self {
        Self { numerator: Natural(Vec::new()), denominator: Natural(alloc::vec![1]) }
    }

    /// Adds `slice_ns` in every `period_ns` for each of `vcpus`, if all together is still at most 1; otherwise changes
    /// nothing and says false. `period_ns` is above 0 and below 2^32.
    pub(super) fn try_add(&mut self, slice_ns: u64, period_ns: u64, vcpus: u32) -> bool {
        let all_slices_ns = slice_ns.saturating_mul(u64::from(vcpus));
        if all_slices_ns > period_ns {
            return false;
        }
        let (Ok(slices), Ok(period)) = (u32::try_from(all_slices_ns), u32::try_from(period_ns)) else {
            return false;
        };
        if slices == 0 {
            return true;
        }
        // n/d + s/p = (n*p + s*d) / (d*p)
        let numerator = self.numerator.times(period).plus(&self.denominator.times(slices));
        let denominator = self.denominator.times(period);
        let fits = numerator.compare(&denominator) != Ordering::Greater;
        if fits {
            *self = Self { numerator, denominator };
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_fits_and_one_nanosecond_more_does_not() {
        let mut cpu = Reserved::new();
        for period in [3_000_000, 7_000_000, 11_000_000] {
            assert!(cpu.try_add(1_000_000, period, 1));
        }
        // 1 - 1/3 - 1/7 - 1/11 = 100/231
        assert!(!cpu.try_add(100_000_001, 231_000_000, 1));
        assert!(cpu.try_add(100_000_000, 231_000_000, 1));
        assert!(!cpu.try_add(1, 1_000_000_000, 1));
        assert!(cpu.try_add(0, 1_000_000_000, 8));
    }

    #[test]
    fn every_vcpu_counts() {
        let mut cpu = Reserved::new();
        assert!(!cpu.try_add(3_000_000, 10_000_000, 4));
        assert!(cpu.try_add(3_000_000, 10_000_000, 3));
        assert!(!cpu.try_add(1_000_001, 10_000_000, 1));
        assert!(cpu.try_add(1_000_000, 10_000_000, 1));
    }

    #[test]
    fn many_awkward_periods_agree_with_floating_point() {
        let mut cpu = Reserved::new();
        let mut sum = 0.0;
        for index in 0..64u64 {
            let period = 999_999_937 - 2 * index;
            let slice = period / 70;
            sum += slice as f64 / period as f64;
            assert_eq!(cpu.try_add(slice, period, 1), sum <= 1.0, "{index}");
        }
        assert!(!cpu.try_add(u64::MAX, 1_000, u32::MAX));
    }
}
