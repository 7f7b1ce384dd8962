//! Control flow of T32.

use super::{Branch, Flow, Indirect, InstructionSet, Next, TableEntry, Target};
use super::{interworking, known_or, of_class, offset, vfp_literal};
use crate::bits::{PC, bit, field, reg};
use crate::class::Class;
use crate::cond::{Cond, ItState};
use crate::t32::{t32, t32_is_wide};

/// The control flow of a T32 instruction at address `addr` (a multiple of 2); the other arguments are those of [`t32`].
///
/// With an unknown IT state, [`Next::Never`] may be wrong: the branch may be conditional.
pub fn flow_t32(first: u16, second: u16, it: ItState, addr: u32) -> Flow {
    let decoded = t32(first, second, it);
    if let Some(flow) = of_class(decoded.cond, decoded.class) {
        return flow;
    }
    let pc = addr.wrapping_add(4);
    if !t32_is_wide(first) {
        return narrow(first as u32, pc, decoded.cond);
    }
    let word = (first as u32) << 16 | second as u32;
    let aligned = pc & !3;
    if decoded.class == Class::Fp {
        // The other forms of Advanced SIMD do not know the PC.
        let shared = bit(word, 27) && bit(word, 26) && !bit(word, 28);
        return shared.then(|| vfp_literal(word, aligned)).flatten().unwrap_or(Flow::PLAIN);
    }
    match field(word, 27, 2) {
        0b01 if field(word, 25, 2) == 0 => multiple_or_dual(word, pc, decoded.cond),
        0b10 if bit(word, 15) => branch(word, pc, decoded.cond),
        // ADR.
        0b10 => match word & 0x03ff_8000 {
            0x020f_0000 => Flow::reference(offset(aligned, true, imm12(word)), 0),
            0x02af_0000 => Flow::reference(offset(aligned, false, imm12(word)), 0),
            _ => Flow::PLAIN,
        },
        0b11 if field(word, 25, 2) == 0 => single(word, aligned, decoded.cond),
        _ => Flow::PLAIN,
    }
}

fn imm12(word: u32) -> u32 {
    field(word, 26, 1) << 11 | field(word, 12, 3) << 8 | field(word, 0, 8)
}

/// A target in T32 code.
fn here(addr: u32) -> Branch {
    Branch::Direct(Target { addr, set: InstructionSet::T32 })
}

fn narrow(half: u32, pc: u32, cond: Cond) -> Flow {
    let aligned = pc & !3;
    let signed = |bits: u32| ((half << (32 - bits)) as i32) >> (31 - bits);
    match half >> 11 {
        // ADD, CMP, MOV, BX, BLX with high registers.
        0b01000 if half >> 10 == 0b01_0001 => high_registers(half, pc, cond),
        // LDR (literal); ADR.
        0b01001 => Flow::reference(aligned.wrapping_add((half & 0xff) * 4), 4),
        0b10100 => Flow::reference(aligned.wrapping_add((half & 0xff) * 4), 0),
        // CBZ, CBNZ; POP with PC.
        0b10110 | 0b10111 if half & 0x0500 == 0x0100 => {
            let distance = field(half, 9, 1) << 6 | field(half, 3, 5) << 1;
            Flow { next: Next::IfNotTaken, branch: here(pc.wrapping_add(distance)), data: None }
        }
        0b10111 if half & 0x0700 == 0x0500 => Flow::jump(cond, Branch::Indirect(Indirect::Load)),
        // B.
        0b11010 | 0b11011 => Flow::jump(cond, here(pc.wrapping_add_signed(signed(8)))),
        0b11100 => Flow::jump(cond, here(pc.wrapping_add_signed(signed(11)))),
        _ => Flow::PLAIN,
    }
}

fn high_registers(half: u32, pc: u32, cond: Cond) -> Flow {
    let rm = field(half, 3, 4) as u8;
    let to_pc = half & 0x87 == 0x87;
    let known = rm == PC;
    let register = Branch::Indirect(Indirect::Register(rm));
    match half >> 8 & 3 {
        0b00 if to_pc => Flow::jump(cond, Branch::Indirect(Indirect::Computed)),
        // MOV PC, Rm stays in T32.
        0b10 if to_pc => Flow::jump(cond, if known { here(pc & !1) } else { register }),
        // BX PC changes to A32.
        0b11 if half & 0x80 == 0 => Flow::jump(
            cond,
            if known { known_or(interworking(pc), Indirect::Register(PC)) } else { register },
        ),
        0b11 => Flow::call(register),
        _ => Flow::PLAIN,
    }
}

/// Branches with bit 15 set; what else has it set neither branches nor refers to the PC.
fn branch(word: u32, pc: u32, cond: Cond) -> Flow {
    let (s, j1, j2) = (field(word, 26, 1), field(word, 13, 1), field(word, 11, 1));
    if !bit(word, 12) && !bit(word, 14) {
        if field(word, 23, 3) == 0b111 {
            return Flow::PLAIN;
        }
        let offset = s << 20 | j2 << 19 | j1 << 18 | field(word, 16, 6) << 12 | field(word, 0, 11) << 1;
        return Flow::jump(cond, here(pc.wrapping_add_signed((offset << 11) as i32 >> 11)));
    }
    let (i1, i2) = (1 ^ j1 ^ s, 1 ^ j2 ^ s);
    let offset = s << 24 | i1 << 23 | i2 << 22 | field(word, 16, 10) << 12 | field(word, 0, 11) << 1;
    let offset = (offset << 7) as i32 >> 7;
    match (bit(word, 14), bit(word, 12)) {
        (false, _) => Flow::jump(cond, here(pc.wrapping_add_signed(offset))),
        (true, true) => Flow::call(here(pc.wrapping_add_signed(offset))),
        (true, false) => {
            let addr = (pc & !3).wrapping_add_signed(offset);
            Flow::call(Branch::Direct(Target { addr, set: InstructionSet::A32 }))
        }
    }
}

/// LDM with PC; table branches; LDRD and STRD (literal).
fn multiple_or_dual(word: u32, pc: u32, cond: Cond) -> Flow {
    let (load, pc_base) = (bit(word, 20), reg(word, 16) == PC);
    if !bit(word, 22) {
        let returns = load && bit(word, 15);
        return if returns { Flow::jump(cond, Branch::Indirect(Indirect::Load)) } else { Flow::PLAIN };
    }
    if word & 0xfff0_ffe0 == 0xe8d0_f000 {
        let entry = if bit(word, 4) { TableEntry::Halfwords } else { TableEntry::Bytes };
        let indirect = if pc_base { Indirect::Table { base: pc, entry } } else { Indirect::Load };
        return Flow::jump(cond, Branch::Indirect(indirect));
    }
    if bit(word, 24) && pc_base {
        return Flow::reference(offset(pc & !3, bit(word, 23), field(word, 0, 8) * 4), 8);
    }
    Flow::PLAIN
}

/// LDR to the PC; literals.
fn single(word: u32, aligned: u32, cond: Cond) -> Flow {
    let (size, load, rt) = (field(word, 21, 2), bit(word, 20), reg(word, 12));
    let pc_base = reg(word, 16) == PC;
    if !load || (rt == PC && size != 2) {
        return Flow::PLAIN;
    }
    let data =
        pc_base.then(|| Flow::reference(offset(aligned, bit(word, 23), field(word, 0, 12)), 1 << size));
    if rt == PC {
        return Flow {
            data: data.and_then(|flow| flow.data),
            ..Flow::jump(cond, Branch::Indirect(Indirect::Load))
        };
    }
    data.unwrap_or(Flow::PLAIN)
}
