//! What happens on a panic: it is printed, and the domain powers off.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use nex_abi::psci;

use crate::hypercall::plain;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    static PANICKING: AtomicBool = AtomicBool::new(false);
    // A panic while printing the panic: no second attempt.
    if PANICKING.swap(true, Ordering::Relaxed) {
        plain(psci::SYSTEM_OFF, [0; 3]);
    }
    // Prints "panicked at file:line:column:" and the message.
    crate::println!("{info}");
    crate::exit()
}
