//! The shadow tables of one domain: a fixed number of slots, filled on faults ([`fill`]), found again by address space and view,
//! emptied by the guest's maintenance ([`drop`]).

use alloc::boxed::Box;
use alloc::vec::Vec;

use nex_devices::platform::Device;
use nex_vcpu::Cp15;
use nex_vmmu::devices::DeviceTlb;
use nex_vmmu::mibs::Mibs;
use nex_vmmu::quick::Tables;
use nex_vmmu::shadow::{Caching, Domains, Policy, View, host_dacr};
use nex_vmmu::spaces::{Acquired, Slot, SpaceId, Spaces};
use nex_vmmu::{Features, Registers};

mod drop;
mod fill;

use super::globals::Globals;
use super::memory::OutOfMemory;
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
}
