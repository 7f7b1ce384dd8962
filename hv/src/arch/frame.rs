//! The one register frame of all exceptions.

use core::fmt;
use core::mem::offset_of;

use nex_debugger::regs::{self, CoreRegs};

/// The registers of interrupted code, a guest's or Nex's own, in the order the vectors store them.
///
/// `pc` is the preferred return address after the vector's correction: the aborting instruction for aborts, the next
/// one for IRQ and SVC. For an undefined instruction it is raw: instruction + 4 (A32) or + 2 (T32) (DDI 0406C B1.8.3).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// r0 to r12.
    pub r: [u32; 13],
    /// r13 of the interrupted mode.
    pub sp: u32,
    /// r14 of the interrupted mode.
    pub lr: u32,
    /// Where to go on.
    pub pc: u32,
    /// Program status.
    pub cpsr: u32,
}

impl Frame {
    /// All registers 0; not a state to run.
    pub const ZERO: Frame = Frame { r: [0; 13], sp: 0, lr: 0, pc: 0, cpsr: 0 };

    /// Whether the interrupted code was in Thumb state.
    pub const fn is_thumb(&self) -> bool {
        self.cpsr & 1 << 5 != 0
    }

    /// Name of the mode in the CPSR.
    pub const fn mode_name(&self) -> &'static str {
        regs::mode_name(self.cpsr)
    }

    /// The registers as the debugger shows them, with the SPSR of their mode if it is known.
    pub fn core_regs(&self, spsr: Option<u32>) -> CoreRegs {
        let mut r = [0; 16];
        r[..13].copy_from_slice(&self.r);
        r[13..].copy_from_slice(&[self.sp, self.lr, self.pc]);
        CoreRegs { r, cpsr: self.cpsr, spsr }
    }
}

// SRS stores LR, then SPSR, at ascending addresses; `rfeia` reads them back (A8.8.201, B9.3.13).
pub(super) const SP: usize = offset_of!(Frame, sp);
pub(super) const LR: usize = offset_of!(Frame, lr);
pub(super) const PC: usize = offset_of!(Frame, pc);
pub(super) const CPSR: usize = offset_of!(Frame, cpsr);
pub(super) const BYTES: usize = size_of::<Frame>();
const _: () = assert!(LR == SP + 4 && PC == SP + 8 && CPSR == PC + 4 && BYTES == CPSR + 4);

/// Four registers a line, as the debugger's `regs` shows them.
impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core_regs(None).fmt(f)
    }
}
