//! Finding a case that differs.

use anyhow::Result;

use crate::console::Console;
use crate::guest::Cases;
use crate::machine::Machine;

/// A case that differs.
#[derive(Debug)]
pub struct Found {
    /// Its number.
    pub case: u32,
    /// How many cases before it are needed to see the difference.
    pub before: u32,
    /// What both sides printed, natively first.
    pub consoles: [Console; 2],
}

/// First cases of the blocks that are not the same on both sides, or are missing on one.
pub fn differing(consoles: &[Console; 2]) -> Vec<u32> {
    let [native, nex] = consoles;
    let mut firsts: Vec<u32> = native.blocks.keys().chain(nex.blocks.keys()).copied().collect();
    firsts.sort_unstable();
    firsts.dedup();
    firsts.retain(|first| native.blocks.get(first) != nex.blocks.get(first));
    firsts
}

/// The first block that differs or that a side did not finish, of `all`, which were run.
pub fn first_block(all: &Cases, consoles: &[Console; 2]) -> Option<u32> {
    let count = all.count.div_ceil(all.block.max(1));
    (0..count).map(|n| all.first + n * all.block).find(|first| {
        let [native, nex] = consoles.each_ref().map(|console| console.blocks.get(first));
        native.is_none() || native != nex
    })
}

/// Looks for the case in a block of `cases`, whose first one is `first`. `None` if it does not differ any more: what is
/// left of cases before it counts, or time.
///
/// # Errors
/// If QEMU cannot be run.
pub fn find(machine: &Machine, cases: &Cases, first: u32) -> Result<Option<Found>> {
    let count = cases.block.min(cases.first + cases.count - first);
    let one_by_one = Cases { first, count, block: 1, ..*cases };
    let consoles = machine.run_both(&one_by_one)?;
    let Some(case) = first_block(&one_by_one, &consoles) else { return Ok(None) };
    // Alone, if it differs alone.
    for before in [0, case - first] {
        let hashes = machine.run_both(&Cases {
            first: case - before,
            count: before + 1,
            block: before + 1,
            ..*cases
        })?;
        if before == 0 && differing(&hashes).is_empty() && hashes.iter().all(|side| side.complete) {
            continue;
        }
        let details = Cases { first: case - before, count: before + 1, block: 0, ..*cases };
        return Ok(Some(Found { case, before, consoles: machine.run_both(&details)? }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(blocks: &[(u32, &str)]) -> Console {
        let blocks = blocks.iter().map(|&(first, hash)| (first, hash.to_owned())).collect();
        Console { blocks, complete: true, ..Console::default() }
    }

    #[test]
    fn blocks_are_compared() {
        let all = Cases { seed: 1, first: 10, count: 9, block: 4, kinds: 7 };
        let same = [(10, "a"), (14, "b"), (18, "c")];
        assert_eq!(first_block(&all, &[console(&same), console(&same)]), None);
        let other = [(10, "a"), (14, "x"), (18, "c")];
        assert_eq!(first_block(&all, &[console(&same), console(&other)]), Some(14));
        assert_eq!(differing(&[console(&same), console(&other)]), [14]);
        // Neither side came that far.
        assert_eq!(first_block(&all, &[console(&same[..2]), console(&same[..2])]), Some(18));
        assert_eq!(differing(&[console(&same), console(&same[..1])]), [14, 18]);
    }
}
