//! What the sensitive instructions do (DDI 0406C B9.3): those that User mode executes differently from privileged modes
//! without a trap, so that the hypervisor has to replace and emulate them.
//!
//! All are methods of [`Regs`], take decoded operands, and say by [`Outcome`] how to go on. The condition has passed
//! already ([`crate::condition_passed`]); PC is the address of the instruction. Nothing but memory is changed when the
//! outcome is [`Outcome::Undefined`] or [`Outcome::Fault`]: the base register is as before (a "base restored" CPU, like
//! Cortex-A9, A15 and A7), and no register was loaded, so the instruction can be repeated after the fault.
//!
//! MRS and MSR of banked registers, ERET, HVC and SMC have no function: without the Virtualization and Security
//! Extensions they are undefined. In T32, `SUBS PC, LR, #0` has the encoding of ERET and is [`Regs::alu_return`].
//!
//! Choices where the manual says UNPREDICTABLE: what needs an SPSR is undefined in User and System mode; CPS does nothing
//! in User mode (that one is defined); an empty register list or PC as base is undefined; a base register that is loaded
//! keeps the loaded value; LDM and STM of User registers work in System mode and are undefined in User mode.

use nex_decode::{DpOp, Walk};

use crate::psr::{Mode, Psr};
use crate::regs::{CpsrWrite, Regs};

/// Guest memory as the instructions here need it: words, at the guest's current privilege.
pub trait GuestMemory {
    /// What the caller needs to give the guest a data abort.
    type Fault;

    /// The word at `address`, a multiple of 4, as a little-endian number: CPSR.E is seen to by the caller.
    ///
    /// # Errors
    /// The access is not allowed or not possible.
    fn load(&mut self, address: u32) -> Result<u32, Self::Fault>;

    /// Stores a word, with the same rules.
    ///
    /// # Errors
    /// The access is not allowed or not possible; memory is unchanged at this address.
    fn store(&mut self, address: u32, value: u32) -> Result<(), Self::Fault>;

    /// The fault for an access to `address`, which is not a multiple of 4: an alignment fault, whatever SCTLR.A says
    /// (DDI 0406C A3.2.1).
    fn unaligned(&mut self, address: u32, write: bool) -> Self::Fault;
}

/// How execution goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Outcome<F> {
    /// Done: [`Regs::skip`] the instruction.
    Next,
    /// Done, and PC has been set: just go on.
    Jumped,
    /// Take [`crate::Exception::Undefined`] at this instruction.
    Undefined,
    /// Take a data abort at this instruction.
    Fault(F),
}

/// CPS, CPSIE, CPSID.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cps {
    /// Whether the masks below are enabled (IE: bits cleared), disabled (ID: bits set), or left alone.
    pub enable: Option<bool>,
    /// The `a` flag: asynchronous aborts.
    pub a: bool,
    /// The `i` flag: IRQ.
    pub i: bool,
    /// The `f` flag: FIQ.
    pub f: bool,
    /// The new mode's number, 5 bits, if there is one.
    pub mode: Option<u8>,
}

/// RFE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rfe {
    /// Base register, 0 to 15.
    pub base: u8,
    /// Addressing mode.
    pub block: Walk,
    /// Whether the base register is updated.
    pub writeback: bool,
}

/// SRS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Srs {
    /// Number of the mode whose stack pointer is the base, 5 bits.
    pub mode: u8,
    /// Addressing mode.
    pub block: Walk,
    /// Whether that stack pointer is updated.
    pub writeback: bool,
}

/// LDM and STM with `^`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Multiple {
    /// Base register, 0 to 15.
    pub base: u8,
    /// Register list: bit n is register n.
    pub registers: u16,
    /// Addressing mode.
    pub block: Walk,
    /// Whether the base register is updated; exists with PC in the list of an LDM only.
    pub writeback: bool,
}

/// The words of one instruction, ascending in memory.
struct Words<'a, M> {
    memory: &'a mut M,
    address: u32,
    big_endian: bool,
}

impl<'a, M: GuestMemory> Words<'a, M> {
    fn at(regs: &Regs, memory: &'a mut M, address: u32, write: bool) -> Result<Self, M::Fault> {
        if !address.is_multiple_of(4) {
            return Err(memory.unaligned(address, write));
        }
        Ok(Self { memory, address, big_endian: regs.cpsr().has(Psr::E) })
    }

    fn step(&mut self) -> u32 {
        let address = self.address;
        self.address = address.wrapping_add(4);
        address
    }

    fn ordered(&self, value: u32) -> u32 {
        if self.big_endian { value.swap_bytes() } else { value }
    }

    fn load(&mut self) -> Result<u32, M::Fault> {
        let address = self.step();
        let value = self.memory.load(address)?;
        Ok(self.ordered(value))
    }

    fn store(&mut self, value: u32) -> Result<(), M::Fault> {
        let address = self.step();
        let value = self.ordered(value);
        self.memory.store(address, value)
    }
}

fn outcome<F>(result: Result<Outcome<F>, F>) -> Outcome<F> {
    result.unwrap_or_else(Outcome::Fault)
}

impl Regs {
    /// CPS (B9.3.2): masks and mode. Does nothing in User mode.
    pub fn cps(&mut self, cps: Cps) {
        if !self.mode().is_privileged() {
            return;
        }
        let mut value = self.cpsr().0;
        for (named, bit) in [(cps.a, Psr::A), (cps.i, Psr::I), (cps.f, Psr::F)] {
            match cps.enable {
                Some(true) if named => value &= !bit,
                Some(false) if named => value |= bit,
                _ => {}
            }
        }
        if let Some(mode) = cps.mode {
            value = value & !Psr::MODE | u32::from(mode) & Psr::MODE;
        }
        self.write_cpsr(Psr(value), 0xf, CpsrWrite::Instruction);
    }

    /// MRS of the SPSR (B9.3.8); `None` means undefined. MRS of the CPSR is [`Psr::visible`].
    pub const fn mrs_spsr(&self) -> Option<u32> {
        match self.spsr() {
            Some(psr) => Some(psr.0),
            None => None,
        }
    }

    /// MSR to the CPSR (B9.3.11, B9.3.12). `byte_mask` is the mask field: bit 0 for `c`, 1 for `x`, 2 for `s`, 3 for `f`.
    pub fn msr_cpsr(&mut self, value: u32, byte_mask: u8) {
        self.write_cpsr(Psr(value), byte_mask, CpsrWrite::Instruction);
    }

    /// MSR to the SPSR (B9.3.11, B9.3.12), with the same mask field; undefined in User and System mode.
    pub fn msr_spsr<F>(&mut self, value: u32, byte_mask: u8) -> Outcome<F> {
        if self.write_spsr(Psr(value), byte_mask) { Outcome::Next } else { Outcome::Undefined }
    }

    /// `SUBS PC, LR` and its kin (B9.3.19, B9.3.20): returns to `op`'s result with the SPSR. `rn` and `operand` are the
    /// operands' values ([`Regs::operand`], [`nex_decode::ShiftedReg::apply`]).
    pub fn alu_return<F>(&mut self, op: DpOp, rn: u32, operand: u32) -> Outcome<F> {
        let Some(spsr) = self.spsr() else { return Outcome::Undefined };
        let target = op.apply(rn, operand, self.cpsr().has(Psr::C));
        self.exception_return(target, spsr);
        Outcome::Jumped
    }

    /// RFE (B9.3.13): loads PC and CPSR. Undefined in User mode.
    pub fn rfe<M: GuestMemory>(&mut self, rfe: Rfe, memory: &mut M) -> Outcome<M::Fault> {
        if !self.mode().is_privileged() || rfe.base & 15 == 15 {
            return Outcome::Undefined;
        }
        let (start, end) = rfe.block.range(self.get(rfe.base), 2);
        outcome((|| {
            let mut words = Words::at(self, memory, start, false)?;
            let (pc, psr) = (words.load()?, words.load()?);
            if rfe.writeback {
                self.set(rfe.base, end);
            }
            self.exception_return(pc, Psr(psr));
            Ok(Outcome::Jumped)
        })())
    }

    /// SRS (B9.3.15, B9.3.16): stores LR and SPSR of the current mode on the stack of `srs.mode`. Undefined without an
    /// SPSR, and for a mode that does not exist.
    pub fn srs<M: GuestMemory>(&mut self, srs: Srs, memory: &mut M) -> Outcome<M::Fault> {
        let (Some(mode), Some(spsr)) = (Mode::from_bits(srs.mode.into()), self.spsr()) else {
            return Outcome::Undefined;
        };
        let (start, end) = srs.block.range(self.get_in(mode, 13), 2);
        outcome((|| {
            let mut words = Words::at(self, memory, start, true)?;
            words.store(self.get(14))?;
            words.store(spsr.0)?;
            if srs.writeback {
                self.set_in(mode, 13, end);
            }
            Ok(Outcome::Next)
        })())
    }

    /// LDM with `^` (B9.3.5, B9.3.6): with PC in the list an exception return by SPSR; without, a load of User mode's
    /// registers.
    pub fn ldm_caret<M: GuestMemory>(&mut self, ldm: Multiple, memory: &mut M) -> Outcome<M::Fault> {
        let returns = ldm.registers >> 15 == 1;
        let mode = if returns { self.mode() } else { Mode::Usr };
        let spsr = self.spsr();
        if !self.mode().is_privileged()
            || ldm.base & 15 == 15
            || ldm.registers == 0
            || returns && spsr.is_none()
        {
            return Outcome::Undefined;
        }
        let (start, end) = ldm.block.range(self.get(ldm.base), ldm.registers.count_ones());
        outcome((|| {
            let mut words = Words::at(self, memory, start, false)?;
            let mut loaded = [0; 16];
            for n in (0..16).filter(|n| ldm.registers >> n & 1 == 1) {
                loaded[n] = words.load()?;
            }
            if ldm.writeback && returns {
                self.set(ldm.base, end);
            }
            for n in (0..15_u8).filter(|n| ldm.registers >> n & 1 == 1) {
                self.set_in(mode, n, loaded[n as usize]);
            }
            match spsr {
                Some(spsr) if returns => {
                    self.exception_return(loaded[15], spsr);
                    Ok(Outcome::Jumped)
                }
                _ => Ok(Outcome::Next),
            }
        })())
    }

    /// STM with `^` (B9.3.17): stores User mode's registers. PC is stored as the instruction's address plus 8.
    pub fn stm_caret<M: GuestMemory>(&mut self, stm: Multiple, memory: &mut M) -> Outcome<M::Fault> {
        if !self.mode().is_privileged() || stm.base & 15 == 15 || stm.registers == 0 {
            return Outcome::Undefined;
        }
        let (start, _) = stm.block.range(self.get(stm.base), stm.registers.count_ones());
        outcome((|| {
            let mut words = Words::at(self, memory, start, true)?;
            for n in (0..16_u8).filter(|n| stm.registers >> n & 1 == 1) {
                let value = if n == 15 { self.operand(15) } else { self.get_in(Mode::Usr, n) };
                words.store(value)?;
            }
            Ok(Outcome::Next)
        })())
    }
}
