//! The GDB remote protocol on the console's line, by the gdbstub crate: `docs/gdb.md`.
//!
//! `gdb` at the prompt opens a session, for Nex or for a domain. While the machine is stopped, [`serve`] takes the place of
//! the prompt; when gdb lets it go on, the stub waits in [`SESSION`], and a breakpoint, Ctrl-C or a panic comes back to it.
//! Detaching, or the key sequence, ends the session.
//!
//! What Nex and the domains print meanwhile would break packets in two, so the console's UART is wrapped
//! ([`beside_gdb`]): in a session bytes become `O` packets, which gdb shows. Log records, which gdb could not show, are
//! left out; the debugger's `log` command still has them.

mod target;

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::convert::Infallible;
use core::fmt::Write;
use core::sync::atomic::{AtomicBool, Ordering};

use arrayvec::ArrayVec;
use embedded_hal_nb::nb;
use embedded_hal_nb::serial;
use gdbstub::common::Signal;
use gdbstub::conn::Connection;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStubBuilder, SingleThreadStopReason};
use gdbstub::target::ext::breakpoints::WatchKind;
use nex_debugger::escape::Outcome;
use nex_debugger::parse::Args;
use nex_debugger::table::{Command, CommandError};

use super::breakpoints::{self, Cause, Owner};
use super::{Context, ESCAPE, LINE, Reason, domains, port, say};
use crate::arch::{debug, irq};
use crate::board::{Exit, Interrupt, Uart, UartError};
use target::{Subject, Target};

pub(super) const COMMANDS: &[Command<Context>] = &[Command {
    name: "gdb",
    usage: "[dom]",
    help: "speak the GDB remote protocol on this line, about Nex or a domain, until gdb detaches",
    run: gdb,
}];

type Stub = GdbStubStateMachine<'static, Target, Line>;

struct Session {
    /// Gone only while it works, or when it died at that.
    stub: Option<Stub>,
    target: Target,
}

/// The session, if there is one; touched by the debugger only, which does not nest.
static SESSION: spin::mutex::SpinMutex<Option<Session>> = spin::mutex::SpinMutex::new(None);
/// Whether there is one: for code outside of the debugger.
static ON: AtomicBool = AtomicBool::new(false);

/// Bytes of the largest packet. Room for all registers, and memory in handy pieces.
const PACKET_BYTES: usize = 1024;

struct Buffer(UnsafeCell<[u8; PACKET_BYTES]>);
// SAFETY: `new_stub` alone makes a reference, for one stub at a time.
unsafe impl Sync for Buffer {}
static PACKET: Buffer = Buffer(UnsafeCell::new([0; PACKET_BYTES]));

/// The line as gdbstub writes to it.
struct Line;

impl Connection for Line {
    type Error = Infallible;

    fn write(&mut self, byte: u8) -> Result<(), Infallible> {
        if let Some(line) = LINE.get() {
            port::send(line.port, &[byte]);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Whether the line speaks gdb's protocol.
pub(super) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

fn gdb(context: &mut Context, args: &Args<'_>) -> Result<(), CommandError> {
    args.at_most(1)?;
    let subject = match args.get(0) {
        None => Subject::Nex,
        Some(name) => Subject::Domain(domains::with_domain(context, name, &mut |d| d.number())?),
    };
    say!(context, "this line speaks the GDB remote protocol now: attach gdb-multiarch, detach to come back");
    *SESSION.lock() = Some(Session { stub: None, target: Target::new(subject) });
    ON.store(true, Ordering::Relaxed);
    context.leave = true;
    Ok(())
}

/// A stub that waits for gdb, which may be in the middle of a session: then it goes on with that.
fn new_stub(target: &mut Target) -> Option<Stub> {
    // SAFETY: the stub that had the buffer before, if any, is gone: callers have given up or lost the old one.
    let buffer = unsafe { &mut *PACKET.0.get() };
    let stub = GdbStubBuilder::new(Line).with_packet_buffer(buffer).build().ok()?;
    stub.run_state_machine(target).ok()
}

/// What becomes of the machine.
enum Turn {
    /// gdb has more to say.
    Stay,
    /// It goes on.
    Go,
    /// The session is over.
    End,
}

/// Speaks with gdb until the machine is to go on (`true`) or the session is over (`false`).
pub(super) fn serve(context: &mut Context) -> bool {
    let Some(line) = LINE.get() else { return false };
    OUTPUT.lock().begin();
    // Free unless a fault has ended the last session half-way.
    let mut session = SESSION.try_lock().unwrap_or_else(|| {
        // SAFETY: nobody else uses it: see there.
        unsafe { SESSION.force_unlock() };
        SESSION.lock()
    });
    let Some(session) = session.as_mut() else { return false };
    session.target.enter(context);
    let mut turn = Turn::Stay;
    let stop = stop_reason(context, session.target.subject());
    let alive = debug::guarded(&mut || turn = session.begin(stop));
    if !alive {
        turn = Turn::End;
    }
    while let Turn::Stay = turn {
        let Some(byte) = port::next_byte(line.port) else { continue };
        let bytes = match ESCAPE.lock().feed(byte) {
            Outcome::Enter => break,
            Outcome::Hold => continue,
            Outcome::Pass(bytes) => bytes,
        };
        for &byte in bytes.as_slice() {
            if let Turn::Stay = turn
                && !debug::guarded(&mut || turn = session.feed(byte))
            {
                turn = Turn::End;
            }
        }
    }
    session.target.leave(context);
    let go = matches!(turn, Turn::Go);
    if !go {
        close();
        session.stub = None;
    }
    go
}

/// Ends the session: the line is the prompt's again.
pub(super) fn close() {
    ON.store(false, Ordering::Relaxed);
    breakpoints::remove_gdbs();
}

impl Session {
    /// The machine has stopped: says so, if gdb waits for it.
    fn begin(&mut self, stop: SingleThreadStopReason<u32>) -> Turn {
        let next = match self.stub.take() {
            Some(GdbStubStateMachine::Running(stub)) => stub.report_stop(&mut self.target, stop).ok(),
            other => other,
        };
        self.settle(next)
    }

    /// A byte from gdb.
    fn feed(&mut self, byte: u8) -> Turn {
        let next = match self.stub.take() {
            Some(GdbStubStateMachine::Idle(stub)) => stub.incoming_data(&mut self.target, byte).ok(),
            other => other,
        };
        self.settle(next)
    }

    /// Has the stub do what it is about to. A stub that gave up over a broken packet is replaced by a new one: gdb will
    /// say it again.
    fn settle(&mut self, mut next: Option<Stub>) -> Turn {
        loop {
            let Some(stub) = next.or_else(|| new_stub(&mut self.target)) else { return Turn::End };
            match stub {
                GdbStubStateMachine::Idle(_) => {
                    self.stub = Some(stub);
                    return Turn::Stay;
                }
                GdbStubStateMachine::Running(stub) if self.target.can_go() => {
                    self.stub = Some(stub.into());
                    return Turn::Go;
                }
                // There is no way on after a panic.
                GdbStubStateMachine::Running(stub) => {
                    let reason = SingleThreadStopReason::Terminated(Signal::SIGABRT);
                    next = stub.report_stop(&mut self.target, reason).ok();
                }
                // The machine has stopped for another reason, and gdb did not know when it sent Ctrl-C.
                GdbStubStateMachine::CtrlCInterrupt(stub) => {
                    let nothing = None::<SingleThreadStopReason<u32>>;
                    next = stub.interrupt_handled(&mut self.target, nothing).ok();
                }
                GdbStubStateMachine::Disconnected(stub) => {
                    if let DisconnectReason::Kill = stub.get_reason() {
                        crate::end(Exit::PowerOff);
                    }
                    return Turn::End;
                }
            }
        }
    }
}

/// What gdb is told about why the machine has stopped.
fn stop_reason(context: &Context, subject: Subject) -> SingleThreadStopReason<u32> {
    let signal = match context.reason {
        Reason::Key | Reason::Break => Signal::SIGINT,
        Reason::Panic => Signal::SIGABRT,
        Reason::Watchdog => Signal::SIGALRM,
        Reason::Ended { failed: false } if subject == Subject::Nex => Signal::SIGTRAP,
        Reason::Ended { failed: false } => return SingleThreadStopReason::Exited(0),
        Reason::Ended { failed: true } => return SingleThreadStopReason::Terminated(Signal::SIGSEGV),
        Reason::Event => match breakpoints::cause() {
            Some(Cause::Breakpoint(Owner::GdbSoft)) => return SingleThreadStopReason::SwBreak(()),
            Some(Cause::Breakpoint(_)) => return SingleThreadStopReason::HwBreak(()),
            Some(Cause::Step) => return SingleThreadStopReason::DoneStep,
            Some(Cause::Watchpoint(w)) => {
                let kind = match (w.loads, w.stores) {
                    (true, true) => WatchKind::ReadWrite,
                    (true, false) => WatchKind::Read,
                    _ => WatchKind::Write,
                };
                return SingleThreadStopReason::Watch { tid: (), kind, addr: w.address };
            }
            None => Signal::SIGTRAP,
        },
    };
    SingleThreadStopReason::Signal(signal)
}

/// Whether gdb waits for news of domain `number`.
pub(super) fn attached_to(number: u8) -> bool {
    is_on()
        && SESSION.try_lock().is_some_and(|session| {
            session.as_ref().is_some_and(|session| session.target.subject() == Subject::Domain(number))
        })
}

/// Bytes in one `O` packet.
const OUTPUT_BYTES: usize = 120;

/// Text on its way to gdb. Touched with everything masked.
struct Output {
    text: ArrayVec<u8, OUTPUT_BYTES>,
    /// Between the zero bytes of a log record.
    in_record: bool,
}

static OUTPUT: spin::mutex::SpinMutex<Output> =
    spin::mutex::SpinMutex::new(Output { text: ArrayVec::new_const(), in_record: false });

impl Output {
    fn put(&mut self, byte: u8) {
        match byte {
            0 => self.in_record = !self.in_record,
            _ if self.in_record => {}
            b'\r' => {}
            _ => {
                self.text.push(byte);
                if byte == b'\n' || self.text.is_full() {
                    self.send();
                }
            }
        }
    }

    /// The machine has stopped: what is left goes before the report of that.
    fn begin(&mut self) {
        self.in_record = false;
        self.send();
    }

    fn send(&mut self) {
        let Some(line) = LINE.get().filter(|_| !self.text.is_empty()) else { return };
        let mut sum = b'O';
        port::send(line.port, b"$O");
        for byte in self.text.drain(..) {
            let digits = [byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)]);
            sum = digits.iter().fold(sum, |sum, digit| sum.wrapping_add(*digit));
            port::send(line.port, &digits);
        }
        let mut end = arrayvec::ArrayString::<3>::new();
        let _ = write!(end, "#{sum:02x}");
        port::send(line.port, end.as_bytes());
    }
}

/// The console's UART, kept from breaking gdb's packets.
pub(crate) fn beside_gdb(uart: Box<dyn Uart>) -> Box<dyn Uart> {
    Box::new(BesideGdb(uart))
}

struct BesideGdb(Box<dyn Uart>);

impl serial::ErrorType for BesideGdb {
    type Error = UartError;
}

impl serial::Read<u8> for BesideGdb {
    fn read(&mut self) -> nb::Result<u8, UartError> {
        self.0.read()
    }
}

impl serial::Write<u8> for BesideGdb {
    fn write(&mut self, byte: u8) -> nb::Result<(), UartError> {
        if !is_on() {
            return self.0.write(byte);
        }
        // A whole packet at a time: an FIQ in the middle would answer gdb there. Masked, so the lock is free.
        irq::with_all_masked(|| OUTPUT.lock().put(byte));
        Ok(())
    }

    fn flush(&mut self) -> nb::Result<(), UartError> {
        self.0.flush()
    }
}

impl Uart for BesideGdb {
    fn interrupt(&self) -> Interrupt {
        self.0.interrupt()
    }

    fn set_receive_interrupt(&mut self, on: bool) {
        self.0.set_receive_interrupt(on);
    }

    fn set_transmit_interrupt(&mut self, on: bool) {
        self.0.set_transmit_interrupt(on);
    }
}
