//! Printing.

use core::fmt::{self, Write};

use super::layout::UART;
use super::mmio;

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // FR.TXFF: no room.
            while mmio::read32(UART + 0x18) & 1 << 5 != 0 {}
            mmio::write32(UART, byte.into());
        }
        Ok(())
    }
}

/// Prints to the PL011, waiting for room.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    // The PL011 takes everything.
    let _ = Console.write_fmt(text);
}
