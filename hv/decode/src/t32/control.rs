//! Branches and miscellaneous control (DDI 0406C A6.3.4).

use crate::Decoded;
use crate::a32::{cps_operands, msr};
use crate::bits::{PC, bit, field, reg};
use crate::class::{Class, Hint, MsrSource, Sensitive, Trapping};
use crate::cond::{Cond, ItState};
use crate::operand::{DpOp, Operand2};

/// Bits 31..=27 are 11110, bit 15 is set.
pub(super) fn decode(word: u32, it: ItState) -> Decoded {
    // Bit 12: B without a condition, or BL. Bit 14 without it: BLX, whose bit 0 has to be clear.
    if bit(word, 12) || bit(word, 14) {
        let undefined = !bit(word, 12) && bit(word, 0);
        let class = if undefined { Class::Undefined } else { Class::Innocuous };
        return Decoded { cond: it.cond(), class };
    }
    if field(word, 23, 3) != 0b111 {
        // B<cond>.
        let class = if it.in_block() { Class::Unpredictable } else { Class::Innocuous };
        return Decoded { cond: Cond::from_bits(field(word, 22, 4)), class };
    }
    Decoded { cond: it.cond(), class: system(word, it) }
}

/// Bits 15..=12 are 10x0. Bit 13 tells UDF from SMC, and should be zero for the others.
fn system(word: u32, it: ItState) -> Class {
    let middle_of_it = it.in_block() && !it.is_last();
    let exact = !bit(word, 13);
    match field(word, 20, 7) {
        0b011_1000 | 0b011_1001 if exact => msr_register(word),
        0b011_1010 if exact => hint_or_cps(word, it),
        0b011_1011 => barrier_or_thumbee(word),
        0b011_1100 if exact => bxj(word, middle_of_it),
        0b011_1101 if exact => subs_pc_lr(word, middle_of_it),
        0b011_1110 | 0b011_1111 if exact => mrs(word),
        0b011_1000..=0b011_1111 => Class::Unpredictable,
        0b111_1110 if exact && it.in_block() => Class::Unpredictable,
        0b111_1110 if exact => {
            Class::Trapping(Trapping::Hvc { imm: (field(word, 16, 4) << 12 | field(word, 0, 12)) as u16 })
        }
        0b111_1111 if exact && (field(word, 0, 12) != 0 || middle_of_it) => Class::Unpredictable,
        0b111_1111 if exact => Class::Trapping(Trapping::Smc { imm: reg(word, 16) }),
        0b111_1111 => {
            Class::Trapping(Trapping::Udf { imm: (field(word, 16, 4) << 12 | field(word, 0, 12)) as u16 })
        }
        _ => Class::Undefined,
    }
}

fn msr_register(word: u32) -> Class {
    let (rn, mask, spsr) = (reg(word, 16), reg(word, 8), bit(word, 20));
    // Bits 7..=6 and 3..=0 should be zero.
    if rn == 13 || rn == PC || word & 0b1100_1111 != 0 {
        return Class::Unpredictable;
    }
    match (bit(word, 5), bit(word, 4)) {
        (true, upper) => Class::Sensitive(Sensitive::MsrBanked { rn, spsr, sysm: (upper as u8) << 4 | mask }),
        (false, true) => Class::Unpredictable,
        (false, false) => msr(spsr, mask, MsrSource::Reg(rn)),
    }
}

fn mrs(word: u32) -> Class {
    let (high, rd) = (reg(word, 16), reg(word, 8));
    let spsr = bit(word, 20);
    if rd == 13 || rd == PC || word & 0b1100_1111 != 0 {
        return Class::Unpredictable;
    }
    match (bit(word, 5), bit(word, 4)) {
        (true, upper) => Class::Sensitive(Sensitive::MrsBanked { rd, spsr, sysm: (upper as u8) << 4 | high }),
        (false, true) => Class::Unpredictable,
        (false, false) if high != 0xf => Class::Unpredictable,
        (false, false) if spsr => Class::Sensitive(Sensitive::MrsSpsr { rd }),
        (false, false) => Class::Sensitive(Sensitive::MrsCpsr { rd }),
    }
}

/// Bits 19..=16 should be one, bit 11 zero.
fn hint_or_cps(word: u32, it: ItState) -> Class {
    let exact = reg(word, 16) == 0xf && !bit(word, 11);
    if field(word, 8, 3) == 0 {
        return match word & 0xff {
            1 if exact => Class::Hint(Hint::Yield),
            2 if exact => Class::Hint(Hint::Wfe),
            3 if exact => Class::Hint(Hint::Wfi),
            4 if exact => Class::Hint(Hint::Sev),
            // NOP, DBG, unallocated hints, which are NOPs.
            _ => Class::Innocuous,
        };
    }
    if !exact || it.in_block() {
        return Class::Unpredictable;
    }
    cps_operands(field(word, 9, 2), bit(word, 8), field(word, 5, 3), field(word, 0, 5))
}

fn barrier_or_thumbee(word: u32) -> Class {
    match field(word, 4, 4) {
        op @ (0 | 1) => {
            // Bits 19..=16 and 11..=8 should be one, bits 13 and 3..=0 as they are in the only defined form.
            if reg(word, 16) == 0xf && field(word, 8, 6) == 0b00_1111 && word & 0xf == 0xf {
                Class::Sensitive(Sensitive::ThumbEe { enter: op == 1 })
            } else {
                Class::Unpredictable
            }
        }
        // CLREX, DSB, DMB, ISB.
        2 | 4 | 5 | 6 => Class::Innocuous,
        _ => Class::Undefined,
    }
}

fn bxj(word: u32, middle_of_it: bool) -> Class {
    let rm = reg(word, 16);
    if rm == 13 || rm == PC || field(word, 0, 12) != 0xf00 || middle_of_it {
        return Class::Unpredictable;
    }
    Class::Sensitive(Sensitive::Bxj { rm })
}

/// SUBS PC, LR, #imm; ERET is the one with 0.
fn subs_pc_lr(word: u32, middle_of_it: bool) -> Class {
    if reg(word, 16) != 14 || field(word, 8, 4) != 0xf || middle_of_it {
        return Class::Unpredictable;
    }
    Class::Sensitive(Sensitive::DpPcS { op: DpOp::Sub, rn: 14, op2: Operand2::Imm(word & 0xff) })
}
