//! Cases of devices: random accesses to their registers, what is read compared.
//!
//! Nothing here depends on time: the UART sends nothing, the RTC is not asked for the time, no timer runs.

use crate::log::Log;
use crate::machine::layout::{GICC, GICD, RTC, UART};
use crate::machine::mmio::{read8, read32, write8, write32};
use crate::rng::Rng;

/// SPIs that no device has a line of: 64 to 95.
const FREE: u32 = 64;

/// The GIC as the cases expect it: nothing enabled, pending or active, all priorities 0xa0, edge-triggered.
pub(crate) fn reset() {
    write32(GICC, 0);
    write32(GICD, 0);
    for word in 0..3 {
        for register in [0x180, 0x280, 0x380] {
            write32(GICD + register + 4 * word, !0);
        }
        write32(GICD + 0x80 + 4 * word, 0);
    }
    for word in 0..4 {
        write32(GICD + 0xf10 + 4 * word, !0);
    }
    for word in 0..24 {
        write32(GICD + 0x400 + 4 * word, 0xa0a0_a0a0);
        if word >= 8 {
            write32(GICD + 0x800 + 4 * word, 0x0101_0101);
        }
    }
    for word in 4..6 {
        write32(GICD + 0xc00 + 4 * word, 0xaaaa_aaaa);
    }
    write32(GICC + 4, 0xf8);
    write32(GICC + 8, 0);
}

/// Runs one.
pub(crate) fn run(rng: &mut Rng, log: &mut Log) {
    log.say(format_args!("  devices\n"));
    match rng.below(4) {
        0 => uart(rng, log),
        1 => rtc(rng, log),
        _ => gic(rng, log),
    }
    reset();
}

/// GICv2 (ARM IHI 0048B): SGIs and free SPIs, made pending, acknowledged and ended in any order of priority.
fn gic(rng: &mut Rng, log: &mut Log) {
    write32(GICD, 1);
    write32(GICC, 1);
    // Acknowledged and not ended, the last one last.
    let mut active = [0; 16];
    let mut depth = 0;
    for _ in 0..32 {
        let id = if rng.percent(40) { rng.below(16) } else { FREE + rng.below(32) };
        let (word, bit) = (id / 32 * 4, 1 << (id % 32));
        match rng.below(12) {
            0 | 1 => write32(GICD + 0x100 + word, bit),
            2 => write32(GICD + 0x180 + word, bit),
            3 | 4 if id >= FREE => write32(GICD + 0x200 + word, bit),
            3 | 4 => write32(GICD + 0xf00, 2 << 24 | id),
            5 if id >= FREE => write32(GICD + 0x280 + word, bit),
            5 => write8(GICD + 0xf10 + id, 1),
            6 => {
                let priority = rng.below(32) << 3;
                write8(GICD + 0x400 + id, priority as u8);
            }
            7 => write32(GICC + 4, rng.below(32) << 3),
            // Not while an interrupt is active, whose running priority is by the old value.
            8 if depth == 0 => write32(GICC + 8, rng.below(8)),
            9 | 10 if depth < active.len() => {
                let acknowledged = read32(GICC + 0xc);
                log.note("IAR", acknowledged);
                if acknowledged & 0x3ff < 1020 {
                    active[depth] = acknowledged;
                    depth += 1;
                }
            }
            _ if depth > 0 => {
                depth -= 1;
                write32(GICC + 0x10, active[depth]);
            }
            _ => {}
        }
        look_at_gic(rng, log, id);
    }
    while depth > 0 {
        depth -= 1;
        write32(GICC + 0x10, active[depth]);
        log.note("RPR", read32(GICC + 0x14));
    }
}

fn look_at_gic(rng: &mut Rng, log: &mut Log, id: u32) {
    let word = id / 32 * 4;
    match rng.below(9) {
        0 => log.note("ISENABLER", read32(GICD + 0x100 + word)),
        1 => log.note("ISPENDR", read32(GICD + 0x200 + word)),
        2 => log.note("ISACTIVER", read32(GICD + 0x300 + word)),
        3 => log.note("IPRIORITYR", read32(GICD + 0x400 + (id & !3))),
        4 => log.note("HPPIR", read32(GICC + 0x18)),
        5 => log.note("RPR", read32(GICC + 0x14)),
        6 => log.note("BPR", read32(GICC + 8)),
        7 => log.note("PMR", read32(GICC + 4)),
        _ => log.note("priority", read8(GICD + 0x400 + id).into()),
    }
}

/// PL011 (ARM DDI 0183G) without sending: what holds a value, flags, interrupts. Back to what it was at the end, since it
/// is the console.
fn uart(rng: &mut Rng, log: &mut Log) {
    let registers = [0x24, 0x28, 0x2c, 0x30, 0x34, 0x38];
    let before = registers.map(|register| read32(UART + register));
    for _ in 0..16 {
        let value = rng.next();
        match rng.below(6) {
            0 => write32(UART + 0x24, value & 0xffff),
            1 => write32(UART + 0x28, value & 0x3f),
            // No send break.
            2 => write32(UART + 0x2c, value & 0xfe),
            3 => write32(UART + 0x34, value & 0x3f),
            4 => write32(UART + 0x38, value & 0x7ff),
            _ => write32(UART + 0x44, value & 0x7ff),
        }
        match rng.below(7) {
            0 => log.note("IBRD", read32(UART + 0x24)),
            1 => log.note("FBRD", read32(UART + 0x28)),
            2 => log.note("LCR_H", read32(UART + 0x2c)),
            3 => log.note("IFLS", read32(UART + 0x34)),
            4 => log.note("IMSC", read32(UART + 0x38)),
            5 => log.note("CR", read32(UART + 0x30)),
            _ => log.note("ID", read32(UART + 0xfe0 + rng.below(8) * 4)),
        }
    }
    for (register, value) in registers.into_iter().zip(before) {
        write32(UART + register, value);
    }
}

/// PL031 (ARM DDI 0224C): the match far in the future, the mask, the identification.
fn rtc(rng: &mut Rng, log: &mut Log) {
    for _ in 0..8 {
        match rng.below(3) {
            0 => write32(RTC + 4, 0xf000_0000 | rng.next() >> 8),
            1 => write32(RTC + 0x10, rng.below(2)),
            _ => write32(RTC + 0x1c, rng.below(2)),
        }
        match rng.below(5) {
            0 => log.note("MR", read32(RTC + 4)),
            1 => log.note("IMSC", read32(RTC + 0x10)),
            2 => log.note("RIS", read32(RTC + 0x14)),
            3 => log.note("MIS", read32(RTC + 0x18)),
            _ => log.note("ID", read32(RTC + 0xfe0 + rng.below(8) * 4)),
        }
    }
    write32(RTC + 0x10, 0);
}
