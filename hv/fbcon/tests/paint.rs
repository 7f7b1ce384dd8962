//! The pixels, against drawing every one of them by itself.

use nex_fbcon::{Colour, Geometry, GeometryError, Painter, PixelFormat, Terminal, font};
use proptest::prelude::*;

const FORMATS: [PixelFormat; 3] = [PixelFormat::Xrgb8888, PixelFormat::Xbgr8888, PixelFormat::Rgb565];

/// A pixel as a byte-wise reader sees it.
fn pixel(bytes: &[u8], geometry: (u32, PixelFormat), x: u32, y: u32) -> u32 {
    let (stride_bytes, format) = geometry;
    let size = format.bytes();
    let at = (y * stride_bytes + x * size) as usize;
    (0..size as usize).map(|n| u32::from(bytes[at + n]) << (8 * n)).sum()
}

/// Every pixel is that of its cell; what is no cell's has not been touched.
fn check(
    terminal: &Terminal,
    pixels: &[u32],
    (width, height): (u32, u32),
    geometry: (u32, PixelFormat),
    cursor: bool,
) -> Result<(), TestCaseError> {
    let bytes: Vec<u8> = pixels.iter().flat_map(|word| word.to_le_bytes()).collect();
    for y in 0..height {
        for x in 0..geometry.0 / geometry.1.bytes() {
            let (column, row) = (x as usize / font::WIDTH, y as usize / font::HEIGHT);
            let cell = (x < width).then(|| terminal.row(row).get(column)).flatten();
            let want = cell.map_or(0, |cell| {
                let bits = cell.glyph().bitmap()[y as usize % font::HEIGHT];
                let set = bits >> (7 - x % 8) & 1 == 1;
                let reverse = cursor && terminal.cursor() == (column, row);
                geometry.1.encode(if set != reverse { cell.text() } else { cell.background() }.rgb())
            });
            prop_assert_eq!(pixel(&bytes, geometry, x, y), want, "pixel {} {}", x, y);
        }
    }
    Ok(())
}

fn copy(to: &mut [u32], from: &[u32]) {
    to.copy_from_slice(from);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn pixels_are_those_of_the_cells(
        writes in prop::collection::vec(("([a-z é█]{0,20}|\r\n|\x1b\\[[1-7]A|\x1b\\[[0-9]{1,2}m|\x1b\\[2K){0,6}", 0..4usize), 1..12),
        width in 8..70u32, height in 16..70u32, padding in 0..3u32, format in prop::sample::select(&FORMATS[..]),
        hidden in any::<bool>(), readable in any::<bool>(),
    ) {
        let stride_bytes = (width * format.bytes()).next_multiple_of(4) + padding * 4;
        let geometry = Geometry::new(width, height, stride_bytes, format).unwrap();
        let mut pixels = vec![0; geometry.words()];
        let mut terminal = Terminal::new(geometry.columns(), geometry.rows()).unwrap();
        let mut painter = Painter::new(geometry, readable.then_some(copy)).unwrap();
        if hidden {
            terminal.write(b"\x1b[?25l");
        }
        for (text, rows) in writes {
            terminal.write(text.as_bytes());
            // Some rows only: the rest comes with what is written next.
            for _ in 0..rows {
                let before = pixels.clone();
                let Some(painted) = painter.paint_row(&mut terminal, &mut pixels) else { break };
                for (n, _) in before.iter().zip(&pixels).enumerate().filter(|(_, (old, new))| old != new) {
                    let (line, word) = ((n - painted.first) / painted.stride_words, (n - painted.first) % painted.stride_words);
                    prop_assert!(line < font::HEIGHT && word < painted.words, "word {} outside {:?}", n, painted);
                }
            }
        }
        while painter.paint_row(&mut terminal, &mut pixels).is_some() {}
        prop_assert!(!terminal.is_dirty());
        check(&terminal, &pixels, (width, height), (stride_bytes, format), !hidden)?;
    }
}

#[test]
fn colours_in_the_three_formats() {
    let orange = [0xff, 0x81, 0x08];
    assert_eq!(PixelFormat::Xrgb8888.encode(orange), 0x00ff_8108);
    assert_eq!(PixelFormat::Xbgr8888.encode(orange), 0x0008_81ff);
    assert_eq!(PixelFormat::Rgb565.encode(orange), 0x1f << 11 | 0x20 << 5 | 1);
    // A framebuffer of zeros is black.
    assert!(FORMATS.iter().all(|format| format.encode(nex_fbcon::BLACK.rgb()) == 0));
    // 565 keeps the 16 colours apart.
    let mut pixels: Vec<u32> = (0..16).map(|n| PixelFormat::Rgb565.encode(Colour::new(n).rgb())).collect();
    pixels.sort_unstable();
    pixels.dedup();
    assert_eq!(pixels.len(), 16);
}

#[test]
fn impossible_framebuffers_are_refused() {
    use GeometryError::{Stride, TooLarge, TooSmall};
    let new = |width, height, stride| Geometry::new(width, height, stride, PixelFormat::Xrgb8888).err();
    assert_eq!(new(7, 600, 3200), Some(TooSmall));
    assert_eq!(new(800, 15, 3200), Some(TooSmall));
    assert_eq!(new(20000, 600, 80000), Some(TooLarge));
    assert_eq!(new(800, u32::MAX, 3200), Some(TooLarge));
    assert_eq!(new(800, 600, 3196), Some(Stride));
    assert_eq!(new(800, 600, 3202), Some(Stride));
    assert_eq!(new(800, 600, 3200), None);
}

#[test]
fn a_buffer_that_is_too_short_is_not_overrun() {
    let geometry = Geometry::new(80, 64, 320, PixelFormat::Xrgb8888).unwrap();
    let mut terminal = Terminal::new(geometry.columns(), geometry.rows()).unwrap();
    let mut painter = Painter::new(geometry, None).unwrap();
    terminal.write("██████████\r\n██████████\r\nx".as_bytes());
    let mut pixels = vec![0; 80 * 20];
    while painter.paint_row(&mut terminal, &mut pixels).is_some() {}
    assert!(pixels.iter().all(|&pixel| pixel != 0));
}

#[test]
fn nothing_is_drawn_twice() {
    let geometry = Geometry::new(320, 160, 1280, PixelFormat::Xrgb8888).unwrap();
    let mut pixels = vec![0; geometry.words()];
    let mut terminal = Terminal::new(40, 10).unwrap();
    let mut painter = Painter::new(geometry, None).unwrap();
    let mut paint = |text: &str| {
        terminal.write(text.as_bytes());
        let mut words = 0;
        while let Some(painted) = painter.paint_row(&mut terminal, &mut pixels) {
            words += painted.words;
        }
        words
    };
    let cell = 8;
    assert_eq!(paint("abc"), 4 * cell, "three characters and the cursor");
    assert_eq!(paint("\rabc"), 0);
    assert_eq!(paint("\x1b[H\x1b[J\rabc"), 0, "erased and written again: the same");
    // Scrolling through blank lines moves the cursor only.
    assert_eq!(paint("\x1b[2J\x1b[H"), 4 * cell);
    assert_eq!(paint(&"\n".repeat(30)), 2 * cell);
}

#[test]
fn the_font_can_be_read() {
    let glyphs: Vec<_> = (' '..='~').map(|c| (c, font::find(c).unwrap())).collect();
    for (n, (a, glyph)) in glyphs.iter().enumerate() {
        assert_eq!(glyph.bitmap().iter().all(|&row| row == 0), *a == ' ', "{a:?}");
        assert_ne!(*glyph, font::FALLBACK, "{a:?}");
        for (b, other) in &glyphs[..n] {
            assert_ne!(glyph.bitmap(), other.bitmap(), "{a:?} and {b:?} look the same");
        }
    }
    // Latin-1 and box drawing are there; a full block is full.
    assert!(('\u{a1}'..='ÿ').chain('─'..='╬').all(|c| font::find(c).is_some()));
    assert_eq!(font::find('█').unwrap().bitmap(), &[0xff; 16]);
    // An L is an L: a stem, and a foot on its last row.
    let l: Vec<u8> = font::find('L').unwrap().bitmap().iter().copied().filter(|&row| row != 0).collect();
    assert!(
        l.len() >= 9
            && l[..l.len() - 2].iter().all(|&row| row == l[0])
            && l[l.len() - 1].count_ones() > l[0].count_ones(),
        "{l:x?}"
    );
}

#[test]
fn a_scroll_is_at_most_one_copy_of_the_screen() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    static COPIED: AtomicUsize = AtomicUsize::new(0);
    fn counting_copy(to: &mut [u32], from: &[u32]) {
        COPIED.fetch_add(to.len(), Relaxed);
        copy(to, from);
    }

    let geometry = Geometry::new(800, 600, 3200, PixelFormat::Xrgb8888).unwrap();
    let mut pixels = vec![0; geometry.words()];
    let mut terminal = Terminal::new(geometry.columns(), geometry.rows()).unwrap();
    let mut painter = Painter::new(geometry, Some(counting_copy)).unwrap();
    let mut paint = |text: &str| {
        COPIED.store(0, Relaxed);
        terminal.write(text.as_bytes());
        let mut touched = 0;
        while let Some(painted) = painter.paint_row(&mut terminal, &mut pixels) {
            touched += painted.words * font::HEIGHT;
        }
        (COPIED.load(Relaxed), touched)
    };
    // No two cells above each other are the same.
    let dense = |n: usize| -> String {
        let character = |column: usize| char::from(b'!' + ((n * 7 + column * 3) % 90) as u8);
        (0..100).map(character).chain("\r\n".chars()).collect()
    };
    let row = font::HEIGHT * 800;
    paint(&(0..37).map(dense).collect::<String>());
    let (copied, touched) = paint(&dense(37));
    assert_eq!(copied, 35 * row, "all rows but the new one and that of the cursor");
    assert!(touched <= geometry.words(), "{touched} words");
    // Ten lines at once cost no more than one.
    let (copied, touched) = paint(&(38..48).map(dense).collect::<String>());
    assert_eq!(copied, 26 * row);
    assert!(touched <= geometry.words(), "{touched} words");
    // Lines of a log have most of the row blank, which costs nothing.
    paint(&(0..40).map(|n| format!("[    0.00{n:04}] domain {n} has powered off\r\n")).collect::<String>());
    let (_, touched) = paint("[    0.123456] all domains have ended\r\n");
    assert!(touched < geometry.words() / 2, "{touched} words");
}
