//! Program status registers, modes, conditions and the IT state (DDI 0406C B1.3, A8.3, A2.5.2).

use nex_decode::{Cond, it_advance};

/// A processor mode that the virtual CPU has (DDI 0406C B1.3.1). Monitor and Hyp do not exist: the Security and
/// Virtualization Extensions are not offered. The number is the M field of a PSR.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Mode {
    /// User: the only unprivileged mode.
    Usr = 0x10,
    /// FIQ: has its own r8 to r14.
    Fiq = 0x11,
    /// IRQ.
    Irq = 0x12,
    /// Supervisor: entered by SVC and at reset.
    Svc = 0x13,
    /// Abort.
    Abt = 0x17,
    /// Undefined.
    Und = 0x1b,
    /// System: privileged, with the registers of User mode and no SPSR.
    Sys = 0x1f,
}

impl Mode {
    /// All modes, in the order of their numbers.
    pub const ALL: [Self; 7] = [Self::Usr, Self::Fiq, Self::Irq, Self::Svc, Self::Abt, Self::Und, Self::Sys];

    /// The mode that the M field (the low five bits of `bits`) names, or `None` if there is no such mode here.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits & Psr::MODE {
            0x10 => Some(Self::Usr),
            0x11 => Some(Self::Fiq),
            0x12 => Some(Self::Irq),
            0x13 => Some(Self::Svc),
            0x17 => Some(Self::Abt),
            0x1b => Some(Self::Und),
            0x1f => Some(Self::Sys),
            _ => None,
        }
    }

    /// The M field.
    pub const fn bits(self) -> u32 {
        self as u32
    }

    /// True in every mode but User.
    pub const fn is_privileged(self) -> bool {
        !matches!(self, Self::Usr)
    }

    /// True for the modes that exceptions are taken to: they have an SPSR.
    pub const fn has_spsr(self) -> bool {
        !matches!(self, Self::Usr | Self::Sys)
    }

    /// The privilege level.
    pub const fn privilege(self) -> Privilege {
        if self.is_privileged() { Privilege::Pl1 } else { Privilege::Pl0 }
    }
}

/// A privilege level of the virtual CPU (DDI 0406C A3.6.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Privilege {
    /// User mode.
    Pl0,
    /// Every other mode.
    Pl1,
}

/// A program status register: CPSR or an SPSR (DDI 0406C B1.3.3).
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Psr(pub u32);

impl Psr {
    /// Negative.
    pub const N: u32 = 1 << 31;
    /// Zero.
    pub const Z: u32 = 1 << 30;
    /// Carry.
    pub const C: u32 = 1 << 29;
    /// Overflow.
    pub const V: u32 = 1 << 28;
    /// Saturation.
    pub const Q: u32 = 1 << 27;
    /// Jazelle, or with T ThumbEE.
    pub const J: u32 = 1 << 24;
    /// Greater-or-equal flags of the parallel instructions, 4 bits.
    pub const GE: u32 = 0xf << 16;
    /// Big-endian data.
    pub const E: u32 = 1 << 9;
    /// Asynchronous aborts are masked.
    pub const A: u32 = 1 << 8;
    /// IRQ is masked.
    pub const I: u32 = 1 << 7;
    /// FIQ is masked.
    pub const F: u32 = 1 << 6;
    /// T32 (Thumb) instructions.
    pub const T: u32 = 1 << 5;
    /// The mode field.
    pub const MODE: u32 = 0x1f;
    /// The IT state: bits 15..10 are IT\[7:2\], bits 26..25 IT\[1:0\].
    pub const IT: u32 = 0x0600_fc00;
    /// The condition flags N, Z, C, V and Q.
    pub const FLAGS: u32 = 0xf800_0000;
    /// Bits that execution state is kept in: MRS reads them as zero, and only exception returns write them.
    pub const EXECUTION: u32 = Self::IT | Self::J | Self::T;
    /// What unprivileged code may have in its own hands: flags, GE, execution state and E. The hypervisor lets the guest
    /// run with these bits in the real CPSR, whatever the guest's mode.
    pub const LIVE: u32 = Self::FLAGS | Self::GE | Self::EXECUTION | Self::E;
    /// Every bit that means something; 23..20 are reserved.
    pub const DEFINED: u32 = 0xff0f_ffff;

    /// The mode, or `None` if the field holds no mode of this CPU (possible in an SPSR only).
    pub const fn mode(self) -> Option<Mode> {
        Mode::from_bits(self.0)
    }

    /// True if the bit or all bits in `mask` are set.
    pub const fn has(self, mask: u32) -> bool {
        self.0 & mask == mask
    }

    /// True in T32 (or ThumbEE) state.
    pub const fn is_thumb(self) -> bool {
        self.has(Self::T)
    }

    /// The eight bits of ITSTATE (DDI 0406C A2.5.2); 0 outside an IT block.
    pub const fn it(self) -> u8 {
        ((self.0 >> 8 & 0xfc) | (self.0 >> 25 & 3)) as u8
    }

    /// The same PSR with the IT state `it`.
    #[must_use]
    pub const fn with_it(self, it: u8) -> Self {
        Self(self.0 & !Self::IT | (it as u32 & 0xfc) << 8 | (it as u32 & 3) << 25)
    }

    /// The condition, 4 bits, that the T32 instruction at PC has by way of the IT block: AL outside one.
    pub const fn it_condition(self) -> u8 {
        let it = self.it();
        if it & 0xf == 0 { 0xe } else { it >> 4 }
    }

    /// What MRS gives for the CPSR: the execution state reads as zero (DDI 0406C B9.3.8).
    pub const fn visible(self) -> u32 {
        self.0 & 0xf8ff_03df
    }
}

impl core::fmt::Debug for Psr {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Psr({:#010x})", self.0)
    }
}

/// Whether an instruction with the condition field `cond` (4 bits) executes (DDI 0406C A8.3, ConditionPassed). 0b1111 is
/// "always": the unconditional space.
pub const fn condition_passed(psr: Psr, cond: u8) -> bool {
    Cond::from_bits(cond as u32).holds(psr.0)
}

/// The PSR after one T32 instruction has been done or skipped: the IT state moves on (DDI 0406C A2.5.2, ITAdvance).
/// Nothing changes outside an IT block, so it may be called in A32 state as well.
#[must_use]
#[inline]
pub const fn advance_it(psr: Psr) -> Psr {
    Psr(it_advance(psr.0))
}
