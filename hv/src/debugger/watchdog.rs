//! The watchdog: notices a CPU that neither takes interrupts nor schedules.
//!
//! A spare timer interrupts by FIQ every few seconds. If the code it interrupts has IRQs masked, and neither an interrupt
//! was handled nor the scheduler ran since the last time, the CPU is asked by a software interrupt; if it has not taken that
//! a little later, and still has IRQs masked, and the same a few times more, it hangs. A few times, since in an emulator on a
//! busy host much time may pass while the CPU does nothing. An idle CPU has the timer off, and one that just computes with IRQs
//! open is well. Without the question, a lone guest that traps all the time could be taken for a hang: most of the time is
//! spent on its traps then, with IRQs masked for moments, and nothing else need happen for minutes.
//!
//! The same timer sees to it that input does not wait for ever ([`super::input`]), with the watchdog on or off.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::input;
use crate::arch::Frame;
use crate::board::{Interrupt, Watchdog};
use crate::interrupts;

static DOG: spin::Once<&'static dyn Watchdog> = spin::Once::new();
/// Seconds that a CPU may hang; 0 for no watchdog.
static SECONDS: AtomicU32 = AtomicU32::new(crate::config::WATCHDOG_SECONDS);
/// Counts signs of life.
static ALIVE: AtomicU32 = AtomicU32::new(0);
static LAST_SEEN: AtomicU32 = AtomicU32::new(0);
static RUNNING: AtomicBool = AtomicBool::new(false);
/// How often it was asked for a sign of life without giving one.
static ASKED: AtomicU32 = AtomicU32::new(0);
/// Questions without an answer that make a hang.
const QUESTIONS: u32 = 4;
/// Milliseconds it has to answer one.
const ANSWER_MS: u32 = 500;

pub(super) fn init(dog: Option<&'static dyn Watchdog>) {
    if let Some(dog) = dog
        && interrupts::route_to_fiq(dog.interrupt())
    {
        DOG.call_once(|| dog);
        on();
    }
}

/// Whether there is a timer for it.
pub(super) fn is_present() -> bool {
    DOG.is_completed()
}

/// Has the timer interrupt after so many milliseconds, or earlier.
pub(super) fn wake_within(ms: u32) {
    if let Some(dog) = DOG.get() {
        let own = RUNNING.load(Ordering::Relaxed).then(|| seconds().saturating_mul(1000));
        dog.arm(Some(own.map_or(ms, |own| own.min(ms))));
    }
}

/// Arms it for `own_ms`, or never, and for what input needs.
fn arm(dog: &dyn Watchdog, own_ms: Option<u32>) {
    dog.arm([own_ms, input::check_within_ms()].into_iter().flatten().min());
}

/// Sets the time; 0 switches it off.
pub(crate) fn set_seconds(seconds: u32) {
    SECONDS.store(seconds, Ordering::Relaxed);
    on();
}

/// The time it is set to.
pub(crate) fn seconds() -> u32 {
    SECONDS.load(Ordering::Relaxed)
}

/// A sign of life.
#[inline(always)]
pub(crate) fn alive() {
    ALIVE.fetch_add(1, Ordering::Relaxed);
}

/// The CPU begins or ends to wait for interrupts with nothing to do.
pub(crate) fn idle(begins: bool) {
    if begins { off() } else { on() }
}

pub(super) fn on() {
    let ms = seconds().saturating_mul(1000);
    RUNNING.store(ms > 0, Ordering::Relaxed);
    LAST_SEEN.store(ALIVE.load(Ordering::Relaxed), Ordering::Relaxed);
    // What was asked before it was off is no question any more.
    ASKED.store(0, Ordering::Relaxed);
    if let Some(dog) = DOG.get() {
        arm(*dog, (ms > 0).then_some(ms));
    }
}

pub(super) fn off() {
    RUNNING.store(false, Ordering::Relaxed);
    if let Some(dog) = DOG.get() {
        dog.arm(None);
    }
}

/// In an FIQ: `true` if this is the watchdog and the CPU hangs.
pub(super) fn on_fiq(interrupt: Interrupt, frame: &Frame) -> bool {
    let Some(dog) = DOG.get().filter(|dog| dog.interrupt() == interrupt) else { return false };
    let now = ALIVE.load(Ordering::Relaxed);
    let same = LAST_SEEN.swap(now, Ordering::Relaxed) == now;
    let silent = same && frame.cpsr & 1 << 7 != 0;
    let asked = if silent { ASKED.load(Ordering::Relaxed) } else { 0 };
    ASKED.store(asked + u32::from(silent), Ordering::Relaxed);
    let ms = if silent { ANSWER_MS } else { seconds().saturating_mul(1000) };
    let running = RUNNING.load(Ordering::Relaxed);
    arm(*dog, running.then_some(ms));
    if running && silent && asked < QUESTIONS {
        interrupts::raise_soft();
    }
    running && silent && asked >= QUESTIONS
}
