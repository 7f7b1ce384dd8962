//! Time: the 1 MHz counter TIMERUS, and TMR1 as comparator (both at 0x6000_5000).
//!
//! TIMERUS has 32 bits and wraps every 71 minutes; TMR1 waits 9 minutes at most. Both limits are hidden here: TMR1 is
//! always running, towards the deadline or, if there is none, for as long as it can. Its interrupt passes through
//! [`Timer::is_due`] before Nex's core sees it; one that comes before the deadline's time only starts the next step.
//! Each step looks at the counter, which is how no wrap is missed ([`nex_tegra2_logic::counter`]).
//!
//! The A9's own timers are not used: they follow the CPU's clock, and the global timer's comparator of this revision
//! fires on equality only.

use core::sync::atomic::{AtomicU64, Ordering};

use nex_hv::board::{self, Interrupt, ProbeError};
use nex_hv::drivers::Mmio;
use nex_tegra2_logic::clocks::{Clocks, device};
use nex_tegra2_logic::counter::Counter;
use nex_tegra2_logic::tmr::{self, Comparator};
use nex_tegra2_logic::{oneshot, oscillator};

use crate::block::Block;

const TIMERUS_CNTR_1US: usize = 0x10;
const TIMERUS_USEC_CFG: usize = 0x14;

/// TMR1's interrupt: SPI 0.
pub const INTERRUPT: Interrupt = Interrupt(32);

/// Reads of a 1 MHz counter over which it certainly moves: a read takes tens of nanoseconds.
const READS_TO_MOVE: u32 = 10_000;

/// The counter and its comparator.
pub struct Timer {
    registers: Mmio,
    comparator: Comparator<Block>,
    counter: Counter,
    /// In microseconds of [`Timer::now`](board::Timer::now); [`oneshot::NEVER`] if there is none. Written by CPU 0 only,
    /// with IRQs masked.
    deadline: AtomicU64,
}

impl Timer {
    /// Takes the timer over, with its clock on. The prescaler is written only if it does not fit the board's oscillator.
    ///
    /// # Errors
    /// When the counter does not move.
    pub fn new(registers: Mmio, clocks: &Clocks<Block>) -> Result<Self, ProbeError> {
        clocks.start(device::TIMERS, || spin_2_us(clocks));
        let usec_cfg = oscillator::usec_cfg(clocks.osc_ctrl());
        if registers.read(TIMERUS_USEC_CFG) & 0xffff != usec_cfg {
            registers.write(TIMERUS_USEC_CFG, usec_cfg);
        }
        let first = registers.read(TIMERUS_CNTR_1US);
        if (0..READS_TO_MOVE).all(|_| registers.read(TIMERUS_CNTR_1US) == first) {
            return Err(ProbeError(
                "the microsecond counter TIMERUS stands still: a debugger may have frozen it",
            ));
        }
        let counter = Counter::new(registers.read(TIMERUS_CNTR_1US));
        let comparator = Comparator::new(Block(registers), tmr::TMR1);
        let timer = Timer { registers, comparator, counter, deadline: AtomicU64::new(oneshot::NEVER) };
        timer.arm(oneshot::NEVER);
        Ok(timer)
    }

    /// Starts TMR1 on its next step towards `deadline`, and takes back its interrupt if it has come.
    fn arm(&self, deadline: u64) {
        self.comparator.arm(Some(oneshot::reload(board::Timer::now(self), deadline)));
    }

    /// Called with IRQs masked for each interrupt of TMR1, before it is passed on: whether the deadline has come. If not,
    /// the interrupt is dealt with.
    pub fn is_due(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed);
        let due = oneshot::is_due(board::Timer::now(self), deadline);
        if !due {
            self.arm(deadline);
        }
        due
    }

    /// The counter itself, in microseconds; it wraps.
    pub fn now_us(&self) -> u32 {
        self.registers.read(TIMERUS_CNTR_1US)
    }

    /// Spins for `us` microseconds and up to one more.
    pub fn wait_us(&self, us: u32) {
        let start = self.registers.read(TIMERUS_CNTR_1US);
        while self.registers.read(TIMERUS_CNTR_1US).wrapping_sub(start) <= us {
            core::hint::spin_loop();
        }
    }
}

impl board::Timer for Timer {
    fn frequency_hz(&self) -> u32 {
        1_000_000
    }

    fn now(&self) -> u64 {
        self.counter.now(|| self.registers.read(TIMERUS_CNTR_1US))
    }

    fn set_deadline(&self, at: Option<u64>) {
        let deadline = at.unwrap_or(oneshot::NEVER);
        self.deadline.store(deadline, Ordering::Relaxed);
        self.arm(deadline);
    }

    fn interrupt(&self) -> Interrupt {
        INTERRUPT
    }
}

/// TMR2 as the watchdog's comparator: interrupt SPI 1.
pub struct Dog(Comparator<Block>);

impl Dog {
    /// TMR2 among the timers' registers; stopped.
    pub fn new(registers: Mmio) -> Self {
        let dog = Dog(Comparator::new(Block(registers), tmr::TMR2));
        dog.0.arm(None);
        dog
    }
}

impl board::Watchdog for Dog {
    fn interrupt(&self) -> Interrupt {
        Interrupt(33)
    }

    fn arm(&self, after_ms: Option<u32>) {
        self.0.arm(after_ms.map(tmr::after_ms));
    }
}

/// At least 2 microseconds, without a timer: a read of a peripheral's register takes tens of nanoseconds.
pub fn spin_2_us(clocks: &Clocks<Block>) {
    for _ in 0..200 {
        clocks.osc_ctrl();
    }
}
