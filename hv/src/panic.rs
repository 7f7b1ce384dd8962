//! The end of Nex: cause, registers, backtrace; then the board's way to fail.

use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::arch::{Frame, Trap, debug, irq};
use crate::board::Exit;
use crate::trap::Fault;
use crate::{backtrace, debugger};

/// Why Nex cannot go on.
pub(crate) enum Cause<'a> {
    /// A Rust panic.
    Panic(&'a PanicInfo<'a>),
    /// An exception that Nex does not expect of itself.
    Trap {
        /// Which.
        trap: Trap,
        /// Address and status, for an abort.
        fault: Option<Fault>,
        /// The registers at the exception.
        frame: &'a Frame,
    },
}

static DEPTH: AtomicU32 = AtomicU32::new(0);

/// Says it, and keeps it where a memory dump has it.
macro_rules! last_words {
    ($($arg:tt)*) => {
        // SAFETY: IRQs are masked and `die` does not return: nothing else of Nex runs again.
        unsafe { crate::console::print_last_words(format_args!($($arg)*), crate::log::record_panic_text) }
    };
}

/// Reports and ends, or enters the debugger.
pub(crate) fn die(cause: Cause<'_>) -> ! {
    irq::mask();
    if debug::can_recover() && DEPTH.load(Ordering::Relaxed) < MAX_DEPTH {
        // A command of the debugger has failed: say so, and back to the prompt.
        let words = format_args!("\n*** in the debugger: {}\n", Summary(&cause));
        // SAFETY: IRQs are masked, and the debugger does without the console.
        unsafe { crate::console::print_last_words(words, |_| {}) };
        // SAFETY: a guarded call is under way, and what it holds the debugger does not need: it takes no locks.
        unsafe { debug::recover() }
    }
    match DEPTH.fetch_add(1, Ordering::Relaxed) {
        0 => {}
        depth if depth < MAX_DEPTH => {
            last_words!("\n*** and while reporting that: {}\n", Summary(&cause));
            end(cause)
        }
        // Even the report of the report fails: stop, silently.
        _ => irq::halt(),
    }
    crate::boot::console_for_last_words();
    last_words!("\n*** Nex panic: {}\n", Summary(&cause));
    last_words!("    thread {}, CPU {}\n", crate::thread::current_name(), crate::arch::this_cpu().index);
    match &cause {
        Cause::Trap { frame, .. } => {
            last_words!("{frame}\n");
            backtrace::walk(frame.pc, frame.sp, frame.r[11], &mut |line| last_words!("{line}\n"));
        }
        Cause::Panic(_) => backtrace::walk_here(&mut |line| last_words!("{line}\n")),
    }
    end(cause)
}

/// Reports of failures within failures before giving up.
const MAX_DEPTH: u32 = 3;

fn end(cause: Cause<'_>) -> ! {
    if debugger::catches_panics() {
        match cause {
            Cause::Trap { frame, .. } => debugger::after_panic(&mut { *frame }),
            Cause::Panic(_) => debug::with_frame(&mut debugger::after_panic),
        }
    }
    match crate::board_in_use() {
        Some(board) => board.exit(Exit::Failed),
        None => irq::halt(),
    }
}

struct Summary<'a>(&'a Cause<'a>);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Cause::Panic(info) => match info.location() {
                Some(at) => write!(f, "{} at {}:{}", info.message(), at.file(), at.line()),
                None => write!(f, "{}", info.message()),
            },
            Cause::Trap { trap, fault, frame } => {
                let name = match trap {
                    Trap::Undefined => "undefined instruction",
                    Trap::Svc => "SVC instruction",
                    Trap::PrefetchAbort => "prefetch abort",
                    Trap::DataAbort => "data abort",
                    Trap::Irq => "interrupt",
                    Trap::Fiq => "FIQ without a source",
                };
                match fault {
                    Some(fault) => write!(f, "{name}: {fault}, pc {:#010x}", frame.pc),
                    None => write!(f, "{name} at {:#010x}", frame.pc),
                }
            }
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    die(Cause::Panic(info))
}
