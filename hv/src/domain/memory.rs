//! A domain's memory: which host frames back its RAM, and the address space it runs in.
//!
//! RAM is backed by the megabyte: one section of host memory where there is one, else 256 single frames, so that all of
//! the machine's RAM can be given away. A megabyte is cleared and mapped when it is first touched, by the guest or for
//! it: a domain with much memory starts as fast as one with little, and nothing of a former owner can be seen.
//!
//! The address space is a function of backing and permissions; entries only go from fault to valid.

use alloc::boxed::Box;
use alloc::vec::Vec;

use arrayvec::ArrayVec;
use nex_abi::platform::RAM_BASE;
use nex_boot::image::Perms;
use nex_mm::addr::{Gpa, Hpa, PAGE_BYTES, SECTION_BYTES};
use nex_mm::copy::split_pages;
use nex_mm::desc::{Access, Attrs, MemoryType};
use nex_mm::frames::{DomainId, Owner};

use crate::memory::{self, GuestSpace};

const PAGES: usize = (SECTION_BYTES / PAGE_BYTES) as usize;

enum Backing {
    /// A whole megabyte of host memory.
    Section(Hpa),
    /// One frame for each page.
    Pages(Box<[Hpa; PAGES]>),
}

impl Backing {
    fn page(&self, n: usize) -> Hpa {
        match self {
            Backing::Section(hpa) => Hpa::new(hpa.raw() + n as u32 * PAGE_BYTES),
            Backing::Pages(pages) => pages[n],
        }
    }
}

/// A megabyte of a domain's RAM.
struct Megabyte {
    backing: Backing,
    /// Cleared: what is in it is the domain's own.
    clean: bool,
    mapped: bool,
}

/// A range of guest RAM with permissions of its own, whole pages.
#[derive(Clone, Copy, Debug)]
struct Region {
    start: Gpa,
    end: Gpa,
    perms: Perms,
}

/// What the guest wanted to do where it faulted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// Load.
    Read,
    /// Store.
    Write,
    /// Instruction fetch.
    Execute,
}

const ALL: Perms = Perms { r: true, w: true, x: true };

/// Not enough free memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// The RAM of a domain.
pub struct GuestMemory {
    megabytes: Vec<Megabyte>,
    regions: ArrayVec<Region, 16>,
    space: GuestSpace,
    owner: Owner,
}

impl GuestMemory {
    /// `bytes` (a multiple of 1 MiB) of RAM at [`RAM_BASE`] for domain `id`, readable, writable and executable.
    ///
    /// # Errors
    /// [`OutOfMemory`]: nothing was taken.
    pub fn new(id: DomainId, bytes: u32) -> Result<Self, OutOfMemory> {
        let count = (bytes / SECTION_BYTES) as usize;
        let mut memory = GuestMemory {
            megabytes: Vec::new(),
            regions: ArrayVec::new(),
            space: GuestSpace::new().ok_or(OutOfMemory)?,
            owner: Owner::Domain(id),
        };
        memory.megabytes.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        for _ in 0..count {
            // If this fails, dropping `memory` gives back what it has.
            let backing = memory.take_megabyte()?;
            memory.megabytes.push(Megabyte { backing, clean: false, mapped: false });
        }
        Ok(memory)
    }

    fn take_megabyte(&self) -> Result<Backing, OutOfMemory> {
        if let Some(hpa) = memory::alloc_frames(PAGES as u32, PAGES as u32, self.owner) {
            return Ok(Backing::Section(hpa));
        }
        let mut pages = Vec::new();
        pages.try_reserve_exact(PAGES).map_err(|_| OutOfMemory)?;
        while pages.len() < PAGES {
            match memory::alloc_frame(self.owner) {
                Some(hpa) => pages.push(hpa),
                None => {
                    pages.iter().for_each(|&hpa| memory::free_frames(hpa, 1, self.owner));
                    return Err(OutOfMemory);
                }
            }
        }
        let pages: Box<[Hpa]> = pages.into_boxed_slice();
        Ok(Backing::Pages(pages.try_into().map_err(|_| OutOfMemory)?))
    }

    /// Bytes of RAM.
    pub fn bytes(&self) -> u32 {
        self.megabytes.len() as u32 * SECTION_BYTES
    }

    /// TTBR0 and CONTEXTIDR to run the guest with.
    pub fn tables(&self) -> (u32, u32) {
        (self.space.ttbr0(), self.space.contextidr())
    }

    /// Restricts a range, widened to whole pages. Before the guest runs; a page in two ranges gets what either allows.
    pub fn restrict(&mut self, start: u32, bytes: u32, perms: Perms) {
        let end = start.saturating_add(bytes).div_ceil(PAGE_BYTES) * PAGE_BYTES;
        let region = Region { start: Gpa::new(start & !(PAGE_BYTES - 1)), end: Gpa::new(end), perms };
        // A load plan has at most 16 segments.
        let _ = self.regions.try_push(region);
    }

    fn perms_of(&self, page: Gpa) -> Perms {
        let mut found: Option<Perms> = None;
        for region in self.regions.iter().filter(|r| r.start <= page && page < r.end) {
            let p = region.perms;
            found = Some(found.map_or(p, |f| Perms { r: f.r | p.r, w: f.w | p.w, x: f.x | p.x }));
        }
        found.unwrap_or(ALL)
    }

    fn index_of(&self, gpa: u32) -> Option<usize> {
        let index = (gpa.checked_sub(RAM_BASE)? / SECTION_BYTES) as usize;
        (index < self.megabytes.len()).then_some(index)
    }

    /// Clears the megabyte if nobody has yet.
    fn clean(&mut self, index: usize) {
        let megabyte = &mut self.megabytes[index];
        if megabyte.clean {
            return;
        }
        match &megabyte.backing {
            Backing::Section(hpa) => memory::zero(*hpa, SECTION_BYTES),
            Backing::Pages(pages) => pages.iter().for_each(|&hpa| memory::zero(hpa, PAGE_BYTES)),
        }
        megabyte.clean = true;
    }

    /// Host memory behind a page of RAM.
    fn page(&mut self, page: u32) -> Option<Hpa> {
        let index = self.index_of(page)?;
        self.clean(index);
        let offset = (page - RAM_BASE) % SECTION_BYTES;
        Some(self.megabytes[index].backing.page((offset / PAGE_BYTES) as usize))
    }

    /// Answers a fault of the guest at `gva` (which is its physical address while its MMU is off): `true` if the
    /// access will work when it is tried again.
    pub fn fault_in(&mut self, gva: u32, want: Want) -> bool {
        let Some(index) = self.index_of(gva) else { return false };
        if self.megabytes[index].mapped || !self.allows(gva, want) {
            return false;
        }
        self.clean(index);
        self.map_megabyte(index)
    }

    fn allows(&self, gpa: u32, want: Want) -> bool {
        let perms = self.perms_of(Gpa::new(gpa & !(PAGE_BYTES - 1)));
        match want {
            Want::Read => perms.r,
            Want::Write => perms.w,
            Want::Execute => perms.x && perms.r,
        }
    }

    /// Maps a megabyte in runs of equal permissions, host-contiguous. A page that may be read but is not backed by
    /// table memory stays unmapped and its access fails: then the machine is out of memory and the guest stops.
    fn map_megabyte(&mut self, index: usize) -> bool {
        let start = RAM_BASE + index as u32 * SECTION_BYTES;
        let megabyte = &self.megabytes[index];
        let page_at = |n: usize| Gpa::new(start + n as u32 * PAGE_BYTES);
        let mut n = 0;
        while n < PAGES {
            let (first, perms) = (n, self.perms_of(page_at(n)));
            let hpa = megabyte.backing.page(first);
            n += 1;
            while n < PAGES
                && self.perms_of(page_at(n)) == perms
                && megabyte.backing.page(n).raw() == hpa.raw() + (n - first) as u32 * PAGE_BYTES
            {
                n += 1;
            }
            let bytes = (n - first) as u32 * PAGE_BYTES;
            if let Some(attrs) = guest_attrs(perms)
                && self.space.map(page_at(first).raw(), hpa, bytes, attrs).is_err()
            {
                return false;
            }
        }
        self.megabytes[index].mapped = true;
        true
    }

    /// Reads `width` bytes (1, 2, 4 or 8, aligned) at `gpa` without changing anything; `None` if that is not RAM.
    pub fn peek(&self, gpa: u32, width: u32) -> Option<u64> {
        let megabyte = &self.megabytes[self.index_of(gpa)?];
        if !megabyte.clean {
            return Some(0); // what it will read as
        }
        let page = (gpa - RAM_BASE) % SECTION_BYTES / PAGE_BYTES;
        let mut bytes = [0; 8];
        let at = Hpa::new(megabyte.backing.page(page as usize).raw() + gpa % PAGE_BYTES);
        memory::copy_from(at, bytes.get_mut(..width as usize)?);
        Some(u64::from_le_bytes(bytes))
    }

    /// Writes `bytes`, all in one page, at `gpa` whatever its permissions; for the debugger. `false`, and nothing is
    /// written, if that is not RAM, or RAM that nobody has touched yet.
    pub fn poke(&self, gpa: u32, bytes: &[u8]) -> bool {
        let Some(megabyte) = self.index_of(gpa).map(|index| &self.megabytes[index]) else { return false };
        if !megabyte.clean || gpa % PAGE_BYTES + bytes.len() as u32 > PAGE_BYTES {
            return false;
        }
        let page = (gpa - RAM_BASE) % SECTION_BYTES / PAGE_BYTES;
        let at = Hpa::new(megabyte.backing.page(page as usize).raw() + gpa % PAGE_BYTES);
        memory::copy_to(at, bytes);
        // It may be code.
        let va = memory::hpa_to_va(at);
        crate::arch::cache::clean_for_fetch(va..va + bytes.len() as u32);
        crate::arch::cache::drop_fetched();
        true
    }

    /// Whether the whole range is RAM that allows `want`.
    pub fn check(&self, gpa: u32, bytes: u32, want: Want) -> bool {
        split_pages(gpa, bytes).is_some_and(|mut parts| {
            parts.all(|part| self.index_of(part.page).is_some() && self.allows(part.page, want))
        })
    }

    /// Copies out of guest RAM; `false`, and nothing said of `into`, if the range is not all RAM that allows `want`.
    pub fn read(&mut self, gpa: u32, into: &mut [u8], want: Want) -> bool {
        let (true, Some(parts)) =
            (self.check(gpa, into.len() as u32, want), split_pages(gpa, into.len() as u32))
        else {
            return false;
        };
        let mut rest = into;
        for part in parts {
            let Some(hpa) = self.page(part.page) else { return false };
            let (piece, tail) = rest.split_at_mut(part.len_bytes as usize);
            memory::copy_from(Hpa::new(hpa.raw() + part.offset), piece);
            rest = tail;
        }
        true
    }

    /// Copies into guest RAM that the guest itself could write; `false` and nothing written otherwise.
    pub fn write(&mut self, gpa: u32, from: &[u8]) -> bool {
        self.check(gpa, from.len() as u32, Want::Write) && self.load(gpa, from)
    }

    /// Copies into guest RAM whatever its permissions: for the loader. `false` if part of it is not RAM.
    pub fn load(&mut self, gpa: u32, from: &[u8]) -> bool {
        let Some(parts) = split_pages(gpa, from.len() as u32) else { return false };
        let mut rest = from;
        for part in parts {
            let Some(hpa) = self.page(part.page) else { return false };
            let (piece, tail) = rest.split_at(part.len_bytes as usize);
            let at = Hpa::new(hpa.raw() + part.offset);
            memory::copy_to(at, piece);
            // The bytes may be code: make them fetchable.
            let va = memory::hpa_to_va(at);
            crate::arch::cache::clean_for_fetch(va..va + part.len_bytes);
            rest = tail;
        }
        crate::arch::cache::drop_fetched();
        true
    }
}

impl Drop for GuestMemory {
    fn drop(&mut self) {
        // The address space goes right after this and never runs again, so no translation to these frames is used.
        for megabyte in self.megabytes.drain(..) {
            match megabyte.backing {
                Backing::Section(hpa) => memory::free_frames(hpa, PAGES as u32, self.owner),
                Backing::Pages(pages) => {
                    pages.iter().for_each(|&hpa| memory::free_frames(hpa, 1, self.owner))
                }
            }
        }
    }
}

/// Attributes of guest RAM in User mode; `None`: not accessible. Write implies read, as the tables have no other way.
fn guest_attrs(perms: Perms) -> Option<Attrs> {
    let access = match (perms.r, perms.w) {
        (_, true) => Access::UserRw,
        (true, false) => Access::UserRo,
        (false, false) => return None,
    };
    Some(Attrs { access, exec: perms.x, memory: MemoryType::NormalWriteBack, shareable: true, global: false })
}
