//! The life of a vCPU: run the guest, answer its traps, until the domain stops.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use arrayvec::ArrayString;
use nex_vcpu::{Exception, Privilege};
use nex_vmmu::shadow::View;

use super::machine::{Machine, Parts};
use super::quick::Quick;
use super::system::Step;
use super::{Control, Domain};
use crate::arch::guest::VcpuPlace;
use crate::arch::{Frame, Trap, irq, this_cpu};
use crate::trap::Fault;
use crate::{interrupts, thread, time};

/// Why a domain stopped.
#[derive(Clone, Debug)]
pub enum Stop {
    /// It asked to: PSCI SYSTEM_OFF, or CPU_OFF of the only vCPU.
    PowerOff,
    /// It asked to start afresh: PSCI SYSTEM_RESET.
    Reset,
    /// A person wanted it to.
    Killed,
    /// It did what it may not do; the text is the whole report.
    Fault(ArrayString<160>),
}

/// When the first guest instruction of all ran, in nanoseconds; 0 before.
static FIRST_ENTRY_NS: AtomicU64 = AtomicU64::new(0);

/// Whose thread IDs and timer access the CPU has; see [`super::machine::Parts::load_cpu`].
static LOADED: AtomicU32 = AtomicU32::new(u32::MAX);

/// The domain with this number is gone; the next one must not be taken for it.
pub(super) fn forget(number: u8) {
    let _ = LOADED.compare_exchange(number.into(), u32::MAX, Ordering::Relaxed, Ordering::Relaxed);
}

/// Runs the vCPU until the domain stops. Called on the vCPU's thread.
pub fn run(domain: &Domain, machine: &mut Machine) -> Stop {
    if FIRST_ENTRY_NS.load(Ordering::Relaxed) == 0 {
        let now = time::now_ns();
        FIRST_ENTRY_NS.store(now, Ordering::Relaxed);
        crate::info!("first guest instruction {} ns after reset (with ICOUNT=1: instructions)", now);
    }
    loop {
        match domain.control() {
            Control::Run => {}
            Control::Pause => domain.resumed.wait(|| domain.control() != Control::Pause),
            Control::Kill => return Stop::Killed,
        }
        if let Some(stop) = turn(domain, machine) {
            machine.parts.platform.flush();
            let mut frame = frame_of(machine);
            frame.cpsr = machine.vcpu.get().regs.user_psr().0;
            crate::debugger::on_guest_end(domain.number(), &mut frame, matches!(stop, Stop::Fault(_)));
            return stop;
        }
    }
}

/// A vCPU's registers as the debugger shows them.
pub fn frame_of(machine: &Machine) -> Frame {
    let regs = &machine.vcpu.get().regs;
    let flat = regs.flat();
    let mut frame = Frame::ZERO;
    frame.r.copy_from_slice(&flat[..13]);
    [frame.sp, frame.lr, frame.pc] = [flat[13], flat[14], flat[15]];
    frame.cpsr = regs.cpsr().0;
    frame
}

/// Takes over registers that the debugger changed. Of the PSR only what the guest itself may change.
pub fn set_frame(machine: &mut Machine, frame: &Frame) {
    let regs = &mut machine.vcpu.get_mut().regs;
    let flat = regs.flat_mut();
    flat[..13].copy_from_slice(&frame.r);
    [flat[13], flat[14]] = [frame.sp, frame.lr];
    regs.absorb_user_psr(nex_vcpu::Psr(frame.cpsr));
    regs.branch(frame.pc);
}

/// Enters the guest once and answers its trap.
fn turn(domain: &Domain, machine: &mut Machine) -> Option<Stop> {
    let Machine { vcpu: place, parts } = machine;
    let vcpu = place.get_mut();
    let event = domain.take_event();
    if event || parts.lines_stale || parts.platform.stale {
        parts.lines_stale = false;
        parts.pending_stale = false;
        this_cpu().alarm_due.store(false, Ordering::Relaxed);
        vcpu.pending = parts.platform.lines(event).pending;
    } else if parts.pending_stale {
        parts.pending_stale = false;
        vcpu.pending = parts.platform.pending();
    }
    if vcpu.pending.wakes() && vcpu.deliver_interrupt(parts.async_abort_status()).is_some() {
        parts.exclusive = None;
        parts.last = None;
    }
    irq::mask();
    if domain.event.load(Ordering::Relaxed) || this_cpu().alarm_due.load(Ordering::Relaxed) {
        // Since they were looked at above. From here on they would come as an interrupt of the guest.
        irq::unmask();
        parts.lines_stale = true;
        return None;
    }
    let me = u32::from(domain.number());
    if LOADED.load(Ordering::Relaxed) != me {
        LOADED.store(me, Ordering::Relaxed);
        parts.load_cpu(vcpu);
    }
    parts.prepare_float(vcpu);
    this_cpu().guest.store(me, Ordering::Relaxed);
    let (trap, word) = match enter(domain, place, parts) {
        Left::Trap(trap, word) => (trap, word),
        Left::Look => {
            irq::unmask();
            return None;
        }
        Left::OutOfMemory => {
            irq::unmask();
            return Some(super::traps::out_of_memory());
        }
    };
    // Before IRQs open, as above.
    let fault = Fault::of(trap);
    let vcpu = place.get_mut();
    if trap == Trap::Irq {
        interrupts::handle();
        if this_cpu().need_resched.load(Ordering::Relaxed) {
            thread::reschedule();
        }
        irq::unmask();
        parts.lines_stale = true;
        return None;
    }
    irq::unmask();
    let step = match (trap, fault) {
        (Trap::Undefined, _) => parts.undefined(vcpu, word),
        (Trap::Svc, _) => parts.svc(vcpu, word),
        (Trap::DataAbort | Trap::PrefetchAbort, Some(fault)) if fault.is_debug_event() => {
            return debug_event(domain, machine, trap, &fault);
        }
        (Trap::DataAbort | Trap::PrefetchAbort, Some(fault)) => {
            parts.abort(vcpu, trap == Trap::PrefetchAbort, &fault, word)
        }
        _ => Step::Again,
    };
    let exception = match step {
        Step::Done | Step::Again => return None,
        Step::Stop(stop) => return Some(stop),
        Step::Yield => {
            thread::yield_now();
            return None;
        }
        Step::Wait => {
            wait(domain, machine);
            return None;
        }
        Step::Undefined => (Exception::Undefined, None),
        Step::Svc => (Exception::Svc, None),
        Step::Abort(abort) if trap == Trap::PrefetchAbort => (Exception::PrefetchAbort, Some(abort)),
        Step::Abort(abort) => (Exception::DataAbort, Some(abort)),
    };
    let Machine { vcpu: place, parts } = machine;
    parts.inject(place.get_mut(), exception.0, exception.1)
}

/// Why [`enter`] came back.
enum Left {
    /// A trap that it had no answer for: the vector, and the instruction.
    Trap(Trap, u32),
    /// Interrupts of the guest, or deadlines, are to be looked at.
    Look,
    /// There is not even one shadow table for the guest.
    OutOfMemory,
}

/// Runs the guest, with IRQs masked, and answers what it traps on most; see [`super::quick`]. As IRQs stay masked, nothing
/// comes from outside between two runs: it would end the second at once.
#[inline(never)]
fn enter(domain: &Domain, place: &mut VcpuPlace, parts: &mut Parts) -> Left {
    loop {
        let view = View::of(place.get().privilege() == Privilege::Pl1);
        let Ok(world) = parts.shadow.world(view) else { return Left::OutOfMemory };
        if let Some((worlds, dacr_fixed)) = parts.shadow.take_fast() {
            let fast = parts.fast(place.get(), worlds, dacr_fixed);
            place.set_fast(fast);
        }
        // SAFETY: the tables and the ASID are of the domain's own shadow tables, which live as long as `parts`; they map
        // the window, and otherwise only frames that the domain owns. IRQs are masked.
        let (trap, word) = unsafe { place.run(world) };
        domain.count(trap);
        let vcpu = place.get_mut();
        parts.shadow.sync_dacr(&vcpu.cp15);
        // The next abort, of anybody, overwrites the fault registers.
        let quick = match trap {
            Trap::DataAbort => parts.quick_abort(vcpu, false, word),
            Trap::PrefetchAbort => parts.quick_abort(vcpu, true, 0),
            Trap::Undefined => parts.quick_undefined(vcpu, word),
            Trap::Svc => parts.quick_svc(vcpu, word),
            _ => Quick::Not,
        };
        match quick {
            Quick::Done => {}
            Quick::Look if !parts.platform.stale && vcpu.pending.next(vcpu.regs.cpsr()).is_none() => {}
            Quick::Look => return Left::Look,
            Quick::Not => return Left::Trap(trap, word),
        }
    }
}

/// WFI: until an interrupt is pending, masked or not (DDI 0406C B1.8.14).
fn wait(domain: &Domain, machine: &mut Machine) {
    loop {
        let lines = machine.parts.platform.lines(true);
        machine.vcpu.get_mut().pending = lines.pending;
        if lines.pending.wakes() || domain.control() != Control::Run {
            return;
        }
        let woken = || domain.take_event() || domain.control() != Control::Run;
        match lines.deadline_ns {
            Some(at_ns) => {
                domain.resumed.wait_until(at_ns, woken);
            }
            None => domain.resumed.wait(woken),
        }
    }
}

/// A breakpoint or watchpoint of Nex's debugger; or a BKPT instruction of the guest's own, which takes a prefetch abort there.
fn debug_event(domain: &Domain, machine: &mut Machine, trap: Trap, fault: &Fault) -> Option<Stop> {
    let Machine { vcpu: place, parts } = machine;
    if trap == Trap::PrefetchAbort && parts.is_bkpt(place.get()) {
        return parts.inject_debug_event(place.get_mut());
    }
    let mut frame = frame_of(machine);
    // As the CPU has it: the debugger tells guests from Nex by User mode.
    frame.cpsr = machine.vcpu.get().regs.user_psr().0;
    crate::debugger::on_guest_debug_event(domain.number(), &mut frame, trap, fault.address);
    set_frame(machine, &frame);
    None
}
