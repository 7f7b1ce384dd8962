//! First fit over the memory map, for the few blocks that are needed before the frame table exists (the frame table
//! itself, the new home of the image).

/// Finds `bytes` bytes of RAM that no reserved range touches, and returns the address.
///
/// `banks` and `reserved` are `(start, bytes)` pairs as a device tree or ATAG list gives them: in any order, overlapping,
/// empty, or running past the end of 64 bits (cut off there). Banks that overlap or touch count as one. `align` is a
/// power of two in bytes; the block ends at or below the address `limit`. Banks are tried in the order given, each from
/// its start.
///
/// Returns `None` if nothing fits, if `bytes` is 0, or if `align` is not a power of two.
pub fn find_space(
    banks: &[(u64, u64)],
    reserved: &[(u64, u64)],
    bytes: u64,
    align: u64,
    limit: u64,
) -> Option<u64> {
    if bytes == 0 || !align.is_power_of_two() {
        return None;
    }
    banks.iter().find_map(|&(start, len)| {
        let end = joined_end(banks, start.saturating_add(len)).min(limit);
        let mut at = align_up(start, align)?;
        // `at` only grows, and past every reserved range it meets, so this ends.
        loop {
            let block_end = at.checked_add(bytes)?;
            if block_end > end {
                return None;
            }
            match reserved
                .iter()
                .find(|&&(r, r_len)| r < block_end && r.saturating_add(r_len) > at && r_len > 0)
            {
                Some(&(r, r_len)) => at = align_up(r.saturating_add(r_len), align)?,
                None => return Some(at),
            }
        }
    })
}

/// Where the RAM that reaches up to `end` really ends, with all banks that continue it.
fn joined_end(banks: &[(u64, u64)], mut end: u64) -> u64 {
    while let Some(further) =
        banks.iter().filter(|&&(start, _)| start <= end).map(|&(start, len)| start.saturating_add(len)).max()
    {
        if further <= end {
            break;
        }
        end = further;
    }
    end
}

fn align_up(at: u64, align: u64) -> Option<u64> {
    Some(at.checked_add(align - 1)? & !(align - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn first_fit_around_reserved() {
        let banks = [(0x4000_0000, 0x1000_0000)];
        let reserved = [(0x4000_0000, 0x8000), (0x4400_0000, 0x10_0000), (0x4000_9000, 1)];
        assert_eq!(find_space(&banks, &reserved, 0x1000, 0x1000, u64::MAX), Some(0x4000_8000));
        assert_eq!(find_space(&banks, &reserved, 0x2000, 0x1000, u64::MAX), Some(0x4000_a000));
        assert_eq!(find_space(&banks, &reserved, 0x400_0000, 0x10_0000, u64::MAX), Some(0x4410_0000));
        assert_eq!(find_space(&banks, &reserved, 0x400_0000, 0x10_0000, 0x4810_0000), Some(0x4410_0000));
        assert_eq!(find_space(&banks, &reserved, 0x400_0000, 0x10_0000, 0x480f_ffff), None);
        assert_eq!(find_space(&banks, &[], 0x1000_0001, 1, u64::MAX), None);
    }

    #[test]
    fn touching_banks_are_one() {
        let banks = [(0x2000, 0x1000), (0x1000, 0x1000), (0x3000, 0x1000)];
        assert_eq!(find_space(&banks, &[], 0x3000, 1, u64::MAX), Some(0x1000));
        assert_eq!(find_space(&banks, &[], 0x2000, 1, u64::MAX), Some(0x2000));
    }

    #[test]
    fn odd_requests() {
        let all = [(0, u64::MAX)];
        assert_eq!(find_space(&all, &[], 0, 1, u64::MAX), None);
        assert_eq!(find_space(&all, &[], 1, 0, u64::MAX), None);
        assert_eq!(find_space(&all, &[], 1, 3, u64::MAX), None);
        assert_eq!(find_space(&all, &[(0, u64::MAX)], 1, 1, u64::MAX), None);
        assert_eq!(find_space(&[(u64::MAX - 5, 100)], &[], 6, 1, u64::MAX), None);
        assert_eq!(find_space(&[(u64::MAX - 5, 100)], &[], 5, 1, u64::MAX), Some(u64::MAX - 5));
        assert_eq!(find_space(&[(u64::MAX - 5, 100)], &[], 1, 4096, u64::MAX), None);
        assert_eq!(find_space(&[(0x1000, 0)], &[], 1, 1, u64::MAX), None);
        assert_eq!(find_space(&all, &[(0x10, 0)], 0x20, 1, u64::MAX), Some(0));
    }

    proptest! {
        /// Against a map of 64 single bytes.
        #[test]
        fn agrees_with_a_byte_map(
            banks in prop::collection::vec((0u64..64, 0u64..32), 0..4),
            reserved in prop::collection::vec((0u64..64, 0u64..16), 0..5),
            bytes in 1u64..24, shift in 0u32..4, limit in 0u64..80,
        ) {
            let align = 1 << shift;
            let inside = |ranges: &[(u64, u64)], a: u64| ranges.iter().any(|&(s, l)| a >= s && a < s + l);
            let fits = |at: u64| at.is_multiple_of(align) && at + bytes <= limit
                && (at..at + bytes).all(|a| inside(&banks, a) && !inside(&reserved, a));
            let found = find_space(&banks, &reserved, bytes, align, limit);
            prop_assert_eq!(found.is_some(), (0..128).any(fits));
            if let Some(at) = found {
                prop_assert!(fits(at), "{:#x} does not fit", at);
            }
        }
    }
}
