use proptest::prelude::*;

use super::*;

fn record(level: &'static str, message: &str) -> Record {
    Record {
        time_us: 2_000_003,
        level,
        module: "nex_hv::boot".into(),
        file: "hv/src/boot.rs".into(),
        line: 123,
        message: message.into(),
    }
}

/// What the view shows of pieces of text with the record "here" after each but the last.
fn shown(pieces: &[&str]) -> String {
    let (mut view, mut out) = (View::terminal(false, false), Vec::new());
    for (n, piece) in pieces.iter().enumerate() {
        if n > 0 {
            view.record(&record("info", "here"), &mut out);
        }
        view.text(piece.as_bytes(), &mut out);
    }
    view.finish(&mut out);
    String::from_utf8(out).unwrap()
}

const HERE: &str = "[    2.000003] here\r\n";

#[test]
fn levels_and_places() {
    let line = |colour, locations, level| {
        let (mut view, mut out) = (View::terminal(colour, locations), Vec::new());
        view.record(&record(level, "text"), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(line(false, false, "info"), "[    2.000003] text\r\n");
    assert_eq!(line(false, false, "warning"), "[    2.000003] warning: text\r\n");
    assert_eq!(line(false, true, "error"), "[    2.000003] error: text  (hv/src/boot.rs:123)\r\n");
    assert_eq!(
        line(true, true, "error"),
        "\x1b[2m[    2.000003]\x1b[0m \x1b[1;31merror: \x1b[0mtext\x1b[2m  (hv/src/boot.rs:123)\x1b[0m\r\n"
    );
}

#[test]
fn a_record_between_rows_cuts_nothing() {
    assert_eq!(shown(&["one\r\n", "two\r\n"]), format!("one\r\n{HERE}two\r\n"));
    // The row is over once its line end has come, whole.
    assert_eq!(shown(&["one\r", "\ntwo"]), format!("one\r\n{HERE}two"));
    assert_eq!(shown(&["", "", ""]), format!("{HERE}{HERE}"));
}

#[test]
fn a_cut_row_is_marked_and_shown_again() {
    assert_eq!(shown(&["[echo] > ty", "pe\r\n"]), format!("[echo] > ty~\r\n{HERE}[echo] > type\r\n"));
    assert_eq!(shown(&["a", "", "b"]), format!("a~\r\n{HERE}a~\r\n{HERE}ab"));
}

#[test]
fn what_was_rubbed_out_does_not_come_back() {
    assert_eq!(shown(&["> xyö\x08 \x08\x08 \x08", "!"]), format!("> xyö\x08 \x08\x08 \x08~\r\n{HERE}> x!"));
}

#[test]
fn a_record_waits_for_the_end_of_a_character_or_a_sequence() {
    let (mut view, mut out) = (View::terminal(false, false), Vec::new());
    for (n, piece) in [&b"n\xc3"[..], b"\xb6", b"d\xe2\x82", b"\xac"].iter().enumerate() {
        view.text(piece, &mut out);
        if n % 2 == 0 {
            view.record(&record("info", "here"), &mut out);
        }
    }
    assert_eq!(String::from_utf8(out).unwrap(), format!("nö~\r\n{HERE}nöd€~\r\n{HERE}nöd€"));

    // On a row that is drawn on there is nothing to repeat.
    assert_eq!(shown(&["\x1b[1", ";31mred"]), format!("\x1b[1;31m\r\n{HERE}red"));
    assert_eq!(shown(&["\x1b]0;title", "\x07x"]), format!("\x1b]0;title\x07\r\n{HERE}x"));
    assert_eq!(shown(&["\x1b", "7"]), format!("\x1b7\r\n{HERE}"));
}

#[test]
fn a_record_does_not_wait_for_ever() {
    let endless = "\x1b]".to_owned() + &"t".repeat(100);
    assert!(shown(&["\x1b]", &endless[2..]]).contains(HERE));
    assert_eq!(shown(&["\x1b[", ""]), format!("\x1b[\r\n{HERE}"));
}

#[test]
fn json_has_an_object_for_each_record_and_row() {
    let (mut view, mut out) = (View::json(), Vec::new());
    view.text(b"one\r\ntwo \"quoted\" \xff", &mut out);
    view.record(&record("error", "broken \"thing\"\n\x1b"), &mut out);
    view.text(b" \r\n\r\nprompt> ", &mut out);
    view.finish(&mut out);
    let objects: Vec<serde_json::Value> = out
        .split(|&b| b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let expected = [
        json!({"text": "one"}),
        json!({
            "time_us": 2_000_003, "level": "error", "module": "nex_hv::boot", "file": "hv/src/boot.rs", "line": 123,
            "message": "broken \"thing\"\n\x1b",
        }),
        json!({"text": "two \"quoted\" \u{fffd} "}),
        json!({"text": ""}),
        json!({"text": "prompt> "}),
    ];
    assert_eq!(objects, expected);
}

proptest! {
    #[test]
    fn text_alone_passes_unchanged_and_at_once(chunks in prop::collection::vec(prop::collection::vec(1u8.., 0..40), 0..20)) {
        let (mut view, mut out) = (View::terminal(true, true), Vec::new());
        let mut sent: Vec<u8> = Vec::new();
        for chunk in &chunks {
            view.text(chunk, &mut out);
            sent.extend(chunk);
            prop_assert_eq!(&out, &sent);
        }
        view.finish(&mut out);
        prop_assert_eq!(out, sent);
    }

    #[test]
    fn a_record_is_one_row_wherever_it_comes(before: Vec<u8>, after: Vec<u8>) {
        let (mut view, mut out) = (View::terminal(false, false), Vec::new());
        view.text(&before, &mut out);
        view.record(&record("info", "here"), &mut out);
        view.text(&after, &mut out);
        view.finish(&mut out);
        let at = out.windows(HERE.len()).position(|window| window == HERE.as_bytes());
        prop_assert!(at.is_some());
        let row = out[..at.unwrap_or(0)].rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        // Control characters may stand on its row before it that leave the cursor at the start: BEL, or BS and CR there.
        let takes_no_place = |byte: &u8| matches!(byte, 0..0x20 | 0x7f) && !matches!(byte, b'\t' | 0x1b);
        prop_assert!(row.iter().all(takes_no_place), "{row:?}");
    }
}
