use super::*;
use crate::frames::{FrameTable, Owner};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Memory that knows which blocks are out, and refuses to be touched elsewhere.
#[derive(Default)]
struct Blocks {
    words: BTreeMap<u32, u32>,
    out: BTreeSet<u32>,
    limit: usize,
}

impl Blocks {
    fn with_limit(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }
}

impl BlockSource for Blocks {
    fn read(&self, at: Hpa) -> u32 {
        // Never written: what was in memory before.
        self.words.get(&at.raw()).copied().unwrap_or(0xdead_beef)
    }

    fn write(&mut self, at: Hpa, value: u32) {
        assert!(self.out.contains(&at.align_down(BLOCK_BYTES).raw()), "write to {at}, which is not ours");
        assert!(at.is_aligned(4));
        self.words.insert(at.raw(), value);
    }

    fn take_block(&mut self) -> Option<Hpa> {
        let block =
            (0..self.limit as u32).map(|n| 0x8000_0000 + n * BLOCK_BYTES).find(|b| !self.out.contains(b))?;
        self.out.insert(block);
        Some(Hpa::new(block))
    }

    fn give_block(&mut self, block: Hpa) {
        assert!(self.out.remove(&block.raw()), "{block} given back twice");
    }
}

#[test]
fn a_block_holds_fifteen_tables() {
    let mut blocks = Blocks::with_limit(2);
    let mut pool = L2Pool::new();
    let tables: BTreeSet<_> = (0..30).filter_map(|_| pool.alloc(&mut blocks)).collect();
    assert_eq!(tables.len(), 30);
    assert_eq!((pool.used_tables(), pool.blocks()), (30, 2));
    assert_eq!(pool.alloc(&mut blocks), None);
    for table in tables {
        assert_eq!(pool.free(&mut blocks, table), Ok(()));
    }
    assert_eq!((pool.used_tables(), pool.blocks(), blocks.out.len()), (0, 0, 0));
}

/// A block that was full comes back to the list with its first free table.
#[test]
fn a_full_block_is_used_again() {
    let mut blocks = Blocks::with_limit(2);
    let mut pool = L2Pool::new();
    let tables: Vec<_> = (0..15).filter_map(|_| pool.alloc(&mut blocks)).collect();
    assert_eq!(pool.free(&mut blocks, tables[7]), Ok(()));
    assert_eq!(pool.alloc(&mut blocks), Some(tables[7]));
    assert_eq!(pool.blocks(), 1);
}

#[test]
fn refuses_what_it_did_not_hand_out() {
    let mut blocks = Blocks::with_limit(1);
    let mut pool = L2Pool::new();
    let a = pool.alloc(&mut blocks).expect("room");
    let b = pool.alloc(&mut blocks).expect("room");
    let block = a.align_down(BLOCK_BYTES);
    let odd = a.wrapping_add(4);
    let elsewhere = Hpa::new(0x9000_0400);
    for bad in [block, odd, elsewhere] {
        assert_eq!(pool.free(&mut blocks, bad), Err(PoolError::NotATable(bad)));
    }
    assert_eq!(pool.free(&mut blocks, a), Ok(()));
    assert_eq!(pool.free(&mut blocks, a), Err(PoolError::FreeAlready(a)));
    assert_eq!(pool.free(&mut blocks, b), Ok(()));
    assert_eq!(pool.free(&mut blocks, b), Err(PoolError::NotATable(b)));
}

#[test]
fn wrong_frees_are_counted() {
    let mut tables = PooledTables::new(Blocks::with_limit(1));
    let table = tables.alloc_l2().expect("room");
    tables.free_l2(table);
    tables.free_l2(table);
    assert_eq!(tables.refused, 1);
}

/// The frame table gives blocks as the pool wants them.
#[test]
fn blocks_come_from_the_frame_table() {
    let mut storage = vec![0; FrameTable::storage_bytes(1 << 20)];
    let mut frames = FrameTable::new(Hpa::new(0x4000_0000), &mut storage);
    frames.add_ram(Hpa::new(0x4000_1000), 0x7000);
    let block = frames.alloc(BLOCK_BYTES / 4096, BLOCK_BYTES / 4096, Owner::Table);
    assert_eq!(block, Some(Hpa::new(0x4000_4000)));
}

proptest! {
    #[test]
    fn never_hands_out_a_table_twice(steps in prop::collection::vec((0u32..5, any::<usize>()), 1..200)) {
        let mut blocks = Blocks::with_limit(4);
        let mut pool = L2Pool::new();
        let mut out: Vec<Hpa> = Vec::new();
        for (kind, pick) in steps {
            // More come than go, so that blocks fill up.
            if kind < 3 || out.is_empty() {
                match pool.alloc(&mut blocks) {
                    Some(table) => {
                        prop_assert!(table.is_aligned(L2_TABLE_BYTES) && !out.contains(&table));
                        for offset in (0..L2_TABLE_BYTES).step_by(4) {
                            prop_assert_eq!(blocks.read(table.wrapping_add(offset)), 0);
                            // What its user leaves there must not disturb the pool.
                            blocks.write(table.wrapping_add(offset), MAGIC ^ offset);
                        }
                        out.push(table);
                    }
                    None => prop_assert_eq!(out.len(), 60),
                }
            } else {
                let table = out.swap_remove(pick % out.len());
                prop_assert_eq!(pool.free(&mut blocks, table), Ok(()));
            }
            let needed: BTreeSet<_> = out.iter().map(|table| table.align_down(BLOCK_BYTES).raw()).collect();
            prop_assert_eq!(&blocks.out, &needed);
            prop_assert_eq!((pool.used_tables() as usize, pool.blocks() as usize), (out.len(), needed.len()));
        }
    }
}
