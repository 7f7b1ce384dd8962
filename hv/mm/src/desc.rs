//! Short descriptors (DDI 0406C B3.5) as plain enums.
//!
//! Core code handles [`L1Desc`] and [`L2Desc`]; only `encode` and `decode` here know where the bits are. The law: they
//! invert each other. `decode(encode(d)) == d` for every aligned descriptor `d` with a valid domain, and
//! `encode(decode(raw))` differs from `raw` only in bits this module gives no meaning (listed at each `decode`), and in
//! the two spellings of "read-only for both" ([`Access::UserRo`]).
//!
//! Attribute encodings are those with SCTLR.TRE = 0 and SCTLR.AFE = 0 (B3.7.2, B3.8.2). The same types serve for a
//! guest's tables, where the addresses are guest physical: take `hpa.raw()` and make a [`crate::Gpa`] of it.

use crate::addr::{Hpa, LARGE_BYTES, PAGE_BYTES, SECTION_BYTES};

/// Bytes in a first-level table: 4096 entries of 4 bytes; also its alignment (TTBCR.N = 0).
pub const L1_TABLE_BYTES: u32 = 16 * 1024;
/// Bytes in a second-level table: 256 entries of 4 bytes; also its alignment.
pub const L2_TABLE_BYTES: u32 = 1024;
/// Bytes that a supersection maps, by 16 equal first-level entries.
pub const SUPERSECTION_BYTES: u32 = 16 * SECTION_BYTES;

/// Memory type and cacheability, fields TEX, C and B with TRE = 0 (B3.8.2, table B3-10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryType {
    /// Strongly-ordered; always shareable.
    StronglyOrdered,
    /// Device; always shareable.
    Device,
    /// Device, not shareable.
    DeviceNonShareable,
    /// Normal, not cacheable at any level.
    NormalNonCacheable,
    /// Normal, write-through, no allocation on write; inner and outer.
    NormalWriteThrough,
    /// Normal, write-back, no allocation on write; inner and outer.
    NormalWriteBackNoAllocate,
    /// Normal, write-back, allocation on write; inner and outer. What RAM is mapped with.
    NormalWriteBack,
    /// Any other encoding, as TEX:C:B in 5 bits: 0b1_oo_ii is Normal with outer policy `oo` and inner policy `ii`, the
    /// rest is reserved or implementation defined. Never holds an encoding that has a name above.
    Other(u8),
}

#[expect(clippy::unusual_byte_groupings, reason = "grouped as TEX and CB")]
impl MemoryType {
    /// TEX:C:B, 5 bits.
    const fn bits(self) -> u32 {
        match self {
            Self::StronglyOrdered => 0b000_00,
            Self::Device => 0b000_01,
            Self::NormalWriteThrough => 0b000_10,
            Self::NormalWriteBackNoAllocate => 0b000_11,
            Self::NormalNonCacheable => 0b001_00,
            Self::NormalWriteBack => 0b001_11,
            Self::DeviceNonShareable => 0b010_00,
            Self::Other(bits) => bits as u32 & 0x1f,
        }
    }

    const fn from_bits(bits: u32) -> Self {
        match bits {
            0b000_00 => Self::StronglyOrdered,
            0b000_01 => Self::Device,
            0b000_10 => Self::NormalWriteThrough,
            0b000_11 => Self::NormalWriteBackNoAllocate,
            0b001_00 => Self::NormalNonCacheable,
            0b001_11 => Self::NormalWriteBack,
            0b010_00 => Self::DeviceNonShareable,
            other => Self::Other(other as u8),
        }
    }

    /// Whether this is Normal memory, which alone may be cached, reordered and accessed unaligned.
    pub const fn is_normal(self) -> bool {
        match self {
            Self::StronglyOrdered | Self::Device | Self::DeviceNonShareable => false,
            Self::Other(bits) => bits & 0b100_00 != 0,
            _ => true,
        }
    }
}

/// Who may read and write, field AP\[2:0\] with AFE = 0 (B3.7.1, table B3-8). "Priv" is PL1, "user" is PL0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// No access at all (AP 0b000). The reserved 0b100 decodes to this as well.
    None,
    /// Privileged read and write, nothing for user.
    PrivRw,
    /// Privileged read-only, nothing for user.
    PrivRo,
    /// Privileged read and write, user read-only.
    PrivRwUserRo,
    /// Read and write for both.
    UserRw,
    /// Read-only for both: written as 0b111; the deprecated 0b110 decodes to this as well.
    UserRo,
}

impl Access {
    const fn bits(self) -> u32 {
        match self {
            Self::None => 0b000,
            Self::PrivRw => 0b001,
            Self::PrivRwUserRo => 0b010,
            Self::UserRw => 0b011,
            Self::PrivRo => 0b101,
            Self::UserRo => 0b111,
        }
    }

    const fn from_bits(ap: u32) -> Self {
        match ap {
            0b001 => Self::PrivRw,
            0b010 => Self::PrivRwUserRo,
            0b011 => Self::UserRw,
            0b101 => Self::PrivRo,
            0b110 | 0b111 => Self::UserRo,
            _ => Self::None,
        }
    }

    /// Whether an access of this kind is permitted (in a domain that checks permissions).
    pub const fn allows(self, user: bool, write: bool) -> bool {
        match self {
            Self::None => false,
            Self::PrivRw => !user,
            Self::PrivRo => !user && !write,
            Self::PrivRwUserRo => !(user && write),
            Self::UserRw => true,
            Self::UserRo => !write,
        }
    }

    /// The same readers, and nobody may write.
    pub const fn read_only(self) -> Self {
        match self {
            Self::PrivRw => Self::PrivRo,
            Self::PrivRwUserRo | Self::UserRw => Self::UserRo,
            other => other,
        }
    }
}

/// What a section or page descriptor says apart from address and domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attrs {
    /// Who may read and write.
    pub access: Access,
    /// Instructions may be fetched: the XN bit inverted. Fetching needs read permission as well.
    pub exec: bool,
    /// Memory type and cacheability.
    pub memory: MemoryType,
    /// The S bit: shareable, if Normal memory.
    pub shareable: bool,
    /// The nG bit inverted: the translation is the same in every address space and is not matched by ASID.
    pub global: bool,
}

/// Where the attribute fields are in one format of descriptor. TEX\[2:0\] is three bits together in all of them.
struct Layout {
    ap10: u32,
    ap2: u32,
    tex: u32,
    s: u32,
    ng: u32,
    xn: u32,
}

const SECTION: Layout = Layout { ap10: 10, ap2: 15, tex: 12, s: 16, ng: 17, xn: 4 };
const LARGE: Layout = Layout { ap10: 4, ap2: 9, tex: 12, s: 10, ng: 11, xn: 15 };
const SMALL: Layout = Layout { ap10: 4, ap2: 9, tex: 6, s: 10, ng: 11, xn: 0 };

impl Attrs {
    #[inline]
    const fn bits(self, at: Layout) -> u32 {
        let ap = self.access.bits();
        let texcb = self.memory.bits();
        (ap & 3) << at.ap10
            | ap >> 2 << at.ap2
            | texcb >> 2 << at.tex
            | (texcb & 3) << 2
            | (self.shareable as u32) << at.s
            | (!self.global as u32) << at.ng
            | (!self.exec as u32) << at.xn
    }

    #[inline]
    const fn from_bits(raw: u32, at: Layout) -> Self {
        let ap = raw >> at.ap10 & 3 | (raw >> at.ap2 & 1) << 2;
        let texcb = (raw >> at.tex & 7) << 2 | raw >> 2 & 3;
        Self {
            access: Access::from_bits(ap),
            exec: raw >> at.xn & 1 == 0,
            memory: MemoryType::from_bits(texcb),
            shareable: raw >> at.s & 1 == 1,
            global: raw >> at.ng & 1 == 0,
        }
    }
}

/// A first-level descriptor: 1 MiB of virtual address space (B3.5.1, figure B3-4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum L1Desc {
    /// Nothing is mapped. Bits 31..2 are free for software; `encode` writes zero.
    Fault,
    /// A second-level table maps the megabyte.
    Table {
        /// The table, a multiple of 1024.
        l2: Hpa,
        /// Domain of everything the table maps: 0..=15.
        domain: u8,
    },
    /// One block of 1 MiB.
    Section {
        /// A multiple of 1 MiB.
        hpa: Hpa,
        /// What may be done there.
        attrs: Attrs,
        /// 0..=15.
        domain: u8,
    },
    /// One of 16 equal entries that together map 16 MiB; the domain is 0. Nex never writes these, guests may.
    Supersection {
        /// Low 32 bits of the physical address, a multiple of 16 MiB.
        hpa: Hpa,
        /// Bits 39..32 of the physical address.
        high: u8,
        /// What may be done there.
        attrs: Attrs,
    },
}

impl L1Desc {
    /// The descriptor as hardware reads it. Low address bits that do not fit are dropped, and a domain is cut to 4 bits.
    #[inline]
    pub const fn encode(self) -> u32 {
        match self {
            Self::Fault => 0,
            Self::Table { l2, domain } => {
                l2.align_down(L2_TABLE_BYTES).raw() | (domain as u32 & 0xf) << 5 | 0b01
            }
            Self::Section { hpa, attrs, domain } => {
                hpa.align_down(SECTION_BYTES).raw() | attrs.bits(SECTION) | (domain as u32 & 0xf) << 5 | 0b10
            }
            Self::Supersection { hpa, high, attrs } => {
                hpa.align_down(SUPERSECTION_BYTES).raw()
                    | (high as u32 & 0xf) << 20
                    | (high as u32 >> 4) << 5
                    | 1 << 18
                    | attrs.bits(SECTION)
                    | 0b10
            }
        }
    }

    /// What hardware makes of `raw`. Ignored: NS (bit 3 of a table, bit 19 of a section), bit 9 (implementation defined),
    /// bit 4 of a table, and PXN, for which see [`pxn`](Self::pxn). Bits 0b11 are a section with PXN, where the CPU has
    /// that bit; on those without (Cortex-A9) the encoding is reserved.
    #[inline]
    pub const fn decode(raw: u32) -> Self {
        let domain = (raw >> 5 & 0xf) as u8;
        let at = Hpa::new(raw);
        match raw & 3 {
            0b00 => Self::Fault,
            0b01 => Self::Table { l2: at.align_down(L2_TABLE_BYTES), domain },
            _ if raw >> 18 & 1 == 0 => Self::Section {
                hpa: at.align_down(SECTION_BYTES),
                attrs: Attrs::from_bits(raw, SECTION),
                domain,
            },
            _ => Self::Supersection {
                hpa: at.align_down(SUPERSECTION_BYTES),
                high: (raw >> 20 & 0xf) as u8 | domain << 4,
                attrs: Attrs::from_bits(raw, SECTION),
            },
        }
    }

    /// Whether `raw` forbids PL1 to fetch instructions from what it maps: bit 2 of a table, bit 0 of a section or
    /// supersection. Only for CPUs that have PXN (ID_MMFR0\[3:0\] >= 4).
    #[inline]
    pub const fn pxn(raw: u32) -> bool {
        match raw & 3 {
            0b00 => false,
            0b01 => raw >> 2 & 1 == 1,
            _ => raw & 1 == 1,
        }
    }
}

/// A second-level descriptor: 4 KiB of virtual address space (B3.5.1, figure B3-5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum L2Desc {
    /// Nothing is mapped. Bits 31..2 are free for software; `encode` writes zero.
    Fault,
    /// One of 16 equal entries that together map 64 KiB.
    Large {
        /// A multiple of 64 KiB.
        hpa: Hpa,
        /// What may be done there.
        attrs: Attrs,
    },
    /// One page of 4 KiB.
    Small {
        /// A multiple of 4 KiB.
        hpa: Hpa,
        /// What may be done there.
        attrs: Attrs,
    },
}

impl L2Desc {
    /// The descriptor as hardware reads it. Low address bits that do not fit are dropped.
    #[inline]
    pub const fn encode(self) -> u32 {
        match self {
            Self::Fault => 0,
            Self::Large { hpa, attrs } => hpa.align_down(LARGE_BYTES).raw() | attrs.bits(LARGE) | 0b01,
            Self::Small { hpa, attrs } => hpa.align_down(PAGE_BYTES).raw() | attrs.bits(SMALL) | 0b10,
        }
    }

    /// What hardware makes of `raw`. Ignored: bits 8..6 of a large page, which should be zero.
    #[inline]
    pub const fn decode(raw: u32) -> Self {
        let at = Hpa::new(raw);
        match raw & 3 {
            0b00 => Self::Fault,
            0b01 => Self::Large { hpa: at.align_down(LARGE_BYTES), attrs: Attrs::from_bits(raw, LARGE) },
            _ => Self::Small { hpa: at.align_down(PAGE_BYTES), attrs: Attrs::from_bits(raw, SMALL) },
        }
    }
}

#[cfg(test)]
mod tests;
