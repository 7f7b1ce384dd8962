//! ARM GIC, versions 1 and 2 (ARM IHI 0048B).
//!
//! Where interrupts can be grouped (GICv2, and GICv1 with the Security Extensions in Secure state), all are put into group 1,
//! which is delivered as IRQ, and those for the debugger into group 0, delivered as FIQ (GICC_CTLR.FIQEn). GICC_CTLR.AckCtl
//! lets one register acknowledge both groups, as GICv1 has no other way. So an IRQ handler may get hold of a group 0
//! interrupt that became pending between the exception and the read, and an FIQ handler of a group 1 interrupt when its own
//! went away: either puts it back.

use core::sync::atomic::{AtomicU32, Ordering};

use super::Mmio;
use crate::board::{Interrupt, InterruptController};

const GICD_CTLR: usize = 0x000;
const GICD_TYPER: usize = 0x004;
const GICD_IGROUPR: usize = 0x080;
const GICD_ISENABLER: usize = 0x100;
const GICD_ICENABLER: usize = 0x180;
const GICD_ISPENDR: usize = 0x200;
const GICD_ICPENDR: usize = 0x280;
const GICD_ICACTIVER: usize = 0x380;
const GICD_IPRIORITYR: usize = 0x400;
const GICD_ITARGETSR: usize = 0x800;
const GICD_SGIR: usize = 0xf00;

/// GICD_TYPER: the Security Extensions are there.
const TYPER_SECURITY: u32 = 1 << 10;
/// GICD_SGIR: to the requesting CPU only.
const SGIR_SELF: u32 = 0b10 << 24;
/// GICD_SGIR: to group 1, where a Secure write reaches group 0 otherwise (4.3.15).
const SGIR_NSATT: u32 = 1 << 15;
/// GICD_CTLR and GICC_CTLR: groups 0 and 1 on.
const BOTH_GROUPS: u32 = 0b11;
const GICC_ACKCTL: u32 = 1 << 2;
const GICC_FIQEN: u32 = 1 << 3;

const GICC_CTLR: usize = 0x000;
const GICC_PMR: usize = 0x004;
const GICC_BPR: usize = 0x008;
const GICC_IAR: usize = 0x00c;
const GICC_EOIR: usize = 0x010;

/// One priority for all: Nex does not nest interrupts. In the upper half, so that a Non-secure view can hold it
/// (IHI 0048B 3.5.1 / 4.3.11).
const PRIORITY: u32 = 0xa0;
/// What goes to FIQ is above all others.
const FIQ_PRIORITY: u8 = 0x20;
/// 1020 to 1023 are special answers of GICC_IAR, not interrupts.
const FIRST_SPECIAL: u32 = 1020;
/// Interrupts that can be routed to FIQ.
const MAX_FIQ: usize = 4;

/// A GIC: distributor and CPU interface.
pub struct Gic {
    distributor: Mmio,
    cpu: Mmio,
    lines: u32,
    /// Whether interrupts can be grouped here.
    groups: bool,
    /// What was put into group 0; [`FIRST_SPECIAL`] where free.
    fiq: [AtomicU32; MAX_FIQ],
    /// What a software interrupt's request needs besides its number.
    sgi_bits: u32,
}

impl Gic {
    /// Takes the GIC over: all interrupts disabled, not pending, targeted at the boot CPU.
    pub fn new(distributor: Mmio, cpu: Mmio) -> Self {
        Self::take_over(distributor, cpu, true)
    }

    /// The same without grouping, on a board that has another way to FIQ: everything stays in group 0 and comes as IRQ, and
    /// FIQs from elsewhere pass the CPU interface by (FIQEn = 0; 2.3).
    pub fn without_groups(distributor: Mmio, cpu: Mmio) -> Self {
        Self::take_over(distributor, cpu, false)
    }

    fn take_over(distributor: Mmio, cpu: Mmio, grouping: bool) -> Self {
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
        // Read-as-zero where the other security state owns the groups, and where there are none.
        distributor.write(GICD_IGROUPR + 4, !0);
        let groups = grouping && distributor.read(GICD_IGROUPR + 4) != 0;
        let group = if groups { !0 } else { 0 };
        (1..lines as usize / 32).for_each(|n| distributor.write(GICD_IGROUPR + 4 * n, group));
        let security = distributor.read(GICD_TYPER) & TYPER_SECURITY != 0;
        distributor.write(GICD_CTLR, if groups { BOTH_GROUPS } else { 1 });
        let sgi_bits = SGIR_SELF | if groups && security { SGIR_NSATT } else { 0 };
        let fiq = [const { AtomicU32::new(FIRST_SPECIAL) }; MAX_FIQ];
        Gic { distributor, cpu, lines, groups, fiq, sgi_bits }
    }
}

impl Gic {
    fn is_fiq(&self, iar: u32) -> bool {
        self.fiq.iter().any(|slot| slot.load(Ordering::Relaxed) == iar)
    }

    /// Makes an acknowledged interrupt pending again.
    fn put_back(&self, interrupt: Interrupt) {
        let number = interrupt.0 & 0x3ff;
        self.distributor.write(GICD_ISPENDR + number as usize / 32 * 4, 1 << (number % 32));
        self.end(interrupt);
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
        if self.groups {
            self.distributor.write(GICD_IGROUPR, !0);
            self.cpu.write(GICC_CTLR, BOTH_GROUPS | GICC_ACKCTL | GICC_FIQEN);
        } else {
            self.distributor.write(GICD_IGROUPR, 0);
            self.cpu.write(GICC_CTLR, 1);
        }
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
        if self.is_fiq(iar) {
            // Its FIQ is taken as soon as it is pending again, which a level is at once; an IRQ that waits behind it comes
            // again then. Asking for that one here could go on for ever: this load may take the FIQ's interrupt each time
            // before the CPU looks at the line.
            self.put_back(Interrupt(iar));
            return None;
        }
        (iar & 0x3ff < FIRST_SPECIAL).then_some(Interrupt(iar))
    }

    fn end(&self, interrupt: Interrupt) {
        self.cpu.write(GICC_EOIR, interrupt.0);
    }

    fn raise_here(&self, sgi: u32) {
        self.distributor.write(GICD_SGIR, self.sgi_bits | sgi & 0xf);
    }

    fn route_to_fiq(&self, interrupt: Interrupt) -> bool {
        if !self.groups || interrupt.0 >= self.lines {
            return false;
        }
        let Some(slot) = self.fiq.iter().find(|slot| slot.load(Ordering::Relaxed) == FIRST_SPECIAL) else {
            return false;
        };
        slot.store(interrupt.0, Ordering::Relaxed);
        let group = GICD_IGROUPR + interrupt.0 as usize / 32 * 4;
        self.distributor.write(group, self.distributor.read(group) & !(1 << (interrupt.0 % 32)));
        self.distributor.write8(GICD_IPRIORITYR + interrupt.0 as usize, FIQ_PRIORITY);
        self.enable(interrupt);
        true
    }

    fn acknowledge_fiq(&self) -> Option<Interrupt> {
        let iar = self.cpu.read(GICC_IAR);
        if self.is_fiq(iar) {
            return Some(Interrupt(iar));
        }
        if iar & 0x3ff < FIRST_SPECIAL {
            self.put_back(Interrupt(iar));
        }
        None
    }
}
