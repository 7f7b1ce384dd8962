//! The answer of an address translation operation: PAR in the short-descriptor format (DDI 0406C B4.1.112).
//!
//! | bits | F = 0 | F = 1 |
//! | --- | --- | --- |
//! | 31..12 | PA, see [`Mapping::pa`] | - |
//! | 10 | NOS | - |
//! | 9 | NS | - |
//! | 7 | SH | - |
//! | 6..4 | inner attributes | FS: bits 12, 10 and 3..0 of a fault status register, in bits 6..1 |
//! | 3..2 | outer attributes | |
//! | 1 | SS | |
//! | 0 | F = 0 | F = 1 |

use core::fmt;

use nex_mm::fault::FaultKind;

use crate::parse::Access;

/// PAR, decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Par {
    /// F = 0: the address translates.
    Mapped(Mapping),
    /// F = 1: the access would abort.
    Fault {
        /// Why.
        kind: FaultKind,
        /// ExT: implementation defined qualifier of an external abort.
        external: bool,
    },
}

/// Where an address goes, and with what attributes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The physical address of the byte asked for, 40 bits. Bits 39..32 come from a supersection only, and are
    /// UNKNOWN on a CPU with 32-bit physical addresses.
    pub pa: u64,
    /// SS: mapped by a supersection of 16 MiB.
    pub supersection: bool,
    /// SH: shareable.
    pub shareable: bool,
    /// NOS: not outer shareable. Means something for shareable memory only.
    pub not_outer_shareable: bool,
    /// NS of the descriptor. Means something in Secure state only.
    pub non_secure: bool,
    /// Type of memory and inner cacheability.
    pub inner: Inner,
    /// Outer cacheability. Means something for Normal memory only.
    pub outer: Outer,
}

/// Inner\[2:0\].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inner {
    /// 0: Normal, not cached.
    NonCacheable,
    /// 1: Strongly-ordered, not Normal memory.
    StronglyOrdered,
    /// 3: Device, not Normal memory.
    Device,
    /// 5: Normal, write-back, allocates on write.
    WriteBackWriteAllocate,
    /// 6: Normal, write-through.
    WriteThrough,
    /// 7: Normal, write-back, does not allocate on write.
    WriteBack,
    /// A reserved encoding: 2 or 4.
    Reserved(u8),
}

/// Outer\[1:0\].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outer {
    /// 0: not cached.
    NonCacheable,
    /// 1: write-back, allocates on write.
    WriteBackWriteAllocate,
    /// 2: write-through, does not allocate on write.
    WriteThrough,
    /// 3: write-back, does not allocate on write.
    WriteBack,
}

impl Par {
    /// Decodes the register's value `raw` after the translation of `va`.
    pub const fn decode(raw: u32, va: u32) -> Self {
        if raw & 1 == 1 {
            return Self::Fault {
                kind: FaultKind::from_fs((raw >> 1 & 0x1f) as u8),
                external: raw >> 6 & 1 == 1,
            };
        }
        let supersection = raw >> 1 & 1 == 1;
        // A supersection's PA[39:32] stands where PA[23:16] would; what it does not translate comes from the VA.
        let pa = if supersection {
            (raw as u64 >> 16 & 0xff) << 32 | (raw & 0xff00_0000 | va & 0x00ff_ffff) as u64
        } else {
            (raw & 0xffff_f000 | va & 0xfff) as u64
        };
        Self::Mapped(Mapping {
            pa,
            supersection,
            shareable: raw >> 7 & 1 == 1,
            not_outer_shareable: raw >> 10 & 1 == 1,
            non_secure: raw >> 9 & 1 == 1,
            inner: match raw >> 4 & 7 {
                0 => Inner::NonCacheable,
                1 => Inner::StronglyOrdered,
                3 => Inner::Device,
                5 => Inner::WriteBackWriteAllocate,
                6 => Inner::WriteThrough,
                7 => Inner::WriteBack,
                other => Inner::Reserved(other as u8),
            },
            outer: match raw >> 2 & 3 {
                0 => Outer::NonCacheable,
                1 => Outer::WriteBackWriteAllocate,
                2 => Outer::WriteThrough,
                _ => Outer::WriteBack,
            },
        })
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NonCacheable => "non-cacheable",
            Self::StronglyOrdered => "strongly-ordered",
            Self::Device => "device",
            Self::WriteBackWriteAllocate => "write-back write-allocate",
            Self::WriteThrough => "write-through",
            Self::WriteBack => "write-back no-write-allocate",
            Self::Reserved(_) => "reserved",
        })
    }
}

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NonCacheable => "non-cacheable",
            Self::WriteBackWriteAllocate => "write-back write-allocate",
            Self::WriteThrough => "write-through",
            Self::WriteBack => "write-back no-write-allocate",
        })
    }
}

impl fmt::Display for Mapping {
    /// The flags that are set, or `-`, then outer and inner cacheability: `sh nos, outer write-through, inner device`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = [
            (self.supersection, "ss"),
            (self.shareable, "sh"),
            (self.not_outer_shareable, "nos"),
            (self.non_secure, "ns"),
        ];
        let mut between = "";
        for (_, name) in flags.iter().filter(|(set, _)| *set) {
            f.write_str(between)?;
            f.write_str(name)?;
            between = " ";
        }
        if between.is_empty() {
            f.write_str("-")?;
        }
        write!(f, ", outer {}, inner {}", self.outer, self.inner)
    }
}

/// A translation as the `v2p` command shows it, in two lines without a line end after the last.
///
/// ```text
/// privileged read: va fff00010 -> pa 40100010
/// par 4010064a: nos ns, outer write-through, inner non-cacheable
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation {
    /// The access that was asked for.
    pub access: Access,
    /// The address that was asked for.
    pub va: u32,
    /// PAR after the operation.
    pub par: u32,
}

impl fmt::Display for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access, va, par } = *self;
        write!(f, "{access}: va {va:08x} -> ")?;
        match Par::decode(par, va) {
            Par::Mapped(mapping) => write!(f, "pa {:08x}\npar {par:08x}: {mapping}", mapping.pa),
            Par::Fault { kind, external } => {
                write!(f, "fault\npar {par:08x}: {kind}")?;
                if external { f.write_str(", external qualifier set") } else { Ok(()) }
            }
        }
    }
}

#[cfg(test)]
mod tests;
