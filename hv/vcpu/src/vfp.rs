//! Access to VFP and Advanced SIMD: what CPACR and FPEXC allow (DDI 0406C B1.11, B4.1.40, B4.1.57).
//!
//! The hypervisor keeps the real unit switched off until a guest uses it. An instruction that then traps is either
//! allowed, and the unit is given to the guest and the instruction repeated, or undefined for the guest as well.

use crate::psr::Privilege;

/// A system register of the VFP, as VMRS and VMSR name it (DDI 0406C B9.3.21, A2.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VfpReg {
    /// FPSID, read-only.
    Fpsid,
    /// FPSCR: not a system register for this purpose, needs FPEXC.EN and is allowed in User mode.
    Fpscr,
    /// MVFR1, read-only.
    Mvfr1,
    /// MVFR0, read-only.
    Mvfr0,
    /// FPEXC.
    Fpexc,
}

impl VfpReg {
    /// The register with the number `reg` (4 bits) in VMRS and VMSR, or `None`: undefined. FPINST and FPINST2 belong to a
    /// VFP subarchitecture that these cores do not have.
    pub const fn from_number(reg: u8) -> Option<Self> {
        Some(match reg {
            0 => Self::Fpsid,
            1 => Self::Fpscr,
            6 => Self::Mvfr1,
            7 => Self::Mvfr0,
            8 => Self::Fpexc,
            _ => return None,
        })
    }
}

/// What an instruction wants of the unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VfpUse {
    /// Any VFP instruction that is not VMRS or VMSR: arithmetic, loads, transfers.
    Vfp {
        /// Names one of d16 to d31.
        high_registers: bool,
    },
    /// An Advanced SIMD instruction (the CP10 and CP11 transfers they share with VFP are [`VfpUse::Vfp`]).
    Simd {
        /// Names one of d16 to d31.
        high_registers: bool,
    },
    /// VMRS or VMSR.
    System(VfpReg),
}

/// CPACR: the cp10 and cp11 fields.
pub const CPACR_VFP: u32 = 0xf << 20;
/// CPACR.D32DIS: d16 to d31 are undefined.
pub const CPACR_D32DIS: u32 = 1 << 30;
/// CPACR.ASEDIS: Advanced SIMD is undefined.
pub const CPACR_ASEDIS: u32 = 1 << 31;
/// FPEXC.EN.
pub const FPEXC_EN: u32 = 1 << 30;

/// Whether the guest may do `wanted` at `privilege`, with these CPACR and FPEXC. False means undefined.
///
/// The cp10 and cp11 fields are to be equal; where they are not, which is UNPREDICTABLE, both must allow the access.
/// 0b10, which is reserved, denies.
pub const fn allowed(wanted: VfpUse, privilege: Privilege, cpacr: u32, fpexc: u32) -> bool {
    let (cp10, cp11) = (cpacr >> 20 & 3, cpacr >> 22 & 3);
    let coprocessor = match privilege {
        Privilege::Pl0 => cp10 == 3 && cp11 == 3,
        Privilege::Pl1 => cp10 & 1 == 1 && cp11 & 1 == 1,
    };
    if !coprocessor {
        return false;
    }
    let enabled = fpexc & FPEXC_EN != 0;
    let (d32, simd) = (cpacr & CPACR_D32DIS == 0, cpacr & CPACR_ASEDIS == 0);
    match wanted {
        VfpUse::System(VfpReg::Fpscr) => enabled,
        VfpUse::System(_) => matches!(privilege, Privilege::Pl1),
        VfpUse::Vfp { high_registers } => enabled && (d32 || !high_registers),
        VfpUse::Simd { high_registers } => enabled && simd && (d32 || !high_registers),
    }
}
