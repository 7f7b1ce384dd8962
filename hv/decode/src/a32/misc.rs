//! The miscellaneous instructions of A32: A5.2.11 and A5.2.12.

use super::{imm16, unless_pc};
use crate::bits::{PC, field, reg};
use crate::class::{Class, Hint, MsrSource, Sensitive, Trapping};
use crate::cond::Cond;
use crate::operand::a32_imm;

/// Bits 27..=23 are 00010, bits 20 and 7 are clear.
pub(super) fn class(word: u32, cond: Cond) -> Class {
    let op = field(word, 21, 2);
    match (field(word, 4, 3), op) {
        (0b000, _) => status_register(word),
        // BX, BXJ, BLX: bits 19..=8 should be one.
        (0b001, 0b01) | (0b010, 0b01) | (0b011, 0b01) => {
            let (kind, rm) = (field(word, 4, 3), reg(word, 0));
            match kind {
                _ if field(word, 8, 12) != 0xfff => Class::Unpredictable,
                // BX PC is defined.
                0b001 => Class::Innocuous,
                _ if rm == PC => Class::Unpredictable,
                0b010 => Class::Sensitive(Sensitive::Bxj { rm }),
                _ => Class::Innocuous,
            }
        }
        // CLZ; saturating addition and subtraction.
        (0b001, 0b11) | (0b101, _) => unless_pc(reg(word, 12)),
        (0b110, 0b11) if field(word, 8, 12) == 0 && reg(word, 0) == 14 => Class::Sensitive(Sensitive::Eret),
        (0b110, 0b11) => Class::Unpredictable,
        // BKPT, HVC and SMC.
        (0b111, 0b01 | 0b10) if !cond.is_always() => Class::Unpredictable,
        (0b111, 0b01) => Class::Bkpt { imm: imm16(word) },
        (0b111, 0b10) => Class::Trapping(Trapping::Hvc { imm: imm16(word) }),
        (0b111, 0b11) if field(word, 8, 12) == 0 => Class::Trapping(Trapping::Smc { imm: reg(word, 0) }),
        (0b111, 0b11) => Class::Unpredictable,
        _ => Class::Undefined,
    }
}

/// MRS and MSR (register), and their forms for banked registers.
fn status_register(word: u32) -> Class {
    let spsr = word >> 22 & 1 == 1;
    let write = word >> 21 & 1 == 1;
    let banked = word >> 9 & 1 == 1;
    let (high, rd, rn) = (reg(word, 16), reg(word, 12), reg(word, 0));
    let sysm = (field(word, 8, 1) << 4) as u8 | high;
    // Bits 11..=10 should be zero, and bit 8 where it is not part of a banked register's number.
    if field(word, 10, 2) != 0 || (!banked && field(word, 8, 1) != 0) {
        return Class::Unpredictable;
    }
    match (write, banked) {
        (false, _) if rd == PC || rn != 0 => Class::Unpredictable,
        (false, true) => Class::Sensitive(Sensitive::MrsBanked { rd, spsr, sysm }),
        (false, false) if high != 0xf => Class::Unpredictable,
        (false, false) if spsr => Class::Sensitive(Sensitive::MrsSpsr { rd }),
        (false, false) => Class::Sensitive(Sensitive::MrsCpsr { rd }),
        (true, _) if rd != 0xf || rn == PC => Class::Unpredictable,
        (true, true) => Class::Sensitive(Sensitive::MsrBanked { rn, spsr, sysm }),
        (true, false) => msr(spsr, high, MsrSource::Reg(rn)),
    }
}

/// MSR with its fields `mask`.
pub(crate) fn msr(spsr: bool, mask: u8, source: MsrSource) -> Class {
    match (spsr, mask) {
        (_, 0) => Class::Unpredictable,
        // Flags and GE bits can be written at PL0 as well, and there is nothing else in these fields that MSR writes.
        (false, mask) if mask & 0b0011 == 0 => Class::Innocuous,
        _ => Class::Sensitive(Sensitive::Msr { spsr, mask, source }),
    }
}

/// MSR (immediate) and hints.
pub(super) fn msr_imm_or_hint(word: u32) -> Class {
    let (spsr, mask) = (word >> 22 & 1 == 1, reg(word, 16));
    if !spsr && mask == 0 {
        return match word & 0xffff {
            0xf001 => Class::Hint(Hint::Yield),
            0xf002 => Class::Hint(Hint::Wfe),
            0xf003 => Class::Hint(Hint::Wfi),
            0xf004 => Class::Hint(Hint::Sev),
            // NOP, DBG; the rest are unallocated hints, which are NOPs.
            _ => Class::Innocuous,
        };
    }
    if reg(word, 12) != 0xf {
        return Class::Unpredictable;
    }
    msr(spsr, mask, MsrSource::Imm(a32_imm(word)))
}
