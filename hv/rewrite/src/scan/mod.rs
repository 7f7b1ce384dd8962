//! Finding what has to be replaced: see the crate page for the rules.

mod bits;
mod glance;
mod literals;
mod policy;
pub(crate) mod quick;
mod tables;
mod walk;

pub(crate) use bits::{Bits, HALFWORDS};
pub(crate) use glance::{Notes, glance};
pub(crate) use literals::{Side, mark_loads};
pub(crate) use tables::SWITCH_BYTES;

use crate::{InstructionSet, PAGE_WORDS, Tables};

/// Room to work in, about 7 KiB, for one scan at a time. Nothing in it outlives a call.
pub struct Scratch {
    /// The page as the guest wrote it.
    pub(crate) image: [u32; PAGE_WORDS],
    pub(crate) maps: Maps,
    pub(crate) notes: Notes,
}

impl Scratch {
    /// Room, to be kept and used again.
    pub const fn new() -> Scratch {
        Scratch { image: [0; PAGE_WORDS], maps: Maps::EMPTY, notes: Notes::EMPTY }
    }

    /// A halfword of the image, 0 beyond its end.
    pub(crate) fn half(&self, h: usize) -> u16 {
        let word = self.image.get(h / 2).copied().unwrap_or(0);
        (word >> (h % 2 * 16)) as u16
    }

    pub(crate) fn set_half(&mut self, h: usize, value: u16) {
        if let Some(word) = self.image.get_mut(h / 2) {
            let shift = h % 2 * 16;
            *word = *word & !(0xffff << shift) | u32::from(value) << shift;
        }
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

/// What is known of each halfword.
pub(crate) struct Maps {
    /// Covered by an instruction that was reached.
    pub(crate) code: Bits,
    /// The first halfword of such an instruction.
    pub(crate) start: Bits,
    /// A start, or a place in `pending` or `later`, is T32.
    pub(crate) thumb: Bits,
    /// Loaded from, or part of a table.
    pub(crate) data: Bits,
    /// A start of what is to be replaced.
    pub(crate) replace: Bits,
    /// Targets of branches that were not followed yet.
    pending: Bits,
    /// What follows calls, while only certain code is followed.
    later: Bits,
    /// Covered by instructions of earlier phases, which a reference does not make data.
    fixed: Bits,
}

impl Maps {
    const EMPTY: Maps = Maps {
        code: Bits::EMPTY,
        start: Bits::EMPTY,
        thumb: Bits::EMPTY,
        data: Bits::EMPTY,
        replace: Bits::EMPTY,
        pending: Bits::EMPTY,
        later: Bits::EMPTY,
        fixed: Bits::EMPTY,
    };
}

impl Maps {
    /// Whether control comes to a halfword that was not looked at yet.
    fn awaits(&self, h: usize) -> bool {
        self.pending.has(h) || self.later.has(h)
    }
}

/// How sure it is that what is followed is code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    /// What no other code comes after: gaps, swept.
    Swept,
    /// Behind a call, which may not return.
    AfterCall,
    /// From an entry, without returning from a call.
    Certain,
}

/// What is around the page, and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The virtual address of its first byte.
    pub(crate) base: u32,
    /// The first halfword of the page that follows in the guest's address space.
    pub(crate) next: Option<u16>,
    /// The first halfword belongs to an instruction of the page before.
    pub(crate) begins_with_tail: bool,
}

/// One scan.
pub(crate) struct Scan<'a> {
    pub(crate) scratch: &'a mut Scratch,
    tables: &'a Tables,
    place: Place,
    phase: Phase,
    /// No place in `pending` is below.
    lowest: usize,
    /// No place in `pending` is above.
    highest: usize,
    /// Code that was reached in both instruction sets, of which only the first counts.
    pub(crate) conflicts: u32,
    /// The page has table branches whose tables consist of bytes or halfwords.
    pub(crate) has_offset_tables: bool,
}

impl<'a> Scan<'a> {
    /// Scans the image in `scratch` from `entries`, pairs of halfword and instruction set. `literals` are halfwords that
    /// another page loads from.
    pub(crate) fn run(
        scratch: &'a mut Scratch,
        tables: &'a Tables,
        place: Place,
        entries: impl Iterator<Item = (usize, InstructionSet)>,
        literals: &[u16],
    ) -> Scan<'a> {
        scratch.maps = Maps::EMPTY;
        let mut scan = Scan {
            scratch,
            tables,
            place,
            phase: Phase::Certain,
            lowest: HALFWORDS,
            highest: 0,
            conflicts: 0,
            has_offset_tables: false,
        };
        if place.begins_with_tail {
            scan.scratch.maps.data.set(0);
        }
        for &literal in literals {
            scan.scratch.maps.data.set(usize::from(literal));
        }
        for (halfword, set) in entries {
            scan.push(halfword, set);
        }
        scan.drain();
        let maps = &mut scan.scratch.maps;
        maps.data.remove(&maps.code);
        maps.fixed = maps.code;
        maps.pending = core::mem::replace(&mut maps.later, Bits::EMPTY);
        (scan.lowest, scan.highest) = (0, HALFWORDS);
        scan.phase = Phase::AfterCall;
        scan.drain();
        let maps = &mut scan.scratch.maps;
        maps.fixed = maps.code;
        maps.fixed.remove(&maps.data);
        scan.phase = Phase::Swept;
        scan.sweep();
        scan
    }

    /// Follows all that is pending.
    fn drain(&mut self) {
        while self.lowest <= self.highest {
            let Some(h) = self.scratch.maps.pending.next(self.lowest) else { break };
            self.lowest = h + 1;
            let maps = &mut self.scratch.maps;
            maps.pending.clear(h);
            let thumb = maps.thumb.has(h);
            // Most targets are reached another way before their turn comes.
            if maps.start.has(h) {
                continue;
            }
            if thumb { self.run_t32(h) } else { self.run_a32(h) }
        }
        (self.lowest, self.highest) = (HALFWORDS, 0);
    }

    /// Follows what is left, from the beginning to the end, in the instruction set of the code before it.
    fn sweep(&mut self) {
        let mut at = 0;
        while let Some(h) = self.scratch.maps.code.next_in_neither(&self.scratch.maps.data, at) {
            at = h + 1;
            let maps = &mut self.scratch.maps;
            let thumb = match maps.start.previous(h).or_else(|| maps.start.next(h)) {
                Some(neighbour) => maps.thumb.has(neighbour),
                None => false,
            };
            if thumb {
                self.run_t32(h);
            } else if h % 2 == 0 {
                self.run_a32(h);
            }
            self.drain();
        }
    }

    /// Notes that control comes to halfword `h`.
    fn push(&mut self, h: usize, set: InstructionSet) {
        let maps = &mut self.scratch.maps;
        let thumb = set == InstructionSet::T32;
        let h = if thumb { h } else { h & !1 };
        if h >= HALFWORDS {
            return;
        }
        if maps.start.has(h) {
            self.conflicts += u32::from(maps.thumb.has(h) != thumb);
            return;
        }
        if self.phase == Phase::Swept && (maps.code.has(h) || maps.data.has(h)) {
            return;
        }
        self.conflicts += u32::from(maps.awaits(h) && maps.thumb.has(h) != thumb);
        maps.pending.set(h);
        maps.thumb.put(h, thumb);
        self.lowest = self.lowest.min(h);
        self.highest = self.highest.max(h);
    }

    /// Notes that a branch goes to `addr`, if that is in this page.
    fn push_addr(&mut self, addr: u32, set: InstructionSet) {
        if let Some(h) = self.halfword_at(addr) {
            self.push(h, set);
        }
    }

    /// The halfword of this page at an address.
    fn halfword_at(&self, addr: u32) -> Option<usize> {
        let offset = addr.wrapping_sub(self.place.base);
        (offset < crate::PAGE_BYTES).then_some(offset as usize / 2)
    }

    /// Takes `n` halfwords from `h` as an instruction; false if that was done before or may not be.
    fn claim(&mut self, h: usize, n: usize, thumb: bool) -> bool {
        let maps = &mut self.scratch.maps;
        let taken = match self.phase {
            Phase::Certain => maps.start.has(h),
            Phase::AfterCall => maps.start.has(h) || maps.data.any(h, n),
            Phase::Swept => maps.code.any(h, n) || maps.data.any(h, n),
        };
        if taken {
            self.conflicts += u32::from(maps.start.has(h) && maps.thumb.has(h) != thumb);
            return false;
        }
        self.conflicts += u32::from(maps.awaits(h) && maps.thumb.has(h) != thumb);
        maps.start.set(h);
        maps.thumb.put(h, thumb);
        for h in h..h + n {
            maps.code.set(h);
        }
        true
    }

    /// Notes that `bytes` bytes at `addr` are data.
    fn mark_data(&mut self, addr: u32, bytes: u32) {
        let first = addr & !1;
        // An address that is only formed refers to no data.
        let halfwords = if bytes == 0 { 0 } else { (addr % 2 + bytes).div_ceil(2) };
        for i in 0..halfwords {
            if let Some(h) = self.halfword_at(first.wrapping_add(i * 2))
                && !self.scratch.maps.fixed.has(h)
            {
                self.scratch.maps.data.set(h);
            }
        }
    }
}
