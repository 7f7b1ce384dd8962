//! Control flow of A32.

use super::{Branch, Flow, Indirect, InstructionSet, TableEntry, Target};
use super::{interworking, known_or, of_class, offset, vfp_literal};
use crate::a32;
use crate::bits::{PC, bit, field, reg};
use crate::class::Class;
use crate::cond::Cond;
use crate::operand::{DpOp, a32_imm};

/// The control flow of the A32 instruction `word` at address `addr` (a multiple of 4).
pub fn flow_a32(word: u32, addr: u32) -> Flow {
    let decoded = a32(word);
    if let Some(flow) = of_class(decoded.cond, decoded.class) {
        return flow;
    }
    let pc = addr.wrapping_add(8);
    let cond = decoded.cond;
    if word >> 28 == 0xf {
        return unconditional(word, pc);
    }
    if decoded.class == Class::Fp {
        return vfp_literal(word, pc).unwrap_or(Flow::PLAIN);
    }
    match field(word, 25, 3) {
        0b000 | 0b001 => data_processing(word, pc, cond),
        0b010 => word_or_byte(word, pc, cond),
        0b011 if !bit(word, 4) => word_or_byte(word, pc, cond),
        0b100 if bit(word, 20) && bit(word, 15) => Flow::jump(cond, Branch::Indirect(Indirect::Load)),
        0b101 => {
            let to = Branch::Direct(Target { addr: branch_target(word, pc), set: InstructionSet::A32 });
            if bit(word, 24) { Flow::call(to) } else { Flow::jump(cond, to) }
        }
        _ => Flow::PLAIN,
    }
}

/// BLX (immediate) is the only one that branches.
fn unconditional(word: u32, pc: u32) -> Flow {
    if field(word, 25, 3) != 0b101 {
        return Flow::PLAIN;
    }
    let addr = branch_target(word, pc).wrapping_add(field(word, 24, 1) << 1);
    Flow::call(Branch::Direct(Target { addr, set: InstructionSet::T32 }))
}

/// The 24-bit offset in words, sign-extended, from the PC.
fn branch_target(word: u32, pc: u32) -> u32 {
    pc.wrapping_add_signed((word << 8) as i32 >> 6)
}

fn data_processing(word: u32, pc: u32, cond: Cond) -> Flow {
    let (rn, rd, rm) = (reg(word, 16), reg(word, 12), reg(word, 0));
    let immediate = bit(word, 25);
    let special = field(word, 23, 2) == 0b10 && !bit(word, 20);
    if !immediate && bit(word, 7) && bit(word, 4) {
        return extra(word, pc);
    }
    if special {
        // BX, BLX.
        return match word & 0x0fff_fff0 {
            0x012f_ff10 if rm == PC => Flow::jump(cond, known_or(interworking(pc), Indirect::Register(PC))),
            0x012f_ff10 => Flow::jump(cond, Branch::Indirect(Indirect::Register(rm))),
            0x012f_ff30 => Flow::call(Branch::Indirect(Indirect::Register(rm))),
            _ => Flow::PLAIN,
        };
    }
    let Some(op) = DpOp::from_bits(field(word, 21, 4)) else {
        return Flow::PLAIN;
    };
    let add_or_sub = matches!(op, DpOp::Add | DpOp::Sub);
    if immediate && add_or_sub && rn == PC {
        let sum = op.apply(pc, a32_imm(word), false);
        return if rd == PC {
            Flow::jump(cond, known_or(interworking(sum), Indirect::Computed))
        } else {
            Flow::reference(sum, 0)
        };
    }
    if rd != PC {
        return Flow::PLAIN;
    }
    // A plain register, or shifted left: bits 11..=4 are the amount and the kind.
    let shift = field(word, 7, 5);
    let left = !immediate && field(word, 4, 3) == 0;
    let indirect = match op {
        DpOp::Mov if left && shift == 0 && rm == PC => {
            return Flow::jump(cond, known_or(interworking(pc), Indirect::Computed));
        }
        DpOp::Mov if left && shift == 0 => Indirect::Register(rm),
        DpOp::Add if left && rn == PC && rm != PC => {
            Indirect::Table { base: pc, entry: TableEntry::Code { stride_bytes: 1 << shift } }
        }
        _ => Indirect::Computed,
    };
    Flow::jump(cond, Branch::Indirect(indirect))
}

/// Halfword, signed byte and doubleword transfers; others of this space neither branch nor refer to the PC.
fn extra(word: u32, pc: u32) -> Flow {
    let op = field(word, 5, 2);
    if op == 0 || !bit(word, 22) || !bit(word, 24) || reg(word, 16) != PC {
        return Flow::PLAIN;
    }
    let bytes = match (op, bit(word, 20)) {
        (1, _) | (3, true) => 2,
        (_, true) => 1,
        (_, false) => 8,
    };
    Flow::reference(offset(pc, bit(word, 23), field(word, 8, 4) << 4 | field(word, 0, 4)), bytes)
}

fn word_or_byte(word: u32, pc: u32, cond: Cond) -> Flow {
    let (register, add, byte, load) = (bit(word, 25), bit(word, 23), bit(word, 22), bit(word, 20));
    let pc_base = reg(word, 16) == PC;
    let reference = (pc_base && !register)
        .then(|| Flow::reference(offset(pc, add, field(word, 0, 12)), if byte { 1 } else { 4 }));
    if !load || reg(word, 12) != PC {
        return reference.unwrap_or(Flow::PLAIN);
    }
    // LDR PC, [PC, Rm, LSL #2].
    let indirect = if register && pc_base && add && field(word, 4, 8) == 2 << 3 {
        Indirect::Table { base: pc, entry: TableEntry::Words }
    } else {
        Indirect::Load
    };
    Flow { data: reference.and_then(|flow| flow.data), ..Flow::jump(cond, Branch::Indirect(indirect)) }
}
