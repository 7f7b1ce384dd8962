//! A 32-bit counter that wraps, made into one of 64 bits that does not.

use core::sync::atomic::{AtomicU64, Ordering};

/// How far the counter may run before the reference point is moved. Far below the 2^31 that [`Counter::now`] can bridge,
/// far above the time between two looks at the clock, so that nearly every call only reads.
const MOVE_AFTER: u32 = 1 << 24;

/// The 64-bit value of a 32-bit up-counter.
///
/// A *reference point* (a 64-bit value that was right once) is kept; the present value is that plus how far the low 32
/// bits have come since, taken as a signed number. This is right as long as the reference point is less than 2^31 counts
/// away, before or after. So a wrap can only be missed if nobody calls [`Counter::now`] for 2^31 counts (35 minutes at
/// 1 MHz): the caller sees to that with a comparator that never sleeps longer than [`crate::oneshot::MAX_STEP`].
///
/// Any CPU and any interrupt handler may call it at any time, with no lock. The reference point is only ever moved
/// forward, to a value the counter really had; a caller that still holds an older one computes the same result.
pub struct Counter {
    reference: AtomicU64,
}

impl Counter {
    /// Starts at `raw`, what the counter reads now.
    pub const fn new(raw: u32) -> Self {
        Counter { reference: AtomicU64::new(raw as u64) }
    }

    /// The 64-bit value. `read` reads the counter; it is called once, after the reference point was fetched: the other
    /// way round another CPU could move it past what was read.
    pub fn now(&self, read: impl FnOnce() -> u32) -> u64 {
        let reference = self.reference.load(Ordering::Acquire);
        let moved = read().wrapping_sub(reference as u32);
        // Signed all the same: a reference point that is ahead for whatever reason gives a value a little before it,
        // and not one an hour after.
        let now = reference.wrapping_add_signed(i64::from(moved as i32));
        if moved as i32 > MOVE_AFTER as i32 {
            self.reference.fetch_max(now, Ordering::AcqRel);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_counter_over_many_wraps() {
        // Steps up to the longest that the comparator allows, from a start near the wrap.
        for step in [1u64 << 29, (1 << 29) + 12_345, 1 << 31, 1_000_003, (1 << 24) + 1] {
            let step = step.min((1 << 31) - 1);
            let mut truth: u64 = 0xffff_fff0;
            let counter = Counter::new(truth as u32);
            for _ in 0..2000 {
                assert_eq!(counter.now(|| truth as u32), truth, "step {step}");
                truth += step;
            }
            assert!(truth > 3 << 32 || step < 1 << 25);
        }
    }

    #[test]
    fn small_steps_do_not_lose_the_wrap() {
        let mut truth: u64 = 0xff00_0000;
        let counter = Counter::new(truth as u32);
        while truth < 0x2_0100_0000 {
            assert_eq!(counter.now(|| truth as u32), truth);
            truth += 77_777;
        }
    }

    #[test]
    fn an_interrupted_caller_gets_its_own_time() {
        // The outer call has its reference point when an interrupt handler moves it on, across the wrap.
        let counter = Counter::new(0xf000_0000);
        let outer = counter.now(|| {
            assert_eq!(counter.now(|| 0x1000_0000), 0x1_1000_0000);
            0xfff0_0000
        });
        assert_eq!(outer, 0xfff0_0000);
        // And one that reads before the new reference point is not an hour ahead.
        assert_eq!(counter.now(|| 0x0fff_ffff), 0x1_0fff_ffff);
    }

    #[test]
    fn threads_agree_and_never_go_back() {
        let counter = Counter::new(0xffff_0000);
        let hardware = AtomicU64::new(0xffff_0000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut last = 0;
                    for _ in 0..20_000 {
                        let mut raw = 0;
                        let now = counter.now(|| {
                            // All together less than 2^31: a thread may be held up between its two reads for the whole test.
                            raw = hardware.fetch_add(0x4001, Ordering::SeqCst);
                            raw as u32
                        });
                        assert_eq!(now, raw);
                        assert!(now > last);
                        last = now;
                    }
                });
            }
        });
        assert_eq!(hardware.load(Ordering::SeqCst), 0xffff_0000 + 80_000 * 0x4001);
    }
}
