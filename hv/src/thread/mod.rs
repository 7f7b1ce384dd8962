//! Hypervisor threads: preemptible, scheduled by [`nex_sched::Sedf`], with their own stacks.
//!
//! vCPUs are such threads whose body enters a guest again and again, so one scheduler serves both. The boot context of
//! a CPU becomes its idle thread: it runs when the scheduler has nobody.
//!
//! Invariants:
//! - thread states, wait queues and run queues change under [`SCHED`] only;
//! - a switch happens with IRQs masked; every thread unmasks them again where it went on (or in [`thread_main`]);
//! - a thread stays on the CPU it was placed on, so nobody else continues it between the unlock of [`SCHED`] and the end
//!   of the switch.
//!
//! Waiting is by key: a blocked thread notes the address of what it waits for, and a wake-up looks for the longest
//! waiter with that address. There are few threads, so there are no queues to keep in order.

mod wait;

pub use wait::{Condvar, Mutex, MutexGuard, Semaphore, WaitQueue};

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use arrayvec::{ArrayString, ArrayVec};
use nex_sched::{AdmitError, EntityId, Params, Sedf, Stats};

use crate::arch::{self, MAX_CPUS, irq, this_cpu};
use crate::memory::Stack;
use crate::sync::{IrqLock, Stopped};
use crate::time;

/// Longest name, in bytes; longer ones are cut.
pub const NAME_BYTES: usize = 24;

/// Names a thread; goes stale when it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadId {
    slot: usize,
    serial: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Runnable,
    /// Waits to be woken by this key, or by time alone (key 0).
    Blocked {
        key: usize,
    },
    Exited,
}

struct Thread {
    serial: u64,
    name: ArrayString<NAME_BYTES>,
    cpu: usize,
    entity: EntityId,
    state: State,
    /// When to give up waiting.
    wake_at_ns: Option<u64>,
    /// When the running thread wants its CPU interrupted; see [`set_alarm`].
    alarm_ns: Option<u64>,
    /// Waiters of one key are woken in the order of this number.
    turn: u64,
    timed_out: bool,
    /// Stack pointer while it does not run.
    sp: AtomicU32,
    stack: Stack,
    body: Option<Box<dyn FnOnce() + Send>>,
}

struct Cpu {
    sedf: Sedf,
    /// Slot of the thread that runs; `None`: idle.
    current: Option<usize>,
    idle_sp: &'static AtomicU32,
    /// When the scheduler has to look again, whatever the running thread's alarm is.
    until_ns: Option<u64>,
}

/// Everything the scheduler knows.
struct Sched {
    threads: Vec<Option<Box<Thread>>>,
    cpus: ArrayVec<Cpu, MAX_CPUS>,
    serial: u64,
}

static SCHED: IrqLock<Sched> =
    IrqLock::new(Sched { threads: Vec::new(), cpus: ArrayVec::new_const(), serial: 1 });

static IDLE_SP: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];

static CPUS_ONLINE: AtomicU32 = AtomicU32::new(0);

/// CPUs that run threads.
pub fn cpus_online() -> u32 {
    CPUS_ONLINE.load(Ordering::Relaxed)
}

/// Why a thread could not be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpawnError {
    /// No CPU can take it.
    Admit(AdmitError),
    /// No memory for its stack.
    NoStack,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admit(e) => e.fmt(f),
            Self::NoStack => f.write_str("no memory for a thread's stack"),
        }
    }
}

/// Makes the running CPU one that threads can be placed on. Its present context becomes its idle thread.
pub(crate) fn init_this_cpu() {
    let mut sched = SCHED.lock();
    let index = sched.cpus.len();
    assert!(index == this_cpu().index as usize, "CPUs join in the order of their numbers");
    CPUS_ONLINE.fetch_add(1, Ordering::Relaxed);
    sched.cpus.push(Cpu { sedf: Sedf::new(), current: None, idle_sp: &IDLE_SP[index], until_ns: None });
}

/// Starts a thread.
///
/// # Errors
/// [`SpawnError`]; nothing is left behind.
pub fn spawn(
    name: &str,
    params: Params,
    body: impl FnOnce() + Send + 'static,
) -> Result<ThreadId, SpawnError> {
    reap();
    let body: Box<dyn FnOnce() + Send> = Box::new(body);
    let stack = Stack::new().ok_or(SpawnError::NoStack)?;
    let now = time::now_ns();
    let mut sched = SCHED.lock();
    let loads: ArrayVec<_, MAX_CPUS> = sched.cpus.iter().map(|cpu| cpu.sedf.load()).collect();
    // With no CPU to fit, the first one's refusal tells why.
    let cpu = nex_sched::place(&loads, &params).unwrap_or(0);
    let entity = sched.cpus[cpu].sedf.add(params, now).map_err(SpawnError::Admit)?;
    let slot = match sched.threads.iter().position(Option::is_none) {
        Some(slot) => slot,
        None => {
            sched.threads.push(None);
            sched.threads.len() - 1
        }
    };
    let serial = sched.serial;
    sched.serial += 1;
    // SAFETY: the stack was mapped just now and nobody uses it.
    let sp = unsafe { arch::switch::prepare_stack(stack.top(), slot as u32) };
    sched.threads[slot] = Some(Box::new(Thread {
        serial,
        name: cut_name(name),
        cpu,
        entity,
        state: State::Runnable,
        wake_at_ns: None,
        alarm_ns: None,
        turn: 0,
        timed_out: false,
        sp: AtomicU32::new(sp),
        stack,
        body: Some(body),
    }));
    sched.cpus[cpu].sedf.wake(entity, now);
    this_cpu().request_resched();
    drop(sched);
    preempt_if_needed();
    Ok(ThreadId { slot, serial })
}

fn cut_name(name: &str) -> ArrayString<NAME_BYTES> {
    let mut end = name.len().min(NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    ArrayString::from(&name[..end]).unwrap_or_default()
}

/// The first Rust code of every thread. IRQs are masked, as after any switch.
pub(crate) extern "C" fn thread_main(slot: u32) -> ! {
    let body = SCHED.lock().threads[slot as usize].as_mut().and_then(|t| t.body.take());
    irq::unmask();
    if let Some(body) = body {
        body();
    }
    exit()
}

/// Ends the running thread.
fn exit() -> ! {
    irq::mask();
    {
        let mut sched = SCHED.lock();
        let cpu = this_cpu().index as usize;
        if let Some(slot) = sched.cpus[cpu].current {
            let now = time::now_ns();
            let Sched { threads, cpus, .. } = &mut *sched;
            if let Some(thread) = &mut threads[slot] {
                thread.state = State::Exited;
                cpus[cpu].sedf.remove(thread.entity, now);
            }
        }
    }
    reschedule();
    unreachable!("an ended thread was continued")
}

/// Gives back the stacks of ended threads. Called by threads and the idle loop: nobody can free the stack it is on.
fn reap() {
    loop {
        let ended = {
            let mut sched = SCHED.lock();
            let running: ArrayVec<usize, MAX_CPUS> =
                sched.cpus.iter().filter_map(|cpu| cpu.current).collect();
            let ended = |(slot, thread): (usize, &Option<Box<Thread>>)| {
                thread.as_ref().is_some_and(|t| t.state == State::Exited) && !running.contains(&slot)
            };
            match (0..sched.threads.len()).find(|&slot| ended((slot, &sched.threads[slot]))) {
                Some(slot) => sched.threads[slot].take(),
                None => return,
            }
        };
        drop(ended);
    }
}

impl Sched {
    fn current(&mut self) -> Option<&mut Thread> {
        let slot = self.cpus.get(this_cpu().index as usize)?.current?;
        self.threads[slot].as_deref_mut()
    }

    fn make_runnable(&mut self, slot: usize, now_ns: u64, timed_out: bool) {
        let Sched { threads, cpus, .. } = self;
        if let Some(thread) = &mut threads[slot] {
            thread.state = State::Runnable;
            thread.wake_at_ns = None;
            thread.timed_out = timed_out;
            cpus[thread.cpu].sedf.wake(thread.entity, now_ns);
            this_cpu().request_resched();
        }
    }

    /// Wakes whose time has come on this CPU; returns when the next one's comes.
    fn expire(&mut self, cpu: usize, now_ns: u64) -> Option<u64> {
        let mut next = None;
        for slot in 0..self.threads.len() {
            let due = match &self.threads[slot] {
                Some(t) if t.cpu == cpu => t.wake_at_ns,
                _ => None,
            };
            match due {
                Some(at) if at <= now_ns => self.make_runnable(slot, now_ns, true),
                Some(at) => next = Some(next.map_or(at, |n: u64| n.min(at))),
                None => {}
            }
        }
        next
    }
}

/// Lets the scheduler decide and switches. IRQs are masked, no lock is held; returns when the caller is chosen again.
pub(crate) fn reschedule() {
    let (save, load) = {
        let mut sched = SCHED.lock();
        let per_cpu = this_cpu();
        let cpu = per_cpu.index as usize;
        crate::debugger::watchdog::alive();
        let now = time::now_ns();
        let next_wake = sched.expire(cpu, now);
        per_cpu.need_resched.store(false, Ordering::Relaxed);
        let Sched { threads, cpus, .. } = &mut *sched;
        let here = &mut cpus[cpu];
        let choice = here.sedf.pick(now);
        let next = choice.run.and_then(|entity| {
            threads.iter().position(|t| t.as_ref().is_some_and(|t| t.cpu == cpu && t.entity == entity))
        });
        here.until_ns = [choice.until_ns, next_wake].into_iter().flatten().min();
        let alarm = next.and_then(|slot| threads[slot].as_ref()?.alarm_ns);
        if alarm.is_some_and(|at| at <= now) {
            per_cpu.alarm_due.store(true, Ordering::Relaxed);
        }
        let alarm = alarm.filter(|&at| at > now);
        time::set_deadline([here.until_ns, alarm].into_iter().flatten().min());
        if next == here.current {
            return;
        }
        let sp_of = |slot: Option<usize>| match slot.and_then(|s| threads[s].as_ref()) {
            Some(thread) => &thread.sp,
            None => here.idle_sp,
        };
        let (save, load) = (sp_of(here.current).as_ptr(), sp_of(next).load(Ordering::Relaxed));
        here.current = next;
        (save, load)
    };
    // SAFETY: IRQs are masked. `load` was stored by a switch on this CPU, where the thread stays, or prepared for a new
    // thread. `save` points into a boxed thread, which is freed only after it ended and left its CPU, or into a static.
    unsafe { arch::switch::switch(save, load) };
}

/// Runs the scheduler if something asked for it and it may run here: a thread with IRQs open, no handler.
pub(crate) fn preempt_if_needed() {
    if this_cpu().need_resched.load(Ordering::Relaxed) && !this_cpu().in_interrupt() && !irq::masked() {
        irq::mask();
        reschedule();
        irq::unmask();
    }
}

/// The deadline has passed, in the timer's interrupt handler. If it was only the running thread's alarm, that is said by
/// `alarm_due`, and the scheduler has nothing to decide.
pub(crate) fn deadline_passed() {
    let mut sched = SCHED.lock();
    let cpu = this_cpu();
    let until_ns = sched.cpus[cpu.index as usize].until_ns;
    let alarm_ns = sched.current().and_then(|thread| thread.alarm_ns);
    let now = time::now_ns();
    if alarm_ns.is_some_and(|at| at <= now) && until_ns.is_none_or(|until| until > now) {
        cpu.alarm_due.store(true, Ordering::Relaxed);
        time::set_deadline(until_ns);
    } else {
        time::set_deadline(None);
        cpu.request_resched();
    }
}

/// Lets others run first.
pub fn yield_now() {
    let was_masked = irq::mask();
    {
        let mut sched = SCHED.lock();
        let cpu = this_cpu().index as usize;
        let now = time::now_ns();
        if let Some(entity) = sched.current().map(|t| t.entity) {
            sched.cpus[cpu].sedf.yield_now(entity, now);
        }
    }
    reschedule();
    irq::restore(was_masked);
}

/// Blocks the running thread until [`wake`] with its key, or until `until_ns`; `true` if time was up.
///
/// `sleep` is asked after the thread is registered as a waiter: it does what must come between (a condition variable
/// unlocks its mutex there) and says whether still to sleep. So no wake-up is lost.
///
/// The idle thread cannot block: it spins through `sleep` instead.
fn park(key: usize, until_ns: Option<u64>, sleep: impl FnOnce() -> bool) -> bool {
    let was_masked = irq::mask();
    let registered = {
        let mut sched = SCHED.lock();
        let turn = sched.serial;
        sched.serial += 1;
        let cpu = this_cpu().index as usize;
        let entity = sched.current().map(|thread| {
            thread.state = State::Blocked { key };
            thread.wake_at_ns = until_ns;
            thread.turn = turn;
            thread.timed_out = false;
            thread.entity
        });
        let now = time::now_ns();
        entity.inspect(|&entity| {
            sched.cpus[cpu].sedf.block(entity, now);
        })
    };
    let sleep = sleep();
    let timed_out = match registered {
        None => false,
        Some(_) => {
            if !sleep {
                let mut sched = SCHED.lock();
                let slot = sched.cpus[this_cpu().index as usize].current;
                let now = time::now_ns();
                if let Some(slot) =
                    slot.filter(|&s| matches!(&sched.threads[s], Some(t) if t.state != State::Runnable))
                {
                    sched.make_runnable(slot, now, false);
                }
            }
            // Even without sleeping: the scheduler has to know who runs.
            reschedule();
            SCHED.lock().current().is_some_and(|t| t.timed_out)
        }
    };
    irq::restore(was_masked);
    timed_out
}

/// Wakes at most `count` threads that wait for `key` now, the longest waiters first.
fn wake(key: usize, count: usize) {
    {
        let mut sched = SCHED.lock();
        let now = time::now_ns();
        for _ in 0..count {
            let waits = |t: &Option<Box<Thread>>| match t {
                Some(t) if t.state == State::Blocked { key } => Some(t.turn),
                _ => None,
            };
            let first = (0..sched.threads.len()).filter_map(|s| Some((waits(&sched.threads[s])?, s))).min();
            let Some((_, slot)) = first else { break };
            sched.make_runnable(slot, now, false);
        }
    }
    preempt_if_needed();
}

/// Wakes a thread from whatever it waits for. What it waits for has to bear that: all waits look at their condition again,
/// a sleep ends early.
pub(crate) fn interrupt(id: ThreadId) {
    {
        let mut sched = SCHED.lock();
        let now = time::now_ns();
        let blocked = matches!(sched.threads.get(id.slot), Some(Some(t))
            if t.serial == id.serial && matches!(t.state, State::Blocked { .. }));
        if blocked {
            sched.make_runnable(id.slot, now, false);
        }
    }
    preempt_if_needed();
}

/// A thread as the debugger sees it.
pub(crate) struct View<'a> {
    pub(crate) name: &'a str,
    pub(crate) cpu: usize,
    pub(crate) running: bool,
    /// Where it will go on; for one that does not run.
    pub(crate) sp: u32,
    /// Key that it waits for, 0 for time alone.
    pub(crate) waits_for: Option<usize>,
    pub(crate) wake_at_ns: Option<u64>,
    pub(crate) stats: Option<Stats>,
    pub(crate) stack_peak_bytes: u32,
}

/// Calls `f` with every thread.
pub(crate) fn peek_all(stopped: &Stopped, f: &mut dyn FnMut(View<'_>)) {
    let sched = SCHED.peek(stopped);
    for (slot, thread) in sched.threads.iter().enumerate() {
        let Some(t) = thread else { continue };
        f(View {
            name: &t.name,
            cpu: t.cpu,
            running: sched.cpus[t.cpu].current == Some(slot),
            sp: t.sp.load(Ordering::Relaxed),
            waits_for: match t.state {
                State::Blocked { key } => Some(key),
                _ => None,
            },
            wake_at_ns: t.wake_at_ns,
            stats: sched.cpus[t.cpu].sedf.stats(t.entity),
            stack_peak_bytes: t.stack.peak_bytes(),
        });
    }
}

/// Calls `f` with every CPU's number, reserved time in ppm and idle time in nanoseconds.
pub(crate) fn peek_cpus(stopped: &Stopped, f: &mut dyn FnMut(usize, u32, u64)) {
    for (n, cpu) in SCHED.peek(stopped).cpus.iter().enumerate() {
        f(n, cpu.sedf.utilisation_ppm(), cpu.sedf.idle_ns());
    }
}

/// Has the running thread interrupted at `at_ns` if it still runs then, or not at all; `alarm_due` of its CPU is set if that
/// time has passed when it runs again. What it does about it is its own affair: a vCPU comes back to the hypervisor so when a
/// timer of its guest is due.
pub(crate) fn set_alarm(at_ns: Option<u64>) {
    let mut sched = SCHED.lock();
    let until_ns = sched.cpus[this_cpu().index as usize].until_ns;
    let Some(thread) = sched.current() else { return };
    if thread.alarm_ns != at_ns {
        thread.alarm_ns = at_ns;
        time::set_deadline([until_ns, at_ns].into_iter().flatten().min());
    }
}

/// Blocks the running thread until the time comes: nanoseconds as [`time::now_ns`] counts them.
pub fn sleep_until(at_ns: u64) {
    if time::now_ns() < at_ns {
        park(0, Some(at_ns), || true);
    }
}

/// Blocks the running thread for a while.
pub fn sleep_ns(ns: u64) {
    sleep_until(time::now_ns().saturating_add(ns));
}

/// Name of the running thread, "idle" if there is none. Safe to call in any state.
pub fn current_name() -> ArrayString<NAME_BYTES> {
    let name = SCHED.try_lock().and_then(|mut sched| sched.current().map(|t| t.name));
    name.unwrap_or(cut_name("idle"))
}

/// A row of the thread table.
pub struct Info {
    /// Name.
    pub name: ArrayString<NAME_BYTES>,
    /// CPU it lives on.
    pub cpu: usize,
    /// Scheduling account.
    pub stats: Option<Stats>,
    /// The most bytes of its stack that were ever in use.
    pub stack_peak_bytes: u32,
}

/// All threads, by slot.
pub fn list() -> Vec<Info> {
    let sched = SCHED.lock();
    let living = sched.threads.iter().flatten().filter(|t| t.state != State::Exited);
    living
        .map(|t| Info {
            name: t.name,
            cpu: t.cpu,
            stats: sched.cpus[t.cpu].sedf.stats(t.entity),
            stack_peak_bytes: t.stack.peak_bytes(),
        })
        .collect()
}

/// Whether the thread has not ended.
pub fn is_alive(id: ThreadId) -> bool {
    let sched = SCHED.lock();
    matches!(sched.threads.get(id.slot), Some(Some(t)) if t.serial == id.serial && t.state != State::Exited)
}

/// What the boot context does for the rest of the machine's life: waits for interrupts, with the timer off when nothing
/// is due.
pub(crate) fn idle() -> ! {
    loop {
        reap();
        irq::mask();
        if !this_cpu().need_resched.load(Ordering::Relaxed) {
            irq_or_work();
        } else {
            reschedule();
        }
        irq::unmask();
    }
}

/// Masked, so that no wake-up can slip in between the check and the wait; a masked interrupt ends the wait all the same.
fn irq_or_work() {
    crate::debugger::watchdog::idle(true);
    crate::outer_cache::drain();
    irq::wait_for_interrupt();
    crate::debugger::watchdog::idle(false);
}
