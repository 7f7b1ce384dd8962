//! Mapping and touching memory.

use nex_guest_linux::memory::{Mapping, POPULATE, PRIVATE, READ, WRITE};
use nex_guest_linux::sys::Result;

use crate::{Row, repeated, timed};

/// Pages of the rows about touching.
const PAGES: usize = 512;

pub(super) const ROWS: &[Row] = &[
    Row::new("anonymous page fault", 8, faults).scale(PAGES as u32),
    Row::new("512 mapped pages touched 10 times", 100, touches),
    Row::new("mmap and munmap of 64 pages", 1_000, |count| {
        repeated(count, || Mapping::new(64, READ | WRITE, PRIVATE).map(drop))
    }),
    Row::new("mmap and munmap of 64 populated pages", 50, |count| {
        repeated(count, || Mapping::new(64, READ | WRITE, PRIVATE | POPULATE).map(drop))
    }),
];

/// A page of zeros for a write. Each round has a new mapping where the last one was; only the touching counts.
fn faults(rounds: u32) -> Result<u64> {
    let mut total = 0;
    // The warming up and the measured rounds are separate calls, so every page table has been there before.
    for round in 0..rounds {
        let mapping = Mapping::new(PAGES, READ | WRITE, PRIVATE)?;
        total += timed(|| {
            (0..PAGES).for_each(|page| mapping.write(page, round));
            Ok(())
        })?;
    }
    Ok(total)
}

/// Pages that are there.
fn touches(count: u32) -> Result<u64> {
    let mapping = Mapping::new(PAGES, READ | WRITE, PRIVATE | POPULATE)?;
    // The first sweep of a domain fills what Nex keeps about the pages.
    (0..PAGES).for_each(|page| mapping.write(page, 1));
    repeated(count, || {
        for _ in 0..10 {
            for page in 0..PAGES {
                mapping.read(page);
            }
        }
        Ok(())
    })
}
