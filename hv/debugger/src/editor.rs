//! A line of input with editing keys, history and completion, for a terminal that may be dumb.
//!
//! | key | what it does |
//! | --- | --- |
//! | Enter (CR, LF or CR LF) | ends the line |
//! | Backspace, DEL | deletes the character before the cursor |
//! | Delete, Ctrl-D | deletes the character at the cursor |
//! | Left, Ctrl-B; Right, Ctrl-F | moves by one character |
//! | Home, Ctrl-A; End, Ctrl-E | moves to the start or the end |
//! | Ctrl-U; Ctrl-K; Ctrl-W | deletes to the start; to the end; the word before the cursor |
//! | Up, Ctrl-P; Down, Ctrl-N | older and newer lines |
//! | TAB | completes the word before the cursor, or lists what it may become |
//! | Ctrl-L | shows the line again |
//! | Ctrl-C | drops the line |
//!
//! Printable ASCII is inserted at the cursor; all other bytes are ignored. Only BS, CR, LF, BEL and (for Ctrl-L)
//! `ESC [ K` are sent besides printable characters, and the cursor is never moved between rows: prompt and line should
//! fit into one row of the terminal.

use self::history::History;
use self::keys::{Key, Keys};

mod history;
mod keys;

/// The end of input to which the caller must react.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A line is complete: [`line`](LineEditor::line) has it until the next byte is fed.
    Line,
    /// Ctrl-C: the line was dropped.
    Interrupt,
}

/// Where bytes for the terminal go.
type Out<'a> = &'a mut dyn FnMut(&[u8]);

/// The source of completions, see [`LineEditor::feed`].
type Candidates<'a> = &'a mut dyn FnMut(&str, &mut dyn FnMut(&str));

const BELL: &[u8] = b"\x07";
const NEW_ROW: &[u8] = b"\r\n";

/// Where a list of completions goes on in a new row, in columns.
const LIST_COLUMNS: usize = 76;

/// The editor, for lines of at most `LINE` bytes. Older lines are kept in `HISTORY_BYTES` bytes, each in one more than
/// its length.
///
/// The caller shows the prompt with [`show`](Self::show), at first and whenever it is ready again after an [`Event`].
#[derive(Debug)]
pub struct LineEditor<const LINE: usize, const HISTORY_BYTES: usize> {
    prompt: &'static str,
    text: Text<LINE>,
    /// The line that was being typed when the user went to older ones.
    draft: Text<LINE>,
    history: History<HISTORY_BYTES>,
    /// How many lines back the shown one is; 0 for a new line.
    back: usize,
    keys: Keys,
    /// `text` is the line of the last event, which nobody needs once the next byte comes.
    done: bool,
}

impl<const LINE: usize, const HISTORY_BYTES: usize> LineEditor<LINE, HISTORY_BYTES> {
    /// An empty line and no history. `prompt` is printable ASCII.
    pub const fn new(prompt: &'static str) -> Self {
        Self {
            prompt,
            text: Text::new(),
            draft: Text::new(),
            history: History::new(),
            back: 0,
            keys: Keys::new(),
            done: false,
        }
    }

    /// The line typed so far, or the one of the [`Event::Line`] just returned. Printable ASCII.
    pub fn line(&self) -> &str {
        as_str(self.text.all())
    }

    /// Position of the cursor in [`line`](Self::line), in bytes.
    pub fn cursor(&self) -> usize {
        self.text.cursor
    }

    /// Drops the line and a half-typed key, as after a pause in which other things happened. History stays.
    pub fn clear(&mut self) {
        self.text.clear();
        self.draft.clear();
        self.back = 0;
        self.keys = Keys::new();
        self.done = false;
    }

    /// Writes prompt and line, with the cursor where it belongs. The terminal's cursor must be at the start of a row.
    pub fn show(&mut self, out: Out<'_>) {
        self.begin();
        out(self.prompt.as_bytes());
        self.text.show_all(out);
    }

    /// Takes one byte from the terminal and echoes what it does through `out`.
    ///
    /// For TAB, `candidates(before, found)` is called with the text before the cursor, without leading blanks. It calls
    /// `found` with each word that may stand in the place of the last word of `before` (empty after a blank), in the
    /// order in which they are to be listed; those that do not begin with it are ignored. It may be called twice.
    pub fn feed(&mut self, byte: u8, candidates: Candidates<'_>, out: Out<'_>) -> Option<Event> {
        self.begin();
        match self.keys.feed(byte)? {
            Key::Char(char) => {
                self.text.insert(&[char], out);
            }
            Key::Enter => {
                out(NEW_ROW);
                self.history.push(self.text.all());
                self.done = true;
                return Some(Event::Line);
            }
            Key::Interrupt => {
                out(b"^C\r\n");
                self.text.clear();
                self.done = true;
                return Some(Event::Interrupt);
            }
            Key::Backspace => self.text.delete_back(1, out),
            Key::Delete => self.text.delete_forward(1, out),
            Key::Left => self.text.left(1, out),
            Key::Right => self.text.right(1, out),
            Key::Home => self.text.left(self.text.cursor, out),
            Key::End => self.text.right(self.text.len, out),
            Key::KillToStart => self.text.delete_back(self.text.cursor, out),
            Key::KillToEnd => self.text.delete_forward(self.text.len, out),
            Key::KillWord => {
                let count = word_before(self.text.before());
                self.text.delete_back(count, out);
            }
            Key::Redraw => {
                out(b"\r");
                out(self.prompt.as_bytes());
                out(b"\x1b[K");
                self.text.show_all(out);
            }
            Key::Up => self.recall(self.back + 1, out),
            Key::Down => match self.back.checked_sub(1) {
                Some(back) => self.recall(back, out),
                None => out(BELL),
            },
            Key::Complete => self.complete(candidates, out),
        }
        None
    }

    /// Starts a new line if the last one is done.
    fn begin(&mut self) {
        if self.done {
            self.text.clear();
            self.draft.clear();
            self.back = 0;
            self.done = false;
        }
    }

    /// Shows the line `back` lines ago; 0 is the new line.
    fn recall(&mut self, back: usize, out: Out<'_>) {
        if back == 0 {
            self.text.replace(self.draft.all(), out);
        } else {
            let Some(line) = self.history.get(back) else {
                out(BELL);
                return;
            };
            if self.back == 0 {
                self.draft.set(self.text.all());
            }
            self.text.replace(line, out);
        }
        self.back = back;
    }

    fn complete(&mut self, candidates: Candidates<'_>, out: Out<'_>) {
        let before = self.text.before().trim_ascii_start();
        let typed = before.iter().rev().take_while(|&&byte| byte != b' ').count();
        let word = before.get(before.len() - typed..).unwrap_or(&[]);
        let fits = |name: &str| {
            name.len() <= LINE
                && name.as_bytes().starts_with(word)
                && name.bytes().all(|b| b.is_ascii_graphic())
        };

        // The first that fits, cut to what it has in common with the others.
        let mut common = Text::<LINE>::new();
        let mut first_len = None;
        let mut several = false;
        candidates(as_str(before), &mut |name| {
            if !fits(name) {
                return;
            }
            match first_len {
                None => {
                    first_len = Some(name.len());
                    common.set(name.as_bytes());
                }
                Some(len) => {
                    let same = common.all().iter().zip(name.as_bytes()).take_while(|(a, b)| a == b).count();
                    several |= same < len || name.len() != len;
                    common.len = same;
                }
            }
        });

        let rest = common.all().get(typed..).unwrap_or(&[]);
        if first_len.is_none() {
            out(BELL);
        } else if !several {
            if self.text.insert(rest, out) {
                if self.text.after().first() == Some(&b' ') {
                    self.text.right(1, out);
                } else {
                    self.text.insert(b" ", out);
                }
            }
        } else if !rest.is_empty() {
            self.text.insert(rest, out);
        } else {
            let mut column = 0;
            candidates(as_str(before), &mut |name| {
                if !fits(name) {
                    return;
                }
                if column == 0 || column + 2 + name.len() > LIST_COLUMNS {
                    out(NEW_ROW);
                    column = name.len();
                } else {
                    out(b"  ");
                    column += 2 + name.len();
                }
                out(name.as_bytes());
            });
            out(NEW_ROW);
            out(self.prompt.as_bytes());
            self.text.show_all(out);
        }
    }
}

/// Length of the word that ends `before`, with the blanks after it.
fn word_before(before: &[u8]) -> usize {
    let without_blanks = before.trim_ascii_end();
    let start = without_blanks.iter().rposition(|&byte| byte == b' ').map_or(0, |blank| blank + 1);
    before.len() - start
}

fn as_str(ascii: &[u8]) -> &str {
    core::str::from_utf8(ascii).unwrap_or("")
}

/// Text with a cursor. Methods with `out` keep the terminal in step: its cursor is at the text's before and after.
#[derive(Debug)]
struct Text<const LINE: usize> {
    bytes: [u8; LINE],
    /// Bytes in use, at most `LINE`.
    len: usize,
    /// At most `len`.
    cursor: usize,
}

impl<const LINE: usize> Text<LINE> {
    const fn new() -> Self {
        Self { bytes: [0; LINE], len: 0, cursor: 0 }
    }

    fn all(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    fn before(&self) -> &[u8] {
        self.bytes.get(..self.cursor).unwrap_or(&[])
    }

    fn after(&self) -> &[u8] {
        self.bytes.get(self.cursor..self.len).unwrap_or(&[])
    }

    fn clear(&mut self) {
        self.len = 0;
        self.cursor = 0;
    }

    /// Takes as much of `text` as there is room for, with the cursor behind it.
    fn set(&mut self, text: &[u8]) {
        self.len = text.len().min(LINE);
        self.cursor = self.len;
        for (slot, &byte) in self.bytes.iter_mut().zip(text) {
            *slot = byte;
        }
    }

    fn show_all(&self, out: Out<'_>) {
        out(self.all());
        repeat(b'\x08', self.len - self.cursor, out);
    }

    /// Inserts all of `text`, or rings the bell and gives `false` if there is no room for it.
    fn insert(&mut self, text: &[u8], out: Out<'_>) -> bool {
        let count = text.len();
        if count > LINE - self.len {
            out(BELL);
            return false;
        }
        self.bytes.copy_within(self.cursor..self.len, self.cursor + count);
        for (slot, &byte) in self.bytes.iter_mut().skip(self.cursor).zip(text) {
            *slot = byte;
        }
        self.len += count;
        self.cursor += count;
        out(text);
        out(self.after());
        repeat(b'\x08', self.len - self.cursor, out);
        true
    }

    /// Moves the cursor by `count` bytes, or as many as there are.
    fn left(&mut self, count: usize, out: Out<'_>) {
        let count = count.min(self.cursor);
        self.cursor -= count;
        repeat(b'\x08', count, out);
    }

    /// Moves the cursor by `count` bytes, or as many as there are.
    fn right(&mut self, count: usize, out: Out<'_>) {
        let count = count.min(self.len - self.cursor);
        // The one way right that every terminal knows is to write what is there.
        out(self.after().get(..count).unwrap_or(&[]));
        self.cursor += count;
    }

    fn delete_back(&mut self, count: usize, out: Out<'_>) {
        let count = count.min(self.cursor);
        self.left(count, out);
        self.delete_forward(count, out);
    }

    fn delete_forward(&mut self, count: usize, out: Out<'_>) {
        let count = count.min(self.len - self.cursor);
        if count == 0 {
            return;
        }
        self.bytes.copy_within(self.cursor + count..self.len, self.cursor);
        self.len -= count;
        out(self.after());
        repeat(b' ', count, out);
        repeat(b'\x08', self.len - self.cursor + count, out);
    }

    /// Puts `text` in the place of all, with the cursor behind it.
    fn replace(&mut self, text: &[u8], out: Out<'_>) {
        let before = self.len;
        self.left(self.cursor, out);
        self.set(text);
        out(self.all());
        let left_over = before.saturating_sub(self.len);
        repeat(b' ', left_over, out);
        repeat(b'\x08', left_over, out);
    }
}

/// Writes `byte` `count` times.
fn repeat(byte: u8, count: usize, out: Out<'_>) {
    let row = [byte; 16];
    let mut left = count;
    while left > 0 {
        let now = left.min(row.len());
        out(row.get(..now).unwrap_or(&[]));
        left -= now;
    }
}

#[cfg(test)]
mod tests;
