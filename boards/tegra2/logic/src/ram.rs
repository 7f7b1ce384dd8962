//! Whether to believe the boot loader about RAM.
//!
//! What the Xoom's loader writes into ATAG_MEM is not known: the kernel it was made for ignored it. So it counts only if
//! it makes sense, and else the tablet's RAM is what every Xoom has.

/// What a Xoom has: 1 GiB at 0, which is all that the Tegra 2's memory controller can address.
pub const XOOM: (u64, u64) = (0, 1 << 30);

/// Whether `banks` of RAM, as (start, bytes), not overlapping, can be true: there are some, and they lie in the first
/// GiB, where the Tegra 2 has its RAM.
pub fn is_plausible(banks: impl IntoIterator<Item = (u64, u64)>) -> bool {
    let mut total: u64 = 0;
    for (start, bytes) in banks {
        if start.checked_add(bytes).is_none_or(|end| end > XOOM.1) {
            return false;
        }
        total += bytes;
    }
    (1..=XOOM.1).contains(&total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plausible() {
        assert!(is_plausible([(0, 1 << 30)]));
        assert!(is_plausible([(0, 448 << 20), (512 << 20, 512 << 20)]));
        assert!(is_plausible([(0, 4096)]));
    }

    #[test]
    fn not_plausible() {
        assert!(!is_plausible([]));
        assert!(!is_plausible([(0, 0)]));
        assert!(!is_plausible([(0, (1 << 30) + 4096)]));
        assert!(!is_plausible([(0x6000_0000, 1 << 20)]));
        assert!(!is_plausible([(0, 1 << 20), (1 << 30, 1 << 20)]));
        assert!(!is_plausible([(u64::MAX, 2)]));
    }
}
