//! What the screen shows, as cells.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::colour::{BLACK, Colour, LIGHT_GREY};
use crate::decoder::{Decoder, Event, Sequence};
use crate::font::{self, Glyph};

/// A tab stop at every multiple of this column.
pub const TAB_COLUMNS: usize = 8;

/// A glyph in its colours, packed so that cells compare as words: bits 8:0 glyph, 19:16 text, 23:20 background.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Cell(u32);

impl Cell {
    /// A glyph in two colours.
    pub const fn new(glyph: Glyph, text: Colour, background: Colour) -> Self {
        Self(glyph.index() as u32 | (text.number() as u32) << 16 | (background.number() as u32) << 20)
    }

    /// What all cells are at first.
    pub const BLANK: Self = Self::new(font::BLANK, LIGHT_GREY, BLACK);

    /// What is drawn.
    pub const fn glyph(self) -> Glyph {
        Glyph::from_index(self.0 as u16)
    }

    /// Colour of the set pixels.
    pub const fn text(self) -> Colour {
        Colour::new((self.0 >> 16) as u8)
    }

    /// Colour of the others.
    pub const fn background(self) -> Colour {
        Colour::new((self.0 >> 20) as u8)
    }

    /// Both colours in one byte, to compare.
    pub(crate) const fn colours(self) -> u8 {
        (self.0 >> 16) as u8
    }

    pub(crate) const fn reversed(self) -> Self {
        Self::new(self.glyph(), self.background(), self.text())
    }
}

/// How the next character will look.
#[derive(Clone, Copy, Debug)]
struct Style {
    text: Colour,
    background: Colour,
    bold: bool,
    reverse: bool,
}

impl Style {
    const PLAIN: Self = Self { text: LIGHT_GREY, background: BLACK, bold: false, reverse: false };

    const fn cell(self, glyph: Glyph) -> Cell {
        let text = if self.bold { self.text.bright() } else { self.text };
        if self.reverse {
            Cell::new(glyph, self.background, text)
        } else {
            Cell::new(glyph, text, self.background)
        }
    }
}

/// A grid of cells that text is written to, with a cursor.
///
/// It behaves like xterm as far as it goes: UTF-8, automatic wrapping, and of the controls BS, TAB, LF (VT, FF), CR; cursor
/// movement CUU, CUD, CUF, CUB, CNL, CPL, CHA, VPA, CUP (HVP); erasing ED, EL, ECH; ICH and DCH; SGR with 16 colours; showing and
/// hiding the cursor. Other sequences are swallowed. Bold is bright. Every character takes one cell, and one that the font
/// does not have is shown as [`font::FALLBACK`].
///
/// After the last column the cursor waits there: the line is wrapped only by the next character, so that a line as long
/// as the screen is wide is not followed by an empty one.
#[derive(Debug)]
pub struct Terminal {
    columns: usize,
    rows: usize,
    /// Row after row; [`first`](Self::first) tells where the top one is, so that scrolling moves nothing.
    cells: Box<[Cell]>,
    first: usize,
    column: usize,
    row: usize,
    wrap_next: bool,
    cursor_shown: bool,
    style: Style,
    decoder: Decoder,
    /// Rows that may differ from what was painted.
    dirty: (usize, usize),
    /// Rows scrolled since the painter asked.
    moved: usize,
}

impl Terminal {
    /// All blank, the cursor at the top left. `None` if there is no cell, or no memory.
    pub fn new(columns: usize, rows: usize) -> Option<Self> {
        if columns == 0 || rows == 0 {
            return None;
        }
        let cells = blank_cells(columns.checked_mul(rows)?)?;
        Some(Self {
            columns,
            rows,
            cells,
            first: 0,
            column: 0,
            row: 0,
            wrap_next: false,
            cursor_shown: true,
            style: Style::PLAIN,
            decoder: Decoder::new(),
            dirty: (0, rows),
            moved: 0,
        })
    }

    /// Cells across.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Cells down.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Where the cursor is: column and row.
    pub fn cursor(&self) -> (usize, usize) {
        (self.column, self.row)
    }

    /// The cells of a row, from the left; none below the last row. Without the cursor.
    pub fn row(&self, row: usize) -> &[Cell] {
        let start = self.row_start(row);
        if row < self.rows { self.cells.get(start..start + self.columns).unwrap_or(&[]) } else { &[] }
    }

    /// The column of a row's cell that is displayed [reversed](Cell::reversed), as the cursor; `usize::MAX` if there is
    /// none.
    pub(crate) fn cursor_in(&self, row: usize) -> usize {
        if row == self.row && self.cursor_shown { self.column } else { usize::MAX }
    }

    /// Writes. The bytes may end inside a character or sequence.
    pub fn write(&mut self, bytes: &[u8]) {
        let mut decoder = core::mem::take(&mut self.decoder);
        self.touch(self.row);
        for &byte in bytes {
            decoder.push(byte, |event| self.apply(&event));
        }
        self.touch(self.row);
        self.decoder = decoder;
    }

    /// The next row that may differ from what was painted; it counts as painted now.
    pub(crate) fn take_dirty_row(&mut self) -> Option<usize> {
        let (from, to) = self.dirty;
        (from < to).then(|| {
            self.dirty.0 = from + 1;
            from
        })
    }

    /// How many rows up the text has moved since this was asked last.
    pub(crate) fn take_moved(&mut self) -> usize {
        core::mem::take(&mut self.moved)
    }

    /// Whether anything was written that has not been painted.
    pub fn is_dirty(&self) -> bool {
        self.dirty.0 < self.dirty.1
    }

    fn touch(&mut self, row: usize) {
        let (from, to) = self.dirty;
        self.dirty = if from < to { (from.min(row), to.max(row + 1)) } else { (row, row + 1) };
    }

    fn touch_all(&mut self) {
        self.dirty = (0, self.rows);
    }

    fn row_start(&self, row: usize) -> usize {
        let place = self.first + row;
        (if place >= self.rows { place.wrapping_sub(self.rows) } else { place }) * self.columns
    }

    fn row_mut(&mut self, row: usize) -> &mut [Cell] {
        let start = self.row_start(row);
        self.cells.get_mut(start..start + self.columns).unwrap_or(&mut [])
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Character(character) => self.put(*character),
            Event::Control(control) => self.control(*control),
            Event::Sequence(sequence) => self.sequence(sequence),
        }
    }

    fn put(&mut self, character: char) {
        if self.wrap_next {
            self.column = 0;
            self.line_feed();
        }
        let cell = self.style.cell(font::find(character).unwrap_or(font::FALLBACK));
        let column = self.column;
        if let Some(place) = self.row_mut(self.row).get_mut(column) {
            *place = cell;
        }
        if column + 1 < self.columns {
            self.column += 1;
        } else {
            self.wrap_next = true;
        }
    }

    fn control(&mut self, control: u8) {
        match control {
            b'\r' => self.move_to(0, self.row),
            b'\n' | 0x0b | 0x0c => self.line_feed(),
            0x08 => self.move_to(self.column.saturating_sub(1), self.row),
            b'\t' => self.move_to((self.column / TAB_COLUMNS + 1) * TAB_COLUMNS, self.row),
            _ => {}
        }
    }

    /// Down by one, scrolling at the bottom; the column stays.
    fn line_feed(&mut self) {
        self.wrap_next = false;
        self.touch(self.row);
        if self.row + 1 < self.rows {
            self.row += 1;
            self.touch(self.row);
            return;
        }
        self.first = if self.first + 1 < self.rows { self.first + 1 } else { 0 };
        // In plain colours, unlike what is erased: a coloured last line is no reason for a coloured screen.
        self.row_mut(self.row).fill(Cell::BLANK);
        self.moved = self.moved.saturating_add(1);
        self.touch_all();
    }

    /// Moves the cursor, at most to the edges.
    fn move_to(&mut self, column: usize, row: usize) {
        self.touch(self.row);
        self.column = column.min(self.columns - 1);
        self.row = row.min(self.rows - 1);
        self.wrap_next = false;
        self.touch(self.row);
    }

    /// Clears cells of a row, in the colours set.
    fn erase(&mut self, row: usize, from: usize, to: usize) {
        let blank = Style { bold: false, reverse: false, ..self.style }.cell(font::BLANK);
        let to = to.min(self.columns);
        if let Some(cells) = self.row_mut(row).get_mut(from..to) {
            cells.fill(blank);
        }
        self.touch(row);
    }

    fn sequence(&mut self, sequence: &Sequence) {
        if sequence.intermediate {
            return;
        }
        if sequence.private {
            // DECTCEM: the cursor's visibility.
            if sequence.get(0) == 25 && matches!(sequence.action, b'h' | b'l') {
                self.cursor_shown = sequence.action == b'h';
            }
            return;
        }
        let first = usize::from(sequence.get(0));
        // A count of 0 is 1.
        let count = first.max(1);
        let (column, row) = self.cursor();
        match sequence.action {
            b'A' => self.move_to(column, row.saturating_sub(count)),
            b'B' | b'e' => self.move_to(column, row + count),
            b'C' | b'a' => self.move_to(column + count, row),
            b'D' => self.move_to(column.saturating_sub(count), row),
            b'E' => self.move_to(0, row + count),
            b'F' => self.move_to(0, row.saturating_sub(count)),
            b'G' | b'`' => self.move_to(count - 1, row),
            b'd' => self.move_to(column, count - 1),
            b'H' | b'f' => self.move_to(usize::from(sequence.get(1)).max(1) - 1, count - 1),
            b'J' => self.erase_display(first),
            b'K' => match first {
                0 => self.erase(row, column, self.columns),
                1 => self.erase(row, 0, column + 1),
                2 => self.erase(row, 0, self.columns),
                _ => {}
            },
            b'X' => self.erase(row, column, column + count),
            b'P' => self.shift(count, true),
            b'@' => self.shift(count, false),
            b'm' => self.select(sequence.parameters()),
            _ => {}
        }
    }

    fn erase_display(&mut self, what: usize) {
        let (column, row) = self.cursor();
        let rows = match what {
            0 => {
                self.erase(row, column, self.columns);
                row + 1..self.rows
            }
            1 => {
                self.erase(row, 0, column + 1);
                0..row
            }
            2 => 0..self.rows,
            _ => return,
        };
        rows.for_each(|row| self.erase(row, 0, self.columns));
    }

    /// Deletes or inserts cells at the cursor; the rest of the row moves.
    fn shift(&mut self, count: usize, delete: bool) {
        let (column, row) = self.cursor();
        let count = count.min(self.columns - column);
        if let Some(rest) = self.row_mut(row).get_mut(column..) {
            if delete {
                rest.rotate_left(count);
            } else {
                rest.rotate_right(count);
            }
        }
        let from = if delete { self.columns - count } else { column };
        self.erase(row, from, from + count);
        self.wrap_next = false;
    }

    /// SGR.
    fn select(&mut self, parameters: &[u16]) {
        let mut parameters = parameters.iter().copied();
        while let Some(parameter) = parameters.next() {
            let style = &mut self.style;
            match parameter {
                0 => *style = Style::PLAIN,
                1 => style.bold = true,
                22 => style.bold = false,
                7 => style.reverse = true,
                27 => style.reverse = false,
                30..=37 => style.text = Colour::new((parameter - 30) as u8),
                39 => style.text = LIGHT_GREY,
                90..=97 => style.text = Colour::new((parameter - 90) as u8).bright(),
                40..=47 => style.background = Colour::new((parameter - 40) as u8),
                49 => style.background = BLACK,
                100..=107 => style.background = Colour::new((parameter - 100) as u8).bright(),
                // 256 colours (5;n) or RGB (2;r;g;b): the first 16 are those here, the rest is left out.
                38 | 48 => match parameters.next() {
                    Some(5) => {
                        let colour = parameters.next().filter(|&n| n < 16).map(|n| Colour::new(n as u8));
                        match (parameter, colour) {
                            (38, Some(colour)) => style.text = colour,
                            (48, Some(colour)) => style.background = colour,
                            _ => {}
                        }
                    }
                    Some(2) => drop(parameters.nth(2)),
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

/// `count` blank cells, or `None` without memory.
pub(crate) fn blank_cells(count: usize) -> Option<Box<[Cell]>> {
    let mut cells = Vec::new();
    cells.try_reserve_exact(count).ok()?;
    cells.resize(count, Cell::BLANK);
    Some(cells.into_boxed_slice())
}
