//! The microsecond prescaler for each main oscillator.

/// What USEC_CFG has to hold, by OSC_CTRL (the boot ROM measures the oscillator and writes its bits 31:30: 0 = 13 MHz,
/// 1 = 19.2, 2 = 12, 3 = 26). USEC_CFG = (dividend - 1) << 8 | (divisor - 1): microseconds = clocks * dividend / divisor.
pub const fn usec_cfg(osc_ctrl: u32) -> u32 {
    const fn ratio(dividend: u32, divisor: u32) -> u32 {
        (dividend - 1) << 8 | (divisor - 1)
    }
    match osc_ctrl >> 30 {
        0 => ratio(1, 13),
        1 => ratio(5, 96),
        2 => ratio(1, 12),
        _ => ratio(1, 26),
    }
}

#[cfg(test)]
mod tests {
    use super::usec_cfg;

    #[test]
    fn values_that_linux_and_the_boot_rom_use() {
        assert_eq!(usec_cfg(0x0000_03f1), 0x000c);
        assert_eq!(usec_cfg(0x4000_03f1), 0x045f);
        assert_eq!(usec_cfg(0x8000_03f1), 0x000b);
        assert_eq!(usec_cfg(0xc000_03f1), 0x0019);
    }
}
