//! T32 instructions of two halfwords (DDI 0406C A6.3).
//!
//! Both halfwords together are `word`, the first in bits 31..=16.

mod control;
mod memory;

use crate::Decoded;
use crate::bits::{PC, bit, field, reg};
use crate::class::Class;
use crate::cond::ItState;
use crate::coproc;
use crate::t16::t16;

/// Whether a T32 instruction that begins with halfword `first` has a second one (A6.1).
pub const fn t32_is_wide(first: u16) -> bool {
    first >> 11 >= 0b11101
}

/// Classifies a T32 instruction.
///
/// `second` is ignored if [`t32_is_wide`] says that there is none. `it` is the IT state at the instruction; a scanner that
/// does not know it passes [`ItState::NONE`], whereupon the condition means nothing and forms that are UNPREDICTABLE only
/// within an IT block are taken as defined.
pub fn t32(first: u16, second: u16, it: ItState) -> Decoded {
    if !t32_is_wide(first) {
        return t16(first, it);
    }
    let word = (first as u32) << 16 | second as u32;
    let class = match (field(word, 27, 2), field(word, 25, 2)) {
        (0b01, 0b00) if !bit(word, 22) => memory::multiple(word, it),
        (0b01, 0b00) => memory::dual_or_exclusive(word),
        (0b01, 0b01) => shifted_register(word),
        (0b10, _) if bit(word, 15) => return control::decode(word, it),
        (0b10, _) => immediate(word),
        (0b11, 0b00) => memory::single(word),
        (0b11, 0b01) => register_or_multiply(word),
        // Advanced SIMD data processing.
        (_, _) if field(word, 24, 2) == 0b11 => Class::Fp,
        (_, _) if bit(word, 28) => Class::Undefined,
        (_, _) => coproc::class(word),
    };
    Decoded { cond: it.cond(), class }
}

/// Innocuous, unless the instruction would write the PC where it may not.
fn unless_pc(destination: u8) -> Class {
    if destination == PC { Class::Unpredictable } else { Class::Innocuous }
}

/// The data-processing operation `op` with destination `rd`: shifted register (A6.3.11), modified immediate (A6.3.1).
///
/// No form of them is an exception return in T32; those that an A32 decoder would take for one are UNPREDICTABLE.
fn operation(op: u32, rd: u8, set_flags: bool) -> Class {
    match op {
        // AND, EOR, ADD, SUB: with R15 and S they are TST, TEQ, CMN, CMP.
        0 | 4 | 8 | 13 if rd == PC && set_flags => Class::Innocuous,
        0..=4 | 8 | 10 | 11 | 13 | 14 => unless_pc(rd),
        _ => Class::Undefined,
    }
}

fn shifted_register(word: u32) -> Class {
    let (op, set_flags, rd) = (field(word, 21, 4), bit(word, 20), reg(word, 8));
    match op {
        // PKHBT, PKHTB.
        6 if set_flags || bit(word, 4) => Class::Undefined,
        6 => unless_pc(rd),
        _ => operation(op, rd, set_flags),
    }
}

/// Modified and plain immediates (A6.3.1, A6.3.3).
fn immediate(word: u32) -> Class {
    let rd = reg(word, 8);
    if !bit(word, 25) {
        return operation(field(word, 21, 4), rd, bit(word, 20));
    }
    match field(word, 20, 5) {
        // ADDW, MOVW, SUBW, MOVT; saturation and bit fields.
        0b00000 | 0b00100 | 0b01010 | 0b01100 => unless_pc(rd),
        0b10000 | 0b10010 | 0b10100 | 0b10110 | 0b11000 | 0b11010 | 0b11100 => unless_pc(rd),
        _ => Class::Undefined,
    }
}

/// Data processing by register, multiplication, division (A6.3.12 to A6.3.17).
fn register_or_multiply(word: u32) -> Class {
    let (low, high) = (reg(word, 12), reg(word, 8));
    if !bit(word, 24) {
        // Bits 15..=12 of the manual's tables are one; else UNDEFINED.
        return if low == 0xf { unless_pc(high) } else { Class::Undefined };
    }
    if !bit(word, 23) {
        // R15 as the accumulator means "none".
        return if field(word, 6, 2) == 0 { unless_pc(high) } else { Class::Undefined };
    }
    match field(word, 20, 3) {
        0b111 => Class::Undefined,
        // SDIV, UDIV.
        0b001 | 0b011 => unless_pc(high),
        _ if low == PC => Class::Unpredictable,
        _ => unless_pc(high),
    }
}
