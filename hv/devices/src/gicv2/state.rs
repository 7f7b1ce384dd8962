//! What a GIC consists of, as plain data.

use crate::access::StateError;

/// Most vCPUs that one GIC serves.
pub const MAX_CPUS: usize = 8;
/// Most shared interrupts, INTID 32 and up; QEMU's `virt` machine has as many.
pub const MAX_SPIS: usize = 256;
/// Most INTIDs: private ones and shared ones.
pub const MAX_LINES: usize = 32 + MAX_SPIS;
pub(super) const SPI_WORDS: usize = MAX_SPIS / 32;

/// 32 interrupts as the distributor sees them, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Bank {
    /// GICD_ISENABLER. Always set for SGIs.
    pub enabled: u32,
    /// GICD_IGROUPR: set for group 1.
    pub group: u32,
    /// GICD_ICFGR: set for edge-triggered. Always set for SGIs.
    pub edge: u32,
    /// The input line, as last set by the device. Zero for SGIs.
    pub level: u32,
    /// The pending latch: set by a rising edge or GICD_ISPENDR; cleared by an acknowledge or GICD_ICPENDR. For SGIs,
    /// set if any source is in `sgi_sources`.
    pub latch: u32,
    /// GICD_ISACTIVER.
    pub active: u32,
}

impl Bank {
    /// GICD_ISPENDR: what is latched, and level-sensitive lines that are high (IHI 0048B 4.3.7).
    #[inline]
    pub(super) const fn pending(&self) -> u32 {
        self.latch | (self.level & !self.edge)
    }

    /// Enabled, pending and not active: may be forwarded, if its group is.
    #[inline]
    pub(super) const fn ready(&self) -> u32 {
        self.pending() & self.enabled & !self.active
    }
}

/// What each CPU has of its own: INTIDs 0 to 31 and a CPU interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct CpuState {
    /// INTIDs 0..=31.
    pub bank: Bank,
    /// GICD_IPRIORITYR0..7.
    pub priority: [u8; 32],
    /// For each SGI, a bit for each CPU that has sent it (GICD_SPENDSGIR).
    pub sgi_sources: [u8; 16],
    /// GICC_CTLR: bits 0..4 and 9.
    pub ctlr: u32,
    /// GICC_PMR, 8 bits.
    pub pmr: u32,
    /// GICC_BPR, 0..=7.
    pub bpr: u32,
    /// GICC_ABPR, 1..=7.
    pub abpr: u32,
    /// GICC_APR0..3: a bit for each preemption level that is active in group 0.
    pub apr: [u32; 4],
    /// GICC_NSAPR0..3: the same for group 1.
    pub nsapr: [u32; 4],
}

impl CpuState {
    pub(super) const RESET: CpuState = CpuState {
        bank: Bank { enabled: 0xffff, group: 0, edge: 0xffff, level: 0, latch: 0, active: 0 },
        priority: [0; 32],
        sgi_sources: [0; 16],
        ctlr: 0,
        pmr: 0,
        bpr: 0,
        abpr: 1,
        apr: [0; 4],
        nsapr: [0; 4],
    };
}

/// Everything a GIC remembers: what a snapshot of a domain writes out.
///
/// `#[repr(C)]`, fields as listed, no padding; little-endian 32-bit words and bytes. Entries for CPUs and lines beyond
/// `cpus` and `spis` hold reset values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct GicState {
    /// Number of CPU interfaces, 1..=8.
    pub cpus: u32,
    /// Number of shared interrupts, a multiple of 32, at most 256.
    pub spis: u32,
    /// GICD_CTLR: bit 0 EnableGrp0, bit 1 EnableGrp1.
    pub dist_ctlr: u32,
    /// INTIDs 32 and up, 32 in a bank.
    pub spi: [Bank; SPI_WORDS],
    /// GICD_IPRIORITYR8 and up.
    pub spi_priority: [u8; MAX_SPIS],
    /// GICD_ITARGETSR8 and up: a bit for each CPU. With one CPU the registers read as zero and these are all 1.
    pub spi_targets: [u8; MAX_SPIS],
    /// Banked state.
    pub cpu: [CpuState; MAX_CPUS],
}

impl GicState {
    pub(super) fn reset(cpus: usize, spis: usize) -> GicState {
        let cpus = cpus.clamp(1, MAX_CPUS);
        let mut state = GicState {
            cpus: cpus as u32,
            spis: (spis.min(MAX_SPIS) as u32).next_multiple_of(32),
            dist_ctlr: 0,
            spi: [Bank::default(); SPI_WORDS],
            spi_priority: [0; MAX_SPIS],
            spi_targets: [0; MAX_SPIS],
            cpu: [CpuState::RESET; MAX_CPUS],
        };
        if cpus == 1 {
            state.spi_targets.fill(1);
        }
        state
    }

    /// Refuses what no sequence of accesses can have made.
    pub(super) fn check(&self) -> Result<(), StateError> {
        if !(1..=MAX_CPUS as u32).contains(&self.cpus)
            || self.spis as usize > MAX_SPIS
            || !self.spis.is_multiple_of(32)
        {
            return Err(StateError::Count);
        }
        let cpu_mask = all_cpus(self.cpus);
        let banks_fit = self.spi.iter().skip(self.spis as usize / 32).all(|bank| *bank == Bank::default());
        let targets_fit = match self.cpus {
            1 => self.spi_targets.iter().all(|&targets| targets == 1),
            _ => self.spi_targets.iter().all(|&targets| targets & !cpu_mask == 0),
        };
        let cpus_fit = self.cpu.iter().all(|cpu| {
            let bank = &cpu.bank;
            let latched = (0..16).all(|sgi| (bank.latch >> sgi & 1 != 0) == (cpu.sgi_sources[sgi] != 0));
            latched
                && bank.enabled & 0xffff == 0xffff
                && bank.edge & 0xffff == 0xffff
                && bank.level & 0xffff == 0
                && cpu.sgi_sources.iter().all(|&sources| sources & !cpu_mask == 0)
                && cpu.ctlr & !super::cpu::CTLR_WRITABLE == 0
                && cpu.pmr <= 0xff
                && cpu.bpr <= 7
                && (1..=7).contains(&cpu.abpr)
        });
        if self.dist_ctlr > 3 || !banks_fit || !targets_fit || !cpus_fit {
            return Err(StateError::Value);
        }
        Ok(())
    }
}

/// A bit for each of `cpus` CPUs.
pub(super) const fn all_cpus(cpus: u32) -> u8 {
    (0xff_u32 >> (8 - cpus)) as u8
}
