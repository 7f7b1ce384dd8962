//! Instruction words to [`Insn`].
//!
//! What is UNDEFINED or UNPREDICTABLE, and what is not for this crate, [`nex_decode`] knows and is asked; here is only what
//! it does not: the operands of instructions that run at PL0 as well.

mod a32;
mod simd;
mod t16;
mod t32;
mod vfp;

use nex_decode::{ItState, Unprivileged, t32_is_wide};

use crate::bus::Size;
use crate::insn::{Address, Index, Insn, Op, Single};

/// Decodes an A32 instruction that accesses memory; `None` for all others, and see the crate page.
pub fn decode_a32(word: u32) -> Option<Insn> {
    a32::decode(word)
}

/// Decodes a T32 instruction that accesses memory; `None` for all others, and see the crate page.
///
/// `second` is ignored if [`t32_is_wide`] says that there is none. `it` is the IT state at the instruction.
pub fn decode_t32(first: u16, second: u16, it: ItState) -> Option<Insn> {
    if !t32_is_wide(first) {
        return Some(Insn { cond: it.cond(), len_bytes: 2, op: t16::op(first, it)? });
    }
    Some(Insn { cond: it.cond(), len_bytes: 4, op: t32::op(first, second, it)? })
}

/// Byte, halfword or word from its logarithm; other numbers are words.
const fn size(log2: u32) -> Size {
    match log2 {
        0 => Size::Byte,
        1 => Size::Half,
        _ => Size::Word,
    }
}

/// From the bits P and W.
const fn index(before: bool, wback: bool) -> Index {
    match (before, wback) {
        (true, false) => Index::Offset,
        (true, true) => Index::Pre,
        (false, _) => Index::Post,
    }
}

/// LDRT and its family, from the other decoder.
fn unprivileged(u: &Unprivileged) -> Op {
    let index = if u.postindex { Index::Post } else { Index::Offset };
    Op::Single(Single {
        load: u.load,
        size: size(u.size_bytes.trailing_zeros()),
        signed: u.signed,
        unprivileged: true,
        rt: u.rt,
        address: Address { rn: u.rn, offset: u.offset, add: u.add, index },
    })
}
