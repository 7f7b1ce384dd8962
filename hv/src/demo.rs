//! The seed's demonstration: hypervisor threads that greet. `greet` on Nex's command line starts them.

use crate::{info, thread, time};

/// Greets every `seconds`, for ever.
pub fn greet(seconds: u64) {
    let mut next = time::now_ns();
    for count in 1u64.. {
        info!("hello from a hypervisor thread, every {} s, number {}", seconds, count);
        next += seconds * 1_000_000_000;
        thread::sleep_until(next);
    }
}
