//! Sizes, times and near misses of words.

/// `text` as digits and what follows them. `None` if it does not begin with a digit or has more than 64 bits.
fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit))
}

/// Bytes of a size such as "64M"; K, M and G are powers of 1024.
pub(super) fn size_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let shift = match unit {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// Nanoseconds of a time such as "10ms"; the unit (us, ms, s) is required.
pub(super) fn time_ns(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let factor = match unit {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// The word of `known` that `word` was probably meant to be: at most two letters wrong, fewer in a short word.
pub(super) fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let allowed = if word.len() < 5 { 1 } else { 2 };
    known
        .iter()
        .map(|candidate| (distance(word.as_bytes(), candidate.as_bytes()), *candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, remove, replace or swap with their neighbour to make `a` of `b`; long words count as far apart.
fn distance(a: &[u8], b: &[u8]) -> usize {
    const MAX: usize = 16;
    if a.len() > MAX || b.len() > MAX {
        return MAX;
    }
    let mut rows = [[0; MAX + 1]; MAX + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size_bytes("64M"), Some(64 << 20));
        assert_eq!(size_bytes("4K"), Some(4096));
        assert_eq!(size_bytes("1G"), Some(1 << 30));
        assert_eq!(size_bytes("123"), Some(123));
        for bad in
            ["", "M", "64 M", "64MB", "-1M", "1.5G", "64m", "99999999999999999999", "99999999999999999G"]
        {
            assert_eq!(size_bytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(time_ns("10ms"), Some(10_000_000));
        assert_eq!(time_ns("100us"), Some(100_000));
        assert_eq!(time_ns("1s"), Some(1_000_000_000));
        for bad in ["", "10", "ms", "10 ms", "10m", "-1s", "1.5ms", "99999999999999999s"] {
            assert_eq!(time_ns(bad), None, "{bad}");
        }
    }

    #[test]
    fn near_misses() {
        let known = ["kernel", "initrd", "load", "memory"];
        assert_eq!(nearest("kernal", &known), Some("kernel"));
        assert_eq!(nearest("Kernel", &known), Some("kernel"));
        assert_eq!(nearest("intird", &known), Some("initrd"));
        assert_eq!(nearest("laod", &known), Some("load"));
        assert_eq!(nearest("disk", &known), None);
        assert_eq!(nearest("", &known), None);
        assert_eq!(nearest("a-very-long-key-that-nobody-meant", &known), None);
    }
}
