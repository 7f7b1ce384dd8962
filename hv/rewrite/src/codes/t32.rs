//! T32 codes.

use super::{
    Code, Encoded, T16_RECORD, T16_STRADDLE, T32_RECORD, cps, hint, hint_number, hot, mrs, msr_register,
};
use super::{rfe, srs};
use crate::Interned;
use nex_decode::{Class, Decoded, DpOp, Imod, ItState, MsrSource, Operand2, Sensitive, Trapping};

/// A T32 instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum T32 {
    /// Of one halfword.
    Narrow(u16),
    /// Of two halfwords; the first in bits 31..=16.
    Wide(u32),
}

/// The code for a T32 instruction, of its length; arguments as for [`nex_decode::t32`].
///
/// [`Encoded::Intern`] for an instruction of one halfword (an UNPREDICTABLE one) means that there is no code but "see the
/// record of the page": the table is for those of two.
pub fn encode_t32(first: u16, second: u16, it: ItState) -> Encoded<T32> {
    encode_decoded(first, second, &nex_decode::t32(first, second, it))
}

/// [`encode_t32`] for an instruction that is decoded already.
pub(crate) fn encode_decoded(first: u16, second: u16, decoded: &Decoded) -> Encoded<T32> {
    if nex_decode::t32_is_wide(first) {
        wide(u32::from(first) << 16 | u32::from(second), decoded)
    } else {
        narrow(decoded)
    }
}

fn narrow(decoded: &Decoded) -> Encoded<T32> {
    let imm = match decoded.class {
        Class::Sensitive(Sensitive::Cps { imod, a, i, f, .. }) => {
            let im = u16::from(imod == Imod::Disable);
            0xc0 | im << 3 | u16::from(a) << 2 | u16::from(i) << 1 | u16::from(f)
        }
        Class::Hint(hint) => 0xd0 | hint_number(hint) as u16,
        class if class.may_stay() => return Encoded::Stays,
        _ => return Encoded::Intern,
    };
    Encoded::Code(T32::Narrow(0xde00 | imm))
}

fn wide(word: u32, decoded: &Decoded) -> Encoded<T32> {
    let imm = match decoded.class {
        Class::Sensitive(sensitive) => sensitive_imm(word, sensitive),
        Class::Unpredictable => None,
        // The guest's own; the index may get a meaning later.
        Class::Trapping(Trapping::Udf { imm }) if imm >> 12 == 0xf => None,
        Class::Hint(hint) => Some(0x8000 | hint_number(hint)),
        Class::Trapping(Trapping::Coproc(_)) => match hot::fields(word) {
            Some(fields) => Some(0x9000 | fields),
            None => return Encoded::Stays,
        },
        _ => return Encoded::Stays,
    };
    match imm {
        Some(imm) => Encoded::Code(T32::Wide(udf_wide(imm))),
        None => Encoded::Intern,
    }
}

fn sensitive_imm(word: u32, sensitive: Sensitive) -> Option<u32> {
    let wback = word >> 21 & 1;
    // P and U: T32 has DB and IA only.
    let walk = if word >> 23 & 3 == 0 { 0b10 } else { 0b01 };
    Some(match sensitive {
        Sensitive::MrsCpsr { rd } => 0x1000 | u32::from(rd),
        Sensitive::MrsSpsr { rd } => 0x1010 | u32::from(rd),
        Sensitive::Msr { spsr, mask, source: MsrSource::Reg(rn) } => {
            0x2000 | u32::from(spsr) << 8 | u32::from(mask) << 4 | u32::from(rn)
        }
        Sensitive::Cps { .. } => 0x4000 | word & 0x7ff,
        Sensitive::Srs { mode, .. } => 0x5000 | walk << 10 | wback << 9 | u32::from(mode),
        Sensitive::Rfe { rn, .. } => 0x7000 | walk << 10 | wback << 9 | u32::from(rn),
        Sensitive::DpPcS { op2: Operand2::Imm(imm8), .. } => 0x6000 | imm8,
        Sensitive::Gated(..) => 0x9000 | hot::fields(word)?,
        _ => return None,
    })
}

/// UDF.W (encoding T2, A8.8.247) with a 16-bit constant.
pub(crate) fn udf_wide(imm: u32) -> u32 {
    0xf7f0_a000 | (imm >> 12 & 0xf) << 16 | imm & 0xfff
}

pub(crate) fn is_udf_wide(word: u32) -> bool {
    word & 0xfff0_f000 == 0xf7f0_a000
}

pub(super) fn udf_imm(word: u32) -> u32 {
    (word >> 16 & 0xf) << 12 | word & 0xfff
}

/// The T32 instruction that a code stands for; `None` if it is not one that [`encode_t32`] and `interned` gave.
///
/// What depends on the IT state (UNPREDICTABLE forms) is not known here: an interned original is taken for what it is.
pub fn decode_t32(code: T32, interned: &Interned) -> Option<T32> {
    let same = |original: u32| {
        encode_t32((original >> 16) as u16, original as u16, ItState::NONE) == Encoded::Code(code)
    };
    match code {
        T32::Narrow(half) => {
            let imm = half & 0xff;
            let original = match imm {
                _ if half >> 8 != 0xde => return None,
                0xc0..=0xcf => 0xb660 | (imm >> 3 & 1) << 4 | imm & 7,
                0xd1..=0xd4 => 0xbf00 | (imm & 0xf) << 4,
                _ => return None,
            };
            same(u32::from(original) << 16).then_some(T32::Narrow(original))
        }
        T32::Wide(word) => {
            if !is_udf_wide(word) {
                return None;
            }
            let imm = udf_imm(word);
            let original = match imm >> 12 {
                0xf => return interned.get((imm & 0xfff) as u16).map(T32::Wide),
                kind => instruction(kind, imm & 0xfff)?,
            };
            same(original).then_some(T32::Wide(original))
        }
    }
}

fn instruction(kind: u32, fields: u32) -> Option<u32> {
    // 00 is DB, 11 is IA, in bits 24..=23.
    let walk = if fields >> 10 & 3 == 0b10 { 0 } else { 0x0180_0000 };
    let wback = (fields >> 9 & 1) << 21;
    Some(match kind {
        1 => 0xf3ef_8000 | (fields >> 4 & 1) << 20 | (fields & 0xf) << 8,
        2 => 0xf380_8000 | (fields >> 8 & 1) << 20 | (fields & 0xf) << 16 | (fields >> 4 & 0xf) << 8,
        4 => 0xf3af_8000 | fields & 0x7ff,
        5 => 0xe80d_c000 | walk | wback | fields & 0x1f,
        6 => 0xf3de_8f00 | fields & 0xff,
        7 => 0xe810_c000 | walk | wback | (fields & 0xf) << 16,
        8 => 0xf3af_8000 | fields & 0xff,
        9 => 0xe000_0000 | hot::instruction(fields)?,
        _ => return None,
    })
}

/// Takes the constant of UDF.W apart.
pub(super) fn of_wide(imm: u32) -> Code {
    let fields = imm & 0xfff;
    match imm >> 12 {
        1 => mrs(fields),
        2 => msr_register(fields),
        4 => cps(fields),
        5 => srs(fields),
        6 => Code::DpPcS { op: DpOp::Sub, rn: 14, op2: Operand2::Imm(fields & 0xff) },
        7 => rfe(fields),
        8 => hint(fields).map_or(Code::Guest, Code::Hint),
        9 => hot::code(fields),
        0xf => Code::Interned(fields as u16),
        _ if imm == T32_RECORD => Code::Record,
        _ => Code::Guest,
    }
}

/// Takes the constant of a 16-bit UDF apart.
pub(super) fn of_narrow(imm: u8) -> Code {
    let half = 0xde00 | u16::from(imm);
    match imm {
        0xc0..=0xcf => {
            let imod = if imm & 8 == 0 { Imod::Enable } else { Imod::Disable };
            Code::Cps { imod, masks: imm & 7, mode: None }
        }
        0xd1..=0xd4 => hint(u32::from(imm & 0xf)).map_or(Code::Guest, Code::Hint),
        _ if half == T16_STRADDLE => Code::Straddle,
        _ if half == T16_RECORD => Code::Record,
        _ => Code::Guest,
    }
}
