//! The output side.

use crate::Source;
use crate::line::{Line, Step, Steps};

/// Ends a row whose line was too long and goes on in the next row.
pub const BROKEN_MARK: &str = "\\";

/// Ends a row whose line was cut by another source's line. The cut line is shown again from its start.
pub const CUT_MARK: &str = "~";

/// Turns the output of Nex and of up to `DOMAINS` domains into rows of one terminal.
///
/// Each row is `[name] text\r\n`. A source without a name (Nex at first) has no `[name] ` before its rows.
///
/// A line is shown when it is finished. The line of the source that has the *focus* (the one typed to) is shown as it
/// grows, so that prompts and typing are visible. When another source finishes a line meanwhile, the row of the
/// focus is ended with [`CUT_MARK`], the other line is shown, and the focus's line is shown again from its start. A line of more
/// than [`LINE_BYTES`](crate::LINE_BYTES) is broken into rows that end with [`BROKEN_MARK`], never inside a character.
///
/// A source may be made *owner* of the terminal: its bytes then pass unchanged, and lines of others still come whole,
/// on rows of their own.
///
/// All methods that may emit take `out`, which must take the bytes in the order given; every call leaves whole rows,
/// except for the line of the focus and what an owner wrote last. Sources that are not open are ignored.
#[derive(Clone, Debug)]
pub struct Mux<const DOMAINS: usize> {
    nex: Line,
    domains: [Line; DOMAINS],
    focus: Source,
    owner: Option<Source>,
    row: Row,
}

/// What stands on the terminal's current row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Empty,
    /// The unfinished line of the focus.
    Focus,
    /// The owner's last byte did not end a row.
    Owner,
}

/// Where bytes for the terminal go.
type Out<'a> = &'a mut dyn FnMut(&[u8]);

impl<const DOMAINS: usize> Mux<DOMAINS> {
    /// Only Nex is there, without a name and with the focus.
    pub const fn new() -> Self {
        let mut nex = Line::new();
        nex.live = true;
        Self {
            nex,
            domains: [const { Line::new() }; DOMAINS],
            focus: Source::Nex,
            owner: None,
            row: Row::Empty,
        }
    }

    /// Starts a source or renames it; `name` is clipped to [`NAME_BYTES`](crate::NAME_BYTES) bytes.
    ///
    /// A domain number of `DOMAINS` or more is ignored.
    pub fn open(&mut self, source: Source, name: &str) {
        if let Some(line) = self.line(source) {
            line.set_name(name);
            line.live = true;
        }
    }

    /// Ends a source: shows its unfinished line and forgets it. Nex stays open. Focus and terminal fall back to Nex.
    pub fn close(&mut self, source: Source, out: Out<'_>) {
        self.flush(source, out);
        if source == Source::Nex {
            return;
        }
        if self.owner == Some(source) {
            self.set_owner(None, out);
        }
        if let Some(line) = self.line(source) {
            *line = Line::new();
        }
        if self.focus == source {
            self.set_focus(Source::Nex, out);
        }
    }

    /// Takes bytes from `source`.
    pub fn write(&mut self, source: Source, bytes: &[u8], out: Out<'_>) {
        let Some(line) = self.line(source) else { return };
        if !line.live {
            return;
        }
        if self.owner == Some(source) {
            if let Some(&last) = bytes.last() {
                if self.row == Row::Focus {
                    self.leave_row(out);
                }
                self.row = if last == b'\n' { Row::Empty } else { Row::Owner };
                out(bytes);
            }
            return;
        }
        for &byte in bytes {
            let Some(line) = self.line(source) else { return };
            let steps = line.clean(byte);
            self.apply(source, steps, out);
        }
        self.show_focus(out);
    }

    /// Ends `source`'s unfinished line, if any, and shows it: the source has died, or the machine stops.
    pub fn flush(&mut self, source: Source, out: Out<'_>) {
        let Some(line) = self.line(source) else { return };
        let steps = line.finish();
        self.apply(source, steps, out);
        self.show_focus(out);
    }

    /// [`flush`](Self::flush) for every source, Nex last. For the end of the machine.
    pub fn flush_all(&mut self, out: Out<'_>) {
        for number in 0..DOMAINS {
            self.flush(Source::Domain(number as u8), out);
        }
        self.flush(Source::Nex, out);
        self.leave_row(out);
    }

    /// Says who is typed to; see [`Input`](crate::Input).
    pub fn set_focus(&mut self, source: Source, out: Out<'_>) {
        if source != self.focus {
            self.leave_row(out);
            self.focus = source;
            self.show_focus(out);
        }
    }

    /// Gives the terminal to one source, or takes it back.
    ///
    /// An old owner's colours are reset when the terminal is taken from it.
    pub fn set_owner(&mut self, owner: Option<Source>, out: Out<'_>) {
        if owner == self.owner {
            return;
        }
        if let Some(source) = owner {
            self.flush(source, out);
        }
        if self.owner.is_some() {
            // SGR 0 (ECMA-48 8.3.117): default rendition.
            out(b"\x1b[0m");
        }
        self.leave_row(out);
        self.owner = owner;
        self.show_focus(out);
    }

    fn line(&mut self, source: Source) -> Option<&mut Line> {
        match source {
            Source::Nex => Some(&mut self.nex),
            Source::Domain(number) => self.domains.get_mut(usize::from(number)),
        }
    }

    fn apply(&mut self, source: Source, steps: Steps, out: Out<'_>) {
        for step in steps.into_iter().flatten() {
            let focus_row = self.row == Row::Focus && self.focus == source;
            let Some(line) = self.line(source) else { return };
            match step {
                Step::End => self.end_row(source, "", out),
                Step::Put(c) if !line.push(c) => {
                    self.end_row(source, BROKEN_MARK, out);
                    if let Some(line) = self.line(source) {
                        line.push(c);
                    }
                }
                Step::Put(_) => {}
                Step::Back => {
                    if line.pop() && line.shown > line.text().len() {
                        line.shown = line.text().len();
                        if focus_row {
                            out(b"\x08 \x08");
                        }
                    }
                }
            }
        }
    }

    /// Shows the source's line, or what is missing of it, and ends its row.
    fn end_row(&mut self, source: Source, mark: &str, out: Out<'_>) {
        let goes_on = self.row == Row::Focus && self.focus == source;
        if !goes_on {
            self.leave_row(out);
        }
        self.row = Row::Empty;
        if let Some(line) = self.line(source) {
            show(line, !goes_on, out);
            line.clear();
        }
        out(mark.as_bytes());
        out(b"\r\n");
    }

    /// Ends the terminal's current row if there is something on it.
    fn leave_row(&mut self, out: Out<'_>) {
        match self.row {
            Row::Empty => return,
            Row::Owner => {}
            Row::Focus => {
                out(CUT_MARK.as_bytes());
                let focus = self.focus;
                if let Some(line) = self.line(focus) {
                    line.shown = 0;
                }
            }
        }
        out(b"\r\n");
        self.row = Row::Empty;
    }

    /// Shows what the focus has of a line and is not on the terminal yet.
    fn show_focus(&mut self, out: Out<'_>) {
        let (focus, row) = (self.focus, self.row);
        if row == Row::Owner || self.owner == Some(focus) {
            return;
        }
        if let Some(line) = self.line(focus)
            && line.shown < line.text().len()
        {
            show(line, row == Row::Empty, out);
            self.row = Row::Focus;
        }
    }
}

/// Shows what is missing of a line, on a new row with the name before it.
fn show(line: &mut Line, new_row: bool, out: Out<'_>) {
    if new_row && !line.name().is_empty() {
        out(b"[");
        out(line.name());
        out(b"] ");
    }
    out(line.text().get(line.shown..).unwrap_or(&[]));
    line.shown = line.text().len();
}

impl<const DOMAINS: usize> Default for Mux<DOMAINS> {
    fn default() -> Self {
        Self::new()
    }
}
