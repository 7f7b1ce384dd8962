//! Who gets a typed byte.

use nex_console::{Action, Input, SWITCH_KEY, Source};
use proptest::prelude::*;

fn switch(input: &mut Input) -> Action {
    assert_eq!(input.key(SWITCH_KEY), Action::Nothing);
    assert_eq!(input.key(SWITCH_KEY), Action::Nothing);
    input.key(SWITCH_KEY)
}

fn delivered(action: Action) -> (Source, Vec<u8>) {
    match action {
        Action::Deliver(source, keys) => (source, keys.as_bytes().to_vec()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn three_presses_go_round_the_live_sources() {
    let mut input = Input::new();
    assert_eq!(switch(&mut input), Action::Switched(Source::Nex), "alone");
    for number in [0, 2, 63] {
        input.open(Source::Domain(number));
    }
    input.open(Source::Domain(64));
    for expected in [Source::Domain(0), Source::Domain(2), Source::Domain(63), Source::Nex, Source::Domain(0)]
    {
        assert_eq!(switch(&mut input), Action::Switched(expected));
        assert_eq!(delivered(input.key(b'x')), (expected, vec![b'x']));
    }
}

#[test]
fn fewer_presses_are_typed() {
    let mut input = Input::new();
    input.key(SWITCH_KEY);
    assert_eq!(delivered(input.key(b'a')), (Source::Nex, b"\x01a".to_vec()));
    input.key(SWITCH_KEY);
    input.key(SWITCH_KEY);
    assert_eq!(delivered(input.key(b'b')), (Source::Nex, b"\x01\x01b".to_vec()));
    assert_eq!(delivered(input.key(b'c')), (Source::Nex, b"c".to_vec()));
}

#[test]
fn the_focus_of_a_dead_source_falls_to_nex() {
    let mut input = Input::new();
    input.open(Source::Domain(1));
    assert_eq!(input.focus_on(Source::Domain(1)), Action::Switched(Source::Domain(1)));
    assert_eq!(input.focus_on(Source::Domain(1)), Action::Nothing);
    input.key(SWITCH_KEY);
    assert_eq!(input.close(Source::Domain(0)), Action::Nothing, "another one");
    assert_eq!(input.close(Source::Domain(1)), Action::Switched(Source::Nex));
    assert_eq!(
        delivered(input.key(b'x')),
        (Source::Nex, b"x".to_vec()),
        "what was held was meant for the dead"
    );
    assert_eq!(input.focus_on(Source::Domain(1)), Action::Nothing, "not live");
}

proptest! {
    #[test]
    fn only_switching_presses_are_kept_back(
        keys in prop::collection::vec(prop_oneof![Just(SWITCH_KEY), any::<u8>()], 0..200),
        live in any::<u64>(),
    ) {
        let mut input = Input::new();
        for number in (0..64).filter(|number| live >> number & 1 != 0) {
            input.open(Source::Domain(number));
        }
        let mut got = Vec::new();
        let mut switches = 0;
        for &key in &keys {
            match input.key(key) {
                Action::Deliver(source, keys) => {
                    prop_assert_eq!(source, input.focus());
                    got.extend_from_slice(keys.as_bytes());
                }
                Action::Switched(source) => {
                    switches += 1;
                    prop_assert_eq!(source, input.focus());
                    if let Source::Domain(number) = source {
                        prop_assert!(live >> number & 1 != 0);
                    }
                }
                Action::Nothing => {}
            }
        }
        // Runs of the key lose multiples of three; the last run may still wait.
        let mut expected = Vec::new();
        let mut expected_switches = 0;
        let mut run = 0;
        for &key in &keys {
            if key == SWITCH_KEY {
                run += 1;
                continue;
            }
            expected_switches += run / 3;
            expected.extend(vec![SWITCH_KEY; run % 3]);
            expected.push(key);
            run = 0;
        }
        expected_switches += run / 3;
        prop_assert_eq!(got, expected);
        prop_assert_eq!(switches, expected_switches);
    }
}
