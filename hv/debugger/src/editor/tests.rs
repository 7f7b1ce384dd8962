use super::*;

mod model;

const NAMES: [&str; 7] = ["help", "hexdump", "regs", "reset", "xregs", "timers", "two words"];

/// A terminal of one row that knows as little as the editor may ask for.
#[derive(Default)]
struct Screen {
    rows: Vec<String>,
    row: Vec<u8>,
    column: usize,
    bells: usize,
    escape: Vec<u8>,
}

impl Screen {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if !self.escape.is_empty() {
                self.escape.push(byte);
                if byte.is_ascii_alphabetic() {
                    assert_eq!(self.escape, b"\x1b[K");
                    self.row.truncate(self.column);
                    self.escape.clear();
                }
                continue;
            }
            match byte {
                b' '..=b'~' => {
                    self.row.resize(self.row.len().max(self.column + 1), b' ');
                    self.row[self.column] = byte;
                    self.column += 1;
                }
                b'\r' => self.column = 0,
                b'\n' => {
                    assert_eq!(self.column, 0, "CR before LF");
                    let row = self.text();
                    self.rows.push(row);
                    self.row.clear();
                }
                0x08 => self.column = self.column.checked_sub(1).expect("BS in the first column"),
                0x07 => self.bells += 1,
                0x1b => self.escape.push(byte),
                _ => panic!("unexpected byte {byte:#x}"),
            }
        }
    }

    /// The row without the blanks at its end.
    fn text(&self) -> String {
        String::from_utf8(self.row.clone()).unwrap().trim_end().to_string()
    }
}

struct Session<const LINE: usize, const HISTORY: usize> {
    editor: LineEditor<LINE, HISTORY>,
    screen: Screen,
    lines: Vec<String>,
    interrupts: usize,
}

impl<const LINE: usize, const HISTORY: usize> Session<LINE, HISTORY> {
    fn new() -> Self {
        let editor = LineEditor::new("> ");
        let mut session = Self { editor, screen: Screen::default(), lines: vec![], interrupts: 0 };
        session.show();
        session
    }

    fn show(&mut self) {
        self.editor.show(&mut |bytes| self.screen.write(bytes));
    }

    fn feed(&mut self, input: &[u8]) {
        for &byte in input {
            let mut names = |_: &str, found: &mut dyn FnMut(&str)| NAMES.iter().for_each(|name| found(name));
            match self.editor.feed(byte, &mut names, &mut |bytes| self.screen.write(bytes)) {
                Some(Event::Line) => self.lines.push(self.editor.line().to_string()),
                Some(Event::Interrupt) => {
                    assert_eq!(self.editor.line(), "");
                    self.interrupts += 1;
                }
                None => continue,
            }
            self.show();
        }
    }

    /// What is on the screen must be what is in the line. Only for lines without blanks at the end of the row.
    fn check(&self) {
        assert_eq!(self.screen.text(), format!("> {}", self.editor.line()).trim_end());
        assert_eq!(self.screen.column, 2 + self.editor.cursor());
        assert!(self.editor.cursor() <= self.editor.line().len());
    }
}

/// The line and the cursor after `input`.
fn after(input: &[u8]) -> (String, usize) {
    let mut session = Session::<40, 64>::new();
    session.feed(input);
    session.check();
    (session.editor.line().to_string(), session.editor.cursor())
}

#[track_caller]
fn check(input: &[u8], line: &str, cursor: usize) {
    assert_eq!(after(input), (line.to_string(), cursor));
}

#[test]
fn editing_keys() {
    check(b"abc", "abc", 3);
    check(b"abc\x08", "ab", 2);
    check(b"abc\x7f\x7f\x7f\x7f", "", 0);
    check(b"abc\x02\x02X", "aXbc", 2);
    check(b"abc\x01X\x05Y", "XabcY", 5);
    check(b"abc\x01\x06X", "aXbc", 2);
    check(b"abc\x01\x04", "bc", 0);
    check(b"abc\x04", "abc", 3);
    check(b"abc\x02\x0b", "ab", 2);
    check(b"abc\x02\x15", "c", 0);
    check(b"one two  \x17", "one ", 4);
    check(b"one two\x17\x17\x17", "", 0);
    check(b"one two\x02\x17", "one o", 4);
    check(b"abc\x02\x0cX", "abXc", 3);
}

#[test]
fn sequences() {
    check(b"abc\x1b[D\x1bODX", "aXbc", 2);
    check(b"abc\x1b[D\x1b[D\x1b[C\x1bOCX", "abcX", 4);
    check(b"abc\x1b[HX", "Xabc", 1);
    check(b"abc\x1bOHX\x1bOFY", "XabcY", 5);
    check(b"abc\x1b[1~X\x1b[4~Y\x1b[7~Z\x1b[8~", "ZXabcY", 6);
    check(b"abc\x1b[D\x1b[3~", "ab", 2);
    // With a modifier, the key is still the key.
    check(b"abc\x1b[1;5DX", "abXc", 3);
    // Keys without a meaning here.
    check(b"abc\x1b[5~\x1b[15~\x1bOP\x1b[Z\x1b[3;1R", "abc", 3);
}

#[test]
fn broken_sequences_swallow_no_key() {
    check(b"abc\x1bX", "abcX", 4);
    check(b"abc\x1b\x1b\x1bX", "abcX", 4);
    check(b"abc\x1b\x1b[DX", "abXc", 3);
    check(b"abc\x1b[\x08", "ab", 2);
    check(b"abc\x1b[1\x7f", "ab", 2);
    check(b"abc\x1bO\x7f", "ab", 2);
    check(b"a\x1b[12345678901234X", "a34X", 4);
    let mut session = Session::<40, 64>::new();
    session.feed(b"a\x1b\rb\x1b[\rc\x1bO\rd\x1b[1\x03");
    assert_eq!((session.lines, session.interrupts), (vec!["a".into(), "b".into(), "c".into()], 1));
}

#[test]
fn bytes_that_mean_nothing() {
    check(b"a\x00\x07\x0f\x1c\x1f\x80\xc3\xa4\xffb", "ab", 2);
}

#[test]
fn line_ends() {
    let mut session = Session::<40, 64>::new();
    session.feed(b"a\rb\nc\r\nd\n\n\r\r\n\n");
    assert_eq!(session.lines, ["a", "b", "c", "d", "", "", "", ""]);
    session.check();
    // An LF that comes with CR is still nothing when the line has been taken up again.
    assert_eq!(session.screen.rows[..5], ["> a", "> b", "> c", "> d", ">"]);
}

#[test]
fn enter_takes_the_whole_line() {
    let mut session = Session::<40, 64>::new();
    session.feed(b"abc\x02\x02\r");
    assert_eq!(session.lines, ["abc"]);
    assert_eq!(session.editor.line(), "");
}

#[test]
fn the_line_stays_until_the_next_byte() {
    let mut editor = LineEditor::<8, 8>::new("");
    let mut names = |_: &str, _: &mut dyn FnMut(&str)| ();
    assert_eq!(editor.feed(b'x', &mut names, &mut |_| ()), None);
    assert_eq!(editor.feed(b'\r', &mut names, &mut |_| ()), Some(Event::Line));
    assert_eq!(editor.line(), "x");
    assert_eq!(editor.feed(b'\n', &mut names, &mut |_| ()), None);
    assert_eq!(editor.line(), "");
}

#[test]
fn interrupt_drops_the_line() {
    let mut session = Session::<40, 64>::new();
    session.feed(b"abc\x03d\r");
    assert_eq!((&session.lines[..], session.interrupts), (&["d".to_string()][..], 1));
    assert_eq!(session.screen.rows, ["> abc^C", "> d"]);
    session.feed(b"\x10");
    assert_eq!(session.editor.line(), "d");
    session.feed(b"\x10");
    assert_eq!((session.editor.line(), session.screen.bells), ("d", 1), "a dropped line is not kept");
}

#[test]
fn clear_forgets_a_half_typed_line() {
    let mut session = Session::<40, 64>::new();
    session.feed(b"old\rabc\x1b[");
    session.editor.clear();
    session.screen.write(b"\r\n");
    session.show();
    session.feed(b"D\x10");
    session.check();
    assert_eq!(session.editor.line(), "old");
    session.feed(b"\x0e");
    assert_eq!(session.editor.line(), "D");
}

#[test]
fn long_lines() {
    let mut session = Session::<4, 64>::new();
    session.feed(b"abcdefg\x01X");
    session.check();
    assert_eq!((session.editor.line(), session.screen.bells), ("abcd", 4));
    session.feed(b"\x04Y\r");
    assert_eq!(session.lines, ["Ybcd"]);
}

#[test]
fn history() {
    let mut session = Session::<40, 64>::new();
    session.feed(b"one\rtwo\rtwo\r  \r\rthree\rnew");
    for (key, line) in [
        (b"\x1b[A", "three"),
        (b"\x1bOA", "two"),
        (b"\x1b[A", "one"),
        (b"\x1b[A", "one"),
        (b"\x1b[B", "two"),
        (b"\x1bOB", "three"),
        (b"\x1b[B", "new"),
        (b"\x1b[B", "new"),
    ] {
        session.feed(key);
        session.check();
        assert_eq!(session.editor.line(), line);
    }
    assert_eq!(session.screen.bells, 2);
    session.feed(b"\x10\x10!\r\x10");
    assert_eq!((session.lines.last().unwrap().as_str(), session.editor.line()), ("two!", "two!"));
}

#[test]
fn history_drops_the_oldest() {
    // "aaa" and "bbb" take 8 of 10 bytes; "ccc" does not fit beside both.
    let mut session = Session::<40, 10>::new();
    session.feed(b"aaa\rbbb\rccc\r\x10\x10\x10");
    assert_eq!((session.editor.line(), session.screen.bells), ("bbb", 1));
    // Exactly all the room.
    session.feed(b"\x15123456789\r\x10\x10");
    assert_eq!((session.editor.line(), session.screen.bells), ("123456789", 2));
    // More than all the room: not kept, and nothing is lost for it.
    session.feed(b"\x151234567890\r\x10");
    assert_eq!(session.editor.line(), "123456789");
}

#[test]
fn completion() {
    check(b"x\t", "xregs ", 6);
    check(b"  x\t", "  xregs ", 8);
    check(b"hel\t4", "help 4", 6);
    // In the middle: the blank that is there is used.
    check(b"x 4\x02\x02\t", "xregs 4", 6);
    check(b"x4\x02\t", "xregs 4", 6);
    check(b"help xr\t", "help xregs ", 11);
    check(b"zz\t", "zz", 2);
    // A word with a blank is not offered.
    check(b"tw\t", "tw", 2);
    // What all have in common.
    check(b"r\t", "re", 2);
    check(b"reg\t", "regs ", 5);
}

#[test]
fn completion_lists() {
    let mut session = Session::<40, 64>::new();
    session.feed(b"re 4\x02\x02\t");
    session.check();
    assert_eq!(session.screen.rows, ["> re 4", "regs  reset"]);
    assert_eq!((session.editor.line(), session.editor.cursor()), ("re 4", 2));
    session.feed(b"\x15\x0b\t");
    assert_eq!(session.screen.rows[2..], [">", "help  hexdump  regs  reset  xregs  timers"]);
    session.feed(b"q\t");
    assert_eq!(session.screen.bells, 1);
}

#[test]
fn completion_of_long_names() {
    let mut editor = LineEditor::<8, 8>::new("");
    let mut screen = Screen::default();
    let long = "e".repeat(75);
    let mut names = |_: &str, found: &mut dyn FnMut(&str)| {
        for name in ["aa1234", "aa5678", "b1234567", "c12345678", long.as_str(), "d", "d"] {
            found(name);
        }
    };
    let mut feed = |input: &[u8]| {
        for &byte in input {
            editor.feed(byte, &mut names, &mut |bytes| screen.write(bytes));
        }
        editor.line().to_string()
    };
    assert_eq!(feed(b"b\t"), "b1234567", "the blank has no room");
    assert_eq!(feed(b"\x15c\t"), "c", "does not fit into a line");
    assert_eq!(feed(b"\x15zzzz b\t"), "zzzz b", "no room for it there");
    assert_eq!(feed(b"\x15d\t"), "d ", "twice the same is one");
}

#[test]
fn lists_are_broken_into_rows() {
    let mut editor = LineEditor::<40, 8>::new("> ");
    let mut screen = Screen::default();
    let mut names = |before: &str, found: &mut dyn FnMut(&str)| {
        assert_eq!(before, "");
        for index in 0..20 {
            found(&format!("{}-command", char::from(b'a' + index)));
        }
    };
    editor.feed(b'\t', &mut names, &mut |bytes| screen.write(bytes));
    assert_eq!(screen.rows.len(), 1 + 3);
    assert!(screen.rows.iter().all(|row| row.len() <= LIST_COLUMNS), "{:?}", screen.rows);
    assert_eq!(screen.rows[1..].join("  ").split("  ").count(), 20);
}
