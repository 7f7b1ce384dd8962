//! The console on a framebuffer: every cell of the picture against what was printed.

use std::thread;
use std::time::{Duration, Instant};

use nex_fbcon::{BLACK, LIGHT_GREY, PixelFormat, font};
use nex_qemu_tests::{Builder, Machine, Picture, Qmp, Volume, seconds, strings};
use regex_lite::Regex;

/// Ends without switching off, so that there is something to look at.
const MANIFEST: &str = r#"
on_idle = "debugger"
[[domain]]
name = "hello"
kernel = "hello"
cmdline = "greeting=größer─als─語"
memory = "4M"
[[domain]]
name = "ticker"
kernel = "ticker"
cmdline = "count=8 period=10"
memory = "4M"
"#;

/// A machine with a screen, whose log is text on the UART too, so that both show the same.
fn machine(mode: &str, qmp: &Qmp) -> Builder {
    let machine = Machine::builder().append("log=text").append(mode).argument("-device").argument("ramfb");
    qmp.arguments(machine).volume(&Volume::with_manifest(MANIFEST))
}

/// A picture, pixel by pixel as the framebuffer has them.
struct Screen {
    width: usize,
    pixels: Vec<u32>,
    format: PixelFormat,
}

impl Screen {
    fn of(picture: &Picture) -> Self {
        let format = PixelFormat::Xrgb8888;
        let pixels = picture.pixels.iter().map(|&rgb| format.encode(rgb)).collect();
        Self { width: picture.width, pixels, format }
    }

    fn columns(&self) -> usize {
        self.width / font::WIDTH
    }

    fn rows(&self) -> usize {
        self.pixels.len() / self.width / font::HEIGHT
    }

    /// Whether a cell shows `character`, in the usual colours or reversed.
    fn shows(&self, character: char, column: usize, row: usize, reversed: bool) -> bool {
        let bitmap = font::find(character).unwrap_or(font::FALLBACK).bitmap();
        let (x, y) = (column * font::WIDTH, row * font::HEIGHT);
        bitmap.iter().zip(y..).all(|(bits, y)| {
            (0..font::WIDTH).all(|n| {
                let set = bits >> (7 - n) & 1 == 1;
                let colour = if set != reversed { LIGHT_GREY } else { BLACK };
                self.pixels[y * self.width + x + n] == self.format.encode(colour.rgb())
            })
        })
    }

    /// The text of a row as far as it is printable ASCII; `?` is anything else.
    fn text(&self, row: usize) -> String {
        let read = |column| (' '..='~').find(|&c| self.shows(c, column, row, false)).unwrap_or('?');
        (0..self.columns()).map(read).collect::<String>().trim_end().to_owned()
    }

    /// What is wrong, if the screen does not end with what the console ends with.
    fn differs_from(&self, console: &str) -> Option<String> {
        let mut lines: Vec<Vec<char>> = Vec::new();
        for line in console.split('\n') {
            let line: Vec<char> = line.chars().collect();
            lines.extend(line.chunks(self.columns()).map(<[char]>::to_vec));
            if line.is_empty() {
                lines.push(line);
            }
        }
        let rows = self.rows();
        let shown = &lines[lines.len().saturating_sub(rows)..];
        for row in 0..rows {
            let line = shown.get(row).map_or(&[][..], Vec::as_slice);
            for column in 0..self.columns() {
                let character = line.get(column).copied().unwrap_or(' ');
                let cursor = row + 1 == shown.len() && column == line.len();
                if !self.shows(character, column, row, cursor) {
                    let (want, got): (String, _) = (line.iter().collect(), self.text(row));
                    return Some(format!("row {row} column {column}: {got:?}, not {want:?}"));
                }
            }
        }
        None
    }
}

/// Waits until the screen shows what the console shows; painting comes a little later than printing.
fn compare(machine: &Machine, mut look: impl FnMut() -> Screen) {
    let end = Instant::now() + seconds(20);
    loop {
        let difference = look().differs_from(&machine.transcript());
        match difference {
            None => return,
            Some(what) => assert!(Instant::now() < end, "{what}"),
        }
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_screen_shows_the_console() {
    for (mode, size) in [("", (800, 600)), ("fb=640x200", (640, 200)), ("fb=332x150x32", (332, 150))] {
        let qmp = Qmp::new();
        let mut machine = machine(mode, &qmp).boot();
        machine.expect("größer─als─語", seconds(30));
        machine.expect(strings::STAYS, seconds(30));
        let mut rows = 0;
        compare(&machine, || {
            let picture = qmp.screenshot();
            assert_eq!((picture.width, picture.height), size);
            let screen = Screen::of(&picture);
            rows = screen.rows();
            screen
        });
        // It has scrolled.
        assert!(machine.transcript().lines().count() > rows, "{mode}: only {rows} rows");
    }
}

#[test]
fn sixteen_bits_a_pixel() {
    let qmp = Qmp::new();
    let mut machine = machine("fb=400x320x16", &qmp).boot();
    let line = machine.expect_match(r"screen: 400x320, 16 bits a pixel, at [0-9a-f]{8}, 50x20 ", seconds(30));
    let address = Regex::new("at ([0-9a-f]{8}), 50x20 $").unwrap().captures(&line).unwrap()[1].to_owned();
    let address = u32::from_str_radix(&address, 16).unwrap();
    machine.expect(strings::STAYS, seconds(30));
    // QEMU's ramfb cannot display it, but the memory is there.
    compare(&machine, || {
        let bytes = qmp.memory(address, 400 * 320 * 2);
        let pixels = bytes.as_chunks::<2>().0.iter().map(|&pixel| u16::from_le_bytes(pixel).into()).collect();
        Screen { width: 400, pixels, format: PixelFormat::Rgb565 }
    });
}

/// Waits until a row of the screen contains each of `texts`, in this order.
fn shows(qmp: &Qmp, texts: &[&str]) {
    let end = Instant::now() + seconds(30);
    loop {
        let screen = Screen::of(&qmp.screenshot());
        let rows: Vec<String> = (0..screen.rows()).map(|row| screen.text(row)).collect();
        let mut unseen = rows.iter();
        match texts.iter().find(|&&text| !unseen.any(|row| row.contains(text))) {
            None => return,
            Some(text) => {
                assert!(Instant::now() < end, "no {text:?}, or not in order, on\n{}", rows.join("\n"))
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_panic_is_on_the_screen() {
    let qmp = Qmp::new();
    // Without semihosting QEMU stays, and the picture.
    let mut machine = machine(&strings::selftest("panic"), &qmp).append("exit=no").boot();
    machine.expect(strings::PANIC, seconds(30));
    shows(&qmp, &[strings::PANIC.trim_end(), "nex_hv::"]);
}

#[test]
fn the_debugger_is_on_the_screen() {
    let qmp = Qmp::new();
    let mut machine = machine("", &qmp).boot();
    machine.expect(strings::STAYS, seconds(30));
    machine.send("\x1c\x1c\x1c");
    machine.expect("fiqdb> ", seconds(30));
    machine.send("hexdunp\x7f\x7fmp 4 10@fff00000\r");
    machine.expect_match("fff00000: .*", seconds(30));
    shows(&qmp, &["fiqdb> hexdump 4 10@fff00000", "fff00000: "]);
    // The thread that paints goes on afterwards.
    machine.send("continue\r");
    machine.expect("continuing", seconds(30));
    // What is typed before the debugger has left is typed to the debugger.
    thread::sleep(Duration::from_millis(500));
    machine.assert_alive();
    shows(&qmp, &["continuing", strings::KEY_HELP]);
}

#[test]
fn a_size_that_is_none_is_refused() {
    let qmp = Qmp::new();
    let mut machine = machine("fb=800", &qmp).boot();
    machine.expect("fb=800: not WIDTHxHEIGHT", seconds(30));
    machine.expect("screen: 800x600", seconds(30));
}

#[test]
fn without_a_screen_nothing_is_said_of_one() {
    let mut machine = Machine::builder().append("log=text").volume(&Volume::with_manifest(MANIFEST)).boot();
    machine.expect(strings::STAYS, seconds(30));
    assert!(!machine.transcript().contains("screen:"));
}
