//! UTF-8 and escape sequences, wherever the bytes are cut.

use nex_fbcon::{Decoder, Event};
use proptest::prelude::*;

fn decode(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    for &byte in bytes {
        decoder.push(byte, |event| events.push(event));
    }
    events
}

fn text(events: &[Event]) -> String {
    events
        .iter()
        .map(|event| match event {
            Event::Character(c) => *c,
            Event::Control(c) => char::from(*c),
            Event::Sequence(_) => panic!("a sequence: {event:?}"),
        })
        .collect()
}

proptest! {
    /// The standard library replaces invalid bytes in the same way (Unicode 15, "maximal subparts").
    #[test]
    fn utf8_is_that_of_the_standard_library(bytes in prop::collection::vec(prop_oneof![
        any::<u8>(), 0x80..=0xbfu8, Just(0xe0), Just(0xed), Just(0xf0), Just(0xf4), Just(0xc3),
    ], 0..40)) {
        let mut bytes: Vec<u8> = bytes.into_iter().filter(|&byte| byte != 0x1b).collect();
        // Completes what may be waiting at the end.
        bytes.push(b'.');
        prop_assert_eq!(text(&decode(&mut Decoder::new(), &bytes)), String::from_utf8_lossy(&bytes));
    }

    /// After any rubbish a string terminator and a CAN lead back to text.
    #[test]
    fn it_recovers(bytes in prop::collection::vec(prop_oneof![
        any::<u8>(), Just(0x1b), Just(b'['), Just(b']'), Just(b'('), Just(b';'), b'0'..=b'9',
    ], 0..100)) {
        let mut decoder = Decoder::new();
        decode(&mut decoder, &bytes);
        decode(&mut decoder, b"\x18\x18");
        prop_assert_eq!(text(&decode(&mut decoder, "aé€😀".as_bytes())), "aé€😀");
    }
}

fn sequence(bytes: &[u8]) -> nex_fbcon::Sequence {
    let events = decode(&mut Decoder::new(), bytes);
    match events[..] {
        [Event::Sequence(sequence)] => sequence,
        _ => panic!("{events:?}"),
    }
}

#[test]
fn parameters_are_numbers_with_bounds() {
    assert_eq!(sequence(b"\x1b[m").parameters(), [0]);
    assert_eq!(sequence(b"\x1b[1;;37m").parameters(), [1, 0, 37]);
    assert_eq!(sequence(b"\x1b[99999999999H").parameters(), [65535]);
    assert_eq!(sequence(b"\x1b[7H").get(1), 0);
    let many = format!("\x1b[{}9m", "1;".repeat(40));
    assert_eq!(sequence(many.as_bytes()).parameters(), [1; 16]);
    let private = sequence(b"\x1b[?25l");
    assert!(private.private && !private.intermediate);
    assert_eq!((private.action, private.get(0)), (b'l', 25));
    assert!(sequence(b"\x1b[2 q").intermediate);
}

#[test]
fn what_is_not_understood_leaves_no_trace() {
    for bytes in [
        &b"\x1b]0;title\x07"[..],
        b"\x1b]0;title\x1b\\",
        b"\x1bPq#0;2\x1b\\",
        b"\x1b(B",
        b"\x1b#8",
        b"\x1b7",
        b"\x1b[12\x18",
        b"\x1b[1\x1b(0",
    ] {
        let mut decoder = Decoder::new();
        assert_eq!(decode(&mut decoder, bytes), [], "{bytes:x?}");
        assert_eq!(text(&decode(&mut decoder, b"x")), "x", "after {bytes:x?}");
    }
}

#[test]
fn controls_act_inside_a_sequence() {
    let events = decode(&mut Decoder::new(), b"\x1b[3\r1m");
    assert_eq!(events[0], Event::Control(b'\r'));
    assert!(matches!(events[1], Event::Sequence(s) if s.parameters() == [31]), "{events:?}");
}
