//! Addresses, one type for each of the four spaces an address can belong to.
//!
//! A bare `u32` says nothing about which table translates it; these types do. Turning one into another goes through
//! `raw` and `new`, so every such place can be searched for. All four are byte addresses of 32 bits: Nex uses the
//! short-descriptor format without supersections, so physical addresses above 4 GiB are out of its reach.

use core::fmt;

/// Bytes in a small page, and in a frame of RAM.
pub const PAGE_BYTES: u32 = 4096;
/// Bytes in a large page: 16 small pages.
pub const LARGE_BYTES: u32 = 64 * 1024;
/// Bytes in a section: what one first-level entry maps.
pub const SECTION_BYTES: u32 = 1024 * 1024;

macro_rules! address {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(u32);

        impl $name {
            /// The address `raw`, in bytes.
            #[inline]
            pub const fn new(raw: u32) -> Self {
                Self(raw)
            }

            /// The address as a number, in bytes.
            #[inline]
            pub const fn raw(self) -> u32 {
                self.0
            }

            /// The address `bytes` higher, or `None` past the top of the address space.
            #[inline]
            pub const fn checked_add(self, bytes: u32) -> Option<Self> {
                match self.0.checked_add(bytes) {
                    Some(raw) => Some(Self(raw)),
                    None => None,
                }
            }

            /// The address `bytes` lower, or `None` below zero.
            #[inline]
            pub const fn checked_sub(self, bytes: u32) -> Option<Self> {
                match self.0.checked_sub(bytes) {
                    Some(raw) => Some(Self(raw)),
                    None => None,
                }
            }

            /// The address `bytes` higher, modulo 2^32, as the CPU computes addresses.
            #[inline]
            pub const fn wrapping_add(self, bytes: u32) -> Self {
                Self(self.0.wrapping_add(bytes))
            }

            /// The nearest multiple of `align_bytes` (a power of two) at or below this address.
            #[inline]
            pub const fn align_down(self, align_bytes: u32) -> Self {
                Self(self.0 & !align_bytes.wrapping_sub(1))
            }

            /// The nearest multiple of `align_bytes` (a power of two) at or above this address, or `None` if that is
            /// 4 GiB.
            #[inline]
            pub const fn align_up(self, align_bytes: u32) -> Option<Self> {
                let mask = align_bytes.wrapping_sub(1);
                match self.0.checked_add(mask) {
                    Some(raw) => Some(Self(raw & !mask)),
                    None => None,
                }
            }

            /// Whether the address is a multiple of `align_bytes` (a power of two).
            #[inline]
            pub const fn is_aligned(self, align_bytes: u32) -> bool {
                self.0 & align_bytes.wrapping_sub(1) == 0
            }

            /// Bytes from the start of the 4 KiB page that holds this address: 0..=4095.
            #[inline]
            pub const fn page_offset(self) -> u32 {
                self.0 & (PAGE_BYTES - 1)
            }

            /// Number of the 4 KiB page that holds this address: 0..=0xf_ffff.
            #[inline]
            pub const fn page_number(self) -> u32 {
                self.0 / PAGE_BYTES
            }

            /// Bytes from `base` up to this address, or `None` if `base` is above it.
            #[inline]
            pub const fn offset_from(self, base: Self) -> Option<u32> {
                self.0.checked_sub(base.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                fmt::Display::fmt(self, f)?;
                f.write_str(")")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#010x}", self.0)
            }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }
    };
}

address! {
    /// Guest virtual address: what a guest's instruction uses; the guest's own tables translate it.
    Gva
}
address! {
    /// Guest physical address: what a guest believes to be physical; the domain's map of memory translates it.
    Gpa
}
address! {
    /// Host physical address: what goes out on the bus.
    Hpa
}
address! {
    /// Nex's own virtual address.
    Hva
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_eight_hex_digits() {
        let a = Hpa::new(0x1000);
        assert_eq!(format!("{a}"), "0x00001000");
        assert_eq!(format!("{a:?}"), "Hpa(0x00001000)");
        assert_eq!(format!("{a:x}"), "1000");
        assert_eq!(format!("{a:#010x}"), "0x00001000");
        assert_eq!(format!("{:?}", Gva::new(0xffff_ffff)), "Gva(0xffffffff)");
    }

    #[test]
    fn arithmetic_stops_at_both_ends() {
        let top = Gpa::new(0xffff_f000);
        assert_eq!(top.checked_add(0xfff), Some(Gpa::new(0xffff_ffff)));
        assert_eq!(top.checked_add(0x1000), None);
        assert_eq!(top.wrapping_add(0x1004), Gpa::new(4));
        assert_eq!(Gpa::new(3).checked_sub(4), None);
        assert_eq!(top.offset_from(Gpa::new(0xffff_0000)), Some(0xf000));
        assert_eq!(Gpa::new(0).offset_from(top), None);
    }

    #[test]
    fn aligns() {
        let a = Hva::new(0x0012_3456);
        assert_eq!(a.align_down(SECTION_BYTES), Hva::new(0x0010_0000));
        assert_eq!(a.align_up(LARGE_BYTES), Some(Hva::new(0x0013_0000)));
        assert_eq!(Hva::new(0x0013_0000).align_up(LARGE_BYTES), Some(Hva::new(0x0013_0000)));
        assert_eq!(Hva::new(0xffff_f001).align_up(PAGE_BYTES), None);
        assert_eq!(Hva::new(0xffff_f000).align_up(PAGE_BYTES), Some(Hva::new(0xffff_f000)));
        assert!(a.is_aligned(2) && !a.is_aligned(4));
        assert_eq!((a.page_offset(), a.page_number()), (0x456, 0x123));
    }
}
