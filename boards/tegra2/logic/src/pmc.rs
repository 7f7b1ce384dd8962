//! The power management controller (PMC, at 0x7000_e400): the chip's reset.

use crate::clocks::Clocks;
use crate::regs::Registers;

const CNTRL: usize = 0x00;
const CNTRL_MAIN_RST: u32 = 1 << 4;

/// Resets the chip and, should that not do it, by the reset controller. `wait` lets more time pass than a reset takes.
/// Returns if it does not happen at all.
pub fn reset<R: Registers>(pmc: &impl Registers, clocks: &Clocks<R>, wait: impl Fn()) {
    pmc.set(CNTRL, CNTRL_MAIN_RST);
    wait();
    clocks.reset_system();
    wait();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::{Fake, Log};

    #[test]
    fn one_after_the_other() {
        let log = Log::default();
        let pmc = Fake::in_log("pmc", &[(0x00, 0x200)], &log);
        let clocks = Clocks::new(Fake::in_log("car", &[(0x004, 0x40)], &log));
        let waits = std::cell::RefCell::new(Vec::new());
        reset(&pmc, &clocks, || waits.borrow_mut().push(log.borrow().len()));
        assert_eq!(*log.borrow(), [("pmc", 0x00, 0x210), ("car", 0x004, 0x44)]);
        assert_eq!(*waits.borrow(), [1, 2]);
    }
}
