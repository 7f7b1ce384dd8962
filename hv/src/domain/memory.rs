//! A domain's memory: which host frames back its RAM and its firmware ROM.
//!
//! Both are backed by the megabyte: one section of host memory where there is one, else 256 single frames, so that all of
//! the machine's RAM can be given away. A megabyte is cleared when it is first touched, by the guest or for it: a domain
//! with much memory starts as fast as one with little, and nothing of a former owner can be seen.
//!
//! A page of guest memory has a number, [`Page`]: those of RAM first, then those of ROM. With each goes where shadow tables
//! map it ([`Uses`]).

use alloc::boxed::Box;
use alloc::vec::Vec;

use arrayvec::ArrayVec;
use nex_abi::platform::RAM_BASE;
use nex_boot::image::Perms;
use nex_mm::addr::{Gpa, Hpa, PAGE_BYTES, SECTION_BYTES};
use nex_mm::copy::split_pages;
use nex_mm::frames::{DomainId, Owner};
use nex_vmmu::Abort;
use nex_vmmu::uses::Uses;

use crate::memory;

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
    /// Where it is mapped as a section.
    section_uses: Uses,
    /// Where its pages are mapped as such; made when the first one is.
    page_uses: Option<Box<[Uses; PAGES]>>,
    /// Pages with rewritten code.
    code_pages: u16,
}

impl Megabyte {
    const fn new(backing: Backing) -> Self {
        Megabyte { backing, clean: false, section_uses: UNUSED, page_uses: None, code_pages: 0 }
    }
}

const UNUSED: Uses = Uses::NONE;

/// The number of a page of a domain's memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Page(u32);

impl Page {
    const fn megabyte(self) -> usize {
        (self.0 / PAGES as u32) as usize
    }

    const fn within(self) -> usize {
        (self.0 % PAGES as u32) as usize
    }
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

/// The memory of a domain.
pub struct GuestMemory {
    megabytes: Vec<Megabyte>,
    /// How many of them are RAM; the others are ROM.
    ram_count: usize,
    rom_bytes: u32,
    regions: ArrayVec<Region, 16>,
    owner: Owner,
}

impl GuestMemory {
    /// `bytes` (a multiple of 1 MiB) of RAM at [`RAM_BASE`] for domain `id`, and `rom_bytes` of ROM at 0.
    ///
    /// # Errors
    /// [`OutOfMemory`]: nothing was taken.
    pub fn new(id: DomainId, bytes: u32, rom_bytes: u32) -> Result<Self, OutOfMemory> {
        let ram_count = (bytes / SECTION_BYTES) as usize;
        let count = ram_count + rom_bytes.div_ceil(SECTION_BYTES) as usize;
        let mut memory = GuestMemory {
            megabytes: Vec::new(),
            ram_count,
            rom_bytes: rom_bytes.next_multiple_of(PAGE_BYTES),
            regions: ArrayVec::new(),
            owner: Owner::Domain(id),
        };
        memory.megabytes.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        for _ in 0..count {
            // If this fails, dropping `memory` gives back what it has.
            let backing = memory.take_megabyte()?;
            memory.megabytes.push(Megabyte::new(backing));
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
        self.ram_count as u32 * SECTION_BYTES
    }

    /// The page of memory at `gpa`, if there is one.
    #[inline]
    pub fn page_at(&self, gpa: u32) -> Option<Page> {
        let offset = gpa.wrapping_sub(RAM_BASE);
        if ((offset / SECTION_BYTES) as usize) < self.ram_count {
            Some(Page(offset / PAGE_BYTES))
        } else if gpa < self.rom_bytes {
            Some(Page((self.ram_count * PAGES) as u32 + gpa / PAGE_BYTES))
        } else {
            None
        }
    }

    /// Whether there is ROM at all: the domain has firmware.
    pub fn has_rom(&self) -> bool {
        self.rom_bytes != 0
    }

    /// Whether the page is ROM.
    #[inline]
    pub fn is_rom(&self, page: Page) -> bool {
        page.megabyte() >= self.ram_count
    }

    /// Host memory behind a page; cleared if nobody has touched it before.
    #[inline]
    pub fn frame(&mut self, page: Page) -> Hpa {
        let index = page.megabyte();
        if !self.megabytes[index].clean {
            self.clean(index);
        }
        self.megabytes[index].backing.page(page.within())
    }

    /// The host section behind the megabyte of a page, if it is one, holds no rewritten code, and is whole.
    pub fn section(&mut self, page: Page) -> Option<Hpa> {
        let index = page.megabyte();
        let partial = self.is_rom(page)
            && index + 1 == self.megabytes.len()
            && !self.rom_bytes.is_multiple_of(SECTION_BYTES);
        if partial || !self.regions.is_empty() || self.megabytes[index].code_pages != 0 {
            return None;
        }
        let Backing::Section(hpa) = self.megabytes[index].backing else { return None };
        self.clean(index);
        Some(hpa)
    }

    /// Where the megabyte of a page is mapped as a section.
    pub fn section_uses(&mut self, page: Page) -> &mut Uses {
        &mut self.megabytes[page.megabyte()].section_uses
    }

    /// Where a page is mapped.
    pub fn uses(&self, page: Page) -> Uses {
        match &self.megabytes[page.megabyte()].page_uses {
            Some(uses) => uses[page.within()],
            None => UNUSED,
        }
    }

    /// The same, to change. `None` if there is no memory to remember it.
    pub fn uses_mut(&mut self, page: Page) -> Option<&mut Uses> {
        let megabyte = &mut self.megabytes[page.megabyte()];
        if megabyte.page_uses.is_none() {
            let mut words: Vec<Uses> = Vec::new();
            words.try_reserve_exact(PAGES).ok()?;
            words.resize(PAGES, UNUSED);
            megabyte.page_uses = words.into_boxed_slice().try_into().ok();
        }
        megabyte.page_uses.as_mut().map(|uses| &mut uses[page.within()])
    }

    /// Says whether a page holds rewritten code.
    pub fn set_code(&mut self, page: Page, code: bool) {
        let Some(uses) = self.uses_mut(page) else { return };
        let was = uses.is_code();
        uses.set_code(code);
        let megabyte = &mut self.megabytes[page.megabyte()];
        match (was, code) {
            (false, true) => megabyte.code_pages += 1,
            (true, false) => megabyte.code_pages -= 1,
            _ => {}
        }
    }

    /// The word at `gpa`, a multiple of 4, as a table walk reads it.
    #[inline]
    fn word(&mut self, gpa: u64) -> Result<u32, Abort> {
        let gpa = u32::try_from(gpa).map_err(|_| Abort::Decode)?;
        let page = self.page_at(gpa).ok_or(Abort::Decode)?;
        let frame = self.frame(page);
        Ok(memory::read_word(Hpa::new(frame.raw() + gpa % PAGE_BYTES)))
    }

    /// Restricts a range of RAM, widened to whole pages: see [`is_protected`](Self::is_protected). Before the guest runs; a page in two ranges gets what either allows.
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
        (index < self.ram_count).then_some(index)
    }

    /// Whether the domain's image asked for its segments' permissions to hold.
    pub fn is_protected(&self) -> bool {
        !self.regions.is_empty()
    }

    /// Clears the megabyte if nobody has yet.
    fn clean(&mut self, index: usize) {
        self.megabytes[index].clean_but(0, 0);
    }

    /// Host memory behind a page of RAM.
    fn page(&mut self, page: u32) -> Option<Hpa> {
        let index = self.index_of(page)?;
        self.clean(index);
        let offset = (page - RAM_BASE) % SECTION_BYTES;
        Some(self.megabytes[index].backing.page((offset / PAGE_BYTES) as usize))
    }

    /// Whether the domain's image allows `want` at `gpa`.
    pub fn allows(&self, gpa: u32, want: Want) -> bool {
        let perms = self.perms_of(Gpa::new(gpa & !(PAGE_BYTES - 1)));
        match want {
            Want::Read => perms.r,
            Want::Write => perms.w,
            Want::Execute => perms.x && perms.r,
        }
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

    /// Fills the ROM from its start. What is too long is cut.
    pub fn load_rom(&mut self, from: &[u8]) {
        for (n, piece) in from.chunks(PAGE_BYTES as usize).enumerate() {
            let Some(page) = self.page_at(n as u32 * PAGE_BYTES) else { return };
            let at = self.frame(page);
            memory::copy_to(at, piece);
            let va = memory::hpa_to_va(at);
            crate::arch::cache::clean_for_fetch(va..va + piece.len() as u32);
        }
        crate::arch::cache::drop_fetched();
    }

    /// Copies into guest RAM whatever its permissions: for the loader. `false`, and nothing is written, if part of it is not
    /// RAM.
    pub fn load(&mut self, gpa: u32, from: &[u8]) -> bool {
        let fits = match (gpa.checked_sub(RAM_BASE), u32::try_from(from.len())) {
            (Some(offset), Ok(bytes)) => bytes <= self.bytes() && offset <= self.bytes() - bytes,
            _ => false,
        };
        if !fits {
            return false;
        }
        let (mut at, mut rest) = (gpa - RAM_BASE, from);
        while !rest.is_empty() {
            let start = at % SECTION_BYTES;
            let (piece, tail) = rest.split_at(rest.len().min((SECTION_BYTES - start) as usize));
            let megabyte = &mut self.megabytes[(at / SECTION_BYTES) as usize];
            megabyte.clean_but(start, start + piece.len() as u32);
            megabyte.fill(start, piece);
            (at, rest) = (at + piece.len() as u32, tail);
        }
        crate::arch::cache::drop_fetched();
        true
    }
}

impl Megabyte {
    /// Clears it if nobody has yet, but for what lies from `start` to `end`, bytes from its beginning, which the caller
    /// is about to fill.
    fn clean_but(&mut self, start: u32, end: u32) {
        if core::mem::replace(&mut self.clean, true) {
            return;
        }
        // Cleared is more than has to be where these are not on a line of 32 bytes.
        let (start, end) = (start.next_multiple_of(32), end & !31);
        let clear = |hpa: Hpa, from: u32, to: u32| {
            if from < to {
                memory::zero(Hpa::new(hpa.raw() + from), to - from);
            }
        };
        match &self.backing {
            Backing::Section(hpa) => {
                clear(*hpa, 0, start.min(end));
                clear(*hpa, end.max(start.min(end)), SECTION_BYTES);
            }
            Backing::Pages(pages) => {
                for (n, &hpa) in pages.iter().enumerate() {
                    let page = n as u32 * PAGE_BYTES;
                    if page < start || page + PAGE_BYTES > end {
                        clear(hpa, 0, PAGE_BYTES);
                    }
                }
            }
        }
    }

    /// Copies to `start`, bytes from its beginning, what fits in. The bytes may be code: they are made fetchable.
    fn fill(&self, start: u32, from: &[u8]) {
        let put = |hpa: Hpa, piece: &[u8]| {
            memory::copy_to(hpa, piece);
            let va = memory::hpa_to_va(hpa);
            crate::arch::cache::clean_for_fetch(va..va + piece.len() as u32);
        };
        match &self.backing {
            Backing::Section(hpa) => put(Hpa::new(hpa.raw() + start), from),
            Backing::Pages(pages) => {
                let (mut at, mut rest) = (start, from);
                while !rest.is_empty() {
                    let offset = at % PAGE_BYTES;
                    let (piece, tail) = rest.split_at(rest.len().min((PAGE_BYTES - offset) as usize));
                    put(Hpa::new(pages[(at / PAGE_BYTES) as usize].raw() + offset), piece);
                    (at, rest) = (at + piece.len() as u32, tail);
                }
            }
        }
    }
}

impl Drop for GuestMemory {
    fn drop(&mut self) {
        // The shadow tables are gone, so no translation to these frames is used.
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

impl nex_vmmu::GuestMemory for GuestMemory {
    fn read32(&mut self, gpa: u64) -> Result<u32, Abort> {
        self.word(gpa)
    }

    fn read64(&mut self, gpa: u64) -> Result<u64, Abort> {
        // The vCPU that could write it does not run.
        Ok(u64::from(self.word(gpa)?) | u64::from(self.word(gpa + 4)?) << 32)
    }
}
