//! Accesses to CP15, and one register of CP14, that are worth a code of their own: they trap anyway, but a code is cheaper to
//! tell from the others.

use super::{Code, reg};

/// The CP15 registers that have codes (DDI 0406C B4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cp15 {
    /// Thread ID, PL1 only.
    Tpidrprw,
    /// Domain access control.
    Dacr,
    /// Context ID.
    Contextidr,
    /// System control.
    Sctlr,
    /// Thread ID, User read and write: User mode can access the host's.
    Tpidrurw,
    /// Thread ID, User read-only: User mode can read the host's.
    Tpidruro,
    /// Translation table base 0.
    Ttbr0,
    /// Cache type.
    Ctr,
    /// Invalidation of all branch predictors.
    Bpiall,
    /// Cleaning a line of the data cache to memory, by address.
    Dccmvac,
    /// ThumbEE's handler base, in CP14. Linux exchanges it with each process.
    Teehbr,
}

const fn access(read: bool, crn: u32, crm: u32, op2: u32) -> u32 {
    0x0e00_0f10 | (read as u32) << 20 | crn << 16 | op2 << 5 | crm
}

/// By kind: bits 27..=0 of the instruction with Rt = 0, which A32 and T32 share; the register; whether it is read.
const KINDS: [(u32, Cp15, bool); 17] = [
    (access(true, 13, 0, 4), Cp15::Tpidrprw, true),
    (access(false, 13, 0, 4), Cp15::Tpidrprw, false),
    (access(true, 3, 0, 0), Cp15::Dacr, true),
    (access(false, 3, 0, 0), Cp15::Dacr, false),
    (access(true, 13, 0, 1), Cp15::Contextidr, true),
    (access(false, 13, 0, 1), Cp15::Contextidr, false),
    (access(true, 1, 0, 0), Cp15::Sctlr, true),
    (access(true, 13, 0, 2), Cp15::Tpidrurw, true),
    (access(false, 13, 0, 2), Cp15::Tpidrurw, false),
    (access(true, 13, 0, 3), Cp15::Tpidruro, true),
    (access(false, 13, 0, 3), Cp15::Tpidruro, false),
    (access(false, 2, 0, 0), Cp15::Ttbr0, false),
    (access(true, 0, 0, 1), Cp15::Ctr, true),
    (access(false, 7, 5, 6), Cp15::Bpiall, false),
    (access(false, 7, 10, 1), Cp15::Dccmvac, false),
    // MRC and MCR p14, 6, Rt, c1, c0, 0.
    (0x0ed1_0e10, Cp15::Teehbr, true),
    (0x0ec1_0e10, Cp15::Teehbr, false),
];

/// What stands for this access in A32 code that is always executed, with R0 as Rt; Rt is in bits 3 to 0.
///
/// # Panics
/// If it has no code: at build time, where this is for.
pub const fn code_a32(register: Cp15, read: bool) -> u32 {
    let mut kind = 0;
    while KINDS[kind].1 as u8 != register as u8 || KINDS[kind].2 != read {
        kind += 1;
    }
    0xeff8_0000 | (kind as u32) << 4
}

/// An instruction of either set as a read of TPIDRURW, if it is one of TPIDRPRW with a plain register.
pub(crate) fn tpidrprw_as_tpidrurw(word: u32) -> Option<u32> {
    const TPIDRPRW: u32 = access(true, 13, 0, 4);
    const TPIDRURW: u32 = access(true, 13, 0, 2);
    // 15 is MRC2; SP and PC are UNPREDICTABLE or flags.
    let is = word & 0x0fff_0fff == TPIDRPRW && word >> 28 != 15 && !matches!(word >> 12 & 0xf, 13 | 15);
    is.then_some(word ^ TPIDRPRW ^ TPIDRURW)
}

/// The fields `kind<<4 Rt` for a coprocessor instruction, of either instruction set, that has them.
pub(super) fn fields(word: u32) -> Option<u32> {
    let rt = word >> 12 & 0xf;
    let kind = KINDS.iter().position(|kind| kind.0 == word & 0x0fff_0fff)?;
    (rt != 15).then_some((kind as u32) << 4 | rt)
}

/// Bits 27..=0 of the instruction with these fields.
pub(super) fn instruction(fields: u32) -> Option<u32> {
    let kind = KINDS.get((fields >> 4) as usize)?;
    Some(kind.0 | (fields & 0xf) << 12)
}

pub(super) fn code(fields: u32) -> Code {
    match KINDS.get((fields >> 4) as usize) {
        Some(&(_, register, read)) => Code::Cp15 { reg: register, read, rt: reg(fields, 0) },
        None => Code::Guest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_a32;

    #[test]
    fn a_code_is_what_encoding_makes() {
        for (word, reg, read) in KINDS {
            let code = code_a32(reg, read) | 5;
            assert_eq!(Code::of_a32(code), Code::Cp15 { reg, read, rt: 5 });
            assert_eq!(encode_a32(0xe000_0000 | word | 5 << 12), crate::Encoded::Code(code));
        }
    }
}
