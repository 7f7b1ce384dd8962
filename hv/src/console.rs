//! The console: one UART, many writers, one reader at a time.
//!
//! What is written goes through the multiplexer (whole lines with the writer's name) into a ring that the transmit
//! interrupt empties; a full ring is emptied by waiting, so nothing is lost. Typed bytes go to whoever has the focus.

use alloc::boxed::Box;
use core::fmt;

use embedded_hal_nb::nb;
pub use nex_console::Source;
use nex_console::{Action, Input, Mux};

use crate::board::{Interrupt, Uart, UartError};
use crate::domain::MAX_DOMAINS;
use crate::sync::{IrqGuard, IrqLock};

const TX_BYTES: usize = 4096;
const RX_BYTES: usize = 256;

/// A byte ring; `N` is a power of two.
struct Ring<const N: usize> {
    bytes: [u8; N],
    head: usize,
    len: usize,
}

impl<const N: usize> Ring<N> {
    const fn new() -> Self {
        Ring { bytes: [0; N], head: 0, len: 0 }
    }
    /// Adds a byte; `false` if full.
    fn push(&mut self, byte: u8) -> bool {
        if self.len == N {
            return false;
        }
        self.bytes[(self.head + self.len) % N] = byte;
        self.len += 1;
        true
    }
    fn pop(&mut self) -> Option<u8> {
        if self.len == 0 {
            return None;
        }
        let byte = self.bytes[self.head];
        self.head = (self.head + 1) % N;
        self.len -= 1;
        Some(byte)
    }
}

/// The transmitting side: UART and ring.
struct Transmitter {
    uart: Option<Box<dyn Uart>>,
    ring: Ring<TX_BYTES>,
    /// The transmit interrupt is on, so the ring is emptied without anybody waiting.
    interrupt_on: bool,
    /// Interrupts are delivered; before that everything is sent by waiting.
    interrupts_live: bool,
}

impl Transmitter {
    fn send(&mut self, bytes: &[u8]) {
        crate::screen::write(bytes);
        let Some(uart) = &mut self.uart else { return };
        for &byte in bytes {
            if self.ring.len == 0 && uart.write(byte).is_ok() {
                continue;
            }
            while !self.ring.push(byte) {
                // Full: the UART is the slowest part, wait for it.
                if let Some(first) = self.ring.pop() {
                    let _ = nb::block!(uart.write(first));
                }
            }
        }
        if !self.interrupts_live {
            self.drain();
        } else if self.ring.len > 0 && !self.interrupt_on {
            uart.set_transmit_interrupt(true);
            self.interrupt_on = true;
        }
    }

    /// Whether at least half of the ring is free.
    fn has_room(&self) -> bool {
        self.ring.len <= TX_BYTES / 2
    }

    /// Sends what fits now; switches the interrupt off when all is sent.
    fn pump(&mut self) {
        let Some(uart) = &mut self.uart else { return };
        while self.ring.len > 0 {
            if uart.write(self.ring.bytes[self.ring.head]).is_err() {
                // Again even if it is on by this flag: an FIQ handler may have switched it off to hand over to us.
                uart.set_transmit_interrupt(true);
                self.interrupt_on = true;
                return;
            }
            self.ring.pop();
        }
        if self.interrupt_on {
            uart.set_transmit_interrupt(false);
            self.interrupt_on = false;
        }
    }

    /// Sends everything, waiting.
    fn drain(&mut self) {
        let Some(uart) = &mut self.uart else { return };
        while let Some(byte) = self.ring.pop() {
            let _ = nb::block!(uart.write(byte));
        }
        let _ = nb::block!(uart.flush());
    }
}

struct Console {
    tx: Transmitter,
    mux: Mux<MAX_DOMAINS>,
    input: Input,
    received: [Ring<RX_BYTES>; MAX_DOMAINS],
    for_nex: Ring<RX_BYTES>,
}

/// The UART and everybody's half-written lines.
static CONSOLE: IrqLock<Console> = IrqLock::new(Console {
    tx: Transmitter { uart: None, ring: Ring::new(), interrupt_on: false, interrupts_live: false },
    mux: Mux::new(),
    input: Input::new(),
    received: [const { Ring::new() }; MAX_DOMAINS],
    for_nex: Ring::new(),
});

/// Threads of domains that wait until there is room to write.
static ROOM: crate::thread::WaitQueue = crate::thread::WaitQueue::new();

/// Wakes the thread that acts on keys typed to Nex.
pub(crate) static KEYS: crate::thread::Semaphore = crate::thread::Semaphore::new(0);

impl Console {
    /// The next received byte: from the FIQ handler where there is one, else from the UART.
    fn receive(&mut self) -> nb::Result<u8, UartError> {
        if crate::debugger::has_port() {
            return crate::debugger::take_input().ok_or(nb::Error::WouldBlock);
        }
        self.tx.uart.as_mut().map_or(Err(nb::Error::WouldBlock), |uart| uart.read())
    }

    fn write(&mut self, source: Source, bytes: &[u8]) {
        let Console { tx, mux, .. } = self;
        mux.write(source, bytes, &mut |out| tx.send(out));
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Nothing => {}
            Action::Deliver(Source::Nex, keys) => {
                for &key in keys.as_bytes() {
                    self.for_nex.push(key);
                }
            }
            // A domain that does not read loses what does not fit, as on a UART with nobody listening.
            Action::Deliver(Source::Domain(n), keys) => {
                for &key in keys.as_bytes() {
                    self.received[usize::from(n)].push(key);
                }
            }
            Action::Switched(source) => {
                let Console { tx, mux, .. } = self;
                mux.set_focus(source, &mut |out| tx.send(out));
                let mut name = arrayvec::ArrayString::<64>::new();
                let _ = match source {
                    Source::Nex => fmt::write(
                        &mut name,
                        format_args!("input to Nex (Ctrl-A three times to switch, h for help)\n"),
                    ),
                    Source::Domain(n) => match crate::domain::name_of(n) {
                        Some(domain) => fmt::write(&mut name, format_args!("input to {domain}\n")),
                        None => fmt::write(&mut name, format_args!("input to domain {n}\n")),
                    },
                };
                self.write(Source::Nex, name.as_bytes());
            }
        }
    }
}

/// Gives the console a UART, used by waiting until [`enable_interrupts`].
pub(crate) fn set_uart(uart: Box<dyn Uart>) {
    let mut console = CONSOLE.lock();
    console.tx.drain();
    console.tx.uart = Some(uart);
}

/// Lets the UART interrupt; returns the interrupt to route to [`handle_interrupt`].
pub(crate) fn enable_interrupts() -> Option<Interrupt> {
    let mut console = CONSOLE.lock();
    console.tx.interrupts_live = true;
    let uart = console.tx.uart.as_mut()?;
    uart.set_receive_interrupt(true);
    Some(uart.interrupt())
}

/// The UART's interrupt handler.
pub(crate) fn handle_interrupt() {
    let (keys, room) = {
        let mut console = CONSOLE.lock();
        loop {
            match console.receive() {
                Ok(byte) => {
                    let action = console.input.key(byte);
                    console.apply(action);
                }
                Err(nb::Error::WouldBlock) => break,
                // A line error: the byte is lost, the next one is read.
                Err(nb::Error::Other(_)) => {}
            }
        }
        console.tx.pump();
        (console.for_nex.len, console.tx.has_room())
    };
    if room {
        ROOM.wake_all();
    }
    if keys > 0 {
        KEYS.post();
    }
}

/// A key typed to Nex, if one waits.
pub(crate) fn read_key() -> Option<u8> {
    CONSOLE.lock().for_nex.pop()
}

/// Starts a domain's console under its name.
pub fn open(domain: u8, name: &str) {
    let mut console = CONSOLE.lock();
    console.mux.open(Source::Domain(domain), name);
    console.input.open(Source::Domain(domain));
    console.received[usize::from(domain)] = Ring::new();
}

/// Ends a domain's console; its unfinished line is shown.
pub fn close(domain: u8) {
    let mut console = CONSOLE.lock();
    let Console { tx, mux, .. } = &mut *console;
    mux.close(Source::Domain(domain), &mut |out| tx.send(out));
    let action = console.input.close(Source::Domain(domain));
    console.apply(action);
}

/// Writes for a domain, a few bytes at a time. Blocks the domain's thread while much waits to be sent already, so that a
/// talkative domain waits for the UART in its own time.
pub fn write(domain: u8, bytes: &[u8]) {
    ROOM.wait(|| CONSOLE.lock().tx.has_room());
    CONSOLE.lock().write(Source::Domain(domain), bytes);
}

/// Takes typed bytes of a domain; returns how many.
pub fn read(domain: u8, into: &mut [u8]) -> usize {
    let mut console = CONSOLE.lock();
    let ring = &mut console.received[usize::from(domain)];
    let mut count = 0;
    for slot in into {
        let Some(byte) = ring.pop() else { break };
        *slot = byte;
        count += 1;
    }
    count
}

struct Out<'a>(IrqGuard<'a, Console>);

impl fmt::Write for Out<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(Source::Nex, text.as_bytes());
        Ok(())
    }
}

/// Prints as Nex.
pub fn print(args: fmt::Arguments<'_>) {
    let _ = fmt::write(&mut Out(CONSOLE.lock()), args);
}

/// Sends everything that waits; unfinished lines are ended.
pub fn flush() {
    let mut console = CONSOLE.lock();
    let Console { tx, mux, .. } = &mut *console;
    mux.flush_all(&mut |out| tx.send(out));
    tx.drain();
}

/// Sends everything that waits if nobody is in the middle of printing; for the debugger, which prints by itself.
pub(crate) fn try_drain() {
    if let Some(mut console) = CONSOLE.try_lock() {
        console.tx.drain();
    }
}

/// Prints on the way down: takes the console away from whoever has it and sends by waiting.
///
/// # Safety
/// No other code of Nex will run again.
pub(crate) unsafe fn print_last_words(args: fmt::Arguments<'_>) {
    // SAFETY: the caller's promise.
    let mut console = unsafe { CONSOLE.seize() };
    console.tx.interrupts_live = false;
    crate::screen::set_immediate(true);
    let _ = fmt::write(&mut Out(console), args);
}
