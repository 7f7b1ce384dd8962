//! TLB maintenance operations (DDI 0406C B4.2.2): CP15 c8.
//!
//! The separate instruction and data forms are taken as unified ones, and broadcast ones say so; both may drop more
//! than was asked for, which the architecture permits.

use nex_mm::Gva;

/// What a TLB maintenance operation drops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flush {
    /// Everything.
    All,
    /// All entries of an ASID that are not global.
    Asid(u8),
    /// What maps a page for an ASID, and what maps it globally.
    Page {
        /// Start of the 4 KiB page. An entry goes if any part of what its descriptor maps is meant.
        va: Gva,
        /// The ASID.
        asid: u8,
    },
    /// What maps a page for any ASID.
    PageAllAsids {
        /// As in [`Flush::Page`].
        va: Gva,
    },
}

impl Flush {
    /// Whether a mapping of `2^log2_bytes` bytes around `va` goes. `log2_bytes` is the size of the *guest's* mapping
    /// ([`crate::Translation::log2_bytes`]), which may be larger than the shadow entries made of it.
    pub const fn drops(self, va: Gva, log2_bytes: u8, asid: u8, global: bool) -> bool {
        let (page, match_asid) = match self {
            Self::All => return true,
            Self::Asid(which) => return which == asid && !global,
            Self::Page { va: page, asid: which } => (page, global || which == asid),
            Self::PageAllAsids { va: page } => (page, true),
        };
        match_asid && (page.raw() ^ va.raw()) as u64 >> log2_bytes == 0
    }
}

/// A decoded operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Maintenance {
    /// What to drop.
    pub flush: Flush,
    /// On all CPUs of the Inner Shareable domain, that is, for all vCPUs of the guest.
    pub inner_shareable: bool,
}

/// Decodes `mcr p15, 0, value, c8, crm, opc2`; `None` if the guest gets an undefined instruction.
///
/// `value` is the register: the page in bits 31..12 and the ASID in bits 7..0, as far as the operation has them.
pub const fn decode(crm: u8, opc2: u8, value: u32) -> Option<Maintenance> {
    let va = Gva::new(value & !0xfff);
    let asid = value as u8;
    let flush = match (crm, opc2) {
        // c3: Inner Shareable; c5: instruction; c6: data; c7: unified.
        (3 | 5 | 6 | 7, 0) => Flush::All,
        (3 | 5 | 6 | 7, 1) => Flush::Page { va, asid },
        (3 | 5 | 6 | 7, 2) => Flush::Asid(asid),
        (3 | 7, 3) => Flush::PageAllAsids { va },
        _ => return None,
    };
    Some(Maintenance { flush, inner_shareable: crm == 3 })
}
