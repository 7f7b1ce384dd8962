//! T32 instructions of one halfword (DDI 0406C A6.2, A6.2.4, A6.2.5).

use nex_decode::bits::{PC, bit, field, reg};
use nex_decode::{Class, ItState, ShiftedReg, Walk, t32};

use super::size;
use crate::bus::Size;
use crate::insn::{Address, Multiple, Op, Single};

const SP: u8 = 13;
const LR_BIT: u16 = 1 << 14;
const PC_BIT: u16 = 1 << 15;

pub(super) fn op(half: u16, it: ItState) -> Option<Op> {
    if t32(half, 0, it).class != Class::Innocuous {
        return None;
    }
    let word = u32::from(half);
    let (high, low) = (field(word, 8, 3) as u8, low_reg(word, 0));
    let imm8 = (word & 0xff) as u16;
    Some(match field(word, 11, 5) {
        0b01001 => single(true, Size::Word, high, Address::plain(PC, imm8 * 4)),
        0b01010 | 0b01011 => register(word),
        op @ 0b01100..=0b10001 => {
            let size = match op >> 1 {
                0b0110 => Size::Word,
                0b0111 => Size::Byte,
                _ => Size::Half,
            };
            let offset = field(word, 6, 5) as u16 * size.bytes() as u16;
            single(bit(word, 11), size, low, Address::plain(low_reg(word, 3), offset))
        }
        0b10010 | 0b10011 => single(bit(word, 11), Size::Word, high, Address::plain(SP, imm8 * 4)),
        0b10110 if field(word, 9, 2) == 0b10 => {
            let list = imm8 | if bit(word, 8) { LR_BIT } else { 0 };
            block(false, SP, list, Walk::new(true, false), true)
        }
        0b10111 if field(word, 9, 2) == 0b10 => {
            let list = imm8 | if bit(word, 8) { PC_BIT } else { 0 };
            block(true, SP, list, Walk::new(false, true), true)
        }
        0b11000 => block(false, high, imm8, Walk::new(false, true), true),
        // A base that is loaded is not written back.
        0b11001 => block(true, high, imm8, Walk::new(false, true), imm8 >> high & 1 == 0),
        _ => return None,
    })
}

/// A register number of three bits.
fn low_reg(word: u32, low: u32) -> u8 {
    reg(word, low) & 7
}

fn single(load: bool, size: Size, rt: u8, address: Address) -> Op {
    Op::Single(Single { load, size, signed: false, unprivileged: false, rt, address })
}

fn block(load: bool, rn: u8, list: u16, walk: Walk, wback: bool) -> Op {
    Op::Multiple(Multiple { load, rn, list, walk, wback })
}

/// Base and register: STR, STRH, STRB, LDRSB, LDR, LDRH, LDRB, LDRSH.
fn register(word: u32) -> Op {
    let op = field(word, 9, 3);
    let (load, signed, log2) = match op {
        0..=2 => (false, false, 2 - op),
        3 => (true, true, 0),
        4..=6 => (true, false, 6 - op),
        _ => (true, true, 1),
    };
    let address = Address::register(low_reg(word, 3), ShiftedReg::new(low_reg(word, 6), 0, 0));
    Op::Single(Single { load, size: size(log2), signed, unprivileged: false, rt: low_reg(word, 0), address })
}
