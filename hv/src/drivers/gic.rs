//! ARM GIC, versions 1 and 2 (ARM IHI 0048B), without interrupt grouping: everything is delivered as IRQ.

use super::Mmio;
use crate::board::{Interrupt, InterruptController};

const GICD_CTLR: usize = 0x000;
const GICD_TYPER: usize = 0x004;
const GICD_ISENABLER: usize = 0x100;
const GICD_ICENABLER: usize = 0x180;
const GICD_ICPENDR: usize = 0x280;
const GICD_ICACTIVER: usize = 0x380;
const GICD_IPRIORITYR: usize = 0x400;
const GICD_ITARGETSR: usize = 0x800;

const GICC_CTLR: usize = 0x000;
const GICC_PMR: usize = 0x004;
const GICC_BPR: usize = 0x008;
const GICC_IAR: usize = 0x00c;
const GICC_EOIR: usize = 0x010;

/// One priority for all: Nex does not nest interrupts. In the upper half, so that a Non-secure view can hold it
/// (IHI 0048B 3.5.1 / 4.3.11).
const PRIORITY: u32 = 0xa0;
/// 1020 to 1023 are special answers of GICC_IAR, not interrupts.
const FIRST_SPECIAL: u32 = 1020;

/// A GIC: distributor and CPU interface.
pub struct Gic {
    distributor: Mmio,
    cpu: Mmio,
    lines: u32,
}

impl Gic {
    /// Takes the GIC over: all interrupts disabled, not pending, targeted at the boot CPU.
    pub fn new(distributor: Mmio, cpu: Mmio) -> Self {
        distributor.write(GICD_CTLR, 0);
        let lines = 32 * ((distributor.read(GICD_TYPER) & 0x1f) + 1);
        // ITARGETSR0 reads as the mask of the reading CPU; 0 on a uniprocessor GIC, where targets do not matter.
        let me = distributor.read(GICD_ITARGETSR) & 0xff;
        for n in (32..lines).step_by(32) {
            let word = n as usize / 8;
            distributor.write(GICD_ICENABLER + word, !0);
            distributor.write(GICD_ICPENDR + word, !0);
            distributor.write(GICD_ICACTIVER + word, !0);
        }
        for n in (32..lines as usize).step_by(4) {
            distributor.write(GICD_IPRIORITYR + n, PRIORITY * 0x0101_0101);
            distributor.write(GICD_ITARGETSR + n, me * 0x0101_0101);
        }
        distributor.write(GICD_CTLR, 1);
        Gic { distributor, cpu, lines }
    }
}

impl InterruptController for Gic {
    fn init_cpu(&self) {
        // SGIs and PPIs are banked by CPU: ICENABLER0, IPRIORITYR0-7.
        self.distributor.write(GICD_ICENABLER, 0xffff_0000);
        self.distributor.write(GICD_ICPENDR, 0xffff_0000);
        for n in (0..32).step_by(4) {
            self.distributor.write(GICD_IPRIORITYR + n, PRIORITY * 0x0101_0101);
        }
        self.cpu.write(GICC_PMR, 0xf0);
        self.cpu.write(GICC_BPR, 0);
        self.cpu.write(GICC_CTLR, 1);
    }

    fn enable(&self, interrupt: Interrupt) {
        if interrupt.0 < self.lines {
            self.distributor.write(GICD_ISENABLER + interrupt.0 as usize / 32 * 4, 1 << (interrupt.0 % 32));
        }
    }

    fn disable(&self, interrupt: Interrupt) {
        if interrupt.0 < self.lines {
            self.distributor.write(GICD_ICENABLER + interrupt.0 as usize / 32 * 4, 1 << (interrupt.0 % 32));
        }
    }

    fn acknowledge(&self) -> Option<Interrupt> {
        let iar = self.cpu.read(GICC_IAR);
        (iar & 0x3ff < FIRST_SPECIAL).then_some(Interrupt(iar))
    }

    fn end(&self, interrupt: Interrupt) {
        self.cpu.write(GICC_EOIR, interrupt.0);
    }
}
