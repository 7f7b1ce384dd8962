//! Interrupts: the A9's GIC, and NVIDIA's legacy interrupt controller (LIC) beside it.
//!
//! Every SPI reaches both. Whether one that the LIC holds back still reaches the GIC is not documented, so both are told,
//! as Linux does; the LIC is also what wakes a sleeping CPU. Interrupts are numbered by the GIC: SPI n is bit n % 32 in
//! bank n / 32 of the LIC.
//!
//! The GIC is one of the first (version 1). In Secure state its groups tell FIQ from IRQ ([`nex_hv::drivers::gic`]); the
//! LIC's classes, which could do that as well, stay at IRQ.

use nex_hv::board::{Interrupt, InterruptController};
use nex_hv::drivers::Mmio;
use nex_hv::drivers::gic::Gic;
use nex_hv::sync::IrqLock;

use crate::timer::{self, Timer};

const GICD_TYPER: usize = 0x004;
const GICD_ISACTIVER: usize = 0x300;
const GICD_ICFGR: usize = 0xc00;
const GICC_EOIR: usize = 0x010;

const LIC_BANKS: usize = 4;
const LIC_BANK_BYTES: usize = 0x100;
/// Interrupts forced by software: clear.
const LIC_FIR_CLR: usize = 0x1c;
/// Enables towards the A9: read, set, clear.
const LIC_CPU_IER: usize = 0x20;
const LIC_CPU_IER_SET: usize = 0x24;
const LIC_CPU_IER_CLR: usize = 0x28;
/// 1: FIQ.
const LIC_CPU_IEP_CLASS: usize = 0x2c;

/// First SPI of the GIC.
const FIRST_SPI: u32 = 32;

/// The legacy interrupt controller. Its CLASS registers are changed by reading and writing, hence the lock.
struct Lic(IrqLock<Mmio>);

impl Lic {
    /// Takes the LIC over: nothing enabled towards the A9, nothing forced, everything IRQ. What goes to the AVP stays.
    fn new(registers: Mmio) -> Self {
        for bank in 0..LIC_BANKS {
            let base = bank * LIC_BANK_BYTES;
            registers.write(base + LIC_CPU_IER_CLR, !0);
            registers.write(base + LIC_FIR_CLR, !0);
            registers.write(base + LIC_CPU_IEP_CLASS, 0);
        }
        Lic(IrqLock::new(registers))
    }

    /// Offset of the bank, and the bit. `None`: not an SPI that the LIC has.
    fn place(interrupt: Interrupt) -> Option<(usize, u32)> {
        let spi = interrupt.0.checked_sub(FIRST_SPI)?;
        let bank = spi as usize / 32;
        (bank < LIC_BANKS).then_some((bank * LIC_BANK_BYTES, 1 << (spi % 32)))
    }

    fn enable(&self, interrupt: Interrupt) {
        if let Some((base, bit)) = Self::place(interrupt) {
            let registers = self.0.lock();
            let class = registers.read(base + LIC_CPU_IEP_CLASS);
            registers.write(base + LIC_CPU_IEP_CLASS, class & !bit);
            registers.write(base + LIC_CPU_IER_SET, bit);
        }
    }

    fn disable(&self, interrupt: Interrupt) {
        if let Some((base, bit)) = Self::place(interrupt) {
            let registers = self.0.lock();
            registers.write(base + LIC_CPU_IER_CLR, bit);
            registers.read(base + LIC_CPU_IER); // it has arrived
        }
    }
}

/// GIC and LIC as one controller, which also keeps the timer's intermediate interrupts to itself.
pub struct Interrupts {
    gic: Gic,
    distributor: Mmio,
    cpu: Mmio,
    lic: Lic,
    timer: &'static Timer,
}

impl Interrupts {
    /// Takes both controllers over: everything disabled, level-sensitive; the groups are the GIC driver's. `lic` is the first bank of the LIC.
    pub fn new(distributor: Mmio, cpu: Mmio, lic: Mmio, timer: &'static Timer) -> Self {
        let lic = Lic::new(lic);
        let gic = Gic::new(distributor, cpu);
        let lines = Self::lines(&distributor);
        for n in (FIRST_SPI as usize..lines).step_by(16) {
            distributor.write(GICD_ICFGR + n / 4, 0);
        }
        Interrupts { gic, distributor, cpu, lic, timer }
    }

    fn lines(distributor: &Mmio) -> usize {
        32 * ((distributor.read(GICD_TYPER) & 0x1f) as usize + 1)
    }

    /// Ends what the loader acknowledged and did not end: it would keep everything of the same priority away for good.
    /// Version 1 of the GIC has no register to clear an active interrupt, so each is ended as if it had been handled.
    fn end_left_over(&self) {
        for n in (0..Self::lines(&self.distributor)).step_by(32) {
            let active = self.distributor.read(GICD_ISACTIVER + n / 8);
            for bit in (0..32).filter(|bit| active & 1 << bit != 0) {
                self.cpu.write(GICC_EOIR, n as u32 + bit);
            }
        }
    }
}

impl InterruptController for Interrupts {
    fn init_cpu(&self) {
        self.gic.init_cpu();
        self.end_left_over();
        self.enable(timer::INTERRUPT);
    }

    fn enable(&self, interrupt: Interrupt) {
        self.lic.enable(interrupt);
        self.gic.enable(interrupt);
    }

    fn disable(&self, interrupt: Interrupt) {
        self.gic.disable(interrupt);
        self.lic.disable(interrupt);
    }

    fn acknowledge(&self) -> Option<Interrupt> {
        loop {
            let interrupt = self.gic.acknowledge()?;
            if interrupt != timer::INTERRUPT || self.timer.is_due() {
                return Some(interrupt);
            }
            self.gic.end(interrupt);
        }
    }

    fn end(&self, interrupt: Interrupt) {
        self.gic.end(interrupt);
    }

    fn raise_here(&self, sgi: u32) {
        self.gic.raise_here(sgi);
    }

    fn route_to_fiq(&self, interrupt: Interrupt) -> bool {
        // By the GIC's groups; the legacy controller passes the line on as it does for an IRQ.
        let routed = self.gic.route_to_fiq(interrupt);
        if routed {
            self.lic.enable(interrupt);
        }
        routed
    }

    fn acknowledge_fiq(&self) -> Option<Interrupt> {
        self.gic.acknowledge_fiq()
    }
}
