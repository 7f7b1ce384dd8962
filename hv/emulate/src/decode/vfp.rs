//! VFP loads and stores (DDI 0406C A7.6), the same in both instruction sets.

use nex_decode::bits::{bit, field, reg};

use crate::insn::Vfp;

/// Decodes an instruction of CP10 or CP11 that is not UNDEFINED.
///
/// A list of registers that is empty or goes past the last one is UNPREDICTABLE: `None`.
pub(super) fn decode(word: u32) -> Option<Vfp> {
    // 110x; P = U = 0 are transfers with core registers.
    if field(word, 25, 3) != 0b110 || (!bit(word, 24) && !bit(word, 23)) {
        return None;
    }
    let (before, add, wback, load) = (bit(word, 24), bit(word, 23), bit(word, 21), bit(word, 20));
    let double = bit(word, 8);
    let (d, vd, imm8) = (field(word, 22, 1) as u8, reg(word, 12), (word & 0xff) as u8);
    let first = if double { d << 4 | vd } else { vd << 1 | d };
    let registers = match (before && !wback, double) {
        (true, _) => 1,
        // An odd number is FLDMX or FSTMX, which count a word that is not transferred.
        (false, true) => imm8 / 2,
        (false, false) => imm8,
    };
    let limit = if double { 16 } else { 32 };
    // P = U = W = 1 is UNDEFINED.
    if registers == 0 || registers > limit || first + registers > 32 || (before && add && wback) {
        return None;
    }
    Some(Vfp {
        load,
        double,
        first,
        registers,
        rn: reg(word, 16),
        offset_bytes: u16::from(imm8) * 4,
        add,
        before,
        wback,
    })
}
