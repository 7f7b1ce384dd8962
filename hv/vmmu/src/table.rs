//! One shadow table: a first-level table of short descriptors and the second-level tables below it.
//!
//! Entries go in on faults and out on the guest's TLB maintenance. Three things are remembered besides the entries: which
//! megabytes have any (so that walking a table costs what is in it), which come from larger blocks of the guest
//! ([`Blocks`]), and, in each entry, whether the guest maps it globally. The last is a bit that the architecture has
//! not: Normal write-back write-allocate memory has two encodings (TEX:C:B 0b00111 and 0b10101, DDI 0406C tables B3-10 and
//! B3-11), and entries that are global for the guest use the second. All shadow entries are non-global for the host.
//!
//! Megabytes can be *linked*: their first-level entry is that of another table, the one of what the guest maps globally,
//! which is the same in all its address spaces (see [`ShadowTable::link`]). Such entries are not this table's: it never
//! changes them, and its operations pass over them.
//!
//! One megabyte can be *pinned*: its second-level table belongs to somebody else (the hypervisor's window is in it), it is
//! never given back, and only the guest's pages in it are ever changed.
//!
//! Operations say whether a valid entry has gone or changed; the caller then invalidates the host's TLB before it lets the
//! guest run, and before a table that was given back is used again.

use nex_mm::desc::{Access, Attrs, L1Desc, L2Desc, MemoryType};
use nex_mm::space::TableMemory;
use nex_mm::{Gva, Hpa};

use crate::blocks::Blocks;
use crate::mibs::Mibs;

const MIB: u32 = 1 << 20;
const PAGES: u32 = 256;

/// What Normal write-back write-allocate memory is called in entries that the guest maps globally.
const GLOBAL: MemoryType = MemoryType::Other(0b10101);
const GLOBAL_MARK: u32 =
    L2Desc::Small { hpa: Hpa::new(0), attrs: Attrs { memory: GLOBAL, ..PLAIN } }.encode() & TEX_CB;
const TEX_CB: u32 = 7 << 6 | 3 << 2;
const SECTION_TEX_CB: u32 = 7 << 12 | 3 << 2;
const SECTION_GLOBAL_MARK: u32 =
    L1Desc::Section { hpa: Hpa::new(0), attrs: Attrs { memory: GLOBAL, ..PLAIN }, domain: 0 }.encode()
        & SECTION_TEX_CB;
const PLAIN: Attrs = Attrs {
    access: Access::UserRw,
    exec: false,
    memory: MemoryType::NormalWriteBack,
    shareable: true,
    global: false,
};

/// There is no memory for a second-level table. Nothing was mapped; entries may have been dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoTable;

/// What became of valid entries, that is, what the host's TLB may still hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Dropped {
    /// They are all as they were.
    Nothing,
    /// One for a page has gone or changed: the page that the operation was about.
    Page,
    /// More than that.
    More,
}

/// A new entry, apart from its addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct New {
    /// What it permits. Normal write-back write-allocate memory, not global: see the module.
    pub attrs: Attrs,
    /// Domain of the first-level entry, 0..=15.
    pub domain: u8,
    /// The guest maps it globally.
    pub global: bool,
    /// log2 of the bytes that the guest's descriptor maps.
    pub guest_log2: u8,
}

impl New {
    fn attrs(self) -> Attrs {
        if self.global && self.attrs.memory == MemoryType::NormalWriteBack {
            Attrs { memory: GLOBAL, ..self.attrs }
        } else {
            self.attrs
        }
    }
}

/// Descriptors of small pages without their addresses, by [`small_page`]'s flags.
static SMALL: [u32; 8] = {
    let mut small = [0; 8];
    let mut n = 0;
    while n < 8 {
        let access = if n & 1 != 0 { Access::UserRw } else { Access::UserRo };
        let memory = if n & 4 != 0 { GLOBAL } else { MemoryType::NormalWriteBack };
        let attrs = Attrs { access, exec: n & 2 != 0, memory, shareable: true, global: false };
        small[n] = L2Desc::Small { hpa: Hpa::new(0), attrs }.encode();
        n += 1;
    }
    small
};

/// The descriptor of a small page of RAM at `hpa`, as [`ShadowTable::map_page`] writes it for Normal write-back memory.
#[inline]
pub fn small_page(hpa: Hpa, write: bool, exec: bool, global: bool) -> u32 {
    hpa.raw() | SMALL[usize::from(write) | usize::from(exec) << 1 | usize::from(global) << 2]
}

/// A pinned megabyte.
#[derive(Clone, Copy, Debug)]
struct Pinned {
    mib: u32,
    l2: Hpa,
    domain: u8,
    /// The guest's pages: from this one (0..=255) to the end.
    first: u32,
}

/// A shadow table; see the [module](self).
#[derive(Debug)]
pub struct ShadowTable {
    l1: Hpa,
    pinned: Option<Pinned>,
    /// Megabytes that have an entry of this table's own.
    used: Mibs,
    /// Those of them in which something was mapped that is global for the guest.
    global: Mibs,
    /// Megabytes whose first-level entry is another table's.
    linked: Mibs,
    blocks: Blocks,
    l2_tables: u32,
}

impl ShadowTable {
    /// Over the first-level table `l1`, which holds zeros.
    pub const fn new(l1: Hpa) -> Self {
        Self {
            l1,
            pinned: None,
            used: Mibs::NONE,
            global: Mibs::NONE,
            linked: Mibs::NONE,
            blocks: Blocks::EMPTY,
            l2_tables: 0,
        }
    }

    /// The first-level table.
    pub const fn l1(&self) -> Hpa {
        self.l1
    }

    /// Second-level tables that it has now, without the pinned one.
    pub const fn l2_tables(&self) -> u32 {
        self.l2_tables
    }

    /// Makes `l2`, with the domain `domain`, the table of the megabyte of `va`; the guest's pages there are those from `va`
    /// on. Once, before anything is mapped.
    pub fn pin(&mut self, mem: &mut impl TableMemory, va: Gva, l2: Hpa, domain: u8) {
        let mib = va.raw() / MIB;
        self.pinned = Some(Pinned { mib, l2, domain, first: va.raw() / 4096 % PAGES });
        mem.write(self.l1_entry(mib), L1Desc::Table { l2, domain }.encode());
    }

    /// Whether `va` is in the pinned megabyte, but is not the guest's.
    #[inline]
    pub fn is_reserved(&self, va: Gva) -> bool {
        self.pinned.is_some_and(|p| p.mib == va.raw() / MIB && va.raw() / 4096 % PAGES < p.first)
    }

    /// Whether `va` is in the pinned megabyte: pages only, and the domain is given.
    #[inline]
    pub fn is_pinned(&self, va: Gva) -> bool {
        self.pinned.is_some_and(|p| p.mib == va.raw() / MIB)
    }

    #[inline]
    fn l1_entry(&self, mib: u32) -> Hpa {
        self.l1.wrapping_add(mib * 4)
    }

    #[inline]
    fn note(&mut self, va: Gva, new: New) {
        let mib = va.raw() / MIB;
        self.used.insert(mib);
        if new.global {
            self.global.insert(mib);
        }
        self.blocks.note(va, new.guest_log2);
    }

    /// The first-level entry of megabyte `mib`, as it is.
    #[inline]
    pub fn l1_entry_raw(&self, mem: &impl TableMemory, mib: u32) -> u32 {
        mem.read(self.l1_entry(mib))
    }

    /// Whether megabyte `mib` has entries of this table's own.
    #[inline]
    pub const fn owns(&self, mib: u32) -> bool {
        self.used.has(mib)
    }

    /// Whether the first-level entry of megabyte `mib` is another table's.
    #[inline]
    pub const fn is_linked(&self, mib: u32) -> bool {
        self.linked.has(mib)
    }

    /// Makes the first-level entry of megabyte `mib` the one of another table, `raw`, now or again; 0: nothing is there any
    /// more. Not where this table has entries of its own; that says [`owns`](Self::owns).
    #[inline]
    pub fn link(&mut self, mem: &mut impl TableMemory, mib: u32, raw: u32) {
        mem.write(self.l1_entry(mib), raw);
        if raw != 0 {
            self.linked.insert(mib);
        } else {
            self.linked.remove(mib);
        }
    }

    /// Links all that `other` has, apart from its pinned megabyte, into this table, which is empty.
    pub fn link_all(&mut self, mem: &mut impl TableMemory, other: &ShadowTable) {
        let pinned = other.pinned.map_or(u32::MAX, |p| p.mib);
        let mut at = 0;
        while let Some(mib) = other.used.next(at) {
            at = mib + 1;
            if mib != pinned {
                mem.write(self.l1_entry(mib), mem.read(other.l1_entry(mib)));
            }
        }
        self.linked = other.used.clone();
        if pinned < 4096 {
            self.linked.remove(pinned);
        }
    }

    /// Renews what is linked, as the entries of `other` have changed.
    pub fn relink(&mut self, mem: &mut impl TableMemory, other: &ShadowTable) {
        let mut at = 0;
        while let Some(mib) = self.linked.next(at) {
            at = mib + 1;
            self.link(mem, mib, other.l1_entry_raw(mem, mib));
        }
    }

    /// Takes out all that is linked. True if there was something.
    pub fn unlink_all(&mut self, mem: &mut impl TableMemory) -> bool {
        let mut at = 0;
        while let Some(mib) = self.linked.next(at) {
            at = mib + 1;
            mem.write(self.l1_entry(mib), 0);
        }
        self.linked = Mibs::NONE;
        at != 0
    }

    /// Takes out what is linked in megabyte `mib`, before it gets entries of this table's own.
    fn unlink(&mut self, mem: &mut impl TableMemory, mib: u32) -> bool {
        let linked = self.linked.has(mib);
        if linked {
            self.link(mem, mib, 0);
        }
        linked
    }

    /// Maps the page at `va` to the one at `hpa`; says what was valid there before.
    ///
    /// In the pinned megabyte `new.domain` has to be its domain, and `va` one of the guest's pages.
    ///
    /// # Errors
    /// [`NoTable`].
    #[inline]
    pub fn map_page(
        &mut self,
        mem: &mut impl TableMemory,
        va: Gva,
        hpa: Hpa,
        new: New,
    ) -> Result<Dropped, NoTable> {
        let (mib, page) = (va.raw() / MIB, va.raw() / 4096 % PAGES);
        let mut dropped = if self.unlink(mem, mib) { Dropped::More } else { Dropped::Nothing };
        let l2 = match L1Desc::decode(mem.read(self.l1_entry(mib))) {
            L1Desc::Table { l2, domain } if domain == new.domain => l2,
            L1Desc::Fault => self.new_l2(mem, mib, new.domain)?,
            // A section, or another domain: the guest has changed its first-level entry since.
            _ => {
                self.drop_mib(mem, mib);
                dropped = Dropped::More;
                self.new_l2(mem, mib, new.domain)?
            }
        };
        let entry = l2.wrapping_add(page * 4);
        let raw = L2Desc::Small { hpa, attrs: new.attrs() }.encode();
        let old = mem.read(entry);
        if old != 0 && old != raw {
            dropped = dropped.max(Dropped::Page);
        }
        mem.write(entry, raw);
        self.note(va, new);
        Ok(dropped)
    }

    /// The second-level table for pages in the megabyte of `va` with this domain, if it is there and this table's own. For
    /// [`fill`](Self::fill), which needs nothing else then.
    #[inline]
    pub fn l2_for(&self, mem: &impl TableMemory, va: Gva, domain: u8) -> Option<Hpa> {
        let mib = va.raw() / MIB;
        if !self.used.has(mib) || self.is_pinned(va) {
            return None;
        }
        let raw = mem.read(self.l1_entry(mib));
        (raw & (0xf << 5 | 3) == u32::from(domain) << 5 | 1).then(|| Hpa::new(raw & !0x3ff))
    }

    /// Maps the page at `va` by the descriptor `raw`, of [`small_page`], in the table that [`l2_for`](Self::l2_for) found. True
    /// if another entry was valid there before.
    #[inline]
    pub fn fill(&mut self, mem: &mut impl TableMemory, l2: Hpa, va: Gva, raw: u32, global: bool) -> bool {
        let entry = l2.wrapping_add(va.raw() / 4096 % PAGES * 4);
        let old = mem.read(entry);
        mem.write(entry, raw);
        if global {
            self.global.insert(va.raw() / MIB);
        }
        old != 0 && old != raw
    }

    fn new_l2(&mut self, mem: &mut impl TableMemory, mib: u32, domain: u8) -> Result<Hpa, NoTable> {
        let l2 = mem.alloc_l2().ok_or(NoTable)?;
        self.l2_tables += 1;
        mem.write(self.l1_entry(mib), L1Desc::Table { l2, domain }.encode());
        Ok(l2)
    }

    /// Maps the megabyte of `va`, not the pinned one, to the section at `hpa`. True if something was mapped there before.
    #[inline]
    pub fn map_section(&mut self, mem: &mut impl TableMemory, va: Gva, hpa: Hpa, new: New) -> bool {
        let mib = va.raw() / MIB;
        let dropped = self.unlink(mem, mib) | self.drop_mib(mem, mib);
        let section = L1Desc::Section { hpa, attrs: new.attrs(), domain: new.domain };
        mem.write(self.l1_entry(mib), section.encode());
        self.note(va, new);
        dropped
    }

    /// The second-level entry for `va`, if there is a table: where it is, and what it holds.
    #[inline]
    fn page_entry(&self, mem: &impl TableMemory, va: Gva) -> Option<(Hpa, u32)> {
        if self.linked.has(va.raw() / MIB) {
            return None;
        }
        match L1Desc::decode(mem.read(self.l1_entry(va.raw() / MIB))) {
            L1Desc::Table { l2, .. } if !self.is_reserved(va) => {
                let entry = l2.wrapping_add(va.raw() / 4096 % PAGES * 4);
                Some((entry, mem.read(entry)))
            }
            _ => None,
        }
    }

    /// Whether pages of the megabyte of `va` can be mapped without a further second-level table.
    pub fn has_l2(&self, mem: &impl TableMemory, va: Gva) -> bool {
        let mib = va.raw() / MIB;
        !self.linked.has(mib) && matches!(L1Desc::decode(mem.read(self.l1_entry(mib))), L1Desc::Table { .. })
    }

    /// The megabytes that maintenance of the page at `va` concerns.
    pub fn concerned(&self, va: Gva) -> core::ops::Range<u32> {
        let (start, log2_bytes) = self.blocks.concerned(va);
        let first = start.raw() / MIB;
        first..first + (1 << (log2_bytes.max(20) - 20))
    }

    /// What is mapped at `va` by this table itself: the host page or section, and whether it is a section.
    pub fn lookup(&self, mem: &impl TableMemory, va: Gva) -> Option<(Hpa, bool)> {
        if self.linked.has(va.raw() / MIB) {
            return None;
        }
        if let L1Desc::Section { hpa, .. } = L1Desc::decode(mem.read(self.l1_entry(va.raw() / MIB))) {
            return Some((hpa, true));
        }
        let (_, raw) = self.page_entry(mem, va)?;
        (raw != 0).then(|| (Hpa::new(raw & !0xfff), false))
    }

    /// Drops the entry for the page at `va` if it maps `hpa`, or the section there if that is what maps it.
    pub fn drop_if_maps(&mut self, mem: &mut impl TableMemory, va: Gva, hpa: Hpa) -> bool {
        match self.lookup(mem, va) {
            Some((at, true)) if hpa.align_down(MIB) == at => self.drop_mib(mem, va.raw() / MIB),
            Some((at, false)) if at == hpa => self.drop_page(mem, va),
            _ => false,
        }
    }

    /// Drops every entry, in any megabyte, that maps the page (or is the section) at `hpa`.
    pub fn drop_everywhere(&mut self, mem: &mut impl TableMemory, hpa: Hpa, section: bool) -> bool {
        let (mut dropped, mut at) = (false, 0);
        while let Some(mib) = self.used.next(at) {
            at = mib + 1;
            match L1Desc::decode(mem.read(self.l1_entry(mib))) {
                L1Desc::Section { hpa: at, .. } if at == hpa.align_down(MIB) => {
                    dropped |= self.drop_mib(mem, mib);
                }
                L1Desc::Table { l2, .. } if !section => {
                    for page in self.guests_pages(mib) {
                        let entry = l2.wrapping_add(page * 4);
                        let raw = mem.read(entry);
                        if raw != 0 && raw & !0xfff == hpa.raw() {
                            mem.write(entry, 0);
                            dropped = true;
                        }
                    }
                }
                _ => {}
            }
        }
        dropped
    }

    fn guests_pages(&self, mib: u32) -> core::ops::Range<u32> {
        match self.pinned {
            Some(pinned) if pinned.mib == mib => pinned.first..PAGES,
            _ => 0..PAGES,
        }
    }

    fn drop_page(&mut self, mem: &mut impl TableMemory, va: Gva) -> bool {
        match self.page_entry(mem, va) {
            Some((entry, raw)) if raw != 0 => {
                mem.write(entry, 0);
                true
            }
            _ => false,
        }
    }

    fn drop_mib(&mut self, mem: &mut impl TableMemory, mib: u32) -> bool {
        let entry = self.l1_entry(mib);
        let raw = mem.read(entry);
        if raw == 0 {
            return false;
        }
        if let Some(pinned) = self.pinned.filter(|p| p.mib == mib) {
            for page in pinned.first..PAGES {
                mem.write(pinned.l2.wrapping_add(page * 4), 0);
            }
            self.used.remove(mib);
            self.global.remove(mib);
            return true;
        }
        if self.linked.has(mib) {
            return false;
        }
        mem.write(entry, 0);
        self.used.remove(mib);
        self.global.remove(mib);
        if let L1Desc::Table { l2, .. } = L1Desc::decode(raw) {
            mem.free_l2(l2);
            self.l2_tables -= 1;
        }
        true
    }

    /// Whether maintenance of pages in megabyte `mib` can have something to do here.
    #[inline]
    pub const fn may_concern(&self, mib: u32) -> bool {
        self.used.has(mib) || self.blocks.has_large()
    }

    /// Drops what may come from the guest's mapping of `va`; with `only_global`, only what the guest maps globally.
    #[inline]
    pub fn flush_page(&mut self, mem: &mut impl TableMemory, va: Gva, only_global: bool) -> Dropped {
        let (start, log2_bytes) = self.blocks.concerned(va);
        if log2_bytes == 12 {
            let mib = start.raw() / MIB;
            if !self.used.has(mib) || only_global && !self.global.has(mib) {
                return Dropped::Nothing;
            }
            let Some((entry, raw)) = self.page_entry(mem, start) else { return Dropped::Nothing };
            if raw == 0 || only_global && raw & TEX_CB != GLOBAL_MARK {
                return Dropped::Nothing;
            }
            mem.write(entry, 0);
            return Dropped::Page;
        }
        let mut dropped = false;
        for mib in self.concerned(va) {
            if !self.used.has(mib) {
                continue;
            }
            let raw = mem.read(self.l1_entry(mib));
            let section = matches!(L1Desc::decode(raw), L1Desc::Section { .. });
            let stays = only_global && section && raw & SECTION_TEX_CB != SECTION_GLOBAL_MARK;
            if raw != 0 && !stays {
                dropped |= self.drop_mib(mem, mib);
            }
        }
        if dropped { Dropped::More } else { Dropped::Nothing }
    }

    /// Drops everything that the guest does not map globally.
    pub fn flush_non_global(&mut self, mem: &mut impl TableMemory) -> bool {
        let (mut dropped, mut at) = (false, 0);
        while let Some(mib) = self.used.next(at) {
            at = mib + 1;
            if !self.global.has(mib) {
                dropped |= self.drop_mib(mem, mib);
                continue;
            }
            let raw = mem.read(self.l1_entry(mib));
            match L1Desc::decode(raw) {
                L1Desc::Section { .. } if raw & SECTION_TEX_CB != SECTION_GLOBAL_MARK => {
                    dropped |= self.drop_mib(mem, mib);
                }
                L1Desc::Table { l2, .. } => {
                    let mut global = false;
                    for page in self.guests_pages(mib) {
                        let entry = l2.wrapping_add(page * 4);
                        let raw = mem.read(entry);
                        if raw == 0 {
                            continue;
                        }
                        if raw & TEX_CB == GLOBAL_MARK {
                            global = true;
                        } else {
                            mem.write(entry, 0);
                            dropped = true;
                        }
                    }
                    if !global && self.pinned.is_none_or(|p| p.mib != mib) {
                        self.drop_mib(mem, mib);
                    }
                }
                _ => {}
            }
        }
        dropped
    }

    /// Drops the guest's pages in the pinned megabyte.
    pub fn flush_pinned(&mut self, mem: &mut impl TableMemory) -> bool {
        self.pinned.is_some_and(|p| self.drop_mib(mem, p.mib))
    }

    /// Drops everything.
    pub fn clear(&mut self, mem: &mut impl TableMemory) -> bool {
        let (mut dropped, mut at) = (self.unlink_all(mem), 0);
        while let Some(mib) = self.used.next(at) {
            at = mib + 1;
            dropped |= self.drop_mib(mem, mib);
        }
        self.used = Mibs::NONE;
        self.global = Mibs::NONE;
        self.blocks.clear();
        dropped
    }

    /// The pinned megabyte's domain.
    pub fn pinned_domain(&self) -> Option<u8> {
        self.pinned.map(|p| p.domain)
    }
}
