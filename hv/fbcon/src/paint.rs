//! From cells to pixels.

use alloc::boxed::Box;
use core::fmt;

use crate::colour::{Colour, Rgb};
use crate::font::{self, Bitmap};
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

/// Four pixels for each pattern of four bits, leftmost first; with 16 bits a pixel only two words are used.
type Expansion = [[u32; 4]; 16];

/// Draws a [`Terminal`] on a framebuffer. It remembers what it has drawn and touches only what differs.
#[derive(Debug)]
pub struct Painter {
    geometry: Geometry,
    /// What the pixels show, row after row.
    shown: Box<[Cell]>,
    expansion: Expansion,
    /// The colours that `expansion` is for.
    colours: u8,
}

impl Painter {
    /// For a framebuffer that is all zero, which is black in every format. `None` without memory.
    pub fn new(geometry: Geometry) -> Option<Self> {
        let shown = blank_cells(geometry.columns() * geometry.rows())?;
        let mut painter = Self { geometry, shown, expansion: [[0; 4]; 16], colours: 0 };
        painter.expand(Cell::BLANK);
        Some(painter)
    }

    /// The framebuffer's.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Draws what has changed of one row of text; `None` when nothing is left to do.
    ///
    /// `pixels` are the framebuffer's, [`Geometry::words`] of them; what lies beyond its end is not drawn.
    pub fn paint_row(&mut self, terminal: &mut Terminal, pixels: &mut [u32]) -> Option<Painted> {
        let row = terminal.take_dirty_row()?;
        let columns = self.geometry.columns();
        let (cell_words, stride) = (self.geometry.cell_words(), self.geometry.stride_words as usize);
        let line = row * font::HEIGHT * stride;
        let (mut from, mut to) = (columns, 0);
        let start = row * columns;
        for (column, &cell) in terminal.row(row).iter().take(columns).enumerate() {
            let cell = terminal.displayed(column, row, cell);
            match self.shown.get_mut(start + column) {
                Some(shown) if *shown != cell => *shown = cell,
                _ => continue,
            }
            from = from.min(column);
            to = column + 1;
            if cell.colours() != self.colours {
                self.expand(cell);
            }
            let Some(area) = pixels.get_mut(line + column * cell_words..) else { continue };
            let bitmap = cell.glyph().bitmap();
            match self.geometry.format {
                PixelFormat::Rgb565 => blit::<2, 4>(area, stride, bitmap, &self.expansion),
                _ => blit::<4, 8>(area, stride, bitmap, &self.expansion),
            }
        }
        let words = to.saturating_sub(from) * cell_words;
        Some(Painted { first: line + from.min(to) * cell_words, words, stride_words: stride })
    }

    /// Prepares the pixels for a cell's colours.
    #[inline(never)]
    fn expand(&mut self, cell: Cell) {
        let pixel = |colour: Colour| self.geometry.format.encode(colour.rgb());
        let (set, unset) = (pixel(cell.text()), pixel(cell.background()));
        for (bits, words) in self.expansion.iter_mut().enumerate() {
            let four = [8, 4, 2, 1].map(|bit| if bits & bit != 0 { set } else { unset });
            *words = match self.geometry.format {
                PixelFormat::Rgb565 => [four[0] | four[1] << 16, four[2] | four[3] << 16, 0, 0],
                _ => four,
            };
        }
        self.colours = cell.colours();
    }
}

/// Draws a glyph at the start of `area`; `HALF` words are four pixels, `FULL` are eight.
#[inline(always)]
fn blit<const HALF: usize, const FULL: usize>(
    area: &mut [u32],
    stride_words: usize,
    bitmap: &Bitmap,
    expansion: &Expansion,
) {
    let mut rest = area;
    for &bits in bitmap {
        let Some(line) = rest.first_chunk_mut::<FULL>() else { return };
        let (left, right) = line.split_at_mut(HALF);
        let pixels = |bits: u8| expansion[usize::from(bits & 0xf)].first_chunk::<HALF>();
        if let (Some(l), Some(r)) = (pixels(bits >> 4), pixels(bits)) {
            left.copy_from_slice(l);
            right.copy_from_slice(r);
        }
        rest = rest.get_mut(stride_words..).unwrap_or(&mut []);
    }
}
