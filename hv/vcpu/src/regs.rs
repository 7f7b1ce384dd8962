//! The core registers: a flat array for the current mode, and the banks of the others (DDI 0406C B1.3.2).
//!
//! The hypervisor runs the guest in real User mode with the sixteen values of [`Regs::flat`], whatever mode the guest
//! believes to be in. Everything else lies in banks, and a change of mode exchanges two registers (seven into and out of
//! FIQ mode), so entering and leaving the guest costs the same in every mode.
//!
//! Invariants: the mode field of the CPSR always names a mode; the bank of the current mode is stale (its values are in
//! the flat array), the banks of all others are valid.

use core::mem::swap;

use crate::exception::{Exception, Vectors};
use crate::psr::{Mode, Privilege, Psr, advance_it};

/// Which instruction writes the CPSR (DDI 0406C B1.3.3, CPSRWriteByInstr).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CpsrWrite {
    /// MSR or CPS: the execution state (IT, J, T) stays.
    Instruction,
    /// An exception return: the execution state is written too.
    ExceptionReturn,
}

/// Where the bank of `mode` is. System has User's.
const fn bank(mode: Mode) -> usize {
    match mode {
        Mode::Usr | Mode::Sys => 0,
        Mode::Svc => 1,
        Mode::Abt => 2,
        Mode::Und => 3,
        Mode::Irq => 4,
        Mode::Fiq => 5,
    }
}

/// All core registers of one virtual CPU.
///
/// Layout, in words from the start: r0 to r15 of the current mode (0), the real PSR (16), CPSR (17), then the banks.
/// Words 0 to 16 are what exception vectors save and an exception return loads.
#[repr(C)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Regs {
    r: [u32; 16],
    /// The PSR that the guest was interrupted with, or is to go on with, as the real CPU has it. Only between a trap and
    /// [`leave`](Regs::leave), and between [`enter`](Regs::enter) and the return to the guest.
    real_psr: Psr,
    cpsr: Psr,
    /// r13 and r14, by bank.
    sp_lr: [[u32; 2]; 6],
    /// r8 to r12 of FIQ mode, or in FIQ mode those of all others.
    other_r8_r12: [u32; 5],
    /// By bank; the first does not exist.
    spsr: [Psr; 6],
}

const _: () = assert!(core::mem::offset_of!(Regs, r) == 0);
const _: () = assert!(core::mem::offset_of!(Regs, cpsr) == Regs::CPSR_OFFSET_BYTES);

impl Default for Regs {
    fn default() -> Self {
        Self::new()
    }
}

impl Regs {
    /// Where the CPSR is, in bytes from the start; r0 is at 0.
    pub const CPSR_OFFSET_BYTES: usize = 68;
    /// Where the banks of r13 and r14 are: two words for each of User, Supervisor, Abort, Undefined, IRQ, FIQ mode.
    pub const BANKS_OFFSET_BYTES: usize = core::mem::offset_of!(Regs, sp_lr);
    /// Where the SPSRs are: a word for each of the same, the first unused.
    pub const SPSRS_OFFSET_BYTES: usize = core::mem::offset_of!(Regs, spsr);

    /// The CPSR after reset into A32, little endian. The flags are UNKNOWN in the manual; Z is set as in QEMU, so that
    /// register dumps agree.
    pub const RESET_CPSR: Psr = Psr(Psr::Z | Psr::A | Psr::I | Psr::F | Mode::Svc as u32);

    /// Registers at reset: Supervisor mode, everything masked, all else zero, PC at the low vectors.
    pub const fn new() -> Self {
        Self {
            r: [0; 16],
            real_psr: Psr(0),
            cpsr: Self::RESET_CPSR,
            sp_lr: [[0; 2]; 6],
            other_r8_r12: [0; 5],
            spsr: [Psr(0); 6],
        }
    }

    /// The registers of the current mode; the last is the address of the current instruction, without the offset that
    /// instructions see.
    pub const fn flat(&self) -> &[u32; 16] {
        &self.r
    }

    /// The same, to write. PC is to be a multiple of 4 in A32 state and of 2 in T32 state.
    pub const fn flat_mut(&mut self) -> &mut [u32; 16] {
        &mut self.r
    }

    /// Register `n` (0 to 15, higher bits ignored) of the current mode. 15 is the address of the current instruction.
    pub const fn get(&self, n: u8) -> u32 {
        self.r[(n & 15) as usize]
    }

    /// Sets register `n` (0 to 15, higher bits ignored) of the current mode. 15 is [`branch`](Self::branch).
    pub const fn set(&mut self, n: u8, value: u32) {
        if n & 15 == 15 {
            self.branch(value);
        } else {
            self.r[(n & 15) as usize] = value;
        }
    }

    /// Register `n` as an instruction reads it: PC is 8 bytes ahead in A32, 4 in T32 (DDI 0406C A2.3).
    pub const fn operand(&self, n: u8) -> u32 {
        let ahead_bytes = match (n & 15 == 15, self.cpsr.is_thumb()) {
            (false, _) => 0,
            (true, false) => 8,
            (true, true) => 4,
        };
        self.get(n).wrapping_add(ahead_bytes)
    }

    /// Register `n` (0 to 15) as `mode` has it.
    pub const fn get_in(&self, mode: Mode, n: u8) -> u32 {
        let n = (n & 15) as usize;
        match n {
            8..=12 if self.r8_r12_banked_away(mode) => self.other_r8_r12[n - 8],
            13 | 14 if bank(mode) != bank(self.mode()) => self.sp_lr[bank(mode)][n - 13],
            _ => self.r[n],
        }
    }

    /// Sets register `n` (0 to 15) of `mode`.
    pub const fn set_in(&mut self, mode: Mode, n: u8, value: u32) {
        let i = (n & 15) as usize;
        match i {
            8..=12 if self.r8_r12_banked_away(mode) => self.other_r8_r12[i - 8] = value,
            13 | 14 if bank(mode) != bank(self.mode()) => self.sp_lr[bank(mode)][i - 13] = value,
            _ => self.set(n, value),
        }
    }

    const fn r8_r12_banked_away(&self, mode: Mode) -> bool {
        matches!(mode, Mode::Fiq) != matches!(self.mode(), Mode::Fiq)
    }

    /// The CPSR, execution state included.
    pub const fn cpsr(&self) -> Psr {
        self.cpsr
    }

    /// The current mode.
    pub const fn mode(&self) -> Mode {
        match self.cpsr.mode() {
            Some(mode) => mode,
            // Nothing here writes such a field. Should assembly have done so: the least privilege.
            None => Mode::Usr,
        }
    }

    /// The privilege level of the current mode: asked at each trap, so without looking the mode up.
    pub const fn privilege(&self) -> Privilege {
        // User mode, 0b10000, is the only one with zeros there (B1.3.1), and M always names a mode.
        if self.cpsr.0 & 0xf == 0 { Privilege::Pl0 } else { Privilege::Pl1 }
    }

    /// The address of the current instruction.
    pub const fn pc(&self) -> u32 {
        self.r[15]
    }

    /// The SPSR of the current mode, or `None` in User and System mode.
    pub const fn spsr(&self) -> Option<Psr> {
        self.spsr_in(self.mode())
    }

    /// The SPSR of `mode`, or `None` for User and System.
    pub const fn spsr_in(&self, mode: Mode) -> Option<Psr> {
        if mode.has_spsr() { Some(self.spsr[bank(mode)]) } else { None }
    }

    /// Sets the SPSR of `mode`. Reserved bits are dropped; nothing happens for User and System. A mode field that names
    /// no mode is kept, as in hardware; only an exception return looks at it.
    pub const fn set_spsr_in(&mut self, mode: Mode, value: Psr) {
        if mode.has_spsr() {
            self.spsr[bank(mode)] = Psr(value.0 & Psr::DEFINED);
        }
    }

    /// The PSR to run the guest with, as the SPSR of a real exception return: User mode, nothing masked, and the bits
    /// that unprivileged code owns ([`Psr::LIVE`]) from the guest's CPSR.
    pub const fn user_psr(&self) -> Psr {
        Psr(self.cpsr.0 & Psr::LIVE | Mode::Usr.bits())
    }

    /// Takes over what the guest did to its PSR while it ran: the [`Psr::LIVE`] bits of `real`, the SPSR of the trap.
    /// Jazelle state, which a guest cannot enter while the real JMCR.JE is 0, would be taken for A32.
    pub const fn absorb_user_psr(&mut self, real: Psr) {
        let live = if real.is_thumb() { Psr::LIVE } else { Psr::LIVE & !Psr::J };
        self.cpsr = Psr(self.cpsr.0 & !Psr::LIVE | real.0 & live);
    }

    /// Sets the instruction set and IT state to those of `psr`; nothing else of it. For an instruction that branches from one
    /// instruction set to the other. PC is then to be set by [`branch`](Self::branch).
    pub const fn set_execution_state(&mut self, psr: Psr) {
        let state = psr.0 & (Psr::IT | Psr::T);
        self.cpsr = Psr(self.cpsr.0 & !Psr::EXECUTION | state);
    }

    /// Sets the condition flags N, Z, C and V to bits 31..28 of `value`: what MRC with R15 as destination does.
    pub const fn set_flags(&mut self, value: u32) {
        let flags = Psr::N | Psr::Z | Psr::C | Psr::V;
        self.cpsr = Psr(self.cpsr.0 & !flags | value & flags);
    }

    /// After a trap: takes over what the vectors saved as the real PSR ([`absorb_user_psr`](Self::absorb_user_psr)).
    pub const fn leave(&mut self) {
        self.absorb_user_psr(self.real_psr);
    }

    /// Before the return to the guest: makes the real PSR for it, with the bits of `also` set (the hypervisor's own FIQ mask).
    pub const fn enter(&mut self, also: u32) {
        self.real_psr = Psr(self.user_psr().0 | also);
    }

    /// Changes the mode: CPSR.M and the view in the flat array, nothing else.
    pub fn switch_mode(&mut self, to: Mode) {
        let from = self.mode();
        if bank(from) != bank(to) {
            self.sp_lr[bank(from)] = [self.r[13], self.r[14]];
            [self.r[13], self.r[14]] = self.sp_lr[bank(to)];
            if matches!(from, Mode::Fiq) || matches!(to, Mode::Fiq) {
                for (r, other) in self.r[8..13].iter_mut().zip(&mut self.other_r8_r12) {
                    swap(r, other);
                }
            }
        }
        self.cpsr = Psr(self.cpsr.0 & !Psr::MODE | to.bits());
    }

    /// Writes the bytes of the CPSR that `byte_mask` names (bit 0 for bits 7..0, to bit 3 for bits 31..24), by the rules
    /// of DDI 0406C B1.3.3: unprivileged code writes flags, GE and E only; A and F are always writable (without the
    /// Security Extensions there is no SCR.AW and SCR.FW, and SCTLR.NMFI is 0); bits 23..20 stay zero.
    ///
    /// Where the manual says UNPREDICTABLE: a mode that does not exist leaves the mode as it was while the other fields
    /// are written, as QEMU does; J without T (Jazelle, trivial here) is written as zero.
    pub fn write_cpsr(&mut self, value: Psr, byte_mask: u8, kind: CpsrWrite) {
        let bytes = |mask: u8| (0..4).filter(|n| mask >> n & 1 == 1).fold(0, |m, n| m | 0xff_u32 << (8 * n));
        let privileged = self.mode().is_privileged();
        let mut writable = Psr::FLAGS | Psr::GE | Psr::E;
        if kind == CpsrWrite::ExceptionReturn {
            writable |= Psr::EXECUTION;
        }
        if privileged {
            writable |= Psr::A | Psr::I | Psr::F | Psr::MODE;
        }
        let writable = writable & bytes(byte_mask);
        let mut new = self.cpsr.0 & !writable | value.0 & writable;
        if new & (Psr::J | Psr::T) == Psr::J {
            new &= !Psr::J;
        }
        let mode = Mode::from_bits(new).unwrap_or(self.mode());
        self.switch_mode(mode);
        self.cpsr = Psr(new & !Psr::MODE | mode.bits());
    }

    /// Writes the bytes of the current mode's SPSR that `byte_mask` names. Returns false, and does nothing, in User and
    /// System mode.
    pub fn write_spsr(&mut self, value: Psr, byte_mask: u8) -> bool {
        let mode = self.mode();
        let Some(old) = self.spsr_in(mode) else { return false };
        let mut bytes = value.0.to_le_bytes();
        for (n, (new, old)) in bytes.iter_mut().zip(old.0.to_le_bytes()).enumerate() {
            if byte_mask >> n & 1 == 0 {
                *new = old;
            }
        }
        self.set_spsr_in(mode, Psr(u32::from_le_bytes(bytes)));
        true
    }

    /// Goes to `target` in the current instruction set: the low bits are dropped (DDI 0406C A2.3.2, BranchWritePC).
    pub const fn branch(&mut self, target: u32) {
        self.r[15] = target & if self.cpsr.is_thumb() { !1 } else { !3 };
    }

    /// Goes to `target` in the instruction set that its lowest bit selects, 1 for T32 (DDI 0406C A2.3.2, BXWritePC). A target
    /// that ends in 0b10, which is UNPREDICTABLE, is rounded down to a multiple of 4.
    pub const fn interwork(&mut self, target: u32) {
        self.cpsr =
            Psr(if target & 1 == 1 { self.cpsr.0 | Psr::T } else { self.cpsr.0 & !(Psr::T | Psr::J) });
        self.branch(target);
    }

    /// Goes past the current instruction of `len_bytes` (2 or 4), and advances the IT state. For an instruction that has
    /// been emulated, and for one whose condition failed.
    #[inline]
    pub const fn skip(&mut self, len_bytes: u32) {
        self.r[15] = self.r[15].wrapping_add(len_bytes);
        self.cpsr = advance_it(self.cpsr);
    }

    /// Returns from an exception: `psr` becomes the CPSR, execution state included, and execution goes on at `pc` in the
    /// instruction set that it selects (DDI 0406C B9.3.13, B9.3.19). Illegal modes: see [`write_cpsr`](Self::write_cpsr).
    pub fn exception_return(&mut self, pc: u32, psr: Psr) {
        self.write_cpsr(psr, 0xf, CpsrWrite::ExceptionReturn);
        self.branch(pc);
    }

    /// Takes `exception` (DDI 0406C B1.8.3). PC is to be what [`Exception::link_offset_bytes`] says; fault registers are
    /// the caller's. Masks are not looked at: [`crate::Pending::next`] does that. Reset leaves LR and SPSR alone, where
    /// the manual says UNKNOWN.
    pub fn take(&mut self, exception: Exception, vectors: Vectors) {
        let before = self.cpsr;
        let link = self.r[15].wrapping_add(exception.link_offset_bytes(before.is_thumb()));
        self.switch_mode(exception.mode());
        if exception != Exception::Reset {
            self.r[14] = link;
            self.set_spsr_in(exception.mode(), before);
        }
        self.cpsr = vectors.entry_cpsr(exception, before);
        self.r[15] = vectors.base.wrapping_add(exception.vector_offset_bytes());
    }
}
