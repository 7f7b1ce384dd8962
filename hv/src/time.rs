//! Time: nanoseconds since the machine's counter started, and the one-shot timer.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::board::Timer;

/// The board's timer with the conversion factors, in 2^-32: rates are exact to 2^-32 of a unit, far better than any
/// oscillator.
struct Clock {
    timer: &'static dyn Timer,
    ns_per_count_q32: u64,
    counts_per_ns_q32: u64,
    frequency_hz: u32,
}

static CLOCK: spin::Once<Clock> = spin::Once::new();

/// Counts that passed while the debugger had stopped everything: taken off, so that nobody sees the pause.
static PAUSED: AtomicU64 = AtomicU64::new(0);

/// When the present pause began.
static PAUSED_SINCE: AtomicU64 = AtomicU64::new(0);

/// The clock as everything but the debugger sees it, in counts.
fn running_counts(clock: &Clock) -> u64 {
    clock.timer.now().wrapping_sub(PAUSED.load(Ordering::Relaxed))
}

/// The moment when everything was stopped; pass it to [`resume`].
pub(crate) struct Pause(Option<u64>);

/// Stops the clock's visible progress. Nothing but the caller runs until [`resume`].
pub(crate) fn pause() -> Pause {
    let now = CLOCK.get().map(|clock| clock.timer.now());
    PAUSED_SINCE.store(now.unwrap_or(0), Ordering::Relaxed);
    Pause(now)
}

/// Lets the clock go on where it was at [`pause`]. The comparator has to be set again by the scheduler.
pub(crate) fn resume(pause: Pause) {
    if let (Some(clock), Some(since)) = (CLOCK.get(), pause.0) {
        PAUSED.fetch_add(clock.timer.now().wrapping_sub(since), Ordering::Relaxed);
        clock.timer.set_deadline(None);
    }
}

/// Timer interrupts taken.
static INTERRUPTS: AtomicU64 = AtomicU64::new(0);

/// Starts time.
pub(crate) fn init(timer: &'static dyn Timer) {
    let frequency_hz = timer.frequency_hz().max(1);
    CLOCK.call_once(|| Clock {
        timer,
        ns_per_count_q32: (1_000_000_000u64 << 32) / u64::from(frequency_hz),
        // Rounded up: a deadline may come late, never early.
        counts_per_ns_q32: (u64::from(frequency_hz) << 32).div_ceil(1_000_000_000),
        frequency_hz,
    });
}

/// Nanoseconds since the counter started (on QEMU: since reset). 0 until the timer is known.
pub fn now_ns() -> u64 {
    CLOCK.get().map_or(0, |clock| counts_to_ns(clock, running_counts(clock)))
}

/// What [`now_ns`] will say when the machine goes on; for the debugger, while the clock is stopped.
pub(crate) fn paused_at_ns() -> u64 {
    let since = PAUSED_SINCE.load(Ordering::Relaxed);
    CLOCK.get().map_or(0, |clock| counts_to_ns(clock, since.wrapping_sub(PAUSED.load(Ordering::Relaxed))))
}

/// The board's counter as it is, pauses by the debugger included: what a guest reads directly where the CPU lets it.
pub fn counter() -> u64 {
    CLOCK.get().map_or(0, |clock| clock.timer.now())
}

/// When the counter will be at `count`, as [`now_ns`] tells time.
pub fn counter_to_ns(count: u64) -> u64 {
    CLOCK.get().map_or(0, |clock| {
        let ahead = count.saturating_sub(clock.timer.now());
        // Rounded up: not before the counter is there.
        now_ns().saturating_add(counts_to_ns(clock, ahead)).saturating_add(1)
    })
}

/// Timer counts per second.
pub fn frequency_hz() -> u32 {
    CLOCK.get().map_or(0, |clock| clock.frequency_hz)
}

fn counts_to_ns(clock: &Clock, counts: u64) -> u64 {
    mul_q32(counts, clock.ns_per_count_q32)
}

/// `a * b / 2^32`, without 128-bit arithmetic. Wraps if the result does not fit, after centuries.
fn mul_q32(a: u64, b: u64) -> u64 {
    let (a_high, a_low) = (a >> 32, a & 0xffff_ffff);
    let (b_high, b_low) = (b >> 32, b & 0xffff_ffff);
    a.wrapping_mul(b_high).wrapping_add(a_high.wrapping_mul(b_low)).wrapping_add((a_low * b_low) >> 32)
}

/// Has this CPU interrupted at `at_ns`, or not at all. One deadline per CPU: the scheduler's.
pub(crate) fn set_deadline(at_ns: Option<u64>) {
    let Some(clock) = CLOCK.get() else { return };
    clock.timer.set_deadline(at_ns.map(|at_ns| {
        // From now on rather than from zero, so that rounding cannot add up; one count more, so that it is never early.
        let delta_ns = at_ns.saturating_sub(counts_to_ns(clock, running_counts(clock)));
        clock.timer.now().saturating_add(mul_q32(delta_ns, clock.counts_per_ns_q32)).saturating_add(1)
    }));
}

/// The timer's interrupt handler: whatever is due is the scheduler's business.
pub(crate) fn handle_interrupt() {
    INTERRUPTS.fetch_add(1, Ordering::Relaxed);
    crate::thread::deadline_passed();
}

/// Timer interrupts taken so far: an idle Nex takes none.
pub fn interrupt_count() -> u64 {
    INTERRUPTS.load(Ordering::Relaxed)
}

/// Seconds since 1970 when the counter stood at 0. No board tells the time of day yet.
pub fn epoch_s() -> u32 {
    0
}
