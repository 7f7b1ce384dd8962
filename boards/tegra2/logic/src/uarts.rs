//! The five UARTs: where they are, which one is the console, and how to switch one on that the loader left off.
//!
//! Addresses, interrupts and device numbers are those of Linux's device tree for the chip (tegra20.dtsi).

use crate::clocks::Clocks;
use crate::regs::Registers;

/// A UART's registers are 2^2 bytes apart.
pub const SHIFT: u32 = 2;

const DLL: usize = 0x00;
const DLM_IER: usize = 0x04;
const FCR: usize = 0x08;
const LCR: usize = 0x0c;
const MCR: usize = 0x10;
const LCR_DLAB: u32 = 1 << 7;
const LCR_8N1: u32 = 0x03;
/// FIFOs on and empty.
const FCR_CLEAN: u32 = 0x07;
/// DTR and RTS.
const MCR_READY: u32 = 0x03;

/// What a console runs at where nobody has said anything else.
const BAUD: u32 = 115_200;

/// The UARTs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

/// Where a UART is and what belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Physical address of its registers.
    pub base: u32,
    /// Its interrupt, as the GIC numbers it.
    pub interrupt: u32,
    /// Its number for clocks and resets.
    pub device: u32,
    /// Offset of its CLK_SOURCE in the clock controller.
    pub clk_source: usize,
}

impl ConsoleUart {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::UartA, Self::UartB, Self::UartC, Self::UartD, Self::UartE];

    /// Where it is.
    pub const fn place(self) -> Place {
        let (base, spi, device, clk_source) = match self {
            Self::UartA => (0x7000_6000, 36, 6, 0x178),
            Self::UartB => (0x7000_6040, 37, 7, 0x17c),
            Self::UartC => (0x7000_6200, 46, 55, 0x1a0),
            Self::UartD => (0x7000_6300, 90, 65, 0x1c0),
            Self::UartE => (0x7000_6400, 91, 66, 0x1c4),
        };
        Place { base, interrupt: 32 + spi, device, clk_source }
    }

    /// Its name, as in NVIDIA's documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UartA => "UARTA",
            Self::UartB => "UARTB",
            Self::UartC => "UARTC",
            Self::UartD => "UARTD",
            Self::UartE => "UARTE",
        }
    }

    /// The one at an address.
    pub fn at(base: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|uart| u64::from(uart.place().base) == base)
    }
}

/// Which UART is the console: the one that a device tree names, which is switched on if need be; else the configured one
/// if it is running, or any that is, since a board's loader leaves its own on; else the configured one.
pub fn choose(
    named: Option<ConsoleUart>,
    configured: ConsoleUart,
    is_running: impl Fn(ConsoleUart) -> bool,
) -> ConsoleUart {
    named
        .or_else(|| [configured].into_iter().chain(ConsoleUart::ALL).find(|&uart| is_running(uart)))
        .unwrap_or(configured)
}

/// The divisor for [`BAUD`] from a clock of `hz`, rounded.
pub const fn divisor(hz: u32) -> u32 {
    let per_bit = 16 * BAUD;
    let divisor = (hz + per_bit / 2) / per_bit;
    if divisor == 0 { 1 } else { divisor }
}

/// Switches a UART on that has no clock or is in reset, at 115200 8n1; its pins stay as they are, which only the board's
/// loader knows. A running one is left alone with its rate. `wait_2_us` lets that time pass. Returns whether it was off.
pub fn start<C: Registers, R: Registers>(
    place: Place,
    clocks: &Clocks<C>,
    registers: &R,
    wait_2_us: impl FnOnce(),
) -> bool {
    if clocks.is_running(place.device) {
        return false;
    }
    // The source before the clock, so that it never runs from another one.
    let hz = clocks.clock_uart(place.clk_source);
    clocks.start(place.device, wait_2_us);
    registers.write(LCR, LCR_DLAB | LCR_8N1);
    registers.write(DLL, divisor(hz) & 0xff);
    registers.write(DLM_IER, divisor(hz) >> 8);
    registers.write(LCR, LCR_8N1);
    registers.write(DLM_IER, 0);
    registers.write(FCR, FCR_CLEAN);
    registers.write(MCR, MCR_READY);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::{Fake, Log};

    #[test]
    fn places() {
        let b = ConsoleUart::UartB.place();
        assert_eq!(b, Place { base: 0x7000_6040, interrupt: 69, device: 7, clk_source: 0x17c });
        let d = ConsoleUart::UartD.place();
        assert_eq!((d.base, d.interrupt, d.device), (0x7000_6300, 122, 65));
        assert_eq!(ConsoleUart::at(0x7000_6400), Some(ConsoleUart::UartE));
        for other in [0x7000_6001, 0x7000_6080, 0x1_7000_6000] {
            assert_eq!(ConsoleUart::at(other), None);
        }
    }

    #[test]
    fn choice() {
        use ConsoleUart::{UartA, UartB, UartC, UartD};
        assert_eq!(choose(Some(UartC), UartB, |_| false), UartC, "named, though off");
        assert_eq!(choose(None, UartB, |uart| uart == UartB || uart == UartA), UartB);
        assert_eq!(choose(None, UartB, |uart| uart == UartD), UartD);
        assert_eq!(choose(None, UartB, |_| false), UartB);
    }

    #[test]
    fn divisors() {
        assert_eq!(divisor(216_000_000), 117);
        assert_eq!(divisor(26_000_000), 14);
        assert_eq!(divisor(13_000_000), 7);
        assert_eq!(divisor(1), 1);
    }

    #[test]
    fn switched_on_from_nothing() {
        let log = Log::default();
        let car = Fake::in_log("car", &[(0x050, 0xc000_03f1), (0x008, !0)], &log);
        let uart = Fake::in_log("uart", &[], &log);
        let place = ConsoleUart::UartC.place();
        assert!(start(place, &Clocks::new(car.clone()), &uart, || {}));
        let bit = 1 << 23;
        assert_eq!(
            *log.borrow(),
            [
                ("car", 0x1a0, 3 << 30),
                ("car", 0x328, bit),
                ("car", 0x308, bit),
                ("car", 0x30c, bit),
                ("uart", 0x0c, 0x83),
                ("uart", 0x00, 14),
                ("uart", 0x04, 0),
                ("uart", 0x0c, 0x03),
                ("uart", 0x04, 0),
                ("uart", 0x08, 0x07),
                ("uart", 0x10, 0x03),
            ]
        );
        car.put(0x014, bit);
        car.put(0x008, 0);
        log.borrow_mut().clear();
        assert!(!start(place, &Clocks::new(car), &uart, || {}));
        assert_eq!(*log.borrow(), [], "left as the loader has it");
    }
}
