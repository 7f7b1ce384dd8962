//! The serial port: a PL011 (ARM DDI 0183), revision 1, with FIFOs of 16.
//!
//! # Idea
//! Bytes from the guest go into the transmit FIFO, out of which the caller takes them ([`Pl011::tx_pop`]) as fast as it
//! can put them somewhere; bytes for the guest go in by [`Pl011::push`]. There is no bit rate: a byte leaves when the
//! caller takes it, and between two bytes that arrive, the receive timeout (32 bit periods, 2.8.4) has always passed. So
//! a byte in the receive FIFO raises the timeout interrupt at once, and the level interrupt when the trigger level is
//! reached.
//!
//! # Order of calls
//! After every guest access, `push`, `tx_pop` or [`Pl011::set_modem`]: give [`Pl011::line`] to the interrupt controller.
//! After a guest's write: take what can be taken from `tx_pop`. While [`Pl011::can_push`] is false, hold input back; what
//! is pushed nevertheless is an overrun, as on the wire.
//!
//! # What is the same as in QEMU's `virt` machine
//! Identification and reset values; transmission and reception do not wait for UARTEN, TXE, RXE or CTS, because
//! software made for that machine does not always set them. Every byte that leaves raises the transmit interrupt if the
//! FIFO is then at or below its trigger level, even if it never was above it.
//!
//! # Rejected
//! *Sending to a callback on the write*: a full sink would have to drop bytes or block inside the model.

use crate::access::{Refused, StateError, Stats, Width};

/// Bytes of the register range.
pub const SIZE_BYTES: u32 = 0x1000;
/// Entries of each FIFO.
pub const FIFO_DEPTH: usize = 16;

const DR: u32 = 0x000;
const RSR: u32 = 0x004;
const FR: u32 = 0x018;
const ILPR: u32 = 0x020;
const IBRD: u32 = 0x024;
const FBRD: u32 = 0x028;
const LCR_H: u32 = 0x02c;
const CR: u32 = 0x030;
const IFLS: u32 = 0x034;
const IMSC: u32 = 0x038;
const RIS: u32 = 0x03c;
const MIS: u32 = 0x040;
const ICR: u32 = 0x044;
const DMACR: u32 = 0x048;
const ID: u32 = 0xfe0;
/// PeriphID0..3: part 0x011, designer 0x41, revision 1; PCellID0..3 (3.3.15 and on).
const ID_VALUES: [u8; 8] = [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

const FR_BUSY: u32 = 1 << 3;
const FR_RXFE: u32 = 1 << 4;
const FR_TXFF: u32 = 1 << 5;
const FR_RXFF: u32 = 1 << 6;
const FR_TXFE: u32 = 1 << 7;

const LCR_FEN: u32 = 1 << 4;
const CR_LBE: u32 = 1 << 7;
const CR_WRITABLE: u32 = 0xff87;

/// Error bits of UARTDR; UARTRSR has the same ones, eight bits lower.
const DR_BE: u16 = 1 << 10;
const DR_OE: u16 = 1 << 11;
const RSR_OE: u32 = 1 << 3;

/// Bits of UARTIMSC, UARTRIS, UARTMIS and UARTICR.
mod int {
    pub(super) const RI: u32 = 1 << 0;
    pub(super) const CTS: u32 = 1 << 1;
    pub(super) const DCD: u32 = 1 << 2;
    pub(super) const DSR: u32 = 1 << 3;
    pub(super) const RX: u32 = 1 << 4;
    pub(super) const TX: u32 = 1 << 5;
    pub(super) const RT: u32 = 1 << 6;
    pub(super) const BE: u32 = 1 << 9;
    pub(super) const OE: u32 = 1 << 10;
    pub(super) const ALL: u32 = 0x7ff;
}

/// Modem status inputs, true for "asserted". As UARTFR shows them: CTS bit 0, DSR bit 1, DCD bit 2, RI bit 8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modem {
    /// Clear to send.
    pub cts: bool,
    /// Data set ready.
    pub dsr: bool,
    /// Data carrier detect.
    pub dcd: bool,
    /// Ring indicator.
    pub ri: bool,
}

impl Modem {
    const fn flags(self) -> u32 {
        self.cts as u32 | (self.dsr as u32) << 1 | (self.dcd as u32) << 2 | (self.ri as u32) << 8
    }
}

/// Everything a PL011 remembers. `#[repr(C)]`, fields as listed, no padding; registers as the guest reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Pl011State {
    /// Receive FIFO, oldest first; bits 8..11 as in UARTDR (framing, parity, break; overrun is kept in `overrun`).
    pub rx: [u16; FIFO_DEPTH],
    /// Transmit FIFO, oldest first.
    pub tx: [u8; FIFO_DEPTH],
    /// Entries in `rx`.
    pub rx_len: u32,
    /// Entries in `tx`.
    pub tx_len: u32,
    /// 1 from an overrun on until the next character finds room.
    pub overrun: u32,
    /// Modem inputs, bits as in UARTFR.
    pub modem: u32,
    /// UARTRSR.
    pub rsr: u32,
    /// UARTILPR.
    pub ilpr: u32,
    /// UARTIBRD.
    pub ibrd: u32,
    /// UARTFBRD.
    pub fbrd: u32,
    /// UARTLCR_H.
    pub lcr_h: u32,
    /// UARTCR.
    pub cr: u32,
    /// UARTIFLS.
    pub ifls: u32,
    /// UARTIMSC.
    pub imsc: u32,
    /// UARTRIS.
    pub ris: u32,
    /// UARTDMACR. There is no DMA; the bits are only kept.
    pub dmacr: u32,
}

/// A serial port.
#[derive(Clone, Debug)]
pub struct Pl011 {
    s: Pl011State,
    stats: Stats,
}

impl Default for Pl011 {
    fn default() -> Pl011 {
        Pl011::new()
    }
}

impl Pl011 {
    /// A serial port after reset, all modem inputs inactive.
    pub const fn new() -> Pl011 {
        Pl011 {
            s: Pl011State {
                rx: [0; FIFO_DEPTH],
                tx: [0; FIFO_DEPTH],
                rx_len: 0,
                tx_len: 0,
                overrun: 0,
                modem: 0,
                rsr: 0,
                ilpr: 0,
                ibrd: 0,
                fbrd: 0,
                lcr_h: 0,
                cr: 0x300,
                ifls: 0x12,
                imsc: 0,
                ris: 0,
                dmacr: 0,
            },
            stats: Stats { reads: 0, writes: 0, unknown: 0, refused: 0 },
        }
    }

    /// A serial port that goes on from `state`.
    ///
    /// # Errors
    /// [`StateError`] if none can be in that state.
    pub fn from_state(state: Pl011State) -> Result<Pl011, StateError> {
        let uart = Pl011 { s: state, stats: Stats::default() };
        let s = &uart.s;
        if s.rx_len as usize > uart.depth() || s.tx_len as usize > FIFO_DEPTH {
            return Err(StateError::Count);
        }
        let fits = [
            (s.overrun, 1),
            (s.modem, 0x107),
            (s.rsr, 0xf),
            (s.ilpr, 0xff),
            (s.ibrd, 0xffff),
            (s.fbrd, 0x3f),
            (s.lcr_h, 0xff),
            (s.cr, CR_WRITABLE),
            (s.ifls, 0x3f),
            (s.imsc, int::ALL),
            (s.ris, int::ALL),
            (s.dmacr, 7),
        ]
        .iter()
        .all(|(value, writable)| value & !writable == 0);
        if fits { Ok(uart) } else { Err(StateError::Value) }
    }

    /// Everything it remembers, to be saved.
    pub fn state(&self) -> &Pl011State {
        &self.s
    }

    /// What guests have done to it.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// The level of the combined interrupt line, UARTINTR (2.8.6).
    #[inline]
    pub fn line(&self) -> bool {
        self.s.ris & self.s.imsc != 0
    }

    /// Whether the receive FIFO has room.
    pub fn can_push(&self) -> bool {
        (self.s.rx_len as usize) < self.depth()
    }

    /// A byte arrives for the guest. If there is no room, it is lost, the guest sees an overrun, and the answer is
    /// false. While loopback is on, the port does not listen: the byte is lost without a trace, and the answer is true.
    pub fn push(&mut self, byte: u8) -> bool {
        self.looped() || self.receive(u16::from(byte))
    }

    /// A break arrives: a zero with the break bit (3.3.1).
    pub fn push_break(&mut self) -> bool {
        if self.looped() {
            return true;
        }
        self.s.ris |= int::BE;
        self.receive(DR_BE)
    }

    /// The next byte that the guest has sent.
    pub fn tx_pop(&mut self) -> Option<u8> {
        if self.s.tx_len == 0 {
            return None;
        }
        let byte = self.s.tx[0];
        shift(&mut self.s.tx, &mut self.s.tx_len);
        if self.s.tx_len as usize <= self.tx_trigger() {
            self.s.ris |= int::TX;
        }
        Some(byte)
    }

    /// The other side's modem lines. Each change raises that line's interrupt (2.8.1); nothing is seen during loopback.
    pub fn set_modem(&mut self, modem: Modem) {
        let before = self.modem_flags();
        self.s.modem = modem.flags();
        self.modem_changed(before);
    }

    /// A guest's load. Reading UARTDR takes a character out of the receive FIFO.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(&mut self, offset: u32, width: Width) -> Result<u32, Refused> {
        self.stats.admit(offset, width, SIZE_BYTES, false)?;
        let value = self.read_register(offset).map(|value| value & width.mask());
        Ok(self.stats.or_unknown(value))
    }

    /// A guest's store. Bytes that a narrow store does not carry are zero.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn write(&mut self, offset: u32, width: Width, value: u32) -> Result<(), Refused> {
        self.stats.admit(offset, width, SIZE_BYTES, true)?;
        let known = self.write_register(offset, value & width.mask());
        self.stats.or_unknown(known);
        Ok(())
    }

    fn read_register(&mut self, offset: u32) -> Option<u32> {
        let s = &self.s;
        Some(match offset {
            DR => self.take_received(),
            RSR => s.rsr,
            FR => self.flags(),
            ILPR => s.ilpr,
            IBRD => s.ibrd,
            FBRD => s.fbrd,
            LCR_H => s.lcr_h,
            CR => s.cr,
            IFLS => s.ifls,
            IMSC => s.imsc,
            RIS => s.ris,
            MIS => s.ris & s.imsc,
            DMACR => s.dmacr,
            ID.. if offset & 3 == 0 => u32::from(ID_VALUES[(offset - ID) as usize / 4]),
            _ => return None,
        })
    }

    fn write_register(&mut self, offset: u32, value: u32) -> Option<()> {
        match offset {
            DR => self.transmit(value as u8),
            // Any value clears all error bits (3.3.2).
            RSR => self.s.rsr = 0,
            ILPR => self.s.ilpr = value & 0xff,
            IBRD => self.s.ibrd = value & 0xffff,
            FBRD => self.s.fbrd = value & 0x3f,
            LCR_H => {
                if (self.s.lcr_h ^ value) & LCR_FEN != 0 {
                    self.flush();
                }
                self.s.lcr_h = value & 0xff;
            }
            CR => {
                let before = self.modem_flags();
                self.s.cr = value & CR_WRITABLE;
                self.modem_changed(before);
            }
            IFLS => self.s.ifls = value & 0x3f,
            IMSC => self.s.imsc = value & int::ALL,
            ICR => self.s.ris &= !value,
            DMACR => self.s.dmacr = value & 7,
            _ => return None,
        }
        Some(())
    }

    /// UARTFR (3.3.3). The port is busy as long as there is something to send.
    fn flags(&self) -> u32 {
        let s = &self.s;
        let depth = self.depth() as u32;
        let flag = |condition: bool, bit: u32| if condition { bit } else { 0 };
        self.modem_flags()
            | flag(s.tx_len != 0, FR_BUSY)
            | flag(s.rx_len == 0, FR_RXFE)
            | flag(s.tx_len >= depth, FR_TXFF)
            | flag(s.rx_len >= depth, FR_RXFF)
            | flag(s.tx_len == 0, FR_TXFE)
    }

    /// Entries of each FIFO: one while FIFOs are off.
    fn depth(&self) -> usize {
        if self.s.lcr_h & LCR_FEN != 0 { FIFO_DEPTH } else { 1 }
    }

    fn looped(&self) -> bool {
        self.s.cr & CR_LBE != 0
    }

    /// The receive interrupt is raised when so many characters are there.
    fn rx_trigger(&self) -> usize {
        if self.depth() == 1 { 1 } else { eighths(self.s.ifls >> 3) }
    }

    /// The transmit interrupt is raised when no more than so many characters are left.
    fn tx_trigger(&self) -> usize {
        if self.depth() == 1 { 0 } else { eighths(self.s.ifls) }
    }

    fn receive(&mut self, character: u16) -> bool {
        if !self.can_push() {
            self.s.overrun = 1;
            self.s.rsr |= RSR_OE;
            self.s.ris |= int::OE;
            return false;
        }
        self.s.overrun = 0;
        self.s.rx[self.s.rx_len as usize] = character;
        self.s.rx_len += 1;
        if self.s.rx_len as usize >= self.rx_trigger() {
            self.s.ris |= int::RX;
        }
        if self.depth() > 1 {
            self.s.ris |= int::RT;
        }
        true
    }

    /// A read of UARTDR. An empty FIFO gives zero and changes nothing.
    fn take_received(&mut self) -> u32 {
        if self.s.rx_len == 0 {
            return 0;
        }
        let mut character = self.s.rx[0];
        if self.s.overrun != 0 {
            character |= DR_OE;
        }
        shift(&mut self.s.rx, &mut self.s.rx_len);
        // UARTRSR shows the errors of the character read last; an overrun stays until it is cleared (3.3.2).
        self.s.rsr = self.s.rsr & RSR_OE | u32::from(character >> 8);
        if (self.s.rx_len as usize) < self.rx_trigger() {
            self.s.ris &= !int::RX;
        }
        if self.s.rx_len == 0 {
            self.s.ris &= !int::RT;
        }
        u32::from(character)
    }

    /// A write of UARTDR. What does not fit is lost; UARTFR would have told.
    fn transmit(&mut self, byte: u8) {
        if self.looped() {
            // Never full: it is received in the same moment.
            self.receive(u16::from(byte));
            self.s.ris |= int::TX;
            return;
        }
        if self.s.tx_len as usize >= self.depth() {
            return;
        }
        self.s.tx[self.s.tx_len as usize] = byte;
        self.s.tx_len += 1;
        if self.s.tx_len as usize > self.tx_trigger() {
            self.s.ris &= !int::TX;
        }
    }

    /// UARTLCR_H.FEN has changed: what was received is gone. What was to be sent is still sent.
    fn flush(&mut self) {
        self.s.rx_len = 0;
        self.s.overrun = 0;
        self.s.ris &= !(int::RX | int::RT);
    }

    /// The modem inputs as UARTFR shows them. In loopback they are the outputs: RTS to CTS, DTR to DSR, Out1 to DCD,
    /// Out2 to RI (3.3.8).
    fn modem_flags(&self) -> u32 {
        if !self.looped() {
            return self.s.modem;
        }
        let output = |bit: u32| self.s.cr & 1 << bit != 0;
        Modem { cts: output(11), dsr: output(10), dcd: output(12), ri: output(13) }.flags()
    }

    fn modem_changed(&mut self, before: u32) {
        let changed = before ^ self.modem_flags();
        for (flag, interrupt) in [(1, int::CTS), (2, int::DSR), (4, int::DCD), (1 << 8, int::RI)] {
            if changed & flag != 0 {
                self.s.ris |= interrupt;
            }
        }
    }
}

/// Takes the first of `len` entries out of a FIFO. Mostly it is the only one.
fn shift<T: Copy>(fifo: &mut [T; FIFO_DEPTH], len: &mut u32) {
    let end = (*len as usize).min(FIFO_DEPTH);
    if end > 1 {
        fifo.copy_within(1..end, 0);
    }
    *len -= 1;
}

/// A trigger level of UARTIFLS in characters: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO (3.3.9). Reserved values count as 7/8.
const fn eighths(field: u32) -> usize {
    match field & 7 {
        0 => FIFO_DEPTH / 8,
        1 => FIFO_DEPTH / 4,
        2 => FIFO_DEPTH / 2,
        3 => FIFO_DEPTH * 3 / 4,
        _ => FIFO_DEPTH * 7 / 8,
    }
}
