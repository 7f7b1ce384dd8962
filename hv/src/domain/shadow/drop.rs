//! Taking entries out: by the guest's TLB maintenance, and where a page becomes code or stops being it.

use nex_mm::{Gva, Hpa};
use nex_vmmu::spaces::SlotSet;
use nex_vmmu::table::Dropped;
use nex_vmmu::tlb::Flush;
use nex_vmmu::uses::Where;

use super::Shadow;
use crate::domain::memory::{GuestMemory, Page};
use crate::memory::with_tables;

impl Shadow {
    /// Whether an entry of any table at `va` maps the host page at `hpa`.
    pub fn maps(&self, va: Gva, hpa: Hpa) -> bool {
        let globals = self.globals.as_ref().map(|globals| &globals.table);
        with_tables(|tables| {
            self.tables
                .iter()
                .flatten()
                .chain(globals)
                .any(|table| table.shadow.lookup(tables, va) == Some((hpa, false)))
        })
    }

    /// Drops every entry that maps a page, in all tables and views.
    pub fn drop_page(&mut self, memory: &mut GuestMemory, page: Page) {
        let hpa = memory.frame(page);
        let section = *memory.section_uses(page);
        self.drop_where(section.find(), hpa, true);
        memory.section_uses(page).forget();
        let uses = memory.uses(page);
        self.drop_where(uses.find(), hpa, false);
        if let Some(uses) = memory.uses_mut(page) {
            uses.forget();
        }
    }

    fn drop_where(&mut self, at: Where, hpa: Hpa, section: bool) {
        match at {
            Where::At(addresses) => {
                addresses.into_iter().flatten().for_each(|va| self.drop_at(Some(va), hpa, section));
            }
            Where::Anywhere => self.drop_at(None, hpa, section),
        }
    }

    fn drop_at(&mut self, va: Option<Gva>, hpa: Hpa, section: bool) {
        if let Some(globals) = &mut self.globals {
            globals.drop_mapping(&mut self.tables, va, hpa, section);
        }
        for table in self.tables.iter_mut().flatten() {
            let dropped = with_tables(|tables| match va {
                Some(va) => table.shadow.drop_if_maps(tables, va, hpa),
                None => table.shadow.drop_everywhere(tables, hpa, section),
            });
            if dropped {
                table.invalidate(va.filter(|_| !section));
            }
        }
    }

    /// The guest's TLB maintenance.
    pub fn flush(&mut self, flush: Flush) {
        self.stats.flushes += 1;
        self.devices.flush(flush);
        if flush == Flush::All {
            self.spaces.flush_all();
            if let Some(globals) = &mut self.globals {
                globals.clear(&mut self.tables, true);
            }
            self.forget_current();
            return;
        }
        let (own, others) = self.spaces.concerned(flush);
        match flush {
            Flush::Page { va, .. } | Flush::PageAllAsids { va } => {
                if self.flush_page(own, others, va) {
                    // In all address spaces.
                    crate::arch::cache::invalidate_tlb(va.raw(), 1);
                }
            }
            _ => {
                for slot in own {
                    let Some(table) = &mut self.tables[usize::from(slot)] else { continue };
                    if with_tables(|tables| table.shadow.flush_non_global(tables)) {
                        table.invalidate(None);
                    }
                }
            }
        }
    }

    /// Drops a page: all of it in the tables of `own`, what is global in those of `others`. True if the TLB may still have it;
    /// all else is done.
    #[inline]
    fn flush_page(&mut self, own: SlotSet, others: SlotSet, va: Gva) -> bool {
        let mut small = false;
        if let Some(globals) = &mut self.globals {
            small = globals.flush_page(&mut self.tables, va);
        }
        let mib = va.raw() >> 20;
        let others = if self.own_globals.has(mib) || self.large_global { others } else { SlotSet::NONE };
        for (slot, only_global) in own.map(|slot| (slot, false)).chain(others.map(|slot| (slot, true))) {
            let Some(table) = &mut self.tables[usize::from(slot)] else { continue };
            if !table.shadow.may_concern(mib) {
                continue;
            }
            match with_tables(|tables| table.shadow.flush_page(tables, va, only_global)) {
                Dropped::Nothing => {}
                Dropped::Page => small = true,
                Dropped::More => table.invalidate(None),
            }
        }
        small
    }

    /// The guest's TLB maintenance of `count` pages from `va` on, for one ASID, one after the other.
    pub fn flush_pages(&mut self, va: Gva, count: u32, asid: u8) {
        self.stats.flushes += u64::from(count);
        let (own, others) = self.spaces.concerned(Flush::Page { va, asid });
        let (mut dropped, mut n) = (0, 0);
        while n < count {
            let page = va.wrapping_add(n * 0x1000);
            let mib = page.raw() >> 20;
            // Whole megabytes in which there is nothing.
            let idle = !self.devices.may_concern(mib)
                && !self.own_globals.has(mib)
                && !self.large_global
                && self.globals.as_ref().is_none_or(|globals| !globals.table.shadow.may_concern(mib))
                && own.into_iter().all(|slot| {
                    self.tables[usize::from(slot)].as_ref().is_none_or(|table| !table.shadow.may_concern(mib))
                });
            let rest = (0x100 - (page.raw() >> 12 & 0xff)).min(count - n);
            if !idle {
                for n in 0..rest {
                    let page = page.wrapping_add(n * 0x1000);
                    self.devices.flush(Flush::Page { va: page, asid });
                    dropped += u32::from(self.flush_page(own, others, page));
                }
            }
            n += rest;
        }
        match dropped {
            0 => {}
            _ => crate::arch::cache::invalidate_tlb(va.raw(), count),
        }
    }
}
