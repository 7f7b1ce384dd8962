//! T32 instructions of one halfword (DDI 0406C A6.2).

use crate::Decoded;
use crate::class::{Class, Hint, Imod, Sensitive, Trapping};
use crate::cond::{Cond, ItState, is_it};

/// Classifies a halfword that is a whole instruction.
pub(crate) fn t16(half: u16, it: ItState) -> Decoded {
    let cond = match half >> 8 {
        // B<cond>: AL is UDF, and 0b1111 is SVC.
        high @ 0xd0..=0xdd if !it.in_block() => Cond::from_bits(high as u32),
        // BKPT ignores the IT block.
        0xbe => Cond::AL,
        _ => it.cond(),
    };
    Decoded { cond, class: class(half, it) }
}

fn class(half: u16, it: ItState) -> Class {
    match half >> 12 {
        0b0100 if half >> 10 == 0b01_0001 => high_registers(half),
        0b1011 => miscellaneous(half, it),
        // LDM and STM with an empty list.
        0b1100 if half & 0xff == 0 => Class::Unpredictable,
        0b1101 => match half >> 8 & 0xf {
            0xe => Class::Trapping(Trapping::Udf { imm: half & 0xff }),
            0xf => Class::Svc { imm: (half & 0xff) as u32 },
            // A branch with a condition of its own.
            _ if it.in_block() => Class::Unpredictable,
            _ => Class::Innocuous,
        },
        _ => Class::Innocuous,
    }
}

/// ADD, CMP, MOV, BX, BLX with R8 to R15 (A6.2.3).
fn high_registers(half: u16) -> Class {
    let rm = half >> 3 & 0xf;
    let rd = (half >> 4 & 8) | (half & 7);
    match half >> 8 & 3 {
        // ADD PC, PC.
        0b00 if rd == 15 && rm == 15 => Class::Unpredictable,
        // BX, BLX: bits 2..=0 should be zero. BX PC is defined, BLX PC is not.
        0b11 if half & 7 != 0 || (half & 0x80 != 0 && rm == 15) => Class::Unpredictable,
        _ => Class::Innocuous,
    }
}

/// A6.2.5.
fn miscellaneous(half: u16, it: ItState) -> Class {
    match half >> 8 & 0xf {
        // ADD and SUB of SP; SXTH to UXTB.
        0x0 | 0x2 => Class::Innocuous,
        // CBZ and CBNZ have a condition of their own.
        0x1 | 0x3 | 0x9 | 0xb if it.in_block() => Class::Unpredictable,
        0x1 | 0x3 | 0x9 | 0xb => Class::Innocuous,
        // PUSH and POP: nine registers.
        0x4 | 0x5 | 0xc | 0xd if half & 0x1ff == 0 => Class::Unpredictable,
        0x4 | 0x5 | 0xc | 0xd => Class::Innocuous,
        0x6 => match half >> 5 & 7 {
            // SETEND, see the A32 form.
            0b010 => Class::Innocuous,
            0b011 => cps(half, it),
            _ => Class::Undefined,
        },
        // REV, REV16, REVSH.
        0xa if half >> 6 & 3 == 0b10 => Class::Undefined,
        0xa => Class::Innocuous,
        0xe => Class::Bkpt { imm: half & 0xff },
        0xf if is_it(half) => it_instruction(half, it),
        0xf => match half >> 4 & 0xf {
            1 => Class::Hint(Hint::Yield),
            2 => Class::Hint(Hint::Wfe),
            3 => Class::Hint(Hint::Wfi),
            4 => Class::Hint(Hint::Sev),
            _ => Class::Innocuous,
        },
        _ => Class::Undefined,
    }
}

fn cps(half: u16, it: ItState) -> Class {
    let masks = half & 7;
    // Bit 3 should be zero.
    if masks == 0 || half & 8 != 0 || it.in_block() {
        return Class::Unpredictable;
    }
    Class::Sensitive(Sensitive::Cps {
        imod: if half & 0x10 != 0 { Imod::Disable } else { Imod::Enable },
        a: masks & 4 != 0,
        i: masks & 2 != 0,
        f: masks & 1 != 0,
        mode: None,
    })
}

fn it_instruction(half: u16, it: ItState) -> Class {
    let (cond, mask) = (half >> 4 & 0xf, half & 0xf);
    // "Always" has no opposite, so its block may not have an "else".
    if it.in_block() || cond == 15 || (cond == 14 && mask.count_ones() != 1) {
        return Class::Unpredictable;
    }
    Class::Innocuous
}
