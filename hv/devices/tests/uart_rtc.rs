//! Serial port and clock, register by register. Section numbers are of ARM DDI 0183 and DDI 0224.
#![allow(missing_docs)]

use nex_devices::pl011::{FIFO_DEPTH, Modem, Pl011};
use nex_devices::pl031::Pl031;
use nex_devices::{Refused, StateError, Width};

const W: Width = Width::Word;
const FEN: u32 = 1 << 4;
const RX: u32 = 1 << 4;
const TX: u32 = 1 << 5;
const RT: u32 = 1 << 6;
const OE: u32 = 1 << 10;

fn write(uart: &mut Pl011, offset: u32, value: u32) {
    uart.write(offset, W, value).unwrap();
}

fn read(uart: &mut Pl011, offset: u32) -> u32 {
    uart.read(offset, W).unwrap()
}

fn with_fifos() -> Pl011 {
    let mut uart = Pl011::new();
    write(&mut uart, 0x2c, FEN | 3 << 5);
    uart
}

#[test]
fn flags_follow_the_fifos_3_3_3() {
    let mut uart = with_fifos();
    assert_eq!(read(&mut uart, 0x18), 0x90, "both empty");
    for count in 1..=FIFO_DEPTH as u32 {
        write(&mut uart, 0x00, count);
        let full = if count == 16 { 0x20 } else { 0 };
        assert_eq!(read(&mut uart, 0x18), 0x18 | full, "busy with {count}");
    }
    write(&mut uart, 0x00, 99);
    let sent: Vec<u8> = core::iter::from_fn(|| uart.tx_pop()).collect();
    assert_eq!(sent, (1..=16).collect::<Vec<u8>>(), "in order; what did not fit is lost");
    for byte in 0..16 {
        assert_eq!(read(&mut uart, 0x18) & 0x40, 0);
        assert!(uart.push(byte));
    }
    assert_eq!(read(&mut uart, 0x18), 0xc0, "receive FIFO full");
    assert!(!uart.can_push());
}

#[test]
fn one_character_without_fifos_3_3_7() {
    let mut uart = Pl011::new();
    assert!(uart.push(b'a') && !uart.can_push());
    assert_eq!(read(&mut uart, 0x3c), RX);
    assert_eq!(read(&mut uart, 0x18) & 0x50, 0x40);
    write(&mut uart, 0x00, b'x'.into());
    assert_eq!(read(&mut uart, 0x18) & 0xa0, 0x20, "transmit holding register full");
    assert_eq!(uart.tx_pop(), Some(b'x'));
    assert_eq!(read(&mut uart, 0x00), b'a'.into());
    assert_eq!(read(&mut uart, 0x3c), TX);
}

#[test]
fn switching_fifos_forgets_what_was_received_3_3_7() {
    let mut uart = with_fifos();
    uart.push(1);
    write(&mut uart, 0x00, 7);
    write(&mut uart, 0x2c, 0);
    assert_eq!(read(&mut uart, 0x18) & 0x10, 0x10);
    assert_eq!(read(&mut uart, 0x3c) & (RX | RT), 0);
    assert_eq!(uart.tx_pop(), Some(7), "what the guest has sent arrives");
}

#[test]
fn receive_trigger_levels_3_3_9() {
    for (field, level) in [(0, 2), (1, 4), (2, 8), (3, 12), (4, 14)] {
        let mut uart = with_fifos();
        write(&mut uart, 0x34, field << 3);
        for count in 1..=16 {
            uart.push(0);
            assert_eq!(read(&mut uart, 0x3c) & RX != 0, count >= level, "{count} of {level}");
            assert_eq!(read(&mut uart, 0x3c) & RT, RT, "there is always a timeout between two");
        }
        for left in (0..16).rev() {
            read(&mut uart, 0x00);
            assert_eq!(read(&mut uart, 0x3c) & RX != 0, left >= level, "{left} left of {level}");
            assert_eq!(read(&mut uart, 0x3c) & RT != 0, left > 0);
        }
    }
}

#[test]
fn transmit_trigger_levels_3_3_9_2_8_3() {
    for (field, level) in [(0, 2), (1, 4), (2, 8), (3, 12), (4, 14)] {
        let mut uart = with_fifos();
        write(&mut uart, 0x34, field);
        for _ in 0..16 {
            write(&mut uart, 0x00, 0);
        }
        assert_eq!(read(&mut uart, 0x3c), 0, "nothing before the first has left");
        for left in (0..16).rev() {
            uart.tx_pop();
            assert_eq!(read(&mut uart, 0x3c) & TX != 0, left <= level, "{left} left of {level}");
        }
        for count in 1..=16 {
            write(&mut uart, 0x00, 0);
            assert_eq!(read(&mut uart, 0x3c) & TX == 0, count > level, "writing above the level clears");
        }
    }
}

#[test]
fn masked_and_cleared_3_3_10_to_3_3_13() {
    let mut uart = with_fifos();
    uart.push(1);
    assert!(!uart.line());
    write(&mut uart, 0x38, RT);
    assert!(uart.line());
    assert_eq!(read(&mut uart, 0x40), RT);
    write(&mut uart, 0x44, RX);
    assert!(uart.line());
    write(&mut uart, 0x44, RT);
    assert!(!uart.line());
    uart.push(2);
    assert!(uart.line(), "the next character raises it again");
}

#[test]
fn overrun_and_break_3_3_1_3_3_2() {
    let mut uart = with_fifos();
    for byte in 0..16 {
        uart.push(byte);
    }
    assert!(!uart.push(99), "lost");
    assert_eq!(read(&mut uart, 0x3c) & OE, OE);
    assert_eq!(read(&mut uart, 0x04), 8);
    assert_eq!(read(&mut uart, 0x00), 0x800);
    assert!(uart.push(50), "room again: no overrun in the next ones");
    assert_eq!(read(&mut uart, 0x00), 1);
    assert_eq!(read(&mut uart, 0x04), 8, "until it is cleared");
    write(&mut uart, 0x04, 0);
    assert_eq!(read(&mut uart, 0x04), 0);
    while read(&mut uart, 0x18) & 0x10 == 0 {
        read(&mut uart, 0x00);
    }
    uart.push_break();
    assert_eq!(read(&mut uart, 0x3c) & 1 << 9, 1 << 9);
    assert_eq!(read(&mut uart, 0x00), 0x400);
    assert_eq!(read(&mut uart, 0x04), 4);
    assert_eq!(read(&mut uart, 0x00), 0, "empty");
}

#[test]
fn modem_lines_and_loopback_2_8_1_3_3_8() {
    let mut uart = with_fifos();
    uart.set_modem(Modem { cts: true, ri: true, ..Modem::default() });
    assert_eq!(read(&mut uart, 0x18) & 0x107, 0x101);
    assert_eq!(read(&mut uart, 0x3c), 0b0011);
    write(&mut uart, 0x44, 0x7ff);
    // LBE with RTS and DTR: CTS stays, DSR rises, RI falls.
    write(&mut uart, 0x30, 0x300 | 1 << 7 | 1 << 11 | 1 << 10);
    assert_eq!(read(&mut uart, 0x18) & 0x107, 0b011);
    assert_eq!(read(&mut uart, 0x3c), 0b1001);
    write(&mut uart, 0x00, 0x55);
    assert_eq!(uart.tx_pop(), None, "nothing leaves");
    assert!(uart.push(0x66), "and nothing arrives");
    assert_eq!(read(&mut uart, 0x00), 0x55);
    assert_eq!(read(&mut uart, 0x18) & 0x10, 0x10);
    write(&mut uart, 0x30, 0x300);
    assert_eq!(read(&mut uart, 0x18) & 0x107, 0x101);
}

#[test]
fn uart_width_and_range() {
    let mut uart = Pl011::new();
    uart.write(0, Width::Byte, 0x1_41).unwrap();
    assert_eq!(uart.tx_pop(), Some(0x41));
    assert_eq!(uart.read(0xfe0, Width::Half), Ok(0x11));
    assert_eq!(uart.read(0x1000, Width::Byte), Err(Refused::OutOfRange));
    assert_eq!(uart.read(0x1a, W), Err(Refused::Unaligned));
    assert_eq!(uart.write(0, Width::Double, 0), Err(Refused::Width));
    for offset in [0x08, 0x1c, 0x4c, 0x80, 0xfdc, 0x41] {
        assert_eq!(uart.read(offset, Width::Byte), Ok(0), "{offset:#x}");
    }
    write(&mut uart, 0x18, u32::MAX);
    assert_eq!((uart.stats().unknown, uart.stats().refused), (7, 3));
}

#[test]
fn uart_state_goes_on_where_it_was() {
    let mut uart = with_fifos();
    write(&mut uart, 0x38, 0x7ff);
    (0..20).for_each(|byte| _ = uart.push(byte));
    (0..3).for_each(|byte| write(&mut uart, 0x00, byte));
    let mut again = Pl011::from_state(uart.state().clone()).unwrap();
    assert_eq!(again.line(), uart.line());
    for _ in 0..20 {
        assert_eq!(read(&mut again, 0x00), read(&mut uart, 0x00));
        assert_eq!(again.tx_pop(), uart.tx_pop());
        assert_eq!(again.state(), uart.state());
    }
    let mut damaged = uart.state().clone();
    damaged.rx_len = 17;
    assert_eq!(Pl011::from_state(damaged.clone()).err(), Some(StateError::Count));
    (damaged.rx_len, damaged.lcr_h) = (2, 0);
    assert_eq!(
        Pl011::from_state(damaged.clone()).err(),
        Some(StateError::Count),
        "more than fits without FIFOs"
    );
    (damaged.rx_len, damaged.imsc) = (0, 0x800);
    assert_eq!(Pl011::from_state(damaged).err(), Some(StateError::Value));
}

#[test]
fn clock_counts_and_can_be_set_3_3_1_3_3_3() {
    let mut rtc = Pl031::new(1000, 50);
    assert_eq!(rtc.read(0x00, W, 50), Ok(1000));
    assert_eq!(rtc.read(0x00, W, 57), Ok(1007));
    assert_eq!(rtc.read(0x00, W, 55), Ok(1007), "never backwards");
    rtc.write(0x08, W, 5, 60).unwrap();
    assert_eq!(rtc.read(0x00, W, 60), Ok(5));
    assert_eq!(rtc.read(0x08, W, 70), Ok(5));
    assert_eq!(rtc.read(0x00, W, 70), Ok(15));
    assert_eq!(rtc.read(0x0c, W, 70), Ok(1));
    assert_eq!(rtc.read(0x1c, W, 70), Ok(0));
    assert_eq!(rtc.stats().unknown, 1, "RTCICR is write-only");
}

#[test]
fn clock_matches_3_3_2() {
    let mut rtc = Pl031::new(1000, 0);
    rtc.write(0x04, W, 1010, 0).unwrap();
    assert_eq!(rtc.deadline_s(), None, "masked");
    rtc.write(0x10, W, 0xff, 4).unwrap();
    assert_eq!(rtc.deadline_s(), Some(10));
    assert_eq!(rtc.read(0x14, W, 9), Ok(0));
    rtc.advance(10);
    assert!(rtc.line());
    assert_eq!(rtc.deadline_s(), None);
    assert_eq!(rtc.read(0x18, W, 10), Ok(1));
    rtc.write(0x1c, W, 1, 10).unwrap();
    assert!(!rtc.line());
    assert_eq!(rtc.deadline_s(), Some(10 + (1 << 32)), "once around");
    rtc.advance(10 + (1 << 32) - 1);
    assert!(!rtc.line());
    rtc.advance(10 + (1 << 32));
    assert!(rtc.line());
}

#[test]
fn a_match_that_was_slept_over_is_found() {
    let mut rtc = Pl031::new(u32::MAX - 1, 0);
    rtc.write(0x04, W, 3, 0).unwrap();
    assert_eq!(rtc.read(0x14, W, 1_000_000), Ok(1), "across the wrap");
    let mut rtc = Pl031::new(10, 0);
    rtc.write(0x04, W, 10, 0).unwrap();
    assert_eq!(rtc.read(0x14, W, 0), Ok(1), "equal at once");
    let mut rtc = Pl031::new(10, 0);
    rtc.advance(u64::MAX);
    assert_eq!(rtc.deadline_s(), None);
    rtc.write(0x1c, W, 1, 0).unwrap();
    rtc.write(0x10, W, 1, 0).unwrap();
    assert_eq!(rtc.deadline_s(), None, "the caller's time ends first");
}

#[test]
fn clock_state_goes_on_where_it_was() {
    let mut rtc = Pl031::new(1000, 0);
    rtc.write(0x04, W, 1010, 3).unwrap();
    rtc.write(0x10, W, 1, 3).unwrap();
    let mut again = Pl031::from_state(*rtc.state(), 90_000).unwrap();
    assert_eq!(again.read(0x00, W, 90_001), Ok(1004));
    assert_eq!(again.deadline_s(), Some(90_007));
    let mut damaged = *rtc.state();
    damaged.ris = 2;
    assert_eq!(Pl031::from_state(damaged, 0).err(), Some(StateError::Value));
}
