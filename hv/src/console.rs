//! The console: one UART, many writers, one reader at a time.
//!
//! What is written goes through the multiplexer (whole lines with the writer's name) into a ring that the transmit
//! interrupt empties; a full ring is emptied by waiting, so nothing is lost. Typed bytes go to whoever has the focus.
//!
//! Log records share the UART: frames between zero bytes, which no text contains, put between two writes of the
//! multiplexer. They wait in the log's own ring until the console is free; see [`send_log`].
//!
//! A byte for a reader that has no room stays in the UART, whose sender then has to wait ([`Flow`]): with a debugger it and what
//! follows fill the debugger's ring first, which lets the UART wait when it is full.

use alloc::boxed::Box;
use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use embedded_hal_nb::nb;
pub use nex_console::Source;
use nex_console::{Action, Flow, Input, Mux, Next, SWITCH_PRESSES};

use crate::arch::irq;
use crate::board::{Interrupt, Uart, UartError};
use crate::domain::MAX_DOMAINS;
use crate::sync::{IrqGuard, IrqLock};

const TX_BYTES: usize = 4096;
const RX_BYTES: usize = 256;
/// Enough for a line of the multiplexer with its name.
const ROW_BYTES: usize = 320;

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
    /// Whether one typed byte fits, with the presses of the switch key that were held back before it.
    fn has_room(&self) -> bool {
        self.len + SWITCH_PRESSES <= N
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
    /// What was handed over last is the beginning of a log frame and not its end.
    frame_open: bool,
    /// What stands on the screen's current row, as it was sent; for [`print_on_screen`].
    row: Row,
}

/// The bytes since the last end of a row, if they are not too many.
struct Row {
    bytes: [u8; ROW_BYTES],
    len: usize,
}

impl Row {
    fn push(&mut self, text: &[u8]) {
        let (ended, rest) = match text.iter().rposition(|&byte| byte == b'\n') {
            Some(at) => (true, &text[at + 1..]),
            None => (false, text),
        };
        if ended {
            self.len = 0;
        }
        if let Some(room) = self.bytes.get_mut(self.len..self.len + rest.len()) {
            room.copy_from_slice(rest);
        }
        self.len = (self.len + rest.len()).min(ROW_BYTES + 1);
    }
}

/// The UART has sent the beginning of a log frame and not its end.
static IN_FRAME: AtomicBool = AtomicBool::new(false);
/// The rest of a frame is not to be sent: somebody has ended it on the wire.
static SKIP_FRAME: AtomicBool = AtomicBool::new(false);

/// For code that writes to the UART beside the console, at any moment: `true` if the console was in the middle of a log
/// frame. Then a zero byte must be sent first, which ends the frame, and the console will not send the rest.
pub fn break_frame() -> bool {
    let broken = IN_FRAME.swap(false, Ordering::Relaxed);
    if broken {
        SKIP_FRAME.store(true, Ordering::Relaxed);
    }
    broken
}

/// Hands a byte to the UART and keeps in mind whether a log frame is under way.
fn put(uart: &mut dyn Uart, byte: u8) -> nb::Result<(), UartError> {
    if SKIP_FRAME.load(Ordering::Relaxed) {
        if byte == 0 {
            SKIP_FRAME.store(false, Ordering::Relaxed);
        }
        return Ok(());
    }
    if byte != 0 {
        return uart.write(byte);
    }
    // The debugger must not come between the byte and the note about it.
    irq::with_all_masked(|| {
        uart.write(0)?;
        IN_FRAME.fetch_xor(true, Ordering::Relaxed);
        Ok(())
    })
}

impl Transmitter {
    /// Sends text. Zero bytes, which only a source that owns the terminal could send, are left out: they begin and end
    /// log frames.
    fn send(&mut self, bytes: &[u8]) {
        for text in bytes.split(|&byte| byte == 0).filter(|text| !text.is_empty()) {
            if crate::screen::is_present() {
                crate::screen::write(text);
                self.row.push(text);
            }
            self.send_raw(text);
        }
    }

    fn send_raw(&mut self, bytes: &[u8]) {
        let Some(uart) = &mut self.uart else { return };
        for &byte in bytes {
            self.frame_open ^= byte == 0;
            if self.ring.len == 0 && put(&mut **uart, byte).is_ok() {
                continue;
            }
            while !self.ring.push(byte) {
                // Full: the UART is the slowest part, wait for it.
                if let Some(first) = self.ring.pop() {
                    let _ = nb::block!(put(&mut **uart, first));
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
            if put(&mut **uart, self.ring.bytes[self.ring.head]).is_err() {
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
            let _ = nb::block!(put(&mut **uart, byte));
        }
        let _ = nb::block!(uart.flush());
    }
}

struct Console {
    tx: Transmitter,
    mux: Mux<MAX_DOMAINS>,
    input: Input,
    flow: Flow,
    /// The UART's receive interrupt is off, as bytes wait for their reader.
    waiting: bool,
    received: [Ring<RX_BYTES>; MAX_DOMAINS],
    for_nex: Ring<RX_BYTES>,
}

/// The UART and everybody's half-written lines.
static CONSOLE: IrqLock<Console> = IrqLock::new(Console {
    tx: Transmitter {
        uart: None,
        ring: Ring::new(),
        interrupt_on: false,
        interrupts_live: false,
        frame_open: false,
        row: Row { bytes: [0; ROW_BYTES], len: 0 },
    },
    mux: Mux::new(),
    input: Input::new(),
    flow: Flow::new(),
    waiting: false,
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

    /// Gives received bytes to their readers, until there are no more or a reader has no room.
    fn take_input(&mut self) {
        loop {
            let reader = self.input.focus();
            let room = match reader {
                Source::Nex => self.for_nex.has_room(),
                Source::Domain(n) => self.received[usize::from(n)].has_room(),
            };
            let wait = self.flow.next(reader, room, crate::time::now_ns) == Next::Wait;
            if wait != self.waiting {
                self.waiting = wait;
                // Beside a debugger the UART's interrupt is not ours.
                if !crate::debugger::has_port()
                    && let Some(uart) = &mut self.tx.uart
                {
                    uart.set_receive_interrupt(!wait);
                }
            }
            if wait {
                return;
            }
            match self.receive() {
                Ok(byte) => {
                    let action = self.input.key(byte);
                    self.apply(action);
                }
                Err(nb::Error::WouldBlock) => return,
                // A line error: the byte is lost, the next one is read.
                Err(nb::Error::Other(_)) => {}
            }
        }
    }

    /// `reader` has taken bytes, or begins anew: those that waited for it can come. Returns `true` if some may have.
    fn has_read(&mut self, reader: Source) -> bool {
        let waited = self.flow.has_read(reader);
        if waited {
            self.take_input();
        }
        waited
    }

    fn write(&mut self, source: Source, bytes: &[u8]) {
        let Console { tx, mux, .. } = self;
        mux.write(source, bytes, &mut |out| tx.send(out));
    }

    /// Sends log records that wait. Between two writes of the multiplexer, so never inside a character of text.
    fn send_log(&mut self) {
        if self.tx.uart.is_some() {
            crate::log::send_unsent(&mut |bytes| self.tx.send_raw(bytes));
        }
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Nothing => {}
            Action::Deliver(Source::Nex, keys) => {
                for &key in keys.as_bytes() {
                    self.for_nex.push(key);
                }
            }
            // What does not fit is lost: `flow` says that nobody listens.
            Action::Deliver(Source::Domain(n), keys) => {
                for &key in keys.as_bytes() {
                    self.received[usize::from(n)].push(key);
                    INPUT.fetch_or(1 << n, Ordering::Relaxed);
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

/// Gives the console a UART, used by waiting until [`enable_interrupts`]. Log records from before are sent.
pub(crate) fn set_uart(uart: Box<dyn Uart>) {
    let mut console = CONSOLE.lock();
    console.tx.drain();
    console.tx.uart = Some(uart);
    console.send_log();
}

/// Gives the console a UART for [`print_last_words`].
///
/// # Safety
/// No other code of Nex will run again.
pub(crate) unsafe fn set_last_uart(uart: Box<dyn Uart>) {
    // SAFETY: the caller's promise.
    unsafe { CONSOLE.seize() }.tx.uart = Some(uart);
}

/// Sends the log records that wait, or leaves them to whoever uses the console now: everyone who has used it calls this
/// after releasing it. So nobody waits, and a record logged in the middle of a write to the console is sent behind it.
pub(crate) fn send_log() {
    while crate::log::pending() {
        let Some(mut console) = CONSOLE.try_lock() else { return };
        if console.tx.uart.is_none() {
            return;
        }
        console.send_log();
    }
}

/// Lets the UART interrupt; returns the interrupt to route to [`handle_interrupt`].
pub(crate) fn enable_interrupts() -> Option<Interrupt> {
    let mut console = CONSOLE.lock();
    console.tx.interrupts_live = true;
    let uart = console.tx.uart.as_mut()?;
    uart.set_receive_interrupt(true);
    Some(uart.interrupt())
}

/// Domains that were typed to since somebody looked; a bit each.
static INPUT: AtomicU32 = AtomicU32::new(0);

/// The UART's interrupt handler.
pub(crate) fn handle_interrupt() {
    let room = {
        let mut console = CONSOLE.lock();
        console.take_input();
        console.tx.pump();
        console.tx.has_room()
    };
    tell_readers();
    if room {
        ROOM.wake_all();
    }
}

/// The `keys` thread watches for the end of patience, or was told to.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// Tells those who were typed to. Everyone calls this who may have had input taken, after releasing the console.
fn tell_readers() {
    send_log();
    let (keys, waiting) = {
        let console = CONSOLE.lock();
        (console.for_nex.len > 0, console.waiting)
    };
    let typed_to = INPUT.swap(0, Ordering::Relaxed);
    if typed_to != 0 {
        crate::domain::input_arrived(typed_to);
    }
    if keys || waiting && !WATCHED.swap(true, Ordering::Relaxed) {
        KEYS.post();
    }
}

/// A key typed to Nex, if one waits.
pub(crate) fn read_key() -> Option<u8> {
    let mut console = CONSOLE.lock();
    let key = console.for_nex.pop();
    if key.is_some() && console.has_read(Source::Nex) {
        drop(console);
        tell_readers();
    }
    key
}

/// Waits until a key may have been typed to Nex. Meanwhile it looks after readers that do not read: see [`Flow`].
pub(crate) fn wait_for_key() {
    loop {
        let Some(until_ns) = patience_until_ns() else { return KEYS.wait() };
        if KEYS.wait_until(until_ns) {
            return;
        }
    }
}

/// Has bytes that have waited for long enough go on, and says when those that wait now will have.
fn patience_until_ns() -> Option<u64> {
    let mut console = CONSOLE.lock();
    if console.flow.expire(crate::time::now_ns()) {
        console.take_input();
    }
    let until_ns = console.flow.deadline_ns();
    WATCHED.store(until_ns.is_some(), Ordering::Relaxed);
    drop(console);
    tell_readers();
    until_ns
}

/// Starts a domain's console under its name.
pub fn open(domain: u8, name: &str) {
    let mut console = CONSOLE.lock();
    console.mux.open(Source::Domain(domain), name);
    console.input.open(Source::Domain(domain));
    console.received[usize::from(domain)] = Ring::new();
    if console.has_read(Source::Domain(domain)) {
        drop(console);
        tell_readers();
    }
}

/// Gives the input to a domain, unless another one has it: somebody is typing there.
pub fn offer_input(domain: u8) {
    let mut console = CONSOLE.lock();
    if console.input.focus() == Source::Nex {
        let action = console.input.focus_on(Source::Domain(domain));
        console.apply(action);
    }
}

/// Ends a domain's console; its unfinished line is shown.
pub fn close(domain: u8) {
    let mut console = CONSOLE.lock();
    let Console { tx, mux, .. } = &mut *console;
    mux.close(Source::Domain(domain), &mut |out| tx.send(out));
    let action = console.input.close(Source::Domain(domain));
    console.apply(action);
    // What waited for it is for Nex now.
    if console.has_read(Source::Domain(domain)) {
        drop(console);
        tell_readers();
    }
}

/// Writes for a domain, a few bytes at a time. Blocks the domain's thread while much waits to be sent already, so that a
/// talkative domain waits for the UART in its own time.
pub fn write(domain: u8, bytes: &[u8]) {
    ROOM.wait(|| CONSOLE.lock().tx.has_room());
    CONSOLE.lock().write(Source::Domain(domain), bytes);
    send_log();
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
    if count > 0 && console.has_read(Source::Domain(domain)) {
        drop(console);
        tell_readers();
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
    send_log();
}

/// Shows a whole row on the screen only, for what goes over the UART in another form. A row of text that has not ended
/// is ended, and shown again behind it.
pub(crate) fn print_on_screen(args: fmt::Arguments<'_>) {
    struct Screen;
    impl fmt::Write for Screen {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            crate::screen::write(text.as_bytes());
            Ok(())
        }
    }
    // Whoever has the console and is interrupted by this has something else to worry about than a row that is cut.
    let console = CONSOLE.try_lock();
    let row = console.as_ref().map_or(&[][..], |console| {
        let row = &console.tx.row;
        row.bytes.get(..row.len).unwrap_or(b"...")
    });
    if !row.is_empty() {
        crate::screen::write(nex_console::CUT_MARK.as_bytes());
        crate::screen::write(b"\r\n");
    }
    let _ = fmt::write(&mut Screen, args);
    crate::screen::write(b"\r\n");
    crate::screen::write(row);
}

/// Sends everything that waits; unfinished lines are ended.
pub fn flush() {
    let mut console = CONSOLE.lock();
    console.send_log();
    let Console { tx, mux, .. } = &mut *console;
    mux.flush_all(&mut |out| tx.send(out));
    tx.drain();
}

/// Sends everything that waits if nobody is in the middle of printing; for the debugger, which prints by itself.
pub(crate) fn try_drain() {
    if let Some(mut console) = CONSOLE.try_lock() {
        console.send_log();
        console.tx.drain();
    }
}

/// Prints on the way down: takes the console away from whoever has it and sends by waiting. Each piece is given to `keep`
/// too, before the next is even formatted: that may fail.
///
/// # Safety
/// No other code of Nex will run again.
pub(crate) unsafe fn print_last_words(args: fmt::Arguments<'_>, keep: fn(&str)) {
    struct Words<'a>(Out<'a>, fn(&str));
    impl fmt::Write for Words<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.1(text);
            self.0.write_str(text)
        }
    }
    // SAFETY: the caller's promise.
    let mut console = unsafe { CONSOLE.seize() };
    console.tx.interrupts_live = false;
    crate::screen::set_immediate(true);
    if console.tx.frame_open {
        // The one who had the console was sending a log record.
        console.tx.send_raw(&[0]);
    }
    console.send_log();
    let _ = fmt::write(&mut Words(Out(console), keep), args);
}
