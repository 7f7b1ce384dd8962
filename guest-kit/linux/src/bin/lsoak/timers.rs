//! Time.

use core::sync::atomic::{AtomicU32, Ordering};

use nex_guest_linux::sys::{self, Action, Result};

use crate::ensure;

const SIGALRM: u32 = 14;

static ALARMS: AtomicU32 = AtomicU32::new(0);

extern "C" fn alarm(_: i32, _: *mut u32, _: *mut u32) {
    ALARMS.fetch_add(1, Ordering::SeqCst);
}

/// Alarms every two milliseconds interrupt a loop: never too early.
pub(super) fn interval(_: u32) -> Result<()> {
    const PERIOD_US: u32 = 2_000;
    const COUNT: u32 = 10;
    const PATIENCE_NS: u64 = 10_000_000_000;
    ALARMS.store(0, Ordering::SeqCst);
    sys::sigaction(SIGALRM, Action::Handler(alarm))?;
    let start = sys::now()?;
    sys::set_alarm(PERIOD_US)?;
    let mut time = 0;
    while ALARMS.load(Ordering::SeqCst) < COUNT && time < PATIENCE_NS {
        time = sys::now()? - start;
    }
    sys::set_alarm(0)?;
    let end = sys::now()?;
    sys::sigaction(SIGALRM, Action::Default)?;
    ensure(ALARMS.load(Ordering::SeqCst) >= COUNT, "no alarm for seconds")?;
    ensure(end - start >= u64::from(PERIOD_US * COUNT) * 1000, "alarms came too early")
}

/// It never goes back, and sleeps are not too short.
pub(super) fn clock(round: u32) -> Result<()> {
    let mut last = sys::now()?;
    for _ in 0..500 {
        let time = sys::now()?;
        ensure(time >= last, "the clock went back")?;
        last = time;
    }
    let duration = u64::from(round % 5 * 700 + 300) * 1000;
    sys::sleep(duration)?;
    ensure(sys::now()? - last >= duration, "a sleep was too short")
}
