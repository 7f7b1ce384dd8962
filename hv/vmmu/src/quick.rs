//! The common walk, in few steps: short descriptors, one table, the usual controls.
//!
//! What most guests set up needs few of the questions that [`walk`](crate::walk) asks. [`Tables::of`] asks those that
//! concern the registers, once for each change of them; [`Tables::find`] then finds what an address is mapped to, or that
//! it is not, or says nothing, and the caller walks the long way. It never says anything else than the long way does.

use nex_mm::Gva;

use crate::access::{Kind, Permissions, Rights};
use crate::fault::{Fault, FaultKind};
use crate::regs::Registers;
use crate::walk::GuestMemory;

const TTBCR_N_PD0: u32 = 0x17;

/// The rights by AP\[2:0\] and, above it, XN and PXN.
static RIGHTS: [Rights; 32] = {
    let mut rights = [Rights::NONE; 32];
    let mut n = 0;
    while n < 32 {
        let permissions = Permissions { ap: n as u8 & 7, xn: n & 8 != 0, pxn: n & 16 != 0 };
        rights[n] = permissions.rights(false, false);
        n += 1;
    }
    rights
};

/// Tables that can be walked in the common way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tables {
    /// Guest physical address of the first-level table.
    base: u32,
    /// PXN exists.
    pxn: bool,
}

/// What an address is mapped to, in a Client domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Guest physical address of the 4 KiB page.
    pub page: u32,
    /// What may be done there.
    pub rights: Rights,
    /// The domain, 0..=15.
    pub domain: u8,
    /// nG = 0.
    pub global: bool,
    /// log2 of the bytes that the descriptor maps: 12 or 20.
    pub log2_bytes: u8,
    /// Guest physical address of the descriptor of the second level; means nothing for a section.
    pub descriptor: u32,
    /// PXN of the descriptor of the first level, for what is in the same table.
    pub pxn: bool,
}

impl Found {
    /// Whether `kind` of access is allowed; the domain is a Client.
    #[inline]
    pub const fn allows(&self, privileged: bool, kind: Kind) -> bool {
        self.rights.allows(privileged, kind)
    }

    /// The fault of an access at `va` that is not allowed.
    pub const fn denied(&self, va: Gva) -> Fault {
        let level = if self.log2_bytes == 12 { 2 } else { 1 };
        fault(FaultKind::Permission, va, level, self.domain)
    }

    /// The same for another page: what the second-level descriptor `raw` says, in the same table. `None`: not a small page.
    #[inline]
    pub fn neighbour(&self, raw: u32) -> Option<Found> {
        (raw & 2 != 0).then(|| Found {
            page: raw & !0xfff,
            rights: small(raw, self.pxn),
            global: raw & 1 << 11 == 0,
            ..*self
        })
    }
}

const fn fault(kind: FaultKind, va: Gva, level: u8, domain: u8) -> Fault {
    Fault { kind, va, level, domain, slave_error: false, long: false }
}

/// The rights in the descriptor of a small page.
#[inline]
fn small(raw: u32, pxn: bool) -> Rights {
    let index = raw >> 4 & 3 | raw >> 7 & 4 | (raw & 1) << 3 | u32::from(pxn) << 4;
    RIGHTS[index as usize]
}

impl Tables {
    /// For a guest with these registers, if it translates in the common way: MMU on, short descriptors, TTBCR.N and PD0 zero,
    /// SCTLR.EE, AFE, WXN and UWXN zero.
    pub const fn of(regs: &Registers) -> Option<Tables> {
        let plain = regs.mmu_on()
            && !regs.long()
            && regs.ttbcr & TTBCR_N_PD0 == 0
            && !regs.big_endian_tables()
            && !regs.access_flag()
            && !regs.wxn()
            && !regs.uwxn();
        if !plain {
            return None;
        }
        Some(Tables { base: regs.ttbr0 as u32 & 0xffff_c000, pxn: regs.features.short_pxn() })
    }

    /// What `va` is mapped to.
    ///
    /// # Errors
    /// The translation fault, if nothing is mapped there; or `None` for a large page, a supersection, a table that is not in
    /// memory: the long way says what that is.
    #[inline]
    pub fn find<M: GuestMemory + ?Sized>(&self, memory: &mut M, at: Gva) -> Result<Found, Option<Fault>> {
        let va = at.raw();
        let l1 = memory.read32((self.base | va >> 18 & 0x3ffc).into()).or(Err(None))?;
        let domain = (l1 >> 5 & 0xf) as u8;
        if l1 & 3 == 1 {
            let descriptor = l1 & !0x3ff | va >> 10 & 0x3fc;
            let l2 = memory.read32(descriptor.into()).or(Err(None))?;
            if l2 & 2 == 0 {
                let nothing = l2 & 3 == 0;
                return Err(nothing.then(|| fault(FaultKind::Translation, at, 2, domain)));
            }
            let pxn = self.pxn && l1 & 4 != 0;
            let found = Found {
                page: l2 & !0xfff,
                rights: small(l2, pxn),
                domain,
                global: l2 & 1 << 11 == 0,
                log2_bytes: 12,
                descriptor,
                pxn,
            };
            return Ok(found);
        }
        // A section without PXN, which is bit 0; not a supersection.
        if l1 & (1 << 18 | 3) != 2 {
            let nothing = l1 & 3 == 0;
            return Err(nothing.then(|| fault(FaultKind::Translation, at, 1, 0)));
        }
        let index = l1 >> 10 & 3 | l1 >> 13 & 4 | l1 >> 1 & 8;
        let found = Found {
            page: l1 & 0xfff0_0000 | va & 0xf_f000,
            rights: RIGHTS[index as usize],
            domain,
            global: l1 & 1 << 17 == 0,
            log2_bytes: 20,
            descriptor: 0,
            pxn: false,
        };
        Ok(found)
    }
}
