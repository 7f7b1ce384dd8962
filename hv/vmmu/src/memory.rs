//! Memory types as the guest's descriptors and registers give them (DDI 0406C B3.8).

use crate::regs::Registers;
use nex_mm::desc::MemoryType;

/// Cache policy of Normal memory at one level, as the 2-bit fields of TTBR, NMRR and TEX encode it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cache {
    /// Not cached.
    NonCacheable = 0b00,
    /// Write-back, allocation on write.
    WriteBackAllocate = 0b01,
    /// Write-through.
    WriteThrough = 0b10,
    /// Write-back, no allocation on write.
    WriteBack = 0b11,
}

impl Cache {
    const fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0b00 => Self::NonCacheable,
            0b01 => Self::WriteBackAllocate,
            0b10 => Self::WriteThrough,
            _ => Self::WriteBack,
        }
    }

    /// A nibble of a MAIR attribute: 0b01 00 is Non-cacheable, bit 2 write-back, bit 0 write-allocate (B4.1.104).
    /// Whether it is transient (bit 3) and read-allocate are hints without effect here; 0 is UNPREDICTABLE.
    const fn from_mair(nibble: u8) -> Self {
        match nibble & 0xf {
            0b0000 | 0b0100 => Self::NonCacheable,
            n if n & 0b0100 == 0 => Self::WriteThrough,
            n if n & 1 == 1 => Self::WriteBackAllocate,
            _ => Self::WriteBack,
        }
    }
}

/// Memory type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// Strongly-ordered.
    StronglyOrdered,
    /// Device.
    Device,
    /// Normal, with its policies.
    Normal {
        /// Policy of the inner caches.
        inner: Cache,
        /// Policy of the outer caches.
        outer: Cache,
    },
}

/// Who else sees the memory coherently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shareability {
    /// Nobody.
    Non,
    /// The Inner Shareable domain.
    Inner,
    /// The Outer Shareable domain.
    Outer,
}

/// Memory type and shareability of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// The type.
    pub kind: Type,
    /// The shareability; Strongly-ordered memory is always Outer Shareable.
    pub shareability: Shareability,
}

const STRONGLY_ORDERED: Memory = Memory { kind: Type::StronglyOrdered, shareability: Shareability::Outer };

impl Memory {
    /// With the MMU off (B3.2.1): data is Strongly-ordered; fetches are Normal, write-through if SCTLR.I is 1, else not
    /// cacheable.
    pub(crate) const fn mmu_off(regs: &Registers, fetch: bool) -> Self {
        let (cache, shareability) = match (fetch, regs.icache()) {
            (false, _) => return STRONGLY_ORDERED,
            (true, false) => (Cache::NonCacheable, Shareability::Outer),
            (true, true) => (Cache::WriteThrough, Shareability::Non),
        };
        Self { kind: Type::Normal { inner: cache, outer: cache }, shareability }
    }

    /// A short descriptor's TEX:C:B (5 bits) and S, by SCTLR.TRE directly or through PRRR and NMRR.
    pub(crate) const fn short(regs: &Registers, tex_cb: u32, s: bool) -> Self {
        if regs.remap() { Self::remapped(regs, tex_cb & 7, s) } else { Self::tex(regs, tex_cb, s) }
    }

    /// Table B3-10. Whether shareable means inner or outer is not said there; it is taken as outer. Non-shareable
    /// Device memory no longer exists on a CPU with LPAE.
    #[expect(clippy::unusual_byte_groupings, reason = "grouped as TEX and CB")]
    const fn tex(regs: &Registers, tex_cb: u32, s: bool) -> Self {
        let (inner, outer) = match tex_cb & 0x1f {
            0b000_01 => return Self { kind: Type::Device, shareability: Shareability::Outer },
            0b010_00 => {
                let shareability = if regs.features.lpae { Shareability::Outer } else { Shareability::Non };
                return Self { kind: Type::Device, shareability };
            }
            0b000_10 => (Cache::WriteThrough, Cache::WriteThrough),
            0b000_11 => (Cache::WriteBack, Cache::WriteBack),
            0b001_00 => (Cache::NonCacheable, Cache::NonCacheable),
            0b001_11 => (Cache::WriteBackAllocate, Cache::WriteBackAllocate),
            n if n & 0b100_00 != 0 => (Cache::from_bits(n), Cache::from_bits(n >> 2)),
            _ => return STRONGLY_ORDERED,
        };
        let shareability = if s { Shareability::Outer } else { Shareability::Non };
        Self { kind: Type::Normal { inner, outer }, shareability }
    }

    /// TEX remap (B3.8.3): region `n` (TEX\[0\]:C:B) has its type in PRRR.TRn and its policies in NMRR. PRRR says by
    /// NS0, NS1, DS0 and DS1 what the S bit means, and by NOSn whether shareable is inner only.
    const fn remapped(regs: &Registers, n: u32, s: bool) -> Self {
        let (prrr, nmrr) = (regs.prrr_mair0, regs.nmrr_mair1);
        match prrr >> (2 * n) & 3 {
            0b01 => {
                let shareability = if regs.features.lpae {
                    Shareability::Outer
                } else {
                    Self::remap_shareability(prrr, 16 + s as u32, n)
                };
                Self { kind: Type::Device, shareability }
            }
            0b10 => Self {
                kind: Type::Normal {
                    inner: Cache::from_bits(nmrr >> (2 * n)),
                    outer: Cache::from_bits(nmrr >> (2 * n + 16)),
                },
                shareability: Self::remap_shareability(prrr, 18 + s as u32, n),
            },
            _ => STRONGLY_ORDERED,
        }
    }

    /// What bit `at` of PRRR (NS0, NS1, DS0 or DS1) and NOSn together say.
    const fn remap_shareability(prrr: u32, at: u32, n: u32) -> Shareability {
        if prrr >> at & 1 == 0 {
            Shareability::Non
        } else if prrr >> (24 + n) & 1 == 0 {
            Shareability::Outer
        } else {
            Shareability::Inner
        }
    }

    /// A long descriptor's MAIR attribute and SH field (B3.6.2, B4.1.104).
    pub(crate) const fn long(attr: u8, sh: u32) -> Self {
        let (outer, inner) = (attr >> 4, attr & 0xf);
        if outer == 0 {
            return match inner {
                0b0100 => Self { kind: Type::Device, shareability: Shareability::Outer },
                _ => STRONGLY_ORDERED,
            };
        }
        let (inner, outer) = (Cache::from_mair(inner), Cache::from_mair(outer));
        let shareability = match (inner, outer, sh & 3) {
            (Cache::NonCacheable, Cache::NonCacheable, _) | (_, _, 0b10) => Shareability::Outer,
            (_, _, 0b11) => Shareability::Inner,
            _ => Shareability::Non,
        };
        Self { kind: Type::Normal { inner, outer }, shareability }
    }

    /// Whether this is Normal memory.
    pub const fn is_normal(self) -> bool {
        matches!(self.kind, Type::Normal { .. })
    }

    /// The same as a short descriptor of Nex says it (SCTLR.TRE = 0), with the S bit.
    pub const fn to_short(self) -> (MemoryType, bool) {
        let shareable = !matches!(self.shareability, Shareability::Non);
        let memory = match self.kind {
            Type::StronglyOrdered => MemoryType::StronglyOrdered,
            Type::Device if !shareable => MemoryType::DeviceNonShareable,
            Type::Device => MemoryType::Device,
            Type::Normal { inner, outer } => match (inner, outer) {
                (Cache::NonCacheable, Cache::NonCacheable) => MemoryType::NormalNonCacheable,
                (Cache::WriteThrough, Cache::WriteThrough) => MemoryType::NormalWriteThrough,
                (Cache::WriteBack, Cache::WriteBack) => MemoryType::NormalWriteBackNoAllocate,
                (Cache::WriteBackAllocate, Cache::WriteBackAllocate) => MemoryType::NormalWriteBack,
                (inner, outer) => MemoryType::Other(0b1_0000 | (outer as u8) << 2 | inner as u8),
            },
        };
        (memory, shareable)
    }
}
