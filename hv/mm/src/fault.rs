//! Fault status registers DFSR and IFSR in the short-descriptor format (DDI 0406C B3.13.3, table B3-23; B4.1.51 DFSR,
//! B4.1.96 IFSR). The status is 5 bits, FS\[4\] in bit 10 and FS\[3:0\] in bits 3..0; bits 7..4 are the domain, bit 11 is
//! WnR, bit 12 ExT, bit 13 CM.

use core::fmt;

/// Which first- or second-level entry a fault is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// First level: a section, or the pointer to a second-level table.
    Section,
    /// Second level: a large or small page.
    Page,
}

/// What went wrong: the meaning of FS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Unaligned access that must be aligned; data only.
    Alignment,
    /// A breakpoint or watchpoint.
    DebugEvent,
    /// The access flag is clear (SCTLR.AFE = 1 only).
    AccessFlag(Level),
    /// Instruction cache maintenance by an address that does not translate; data only, where IFSR has the real cause.
    IcacheMaintenance,
    /// Nothing is mapped.
    Translation(Level),
    /// The bus refused the access.
    External,
    /// The DACR forbids the domain.
    Domain(Level),
    /// The bus refused a table walk's read, at this level.
    ExternalOnWalk(Level),
    /// The access permissions, or XN, forbid it.
    Permission(Level),
    /// Two TLB entries match.
    TlbConflict,
    /// Cache or TLB lockdown (implementation defined).
    Lockdown,
    /// The bus reported an error later, for an access that is long past; data only.
    AsyncExternal,
    /// A coprocessor aborted (implementation defined).
    Coprocessor,
    /// A parity error was reported later; data only.
    AsyncParity,
    /// Parity error on the access.
    Parity,
    /// Parity error on a table walk's read, at this level.
    ParityOnWalk(Level),
    /// A reserved encoding: FS, 5 bits. Never holds an encoding that has a name above.
    Unknown(u8),
}

impl FaultKind {
    /// The kind that the 5-bit status `fs` stands for; higher bits are ignored.
    pub const fn from_fs(fs: u8) -> Self {
        match fs & 0x1f {
            0b0_0001 => Self::Alignment,
            0b0_0010 => Self::DebugEvent,
            0b0_0011 => Self::AccessFlag(Level::Section),
            0b0_0110 => Self::AccessFlag(Level::Page),
            0b0_0100 => Self::IcacheMaintenance,
            0b0_0101 => Self::Translation(Level::Section),
            0b0_0111 => Self::Translation(Level::Page),
            0b0_1000 => Self::External,
            0b0_1001 => Self::Domain(Level::Section),
            0b0_1011 => Self::Domain(Level::Page),
            0b0_1100 => Self::ExternalOnWalk(Level::Section),
            0b0_1110 => Self::ExternalOnWalk(Level::Page),
            0b0_1101 => Self::Permission(Level::Section),
            0b0_1111 => Self::Permission(Level::Page),
            0b1_0000 => Self::TlbConflict,
            0b1_0100 => Self::Lockdown,
            0b1_0110 => Self::AsyncExternal,
            0b1_1010 => Self::Coprocessor,
            0b1_1000 => Self::AsyncParity,
            0b1_1001 => Self::Parity,
            0b1_1100 => Self::ParityOnWalk(Level::Section),
            0b1_1110 => Self::ParityOnWalk(Level::Page),
            other => Self::Unknown(other),
        }
    }

    /// The 5-bit status, the inverse of [`from_fs`](Self::from_fs); for a fault that is passed on to a guest.
    pub const fn fs(self) -> u8 {
        match self {
            Self::Alignment => 0b0_0001,
            Self::DebugEvent => 0b0_0010,
            Self::AccessFlag(Level::Section) => 0b0_0011,
            Self::AccessFlag(Level::Page) => 0b0_0110,
            Self::IcacheMaintenance => 0b0_0100,
            Self::Translation(Level::Section) => 0b0_0101,
            Self::Translation(Level::Page) => 0b0_0111,
            Self::External => 0b0_1000,
            Self::Domain(Level::Section) => 0b0_1001,
            Self::Domain(Level::Page) => 0b0_1011,
            Self::ExternalOnWalk(Level::Section) => 0b0_1100,
            Self::ExternalOnWalk(Level::Page) => 0b0_1110,
            Self::Permission(Level::Section) => 0b0_1101,
            Self::Permission(Level::Page) => 0b0_1111,
            Self::TlbConflict => 0b1_0000,
            Self::Lockdown => 0b1_0100,
            Self::AsyncExternal => 0b1_0110,
            Self::Coprocessor => 0b1_1010,
            Self::AsyncParity => 0b1_1000,
            Self::Parity => 0b1_1001,
            Self::ParityOnWalk(Level::Section) => 0b1_1100,
            Self::ParityOnWalk(Level::Page) => 0b1_1110,
            Self::Unknown(fs) => fs & 0x1f,
        }
    }

    /// Whether DFAR or IFAR holds the address concerned: not for asynchronous aborts and debug events.
    pub const fn has_address(self) -> bool {
        !matches!(self, Self::AsyncExternal | Self::AsyncParity | Self::DebugEvent | Self::Unknown(_))
    }

    /// What a table walk found missing or forbidden, that is, what better tables would mend.
    pub const fn is_mmu_fault(self) -> bool {
        matches!(self, Self::Translation(_) | Self::AccessFlag(_) | Self::Domain(_) | Self::Permission(_))
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alignment => "alignment fault",
            Self::DebugEvent => "debug event",
            Self::AccessFlag(Level::Section) => "section access flag fault",
            Self::AccessFlag(Level::Page) => "page access flag fault",
            Self::IcacheMaintenance => "instruction cache maintenance fault",
            Self::Translation(Level::Section) => "section translation fault",
            Self::Translation(Level::Page) => "page translation fault",
            Self::External => "external abort",
            Self::Domain(Level::Section) => "section domain fault",
            Self::Domain(Level::Page) => "page domain fault",
            Self::ExternalOnWalk(Level::Section) => "external abort on first-level walk",
            Self::ExternalOnWalk(Level::Page) => "external abort on second-level walk",
            Self::Permission(Level::Section) => "section permission fault",
            Self::Permission(Level::Page) => "page permission fault",
            Self::TlbConflict => "TLB conflict",
            Self::Lockdown => "lockdown abort",
            Self::AsyncExternal => "asynchronous external abort",
            Self::Coprocessor => "coprocessor abort",
            Self::AsyncParity => "asynchronous parity error",
            Self::Parity => "parity error",
            Self::ParityOnWalk(Level::Section) => "parity error on first-level walk",
            Self::ParityOnWalk(Level::Page) => "parity error on second-level walk",
            Self::Unknown(fs) => return write!(f, "unknown fault status {fs:#04x}"),
        })
    }
}

/// A fault status register, decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultStatus {
    /// What went wrong.
    pub kind: FaultKind,
    /// Domain of the address: 0..=15. Means something for domain faults and for second-level translation and access flag
    /// faults only, and is UNKNOWN after a permission fault on CPUs with LPAE. 0 in an instruction fault.
    pub domain: u8,
    /// WnR: the access was a write, or cache maintenance. `false` in an instruction fault.
    pub write: bool,
    /// ExT: implementation defined qualifier of an external abort.
    pub external: bool,
    /// CM: a cache maintenance instruction faulted (CPUs with LPAE). `false` in an instruction fault.
    pub cache_maintenance: bool,
}

impl FaultStatus {
    /// Decodes DFSR.
    pub const fn from_dfsr(raw: u32) -> Self {
        Self {
            kind: FaultKind::from_fs((raw >> 6 & 0x10 | raw & 0xf) as u8),
            domain: (raw >> 4 & 0xf) as u8,
            write: raw >> 11 & 1 == 1,
            external: raw >> 12 & 1 == 1,
            cache_maintenance: raw >> 13 & 1 == 1,
        }
    }

    /// Decodes IFSR, which has only FS and ExT.
    pub const fn from_ifsr(raw: u32) -> Self {
        // Clears the domain, WnR and CM, which are not there.
        Self::from_dfsr(raw & !(1 << 13 | 1 << 11 | 0xf0))
    }

    /// The register value, the inverse of [`from_dfsr`](Self::from_dfsr) and, for an instruction fault, of
    /// [`from_ifsr`](Self::from_ifsr).
    pub const fn to_raw(self) -> u32 {
        let fs = self.kind.fs() as u32;
        fs & 0xf
            | (fs & 0x10) << 6
            | (self.domain as u32 & 0xf) << 4
            | (self.write as u32) << 11
            | (self.external as u32) << 12
            | (self.cache_maintenance as u32) << 13
    }
}

impl fmt::Display for FaultStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.kind, f)?;
        if self.cache_maintenance {
            f.write_str(", cache maintenance")?;
        } else if self.write {
            f.write_str(", write")?;
        }
        if let FaultKind::Domain(_) = self.kind {
            write!(f, ", domain {}", self.domain)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_values() {
        let kind = |raw| FaultStatus::from_dfsr(raw).kind;
        assert_eq!(kind(0x001), FaultKind::Alignment);
        assert_eq!(kind(0x002), FaultKind::DebugEvent);
        assert_eq!(kind(0x004), FaultKind::IcacheMaintenance);
        assert_eq!(kind(0x005), FaultKind::Translation(Level::Section));
        assert_eq!(kind(0x007), FaultKind::Translation(Level::Page));
        assert_eq!(kind(0x008), FaultKind::External);
        assert_eq!(kind(0x00d), FaultKind::Permission(Level::Section));
        assert_eq!(kind(0x00f), FaultKind::Permission(Level::Page));
        assert_eq!(kind(0x406), FaultKind::AsyncExternal);
        assert_eq!(kind(0x408), FaultKind::AsyncParity);
        assert_eq!(kind(0x409), FaultKind::Parity);
        assert_eq!(kind(0x40a), FaultKind::Coprocessor);
        assert_eq!(kind(0x400), FaultKind::TlbConflict);
        assert_eq!(kind(0x000), FaultKind::Unknown(0));
        assert_eq!(kind(0x40f), FaultKind::Unknown(0x1f));
    }

    #[test]
    fn domain_is_not_part_of_the_status() {
        let read = FaultStatus::from_dfsr(0x015);
        assert_eq!((read.kind, read.domain, read.write), (FaultKind::Translation(Level::Section), 1, false));
        let domain = FaultStatus::from_dfsr(0x019);
        assert_eq!((domain.kind, domain.domain), (FaultKind::Domain(Level::Section), 1));
        let write = FaultStatus::from_dfsr(0x8fb);
        assert_eq!((write.kind, write.domain, write.write), (FaultKind::Domain(Level::Page), 15, true));
    }

    #[test]
    fn flags() {
        let write = FaultStatus::from_dfsr(0x80d);
        assert!(write.write && !write.external && write.kind == FaultKind::Permission(Level::Section));
        let external = FaultStatus::from_dfsr(0x1008);
        assert!(external.external && !external.write && external.kind == FaultKind::External);
        assert!(FaultStatus::from_dfsr(0x2805).cache_maintenance);
        let fetch = FaultStatus::from_ifsr(0x3cf5);
        assert_eq!(fetch.kind, FaultKind::Unknown(0x15));
        assert!(fetch.external && !fetch.write && !fetch.cache_maintenance && fetch.domain == 0);
    }

    #[test]
    fn every_register_value_survives() {
        // All bits the format defines, bit 9 (LPAE) being 0 in it.
        for raw in (0..1 << 14).filter(|raw| raw & 1 << 9 == 0 && raw & 1 << 8 == 0) {
            assert_eq!(FaultStatus::from_dfsr(raw).to_raw(), raw);
            assert_eq!(FaultStatus::from_ifsr(raw).to_raw(), raw & 0x140f);
        }
    }

    #[test]
    fn every_status_has_one_name() {
        let names: std::collections::BTreeSet<_> =
            (0..32).map(|fs| FaultKind::from_fs(fs).to_string()).collect();
        assert_eq!(names.len(), 32);
        assert_eq!((0..32).filter(|&fs| matches!(FaultKind::from_fs(fs), FaultKind::Unknown(_))).count(), 10);
    }

    #[test]
    fn prints() {
        let text = |raw| FaultStatus::from_dfsr(raw).to_string();
        assert_eq!(text(0x80f), "page permission fault, write");
        assert_eq!(text(0x039), "section domain fault, domain 3");
        assert_eq!(text(0x2805), "section translation fault, cache maintenance");
        assert_eq!(text(0x40f), "unknown fault status 0x1f");
    }
}
