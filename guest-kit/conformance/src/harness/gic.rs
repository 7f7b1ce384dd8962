//! The GICv2 (ARM IHI 0048B) as far as cases outside its own need it: an interrupt that is there when they want one.

use super::layout::{GICC, GICD};
use super::mmio::{read32, write8, write32};

pub(crate) const GICD_CTLR: u32 = GICD;
pub(crate) const GICD_IGROUPR: u32 = GICD + 0x80;
pub(crate) const GICD_ISENABLER: u32 = GICD + 0x100;
pub(crate) const GICD_ICENABLER: u32 = GICD + 0x180;
pub(crate) const GICD_ISPENDR: u32 = GICD + 0x200;
pub(crate) const GICD_ICPENDR: u32 = GICD + 0x280;
pub(crate) const GICD_ISACTIVER: u32 = GICD + 0x300;
pub(crate) const GICD_ICACTIVER: u32 = GICD + 0x380;
pub(crate) const GICD_IPRIORITYR: u32 = GICD + 0x400;
pub(crate) const GICD_ITARGETSR: u32 = GICD + 0x800;
pub(crate) const GICD_ICFGR: u32 = GICD + 0xc00;
pub(crate) const GICD_SGIR: u32 = GICD + 0xf00;
pub(crate) const GICC_CTLR: u32 = GICC;
pub(crate) const GICC_PMR: u32 = GICC + 4;
pub(crate) const GICC_BPR: u32 = GICC + 8;
pub(crate) const GICC_IAR: u32 = GICC + 0xc;
pub(crate) const GICC_EOIR: u32 = GICC + 0x10;
pub(crate) const GICC_RPR: u32 = GICC + 0x14;
pub(crate) const GICC_HPPIR: u32 = GICC + 0x18;
pub(crate) const GICC_DIR: u32 = GICC + 0x1000;

/// Interrupts 0 to this, exclusive, that the machine uses: SGIs, PPIs and two words of SPIs.
pub(crate) const INTERRUPTS: u32 = 96;

/// Everything off, idle, at priority 0xa0, for CPU 0, level-sensitive.
pub(crate) fn reset() {
    write32(GICC_CTLR, 0);
    write32(GICD_CTLR, 0);
    for word in 0..INTERRUPTS / 32 {
        write32(GICD_ICENABLER + 4 * word, !0);
        write32(GICD_ICPENDR + 4 * word, !0);
        write32(GICD_ICACTIVER + 4 * word, !0);
        write32(GICD_IGROUPR + 4 * word, 0);
    }
    for sgi in 0..16 {
        // GICD_CPENDSGIR: from every CPU.
        write8(GICD + 0xf10 + sgi, 0xff);
    }
    for n in 0..INTERRUPTS {
        write8(GICD_IPRIORITYR + n, 0xa0);
    }
    for n in 32..INTERRUPTS {
        write8(GICD_ITARGETSR + n, 1);
    }
    for word in 2..INTERRUPTS / 16 {
        write32(GICD_ICFGR + 4 * word, 0);
    }
    write32(GICC_PMR, 0xf8);
    write32(GICC_BPR, 0);
}

/// After [`reset`]: enables distributor and CPU interface.
pub(crate) fn enable() {
    write32(GICD_CTLR, 1);
    write32(GICC_CTLR, 1);
}

/// Enables interrupt `n`.
pub(crate) fn enable_irq(n: u32) {
    write32(GICD_ISENABLER + n / 32 * 4, 1 << (n % 32));
}

/// Sends SGI `n` to this CPU.
pub(crate) fn send_sgi(n: u32) {
    write32(GICD_SGIR, 2 << 24 | n);
}

/// Calls `work` with SGI 3 pending, which an unmasked CPU takes as an IRQ.
pub(crate) fn with_pending<T>(work: impl FnOnce() -> T) -> T {
    pending(1, work)
}

/// As [`with_pending`], taken as an FIQ: GICC_CTLR.FIQEn makes that of group 0.
pub(crate) fn with_pending_fiq<T>(work: impl FnOnce() -> T) -> T {
    pending(1 | 1 << 3, work)
}

fn pending<T>(control: u32, work: impl FnOnce() -> T) -> T {
    reset();
    write32(GICD_CTLR, 1);
    write32(GICC_CTLR, control);
    enable_irq(3);
    send_sgi(3);
    let result = work();
    let acknowledged = read32(GICC_IAR);
    write32(GICC_EOIR, acknowledged);
    reset();
    result
}
