//! PL011 (ARM DDI 0183), PL031 (ARM DDI 0224), PSCI (ARM DEN 0022), and accesses of every size and form.

use crate::harness::code::{Code, a32, both};
use crate::harness::gic::*;
use crate::harness::layout::{DATA, HOLE, RTC, UART};
use crate::harness::mmio::{read8, read16, read32, write32};
use crate::harness::psci;
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run};

pub(crate) fn cases() {
    uart_registers();
    uart_interrupts();
    rtc();
    power();
    forms();
    holes();
}

const UARTFR: u32 = UART + 0x18;
const UARTIMSC: u32 = UART + 0x38;
const UARTRIS: u32 = UART + 0x3c;
const UARTMIS: u32 = UART + 0x40;
const UARTICR: u32 = UART + 0x44;

fn identification(c: &mut crate::harness::report::Case, base: u32, part: u32) {
    // Peripheral ID: part number and ARM's code; then the cell ID.
    c.eq("ID0", read32(base + 0xfe0), part & 0xff);
    c.eq("ID1", read32(base + 0xfe4), 0x10 | part >> 8);
    c.eq("ID2", read32(base + 0xfe8) & 0xf, 4);
    for (n, value) in [0x0d, 0xf0, 0x05, 0xb1].into_iter().enumerate() {
        c.eq("cell ID", read32(base + 0xff0 + 4 * n as u32), value);
    }
}

fn uart_registers() {
    case!("uart.id"; |c| identification(c, UART, 0x011));
    case!("uart.fr"; |c| {
        // Nothing received, all sent.
        let flags = read32(UARTFR);
        c.eq("RXFE", flags >> 4 & 1, 1);
        c.eq("TXFE", flags >> 7 & 1, 1);
        c.eq("TXFF", flags >> 5 & 1, 0);
        c.eq("RXFF", flags >> 6 & 1, 0);
        c.eq("BUSY", flags >> 3 & 1, 0);
    });
    let registers = [
        ("ilpr", 0x20, 0xff),
        ("ibrd", 0x24, 0xffff),
        ("fbrd", 0x28, 0x3f),
        ("ifls", 0x34, 0x3f),
        ("imsc", 0x38, 0x7ff),
    ];
    for (name, offset, mask) in registers {
        case!("uart.holds.{name}"; |c| {
            let old = read32(UART + offset);
            for value in [0, mask, 0x15 & mask, 0x2a & mask] {
                write32(UART + offset, value);
                c.eq("value", read32(UART + offset) & mask, value);
            }
            write32(UART + offset, old);
        });
    }
    case!("uart.lcr"; |c| {
        let old = read32(UART + 0x2c);
        for value in [0x70, 0x60, 0x10, 0] {
            write32(UART + 0x2c, value);
            c.eq("LCR_H", read32(UART + 0x2c), value);
        }
        write32(UART + 0x2c, old);
    });
}

/// The transmit interrupt: raw, masked, cleared; and RIS and MIS are not written.
fn uart_interrupts() {
    case!("uart.interrupt.mask"; |c| {
        // Something has been sent.
        c.eq("raw", read32(UARTRIS) >> 5 & 1, 1);
        c.eq("masked", read32(UARTMIS), 0);
        write32(UARTIMSC, 1 << 5);
        c.eq("not masked", read32(UARTMIS), 1 << 5);
        write32(UARTIMSC, 0);
        c.eq("masked again", read32(UARTMIS), 0);
        write32(UARTRIS, 0);
        c.eq("RIS is read-only", read32(UARTRIS) >> 5 & 1, 1);
    });
    case!("uart.interrupt.clear"; |c| {
        write32(UARTIMSC, 1 << 5);
        write32(UARTICR, 1 << 4);
        c.eq("another", read32(UARTRIS) >> 5 & 1, 1);
        write32(UARTICR, 1 << 5);
        c.eq("cleared", read32(UARTRIS) >> 5 & 1, 0);
        c.eq("MIS", read32(UARTMIS), 0);
        write32(UARTIMSC, 0);
    });
}

const RTCMR: u32 = RTC + 4;
const RTCLR: u32 = RTC + 8;
const RTCIMSC: u32 = RTC + 0x10;
const RTCRIS: u32 = RTC + 0x14;
const RTCMIS: u32 = RTC + 0x18;
const RTCICR: u32 = RTC + 0x1c;

fn rtc() {
    case!("rtc.id"; |c| identification(c, RTC, 0x031));
    case!("rtc.time"; |c| {
        let begin = read32(RTC);
        c.holds("monotonic", read32(RTC).wrapping_sub(begin) < 60);
        c.eq("running", read32(RTC + 0xc) & 1, 1);
    });
    case!("rtc.load"; |c| {
        // Loading sets the time; the difference is kept.
        let old = read32(RTC);
        write32(RTCLR, 0x1000_0000);
        c.holds("loaded", read32(RTC).wrapping_sub(0x1000_0000) < 60);
        write32(RTCLR, old);
        c.holds("as before", read32(RTC).wrapping_sub(old) < 60);
    });
    case!("rtc.match"; |c| {
        reset();
        enable();
        enable_irq(34);
        write32(RTCICR, 1);
        c.eq("raw", read32(RTCRIS), 0);
        write32(RTCIMSC, 1);
        c.eq("IMSC", read32(RTCIMSC), 1);
        // The time it is counts as reached.
        write32(RTCMR, read32(RTC) + 1);
        let mut rounds = 0;
        while read32(RTCRIS) == 0 && rounds < 400_000_000 {
            rounds += 1;
        }
        c.eq("raw", read32(RTCRIS), 1);
        c.eq("masked", read32(RTCMIS), 1);
        c.eq("IAR", read32(GICC_IAR), 34);
        write32(RTCICR, 1);
        c.eq("cleared", read32(RTCRIS), 0);
        write32(GICC_EOIR, 34);
        c.eq("IAR", read32(GICC_IAR), 1023);
        write32(RTCIMSC, 0);
        write32(RTCMR, 0);
        write32(RTCICR, 1);
        reset();
    });
    case!("rtc.mask"; |c| {
        for value in [1, 0, 1, 0] {
            write32(RTCIMSC, value);
            c.eq("IMSC", read32(RTCIMSC), value);
        }
    });
}

fn power() {
    const NOT_SUPPORTED: u32 = !0;
    case!("psci.version"; |c| {
        let version = psci::call(0x8400_0000, 0, 0, 0);
        // 1.1 on this machine.
        c.eq("version", version, 0x0001_0001);
    });
    case!("psci.affinity-info"; |c| {
        c.eq("this CPU is on", psci::call(0x8400_0004, 0, 0, 0), 0);
        // No such CPU: INVALID_PARAMETERS.
        c.eq("no CPU", psci::call(0x8400_0004, 0x0000_0f00, 0, 0), -2i32 as u32);
    });
    case!("psci.migrate-info-type"; |c| {
        // 2: no trusted OS that would need migration.
        c.eq("type", psci::call(0x8400_0006, 0, 0, 0), 2);
    });
    case!("psci.cpu-on-itself"; |c| {
        // ALREADY_ON.
        c.eq("result", psci::call(0x8400_0003, 0, 0x4000_8000, 0), -4i32 as u32);
    });
    case!("psci.cpu-on-none"; |c| c.eq("result", psci::call(0x8400_0003, 0xff, 0x4000_8000, 0), -2i32 as u32));
    case!("psci.features"; |c| {
        for function in [0x8400_0000, 0x8400_0001, 0x8400_0002, 0x8400_0003, 0x8400_0004, 0x8400_0006, 0x8400_0008, 0x8400_0009,
            0x8400_000a]
        {
            c.eq("supported", psci::call(0x8400_000a, function, 0, 0), 0);
        }
        c.eq("unknown", psci::call(0x8400_000a, 0x8400_ff00, 0, 0), NOT_SUPPORTED);
    });
    case!("psci.unknown"; |c| {
        for function in [0x8400_001f, 0x8400_00ff] {
            c.eq("result", psci::call(function, 1, 2, 3), NOT_SUPPORTED);
        }
    });
    for code in [a32!(".inst 0xe1400070"), crate::harness::code::t32!(".inst.w 0xf7e08000")] {
        case!("psci.registers.{}", code.isa.name(); |c| {
            // Only r0 is changed, in whatever mode (DEN 0022, 5.2; this machine keeps r1 to r3 too).
            for mode in Mode::PRIVILEGED {
                let trap = Run::new(code).mode(mode).r(0, 0x8400_0000).go();
                trap.check(c, Kind::Done, &[(0, 0x0001_0001)]);
                c.eq("where", trap.offset(), 4);
            }
        });
    }
}

/// Loads and stores of every size and addressing form on a device: PL011's UARTIBRD, which holds 16 bits.
fn forms() {
    let ibrd = UART + 0x24;
    let old = read32(ibrd);
    let loads: [(&str, [Code; 2], u32, u32); 12] = [
        ("ldr-imm", both!("ldr r1, [r0, #0x24]"), UART, UART),
        ("ldr-reg", both!("ldr r1, [r0, r3]"), UART, UART),
        ("ldr-shift", both!("ldr r1, [r0, r4, lsl #2]"), UART, UART),
        ("ldr-pre", both!("ldr r1, [r0, #0x24]!"), UART, UART + 0x24),
        ("ldr-post", both!("ldr r1, [r0], #8"), UART + 0x24, UART + 0x2c),
        ("ldr-minus", both!("ldr r1, [r0, #-12]"), UART + 0x30, UART + 0x30),
        ("ldrh", both!("ldrh r1, [r0, #0x24]"), UART, UART),
        ("ldrh-reg", both!("ldrh r1, [r0, r3]"), UART, UART),
        ("ldrh-post", both!("ldrh r1, [r0], #2"), UART + 0x24, UART + 0x26),
        ("ldr-sp", both!("mov sp, r0", "ldr r1, [sp, #0x24]"), UART, UART),
        ("ldr-cond", both!("cmp r0, r0", "it eq", "ldreq r1, [r0, #0x24]"), UART, UART),
        ("ldrsh", both!("ldrsh r1, [r0, r3]"), UART, UART),
    ];
    for (name, codes, base, after) in loads {
        for code in codes {
            case!("mmio.{name}.{}", code.isa.name(); |c| {
                for mode in Mode::ALL {
                    write32(ibrd, 0x1234);
                    let trap = Run::new(code).mode(mode).r(0, base).r(3, 0x24).r(4, 9).go();
                    trap.check(c, Kind::Done, &[(0, after), (1, 0x1234), (3, 0x24), (4, 9)]);
                }
            });
        }
    }
    let stores: [(&str, [Code; 2], u32, u32); 8] = [
        ("str-imm", both!("str r2, [r0, #0x24]"), UART, UART),
        ("str-reg", both!("str r2, [r0, r3]"), UART, UART),
        ("str-shift", both!("str r2, [r0, r4, lsl #2]"), UART, UART),
        ("str-pre", both!("str r2, [r0, #0x24]!"), UART, UART + 0x24),
        ("str-post", both!("str r2, [r0], #8"), UART + 0x24, UART + 0x2c),
        ("strh", both!("strh r2, [r0, #0x24]"), UART, UART),
        ("strh-post", both!("strh r2, [r0], #4"), UART + 0x24, UART + 0x28),
        (
            "str-cond",
            both!("cmp r0, r0", "ite ne", "strne r0, [r0, #0x24]", "streq r2, [r0, #0x24]"),
            UART,
            UART,
        ),
    ];
    for (name, codes, base, after) in stores {
        for code in codes {
            case!("mmio.{name}.{}", code.isa.name(); |c| {
                for mode in Mode::ALL {
                    write32(ibrd, 0);
                    let trap = Run::new(code).mode(mode).r(0, base).r(2, 0x4321).r(3, 0x24).r(4, 9).go();
                    trap.check(c, Kind::Done, &[(0, after), (2, 0x4321), (3, 0x24), (4, 9)]);
                    c.eq("written", read32(ibrd), 0x4321);
                }
            });
        }
    }
    // Bytes: the identification registers have one.
    for code in both!(
        "ldrb r1, [r0, #0xff0]",
        "add r0, r0, #0xf00",
        "ldrb r2, [r0, #0xf4]",
        "ldrsb r3, [r0, #0xf4]",
        "ldrb r4, [r0, #0xf8]!",
        "ldrb r5, [r0], #4",
        "ldrb r6, [r0]"
    ) {
        case!("mmio.bytes.{}", code.isa.name(); |c| {
            for mode in Mode::ALL {
                let trap = Run::new(code).mode(mode).r(0, UART).go();
                trap.check(c, Kind::Done, &[(0, UART + 0xffc), (1, 0x0d), (2, 0xf0), (3, 0xffff_fff0), (4, 0x05),
                    (5, 0x05), (6, 0xb1)]);
            }
        });
    }
    // Big-endian accesses.
    for code in both!("setend be", "ldr r1, [r0, #0x24]", "str r2, [r0, #0x24]", "setend le") {
        case!("mmio.big-endian.{}", code.isa.name(); |c| {
            write32(ibrd, 0x1234);
            let trap = Run::new(code).r(0, UART).r(2, 0x7856_0000).go();
            trap.check(c, Kind::Done, &[(0, UART), (1, 0x3412_0000), (2, 0x7856_0000)]);
            c.eq("written", read32(ibrd), 0x5678);
        });
    }
    write32(ibrd, old);
    case!("mmio.narrow"; |c| {
        c.eq("byte", read8(RTC + 0xff0).into(), 0x0d);
        c.eq("half", read16(RTC + 0xff0).into(), 0x0d);
        c.eq("word", read32(RTC + 0xff0), 0x0d);
    });
}

/// Where nothing is, between devices and far from them: a synchronous external abort.
fn holes() {
    let codes = [
        ("read", both!("ldr r1, [r0]"), 0),
        ("write", both!("str r1, [r0]"), 1),
        ("byte", both!("ldrb r1, [r0]"), 0),
    ];
    for (name, codes, write) in codes {
        for code in codes {
            case!("mmio.hole.{name}.{}", code.isa.name(); |c| {
                for address in [HOLE, 0x0d00_0000, 0x0bff_0000, 0x0e00_0000] {
                    let trap = Run::new(code).r(0, address).go();
                    trap.check(c, Kind::Dabt, &[]);
                    c.eq("DFSR", trap.state.dfsr & 0xc0f, 8 | write << 11);
                    c.eq("DFAR", trap.state.dfar, address);
                }
                // And RAM is still there.
                write32(DATA, 0x600d);
                c.eq("RAM", read32(DATA), 0x600d);
            });
        }
    }
}
