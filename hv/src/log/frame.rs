//! defmt's global logger: collects the bytes of one record and puts it into the ring.
//!
//! A record is collected in a slot of the running CPU with IRQs masked. An FIQ (the debugger) or a fault of Nex may come
//! in the middle of one and log as well: its record takes the CPU's next slot, and is complete before the first goes
//! on. So there is nothing to wait for. A record deeper than that is left out and counted.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::ring;
use crate::arch::percpu::MAX_CPUS;
use crate::arch::{irq, this_cpu};

/// Records under way on one CPU: a thread or its interrupt, the debugger, a fault in that.
const DEPTH: usize = 3;

/// Longest record in bytes, before it is encoded. Longer ones are left out, and a record says so.
const RECORD_BYTES: usize = 512;

struct Slot {
    was_masked: bool,
    len: usize,
    bytes: [u8; RECORD_BYTES],
}

struct Cpu {
    /// Slots in use.
    depth: AtomicUsize,
    slots: [UnsafeCell<Slot>; DEPTH],
}

// SAFETY: each element is used by one CPU only, and each slot by the one record that `depth` stood for when it began;
// what interrupts that record takes other slots and is done before it goes on.
unsafe impl Sync for Cpu {}

static CPUS: [Cpu; MAX_CPUS] = [const {
    Cpu {
        depth: AtomicUsize::new(0),
        slots: [const { UnsafeCell::new(Slot { was_masked: true, len: 0, bytes: [0; RECORD_BYTES] }) };
            DEPTH],
    }
}; MAX_CPUS];

fn cpu() -> &'static Cpu {
    &CPUS[this_cpu().index as usize % MAX_CPUS]
}

/// The slot of the innermost record of this CPU.
///
/// # Safety
/// Between `acquire` and `release`, and only one result at a time.
unsafe fn slot() -> Option<&'static mut Slot> {
    let cpu = cpu();
    let innermost = cpu.depth.load(Ordering::Relaxed).checked_sub(1)?;
    // SAFETY: see `Cpu`; the caller keeps no other reference to it.
    cpu.slots.get(innermost).map(|slot| unsafe { &mut *slot.get() })
}

#[defmt::global_logger]
struct Logger;

// SAFETY: `acquire` may come from any context: what it interrupts uses another slot.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        let was_masked = irq::mask();
        cpu().depth.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the record has just begun.
        if let Some(slot) = unsafe { slot() } {
            slot.was_masked = was_masked;
            slot.len = 0;
        }
    }

    unsafe fn flush() {}

    unsafe fn release() {
        // Deeper than the slots IRQs were masked already.
        let (mut was_masked, mut too_long) = (true, false);
        // SAFETY: defmt's promise: between the two, and the one use of the slot.
        match unsafe { slot() } {
            Some(slot) => {
                was_masked = slot.was_masked;
                match slot.bytes.get(..slot.len) {
                    Some(record) => ring::append(record),
                    None => too_long = true,
                }
            }
            None => ring::count_lost(),
        }
        cpu().depth.fetch_sub(1, Ordering::Relaxed);
        irq::restore(was_masked);
        if too_long {
            ring::count_lost();
            crate::warning!("a log record of more than {} bytes was left out", RECORD_BYTES);
        }
        crate::console::send_log();
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: defmt's promise: between the two, and the one use of the slot.
        let Some(slot) = (unsafe { slot() }) else { return };
        let end = slot.len + bytes.len();
        if let Some(room) = slot.bytes.get_mut(slot.len..end) {
            room.copy_from_slice(bytes);
        }
        // Beyond the end it stays beyond: the record is too long.
        slot.len = end;
    }
}

defmt::timestamp!("{=u64:us}", crate::time::now_ns() / 1000);
