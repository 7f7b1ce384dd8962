//! Owners of frames, and their one-byte form.

use core::fmt;

/// The number of a domain as an owner of frames: 0..=239.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DomainId(u8);

impl DomainId {
    /// The highest number, so that every owner fits in a byte.
    pub const MAX: u8 = u8::MAX - FIRST_DOMAIN;

    /// Domain `id`, or `None` above [`MAX`](Self::MAX).
    pub const fn new(id: u8) -> Option<Self> {
        if id <= Self::MAX { Some(Self(id)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// Owner bytes from here on are domains.
const FIRST_DOMAIN: u8 = 16;

/// Who owns a frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Owner {
    /// Not RAM.
    Absent,
    /// RAM that nobody owns.
    Free,
    /// Firmware's: PSCI, secure world, spin tables, the device tree handed over.
    Firmware,
    /// Reserved by the device tree or by hand; left alone.
    Reserved,
    /// Nex itself: text, data, and bss.
    Image,
    /// Nex's heap.
    Heap,
    /// Stacks of Nex's threads and CPUs.
    Stack,
    /// Translation tables.
    Table,
    /// The boot volume.
    BootVolume,
    /// The frame table's own storage.
    FrameTable,
    /// Memory that a device reads or writes: frame buffer, DMA buffers.
    Device,
    /// Pages shared between domains, or between Nex and domains.
    Shared,
    /// Memory of a domain.
    Domain(DomainId),
}

/// All owners but domains; the index is the owner byte.
const NAMED: [(Owner, &str); 12] = [
    (Owner::Absent, "absent"),
    (Owner::Free, "free"),
    (Owner::Firmware, "firmware"),
    (Owner::Reserved, "reserved"),
    (Owner::Image, "image"),
    (Owner::Heap, "heap"),
    (Owner::Stack, "stack"),
    (Owner::Table, "table"),
    (Owner::BootVolume, "boot volume"),
    (Owner::FrameTable, "frame table"),
    (Owner::Device, "device"),
    (Owner::Shared, "shared"),
];

impl Owner {
    /// The owner as a byte: 0 is absent, 1 free, 16 and up the domains.
    pub const fn to_u8(self) -> u8 {
        match self {
            Self::Absent => 0,
            Self::Free => 1,
            Self::Firmware => 2,
            Self::Reserved => 3,
            Self::Image => 4,
            Self::Heap => 5,
            Self::Stack => 6,
            Self::Table => 7,
            Self::BootVolume => 8,
            Self::FrameTable => 9,
            Self::Device => 10,
            Self::Shared => 11,
            Self::Domain(id) => FIRST_DOMAIN + id.0,
        }
    }

    /// The inverse of [`to_u8`](Self::to_u8); `None` for bytes that stand for nobody.
    pub const fn from_u8(byte: u8) -> Option<Self> {
        if byte >= FIRST_DOMAIN {
            Some(Self::Domain(DomainId(byte - FIRST_DOMAIN)))
        } else if (byte as usize) < NAMED.len() {
            Some(NAMED[byte as usize].0)
        } else {
            None
        }
    }

    /// Whether frames can be allocated to this owner and freed from it.
    pub const fn can_own(self) -> bool {
        !matches!(self, Self::Absent | Self::Free)
    }

    /// Whether this is what the hypervisor itself costs: memory that domains could have if it were not there. Not that of
    /// domains, of devices and firmware, or of the boot volume.
    pub const fn is_overhead(self) -> bool {
        matches!(self, Self::Image | Self::Heap | Self::Stack | Self::Table | Self::FrameTable | Self::Shared)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(id) => write!(f, "domain {}", id.0),
            named => f.write_str(NAMED[named.to_u8() as usize].1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_owners_are_one_to_one() {
        let mut texts = std::collections::BTreeSet::new();
        for byte in 0..=u8::MAX {
            match Owner::from_u8(byte) {
                Some(owner) => {
                    assert_eq!(owner.to_u8(), byte);
                    assert!(texts.insert(owner.to_string()));
                }
                None => assert!((12..16).contains(&byte)),
            }
        }
        assert_eq!(texts.len(), 252);
    }

    #[test]
    fn overhead_is_what_nex_takes_for_itself() {
        let owners = (0..=u8::MAX).filter_map(Owner::from_u8);
        let texts: Vec<String> = owners.filter(|o| o.is_overhead()).map(|o| o.to_string()).collect();
        assert_eq!(texts, ["image", "heap", "stack", "table", "frame table", "shared"]);
    }

    #[test]
    fn domain_numbers_end_where_bytes_do() {
        assert_eq!(DomainId::new(239).map(|id| Owner::Domain(id).to_u8()), Some(255));
        assert_eq!(DomainId::new(240), None);
        assert_eq!(DomainId::new(7).map(|id| Owner::Domain(id).to_string()), Some("domain 7".into()));
    }
}
