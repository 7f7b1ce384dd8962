//! ARM SP804 dual timer (ARM DDI 0271) at 1 MHz: timer 2 counts, timer 1 is the comparator.
//!
//! Both have 32 bits. The counter is extended, and the way to a far deadline is cut into steps, by the logic that Tegra's
//! timer uses, which has the same limits.

use core::sync::atomic::{AtomicU64, Ordering};

use nex_hv::board::{Interrupt, Timer};
use nex_hv::drivers::Mmio;
use nex_tegra2_logic::counter::Counter;
use nex_tegra2_logic::oneshot;

const TIMER1_LOAD: usize = 0x00;
const TIMER1_CONTROL: usize = 0x08;
const TIMER1_INTCLR: usize = 0x0c;
const TIMER2_LOAD: usize = 0x20;
const TIMER2_VALUE: usize = 0x24;
const TIMER2_CONTROL: usize = 0x28;

const ENABLE: u32 = 1 << 7;
const INTERRUPT_ENABLE: u32 = 1 << 5;
const SIZE_32: u32 = 1 << 1;
const ONE_SHOT: u32 = 1 << 0;

/// The two timers.
pub(crate) struct Sp804 {
    registers: Mmio,
    interrupt: Interrupt,
    counter: Counter,
    /// In microseconds of [`Timer::now`]; [`oneshot::NEVER`] if there is none.
    deadline: AtomicU64,
}

impl Sp804 {
    /// Starts the counter; no deadline.
    pub(crate) fn new(registers: Mmio, interrupt: Interrupt) -> Self {
        registers.write(TIMER1_CONTROL, 0);
        registers.write(TIMER2_CONTROL, 0);
        registers.write(TIMER2_LOAD, !0);
        registers.write(TIMER2_CONTROL, ENABLE | SIZE_32);
        let counter = Counter::new(count(&registers));
        let timer = Sp804 { registers, interrupt, counter, deadline: AtomicU64::new(oneshot::NEVER) };
        timer.arm(oneshot::NEVER);
        timer
    }

    /// One step towards `deadline`.
    fn arm(&self, deadline: u64) {
        self.registers.write(TIMER1_CONTROL, 0);
        self.registers.write(TIMER1_INTCLR, 1);
        self.registers.write(TIMER1_LOAD, oneshot::reload(self.now(), deadline) + 1);
        self.registers.write(TIMER1_CONTROL, ENABLE | INTERRUPT_ENABLE | SIZE_32 | ONE_SHOT);
    }

    /// In the interrupt: whether the deadline has come; else the next step begins.
    pub(crate) fn is_due(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed);
        let due = oneshot::is_due(self.now(), deadline);
        if !due {
            self.arm(deadline);
        }
        due
    }
}

/// The counter counts down.
fn count(registers: &Mmio) -> u32 {
    !registers.read(TIMER2_VALUE)
}

impl Timer for Sp804 {
    fn frequency_hz(&self) -> u32 {
        1_000_000
    }
    fn now(&self) -> u64 {
        self.counter.now(|| count(&self.registers))
    }
    fn set_deadline(&self, at: Option<u64>) {
        let deadline = at.unwrap_or(oneshot::NEVER);
        self.deadline.store(deadline, Ordering::Relaxed);
        self.arm(deadline);
    }
    fn interrupt(&self) -> Interrupt {
        self.interrupt
    }
}
