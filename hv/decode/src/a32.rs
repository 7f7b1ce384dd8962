//! A32 instructions with a condition (DDI 0406C A5.1 to A5.6).

mod misc;
mod uncond;

use crate::Decoded;
use crate::bits::{PC, bit, field, reg};
use crate::class::{Class, Sensitive, Trapping, Unprivileged};
use crate::cond::Cond;
use crate::coproc;
use crate::operand::{DpOp, Offset, Operand2, ShiftedReg, Walk, a32_imm};

pub(crate) use misc::msr;
pub(crate) use uncond::cps_operands;

/// Classifies an A32 instruction word.
pub fn a32(word: u32) -> Decoded {
    if word >> 28 == 0xf {
        return Decoded { cond: Cond::AL, class: uncond::class(word) };
    }
    let cond = Cond::from_bits(word >> 28);
    let class = match field(word, 25, 3) {
        0b000 | 0b001 => data_processing(word, cond),
        0b010 => word_or_byte(word),
        0b011 if !bit(word, 4) => word_or_byte(word),
        0b011 => media(word, cond),
        0b100 => block(word),
        // B, BL.
        0b101 => Class::Innocuous,
        _ if field(word, 24, 2) == 0b11 => Class::Svc { imm: word & 0x00ff_ffff },
        _ => coproc::class(word),
    };
    Decoded { cond, class }
}

/// Innocuous, unless the instruction would write the PC where it may not.
fn unless_pc(destination: u8) -> Class {
    if destination == PC { Class::Unpredictable } else { Class::Innocuous }
}

/// A5.2: data processing and everything that shares its space.
fn data_processing(word: u32, cond: Cond) -> Class {
    let immediate = bit(word, 25);
    // The comparisons without S are a space of their own.
    let miscellaneous = field(word, 23, 2) == 0b10 && !bit(word, 20);
    let rd = reg(word, 12);
    if immediate {
        return match field(word, 20, 5) {
            // MOVW, MOVT.
            0b10000 | 0b10100 => unless_pc(rd),
            0b10010 | 0b10110 => misc::msr_imm_or_hint(word),
            _ => arithmetic(word, Some(Operand2::Imm(a32_imm(word)))),
        };
    }
    match (miscellaneous, bit(word, 7), bit(word, 4)) {
        (_, true, true) => multiply_or_extra(word),
        (true, false, _) => misc::class(word, cond),
        // Halfword multiplies: the destination is where others have Rn, and SMLAL<x><y> has a second one.
        (true, true, false) => {
            let long = field(word, 21, 2) == 0b10;
            if long && rd == PC { Class::Unpredictable } else { unless_pc(reg(word, 16)) }
        }
        (false, _, true) => arithmetic(word, None),
        (false, _, false) => {
            let shifted = ShiftedReg::new(reg(word, 0), field(word, 5, 2), field(word, 7, 5));
            arithmetic(word, Some(Operand2::Reg(shifted)))
        }
    }
}

/// A data-processing instruction proper; `op2` is `None` for a register shifted by a register, where R15 may not appear.
fn arithmetic(word: u32, op2: Option<Operand2>) -> Class {
    let (rn, rd) = (reg(word, 16), reg(word, 12));
    if rd != PC {
        return Class::Innocuous;
    }
    let Some(op) = DpOp::from_bits(field(word, 21, 4)) else {
        // A comparison with R15 in its unused field: once TSTP and TEQP, which wrote the CPSR.
        return Class::Unpredictable;
    };
    let unary = matches!(op, DpOp::Mov | DpOp::Mvn);
    match op2 {
        None => Class::Unpredictable,
        Some(_) if unary && rn != 0 => Class::Unpredictable,
        Some(op2) if bit(word, 20) => Class::Sensitive(Sensitive::DpPcS { op, rn, op2 }),
        Some(_) => Class::Innocuous,
    }
}

/// Bits 7 and 4 set: multiplies, synchronization, extra loads and stores (A5.2.5, A5.2.8 to A5.2.10).
fn multiply_or_extra(word: u32) -> Class {
    let (rn, rd) = (reg(word, 16), reg(word, 12));
    match (field(word, 5, 2), bit(word, 24)) {
        (0, false) => match field(word, 21, 3) {
            0b000 | 0b001 => unless_pc(rn),
            // UMAAL and MLS have no form that sets flags.
            0b010 | 0b011 if bit(word, 20) => Class::Undefined,
            0b011 => unless_pc(rn),
            _ if rd == PC => Class::Unpredictable,
            _ => unless_pc(rn),
        },
        (0, true) => match field(word, 20, 4) {
            // SWP, SWPB, exclusive loads and stores. Each writes the register in bits 15..=12.
            0b0000 | 0b0100 | 0b1000..=0b1111 => unless_pc(rd),
            _ => Class::Undefined,
        },
        (op, _) => extra(word, op),
    }
}

/// Halfword, signed byte and doubleword transfers; `op` is bits 6..=5 and not 0.
fn extra(word: u32, op: u32) -> Class {
    let (preindex, add, immediate, write_bit) = (bit(word, 24), bit(word, 23), bit(word, 22), bit(word, 21));
    let (rn, rt) = (reg(word, 16), reg(word, 12));
    let doubleword = op != 1 && !bit(word, 20);
    let load = bit(word, 20) || op == 2;
    if !preindex && write_bit {
        if doubleword {
            return Class::Unpredictable;
        }
        let rm = reg(word, 0);
        let offset = if immediate {
            Offset::Imm((field(word, 8, 4) << 4 | field(word, 0, 4)) as u16)
        } else {
            // Bits 11..=8 should be zero.
            if rm == PC || field(word, 8, 4) != 0 {
                return Class::Unpredictable;
            }
            Offset::Reg(ShiftedReg::new(rm, 0, 0))
        };
        if rt == PC || rn == PC || rn == rt {
            return Class::Unpredictable;
        }
        let (size_bytes, signed) = (if op == 2 { 1 } else { 2 }, op != 1);
        return Class::Sensitive(Sensitive::Unprivileged(Unprivileged {
            load,
            size_bytes,
            signed,
            rt,
            rn,
            offset,
            add,
            postindex: true,
        }));
    }
    let wback = !preindex || write_bit;
    // LDRD loads Rt and the one after it; both have to be below R15.
    if (wback && rn == PC) || (load && (rt == PC || (doubleword && rt == 14))) {
        return Class::Unpredictable;
    }
    Class::Innocuous
}

/// LDR, STR, LDRB, STRB and their unprivileged forms (A5.3).
fn word_or_byte(word: u32) -> Class {
    let (register, preindex, add, byte) = (bit(word, 25), bit(word, 24), bit(word, 23), bit(word, 22));
    let (write_bit, load) = (bit(word, 21), bit(word, 20));
    let (rn, rt, rm) = (reg(word, 16), reg(word, 12), reg(word, 0));
    if !preindex && write_bit {
        let pc_allowed = !load && !byte;
        if (rt == PC && !pc_allowed) || rn == PC || rn == rt || (register && rm == PC) {
            return Class::Unpredictable;
        }
        let offset = if register {
            Offset::Reg(ShiftedReg::new(rm, field(word, 5, 2), field(word, 7, 5)))
        } else {
            Offset::Imm(field(word, 0, 12) as u16)
        };
        return Class::Sensitive(Sensitive::Unprivileged(Unprivileged {
            load,
            size_bytes: if byte { 1 } else { 4 },
            signed: false,
            rt,
            rn,
            offset,
            add,
            postindex: true,
        }));
    }
    let wback = !preindex || write_bit;
    if (wback && rn == PC) || (load && byte && rt == PC) {
        return Class::Unpredictable;
    }
    Class::Innocuous
}

/// A5.4. Encodings that the manual does not list are UNDEFINED; a few are taken for their neighbours here, which are
/// innocuous, since both go to the CPU as they are.
fn media(word: u32, cond: Cond) -> Class {
    let (op1, op2) = (field(word, 20, 5), field(word, 5, 3));
    let (high, low) = (reg(word, 16), reg(word, 12));
    match op1 {
        0b00000 | 0b00100 => Class::Undefined,
        0b00001..=0b00111 if op2 == 0b101 || op2 == 0b110 => Class::Undefined,
        0b00001..=0b01111 => unless_pc(low),
        // SMLALD, SMLSLD.
        0b10100 if low == PC || high == PC => Class::Unpredictable,
        // Signed multiplies; SDIV and UDIV; USAD8. Their R15 in bits 15..=12 means "no accumulator".
        0b10000 | 0b10001 | 0b10011 | 0b10100 | 0b10101 | 0b11000 => unless_pc(high),
        // SBFX, BFC and BFI, UBFX.
        0b11010 | 0b11011 | 0b11110 if op2 & 0b011 == 0b010 => unless_pc(low),
        0b11111 if op2 & 0b011 == 0b010 => unless_pc(low),
        0b11100 | 0b11101 if op2 & 0b011 == 0 => unless_pc(low),
        0b11111 if op2 == 0b111 && cond.is_always() => Class::Trapping(Trapping::Udf { imm: imm16(word) }),
        _ => Class::Undefined,
    }
}

/// The constant in bits 19..=8 and 3..=0 of UDF, BKPT and HVC.
fn imm16(word: u32) -> u16 {
    (field(word, 8, 12) << 4 | field(word, 0, 4)) as u16
}

/// LDM and STM (A5.5).
fn block(word: u32) -> Class {
    let walk = Walk::new(bit(word, 24), bit(word, 23));
    let (user, wback, load) = (bit(word, 22), bit(word, 21), bit(word, 20));
    let (rn, list) = (reg(word, 16), word as u16);
    if rn == PC || list == 0 {
        return Class::Unpredictable;
    }
    if !user {
        return Class::Innocuous;
    }
    match (load, list >> 15 == 1, wback) {
        (true, true, _) => Class::Sensitive(Sensitive::LdmReturn { rn, list, walk, wback }),
        (_, _, true) => Class::Unpredictable,
        (true, false, _) => Class::Sensitive(Sensitive::LdmUser { rn, list, walk }),
        (false, _, _) => Class::Sensitive(Sensitive::StmUser { rn, list, walk }),
    }
}
