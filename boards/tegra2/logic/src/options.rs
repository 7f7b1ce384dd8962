//! What the Xoom's boot loader says on the command line about memory that it has given away: `tegra_fbmem=SIZE@ADDRESS`
//! (the framebuffer on the screen) and `lp0_vec=SIZE@ADDRESS` (code that runs on wake-up).

/// Reads `SIZE@ADDRESS` as Linux's `memparse` takes it: decimal, octal or hexadecimal (`0x`), with K, M or G after it.
/// Returns (start, bytes); `None` for anything else, an empty range, or one that passes 4 GiB.
pub fn range(text: &str) -> Option<(u64, u64)> {
    let (bytes, start) = text.split_once('@')?;
    let (bytes, start) = (number(bytes)?, number(start)?);
    let end = start.checked_add(bytes)?;
    (bytes > 0 && end <= 1 << 32).then_some((start, bytes))
}

fn number(text: &str) -> Option<u64> {
    let (digits, shift) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 10),
        b'm' | b'M' => (&text[..text.len() - 1], 20),
        b'g' | b'G' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let (digits, radix) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hexadecimal) => (hexadecimal, 16),
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    // `from_str_radix` would take a sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ranges() {
        assert_eq!(range("8M@0x2e800000"), Some((0x2e80_0000, 8 << 20)));
        assert_eq!(range("0x3e8000@0x17f00000"), Some((0x17f0_0000, 0x3e_8000)));
        assert_eq!(range("4096@1G"), Some((1 << 30, 4096)));
        assert_eq!(range("010k@0"), Some((0, 8 << 10)));
        assert_eq!(range("0X10@0X10"), Some((16, 16)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "@",
            "8M",
            "8M@",
            "@0x1000",
            "0@0x1000",
            "8M@0x2e8z",
            "-8@0",
            "+8@0",
            "0x+8@0",
            "8MM@0",
            "M@0",
            "08@0",
            "5G@0",
            "1@0xffffffffffffffff",
            "0x10@0xfffffff8",
            "17179869185G@0",
            "8M@0x0@0",
            "８@0",
        ] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
