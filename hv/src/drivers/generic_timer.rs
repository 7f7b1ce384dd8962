//! The ARM generic timer (DDI 0406C B8): physical counter and the PL1 physical timer.

use core::arch::asm;

use crate::board::{Interrupt, Timer, Watchdog};

/// The PL1 physical timer of the running CPU.
pub struct GenericTimer {
    frequency_hz: u32,
    interrupt: Interrupt,
}

impl GenericTimer {
    /// Whether this CPU has it.
    pub fn is_present() -> bool {
        crate::arch::cp15::has_generic_timer()
    }

    /// The timer with its comparator off. `frequency_hz` overrides CNTFRQ, which firmware may have left 0.
    ///
    /// Only to be called where [`GenericTimer::is_present`]; the registers are undefined instructions elsewhere.
    pub fn new(interrupt: Interrupt, frequency_hz: Option<u32>) -> Self {
        let cntfrq: u32;
        // SAFETY: reads CNTFRQ.
        unsafe {
            asm!("mrc p15, 0, {}, c14, c0, 0", out(reg) cntfrq, options(nomem, nostack, preserves_flags))
        };
        let timer = GenericTimer { frequency_hz: frequency_hz.unwrap_or(cntfrq), interrupt };
        timer.set_deadline(None);
        timer
    }
}

impl Timer for GenericTimer {
    fn frequency_hz(&self) -> u32 {
        self.frequency_hz
    }

    fn now(&self) -> u64 {
        let (low, high): (u32, u32);
        // SAFETY: reads CNTPCT. The ISB keeps the read from being done early (B8.1.2).
        unsafe {
            asm!("isb", "mrrc p15, 0, {}, {}, c14", out(reg) low, out(reg) high, options(nostack, preserves_flags))
        };
        (high as u64) << 32 | low as u64
    }

    fn set_deadline(&self, at: Option<u64>) {
        // CNTP_CTL: bit 0 enable, bit 1 mask. Off first, so that no stale compare value fires (B8.1.5).
        // SAFETY: writes CNTP_CTL and CNTP_CVAL, which only raise an interrupt.
        unsafe {
            asm!("mcr p15, 0, {}, c14, c2, 1", in(reg) 0, options(nostack, preserves_flags));
            if let Some(at) = at {
                asm!("mcrr p15, 2, {}, {}, c14", in(reg) at as u32, in(reg) (at >> 32) as u32, options(nostack, preserves_flags));
                asm!("mcr p15, 0, {}, c14, c2, 1", in(reg) 1, options(nostack, preserves_flags));
            }
            asm!("isb", options(nostack, preserves_flags));
        }
    }

    fn interrupt(&self) -> Interrupt {
        self.interrupt
    }
}

/// The virtual timer of the running CPU as watchdog. Nex does not offset virtual time, so it counts as the physical one.
pub struct VirtualTimerWatchdog {
    frequency_hz: u32,
    interrupt: Interrupt,
}

impl VirtualTimerWatchdog {
    /// Off. The same conditions as for [`GenericTimer::new`].
    pub fn new(interrupt: Interrupt, frequency_hz: u32) -> Self {
        let watchdog = VirtualTimerWatchdog { frequency_hz, interrupt };
        watchdog.arm(None);
        watchdog
    }
}

impl Watchdog for VirtualTimerWatchdog {
    fn interrupt(&self) -> Interrupt {
        self.interrupt
    }

    fn arm(&self, after_ms: Option<u32>) {
        // CNTV_TVAL is a signed 32-bit down-counter (B8.1.5): 34 s at 62.5 MHz; longer times fire early, which is safe.
        let counts = after_ms.map(|ms| u64::from(ms) * u64::from(self.frequency_hz) / 1000);
        // SAFETY: writes CNTV_CTL and CNTV_TVAL, which only raise an interrupt.
        unsafe {
            asm!("mcr p15, 0, {}, c14, c3, 1", in(reg) 0, options(nostack, preserves_flags));
            if let Some(counts) = counts {
                let tval = counts.min(i32::MAX as u64) as u32;
                asm!("mcr p15, 0, {}, c14, c3, 0", in(reg) tval, options(nostack, preserves_flags));
                asm!("mcr p15, 0, {}, c14, c3, 1", in(reg) 1, options(nostack, preserves_flags));
            }
            asm!("isb", options(nostack, preserves_flags));
        }
    }
}
