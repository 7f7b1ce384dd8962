//! UARTs with the registers of the NS16550 (National Semiconductor PC16550D data sheet), one register every 2^shift bytes.
//!
//! Baud rate, clock, pins and line format stay as the loader left them. Registers are accessed as 32-bit words.

use embedded_hal_nb::nb;
use embedded_hal_nb::serial::{ErrorKind, ErrorType, Read, Write};

use core::sync::atomic::{AtomicU32, Ordering};

use super::Mmio;
use crate::board::{DebugPort, Interrupt, PortInput, Uart, UartError};

/// Receive buffer when read, transmit holding register when written.
const RBR_THR: usize = 0;
const IER: usize = 1;
/// Interrupt identification when read, FIFO control when written.
const IIR_FCR: usize = 2;
const LCR: usize = 3;
const LSR: usize = 5;

const IER_RECEIVED: u32 = 1 << 0;
const IER_TRANSMIT_EMPTY: u32 = 1 << 1;
/// IIR bits 3:0: the most urgent interrupt is that there is room to send.
const IIR_ID: u32 = 0xf;
const IIR_TRANSMIT_EMPTY: u32 = 2;
/// FIFOs on, receive interrupt at 1 byte (bits 7:6 = 0), and on Tegra transmit interrupt with 16 bytes free (5:4 = 0).
const FCR_FIFO: u32 = 1 << 0;
/// Divisor latch access: RBR/THR and IER are the divisor while it is set.
const LCR_DLAB: u32 = 1 << 7;
/// Send a break for as long as it is set.
const LCR_BREAK: u32 = 1 << 6;
const LSR_DATA_READY: u32 = 1 << 0;
const LSR_OVERRUN: u32 = 1 << 1;
const LSR_PARITY: u32 = 1 << 2;
const LSR_FRAMING: u32 = 1 << 3;
const LSR_BREAK: u32 = 1 << 4;
const LSR_THR_EMPTY: u32 = 1 << 5;
/// Nothing in the FIFO and nothing on the wire.
const LSR_TRANSMITTER_EMPTY: u32 = 1 << 6;
/// A byte with an error is somewhere in the receive FIFO.
const LSR_FIFO_ERROR: u32 = 1 << 7;

/// Bytes that may be written for one "transmit holding register empty": the FIFO has 16 places (32 on Tegra), and the
/// report comes with at least that many free. Half of them, as Linux does for the Tegra's, leaves room for doubt.
const BURST_BYTES: u8 = 8;
/// Reads of LSR that are certainly longer than a full FIFO needs at 9600 baud (17 ms).
const DRAIN_READS: u32 = 1_000_000;
/// Bytes and error reports thrown away for one break, before the line counts as stuck.
const BREAK_READS: u32 = 256;

/// An NS16550.
pub struct Ns16550 {
    registers: Mmio,
    shift: u32,
    interrupt: Interrupt,
    /// What "interrupt on reception" means in IER.
    receive_enables: u32,
    /// IER as it should be.
    enables: u32,
    /// Bytes that may be written before LSR must be asked again.
    room: u8,
    /// Only errors came from the line; reception is off until they stop.
    stuck: bool,
}

impl Ns16550 {
    /// Takes the UART over, with its interrupts off and its FIFOs on. `shift` is log2 of the bytes from one register to
    /// the next.
    ///
    /// `more_receive_enables` are IER bits that this make wants for reception besides bit 0: on Tegra bit 4, the time-out
    /// after which bytes below the FIFO's trigger level are reported.
    pub fn new(registers: Mmio, shift: u32, interrupt: Interrupt, more_receive_enables: u32) -> Self {
        let receive_enables = IER_RECEIVED | more_receive_enables;
        let uart =
            Ns16550 { registers, shift, interrupt, receive_enables, enables: 0, room: 0, stuck: false };
        let lcr = uart.get(LCR);
        if lcr & (LCR_DLAB | LCR_BREAK) != 0 {
            uart.set(LCR, lcr & !(LCR_DLAB | LCR_BREAK));
        }
        uart.set(IER, 0);
        // Switching the FIFOs on empties them: what the loader printed should leave first.
        for _ in 0..DRAIN_READS {
            if uart.get(LSR) & LSR_TRANSMITTER_EMPTY != 0 {
                break;
            }
        }
        uart.set(IIR_FCR, FCR_FIFO);
        uart
    }

    fn get(&self, register: usize) -> u32 {
        self.registers.read(register << self.shift)
    }

    fn set(&self, register: usize, value: u32) {
        self.registers.write(register << self.shift, value);
    }

    fn set_enables(&mut self, bits: u32, on: bool) {
        self.enables = if on { self.enables | bits } else { self.enables & !bits };
        self.set(IER, if self.stuck { self.enables & !self.receive_enables } else { self.enables });
    }

    /// Throws away what a break left: some controllers report it again and again while it lasts (Tegra does). If it does
    /// not end, reception stays off, or its interrupt would never let go; sending looks whether it is over.
    fn drain_break(&mut self) {
        for _ in 0..BREAK_READS {
            if self.get(LSR) & (LSR_FIFO_ERROR | LSR_BREAK | LSR_FRAMING | LSR_PARITY) == 0 {
                return;
            }
            self.get(RBR_THR);
        }
        self.stuck = true;
        self.set_enables(0, true);
    }

    /// After [`Self::drain_break`] gave up.
    fn retry_reception(&mut self) {
        self.stuck = false;
        self.drain_break();
        if !self.stuck {
            self.set_enables(0, true);
        }
    }
}

impl ErrorType for Ns16550 {
    type Error = UartError;
}

impl Read<u8> for Ns16550 {
    fn read(&mut self) -> nb::Result<u8, UartError> {
        if self.stuck {
            return Err(nb::Error::WouldBlock);
        }
        // Reading LSR clears its error bits, so it is read once and believed. Those of parity, framing and break belong
        // to the byte that is next in RBR; an overrun lost another byte, and this one is good.
        let status = self.get(LSR);
        let kind = match status {
            s if s & LSR_OVERRUN != 0 && s & (LSR_BREAK | LSR_FRAMING | LSR_PARITY) == 0 => {
                ErrorKind::Overrun
            }
            s if s & LSR_BREAK != 0 => {
                self.get(RBR_THR);
                self.drain_break();
                ErrorKind::FrameFormat
            }
            s if s & LSR_DATA_READY == 0 => return Err(nb::Error::WouldBlock),
            s if s & (LSR_FRAMING | LSR_PARITY) != 0 => {
                self.get(RBR_THR);
                if s & LSR_FRAMING != 0 { ErrorKind::FrameFormat } else { ErrorKind::Parity }
            }
            _ => return Ok(self.get(RBR_THR) as u8),
        };
        Err(nb::Error::Other(UartError(kind)))
    }
}

impl Write<u8> for Ns16550 {
    fn write(&mut self, byte: u8) -> nb::Result<(), UartError> {
        if self.room == 0 {
            if self.stuck {
                self.retry_reception();
            }
            if self.get(LSR) & LSR_THR_EMPTY == 0 {
                return Err(nb::Error::WouldBlock);
            }
            self.room = BURST_BYTES;
        }
        self.room -= 1;
        self.set(RBR_THR, u32::from(byte));
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), UartError> {
        if self.get(LSR) & LSR_TRANSMITTER_EMPTY == 0 { Err(nb::Error::WouldBlock) } else { Ok(()) }
    }
}

impl Uart for Ns16550 {
    fn interrupt(&self) -> Interrupt {
        self.interrupt
    }
    fn set_receive_interrupt(&mut self, on: bool) {
        self.set_enables(self.receive_enables, on);
    }
    fn set_transmit_interrupt(&mut self, on: bool) {
        self.set_enables(IER_TRANSMIT_EMPTY, on);
    }
}

/// The same UART for the debugger; see [`DebugPort`].
///
/// While it is in use the console does not read: only this takes received bytes.
pub struct Ns16550Port {
    registers: Mmio,
    shift: u32,
    receive_enables: u32,
    /// Error bits of LSR that were seen, and thereby cleared, when something else was asked: they belong to the next byte.
    errors: AtomicU32,
}

impl Ns16550Port {
    /// The registers, and what else an [`Ns16550`] has been made of.
    pub const fn new(registers: Mmio, shift: u32, more_receive_enables: u32) -> Self {
        let receive_enables = IER_RECEIVED | more_receive_enables;
        Ns16550Port { registers, shift, receive_enables, errors: AtomicU32::new(0) }
    }

    fn status(&self) -> u32 {
        self.registers.read(LSR << self.shift)
    }

    fn take(&self) -> u8 {
        self.registers.read(RBR_THR << self.shift) as u8
    }

    /// Throws away what else one break left, as [`Ns16550::drain_break`] does. A line that stays in it loses its interrupt
    /// until the console sends something: it writes IER anew.
    fn drain_break(&self) {
        for _ in 0..BREAK_READS {
            if self.status() & (LSR_FIFO_ERROR | LSR_BREAK | LSR_FRAMING | LSR_PARITY) == 0 {
                return;
            }
            self.take();
        }
        self.registers.write(IER << self.shift, 0);
    }
}

impl DebugPort for Ns16550Port {
    fn get(&self) -> Option<PortInput> {
        let status = self.status() | self.errors.swap(0, Ordering::Relaxed);
        if status & LSR_BREAK != 0 {
            self.take();
            self.drain_break();
            return Some(PortInput::Break);
        }
        if status & LSR_DATA_READY == 0 {
            return None;
        }
        let byte = self.take();
        Some(match status {
            s if s & (LSR_OVERRUN | LSR_FRAMING | LSR_PARITY) != 0 => PortInput::Error,
            _ => PortInput::Byte(byte),
        })
    }

    fn put(&self, byte: u8) -> bool {
        let status = self.status();
        self.errors
            .fetch_or(status & (LSR_OVERRUN | LSR_PARITY | LSR_FRAMING | LSR_BREAK), Ordering::Relaxed);
        let room = status & LSR_THR_EMPTY != 0;
        if room {
            self.registers.write(RBR_THR << self.shift, u32::from(byte));
        }
        room
    }

    fn set_receive_interrupt(&self, on: bool) {
        let others = self.registers.read(IER << self.shift) & !self.receive_enables;
        self.registers.write(IER << self.shift, if on { others | self.receive_enables } else { others });
    }

    fn quiet_transmit(&self) -> bool {
        // Reading IIR ends this interrupt, if it is the one shown. A more urgent one is served first; it comes again then.
        let asserted = self.registers.read(IIR_FCR << self.shift) & IIR_ID == IIR_TRANSMIT_EMPTY;
        if asserted {
            let enables = self.registers.read(IER << self.shift);
            self.registers.write(IER << self.shift, enables & !IER_TRANSMIT_EMPTY);
        }
        asserted
    }
}
