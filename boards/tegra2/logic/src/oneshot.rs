//! Deadlines for a one-shot comparator that counts microseconds down in 29 bits.
//!
//! PTV bits 28:0 hold *n*, and the interrupt comes after n + 1 microseconds. A deadline further away than 2^29 is waited
//! for in steps: each interrupt before its time only starts the next one.

/// The longest wait in one go, in microseconds: 536.9 s.
pub const MAX_STEP: u32 = 1 << 29;

/// A deadline that is never reached (in half a million years). Its steps go on all the same: they are what looks at the
/// counter often enough that no wrap is missed.
pub const NEVER: u64 = u64::MAX;

/// *n* for the next step towards `deadline`, at time `now`, both in microseconds. What is late already fires after the
/// shortest time there is.
pub const fn reload(now: u64, deadline: u64) -> u32 {
    match deadline.saturating_sub(now) {
        0 => 0,
        left if left > MAX_STEP as u64 => MAX_STEP - 1,
        left => left as u32 - 1,
    }
}

/// Whether the interrupt that just came is the deadline's, or one of a step on the way.
pub const fn is_due(now: u64, deadline: u64) -> bool {
    deadline != NEVER && now >= deadline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_and_near_deadlines() {
        assert_eq!(reload(100, 0), 0);
        assert_eq!(reload(100, 100), 0);
        assert_eq!(reload(100, 101), 0);
        assert_eq!(reload(100, 102), 1);
        assert_eq!(reload(0, u64::from(MAX_STEP)), MAX_STEP - 1);
        assert_eq!(reload(0, u64::from(MAX_STEP) + 1), MAX_STEP - 1);
        assert_eq!(reload(u64::MAX, NEVER), 0);
    }

    /// Plays the comparator: returns when the deadline was reported and after how many interrupts.
    fn wait(mut now: u64, deadline: u64, latency: u64) -> (u64, u32) {
        let mut interrupts = 0;
        loop {
            now += u64::from(reload(now, deadline)) + 1 + latency;
            interrupts += 1;
            if is_due(now, deadline) {
                return (now, interrupts);
            }
        }
    }

    #[test]
    fn long_deadlines_come_once_and_never_early() {
        assert_eq!(wait(5, 1_000_005, 0), (1_000_005, 1));
        let hour = 3_600_000_000;
        assert_eq!(wait(7, 7 + hour, 0), (7 + hour, 7));
        for latency in [1, 3, 1000] {
            let (at, interrupts) = wait(7, 7 + 10 * hour, latency);
            assert!((7 + 10 * hour..7 + 10 * hour + latency + 1).contains(&at));
            assert_eq!(interrupts, 68);
        }
    }

    #[test]
    fn never_is_never_due_and_still_ticks() {
        assert!(!is_due(u64::MAX, NEVER));
        assert_eq!(reload(1 << 40, NEVER), MAX_STEP - 1);
    }

    #[test]
    fn steps_keep_the_counter_alive() {
        // Four whole steps fit between two calls that `Counter` needs.
        assert!(4 * u64::from(MAX_STEP) <= 1 << 31);
    }
}
