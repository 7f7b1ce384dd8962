//! The editor against a model of it, and against rubbish.

use proptest::prelude::*;

use super::*;

/// A step of the model.
#[derive(Clone, Debug)]
enum Edit {
    Type(u8),
    Key(Key),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        4 => (b'a'..=b'e').prop_map(Edit::Type),
        2 => Just(Edit::Type(b' ')),
        1 => Just(Edit::Type(b'~')),
        6 => proptest::sample::select(vec![
            Key::Backspace, Key::Delete, Key::Left, Key::Left, Key::Right, Key::Home, Key::End, Key::KillToStart,
            Key::KillToEnd, Key::KillWord, Key::Redraw, Key::Up, Key::Down, Key::Enter, Key::Interrupt,
        ]).prop_map(Edit::Key),
    ];
    proptest::collection::vec(edit, 0..200)
}

/// The bytes of a key; `way` chooses among several.
fn bytes_of(edit: &Edit, way: usize) -> Vec<u8> {
    let ways: &[&[u8]] = match edit {
        Edit::Type(byte) => return vec![*byte],
        Edit::Key(key) => match key {
            Key::Backspace => &[b"\x08", b"\x7f"],
            Key::Delete => &[b"\x04", b"\x1b[3~"],
            Key::Left => &[b"\x02", b"\x1b[D", b"\x1bOD"],
            Key::Right => &[b"\x06", b"\x1b[C", b"\x1bOC"],
            Key::Home => &[b"\x01", b"\x1b[H", b"\x1b[1~"],
            Key::End => &[b"\x05", b"\x1b[F", b"\x1b[4~"],
            Key::Up => &[b"\x10", b"\x1b[A", b"\x1bOA"],
            Key::Down => &[b"\x0e", b"\x1b[B", b"\x1bOB"],
            Key::KillToStart => &[b"\x15"],
            Key::KillToEnd => &[b"\x0b"],
            Key::KillWord => &[b"\x17"],
            Key::Redraw => &[b"\x0c"],
            Key::Enter => &[b"\r", b"\r\n"],
            Key::Interrupt => &[b"\x03"],
            Key::Char(_) | Key::Complete => unreachable!(),
        },
    };
    ways[way % ways.len()].to_vec()
}

/// What the editor should do, in the simplest way.
#[derive(Default)]
struct Model {
    line: Vec<u8>,
    cursor: usize,
    draft: Vec<u8>,
    older: Vec<Vec<u8>>,
    back: usize,
    lines: Vec<Vec<u8>>,
}

impl Model {
    const LINE: usize = 12;
    const HISTORY: usize = 30;

    fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Type(byte) => {
                if self.line.len() < Self::LINE {
                    self.line.insert(self.cursor, *byte);
                    self.cursor += 1;
                }
            }
            Edit::Key(key) => match key {
                Key::Backspace if self.cursor > 0 => {
                    self.cursor -= 1;
                    self.line.remove(self.cursor);
                }
                Key::Delete if self.cursor < self.line.len() => {
                    self.line.remove(self.cursor);
                }
                Key::Left => self.cursor = self.cursor.saturating_sub(1),
                Key::Right => self.cursor = self.line.len().min(self.cursor + 1),
                Key::Home => self.cursor = 0,
                Key::End => self.cursor = self.line.len(),
                Key::KillToStart => {
                    self.line.drain(..self.cursor);
                    self.cursor = 0;
                }
                Key::KillToEnd => self.line.truncate(self.cursor),
                Key::KillWord => {
                    while self.cursor > 0 && self.line[self.cursor - 1] == b' ' {
                        self.cursor -= 1;
                        self.line.remove(self.cursor);
                    }
                    while self.cursor > 0 && self.line[self.cursor - 1] != b' ' {
                        self.cursor -= 1;
                        self.line.remove(self.cursor);
                    }
                }
                Key::Up if self.back < self.older.len() => {
                    if self.back == 0 {
                        self.draft = self.line.clone();
                    }
                    self.back += 1;
                    self.line = self.older[self.older.len() - self.back].clone();
                    self.cursor = self.line.len();
                }
                Key::Down if self.back > 0 => {
                    self.back -= 1;
                    self.line = match self.back {
                        0 => self.draft.clone(),
                        back => self.older[self.older.len() - back].clone(),
                    };
                    self.cursor = self.line.len();
                }
                Key::Enter => {
                    self.lines.push(self.line.clone());
                    if self.line.iter().any(|&b| b != b' ') && self.older.last() != Some(&self.line) {
                        self.older.push(self.line.clone());
                    }
                    while self.older.iter().map(|line| line.len() + 1).sum::<usize>() > Self::HISTORY {
                        self.older.remove(0);
                    }
                    self.restart();
                }
                Key::Interrupt => self.restart(),
                _ => {}
            },
        }
    }

    fn restart(&mut self) {
        self.line.clear();
        self.cursor = 0;
        self.back = 0;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn like_the_model(edits in edits(), ways in proptest::collection::vec(0usize..6, 200)) {
        let mut session = Session::<{ Model::LINE }, { Model::HISTORY }>::new();
        let mut model = Model::default();
        for (edit, way) in edits.iter().zip(ways) {
            session.feed(&bytes_of(edit, way));
            model.apply(edit);
            session.check();
            prop_assert_eq!(session.editor.line().as_bytes(), &model.line);
            prop_assert_eq!(session.editor.cursor(), model.cursor);
        }
        let lines: Vec<_> = session.lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        prop_assert_eq!(lines, model.lines);
    }

    #[test]
    fn keys_and_rubbish(input in proptest::collection::vec(
        prop_oneof![any::<u8>(), proptest::sample::select(b"\x1b\x1b[O~AD;3\t\t\r\nhrex \x10\x0e".to_vec())], 0..300)) {
        let mut session = Session::<16, 40>::new();
        for byte in input {
            session.feed(&[byte]);
            session.check();
        }
        // However it ended, the editor listens.
        session.feed(b"\x03ok\r");
        prop_assert_eq!(session.lines.last().map(String::as_str), Some("ok"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn much_rubbish(input in proptest::collection::vec(any::<u8>(), 65536)) {
        let mut session = Session::<128, 1024>::new();
        session.feed(&input);
        session.feed(b"\x03ok\r");
        prop_assert_eq!(session.lines.last().map(String::as_str), Some("ok"));
    }
}
