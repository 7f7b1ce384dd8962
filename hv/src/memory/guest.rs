//! What a guest's shadow table needs of the machine: a first-level table, the window, an ASID.

use nex_mm::addr::{Gva, Hpa, SECTION_BYTES};
use nex_mm::desc::L1_TABLE_BYTES;
use nex_mm::frames::Owner;
use nex_mm::pool::PooledTables;
use nex_mm::space::TableMemory;
use nex_vmmu::table::ShadowTable;

use super::{DirectFrames, TABLES, alloc_frames, free_frames, window, zero};
use crate::arch::{NEX_DOMAIN, WINDOW_BASE, cache, cp15};
use crate::sync::IrqLock;

/// Where the guest's part of the window's megabyte begins: the page of the high vectors.
pub(super) const GUEST_TOP: u32 = 0xffff_0000;

const FRAMES: u32 = L1_TABLE_BYTES / 4096;

const _: () = assert!(GUEST_TOP - WINDOW_BASE < SECTION_BYTES);

/// The ASIDs in use; bit 0 is Nex's own.
static ASIDS: IrqLock<[u32; 8]> = IrqLock::new([1, 0, 0, 0, 0, 0, 0, 0]);

/// Works on second-level tables.
pub(crate) fn with_tables<R>(f: impl FnOnce(&mut PooledTables<DirectFrames>) -> R) -> R {
    f(&mut TABLES.lock())
}

/// A shadow table that the MMU can use, with the window in it.
pub(crate) struct GuestTable {
    /// The entries. Changed under [`with_tables`].
    pub(crate) shadow: ShadowTable,
    window_l2: Hpa,
    asid: u8,
}

impl GuestTable {
    /// A table with nothing but the window, which User mode cannot reach. `None` when memory or ASIDs ran out.
    pub(crate) fn new() -> Option<Self> {
        let asid = Asid::take()?;
        let l1 = alloc_frames(FRAMES, FRAMES, Owner::Table)?;
        zero(l1, L1_TABLE_BYTES);
        let mut shadow = ShadowTable::new(l1);
        let window_l2 = with_tables(|tables| {
            let l2 = tables.alloc_l2()?;
            window::copy_entries(l2);
            shadow.pin(tables, Gva::new(GUEST_TOP), l2, NEX_DOMAIN);
            Some(l2)
        });
        let Some(window_l2) = window_l2 else {
            free_frames(l1, FRAMES, Owner::Table);
            return None;
        };
        Some(GuestTable { shadow, window_l2, asid: asid.keep() })
    }

    /// TTBR0 for it.
    pub(crate) fn ttbr0(&self) -> u32 {
        self.shadow.l1().raw() | cp15::TTBR_FLAGS
    }

    /// CONTEXTIDR for it (the process ID part is 0).
    pub(crate) fn contextidr(&self) -> u32 {
        u32::from(self.asid)
    }

    /// Drops the TLB's copies of its entries; of one page, or all.
    pub(crate) fn invalidate(&self, page: Option<Gva>) {
        match page {
            Some(va) => cache::invalidate_tlb(va.raw(), 1),
            None => cache::invalidate_asid(self.asid),
        }
    }
}

impl Drop for GuestTable {
    fn drop(&mut self) {
        with_tables(|tables| {
            self.shadow.clear(tables);
            tables.free_l2(self.window_l2);
        });
        self.invalidate(None);
        free_frames(self.shadow.l1(), FRAMES, Owner::Table);
        drop(Asid(self.asid));
    }
}

/// An ASID; given back when dropped.
struct Asid(u8);

impl Asid {
    fn take() -> Option<Asid> {
        let mut asids = ASIDS.lock();
        let word = asids.iter().position(|&bits| bits != !0)?;
        let bit = asids[word].trailing_ones();
        asids[word] |= 1 << bit;
        Some(Asid((word as u32 * 32 + bit) as u8))
    }

    fn keep(self) -> u8 {
        let number = self.0;
        core::mem::forget(self);
        number
    }
}

impl Drop for Asid {
    fn drop(&mut self) {
        ASIDS.lock()[usize::from(self.0) / 32] &= !(1 << (self.0 % 32));
    }
}
