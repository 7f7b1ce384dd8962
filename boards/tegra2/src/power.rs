//! Switching off and resetting.
//!
//! Reset is the chip's own business, so it is the same on every board. How power goes off is the board's: on the Xoom, which
//! comes with ATAGs, by a pin; on boards with a device tree by the pin that a node `gpio-poweroff` names. Boards whose
//! power management chip does it, over I2C, stay on.

use nex_hv::boot_data::dtb::Tree;
use nex_tegra2_logic::clocks::{Clocks, device};
use nex_tegra2_logic::gpio::{self, PowerPin};
use nex_tegra2_logic::pmc;

use crate::block::Block;
use crate::timer::Timer;

/// Longer than a reset takes to happen.
const RESET_WAIT_US: u32 = 100_000;
/// How long each level of a power pin lasts, as in Linux's driver: some are edges.
const PIN_WAIT_US: u32 = 100_000;

/// What ends the machine.
pub struct Power {
    pmc: Block,
    clocks: Clocks<Block>,
    gpio: Block,
    timer: &'static Timer,
    pin: Option<PowerPin>,
}

impl Power {
    /// Takes the blocks that it needs: power management, clocks, GPIO; and the pin that switches off.
    pub fn new(
        pmc: Block,
        clocks: Clocks<Block>,
        gpio: Block,
        timer: &'static Timer,
        pin: Option<PowerPin>,
    ) -> Self {
        Power { pmc, clocks, gpio, timer, pin }
    }

    /// Lets go of the board's power supply. Returns if there is no way, or if the supply holds on, for example on a
    /// charger.
    pub fn off(&self) {
        let Some(pin) = self.pin else { return };
        self.clocks.start(device::GPIO, || self.timer.wait_us(2));
        for level in pin.levels() {
            gpio::drive(&self.gpio, pin.pin, level);
            if pin.pulse {
                self.timer.wait_us(PIN_WAIT_US);
            }
        }
    }

    /// Resets by the power management controller and, should that not do it, by the reset controller. Motorola's own
    /// kernel pulses GPIO PG3 before; whether the tablet needs that is not known.
    pub fn reset(&self) {
        pmc::reset(&self.pmc, &self.clocks, || self.timer.wait_us(RESET_WAIT_US));
    }
}

/// The power pin that a device tree names, if it is one of the chip's own.
pub fn pin_of_tree(tree: &Tree<'_>) -> Option<PowerPin> {
    let gpios = tree.find_compatible(&["gpio-poweroff"])?.property("gpios")?;
    let (cells, _) = gpios.as_chunks::<4>();
    let [controller, pin, flags, ..] = cells else { return None };
    let own = tree.find_compatible(&["nvidia,tegra20-gpio"])?.property_u32("phandle")?;
    let [controller, pin, flags] = [controller, pin, flags].map(|cell| u32::from_be_bytes(*cell));
    (controller == own).then(|| PowerPin::from_cells(pin, flags))
}
