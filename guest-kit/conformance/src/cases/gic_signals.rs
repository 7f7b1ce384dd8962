//! The GICv2: priorities, groups, sources, and what reaches the CPU (IHI 0048B 2.3, 3.3).

use super::gic::{SPI, SPURIOUS, acknowledge, bit, fresh, priority, set};
use crate::harness::code::{a32, both};
use crate::harness::gic::*;
use crate::harness::layout::UART;
use crate::harness::mmio::{read8, read32, write32};
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run, psr};

pub(crate) fn cases() {
    priorities();
    masks();
    preemption();
    binary_point();
    groups();
    levels();
    taken();
}

fn priorities() {
    case!("gic.priority.bits"; |c| fresh(|| {
        // How many bits there are is the implementation's; at least 16 levels (3.3).
        priority(SPI, 0xff);
        let mask = read8(GICD_IPRIORITYR + SPI);
        c.eq("upper bits", u32::from(mask) & 0xf0, 0xf0);
        for value in [0, 0x10, 0x80, 0xa0, 0xf0] {
            priority(SPI, value);
            c.eq("priority", read8(GICD_IPRIORITYR + SPI).into(), value.into());
        }
        // Four at once.
        write32(GICD_IPRIORITYR + SPI, 0x1020_3040);
        for (n, value) in [0x40, 0x30, 0x20, 0x10].into_iter().enumerate() {
            c.eq("byte", read8(GICD_IPRIORITYR + SPI + n as u32).into(), value);
        }
    }));
    case!("gic.priority.order"; |c| fresh(|| {
        for (n, value) in [(SPI, 0x80), (SPI + 1, 0x40), (SPI + 2, 0xc0), (SPI + 3, 0x40)] {
            enable_irq(n);
            priority(n, value);
            set(GICD_ISPENDR, n);
        }
        // By priority, and among equals the lowest number (3.2.1).
        for n in [SPI + 1, SPI + 3, SPI, SPI + 2] {
            c.eq("HPPIR", read32(GICC_HPPIR), n);
            acknowledge(c, n);
            write32(GICC_EOIR, n);
        }
        acknowledge(c, SPURIOUS);
    }));
    case!("gic.priority.change-while-pending"; |c| fresh(|| {
        for n in [SPI, SPI + 1] {
            enable_irq(n);
            set(GICD_ISPENDR, n);
        }
        c.eq("first", read32(GICC_HPPIR), SPI);
        priority(SPI + 1, 0x20);
        c.eq("then", read32(GICC_HPPIR), SPI + 1);
    }));
}

/// GICC_PMR: only what is of strictly higher priority is signalled.
fn masks() {
    case!("gic.pmr"; |c| fresh(|| {
        enable_irq(SPI);
        priority(SPI, 0x80);
        set(GICD_ISPENDR, SPI);
        for (mask, signalled) in [(0, false), (0x40, false), (0x80, false), (0x90, true), (0xf0, true)] {
            write32(GICC_PMR, mask);
            c.eq("PMR", read32(GICC_PMR), mask);
            let trap = Run::new(a32!("mrc p15, 0, r0, c12, c1, 0")).go();
            c.eq("ISR", trap.r(0), if signalled { psr::I } else { 0 });
        }
        acknowledge(c, SPI);
        write32(GICC_EOIR, SPI);
    }));
    case!("gic.pmr.iar"; |c| fresh(|| {
        enable_irq(SPI);
        priority(SPI, 0x80);
        set(GICD_ISPENDR, SPI);
        write32(GICC_PMR, 0x80);
        acknowledge(c, SPURIOUS);
        write32(GICC_PMR, 0xf8);
        acknowledge(c, SPI);
        write32(GICC_EOIR, SPI);
    }));
}

fn preemption() {
    case!("gic.preemption"; |c| fresh(|| {
        for (n, value) in [(SPI, 0xc0), (SPI + 1, 0x80), (SPI + 2, 0x40), (SPI + 3, 0x80)] {
            enable_irq(n);
            priority(n, value);
        }
        c.eq("idle", read32(GICC_RPR), 0xff);
        set(GICD_ISPENDR, SPI);
        acknowledge(c, SPI);
        c.eq("RPR", read32(GICC_RPR), 0xc0);
        // A more urgent one preempts, an equal one does not.
        set(GICD_ISPENDR, SPI + 1);
        acknowledge(c, SPI + 1);
        c.eq("RPR", read32(GICC_RPR), 0x80);
        set(GICD_ISPENDR, SPI + 3);
        acknowledge(c, SPURIOUS);
        set(GICD_ISPENDR, SPI + 2);
        acknowledge(c, SPI + 2);
        c.eq("RPR", read32(GICC_RPR), 0x40);
        write32(GICC_EOIR, SPI + 2);
        c.eq("RPR", read32(GICC_RPR), 0x80);
        acknowledge(c, SPURIOUS);
        write32(GICC_EOIR, SPI + 1);
        c.eq("RPR", read32(GICC_RPR), 0xc0);
        acknowledge(c, SPI + 3);
        write32(GICC_EOIR, SPI + 3);
        write32(GICC_EOIR, SPI);
        c.eq("idle", read32(GICC_RPR), 0xff);
    }));
}

/// GICC_BPR: the bits of a priority above the point decide about preemption (3.3.3).
fn binary_point() {
    case!("gic.bpr"; |c| {
        for bpr in 3..8u32 {
            for (running, new) in [(0x80u8, 0x70u8), (0x80, 0x78), (0x88, 0x80), (0x90, 0x80), (0xc0, 0x80), (0x80, 0x00)] {
                fresh(|| {
                    write32(GICC_BPR, bpr);
                    c.eq("BPR", read32(GICC_BPR), bpr);
                    for (n, value) in [(SPI, running), (SPI + 1, new)] {
                        enable_irq(n);
                        priority(n, value);
                    }
                    set(GICD_ISPENDR, SPI);
                    acknowledge(c, SPI);
                    set(GICD_ISPENDR, SPI + 1);
                    let group = |value: u8| u32::from(value) >> (bpr + 1);
                    let preempts = group(new) < group(running);
                    acknowledge(c, if preempts { SPI + 1 } else { SPURIOUS });
                    if preempts {
                        write32(GICC_EOIR, SPI + 1);
                    }
                    write32(GICC_EOIR, SPI);
                });
            }
        }
    });
}

/// Group 1 has enables, acknowledge and end of its own; group 0 can be FIQ (2.3.2, 4.4.1).
fn groups() {
    case!("gic.group.registers"; |c| fresh(|| {
        for word in 0..INTERRUPTS / 32 {
            c.eq("group 0 first", read32(GICD_IGROUPR + 4 * word), 0);
        }
        for value in [0xffff_ffff, 0x5555_aaaa, 0] {
            write32(GICD_IGROUPR + 8, value);
            c.eq("IGROUPR", read32(GICD_IGROUPR + 8), value);
        }
        for value in [3, 2, 1, 0] {
            write32(GICD_CTLR, value);
            c.eq("GICD_CTLR", read32(GICD_CTLR), value);
        }
        for value in [0x1f, 0x0a, 0x02, 0] {
            write32(GICC_CTLR, value);
            c.eq("GICC_CTLR", read32(GICC_CTLR), value);
        }
    }));
    case!("gic.group.acknowledge"; |c| fresh(|| {
        write32(GICD_CTLR, 3);
        write32(GICC_CTLR, 3);
        enable_irq(SPI);
        set(GICD_IGROUPR, SPI);
        set(GICD_ISPENDR, SPI);
        // Without AckCtl the aliased registers are needed, which QEMU 7.2 has not.
        c.eq("HPPIR", read32(GICC_HPPIR), 1022);
        c.eq("IAR", read32(GICC_IAR), 1022);
        c.eq("not active", bit(GICD_ISACTIVER, SPI), 0);
        // With AckCtl they are not.
        write32(GICC_CTLR, 7);
        c.eq("HPPIR", read32(GICC_HPPIR), SPI);
        c.eq("IAR", read32(GICC_IAR), SPI);
        c.eq("active", bit(GICD_ISACTIVER, SPI), 1);
        write32(GICC_EOIR, SPI);
        c.eq("inactive", bit(GICD_ISACTIVER, SPI), 0);
    }));
    case!("gic.group.enables"; |c| {
        // Distributor and CPU interface must both have the group on.
        for group in [0, 1] {
            for distributor in 0..4u32 {
                for interface in 0..4u32 {
                    fresh(|| {
                        write32(GICD_CTLR, distributor);
                        write32(GICC_CTLR, interface);
                        enable_irq(SPI);
                        write32(GICD_IGROUPR + 8, group << (SPI % 32));
                        set(GICD_ISPENDR, SPI);
                        let trap = Run::new(a32!("mrc p15, 0, r0, c12, c1, 0")).go();
                        let on = distributor & interface & (1 << group) != 0;
                        c.eq("ISR", trap.r(0), if on { psr::I } else { 0 });
                    });
                }
            }
        }
    });
    case!("gic.group.fiq"; |c| fresh(|| {
        write32(GICD_CTLR, 3);
        write32(GICC_CTLR, 3 | 1 << 3);
        for n in [SPI, SPI + 1] {
            enable_irq(n);
        }
        set(GICD_IGROUPR, SPI + 1);
        let isr = || Run::new(a32!("mrc p15, 0, r0, c12, c1, 0")).go().r(0);
        set(GICD_ISPENDR, SPI + 1);
        c.eq("group 1 is IRQ", isr(), psr::I);
        set(GICD_ISPENDR, SPI);
        c.eq("group 0 is FIQ", isr(), psr::F);
        c.eq("IAR", read32(GICC_IAR), SPI);
        write32(GICC_EOIR, SPI);
        c.eq("group 1 again", isr(), psr::I);
    }));
}

/// A level-sensitive source: the PL011's transmit interrupt, asserted while it is enabled in the UART. An edge is
/// remembered, a level is not.
fn levels() {
    const UART_IRQ: u32 = 33;
    // UARTIMSC, UARTRIS, UARTICR; transmit is bit 5.
    let (imsc, ris, icr) = (UART + 0x38, UART + 0x3c, UART + 0x44);
    // The transmit interrupt is raised once something has been sent, as has been.
    case!("gic.level"; |c| fresh(|| {
        c.eq("UART transmit", read32(ris) >> 5 & 1, 1);
        enable_irq(UART_IRQ);
        acknowledge(c, SPURIOUS);
        write32(imsc, 1 << 5);
        c.eq("pending", bit(GICD_ISPENDR, UART_IRQ), 1);
        acknowledge(c, UART_IRQ);
        c.eq("active", bit(GICD_ISACTIVER, UART_IRQ), 1);
        c.eq("pending as long as asserted", bit(GICD_ISPENDR, UART_IRQ), 1);
        write32(GICC_EOIR, UART_IRQ);
        // Still asserted: again.
        acknowledge(c, UART_IRQ);
        write32(imsc, 0);
        c.eq("no longer pending", bit(GICD_ISPENDR, UART_IRQ), 0);
        write32(GICC_EOIR, UART_IRQ);
        acknowledge(c, SPURIOUS);
    }));
    case!("gic.level.withdrawn"; |c| fresh(|| {
        enable_irq(UART_IRQ);
        write32(imsc, 1 << 5);
        c.eq("HPPIR", read32(GICC_HPPIR), UART_IRQ);
        write32(imsc, 0);
        acknowledge(c, SPURIOUS);
    }));
    case!("gic.edge"; |c| fresh(|| {
        write32(GICD_ICFGR + 4 * (UART_IRQ / 16), 2 << (2 * (UART_IRQ % 16)));
        enable_irq(UART_IRQ);
        write32(imsc, 1 << 5);
        write32(imsc, 0);
        c.eq("remembered", bit(GICD_ISPENDR, UART_IRQ), 1);
        acknowledge(c, UART_IRQ);
        write32(GICC_EOIR, UART_IRQ);
        acknowledge(c, SPURIOUS);
        // Asserted for long is one edge.
        write32(imsc, 1 << 5);
        acknowledge(c, UART_IRQ);
        write32(GICC_EOIR, UART_IRQ);
        acknowledge(c, SPURIOUS);
        write32(imsc, 0);
        acknowledge(c, SPURIOUS);
    }));
    // Leaves the UART's interrupt as it was.
    write32(icr, 0);
}

/// Taken by the CPU: nested, in every mode, in either instruction set, and by WFI.
fn taken() {
    for code in both!("movw r0, #0xffff", "1: subs r0, r0, #1", "bne 1b") {
        for mode in Mode::ALL {
            case!("gic.taken.{}.{}", mode.name(), code.isa.name(); |c| fresh(|| {
                for (n, value) in [(SPI, 0x80), (SPI + 1, 0x40), (SPI + 2, 0xc0)] {
                    enable_irq(n);
                    priority(n, value);
                }
                set(GICD_ISPENDR, SPI + 2);
                let mut trap = Run::new(code).mode(mode).psr(0, psr::I).go();
                for (n, next) in [(SPI + 2, Some(SPI)), (SPI, Some(SPI + 1)), (SPI + 1, None)] {
                    trap.check(c, Kind::Irq, &[]);
                    acknowledge(c, n);
                    if let Some(next) = next {
                        // A handler that allows others, as the interrupted code would be: in the same mode.
                        set(GICD_ISPENDR, next);
                        trap = trap.resume(0).go();
                    }
                }
                for n in [SPI + 1, SPI, SPI + 2] {
                    write32(GICC_EOIR, n);
                }
                let trap = trap.resume(0).go();
                c.eq("kind", trap.kind as u32, Kind::Done as u32);
            }));
        }
    }
    for code in both!("wfi", "mov r0, #1") {
        for mode in Mode::PRIVILEGED {
            case!("gic.wfi-pending.{}.{}", mode.name(), code.isa.name(); |c| fresh(|| {
                // WFI goes on for a pending interrupt although it is masked (B1.8.14).
                enable_irq(SPI);
                set(GICD_ISPENDR, SPI);
                let trap = Run::new(code).mode(mode).go();
                trap.check(c, Kind::Done, &[(0, 1)]);
                acknowledge(c, SPI);
                write32(GICC_EOIR, SPI);
            }));
        }
    }
}
