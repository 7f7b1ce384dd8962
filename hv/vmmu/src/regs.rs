//! The guest's translation registers.

/// What the guest's CPU has. LPAE may be offered on a host that has none; its ID registers then do not say so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// Large Physical Address Extension: TTBCR.EAE and the long-descriptor format exist.
    pub lpae: bool,
    /// PXN in short descriptors (ID_MMFR0\[3:0\] >= 4).
    pub pxn: bool,
    /// SCTLR.WXN and UWXN exist, and unaligned accesses to Device memory fault: both came with the Virtualization
    /// Extensions (Cortex-A7, A15). Without them the bits are ignored, and such accesses are not checked.
    pub wxn: bool,
}

impl Features {
    /// Cortex-A9.
    pub const CORTEX_A9: Self = Self { lpae: false, pxn: false, wxn: false };
    /// Cortex-A7 and A15.
    pub const CORTEX_A15: Self = Self { lpae: true, pxn: true, wxn: true };

    /// Whether short descriptors have PXN.
    pub const fn short_pxn(self) -> bool {
        self.pxn
    }
}

/// Which base register a translation came through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// TTBR0: by convention the process.
    Ttbr0,
    /// TTBR1: by convention the kernel.
    Ttbr1,
}

/// Raw values of the registers that translation depends on. All values are safe; bits without meaning are ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Registers {
    /// What the guest's CPU has.
    pub features: Features,
    /// SCTLR (B4.1.130).
    pub sctlr: u32,
    /// TTBR0; bits 63..32 count with TTBCR.EAE = 1 only (B4.1.154).
    pub ttbr0: u64,
    /// TTBR1; bits 63..32 count with TTBCR.EAE = 1 only (B4.1.155).
    pub ttbr1: u64,
    /// TTBCR (B4.1.153).
    pub ttbcr: u32,
    /// DACR (B4.1.43); not used with TTBCR.EAE = 1.
    pub dacr: u32,
    /// PRRR, or MAIR0 with TTBCR.EAE = 1: they are one register, c10 c2 0.
    pub prrr_mair0: u32,
    /// NMRR, or MAIR1 with TTBCR.EAE = 1: c10 c2 1.
    pub nmrr_mair1: u32,
    /// CONTEXTIDR (B4.1.36).
    pub contextidr: u32,
}

const SCTLR_M: u32 = 1 << 0;
const SCTLR_A: u32 = 1 << 1;
const SCTLR_I: u32 = 1 << 12;
const SCTLR_WXN: u32 = 1 << 19;
const SCTLR_UWXN: u32 = 1 << 20;
const SCTLR_EE: u32 = 1 << 25;
const SCTLR_TRE: u32 = 1 << 28;
const SCTLR_AFE: u32 = 1 << 29;
const TTBCR_A1: u32 = 1 << 22;
const TTBCR_EAE: u32 = 1 << 31;

impl Registers {
    /// Everything 0, that is, the MMU off.
    pub const fn reset(features: Features) -> Self {
        Self {
            features,
            sctlr: 0,
            ttbr0: 0,
            ttbr1: 0,
            ttbcr: 0,
            dacr: 0,
            prrr_mair0: 0,
            nmrr_mair1: 0,
            contextidr: 0,
        }
    }

    const fn sctlr_bit(&self, mask: u32) -> bool {
        self.sctlr & mask != 0
    }

    /// SCTLR.M: addresses are translated.
    pub const fn mmu_on(&self) -> bool {
        self.sctlr_bit(SCTLR_M)
    }

    /// Long descriptors are in use, and fault registers and PAR have the long format, even while the MMU is off.
    pub const fn long(&self) -> bool {
        self.features.lpae && self.ttbcr & TTBCR_EAE != 0
    }

    /// The current ASID: CONTEXTIDR\[7:0\], or with TTBCR.EAE = 1 bits 55..48 of the TTBR that TTBCR.A1 selects
    /// (B3.10.1).
    pub const fn asid(&self) -> u8 {
        if !self.long() {
            self.contextidr as u8
        } else if self.ttbcr & TTBCR_A1 == 0 {
            (self.ttbr0 >> 48) as u8
        } else {
            (self.ttbr1 >> 48) as u8
        }
    }

    /// The DACR field of `domain` (0..=15). The reserved 0b10 is no access.
    pub const fn domain_access(&self, domain: u8) -> DomainAccess {
        match self.dacr >> (2 * (domain as u32 & 0xf)) & 3 {
            0b01 => DomainAccess::Client,
            0b11 => DomainAccess::Manager,
            _ => DomainAccess::None,
        }
    }

    pub(crate) const fn strict_alignment(&self) -> bool {
        self.sctlr_bit(SCTLR_A)
    }

    pub(crate) const fn icache(&self) -> bool {
        self.sctlr_bit(SCTLR_I)
    }

    pub(crate) const fn access_flag(&self) -> bool {
        self.sctlr_bit(SCTLR_AFE)
    }

    pub(crate) const fn remap(&self) -> bool {
        self.sctlr_bit(SCTLR_TRE)
    }

    pub(crate) const fn big_endian_tables(&self) -> bool {
        self.sctlr_bit(SCTLR_EE)
    }

    pub(crate) const fn wxn(&self) -> bool {
        self.features.wxn && self.sctlr_bit(SCTLR_WXN)
    }

    pub(crate) const fn uwxn(&self) -> bool {
        self.features.wxn && self.sctlr_bit(SCTLR_UWXN)
    }

    /// The SCTLR bits that the contents of a shadow table depend on.
    pub(crate) const fn control(&self) -> u32 {
        let always = SCTLR_M | SCTLR_EE | SCTLR_TRE | SCTLR_AFE;
        self.sctlr & if self.features.wxn { always | SCTLR_WXN | SCTLR_UWXN } else { always }
    }
}

/// What DACR says of a domain (B3.7.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DomainAccess {
    /// Every access is a domain fault.
    None,
    /// Permissions are checked.
    Client,
    /// Permissions and execute-never are not checked.
    Manager,
}
