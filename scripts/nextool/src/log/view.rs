//! How text and records are shown: to a person, or as JSON lines.

use std::io::Write;

use serde_json::json;

use super::records::Record;

/// Ends a row that a record has cut; the row is shown again behind it. The mark of Nex's own multiplexer.
pub const CUT_MARK: &str = "~";

/// Longest row that is shown again, in characters.
const MAX_CELLS: usize = 1024;

/// Bytes for which records wait until an escape sequence or a character is complete.
const MAX_WAIT_BYTES: usize = 64;

/// Where records and text go.
pub enum View {
    /// A terminal, or a file that is read like one.
    Terminal(Terminal),
    /// A JSON object on each line: `{"time_us", "level", "module", "file", "line", "message"}` for a record, `{"text"}` for a
    /// line of text, `{"notice"}` for what nextool has to say.
    Json {
        /// The line of text that has not ended.
        row: Vec<u8>,
    },
}

impl View {
    /// For a terminal; `locations`: each record ends with file and line.
    pub fn terminal(colour: bool, locations: bool) -> Self {
        Self::Terminal(Terminal { colour, locations, ..Terminal::default() })
    }

    /// As JSON lines.
    pub fn json() -> Self {
        Self::Json { row: Vec::new() }
    }

    pub(super) fn text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Terminal(terminal) => terminal.text(text, out),
            Self::Json { row } => {
                for &byte in text {
                    match byte {
                        b'\n' => json_row(row, out),
                        _ => row.push(byte),
                    }
                }
            }
        }
    }

    pub(super) fn record(&mut self, record: &Record, out: &mut Vec<u8>) {
        match self {
            Self::Terminal(terminal) => {
                let line = terminal.format(record);
                terminal.line(line, out);
            }
            Self::Json { .. } => {
                let object = json!({
                    "time_us": record.time_us, "level": record.level, "module": record.module,
                    "file": record.file, "line": record.line, "message": record.message,
                });
                json_line(&object, out);
            }
        }
    }

    pub(super) fn notice(&mut self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Terminal(terminal) => {
                let line = terminal.coloured("33", &format!("nextool: {text}"));
                terminal.line(line, out);
            }
            Self::Json { .. } => json_line(&json!({ "notice": text }), out),
        }
    }

    pub(super) fn idle(&mut self, out: &mut Vec<u8>) {
        if let Self::Terminal(terminal) = self {
            terminal.release(out);
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Terminal(terminal) => terminal.release(out),
            Self::Json { row } if !row.is_empty() => json_row(row, out),
            Self::Json { .. } => {}
        }
    }
}

fn json_row(row: &mut Vec<u8>, out: &mut Vec<u8>) {
    if row.last() == Some(&b'\r') {
        row.pop();
    }
    json_line(&json!({ "text": String::from_utf8_lossy(row) }), out);
    row.clear();
}

fn json_line(object: &serde_json::Value, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = writeln!(out, "{object}");
}

/// What the next byte of text belongs to.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Nothing: a record may be put here.
    #[default]
    Nothing,
    /// A character of which so many bytes are missing.
    Character(u8),
    /// ESC was the last byte (ECMA-48 5.3).
    Escape,
    /// ESC [ ...
    Control,
    /// ESC ] and the like, up to BEL or ESC \.
    String,
    StringEscape,
}

/// Passes text on byte by byte and puts records between its rows.
///
/// A record that comes in the middle of a row ends the row, with [`CUT_MARK`]; the row is shown again after it. That works
/// for rows of plain text. On a row with escape sequences, that of a program which draws on the terminal, there is no
/// mark and nothing is repeated.
#[derive(Default)]
pub struct Terminal {
    colour: bool,
    locations: bool,
    /// What stands on the row, by character.
    cells: Vec<Vec<u8>>,
    cursor: usize,
    /// The row cannot be repeated from `cells`.
    drawn: bool,
    /// A carriage return was the last byte.
    returned: bool,
    inside: Inside,
    /// Rows that wait for the end of a sequence, and for how many bytes.
    waiting: Vec<String>,
    waited: usize,
}

impl Terminal {
    fn text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            out.push(byte);
            self.track(byte);
            if !self.waiting.is_empty() {
                self.waited += 1;
                if self.inside == Inside::Nothing || self.waited >= MAX_WAIT_BYTES {
                    self.release(out);
                }
            }
        }
    }

    /// Follows what the byte does to the row.
    fn track(&mut self, byte: u8) {
        self.inside = match (self.inside, byte) {
            (Inside::Escape, b'[') => Inside::Control,
            (Inside::Escape, b']' | b'P' | b'X' | b'^' | b'_') => Inside::String,
            // Intermediate bytes; then a final one.
            (Inside::Escape, 0x20..=0x2f) => Inside::Escape,
            (Inside::Escape, _) => Inside::Nothing,
            (Inside::Control, 0x20..=0x3f) => Inside::Control,
            (Inside::Control, _) => Inside::Nothing,
            (Inside::String, 0x07) => Inside::Nothing,
            (Inside::String, 0x1b) => Inside::StringEscape,
            (Inside::String, 0x20..) => Inside::String,
            (Inside::String | Inside::StringEscape, _) => Inside::Nothing,
            (Inside::Character(missing), 0x80..=0xbf) => {
                if let Some(cell) = self.cursor.checked_sub(1).and_then(|at| self.cells.get_mut(at)) {
                    cell.push(byte);
                }
                self.inside = if missing > 1 { Inside::Character(missing - 1) } else { Inside::Nothing };
                return;
            }
            (Inside::Nothing | Inside::Character(_), _) => return self.track_plain(byte),
        };
    }

    fn track_plain(&mut self, byte: u8) {
        self.inside = Inside::Nothing;
        if std::mem::take(&mut self.returned) && byte != b'\n' {
            // Overwrites the row.
            self.drawn = true;
        }
        match byte {
            b'\n' => {
                self.cells.clear();
                self.cursor = 0;
                self.drawn = false;
            }
            b'\r' => self.returned = true,
            0x08 => self.cursor = self.cursor.saturating_sub(1),
            0x1b => {
                self.inside = Inside::Escape;
                self.drawn = true;
            }
            b'\t' | 0x20..=0x7e | 0x80.. => {
                self.inside = match byte {
                    0xc0..=0xdf => Inside::Character(1),
                    0xe0..=0xef => Inside::Character(2),
                    0xf0..=0xf7 => Inside::Character(3),
                    _ => Inside::Nothing,
                };
                if self.cursor == MAX_CELLS {
                    self.drawn = true;
                    return;
                }
                match self.cells.get_mut(self.cursor) {
                    Some(cell) => *cell = vec![byte],
                    None => self.cells.push(vec![byte]),
                }
                self.cursor += 1;
            }
            // BEL and the like.
            _ => {}
        }
    }

    /// Shows a row of our own, now or as soon as no sequence is cut by it.
    fn line(&mut self, line: String, out: &mut Vec<u8>) {
        self.waiting.push(line);
        if self.inside == Inside::Nothing && !self.returned {
            self.release(out);
        }
    }

    fn release(&mut self, out: &mut Vec<u8>) {
        self.waited = 0;
        if self.waiting.is_empty() {
            return;
        }
        // What backspaces have left behind the cursor is blank, or somebody draws.
        let plain = !self.drawn && self.cells[self.cursor..].iter().all(|cell| cell == b" ");
        if !self.cells.is_empty() || self.drawn {
            if plain {
                out.extend(CUT_MARK.as_bytes());
            }
            out.extend(b"\r\n");
        }
        for line in self.waiting.drain(..) {
            out.extend(line.as_bytes());
            out.extend(b"\r\n");
        }
        if plain {
            self.cells.truncate(self.cursor);
            self.cells.iter().for_each(|cell| out.extend(cell));
        }
    }

    fn coloured(&self, sgr: &str, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{sgr}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    fn format(&self, record: &Record) -> String {
        let (seconds, fraction) = (record.time_us / 1_000_000, record.time_us % 1_000_000);
        let time = self.coloured("2", &format!("[{seconds:5}.{fraction:06}]"));
        let (sgr, kind) = match record.level {
            "error" => ("1;31", "error: "),
            "warning" => ("33", "warning: "),
            "debug" => ("36", "debug: "),
            "trace" => ("2", "trace: "),
            _ => ("0", ""),
        };
        let kind = if kind.is_empty() { String::new() } else { self.coloured(sgr, kind) };
        let mut line = format!("{time} {kind}{}", record.message);
        if self.locations && !record.file.is_empty() {
            line += &self.coloured("2", &format!("  ({}:{})", record.file, record.line));
        }
        // A record is one row, whatever a text in it says.
        line.replace('\n', "\\n").replace('\r', "")
    }
}

#[cfg(test)]
mod tests;
