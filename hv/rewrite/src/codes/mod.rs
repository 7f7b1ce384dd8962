//! The instructions that stand in for others, and what each stands for.
//!
//! A code says by itself which instruction it replaces, without the address it is at: a guest that copies its own code
//! copies working code. The exceptions are [`Code::Record`] and [`Code::Straddle`], for which the record of the page is
//! needed. A32 codes are `SVC<c> #imm24`, with the condition of the original (AL for the unconditional space); T32 codes are
//! UDF of the same length as the original, so that an SVC in T32 is always the guest's own.
//!
//! | A32 imm24 | original | fields |
//! | --- | --- | --- |
//! | 0x000000..=0x3fffff | the guest's own SVC | left in place |
//! | 0x400000..=0x7fffff | LDM `^` with PC | P<<21 U<<20 W<<19 Rn<<15 list\[14:0\] |
//! | 0x800000..=0xbfffff | STM `^` | P<<21 U<<20 Rn<<16 list |
//! | 0xc00000..=0xdfffff | LDM `^` without PC | P<<20 U<<19 Rn<<15 list\[14:0\] |
//! | 0xe00000..=0xefffff | data-processing with S to PC, immediate | op<<16 Rn<<12 imm12 |
//! | 0xf0.... | MRS | R<<4 Rd |
//! | 0xf1.... | MSR (register) | R<<8 mask<<4 Rn |
//! | 0xf20000..=0xf3ffff | MSR (immediate) | R<<16 mask<<12 imm12 |
//! | 0xf4.... | CPS | imod<<9 M<<8 A<<7 I<<6 F<<5 mode |
//! | 0xf5.... | SRS, RFE | RFE<<12 P<<11 U<<10 W<<9, then mode or Rn |
//! | 0xf6.... | data-processing with S to PC, plain register | op<<8 Rn<<4 Rm |
//! | 0xf7.... | LDRT and its family, offset #0 | kind<<8 Rt<<4 Rn |
//! | 0xf8.... | frequent accesses to CP15 | kind<<4 Rt |
//! | 0xf9.... | hints | number |
//! | 0xfe0000 | see the record of the page | |
//! | 0xff.... | anything else | index of [`Interned`](crate::Interned) |
//!
//! | T32 UDF.W imm16 | original | fields |
//! | --- | --- | --- |
//! | 0x1... | MRS | as A32 |
//! | 0x2... | MSR | as A32 |
//! | 0x4... | CPS | as A32 |
//! | 0x5... | SRS | P<<11 U<<10 W<<9 mode |
//! | 0x6... | SUBS PC, LR, #imm8 | imm8 |
//! | 0x7... | RFE | P<<11 U<<10 W<<9 Rn |
//! | 0x8... | hints | number |
//! | 0x9... | frequent accesses to CP15 | as A32 |
//! | 0xe000 | see the record of the page | |
//! | 0xf... | anything else | index |
//!
//! | T32 16-bit UDF imm8 | original |
//! | --- | --- |
//! | 0xc0..=0xcf | CPS: im<<3 A<<2 I<<1 F |
//! | 0xd1..=0xd4 | hints |
//! | 0xe0 | first halfword of a 32-bit instruction at the end of a page |
//! | 0xe1 | see the record of the page (an UNPREDICTABLE instruction) |
//!
//! The numbers of UDF that compilers and kernels use for themselves are left free: 0x00..=0x20, 0xf9, 0xfe and 0xff in 16
//! bits, all below 0x1000 in 32 bits.
//!
//! One replacement is no code: with [`Tables::tpidrprw_in_tpidrurw`](crate::Tables) a read of TPIDRPRW becomes a read of
//! TPIDRURW, which does not trap. The guest's own reads of TPIDRURW are replaced then, so in a page that was scanned there is
//! no doubt; but a guest that copies this one by reading it copies a read of TPIDRURW. [`Page`](crate::Page) has the original.
//!
//! *Rejected*: T32 SVC as a code, for 8 bits hold little, and it could not be told from the guest's. A table of originals
//! for each page: a trap would search it, and copied code would be lost.

mod a32;
mod hot;
mod t32;

pub use a32::{decode_a32, encode_a32};
pub(crate) use a32::{encode_decoded as encode_decoded_a32, with_condition};
pub(crate) use hot::tpidrprw_as_tpidrurw;
pub use hot::{Cp15, code_a32};
pub use t32::{T32, decode_t32, encode_t32};
pub(crate) use t32::{encode_decoded as encode_decoded_t32, udf_wide};

use nex_decode::{DpOp, Hint, Imod, MsrSource, Offset, Operand2, ShiftKind, ShiftedReg, Unprivileged, Walk};

/// Bits that make an SVC of a condition and an immediate.
pub(crate) const SVC: u32 = 0x0f00_0000;
/// The first constant of an A32 SVC that is a code.
pub(crate) const FIRST_CODE: u32 = 0x40_0000;
/// A32: the original is in the record of the page.
pub(crate) const A32_RECORD: u32 = 0xfe_0000;
/// T32, wide: the original is in the record of the page.
pub(crate) const T32_RECORD: u32 = 0xe000;
/// T32, narrow: the first half of an instruction whose second half is in another page.
pub(crate) const T16_STRADDLE: u16 = 0xdee0;
/// T32, narrow: the original is in the record of the page.
pub(crate) const T16_RECORD: u16 = 0xdee1;

/// What is to be done about an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoded<T> {
    /// Nothing: it may stay.
    Stays,
    /// It is replaced by this one, of the same length.
    Code(T),
    /// It has no code of its own: it goes to the table of [`Interned`](crate::Interned) originals.
    Intern,
}

/// A code, taken apart for the handler of the trap.
///
/// The fields are those of the original; only the ranges given are promised, since a guest may execute any SVC or UDF. The
/// condition is for the caller to see to: an A32 SVC whose condition fails does not trap; a T32 UDF in an IT block may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// No code: an SVC or UDF of the guest's own.
    Guest,
    /// MRS.
    Mrs {
        /// From the SPSR.
        spsr: bool,
        /// The destination, 0..=15.
        rd: u8,
    },
    /// MSR.
    Msr {
        /// To the SPSR.
        spsr: bool,
        /// The fields, 0..=15: f, s, x, c from bit 3 down.
        mask: u8,
        /// The value; a register is 0..=15.
        source: MsrSource,
    },
    /// CPS.
    Cps {
        /// What happens to the named masks.
        imod: Imod,
        /// The named masks: A is bit 2, I is bit 1, F is bit 0.
        masks: u8,
        /// The new mode, five bits.
        mode: Option<u8>,
    },
    /// SRS.
    Srs {
        /// The mode whose stack it is, five bits.
        mode: u8,
        /// How it walks.
        walk: Walk,
        /// The stack pointer is written back.
        wback: bool,
    },
    /// RFE.
    Rfe {
        /// The base, 0..=15.
        rn: u8,
        /// How it walks.
        walk: Walk,
        /// The base is written back.
        wback: bool,
    },
    /// LDM `^` with PC.
    LdmReturn {
        /// The base, 0..=15.
        rn: u8,
        /// The registers; bit 15 is set.
        list: u16,
        /// How it walks.
        walk: Walk,
        /// The base is written back.
        wback: bool,
    },
    /// LDM `^` without PC.
    LdmUser {
        /// The base, 0..=15.
        rn: u8,
        /// The registers; bit 15 is clear.
        list: u16,
        /// How it walks.
        walk: Walk,
    },
    /// STM `^`.
    StmUser {
        /// The base, 0..=15.
        rn: u8,
        /// The registers.
        list: u16,
        /// How it walks.
        walk: Walk,
    },
    /// Data-processing with S and the PC as its destination: an exception return.
    DpPcS {
        /// The operation.
        op: DpOp,
        /// The first operand, 0..=15.
        rn: u8,
        /// The second operand.
        op2: Operand2,
    },
    /// LDRT and its family.
    Unprivileged(Unprivileged),
    /// MRC or MCR of a register that is accessed often.
    Cp15 {
        /// Which.
        reg: Cp15,
        /// MRC; else MCR.
        read: bool,
        /// The core register, 0..=15.
        rt: u8,
    },
    /// A hint.
    Hint(Hint),
    /// The original is entry number so and so of the domain's table for this instruction set. If there is no such entry,
    /// it is the guest's own SVC or UDF.
    Interned(u16),
    /// The record of the page says what is here: [`Page::site`](crate::Page::site). If there is nothing, it is the guest's
    /// own.
    Record,
    /// The first halfword of a 32-bit T32 instruction; the second is in the next page, as the guest maps it.
    /// [`Page::site`](crate::Page::site) has the first one.
    Straddle,
}

impl Code {
    /// Takes an A32 SVC apart; bits 31..=24 are ignored.
    pub fn of_a32(word: u32) -> Code {
        a32::of(word & 0x00ff_ffff)
    }

    /// Takes a T32 UDF of 32 bits apart, first halfword in bits 31..=16; [`Code::Guest`] for anything else.
    pub fn of_t32_wide(word: u32) -> Code {
        if t32::is_udf_wide(word) { t32::of_wide(t32::udf_imm(word)) } else { Code::Guest }
    }

    /// Takes a T32 UDF of 16 bits apart; [`Code::Guest`] for anything else.
    pub fn of_t32_narrow(half: u16) -> Code {
        if half >> 8 == 0xde { t32::of_narrow(half as u8) } else { Code::Guest }
    }
}

fn bit(word: u32, n: u32) -> bool {
    word >> n & 1 == 1
}

fn reg(word: u32, low: u32) -> u8 {
    (word >> low & 0xf) as u8
}

/// P and U in bits `low + 1` and `low`.
fn walk(word: u32, low: u32) -> Walk {
    Walk { before: bit(word, low + 1), increment: bit(word, low) }
}

fn mrs(fields: u32) -> Code {
    Code::Mrs { spsr: bit(fields, 4), rd: reg(fields, 0) }
}

fn msr_register(fields: u32) -> Code {
    Code::Msr { spsr: bit(fields, 8), mask: reg(fields, 4), source: MsrSource::Reg(reg(fields, 0)) }
}

fn cps(fields: u32) -> Code {
    let imod = match fields >> 9 & 3 {
        2 => Imod::Enable,
        3 => Imod::Disable,
        _ => Imod::Keep,
    };
    let mode = bit(fields, 8).then_some((fields & 0x1f) as u8);
    Code::Cps { imod, masks: (fields >> 5 & 7) as u8, mode }
}

fn srs(fields: u32) -> Code {
    Code::Srs { mode: (fields & 0x1f) as u8, walk: walk(fields, 10), wback: bit(fields, 9) }
}

fn rfe(fields: u32) -> Code {
    Code::Rfe { rn: reg(fields, 0), walk: walk(fields, 10), wback: bit(fields, 9) }
}

fn hint(number: u32) -> Option<Hint> {
    Some(match number {
        1 => Hint::Yield,
        2 => Hint::Wfe,
        3 => Hint::Wfi,
        4 => Hint::Sev,
        _ => return None,
    })
}

fn hint_number(hint: Hint) -> u32 {
    match hint {
        Hint::Yield => 1,
        Hint::Wfe => 2,
        Hint::Wfi => 3,
        Hint::Sev => 4,
    }
}

fn plain(rm: u8) -> Operand2 {
    Operand2::Reg(ShiftedReg { rm, kind: ShiftKind::Lsl, amount: 0 })
}

/// Kinds 0..=7: LDRT, STRT, LDRBT, STRBT, LDRHT, STRHT, LDRSBT, LDRSHT.
fn unprivileged(fields: u32) -> Option<Unprivileged> {
    let (load, size_bytes, signed) = match fields >> 8 {
        0 => (true, 4, false),
        1 => (false, 4, false),
        2 => (true, 1, false),
        3 => (false, 1, false),
        4 => (true, 2, false),
        5 => (false, 2, false),
        6 => (true, 1, true),
        7 => (true, 2, true),
        _ => return None,
    };
    let (rt, rn) = (reg(fields, 4), reg(fields, 0));
    Some(Unprivileged {
        load,
        size_bytes,
        signed,
        rt,
        rn,
        offset: Offset::Imm(0),
        add: true,
        postindex: true,
    })
}
