//! A32 (DDI 0406C A5.2.8 to A5.2.10, A5.3, A5.5, A5.7.1).

use nex_decode::bits::{PC, bit, field, reg};
use nex_decode::{Class, Offset, Sensitive, ShiftedReg, Walk, a32};

use super::{index, simd, unprivileged, vfp};
use crate::bus::Size;
use crate::insn::{Address, Dual, Exclusive, Insn, Multiple, Op, Single, Swap};

/// Decodes any word.
pub(super) fn decode(word: u32) -> Option<Insn> {
    let decoded = a32(word);
    let op = match decoded.class {
        Class::Innocuous | Class::Fp if word >> 28 == 0xf => unconditional(word)?,
        Class::Innocuous => conditional(word)?,
        Class::Fp => Op::Vfp(vfp::decode(word)?),
        Class::Sensitive(Sensitive::Unprivileged(u)) => unprivileged(&u),
        _ => return None,
    };
    Some(Insn { cond: decoded.cond, len_bytes: 4, op })
}

fn conditional(word: u32) -> Option<Op> {
    match field(word, 25, 3) {
        0b000 if bit(word, 7) && bit(word, 4) => extra_or_synchronization(word),
        0b010 => Some(word_or_byte(word)),
        0b011 if !bit(word, 4) => Some(word_or_byte(word)),
        // With ^ it is not innocuous.
        0b100 => Some(Op::Multiple(Multiple {
            load: bit(word, 20),
            rn: reg(word, 16),
            list: word as u16,
            walk: Walk::new(bit(word, 24), bit(word, 23)),
            wback: bit(word, 21),
        })),
        _ => None,
    }
}

fn unconditional(word: u32) -> Option<Op> {
    match field(word, 24, 4) {
        0b0100 if !bit(word, 20) => Some(Op::Structures(simd::decode(word)?)),
        // PLI, PLDW, PLD, and hints that are not allocated.
        0b0100..=0b0111 if field(word, 20, 2) == 0b01 => Some(Op::Preload),
        _ => None,
    }
}

fn address(word: u32, offset: Offset) -> Address {
    Address { rn: reg(word, 16), offset, add: bit(word, 23), index: index(bit(word, 24), bit(word, 21)) }
}

fn word_or_byte(word: u32) -> Op {
    let offset = if bit(word, 25) {
        Offset::Reg(ShiftedReg::new(reg(word, 0), field(word, 5, 2), field(word, 7, 5)))
    } else {
        Offset::Imm(field(word, 0, 12) as u16)
    };
    Op::Single(Single {
        load: bit(word, 20),
        size: if bit(word, 22) { Size::Byte } else { Size::Word },
        signed: false,
        unprivileged: false,
        rt: reg(word, 12),
        address: address(word, offset),
    })
}

fn extra_or_synchronization(word: u32) -> Option<Op> {
    let (kind, load_bit, rt) = (field(word, 5, 2), bit(word, 20), reg(word, 12));
    if kind == 0 {
        return synchronization(word);
    }
    let offset = if bit(word, 22) {
        Offset::Imm((field(word, 8, 4) << 4 | field(word, 0, 4)) as u16)
    } else {
        Offset::Reg(ShiftedReg::new(reg(word, 0), 0, 0))
    };
    let address = address(word, offset);
    if kind != 1 && !load_bit {
        return Some(Op::Dual(Dual { load: kind == 2, rt, rt2: second(rt, kind == 2)?, address }));
    }
    let size = if kind == 2 { Size::Byte } else { Size::Half };
    Some(Op::Single(Single { load: load_bit, size, signed: kind != 1, unprivileged: false, rt, address }))
}

/// The second register of a doubleword. The first should be even; it is not rounded. Of R15 there is none, and R15 is not
/// loaded.
fn second(rt: u8, load: bool) -> Option<u8> {
    let second = rt + 1;
    if second > PC || (load && second == PC) { None } else { Some(second) }
}

/// SWP and the exclusive accesses.
fn synchronization(word: u32) -> Option<Op> {
    let (rn, high, low) = (reg(word, 16), reg(word, 12), reg(word, 0));
    match field(word, 20, 5) {
        0b10000 | 0b10100 => {
            let size = if bit(word, 22) { Size::Byte } else { Size::Word };
            Some(Op::Swap(Swap { size, rt: high, rt2: low, rn }))
        }
        op @ 0b11000..=0b11111 => {
            let load = op & 1 == 1;
            let size = [Size::Word, Size::Double, Size::Byte, Size::Half][(op as usize >> 1) & 3];
            let rt = if load { high } else { low };
            let rt2 = if size == Size::Double { second(rt, load)? } else { rt };
            Some(Op::Exclusive(Exclusive { load, size, rd: high, rt, rt2, rn, offset_bytes: 0 }))
        }
        // Multiplications.
        _ => None,
    }
}
