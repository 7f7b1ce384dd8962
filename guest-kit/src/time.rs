//! Time and giving up the CPU.

use nex_abi::nex;

use crate::console::flush;
use crate::hypercall::{Refused, check, plain};

const NS_PER_MS: u64 = 1_000_000;

/// Nanoseconds since Nex started. Never goes back; runs on while the domain does not.
///
/// # Panics
///
/// If the hypervisor has no such call, that is, if it is not Nex. [`abi_version`](crate::abi_version) tells.
pub fn time_ns() -> u64 {
    let [r0, low, high, _] = plain(nex::TIME, [0; 3]);
    if let Err(refused) = check(r0) {
        not_nex("TIME", refused);
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Waits until [`time_ns`] is `deadline_ns` or later; returns at once if it is already. Sends unfinished lines first.
///
/// # Panics
///
/// As [`time_ns`].
pub fn sleep_until_ns(deadline_ns: u64) {
    flush();
    let [r0, ..] = plain(nex::SLEEP_UNTIL, [deadline_ns as u32, (deadline_ns >> 32) as u32, 0]);
    if let Err(refused) = check(r0) {
        not_nex("SLEEP_UNTIL", refused);
    }
}

/// Waits for at least `duration_ms` milliseconds. For something periodic use [`sleep_until_ns`], which does not drift.
///
/// # Panics
///
/// As [`time_ns`].
pub fn sleep_ms(duration_ms: u32) {
    sleep_until_ns(time_ns().saturating_add(u64::from(duration_ms) * NS_PER_MS));
}

/// Lets others run, once.
pub fn yield_now() {
    // An unknown call changes nothing and yields nothing, which is all a guest could make of the error.
    plain(nex::YIELD, [0; 3]);
}

#[cold]
fn not_nex(call: &str, refused: Refused) -> ! {
    panic!("{call}: {refused}")
}
