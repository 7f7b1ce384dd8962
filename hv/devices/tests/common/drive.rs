//! Random but repeatable sequences of accesses, inside what the specifications define. Each driver is handed a function
//! that makes an access and returns what was read.

use super::{LINES, Op, Rng};

const GICD: u32 = 0x0800_0000;
const GICC: u32 = 0x0801_0000;
const UART: u32 = 0x0900_0000;
const RTC: u32 = 0x0901_0000;
const FLASH: u32 = 0x0400_0000;

pub type Exec<'a> = &'a mut dyn FnMut(Op) -> u32;

/// Makes a sequence: seed, steps, where to.
pub type Driver = fn(u64, u32, Exec);

/// Name of the golden file, driver, number of steps.
pub const DRIVERS: [(&str, Driver, u32); 5] = [
    ("gic-group0", gic_group0, 700),
    ("gic-groups", gic_groups, 700),
    ("uart", uart, 400),
    ("rtc", rtc, 60),
    ("flash", flash, 150),
];

/// Reset and identification values of every register that has one.
pub fn reset(exec: Exec) {
    for base in [GICD, GICD + 0x80, GICD + 0x100, GICD + 0x180, GICD + 0x200, GICD + 0x280, GICD + 0x300] {
        (0..0x28).step_by(4).for_each(|offset| {
            exec(Op::read(base + offset));
        });
    }
    for base in [GICD + 0x400, GICD + 0x800, GICD + 0xc00, GICD + 0xf00, GICD + 0xfc0] {
        (0..0x40).step_by(4).for_each(|offset| {
            exec(Op::read(base + offset));
        });
    }
    for offset in (0..0x20).step_by(4).chain((0xd0..0x100).step_by(4)).chain([0x1000]) {
        exec(Op::read(GICC + offset));
    }
    for base in [UART, UART + 0xfe0, RTC + 0xfe0] {
        let end = if base == UART { 0x4c } else { 0x20 };
        (0..end).step_by(4).for_each(|offset| {
            exec(Op::read(base + offset));
        });
    }
    // All but the time, which differs.
    (4..0x20).step_by(4).for_each(|offset| {
        exec(Op::read(RTC + offset));
    });
    exec(Op::write(FLASH + 0x154, 0x0098_0098));
    (0..0x180).step_by(4).for_each(|offset| {
        exec(Op::read(FLASH + offset));
    });
    exec(Op::write(FLASH, 0x00ff_00ff));
    exec(Op::write(FLASH, 0x0090_0090));
    (0..0x20).step_by(4).for_each(|offset| {
        exec(Op::read(FLASH + 0x8_0000 + offset));
    });
    exec(Op::write(FLASH, 0x00ff_00ff));
}

/// All interrupts in group 0, signalled as IRQ or FIQ.
fn gic_group0(seed: u64, steps: u32, exec: Exec) {
    gic(seed, steps, false, exec);
}

/// Both groups, enabled together.
fn gic_groups(seed: u64, steps: u32, exec: Exec) {
    gic(seed, steps, true, exec);
}

fn gic(seed: u64, steps: u32, groups: bool, exec: Exec) {
    let mut rng = Rng(seed);
    let enable = if groups { 3 } else { 1 };
    // One binary point for the run: which of two the running priority was masked with is not defined when it changes.
    let point = rng.below(7);
    exec(Op::write(GICC + 0x08, point));
    exec(Op::write(GICC + 0x1c, point + 1));
    exec(Op::write(GICD, enable));
    exec(Op::write(GICC, enable | 4));
    exec(Op::write(GICC + 4, 0xff));
    // The serial port has sent something, so its mask is a switch for SPI 1.
    exec(Op::write(UART, 0x20));
    let mut acknowledged = Vec::new();
    for _ in 0..steps {
        let bank = rng.below(3) * 4;
        let sparse = rng.next() & rng.next();
        let intid = rng.below(96);
        match rng.below(32) {
            0..=2 => exec(Op::write(GICD + 0x100 + bank, sparse)),
            3 => exec(Op::write(GICD + 0x180 + bank, sparse & rng.next())),
            4..=5 => exec(Op::write(GICD + 0x200 + bank, sparse & rng.next())),
            6 => exec(Op::write_byte(GICD + 0x280 + rng.below(12), sparse)),
            // Private ones only: of an SPI, QEMU sets the active bits of eight CPUs and clears them one by one.
            7 if rng.one_in(3) => exec(Op::write(GICD + 0x300, sparse & rng.next() & rng.next())),
            7..=8 => exec(Op::write(GICD + 0x380 + bank, sparse)),
            9..=11 => exec(Op::write_byte(GICD + 0x400 + intid, rng.next())),
            12 => exec(Op::write(GICD + 0x400 + (intid & !3), rng.next())),
            13 => exec(Op::write(GICD + 0xc04 + rng.below(5) * 4, rng.next())),
            14 => exec(Op::write(GICD + 0xf00, rng.below(2) << 25 | 1 << 16 | rng.below(16))),
            15 => exec(Op::write_byte(GICD + 0xf20 + rng.below(16), 1)),
            16 => exec(Op::write_byte(GICD + 0xf10 + rng.below(16), 1)),
            17 if groups => exec(Op::write(GICD + 0x80 + bank, rng.next())),
            17 | 18 => exec(Op::write(UART + 0x38, rng.below(2) << 5)),
            19 => {
                let on = if rng.one_in(8) { 0 } else { enable };
                exec(Op::write(GICD, on))
            }
            20 => {
                let on = if rng.one_in(8) { 0 } else { enable };
                exec(Op::write(GICC, on | rng.next() & 0x20c))
            }
            21 => {
                let mask = if rng.one_in(2) { 0xff } else { rng.next() };
                exec(Op::write(GICC + 4, mask))
            }
            22..=24 => {
                let value = exec(Op::read(GICC + 0xc));
                if value & 0x3ff < 1020 {
                    acknowledged.push(value);
                }
                value
            }
            25..=29 => {
                let last = if rng.one_in(16) { Some(intid) } else { acknowledged.pop() };
                let value = last.unwrap_or(1023);
                exec(Op::write(GICC + 0x10, value));
                exec(Op::write(GICC + 0x1000, value))
            }
            30 if rng.one_in(6) => {
                let register = if groups && rng.one_in(2) { 0xe0 } else { 0xd0 };
                let register = GICC + register + rng.below(4) * 4;
                exec(Op::write(register, rng.next() & sparse));
                exec(Op::read(GICC + 0x14));
                // Back to idle: a level that nobody ends would keep most interrupts out for the rest of the run.
                exec(Op::write(register, 0))
            }
            _ => exec(Op::read(GICC)),
        };
        for register in [0x14, 0x18] {
            exec(Op::read(GICC + register));
        }
        exec(Op::read(LINES));
        let look = [0x100, 0x180, 0x200, 0x280, 0x300, 0x380][rng.below(6) as usize] + bank;
        exec(Op::read(GICD + look));
        let look = [0x400 + (intid & !3), 0xc00 + rng.below(6) * 4, 0xf10 + rng.below(8) * 4, 0x80 + bank]
            [rng.below(4) as usize];
        exec(Op::read(GICD + look));
        exec(Op::read(GICC + 0xd0 + rng.below(8) * 4));
    }
}

/// The registers that hold what was written, and the transmit interrupt.
fn uart(seed: u64, steps: u32, exec: Exec) {
    let mut rng = Rng(seed);
    for _ in 0..steps {
        match rng.below(12) {
            0 => exec(Op::write_byte(UART, b' ' as u32 + rng.below(90))),
            1 => exec(Op::write(UART + 0x24, rng.below(0x1_0000))),
            2 => exec(Op::write(UART + 0x28, rng.below(0x40))),
            3 => exec(Op::write(UART + 0x2c, rng.below(0x100))),
            // Without loopback, which QEMU 7.2 does not have.
            4 => exec(Op::write(UART + 0x30, rng.next() & 0xff07)),
            5 => exec(Op::write(UART + 0x34, rng.below(0x40))),
            6 => exec(Op::write(UART + 0x38, rng.below(0x800))),
            7 => exec(Op::write(UART + 0x44, rng.below(0x800))),
            8 => exec(Op::write(UART + 4, rng.next())),
            9 => exec(Op::write(UART + 0x20, rng.below(0x100))),
            _ => exec(Op::read(UART)),
        };
        exec(Op::read(UART + [4, 0x18, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34][rng.below(8) as usize]));
        exec(Op::read(UART + [0x38, 0x3c, 0x40][rng.below(3) as usize]));
    }
}

/// All but reads of the time itself.
fn rtc(seed: u64, steps: u32, exec: Exec) {
    let mut rng = Rng(seed);
    for _ in 0..steps {
        match rng.below(5) {
            0 => exec(Op::write(RTC + 8, rng.below(1000))),
            1 => exec(Op::write(RTC + 4, 0x4000_0000 + rng.below(1000))),
            2 => exec(Op::write(RTC + 0x10, rng.next())),
            3 => exec(Op::write(RTC + 0x1c, 1)),
            _ => exec(Op::write(RTC + 0xc, 1)),
        };
        exec(Op::read(RTC + 4 + rng.below(6) * 4));
    }
}

/// Erase, program by word, by half-word, by buffer; status, identification and query in between.
fn flash(seed: u64, steps: u32, exec: Exec) {
    let mut rng = Rng(seed);
    let both = |command: u32| command * 0x1_0001;
    let mut erased = Vec::new();
    for _ in 0..steps {
        let block = FLASH + rng.below(4) * 0x4_0000;
        match rng.below(5) {
            0 => {
                exec(Op::write(block, both(0x20)));
                exec(Op::write(block, both(0xd0)));
                exec(Op::read(block));
                erased = (0..64).map(|word| block + 0x1000 + word * 4).collect();
            }
            // Words are programmed once: what programming twice gives is where QEMU is not like flash.
            1 | 2 if !erased.is_empty() => {
                let at = erased.swap_remove(rng.below(erased.len() as u32) as usize);
                exec(Op::write(block, both(if rng.one_in(2) { 0x40 } else { 0x10 })));
                exec(Op::write(at, rng.next()));
                exec(Op::read(at));
                exec(Op::write(block, both(0xff)));
                exec(Op::read(at));
            }
            3 if erased.len() == 64 => {
                let count = 1 + rng.below(16);
                exec(Op::write(erased[0], both(0xe8)));
                exec(Op::read(erased[0]));
                exec(Op::write(erased[0], both(count - 1)));
                for word in 0..count {
                    exec(Op::write(erased[word as usize], rng.next()));
                }
                exec(Op::write(erased[0], both(0xd0)));
                exec(Op::read(erased[0]));
                erased.drain(..count as usize);
            }
            _ => {
                exec(Op::write(block, both([0x70, 0x90][rng.below(2) as usize])));
                exec(Op { gpa: FLASH + rng.below(8) * 4, bytes: 1 << rng.below(3), write: None });
            }
        }
        exec(Op::write(block, both(0xff)));
        exec(Op::read(block + 0x1000 + rng.below(66) * 4));
    }
}
