//! A page of guest code, and what was replaced in it.

use crate::codes::{self, Encoded};
use crate::patch::{
    Changes, code_a32, code_t32, drop_overlapping, original_at, overlay, put_bytes, replace, with_bytes,
};
use crate::scan::{Bits, Place, SWITCH_BYTES, Scan, Side, glance, mark_loads, quick};
use crate::{InstructionSet, Interned, Original, PAGE_BYTES, PAGE_WORDS, Scratch, Site};
use alloc::vec::Vec;
use nex_decode::{Branch, Next, flow_a32, t32_is_wide};

/// What a domain has for all its pages: the originals that have no code of their own, and choices.
#[derive(Debug)]
pub struct Tables {
    /// Reads of TPIDRURO are replaced. They need not be where the host's register holds the guest's value, as it does for
    /// the guest's user mode anyway; writes trap by themselves. Linux keeps `current` there since 5.16: half of all that
    /// could be replaced in its text are these reads.
    pub replace_tpidruro: bool,
    /// Reads and writes of TPIDRURW are replaced: for a hypervisor that has something else in the host's register while the
    /// guest's kernel runs.
    pub replace_tpidrurw: bool,
    /// A read of TPIDRPRW becomes one of TPIDRURW, which does not trap: for a hypervisor that has the guest's TPIDRPRW in the
    /// host's TPIDRURW while the guest's kernel runs. Only together with `replace_tpidrurw`, and not in pages that
    /// [User mode sees](Page::show_to_user).
    pub tpidrprw_in_tpidrurw: bool,
    /// SEV is replaced: for a hypervisor that blocks a vCPU in WFE until an event comes. For one that only yields there, the
    /// CPU's own SEV will do; Linux has one in each unlocking of a spin lock.
    pub replace_sev: bool,
    /// A32 words.
    pub a32: Interned,
    /// Wide T32 instructions.
    pub t32: Interned,
}

impl Tables {
    /// Empty tables, each for at most `limit` originals, and for no more than its codes can number. TPIDRURO, TPIDRURW and
    /// SEV are left to the host.
    pub const fn new(limit: u16) -> Tables {
        let t32 = if limit < Interned::MAX_T32 { limit } else { Interned::MAX_T32 };
        Tables {
            replace_tpidruro: false,
            replace_tpidrurw: false,
            tpidrprw_in_tpidrurw: false,
            replace_sev: false,
            a32: Interned::new(limit),
            t32: Interned::new(t32),
        }
    }
}

/// Where and how control comes into a page, and what is around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// The guest-virtual address of the instruction, without the bit that selects T32. Its lowest bits are ignored as far as
    /// the instruction set aligns instructions.
    pub addr: u32,
    /// The instruction set. T32 code is taken to be outside an IT block.
    pub set: InstructionSet,
    /// The first halfword of the page that follows in the guest's address space, as the guest wrote it; `None` if it is not
    /// known. It matters for a T32 instruction of which only the first halfword is in this page.
    pub next: Option<u16>,
    /// The first halfword of this page is the second one of an instruction of the page before.
    pub begins_with_tail: bool,
    /// The page before this one in the guest's address space, rewritten or not; `None` if it is not known. A function that
    /// begins there may have its constants here: without that page they are taken for code, though only those are changed
    /// that look like a sensitive instruction.
    pub before: Option<&'a [u32; PAGE_WORDS]>,
    /// The page that follows in the guest's address space, likewise.
    pub after: Option<&'a [u32; PAGE_WORDS]>,
}

/// What a scan did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// How many instructions are replaced now, 0..=2048.
    pub sites: u16,
    /// Places where code overlaps other code, of which only one could be replaced: the other instruction set, or an
    /// instruction within another. No compiler makes it.
    pub conflicts: u16,
    /// Offsets in bytes from the first word that was changed to behind the last one: what has to be cleaned from the data
    /// cache and invalidated in the instruction cache. Empty (0, 0) if none was.
    pub changed: (u16, u16),
}

/// No memory for the record: the page is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoMemory;

/// Why a store was not carried out: the page is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreError {
    /// No memory for the record.
    NoMemory,
    /// Whether something has to be replaced depends on what the neighbouring pages load from this one, which the last scan
    /// had no need to find out. The caller does [`Page::restore`], then the store; then the page has to be scanned again.
    NeedsScan,
}

impl From<NoMemory> for StoreError {
    fn from(_: NoMemory) -> StoreError {
        StoreError::NoMemory
    }
}

/// The record of a page: what was replaced, and from where it was scanned. 6 bytes are allocated for each instruction
/// replaced, 2 for each entry and each halfword of a neighbour's constants.
///
/// Every method is given the page, `words`, little-endian as the guest's code is; it is the caller's to give the same one
/// each time, and to see that nobody else writes it meanwhile. Words are changed one by one and only where the result
/// differs, so another CPU of the guest that executes the page sees each word old or new.
#[derive(Debug)]
pub struct Page {
    sites: Vec<Site>,
    /// The halfword, and in bit 15 whether it is T32.
    entries: Vec<u16>,
    /// Halfwords that the neighbours load from; `None` if that was not found out, since nothing in this page depended on it.
    literals: Option<Vec<u16>>,
    place: Place,
    holds: Holds,
    /// The guest's User mode sees the page.
    shown: bool,
}

/// What the last scan found in a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Holds {
    a32: bool,
    t32: bool,
    /// Branch tables of bytes or halfwords.
    offset_tables: bool,
}

impl Holds {
    const NOTHING: Holds = Holds { a32: false, t32: false, offset_tables: false };
    /// A32 code alone.
    const A32: Holds = Holds { a32: true, ..Holds::NOTHING };
}

impl Page {
    /// The record of a page in which nothing is replaced.
    pub const fn new() -> Page {
        Page {
            sites: Vec::new(),
            entries: Vec::new(),
            literals: None,
            place: Place { base: 0, next: None, begins_with_tail: false },
            holds: Holds::NOTHING,
            shown: false,
        }
    }

    /// Scans the page from `entry`, and from all entries that it was scanned from before, and replaces what has to be.
    ///
    /// What else the [`Entry`] says of the page takes the place of what an earlier one said.
    ///
    /// # Errors
    /// [`NoMemory`]: nothing was changed.
    pub fn scan(
        &mut self,
        words: &mut [u32; PAGE_WORDS],
        entry: Entry<'_>,
        tables: &mut Tables,
        scratch: &mut Scratch,
    ) -> Result<Report, NoMemory> {
        let thumb = entry.set == InstructionSet::T32;
        let halfword = (entry.addr % PAGE_BYTES / 2) as u16 & if thumb { !0 } else { !1 };
        let key = halfword | u16::from(thumb) << 15;
        let known = self.entries.contains(&key);
        if !known {
            self.entries.try_reserve(1).map_err(|_| NoMemory)?;
            self.entries.push(key);
        }
        let (place, literals) = (self.place, self.literals.take());
        self.place = Place {
            base: entry.addr & !(PAGE_BYTES - 1),
            next: entry.next,
            begins_with_tail: entry.begins_with_tail,
        };
        let result = self.scan_entries(words, &entry, tables, scratch);
        if result.is_err() {
            self.place = place;
            self.literals = literals;
            if !known {
                self.entries.pop();
            }
        }
        result
    }

    fn scan_entries(
        &mut self,
        words: &mut [u32; PAGE_WORDS],
        entry: &Entry<'_>,
        tables: &mut Tables,
        scratch: &mut Scratch,
    ) -> Result<Report, NoMemory> {
        let clear = self.sites.is_empty()
            && glance(words, tables, self.place, self.entries(), &mut scratch.notes).is_ok();
        let alone = entry.before.is_none() && entry.after.is_none();
        if alone || !clear || !scratch.notes.replaced().is_empty() {
            self.literals = Some(literals_of(entry, scratch)?);
        }
        if clear && self.literals.as_ref().is_none_or(|literals| !scratch.notes.any_of(literals)) {
            return self.rewrite_fresh(words, tables, scratch);
        }
        self.load(words, scratch);
        self.rewrite(words, tables, scratch, 0..0).map_err(|_| NoMemory)
    }

    /// Carries out a store of the guest's: `bytes` to `offset` in the page, where they must not be yet. Then everything is as
    /// if the page had been scanned with them in it: what they overwrote partly is made of the new bytes and the original
    /// ones, and what they made sensitive is replaced. Bytes beyond the end of the page are ignored.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was stored.
    pub fn store(
        &mut self,
        words: &mut [u32; PAGE_WORDS],
        offset: u32,
        bytes: &[u8],
        tables: &mut Tables,
        scratch: &mut Scratch,
    ) -> Result<Report, StoreError> {
        let begin = offset.min(PAGE_BYTES) as usize;
        let bytes = &bytes[..bytes.len().min(PAGE_BYTES as usize - begin)];
        let end = begin + bytes.len();
        let touched = begin / 4..end.div_ceil(4);
        if self.changes_nothing(words, begin, bytes) {
            put_bytes(words, begin, bytes);
            let sites = self.sites.len() as u16;
            let changed =
                if bytes.is_empty() { (0, 0) } else { (begin as u16 & !3, end.next_multiple_of(4) as u16) };
            return Ok(Report { sites, changed, ..Report::default() });
        }
        self.load(words, scratch);
        put_bytes(&mut scratch.image, begin, bytes);
        self.rewrite(words, tables, scratch, touched)
    }

    /// Puts everything back, and forgets the page.
    ///
    /// A code that the guest had copied here is put back as what it stands for.
    pub fn restore(&mut self, words: &mut [u32; PAGE_WORDS]) {
        for site in &self.sites {
            overlay(words, site);
        }
        *self = Page::new();
    }

    /// The guest's User mode is going to see the page, and may execute it: whatever was not replaced by what traps is from now
    /// on, since it would do for User mode what it does for the kernel. Until [`restore`](Self::restore). The bytes that
    /// changed, as in [`Report::changed`].
    pub fn show_to_user(&mut self, words: &mut [u32; PAGE_WORDS], tables: &mut Tables) -> (u16, u16) {
        if core::mem::replace(&mut self.shown, true) || !Self::moves(false, tables) {
            return (0, 0);
        }
        let mut changed = (0, 0);
        for site in &self.sites {
            let bytes = match site.original() {
                Original::A32(word) if codes::tpidrprw_as_tpidrurw(word).is_some() => {
                    code_a32(word, false, tables).to_le_bytes()
                }
                Original::Wide(word) if codes::tpidrprw_as_tpidrurw(word).is_some() => {
                    code_t32(word, false, tables).rotate_left(16).to_le_bytes()
                }
                _ => continue,
            };
            let begin = site.offset() as u16;
            put_bytes(words, usize::from(begin), &bytes);
            let first = if changed.1 == 0 { begin & !3 } else { changed.0 };
            changed = (first, (begin + 4).next_multiple_of(4));
        }
        changed
    }

    /// Whether a read of TPIDRPRW becomes one of TPIDRURW.
    fn moves(shown: bool, tables: &Tables) -> bool {
        tables.tpidrprw_in_tpidrurw && tables.replace_tpidrurw && !shown
    }

    /// The word at `offset`, a multiple of 4 below 4096 (the lowest bits are ignored, and so are those above), as the guest
    /// wrote it.
    pub fn original(&self, words: &[u32; PAGE_WORDS], offset: u32) -> u32 {
        let word = (offset % PAGE_BYTES / 4) as usize;
        let mut value = words[word];
        // A site that begins in the word before may reach into this one.
        let first = self.sites.partition_point(|site| site.halfword() + 1 < word * 2);
        for site in self.sites[first..].iter().take_while(|site| site.halfword() < word * 2 + 2) {
            let original = site.original();
            for n in 0..original.halfwords() {
                let h = site.halfword() + n;
                if h / 2 == word {
                    let shift = h % 2 * 16;
                    value = value & !(0xffff << shift) | u32::from(original.halfword(n)) << shift;
                }
            }
        }
        value
    }

    /// What was replaced at `offset` bytes, if an instruction that begins there was.
    pub fn site(&self, offset: u32) -> Option<Original> {
        let at = self.sites.binary_search_by_key(&offset, |site| site.offset()).ok()?;
        Some(self.sites[at].original())
    }

    /// All that was replaced, in ascending order.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Bytes allocated for the record.
    pub fn heap_bytes(&self) -> usize {
        self.sites.capacity() * size_of::<Site>()
            + (self.entries.capacity() + self.literals.as_ref().map_or(0, Vec::capacity)) * size_of::<u16>()
    }

    /// Makes the image of the page as the guest wrote it.
    fn load(&self, words: &[u32; PAGE_WORDS], scratch: &mut Scratch) {
        scratch.image = *words;
        for site in &self.sites {
            overlay(&mut scratch.image, site);
        }
    }

    /// The entries as pairs of halfword and instruction set.
    fn entries(&self) -> impl Iterator<Item = (usize, InstructionSet)> + Clone {
        self.entries.iter().map(|&key| {
            let set = if key >> 15 == 1 { InstructionSet::T32 } else { InstructionSet::A32 };
            (usize::from(key & 0x7fff), set)
        })
    }

    /// Replaces what a glance found in a page in which nothing is replaced yet.
    fn rewrite_fresh(
        &mut self,
        words: &mut [u32; PAGE_WORDS],
        tables: &mut Tables,
        scratch: &Scratch,
    ) -> Result<Report, NoMemory> {
        let replaced = scratch.notes.replaced();
        let mut sites = Vec::new();
        sites.try_reserve_exact(replaced.len()).map_err(|_| NoMemory)?;
        let moved = Self::moves(self.shown, tables);
        for &index in replaced {
            let word = &mut words[usize::from(index) % PAGE_WORDS];
            sites.push(Site::new(usize::from(index) * 2, Original::A32(*word)));
            *word = code_a32(*word, moved, tables);
        }
        let changed = match (replaced.first(), replaced.last()) {
            (Some(first), Some(last)) => (first * 4, last * 4 + 4),
            _ => (0, 0),
        };
        self.sites = sites;
        self.holds = Holds::A32;
        Ok(Report { sites: self.sites.len() as u16, conflicts: 0, changed })
    }

    /// Scans the image, and makes the page what it has to be; `touched` are words that may differ besides.
    fn rewrite(
        &mut self,
        words: &mut [u32; PAGE_WORDS],
        tables: &mut Tables,
        scratch: &mut Scratch,
        touched: core::ops::Range<usize>,
    ) -> Result<Report, StoreError> {
        let Scratch { image, notes, .. } = scratch;
        let clear = glance(image, tables, self.place, self.entries(), notes).is_ok();
        let clear = match &self.literals {
            Some(literals) => clear && !notes.any_of(literals),
            None if clear && notes.replaced().is_empty() => true,
            None => return Err(StoreError::NeedsScan),
        };
        let mut sites = Vec::new();
        let (mut conflicts, mut holds) = (0, Holds::A32);
        if clear {
            let replaced = scratch.notes.replaced();
            sites.try_reserve_exact(replaced.len()).map_err(|_| NoMemory)?;
            for &index in replaced {
                let word = scratch.image[usize::from(index) % PAGE_WORDS];
                sites.push(Site::new(usize::from(index) * 2, Original::A32(word)));
            }
        } else {
            (conflicts, holds) = self.follow(tables, scratch);
            sites.try_reserve_exact(scratch.maps.replace.count()).map_err(|_| NoMemory)?;
            let mut at = 0;
            while let Some(h) = scratch.maps.replace.next(at) {
                sites.push(Site::new(h, original_at(scratch, h)));
                at = h + 1;
            }
        }
        let moved = Self::moves(self.shown, tables);
        for site in &sites {
            replace(scratch, site, moved, tables);
        }
        // From here on nothing fails. The image is now what the page has to be.
        let mut changes = Changes::new(words, &scratch.image);
        for site in self.sites.iter().chain(&sites) {
            let last = site.halfword() + site.original().halfwords() - 1;
            changes.put(site.halfword() / 2);
            changes.put(last / 2);
        }
        for word in touched {
            changes.put(word);
        }
        let changed = changes.range_bytes();
        self.sites = sites;
        self.holds = holds;
        Ok(Report { sites: self.sites.len() as u16, conflicts: conflicts.min(0xffff) as u16, changed })
    }

    /// Follows the code of the image; what has to be replaced is in the maps then. How many conflicts there were, and what
    /// was found.
    fn follow(&self, tables: &Tables, scratch: &mut Scratch) -> (u32, Holds) {
        let literals = self.literals.as_deref().unwrap_or(&[]);
        let scan = Scan::run(scratch, tables, self.place, self.entries(), literals);
        let (conflicts, offset_tables) = (scan.conflicts, scan.has_offset_tables);
        let conflicts = conflicts + drop_overlapping(scratch);
        let (a32, t32) = sets(&scratch.maps.start, &scratch.maps.thumb);
        (conflicts, Holds { a32, t32, offset_tables })
    }

    /// Whether a store leaves what a scan finds as it is; found without a scan, so it may be false although it does.
    ///
    /// So it is if no word of it is, or was, anything but a plain instruction, wherever instructions begin, nor an address
    /// that a branch may take from memory.
    fn changes_nothing(&self, words: &[u32; PAGE_WORDS], begin: usize, bytes: &[u8]) -> bool {
        let end = begin + bytes.len();
        let mut from = begin;
        while from < end {
            let word = from / 4;
            let to = end.min(word * 4 + 4);
            let site = self.sites.partition_point(|site| site.halfword() + 1 < word * 2);
            if self.sites.get(site).is_some_and(|site| site.halfword() < word * 2 + 2) {
                return false;
            }
            let old = words[word];
            let new = with_bytes(old, from % 4, &bytes[from - begin..to - begin]);
            let before = if word == 0 { 0 } else { (self.original(words, word as u32 * 4 - 4) >> 16) as u16 };
            // How many have AL counts for what is around them.
            let same_always = !self.holds.a32 || (old >> 28 == 0xe) == (new >> 28 == 0xe);
            if old != new && !(same_always && self.is_plain(old, before) && self.is_plain(new, before)) {
                return false;
            }
            from = to;
        }
        true
    }

    /// Whether neither a word, nor its halfwords, mean anything to a scan; `before` is the halfword before it.
    fn is_plain(&self, word: u32, before: u16) -> bool {
        let address =
            word.wrapping_sub(self.place.base).wrapping_add(SWITCH_BYTES) < 2 * SWITCH_BYTES + PAGE_BYTES;
        let (low, high) = (word as u16, (word >> 16) as u16);
        let t32 = || {
            !self.holds.offset_tables
                && !t32_is_wide(before)
                && quick::t16_is_plain(low)
                && quick::t16_is_plain(high)
        };
        !address && (!self.holds.a32 || is_plain_a32(word)) && (!self.holds.t32 || t32())
    }
}

impl Default for Page {
    fn default() -> Page {
        Page::new()
    }
}

/// The halfwords of a page that its neighbours load from.
fn literals_of(entry: &Entry<'_>, scratch: &mut Scratch) -> Result<Vec<u16>, NoMemory> {
    let marks = &mut scratch.maps.data;
    *marks = Bits::EMPTY;
    for (neighbour, side) in [(entry.before, Side::Before), (entry.after, Side::After)] {
        if let Some(neighbour) = neighbour {
            mark_loads(neighbour, side, entry.set, marks);
        }
    }
    let mut literals = Vec::new();
    literals.try_reserve_exact(marks.count()).map_err(|_| NoMemory)?;
    let mut at = 0;
    while let Some(h) = marks.next(at) {
        literals.push(h as u16);
        at = h + 1;
    }
    Ok(literals)
}

fn is_plain_a32(word: u32) -> bool {
    if quick::a32(word) == quick::Quick::Plain {
        return true;
    }
    let flow = flow_a32(word, 0);
    codes::encode_a32(word) == Encoded::Stays
        && flow.next == Next::Always
        && flow.branch == Branch::None
        && flow.data.is_none()
}

/// Whether there is A32 code, and T32 code.
fn sets(start: &Bits, thumb: &Bits) -> (bool, bool) {
    let mut t32 = *start;
    t32.keep(thumb);
    let mut a32 = *start;
    a32.remove(thumb);
    (a32.next(0).is_some(), t32.next(0).is_some())
}

#[cfg(test)]
mod tests;
