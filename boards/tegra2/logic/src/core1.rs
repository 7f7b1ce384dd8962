//! Starting CPU 1, which the boot ROM and the boot loader leave in reset, its clock stopped.

use crate::clocks::Clocks;
use crate::regs::Registers;

/// Where the boot ROM's reset vector jumps.
const EVP_CPU_RESET_VECTOR: usize = 0x100;
const HALT_CPU1_EVENTS: usize = 0x14;
const CPU1_CSR: usize = 0x18;

/// The blocks that CPU 1 is started with.
pub struct Core1<E, C, F> {
    evp: E,
    clocks: Clocks<C>,
    flow: F,
}

impl<E: Registers, C: Registers, F: Registers> Core1<E, C, F> {
    /// Exception vectors, clocks, flow controller.
    pub const fn new(evp: E, clocks: Clocks<C>, flow: F) -> Self {
        Core1 { evp, clocks, flow }
    }

    /// Lets CPU 1 begin at `entry`, whatever it did before: ARM state, Secure SVC mode, MMU and caches off and the caches
    /// *not* invalidated. `wait_10_us` lets that time pass, `barrier` completes all writes before.
    ///
    /// The order of Linux's tegra20_boot_secondary. Reading back is what makes a write arrive before the next block is
    /// written.
    pub fn start(&self, entry: u32, wait_10_us: impl FnOnce(), barrier: impl FnOnce()) {
        self.evp.write(EVP_CPU_RESET_VECTOR, entry);
        self.evp.read(EVP_CPU_RESET_VECTOR);
        self.clocks.hold_cpu1();
        self.flow.write(HALT_CPU1_EVENTS, 0);
        self.flow.read(HALT_CPU1_EVENTS);
        self.clocks.clock_cpu1();
        wait_10_us();
        self.flow.write(CPU1_CSR, 0);
        self.flow.read(CPU1_CSR);
        barrier();
        self.clocks.release_cpu1();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::{Fake, Log};

    #[test]
    fn the_order_of_linux() {
        let log = Log::default();
        let car = Fake::in_log("car", &[(0x04c, 1 << 9 | 1 << 8 | 3)], &log);
        let flow = Fake::in_log("flow", &[(0x14, 0x5000_0000), (0x18, 0x8000)], &log);
        let core1 = Core1::new(Fake::in_log("evp", &[], &log), Clocks::new(car), flow);
        let count = |at: usize| move |log: &Log| assert_eq!(log.borrow().len(), at);
        core1.start(0x0010_8040, || count(4)(&log), || count(5)(&log));
        assert_eq!(
            *log.borrow(),
            [
                ("evp", 0x100, 0x0010_8040),
                ("car", 0x340, 0x2222),
                ("flow", 0x14, 0),
                ("car", 0x04c, 1 << 8 | 3),
                ("flow", 0x18, 0),
                ("car", 0x344, 0x2222),
            ]
        );
    }
}
