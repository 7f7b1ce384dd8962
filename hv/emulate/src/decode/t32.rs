//! T32 instructions of two halfwords (DDI 0406C A6.3.5 to A6.3.10, A6.3.18).
//!
//! Both halfwords together are `word`, the first in bits 31..=16.

use nex_decode::bits::{PC, bit, field, reg};
use nex_decode::{Class, ItState, Offset, Sensitive, ShiftedReg, Walk, t32};

use super::{index, simd, size, unprivileged, vfp};
use crate::bus::Size;
use crate::insn::{Address, Dual, Exclusive, Multiple, Op, Single};

pub(super) fn op(first: u16, second: u16, it: ItState) -> Option<Op> {
    let word = u32::from(first) << 16 | u32::from(second);
    match t32(first, second, it).class {
        Class::Innocuous => match field(word, 25, 7) {
            0b111_0100 if !bit(word, 22) => Some(multiple(word)),
            0b111_0100 => dual_or_exclusive(word),
            0b111_1100 => single(word),
            _ => None,
        },
        Class::Fp if field(word, 24, 8) == 0b1111_1001 => Some(Op::Structures(simd::decode(word)?)),
        Class::Fp if bit(word, 28) => None,
        Class::Fp => Some(Op::Vfp(vfp::decode(word)?)),
        Class::Sensitive(Sensitive::Unprivileged(u)) => Some(unprivileged(&u)),
        _ => None,
    }
}

/// LDM, STM; RFE and SRS are not innocuous.
fn multiple(word: u32) -> Op {
    Op::Multiple(Multiple {
        load: bit(word, 20),
        rn: reg(word, 16),
        list: word as u16,
        walk: Walk::new(bit(word, 24), bit(word, 23)),
        wback: bit(word, 21),
    })
}

fn dual_or_exclusive(word: u32) -> Option<Op> {
    let (before, add, wback, load) = (bit(word, 24), bit(word, 23), bit(word, 21), bit(word, 20));
    let (rn, rt, rt2) = (reg(word, 16), reg(word, 12), reg(word, 8));
    let offset_bytes = (word & 0xff) as u16 * 4;
    if before || wback {
        let address = Address { rn, offset: Offset::Imm(offset_bytes), add, index: index(before, wback) };
        return Some(Op::Dual(Dual { load, rt, rt2, address }));
    }
    if !add {
        return Some(Op::Exclusive(Exclusive {
            load,
            size: Size::Word,
            rd: rt2,
            rt,
            rt2: rt,
            rn,
            offset_bytes,
        }));
    }
    let size = match field(word, 4, 4) {
        half @ (0 | 1) if load => return Some(Op::TableBranch { rn, rm: reg(word, 0), half: half == 1 }),
        4 => Size::Byte,
        5 => Size::Half,
        7 => Size::Double,
        _ => return None,
    };
    let rt2 = if size == Size::Double { rt2 } else { rt };
    Some(Op::Exclusive(Exclusive { load, size, rd: reg(word, 0), rt, rt2, rn, offset_bytes: 0 }))
}

/// One register, and hints.
fn single(word: u32) -> Option<Op> {
    let (signed, log2, load) = (bit(word, 24), field(word, 21, 2), bit(word, 20));
    let (rn, rt) = (reg(word, 16), reg(word, 12));
    let imm8 = Offset::Imm((word & 0xff) as u16);
    let address = if rn == PC {
        Address { add: bit(word, 23), ..Address::plain(rn, field(word, 0, 12) as u16) }
    } else if bit(word, 23) {
        Address::plain(rn, field(word, 0, 12) as u16)
    } else if bit(word, 11) {
        Address { rn, offset: imm8, add: bit(word, 9), index: index(bit(word, 10), bit(word, 8)) }
    } else {
        Address::register(rn, ShiftedReg::new(reg(word, 0), 0, field(word, 4, 2)))
    };
    if load && rt == PC && log2 != 2 {
        return Some(Op::Preload);
    }
    Some(Op::Single(Single { load, size: size(log2), signed, unprivileged: false, rt, address }))
}
