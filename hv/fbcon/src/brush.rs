//! Drawing glyphs.

use crate::colour::Colour;
use crate::font::{self, Bitmap};
use crate::paint::PixelFormat;
use crate::terminal::Cell;

/// Cells of a run at most.
const RUN: usize = 32;

/// Neighbouring cells in the same colours. They are drawn together, line by line over all of them, so that memory is
/// written in order.
pub(crate) struct Run {
    column: usize,
    len: usize,
    first: Cell,
    bitmaps: [&'static Bitmap; RUN],
}

impl Run {
    pub(crate) const fn new() -> Self {
        Self { column: 0, len: 0, first: Cell::BLANK, bitmaps: [&[0; font::HEIGHT]; RUN] }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds a cell; `false` if it does not belong to the run. An empty run takes any.
    #[inline(always)]
    pub(crate) fn push(&mut self, column: usize, cell: Cell) -> bool {
        if self.len == 0 {
            (self.column, self.first) = (column, cell);
        } else if column != self.column + self.len || cell.colours() != self.first.colours() {
            return false;
        }
        let Some(place) = self.bitmaps.get_mut(self.len) else { return false };
        *place = cell.glyph().bitmap();
        self.len += 1;
        true
    }
}

/// Four pixels for each pattern of four bits, leftmost first.
#[derive(Debug)]
enum Expansion {
    /// A word for each pixel.
    Words([[u32; 4]; 16]),
    /// Two pixels in a word.
    Halves([[u32; 2]; 16]),
}

/// Glyphs become pixels four at a time, by a table that is made anew when the colours change.
#[derive(Debug)]
pub(crate) struct Brush {
    format: PixelFormat,
    expansion: Expansion,
    /// The colours that `expansion` is for.
    colours: u8,
}

impl Brush {
    pub(crate) fn new(format: PixelFormat) -> Self {
        let expansion = match format {
            PixelFormat::Rgb565 => Expansion::Halves([[0; 2]; 16]),
            PixelFormat::Xrgb8888 | PixelFormat::Xbgr8888 => Expansion::Words([[0; 4]; 16]),
        };
        let mut brush = Self { format, expansion, colours: 0 };
        brush.dip(Cell::BLANK);
        brush
    }

    /// Takes a cell's colours.
    #[inline(never)]
    fn dip(&mut self, cell: Cell) {
        let pixel = |colour: Colour| self.format.encode(colour.rgb());
        let (set, unset) = (pixel(cell.text()), pixel(cell.background()));
        let four = |bits: usize| [8, 4, 2, 1].map(|bit| if bits & bit != 0 { set } else { unset });
        match &mut self.expansion {
            Expansion::Words(all) => all.iter_mut().enumerate().for_each(|(bits, words)| *words = four(bits)),
            Expansion::Halves(all) => all.iter_mut().enumerate().for_each(|(bits, words)| {
                let [a, b, c, d] = four(bits);
                *words = [a | b << 16, c | d << 16];
            }),
        }
        self.colours = cell.colours();
    }

    /// Draws a run in its row, of which `area` begins with the first pixel.
    pub(crate) fn draw(&mut self, run: &Run, area: &mut [u32], stride_words: usize) {
        if run.len == 0 {
            return;
        }
        if run.first.colours() != self.colours {
            self.dip(run.first);
        }
        match &self.expansion {
            Expansion::Words(expansion) => draw(expansion, run, area, stride_words),
            Expansion::Halves(expansion) => draw(expansion, run, area, stride_words),
        }
    }
}

/// The inner loop of all drawing. `N` words are four pixels.
fn draw<const N: usize>(expansion: &[[u32; N]; 16], run: &Run, area: &mut [u32], stride_words: usize) {
    let Some(bitmaps) = run.bitmaps.get(..run.len) else { return };
    let mut rest = area.get_mut(run.column * 2 * N..).unwrap_or(&mut []);
    for y in 0..font::HEIGHT {
        let (halves, _) = rest.as_chunks_mut::<N>();
        let (cells, _) = halves.as_chunks_mut::<2>();
        for ([left, right], bitmap) in cells.iter_mut().zip(bitmaps) {
            let bits = usize::from(bitmap[y]);
            *left = expansion[bits >> 4];
            *right = expansion[bits & 0xf];
        }
        rest = rest.get_mut(stride_words..).unwrap_or(&mut []);
    }
}
