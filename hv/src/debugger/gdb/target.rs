//! What gdb sees of the machine: registers and memory of Nex or of a domain, breakpoints, and ways on.

use core::convert::Infallible;

use gdbstub::arch::Arch;
use gdbstub::common::Signal;
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::singlethread::{
    SingleThreadBase, SingleThreadRangeStepping, SingleThreadRangeSteppingOps, SingleThreadResume,
    SingleThreadResumeOps, SingleThreadSingleStep, SingleThreadSingleStepOps,
};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwBreakpoint, HwBreakpointOps, HwWatchpoint, HwWatchpointOps, SwBreakpoint,
    SwBreakpointOps, WatchKind,
};
use gdbstub::target::{TargetError, TargetResult};
use gdbstub_arch::arm::reg::ArmCoreRegs;
use gdbstub_arch::arm::{ArmBreakpointKind, Armv4t};

use crate::arch::{Frame, cache, debug};
use crate::debugger::breakpoints::{self, Breakpoint, Goal, Owner, Scope, Watchpoint};
use crate::debugger::{Context, Reason, read_own};
use crate::domain::{self, Domain};
use crate::sync::Stopped;

/// What a session is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    Nex,
    Domain(u8),
}

pub(super) struct Target {
    subject: Subject,
    /// The interrupted code's registers.
    frame: Frame,
    /// Nex's own, if that code is a guest's that an FIQ has interrupted.
    beside: Option<Frame>,
    guest: Option<u8>,
    panicked: bool,
    /// While the machine is stopped.
    stopped: Option<Stopped>,
}

/// The error numbers of gdb's protocol: a bad address, no room, not possible.
const EFAULT: u8 = 14;
const EPERM: u8 = 1;

/// What gdb may change of a guest's CPSR: flags, GE, Q, IT, E and T.
const GUEST_CPSR: u32 = 0xfe0f_fe20;
/// Of Nex's own: the flags.
const NEX_CPSR: u32 = 0xf80f_0000;

impl Target {
    pub(super) fn new(subject: Subject) -> Self {
        Target { subject, frame: Frame::ZERO, beside: None, guest: None, panicked: false, stopped: None }
    }

    pub(super) fn subject(&self) -> Subject {
        self.subject
    }

    /// The machine has stopped.
    pub(super) fn enter(&mut self, context: &Context) {
        self.frame = context.frame;
        self.guest = context.guest();
        // After an event on its vCPU's thread the guest is not in the middle of being run.
        let by_fiq = matches!(context.reason, Reason::Key | Reason::Break | Reason::Watchdog);
        self.beside = (self.guest.is_some() && by_fiq).then(debug::beside_guest);
        self.panicked = matches!(context.reason, Reason::Panic);
        // SAFETY: `enter` of the debugger has stopped everything until `leave`, and uses its own proof for nothing
        // meanwhile.
        self.stopped = Some(unsafe { Stopped::new() });
    }

    /// The machine goes on, or the prompt does.
    pub(super) fn leave(&mut self, context: &mut Context) {
        context.frame = self.frame;
        self.stopped = None;
    }

    /// Whether there is a way on.
    pub(super) fn can_go(&self) -> bool {
        !self.panicked
    }

    /// Whose code the session is about, for breakpoints.
    fn who(&self) -> Option<u8> {
        match self.subject {
            Subject::Nex => None,
            Subject::Domain(number) => Some(number),
        }
    }

    fn scope(&self) -> Scope {
        self.who().map_or(Scope::Nex, Scope::Domain)
    }

    /// Calls `f` with the domain.
    fn with_domain<T>(&self, number: u8, f: &mut dyn FnMut(&Domain, &Stopped) -> T) -> Option<T> {
        let stopped = self.stopped.as_ref()?;
        let mut found = None;
        domain::peek_all(stopped, &mut |d| {
            if d.number() == number {
                found = Some(f(d, stopped));
            }
        });
        found
    }

    /// The registers that gdb sees.
    fn registers(&self) -> Option<Frame> {
        match self.subject {
            Subject::Nex => Some(self.beside.unwrap_or(self.frame)),
            Subject::Domain(number) if self.guest == Some(number) => Some(self.frame),
            Subject::Domain(number) => {
                self.with_domain(number, &mut |d, stopped| domain::vcpu::frame_of(d.peek(stopped)))
            }
        }
    }

    fn set_registers(&mut self, frame: Frame) -> bool {
        match self.subject {
            Subject::Nex if self.beside.is_some() => return false,
            Subject::Nex => self.frame = frame,
            Subject::Domain(number) if self.guest == Some(number) => self.frame = frame,
            Subject::Domain(number) => return self.set_waiting(number, frame),
        }
        true
    }

    /// Changes the registers of a domain that was not interrupted but waits in Nex.
    fn set_waiting(&mut self, number: u8, frame: Frame) -> bool {
        let Some(mut proof) = self.stopped.take() else { return false };
        let mut found = None;
        domain::peek_all(&proof, &mut |d| {
            if d.number() == number {
                found = Some(core::ptr::from_ref(d));
            }
        });
        if let Some(domain) = found {
            // SAFETY: the table of domains, which keeps it, does not change while everything is stopped.
            domain::vcpu::set_frame(unsafe { &*domain }.poke(&mut proof), &frame);
        }
        self.stopped = Some(proof);
        found.is_some()
    }

    /// Reads one unit of 1, 2 or 4 bytes, aligned.
    fn read_unit(&self, at: u32, width: u32) -> Option<u32> {
        match self.subject {
            Subject::Nex => read_own(at, width).map(|value| value as u32),
            Subject::Domain(number) => self
                .with_domain(number, &mut |d, stopped| d.peek(stopped).parts.peek_virtual(at, width))
                .flatten()
                .map(|value| value as u32),
        }
    }

    fn write_unit(&self, at: u32, bytes: &[u8]) -> bool {
        match self.subject {
            Subject::Nex => write_own(at, bytes),
            Subject::Domain(number) => self
                .with_domain(number, &mut |d, stopped| d.peek(stopped).parts.poke_virtual(at, bytes))
                .unwrap_or(false),
        }
    }

    fn go(&mut self, goal: Goal) {
        if let (Some(frame), Some(stopped)) = (self.registers(), self.stopped.as_ref()) {
            // Where nobody knows where the instruction leads, gdb gets a continue instead: it can be interrupted.
            breakpoints::request_step(goal, &frame, self.who(), stopped);
        }
    }
}

/// The widest unit at `at` within `left` bytes.
fn unit(at: u32, left: usize) -> u32 {
    match (at % 4, left) {
        (0, 4..) => 4,
        (0 | 2, 2..) => 2,
        _ => 1,
    }
}

/// Writes to Nex's memory where Nex itself may: its code and constants are read-only in every mapping.
fn write_own(at: u32, bytes: &[u8]) -> bool {
    if debug::translate(at, true, true) & 1 != 0 {
        return false;
    }
    debug::guarded(&mut || {
        // SAFETY: mapped for writing, aligned, and a person asked for it.
        unsafe {
            match *bytes {
                [a, b, c, d] => (at as *mut u32).write_volatile(u32::from_le_bytes([a, b, c, d])),
                [a, b] => (at as *mut u16).write_volatile(u16::from_le_bytes([a, b])),
                _ => bytes.iter().zip(at..).for_each(|(&byte, at)| (at as *mut u8).write_volatile(byte)),
            }
        }
    })
}

impl gdbstub::target::Target for Target {
    type Arch = Armv4t;
    type Error = Infallible;

    fn base_ops(&mut self) -> BaseOps<'_, Armv4t, Infallible> {
        BaseOps::SingleThread(self)
    }

    fn guard_rail_implicit_sw_breakpoints(&self) -> bool {
        true
    }

    // Text only, so that the key sequence cannot be part of a packet.
    fn use_x_upcase_packet(&self) -> bool {
        false
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadBase for Target {
    fn read_registers(&mut self, regs: &mut ArmCoreRegs) -> TargetResult<(), Self> {
        let frame = self.registers().ok_or(TargetError::Errno(EFAULT))?;
        *regs = ArmCoreRegs { r: frame.r, sp: frame.sp, lr: frame.lr, pc: frame.pc, cpsr: frame.cpsr };
        Ok(())
    }

    fn write_registers(&mut self, regs: &ArmCoreRegs) -> TargetResult<(), Self> {
        let old = self.registers().ok_or(TargetError::Errno(EFAULT))?;
        let free = if self.subject == Subject::Nex { NEX_CPSR } else { GUEST_CPSR };
        let frame = Frame {
            r: regs.r,
            sp: regs.sp,
            lr: regs.lr,
            pc: regs.pc,
            cpsr: old.cpsr & !free | regs.cpsr & free,
        };
        if self.set_registers(frame) { Ok(()) } else { Err(TargetError::Errno(EPERM)) }
    }

    fn read_addrs(&mut self, start: u32, data: &mut [u8]) -> TargetResult<usize, Self> {
        let mut done = 0;
        while done < data.len() {
            let at = start.wrapping_add(done as u32);
            let width = unit(at, data.len() - done);
            let Some(value) = self.read_unit(at, width) else { break };
            data[done..done + width as usize].copy_from_slice(&value.to_le_bytes()[..width as usize]);
            done += width as usize;
        }
        if done == 0 && !data.is_empty() { Err(TargetError::Errno(EFAULT)) } else { Ok(done) }
    }

    fn write_addrs(&mut self, start: u32, data: &[u8]) -> TargetResult<(), Self> {
        let mut done = 0;
        while done < data.len() {
            let at = start.wrapping_add(done as u32);
            let width = unit(at, data.len() - done) as usize;
            if !self.write_unit(at, &data[done..done + width]) {
                return Err(TargetError::Errno(EFAULT));
            }
            done += width;
        }
        if self.subject == Subject::Nex {
            // Guests' RAM is Nex's data and may be code of theirs.
            cache::drop_fetched();
        }
        Ok(())
    }

    fn support_resume(&mut self) -> Option<SingleThreadResumeOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadResume for Target {
    fn resume(&mut self, _signal: Option<Signal>) -> Result<(), Infallible> {
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<SingleThreadSingleStepOps<'_, Self>> {
        Some(self)
    }

    fn support_range_step(&mut self) -> Option<SingleThreadRangeSteppingOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadSingleStep for Target {
    fn step(&mut self, _signal: Option<Signal>) -> Result<(), Infallible> {
        self.go(Goal::Count(1));
        Ok(())
    }
}

impl SingleThreadRangeStepping for Target {
    fn resume_range_step(&mut self, start: u32, end: u32) -> Result<(), Infallible> {
        self.go(Goal::Leave(start, end));
        Ok(())
    }
}

impl Target {
    fn breakpoint(&self, address: u32, kind: &<Armv4t as Arch>::BreakpointKind, owner: Owner) -> Breakpoint {
        let thumb = !matches!(kind, ArmBreakpointKind::Arm32);
        Breakpoint { address: address & !1, thumb: Some(thumb), scope: self.scope(), owner }
    }

    /// Calls `f` with the watchpoints that make up a range, one for each word of it, until one fails.
    fn each_watchpoint(
        &self,
        start: u32,
        bytes: u32,
        kind: WatchKind,
        f: &mut dyn FnMut(Watchpoint) -> bool,
    ) -> bool {
        let (loads, stores) = match kind {
            WatchKind::Write => (false, true),
            WatchKind::Read => (true, false),
            WatchKind::ReadWrite => (true, true),
        };
        let (scope, owner) = (self.scope(), Owner::GdbHard);
        let mut done = 0;
        while done < bytes.max(1) {
            let address = start.wrapping_add(done);
            let bytes = (4 - address % 4).min(bytes.max(1) - done);
            if !f(Watchpoint { address, bytes, loads, stores, scope, owner }) {
                return false;
            }
            done += bytes;
        }
        true
    }
}

impl Breakpoints for Target {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Self>> {
        Some(self)
    }
}

/// What gdb calls software breakpoints (a plain `break`): the CPU's registers as well, since code is not to be changed.
impl SwBreakpoint for Target {
    fn add_sw_breakpoint(&mut self, addr: u32, kind: ArmBreakpointKind) -> TargetResult<bool, Self> {
        Ok(breakpoints::insert(self.breakpoint(addr, &kind, Owner::GdbSoft)))
    }

    fn remove_sw_breakpoint(&mut self, addr: u32, kind: ArmBreakpointKind) -> TargetResult<bool, Self> {
        Ok(breakpoints::remove(self.breakpoint(addr, &kind, Owner::GdbSoft)))
    }
}

impl HwBreakpoint for Target {
    fn add_hw_breakpoint(&mut self, addr: u32, kind: ArmBreakpointKind) -> TargetResult<bool, Self> {
        Ok(breakpoints::insert(self.breakpoint(addr, &kind, Owner::GdbHard)))
    }

    fn remove_hw_breakpoint(&mut self, addr: u32, kind: ArmBreakpointKind) -> TargetResult<bool, Self> {
        Ok(breakpoints::remove(self.breakpoint(addr, &kind, Owner::GdbHard)))
    }
}

impl HwWatchpoint for Target {
    fn add_hw_watchpoint(&mut self, addr: u32, len: u32, kind: WatchKind) -> TargetResult<bool, Self> {
        let all = self.each_watchpoint(addr, len, kind, &mut breakpoints::insert_watch);
        if !all {
            self.each_watchpoint(addr, len, kind, &mut breakpoints::remove_watch);
        }
        Ok(all)
    }

    fn remove_hw_watchpoint(&mut self, addr: u32, len: u32, kind: WatchKind) -> TargetResult<bool, Self> {
        Ok(self.each_watchpoint(addr, len, kind, &mut breakpoints::remove_watch))
    }
}
