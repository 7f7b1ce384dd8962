//! NVIDIA's legacy interrupt controller (LIC, at 0x6000_4000): four banks of 32 interrupts, beside the A9's GIC.
//!
//! Every shared interrupt reaches both. Interrupts are numbered by the GIC: SPI n is bit n % 32 in bank n / 32 here.
//!
//! A bank's CLASS register says which of its interrupts go to the cores' FIQ input instead of the IRQ input. The cores see
//! these inputs only while their GIC interface does not use them itself (ARM IHI 0048B 2.3, "interrupt signal bypass"), and
//! nothing in the LIC is acknowledged: the device's level goes away, or it stays.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::regs::Registers;

/// Interrupts that are enabled, pending, and of class FIQ.
const VFIQ_CPU: usize = 0x08;
/// Interrupts forced by software: clear.
const FIR_CLR: usize = 0x1c;
/// Enables towards the A9: read, set, clear.
const CPU_IER: usize = 0x20;
const CPU_IER_SET: usize = 0x24;
const CPU_IER_CLR: usize = 0x28;
/// 1: FIQ.
const CPU_IEP_CLASS: usize = 0x2c;

const BANKS: usize = 4;
const BANK_BYTES: usize = 0x100;
/// First SPI of the GIC.
const FIRST_SPI: u32 = 32;

/// The controller.
pub struct Lic<R> {
    registers: R,
    /// What [`Lic::route_to_fiq`] has routed, by bank.
    fiq: [AtomicU32; BANKS],
}

impl<R: Registers> Lic<R> {
    /// Takes the LIC over: nothing enabled towards the A9, nothing forced, everything IRQ. What goes to the AVP stays.
    pub fn new(registers: R) -> Self {
        for bank in 0..BANKS {
            let base = bank * BANK_BYTES;
            registers.write(base + CPU_IER_CLR, !0);
            registers.write(base + FIR_CLR, !0);
            registers.write(base + CPU_IEP_CLASS, 0);
        }
        Lic { registers, fiq: [const { AtomicU32::new(0) }; BANKS] }
    }

    /// The bank, and the bit. `None`: not an SPI that the LIC has.
    fn place(interrupt: u32) -> Option<(usize, u32)> {
        let spi = interrupt.checked_sub(FIRST_SPI)?;
        let bank = spi as usize / 32;
        (bank < BANKS).then_some((bank, 1 << (spi % 32)))
    }

    /// Lets an interrupt through.
    pub fn enable(&self, interrupt: u32) {
        if let Some((bank, bit)) = Self::place(interrupt) {
            self.registers.write(bank * BANK_BYTES + CPU_IER_SET, bit);
        }
    }

    /// Holds it back.
    pub fn disable(&self, interrupt: u32) {
        if let Some((bank, bit)) = Self::place(interrupt) {
            self.registers.write(bank * BANK_BYTES + CPU_IER_CLR, bit);
            self.registers.read(bank * BANK_BYTES + CPU_IER); // it has arrived
        }
    }

    /// Delivers an interrupt as FIQ from now on, and lets it through; the GIC must not let it through as well. `false` if
    /// it does not come this way. Not from two CPUs at once.
    pub fn route_to_fiq(&self, interrupt: u32) -> bool {
        let Some((bank, bit)) = Self::place(interrupt) else { return false };
        self.fiq[bank].fetch_or(bit, Ordering::Relaxed);
        // Only this bit: others of the bank may be FIQs too.
        self.registers.set(bank * BANK_BYTES + CPU_IEP_CLASS, bit);
        self.enable(interrupt);
        true
    }

    /// Whether an interrupt was routed to FIQ here.
    pub fn is_fiq(&self, interrupt: u32) -> bool {
        Self::place(interrupt).is_some_and(|(bank, bit)| self.fiq[bank].load(Ordering::Relaxed) & bit != 0)
    }

    /// A pending interrupt that was routed to FIQ, if there is one.
    pub fn pending_fiq(&self) -> Option<u32> {
        (0..BANKS).find_map(|bank| {
            let routed = self.fiq[bank].load(Ordering::Relaxed);
            // A bank is only read if there can be something: this runs in the handler.
            let pending =
                if routed == 0 { 0 } else { self.registers.read(bank * BANK_BYTES + VFIQ_CPU) & routed };
            (pending != 0).then(|| FIRST_SPI + bank as u32 * 32 + pending.trailing_zeros())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::Fake;

    #[test]
    fn taken_over_quiet() {
        let registers = Fake::new(&[]);
        Lic::new(registers.clone());
        let bank = |n: usize| [(n * 0x100 + 0x28, !0), (n * 0x100 + 0x1c, !0), (n * 0x100 + 0x2c, 0)];
        assert_eq!(registers.writes(), [bank(0), bank(1), bank(2), bank(3)].concat());
    }

    #[test]
    fn interrupts_are_where_the_list_has_them() {
        let registers = Fake::new(&[]);
        let lic = Lic::new(registers.clone());
        // TMR1 is SPI 0, UARTB SPI 37, DC1 SPI 73, UARTD SPI 90, USB3 SPI 97.
        for (spi, offset, bit) in
            [(0, 0x024, 0), (37, 0x124, 5), (73, 0x224, 9), (90, 0x224, 26), (97, 0x324, 1), (127, 0x324, 31)]
        {
            registers.forget();
            lic.enable(32 + spi);
            lic.disable(32 + spi);
            assert_eq!(registers.writes(), [(offset, 1 << bit), (offset + 4, 1 << bit)], "SPI {spi}");
        }
        registers.forget();
        for other in [0, 15, 29, 31, 160, 1023, u32::MAX] {
            lic.enable(other);
            lic.disable(other);
            assert!(!lic.route_to_fiq(other) && !lic.is_fiq(other));
        }
        assert_eq!(registers.writes(), [], "software and private interrupts are the GIC's alone");
    }

    #[test]
    fn fiq_by_class() {
        let registers = Fake::new(&[]);
        let lic = Lic::new(registers.clone());
        assert_eq!(lic.pending_fiq(), None);
        assert!(lic.route_to_fiq(69) && lic.route_to_fiq(33) && lic.route_to_fiq(70));
        assert_eq!(
            (registers.read(0x12c), registers.read(0x02c)),
            (3 << 5, 2),
            "one class bit keeps the other"
        );
        assert!(lic.is_fiq(69) && !lic.is_fiq(32));
        registers.put(0x108, 1 << 5 | 1 << 9);
        assert_eq!(lic.pending_fiq(), Some(69));
        registers.put(0x108, 1 << 9);
        assert_eq!(lic.pending_fiq(), None, "not ours");
        registers.put(0x008, 2);
        assert_eq!(lic.pending_fiq(), Some(33));
    }
}
