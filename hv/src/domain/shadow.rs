//! The shadow tables of one domain: a fixed number of slots, filled on faults, found again by address space and view.

use alloc::boxed::Box;
use alloc::vec::Vec;

use nex_mm::{Gva, Hpa};
use nex_vcpu::Cp15;
use nex_vmmu::shadow::{Caching, Domains, Entry, Policy, View, host_dacr};
use nex_vmmu::spaces::{Acquired, Effect, Slot, SpaceId, Spaces};
use nex_vmmu::table::{New, NoTable};
use nex_vmmu::tlb::Flush;
use nex_vmmu::uses::Where;
use nex_vmmu::{Features, Registers, Translation};

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

/// The shadow tables of a domain.
pub struct Shadow {
    spaces: Spaces<Box<[Slot]>>,
    tables: Vec<Option<GuestTable>>,
    /// The slots of the guest's present address space: kernel's and user's view.
    current: [Option<u16>; 2],
    /// [`fast`](Self::fast) would say something new.
    changed: bool,
    regs: Registers,
    host_dacr: u32,
    l2_tables_most: u32,
    /// Megabytes in which some guest's entry was global.
    global: [u32; 128],
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
            current: [None; 2],
            changed: true,
            regs,
            host_dacr: host_dacr(&regs, NEX_DOMAIN),
            l2_tables_most: (memory_bytes >> 20) * L2_TABLES_PER_MIB + L2_TABLES_LEAST,
            global: [0; 128],
            pinned_dacr: 0,
            stats: Stats::default(),
        }
    }

    /// The guest's translation registers.
    pub fn regs(&self) -> &Registers {
        &self.regs
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Second-level tables and whole tables in use now.
    pub fn usage(&self) -> (u32, u32) {
        let tables = self.tables.iter().flatten();
        (tables.clone().map(|table| table.shadow.l2_tables()).sum(), tables.count() as u32)
    }

    /// A translation register other than DACR has changed.
    pub fn registers_changed(&mut self, cp15: &Cp15) {
        self.regs = registers(cp15);
        self.host_dacr = host_dacr(&self.regs, NEX_DOMAIN);
        self.forget_current();
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
            for table in self.tables.iter_mut().flatten() {
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
        let slot = match self.current[index(view)] {
            Some(slot) => slot,
            None => self.acquire(view)?,
        };
        match &self.tables[usize::from(slot)] {
            Some(table) => {
                Ok(World { ttbr0: table.ttbr0(), contextidr: table.contextidr(), dacr: self.host_dacr })
            }
            None => Err(OutOfMemory),
        }
    }

    fn acquire(&mut self, view: View) -> Result<u16, OutOfMemory> {
        let id = SpaceId::new(&self.regs, view, POLICY);
        let other = self.current[1 - index(view)];
        let slot = match self.spaces.acquire(&id, |slot| Some(slot) == other).ok_or(OutOfMemory)? {
            Acquired::Resident(slot) => slot,
            Acquired::Fresh { slot, evicted } => {
                self.stats.evictions += u64::from(evicted);
                self.prepare(slot, other)
            }?,
        };
        self.current[index(view)] = Some(slot);
        self.changed = true;
        Ok(slot)
    }

    /// Gives `slot` an empty table. Without memory for one it takes that of another slot, but not of `keep`.
    fn prepare(&mut self, slot: u16, keep: Option<u16>) -> Result<u16, OutOfMemory> {
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
        if let Some(table) = &mut self.tables[at]
            && with_tables(|tables| table.shadow.clear(tables))
        {
            table.invalidate(None);
        }
        Ok(slot)
    }

    /// Something else that first-level handling is told has changed.
    pub fn set_changed(&mut self) {
        self.changed = true;
    }

    fn forget_current(&mut self) {
        self.current = [None; 2];
        self.changed = true;
    }

    /// What first-level handling has to be told, if that is something new: TTBR0 and CONTEXTIDR of the kernel's and the user's
    /// view (zeros where there is no table yet), and the bits of DACR that it must not change.
    #[inline]
    pub fn take_fast(&mut self) -> Option<([[u32; 2]; 2], u32)> {
        if !core::mem::take(&mut self.changed) {
            return None;
        }
        let worlds = self.current.map(|slot| {
            let table = slot.and_then(|slot| self.tables[usize::from(slot)].as_ref());
            table.map_or([0; 2], |table| [table.ttbr0(), table.contextidr()])
        });
        let plain = self.regs.mmu_on() && !self.regs.long();
        let fixed = if plain { BAKED_DACR | self.pinned_dacr } else { !0 };
        Some((worlds, fixed))
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

    fn note(&mut self, found: &Translation) {
        let mib = found.va.raw() >> 20;
        if found.global {
            self.global[(mib / 32) as usize] |= 1 << (mib % 32);
        }
        if Self::is_pinned(found.va.raw()) {
            self.pinned_dacr |= 3 << (2 * u32::from(found.domain));
            self.changed = true;
        }
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
        self.note(found);
        self.stats.pages += 1;
        let new = Self::new_entry(found, entry);
        let va = found.va.align_down(4096);
        for attempt in 0..3 {
            let slot = match self.current[index(view)] {
                Some(slot) => slot,
                None => self.acquire(view)?,
            };
            let Some(table) = &mut self.tables[usize::from(slot)] else { return Err(OutOfMemory) };
            let within = table.shadow.l2_tables() < self.l2_tables_most;
            let mapped = with_tables(|tables| {
                if within || table.shadow.has_l2(tables, va) {
                    table.shadow.map_page(tables, va, hpa, new)
                } else {
                    Err(NoTable)
                }
            });
            match mapped {
                Ok(dropped) => {
                    if dropped {
                        // The entry may have replaced a section, or a table in another domain.
                        table.invalidate(None);
                    }
                    return Ok(());
                }
                Err(NoTable) => self.make_room(slot, attempt),
            }
        }
        Err(OutOfMemory)
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
        self.note(found);
        self.stats.sections += 1;
        let slot = match self.current[index(view)] {
            Some(slot) => slot,
            None => self.acquire(view)?,
        };
        let Some(table) = &mut self.tables[usize::from(slot)] else { return Err(OutOfMemory) };
        let new = Self::new_entry(found, entry);
        let va = found.va.align_down(1 << 20);
        if with_tables(|tables| table.shadow.map_section(tables, va, hpa, new)) {
            table.invalidate(None);
        }
        Ok(())
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
        if at == Where::Nowhere {
            return;
        }
        for table in self.tables.iter_mut().flatten() {
            let dropped = with_tables(|tables| match at {
                Where::At(va) => table.shadow.drop_if_maps(tables, va, hpa),
                _ => table.shadow.drop_everywhere(tables, hpa, section),
            });
            if dropped {
                table.invalidate(
                    if let Where::At(va) = at
                        && !section
                    {
                        Some(va)
                    } else {
                        None
                    },
                );
            }
        }
    }

    /// The guest's TLB maintenance.
    pub fn flush(&mut self, flush: Flush) {
        self.stats.flushes += 1;
        if flush == Flush::All {
            self.spaces.flush_all();
            self.forget_current();
            return;
        }
        let global = match flush {
            Flush::Page { va, .. } => {
                let mib = va.raw() >> 20;
                self.global[(mib / 32) as usize] >> (mib % 32) & 1 == 1
            }
            _ => true,
        };
        with_tables(|tables| {
            for slot in self.spaces.slots() {
                let effect = self.spaces.effect(slot, flush);
                if matches!(effect, Effect::Nothing) || matches!(effect, Effect::GlobalPage(_)) && !global {
                    continue;
                }
                let Some(table) = &mut self.tables[usize::from(slot)] else { continue };
                let (dropped, page) = match effect {
                    Effect::Nothing => (false, None),
                    Effect::Everything => (table.shadow.clear(tables), None),
                    Effect::NonGlobal => (table.shadow.flush_non_global(tables), None),
                    Effect::Page(va) => (table.shadow.flush_page(tables, va, false), Some(va)),
                    Effect::GlobalPage(va) => (table.shadow.flush_page(tables, va, true), Some(va)),
                };
                if dropped {
                    let small = page.filter(|&va| table.shadow.is_small(va));
                    table.invalidate(small.map(|va: Gva| va.align_down(4096)));
                }
            }
        });
    }
}
