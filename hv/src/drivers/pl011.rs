//! ARM PL011 UART (ARM DDI 0183G).

use embedded_hal_nb::nb;
use embedded_hal_nb::serial::{ErrorKind, ErrorType, Read, Write};

use super::Mmio;
use crate::board::{DebugPort, Interrupt, PortInput, Uart, UartError};

const DR: usize = 0x00;
const FR: usize = 0x18;
const IFLS: usize = 0x34;
const IMSC: usize = 0x38;
const MIS: usize = 0x40;
const ICR: usize = 0x44;

const FR_BUSY: u32 = 1 << 3;
const FR_RXFE: u32 = 1 << 4;
const FR_TXFF: u32 = 1 << 5;
const INT_RX: u32 = 1 << 4;
const INT_TX: u32 = 1 << 5;
/// Receive time-out: bytes wait in the FIFO below its trigger level.
const INT_RT: u32 = 1 << 6;
const DR_FRAMING: u32 = 1 << 8;
const DR_PARITY: u32 = 1 << 9;
const DR_BREAK: u32 = 1 << 10;
const DR_OVERRUN: u32 = 1 << 11;

/// A PL011. The baud rate and line format stay as the firmware set them.
pub struct Pl011 {
    registers: Mmio,
    interrupt: Interrupt,
    mask: u32,
}

impl Pl011 {
    /// Takes the UART over, with its interrupts off.
    pub fn new(registers: Mmio, interrupt: Interrupt) -> Self {
        registers.write(IMSC, 0);
        // Reception stays as it is: these are raised when the FIFO reaches a level (DDI 0183G 2.8.2), so a byte that is there
        // already would be announced no more.
        registers.write(ICR, 0x7ff & !(INT_RX | INT_RT));
        registers.write(IFLS, 0b001_001); // receive at 1/4 full, transmit when down to 1/4
        Pl011 { registers, interrupt, mask: 0 }
    }

    fn set_mask(&mut self, bits: u32, on: bool) {
        self.mask = if on { self.mask | bits } else { self.mask & !bits };
        self.registers.write(IMSC, self.mask);
    }
}

impl ErrorType for Pl011 {
    type Error = UartError;
}

impl Read<u8> for Pl011 {
    fn read(&mut self) -> nb::Result<u8, UartError> {
        if self.registers.read(FR) & FR_RXFE != 0 {
            return Err(nb::Error::WouldBlock);
        }
        let word = self.registers.read(DR);
        let kind = match word {
            w if w & DR_OVERRUN != 0 => ErrorKind::Overrun,
            w if w & (DR_BREAK | DR_FRAMING) != 0 => ErrorKind::FrameFormat,
            w if w & DR_PARITY != 0 => ErrorKind::Parity,
            w => return Ok(w as u8),
        };
        Err(nb::Error::Other(UartError(kind)))
    }
}

impl Write<u8> for Pl011 {
    fn write(&mut self, byte: u8) -> nb::Result<(), UartError> {
        if self.registers.read(FR) & FR_TXFF != 0 {
            return Err(nb::Error::WouldBlock);
        }
        self.registers.write(DR, byte as u32);
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), UartError> {
        if self.registers.read(FR) & FR_BUSY != 0 { Err(nb::Error::WouldBlock) } else { Ok(()) }
    }
}

impl Uart for Pl011 {
    fn interrupt(&self) -> Interrupt {
        self.interrupt
    }
    fn set_receive_interrupt(&mut self, on: bool) {
        self.set_mask(INT_RX | INT_RT, on);
    }
    fn set_transmit_interrupt(&mut self, on: bool) {
        self.set_mask(INT_TX, on);
    }
}

/// The same UART for the debugger; see [`DebugPort`].
pub struct Pl011Port {
    registers: Mmio,
}

impl Pl011Port {
    /// The registers that a [`Pl011`] has been made of.
    pub const fn new(registers: Mmio) -> Self {
        Pl011Port { registers }
    }
}

impl DebugPort for Pl011Port {
    fn get(&self) -> Option<PortInput> {
        if self.registers.read(FR) & FR_RXFE != 0 {
            return None;
        }
        let word = self.registers.read(DR);
        Some(match word {
            w if w & DR_BREAK != 0 => PortInput::Break,
            w if w & (DR_OVERRUN | DR_FRAMING | DR_PARITY) != 0 => PortInput::Error,
            w => PortInput::Byte(w as u8),
        })
    }

    fn put(&self, byte: u8) -> bool {
        let room = self.registers.read(FR) & FR_TXFF == 0;
        if room {
            self.registers.write(DR, byte as u32);
        }
        room
    }

    fn set_receive_interrupt(&self, on: bool) {
        let others = self.registers.read(IMSC) & !(INT_RX | INT_RT);
        self.registers.write(IMSC, if on { others | INT_RX | INT_RT } else { others });
    }

    fn quiet_transmit(&self) -> bool {
        let asserted = self.registers.read(MIS) & INT_TX != 0;
        if asserted {
            self.registers.write(IMSC, self.registers.read(IMSC) & !INT_TX);
        }
        asserted
    }
}
