//! The guest's parameters: seven words in its file, found by the first two.

use anyhow::{Context, Result, ensure};

const MAGIC: &[u8; 8] = b"nexdiff\0";

/// Which cases to run.
#[derive(Clone, Copy, Debug)]
pub struct Cases {
    /// Makes all random numbers, with a case's number.
    pub seed: u32,
    /// First case.
    pub first: u32,
    /// Number of cases.
    pub count: u32,
    /// Cases in each printed line; 0: all that a case saw is printed.
    pub block: u32,
    /// Kinds: 1 the CPU, 2 the CPU with its MMU on, 4 devices.
    pub kinds: u32,
}

/// The guest's file with these parameters.
///
/// # Errors
/// If `elf` is not the differential tester's guest.
pub fn with_parameters(elf: &[u8], cases: &Cases) -> Result<Vec<u8>> {
    let at = elf
        .windows(MAGIC.len())
        .position(|bytes| bytes == MAGIC)
        .context("no parameters in the guest's file")?;
    let words = [cases.seed, cases.first, cases.count, cases.block, cases.kinds];
    let mut elf = elf.to_vec();
    let begin = at + MAGIC.len();
    ensure!(elf.len() >= begin + 4 * words.len(), "the guest's file ends within its parameters");
    for (place, word) in elf[begin..].chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    Ok(elf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_put_behind_the_magic_number() {
        let mut file = vec![9; 3];
        file.extend(MAGIC);
        file.extend([0; 21]);
        let cases = Cases { seed: 1, first: 0x0203, count: 3, block: 4, kinds: 7 };
        let new = with_parameters(&file, &cases).unwrap();
        assert_eq!(new[..11], file[..11]);
        assert_eq!(new[11..19], [1, 0, 0, 0, 3, 2, 0, 0]);
        assert_eq!(new[31..], [0]);
        assert!(with_parameters(&file[..20], &cases).is_err());
        assert!(with_parameters(b"another file", &cases).is_err());
    }
}
