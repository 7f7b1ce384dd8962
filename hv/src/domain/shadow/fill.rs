//! Putting entries in.

use nex_mm::{Gva, Hpa};
use nex_vmmu::Translation;
use nex_vmmu::shadow::{Entry, View};
use nex_vmmu::table::{Dropped, New, NoTable};

use super::{GLOBALS, Shadow, index};
use crate::domain::memory::OutOfMemory;
use crate::memory::with_tables;

impl Shadow {
    fn new_entry(found: &Translation, entry: Entry) -> New {
        // With its MMU off a guest has one block of everything.
        let guest_log2 = if found.base.is_none() { 12 } else { found.log2_bytes };
        New { attrs: entry.attrs, domain: entry.domain, global: found.global, guest_log2 }
    }

    /// A table of a space gets an entry of its own.
    fn note(&mut self, found: &Translation) {
        if found.global {
            self.own_globals.insert(found.va.raw() >> 20);
            self.large_global |= found.log2_bytes > 20;
        }
        self.note_pinned(found);
    }

    fn note_pinned(&mut self, found: &Translation) {
        if Self::is_pinned(found.va.raw()) {
            self.pinned_dacr |= 3 << (2 * u32::from(found.domain));
            self.changed = true;
        }
    }

    /// The slot for an entry of the view's own, or else the table of global mappings where the entry may go.
    fn slot_for(&mut self, view: View, found: &Translation) -> Result<u16, OutOfMemory> {
        let slot = match self.current[index(view)] {
            // It is in what is global, and needs something else.
            Some(GLOBALS) if !found.global => return self.acquire(view),
            Some(slot) => slot,
            None => self.acquire(view)?,
        };
        let va = found.va.raw();
        if found.global
            && slot != GLOBALS
            && !Self::is_pinned(va)
            && self.globals.as_ref().is_some_and(|globals| globals.has(slot))
            && self.table(slot).is_some_and(|table| !table.shadow.owns(va >> 20))
        {
            return Ok(GLOBALS);
        }
        Ok(slot)
    }

    /// The table in use for `view` that has second-level entries for the megabyte of `va` in `domain`, and these: for
    /// [`fill`](Self::fill).
    #[inline]
    pub fn l2_for(&self, view: View, va: Gva, domain: u8, global: bool) -> Option<(u16, Hpa)> {
        let slot = self.current[index(view)]?;
        with_tables(|tables| {
            if slot != GLOBALS
                && let Some(l2) = self.tables[usize::from(slot)].as_ref()?.shadow.l2_for(tables, va, domain)
            {
                return Some((slot, l2));
            }
            if !global || !(slot == GLOBALS || self.table(slot)?.shadow.is_linked(va.raw() >> 20)) {
                return None;
            }
            let globals = self.globals.as_ref()?;
            Some((GLOBALS, globals.table.shadow.l2_for(tables, va, domain)?))
        })
    }

    /// Maps the page at `va` by the descriptor `raw` ([`nex_vmmu::table::small_page`]) in what [`l2_for`](Self::l2_for) found.
    #[inline]
    pub fn fill(&mut self, (slot, l2): (u16, Hpa), va: Gva, raw: u32, global: bool) {
        self.stats.pages += 1;
        let table = if slot == GLOBALS {
            self.globals.as_mut().map(|globals| &mut globals.table)
        } else {
            if global {
                self.own_globals.insert(va.raw() >> 20);
            }
            self.tables[usize::from(slot)].as_mut()
        };
        let Some(table) = table else { return };
        if with_tables(|tables| table.shadow.fill(tables, l2, va, raw, global)) {
            crate::arch::cache::invalidate_tlb(va.raw(), 1);
        }
    }

    /// What [`fill`](Self::fill) would replace.
    #[inline]
    pub fn filled(&self, (_, l2): (u16, Hpa), va: Gva) -> bool {
        crate::memory::read_word(l2.wrapping_add(va.raw() >> 10 & 0x3fc)) != 0
    }

    /// Maps a page in the present address space.
    ///
    /// # Errors
    /// [`OutOfMemory`]: not even one second-level table can be had.
    #[inline]
    pub fn map_page(
        &mut self,
        view: View,
        found: &Translation,
        hpa: Hpa,
        entry: Entry,
    ) -> Result<(), OutOfMemory> {
        self.stats.pages += 1;
        let new = Self::new_entry(found, entry);
        let va = found.va.align_down(4096);
        for attempt in 0..3 {
            let slot = self.slot_for(view, found)?;
            let mapped = if slot == GLOBALS {
                self.note_pinned(found);
                self.map_global(view, (va, hpa, false), new)
            } else {
                self.note(found);
                let most = self.l2_tables_most;
                let Some(table) = &mut self.tables[usize::from(slot)] else { return Err(OutOfMemory) };
                let within = table.shadow.l2_tables() < most;
                with_tables(|tables| {
                    if within || table.shadow.has_l2(tables, va) {
                        table.shadow.map_page(tables, va, hpa, new)
                    } else {
                        Err(NoTable)
                    }
                })
                .map(|dropped| match dropped {
                    Dropped::Nothing => {}
                    Dropped::Page => table.invalidate(Some(va)),
                    // The entry may have replaced a section, or a table in another domain.
                    Dropped::More => table.invalidate(None),
                })
            };
            match mapped {
                Ok(()) => return Ok(()),
                Err(NoTable) => self.make_room(slot, attempt),
            }
        }
        Err(OutOfMemory)
    }

    /// Maps a page or a section globally, for the space that is current in `view`.
    fn map_global(&mut self, view: View, what: (Gva, Hpa, bool), new: New) -> Result<(), NoTable> {
        let slot = self.current[index(view)].filter(|&slot| slot != GLOBALS);
        let most = self.l2_tables_most;
        let Some(globals) = &mut self.globals else { return Err(NoTable) };
        let shadow = &globals.table.shadow;
        if !what.2 && shadow.l2_tables() >= most && !with_tables(|tables| shadow.has_l2(tables, what.0)) {
            return Err(NoTable);
        }
        globals.map(&mut self.tables, slot, what, new)
    }

    /// Frees second-level tables: those of all other address spaces first, then those of this one.
    fn make_room(&mut self, keep: u16, attempt: u32) {
        for slot in 0..self.tables.len() {
            if (attempt == 0) == (slot == usize::from(keep)) {
                continue;
            }
            if let Some(table) = &mut self.tables[slot] {
                with_tables(|tables| table.shadow.clear(tables));
                table.invalidate(None);
                self.stats.evictions += 1;
            }
        }
        if attempt != 0
            && let Some(globals) = &mut self.globals
        {
            globals.clear(&mut self.tables, false);
        }
    }

    /// Maps a section in the present address space. `hpa` and `found.va` are of its first byte.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn map_section(
        &mut self,
        view: View,
        found: &Translation,
        hpa: Hpa,
        entry: Entry,
    ) -> Result<(), OutOfMemory> {
        self.stats.sections += 1;
        let new = Self::new_entry(found, entry);
        let va = found.va.align_down(1 << 20);
        let slot = self.slot_for(view, found)?;
        if slot == GLOBALS {
            return self.map_global(view, (va, hpa, true), new).map_err(|NoTable| OutOfMemory);
        }
        self.note(found);
        let Some(table) = &mut self.tables[usize::from(slot)] else { return Err(OutOfMemory) };
        if with_tables(|tables| table.shadow.map_section(tables, va, hpa, new)) {
            table.invalidate(None);
        }
        Ok(())
    }
}
