//! Interrupts: the A9's GIC, and NVIDIA's legacy interrupt controller (LIC) beside it.
//!
//! Every SPI reaches both. Whether one that the LIC holds back still reaches the GIC is not documented, so both are told,
//! as Linux does; the LIC is also what wakes a sleeping CPU.
//!
//! The GIC is one of the first (version 1). FIQ comes in one of two ways:
//! - in Secure state by the GIC's groups ([`nex_hv::drivers::gic`]), the LIC's classes staying at IRQ;
//! - where groups cannot be used, by the LIC's class FIQ, whose line passes the GIC by ([`nex_tegra2_logic::lic`]). Whether
//!   it arrives is tried out first: it also depends on firmware in Secure state, if there is any. `fiq=lic` on the command
//!   line chooses this way.

use core::arch::asm;

use nex_hv::arch::{cp15, irq};
use nex_hv::board::{Interrupt, InterruptController};
use nex_hv::drivers::Mmio;
use nex_hv::drivers::gic::Gic;
use nex_hv::{info, warning};
use nex_tegra2_logic::lic::Lic;
use nex_tegra2_logic::regs::Registers;
use spin::Once;

use crate::block::Block;
use crate::timer::{self, Timer};

const GICD_TYPER: usize = 0x004;
const GICD_ISACTIVER: usize = 0x300;
const GICD_ICFGR: usize = 0xc00;
const GICC_EOIR: usize = 0x010;

/// First SPI of the GIC.
const FIRST_SPI: u32 = 32;
/// An interrupt with no source: SPI 127, QUAD_RES_31, in the LIC's last bank the last bit.
const SPARE: u32 = FIRST_SPI + 127;
const SPARE_FIR_SET: usize = 0x318;
const SPARE_FIR_CLR: usize = 0x31c;
const SPARE_CLASS: usize = 0x32c;
const SPARE_BIT: u32 = 1 << 31;

/// GIC and LIC as one controller, which also keeps the timer's intermediate interrupts to itself.
pub struct Interrupts {
    gic: Gic,
    distributor: Mmio,
    cpu: Mmio,
    lic_registers: Block,
    lic: Lic<Block>,
    timer: &'static Timer,
    /// There once it is known whether FIQs come by the LIC; `true` if they do.
    fiq_by_lic: Once<bool>,
}

impl Interrupts {
    /// Takes both controllers over: everything disabled, level-sensitive; the groups are the GIC driver's. `lic` is the first
    /// bank of the LIC. `groups` is `false` to leave the GIC's groups alone.
    pub fn new(distributor: Mmio, cpu: Mmio, lic: Block, timer: &'static Timer, groups: bool) -> Self {
        let lic_registers = lic;
        let lic = Lic::new(lic);
        let gic = if groups { Gic::new(distributor, cpu) } else { Gic::without_groups(distributor, cpu) };
        let lines = Self::lines(&distributor);
        for n in (FIRST_SPI as usize..lines).step_by(16) {
            distributor.write(GICD_ICFGR + n / 4, 0);
        }
        Interrupts { gic, distributor, cpu, lic_registers, lic, timer, fiq_by_lic: Once::new() }
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

    /// Whether an FIQ of the LIC's class reaches this CPU, and this CPU can mask and open FIQ: tried with an interrupt that
    /// has no device, forced by software. The interrupt status register shows what is pending while it is masked (DDI
    /// 0406C B4.1.98).
    fn try_lic_fiq(&self) -> bool {
        let pending = || {
            let isr: u32;
            // SAFETY: reads ISR.
            unsafe { asm!("mrc p15, 0, {}, c12, c1, 0", out(reg) isr, options(nostack, preserves_flags)) };
            isr & 1 << 6 != 0
        };
        irq::with_all_masked(|| {
            // In Non-secure state firmware may keep FIQ for itself: then the mask bit does not follow (SCR.FW, B1.5.1).
            if irq::fiq_mask_bit() == 0 || pending() {
                return false;
            }
            self.lic_registers.set(SPARE_CLASS, SPARE_BIT);
            self.lic.enable(SPARE);
            self.lic_registers.write(SPARE_FIR_SET, SPARE_BIT);
            self.lic_registers.read(SPARE_CLASS);
            cp15::dsb();
            let arrived = (0..1000).any(|_| pending());
            self.lic_registers.write(SPARE_FIR_CLR, SPARE_BIT);
            self.lic.disable(SPARE);
            self.lic_registers.write(SPARE_CLASS, self.lic_registers.read(SPARE_CLASS) & !SPARE_BIT);
            self.lic_registers.read(SPARE_CLASS);
            cp15::dsb();
            arrived && (0..1000).any(|_| !pending())
        })
    }

    /// For an interrupt that the GIC cannot deliver as FIQ.
    fn route_by_lic(&self, interrupt: Interrupt) -> bool {
        let works = *self.fiq_by_lic.call_once(|| {
            let works = self.try_lic_fiq();
            if works {
                info!("FIQ comes by the legacy interrupt controller");
            } else {
                warning!("FIQ comes neither by the GIC's groups nor by the legacy interrupt controller");
            }
            works
        });
        // The GIC must not deliver it as IRQ at the same time.
        self.gic.disable(interrupt);
        works && self.lic.route_to_fiq(interrupt.0)
    }

    fn is_lic_fiq(&self, interrupt: Interrupt) -> bool {
        self.fiq_by_lic.get() == Some(&true) && self.lic.is_fiq(interrupt.0)
    }
}

impl InterruptController for Interrupts {
    fn init_cpu(&self) {
        self.gic.init_cpu();
        self.end_left_over();
        self.enable(timer::INTERRUPT);
    }

    fn enable(&self, interrupt: Interrupt) {
        self.lic.enable(interrupt.0);
        if !self.is_lic_fiq(interrupt) {
            self.gic.enable(interrupt);
        }
    }

    fn disable(&self, interrupt: Interrupt) {
        self.gic.disable(interrupt);
        self.lic.disable(interrupt.0);
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
        // One that came by the LIC was not acknowledged, and ends when its device lets go.
        if !self.is_lic_fiq(interrupt) {
            self.gic.end(interrupt);
        }
    }

    fn raise_here(&self, sgi: u32) {
        self.gic.raise_here(sgi);
    }

    fn route_to_fiq(&self, interrupt: Interrupt) -> bool {
        if self.gic.route_to_fiq(interrupt) {
            // The legacy controller passes the line on as it does for an IRQ.
            self.lic.enable(interrupt.0);
            return true;
        }
        self.route_by_lic(interrupt)
    }

    fn acknowledge_fiq(&self) -> Option<Interrupt> {
        if self.fiq_by_lic.get() == Some(&true) {
            return self.lic.pending_fiq().map(Interrupt);
        }
        self.gic.acknowledge_fiq()
    }
}
