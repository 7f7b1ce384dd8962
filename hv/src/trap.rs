//! Exceptions taken while Nex itself runs. A guest's traps come back from [`crate::arch::enter_guest`] instead.

use core::fmt;
use core::sync::atomic::Ordering;

use nex_mm::fault::{FaultKind, FaultStatus};

use crate::arch::{Frame, Trap, cp15, this_cpu};
use crate::{debugger, interrupts, memory, panic, thread};

/// Called by the vectors, on the interrupted thread's stack, IRQs masked.
pub(crate) extern "C" fn host_trap(frame: &mut Frame, vector: u32) {
    match Trap::from_vector(vector) {
        Trap::Irq => {
            interrupts::handle();
            let cpu = this_cpu();
            if cpu.need_resched.load(Ordering::Relaxed) && !cpu.in_interrupt() {
                thread::reschedule();
            }
        }
        trap => {
            // For an undefined instruction and an SVC the vector stores the address after it (B1.8.3).
            frame.pc = frame.pc.wrapping_sub(if frame.is_thumb() { 2 } else { 4 });
            panic::die(panic::Cause::Trap { trap, fault: None, frame })
        }
    }
}

/// Called by the vectors for an abort of Nex itself, in SVC mode on the debug stack, IRQs masked. Returns for debug events
/// only.
pub(crate) extern "C" fn own_abort(frame: &mut Frame, vector: u32) {
    let trap = Trap::from_vector(vector);
    let fault = Fault::of(trap);
    if let Some(fault) = fault.filter(Fault::is_debug_event) {
        return debugger::on_debug_event(frame, trap, fault.address);
    }
    panic::die(panic::Cause::Trap { trap, fault, frame })
}

/// Called by the vectors for an FIQ, in SVC mode on the debug stack, in Nex's address space, everything masked.
pub(crate) extern "C" fn fiq(frame: &mut Frame) {
    debugger::on_fiq(frame);
}

/// What the fault registers say of an abort.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// The address that faulted.
    pub address: u32,
    /// What was wrong with it.
    pub status: FaultStatus,
    /// A write (or a cache operation); otherwise a read or fetch.
    pub write: bool,
    fetch: bool,
}

impl Fault {
    /// Reads the fault registers; for aborts only, before another one can happen.
    pub fn of(trap: Trap) -> Option<Fault> {
        match trap {
            Trap::DataAbort => {
                let dfsr = cp15::dfsr();
                Some(Fault {
                    address: cp15::dfar(),
                    status: FaultStatus::from_dfsr(dfsr),
                    write: dfsr & 1 << 11 != 0,
                    fetch: false,
                })
            }
            Trap::PrefetchAbort => {
                let ifsr = cp15::ifsr();
                Some(Fault {
                    address: cp15::ifar(),
                    status: FaultStatus::from_ifsr(ifsr),
                    write: false,
                    fetch: true,
                })
            }
            _ => None,
        }
    }
}

impl Fault {
    /// Whether this is no fault but a breakpoint or watchpoint.
    pub fn is_debug_event(&self) -> bool {
        self.status.kind == FaultKind::DebugEvent
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.fetch, self.write) {
            (true, _) => "instruction fetch from",
            (false, true) => "write to",
            (false, false) => "read of",
        };
        write!(f, "{kind} {:#010x}, {}", self.address, self.status.kind)?;
        if memory::is_stack_guard(self.address) && !self.fetch {
            f.write_str(" (stack overflow)")
        } else {
            Ok(())
        }
    }
}
