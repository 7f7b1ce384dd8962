//! The cells after what was written: against another terminal, and by hand.

use nex_fbcon::{BLACK, Cell, Colour, LIGHT_GREY, Terminal, font};
use proptest::prelude::*;

const COLUMNS: usize = 20;
const ROWS: usize = 6;

fn glyphs(text: &str) -> Vec<Cell> {
    let cell = |c| Cell::new(font::find(c).unwrap_or(font::FALLBACK), LIGHT_GREY, BLACK);
    text.chars().chain(std::iter::repeat(' ')).take(COLUMNS).map(cell).collect()
}

#[track_caller]
fn assert_shows(terminal: &Terminal, rows: [&str; ROWS]) {
    for (row, text) in rows.into_iter().enumerate() {
        assert_eq!(terminal.row(row), glyphs(text), "row {row}, {text:?}");
    }
}

fn written(text: &str) -> Terminal {
    let mut terminal = Terminal::new(COLUMNS, ROWS).unwrap();
    terminal.write(text.as_bytes());
    terminal
}

#[test]
fn lines_and_scrolling() {
    assert_shows(&written("one\r\ntwo\n  three"), ["one", "two", "     three", "", "", ""]);
    let many: String = (0..100).map(|n| format!("line {n}\r\n")).collect();
    assert_shows(&written(&many), ["line 95", "line 96", "line 97", "line 98", "line 99", ""]);
}

#[test]
fn a_full_line_is_wrapped_by_what_follows() {
    let full = "abcdefghijklmnopqrst";
    assert_shows(&written(&format!("{full}\r\nnext")), [full, "next", "", "", "", ""]);
    assert_shows(&written(&format!("{full}u")), [full, "u", "", "", "", ""]);
    // The cursor waits on the last column, not behind it.
    assert_shows(&written(&format!("{full}\x08X")), ["abcdefghijklmnopqrXt", "", "", "", "", ""]);
}

#[test]
fn characters_without_a_glyph_and_invalid_bytes_take_one_cell() {
    assert!(font::find('語').is_none() && font::find('😀').is_none());
    assert_shows(&written("é─語x"), ["é─\u{fffd}x", "", "", "", "", ""]);
    let mut terminal = Terminal::new(COLUMNS, ROWS).unwrap();
    terminal.write(b"a\xffb\xe2");
    terminal.write(b"\x82");
    terminal.write(b"\xacc");
    assert_shows(&terminal, ["a\u{fffd}b€c", "", "", "", "", ""]);
}

#[test]
fn the_line_editor_of_a_debugger() {
    // Typing, back two, inserting, deleting, erasing to the end, history with a new line over the old one.
    let mut terminal = written("fiqdb> regz x\x08\x08\x1b[2D\x1b[Pgs\x1b[K");
    assert_shows(&terminal, ["fiqdb> regs", "", "", "", "", ""]);
    terminal.write(b"\r\x1b[2Kfiqdb> \x1b[@Q");
    assert_shows(&terminal, ["fiqdb> Q", "", "", "", "", ""]);
    assert_eq!(terminal.cursor(), (8, 0));
}

#[test]
fn colours() {
    let terminal = written(
        "\x1b[31;1mA\x1b[22;44mB\x1b[0;7mC\x1b[0;97;104mD\x1b[39;49mE\x1b[38;5;3mF\x1b[48;2;1;2;3;32mG",
    );
    let cell =
        |c, text, background| Cell::new(font::find(c).unwrap(), Colour::new(text), Colour::new(background));
    let want = [
        cell('A', 9, 0),
        cell('B', 1, 4),
        cell('C', 0, 7),
        cell('D', 15, 12),
        cell('E', 7, 0),
        cell('F', 3, 0),
        cell('G', 2, 0),
    ];
    assert_eq!(terminal.row(0)[..7], want);
}

#[test]
fn nothing_is_too_small_or_too_much() {
    assert!(Terminal::new(0, 5).is_none() && Terminal::new(5, 0).is_none());
    assert!(Terminal::new(usize::MAX, 2).is_none());
    let mut one = Terminal::new(1, 1).unwrap();
    one.write("ab\tc\r\nd\x1b[99;99He\x1b[99P\x1b[99@\x1b[2Jf".as_bytes());
    assert_eq!(one.row(0)[0].glyph(), font::find('f').unwrap());
    assert!(one.row(1).is_empty());
}

/// A piece of output: text, controls, and the sequences that both terminals understand in the same way.
///
/// What depends on the column begins by setting one: while a full line waits to be wrapped, the other terminal has its cursor
/// behind the last column where ours, as xterm's, is on it.
fn piece() -> impl Strategy<Value = String> {
    let number =
        prop_oneof![Just(String::new()), (0..8u32).prop_map(|n| n.to_string()), Just("99".to_owned())];
    let colour = prop_oneof![Just(0u32), 30..38u32, Just(39), 40..48u32, Just(49), 90..98u32, 100..108u32];
    let at_column = prop_oneof![
        3 => prop::sample::select(vec!["\n", "\r", "\x08", "\t"]).prop_map(str::to_owned),
        2 => (number.clone(), prop::sample::select(b"ABCDGdEFX".to_vec()))
            .prop_map(|(n, action)| format!("\x1b[{n}{}", char::from(action))),
        2 => (0..3u32, prop::sample::select(b"JK".to_vec()))
            .prop_map(|(n, action)| format!("\x1b[{n}{}", char::from(action))),
    ];
    // What moves in from the right is plain in the other terminal, and erased in ours, as in xterm.
    let shift = (0..8u32, prop::sample::select(b"P@".to_vec()))
        .prop_map(|(n, action)| format!("\x1b[m\x1b[{n}{}", char::from(action)));
    let at_column = prop_oneof![7 => at_column, 1 => shift];
    prop_oneof![
        4 => "[a-zA-Z0-9 é─]{1,12}",
        3 => Just("\r\n".to_owned()),
        5 => (1..=COLUMNS, at_column).prop_map(|(column, rest)| format!("\x1b[{column}G{rest}")),
        1 => (number.clone(), number).prop_map(|(row, column)| format!("\x1b[{row};{column}H")),
        2 => prop::collection::vec(colour, 0..4).prop_map(|numbers| {
            let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
            format!("\x1b[{}m", numbers.join(";"))
        }),
    ]
}

fn number_of(colour: vt100::Color, default: u8) -> u8 {
    match colour {
        vt100::Color::Default => default,
        vt100::Color::Idx(n) => n,
        vt100::Color::Rgb(..) => panic!("never asked for"),
    }
}

/// A cell of the other terminal as one of ours.
fn translated(cell: &vt100::Cell) -> Cell {
    let character = cell.contents().chars().next().unwrap_or(' ');
    let (text, background) = (number_of(cell.fgcolor(), 7), number_of(cell.bgcolor(), 0));
    Cell::new(font::find(character).unwrap(), Colour::new(text), Colour::new(background))
}

proptest! {
    #[test]
    fn it_behaves_like_another_terminal(pieces in prop::collection::vec(piece(), 0..60), cut in 1..7usize) {
        let text = pieces.concat();
        let mut ours = Terminal::new(COLUMNS, ROWS).unwrap();
        for chunk in text.as_bytes().chunks(cut) {
            ours.write(chunk);
        }
        let mut other = vt100::Parser::new(ROWS as u16, COLUMNS as u16, 0);
        other.process(text.as_bytes());
        let screen = other.screen();
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                let want = translated(screen.cell(row as u16, column as u16).unwrap());
                let got = ours.row(row)[column];
                // A blank has no text colour to see.
                let same = got == want
                    || got.glyph() == font::BLANK && want.glyph() == font::BLANK && got.background() == want.background();
                prop_assert!(same, "row {} column {}: {:?}, not {:?}\n{:?}", row, column, got, want, text);
            }
        }
        // The other counts the column after the last while it waits to wrap.
        let (row, column) = screen.cursor_position();
        prop_assert_eq!(ours.cursor(), (usize::from(column).min(COLUMNS - 1), usize::from(row)));
    }

    #[test]
    fn no_bytes_break_it(chunks in prop::collection::vec(prop::collection::vec(prop_oneof![
        any::<u8>(), Just(0x1b), Just(b'['), Just(b';'), b'0'..=b'9', b'@'..=b'z',
    ], 0..50), 0..10), columns in 1..9usize, rows in 1..5usize) {
        let mut terminal = Terminal::new(columns, rows).unwrap();
        for chunk in chunks {
            terminal.write(&chunk);
            let (column, row) = terminal.cursor();
            prop_assert!(column < columns && row < rows);
        }
    }
}
