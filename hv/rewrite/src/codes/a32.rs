//! A32 codes.

use super::{
    A32_RECORD, Code, Encoded, FIRST_CODE, SVC, bit, cps, hint, hint_number, hot, mrs, msr_register,
};
use super::{plain, reg, rfe, srs, unprivileged, walk};
use crate::Interned;
use nex_decode::{
    Class, Decoded, DpOp, MsrSource, Offset, Operand2, Sensitive, ShiftKind, Trapping, Unprivileged,
};

/// The code for the A32 instruction `word`.
///
/// An SVC of the guest's whose constant would be a code is [`Encoded::Intern`]: whoever finds one in guest code asks
/// [`decode_a32`] first, since it may be a code that the guest copied.
pub fn encode_a32(word: u32) -> Encoded<u32> {
    encode_decoded(word, &nex_decode::a32(word))
}

/// [`encode_a32`] for a word that is decoded already.
pub(crate) fn encode_decoded(word: u32, decoded: &Decoded) -> Encoded<u32> {
    let imm = match decoded.class {
        Class::Sensitive(sensitive) => sensitive_imm(word, sensitive),
        Class::Unpredictable => None,
        Class::Svc { imm } if imm >= FIRST_CODE => None,
        Class::Hint(hint) => Some(0xf9_0000 | hint_number(hint)),
        Class::Trapping(Trapping::Coproc(_)) => match hot::fields(word) {
            Some(fields) => Some(0xf8_0000 | fields),
            None => return Encoded::Stays,
        },
        _ => return Encoded::Stays,
    };
    match imm {
        Some(imm) => Encoded::Code(with_condition(word, imm)),
        None => Encoded::Intern,
    }
}

/// The SVC with constant `imm` and the condition of `word`.
pub(crate) fn with_condition(word: u32, imm: u32) -> u32 {
    let cond = if word >> 28 == 0xf { 0xe } else { word >> 28 };
    cond << 28 | SVC | imm
}

fn sensitive_imm(word: u32, sensitive: Sensitive) -> Option<u32> {
    // P and U.
    let walk = word >> 23 & 3;
    let wback = word >> 21 & 1;
    Some(match sensitive {
        Sensitive::Cps { .. } => {
            0xf4_0000 | (word >> 18 & 3) << 9 | (word >> 17 & 1) << 8 | (word >> 6 & 7) << 5 | word & 0x1f
        }
        Sensitive::MrsCpsr { rd } => 0xf0_0000 | u32::from(rd),
        Sensitive::MrsSpsr { rd } => 0xf0_0010 | u32::from(rd),
        Sensitive::Msr { spsr, mask, source } => {
            let (spsr, mask) = (u32::from(spsr), u32::from(mask));
            match source {
                MsrSource::Reg(rn) => 0xf1_0000 | spsr << 8 | mask << 4 | u32::from(rn),
                MsrSource::Imm(_) => 0xf2_0000 | spsr << 16 | mask << 12 | word & 0xfff,
            }
        }
        Sensitive::Srs { mode, .. } => 0xf5_0000 | walk << 10 | wback << 9 | u32::from(mode),
        Sensitive::Rfe { rn, .. } => 0xf5_1000 | walk << 10 | wback << 9 | u32::from(rn),
        Sensitive::LdmReturn { rn, list, .. } => {
            0x40_0000 | walk << 20 | wback << 19 | u32::from(rn) << 15 | u32::from(list) & 0x7fff
        }
        Sensitive::LdmUser { rn, list, .. } => 0xc0_0000 | walk << 19 | u32::from(rn) << 15 | u32::from(list),
        Sensitive::StmUser { rn, list, .. } => 0x80_0000 | walk << 20 | u32::from(rn) << 16 | u32::from(list),
        Sensitive::DpPcS { op, rn, op2 } => {
            let (op, rn) = (op as u32, u32::from(rn));
            match op2 {
                Operand2::Imm(_) => 0xe0_0000 | op << 16 | rn << 12 | word & 0xfff,
                Operand2::Reg(r) if r.kind == ShiftKind::Lsl && r.amount == 0 => {
                    0xf6_0000 | op << 8 | rn << 4 | u32::from(r.rm)
                }
                Operand2::Reg(_) => return None,
            }
        }
        Sensitive::Unprivileged(u) => {
            0xf7_0000 | unprivileged_kind(&u)? << 8 | u32::from(u.rt) << 4 | u32::from(u.rn)
        }
        Sensitive::Gated(..) => 0xf8_0000 | hot::fields(word)?,
        _ => return None,
    })
}

fn unprivileged_kind(u: &Unprivileged) -> Option<u32> {
    if u.offset != Offset::Imm(0) || !u.add {
        return None;
    }
    Some(match (u.load, u.size_bytes, u.signed) {
        (true, 4, _) => 0,
        (false, 4, _) => 1,
        (true, 1, false) => 2,
        (false, 1, _) => 3,
        (true, 2, false) => 4,
        (false, 2, _) => 5,
        (true, 1, true) => 6,
        (true, 2, true) => 7,
        _ => return None,
    })
}

/// The A32 instruction that the code `word` stands for; `None` if it is not one that [`encode_a32`] and `interned` gave.
pub fn decode_a32(word: u32, interned: &Interned) -> Option<u32> {
    if word >> 28 == 0xf || word & SVC != SVC {
        return None;
    }
    let imm = word & 0x00ff_ffff;
    if imm >> 16 == 0xff {
        let original = interned.get(imm as u16)?;
        let same = encode_a32(original) == Encoded::Intern && with_condition(original, imm) == word;
        return same.then_some(original);
    }
    let original = instruction(word & 0xf000_0000, imm)?;
    (encode_a32(original) == Encoded::Code(word)).then_some(original)
}

/// The instruction with condition `cond` (in place) and the code `imm`; of a code that none has, something.
fn instruction(cond: u32, imm: u32) -> Option<u32> {
    let always = 0xf000_0000;
    Some(match imm >> 16 {
        0x40..=0x7f => {
            let (walk, wback, rn) = (imm >> 20 & 3, imm >> 19 & 1, imm >> 15 & 0xf);
            cond | 0x0850_8000 | walk << 23 | wback << 21 | rn << 16 | imm & 0x7fff
        }
        0x80..=0xbf => cond | 0x0840_0000 | (imm >> 20 & 3) << 23 | imm & 0xf_ffff,
        0xc0..=0xdf => cond | 0x0850_0000 | (imm >> 19 & 3) << 23 | (imm >> 15 & 0xf) << 16 | imm & 0x7fff,
        0xe0..=0xef => cond | 0x0210_f000 | (imm >> 16 & 0xf) << 21 | (imm >> 12 & 0xf) << 16 | imm & 0xfff,
        0xf0 => cond | 0x010f_0000 | (imm >> 4 & 1) << 22 | (imm & 0xf) << 12,
        0xf1 => cond | 0x0120_f000 | (imm >> 8 & 1) << 22 | (imm >> 4 & 0xf) << 16 | imm & 0xf,
        0xf2 | 0xf3 => cond | 0x0320_f000 | (imm >> 16 & 1) << 22 | (imm >> 12 & 0xf) << 16 | imm & 0xfff,
        0xf4 => {
            let (imod, change_mode, masks) = (imm >> 9 & 3, imm >> 8 & 1, imm >> 5 & 7);
            always | 0x0100_0000 | imod << 18 | change_mode << 17 | masks << 6 | imm & 0x1f
        }
        0xf5 => {
            let walk_and_wback = (imm >> 10 & 3) << 23 | (imm >> 9 & 1) << 21;
            always
                | walk_and_wback
                | if bit(imm, 12) { 0x0810_0a00 | (imm & 0xf) << 16 } else { 0x084d_0500 | imm & 0x1f }
        }
        0xf6 => cond | 0x0010_f000 | (imm >> 8 & 0xf) << 21 | (imm >> 4 & 0xf) << 16 | imm & 0xf,
        0xf7 => {
            // Word and byte: 010, U, B, W = 1, L. The others: 000, U, I = 1, W = 1, L, and bits 7..=4.
            let kind = match imm >> 8 & 0xff {
                0 => 0x04b0_0000,
                1 => 0x04a0_0000,
                2 => 0x04f0_0000,
                3 => 0x04e0_0000,
                4 => 0x00f0_00b0,
                5 => 0x00e0_00b0,
                6 => 0x00f0_00d0,
                7 => 0x00f0_00f0,
                _ => return None,
            };
            cond | kind | (imm & 0xf) << 16 | (imm >> 4 & 0xf) << 12
        }
        0xf8 => cond | hot::instruction(imm & 0xffff)?,
        0xf9 => cond | 0x0320_f000 | imm & 0xff,
        _ => return None,
    })
}

/// Takes a 24-bit constant apart.
pub(super) fn of(imm: u32) -> Code {
    let fields = imm & 0xffff;
    match imm >> 16 {
        0x40..=0x7f => Code::LdmReturn {
            rn: reg(imm, 15),
            list: (imm & 0x7fff) as u16 | 0x8000,
            walk: walk(imm, 20),
            wback: bit(imm, 19),
        },
        0x80..=0xbf => Code::StmUser { rn: reg(imm, 16), list: imm as u16, walk: walk(imm, 20) },
        0xc0..=0xdf => Code::LdmUser { rn: reg(imm, 15), list: (imm & 0x7fff) as u16, walk: walk(imm, 19) },
        0xe0..=0xef => exception_return(imm >> 16, reg(imm, 12), Operand2::Imm(expand(imm))),
        0xf0 => mrs(fields),
        0xf1 => msr_register(fields),
        0xf2 | 0xf3 => {
            Code::Msr { spsr: bit(imm, 16), mask: reg(imm, 12), source: MsrSource::Imm(expand(imm)) }
        }
        0xf4 => cps(fields),
        0xf5 if bit(fields, 12) => rfe(fields),
        0xf5 => srs(fields),
        0xf6 => exception_return(imm >> 8, reg(imm, 4), plain(reg(imm, 0))),
        0xf7 => unprivileged(fields).map_or(Code::Guest, Code::Unprivileged),
        0xf8 => hot::code(fields),
        0xf9 => hint(fields).map_or(Code::Guest, Code::Hint),
        0xfe if imm == A32_RECORD => Code::Record,
        0xff => Code::Interned(imm as u16),
        _ => Code::Guest,
    }
}

/// The constant of data-processing and MSR: eight bits, rotated right by twice four bits (A5.2.4).
fn expand(imm12: u32) -> u32 {
    (imm12 & 0xff).rotate_right((imm12 >> 8 & 0xf) * 2)
}

fn exception_return(op: u32, rn: u8, op2: Operand2) -> Code {
    let op = match op & 0xf {
        0 => DpOp::And,
        1 => DpOp::Eor,
        2 => DpOp::Sub,
        3 => DpOp::Rsb,
        4 => DpOp::Add,
        5 => DpOp::Adc,
        6 => DpOp::Sbc,
        7 => DpOp::Rsc,
        12 => DpOp::Orr,
        13 => DpOp::Mov,
        14 => DpOp::Bic,
        15 => DpOp::Mvn,
        _ => return Code::Guest,
    };
    Code::DpPcS { op, rn, op2 }
}
