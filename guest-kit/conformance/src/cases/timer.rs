//! The generic timer (B8): counters, compare registers, interrupts 27 and 30, who may use it.
//!
//! Times are compared with times, never printed.

use crate::harness::code::{Code, both};
use crate::harness::cp15::{cp15_read, cp15_write};
use crate::harness::gic::*;
use crate::harness::mmio::{read32, write32};
use crate::harness::report::{Case, case};
use crate::harness::run::{Kind, Mode, Run, psr};

/// One of the two timers.
#[derive(Clone, Copy)]
struct Timer {
    name: &'static str,
    irq: u32,
    control: fn() -> u32,
    set_control: fn(u32),
    value: fn() -> u32,
    set_value: fn(u32),
}

const TIMERS: [Timer; 2] = [
    Timer {
        name: "physical",
        irq: 30,
        control: || cp15_read!(0, c14, c2, 1),
        set_control: |value| cp15_write!(0, c14, c2, 1, value),
        value: || cp15_read!(0, c14, c2, 0),
        set_value: |value| cp15_write!(0, c14, c2, 0, value),
    },
    Timer {
        name: "virtual",
        irq: 27,
        control: || cp15_read!(0, c14, c3, 1),
        set_control: |value| cp15_write!(0, c14, c3, 1, value),
        value: || cp15_read!(0, c14, c3, 0),
        set_value: |value| cp15_write!(0, c14, c3, 0, value),
    },
];

/// ENABLE, IMASK, ISTATUS.
const ENABLE: u32 = 1;
const IMASK: u32 = 2;
const ISTATUS: u32 = 4;

pub(crate) fn cases() {
    counters();
    compare();
    tval();
    control();
    interrupts();
    waits();
    rights();
}

/// A 64-bit register by MRRC, as a case does it; op1 0 CNTPCT, 1 CNTVCT, 2 CNTP_CVAL, 3 CNTV_CVAL.
fn read64(which: usize) -> u64 {
    let codes = [
        both!("isb", "mrrc p15, 0, r0, r1, c14"),
        both!("isb", "mrrc p15, 1, r0, r1, c14"),
        both!("isb", "mrrc p15, 2, r0, r1, c14"),
        both!("isb", "mrrc p15, 3, r0, r1, c14"),
    ];
    let trap = Run::new(codes[which][0]).go();
    u64::from(trap.r(1)) << 32 | u64::from(trap.r(0))
}

/// CVAL by MCRR.
fn write_cval(which: usize, value: u64) {
    let codes: [[Code; 2]; 2] =
        [both!("mcrr p15, 2, r0, r1, c14", "isb"), both!("mcrr p15, 3, r0, r1, c14", "isb")];
    Run::new(codes[which][0]).r(0, value as u32).r(1, (value >> 32) as u32).go();
}

fn counters() {
    for which in [0, 1] {
        case!("timer.counter.{}", TIMERS[1 - which.min(1)].name; |c| {
            let mut last = read64(which);
            for _ in 0..20 {
                let now = read64(which);
                c.holds("monotonic", now >= last);
                last = now;
            }
            let begin = read64(which);
            let mut rounds = 0;
            while read64(which) == begin && rounds < 10_000_000 {
                rounds += 1;
            }
            c.holds("runs", read64(which) > begin);
        });
    }
    case!("timer.frequency"; |c| {
        let frequency = cp15_read!(0, c14, c0, 0);
        c.holds("between 1 MHz and 1 GHz", (1_000_000..=1_000_000_000).contains(&frequency));
    });
}

/// CVAL holds all 64 bits; ISTATUS follows the comparison, not less than.
fn compare() {
    for (n, timer) in TIMERS.into_iter().enumerate() {
        case!("timer.{}.cval", timer.name; |c| {
            (timer.set_control)(0);
            for value in [0, 1, 0x1234_5678_9abc_def0, u64::MAX, 0x8000_0000] {
                write_cval(n, value);
                let read = read64(2 + n);
                c.eq("low", read as u32, value as u32);
                c.eq("high", (read >> 32) as u32, (value >> 32) as u32);
            }
        });
        case!("timer.{}.istatus", timer.name; |c| {
            write_cval(n, 0);
            (timer.set_control)(ENABLE | IMASK);
            c.eq("past", (timer.control)(), ENABLE | IMASK | ISTATUS);
            write_cval(n, u64::MAX);
            c.eq("future", (timer.control)(), ENABLE | IMASK);
            write_cval(n, read64(n));
            c.eq("now", (timer.control)(), ENABLE | IMASK | ISTATUS);
            // The top bit counts as any other: the comparison is unsigned.
            write_cval(n, 1 << 63);
            c.eq("far future", (timer.control)(), ENABLE | IMASK);
            (timer.set_control)(0);
        });
    }
}

/// TVAL = CVAL - counter, 32 bits, signed.
fn tval() {
    for (n, timer) in TIMERS.into_iter().enumerate() {
        case!("timer.{}.tval", timer.name; |c| {
            (timer.set_control)(ENABLE | IMASK);
            for value in [0u32, 1000, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000] {
                let before = read64(n);
                (timer.set_value)(value);
                let after = read64(n);
                let cval = read64(2 + n);
                let offset = i64::from(value as i32) as u64;
                let (low, high) = (before.wrapping_add(offset), after.wrapping_add(offset));
                c.holds("CVAL", cval.wrapping_sub(low) <= high.wrapping_sub(low));
                // Reading goes down.
                let (first, second) = ((timer.value)(), (timer.value)());
                c.holds("TVAL goes down", (first.wrapping_sub(second) as i32) >= 0);
                c.holds("TVAL", (value.wrapping_sub(first) as i32) >= 0);
            }
            write_cval(n, u64::MAX);
            (timer.set_value)(0xffff_f000);
            c.eq("negative is past", (timer.control)() & ISTATUS, ISTATUS);
            (timer.set_value)(0x7fff_0000);
            c.eq("positive is future", (timer.control)() & ISTATUS, 0);
            (timer.set_control)(0);
        });
    }
}

fn control() {
    for (n, timer) in TIMERS.into_iter().enumerate() {
        case!("timer.{}.control", timer.name; |c| {
            write_cval(n, u64::MAX);
            for value in [0, 1, 2, 3, 0] {
                (timer.set_control)(value);
                c.eq("ENABLE and IMASK", (timer.control)() & 3, value);
            }
            // ISTATUS cannot be written.
            (timer.set_control)(ENABLE | ISTATUS);
            c.eq("ISTATUS", (timer.control)(), ENABLE);
            (timer.set_control)(0);
        });
    }
}

fn bit(base: u32, n: u32) -> u32 {
    read32(base) >> n & 1
}

fn acknowledge(c: &mut Case, want: u32) {
    c.eq("IAR", read32(GICC_IAR), want);
}

/// The output is a level: ENABLE and ISTATUS and not IMASK.
fn interrupts() {
    for (n, timer) in TIMERS.into_iter().enumerate() {
        case!("timer.{}.level", timer.name; |c| {
            reset();
            enable();
            enable_irq(timer.irq);
            write_cval(n, 0);
            (timer.set_control)(ENABLE | IMASK);
            acknowledge(c, 1023);
            (timer.set_control)(ENABLE);
            c.eq("pending", bit(GICD_ISPENDR, timer.irq), 1);
            acknowledge(c, timer.irq);
            write32(GICC_EOIR, timer.irq);
            acknowledge(c, timer.irq);
            (timer.set_control)(ENABLE | IMASK);
            write32(GICC_EOIR, timer.irq);
            acknowledge(c, 1023);
            // Moved into the future: withdrawn.
            (timer.set_control)(ENABLE);
            c.eq("HPPIR", read32(GICC_HPPIR), timer.irq);
            write_cval(n, u64::MAX);
            acknowledge(c, 1023);
            write_cval(n, 0);
            c.eq("HPPIR", read32(GICC_HPPIR), timer.irq);
            (timer.set_control)(0);
            acknowledge(c, 1023);
            reset();
        });
        for code in both!("1: b 1b") {
            for mode in Mode::ALL {
                case!("timer.{}.delivered.{}.{}", timer.name, mode.name(), code.isa.name(); |c| {
                    reset();
                    enable();
                    enable_irq(timer.irq);
                    for delay in [0, 20_000, 200_000] {
                        (timer.set_value)(delay);
                        (timer.set_control)(ENABLE);
                        // The loop ends by the interrupt only.
                        let trap = Run::new(code).mode(mode).psr(0, psr::I).go();
                        trap.check(c, Kind::Irq, &[]);
                        c.eq("where", trap.offset(), 0);
                        acknowledge(c, timer.irq);
                        c.eq("ISTATUS", (timer.control)(), ENABLE | ISTATUS);
                        (timer.set_control)(0);
                        write32(GICC_EOIR, timer.irq);
                        acknowledge(c, 1023);
                    }
                    reset();
                });
            }
        }
    }
}

/// WFI wakes at the deadline, with interrupts masked or not.
fn waits() {
    for (n, timer) in TIMERS.into_iter().enumerate() {
        for code in both!("wfi", "1: mrc p15, 0, r0, c12, c1, 0", "tst r0, #0x80", "beq 1b") {
            case!("timer.{}.wfi-masked.{}", timer.name, code.isa.name(); |c| {
                reset();
                enable();
                enable_irq(timer.irq);
                for delay in [0, 50_000, 500_000] {
                    let begin = read64(n);
                    (timer.set_value)(delay);
                    (timer.set_control)(ENABLE);
                    let trap = Run::new(code).go();
                    c.eq("kind", trap.kind as u32, Kind::Done as u32);
                    c.holds("not early", read64(n) - begin >= u64::from(delay));
                    acknowledge(c, timer.irq);
                    (timer.set_control)(0);
                    write32(GICC_EOIR, timer.irq);
                }
                reset();
            });
        }
        for code in both!("1: wfi", "b 1b") {
            case!("timer.{}.wfi-taken.{}", timer.name, code.isa.name(); |c| {
                reset();
                enable();
                enable_irq(timer.irq);
                for delay in [0, 50_000, 500_000] {
                    let begin = read64(n);
                    (timer.set_value)(delay);
                    (timer.set_control)(ENABLE);
                    let trap = Run::new(code).psr(0, psr::I).go();
                    c.eq("kind", trap.kind as u32, Kind::Irq as u32);
                    c.holds("not early", read64(n) - begin >= u64::from(delay));
                    acknowledge(c, timer.irq);
                    (timer.set_control)(0);
                    write32(GICC_EOIR, timer.irq);
                }
                reset();
            });
        }
    }
}

/// CNTKCTL: what PL0 may use (B4.1.26). Bits: 0 CNTPCT, 1 CNTVCT, 8 CNTV_*, 9 CNTP_*.
fn rights() {
    let forms: [(&str, [Code; 2], u32); 9] = [
        ("cntpct", both!("mrrc p15, 0, r0, r1, c14"), 1),
        ("cntvct", both!("mrrc p15, 1, r0, r1, c14"), 2),
        ("cntfrq", both!("mrc p15, 0, r0, c14, c0, 0"), 3),
        ("cntv-ctl", both!("mrc p15, 0, r0, c14, c3, 1"), 1 << 8),
        ("cntv-tval", both!("mrc p15, 0, r0, c14, c3, 0"), 1 << 8),
        ("cntv-cval", both!("mrrc p15, 3, r0, r1, c14"), 1 << 8),
        ("cntp-ctl", both!("mrc p15, 0, r0, c14, c2, 1"), 1 << 9),
        ("cntp-tval", both!("mrc p15, 0, r0, c14, c2, 0"), 1 << 9),
        ("cntp-cval", both!("mrrc p15, 2, r0, r1, c14"), 1 << 9),
    ];
    for (name, codes, bits) in forms {
        for code in codes {
            case!("timer.rights.{name}.{}", code.isa.name(); |c| {
                for cntkctl in [0, 1, 2, 3, 1 << 8, 1 << 9, 0x303] {
                    cp15_write!(0, c14, c1, 0, cntkctl);
                    c.eq("CNTKCTL", cp15_read!(0, c14, c1, 0) & 0x303, cntkctl);
                    for mode in [Mode::Usr, Mode::Svc] {
                        let trap = Run::new(code).mode(mode).go();
                        let ok = mode == Mode::Svc || cntkctl & bits != 0;
                        c.eq("kind", trap.kind as u32, if ok { Kind::Done } else { Kind::Und } as u32);
                    }
                }
                cp15_write!(0, c14, c1, 0, 0);
            });
        }
    }
    // Writing CNTFRQ is the most secure level's; PL0 never may.
    for code in both!("mcr p15, 0, r0, c14, c0, 0") {
        case!("timer.rights.cntfrq-write.{}", code.isa.name(); |c| {
            cp15_write!(0, c14, c1, 0, 3);
            Run::new(code).mode(Mode::Usr).go().check(c, Kind::Und, &[]);
            cp15_write!(0, c14, c1, 0, 0);
        });
    }
    for code in both!("mcrr p15, 3, r0, r1, c14", "mrrc p15, 3, r2, r3, c14") {
        case!("timer.rights.cval-from-user.{}", code.isa.name(); |c| {
            cp15_write!(0, c14, c1, 0, 1 << 8);
            let trap = Run::new(code).mode(Mode::Usr).r(0, 0x1234_5678).r(1, 0x7fff_ffff).go();
            trap.check(c, Kind::Done, &[(0, 0x1234_5678), (1, 0x7fff_ffff), (2, 0x1234_5678), (3, 0x7fff_ffff)]);
            cp15_write!(0, c14, c1, 0, 0);
        });
    }
}
