//! The generic timer of one vCPU, as CP15 c14 shows it (ARM DDI 0406C B8).
//!
//! # Idea
//! Two timers, physical and virtual, compare one counter with their compare values. The model has no clock: every call
//! brings `count`, the physical counter, in ticks. So it serves both a CPU without the timer (every c14 access is
//! emulated) and one with it (the guest's state while it is not running).
//!
//! # Order of calls
//! After each write, and when a deadline has passed: give [`Timer::line`] of both to the interrupt controller, as PPI 27
//! (virtual) and 30 (physical), and arm a timer for the earlier [`Timer::deadline`]. The lines are levels: they stay
//! high until the guest moves the compare value, masks, or disables.

use crate::access::StateError;

/// CNT*_CTL: the timer counts.
pub const CTL_ENABLE: u32 = 1 << 0;
/// CNT*_CTL: the line is held low.
pub const CTL_IMASK: u32 = 1 << 1;
/// CNT*_CTL: the condition is met. Read-only.
pub const CTL_ISTATUS: u32 = 1 << 2;

const KCTL_PL0PCTEN: u32 = 1 << 0;
const KCTL_PL0VCTEN: u32 = 1 << 1;
const KCTL_PL0VTEN: u32 = 1 << 8;
const KCTL_PL0PTEN: u32 = 1 << 9;
const KCTL_WRITABLE: u32 = 0x3ff;

/// A register, and where it is: coprocessor 15, CRn c14 for MRC and MCR; CRm c14 for MRRC and MCRR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// CNTFRQ, MRC c14, 0, c0, 0: ticks per second.
    Cntfrq,
    /// CNTKCTL, MRC c14, 0, c1, 0: what PL0 may use.
    Cntkctl,
    /// CNTP_TVAL, MRC c14, 0, c2, 0.
    CntpTval,
    /// CNTP_CTL, MRC c14, 0, c2, 1.
    CntpCtl,
    /// CNTV_TVAL, MRC c14, 0, c3, 0.
    CntvTval,
    /// CNTV_CTL, MRC c14, 0, c3, 1.
    CntvCtl,
    /// CNTPCT, MRRC opc1 0, 64 bits: the counter.
    Cntpct,
    /// CNTVCT, MRRC opc1 1, 64 bits: the counter less the virtual offset.
    Cntvct,
    /// CNTP_CVAL, MRRC opc1 2, 64 bits.
    CntpCval,
    /// CNTV_CVAL, MRRC opc1 3, 64 bits.
    CntvCval,
}

impl Register {
    /// The register that `MRC p15, opc1, Rt, c14, crm, opc2` (or MCR) names. `None` is UNDEFINED.
    pub const fn from_mrc(opc1: u32, crm: u32, opc2: u32) -> Option<Register> {
        Some(match (opc1, crm, opc2) {
            (0, 0, 0) => Register::Cntfrq,
            (0, 1, 0) => Register::Cntkctl,
            (0, 2, 0) => Register::CntpTval,
            (0, 2, 1) => Register::CntpCtl,
            (0, 3, 0) => Register::CntvTval,
            (0, 3, 1) => Register::CntvCtl,
            _ => return None,
        })
    }

    /// The register that `MRRC p15, opc1, Rt, Rt2, c14` (or MCRR) names. `None` is UNDEFINED.
    pub const fn from_mrrc(opc1: u32) -> Option<Register> {
        Some(match opc1 {
            0 => Register::Cntpct,
            1 => Register::Cntvct,
            2 => Register::CntpCval,
            3 => Register::CntvCval,
            _ => return None,
        })
    }

    /// Whether it can be written at all. The counters cannot: that is UNDEFINED.
    pub const fn is_writable(self) -> bool {
        !matches!(self, Register::Cntpct | Register::Cntvct)
    }
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// CNTP: PPI 30.
    Physical,
    /// CNTV: PPI 27.
    Virtual,
}

/// Everything a timer remembers. `#[repr(C)]`, fields as listed, no padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct TimerState {
    /// CNTP_CVAL.
    pub cntp_cval: u64,
    /// CNTV_CVAL.
    pub cntv_cval: u64,
    /// CNTVOFF: what the virtual counter is behind the physical one. Not visible to the guest.
    pub cntvoff: u64,
    /// CNTP_CTL without ISTATUS.
    pub cntp_ctl: u32,
    /// CNTV_CTL without ISTATUS.
    pub cntv_ctl: u32,
    /// CNTFRQ.
    pub cntfrq: u32,
    /// CNTKCTL.
    pub cntkctl: u32,
}

/// The timers of one vCPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    s: TimerState,
}

impl Timer {
    /// Timers after reset: disabled, with a counter of `frequency_hz`, the virtual one behind by `cntvoff` ticks.
    pub fn new(frequency_hz: u32, cntvoff: u64) -> Timer {
        Timer { s: TimerState { cntfrq: frequency_hz, cntvoff, ..TimerState::default() } }
    }

    /// Timers that go on from `state`.
    ///
    /// # Errors
    /// [`StateError`] if none can be in that state.
    pub fn from_state(state: TimerState) -> Result<Timer, StateError> {
        let writable = CTL_ENABLE | CTL_IMASK;
        if (state.cntp_ctl | state.cntv_ctl) & !writable != 0 || state.cntkctl & !KCTL_WRITABLE != 0 {
            return Err(StateError::Value);
        }
        Ok(Timer { s: state })
    }

    /// Everything it remembers, to be saved.
    pub fn state(&self) -> &TimerState {
        &self.s
    }

    /// Sets the virtual offset: after a restore, so that the guest's virtual time goes on where it was.
    pub fn set_cntvoff(&mut self, cntvoff: u64) {
        self.s.cntvoff = cntvoff;
    }

    /// Whether code at PL0 may use the register; if not, the access is UNDEFINED there.
    pub fn pl0_may(&self, register: Register, write: bool) -> bool {
        let any = match register {
            Register::Cntkctl => 0,
            Register::Cntfrq if !write => KCTL_PL0PCTEN | KCTL_PL0VCTEN,
            Register::Cntfrq => 0,
            Register::Cntpct if !write => KCTL_PL0PCTEN,
            Register::Cntvct if !write => KCTL_PL0VCTEN,
            Register::Cntpct | Register::Cntvct => 0,
            Register::CntpTval | Register::CntpCtl | Register::CntpCval => KCTL_PL0PTEN,
            Register::CntvTval | Register::CntvCtl | Register::CntvCval => KCTL_PL0VTEN,
        };
        self.s.cntkctl & any != 0
    }

    /// What the guest reads when the physical counter stands at `count`; 32-bit registers are zero-extended.
    pub fn read(&self, register: Register, count: u64) -> u64 {
        let tval = |which| u64::from(self.cval(which).wrapping_sub(self.counter(which, count)) as u32);
        match register {
            Register::Cntfrq => u64::from(self.s.cntfrq),
            Register::Cntkctl => u64::from(self.s.cntkctl),
            Register::CntpTval => tval(Which::Physical),
            Register::CntvTval => tval(Which::Virtual),
            Register::CntpCtl => u64::from(self.ctl(Which::Physical, count)),
            Register::CntvCtl => u64::from(self.ctl(Which::Virtual, count)),
            Register::Cntpct => count,
            Register::Cntvct => self.counter(Which::Virtual, count),
            Register::CntpCval => self.s.cntp_cval,
            Register::CntvCval => self.s.cntv_cval,
        }
    }

    /// The guest writes when the physical counter stands at `count`. 32-bit registers take the low half. Returns whether
    /// the register can be written; nothing has changed if not.
    pub fn write(&mut self, register: Register, value: u64, count: u64) -> bool {
        // TVAL is signed: a compare value in the past is met at once (B8.1).
        let offset = value as u32 as i32 as u64;
        match register {
            Register::Cntfrq => self.s.cntfrq = value as u32,
            Register::Cntkctl => self.s.cntkctl = value as u32 & KCTL_WRITABLE,
            Register::CntpTval => self.s.cntp_cval = count.wrapping_add(offset),
            Register::CntvTval => {
                self.s.cntv_cval = self.counter(Which::Virtual, count).wrapping_add(offset);
            }
            Register::CntpCtl => self.s.cntp_ctl = value as u32 & (CTL_ENABLE | CTL_IMASK),
            Register::CntvCtl => self.s.cntv_ctl = value as u32 & (CTL_ENABLE | CTL_IMASK),
            Register::CntpCval => self.s.cntp_cval = value,
            Register::CntvCval => self.s.cntv_cval = value,
            Register::Cntpct | Register::Cntvct => return false,
        }
        true
    }

    /// The level of the timer's line when the physical counter stands at `count`.
    pub fn line(&self, which: Which, count: u64) -> bool {
        self.ctl(which, count) & (CTL_IMASK | CTL_ISTATUS) == CTL_ISTATUS
    }

    /// The value of the physical counter at which the line goes high by itself; `None` if it is high already or stays
    /// low until the guest does something.
    pub fn deadline(&self, which: Which, count: u64) -> Option<u64> {
        if self.ctl(which, count) != CTL_ENABLE {
            return None;
        }
        // The condition is not met, so the way to the compare value is what the guest's counter has yet to count.
        count.checked_add(self.cval(which) - self.counter(which, count))
    }

    /// CNT*_CTL with ISTATUS, which reads as zero while the timer is disabled (UNKNOWN, B8.1; as QEMU has it).
    fn ctl(&self, which: Which, count: u64) -> u32 {
        let ctl = match which {
            Which::Physical => self.s.cntp_ctl,
            Which::Virtual => self.s.cntv_ctl,
        };
        let met = ctl & CTL_ENABLE != 0 && self.counter(which, count) >= self.cval(which);
        if met { ctl | CTL_ISTATUS } else { ctl }
    }

    fn cval(&self, which: Which) -> u64 {
        match which {
            Which::Physical => self.s.cntp_cval,
            Which::Virtual => self.s.cntv_cval,
        }
    }

    /// The counter as the timer sees it. It wraps after 2^64 ticks.
    fn counter(&self, which: Which, count: u64) -> u64 {
        match which {
            Which::Physical => count,
            Which::Virtual => count.wrapping_sub(self.s.cntvoff),
        }
    }
}
