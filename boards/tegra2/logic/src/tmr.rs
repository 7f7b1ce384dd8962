//! One of the four comparators TMR1 to TMR4 (at 0x6000_5000), used as one-shot.

use crate::regs::Registers;

const PTV: usize = 0x0;
const PCR: usize = 0x4;
const PTV_EN: u32 = 1 << 31;
const PCR_INTR_CLR: u32 = 1 << 30;

/// Offset of TMR1, whose interrupt is SPI 0.
pub const TMR1: usize = 0x00;
/// Offset of TMR2, whose interrupt is SPI 1.
pub const TMR2: usize = 0x08;

/// The comparator.
pub struct Comparator<R> {
    registers: R,
    offset: usize,
}

impl<R: Registers> Comparator<R> {
    /// The one at `offset` in the timers' registers.
    pub const fn new(registers: R, offset: usize) -> Self {
        Comparator { registers, offset }
    }

    /// Fires once, `n` + 1 microseconds from now (`n` below 2^29), or never; takes back its interrupt if it has come.
    pub fn arm(&self, n: Option<u32>) {
        // Stopped first, so that it cannot fire between the clearing and the new value.
        self.registers.write(self.offset + PTV, 0);
        self.registers.write(self.offset + PCR, PCR_INTR_CLR);
        if let Some(n) = n {
            self.registers.write(self.offset + PTV, PTV_EN | n);
        }
        // Until the writes have arrived the interrupt's line may be up, and would be taken again.
        self.registers.read(self.offset + PTV);
    }
}

/// *n* for a wait of milliseconds; the longest there is, 537 s, for more than that.
pub const fn after_ms(ms: u32) -> u32 {
    let us = ms as u64 * 1000;
    match us {
        0 => 0,
        us if us > crate::oneshot::MAX_STEP as u64 => crate::oneshot::MAX_STEP - 1,
        us => us as u32 - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::Fake;

    #[test]
    fn stopped_cleared_started() {
        let registers = Fake::new(&[]);
        Comparator::new(registers.clone(), TMR1).arm(Some(999));
        assert_eq!(registers.writes(), [(0x00, 0), (0x04, 1 << 30), (0x00, 1 << 31 | 999)]);
        registers.forget();
        Comparator::new(registers.clone(), TMR2).arm(None);
        assert_eq!(registers.writes(), [(0x08, 0), (0x0c, 1 << 30)]);
    }

    #[test]
    fn milliseconds() {
        assert_eq!(after_ms(0), 0);
        assert_eq!(after_ms(1), 999);
        assert_eq!(after_ms(10_000), 9_999_999);
        assert_eq!(after_ms(536_870), 536_869_999);
        assert_eq!(after_ms(536_871), (1 << 29) - 1);
        assert_eq!(after_ms(u32::MAX), (1 << 29) - 1);
    }
}
