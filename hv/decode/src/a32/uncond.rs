//! A32 instructions without a condition, whose bits 31..=28 are one (DDI 0406C A5.7).

use crate::bits::{PC, bit, field, reg};
use crate::class::{Class, Imod, Sensitive};
use crate::operand::Walk;

/// Classifies a word with bits 31..=28 set.
pub(super) fn class(word: u32) -> Class {
    match field(word, 25, 3) {
        0b000..=0b011 => hints_and_simd(word),
        0b100 => match (bit(word, 22), bit(word, 20)) {
            (true, false) => srs(word),
            (false, true) => rfe(word),
            _ => Class::Undefined,
        },
        // BLX (immediate).
        0b101 => Class::Innocuous,
        // LDC2, STC2, MCRR2, MRRC2, CDP2, MCR2, MRC2: ARMv7-A has no coprocessor that knows them. Bits 27..=24 all one is
        // UNDEFINED as well.
        _ => Class::Undefined,
    }
}

/// A5.7.1: memory hints, Advanced SIMD, and miscellaneous instructions. Bit 27 is clear.
fn hints_and_simd(word: u32) -> Class {
    let op1 = field(word, 20, 7);
    let op2 = field(word, 4, 4);
    let rn = reg(word, 16);
    match op1 {
        0b001_0000 if op2 & 0b0010 == 0 && !bit(word, 16) => cps(word),
        // SETEND changes only the E bit, which belongs to every privilege.
        0b001_0000 if op2 == 0 && bit(word, 16) => Class::Innocuous,
        0b001_0010 if op2 == 0b0111 => Class::Unpredictable,
        0b010_0000..=0b011_1111 => Class::Fp,
        // Advanced SIMD element and structure loads and stores.
        _ if op1 & 0b111_0001 == 0b100_0000 => {
            if rn == PC {
                Class::Unpredictable
            } else {
                Class::Fp
            }
        }
        _ => match (op1 & 0b111_0111, bit(word, 4)) {
            // Unallocated memory hints; PLI.
            (0b100_0001 | 0b100_0101, _) | (0b110_0001 | 0b110_0101, false) => Class::Innocuous,
            // PLDW and PLD.
            (0b101_0001, _) if rn == PC => Class::Unpredictable,
            (0b101_0001 | 0b101_0101, _) | (0b111_0001 | 0b111_0101, false) => Class::Innocuous,
            (0b101_0111, _) if op1 == 0b101_0111 => barrier(op2),
            (0b100_0011 | 0b100_0111 | 0b101_0011 | 0b101_0111, _) => Class::Unpredictable,
            (0b110_0011 | 0b110_0111 | 0b111_0011 | 0b111_0111, false) => Class::Unpredictable,
            _ => Class::Undefined,
        },
    }
}

fn barrier(op2: u32) -> Class {
    match op2 {
        // CLREX, DSB, DMB, ISB.
        0b0001 | 0b0100 | 0b0101 | 0b0110 => Class::Innocuous,
        _ => Class::Unpredictable,
    }
}

fn cps(word: u32) -> Class {
    // Bits 15..=9 should be zero.
    if field(word, 9, 7) != 0 {
        return Class::Unpredictable;
    }
    cps_operands(field(word, 18, 2), bit(word, 17), field(word, 6, 3), field(word, 0, 5))
}

/// CPS from its fields `imod`, `M`, `A:I:F` and `mode`, which the wide T32 form has as well (B9.3.2).
pub(crate) fn cps_operands(imod: u32, change_mode: bool, masks: u32, mode: u32) -> Class {
    let imod = match imod {
        0b00 => Imod::Keep,
        0b10 => Imod::Enable,
        0b11 => Imod::Disable,
        _ => return Class::Unpredictable,
    };
    let keep = imod == Imod::Keep;
    if keep != (masks == 0) || (!change_mode && (mode != 0 || keep)) {
        return Class::Unpredictable;
    }
    Class::Sensitive(Sensitive::Cps {
        imod,
        a: masks & 4 != 0,
        i: masks & 2 != 0,
        f: masks & 1 != 0,
        mode: change_mode.then_some(mode as u8),
    })
}

fn srs(word: u32) -> Class {
    if word & 0x000f_ffe0 != 0x000d_0500 {
        return Class::Unpredictable;
    }
    let walk = Walk::new(bit(word, 24), bit(word, 23));
    Class::Sensitive(Sensitive::Srs { mode: field(word, 0, 5) as u8, walk, wback: bit(word, 21) })
}

fn rfe(word: u32) -> Class {
    let rn = reg(word, 16);
    if rn == PC || word & 0xffff != 0x0a00 {
        return Class::Unpredictable;
    }
    Class::Sensitive(Sensitive::Rfe {
        rn,
        walk: Walk::new(bit(word, 24), bit(word, 23)),
        wback: bit(word, 21),
    })
}
