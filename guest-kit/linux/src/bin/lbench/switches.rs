//! System calls, signals, timers, the console: in and out of the kernel.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

use nex_guest_linux::sys::{self, Action, Error, Result};

use crate::{Row, repeated, timed};

pub(super) const ROWS: &[Row] = &[
    Row::new("getppid", 20_000, |count| repeated(count, || sys::getppid().map(drop))),
    Row::new("read 512 bytes of /dev/zero", 10_000, read_zero),
    Row::new("signal round trip", 3_000, signal),
    Row::new("1 ms sleep, wake", 200, sleep),
    Row::new("console write, 64 bytes", 500, console),
];

/// Nanoseconds since the machine's reset, when the generic timer's counter began at 0.
pub(super) fn since_reset() -> Result<u64> {
    let (low, high, frequency): (u32, u32, u32);
    // SAFETY: Linux lets programs read the virtual counter and its frequency, for its own vDSO does.
    unsafe {
        asm!(
            "isb",
            "mrrc p15, 1, {low}, {high}, c14",
            "mrc p15, 0, {frequency}, c14, c0, 0",
            low = out(reg) low,
            high = out(reg) high,
            frequency = out(reg) frequency,
            options(nomem, nostack)
        );
    }
    let ticks = u64::from(high) << 32 | u64::from(low);
    ticks
        .checked_mul(1_000_000_000)
        .and_then(|product| product.checked_div(frequency.into()))
        .ok_or(Error::new("the counter's frequency is 0, or it runs for years"))
}

fn read_zero(count: u32) -> Result<u64> {
    let file = sys::open(c"/dev/zero", sys::O_RDONLY)?;
    let mut buffer = [1; 512];
    let time = repeated(count, || sys::read(file, &mut buffer).map(drop));
    sys::close(file)?;
    time
}

const SIGUSR1: u32 = 10;

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn handler(_: i32, _: *mut u32, _: *mut u32) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// To this process itself: sent, handled, returned from the handler.
fn signal(count: u32) -> Result<u64> {
    sys::sigaction(SIGUSR1, Action::Handler(handler))?;
    let this = sys::getpid()?;
    let before = SIGNALS.load(Ordering::Relaxed);
    let time = repeated(count, || sys::kill(this, SIGUSR1).map(drop))?;
    sys::sigaction(SIGUSR1, Action::Default)?;
    match SIGNALS.load(Ordering::Relaxed).wrapping_sub(before) {
        handled if handled == count => Ok(time),
        _ => Err(Error::new("signals were lost")),
    }
}

/// What a sleep of a millisecond takes beyond the millisecond.
fn sleep(count: u32) -> Result<u64> {
    const MILLISECOND: u64 = 1_000_000;
    let time = repeated(count, || sys::sleep(MILLISECOND))?;
    time.checked_sub(MILLISECOND * u64::from(count)).ok_or(Error::new("a sleep was too short"))
}

/// Written and sent.
fn console(count: u32) -> Result<u64> {
    const LINE: &[u8; 64] = b"0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWX\r\n";
    sys::drain(sys::STDOUT)?;
    timed(|| {
        (0..count).try_for_each(|_| sys::write_all(sys::STDOUT, LINE))?;
        sys::drain(sys::STDOUT)
    })
}
