//! The whole way from bytes on the line to answers, with bytes that nobody would type.

use std::fmt::Write;

use nex_debugger::editor::{Event, LineEditor};
use nex_debugger::escape::{EscapeKey, Outcome};
use nex_debugger::hexdump::hexdump;
use nex_debugger::par::Translation;
use nex_debugger::table::{Command, Registry};
use proptest::prelude::*;

static TABLES: [&[Command<String>]; 1] = [&[
    Command {
        name: "hexdump",
        usage: "1|2|4|8 <hex size>@<hex va>",
        help: "show memory",
        run: |out, args| {
            let (width, range) = (args.width(0)?, args.size_at(1)?);
            args.at_most(2)?;
            let _ = hexdump(out, width, range, &mut |at, _| (at % 3 != 0).then_some(u64::from(at)));
            Ok(())
        },
    },
    Command {
        name: "v2p",
        usage: "u|p r|w <hex va>",
        help: "translate an address",
        run: |out, args| {
            let (access, va) = (args.access(0)?, args.hex(2)?);
            let _ = writeln!(out, "{}", Translation { access, va, par: va.rotate_left(7) });
            Ok(())
        },
    },
    Command {
        name: "help",
        usage: "[<command>]",
        help: "list the commands",
        run: |out, args| {
            let _ = Registry::new(&TABLES).help(args.get(0), out);
            Ok(())
        },
    },
]];

/// Feeds `input` as the debugger would; gives the answers.
fn session(input: &[u8]) -> Vec<String> {
    let registry = Registry::new(&TABLES);
    let mut keys = EscapeKey::default();
    let mut editor = LineEditor::<128, 512>::new("fiqdb> ");
    let mut sent = 0;
    let mut answers = vec![];
    for &byte in input {
        let Outcome::Pass(passed) = keys.feed(byte) else { continue };
        for &byte in passed.as_slice() {
            let event =
                editor.feed(byte, &mut |before, found| registry.complete(before, found), &mut |bytes| {
                    sent += bytes.len()
                });
            if event == Some(Event::Line) {
                let mut answer = String::new();
                if let Err(error) = registry.run(editor.line(), &mut answer) {
                    let _ = write!(answer, "{error}");
                }
                answers.push(answer);
            }
            if event.is_some() {
                editor.show(&mut |bytes| sent += bytes.len());
            }
        }
    }
    // A byte is answered by two lists and a line at the very most.
    assert!(sent <= input.len() * 400);
    answers
}

#[test]
fn a_session() {
    let answers = session(b"v\tp r 80000123\rhexd 4 8@1\x1b[D4\x7f\rhexdump 5\rhe\t help\r\nnope\n");
    assert_eq!(answers.len(), 5);
    assert!(answers[0].starts_with("privileged read: va 80000123 -> pa "), "{}", answers[0]);
    assert_eq!(answers[1], "00000001: fault\n");
    assert_eq!(answers[2], "width must be 1, 2, 4 or 8\nusage: hexdump 1|2|4|8 <hex size>@<hex va>");
    assert_eq!(answers[4], "nope: no such command, try help");
}

/// Bytes of any kind, and among them pieces of commands, so that some get far.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"hexdump ",
        b"v2p ",
        b"help ",
        b"4 ",
        b"8 ",
        b"10@0 ",
        b"100@fffffff0",
        b"u ",
        b"p ",
        b"w ",
        b"ffff0000",
        b"\r",
        b"\r\n",
        b"\t",
        b"\x1b[",
        b"\x1bO",
        b"\x03",
        b"\x1c",
        b"\x1b[A",
        b"@",
        b"0x",
        b"\x01",
        b"\x15",
    ];
    let piece = prop_oneof![
        4 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..100).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn almost_commands(input in pieces()) {
        let mut input = input;
        input.extend(b"\x03help help\r");
        let answers = session(&input);
        prop_assert_eq!(answers.last().map(String::as_str), Some("usage: help [<command>]\nlist the commands\n"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn much_of_anything(input in proptest::collection::vec(any::<u8>(), 65536)) {
        let mut input = input;
        input.extend(b"\x03v2p q\r");
        let answers = session(&input);
        prop_assert_eq!(
            answers.last().map(String::as_str),
            Some("privilege must be u (user) or p (privileged)\nusage: v2p u|p r|w <hex va>")
        );
    }
}
