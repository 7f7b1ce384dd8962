//! Breakpoints and watchpoints by the CPU's own registers.
//!
//! They are armed while the machine runs and off at the prompt. Going on from a breakpoint would hit it again at once, so
//! it is skipped: the breakpoint stays off until the next event or stop... see [`after_prompt`].

use nex_debugger::parse::Args;
use nex_debugger::table::{Command, CommandError};

use super::{Context, say};
use crate::arch::debug::events;
use crate::arch::{Frame, Trap};
use crate::backtrace::Where;

type Result = core::result::Result<(), CommandError>;

pub(super) const COMMANDS: &[Command<Context>] = &[
    Command {
        name: "break",
        usage: "[<hex va>|off]",
        help: "stop at an instruction; no word: list; off: remove all",
        run: breaks,
    },
    Command {
        name: "watch",
        usage: "[<hex va> r|w|off]",
        help: "stop at an access of a word; no word: list; off: remove all",
        run: watch,
    },
];

/// What is set; touched at the prompt only, and on the way in and out.
struct Set {
    breakpoints: [Option<u32>; events::MAX],
    watchpoints: [Option<(u32, bool)>; events::MAX],
    /// The breakpoint that stopped us: not armed for the next go.
    at: Option<u32>,
}

static SET: spin::mutex::SpinMutex<Set> = spin::mutex::SpinMutex::new(Set {
    breakpoints: [None; events::MAX],
    watchpoints: [None; events::MAX],
    at: None,
});

/// An event has come.
pub(super) fn hit(frame: &Frame, trap: Trap) {
    if trap == Trap::PrefetchAbort {
        SET.lock().at = Some(frame.pc);
    }
}

/// All off.
pub(super) fn before_prompt() {
    let set = SET.lock();
    if set.breakpoints.iter().any(Option::is_some) || set.watchpoints.iter().any(Option::is_some) {
        (0..events::MAX).for_each(|slot| {
            events::set_breakpoint(slot, None);
            events::set_watchpoint(slot, None, false);
        });
    }
}

/// Arms what is set.
pub(super) fn after_prompt() {
    let mut set = SET.lock();
    let skip = set.at.take();
    let (breakpoints, watchpoints) = events::count();
    let any = set.breakpoints.iter().any(Option::is_some) || set.watchpoints.iter().any(Option::is_some);
    if !any {
        return;
    }
    events::enable(true);
    for (slot, &at) in set.breakpoints.iter().enumerate().take(breakpoints) {
        events::set_breakpoint(slot, at.filter(|&at| Some(at) != skip));
    }
    for (slot, &at) in set.watchpoints.iter().enumerate().take(watchpoints) {
        events::set_watchpoint(slot, at.map(|w| w.0), at.is_some_and(|w| w.1));
    }
}

fn breaks(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(1)?;
    let available = events::count().0;
    match args.get(0) {
        None => {
            let list = SET.lock().breakpoints;
            for at in list.into_iter().flatten() {
                say!(context, "{at:08x} {}", Where(at));
            }
            say!(context, "{} of {available} in use", list.iter().flatten().count());
        }
        Some("off") => SET.lock().breakpoints = [None; events::MAX],
        Some(_) => {
            let at = args.hex(0)? & !1;
            let mut set = SET.lock();
            let slot = set.breakpoints.iter().take(available).position(Option::is_none);
            set.breakpoints
                [slot.ok_or(CommandError::Message("all breakpoints of this CPU are in use: break off"))?] =
                Some(at);
        }
    }
    Ok(())
}

fn watch(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(2)?;
    let available = events::count().1;
    match args.get(0) {
        None => {
            let list = SET.lock().watchpoints;
            for (at, reads) in list.into_iter().flatten() {
                say!(context, "{at:08x} {}", if reads { "read or write" } else { "write" });
            }
            say!(context, "{} of {available} in use", list.iter().flatten().count());
        }
        Some("off") => SET.lock().watchpoints = [None; events::MAX],
        Some(_) => {
            let reads = match args.word(1)? {
                "r" => true,
                "w" => false,
                _ => return Err(CommandError::Usage),
            };
            let at = args.hex(0)?;
            let mut set = SET.lock();
            let slot = set.watchpoints.iter().take(available).position(Option::is_none);
            set.watchpoints
                [slot.ok_or(CommandError::Message("all watchpoints of this CPU are in use: watch off"))?] =
                Some((at, reads));
        }
    }
    Ok(())
}
