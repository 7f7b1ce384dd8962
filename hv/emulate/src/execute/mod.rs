//! Carrying out what was decoded.
//!
//! Every function here makes its accesses first, with what they load kept aside, and changes registers only when all have
//! succeeded. So an abort finds the registers as they were.

mod access;
mod core_regs;
mod simd;
mod vfp;

use nex_decode::Offset;
use nex_vcpu::{Psr, Regs};

use crate::bus::{Bus, FpRegs};
use crate::insn::{Address, Index, Insn, Op};

pub(crate) use core_regs::extend;

/// How execution goes on. In both cases PC and IT state say so already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// With the next instruction.
    Next,
    /// PC was loaded, which may have changed the instruction set.
    Branch,
}

/// Carries out one instruction.
///
/// `regs` has PC at the instruction. Its condition is taken as passed, see [`Insn::holds`]. `fp` is only touched where
/// [`Insn::vfp_use`] says so, which the caller has found to be allowed.
///
/// # Errors
/// An access failed; its error is handed on. No register has changed. Accesses before it in the same instruction have been
/// made, and a store among them has changed memory.
#[inline]
pub fn execute<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    insn: &Insn,
    bus: &mut B,
) -> Result<Done, B::Error> {
    let len_bytes = u32::from(insn.len_bytes);
    match &insn.op {
        Op::Single(single) => core_regs::single(regs, len_bytes, single, bus),
        op => others(regs, fp, len_bytes, op, bus),
    }
}

/// All but the most frequent, out of its way.
#[inline(never)]
fn others<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    len_bytes: u32,
    op: &Op,
    bus: &mut B,
) -> Result<Done, B::Error> {
    match op {
        Op::Single(single) => core_regs::single(regs, len_bytes, single, bus),
        Op::Dual(dual) => core_regs::dual(regs, len_bytes, dual, bus),
        Op::Multiple(multiple) => core_regs::multiple(regs, len_bytes, multiple, bus),
        Op::Exclusive(exclusive) => core_regs::exclusive(regs, len_bytes, exclusive, bus),
        Op::Swap(swap) => core_regs::swap(regs, len_bytes, swap, bus),
        &Op::TableBranch { rn, rm, half } => core_regs::table_branch(regs, len_bytes, (rn, rm, half), bus),
        Op::Preload => {
            regs.skip(len_bytes);
            Ok(Done::Next)
        }
        Op::Vfp(vfp) => vfp::transfer(regs, fp, len_bytes, vfp, bus),
        Op::Structures(structures) => simd::transfer(regs, fp, len_bytes, structures, bus),
    }
}

/// The value of a base register; PC is rounded down (A4.5: Align(PC, 4)).
fn base(regs: &Regs, rn: u8) -> u32 {
    if rn == 15 { regs.operand(15) & !3 } else { regs.get(rn) }
}

/// Where the access is, and what the base register becomes, if anything.
#[inline]
fn resolve(regs: &Regs, address: &Address) -> (u32, Option<u32>) {
    let base = base(regs, address.rn);
    let offset = match address.offset {
        Offset::Imm(bytes) => u32::from(bytes),
        Offset::Reg(shifted) => shifted.apply(regs.operand(shifted.rm), regs.cpsr().has(Psr::C)),
    };
    let moved = if address.add { base.wrapping_add(offset) } else { base.wrapping_sub(offset) };
    match address.index {
        Index::Offset => (moved, None),
        Index::Pre => (moved, Some(moved)),
        Index::Post => (base, Some(moved)),
    }
}

/// Steps over the instruction, and writes the base register back. What is loaded is written after this, so that it wins
/// where it is the base register, which is UNPREDICTABLE.
fn finish(regs: &mut Regs, len_bytes: u32, rn: u8, wback: Option<u32>) {
    regs.skip(len_bytes);
    if let Some(value) = wback {
        regs.set(rn, value);
    }
}
