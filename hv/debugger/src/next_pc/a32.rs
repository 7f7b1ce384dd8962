//! A32: A5 of the manual for the encodings.

use super::{Next, holds, interworking, load, offset_by, sign_extend};

/// Bits that a data-processing or load/store instruction shares.
#[derive(Clone, Copy)]
struct Word(u32);

impl Word {
    fn bit(self, n: u32) -> bool {
        self.0 >> n & 1 != 0
    }

    /// Four bits from `low` up: a register number, as an index.
    fn nibble(self, low: u32) -> usize {
        (self.0 >> low & 0xf) as usize
    }

    fn matches(self, mask: u32, value: u32) -> bool {
        self.0 & mask == value
    }
}

pub(super) fn next(r: &[u32; 16], cpsr: u32, read: &mut dyn FnMut(u32, u32) -> Option<u32>) -> Option<Next> {
    let pc = r[15];
    if pc & 3 != 0 {
        return None;
    }
    let word = Word(read(pc, 4)?);
    let behind = Next { address: pc.wrapping_add(4), thumb: false, uses_status: uses_status(word) };
    // A register as an operand: the program counter reads as the instruction's address plus 8.
    let mut seen = *r;
    seen[15] = pc.wrapping_add(8);

    if word.0 >> 28 == 0xf {
        // BLX (immediate): bit 24 is bit 1 of the offset.
        if word.matches(0x0e00_0000, 0x0a00_0000) {
            let offset = sign_extend(word.0, 24) << 2 | u32::from(word.bit(24)) << 1;
            return Some(Next { address: seen[15].wrapping_add(offset), thumb: true, uses_status: false });
        }
        let is_rfe = word.matches(0x0e50_0000, 0x0810_0000);
        return if is_rfe { None } else { Some(behind) };
    }
    if !holds(word.0 >> 28, cpsr) {
        return Some(behind);
    }
    match word.0 >> 25 & 7 {
        0 | 1 => data_processing(word, &seen, cpsr, behind),
        2 | 3 => load_word(word, &seen, cpsr, behind, read),
        4 if word.bit(20) && word.bit(15) => load_multiple(word, &seen, read),
        5 => Some(Next { address: seen[15].wrapping_add(sign_extend(word.0, 24) << 2), ..behind }),
        _ => Some(behind),
    }
}

/// MRS, MSR, hints (in the MSR immediate space) and CPS.
fn uses_status(word: Word) -> bool {
    if word.0 >> 28 == 0xf {
        return word.matches(0x0ff1_0020, 0x0100_0000);
    }
    word.matches(0x0f90_00f0, 0x0100_0000) || word.matches(0x0fb0_0000, 0x0320_0000)
}

/// Data processing and the miscellaneous instructions that share its space (A5.2).
fn data_processing(word: Word, r: &[u32; 16], cpsr: u32, behind: Next) -> Option<Next> {
    let immediate = word.bit(25);
    // BX, BXJ (which is BX without Jazelle) and BLX.
    if word.matches(0x0ff0_00f0, 0x0120_0010)
        || word.matches(0x0ff0_00f0, 0x0120_0020)
        || word.matches(0x0ff0_00f0, 0x0120_0030)
    {
        return interworking(r[word.nibble(0)]);
    }
    // Multiplies, synchronization and extra loads: none may write the program counter.
    if !immediate && word.bit(7) && word.bit(4) {
        return Some(behind);
    }
    let opcode = word.nibble(21);
    let sets_flags = word.bit(20);
    // Compares have no destination; without S their space holds MRS, MSR, MOVW, MOVT and the like.
    if opcode & 0b1100 == 0b1000 || word.nibble(12) != 15 {
        return Some(behind);
    }
    if sets_flags {
        // An exception return: the SPSR says what state comes next.
        return None;
    }
    let carry = cpsr >> 29 & 1;
    let operand = if immediate {
        (word.0 & 0xff).rotate_right(word.0 >> 7 & 0x1e)
    } else if word.bit(4) {
        // Unpredictable with the program counter anywhere (A8.8).
        if [0, 8, 16].iter().any(|&at| word.nibble(at) == 15) {
            return None;
        }
        shift_by_register(r[word.nibble(0)], word.0 >> 5 & 3, r[word.nibble(8)] & 0xff)
    } else {
        shift(r[word.nibble(0)], word.0 >> 5 & 3, word.0 >> 7 & 0x1f, carry)
    };
    let first = r[word.nibble(16)];
    let result = match opcode {
        0 => first & operand,
        1 => first ^ operand,
        2 => first.wrapping_sub(operand),
        3 => operand.wrapping_sub(first),
        4 => first.wrapping_add(operand),
        5 => first.wrapping_add(operand).wrapping_add(carry),
        6 => first.wrapping_sub(operand).wrapping_sub(1 - carry),
        7 => operand.wrapping_sub(first).wrapping_sub(1 - carry),
        12 => first | operand,
        13 => operand,
        14 => first & !operand,
        _ => !operand,
    };
    // ALUWritePC is an interworking branch in A32 (A2.3.1).
    interworking(result)
}

/// LDR into the program counter (A5.3). Bytes, stores and media instructions go on behind.
fn load_word(
    word: Word,
    r: &[u32; 16],
    cpsr: u32,
    behind: Next,
    read: &mut dyn FnMut(u32, u32) -> Option<u32>,
) -> Option<Next> {
    let by_register = word.bit(25);
    let media = by_register && word.bit(4);
    let (pre_indexed, up, byte, write_back, is_load) =
        (word.bit(24), word.bit(23), word.bit(22), word.bit(21), word.bit(20));
    if media || byte || !is_load || word.nibble(12) != 15 {
        return Some(behind);
    }
    if !pre_indexed && write_back {
        return None; // LDRT, unpredictable with the program counter
    }
    let offset = if by_register {
        shift(r[word.nibble(0)], word.0 >> 5 & 3, word.0 >> 7 & 0x1f, cpsr >> 29 & 1)
    } else {
        word.0 & 0xfff
    };
    // A literal is relative to the aligned program counter, which in A32 it is anyway.
    let base = r[word.nibble(16)];
    load(if pre_indexed { offset_by(base, offset, up) } else { base }, read)
}

/// LDM with the program counter in its list, which comes from the highest address (A8.8.58 to A8.8.61).
fn load_multiple(word: Word, r: &[u32; 16], read: &mut dyn FnMut(u32, u32) -> Option<u32>) -> Option<Next> {
    let (before, up, exception_return) = (word.bit(24), word.bit(23), word.bit(22));
    if exception_return || word.nibble(16) == 15 {
        return None;
    }
    let base = r[word.nibble(16)];
    let bytes = 4 * (word.0 & 0xffff).count_ones();
    let at = match (up, before) {
        (true, false) => base.wrapping_add(bytes).wrapping_sub(4),
        (true, true) => base.wrapping_add(bytes),
        (false, false) => base,
        (false, true) => base.wrapping_sub(4),
    };
    load(at, read)
}

/// An immediate shift, with its special cases for 0 (A8.4.3).
fn shift(value: u32, kind: u32, amount: u32, carry: u32) -> u32 {
    match (kind, amount) {
        (0, _) => value << amount,
        (1, 0) => 0,
        (1, _) => value >> amount,
        (2, 0) => (value as i32 >> 31) as u32,
        (2, _) => (value as i32 >> amount) as u32,
        (_, 0) => carry << 31 | value >> 1,
        _ => value.rotate_right(amount),
    }
}

/// A shift by the low byte of a register.
fn shift_by_register(value: u32, kind: u32, amount: u32) -> u32 {
    match kind {
        0 => value.checked_shl(amount).unwrap_or(0),
        1 => value.checked_shr(amount).unwrap_or(0),
        2 => (value as i32 >> amount.min(31)) as u32,
        _ => value.rotate_right(amount & 31),
    }
}
