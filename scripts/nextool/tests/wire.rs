//! Text and frames on one line, whatever the pieces they come in.

use nextool::log::id;
use nextool::log::wire::{Event, Splitter};
use proptest::prelude::*;

/// What was put on the wire, and what a splitter makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Frame(u32, Vec<u8>),
    Damaged,
}

fn wire(parts: &[Part]) -> Vec<u8> {
    let mut wire = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => wire.extend(text),
            Part::Frame(id, data) => {
                wire.extend([0, 1]);
                wire.extend(id::encode(*id));
                wire.extend(data);
                wire.push(0);
            }
            Part::Damaged => unreachable!("is not sent"),
        }
    }
    wire
}

/// The parts, text joined.
fn split(splitter: &mut Splitter, chunks: &[&[u8]]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut take = |event: Event<'_>| match (event, parts.last_mut()) {
        (Event::Text(text), Some(Part::Text(before))) => before.extend(text),
        (Event::Text(text), _) => parts.push(Part::Text(text.to_vec())),
        (Event::Frame { id, data }, _) => parts.push(Part::Frame(id, data.to_vec())),
        (Event::Damaged, _) => parts.push(Part::Damaged),
    };
    chunks.iter().for_each(|chunk| splitter.feed(chunk, &mut take));
    splitter.idle(&mut take);
    parts
}

fn part() -> impl Strategy<Value = Part> {
    let text = prop::collection::vec(prop_oneof![Just(b'\n'), 2u8.., b' '..b'~'], 1..60);
    let data = prop::collection::vec(1u8.., 1..60);
    prop_oneof![
        text.prop_map(Part::Text),
        (0u32..0x4_0000, data).prop_map(|(id, data)| Part::Frame(id, data))
    ]
}

fn joined(parts: &[Part]) -> Vec<Part> {
    let mut all: Vec<Part> = Vec::new();
    for part in parts {
        match (part, all.last_mut()) {
            (Part::Text(text), Some(Part::Text(before))) => before.extend(text),
            _ => all.push(part.clone()),
        }
    }
    all
}

proptest! {
    #[test]
    fn all_arrives_however_it_is_cut(parts in prop::collection::vec(part(), 0..20), sizes in prop::collection::vec(1usize..50, 1..10)) {
        let wire = wire(&parts);
        let mut chunks = Vec::new();
        let mut rest = &wire[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, more) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = more;
        }
        prop_assert_eq!(split(&mut Splitter::new(), &chunks), joined(&parts));
    }

    #[test]
    fn attached_late_every_frame_that_begins_after_that_arrives(parts in prop::collection::vec(part(), 1..20), at: prop::sample::Index) {
        let whole = wire(&parts);
        let cut = at.index(whole.len());
        // Frames that begin at the cut or after it.
        let mut position = 0;
        let mut expected = Vec::new();
        for part in &parts {
            if position >= cut && matches!(part, Part::Frame(..)) {
                expected.push(part.clone());
            }
            position += wire(std::slice::from_ref(part)).len();
        }
        let found = split(&mut Splitter::attached_late(), &[&whole[cut..]]);
        let frames: Vec<Part> = found.iter().filter(|part| matches!(part, Part::Frame(..))).cloned().collect();
        // A cut behind the zero that begins a frame leaves `01 id data 00`, which is no frame; all others are found.
        prop_assert_eq!(frames, expected);
    }

    #[test]
    fn rubbish_neither_panics_nor_stops_what_follows(rubbish: Vec<u8>) {
        let mut splitter = Splitter::new();
        split(&mut splitter, &[&rubbish]);
        // At most one frame is lost to what came before it.
        let frame = Part::Frame(77, b"data".to_vec());
        let found = split(&mut splitter, &[&wire(&[Part::Text(b"x\n".to_vec()), frame.clone(), frame.clone()])]);
        prop_assert!(found.contains(&frame), "{:?}", found);
    }
}

#[test]
fn the_rest_of_a_frame_is_not_shown() {
    let late = |bytes: &[u8]| split(&mut Splitter::attached_late(), &[bytes]);
    let text = |text: &str| Part::Text(text.into());
    assert_eq!(late(b"\x07\xf3ab\x80\0prompt> "), [text("prompt> ")]);
    assert_eq!(late(b"\x07ab\0\0\x01@@Adata\0x"), [Part::Frame(1, b"data".to_vec()), text("x")]);
    // These were text: a frame begins behind them, a line ends, nothing follows.
    assert_eq!(late(b"> \0\x01@@Adata\0x"), [text("> "), Part::Frame(1, b"data".to_vec()), text("x")]);
    assert_eq!(late(b"row\nmore"), [text("row\nmore")]);
    assert_eq!(late(b"prompt> "), [text("prompt> ")]);
}

#[test]
fn a_frame_that_is_none_is_damaged() {
    let parts = |bytes: &[u8]| split(&mut Splitter::new(), &[bytes]);
    assert_eq!(
        parts(b"a\0\x01\x02bc"),
        [Part::Text(b"a".into()), Part::Damaged, Part::Text(b"\x02bc".into())]
    );
    // The debugger ends a frame with a zero and writes text.
    let broken = parts(b"\0\x01@@Ada\0\r\n*** debugger");
    assert_eq!(broken, [Part::Frame(1, b"da".to_vec()), Part::Text(b"\r\n*** debugger".into())]);
    let endless = [&b"\0\x01@@A"[..], &[b'x'; 5000], b"\nrow"].concat();
    let parts = parts(&endless);
    assert_eq!(parts[0], Part::Damaged);
    assert!(matches!(&parts[1], Part::Text(text) if text.ends_with(b"\nrow")));
}
