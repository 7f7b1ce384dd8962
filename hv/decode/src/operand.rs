//! Operands of decoded instructions, and the arithmetic that goes with them.

/// Kinds of shift (DDI 0406C A8.4.3). The amount that goes with it is 0..=32 as the manual's DecodeImmShift() gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShiftKind {
    /// Logical left, by 0..=31.
    Lsl,
    /// Logical right, by 1..=32.
    Lsr,
    /// Arithmetic right, by 1..=32.
    Asr,
    /// Rotate right, by 1..=31.
    Ror,
    /// Rotate right by one through the carry flag.
    Rrx,
}

/// A register shifted by a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShiftedReg {
    /// The register, 0..=15. Read as R15 it is the address of the instruction plus 8 (A32) or 4 (T32).
    pub rm: u8,
    /// How it is shifted.
    pub kind: ShiftKind,
    /// By how many bits, 0..=32; see [`ShiftKind`].
    pub amount: u8,
}

impl ShiftedReg {
    /// From the fields `type` (two bits) and `imm5` of an instruction: the manual's DecodeImmShift(). Higher
    /// bits of `kind` are ignored; `imm5` is 0..=31.
    pub const fn new(rm: u8, kind: u32, imm5: u32) -> ShiftedReg {
        let amount = imm5 as u8;
        let (kind, amount) = match (kind & 3, amount) {
            (0, n) => (ShiftKind::Lsl, n),
            (1, 0) => (ShiftKind::Lsr, 32),
            (1, n) => (ShiftKind::Lsr, n),
            (2, 0) => (ShiftKind::Asr, 32),
            (2, n) => (ShiftKind::Asr, n),
            (_, 0) => (ShiftKind::Rrx, 1),
            (_, n) => (ShiftKind::Ror, n),
        };
        ShiftedReg { rm, kind, amount }
    }

    /// The shifted value, where `value` is what the register holds and `carry` the C flag.
    pub const fn apply(self, value: u32, carry: bool) -> u32 {
        let amount = self.amount as u32;
        match self.kind {
            ShiftKind::Lsl => value << (amount & 31),
            ShiftKind::Lsr => {
                if amount >= 32 {
                    0
                } else {
                    value >> amount
                }
            }
            ShiftKind::Asr => (value as i32 >> if amount > 31 { 31 } else { amount }) as u32,
            ShiftKind::Ror => value.rotate_right(amount),
            ShiftKind::Rrx => value >> 1 | (carry as u32) << 31,
        }
    }
}

/// The second operand of a data-processing instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand2 {
    /// A constant, already expanded to 32 bits.
    Imm(u32),
    /// A shifted register.
    Reg(ShiftedReg),
}

/// The offset of a load or store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offset {
    /// In bytes, 0..=4095.
    Imm(u16),
    /// A shifted register, in bytes.
    Reg(ShiftedReg),
}

/// The operation of a data-processing instruction that writes a register, with the manual's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the mnemonics of the manual")]
pub enum DpOp {
    And = 0,
    Eor = 1,
    Sub = 2,
    Rsb = 3,
    Add = 4,
    Adc = 5,
    Sbc = 6,
    Rsc = 7,
    Orr = 12,
    Mov = 13,
    Bic = 14,
    Mvn = 15,
}

impl DpOp {
    /// From the field `opcode` of an A32 instruction; `None` for the comparisons, which write no register.
    pub(crate) const fn from_bits(opcode: u32) -> Option<DpOp> {
        Some(match opcode & 0xf {
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
            _ => return None,
        })
    }

    /// The result for first operand `a`, second operand `b` and C flag `carry`.
    ///
    /// [`DpOp::Mov`] and [`DpOp::Mvn`] have no first operand and ignore `a`.
    pub const fn apply(self, a: u32, b: u32, carry: bool) -> u32 {
        let c = carry as u32;
        match self {
            DpOp::And => a & b,
            DpOp::Eor => a ^ b,
            DpOp::Sub => a.wrapping_sub(b),
            DpOp::Rsb => b.wrapping_sub(a),
            DpOp::Add => a.wrapping_add(b),
            DpOp::Adc => a.wrapping_add(b).wrapping_add(c),
            DpOp::Sbc => a.wrapping_add(!b).wrapping_add(c),
            DpOp::Rsc => b.wrapping_add(!a).wrapping_add(c),
            DpOp::Orr => a | b,
            DpOp::Mov => b,
            DpOp::Bic => a & !b,
            DpOp::Mvn => !b,
        }
    }
}

/// How a block transfer (LDM, STM, RFE, SRS) walks memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walk {
    /// Upwards from the base (the U bit); else downwards.
    pub increment: bool,
    /// The base moves before each transfer (IB, DB), so the word at the base itself is not transferred.
    pub before: bool,
}

impl Walk {
    /// From the bits P and U of an instruction.
    pub const fn new(before: bool, increment: bool) -> Walk {
        Walk { increment, before }
    }

    /// For `words` words (0..=16) at base `base`: the lowest address transferred, at which the lowest register is, and the
    /// value of the base register after writeback. Both wrap around at the end of the address space.
    pub const fn range(self, base: u32, words: u32) -> (u32, u32) {
        let bytes = words * 4;
        if self.increment {
            (base.wrapping_add(if self.before { 4 } else { 0 }), base.wrapping_add(bytes))
        } else {
            let end = base.wrapping_sub(bytes);
            (end.wrapping_add(if self.before { 0 } else { 4 }), end)
        }
    }
}

/// The constant of an A32 data-processing or MSR instruction: eight bits rotated right by twice four bits (A5.2.4).
pub(crate) const fn a32_imm(word: u32) -> u32 {
    (word & 0xff).rotate_right((word >> 8 & 0xf) * 2)
}
