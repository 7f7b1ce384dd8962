//! Accesses of which only a register and a size need to be known: what virtualization extensions would report of them.

use nex_decode::bits::{PC, bit, field, reg};
use nex_vcpu::{Psr, Regs};

use crate::bus::Size;
use crate::execute::extend;

/// A load or store of one register, without writeback, that is not a branch. Its address is not part of this: for a data
/// abort it is in DFAR, already computed by the CPU. The same as HSR says where ISV is set (DDI 0406C B3.13.6).
///
/// The privilege is that of the mode: no LDRT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quick {
    /// A load; else a store.
    pub load: bool,
    /// Byte, halfword or word.
    pub size: Size,
    /// A load that extends the sign.
    pub signed: bool,
    /// The register, 0..=14.
    pub rt: u8,
    /// The instruction's length: 2 or 4.
    pub len_bytes: u8,
}

impl Quick {
    /// What a store stores: a little-endian number, the bits above the size zero.
    #[inline]
    pub const fn value(self, regs: &Regs) -> u32 {
        self.in_order(regs, regs.get(self.rt))
    }

    /// Finishes the instruction: sets the register of a load, and steps over it. `loaded` is a little-endian number, bits
    /// above the size are ignored; a store ignores it all.
    #[inline]
    pub const fn finish(self, regs: &mut Regs, loaded: u32) {
        if self.load {
            let value = self.in_order(regs, loaded);
            regs.set(self.rt, if self.signed { extend(value, self.size) } else { value });
        }
        regs.skip(self.len_bytes as u32);
    }

    /// The low `size` of `value`, with its bytes exchanged where CPSR.E is set.
    const fn in_order(self, regs: &Regs, value: u32) -> u32 {
        let big_endian = regs.cpsr().has(Psr::E);
        match self.size {
            Size::Byte => value & 0xff,
            Size::Half if big_endian => (value as u16).swap_bytes() as u32,
            Size::Half => value & 0xffff,
            _ if big_endian => value.swap_bytes(),
            _ => value,
        }
    }
}

/// A32: LDR, LDRB, STR, STRB with a constant or register, LDRH, LDRSH, LDRSB, STRH with a constant, all at base with offset.
/// `None` for others, which [`decode_a32`](crate::decode_a32) may know.
///
/// The condition is not looked at: an aborted access says that it held.
#[inline]
pub const fn quick_a32(word: u32) -> Option<Quick> {
    let rt = reg(word, 12);
    if word >> 28 == 0xf || rt == PC {
        return None;
    }
    let load = bit(word, 20);
    // 01, P set, W clear; a register is not a media instruction.
    if word & 0x0d20_0000 == 0x0500_0000 && word & 0x0200_0010 != 0x0200_0010 {
        let size = if bit(word, 22) { Size::Byte } else { Size::Word };
        return Some(Quick { load, size, signed: false, rt, len_bytes: 4 });
    }
    // 000, P set, a constant, W clear.
    if word & 0x0f60_0090 == 0x0140_0090 {
        let (size, signed) = match field(word, 5, 2) {
            1 => (Size::Half, false),
            2 if load => (Size::Byte, true),
            3 if load => (Size::Half, true),
            _ => return None,
        };
        return Some(Quick { load, size, signed, rt, len_bytes: 4 });
    }
    None
}

/// T32: loads and stores of 16 bits with base and offset, and those of 32 bits with a constant of 12 bits. `second` is
/// ignored for the former. `None` for others, which [`decode_t32`](crate::decode_t32) may know.
#[inline]
pub const fn quick_t32(first: u16, second: u16) -> Option<Quick> {
    let half = first as u32;
    let (load, low) = (bit(half, 11), reg(half, 0) & 7);
    let (load, size, signed, rt) = match half >> 11 {
        // Base and register.
        0b01010 | 0b01011 => {
            let op = field(half, 9, 3);
            let size = match op {
                0 | 4 => Size::Word,
                2 | 3 | 6 => Size::Byte,
                _ => Size::Half,
            };
            (op >= 3, size, op == 3 || op == 7, low)
        }
        // Base and constant; SP and constant.
        0b01100 | 0b01101 => (load, Size::Word, false, low),
        0b01110 | 0b01111 => (load, Size::Byte, false, low),
        0b10000 | 0b10001 => (load, Size::Half, false, low),
        0b10010 | 0b10011 => (load, Size::Word, false, reg(half, 8) & 7),
        // 1111100, a constant of 12 bits; R15 as a base is for literals.
        0b11111 if half & 0xfe80 == 0xf880 && reg(half, 0) != PC => return wide(half, second),
        _ => return None,
    };
    Some(Quick { load, size, signed, rt, len_bytes: 2 })
}

const fn wide(half: u32, second: u16) -> Option<Quick> {
    let (signed, load, rt) = (bit(half, 8), bit(half, 4), (second >> 12) as u8);
    let size = match field(half, 5, 2) {
        0 => Size::Byte,
        1 => Size::Half,
        2 if !signed => Size::Word,
        _ => return None,
    };
    if rt == PC || (signed && !load) {
        return None;
    }
    Some(Quick { load, size, signed, rt, len_bytes: 4 })
}
