//! Who owns each 4 KiB frame of RAM.
//!
//! A [`FrameTable`] holds one owner byte for every frame of a span of physical addresses, and a free count for every
//! megabyte, in storage lent by the caller. Totals per owner are kept up to date, so asking for them costs nothing.
//!
//! Whole megabytes are what domains are made of (one section each), so they are spared: a request for less than a
//! megabyte is served from one that is already broken, and if there is none, the highest whole one is broken. Requests
//! for whole megabytes are served from the bottom. Only if neither finds a place is every frame looked at, so a request
//! fails only if there is really no room.
//!
//! A buddy allocator was rejected: it needs its links in the frames, which are not mapped, or tables of the same size as
//! this one, and would still not say who owns a frame.

use core::fmt;
use core::ops::Range;

use crate::addr::{Hpa, PAGE_BYTES};

mod owner;

pub use owner::{DomainId, Owner};

/// Frames in a megabyte.
const MIB_FRAMES: usize = 256;
const FREE: u8 = Owner::Free.to_u8();
const ABSENT: u8 = Owner::Absent.to_u8();

/// Set in a megabyte's count once RAM was added there; clear means that all its frames are absent.
const TOUCHED: u16 = 1 << 15;

/// Why frames were not freed. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FreeError {
    /// The range is not within the table's span, or the address (given here) is not a multiple of 4096.
    Outside(Hpa),
    /// A frame of the range belongs to somebody else, or is free already.
    WrongOwner {
        /// The first such frame.
        at: Hpa,
        /// Who owns it.
        owner: Owner,
    },
    /// [`Owner::Free`] and [`Owner::Absent`] own nothing that could be freed.
    NotAnOwner,
}

impl fmt::Display for FreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside(at) => {
                write!(f, "frames from {at} are not in the frame table; free what was allocated")
            }
            Self::WrongOwner { at, owner } => {
                write!(f, "frame {at} is owned by {owner}; only its owner frees it")
            }
            Self::NotAnOwner => f.write_str("free or absent frames cannot be freed; name the owner"),
        }
    }
}

impl core::error::Error for FreeError {}

/// The owners of all frames of a span of physical addresses; see the module.
pub struct FrameTable<'a> {
    /// Page number of the first frame.
    first: usize,
    /// One [`Owner`] a frame.
    owners: &'a mut [u8],
    /// For each megabyte that the span touches: the number of free frames, 0..=256, and `TOUCHED`.
    mibs: &'a mut [[u8; 2]],
    /// Frames per owner byte.
    totals: [u32; 256],
    /// No megabyte below this one is whole (wholly free).
    whole_from: usize,
    /// Where the last small request was served; the next one looks here first.
    cursor: usize,
}

impl<'a> FrameTable<'a> {
    /// Bytes of storage for a span of `span_bytes`, wherever it starts: 1 byte a frame and about 1 for every 128 frames.
    pub const fn storage_bytes(span_bytes: u64) -> usize {
        let frames = span_bytes.div_ceil(PAGE_BYTES as u64) as usize;
        frames + frames.div_ceil(128) + 4
    }

    /// A table over a span that starts at `base` (a multiple of 4096; rounded down) and is as long as `storage` lasts,
    /// or up to 4 GiB. All frames are [`Owner::Absent`]: add the RAM next. The contents of `storage` do not matter.
    pub fn new(base: Hpa, storage: &'a mut [u8]) -> Self {
        let first = base.page_number() as usize;
        // The inverse of `storage_bytes`; at least the frames that were asked for there.
        let spare = storage.len().saturating_sub(4);
        let frames = (spare - spare.div_ceil(129)).min((1 << 20) - first);
        let (owners, rest) = storage.split_at_mut(frames);
        let mib_count =
            if frames == 0 { 0 } else { (first + frames - 1) / MIB_FRAMES - first / MIB_FRAMES + 1 };
        let mibs = &mut rest.as_chunks_mut().0[..mib_count];
        owners.fill(ABSENT);
        mibs.fill([0; 2]);
        let mut totals = [0; 256];
        totals[ABSENT as usize] = frames as u32;
        Self { first, owners, mibs, totals, whole_from: 0, cursor: 0 }
    }

    /// Start of the span.
    pub fn base(&self) -> Hpa {
        self.hpa(0)
    }

    /// Frames in the span, absent ones included.
    pub fn span_frames(&self) -> u32 {
        self.owners.len() as u32
    }

    /// Makes the RAM from `start`, `bytes` long, known: absent frames wholly within it become free. What lies outside
    /// the span is left out; frames known already stay as they are, so banks may overlap.
    pub fn add_ram(&mut self, start: Hpa, bytes: u32) {
        let end = u64::from(start.raw()) + u64::from(bytes);
        let pages = (start.raw().div_ceil(PAGE_BYTES) as usize)..(end / u64::from(PAGE_BYTES)) as usize;
        let mut range = self.clip(pages);
        while !range.is_empty() {
            let mib = self.mib_of(range.start);
            let piece = range.start..range.end.min(self.frames_of_mib(mib).end);
            range.start = piece.end;
            let added = if self.count(mib) & TOUCHED == 0 {
                self.owners[piece.clone()].fill(FREE);
                piece.len()
            } else {
                replace(&mut self.owners[piece], ABSENT, FREE)
            };
            self.set_count(mib, (self.count(mib) | TOUCHED) + added as u16);
            self.totals[ABSENT as usize] -= added as u32;
            self.totals[FREE as usize] += added as u32;
        }
        self.whole_from = 0;
    }

    /// Gives the free frames that the range from `start`, `bytes` long, touches to `owner`, and returns how many they
    /// were. Frames that belong to somebody or are absent, and what lies outside the span, are passed over, so ranges
    /// may overlap and the first comes first.
    pub fn reserve(&mut self, start: Hpa, bytes: u32, owner: Owner) -> u32 {
        let end = u64::from(start.raw()) + u64::from(bytes);
        let pages = (start.page_number() as usize)..end.div_ceil(u64::from(PAGE_BYTES)) as usize;
        let mut range = if bytes == 0 || owner == Owner::Free { 0..0 } else { self.clip(pages) };
        let mut reserved = 0;
        while !range.is_empty() {
            let mib = self.mib_of(range.start);
            let piece = range.start..range.end.min(self.frames_of_mib(mib).end);
            range.start = piece.end;
            let taken = replace(&mut self.owners[piece], FREE, owner.to_u8());
            self.set_count(mib, self.count(mib) - taken as u16);
            reserved += taken as u32;
        }
        self.totals[FREE as usize] -= reserved;
        self.totals[owner.to_u8() as usize] += reserved;
        reserved
    }

    /// Takes `frames` neighbouring frames for `owner`, starting at a multiple of `align_frames` frames (a power of two,
    /// else rounded up to one; 0 counts as 1): 1 frame for a page, 4 and 4 for a first-level table, 256 and 256 for a
    /// section. Their contents are whatever was there before.
    ///
    /// Returns `None`, with nothing changed, if there is no room, if `frames` is 0, or if `owner` is [`Owner::Free`] or
    /// [`Owner::Absent`].
    ///
    /// For whole megabytes the cost is that of setting the owner bytes, and of stepping once over megabytes found in use.
    pub fn alloc(&mut self, frames: u32, align_frames: u32, owner: Owner) -> Option<Hpa> {
        if frames == 0 || frames > self.free_frames() || !owner.can_own() {
            return None;
        }
        let frames = frames as usize;
        let align = align_frames.checked_next_power_of_two()? as usize;
        let small = frames < MIB_FRAMES && align <= MIB_FRAMES;
        let preferred = if small { self.find_small(frames, align) } else { self.find_whole(frames, align) };
        let start = preferred.or_else(|| self.find_run(0..self.owners.len(), frames, align))?;
        let range = start..start + frames;
        if small {
            self.cursor = range.end;
        }
        self.owners[range.clone()].fill(owner.to_u8());
        self.add_to_counts(range, |count, n| count - n);
        self.totals[FREE as usize] -= frames as u32;
        self.totals[owner.to_u8() as usize] += frames as u32;
        Some(self.hpa(start))
    }

    /// Takes a single frame for `owner`; see [`alloc`](Self::alloc).
    pub fn alloc_one(&mut self, owner: Owner) -> Option<Hpa> {
        self.alloc(1, 1, owner)
    }

    /// Makes the `frames` frames from `start` free again. They must all belong to `owner`, but need not have been
    /// allocated together.
    ///
    /// # Errors
    /// Every [`FreeError`] leaves the table as it was.
    pub fn free(&mut self, start: Hpa, frames: u32, owner: Owner) -> Result<(), FreeError> {
        if !owner.can_own() {
            return Err(FreeError::NotAnOwner);
        }
        let first =
            (start.page_number() as usize).checked_sub(self.first).ok_or(FreeError::Outside(start))?;
        let range = first..first + frames as usize;
        if range.end > self.owners.len() || !start.is_aligned(PAGE_BYTES) {
            return Err(FreeError::Outside(start));
        }
        if let Some(at) = self.owners[range.clone()].iter().position(|&byte| byte != owner.to_u8()) {
            let at = self.hpa(first + at);
            return Err(FreeError::WrongOwner { at, owner: self.owner(at) });
        }
        self.owners[range.clone()].fill(FREE);
        self.add_to_counts(range, |count, n| count + n);
        self.totals[owner.to_u8() as usize] -= frames;
        self.totals[FREE as usize] += frames;
        Ok(())
    }

    /// Makes all frames of `owner` free again, and returns how many they were. [`Owner::Free`] and [`Owner::Absent`]
    /// have none. Looks at every frame, but stops when the last one is found.
    pub fn free_all(&mut self, owner: Owner) -> u32 {
        if !owner.can_own() {
            return 0;
        }
        let total = core::mem::take(&mut self.totals[owner.to_u8() as usize]);
        let mut left = total;
        for mib in 0..self.mibs.len() {
            if left == 0 {
                break;
            }
            let frames = self.frames_of_mib(mib);
            let freed = replace(&mut self.owners[frames.clone()], owner.to_u8(), FREE) as u16;
            left -= u32::from(freed);
            self.add_to_counts(frames, |count, _| count + freed);
        }
        self.totals[FREE as usize] += total;
        total
    }

    /// Who owns the frame that holds `hpa`; [`Owner::Absent`] outside the span.
    #[inline]
    pub fn owner(&self, hpa: Hpa) -> Owner {
        let byte =
            (hpa.page_number() as usize).checked_sub(self.first).and_then(|frame| self.owners.get(frame));
        // Only this module writes the bytes, and only ones made from an owner.
        byte.and_then(|&byte| Owner::from_u8(byte)).unwrap_or(Owner::Absent)
    }

    /// Number of free frames.
    pub fn free_frames(&self) -> u32 {
        self.totals[FREE as usize]
    }

    /// Bytes in all free frames.
    pub fn free_bytes(&self) -> u64 {
        u64::from(self.free_frames()) * u64::from(PAGE_BYTES)
    }

    /// Number of frames of `owner`.
    pub fn frames_of(&self, owner: Owner) -> u32 {
        self.totals[owner.to_u8() as usize]
    }

    /// Bytes in the longest run of free frames. Looks at every frame of broken megabytes.
    pub fn largest_free_bytes(&self) -> u64 {
        let (mut longest, mut run) = (0, 0);
        for mib in 0..self.mibs.len() {
            match self.free_in(mib) {
                MIB_FRAMES => run += MIB_FRAMES,
                0 => run = 0,
                _ => {
                    for &byte in &self.owners[self.frames_of_mib(mib)] {
                        run = if byte == FREE { run + 1 } else { 0 };
                        longest = longest.max(run);
                    }
                }
            }
            longest = longest.max(run);
        }
        longest as u64 * u64::from(PAGE_BYTES)
    }

    /// Owners that have frames, with how many, in the order of [`Owner::to_u8`].
    pub fn usage(&self) -> impl Iterator<Item = (Owner, u32)> + '_ {
        let used = self.totals.iter().enumerate().filter(|&(_, &frames)| frames > 0);
        used.filter_map(|(byte, &frames)| Some((Owner::from_u8(byte as u8)?, frames)))
    }

    /// A place for less than a megabyte: in a broken one, else at the start of the highest whole one.
    fn find_small(&self, frames: usize, align: usize) -> Option<usize> {
        let count = self.mibs.len();
        let current = self.mib_of(self.cursor.min(self.owners.len() - 1));
        let roomy = |mib: usize| (frames..MIB_FRAMES).contains(&self.free_in(mib));
        if roomy(current) {
            let rest = self.cursor..self.frames_of_mib(current).end;
            if let Some(start) = self.find_run(rest, frames, align) {
                return Some(start);
            }
        }
        (current..count)
            .chain(0..current)
            .filter(|&mib| roomy(mib))
            .find_map(|mib| self.find_run(self.frames_of_mib(mib), frames, align))
            .or_else(|| {
                let whole = (self.whole_from..count).rev().find(|&mib| self.free_in(mib) == MIB_FRAMES)?;
                Some(self.frames_of_mib(whole).start)
            })
    }

    /// The lowest place made of whole megabytes only.
    fn find_whole(&mut self, frames: usize, align: usize) -> Option<usize> {
        let count = self.mibs.len();
        while self.whole_from < count && self.free_in(self.whole_from) != MIB_FRAMES {
            self.whole_from += 1;
        }
        let wanted = frames.div_ceil(MIB_FRAMES);
        let step = (align / MIB_FRAMES).max(1);
        let first_mib = self.first / MIB_FRAMES;
        let align_up = |mib: usize| (first_mib + mib).next_multiple_of_pow2(step) - first_mib;
        let mut start = align_up(self.whole_from);
        while start + wanted <= count {
            match (start..start + wanted).rev().find(|&mib| self.free_in(mib) != MIB_FRAMES) {
                Some(blocker) => start = align_up(blocker + 1),
                None => return Some(self.frames_of_mib(start).start),
            }
        }
        None
    }

    /// The lowest aligned run of free frames within `range`.
    fn find_run(&self, range: Range<usize>, frames: usize, align: usize) -> Option<usize> {
        let align_up = |frame: usize| (self.first + frame).next_multiple_of_pow2(align) - self.first;
        let mut start = align_up(range.start);
        while start + frames <= range.end {
            match self.owners[start..start + frames].iter().rposition(|&byte| byte != FREE) {
                Some(blocker) => start = align_up(start + blocker + 1),
                None => return Some(start),
            }
        }
        None
    }

    /// Applies `change` to the free count of every megabyte that `range` touches, with the frames of it in `range`.
    fn add_to_counts(&mut self, mut range: Range<usize>, change: impl Fn(u16, u16) -> u16) {
        while !range.is_empty() {
            let mib = self.mib_of(range.start);
            let end = range.end.min(self.frames_of_mib(mib).end);
            self.set_count(mib, change(self.count(mib), (end - range.start) as u16));
            if self.free_in(mib) == MIB_FRAMES {
                self.whole_from = self.whole_from.min(mib);
            }
            range.start = end;
        }
    }

    /// Frames of the span among the given page numbers.
    fn clip(&self, pages: Range<usize>) -> Range<usize> {
        let index = |page: usize| page.saturating_sub(self.first).min(self.owners.len());
        index(pages.start)..index(pages.end)
    }

    fn hpa(&self, frame: usize) -> Hpa {
        Hpa::new((self.first + frame) as u32 * PAGE_BYTES)
    }

    fn mib_of(&self, frame: usize) -> usize {
        (frame + self.first % MIB_FRAMES) / MIB_FRAMES
    }

    fn frames_of_mib(&self, mib: usize) -> Range<usize> {
        let start = mib * MIB_FRAMES;
        let lead = self.first % MIB_FRAMES;
        start.saturating_sub(lead)..(start + MIB_FRAMES - lead).min(self.owners.len())
    }

    fn count(&self, mib: usize) -> u16 {
        u16::from_ne_bytes(self.mibs[mib])
    }

    fn set_count(&mut self, mib: usize, count: u16) {
        self.mibs[mib] = count.to_ne_bytes();
    }

    fn free_in(&self, mib: usize) -> usize {
        usize::from(self.count(mib) & !TOUCHED)
    }
}

/// `usize::next_multiple_of` divides; this does not.
trait NextMultiple {
    fn next_multiple_of_pow2(self, align: usize) -> usize;
}

impl NextMultiple for usize {
    fn next_multiple_of_pow2(self, align: usize) -> usize {
        (self + align - 1) & !(align - 1)
    }
}

/// Replaces the bytes `from` by `to`, and returns how many there were.
fn replace(bytes: &mut [u8], from: u8, to: u8) -> usize {
    let mut count = 0;
    for byte in bytes.iter_mut().filter(|byte| **byte == from) {
        *byte = to;
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests;
