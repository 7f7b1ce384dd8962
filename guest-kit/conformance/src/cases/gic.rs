//! The GICv2 without Security Extensions (ARM IHI 0048B): states, priorities, preemption, split completion.
//!
//! Interrupts are looked at by GICC_IAR with the CPU's own IRQs masked, unless a case is about taking them.

use crate::harness::gic::*;
use crate::harness::layout::{GICC, GICD};
use crate::harness::mmio::{read8, read32, write8, write32};
use crate::harness::report::{Case, case};

/// An SPI of this machine that nothing is connected to.
pub(super) const SPI: u32 = 32 + 40;
/// No interrupt.
pub(super) const SPURIOUS: u32 = 1023;

pub(super) fn bit(base: u32, n: u32) -> u32 {
    read32(base + n / 32 * 4) >> (n % 32) & 1
}

pub(super) fn set(base: u32, n: u32) {
    write32(base + n / 32 * 4, 1 << (n % 32));
}

pub(super) fn priority(n: u32, value: u8) {
    write8(GICD_IPRIORITYR + n, value);
}

pub(super) fn fresh(work: impl FnOnce()) {
    reset();
    enable();
    work();
    reset();
}

/// Acknowledges; without the source CPU, which is 0.
pub(super) fn acknowledge(c: &mut Case, want: u32) {
    c.eq("IAR", read32(GICC_IAR), want);
}

pub(crate) fn cases() {
    identification();
    enables();
    pending();
    active();
    completion();
    split();
    software_generated();
    peripherals();
    registers();
}

fn identification() {
    case!("gic.typer"; |c| {
        let typer = read32(GICD + 4);
        c.holds("lines", typer & 0x1f >= 2);
        c.eq("one CPU", typer >> 5 & 7, 0);
        c.eq("no Security Extensions", typer >> 10 & 1, 0);
    });
    case!("gic.version"; |c| {
        // Peripheral ID 2, architecture revision; GICC_IIDR the same.
        c.eq("distributor", read32(GICD + 0xfe8) >> 4 & 0xf, 2);
        c.eq("CPU interface", read32(GICC + 0xfc) >> 16 & 0xf, 2);
        c.eq("implementer", read32(GICC + 0xfc) & 0xfff, 0x43b);
    });
    case!("gic.component-id"; |c| {
        for (n, value) in [0x0d, 0xf0, 0x05, 0xb1].into_iter().enumerate() {
            c.eq("CIDR", read32(GICD + 0xff0 + 4 * n as u32), value);
        }
    });
}

fn enables() {
    case!("gic.enable.spi"; |c| fresh(|| {
        for n in [32, 33, 47, 63, 64, 95] {
            c.eq("off", bit(GICD_ISENABLER, n), 0);
            set(GICD_ISENABLER, n);
            c.eq("on", bit(GICD_ISENABLER, n), 1);
            c.eq("on, by the other", bit(GICD_ICENABLER, n), 1);
            write32(GICD_ISENABLER + n / 32 * 4, 0);
            c.eq("zero does nothing", bit(GICD_ISENABLER, n), 1);
            set(GICD_ICENABLER, n);
            c.eq("off again", bit(GICD_ISENABLER, n), 0);
        }
    }));
    case!("gic.enable.sgi-always"; |c| fresh(|| {
        // SGIs of this GIC are always enabled (4.3.5 leaves the choice).
        write32(GICD_ICENABLER, 0xffff);
        c.eq("SGIs", read32(GICD_ISENABLER) & 0xffff, 0xffff);
    }));
    case!("gic.enable.ppi"; |c| fresh(|| {
        for n in 26..31 {
            set(GICD_ISENABLER, n);
            c.eq("on", bit(GICD_ISENABLER, n), 1);
            set(GICD_ICENABLER, n);
            c.eq("off", bit(GICD_ISENABLER, n), 0);
        }
    }));
    case!("gic.enable.stops"; |c| fresh(|| {
        set(GICD_ISPENDR, SPI);
        acknowledge(c, SPURIOUS);
        enable_irq(SPI);
        c.eq("HPPIR", read32(GICC_HPPIR), SPI);
        write32(GICD_CTLR, 0);
        acknowledge(c, SPURIOUS);
        write32(GICD_CTLR, 1);
        write32(GICC_CTLR, 0);
        acknowledge(c, SPURIOUS);
        write32(GICC_CTLR, 1);
        acknowledge(c, SPI);
        write32(GICC_EOIR, SPI);
        acknowledge(c, SPURIOUS);
    }));
}

fn pending() {
    case!("gic.pending.spi"; |c| fresh(|| {
        enable_irq(SPI);
        for _ in 0..2 {
            set(GICD_ISPENDR, SPI);
            c.eq("pending", bit(GICD_ISPENDR, SPI), 1);
            c.eq("pending, by the other", bit(GICD_ICPENDR, SPI), 1);
            c.eq("HPPIR", read32(GICC_HPPIR), SPI);
            set(GICD_ICPENDR, SPI);
            c.eq("cleared", bit(GICD_ISPENDR, SPI), 0);
            acknowledge(c, SPURIOUS);
        }
    }));
    case!("gic.pending.sgi-read-only"; |c| fresh(|| {
        // Pending state of SGIs is set by GICD_SGIR and GICD_SPENDSGIR only (4.3.7).
        write32(GICD_ISPENDR, 0xffff);
        c.eq("ISPENDR", read32(GICD_ISPENDR) & 0xffff, 0);
    }));
    case!("gic.pending.disabled"; |c| fresh(|| {
        set(GICD_ISPENDR, SPI);
        c.eq("pending", bit(GICD_ISPENDR, SPI), 1);
        c.eq("HPPIR", read32(GICC_HPPIR), SPURIOUS);
        enable_irq(SPI);
        acknowledge(c, SPI);
        c.eq("no longer pending", bit(GICD_ISPENDR, SPI), 0);
        write32(GICC_EOIR, SPI);
    }));
}

fn active() {
    case!("gic.active.life"; |c| fresh(|| {
        enable_irq(SPI);
        set(GICD_ISPENDR, SPI);
        c.eq("idle", bit(GICD_ISACTIVER, SPI), 0);
        acknowledge(c, SPI);
        c.eq("active", bit(GICD_ISACTIVER, SPI), 1);
        // Pending again while active: not signalled until it is over.
        set(GICD_ISPENDR, SPI);
        c.eq("active and pending", bit(GICD_ISPENDR, SPI), 1);
        acknowledge(c, SPURIOUS);
        write32(GICC_EOIR, SPI);
        c.eq("inactive", bit(GICD_ISACTIVER, SPI), 0);
        acknowledge(c, SPI);
        write32(GICC_EOIR, SPI);
        acknowledge(c, SPURIOUS);
    }));
    case!("gic.active.by-register"; |c| fresh(|| {
        enable_irq(SPI);
        set(GICD_ISACTIVER, SPI);
        c.eq("active", bit(GICD_ISACTIVER, SPI), 1);
        set(GICD_ISPENDR, SPI);
        acknowledge(c, SPURIOUS);
        set(GICD_ICACTIVER, SPI);
        c.eq("inactive", bit(GICD_ICACTIVER, SPI), 0);
        acknowledge(c, SPI);
        write32(GICC_EOIR, SPI);
    }));
}

fn completion() {
    case!("gic.eoi.spurious"; |c| fresh(|| {
        enable_irq(SPI);
        set(GICD_ISPENDR, SPI);
        acknowledge(c, SPI);
        // Ending the spurious interrupt does nothing.
        write32(GICC_EOIR, SPURIOUS);
        c.eq("still active", bit(GICD_ISACTIVER, SPI), 1);
        c.eq("RPR", read32(GICC_RPR), 0xa0);
        write32(GICC_EOIR, SPI);
        c.eq("inactive", bit(GICD_ISACTIVER, SPI), 0);
        c.eq("RPR", read32(GICC_RPR), 0xff);
    }));
    case!("gic.iar.spurious"; |c| fresh(|| {
        for _ in 0..3 {
            acknowledge(c, SPURIOUS);
            c.eq("RPR", read32(GICC_RPR), 0xff);
        }
    }));
}

/// GICC_CTLR.EOImode: EOIR drops the priority, DIR deactivates (3.2.1).
fn split() {
    case!("gic.eoimode"; |c| fresh(|| {
        write32(GICC_CTLR, 1 | 1 << 9);
        c.eq("CTLR", read32(GICC_CTLR) & 0x201, 0x201);
        enable_irq(SPI);
        enable_irq(SPI + 1);
        set(GICD_ISPENDR, SPI);
        acknowledge(c, SPI);
        write32(GICC_EOIR, SPI);
        c.eq("priority dropped", read32(GICC_RPR), 0xff);
        c.eq("active", bit(GICD_ISACTIVER, SPI), 1);
        // Others come, this one not.
        set(GICD_ISPENDR, SPI);
        acknowledge(c, SPURIOUS);
        set(GICD_ISPENDR, SPI + 1);
        acknowledge(c, SPI + 1);
        write32(GICC_EOIR, SPI + 1);
        write32(GICC_DIR, SPI + 1);
        write32(GICC_DIR, SPI);
        c.eq("inactive", bit(GICD_ISACTIVER, SPI), 0);
        acknowledge(c, SPI);
        write32(GICC_EOIR, SPI);
        write32(GICC_DIR, SPI);
        c.eq("inactive", bit(GICD_ISACTIVER, SPI), 0);
    }));
}

fn software_generated() {
    for n in 0..16 {
        case!("gic.sgi.{n}"; |c| {
            // To itself by filter, and by list.
            for value in [2 << 24 | n, 1 << 16 | n] {
                fresh(|| {
                    enable_irq(n);
                    write32(GICD_SGIR, value);
                    c.eq("pending", read32(GICD_ISPENDR) & 0xffff, 1 << n);
                    c.eq("source", read8(GICD + 0xf20 + n).into(), 1);
                    // Twice is once.
                    write32(GICD_SGIR, value);
                    acknowledge(c, n);
                    c.eq("no longer pending", read32(GICD_ISPENDR) & 0xffff, 0);
                    c.eq("active", read32(GICD_ISACTIVER) & 0xffff, 1 << n);
                    acknowledge(c, SPURIOUS);
                    write32(GICC_EOIR, n);
                    acknowledge(c, SPURIOUS);
                });
            }
        });
    }
    case!("gic.sgi.others"; |c| fresh(|| {
        // All others: there are none.
        enable_irq(5);
        write32(GICD_SGIR, 1 << 24 | 5);
        acknowledge(c, SPURIOUS);
        // An empty list.
        write32(GICD_SGIR, 5);
        acknowledge(c, SPURIOUS);
    }));
    case!("gic.sgi.set-clear"; |c| fresh(|| {
        enable_irq(9);
        write8(GICD + 0xf20 + 9, 1);
        c.eq("HPPIR", read32(GICC_HPPIR), 9);
        write8(GICD + 0xf10 + 9, 1);
        c.eq("HPPIR", read32(GICC_HPPIR), SPURIOUS);
    }));
    case!("gic.sgi.order"; |c| fresh(|| {
        for n in 0..16 {
            enable_irq(n);
            priority(n, if n & 1 == 0 { 0x80 } else { 0x40 });
            send_sgi(n);
        }
        for n in (1..16).step_by(2).chain((0..16).step_by(2)) {
            acknowledge(c, n);
            write32(GICC_EOIR, n);
        }
        acknowledge(c, SPURIOUS);
    }));
}

/// Targets of SPIs on one CPU, and configuration bits.
fn peripherals() {
    case!("gic.targets"; |c| fresh(|| {
        // With one processor these read as zero (4.3.12).
        c.note(read8(GICD_ITARGETSR + SPI).into());
        c.note(read32(GICD_ITARGETSR));
    }));
    case!("gic.config"; |c| fresh(|| {
        // SGIs are edges; SPIs as written.
        c.eq("SGIs", read32(GICD_ICFGR), 0xaaaa_aaaa);
        for value in [0xaaaa_aaaa, 0, 0x0808_0202] {
            write32(GICD_ICFGR + 4 * (SPI / 16), value);
            c.eq("SPIs", read32(GICD_ICFGR + 4 * (SPI / 16)) & 0xaaaa_aaaa, value);
        }
    }));
}

fn registers() {
    case!("gic.ctlr"; |c| {
        reset();
        for value in [1, 0, 1, 0] {
            write32(GICD_CTLR, value);
            c.eq("GICD_CTLR", read32(GICD_CTLR) & 1, value);
            write32(GICC_CTLR, value);
            c.eq("GICC_CTLR", read32(GICC_CTLR) & 1, value);
        }
        reset();
    });
    case!("gic.bytes-and-words"; |c| {
        reset();
        // Priorities and targets by byte, half and word agree.
        for n in 0..4 {
            write8(GICD_IPRIORITYR + SPI + n, 0x10 * (n as u8 + 1));
        }
        c.eq("word", read32(GICD_IPRIORITYR + SPI), 0x4030_2010);
        c.eq("half", crate::harness::mmio::read16(GICD_IPRIORITYR + SPI + 2).into(), 0x4030);
        reset();
    });
    case!("gic.beyond"; |c| {
        reset();
        // Interrupts that do not exist: read as zero, writes ignored.
        let last = read32(GICD + 4) & 0x1f;
        if last < 31 {
            write32(GICD_ISENABLER + 4 * (last + 1), !0);
            c.eq("ISENABLER", read32(GICD_ISENABLER + 4 * (last + 1)), 0);
        }
        reset();
    });
}
