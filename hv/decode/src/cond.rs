//! Conditions and the T32 IT state (DDI 0406C A8.3, A2.5.2).

/// A condition code, the four bits `cond` of an instruction.
///
/// 0b1111 never appears: A32 instructions of the unconditional space are given as [`Cond::AL`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cond(u8);

impl Cond {
    /// Always.
    pub const AL: Cond = Cond(14);

    /// From four bits; 0b1111 gives [`Cond::AL`], as the manual's ConditionPassed() treats it. Higher bits are ignored.
    pub const fn from_bits(bits: u32) -> Cond {
        if bits & 0xf == 0xf { Cond::AL } else { Cond((bits & 0xf) as u8) }
    }

    /// The four bits, 0..=14.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the instruction runs whatever the flags are.
    pub const fn is_always(self) -> bool {
        self.0 == 14
    }

    /// Whether the condition holds with the N, Z, C, V flags (bits 31..=28) of `cpsr`.
    pub const fn holds(self, cpsr: u32) -> bool {
        let n = cpsr >> 31 & 1 == 1;
        let z = cpsr >> 30 & 1 == 1;
        let c = cpsr >> 29 & 1 == 1;
        let v = cpsr >> 28 & 1 == 1;
        let base = match self.0 >> 1 {
            0 => z,
            1 => c,
            2 => n,
            3 => v,
            4 => c && !z,
            5 => n == v,
            6 => n == v && !z,
            _ => return true,
        };
        base != (self.0 & 1 == 1)
    }
}

/// The IT state of T32 code: CPSR.IT\[7:0\].
///
/// Bits 7..=5 are the base condition, bits 4..=0 the rest of the block; zero outside an IT block. Outside T32 code it
/// is zero as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ItState(u8);

const CPSR_IT_LOW: u32 = 0b11 << 25;
const CPSR_IT_HIGH: u32 = 0b11_1111 << 10;

impl ItState {
    /// Outside an IT block.
    pub const NONE: ItState = ItState(0);

    /// The state that the bits of a CPSR or SPSR say: IT\[1:0\] in bits 26..=25, IT\[7:2\] in bits 15..=10.
    pub const fn from_psr(psr: u32) -> ItState {
        ItState(((psr >> 25 & 0b11) | (psr >> 8 & 0b1111_1100)) as u8)
    }

    /// `psr` with its IT bits replaced by this state.
    pub const fn to_psr(self, psr: u32) -> u32 {
        let it = self.0 as u32;
        psr & !(CPSR_IT_LOW | CPSR_IT_HIGH) | (it & 0b11) << 25 | (it & 0b1111_1100) << 8
    }

    /// The eight bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the instruction at this state is inside an IT block.
    pub const fn in_block(self) -> bool {
        self.0 & 0xf != 0
    }

    /// Whether the instruction at this state is the last one of an IT block.
    pub const fn is_last(self) -> bool {
        self.0 & 0xf == 0b1000
    }

    /// The condition of the instruction at this state: [`Cond::AL`] outside an IT block.
    pub const fn cond(self) -> Cond {
        if self.in_block() { Cond::from_bits(self.0 as u32 >> 4) } else { Cond::AL }
    }

    /// The state after an instruction that is not IT itself, the manual's ITAdvance().
    #[must_use]
    pub const fn advance(self) -> ItState {
        if self.0 & 0b111 == 0 { ItState(0) } else { ItState(self.0 & 0b1110_0000 | self.0 << 1 & 0b1_1111) }
    }

    /// The state after the T32 instruction whose first halfword is `first`: that of the new block after IT, else one
    /// step on.
    #[must_use]
    pub const fn after(self, first: u16) -> ItState {
        if is_it(first) { ItState(first as u8) } else { self.advance() }
    }
}

/// `psr` with its IT state advanced by one instruction: for the monitor that has carried out a T32 instruction and goes on
/// behind it. For A32 code, whose IT bits are zero, nothing changes.
#[inline]
pub const fn it_advance(psr: u32) -> u32 {
    // Nearly always, and this is on the way of every emulated instruction.
    if psr & (CPSR_IT_LOW | CPSR_IT_HIGH) == 0 {
        return psr;
    }
    ItState::from_psr(psr).advance().to_psr(psr)
}

/// Whether a T32 halfword is the IT instruction (and not a hint, which has a zero mask).
pub(crate) const fn is_it(first: u16) -> bool {
    first & 0xff00 == 0xbf00 && first & 0xf != 0
}
