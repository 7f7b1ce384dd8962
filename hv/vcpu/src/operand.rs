//! The arithmetic of data-processing instructions that write PC with the S bit, which are exception returns: `movs pc, lr`
//! and `subs pc, lr, #4` in practice, but any of them may be met (DDI 0406C B9.3.20). Flags come from the SPSR, so only
//! results are computed here.

/// How a register operand is shifted (DDI 0406C A8.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shift {
    /// Logical left.
    Lsl,
    /// Logical right.
    Lsr,
    /// Arithmetic right.
    Asr,
    /// Rotate right.
    Ror,
    /// Rotate right by one through the carry flag; the amount is ignored.
    Rrx,
}

impl Shift {
    /// `value` shifted by `amount`, 0 to 255 bits; `carry` is the carry flag, for RRX. An amount of 0 changes nothing:
    /// the encoding of `lsr #32` and `asr #32` as 0 is the decoder's to undo.
    pub const fn apply(self, value: u32, amount: u32, carry: bool) -> u32 {
        match self {
            Self::Lsl => {
                if amount < 32 {
                    value << amount
                } else {
                    0
                }
            }
            Self::Lsr => {
                if amount < 32 {
                    value >> amount
                } else {
                    0
                }
            }
            Self::Asr => ((value as i32) >> if amount < 32 { amount } else { 31 }) as u32,
            Self::Ror => value.rotate_right(amount % 32),
            Self::Rrx => value >> 1 | (carry as u32) << 31,
        }
    }
}

/// A data-processing operation. The numbers are the opcode field of the A32 encoding (DDI 0406C A5.2); the four
/// comparisons (8 to 11) have no destination and so never return from anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum AluOp {
    /// Rn AND operand.
    And = 0,
    /// Rn EOR operand.
    Eor = 1,
    /// Rn - operand.
    Sub = 2,
    /// operand - Rn.
    Rsb = 3,
    /// Rn + operand.
    Add = 4,
    /// Rn + operand + C.
    Adc = 5,
    /// Rn - operand - NOT C.
    Sbc = 6,
    /// operand - Rn - NOT C.
    Rsc = 7,
    /// Rn OR operand.
    Orr = 12,
    /// operand, shifts included.
    Mov = 13,
    /// Rn AND NOT operand.
    Bic = 14,
    /// NOT operand.
    Mvn = 15,
}

impl AluOp {
    /// The operation with the opcode field `opcode` (4 bits), or `None` for the comparisons.
    pub const fn from_opcode(opcode: u8) -> Option<Self> {
        Some(match opcode {
            0 => Self::And,
            1 => Self::Eor,
            2 => Self::Sub,
            3 => Self::Rsb,
            4 => Self::Add,
            5 => Self::Adc,
            6 => Self::Sbc,
            7 => Self::Rsc,
            12 => Self::Orr,
            13 => Self::Mov,
            14 => Self::Bic,
            15 => Self::Mvn,
            _ => return None,
        })
    }

    /// The result from the value of Rn, the second operand, and the carry flag.
    pub const fn result(self, rn: u32, operand: u32, carry: bool) -> u32 {
        let (c, not_c) = (carry as u32, !carry as u32);
        match self {
            Self::And => rn & operand,
            Self::Eor => rn ^ operand,
            Self::Sub => rn.wrapping_sub(operand),
            Self::Rsb => operand.wrapping_sub(rn),
            Self::Add => rn.wrapping_add(operand),
            Self::Adc => rn.wrapping_add(operand).wrapping_add(c),
            Self::Sbc => rn.wrapping_sub(operand).wrapping_sub(not_c),
            Self::Rsc => operand.wrapping_sub(rn).wrapping_sub(not_c),
            Self::Orr => rn | operand,
            Self::Mov => operand,
            Self::Bic => rn & !operand,
            Self::Mvn => !operand,
        }
    }
}
