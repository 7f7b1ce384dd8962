//! The shadow tables of one domain: a fixed number of slots, filled on faults, found again by address space and view.

use alloc::boxed::Box;
use alloc::vec::Vec;

use nex_devices::platform::Device;
use nex_mm::{Gva, Hpa};
use nex_vcpu::Cp15;
use nex_vmmu::devices::DeviceTlb;
use nex_vmmu::mibs::Mibs;
use nex_vmmu::quick::Tables;
use nex_vmmu::shadow::{Caching, Domains, Entry, Policy, View, host_dacr};
use nex_vmmu::spaces::{Acquired, Slot, SlotSet, SpaceId, Spaces};
use nex_vmmu::table::{Dropped, New, NoTable};
use nex_vmmu::tlb::Flush;
use nex_vmmu::uses::Where;
use nex_vmmu::{Features, Registers, Translation};

use super::globals::Globals;
use super::memory::{GuestMemory, OutOfMemory, Page};
use crate::arch::NEX_DOMAIN;
use crate::arch::guest::World;
use crate::memory::{GuestTable, with_tables};

/// Shadow tables of one domain at most: two views for each address space. A Linux with more processes than half of it
/// that run by turns has to fill tables anew.
const SLOTS: usize = 24;

/// Second-level tables that a domain may have: so many for each MiB of its memory, and some.
const L2_TABLES_PER_MIB: u32 = 4;
const L2_TABLES_LEAST: u32 = 256;

/// How shadow entries are made; see [`nex_vmmu::shadow`].
pub const POLICY: Policy =
    Policy { domains: Domains::Host { reserved: NEX_DOMAIN }, caching: Caching::WriteBack };
/// In the megabyte of the window: everything there is in Nex's domain, so the guest's domains cannot be left to DACR.
pub const POLICY_PINNED: Policy =
    Policy { domains: Domains::Baked { host: NEX_DOMAIN }, caching: Caching::WriteBack };

/// Bits of DACR that are baked into entries: Manager, and all of Nex's own domain.
const BAKED_DACR: u32 = 0xaaaa_aaaa | 3 << (2 * NEX_DOMAIN);

/// In place of a slot: the table of what the guest maps globally.
const GLOBALS: u16 = u16::MAX;

/// The shadow tables of a domain.
pub struct Shadow {
    spaces: Spaces<Box<[Slot]>>,
    tables: Vec<Option<GuestTable>>,
    /// The guest's global mappings in its kernel's view. `None` until it turns its MMU on, or without memory for it.
    globals: Option<Globals>,
    /// The slots of the guest's present address space: kernel's and user's view.
    current: [Option<u16>; 2],
    /// [`take_fast`](Self::take_fast) would say something new.
    changed: bool,
    /// As of its last call, TTBR0 and CONTEXTIDR of `current`; zeros where there is no table.
    worlds: [[u32; 2]; 2],
    regs: Registers,
    /// The guest's tables, if they can be walked in the common way.
    quick: Option<Tables>,
    /// Where the guest maps devices.
    pub devices: DeviceTlb<(Device, u32)>,
    host_dacr: u32,
    l2_tables_most: u32,
    /// Megabytes in which a table of a space has, or had, an entry of its own that is global for the guest.
    own_globals: Mibs,
    /// One of these came from more than a megabyte of the guest's.
    large_global: bool,
    /// Fields of DACR that entries in the window's megabyte depend on.
    pinned_dacr: u32,
    stats: Stats,
}

/// What happened to shadow tables, since the domain started.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stats {
    /// Pages mapped.
    pub pages: u64,
    /// Sections mapped.
    pub sections: u64,
    /// Address spaces that lost their table to another one.
    pub evictions: u64,
    /// Guest TLB maintenance operations.
    pub flushes: u64,
}

const fn index(view: View) -> usize {
    match view {
        View::Kernel => 0,
        View::User => 1,
    }
}

/// The translation registers out of the register file.
fn registers(cp15: &Cp15) -> Registers {
    let lpae = cp15.profile.lpae;
    Registers {
        features: Features {
            lpae,
            pxn: cp15.profile.id_mmfr[0] & 0xf >= 4,
            wxn: cp15.profile.core != nex_vcpu::profile::Core::A9,
        },
        sctlr: cp15.sctlr,
        ttbr0: cp15.ttbr[0],
        ttbr1: cp15.ttbr[1],
        ttbcr: cp15.ttbcr,
        dacr: cp15.dacr,
        prrr_mair0: cp15.remap[0],
        nmrr_mair1: cp15.remap[1],
        contextidr: cp15.contextidr,
    }
}

impl Shadow {
    /// No tables yet, for a domain with `memory_bytes` of RAM.
    pub fn new(cp15: &Cp15, memory_bytes: u32) -> Self {
        let regs = registers(cp15);
        let slots: Vec<Slot> = core::iter::repeat_n(Slot::EMPTY, SLOTS).collect();
        let mut tables = Vec::with_capacity(SLOTS);
        tables.resize_with(SLOTS, || None);
        Shadow {
            spaces: Spaces::new(slots.into_boxed_slice()),
            tables,
            globals: None,
            current: [None; 2],
            changed: true,
            worlds: [[0; 2]; 2],
            regs,
            quick: Tables::of(&regs),
            devices: DeviceTlb::new(),
            host_dacr: host_dacr(&regs, NEX_DOMAIN),
            l2_tables_most: (memory_bytes >> 20) * L2_TABLES_PER_MIB + L2_TABLES_LEAST,
            own_globals: Mibs::NONE,
            large_global: false,
            pinned_dacr: 0,
            stats: Stats::default(),
        }
    }

    /// The guest's translation registers.
    pub fn regs(&self) -> &Registers {
        &self.regs
    }

    /// The guest's tables, if they can be walked in the common way.
    #[inline]
    pub fn quick(&self) -> Option<Tables> {
        self.quick
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Second-level tables and whole tables in use now.
    pub fn usage(&self) -> (u32, u32) {
        let tables = self.tables.iter().flatten().chain(self.globals.as_ref().map(|globals| &globals.table));
        (tables.clone().map(|table| table.shadow.l2_tables()).sum(), tables.count() as u32)
    }

    /// A translation register other than DACR has changed.
    pub fn registers_changed(&mut self, cp15: &Cp15) {
        let table_changed = self.regs.ttbr0 != cp15.ttbr[0];
        let regs = registers(cp15);
        self.devices.registers_changed(&self.regs, &regs);
        self.regs = regs;
        self.quick = Tables::of(&regs);
        self.host_dacr = host_dacr(&self.regs, NEX_DOMAIN);
        self.forget_current();
        // After a new ASID there will be a new TTBR0: the space of the one and the other is not worth a table.
        if table_changed && self.current[0] == Some(GLOBALS) {
            let id = SpaceId::new(&self.regs, View::Kernel, POLICY);
            self.current[0] = self.spaces.resident(&id).or(Some(GLOBALS));
        }
    }

    /// DACR has changed.
    pub fn dacr_changed(&mut self, cp15: &Cp15) {
        let changed = self.regs.dacr ^ cp15.dacr;
        self.regs.dacr = cp15.dacr;
        self.host_dacr = host_dacr(&self.regs, NEX_DOMAIN);
        // Manager, and Nex's own domain, are baked into the entries.
        if changed & BAKED_DACR != 0 {
            self.forget_current();
        }
        if changed & self.pinned_dacr != 0 {
            let globals = self.globals.as_mut().map(|globals| &mut globals.table);
            for table in self.tables.iter_mut().flatten().chain(globals) {
                if with_tables(|tables| table.shadow.flush_pinned(tables)) {
                    table.invalidate(None);
                }
            }
        }
    }

    /// The world to run a view of the guest's present address space in.
    ///
    /// # Errors
    /// There is no memory or ASID for even one table.
    #[inline]
    pub fn world(&mut self, view: View) -> Result<World, OutOfMemory> {
        let [ttbr0, contextidr] = self.worlds[index(view)];
        if !self.changed && ttbr0 != 0 {
            return Ok(World { ttbr0, contextidr, dacr: self.host_dacr });
        }
        let slot = match self.current[index(view)] {
            Some(slot) => slot,
            None => self.acquire(view)?,
        };
        match self.table(slot) {
            Some(table) => {
                Ok(World { ttbr0: table.ttbr0(), contextidr: table.contextidr(), dacr: self.host_dacr })
            }
            None => Err(OutOfMemory),
        }
    }

    #[inline]
    fn table(&self, slot: u16) -> Option<&GuestTable> {
        if slot == GLOBALS {
            return self.globals.as_ref().map(|globals| &globals.table);
        }
        self.tables[usize::from(slot)].as_ref()
    }

    fn acquire(&mut self, view: View) -> Result<u16, OutOfMemory> {
        let id = SpaceId::new(&self.regs, view, POLICY);
        if view == View::Kernel {
            self.provide_globals(&id);
        }
        let other = self.current[1 - index(view)];
        let slot = match self.spaces.acquire(&id, |slot| Some(slot) == other).ok_or(OutOfMemory)? {
            Acquired::Resident(slot) => slot,
            Acquired::Fresh { slot, evicted } => {
                self.stats.evictions += u64::from(evicted);
                self.prepare(slot, other, &id)
            }?,
        };
        self.current[index(view)] = Some(slot);
        self.changed = true;
        Ok(slot)
    }

    /// Sees to it that there is a table of global mappings for the space `id`, a kernel's view. What others have had goes: a
    /// guest that changes how it translates has one such table nevertheless.
    fn provide_globals(&mut self, id: &SpaceId) {
        let Some(key) = id.globals() else { return };
        match &mut self.globals {
            Some(globals) if globals.key == key => {}
            Some(globals) => {
                globals.clear(&mut self.tables, true);
                globals.key = key;
            }
            None => self.globals = Globals::new(key),
        }
    }

    /// Gives `slot` an empty table, for the space `id`. Without memory for one it takes that of another slot, but not of
    /// `keep`.
    fn prepare(&mut self, slot: u16, keep: Option<u16>, id: &SpaceId) -> Result<u16, OutOfMemory> {
        let at = usize::from(slot);
        if self.tables[at].is_none() {
            self.tables[at] = GuestTable::new();
        }
        if self.tables[at].is_none() {
            let other = (0..self.tables.len())
                .find(|&n| n != at && Some(n as u16) != keep && self.tables[n].is_some())
                .ok_or(OutOfMemory)?;
            self.spaces.release(other as u16);
            self.tables[at] = self.tables[other].take();
        }
        if let Some(table) = &mut self.tables[at] {
            if with_tables(|tables| table.shadow.clear(tables)) {
                table.invalidate(None);
            }
            if let Some(globals) = &mut self.globals {
                let linked = id.view() == View::Kernel && id.globals().as_ref() == Some(&globals.key);
                globals.enlist(slot, table, linked);
            }
        }
        Ok(slot)
    }

    /// Something else that first-level handling is told has changed.
    pub fn set_changed(&mut self) {
        self.changed = true;
    }

    /// The guest is in another address space. Its kernel goes on in what is global, if there is such a table for it.
    fn forget_current(&mut self) {
        self.current = [None; 2];
        self.changed = true;
        if let Some(globals) = &self.globals
            && SpaceId::new(&self.regs, View::Kernel, POLICY).globals().as_ref() == Some(&globals.key)
        {
            self.current[0] = Some(GLOBALS);
        }
    }

    /// What first-level handling has to be told, if that is something new: TTBR0 and CONTEXTIDR of the kernel's and the user's
    /// view (zeros where there is no table yet), and the bits of DACR that it must not change.
    #[inline]
    pub fn take_fast(&mut self) -> Option<([[u32; 2]; 2], u32)> {
        if !core::mem::take(&mut self.changed) {
            return None;
        }
        self.worlds = self.current.map(|slot| {
            let table = slot.and_then(|slot| self.table(slot));
            table.map_or([0; 2], |table| [table.ttbr0(), table.contextidr()])
        });
        let plain = self.regs.mmu_on() && !self.regs.long();
        let fixed = if plain { BAKED_DACR | self.pinned_dacr } else { !0 };
        Some((self.worlds, fixed))
    }

    /// First-level handling may have changed DACR.
    #[inline]
    pub fn sync_dacr(&mut self, cp15: &Cp15) {
        if self.regs.dacr != cp15.dacr {
            self.regs.dacr = cp15.dacr;
            self.host_dacr = host_dacr(&self.regs, NEX_DOMAIN);
        }
    }

    /// Whether `va` is in the part of Nex's window that no guest can have.
    pub fn is_reserved(va: u32) -> bool {
        va.wrapping_sub(crate::arch::WINDOW_BASE) < 0xf_0000
    }

    /// Whether entries for `va` are made by [`POLICY_PINNED`].
    pub fn is_pinned(va: u32) -> bool {
        va >= crate::arch::WINDOW_BASE
    }

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
