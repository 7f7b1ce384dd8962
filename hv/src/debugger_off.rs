//! In place of the debugger, where the configuration leaves it out (`cfg(nex_debugger)`): the console keeps its UART,
//! a panic ends the machine, and there is no watchdog.

use alloc::boxed::Box;

use crate::arch::{Frame, Trap};
use crate::board::{DebugPort, Interrupt, Uart, Watchdog};

/// No: the console takes its interrupt itself.
pub(crate) fn init(
    _port: Option<&'static dyn DebugPort>,
    _interrupt: Interrupt,
    _dog: Option<&'static dyn Watchdog>,
) -> bool {
    false
}

/// Does nothing.
pub(crate) fn catch_panics() {}

/// Panics end the machine.
pub(crate) fn catches_panics() -> bool {
    false
}

/// The console reads its UART.
pub(crate) fn has_port() -> bool {
    false
}

/// Nothing comes this way.
pub(crate) fn take_input() -> Option<u8> {
    None
}

/// No FIQ is routed anywhere.
pub(crate) fn on_fiq(_frame: &mut Frame) {}

/// Debug events are off.
pub(crate) fn on_debug_event(_frame: &mut Frame, _trap: Trap, _address: u32) {}

/// Debug events are off.
pub(crate) fn on_guest_debug_event(_domain: u8, _frame: &mut Frame, _trap: Trap, _address: u32) {}

/// Nobody waits for a domain's end.
pub(crate) fn on_guest_end(_domain: u8, _frame: &mut Frame, _failed: bool) {}

/// The console has its UART for itself.
pub(crate) fn beside_gdb(uart: Box<dyn Uart>) -> Box<dyn Uart> {
    uart
}

/// Goes on to the end of the machine.
pub(crate) fn after_panic(_frame: &mut Frame) {}

/// Nobody watches.
pub(crate) mod watchdog {
    /// Does nothing.
    #[inline(always)]
    pub(crate) fn alive() {}

    /// Does nothing.
    pub(crate) fn idle(_begins: bool) {}

    /// Does nothing.
    pub(crate) fn set_seconds(_seconds: u32) {}
}
