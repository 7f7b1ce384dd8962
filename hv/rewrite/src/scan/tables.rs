//! Branch tables: data, with entries that are targets.
//!
//! How many entries a table has, only an earlier comparison says, which may be anywhere. Taken instead: it ends at the
//! lowest target behind its beginning, for compilers put the table before the code, at the first entry that makes no
//! sense, or at what is code already.

use super::Scan;
use crate::{InstructionSet, PAGE_WORDS};
use nex_decode::TableEntry;

/// The code of one switch is not further than this from its table.
pub(crate) const SWITCH_BYTES: u32 = 64 << 10;

/// Whether a word of a table at `base` may be a target of it.
pub(super) fn is_near(target: u32, base: u32) -> bool {
    target.wrapping_sub(base).wrapping_add(SWITCH_BYTES) < 2 * SWITCH_BYTES
}

impl Scan<'_> {
    /// A branch through the table at address `base`.
    pub(super) fn table(&mut self, base: u32, entry: TableEntry) {
        self.has_offset_tables |= matches!(entry, TableEntry::Bytes | TableEntry::Halfwords);
        if self.halfword_at(base).is_none() {
            return;
        }
        match entry {
            TableEntry::Words => self.addresses(base),
            TableEntry::Bytes => self.offsets(base, 1),
            TableEntry::Halfwords => self.offsets(base, 2),
            TableEntry::Code { stride_bytes } => self.branches(base, stride_bytes),
        }
    }

    /// A branch to the address in the word at `addr`.
    pub(super) fn through_literal(&mut self, addr: u32) {
        if addr.is_multiple_of(4)
            && let Some(h) = self.halfword_at(addr)
        {
            self.push_interworking(self.scratch.image[h / 2]);
        }
    }

    fn push_interworking(&mut self, addr: u32) {
        match addr & 3 {
            0 => self.push_addr(addr, InstructionSet::A32),
            2 => {}
            _ => self.push_addr(addr & !1, InstructionSet::T32),
        }
    }

    /// LDR PC, \[PC, Rm, LSL #2\].
    fn addresses(&mut self, base: u32) {
        let mut end = PAGE_WORDS;
        let mut at = self.halfword_at(base).unwrap_or(0) / 2;
        let begin = at;
        while at < end && !self.scratch.maps.fixed.has_pair(at * 2) {
            let target = self.scratch.image[at];
            if !is_near(target, base) || target & 3 == 2 {
                return;
            }
            if let Some(h) = self.halfword_at(target)
                && h / 2 >= begin
            {
                if h / 2 <= at {
                    return;
                }
                end = end.min(h / 2);
            }
            self.mark_data(self.place.base.wrapping_add(at as u32 * 4), 4);
            self.push_interworking(target);
            at += 1;
        }
    }

    /// TBB and TBH: entries of `size_bytes`, each half the distance from the table.
    fn offsets(&mut self, base: u32, size_bytes: u32) {
        let begin = base.wrapping_sub(self.place.base);
        let mut end = crate::PAGE_BYTES;
        let mut at = begin;
        while at + size_bytes <= end {
            let h = at as usize / 2;
            if self.scratch.maps.fixed.has(h) {
                return;
            }
            let half = u32::from(self.scratch.half(h));
            let entry = if size_bytes == 2 { half } else { half >> (at % 2 * 8) & 0xff };
            let target = begin + entry * 2;
            // A byte that fills the last halfword up is zero.
            if target <= at {
                return;
            }
            end = end.min(target);
            self.mark_data(self.place.base.wrapping_add(at), size_bytes);
            self.push_addr(self.place.base.wrapping_add(target), InstructionSet::T32);
            at += size_bytes;
        }
    }

    /// ADD PC, PC, Rm, LSL #n: instructions, of which each entry's last one is a branch.
    fn branches(&mut self, base: u32, stride_bytes: u32) {
        if !(4..=64).contains(&stride_bytes) {
            return;
        }
        let mut at = base;
        while let Some(h) = self.halfword_at(at) {
            self.push(h, InstructionSet::A32);
            at = at.wrapping_add(stride_bytes);
            let Some(last) = self.halfword_at(at.wrapping_sub(4)) else { return };
            if self.scratch.image[last / 2] >> 24 != 0xea {
                return;
            }
        }
    }
}
