//! The GPIO controller (at 0x6000_d000): driving a pin. Pins are numbered through: A0 is 0, B0 is 8, V7 is 175.

use crate::regs::Registers;

/// The registers that change only the bits whose mask bit (8 higher) is set.
const MSK_CNF: usize = 0x800;
const MSK_OE: usize = 0x810;
const MSK_OUT: usize = 0x820;
const BANK_BYTES: usize = 0x80;
/// 7 banks of 4 ports of 8 pins.
const PINS: u32 = 7 * 32;

/// The pin by which the Xoom holds its own power on: PV7.
const XOOM_POWER: u32 = 21 * 8 + 7;

/// Drives a pin; nothing happens if there is no such pin.
pub fn drive(registers: &impl Registers, pin: u32, high: bool) {
    if pin >= PINS {
        return;
    }
    let port = (pin / 32) as usize * BANK_BYTES + (pin / 8 % 4) as usize * 4;
    let bit = pin % 8;
    let set = |register, on: bool| registers.write(register + port, 0x100 << bit | u32::from(on) << bit);
    // The level before the driver, and the pin from its other function last, so that nothing else comes out of it.
    set(MSK_OUT, high);
    set(MSK_OE, true);
    set(MSK_CNF, true);
}

/// A pin that ends the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PowerPin {
    /// The pin.
    pub pin: u32,
    /// The level that it has when it acts.
    pub active_high: bool,
    /// It may be the change of the level that acts, either way.
    pub pulse: bool,
}

impl PowerPin {
    /// The Xoom's: low lets go.
    pub const XOOM: Self = PowerPin { pin: XOOM_POWER, active_high: false, pulse: false };

    /// As a device tree has it (Linux binding `power/reset/gpio-poweroff.yaml`): the cells of `gpios` behind the
    /// controller's, number and flags, of which bit 0 means active low.
    pub const fn from_cells(pin: u32, flags: u32) -> Self {
        PowerPin { pin, active_high: flags & 1 == 0, pulse: true }
    }

    /// The levels to drive it to, with a pause after each.
    pub fn levels(self) -> impl Iterator<Item = bool> {
        let active = self.active_high;
        [active, !active, active].into_iter().take(if self.pulse { 3 } else { 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::Fake;

    #[test]
    fn the_xooms_power() {
        let gpio = Fake::new(&[]);
        drive(&gpio, XOOM_POWER, false);
        // Port V is the 22nd: bank 5, port 1.
        assert_eq!(gpio.writes(), [(0xaa4, 0x8000), (0xa94, 0x8080), (0xa84, 0x8080)]);
    }

    #[test]
    fn other_pins() {
        let gpio = Fake::new(&[]);
        drive(&gpio, 0, true);
        assert_eq!(gpio.writes(), [(0x820, 0x101), (0x810, 0x101), (0x800, 0x101)]);
        gpio.forget();
        // TrimSlice: X7, active low.
        let pin = PowerPin::from_cells(23 * 8 + 7, 1);
        assert!(!pin.active_high && PowerPin::from_cells(0, 0).active_high);
        drive(&gpio, pin.pin, pin.active_high);
        assert_eq!(gpio.writes()[0], (0x820 + 0x280 + 0xc, 0x8000));
        assert_eq!(pin.levels().collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(PowerPin::XOOM.levels().collect::<Vec<_>>(), [false]);
        gpio.forget();
        drive(&gpio, 224, true);
        assert_eq!(gpio.writes(), [], "there is no such pin");
    }
}
