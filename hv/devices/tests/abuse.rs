//! Whatever a guest does to a device: no panic, no state that could not be saved and restored; and what the states
//! take in memory.
#![allow(missing_docs)]

use core::mem::size_of;

use nex_devices::cfi_flash::{BLOCK_BYTES, Flash, FlashState};
use nex_devices::gicv2::{Gic, GicState, MAX_CPUS};
use nex_devices::pl011::{Modem, Pl011, Pl011State};
use nex_devices::pl031::{Pl031, Pl031State};
use nex_devices::psci::{Psci, PsciState};
use nex_devices::timer::TimerState;
use nex_devices::{Refused, Stats, Width};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
struct Raw {
    cpu: usize,
    offset: u32,
    width: Width,
    write: Option<u32>,
    other: u32,
}

fn raw(size: u32) -> impl Strategy<Value = Raw> {
    let width = prop_oneof![Just(Width::Byte), Just(Width::Half), Just(Width::Word), Just(Width::Double)];
    let offset = prop_oneof![8 => 0..size, 8 => (0..size / 4).prop_map(|word| word * 4), 1 => any::<u32>()];
    let value = prop_oneof![any::<u32>(), 0..0x400u32, Just(u32::MAX)];
    (0..MAX_CPUS + 1, offset, width, prop::option::weighted(0.7, value), any::<u32>())
        .prop_map(|(cpu, offset, width, write, other)| Raw { cpu, offset, width, write, other })
}

fn raws(size: u32) -> impl Strategy<Value = Vec<Raw>> {
    prop::collection::vec(raw(size), 0..200)
}

/// Refused exactly if it is not what the device takes, and counted either way.
fn check_answer<T>(raw: Raw, size: u32, answer: &Result<T, Refused>, before: Stats, after: Stats) {
    let bytes = raw.width.bytes();
    let fits = bytes <= 4
        && raw.offset.is_multiple_of(bytes)
        && u64::from(raw.offset) + u64::from(bytes) <= u64::from(size);
    assert_eq!(answer.is_ok(), fits, "{raw:x?}");
    let counted = |stats: Stats| if fits { stats.reads.wrapping_add(stats.writes) } else { stats.refused };
    assert_eq!(counted(after), counted(before).wrapping_add(1));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gic(cpus in 1..=MAX_CPUS, spis in 0..300usize, raws in raws(0x2000)) {
        let mut gic = Gic::new(cpus, spis);
        for raw in raws {
            let before = gic.stats();
            let Raw { cpu, offset, width, write, other } = raw;
            gic.set_level(other % 320, cpu, other & 0x1000 != 0);
            let (answer, size) = match (write, other >> 31) {
                (None, 0) => (gic.dist_read(cpu, offset, width).map(|_| ()), 0x1000),
                (None, _) => (gic.cpu_read(cpu, offset, width).map(|_| ()), 0x2000),
                (Some(value), 0) => (gic.dist_write(cpu, offset, width, value), 0x1000),
                (Some(value), _) => (gic.cpu_write(cpu, offset, width, value), 0x2000),
            };
            check_answer(raw, if cpu < cpus { size } else { 0 }, &answer, before, gic.stats());
        }
        let again = Gic::from_state(gic.state().clone()).expect("reached, so possible");
        for cpu in 0..cpus {
            prop_assert_eq!(again.irq_line(cpu), gic.irq_line(cpu));
            prop_assert_eq!(again.fiq_line(cpu), gic.fiq_line(cpu));
        }
    }

    #[test]
    fn uart(raws in raws(0x80)) {
        let mut uart = Pl011::new();
        for raw in raws {
            let before = uart.stats();
            match raw.other % 8 {
                0 => _ = uart.push(raw.other as u8),
                1 => _ = uart.push_break(),
                2 => _ = uart.tx_pop(),
                3 => uart.set_modem(Modem { cts: raw.other & 8 != 0, ..Modem::default() }),
                _ => {}
            }
            let answer = match raw.write {
                None => uart.read(raw.offset, raw.width).map(|_| ()),
                Some(value) => uart.write(raw.offset, raw.width, value),
            };
            check_answer(raw, 0x1000, &answer, before, uart.stats());
            let again = Pl011::from_state(uart.state().clone()).expect("reached, so possible");
            prop_assert_eq!(again.line(), uart.line());
        }
    }

    #[test]
    fn rtc(raws in raws(0x20)) {
        let mut rtc = Pl031::new(0, 0);
        for raw in raws {
            let before = rtc.stats();
            let now = u64::from(raw.other) << (raw.cpu * 4);
            let answer = match raw.write {
                None => rtc.read(raw.offset, raw.width, now).map(|_| ()),
                Some(value) => rtc.write(raw.offset, raw.width, value, now),
            };
            check_answer(raw, 0x1000, &answer, before, rtc.stats());
            prop_assert!(Pl031::from_state(*rtc.state(), 0).is_ok());
            if let Some(deadline) = rtc.deadline_s() {
                prop_assert!(!rtc.line());
                let mut later = rtc.clone();
                later.advance(deadline - 1);
                prop_assert!(!later.line());
                later.advance(deadline);
                prop_assert!(later.line());
            }
        }
    }

    #[test]
    fn flash(raws in raws(2 * BLOCK_BYTES), commands in prop::collection::vec(0..10usize, 200)) {
        let mut flash = Flash::new(2).unwrap();
        let mut contents = vec![0xa5; 2 * BLOCK_BYTES as usize];
        for (mut raw, command) in raws.into_iter().zip(commands) {
            let before = flash.stats();
            let known = [0x40, 0x20, 0xd0, 0xe8, 0x60, 0x01, 0xff, 0x70, 0x90, 0x98];
            if raw.other & 1 != 0 {
                raw.write = raw.write.map(|_| known[command]);
            }
            let answer = match raw.write {
                None => flash.read(&contents, raw.offset, raw.width).map(|_| ()),
                Some(value) => flash.write(&mut contents, raw.offset, raw.width, value).map(|_| ()),
            };
            check_answer(raw, 2 * BLOCK_BYTES, &answer, before, flash.stats());
            prop_assert!(Flash::from_state(flash.state().clone()).is_ok());
        }
    }

    #[test]
    fn psci(cpus in 0..12usize, calls in prop::collection::vec((0..12usize, 0..0x15u32, any::<[u32; 3]>(), 0..10u32), 0..100)) {
        let mut psci = Psci::new(cpus);
        for (cpu, function, mut arguments, target) in calls {
            arguments[0] = if arguments[0] & 1 == 0 { target } else { arguments[0] };
            psci.call(cpu, 0x8400_0000 + function, arguments);
            psci.started(target as usize);
            prop_assert_eq!(Psci::from_state(*psci.state()), Ok(psci.clone()));
        }
    }
}

/// The layout is documented as having no padding, and docs/devices.md has these numbers.
#[test]
fn state_sizes() {
    let sizes = [
        ("GicState", size_of::<GicState>(), 1676),
        ("Pl011State", size_of::<Pl011State>(), 104),
        ("Pl031State", size_of::<Pl031State>(), 32),
        ("FlashState", size_of::<FlashState>(), 60),
        ("TimerState", size_of::<TimerState>(), 40),
        ("PsciState", size_of::<PsciState>(), 12),
    ];
    for (name, size, documented) in sizes {
        println!("{name}: {size} bytes");
        assert_eq!(size, documented, "{name}");
    }
    println!("Gic: {} bytes", size_of::<Gic>());
    println!("Pl011: {} bytes", size_of::<Pl011>());
    println!("Pl031: {} bytes", size_of::<Pl031>());
    println!("Flash: {} bytes", size_of::<Flash>());
}
