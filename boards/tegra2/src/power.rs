//! Switching off and resetting.

use nex_hv::drivers::Mmio;

use crate::clocks::{self, Clocks};
use crate::timer::Timer;

const PMC_CNTRL: usize = 0x00;
const PMC_CNTRL_MAIN_RST: u32 = 1 << 4;

/// GPIO PV7, by which the Xoom holds its own power on: port V is the 22nd of 4 in a bank, so bank 5, port 1.
const PORT_V: usize = 5 * 0x80 + 4;
const PV7: u32 = 7;
/// The registers that change only the bits whose mask bit (8 higher) is set.
const GPIO_MSK_CNF: usize = 0x800;
const GPIO_MSK_OE: usize = 0x810;
const GPIO_MSK_OUT: usize = 0x820;

/// Longer than a reset takes to happen.
const RESET_WAIT_US: u32 = 100_000;

/// What ends the machine.
pub struct Power {
    pmc: Mmio,
    clocks: Clocks,
    gpio: Mmio,
    timer: &'static Timer,
}

impl Power {
    /// Takes the blocks that it needs: power management, clocks, GPIO.
    pub fn new(pmc: Mmio, clocks: Clocks, gpio: Mmio, timer: &'static Timer) -> Self {
        Power { pmc, clocks, gpio, timer }
    }

    /// Lets go of the Xoom's power supply. Returns if the supply holds on, for example on a charger or another board.
    pub fn off(&self) {
        // An access to a block whose clock is off does not end.
        if !self.clocks.is_running(clocks::GPIO) {
            return;
        }
        let set = |register, on: bool| {
            self.gpio.write(register + PORT_V, 0x100 << PV7 | u32::from(on) << PV7);
        };
        // The level before the driver, and the pin from its other function last, so that nothing else comes out of it.
        set(GPIO_MSK_OUT, false);
        set(GPIO_MSK_OE, true);
        set(GPIO_MSK_CNF, true);
    }

    /// Resets by the power management controller and, should that not do it, by the reset controller. Motorola's own
    /// kernel pulses GPIO PG3 before; whether the tablet needs that is not known.
    pub fn reset(&self) {
        self.pmc.write(PMC_CNTRL, self.pmc.read(PMC_CNTRL) | PMC_CNTRL_MAIN_RST);
        self.timer.wait_us(RESET_WAIT_US);
        self.clocks.reset_system();
        self.timer.wait_us(RESET_WAIT_US);
    }
}
