//! Received bytes on their way from the FIQ handler to the console.
//!
//! When the console takes none and the ring is full, the UART's receive interrupt is switched off: the UART fills up, and
//! whoever sends has to wait if there is flow control (QEMU has it). The debugger's key could not be seen then, so this ends
//! after some seconds without a byte taken, by the watchdog's timer. From then on what does not fit is lost, until the
//! console takes input again. Without that timer it is lost at once.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use nex_console::Flow;

use super::{LINE, watchdog};
use crate::board::DebugPort;

const BYTES: u32 = 1024;
/// Room for what one received byte can lead to: itself and presses of the debugger's key that were held back.
const ROOM: u32 = nex_debugger::escape::MAX_PRESSES as u32;
/// Longer than the console waits for a reader: it lets a domain have its time, this notices that there is no console.
const PATIENCE_MS: u32 = 2 * (Flow::PATIENCE_NS / 1_000_000) as u32;

/// One writer, one reader, so two counters do.
static RING: [AtomicU8; BYTES as usize] = [const { AtomicU8::new(0) }; BYTES as usize];
static WRITTEN: AtomicU32 = AtomicU32::new(0);
static READ: AtomicU32 = AtomicU32::new(0);

/// The receive interrupt is off.
static WAITING: AtomicBool = AtomicBool::new(false);
/// [`READ`] when that began, or when it was looked at last.
static SEEN: AtomicU32 = AtomicU32::new(0);
/// The console has taken nothing for too long.
static DEAF: AtomicBool = AtomicBool::new(false);

fn used() -> u32 {
    WRITTEN.load(Ordering::Acquire).wrapping_sub(READ.load(Ordering::Relaxed))
}

/// Adds a byte; what does not fit is lost.
pub(super) fn put(byte: u8) {
    if used() < BYTES {
        let written = WRITTEN.load(Ordering::Relaxed);
        RING[(written % BYTES) as usize].store(byte, Ordering::Relaxed);
        WRITTEN.store(written.wrapping_add(1), Ordering::Release);
    }
}

/// The next received byte, for the console.
pub(crate) fn take() -> Option<u8> {
    DEAF.store(false, Ordering::Relaxed);
    if used() == 0 {
        return None;
    }
    let read = READ.load(Ordering::Relaxed);
    let byte = RING[(read % BYTES) as usize].load(Ordering::Relaxed);
    READ.store(read.wrapping_add(1), Ordering::Relaxed);
    // An FIQ in between finds room, so it does not begin to wait. Half, so that the interrupt does not come for each byte.
    if used() <= BYTES / 2 && WAITING.swap(false, Ordering::Relaxed) {
        resume();
    }
    Some(byte)
}

fn resume() {
    if let Some(line) = LINE.get() {
        line.port.set_receive_interrupt(true);
    }
}

/// In the FIQ handler, before a byte is read: `true` if it has to stay in the UART.
pub(super) fn wait(port: &dyn DebugPort) -> bool {
    if used() + ROOM <= BYTES || DEAF.load(Ordering::Relaxed) || !watchdog::is_present() {
        return false;
    }
    port.set_receive_interrupt(false);
    if !WAITING.swap(true, Ordering::Relaxed) {
        SEEN.store(READ.load(Ordering::Relaxed), Ordering::Relaxed);
        watchdog::wake_within(PATIENCE_MS);
    }
    true
}

/// In the FIQ handler of the watchdog's timer.
pub(super) fn check(port: &dyn DebugPort) {
    if !WAITING.load(Ordering::Relaxed) {
        return;
    }
    let read = READ.load(Ordering::Relaxed);
    if SEEN.swap(read, Ordering::Relaxed) == read {
        WAITING.store(false, Ordering::Relaxed);
        DEAF.store(true, Ordering::Relaxed);
        port.set_receive_interrupt(true);
    } else {
        watchdog::wake_within(PATIENCE_MS);
    }
}

/// Milliseconds within which [`check`] has to be called, if it has to be.
pub(super) fn check_within_ms() -> Option<u32> {
    WAITING.load(Ordering::Relaxed).then_some(PATIENCE_MS)
}
