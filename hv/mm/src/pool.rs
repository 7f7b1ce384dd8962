//! Where second-level tables come from.
//!
//! A table is 1 KiB and a frame 4 KiB, so tables are cut from blocks. A block is 16 KiB (4 frames, the same shape as a
//! first-level table) and aligned to that: quarter-frame 0 is a header, the other 15 are tables. Blocks that have a free
//! table form a list, linked through their headers. So allocating and freeing take the same few steps whatever the number
//! of tables, there is no limit but memory, the pool itself is three words, and the block of a table is found by
//! clearing address bits. A block whose tables have all come back is given back whole.
//!
//! Rejected: blocks of one frame, which would lose a quarter instead of a sixteenth to headers, and a bitmap outside,
//! which has to be sized beforehand.

use core::fmt;

use crate::addr::Hpa;
use crate::desc::L2_TABLE_BYTES;
use crate::space::TableMemory;

/// Bytes in a block, and its alignment.
pub const BLOCK_BYTES: u32 = 16 * 1024;
/// Tables in a block.
pub const TABLES_PER_BLOCK: u32 = BLOCK_BYTES / L2_TABLE_BYTES - 1;

/// All tables of a block free: bit n is quarter-frame n, and 0 is the header.
const ALL_FREE: u32 = 0xfffe;
/// Header word 0, exclusive-or the block's address: tells a block of a pool from other memory.
const MAGIC: u32 = 0x4c32_706c;

/// Offsets of the header's words.
const TAG: u32 = 0;
const FREE_MASK: u32 = 4;
/// Neighbours in the list of blocks with a free table; `NONE` at its ends.
const NEXT: u32 = 8;
const PREV: u32 = 12;
/// No block: not aligned, so never the address of one.
const NONE: u32 = 1;

/// Memory that a pool cuts into tables.
///
/// `read` must give back what was last written at the same address of a block taken.
pub trait BlockSource {
    /// The word at `at`, a multiple of 4 within a block taken.
    fn read(&self, at: Hpa) -> u32;

    /// Stores the word `value` at `at`, a multiple of 4 within a block taken.
    fn write(&mut self, at: Hpa, value: u32);

    /// A block: [`BLOCK_BYTES`] bytes, aligned to that, with any contents. `None` if there is no memory left.
    fn take_block(&mut self) -> Option<Hpa>;

    /// Takes back a block handed out by [`take_block`](Self::take_block).
    fn give_block(&mut self, block: Hpa);

    /// Clears `bytes` bytes from `at`, both multiples of 4. Word by word; an implementer may know a faster way.
    fn zero(&mut self, at: Hpa, bytes: u32) {
        for offset in (0..bytes).step_by(4) {
            self.write(at.wrapping_add(offset), 0);
        }
    }
}

/// Why a table was not taken back. Nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PoolError {
    /// The address is not that of a table from this pool.
    NotATable(Hpa),
    /// The table was given back already.
    FreeAlready(Hpa),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATable(at) => {
                write!(f, "{at} is not a table of this pool; give back what it handed out")
            }
            Self::FreeAlready(at) => write!(f, "table {at} is free already; it was given back twice"),
        }
    }
}

impl core::error::Error for PoolError {}

/// A pool of second-level tables; see the module. Always use it with the same [`BlockSource`].
#[derive(Debug)]
pub struct L2Pool {
    /// First block that has a free table, or `NONE`.
    head: u32,
    used: u32,
    blocks: u32,
}

impl Default for L2Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl L2Pool {
    /// An empty pool; it takes its first block when the first table is asked for.
    pub const fn new() -> Self {
        Self { head: NONE, used: 0, blocks: 0 }
    }

    /// Tables handed out.
    pub const fn used_tables(&self) -> u32 {
        self.used
    }

    /// Blocks taken from the source.
    pub const fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Hands out a table: 1024 bytes, aligned to that, all zero. `None` if the source has no more blocks.
    pub fn alloc(&mut self, source: &mut impl BlockSource) -> Option<Hpa> {
        if self.head == NONE {
            let block = source.take_block()?;
            source.write(block.wrapping_add(TAG), MAGIC ^ block.raw());
            source.write(block.wrapping_add(FREE_MASK), ALL_FREE);
            self.blocks += 1;
            self.link(source, block);
        }
        let block = Hpa::new(self.head);
        let mask = source.read(block.wrapping_add(FREE_MASK));
        let quarter = mask.trailing_zeros();
        let left = mask & (mask - 1);
        source.write(block.wrapping_add(FREE_MASK), left);
        if left == 0 {
            self.unlink(source, block);
        }
        self.used += 1;
        let table = block.wrapping_add(quarter * L2_TABLE_BYTES);
        source.zero(table, L2_TABLE_BYTES);
        Some(table)
    }

    /// Takes a table back, and gives its block back to the source if it was the last one in use there. The header that
    /// `table` would belong to is read, so `table` must lie in readable memory.
    ///
    /// # Errors
    /// - [`PoolError::NotATable`]: the address is none of this pool's, or its whole block was given back before; nothing
    ///   was changed.
    /// - [`PoolError::FreeAlready`]: nothing was changed.
    pub fn free(&mut self, source: &mut impl BlockSource, table: Hpa) -> Result<(), PoolError> {
        let block = table.align_down(BLOCK_BYTES);
        let quarter = (table.raw() - block.raw()) / L2_TABLE_BYTES;
        if !table.is_aligned(L2_TABLE_BYTES)
            || quarter == 0
            || source.read(block.wrapping_add(TAG)) != MAGIC ^ block.raw()
        {
            return Err(PoolError::NotATable(table));
        }
        let mask = source.read(block.wrapping_add(FREE_MASK));
        if mask >> quarter & 1 == 1 {
            return Err(PoolError::FreeAlready(table));
        }
        self.used -= 1;
        let free = mask | 1 << quarter;
        source.write(block.wrapping_add(FREE_MASK), free);
        if mask == 0 {
            self.link(source, block);
        }
        if free == ALL_FREE {
            self.unlink(source, block);
            // So that a table of it that is given back late is refused.
            source.write(block.wrapping_add(TAG), 0);
            self.blocks -= 1;
            source.give_block(block);
        }
        Ok(())
    }

    /// Puts `block` at the head of the list.
    fn link(&mut self, source: &mut impl BlockSource, block: Hpa) {
        source.write(block.wrapping_add(NEXT), self.head);
        source.write(block.wrapping_add(PREV), NONE);
        if self.head != NONE {
            source.write(Hpa::new(self.head).wrapping_add(PREV), block.raw());
        }
        self.head = block.raw();
    }

    /// Takes `block` out of the list.
    fn unlink(&mut self, source: &mut impl BlockSource, block: Hpa) {
        let next = source.read(block.wrapping_add(NEXT));
        let prev = source.read(block.wrapping_add(PREV));
        match prev {
            NONE => self.head = next,
            prev => source.write(Hpa::new(prev).wrapping_add(NEXT), next),
        }
        if next != NONE {
            source.write(Hpa::new(next).wrapping_add(PREV), prev);
        }
    }
}

/// A pool together with its source, as the [`TableMemory`] of address spaces.
#[derive(Debug, Default)]
pub struct PooledTables<S> {
    /// Hands out the tables.
    pub pool: L2Pool,
    /// The memory itself.
    pub source: S,
    /// Tables that [`TableMemory::free_l2`] was wrongly asked to take back. Anything but 0 is a fault in Nex.
    pub refused: u32,
}

impl<S: BlockSource> PooledTables<S> {
    /// An empty pool over `source`.
    pub const fn new(source: S) -> Self {
        Self { pool: L2Pool::new(), source, refused: 0 }
    }
}

impl<S: BlockSource> TableMemory for PooledTables<S> {
    #[inline]
    fn read(&self, at: Hpa) -> u32 {
        self.source.read(at)
    }

    #[inline]
    fn write(&mut self, at: Hpa, value: u32) {
        self.source.write(at, value);
    }

    fn alloc_l2(&mut self) -> Option<Hpa> {
        self.pool.alloc(&mut self.source)
    }

    fn free_l2(&mut self, l2: Hpa) {
        if self.pool.free(&mut self.source, l2).is_err() {
            self.refused += 1;
        }
    }
}

#[cfg(test)]
mod tests;
