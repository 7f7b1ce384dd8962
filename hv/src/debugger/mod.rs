//! The debugger: a prompt on the console's UART that works at any moment.
//!
//! The UART interrupts by FIQ, which Nex never masks but here, so three times Ctrl-\ (or a break on the line) enters in a
//! thread, a guest, an interrupt handler or a loop with IRQs masked. Other bytes go to the console by way of a ring and a
//! software interrupt. A panic, a breakpoint and the watchdog enter as well.
//!
//! While the prompt is there nothing else runs ([`Stopped`]) and the clock stands still. Commands look at data whatever
//! locks are held ([`crate::sync::IrqLock::peek`]), print by polling, and read memory so that an abort is only the word
//! `fault`. A command that panics or faults all the same is ended, and the prompt comes back.
//!
//! Each subsystem has its commands in a table: see [`TABLES`].

mod breakpoints;
mod domains;
mod gdb;
mod input;
mod machine;
mod port;
mod records;
mod system;
pub(crate) mod watchdog;

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use nex_debugger::editor::{Event, LineEditor};
use nex_debugger::escape::{EscapeKey, Outcome};
use nex_debugger::table::{Command, Registry};

use crate::arch::{Frame, NO_GUEST, Trap, debug, irq, this_cpu};
use crate::board::{DebugPort, Interrupt, PortInput, Watchdog};
use crate::sync::Stopped;
use crate::{console, interrupts, time};
use port::Port;

/// Who is in the debugger, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    /// The key sequence.
    Key,
    /// A break on the serial line.
    Break,
    /// Nex panicked; there is no way on.
    Panic,
    /// A CPU hung.
    Watchdog,
    /// A breakpoint, watchpoint or step.
    Event,
    /// A domain that gdb looks at is no more.
    Ended {
        /// By a fault of its own.
        failed: bool,
    },
}

/// What commands work on.
pub(crate) struct Context {
    /// Where output goes.
    pub(crate) out: Port,
    /// The interrupted code's registers.
    pub(crate) frame: Frame,
    pub(crate) reason: Reason,
    pub(crate) stopped: Stopped,
    /// Leave the prompt.
    pub(crate) leave: bool,
}

impl Context {
    /// The domain whose code was interrupted, if it was a guest's.
    pub(crate) fn guest(&self) -> Option<u8> {
        let running = this_cpu().guest.load(Ordering::Relaxed);
        (self.frame.cpsr & 0xf == 0 && running != NO_GUEST).then_some(running as u8)
    }
}

/// Prints in a command; ends the command when Ctrl-C is pressed.
macro_rules! say {
    ($context:expr, $($arg:tt)*) => {
        if core::fmt::Write::write_fmt(&mut $context.out, format_args!("{}\n", format_args!($($arg)*))).is_err() {
            return Err(nex_debugger::table::CommandError::Message("interrupted"));
        }
    };
}
pub(crate) use say;

/// The commands, by subsystem.
const TABLES: &[&[Command<Context>]] = &[
    machine::COMMANDS,
    system::COMMANDS,
    domains::COMMANDS,
    breakpoints::COMMANDS,
    gdb::COMMANDS,
    records::COMMANDS,
    HELP,
];

const HELP: &[Command<Context>] = &[
    Command { name: "?", usage: "[command]", help: "list the commands, or explain one", run: help },
    Command { name: "help", usage: "[command]", help: "list the commands, or explain one", run: help },
];

fn help(
    context: &mut Context,
    args: &nex_debugger::parse::Args<'_>,
) -> Result<(), nex_debugger::table::CommandError> {
    args.at_most(1)?;
    let _ = Registry::new(TABLES).help(args.get(0), &mut context.out);
    Ok(())
}

/// The UART and its interrupt, once FIQ delivers it.
struct Line {
    port: &'static dyn DebugPort,
    interrupt: Interrupt,
}

static LINE: spin::Once<Line> = spin::Once::new();

/// Half of a key sequence; touched in FIQ handlers only, which do not nest.
static ESCAPE: spin::mutex::SpinMutex<EscapeKey> = spin::mutex::SpinMutex::new(EscapeKey::new(
    crate::config::DEBUGGER_KEY,
    nex_debugger::escape::DEFAULT_PRESSES,
));

/// Line being typed and history; touched at the prompt only.
static EDITOR: spin::mutex::SpinMutex<LineEditor<120, 1024>> =
    spin::mutex::SpinMutex::new(LineEditor::new("fiqdb> "));

/// A panic is to enter the debugger rather than to end the machine.
static ON_PANIC: AtomicBool = AtomicBool::new(false);

/// Takes the console's UART for the debugger: FIQ from now on. `false` if this board cannot; then the console keeps it.
pub(crate) fn init(
    port: Option<&'static dyn DebugPort>,
    interrupt: Interrupt,
    dog: Option<&'static dyn Watchdog>,
) -> bool {
    let Some(port) = port else { return false };
    if !interrupts::route_to_fiq(interrupt) {
        return false;
    }
    LINE.call_once(|| Line { port, interrupt });
    watchdog::init(dog);
    irq::unmask_fiq();
    true
}

/// Has panics enter the debugger.
pub(crate) fn catch_panics() {
    ON_PANIC.store(true, Ordering::Relaxed);
}

/// Whether a panic is to enter the debugger, and there is one.
pub(crate) fn catches_panics() -> bool {
    ON_PANIC.load(Ordering::Relaxed) && has_port()
}

/// Whether received bytes come by [`take_input`].
pub(crate) fn has_port() -> bool {
    LINE.is_completed()
}

pub(crate) use input::take as take_input;

/// The FIQ handler: everything masked, on the debug stack, in Nex's address space.
pub(crate) fn on_fiq(frame: &mut Frame) {
    let Some(line) = LINE.get() else { return };
    let mut enter_for = None;
    let mut tell_console = false;
    interrupts::for_each_fiq(|interrupt| {
        if interrupt == line.interrupt {
            tell_console |= line.port.quiet_transmit();
            // A UART gives no more than its FIFO holds before it is empty; the bound is for one that is stuck.
            for _ in 0..256 {
                if !gdb::is_on() && input::wait(line.port) {
                    break;
                }
                match line.port.get() {
                    None => break,
                    Some(PortInput::Break) => enter_for = Some(Reason::Break),
                    Some(PortInput::Error) => {}
                    Some(PortInput::Byte(CTRL_C)) if gdb::is_on() => enter_for = Some(Reason::Key),
                    Some(PortInput::Byte(byte)) => match ESCAPE.lock().feed(byte) {
                        Outcome::Enter => {
                            gdb::close();
                            enter_for = Some(Reason::Key);
                            break;
                        }
                        Outcome::Hold => {}
                        // Acknowledgements: nothing that gdb says now needs an answer.
                        Outcome::Pass(_) if gdb::is_on() => {}
                        Outcome::Pass(bytes) => {
                            bytes.as_slice().iter().for_each(|&byte| input::put(byte));
                            tell_console = true;
                        }
                    },
                }
            }
        } else if watchdog::on_fiq(interrupt, frame) {
            enter_for = Some(Reason::Watchdog);
        } else {
            input::check(line.port);
        }
        // What is typed behind the key sequence is for the prompt.
        enter_for.is_none()
    });
    if tell_console {
        interrupts::raise_soft();
    }
    if let Some(reason) = enter_for {
        enter(reason, frame);
    }
}

/// What gdb sends to interrupt.
const CTRL_C: u8 = 0x03;

/// A breakpoint or watchpoint of Nex's own code, on the debug stack. `address` is what was accessed.
pub(crate) fn on_debug_event(frame: &mut Frame, trap: Trap, address: u32) {
    event(None, frame, trap, address);
}

/// A breakpoint or watchpoint in a guest, on its vCPU's thread.
pub(crate) fn on_guest_debug_event(domain: u8, frame: &mut Frame, trap: Trap, address: u32) {
    event(Some(domain), frame, trap, address);
}

fn event(who: Option<u8>, frame: &mut Frame, trap: Trap, address: u32) {
    irq::with_all_masked(|| {
        if let Some(number) = who {
            this_cpu().guest.store(u32::from(number), Ordering::Relaxed);
        }
        // SAFETY: everything is masked, and there is one CPU.
        let stopped = unsafe { Stopped::new() };
        if breakpoints::hit(frame, trap, address, who, &stopped) {
            enter(Reason::Event, frame);
        }
    });
}

/// A domain has ended, on its vCPU's thread: gdb may wait for that.
pub(crate) fn on_guest_end(domain: u8, frame: &mut Frame, failed: bool) {
    if gdb::attached_to(domain) {
        enter(Reason::Ended { failed }, frame);
    }
}

/// The console's UART as it has to be while gdb may use the line.
pub(crate) use gdb::beside_gdb;

/// The prompt. Returns when the machine is to go on.
pub(crate) fn enter(reason: Reason, frame: &mut Frame) {
    let Some(line) = LINE.get() else { return };
    let fiq_was_masked = irq::fiq_mask_bit() != 0;
    let irq_was_masked = irq::mask();
    irq::mask_all();
    let pause = time::pause();
    crate::screen::set_immediate(true);
    watchdog::off();
    // SAFETY: everything is masked until the end of this function, and there is one CPU.
    let stopped = unsafe { Stopped::new() };
    let mut context = Context { out: Port::new(line.port), frame: *frame, reason, stopped, leave: false };
    let who = context.guest();
    breakpoints::before_prompt(&mut context.frame, who);
    console::try_drain();
    if console::break_frame() {
        // Text must not go into a log record that the console has begun to send.
        port::send(line.port, &[0]);
    }
    while !gdb::is_on() || !gdb::serve(&mut context) {
        context.leave = false;
        greet(&mut context);
        prompt(&mut context, line.port);
        if !gdb::is_on() {
            let _ = context.out.write_str("continuing\n");
            break;
        }
    }
    breakpoints::after_prompt(&mut context.frame, who, &context.stopped);
    // What was typed behind the command that goes on is for the console.
    port::take_typed_ahead(&mut input::put);
    *frame = context.frame;
    watchdog::on();
    crate::screen::set_immediate(false);
    time::resume(pause);
    // The clock's comparator is off, and somebody may have been told to stop: have the scheduler look.
    this_cpu().request_resched();
    interrupts::raise_soft();
    if !fiq_was_masked {
        irq::unmask_fiq();
    }
    irq::restore(irq_was_masked);
}

fn greet(context: &mut Context) {
    let why = match context.reason {
        Reason::Key => "key",
        Reason::Break => "break on the line",
        Reason::Panic => "panic",
        Reason::Watchdog => "watchdog: IRQs masked for too long",
        Reason::Event => match breakpoints::cause() {
            Some(breakpoints::Cause::Step) => "step",
            Some(breakpoints::Cause::Watchpoint(_)) => "watchpoint",
            _ => "breakpoint",
        },
        Reason::Ended { .. } => "the domain has ended",
    };
    let frame = context.frame;
    let _ = write!(context.out, "\n*** debugger ({why}): ");
    let _ = match context.guest() {
        Some(number) => writeln!(context.out, "domain {number} at pc {:08x}", frame.pc),
        None => writeln!(
            context.out,
            "CPU {} mode {} at pc {:08x} {}",
            this_cpu().index,
            frame.mode_name(),
            frame.pc,
            crate::backtrace::Where(frame.pc)
        ),
    };
}

fn prompt(context: &mut Context, port: &'static dyn DebugPort) {
    // Free unless the prompt itself was interrupted by a fault that got past its guard.
    // SAFETY: the prompt does not nest, so nobody else uses the editor.
    let mut editor = EDITOR.try_lock().unwrap_or_else(|| unsafe {
        EDITOR.force_unlock();
        EDITOR.lock()
    });
    editor.clear();
    let registry = Registry::new(TABLES);
    editor.show(&mut |bytes| port::send(port, bytes));
    while !context.leave {
        let Some(byte) = port::next_byte(port) else { continue };
        let candidates = &mut |before: &str, found: &mut dyn FnMut(&str)| registry.complete(before, found);
        match editor.feed(byte, candidates, &mut |bytes| port::send(port, bytes)) {
            None => continue,
            Some(Event::Interrupt) => {}
            Some(Event::Line) => {
                let line = editor.line();
                if !debug::guarded(&mut || execute(&registry, line, context)) {
                    let _ = context.out.write_str("fault: the command was ended\n");
                }
            }
        }
        if !context.leave {
            editor.show(&mut |bytes| port::send(port, bytes));
        }
    }
}

fn execute(registry: &Registry<'_, Context>, line: &str, context: &mut Context) {
    context.out.rearm();
    if let Err(error) = registry.run(line, context) {
        context.out.rearm();
        let _ = writeln!(context.out, "{error}");
    }
}

/// Reads memory of Nex's own address space for a command: `None` where nothing is mapped, or the read aborts.
pub(crate) fn read_own(address: u32, width: u32) -> Option<u64> {
    let word = |at: u32, width: u32| {
        // The translation first: so that a bad address does not even become an abort.
        if debug::translate(at, true, false) & 1 != 0 {
            return None;
        }
        // SAFETY: a person asked for it.
        unsafe { crate::arch::vectors::probe(at, width) }
    };
    match width {
        8 => Some(u64::from(word(address, 4)?) | u64::from(word(address + 4, 4)?) << 32),
        _ => word(address, width).map(u64::from),
    }
}

/// For a panic: the report is out, now a person may look around. Returns if there is no debugger.
pub(crate) fn after_panic(frame: &mut Frame) {
    enter(Reason::Panic, frame);
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.reason)
    }
}
