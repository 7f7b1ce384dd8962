//! The interrupt controller: a GICv2 without the Security Extensions (ARM IHI 0048B).
//!
//! # Idea
//! Interrupts are bits in banks of 32 ([`Bank`]): bank 0 exists once per CPU (SGIs 0..=15, PPIs 16..=31), the others are
//! shared (SPIs). All that matters to a CPU follows from the banks, the priorities and that CPU's interface; it is
//! computed after each change and remembered: the highest-priority pending interrupt, and the levels of the two lines
//! to the CPU. So [`Gic::irq_line`] is a look at a bit, and may be asked at every guest entry.
//!
//! # Invariants
//! - An interrupt that is active is never signalled, though it may become pending again.
//! - At most one interrupt is *the* highest-priority pending one of a CPU: the lowest priority value, then the lowest
//!   INTID; its lines say nothing about any other.
//! - The running priority is the lowest level set in GICC_APR and GICC_NSAPR, or idle (0x100) if none is.
//!
//! # Order of calls
//! Devices call [`Gic::set_level`] when their line changes; a guest's accesses go to `dist_*` or `cpu_*` with the number
//! of the vCPU that made them. After either, [`Gic::take_changed`] says for which vCPUs a line has changed: those have
//! to be woken, or interrupted if they run on another CPU.
//!
//! # What is the same as in QEMU's `virt` machine
//! Identification registers, eight priority bits, all reset values, 256 SPIs, SGIs that are always enabled, PPIs that
//! software may make edge-triggered, byte and half-word accesses everywhere but in GICD_SGIR, GICC_HPPIR that reports
//! only interrupts above the priority mask, 1022 before 1023 when both would fit. `tests/golden` holds sequences
//! recorded there. Where QEMU and the specification differ, this model follows the specification; docs/devices.md
//! lists the cases.
//!
//! # Rejected
//! *A sorted list of pending interrupts*: few are pending at once, and a summary word finds the banks that matter.
//! *Per-CPU pending bits of SPIs*: an SPI has one pending state, and the CPU that acknowledges it takes it (1-N model,
//! IHI 0048B 1.4.3).

mod cpu;
mod dist;
mod state;

pub use state::{Bank, CpuState, GicState, MAX_CPUS, MAX_LINES, MAX_SPIS};

use crate::access::{Refused, StateError, Stats, Width};
use state::SPI_WORDS;

/// Bytes of the distributor's range.
pub const DIST_BYTES: u32 = 0x1000;
/// Bytes of the CPU interface's range.
pub const CPU_BYTES: u32 = 0x2000;

/// INTID of no interrupt.
pub const SPURIOUS: u32 = 1023;
/// INTID that GICC_IAR shows in place of a group 1 interrupt while GICC_CTLR.AckCtl is clear (IHI 0048B 3.2.5).
pub const SPURIOUS_GROUP1: u32 = 1022;

/// Priority of "none": lower than every real one.
const IDLE: u16 = 0x100;

/// The highest-priority interrupt that the distributor forwards to a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Best {
    intid: u16,
    /// 0..=0xff, or [`IDLE`] with [`SPURIOUS`].
    priority: u16,
    /// 0 or 1.
    group: u8,
}

const NONE: Best = Best { intid: SPURIOUS as u16, priority: IDLE, group: 0 };

/// A GICv2: one distributor, and a CPU interface for each vCPU.
#[derive(Clone, Debug)]
pub struct Gic {
    state: GicState,
    /// Derived: `state.spi[i].ready()`.
    ready: [u32; SPI_WORDS],
    /// Derived: bit i is set if `ready[i]` is not zero.
    ready_banks: u32,
    /// Derived from all of `state`, per CPU.
    best: [Best; MAX_CPUS],
    /// Derived from GICC_APR and GICC_NSAPR, per CPU.
    running: [u16; MAX_CPUS],
    /// Derived: the lines to the CPUs, a bit each.
    irq: u8,
    fiq: u8,
    changed: u8,
    stats: Stats,
}

impl Gic {
    /// A GIC after reset, for `cpus` vCPUs (1..=8) and `spis` shared interrupts (rounded up to a multiple of 32, at most
    /// 256). Values outside are taken as the nearest possible.
    pub fn new(cpus: usize, spis: usize) -> Gic {
        Gic::with(GicState::reset(cpus, spis))
    }

    /// A GIC that goes on from `state`.
    ///
    /// # Errors
    /// [`StateError`] if no GIC can be in that state.
    pub fn from_state(state: GicState) -> Result<Gic, StateError> {
        state.check()?;
        Ok(Gic::with(state))
    }

    fn with(state: GicState) -> Gic {
        let mut gic = Gic {
            state,
            ready: [0; SPI_WORDS],
            ready_banks: 0,
            best: [NONE; MAX_CPUS],
            running: [IDLE; MAX_CPUS],
            irq: 0,
            fiq: 0,
            changed: 0,
            stats: Stats::default(),
        };
        for word in 0..SPI_WORDS {
            gic.refresh_bank(word);
        }
        for cpu in 0..gic.cpus() {
            gic.running[cpu] = gic.running_from_apr(cpu);
        }
        gic.update_all();
        gic
    }

    /// Everything it remembers, to be saved.
    pub fn state(&self) -> &GicState {
        &self.state
    }

    /// What guests have done to it.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Number of vCPUs it serves.
    pub fn cpus(&self) -> usize {
        self.state.cpus as usize
    }

    /// Number of INTIDs it has: 32 private ones and the SPIs.
    pub fn lines(&self) -> usize {
        32 + self.state.spis as usize
    }

    /// Whether the IRQ line to `cpu` is high. False for a CPU it does not have.
    #[inline]
    pub fn irq_line(&self, cpu: usize) -> bool {
        u32::from(self.irq) & bit(cpu) != 0
    }

    /// Whether the FIQ line to `cpu` is high. False for a CPU it does not have.
    #[inline]
    pub fn fiq_line(&self, cpu: usize) -> bool {
        u32::from(self.fiq) & bit(cpu) != 0
    }

    /// A bit for each CPU whose IRQ or FIQ line has changed since the last call.
    #[inline]
    pub fn take_changed(&mut self) -> u8 {
        core::mem::take(&mut self.changed)
    }

    /// A device's line: `intid` 16..=31 is a PPI of `cpu`, from 32 on an SPI (`cpu` does not matter). Returns whether
    /// there is such a line. SGIs have none.
    ///
    /// A level-sensitive interrupt is pending while its line is high, an edge-triggered one from each rising edge on
    /// until it is acknowledged (IHI 0048B 3.2.4).
    pub fn set_level(&mut self, intid: u32, cpu: usize, high: bool) -> bool {
        if !(16..self.lines() as u32).contains(&intid) || cpu >= self.cpus() {
            return false;
        }
        let mask = 1 << (intid % 32);
        let bank = match intid {
            0..32 => &mut self.state.cpu[cpu].bank,
            _ => &mut self.state.spi[intid as usize / 32 - 1],
        };
        if (bank.level & mask != 0) == high {
            return true;
        }
        let before = bank.ready();
        bank.level ^= mask;
        if high {
            bank.latch |= bank.edge & mask;
        }
        if bank.ready() != before {
            match intid {
                0..32 => self.update(cpu),
                _ => self.update_bank(intid as usize / 32 - 1),
            }
        }
        true
    }

    /// A guest's load from the distributor by vCPU `cpu`.
    ///
    /// # Errors
    /// [`Refused`], also if there is no such CPU.
    pub fn dist_read(&mut self, cpu: usize, offset: u32, width: Width) -> Result<u32, Refused> {
        self.admit(cpu, offset, width, DIST_BYTES, false)?;
        let shift = 8 * (offset & 3);
        let value = self.dist_read_word(cpu, offset & !3).map(|word| word >> shift & width.mask());
        Ok(self.stats.or_unknown(value))
    }

    /// A guest's store to the distributor by vCPU `cpu`.
    ///
    /// # Errors
    /// [`Refused`], also if there is no such CPU.
    pub fn dist_write(&mut self, cpu: usize, offset: u32, width: Width, value: u32) -> Result<(), Refused> {
        self.admit(cpu, offset, width, DIST_BYTES, true)?;
        let shift = 8 * (offset & 3);
        let known = self.dist_write_word(cpu, offset & !3, value << shift, width.mask() << shift);
        self.stats.or_unknown(known);
        Ok(())
    }

    /// A guest's load from its CPU interface. GICC_IAR and GICC_AIAR acknowledge the interrupt they return.
    ///
    /// # Errors
    /// [`Refused`], also if there is no such CPU.
    pub fn cpu_read(&mut self, cpu: usize, offset: u32, width: Width) -> Result<u32, Refused> {
        self.admit(cpu, offset, width, CPU_BYTES, false)?;
        let value = self.cpu_read_register(cpu, offset).map(|value| value & width.mask());
        Ok(self.stats.or_unknown(value))
    }

    /// A guest's store to its CPU interface. Bytes that a narrow store does not carry are zero.
    ///
    /// # Errors
    /// [`Refused`], also if there is no such CPU.
    pub fn cpu_write(&mut self, cpu: usize, offset: u32, width: Width, value: u32) -> Result<(), Refused> {
        self.admit(cpu, offset, width, CPU_BYTES, true)?;
        let known = self.cpu_write_register(cpu, offset, value & width.mask());
        self.stats.or_unknown(known);
        Ok(())
    }

    fn admit(
        &mut self,
        cpu: usize,
        offset: u32,
        width: Width,
        size: u32,
        write: bool,
    ) -> Result<(), Refused> {
        let size_bytes = if cpu < self.cpus() { size } else { 0 };
        self.stats.admit(offset, width, size_bytes, write)
    }

    /// Brings `ready` up to date after a change in bank `word` of the SPIs.
    fn refresh_bank(&mut self, word: usize) {
        let ready = self.state.spi[word].ready();
        self.ready[word] = ready;
        self.ready_banks = self.ready_banks & !(1 << word) | u32::from(ready != 0) << word;
    }

    fn update_all(&mut self) {
        for cpu in 0..self.cpus() {
            self.update(cpu);
        }
    }

    /// After a change in bank `word` of the SPIs that concerns what may be signalled.
    fn update_bank(&mut self, word: usize) {
        self.refresh_bank(word);
        self.update_all();
    }

    /// Recomputes what `cpu` sees: its best pending interrupt and its lines (IHI 0048B 3.3 and 3.4).
    fn update(&mut self, cpu: usize) {
        let best = self.find_best(cpu);
        self.best[cpu] = best;
        let (mut irq, mut fiq) = (false, false);
        let interface = &self.state.cpu[cpu];
        if best.priority < interface.pmr as u16
            && interface.ctlr & (cpu::CTLR_ENABLE_GRP0 << best.group) != 0
            && best.priority & self.group_mask(cpu, best.group) < self.running[cpu]
        {
            fiq = best.group == 0 && interface.ctlr & cpu::CTLR_FIQ_EN != 0;
            irq = !fiq;
        }
        let mask = 1 << cpu;
        let (old_irq, old_fiq) = (self.irq, self.fiq);
        self.irq = old_irq & !mask | u8::from(irq) << cpu;
        self.fiq = old_fiq & !mask | u8::from(fiq) << cpu;
        self.changed |= (self.irq ^ old_irq) | (self.fiq ^ old_fiq);
    }

    fn find_best(&self, cpu: usize) -> Best {
        let state = &self.state;
        let private = &state.cpu[cpu];
        let mut best = NONE;
        let mut ready = private.bank.ready() & self.forwarded(private.bank.group);
        while ready != 0 {
            let intid = ready.trailing_zeros() as usize;
            ready &= ready - 1;
            let priority = u16::from(private.priority[intid]);
            if priority < best.priority {
                let group = (private.bank.group >> intid & 1) as u8;
                best = Best { intid: intid as u16, priority, group };
            }
        }
        let mut banks = self.ready_banks;
        while banks != 0 {
            let word = banks.trailing_zeros() as usize % SPI_WORDS;
            banks &= banks - 1;
            let group_bits = state.spi[word].group;
            let mut ready = self.ready[word] & self.forwarded(group_bits);
            while ready != 0 {
                let bit_number = ready.trailing_zeros() as usize;
                ready &= ready - 1;
                let spi = 32 * word + bit_number;
                let priority = u16::from(state.spi_priority[spi]);
                if priority < best.priority && u32::from(state.spi_targets[spi]) & bit(cpu) != 0 {
                    let group = (group_bits >> bit_number & 1) as u8;
                    best = Best { intid: spi as u16 + 32, priority, group };
                }
            }
        }
        best
    }

    /// Which of 32 interrupts, whose groups are given, GICD_CTLR lets pass.
    #[inline]
    fn forwarded(&self, group: u32) -> u32 {
        let ctlr = self.state.dist_ctlr;
        (if ctlr & 1 != 0 { !group } else { 0 }) | (if ctlr & 2 != 0 { group } else { 0 })
    }
}

#[inline]
const fn bit(cpu: usize) -> u32 {
    if cpu < MAX_CPUS { 1 << cpu } else { 0 }
}
