//! An address space: one first-level table, the second-level tables below it, and the operations on them.
//!
//! An [`AddressSpace`] holds only the address of its first-level table; the tables themselves are reached through
//! [`TableMemory`], so the same code runs over real memory and over a test's map. The invariant: every second-level table
//! that the first-level table points to belongs to this space and was handed out by its [`TableMemory`], except those in
//! a window borrowed from another space ([`AddressSpace::copy_window`]), which this space never changes or gives back.
//!
//! Second-level tables are given back only when a whole megabyte is unmapped at once or the space is released: looking
//! for the last entry of a table at every unmapping would cost 256 reads a page.
//!
//! # TLB maintenance
//!
//! It is the caller's, as is making the table writes visible to the table walker (B3.3.1, "Ordering of translation table
//! walks"): nothing here orders its writes or cleans caches.
//!
//! - [`map`](AddressSpace::map) turns only invalid entries into valid ones. The TLB never holds an invalid entry
//!   (B3.10), so nothing has to be invalidated.
//! - [`unmap`](AddressSpace::unmap), [`protect`](AddressSpace::protect) and a `map` that failed with
//!   [`MapError::NoTable`] need an invalidation of the range (by address and ASID, or all), *before* a table that they
//!   gave back is used for anything else.
//! - `unmap` or `protect` of part of a section (or large page) replaces it with smaller blocks. Until the invalidation,
//!   the TLB may hold the old and the new block together, and what an access there then does is unpredictable. So
//!   invalidate the whole megabyte, and let nobody touch it in between; on several CPUs, unmap, invalidate and map
//!   again.

use core::fmt;

use crate::addr::{Hpa, LARGE_BYTES, PAGE_BYTES, SECTION_BYTES};
use crate::desc::{Attrs, L1Desc, L2Desc};

mod runs;
mod table;

pub use runs::Run;
use table::{L2_ENTRIES, PAGES_IN_LARGE, Parts, entry, fill, is_fault, split_edges};

/// How many separate windows of other spaces a space can borrow. Neighbouring windows count as one.
pub const MAX_WINDOWS: usize = 4;

/// Entries in a first-level table.
const L1_ENTRIES: u32 = 4096;

/// The memory that holds translation tables.
///
/// An implementer must give back from `read` what was last written at the same address, and must not hand out a table
/// that is in use.
pub trait TableMemory {
    /// The word at `at`, a multiple of 4 within a table.
    fn read(&self, at: Hpa) -> u32;

    /// Stores the word `value` at `at`, a multiple of 4 within a table.
    fn write(&mut self, at: Hpa, value: u32);

    /// A second-level table: 1024 bytes, aligned to that, all zero. `None` if there is no memory left for one.
    fn alloc_l2(&mut self) -> Option<Hpa>;

    /// Takes back a table handed out by [`alloc_l2`](Self::alloc_l2). Its contents are whatever was last written.
    fn free_l2(&mut self, l2: Hpa);
}

/// Why an operation on an address space was refused. Each variant holds the virtual address concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// The virtual address, the physical address or the length is not a multiple of what the operation maps by: 4 KiB,
    /// and 1 MiB for windows.
    Unaligned(u32),
    /// The virtual or the physical range runs past 4 GiB.
    Wraps(u32),
    /// Something is mapped there already.
    Overlap(u32),
    /// Nothing is mapped there.
    Unmapped(u32),
    /// The address lies in a window borrowed from another space; change it there.
    Borrowed(u32),
    /// The memory for second-level tables is used up.
    NoTable(u32),
    /// A supersection, or a section written by hand with a domain of its own, maps the address; it cannot be changed
    /// piecewise.
    Foreign(u32),
    /// The space borrows [`MAX_WINDOWS`] windows already.
    TooManyWindows(u32),
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (va, what) = match *self {
            Self::Unaligned(va) => {
                (va, "address or length not aligned; round it to pages (windows: to megabytes)")
            }
            Self::Wraps(va) => (va, "range runs past 4 GiB; make it shorter"),
            Self::Overlap(va) => (va, "mapped already; unmap it first"),
            Self::Unmapped(va) => (va, "not mapped; map it first"),
            Self::Borrowed(va) => (va, "in a window of another address space; change it there"),
            Self::NoTable(va) => (va, "no memory for a page table; free some"),
            Self::Foreign(va) => (va, "mapped by a first-level entry not made by map; remove that entry"),
            Self::TooManyWindows(va) => (va, "too many windows; borrow neighbouring megabytes in one window"),
        };
        write!(f, "{va:#010x}: {what}")
    }
}

impl core::error::Error for MapError {}

/// What an address translates to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The physical address of the byte asked for (not of the start of its block).
    pub hpa: Hpa,
    /// What may be done there.
    pub attrs: Attrs,
    /// Size of the block that maps it: 4 KiB, 64 KiB, 1 MiB or 16 MiB.
    pub size_bytes: u32,
    /// Domain of the block: 0..=15.
    pub domain: u8,
}

/// Megabytes `first..end` borrowed from another space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Window {
    first: u16,
    end: u16,
}

/// One address space; see the module.
///
/// Not `Copy`, so that two values that disagree about borrowed windows do not come about by accident. Dropping it frees
/// nothing: call [`release`](Self::release).
#[derive(PartialEq, Eq, Debug)]
pub struct AddressSpace {
    l1: Hpa,
    domain: u8,
    windows: [Window; MAX_WINDOWS],
}

impl AddressSpace {
    /// A space over the first-level table `l1`: 16 KiB, aligned to that, all zero, and used by nobody else. `domain`
    /// (0..=15) is the domain of everything that [`map`](Self::map) maps.
    pub const fn new(l1: Hpa, domain: u8) -> Self {
        Self { l1, domain: domain & 0xf, windows: [Window { first: 0, end: 0 }; MAX_WINDOWS] }
    }

    /// The first-level table, for TTBR0 or TTBR1.
    pub const fn l1(&self) -> Hpa {
        self.l1
    }

    /// The domain of everything that [`map`](Self::map) maps.
    pub const fn domain(&self) -> u8 {
        self.domain
    }

    /// Maps the `bytes` bytes from `va` to those from `hpa`, all multiples of 4096, by the largest blocks that the two
    /// addresses' alignment allows: sections where no second-level table exists yet, else large and small pages.
    ///
    /// # Errors
    /// - [`MapError::Unaligned`], [`MapError::Wraps`], [`MapError::Borrowed`]: nothing was changed.
    /// - [`MapError::Overlap`]: a page of the range is mapped already; nothing was changed.
    /// - [`MapError::NoTable`]: nothing in the range is mapped, but parts of it were for a moment: invalidate the TLB.
    pub fn map(
        &self,
        mem: &mut impl TableMemory,
        va: u32,
        hpa: Hpa,
        bytes: u32,
        attrs: Attrs,
    ) -> Result<(), MapError> {
        let parts = self.parts(va, bytes)?;
        if !hpa.is_aligned(PAGE_BYTES) {
            return Err(MapError::Unaligned(va));
        }
        if bytes > 0 && hpa.checked_add(bytes - 1).is_none() {
            return Err(MapError::Wraps(va));
        }
        for part in parts.clone() {
            match L1Desc::decode(self.read_l1(mem, part.mib)) {
                L1Desc::Fault => {}
                L1Desc::Table { l2, .. } => {
                    if let Some(page) = part.pages().find(|&page| !is_fault(mem.read(entry(l2, page)))) {
                        return Err(MapError::Overlap(part.va_of(page)));
                    }
                }
                _ => return Err(MapError::Overlap(part.va())),
            }
        }
        let mut to = hpa;
        for part in parts {
            if self.map_part(mem, part, to, attrs).is_none() {
                // All of `va..part.va()` was unmapped before, so this is exactly what has to go. It cannot fail: the
                // range starts where ours does and ends at a border of megabytes, so no section is split.
                let _ = self.unmap(mem, va, part.va() - va);
                return Err(MapError::NoTable(part.va()));
            }
            // Wraps only after the last part of a range that ends at 4 GiB.
            to = to.wrapping_add(part.count * PAGE_BYTES);
        }
        Ok(())
    }

    fn map_part(&self, mem: &mut impl TableMemory, part: table::Part, hpa: Hpa, attrs: Attrs) -> Option<()> {
        match L1Desc::decode(self.read_l1(mem, part.mib)) {
            L1Desc::Table { l2, .. } => fill(mem, l2, part, hpa, attrs),
            _ if part.is_whole() && hpa.is_aligned(SECTION_BYTES) => {
                self.write_l1(mem, part.mib, L1Desc::Section { hpa, attrs, domain: self.domain });
            }
            _ => {
                let l2 = mem.alloc_l2()?;
                fill(mem, l2, part, hpa, attrs);
                self.write_l1(mem, part.mib, L1Desc::Table { l2, domain: self.domain });
            }
        }
        Some(())
    }

    /// Unmaps the `bytes` bytes from `va`, multiples of 4096, and returns how many 4 KiB pages were mapped there. Holes
    /// in the range are passed over. Sections and large pages that reach out of the range are split.
    ///
    /// # Errors
    /// - [`MapError::Unaligned`], [`MapError::Wraps`], [`MapError::Borrowed`], [`MapError::Foreign`]: nothing was changed.
    /// - [`MapError::NoTable`]: a section had to be split; everything is still mapped as it was (a section at the other
    ///   end of the range may have been split into pages, so invalidate the TLB).
    pub fn unmap(&self, mem: &mut impl TableMemory, va: u32, bytes: u32) -> Result<u32, MapError> {
        let parts = self.parts(va, bytes)?;
        self.check_sections(mem, parts.clone())?;
        self.split_sections(mem, parts.clone())?;
        let mut removed = 0;
        for part in parts {
            match L1Desc::decode(self.read_l1(mem, part.mib)) {
                L1Desc::Fault => {}
                L1Desc::Table { l2, .. } => {
                    split_edges(mem, l2, part);
                    for page in part.pages() {
                        let at = entry(l2, page);
                        if !is_fault(mem.read(at)) {
                            removed += 1;
                            mem.write(at, 0);
                        }
                    }
                    if part.is_whole() {
                        self.write_l1(mem, part.mib, L1Desc::Fault);
                        mem.free_l2(l2);
                    }
                }
                _ => {
                    removed += L2_ENTRIES;
                    self.write_l1(mem, part.mib, L1Desc::Fault);
                }
            }
        }
        Ok(removed)
    }

    /// Gives the `bytes` bytes from `va`, multiples of 4096, the attributes `attrs`; where they are mapped to stays.
    /// Sections and large pages that reach out of the range are split; those inside are kept whole.
    ///
    /// # Errors
    /// - [`MapError::Unmapped`]: a page of the range is not mapped; nothing was changed.
    /// - The others as for [`unmap`](Self::unmap).
    pub fn protect(
        &self,
        mem: &mut impl TableMemory,
        va: u32,
        bytes: u32,
        attrs: Attrs,
    ) -> Result<(), MapError> {
        let parts = self.parts(va, bytes)?;
        self.check_sections(mem, parts.clone())?;
        for part in parts.clone() {
            match L1Desc::decode(self.read_l1(mem, part.mib)) {
                L1Desc::Fault => return Err(MapError::Unmapped(part.va())),
                L1Desc::Table { l2, .. } => {
                    if let Some(page) = part.pages().find(|&page| is_fault(mem.read(entry(l2, page)))) {
                        return Err(MapError::Unmapped(part.va_of(page)));
                    }
                }
                _ => {}
            }
        }
        self.split_sections(mem, parts.clone())?;
        for part in parts {
            match L1Desc::decode(self.read_l1(mem, part.mib)) {
                L1Desc::Table { l2, .. } => {
                    split_edges(mem, l2, part);
                    for page in part.pages() {
                        let at = entry(l2, page);
                        let changed = match L2Desc::decode(mem.read(at)) {
                            L2Desc::Fault => continue,
                            L2Desc::Large { hpa, .. } => L2Desc::Large { hpa, attrs },
                            L2Desc::Small { hpa, .. } => L2Desc::Small { hpa, attrs },
                        };
                        mem.write(at, changed.encode());
                    }
                }
                L1Desc::Section { hpa, .. } => {
                    self.write_l1(mem, part.mib, L1Desc::Section { hpa, attrs, domain: self.domain });
                }
                // Ruled out above.
                L1Desc::Fault | L1Desc::Supersection { .. } => {}
            }
        }
        Ok(())
    }

    /// What `va` translates to, or `None` if it is not mapped (or to an address above 4 GiB, by a supersection).
    pub fn walk(&self, mem: &impl TableMemory, va: u32) -> Option<Mapping> {
        let (hpa, attrs, size_bytes, domain) = match L1Desc::decode(self.l1_raw(mem, va)) {
            L1Desc::Fault => return None,
            L1Desc::Section { hpa, attrs, domain } => (hpa, attrs, SECTION_BYTES, domain),
            L1Desc::Supersection { hpa, high: 0, attrs } => (hpa, attrs, crate::desc::SUPERSECTION_BYTES, 0),
            L1Desc::Supersection { .. } => return None,
            L1Desc::Table { l2, domain } => {
                match L2Desc::decode(mem.read(entry(l2, va / PAGE_BYTES % L2_ENTRIES))) {
                    L2Desc::Fault => return None,
                    L2Desc::Large { hpa, attrs } => (hpa, attrs, LARGE_BYTES, domain),
                    L2Desc::Small { hpa, attrs } => (hpa, attrs, PAGE_BYTES, domain),
                }
            }
        };
        // `hpa` is a multiple of the size, so this cannot carry out.
        Some(Mapping { hpa: hpa.wrapping_add(va & (size_bytes - 1)), attrs, size_bytes, domain })
    }

    /// The raw first-level entry of the megabyte that holds `va`.
    pub fn l1_raw(&self, mem: &impl TableMemory, va: u32) -> u32 {
        self.read_l1(mem, va / SECTION_BYTES)
    }

    /// Overwrites the first-level entry of the megabyte that holds `va`, for what the other operations cannot say (a
    /// section with a domain of its own, a supersection). A second-level table written here becomes the property of this
    /// space; one overwritten is lost, so look first.
    ///
    /// # Errors
    /// - [`MapError::Borrowed`]: the megabyte is in a window of another space; nothing was changed.
    pub fn set_l1_raw(&self, mem: &mut impl TableMemory, va: u32, raw: u32) -> Result<(), MapError> {
        if self.is_borrowed(va / SECTION_BYTES) {
            return Err(MapError::Borrowed(va));
        }
        mem.write(self.l1_entry(va / SECTION_BYTES), raw);
        Ok(())
    }

    /// Borrows the megabytes `va..va + bytes` (multiples of 1 MiB) of the space `from`: copies their first-level
    /// entries, so that both spaces share the second-level tables below. From then on this space refuses to change the
    /// window, and page changes that `from` makes show here as well.
    ///
    /// The lender keeps the tables. It must outlive the borrower, and must not change the window's first-level entries:
    /// no unmapping of whole megabytes there, and no splitting of sections. Lend windows mapped by pages if their
    /// contents change.
    ///
    /// # Errors
    /// - [`MapError::Unaligned`], [`MapError::Wraps`]: nothing was changed.
    /// - [`MapError::Unmapped`]: `from` has nothing in one of the megabytes; nothing was changed.
    /// - [`MapError::Overlap`]: this space has something in one of the megabytes; nothing was changed.
    /// - [`MapError::TooManyWindows`]: nothing was changed.
    pub fn copy_window(
        &mut self,
        mem: &mut impl TableMemory,
        from: &AddressSpace,
        va: u32,
        bytes: u32,
    ) -> Result<(), MapError> {
        check_range(va, bytes, SECTION_BYTES)?;
        let first = va / SECTION_BYTES;
        let end = first + bytes / SECTION_BYTES;
        for mib in first..end {
            if is_fault(from.read_l1(mem, mib)) {
                return Err(MapError::Unmapped(mib * SECTION_BYTES));
            }
            if !is_fault(self.read_l1(mem, mib)) {
                return Err(MapError::Overlap(mib * SECTION_BYTES));
            }
        }
        // At most 4096, so they fit.
        let (first16, end16) = (first as u16, end as u16);
        // An unused window is empty; it may also be one that ends where this begins.
        match self.windows.iter_mut().find(|w| w.first < w.end && w.end == first16) {
            Some(neighbour) => neighbour.end = end16,
            None => match self.windows.iter_mut().find(|w| w.first == w.end) {
                Some(unused) => *unused = Window { first: first16, end: end16 },
                None => return Err(MapError::TooManyWindows(va)),
            },
        }
        for mib in first..end {
            let raw = from.read_l1(mem, mib);
            mem.write(self.l1_entry(mib), raw);
        }
        Ok(())
    }

    /// Clears the first-level table, gives back every second-level table that the space owns, and forgets borrowed
    /// windows. The first-level table itself stays the caller's. The space must not be in use, and the TLB must be told
    /// before the tables are used again.
    pub fn release(&mut self, mem: &mut impl TableMemory) {
        for mib in 0..L1_ENTRIES {
            let raw = self.read_l1(mem, mib);
            if raw == 0 {
                continue;
            }
            self.write_l1(mem, mib, L1Desc::Fault);
            if let (L1Desc::Table { l2, .. }, false) = (L1Desc::decode(raw), self.is_borrowed(mib)) {
                mem.free_l2(l2);
            }
        }
        self.windows = [Window { first: 0, end: 0 }; MAX_WINDOWS];
    }

    /// Checks a range of pages and cuts it into megabytes.
    fn parts(&self, va: u32, bytes: u32) -> Result<Parts, MapError> {
        check_range(va, bytes, PAGE_BYTES)?;
        let parts = Parts::new(va / PAGE_BYTES, bytes / PAGE_BYTES);
        match parts.clone().find(|part| self.is_borrowed(part.mib)) {
            Some(part) => Err(MapError::Borrowed(part.va())),
            None => Ok(parts),
        }
    }

    /// Refuses ranges with first-level entries that cannot be changed by pages.
    fn check_sections(&self, mem: &impl TableMemory, mut parts: Parts) -> Result<(), MapError> {
        let foreign = parts.find(|part| match L1Desc::decode(self.read_l1(mem, part.mib)) {
            L1Desc::Section { domain, .. } => domain != self.domain,
            L1Desc::Supersection { .. } => true,
            L1Desc::Fault | L1Desc::Table { .. } => false,
        });
        foreign.map_or(Ok(()), |part| Err(MapError::Foreign(part.va())))
    }

    /// Replaces every section that reaches out of the range (at most two) with a table that maps the same.
    fn split_sections(&self, mem: &mut impl TableMemory, parts: Parts) -> Result<(), MapError> {
        for part in parts.filter(|part| !part.is_whole()) {
            if let L1Desc::Section { hpa, attrs, domain } = L1Desc::decode(self.read_l1(mem, part.mib)) {
                let l2 = mem.alloc_l2().ok_or(MapError::NoTable(part.va()))?;
                fill(mem, l2, table::Part { mib: part.mib, first: 0, count: L2_ENTRIES }, hpa, attrs);
                self.write_l1(mem, part.mib, L1Desc::Table { l2, domain });
            }
        }
        Ok(())
    }

    fn is_borrowed(&self, mib: u32) -> bool {
        self.windows.iter().any(|w| u32::from(w.first) <= mib && mib < u32::from(w.end))
    }

    fn l1_entry(&self, mib: u32) -> Hpa {
        self.l1.wrapping_add(mib % L1_ENTRIES * 4)
    }

    fn read_l1(&self, mem: &impl TableMemory, mib: u32) -> u32 {
        mem.read(self.l1_entry(mib))
    }

    fn write_l1(&self, mem: &mut impl TableMemory, mib: u32, desc: L1Desc) {
        mem.write(self.l1_entry(mib), desc.encode());
    }
}

/// Refuses a range that is not made of whole units, or that runs past 4 GiB. Ending exactly there is good.
fn check_range(va: u32, bytes: u32, unit_bytes: u32) -> Result<(), MapError> {
    if (va | bytes) & (unit_bytes - 1) != 0 {
        return Err(MapError::Unaligned(va));
    }
    if bytes > 0 && va.checked_add(bytes - 1).is_none() {
        return Err(MapError::Wraps(va));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
