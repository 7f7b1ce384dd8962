//! From cells to pixels.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use crate::brush::{Brush, Run};
use crate::colour::Rgb;
use crate::font;
use crate::terminal::{Cell, Terminal, blank_cells};

/// Layout of a pixel in memory, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PixelFormat {
    /// 32 bits, blue in the lowest byte, the highest 0.
    Xrgb8888,
    /// 32 bits, red in the lowest byte, the highest 0.
    Xbgr8888,
    /// 16 bits, red in the top five, blue in the lowest five.
    Rgb565,
}

impl PixelFormat {
    /// Bytes in a pixel.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::Xrgb8888 | Self::Xbgr8888 => 4,
            Self::Rgb565 => 2,
        }
    }

    /// A colour as a pixel.
    pub const fn encode(self, [r, g, b]: Rgb) -> u32 {
        let (r, g, b) = (r as u32, g as u32, b as u32);
        match self {
            Self::Xrgb8888 => r << 16 | g << 8 | b,
            Self::Xbgr8888 => b << 16 | g << 8 | r,
            Self::Rgb565 => r >> 3 << 11 | g >> 2 << 5 | b >> 3,
        }
    }
}

/// Pixels, in words of 32 bits: a framebuffer that text can be drawn on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    width: u32,
    height: u32,
    stride_words: u32,
    format: PixelFormat,
}

/// Why text cannot be drawn on a framebuffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GeometryError {
    /// Not even one character fits.
    TooSmall,
    /// More than 16384 pixels across or down, or 65536 bytes in a line.
    TooLarge,
    /// The stride is less than a line, or no multiple of 4.
    Stride,
}

impl GeometryError {
    /// What is wrong with the framebuffer.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooSmall => "it is smaller than a character, 8x16 pixels",
            Self::TooLarge => "it is larger than 16384x16384 pixels or 64 KiB a line",
            Self::Stride => "its stride is less than a line, or no multiple of 4 bytes",
        }
    }
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

const MAX_PIXELS: u32 = 16384;
const MAX_STRIDE_BYTES: u32 = 65536;

impl Geometry {
    /// `width` and `height` in pixels, `stride_bytes` from one line to the next.
    ///
    /// # Errors
    /// [`GeometryError`].
    pub fn new(
        width: u32,
        height: u32,
        stride_bytes: u32,
        format: PixelFormat,
    ) -> Result<Self, GeometryError> {
        if width < font::WIDTH as u32 || height < font::HEIGHT as u32 {
            return Err(GeometryError::TooSmall);
        }
        if width > MAX_PIXELS || height > MAX_PIXELS || stride_bytes > MAX_STRIDE_BYTES {
            return Err(GeometryError::TooLarge);
        }
        if stride_bytes < width * format.bytes() || !stride_bytes.is_multiple_of(4) {
            return Err(GeometryError::Stride);
        }
        Ok(Self { width, height, stride_words: stride_bytes / 4, format })
    }

    /// Whole cells across.
    pub fn columns(&self) -> usize {
        self.width as usize / font::WIDTH
    }

    /// Whole cells down.
    pub fn rows(&self) -> usize {
        self.height as usize / font::HEIGHT
    }

    /// Words from the first pixel to the end of the last line.
    pub fn words(&self) -> usize {
        self.stride_words as usize * self.height as usize
    }

    /// Words in a row of pixels of one cell.
    const fn cell_words(&self) -> usize {
        font::WIDTH * self.format.bytes() as usize / 4
    }
}

/// Where [`Painter::paint_row`] may have changed pixels: [`font::HEIGHT`] lines, `words` words in each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Painted {
    /// Index of the first word on the first line.
    pub first: usize,
    /// Words changed on each line; may be 0.
    pub words: usize,
    /// Words from line to line.
    pub stride_words: usize,
}

/// How many cells' pixels can be copied in the time that drawing one takes, about.
const COPIES_PER_DRAWING: usize = 2;

/// Copies words from the second to the first, which are equally long.
pub type Copy = fn(&mut [u32], &[u32]);

/// Draws a [`Terminal`] on a framebuffer. It remembers what it has drawn and touches only what differs.
#[derive(Debug)]
pub struct Painter {
    geometry: Geometry,
    /// What the pixels show, row after row.
    shown: Box<[Cell]>,
    brush: Brush,
    copy: Option<Copy>,
    /// Rows that the text has moved up since the last painting began: where to look for a row's old pixels.
    moved: usize,
}

impl Painter {
    /// For a framebuffer that is all zero, which is black in every format. `None` without memory.
    ///
    /// `copy` is for pixels that are as quick to read as to write (mapped cacheable): rows that have moved up are copied
    /// where that is less work than to draw them anew. Without it pixels are never read.
    pub fn new(geometry: Geometry, copy: Option<Copy>) -> Option<Self> {
        let shown = blank_cells(geometry.columns() * geometry.rows())?;
        Some(Self { geometry, shown, brush: Brush::new(geometry.format), copy, moved: 0 })
    }

    /// Draws what has changed of one row of text; `None` when nothing is left to do.
    ///
    /// `pixels` are the framebuffer's, [`Geometry::words`] of them; what lies beyond its end is not drawn.
    pub fn paint_row(&mut self, terminal: &mut Terminal, pixels: &mut [u32]) -> Option<Painted> {
        let row = terminal.take_dirty_row()?;
        if row == 0 {
            self.moved = terminal.take_moved();
        }
        let (columns, stride) = (self.geometry.columns(), self.geometry.stride_words as usize);
        let (mut from, mut to) = (columns, 0);
        if self.moved > 0
            && let Some(copied) = self.copy_row(terminal, row, pixels)
        {
            (from, to) = (copied.columns.start, copied.columns.end);
            if copied.complete && terminal.cursor_in(row) == usize::MAX {
                return Some(self.painted(row, from, to));
            }
        }

        let line = row * font::HEIGHT * stride;
        let area = pixels.get_mut(line..).unwrap_or(&mut []);
        let mut run = Run::new();
        let shown = self.shown.get_mut(row * columns..).unwrap_or(&mut []);
        let cursor = terminal.cursor_in(row);
        for (column, (shown, &wanted)) in shown.iter_mut().zip(terminal.row(row)).enumerate() {
            let wanted = if column == cursor { wanted.reversed() } else { wanted };
            if *shown == wanted {
                continue;
            }
            *shown = wanted;
            from = from.min(column);
            to = to.max(column + 1);
            if !run.push(column, wanted) {
                self.brush.draw(&run, area, stride);
                run.clear();
                run.push(column, wanted);
            }
        }
        self.brush.draw(&run, area, stride);
        Some(self.painted(row, from, to))
    }

    /// Columns `from..to` of a row, none if that is empty.
    fn painted(&self, row: usize, from: usize, to: usize) -> Painted {
        let (cell_words, stride_words) = (self.geometry.cell_words(), self.geometry.stride_words as usize);
        let first = row * font::HEIGHT * stride_words + from.min(to) * cell_words;
        Painted { first, words: to.saturating_sub(from) * cell_words, stride_words }
    }

    /// Copies pixels of the row that the text has moved up from, if they are there and that is worth it. What is right in
    /// neither row is left to be drawn.
    fn copy_row(&mut self, terminal: &Terminal, row: usize, pixels: &mut [u32]) -> Option<Copied> {
        let copy = self.copy?;
        let columns = self.geometry.columns();
        let source = row + self.moved;
        let (here, there) = two_parts(&mut self.shown, row, source, columns)?;
        let (mut first, mut end) = (columns, 0);
        let (mut differ_here, mut differ_there) = (0, 0);
        for (column, ((here, there), wanted)) in here.iter().zip(there).zip(terminal.row(row)).enumerate() {
            if here != there {
                first = first.min(column);
                end = column + 1;
            }
            differ_here += usize::from(here != wanted);
            differ_there += usize::from(there != wanted);
        }
        let span = end.saturating_sub(first);
        if differ_here * COPIES_PER_DRAWING <= span + differ_there * COPIES_PER_DRAWING {
            return None;
        }
        let (cell_words, stride) = (self.geometry.cell_words(), self.geometry.stride_words as usize);
        let (to, from) = two_parts(pixels, row, source, font::HEIGHT * stride)?;
        let words = first * cell_words..end * cell_words;
        for (to, from) in to.chunks_exact_mut(stride).zip(from.chunks_exact(stride)) {
            if let (Some(to), Some(from)) = (to.get_mut(words.clone()), from.get(words.clone())) {
                copy(to, from);
            }
        }
        here.copy_from_slice(there);
        Some(Copied { columns: first..end, complete: differ_there == 0 })
    }
}

/// What was copied of a row.
struct Copied {
    columns: Range<usize>,
    /// The row's pixels are right now, but for the cursor.
    complete: bool,
}

/// Parts `first` and `second`, a later one, of `len` elements each.
fn two_parts<T>(all: &mut [T], first: usize, second: usize, len: usize) -> Option<(&mut [T], &[T])> {
    let (head, tail) = all.split_at_mut_checked(second * len)?;
    Some((head.get_mut(first * len..)?.get_mut(..len)?, tail.get(..len)?))
}
