//! What a guest maps globally, in one shadow table for all its address spaces.
//!
//! Global entries of a TLB are hit with every ASID (DDI 0406C B3.9.1), so a guest's kernel keeps such mappings the same in
//! all of its address spaces, and Nex may: they are filled once, in this table, and the tables of the spaces' kernel views
//! have copies of its first-level entries, *links*. A process that has just been made finds the kernel mapped, maintenance
//! by ASID has nothing to do with it, and this table alone is an address space to run the kernel in until it needs more:
//! between the writes of CONTEXTIDR and TTBR0, for instance, when there is no space that is worth a table.
//!
//! A megabyte in which a space has an entry of its own is not linked there: what is global is then filled for it again.
//! The megabyte of Nex's window is never linked, as each table has its own.

use nex_mm::{Gva, Hpa};
use nex_vmmu::spaces::{SlotSet, SpaceId};
use nex_vmmu::table::{Dropped, New, NoTable};

use crate::arch::cache;
use crate::memory::{GuestTable, with_tables};

/// The table, and whose tables are linked to it.
pub(super) struct Globals {
    pub(super) table: GuestTable,
    /// What its entries depend on.
    pub(super) key: SpaceId,
    linked: SlotSet,
}

/// The tables of all slots.
type Tables = [Option<GuestTable>];

impl Globals {
    /// For the global mappings of spaces like `key`. `None` without memory or ASID.
    pub(super) fn new(key: SpaceId) -> Option<Self> {
        Some(Globals { table: GuestTable::new()?, key, linked: SlotSet::NONE })
    }

    /// Whether the table of `slot` is linked to this one.
    #[inline]
    pub(super) fn has(&self, slot: u16) -> bool {
        self.linked.has(slot)
    }

    /// The table of `slot`, which is empty, is linked from now on, or is for another kind of space.
    pub(super) fn enlist(&mut self, slot: u16, table: &mut GuestTable, linked: bool) {
        if linked {
            with_tables(|tables| table.shadow.link_all(tables, &self.table.shadow));
        }
        self.linked.set(slot, linked);
    }

    /// Maps a page or a section. `slot`: the table that is in use, which is linked and has nothing of its own in that megabyte.
    ///
    /// # Errors
    /// [`NoTable`].
    pub(super) fn map(
        &mut self,
        tables: &mut Tables,
        slot: Option<u16>,
        (va, hpa, section): (Gva, Hpa, bool),
        new: New,
    ) -> Result<(), NoTable> {
        let mib = va.raw() >> 20;
        let shadow = &mut self.table.shadow;
        let (before, dropped, after) = with_tables(|tables| {
            let before = shadow.l1_entry_raw(tables, mib);
            let dropped = if !section {
                shadow.map_page(tables, va, hpa, new)?
            } else if shadow.map_section(tables, va, hpa, new) {
                Dropped::More
            } else {
                Dropped::Nothing
            };
            Ok((before, dropped, shadow.l1_entry_raw(tables, mib)))
        })?;
        if before != after {
            self.publish(tables, mib);
        } else if let Some(slot) = slot
            && let Some(table) = &mut tables[usize::from(slot)]
            && !table.shadow.is_linked(mib)
        {
            with_tables(|tables| table.shadow.link(tables, mib, after));
        }
        match dropped {
            Dropped::Nothing => {}
            Dropped::Page => cache::invalidate_tlb(va.raw(), 1),
            Dropped::More => cache::invalidate_all_tlb(),
        }
        Ok(())
    }

    /// Tells the linked tables of the first-level entry of a megabyte.
    fn publish(&self, tables: &mut Tables, mib: u32) {
        if self.table.shadow.is_pinned(Gva::new(mib << 20)) {
            return;
        }
        with_tables(|memory| {
            let raw = self.table.shadow.l1_entry_raw(memory, mib);
            for slot in self.linked {
                if let Some(table) = &mut tables[usize::from(slot)]
                    && !table.shadow.owns(mib)
                {
                    table.shadow.link(memory, mib, raw);
                }
            }
        });
    }

    /// Maintenance of the page at `va`. True if the TLB may still have that page; all else is done.
    #[inline]
    pub(super) fn flush_page(&mut self, tables: &mut Tables, va: Gva) -> bool {
        if !self.table.shadow.may_concern(va.raw() >> 20) {
            return false;
        }
        match with_tables(|tables| self.table.shadow.flush_page(tables, va, false)) {
            Dropped::Nothing => false,
            Dropped::Page => true,
            Dropped::More => {
                self.table.shadow.concerned(va).for_each(|mib| self.publish(tables, mib));
                cache::invalidate_all_tlb();
                false
            }
        }
    }

    /// Drops the entry at `va` that maps `hpa`; without `va` all that do, or the section there.
    pub(super) fn drop_mapping(&mut self, tables: &mut Tables, va: Option<Gva>, hpa: Hpa, section: bool) {
        let shadow = &mut self.table.shadow;
        let dropped = with_tables(|tables| match va {
            Some(va) => shadow.drop_if_maps(tables, va, hpa),
            None => shadow.drop_everywhere(tables, hpa, section),
        });
        if !dropped {
            return;
        }
        match va {
            Some(va) if !section => cache::invalidate_tlb(va.raw(), 1),
            Some(va) => {
                self.publish(tables, va.raw() >> 20);
                cache::invalidate_all_tlb();
            }
            None => {
                with_tables(|memory| {
                    for slot in self.linked {
                        if let Some(table) = &mut tables[usize::from(slot)] {
                            table.shadow.relink(memory, &self.table.shadow);
                        }
                    }
                });
                cache::invalidate_all_tlb();
            }
        }
    }

    /// Drops everything. The tables stay linked, but with `release`.
    pub(super) fn clear(&mut self, tables: &mut Tables, release: bool) {
        with_tables(|memory| {
            self.table.shadow.clear(memory);
            for slot in self.linked {
                if let Some(table) = &mut tables[usize::from(slot)] {
                    table.shadow.unlink_all(memory);
                }
            }
        });
        if release {
            self.linked = SlotSet::NONE;
        }
        cache::invalidate_all_tlb();
    }
}
