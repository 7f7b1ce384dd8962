//! Where the guest maps its devices: a small TLB for accesses that are carried out in software.
//!
//! A guest polls a status register or acknowledges interrupts at the same few addresses again and again. Entries are made
//! of translations and dropped by the guest's TLB maintenance, as those of a TLB are. DACR is looked at with each use.

use crate::access::{Kind, Rights};
use crate::regs::Registers;
use crate::tlb::Flush;
use crate::walk::Translation;

/// Entries; each page has one place to be.
const ENTRIES: usize = 8;

/// One page of a device, and what the owner knows of it.
#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    page: u32,
    rights: Rights,
    domain: u8,
    log2_bytes: u8,
    global: bool,
    device: T,
}

/// The TLB; `T` is what is behind a page.
#[derive(Clone, Debug)]
pub struct DeviceTlb<T> {
    entries: [Option<Entry<T>>; ENTRIES],
    /// Nothing was put in since it was empty.
    empty: bool,
}

impl<T: Copy> Default for DeviceTlb<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy> DeviceTlb<T> {
    /// Without entries.
    pub const fn new() -> Self {
        Self { entries: [None; ENTRIES], empty: true }
    }

    const fn index(va: u32) -> usize {
        (va >> 12 ^ va >> 16) as usize % ENTRIES
    }

    /// Remembers that the page of `found` is `device`. Nothing is remembered with the MMU off.
    pub fn insert(&mut self, found: &Translation, device: T) {
        if found.base.is_none() {
            return;
        }
        let page = found.va.raw() & !0xfff;
        self.empty = false;
        self.entries[Self::index(page)] = Some(Entry {
            page,
            rights: found.client,
            domain: found.domain,
            log2_bytes: found.log2_bytes,
            global: found.global,
            device,
        });
    }

    /// What is at `va`, if it is known and this access is allowed in the domain as `dacr` has it now. `dacr` is `None` with long
    /// descriptors.
    #[inline]
    pub fn find(&self, va: u32, privileged: bool, kind: Kind, dacr: Option<u32>) -> Option<T> {
        let entry = self.entries[Self::index(va)].as_ref()?;
        // A client; everything else is the long way's.
        let client = dacr.is_none_or(|dacr| dacr >> (2 * u32::from(entry.domain)) & 3 == 1);
        (entry.page == va & !0xfff && client && entry.rights.allows(privileged, kind)).then_some(entry.device)
    }

    /// The guest's TLB maintenance.
    pub fn flush(&mut self, flush: Flush) {
        if self.empty {
            return;
        }
        for entry in &mut self.entries {
            let goes = entry.as_ref().is_some_and(|e| match flush {
                Flush::All => true,
                Flush::Asid(_) => !e.global,
                Flush::Page { va, .. } | Flush::PageAllAsids { va } => {
                    u64::from(va.raw() ^ e.page) >> e.log2_bytes == 0
                }
            });
            if goes {
                *entry = None;
            }
        }
    }

    /// Whether maintenance of pages in megabyte `mib` can have something to do here.
    pub fn may_concern(&self, mib: u32) -> bool {
        self.entries.iter().flatten().any(|e| e.log2_bytes > 20 || e.page >> 20 == mib)
    }

    /// The guest's translation registers have changed from `before` to `after`: only what is global stays, if it is translated as
    /// before.
    pub fn registers_changed(&mut self, before: &Registers, after: &Registers) {
        let same = before.ttbcr == after.ttbcr
            && before.control() == after.control()
            && before.prrr_mair0 == after.prrr_mair0
            && before.nmrr_mair1 == after.nmrr_mair1;
        for entry in &mut self.entries {
            if entry.as_ref().is_some_and(|e| !same || !e.global) {
                *entry = None;
            }
        }
    }
}

/// DACR for [`DeviceTlb::find`].
#[inline]
pub const fn dacr_of(regs: &Registers, dacr: u32) -> Option<u32> {
    if regs.long() { None } else { Some(dacr) }
}
