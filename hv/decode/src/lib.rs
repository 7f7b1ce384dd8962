//! Instruction decoder of the Nex hypervisor: what happens to each A32 and T32 instruction of a guest kernel that runs in
//! User mode, and the operands of those that the hypervisor has to carry out.
//!
//! # The idea
//!
//! Nex has no virtualization extensions, so guest code written for PL1 runs at PL0. For one instruction that means one of
//! three things. It does the same as at PL1 ([`Class::Innocuous`], [`Class::Fp`], hints, SVC, BKPT); or it takes the
//! Undefined Instruction exception and is emulated then ([`Class::Trapping`]); or it quietly does something else
//! ([`Class::Sensitive`]), and has to be replaced before it runs. The last is the dangerous one: CPS, for example, is a NOP
//! at PL0. This crate says which it is. It knows encodings and nothing else: no state of a guest, no memory, no policy.
//!
//! # Invariants
//!
//! - An instruction for which [`Class::may_stay`] is true has, at PL0, the effect it has at PL1, or takes an exception that
//!   brings the hypervisor in. This is what rewriting rests on, and what the decoder proof (`scripts/decoder-proof`, results
//!   in `docs/decoder.md`) checks over the whole encoding space against another disassembler.
//! - An innocuous instruction writes the PC only as [`flow_a32`] and [`flow_t32`] say. So a scanner that follows them knows
//!   every address that can be reached, except by way of [`Branch::Indirect`] and exceptions.
//! - Every word is decoded, without a panic, whatever it is.
//!
//! Taking an UNDEFINED encoding for an innocuous one, or the other way round, would be harmless: both go to the CPU as they
//! are. The decoder is exact where it is cheap.
//!
//! # UNPREDICTABLE
//!
//! A CPU may do anything in these cases that needs no privilege. Cores are lenient as a rule: they ignore wrong should-be
//! bits and then do what the regular form does. So two kinds are [`Class::Unpredictable`], which must be replaced like
//! sensitive ones, and answered with an Undefined Instruction exception: what would be sensitive if the CPU were lenient
//! (MRS with a should-be-zero bit set, TEQ with R15 in its unused field, which once wrote the CPSR), and what would write
//! the PC (MUL with R15 as destination). The remaining ones stay as they are, for what the CPU makes of them is what the
//! guest would have seen natively.
//!
//! # Order of calls
//!
//! 1. A scanner, before code runs: [`a32`] or [`t32`] ([`t32_is_wide`] tells the length; [`ItState::after`] the IT state of the
//!    next one), replace what may not stay; [`flow_a32`] or [`flow_t32`] for where to look next, and which words are data.
//! 2. The trap handler, with the original instruction: the same functions, T32 with [`ItState::from_psr`] of the trapped PSR.
//!    Check [`Cond::holds`] (a trap may come from an instruction whose condition fails: IMPLEMENTATION DEFINED, B1.9), carry
//!    it out by its operands, step over it, and [`it_advance`] the PSR.
//!
//! In an IT block SVC is conditional as the replaced instruction was; UDF may trap either way.
//!
//! # What an instruction's class depends on besides
//!
//! - [`Sensitive::Gated`]: User mode may be granted some coprocessor registers. If the hypervisor closes the [`Gate`], they
//!   trap and need no rewriting; if it keeps the guest's own value in the host's register, they may stay. [`Gate::Open`]
//!   cannot be closed.
//! - [`Sensitive::Unprivileged`] (LDRT, STRT): may stay if User mode's view of memory is what the hypervisor maps at that
//!   time.
//! - [`Sensitive::Bxj`] may stay where the host's Jazelle is trivial or off. SWP traps or not by SCTLR.SW, VFP and Advanced
//!   SIMD by CPACR and FPEXC: those are the host's, set as the guest has them.
//! - SETEND is innocuous: CPSR.E belongs to User mode too. So is MSR to the fields f and s of the CPSR. An exception hands
//!   the guest's E bit to the hypervisor like its flags.
//!
//! # Rejected
//!
//! - *A table of masks and values searched in order*, as disassemblers have: an entry too many or in the wrong place hides
//!   others. Nested matches follow the tables of the manual (A5, A6), so both can be read side by side.
//! - *Decoding all instructions to operands.* Nothing here executes innocuous ones; only the PC as a destination matters.
//! - *A flag for UNPREDICTABLE beside the class.* Every user would have to remember it; a class is matched or does not compile.
//! - *An existing decoder crate.* None tells privilege, and most refuse UNPREDICTABLE encodings, which a CPU does not.
//!
//! Manual references are to ARM DDI 0406C (ARMv7-A/R Architecture Reference Manual).

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod a32;
pub mod bits;
mod class;
mod cond;
mod coproc;
mod flow;
mod operand;
mod t16;
mod t32;

pub use a32::a32;
pub use class::{Class, Hint, Imod, MsrSource, Sensitive, Trapping, Unprivileged};
pub use cond::{Cond, ItState, it_advance};
pub use coproc::{Coproc, Coproc64, DebugTransfer, Gate};
pub use flow::{
    Branch, DataRef, Flow, Indirect, InstructionSet, Next, TableEntry, Target, flow_a32, flow_t32,
};
pub use operand::{DpOp, Offset, Operand2, ShiftKind, ShiftedReg, Walk};
pub use t32::{t32, t32_is_wide};

/// An instruction, decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The condition: of the instruction itself, or of its IT block.
    pub cond: Cond,
    /// The class, with operands.
    pub class: Class,
}
