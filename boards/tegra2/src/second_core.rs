//! Starting CPU 1.

use core::sync::atomic::{AtomicBool, Ordering};

use nex_hv::addr::Hpa;
use nex_hv::arch::cp15;
use nex_hv::board::StartCoreError;
use nex_hv::drivers::Mmio;

use crate::clocks::Clocks;
use crate::timer::Timer;

/// Where the boot ROM's reset vector jumps.
const EVP_CPU_RESET_VECTOR: usize = 0x100;
const HALT_CPU1_EVENTS: usize = 0x14;
const CPU1_CSR: usize = 0x18;
const CLOCK_WAIT_US: u32 = 10;

/// CPU 1, which the boot loader leaves in reset.
pub struct SecondCore {
    evp: Mmio,
    clocks: Clocks,
    flow: Mmio,
    timer: &'static Timer,
    started: AtomicBool,
}

impl SecondCore {
    /// Takes the blocks that it needs: exception vectors, clocks, flow controller.
    pub fn new(evp: Mmio, clocks: Clocks, flow: Mmio, timer: &'static Timer) -> Self {
        SecondCore { evp, clocks, flow, timer, started: AtomicBool::new(false) }
    }

    /// Starts the core at `entry`, physical and a multiple of 4: ARM state, Secure SVC mode, MMU and caches off and the
    /// caches *not* invalidated. What it reads before it has its caches on must be clean in this core's; it has to
    /// call [`crate::mpcore::init_core`] for itself.
    ///
    /// # Errors
    /// [`StartCoreError::AlreadyOn`] after the first time; [`StartCoreError::Refused`] with the low bits of a misaligned
    /// `entry`.
    pub fn start(&self, entry: Hpa) -> Result<(), StartCoreError> {
        if !entry.is_aligned(4) {
            return Err(StartCoreError::Refused((entry.raw() & 3) as i32));
        }
        if self.started.swap(true, Ordering::Relaxed) {
            return Err(StartCoreError::AlreadyOn);
        }
        // The order of Linux's tegra20_boot_secondary. Reading back is what makes a write arrive before the next block
        // is written.
        self.evp.write(EVP_CPU_RESET_VECTOR, entry.raw());
        self.evp.read(EVP_CPU_RESET_VECTOR);
        self.clocks.hold_cpu1();
        self.flow.write(HALT_CPU1_EVENTS, 0);
        self.flow.read(HALT_CPU1_EVENTS);
        self.clocks.clock_cpu1();
        self.timer.wait_us(CLOCK_WAIT_US);
        self.flow.write(CPU1_CSR, 0);
        self.flow.read(CPU1_CSR);
        cp15::dsb();
        self.clocks.release_cpu1();
        Ok(())
    }
}
