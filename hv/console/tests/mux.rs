//! What the terminal shows.

use nex_console::{BROKEN_MARK, CUT_MARK, LINE_BYTES, Mux, Source};
use proptest::prelude::*;

const A: Source = Source::Domain(0);
const B: Source = Source::Domain(1);

/// A mux with two domains, and the terminal it writes to.
struct Terminal {
    mux: Mux<4>,
    shown: Vec<u8>,
}

impl Terminal {
    fn new() -> Self {
        let mut mux = Mux::new();
        mux.open(A, "a");
        mux.open(B, "b");
        Self { mux, shown: Vec::new() }
    }

    fn write(&mut self, source: Source, bytes: impl AsRef<[u8]>) {
        self.mux.write(source, bytes.as_ref(), &mut |out| self.shown.extend(out));
    }

    fn focus(&mut self, source: Source) {
        self.mux.set_focus(source, &mut |out| self.shown.extend(out));
    }

    fn owner(&mut self, owner: Option<Source>) {
        self.mux.set_owner(owner, &mut |out| self.shown.extend(out));
    }

    fn flush(&mut self, source: Source) {
        self.mux.flush(source, &mut |out| self.shown.extend(out));
    }

    fn close(&mut self, source: Source) {
        self.mux.close(source, &mut |out| self.shown.extend(out));
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.shown).expect("UTF-8 on the terminal")
    }
}

/// What is shown when domain A, which has not the focus, writes this in one go.
fn cleaned(bytes: &[u8]) -> String {
    let mut terminal = Terminal::new();
    terminal.write(A, bytes);
    terminal.text().to_owned()
}

#[test]
fn lines_come_whole_and_named() {
    let mut terminal = Terminal::new();
    terminal.write(A, "one");
    terminal.write(B, "two\nthr");
    terminal.write(Source::Nex, "Nex 0.1\n");
    terminal.write(A, " more\n");
    terminal.write(B, "ee\n\n");
    assert_eq!(terminal.text(), "[b] two\r\nNex 0.1\r\n[a] one more\r\n[b] three\r\n[b] \r\n");
}

#[test]
fn line_ends_are_made_one() {
    assert_eq!(cleaned(b"x\r\ny\r\r\nz\n"), "[a] x\r\n[a] y\r\n[a] z\r\n");
    assert_eq!(cleaned(b"10%\r20%\r30%\n"), "[a] 10%\r\n[a] 20%\r\n[a] 30%\r\n");
    assert_eq!(cleaned(b"\r\r$ x\n"), "[a] $ x\r\n", "a return at the start of a line is nothing");
    assert_eq!(cleaned(b"\r\n"), "[a] \r\n");
}

#[test]
fn control_characters_are_harmless() {
    assert_eq!(cleaned(b"\x1b[2J\0\x07\x7f\tx\n"), "[a] ^[[2J^G\tx\r\n");
    assert_eq!(cleaned("\u{9b}2J\n".as_bytes()), "[a] \u{fffd}2J\r\n", "the one-character CSI");
    assert_eq!(cleaned(b"\x9b2J\n"), "[a] \u{fffd}2J\r\n");
    assert_eq!(cleaned(b"abc\x08\x08x\x08\x08\x08\x08y\n"), "[a] y\r\n", "backspace stays in the line");
}

#[test]
fn utf8_is_put_together_across_writes() {
    for text in ["Grüße", "日本", "🦀!"] {
        let mut terminal = Terminal::new();
        for byte in text.bytes() {
            terminal.write(A, [byte]);
            terminal.write(B, "x\n");
        }
        terminal.write(A, "\n");
        assert!(terminal.text().ends_with(&format!("[a] {text}\r\n")));
    }
    assert_eq!(cleaned(b"\xe2\x82A\xff\xe2\xe2\x82\xac\n"), "[a] \u{fffd}A\u{fffd}\u{fffd}€\r\n");
}

#[test]
fn long_lines_are_broken_between_characters() {
    let line = format!("{}€", "x".repeat(LINE_BYTES - 1));
    let expected = format!("[a] {}{BROKEN_MARK}\r\n[a] €\r\n", "x".repeat(LINE_BYTES - 1));
    assert_eq!(cleaned(format!("{line}\n").as_bytes()), expected);
    let full = "y".repeat(LINE_BYTES);
    assert_eq!(cleaned(format!("{full}\n").as_bytes()), format!("[a] {full}\r\n"), "one that just fits");
}

#[test]
fn the_focus_shows_its_prompt_at_once() {
    let mut terminal = Terminal::new();
    terminal.focus(A);
    terminal.write(A, "> ");
    assert_eq!(terminal.text(), "[a] > ");
    terminal.write(A, "l");
    terminal.write(B, "quiet");
    assert_eq!(terminal.text(), "[a] > l");
    terminal.write(B, "!\nagain\n");
    assert_eq!(terminal.text(), "[a] > l~\r\n[b] quiet!\r\n[b] again\r\n[a] > l");
    terminal.write(A, "s\n");
    assert!(terminal.text().ends_with("\r\n[a] > ls\r\n"));
}

#[test]
fn typing_can_be_taken_back() {
    let mut terminal = Terminal::new();
    terminal.focus(A);
    terminal.write(A, ">x");
    terminal.write(A, "\x08 \x08");
    assert_eq!(terminal.text(), "[a] >x\x08 \x08", "the blank was taken back before it was shown");
    terminal.write(A, "y\n");
    assert_eq!(terminal.text(), "[a] >x\x08 \x08y\r\n");
}

#[test]
fn a_prompt_taken_back_whole_still_has_its_row() {
    let mut terminal = Terminal::new();
    terminal.focus(A);
    terminal.write(A, ">");
    terminal.write(A, "\x08");
    terminal.write(B, "x\n");
    assert_eq!(terminal.text(), "[a] >\x08 \x08~\r\n[b] x\r\n");
}

#[test]
fn moving_the_focus_shows_the_other_prompt() {
    let mut terminal = Terminal::new();
    terminal.write(A, "a> ");
    terminal.write(B, "b> ");
    terminal.focus(A);
    terminal.focus(B);
    assert_eq!(terminal.text(), "[a] a> ~\r\n[b] b> ");
    terminal.focus(A);
    terminal.write(A, "\n");
    assert!(terminal.text().ends_with("[b] b> ~\r\n[a] a> \r\n"));
}

#[test]
fn a_dead_source_leaves_its_last_words() {
    let mut terminal = Terminal::new();
    terminal.write(A, b"dying\xe2\x82");
    terminal.flush(A);
    terminal.flush(A);
    assert_eq!(terminal.text(), "[a] dying\u{fffd}\r\n");
    terminal.focus(B);
    terminal.write(B, "> ");
    terminal.write(Source::Nex, "nex");
    terminal.close(B);
    assert!(terminal.text().ends_with("[b] > \r\nnex"), "the focus falls back to Nex");
    terminal.write(B, "ghost\n");
    assert!(!terminal.text().contains("ghost"));
}

#[test]
fn the_owner_has_the_terminal_for_itself() {
    let mut terminal = Terminal::new();
    terminal.focus(A);
    terminal.write(A, "before");
    terminal.owner(Some(A));
    terminal.write(A, b"\x1b[31mred\0");
    terminal.write(B, "line\n");
    terminal.write(A, "x\n");
    terminal.write(B, "line\n");
    terminal.owner(None);
    terminal.write(A, "y\n");
    assert_eq!(terminal.text(), "[a] before\r\n\x1b[31mred\0\r\n[b] line\r\nx\n[b] line\r\n\x1b[0m[a] y\r\n");
}

#[test]
fn sources_that_are_not_there_are_ignored() {
    let mut terminal = Terminal::new();
    for source in [Source::Domain(2), Source::Domain(4), Source::Domain(255)] {
        terminal.write(source, "x\n");
        terminal.flush(source);
        terminal.focus(source);
        terminal.close(source);
    }
    assert_eq!(terminal.text(), "");
}

#[test]
fn names_cannot_steer_the_terminal() {
    let mut terminal = Terminal::new();
    terminal.mux.open(A, "e\x1b[2Jvil\r\n");
    terminal.write(A, "x\n");
    let long = "ü".repeat(30);
    terminal.mux.open(A, &long);
    terminal.write(A, "x\n");
    assert_eq!(terminal.text(), format!("[e[2Jvil] x\r\n[{}] x\r\n", "ü".repeat(16)));
}

/// What one source's bytes should come to, written the slow and obvious way.
fn model(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let line = lines.last_mut().unwrap();
        match c {
            '\n' => lines.push(String::new()),
            '\r' => {
                while chars.peek().is_some_and(|&c| c == '\r' || c == '\0' || c == '\x7f') {
                    chars.next();
                }
                if chars.peek().is_some_and(|&c| c != '\n') && !line.is_empty() {
                    lines.push(String::new());
                }
            }
            '\0' | '\x7f' => {}
            '\x08' => drop(line.pop()),
            '\t' => line.push('\t'),
            '\0'..' ' => line.extend(['^', (c as u8 ^ 0x40) as char]),
            '\u{80}'..'\u{a0}' => line.push('\u{fffd}'),
            _ => line.push(c),
        }
    }
    if lines.last().unwrap().is_empty() {
        lines.pop();
    }
    lines
}

/// The complete lines of the source called `name`, joined where they were broken, cut rows left out.
fn lines_of(text: &str, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut joined = String::new();
    for row in text.split_terminator("\r\n").filter(|row| !row.ends_with(CUT_MARK)) {
        let Some(row) = row.strip_prefix(&format!("[{name}] ")) else { continue };
        match row.strip_suffix(BROKEN_MARK) {
            Some(part) => joined.push_str(part),
            None => lines.push(std::mem::take(&mut joined) + row),
        }
    }
    lines
}

/// Bytes that matter to the cleaning come often; the two marks, which the test itself looks for, do not come.
fn chunk() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(&b"\r\n\0\x1b\x7f\xe2\x82\xac\xf0\x9f\xa6\x80\xc2\x9b\xff"[..]);
    let byte = prop_oneof![2 => special, 3 => b' '..=b'[', 1 => b'^'..=b'}'];
    prop_oneof![
        4 => prop::collection::vec(byte, 0..12),
        1 => prop::collection::vec(b'a'..=b'z', 200..400),
    ]
}

/// The same with backspaces, which take back nothing that a broken row has shown: only for short lines.
fn short_chunk() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(&b"\r\n\0\x1b\x08\x08\xe2\x82\xac\xff"[..]);
    prop::collection::vec(prop_oneof![1 => special, 2 => b'a'..=b'z'], 0..8)
}

fn check_lines(chunks: &[(u8, Vec<u8>)], focus: Option<Source>) -> Result<(), TestCaseError> {
    let mut terminal = Terminal::new();
    if let Some(focus) = focus {
        terminal.focus(focus);
    }
    for (number, bytes) in chunks {
        terminal.write(Source::Domain(*number), bytes);
    }
    terminal.mux.flush_all(&mut |out| terminal.shown.extend(out));
    let text = terminal.text();
    if !text.is_empty() {
        prop_assert!(text.ends_with("\r\n"));
    }
    for (number, name) in [(0, "a"), (1, "b")] {
        let written: Vec<u8> =
            chunks.iter().filter(|(n, _)| *n == number).flat_map(|(_, bytes)| bytes.clone()).collect();
        let mut expected = model(&written);
        // Backspaces shown to the focus are undone before lines are compared.
        let mut lines = lines_of(&text.replace("\x08 \x08", "\x08"), name);
        for line in &mut lines {
            while let Some(at) = line.find('\x08') {
                let before = line[..at].char_indices().next_back().map_or(at, |(i, _)| i);
                line.replace_range(before..=at, "");
            }
        }
        // A trailing carriage return, or a line taken back whole, ends without a row.
        if expected.last().is_some_and(String::is_empty) && lines.len() + 1 == expected.len() {
            expected.pop();
        }
        prop_assert_eq!(lines, expected);
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_is_lost_or_mixed(chunks in prop::collection::vec((0u8..2, chunk()), 0..20)) {
        check_lines(&chunks, None)?;
    }

    #[test]
    fn nothing_is_lost_or_mixed_with_a_focus(chunks in prop::collection::vec((0u8..2, chunk()), 0..20)) {
        check_lines(&chunks, Some(A))?;
    }

    #[test]
    fn taking_back_agrees_with_the_model(
        chunks in prop::collection::vec((0u8..2, short_chunk()), 0..12),
        focus in prop::sample::select(&[None, Some(A)][..]),
    ) {
        check_lines(&chunks, focus)?;
    }

    #[test]
    fn anything_goes(calls in prop::collection::vec((0u8..5, 0u8..6, prop::collection::vec(any::<u8>(), 0..300)), 0..30)) {
        let mut terminal = Terminal::new();
        let mut owned = false;
        for (call, number, bytes) in calls {
            let source = if number == 5 { Source::Nex } else { Source::Domain(number) };
            match call {
                0 => terminal.flush(source),
                1 => terminal.focus(source),
                2 => terminal.close(source),
                3 => terminal.mux.open(source, &String::from_utf8_lossy(&bytes)),
                _ => terminal.write(source, &bytes),
            }
            if number == 0 && call == 1 {
                owned = !owned;
                terminal.owner(owned.then_some(A));
            }
        }
        if !owned {
            terminal.mux.flush_all(&mut |out| terminal.shown.extend(out));
            prop_assert!(terminal.shown.is_empty() || terminal.shown.ends_with(b"\n") || terminal.shown.ends_with(b"\x1b[0m"));
        }
    }

    #[test]
    fn a_domain_cannot_steer_the_terminal(chunks in prop::collection::vec((0u8..2, prop::collection::vec(any::<u8>(), 0..300)), 0..10)) {
        let mut terminal = Terminal::new();
        for (number, bytes) in chunks {
            terminal.write(Source::Domain(number), bytes);
        }
        terminal.mux.flush_all(&mut |out| terminal.shown.extend(out));
        for row in terminal.text().split_terminator("\r\n") {
            prop_assert!(row.starts_with("[a] ") || row.starts_with("[b] "), "{row:?}");
            prop_assert!(row.chars().all(|c| c == '\t' || !c.is_control()), "{row:?}");
        }
    }
}
