//! The font: Spleen 8x16 by Frederic Cambus (BSD 2-clause), with 512 glyphs: ASCII, Latin-1, Latin Extended-A, Cyrillic,
//! box drawing and blocks of code page 437.
//!
//! The crate `spleen-font` brings it as the file that Linux's setfont takes, PSF version 1: four bytes of header (magic
//! 36 04, mode, bytes per glyph), 512 glyphs of 16 rows with the leftmost pixel in the top bit, then for each glyph the
//! characters it stands for, as little-endian 16-bit codes up to ffff (kbd's documentation of PSF). The compiler takes
//! it apart: only the glyphs and a sorted list of characters reach the image, about 11 KiB.

use spleen_font::FONT_8X16;

/// Pixels across.
pub const WIDTH: usize = 8;
/// Pixels down.
pub const HEIGHT: usize = 16;

/// One bit for each pixel: rows from the top, the leftmost pixel in the top bit.
pub type Bitmap = [u8; HEIGHT];

/// Names one of the font's glyphs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Glyph(u16);

const COUNT: usize = 512;
const HEADER_BYTES: usize = 4;
const NAMES: usize = HEADER_BYTES + COUNT * HEIGHT;
/// Ends the characters of a glyph.
const END: u16 = 0xffff;
/// Begins a sequence of several characters for one glyph, which are of no use here; the rest up to [`END`] are such.
const SEQUENCE: u16 = 0xfffe;

static GLYPHS: [Bitmap; COUNT] = glyphs();
/// Character and glyph, by ascending character.
static CHARACTERS: [(u16, u16); SORTED.1] = characters();

const fn glyphs() -> [Bitmap; COUNT] {
    assert!(FONT_8X16[0] == 0x36 && FONT_8X16[1] == 0x04, "no PSF version 1");
    assert!(FONT_8X16[2] & 3 == 3, "not 512 glyphs with a table of characters");
    assert!(FONT_8X16[3] as usize == HEIGHT);
    let mut glyphs = [[0; HEIGHT]; COUNT];
    let mut n = 0;
    while n < COUNT * HEIGHT {
        glyphs[n / HEIGHT][n % HEIGHT] = FONT_8X16[HEADER_BYTES + n];
        n += 1;
    }
    glyphs
}

/// Steps through the table of characters. Returns the character at `at`, if it is one by itself, with its glyph, and what
/// the next call wants.
const fn step(at: usize, glyph: u16, in_sequence: bool) -> (Option<(u16, u16)>, u16, bool) {
    match u16::from_le_bytes([FONT_8X16[at], FONT_8X16[at + 1]]) {
        END => (None, glyph + 1, false),
        SEQUENCE => (None, glyph, true),
        _ if in_sequence => (None, glyph, true),
        code => (Some((code, glyph)), glyph, false),
    }
}

/// Entries of the table of characters at most: two bytes each, and an end for each glyph.
const MOST: usize = (FONT_8X16.len() - NAMES) / 2 - COUNT;

/// The characters in order and how many they are. A character that two glyphs claim has the first.
const fn sorted() -> ([(u16, u16); MOST], usize) {
    let mut sorted = [(0, 0); MOST];
    let (mut at, mut glyph, mut in_sequence, mut count) = (NAMES, 0, false, 0);
    while at + 1 < FONT_8X16.len() {
        let found;
        (found, glyph, in_sequence) = step(at, glyph, in_sequence);
        at += 2;
        let Some(entry) = found else { continue };
        let mut place = count;
        while place > 0 && sorted[place - 1].0 > entry.0 {
            place -= 1;
        }
        if place > 0 && sorted[place - 1].0 == entry.0 {
            continue;
        }
        let mut n = count;
        while n > place {
            sorted[n] = sorted[n - 1];
            n -= 1;
        }
        sorted[place] = entry;
        count += 1;
    }
    (sorted, count)
}

const SORTED: ([(u16, u16); MOST], usize) = sorted();

const fn characters() -> [(u16, u16); SORTED.1] {
    let mut characters = [(0, 0); SORTED.1];
    let mut n = 0;
    while n < SORTED.1 {
        characters[n] = SORTED.0[n];
        n += 1;
    }
    characters
}

/// The glyph of a space.
pub const BLANK: Glyph = const_glyph(' ');

/// Shown for characters without a glyph and for bytes that are no character: a lozenge, U+FFFD in this font.
pub const FALLBACK: Glyph = const_glyph(char::REPLACEMENT_CHARACTER);

const fn const_glyph(wanted: char) -> Glyph {
    let characters = SORTED.0;
    let mut n = 0;
    while characters[n].0 as u32 != wanted as u32 {
        n += 1;
    }
    Glyph(characters[n].1)
}

// ASCII has the first places, without a gap.
const _: () = assert!(SORTED.0[0].0 == b' ' as u16 && SORTED.0[94].0 == b'~' as u16);

/// The glyph for a character, or `None` if the font has none.
#[inline]
pub fn find(wanted: char) -> Option<Glyph> {
    match wanted {
        ' '..='~' => CHARACTERS.get(wanted as usize - ' ' as usize).map(|entry| Glyph(entry.1)),
        _ => search(wanted),
    }
}

fn search(wanted: char) -> Option<Glyph> {
    let code = u16::try_from(u32::from(wanted)).ok()?;
    let place = CHARACTERS.binary_search_by_key(&code, |entry| entry.0).ok()?;
    CHARACTERS.get(place).map(|entry| Glyph(entry.1))
}

impl Glyph {
    /// Glyph number `index`; [`FALLBACK`] beyond the last.
    pub(crate) const fn from_index(index: u16) -> Self {
        if (index as usize) < COUNT { Self(index) } else { FALLBACK }
    }

    /// Less than 512.
    pub(crate) const fn index(self) -> u16 {
        self.0
    }

    /// What it looks like.
    #[inline]
    pub fn bitmap(self) -> &'static Bitmap {
        // The mask changes nothing; it shows the compiler that the index is in range.
        &GLYPHS[usize::from(self.0) % COUNT]
    }
}
