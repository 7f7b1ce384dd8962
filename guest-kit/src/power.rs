//! Ending a domain's life.

use nex_abi::psci;

use crate::console::flush;
use crate::hypercall::plain;
use crate::time::yield_now;

/// Sends what is printed and powers the domain off.
pub fn exit() -> ! {
    flush();
    stop(psci::SYSTEM_OFF)
}

/// Sends what is printed and starts the domain afresh: its memory is cleared and its images are loaded again.
pub fn reset() -> ! {
    flush();
    stop(psci::SYSTEM_RESET)
}

fn stop(function: u32) -> ! {
    plain(function, [0; 3]);
    // PSCI calls these two "do not return". If one did, there is nothing left to run.
    loop {
        yield_now();
    }
}
