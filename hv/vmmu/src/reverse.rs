//! Which shadow entries map a page of guest RAM.
//!
//! Needed to write-protect a page in all tables at once (its code has been rewritten), or to unmap it (it is taken
//! away or shared). Each page of guest RAM has a list of nodes, newest first; nodes come from a fixed pool.
//!
//! Entries of dropped tables are not looked for: each node has the generation of its slot and is stale when the slot
//! has another one; stale nodes are reused as they are met. (After 2^32 generations a stale node could look live.
//! That costs a needless unmapping and never misses one.)
//!
//! A list has at most `alias_limit` nodes, and the pool is fixed, so a guest that maps one page everywhere, or
//! everything, costs no more than others: [`ReverseMap::insert`] names a victim, whose shadow entry the caller
//! removes. It comes back by a fault when it is used again. Every operation is O(`alias_limit`), and O(1) as long as
//! pages have one mapping each.
//!
//! A block (64 KiB or 1 MiB) is one node, in the list of its first page.
//!
//! Rejected: a hash table, whose chains a guest can lengthen at will; four bytes for each page of RAM (0.1 %) cost less
//! than the argument.

use crate::spaces::{MAX_SLOTS, Spaces};
use nex_mm::Gva;

const NONE: u32 = u32::MAX;

/// A shadow entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// Slot of the shadow table.
    pub slot: u16,
    /// Virtual address of the entry, a multiple of its size.
    pub va: Gva,
    /// log2 of its size in bytes: 12, 16 or 20.
    pub log2_bytes: u8,
}

/// One mapping; storage for [`ReverseMap`].
#[derive(Clone, Copy, Debug)]
pub struct Node {
    next: u32,
    /// Page in whose list the node is, `NONE` if free.
    page: u32,
    /// Virtual page in bits 31..12, size in 11..10, slot in 9..0.
    mapping: u32,
    generation: u32,
}

const _: () = assert!(MAX_SLOTS == 1 << 10);

impl Node {
    /// A node that is not used.
    pub const FREE: Self = Self { next: NONE, page: NONE, mapping: 0, generation: 0 };

    const fn mapping(&self) -> Mapping {
        let log2_bytes = match self.mapping >> 10 & 3 {
            0 => 12,
            1 => 16,
            _ => 20,
        };
        Mapping { slot: (self.mapping & 0x3ff) as u16, va: Gva::new(self.mapping & !0xfff), log2_bytes }
    }

    fn is_live(&self, spaces: &Spaces<'_>) -> bool {
        self.page != NONE && spaces.generation(self.mapping().slot) == self.generation
    }
}

impl Mapping {
    const fn packed(self) -> u32 {
        let size = match self.log2_bytes {
            12 => 0,
            16 => 1,
            _ => 2,
        };
        self.va.raw() & !0xfff | size << 10 | self.slot as u32
    }
}

/// Why a mapping cannot be recorded. The caller must then not make it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InsertError {
    /// The page number is not below the number of pages given to [`ReverseMap::new`].
    NoSuchPage,
    /// A slot, size or alignment that no shadow entry has, or not a single node was given to [`ReverseMap::new`].
    BadMapping,
}

impl core::fmt::Display for InsertError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoSuchPage => "page is outside the guest's RAM; map it without recording, or not at all",
            Self::BadMapping => "no shadow entry has this slot, size or alignment; align the block first",
        })
    }
}

/// The reverse map of one guest.
#[derive(Debug)]
pub struct ReverseMap<'a> {
    heads: &'a mut [u32],
    nodes: &'a mut [Node],
    free: u32,
    /// Where the search for a victim goes on when the pool is empty.
    hand: u32,
    alias_limit: u16,
}

impl<'a> ReverseMap<'a> {
    /// An empty map. `heads` has one word for each page of guest RAM, in the order of addresses from a multiple of 1
    /// MiB on; `nodes` one for each shadow entry that may exist at a time. `alias_limit` (at least 1) bounds the
    /// mappings of one page.
    pub fn new(heads: &'a mut [u32], nodes: &'a mut [Node], alias_limit: u16) -> Self {
        heads.fill(NONE);
        let count = nodes.len().min(NONE as usize);
        let nodes = &mut nodes[..count];
        let last = nodes.len().wrapping_sub(1) as u32;
        for (node, at) in nodes.iter_mut().zip(0u32..) {
            *node = Node { next: if at == last { NONE } else { at + 1 }, ..Node::FREE };
        }
        let free = if nodes.is_empty() { NONE } else { 0 };
        Self { heads, nodes, free, hand: 0, alias_limit: alias_limit.max(1) }
    }

    /// Records that `mapping` shows the block which begins at page `page`. Call this before the entry is written, and
    /// unmap the returned victim, which has been forgotten. Recording the same mapping twice is harmless.
    ///
    /// # Errors
    /// See [`InsertError`]; nothing has changed.
    pub fn insert(
        &mut self,
        page: u32,
        mapping: Mapping,
        spaces: &Spaces<'_>,
    ) -> Result<Option<Mapping>, InsertError> {
        let pages = match mapping.log2_bytes {
            12 => 1,
            16 => 16,
            20 => 256,
            _ => return Err(InsertError::BadMapping),
        };
        let aligned = mapping.va.is_aligned(pages << 12) && page.is_multiple_of(pages);
        if !aligned || usize::from(mapping.slot) >= MAX_SLOTS || self.nodes.is_empty() {
            return Err(InsertError::BadMapping);
        }
        if self.heads.len() < pages as usize || page as usize > self.heads.len() - pages as usize {
            return Err(InsertError::NoSuchPage);
        }

        // Tidy the list, look for the mapping, and remember the oldest node.
        let packed = mapping.packed();
        let mut length = 0;
        let mut last = NONE;
        let mut at = self.heads[page as usize];
        while at != NONE {
            let node = self.nodes[at as usize];
            if !node.is_live(spaces) {
                self.unlink(at);
            } else if node.mapping == packed {
                return Ok(None);
            } else {
                length += 1;
                last = at;
            }
            at = node.next;
        }
        let victim = if length >= u32::from(self.alias_limit) {
            self.evict(last, spaces)
        } else if self.free == NONE {
            let hand = self.hand;
            self.hand = if hand as usize + 1 == self.nodes.len() { 0 } else { hand + 1 };
            self.evict(hand, spaces)
        } else {
            None
        };

        let at = self.free;
        let node = &mut self.nodes[at as usize];
        self.free = node.next;
        let generation = spaces.generation(mapping.slot);
        *node = Node { next: self.heads[page as usize], page, mapping: packed, generation };
        self.heads[page as usize] = at;
        Ok(victim)
    }

    /// Forgets a mapping that was unmapped. Nothing happens if it is not there.
    pub fn remove(&mut self, page: u32, mapping: Mapping) {
        let mut at = self.head(page);
        while at != NONE {
            let node = self.nodes[at as usize];
            if node.mapping == mapping.packed() {
                self.unlink(at);
                return;
            }
            at = node.next;
        }
    }

    /// Calls `visit` for every shadow entry through which `page` can be reached, blocks included.
    pub fn for_each(&self, page: u32, spaces: &Spaces<'_>, mut visit: impl FnMut(Mapping)) {
        for (first, smallest) in Self::lists(page) {
            let mut at = self.head(first);
            while at != NONE {
                let node = &self.nodes[at as usize];
                let mapping = node.mapping();
                if mapping.log2_bytes >= smallest && node.is_live(spaces) {
                    visit(mapping);
                }
                at = node.next;
            }
        }
    }

    /// The same, and forgets them: for entries that `visit` unmaps.
    pub fn take(&mut self, page: u32, spaces: &Spaces<'_>, mut visit: impl FnMut(Mapping)) {
        for (first, smallest) in Self::lists(page) {
            let mut at = self.head(first);
            while at != NONE {
                let node = self.nodes[at as usize];
                let mapping = node.mapping();
                if mapping.log2_bytes >= smallest {
                    if node.is_live(spaces) {
                        visit(mapping);
                    }
                    self.unlink(at);
                }
                at = node.next;
            }
        }
    }

    /// The lists in which mappings of `page` may be: its own, and those of the first pages of its 64 KiB and its MiB,
    /// there only blocks of at least the size given. No list comes twice.
    fn lists(page: u32) -> impl Iterator<Item = (u32, u8)> {
        let own = (page, 12);
        let large = (page & !15, 16);
        let section = (page & !255, 20);
        let has_large = large.0 != page;
        let has_section = section.0 != large.0;
        [Some(own), has_large.then_some(large), has_section.then_some(section)].into_iter().flatten()
    }

    fn head(&self, page: u32) -> u32 {
        self.heads.get(page as usize).copied().unwrap_or(NONE)
    }

    /// Frees a node and returns its mapping if that still exists.
    fn evict(&mut self, at: u32, spaces: &Spaces<'_>) -> Option<Mapping> {
        let node = self.nodes[at as usize];
        let live = node.is_live(spaces);
        self.unlink(at);
        live.then(|| node.mapping())
    }

    /// Takes a node out of its page's list and puts it on the free list.
    fn unlink(&mut self, at: u32) {
        let node = self.nodes[at as usize];
        if node.page == NONE {
            return;
        }
        let head = &mut self.heads[node.page as usize];
        if *head == at {
            *head = node.next;
        } else {
            let mut before = *head;
            while before != NONE && self.nodes[before as usize].next != at {
                before = self.nodes[before as usize].next;
            }
            if before != NONE {
                self.nodes[before as usize].next = node.next;
            }
        }
        self.nodes[at as usize] = Node { next: self.free, ..Node::FREE };
        self.free = at;
    }
}
