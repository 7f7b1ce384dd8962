//! Breakpoints, watchpoints and steps, by the CPU's own registers.
//!
//! They are armed while the machine runs and off at the prompt. An event comes before its instruction is executed, and
//! would come again at once when that is tried again. So going on from one means a step first: the breakpoints at that
//! instruction and the watchpoints are off, one more breakpoint is at the instruction that comes next
//! ([`nex_debugger::next_pc`]), and when that is reached everything is armed again. A step is the same and ends at the prompt.
//!
//! Two slots of the CPU are kept for that: one for the step that somebody asked for, one for an instruction that has to be
//! passed, as when another domain comes by the address of a breakpoint.
//!
//! Nex's own code is stepped with IRQs masked, or the instruction reached next would be the interrupt's. The mask is not put
//! around an instruction that looks at the CPSR.

use nex_debugger::next_pc::{self, Next};
use nex_debugger::parse::Args;
use nex_debugger::table::{Command, CommandError};

use super::{Context, Reason, domains, read_own, say};
use crate::arch::debug::events::{self, Code, Data, Who};
use crate::arch::{Frame, Trap};
use crate::backtrace::Where;
use crate::domain;
use crate::sync::Stopped;

type Result = core::result::Result<(), CommandError>;

pub(super) const COMMANDS: &[Command<Context>] = &[
    Command {
        name: "break",
        usage: "[<hex va> [dom]|off]",
        help: "stop at an instruction, of a domain only if one is named; no word: list; off: remove all",
        run: breaks,
    },
    Command {
        name: "watch",
        usage: "[<hex va> r|w|off]",
        help: "stop at an access of a word; no word: list; off: remove all",
        run: watch,
    },
    Command {
        name: "step",
        usage: "[count]",
        help: "execute one instruction, or more, of the interrupted code",
        run: step,
    },
];

/// Whose code or accesses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    Any,
    Nex,
    Domain(u8),
}

impl Scope {
    /// Whether code of Nex (`None`) or of a domain is meant.
    fn covers(self, who: Option<u8>) -> bool {
        match self {
            Scope::Any => true,
            Scope::Nex => who.is_none(),
            Scope::Domain(number) => who == Some(number),
        }
    }

    fn who(self) -> Who {
        match self {
            Scope::Any => Who::Any,
            Scope::Nex => Who::Nex,
            Scope::Domain(_) => Who::Guests,
        }
    }
}

/// Who has set it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Owner {
    Prompt,
    /// gdb, which calls it a software breakpoint.
    GdbSoft,
    GdbHard,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Breakpoint {
    pub(super) address: u32,
    pub(super) thumb: Option<bool>,
    pub(super) scope: Scope,
    pub(super) owner: Owner,
}

/// A watchpoint: within one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Watchpoint {
    pub(super) address: u32,
    pub(super) bytes: u32,
    pub(super) loads: bool,
    pub(super) stores: bool,
    pub(super) scope: Scope,
    pub(super) owner: Owner,
}

/// Why the machine has stopped.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    Breakpoint(Owner),
    Watchpoint(Watchpoint),
    Step,
}

/// What a step is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    /// Arm again what was off.
    Rearm,
    /// So many instructions.
    Count(u32),
    /// Until the program counter is outside `start..end`.
    Leave(u32, u32),
}

/// An instruction that is executed alone.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// A domain's, or Nex's.
    who: Option<u8>,
    from: u32,
    /// Not known for some: then breakpoints at `from` stay off until the next stop.
    to: Option<Next>,
    /// The other place where it may lead: out of an LDREX..STREX sequence whose comparison fails.
    exit: Option<Next>,
    goal: Goal,
    /// The instruction is one that a watchpoint has stopped.
    past_watch: bool,
    /// We have masked IRQs in the stepped code's CPSR.
    masked: bool,
}

impl Step {
    /// Where it may end.
    fn ends(&self) -> impl Iterator<Item = Next> + use<> {
        self.to.into_iter().chain(self.exit)
    }

    /// The breakpoint for one of its ends.
    fn code(&self, to: Next) -> Code {
        let who = if self.who.is_some() { Who::Guests } else { Who::Nex };
        Code { address: to.address, thumb: Some(to.thumb), who }
    }
}

/// Breakpoints that can be set at most; the CPU may have fewer.
const MAX_SET: usize = events::MAX - 2;

/// What is set; touched at the prompt and in debug events only, with everything masked.
struct Set {
    breakpoints: [Option<Breakpoint>; MAX_SET],
    watchpoints: [Option<Watchpoint>; events::MAX],
    /// What somebody has asked for.
    step: Option<Step>,
    /// What has to be passed unnoticed.
    pass: Option<Step>,
    /// Why we are at the prompt.
    cause: Option<Cause>,
    armed: bool,
}

static SET: spin::mutex::SpinMutex<Set> = spin::mutex::SpinMutex::new(Set {
    breakpoints: [None; MAX_SET],
    watchpoints: [None; events::MAX],
    step: None,
    pass: None,
    cause: None,
    armed: false,
});

/// Breakpoints that can be set on this CPU: two are kept for stepping.
fn available() -> usize {
    events::count().0.saturating_sub(2).min(MAX_SET)
}

/// CPSR.I.
const IRQ_MASKED: u32 = 1 << 7;

impl Set {
    fn disarm(&mut self) {
        if core::mem::take(&mut self.armed) {
            // A slot that the CPU does not have is undefined.
            let (breakpoints, watchpoints) = events::count();
            (0..breakpoints).for_each(|slot| events::set_breakpoint(slot, None));
            (0..watchpoints).for_each(|slot| events::set_watchpoint(slot, None));
        }
    }

    fn arm(&mut self) {
        let steps = [self.step, self.pass];
        if self.breakpoints.iter().all(Option::is_none)
            && self.watchpoints.iter().all(Option::is_none)
            && steps.iter().all(Option::is_none)
        {
            return;
        }
        self.armed = true;
        events::enable(true);
        let mut exits = steps.iter().flatten().filter_map(|step| Some((step, step.exit?)));
        let steps_from = |address: u32| steps.iter().flatten().any(|step| step.from == address);
        let (breakpoints, watchpoints) = (available(), events::count().1);
        for (slot, at) in self.breakpoints.iter().enumerate().take(breakpoints) {
            let at = at.filter(|at| !steps_from(at.address));
            let code = match at {
                Some(b) => Some(Code { address: b.address, thumb: b.thumb, who: b.scope.who() }),
                // A free slot: for the second end of a step. Without one a step may run on.
                None => exits.next().map(|(step, to)| step.code(to)),
            };
            events::set_breakpoint(slot, code);
        }
        for (n, step) in steps.iter().enumerate() {
            let code = step.as_ref().and_then(|step| Some(step.code(step.to?)));
            events::set_breakpoint(breakpoints + n, code);
        }
        let past_watch = steps.iter().flatten().any(|step| step.past_watch);
        for (slot, at) in self.watchpoints.iter().enumerate().take(watchpoints) {
            let at = at.filter(|_| !past_watch);
            events::set_watchpoint(
                slot,
                at.map(|w| Data {
                    address: w.address,
                    bytes: w.bytes,
                    loads: w.loads,
                    stores: w.stores,
                    who: w.scope.who(),
                }),
            );
        }
    }

    /// Ends the steps of `who`'s code whose instruction is done, and gives back the one that was asked for.
    fn finish(&mut self, frame: &mut Frame, who: Option<u8>) -> Option<Step> {
        let pc = frame.pc;
        let mut done = |step: &mut Option<Step>| {
            let there = step.filter(|s| s.who == who && s.ends().any(|to| to.address == pc))?;
            *step = None;
            unmask(&there, frame);
            Some(there)
        };
        done(&mut self.pass);
        done(&mut self.step)
    }

    /// Forgets the steps that are under way.
    fn cancel(&mut self, frame: &mut Frame, who: Option<u8>) {
        for step in [self.step.take(), self.pass.take()].into_iter().flatten() {
            if who.is_none() && step.who.is_none() {
                unmask(&step, frame);
            }
        }
    }

    /// Begins to pass the instruction at which code was stopped.
    fn pass(&mut self, frame: &mut Frame, who: Option<u8>, past_watch: bool, stopped: &Stopped) {
        let step = prepare(Goal::Rearm, frame, who, stopped);
        self.pass = Some(Step { past_watch, ..step });
    }
}

/// Undoes the masking for a step.
fn unmask(step: &Step, frame: &mut Frame) {
    if step.masked {
        frame.cpsr &= !IRQ_MASKED;
    }
}

/// Masks IRQs for a step of Nex's code.
fn mask(step: &mut Option<Step>, frame: &mut Frame) {
    if let Some(step) = step
        && step.who.is_none()
        && frame.cpsr & IRQ_MASKED == 0
        && step.to.is_some_and(|to| !to.uses_status)
    {
        frame.cpsr |= IRQ_MASKED;
        step.masked = true;
    }
}

/// The step from where `frame` is.
fn prepare(goal: Goal, frame: &Frame, who: Option<u8>, stopped: &Stopped) -> Step {
    let core = frame.core_regs(None);
    let mut read = |at, width| match who {
        None => read_own(at, width).map(|value| value as u32),
        Some(number) => peek_domain(number, at, width, stopped),
    };
    let (to, exit) = match next_pc::atomic(&core.r, frame.cpsr, &mut read) {
        Some(sequence) => (Some(sequence.end), sequence.exit),
        None => (next_pc::next(&core.r, frame.cpsr, &mut read), None),
    };
    Step { who, from: frame.pc, to, exit, goal, past_watch: false, masked: false }
}

/// Reads a domain's memory; `at` is aligned to `width`.
fn peek_domain(number: u8, at: u32, width: u32, stopped: &Stopped) -> Option<u32> {
    let mut value = None;
    domain::peek_all(stopped, &mut |d| {
        if d.number() == number {
            value = d.peek(stopped).parts.peek_virtual(at, width);
        }
    });
    value.map(|value| value as u32)
}

/// A debug event in Nex's or a domain's code; `address` is what was accessed. `false` if the code just goes on.
pub(super) fn hit(frame: &mut Frame, trap: Trap, address: u32, who: Option<u8>, stopped: &Stopped) -> bool {
    let mut set = SET.lock();
    set.disarm();
    let is_watch = trap == Trap::DataAbort;
    let pc = frame.pc;
    let done = if is_watch { None } else { set.finish(frame, who) };
    let cause = if is_watch {
        let mut mine = set.watchpoints.iter().flatten().filter(|w| w.scope.covers(who));
        // Where the CPU does not say what address it was (before v7.1, C3.3.3 of the manual), it may be any.
        let any = mine.clone().next();
        mine.find(|w| w.address & !3 == address & !3).or(any).map(|&w| Cause::Watchpoint(w))
    } else {
        let mut mine = set.breakpoints.iter().flatten().filter(|b| b.address == pc && b.scope.covers(who));
        match (mine.next(), done.map(|step| step.goal)) {
            (Some(breakpoint), _) => Some(Cause::Breakpoint(breakpoint.owner)),
            (None, Some(Goal::Count(0 | 1))) => Some(Cause::Step),
            (None, Some(Goal::Leave(start, end))) if pc < start || pc >= end => Some(Cause::Step),
            _ => None,
        }
    };
    if cause.is_some() {
        set.cancel(frame, who);
        set.cause = cause;
        return true;
    }
    match done.map(|step| step.goal) {
        Some(goal @ (Goal::Count(_) | Goal::Leave(..))) => {
            let goal = if let Goal::Count(n) = goal { Goal::Count(n - 1) } else { goal };
            set.step = Some(prepare(goal, frame, who, stopped));
            mask(&mut set.step, frame);
        }
        Some(Goal::Rearm) => {}
        // Somebody else's, or the second half of a word: pass it.
        None if is_watch || set.is_armed_at(pc) => {
            set.pass(frame, who, is_watch, stopped);
            mask(&mut set.pass, frame);
        }
        None => {}
    }
    set.arm();
    false
}

impl Set {
    /// Whether going on at `pc` would cause an event.
    fn is_armed_at(&self, pc: u32) -> bool {
        let steps = self.step.iter().flat_map(|step| step.ends()).map(|to| to.address);
        self.breakpoints.iter().flatten().map(|b| b.address).chain(steps).any(|at| at & !3 == pc & !3)
    }
}

/// All off; what was under way is over.
pub(super) fn before_prompt(frame: &mut Frame, who: Option<u8>) {
    let mut set = SET.lock();
    set.disarm();
    set.cancel(frame, who);
}

/// Arms what is set. `frame` are the registers with which the code that was interrupted, `who`'s, goes on.
pub(super) fn after_prompt(frame: &mut Frame, who: Option<u8>, stopped: &Stopped) {
    let mut set = SET.lock();
    let past_watch = matches!(set.cause.take(), Some(Cause::Watchpoint(_)));
    match &mut set.step {
        Some(step) if step.who == who => step.past_watch = past_watch,
        _ => {
            let stands =
                set.breakpoints.iter().flatten().any(|b| b.address == frame.pc && b.scope.covers(who));
            if stands || past_watch {
                set.pass(frame, who, past_watch, stopped);
            }
        }
    }
    mask(&mut set.step, frame);
    mask(&mut set.pass, frame);
    set.arm();
}

/// Why the machine has stopped, if that was an event.
pub(super) fn cause() -> Option<Cause> {
    SET.lock().cause
}

/// Makes the next go a step of `who`'s code from `frame`; `false` if it is not known where its instruction leads.
pub(super) fn request_step(goal: Goal, frame: &Frame, who: Option<u8>, stopped: &Stopped) -> bool {
    let step = prepare(goal, frame, who, stopped);
    let known = step.to.is_some();
    SET.lock().step = Some(step).filter(|_| known);
    known
}

/// Adds a breakpoint; `false` if there is no room.
pub(super) fn insert(breakpoint: Breakpoint) -> bool {
    let (mut set, available) = (SET.lock(), available());
    insert_into(&mut set.breakpoints[..available], breakpoint)
}

/// Removes a breakpoint; `false` if it is not set.
pub(super) fn remove(breakpoint: Breakpoint) -> bool {
    remove_from(&mut SET.lock().breakpoints, &breakpoint)
}

/// Adds a watchpoint; `false` if there is no room.
pub(super) fn insert_watch(watchpoint: Watchpoint) -> bool {
    insert_into(&mut SET.lock().watchpoints[..events::count().1], watchpoint)
}

/// Removes a watchpoint; `false` if it is not set.
pub(super) fn remove_watch(watchpoint: Watchpoint) -> bool {
    remove_from(&mut SET.lock().watchpoints, &watchpoint)
}

fn insert_into<T: PartialEq>(list: &mut [Option<T>], new: T) -> bool {
    if list.iter().flatten().any(|old| *old == new) {
        return true;
    }
    let free = list.iter_mut().find(|slot| slot.is_none());
    free.map(|slot| *slot = Some(new)).is_some()
}

fn remove_from<T: PartialEq>(list: &mut [Option<T>], old: &T) -> bool {
    let found = list.iter_mut().find(|slot| slot.as_ref() == Some(old));
    found.map(|slot| *slot = None).is_some()
}

/// Removes everything that gdb has set.
pub(super) fn remove_gdbs() {
    let mut set = SET.lock();
    set.breakpoints.iter_mut().for_each(|b| *b = b.filter(|b| b.owner == Owner::Prompt));
    set.watchpoints.iter_mut().for_each(|w| *w = w.filter(|w| w.owner == Owner::Prompt));
}

fn breaks(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(2)?;
    match args.get(0) {
        None => {
            let list = SET.lock().breakpoints;
            for b in list.into_iter().flatten() {
                match b.scope {
                    Scope::Domain(number) => say!(context, "{:08x} domain {number}", b.address),
                    _ => say!(context, "{:08x} {}", b.address, Where(b.address)),
                }
            }
            say!(context, "{} of {} in use", list.iter().flatten().count(), available());
        }
        Some("off") => SET.lock().breakpoints = [None; MAX_SET],
        Some(_) => {
            let address = args.hex(0)? & !1;
            let scope = match args.get(1) {
                None => Scope::Any,
                Some(name) => Scope::Domain(domains::with_domain(context, name, &mut |d| d.number())?),
            };
            if !insert(Breakpoint { address, thumb: None, scope, owner: Owner::Prompt }) {
                return Err(CommandError::Message("all breakpoints of this CPU are in use: break off"));
            }
        }
    }
    Ok(())
}

fn watch(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(2)?;
    match args.get(0) {
        None => {
            let list = SET.lock().watchpoints;
            for w in list.into_iter().flatten() {
                say!(context, "{:08x} {}", w.address, if w.loads { "read or write" } else { "write" });
            }
            say!(context, "{} of {} in use", list.iter().flatten().count(), events::count().1);
        }
        Some("off") => SET.lock().watchpoints = [None; events::MAX],
        Some(_) => {
            let loads = match args.word(1)? {
                "r" => true,
                "w" => false,
                _ => return Err(CommandError::Usage),
            };
            let (address, scope) = (args.hex(0)? & !3, Scope::Any);
            if !insert_watch(Watchpoint {
                address,
                bytes: 4,
                loads,
                stores: true,
                scope,
                owner: Owner::Prompt,
            }) {
                return Err(CommandError::Message("all watchpoints of this CPU are in use: watch off"));
            }
        }
    }
    Ok(())
}

fn step(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(1)?;
    let count = if args.is_empty() { 1 } else { args.decimal(0)?.max(1) };
    if matches!(context.reason, Reason::Panic) {
        return Err(CommandError::Message("there is no way on after a panic: reset, or exit"));
    }
    if !request_step(Goal::Count(count), &context.frame, context.guest(), &context.stopped) {
        return Err(CommandError::Message("it is not known where this instruction leads: set a breakpoint"));
    }
    context.leave = true;
    Ok(())
}
