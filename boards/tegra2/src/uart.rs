//! The five UARTs, and which of them the build configuration made the console.
//!
//! Addresses, interrupts and device numbers are those of Linux's device tree for the chip (tegra20.dtsi).

use nex_hv::addr::Hpa;
use nex_hv::board::Interrupt;

/// The UARTs that can be the console.
#[derive(Clone, Copy, Debug)]
pub enum ConsoleUart {
    /// At 0x7000_6000.
    UartA,
    /// At 0x7000_6040; on the Xoom's headphone socket.
    UartB,
    /// At 0x7000_6200.
    UartC,
    /// At 0x7000_6300.
    UartD,
    /// At 0x7000_6400.
    UartE,
}

include!(concat!(env!("OUT_DIR"), "/config.rs"));

/// Where a UART is and what belongs to it.
pub struct Place {
    /// Its registers.
    pub base: Hpa,
    /// Its interrupt.
    pub interrupt: Interrupt,
    /// Its number for clocks and resets.
    pub device: u32,
}

/// The console's UART.
pub const CONSOLE: Place = match TEGRA2_CONSOLE {
    ConsoleUart::UartA => place(0x7000_6000, 36, 6),
    ConsoleUart::UartB => place(0x7000_6040, 37, 7),
    ConsoleUart::UartC => place(0x7000_6200, 46, 55),
    ConsoleUart::UartD => place(0x7000_6300, 90, 65),
    ConsoleUart::UartE => place(0x7000_6400, 91, 66),
};

const fn place(base: u32, spi: u32, device: u32) -> Place {
    Place { base: Hpa::new(base), interrupt: Interrupt(32 + spi), device }
}
