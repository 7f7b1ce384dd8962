//! Faults of the guest's MMU and the fault registers they leave (DDI 0406C B3.12, B3.13).
//!
//! DFSR and IFSR have two formats. TTBCR.EAE chooses, also while the MMU is off (B3.13.2, B3.13.3):
//!
//! | bit | short | long |
//! | --- | --- | --- |
//! | 13 | CM (DFSR, CPUs with LPAE) | CM (DFSR) |
//! | 12 | ExT | ExT |
//! | 11 | WnR (DFSR) | WnR (DFSR) |
//! | 10 | FS\[4\] | |
//! | 9 | 0 | 1 |
//! | 7..4 | Domain (DFSR) | STATUS\[5:4\] in 5..4 |
//! | 3..0 | FS\[3:0\] | STATUS\[3:0\] |

use crate::regs::{Features, Registers};
use crate::walk::Abort;
use core::fmt;
use nex_mm::Gva;
use nex_mm::fault::{FaultKind as ShortKind, FaultStatus, Level};

/// What went wrong. If several things are wrong the first one in the order of [`crate::walk`] counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Unaligned, where the instruction, SCTLR.A or the memory type forbids it.
    Alignment,
    /// Nothing is mapped, or walks through this TTBR are disabled.
    Translation,
    /// The access flag is clear.
    AccessFlag,
    /// DACR forbids the domain. Short descriptors only.
    Domain,
    /// The access permissions or execute-never forbid it.
    Permission,
    /// A table lies where there is no memory.
    ExternalOnWalk,
    /// The address was translated, and there is no memory at the result.
    External,
}

/// How the access came about, for DFSR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// A load.
    Read,
    /// A store, SWP or store-exclusive.
    Write,
    /// A cache maintenance or address translation operation: reported as a write, with CM.
    Maintenance,
}

/// A fault that the guest gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// The address of the access: DFAR or IFAR.
    pub va: Gva,
    /// Level of the descriptor concerned: 1..=2 short, 1..=3 long; 1 for an alignment fault and an external abort.
    pub level: u8,
    /// The domain, or 0 if the walk had not read it. 0..=15.
    pub domain: u8,
    /// ExT: the bus answered "slave error" rather than "decode error". `false` except in external aborts.
    pub slave_error: bool,
    /// Reported in the long format.
    pub long: bool,
}

impl Fault {
    /// A fault without level or domain.
    pub(crate) const fn new(regs: &Registers, kind: FaultKind, va: Gva) -> Self {
        Self { kind, va, level: 1, domain: 0, slave_error: false, long: regs.long() }
    }

    /// The external abort for an access at `va` that was translated to where there is no memory, or to a device that
    /// refused it.
    pub const fn external(regs: &Registers, va: Gva, abort: Abort) -> Self {
        let mut fault = Self::new(regs, FaultKind::External, va);
        fault.slave_error = matches!(abort, Abort::Slave);
        fault
    }

    /// The 5-bit FS of the short format (table B3-23). Levels above 2 do not occur with it.
    pub const fn fs(&self) -> u8 {
        self.short_kind().fs()
    }

    const fn short_kind(&self) -> ShortKind {
        let level = if self.level == 1 { Level::Section } else { Level::Page };
        match self.kind {
            FaultKind::Alignment => ShortKind::Alignment,
            FaultKind::Translation => ShortKind::Translation(level),
            FaultKind::AccessFlag => ShortKind::AccessFlag(level),
            FaultKind::Domain => ShortKind::Domain(level),
            FaultKind::Permission => ShortKind::Permission(level),
            FaultKind::ExternalOnWalk => ShortKind::ExternalOnWalk(level),
            FaultKind::External => ShortKind::External,
        }
    }

    /// The 6-bit STATUS of the long format (table B3-24). That format has no domain faults.
    pub const fn status(&self) -> u8 {
        let level = self.level & 3;
        match self.kind {
            FaultKind::Translation => 0b00_0100 | level,
            FaultKind::AccessFlag => 0b00_1000 | level,
            FaultKind::Domain | FaultKind::Permission => 0b00_1100 | level,
            FaultKind::External => 0b01_0000,
            FaultKind::ExternalOnWalk => 0b01_0100 | level,
            FaultKind::Alignment => 0b10_0001,
        }
    }

    /// Whether the manual promises the domain in DFSR (B3.13.3, DataAbort in B3.19): for domain faults, for
    /// second-level translation and access flag faults and external aborts on a walk, and without LPAE for permission
    /// faults. In all other cases it is UNKNOWN to software.
    pub const fn domain_is_valid(&self, features: Features) -> bool {
        !self.long
            && match self.kind {
                FaultKind::Domain => true,
                FaultKind::Translation | FaultKind::AccessFlag | FaultKind::ExternalOnWalk => self.level == 2,
                FaultKind::Permission => !features.lpae,
                FaultKind::Alignment | FaultKind::External => false,
            }
    }

    /// DFSR, for a data abort. DFAR is [`va`](Self::va).
    pub const fn dfsr(&self, cause: Cause, features: Features) -> u32 {
        let write = !matches!(cause, Cause::Read);
        let cache_maintenance = matches!(cause, Cause::Maintenance) && features.lpae;
        if self.long {
            1 << 9
                | self.status() as u32
                | (write as u32) << 11
                | (self.slave_error as u32) << 12
                | (cache_maintenance as u32) << 13
        } else {
            self.short_raw(self.domain, write, cache_maintenance)
        }
    }

    /// IFSR, for a prefetch abort. IFAR is [`va`](Self::va).
    pub const fn ifsr(&self) -> u32 {
        if self.long {
            1 << 9 | self.status() as u32 | (self.slave_error as u32) << 12
        } else {
            self.short_raw(0, false, false)
        }
    }

    const fn short_raw(&self, domain: u8, write: bool, cache_maintenance: bool) -> u32 {
        let status = FaultStatus {
            kind: self.short_kind(),
            domain,
            write,
            external: self.slave_error,
            cache_maintenance,
        };
        status.to_raw()
    }
}

impl Fault {
    /// What went wrong, without the address.
    pub const fn without_address(&self) -> impl fmt::Display + use<> {
        WithoutAddress(*self)
    }
}

struct WithoutAddress(Fault);

impl fmt::Display for WithoutAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(fault) = self;
        f.write_str(match fault.kind {
            FaultKind::Alignment => "alignment fault",
            FaultKind::Translation => "translation fault",
            FaultKind::AccessFlag => "access flag fault",
            FaultKind::Domain => "domain fault",
            FaultKind::Permission => "permission fault",
            FaultKind::ExternalOnWalk => "external abort on a table walk",
            FaultKind::External => "external abort",
        })?;
        if !matches!(fault.kind, FaultKind::Alignment | FaultKind::External) {
            write!(f, ", level {}", fault.level)?;
        }
        if fault.kind == FaultKind::Domain {
            write!(f, ", domain {}", fault.domain)?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at {}", self.without_address(), self.va)
    }
}
