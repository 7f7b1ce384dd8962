//! Loads and stores: multiple, dual, exclusive, single (DDI 0406C A6.3.5 to A6.3.10).

use super::unless_pc;
use crate::bits::{PC, bit, field, reg};
use crate::class::{Class, Sensitive, Unprivileged};
use crate::cond::ItState;
use crate::operand::{Offset, Walk};

/// LDM, STM, RFE, SRS: bits 31..=25 are 1110100, bit 22 is clear.
pub(super) fn multiple(word: u32, it: ItState) -> Class {
    let (wback, load) = (bit(word, 21), bit(word, 20));
    let (rn, list) = (reg(word, 16), word & 0xffff);
    let walk = match field(word, 23, 2) {
        0b00 => Walk::new(true, false),
        0b11 => Walk::new(false, true),
        _ if rn == PC || list == 0 => return Class::Unpredictable,
        _ => return Class::Innocuous,
    };
    if load {
        if rn == PC || list != 0xc000 || (it.in_block() && !it.is_last()) {
            return Class::Unpredictable;
        }
        return Class::Sensitive(Sensitive::Rfe { rn, walk, wback });
    }
    if rn != 13 || list & !0x1f != 0xc000 {
        return Class::Unpredictable;
    }
    Class::Sensitive(Sensitive::Srs { mode: field(word, 0, 5) as u8, walk, wback })
}

/// Bits 31..=25 are 1110100, bit 22 is set.
pub(super) fn dual_or_exclusive(word: u32) -> Class {
    let (index_bit, wback, load) = (bit(word, 24), bit(word, 21), bit(word, 20));
    let (rn, rt, rt2) = (reg(word, 16), reg(word, 12), reg(word, 8));
    if index_bit || wback {
        // LDRD, STRD.
        let writes_pc = (wback && rn == PC) || (load && (rt == PC || rt2 == PC));
        return if writes_pc { Class::Unpredictable } else { Class::Innocuous };
    }
    if !bit(word, 23) {
        // STREX, LDREX.
        return unless_pc(if load { rt } else { rt2 });
    }
    match (field(word, 4, 4), load) {
        // TBB, TBH: bits 15..=8 should be 11110000.
        (0 | 1, true) if field(word, 8, 8) != 0xf0 => Class::Unpredictable,
        (0 | 1, true) => Class::Innocuous,
        // LDREXB, LDREXH, LDREXD; STREXB, STREXH, STREXD.
        (4 | 5, true) => unless_pc(rt),
        (7, true) if rt == PC || rt2 == PC => Class::Unpredictable,
        (7, true) => Class::Innocuous,
        (4 | 5 | 7, false) => unless_pc(reg(word, 0)),
        _ => Class::Undefined,
    }
}

/// Loads and stores of one register, memory hints, and Advanced SIMD structures: bits 31..=25 are 1111100.
pub(super) fn single(word: u32) -> Class {
    let (signed, size, load) = (bit(word, 24), field(word, 21, 2), bit(word, 20));
    let (rn, rt) = (reg(word, 16), reg(word, 12));
    if signed && !load {
        // Advanced SIMD.
        return if rn == PC { Class::Unpredictable } else { Class::Fp };
    }
    if size == 3 || (size == 2 && signed) {
        return Class::Undefined;
    }
    let word_load = load && size == 2;
    if rn == PC {
        // Literals, and hints with R15; to store there is UNDEFINED.
        return if load { Class::Innocuous } else { Class::Undefined };
    }
    if bit(word, 23) {
        // A 12-bit offset. R15 is a branch with LDR, a hint with others, and stored otherwise.
        return Class::Innocuous;
    }
    match field(word, 6, 6) {
        // A register offset.
        0 => Class::Innocuous,
        // An 8-bit offset, with writeback where bit 8 is set.
        form if form & 0b10_0000 != 0 => match field(word, 8, 3) {
            0b110 => unprivileged(word, signed, size, load),
            0b100 => Class::Innocuous,
            0b000 | 0b010 => Class::Undefined,
            _ if load && !word_load && rt == PC => Class::Unpredictable,
            _ => Class::Innocuous,
        },
        _ => Class::Undefined,
    }
}

fn unprivileged(word: u32, signed: bool, size: u32, load: bool) -> Class {
    let rt = reg(word, 12);
    if rt == 13 || rt == PC {
        return Class::Unpredictable;
    }
    Class::Sensitive(Sensitive::Unprivileged(Unprivileged {
        load,
        size_bytes: 1 << size,
        signed,
        rt,
        rn: reg(word, 16),
        offset: Offset::Imm((word & 0xff) as u16),
        add: true,
        postindex: false,
    }))
}
