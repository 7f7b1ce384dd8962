//! Performance monitors (DDI 0406C C12): the cycle counter, and event counters that count cycles or software increments.
//!
//! Counters are brought up to date when a register is accessed, so a guest that does not look costs nothing. The caller
//! gives the time in CPU cycles, from any source that does not go back (modulo 2^64). Where an event or the cycle counter
//! is filtered by privilege ([`Pmu::filters`]), the caller also says when the guest's privilege changes.

use crate::psr::Privilege;

/// A register of the performance monitors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // The names are the manual's (C12.8), without "PM".
pub enum PmuReg {
    Cr,
    CntenSet,
    CntenClr,
    OvsR,
    SwInc,
    SelR,
    Ceid0,
    Ceid1,
    CcntR,
    XevTypeR,
    XevCntR,
    UserEnR,
    IntenSet,
    IntenClr,
    OvsSet,
}

/// Event counters at most; the profile's PMCR says how many there are.
pub const MAX_EVENT_COUNTERS: usize = 8;

const CYCLES: u32 = 1 << 31;
const CR_E: u32 = 1;
const CR_P: u32 = 1 << 1;
const CR_C: u32 = 1 << 2;
const CR_D: u32 = 1 << 3;
/// PMCR bits that keep their value: E, D, X, DP. P and C read as zero.
const CR_KEPT: u32 = 0b11_1001;
const EVENT_SW_INCR: u32 = 0x00;
const EVENT_CYCLES: u32 = 0x11;
/// PMXEVTYPER.P and U: do not count at PL1, at PL0.
const NOT_PL1: u32 = 1 << 31;
const NOT_PL0: u32 = 1 << 30;

/// The performance monitors of one virtual CPU.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pmu {
    id: u32,
    v2: bool,
    control: u32,
    enabled: u32,
    overflow: u32,
    interrupts: u32,
    selected: u32,
    user: bool,
    cycles: u32,
    cycle_filter: u32,
    /// Cycles short of 64 that the divided cycle counter has seen.
    remainder: u64,
    counts: [u32; MAX_EVENT_COUNTERS],
    types: [u32; MAX_EVENT_COUNTERS],
    last: u64,
    privilege: Privilege,
}

impl Pmu {
    /// The monitors after reset: nothing counts. `pmcr` gives identification and number of counters (at most
    /// [`MAX_EVENT_COUNTERS`]); `v2` whether PMUv2's filters and registers are there.
    pub(crate) fn new(pmcr: u32, v2: bool) -> Self {
        let counters = (pmcr >> 11 & 0x1f).min(MAX_EVENT_COUNTERS as u32);
        Self {
            id: pmcr & 0xffff_0000 | counters << 11,
            v2,
            control: 0,
            enabled: 0,
            overflow: 0,
            interrupts: 0,
            selected: 0,
            user: false,
            cycles: 0,
            cycle_filter: 0,
            remainder: 0,
            counts: [0; MAX_EVENT_COUNTERS],
            types: [0; MAX_EVENT_COUNTERS],
            last: 0,
            privilege: Privilege::Pl1,
        }
    }

    fn counters(&self) -> usize {
        (self.id >> 11 & 0x1f) as usize
    }

    fn implemented(&self) -> u32 {
        CYCLES | ((1 << self.counters()) - 1)
    }

    /// Whether code at `privilege` may access `reg` (C12.5): PL0 reads PMUSERENR, and with PMUSERENR.EN all others but
    /// the interrupt enables.
    pub const fn permits(&self, reg: PmuReg, privilege: Privilege, write: bool) -> bool {
        match (privilege, reg) {
            (Privilege::Pl1, _) => true,
            (Privilege::Pl0, PmuReg::UserEnR) => !write,
            (Privilege::Pl0, PmuReg::IntenSet | PmuReg::IntenClr | PmuReg::OvsSet) => false,
            (Privilege::Pl0, _) => self.user,
        }
    }

    /// Whether any enabled counter counts at one privilege level only, so that
    /// [`privilege_changed`](Self::privilege_changed) matters.
    pub fn filters(&self) -> bool {
        let filtered = |filter: u32| (filter >> 30).count_ones() == 1;
        self.control & CR_E != 0
            && (self.enabled & CYCLES != 0 && filtered(self.cycle_filter)
                || (0..self.counters()).any(|n| self.enabled >> n & 1 == 1 && filtered(self.types[n])))
    }

    /// The guest goes on at `privilege` from cycle `now`. May always be called; needed while [`filters`](Self::filters).
    pub fn privilege_changed(&mut self, privilege: Privilege, now: u64) {
        self.sync(now);
        self.privilege = privilege;
    }

    fn counts_here(&self, filter: u32) -> bool {
        let barred = match self.privilege {
            Privilege::Pl0 => NOT_PL0,
            Privilege::Pl1 => NOT_PL1,
        };
        filter & barred == 0
    }

    fn add(count: &mut u32, overflow: &mut u32, bit: u32, amount: u64) {
        let sum = u64::from(*count) + amount;
        if sum > u64::from(u32::MAX) {
            *overflow |= bit;
        }
        *count = sum as u32;
    }

    /// Brings the counters up to cycle `now`.
    fn sync(&mut self, now: u64) {
        // Cut so that sums stay in 64 bits; a counter that wraps more than once reads the same.
        let passed = now.wrapping_sub(self.last) & (u64::MAX >> 1);
        self.last = now;
        if self.control & CR_E == 0 {
            return;
        }
        if self.enabled & CYCLES != 0 && self.counts_here(self.cycle_filter) {
            let mut amount = passed;
            if self.control & CR_D != 0 {
                let sum = self.remainder + passed;
                (amount, self.remainder) = (sum / 64, sum % 64);
            }
            Self::add(&mut self.cycles, &mut self.overflow, CYCLES, amount);
        }
        for n in 0..self.counters() {
            let kind = self.types[n];
            if self.enabled >> n & 1 == 1 && kind & 0xff == EVENT_CYCLES && self.counts_here(kind) {
                Self::add(&mut self.counts[n], &mut self.overflow, 1 << n, passed);
            }
        }
    }

    /// Whether the interrupt line is asserted at cycle `now`.
    pub fn interrupt(&mut self, now: u64) -> bool {
        self.sync(now);
        self.control & CR_E != 0 && self.overflow & self.interrupts != 0
    }

    /// In how many cycles after `now` a counter overflows whose interrupt is enabled, at the current privilege; `None` if
    /// none does. At that time the caller looks at [`interrupt`](Self::interrupt) again.
    pub fn cycles_to_interrupt(&mut self, now: u64) -> Option<u64> {
        self.sync(now);
        let active = self.enabled & self.interrupts;
        if self.control & CR_E == 0 {
            return None;
        }
        let left = |count: u32| (1 << 32) - u64::from(count);
        let mut soonest = None;
        if active & CYCLES != 0 && self.counts_here(self.cycle_filter) {
            let divided = self.control & CR_D != 0;
            soonest = Some(if divided { left(self.cycles) * 64 - self.remainder } else { left(self.cycles) });
        }
        for n in 0..self.counters() {
            let kind = self.types[n];
            if active >> n & 1 == 1 && kind & 0xff == EVENT_CYCLES && self.counts_here(kind) {
                let this = left(self.counts[n]);
                soonest = Some(soonest.map_or(this, |other: u64| other.min(this)));
            }
        }
        soonest
    }

    /// Reads `reg` at cycle `now`. Write-only PMSWINC is not reached here; it reads as zero.
    pub(crate) fn read(&mut self, reg: PmuReg, now: u64) -> u32 {
        self.sync(now);
        match reg {
            PmuReg::Cr => self.id | self.control,
            PmuReg::CntenSet | PmuReg::CntenClr => self.enabled,
            PmuReg::OvsR | PmuReg::OvsSet => self.overflow,
            PmuReg::SwInc | PmuReg::Ceid1 => 0,
            PmuReg::SelR => self.selected,
            PmuReg::Ceid0 => 1 << EVENT_SW_INCR | 1 << EVENT_CYCLES,
            PmuReg::CcntR => self.cycles,
            PmuReg::XevTypeR if self.selected == 31 => self.cycle_filter,
            PmuReg::XevTypeR => self.selected().map_or(0, |n| self.types[n]),
            PmuReg::XevCntR => self.selected().map_or(0, |n| self.counts[n]),
            PmuReg::UserEnR => self.user.into(),
            PmuReg::IntenSet | PmuReg::IntenClr => self.interrupts,
        }
    }

    /// The event counter that PMSELR names, if there is one; accesses to others are RAZ/WI.
    fn selected(&self) -> Option<usize> {
        let n = self.selected as usize;
        (n < self.counters()).then_some(n)
    }

    /// Writes `reg` at cycle `now`. Writes to read-only registers do not get here.
    pub(crate) fn write(&mut self, reg: PmuReg, value: u32, now: u64) {
        self.sync(now);
        let counters = value & self.implemented();
        let filter = if self.v2 { value & (NOT_PL1 | NOT_PL0) } else { 0 };
        match reg {
            PmuReg::Cr => self.write_control(value),
            PmuReg::CntenSet => self.enabled |= counters,
            PmuReg::CntenClr => self.enabled &= !counters,
            PmuReg::OvsR => self.overflow &= !counters,
            PmuReg::OvsSet => self.overflow |= counters,
            PmuReg::SwInc => self.software_increment(value),
            PmuReg::SelR => self.selected = value & 0x1f,
            PmuReg::CcntR => self.cycles = value,
            PmuReg::XevTypeR if self.selected == 31 => self.cycle_filter = filter,
            PmuReg::XevTypeR => {
                if let Some(n) = self.selected() {
                    self.types[n] = value & 0xff | filter;
                }
            }
            PmuReg::XevCntR => {
                if let Some(n) = self.selected() {
                    self.counts[n] = value;
                }
            }
            PmuReg::UserEnR => self.user = value & 1 == 1,
            PmuReg::IntenSet => self.interrupts |= counters,
            PmuReg::IntenClr => self.interrupts &= !counters,
            PmuReg::Ceid0 | PmuReg::Ceid1 => {}
        }
    }

    fn write_control(&mut self, value: u32) {
        self.control = value & CR_KEPT;
        if value & CR_P != 0 {
            self.counts = [0; MAX_EVENT_COUNTERS];
        }
        if value & CR_C != 0 {
            self.cycles = 0;
            self.remainder = 0;
        }
    }

    fn software_increment(&mut self, which: u32) {
        if self.control & CR_E == 0 {
            return;
        }
        for n in 0..self.counters() {
            let kind = self.types[n];
            let counts = kind & 0xff == EVENT_SW_INCR && self.counts_here(kind);
            if (which & self.enabled) >> n & 1 == 1 && counts {
                Self::add(&mut self.counts[n], &mut self.overflow, 1 << n, 1);
            }
        }
    }
}
