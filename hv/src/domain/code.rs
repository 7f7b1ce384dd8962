//! Pages of guest kernel code in which sensitive instructions were replaced; see [`nex_rewrite`] and `docs/virtualization.md`.
//!
//! A page is one of these ([`Uses::is_code`](nex_vmmu::uses::Uses::is_code)) or it is not executable in the kernel's view. While
//! it is one, nobody can write it without Nex.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use nex_mm::addr::PAGE_BYTES;
use nex_mm::{Gva, Hpa};
use nex_rewrite::{
    Entry, InstructionSet, Original, PAGE_WORDS, Scratch, T32, Tables, decode_a32, decode_t32,
};
use nex_vcpu::{Privilege, Vcpu};
use nex_vmmu::{Access, Kind, translate};

use super::machine::Parts;
use super::memory::Page;
use crate::{memory, thread};

/// Room to scan in, for one domain at a time.
static SCRATCH: thread::Mutex<Scratch> = thread::Mutex::new(Scratch::new());

/// Originals of each instruction set that have no code of their own, at most: abuse of a guest ends up in the records of
/// pages, which are as bounded as its memory.
const INTERNED: u16 = 1024;

/// The rewritten pages of a domain.
pub struct Code {
    pages: BTreeMap<Page, Box<nex_rewrite::Page>>,
    tables: Tables,
    stats: Stats,
}

/// What happened to code, since the domain started.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stats {
    /// Pages scanned.
    pub scans: u64,
    /// Pages given back to the guest because it wrote to them.
    pub drops: u64,
    /// Stores into pages of code that were carried out in software.
    pub stores: u64,
}

impl Default for Code {
    /// No pages.
    fn default() -> Self {
        let mut tables = Tables::new(INTERNED);
        // See `arch::fast`.
        (tables.replace_tpidrurw, tables.tpidrprw_in_tpidrurw) = (true, true);
        Code { pages: BTreeMap::new(), tables, stats: Stats::default() }
    }
}

impl Code {
    /// What happened so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Pages, and instructions replaced in them, now.
    pub fn usage(&self) -> (usize, usize) {
        (self.pages.len(), self.pages.values().map(|page| page.sites().len()).sum())
    }
}

/// The words of a frame of guest memory.
///
/// # Safety
/// The frame belongs to the domain whose thread this is, and the borrow ends before anything else looks at it.
unsafe fn words<'a>(frame: Hpa) -> &'a mut [u32; PAGE_WORDS] {
    // SAFETY: the direct map maps the frame, aligned to 4 KiB; the rest is the caller's promise.
    unsafe { &mut *(memory::hpa_to_va(frame) as *mut [u32; PAGE_WORDS]) }
}

/// The same, to read.
///
/// # Safety
/// As for [`words`], but that others may read.
unsafe fn shared_words<'a>(frame: Hpa) -> &'a [u32; PAGE_WORDS] {
    // SAFETY: as above.
    unsafe { &*(memory::hpa_to_va(frame) as *const [u32; PAGE_WORDS]) }
}

/// What was changed has to be fetched anew.
fn publish(frame: Hpa, changed: (u16, u16)) {
    if changed.0 < changed.1 {
        let va = memory::hpa_to_va(frame);
        crate::arch::cache::clean_for_fetch(va + u32::from(changed.0)..va + u32::from(changed.1));
        crate::arch::cache::drop_fetched();
    }
}

impl Parts {
    /// Makes a page fit to be executed in the kernel's view: scans it from the instruction at `va`. False: there is no memory.
    pub fn scan(&mut self, page: Page, va: u32, vcpu: &Vcpu) -> bool {
        let thumb = vcpu.regs.cpsr().is_thumb();
        // The second half of an instruction that begins in the page before.
        let begins_with_tail = thumb && va.is_multiple_of(PAGE_BYTES) && vcpu.regs.pc() == va.wrapping_sub(2);
        let va = if begins_with_tail { va + 2 } else { va };
        // Nobody may write it from now on.
        self.shadow.drop_page(&mut self.memory, page);
        let frame = self.memory.frame(page);
        let next = if thumb { self.first_halfword_behind(va) } else { None };
        let set = if thumb { InstructionSet::T32 } else { InstructionSet::A32 };
        let neighbours = [va.wrapping_sub(PAGE_BYTES), va.wrapping_add(PAGE_BYTES)].map(|va| {
            let neighbour = self.kernels_page(va).filter(|&neighbour| neighbour != page)?;
            // SAFETY: another frame of this domain's, and its vCPU does not run.
            Some(unsafe { shared_words(self.memory.frame(neighbour)) })
        });
        let [before, after] = neighbours;
        let entry = Entry { addr: va, set, next, begins_with_tail, before, after };
        let record = self.code.pages.entry(page).or_default();
        // SAFETY: the frame is this domain's, and its vCPU does not run.
        let words = unsafe { words(frame) };
        let Ok(report) = record.scan(words, entry, &mut self.code.tables, &mut SCRATCH.lock()) else {
            return false;
        };
        self.code.stats.scans += 1;
        publish(frame, report.changed);
        self.memory.set_code(page, true);
        self.memory.uses(page).is_code()
    }

    /// Makes a page of rewritten code fit for the user's view.
    pub fn show_code(&mut self, page: Page) {
        let frame = self.memory.frame(page);
        if let Some(record) = self.code.pages.get_mut(&page) {
            // SAFETY: the frame is this domain's, and its vCPU does not run.
            publish(frame, record.show_to_user(unsafe { words(frame) }, &mut self.code.tables));
        }
        if let Some(uses) = self.memory.uses_mut(page) {
            uses.set_shown();
        }
    }

    /// The first halfword of the page behind that of `va`, as the guest's kernel would fetch it.
    fn first_halfword_behind(&mut self, va: u32) -> Option<u16> {
        let page = self.kernels_page((va | (PAGE_BYTES - 1)).wrapping_add(1))?;
        Some(self.original_word(page, 0) as u16)
    }

    /// The page of memory at `va` as the guest's kernel would fetch from it.
    fn kernels_page(&mut self, va: u32) -> Option<Page> {
        let regs = *self.shadow.regs();
        let found =
            translate(&regs, &mut self.memory, Gva::new(va), Access::new(true, Kind::Execute)).ok()?;
        self.memory.page_at(found.gpa()?.raw())
    }

    /// A word of a page as the guest wrote it.
    fn original_word(&mut self, page: Page, offset: u32) -> u32 {
        let frame = self.memory.frame(page);
        match self.code.pages.get(&page) {
            // SAFETY: the frame is this domain's, and its vCPU does not run.
            Some(record) => record.original(unsafe { words(frame) }, offset),
            None => memory::read_word(Hpa::new(frame.raw() + (offset & !3))),
        }
    }

    /// Gives a page back to the guest as it wrote it: it is going to write to it.
    pub fn drop_code(&mut self, page: Page) {
        let frame = self.memory.frame(page);
        if let Some(mut record) = self.code.pages.remove(&page) {
            self.code.stats.drops += 1;
            // SAFETY: the frame is this domain's, and its vCPU does not run.
            record.restore(unsafe { words(frame) });
            publish(frame, (0, PAGE_BYTES as u16));
        }
        // Executable no longer.
        self.shadow.drop_page(&mut self.memory, page);
        self.memory.set_code(page, false);
    }

    /// Carries out a store into a page of rewritten code.
    pub fn store_to_code(&mut self, page: Page, offset: u32, bytes: &[u8]) {
        let frame = self.memory.frame(page);
        let Some(record) = self.code.pages.get_mut(&page) else { return };
        self.code.stats.stores += 1;
        // SAFETY: the frame is this domain's, and its vCPU does not run.
        let stored =
            record.store(unsafe { words(frame) }, offset, bytes, &mut self.code.tables, &mut SCRATCH.lock());
        match stored {
            Ok(report) => publish(frame, report.changed),
            Err(_) => {
                self.drop_code(page);
                memory::copy_to(Hpa::new(frame.raw() + offset), bytes);
            }
        }
    }

    /// Before Nex writes to `bytes` bytes of guest memory for the guest: no rewritten code is among them then.
    pub fn prepare_write(&mut self, gpa: u32, bytes: u32) {
        if bytes == 0 {
            return;
        }
        let last = gpa.saturating_add(bytes - 1);
        let mut at = gpa & !(PAGE_BYTES - 1);
        loop {
            if let Some(page) = self.memory.page_at(at)
                && self.memory.uses(page).is_code()
            {
                self.drop_code(page);
            }
            match at.checked_add(PAGE_BYTES) {
                Some(next) if next <= last => at = next,
                _ => return,
            }
        }
    }

    /// What was replaced at PC, if anything was.
    fn site_at_pc(&mut self, vcpu: &Vcpu) -> Option<Original> {
        let page = self.page_of_pc(vcpu)?;
        self.code.pages.get(&page)?.site(vcpu.regs.pc() % PAGE_BYTES)
    }

    /// The A32 instruction that the SVC `word` at PC stands for; `None` if it is the guest's own.
    pub fn original_a32(&mut self, vcpu: &Vcpu, word: u32) -> Option<u32> {
        if word & 0x00c0_0000 == 0 {
            return None; // below all codes
        }
        // What the guest's kernel executes was scanned, so every code there is Nex's. Its user's code was not.
        if vcpu.privilege() == Privilege::Pl1
            && let Some(original) = decode_a32(word, &self.code.tables.a32)
        {
            return Some(original);
        }
        match self.site_at_pc(vcpu)? {
            Original::A32(original) => Some(original),
            _ => None,
        }
    }

    /// The T32 instruction that the UDF at PC stands for; `None` if it is the guest's own.
    pub fn original_t32(&mut self, vcpu: &Vcpu, first: u16, second: u16) -> Option<(u16, u16)> {
        let code = if nex_decode::t32_is_wide(first) {
            T32::Wide(u32::from(first) << 16 | u32::from(second))
        } else {
            T32::Narrow(first)
        };
        match self.site_at_pc(vcpu)? {
            Original::Narrow(half) => Some((half, 0)),
            Original::Wide(word) => Some(((word >> 16) as u16, word as u16)),
            Original::Straddle(half) => Some((half, self.first_halfword_behind(vcpu.regs.pc())?)),
            Original::A32(_) => match decode_t32(code, &self.code.tables.t32)? {
                T32::Narrow(half) => Some((half, 0)),
                T32::Wide(word) => Some(((word >> 16) as u16, word as u16)),
            },
        }
    }
}
