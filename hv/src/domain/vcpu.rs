//! The life of a vCPU: run the guest, answer its traps, until the domain stops.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use arrayvec::ArrayString;
use nex_abi::platform;

use super::hypercall::{self, Answer};
use super::memory::Want;
use super::{Control, Domain};
use crate::arch::{self, Frame, Trap, cp15, irq, this_cpu};
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

/// The state of a vCPU while it does not run.
pub struct Vcpu {
    /// General registers and status.
    pub frame: Frame,
    tpidrurw: u32,
}

impl Vcpu {
    /// Registers as a Linux kernel expects them, `entry` with bit 0 for Thumb state.
    pub fn new(entry: u32) -> Self {
        let mut frame = Frame::ZERO;
        frame.r[0] = platform::ENTRY_R0;
        frame.r[1] = platform::ENTRY_R1;
        frame.r[2] = platform::ENTRY_R2;
        frame.pc = entry & !1;
        frame.cpsr = if entry & 1 != 0 { 1 << 5 } else { 0 };
        Vcpu { frame, tpidrurw: 0 }
    }
}

/// When the first guest instruction of all ran, in nanoseconds; 0 before.
static FIRST_ENTRY_NS: AtomicU64 = AtomicU64::new(0);

/// Runs the vCPU until the domain stops. Called on the vCPU's thread.
pub fn run(domain: &Domain, vcpu: &mut Vcpu) -> Stop {
    let (ttbr0, contextidr) = domain.memory.lock().tables();
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
        irq::mask();
        this_cpu().guest.store(u32::from(domain.number()), Ordering::Relaxed);
        // TPIDRURW is the guest's own; Nex does not use it, but other guests do. TPIDRURO reads as zero.
        set_user_thread_ids(vcpu.tpidrurw);
        // SAFETY: the tables and the ASID are those of the domain's own `GuestSpace`, which lives as long as `domain`;
        // it maps the window and otherwise only frames that the domain owns. IRQs are masked.
        let trap = unsafe { arch::enter_guest(&mut vcpu.frame, ttbr0, contextidr) };
        vcpu.tpidrurw = cp15::tpidrurw();
        // Before IRQs open: the next abort, of anybody, overwrites the fault registers.
        let fault = Fault::of(trap);
        domain.count(trap);
        if trap == Trap::Irq {
            interrupts::handle();
            if this_cpu().need_resched.load(Ordering::Relaxed) {
                thread::reschedule();
            }
            irq::unmask();
            continue;
        }
        irq::unmask();
        let stop = match (trap, fault) {
            (Trap::Undefined, _) => undefined(domain, &mut vcpu.frame),
            (Trap::DataAbort | Trap::PrefetchAbort, Some(fault)) if fault.is_debug_event() => {
                crate::debugger::on_guest_debug_event(domain.number(), &mut vcpu.frame, trap, fault.address);
                None
            }
            (Trap::DataAbort | Trap::PrefetchAbort, Some(fault)) => abort(domain, &vcpu.frame, trap, &fault),
            (Trap::Svc, _) => {
                Some(report(&vcpu.frame, format_args!("SVC instruction, which nobody handles")))
            }
            _ => Some(report(&vcpu.frame, format_args!("unexpected {trap:?}"))),
        };
        if let Some(stop) = stop {
            crate::debugger::on_guest_end(domain.number(), &mut vcpu.frame, matches!(stop, Stop::Fault(_)));
            return stop;
        }
    }
}

fn set_user_thread_ids(tpidrurw: u32) {
    // SAFETY: software thread IDs that Nex does not use.
    unsafe {
        cp15::set_tpidrurw(tpidrurw);
        cp15::set_tpidruro(0);
    }
}

/// An undefined instruction: a hypercall, or the end.
fn undefined(domain: &Domain, frame: &mut Frame) -> Option<Stop> {
    // The vector stores the address after a 32-bit A32, or after the first halfword of a T32 instruction (B1.8.3).
    frame.pc = frame.pc.wrapping_sub(if frame.is_thumb() { 2 } else { 4 });
    let mut bytes = [0u8; 4];
    if !domain.memory.lock().read(frame.pc, &mut bytes, Want::Execute) {
        // A 16-bit instruction in the last halfword of RAM.
        return Some(report(frame, format_args!("undefined instruction")));
    }
    let word = u32::from_le_bytes(bytes);
    if hypercall::is_hvc(word, frame.is_thumb()) {
        return match hypercall::handle(domain, frame) {
            Answer::Continue => {
                frame.pc = frame.pc.wrapping_add(4);
                None
            }
            Answer::Stop(stop) => Some(stop),
        };
    }
    Some(if frame.is_thumb() {
        // First halfword first, as disassemblers print it; the second only if there is one (A6.1).
        let (first, second) = (word & 0xffff, word >> 16);
        if first >> 11 >= 0b11101 {
            report(frame, format_args!("undefined instruction {first:04x} {second:04x}"))
        } else {
            report(frame, format_args!("undefined instruction {first:04x}"))
        }
    } else {
        report(frame, format_args!("undefined instruction {word:08x}"))
    })
}

/// An abort: a megabyte not yet mapped, or the end.
fn abort(domain: &Domain, frame: &Frame, trap: Trap, fault: &Fault) -> Option<Stop> {
    let want = match (trap, fault.write) {
        (Trap::PrefetchAbort, _) => Want::Execute,
        (_, true) => Want::Write,
        (_, false) => Want::Read,
    };
    if fault.status.kind.is_mmu_fault() && domain.memory.lock().fault_in(fault.address, want) {
        return None;
    }
    let name = if trap == Trap::PrefetchAbort { "prefetch abort" } else { "data abort" };
    Some(report(frame, format_args!("{name}, {fault}")))
}

/// One line that says what a guest did and where.
fn report(frame: &Frame, what: fmt::Arguments<'_>) -> Stop {
    let mut text = ArrayString::new();
    let state = if frame.is_thumb() { " (Thumb)" } else { "" };
    // A text that does not fit is cut.
    let _ = fmt::write(
        &mut text,
        format_args!("{what}; pc {:#010x}{state} lr {:#010x} sp {:#010x}", frame.pc, frame.lr, frame.sp),
    );
    Stop::Fault(text)
}
