//! What the emulated panel shows.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nex_fbcon::{BLACK, LIGHT_GREY, PixelFormat, font};

use crate::{TemporaryFile, seconds};

/// The way to a running QEMU's screen: its control socket. The socket goes when this is dropped.
#[derive(Debug)]
pub struct Screen {
    socket: PathBuf,
}

/// A picture of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Red, green and blue of each pixel, from the upper left on.
    pub pixels: Vec<[u8; 3]>,
}

impl Screen {
    /// A new one, for a QEMU that is to be started with [`argument`](Self::argument).
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { socket: std::env::temp_dir().join(format!("nex-xoom-{}-{number}.qmp", std::process::id())) }
    }

    /// For `-qmp`.
    pub(crate) fn argument(&self) -> String {
        format!("unix:{},server=on,wait=off", self.socket.display())
    }

    /// Takes a picture.
    ///
    /// # Panics
    /// If QEMU does not answer, or not as it should.
    pub fn picture(&self) -> Picture {
        let file = TemporaryFile::new("ppm", b"");
        let end = Instant::now() + seconds(10);
        let stream = loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < end, "QEMU's control socket: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut answers = BufReader::new(stream.try_clone().expect("sockets can be cloned"));
        let mut line = String::new();
        answers.read_line(&mut line).expect("QEMU greets");
        for command in [
            r#"{"execute":"qmp_capabilities"}"#.to_owned(),
            format!(r#"{{"execute":"screendump","arguments":{{"filename":{:?}}}}}"#, file.path()),
        ] {
            writeln!(&stream, "{command}").expect("QEMU reads");
            loop {
                line.clear();
                answers.read_line(&mut line).expect("QEMU answers");
                assert!(!line.is_empty() && !line.contains("\"error\""), "{command}: {line:?}");
                if line.contains("\"return\"") {
                    break;
                }
            }
        }
        Picture::from_ppm(&std::fs::read(file.path()).expect("QEMU has written it"))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Picture {
    /// Reads a binary PPM as QEMU writes it: three lines, then the pixels.
    fn from_ppm(bytes: &[u8]) -> Self {
        let mut lines = bytes.splitn(4, |&byte| byte == b'\n');
        let mut line = || std::str::from_utf8(lines.next().unwrap_or(b"")).expect("text").to_owned();
        assert_eq!(line(), "P6");
        let size: Vec<usize> = line().split(' ').map(|number| number.parse().expect("a number")).collect();
        assert_eq!(line(), "255");
        let (pixels, rest) = lines.next().unwrap_or(b"").as_chunks();
        assert!(rest.is_empty() && pixels.len() == size[0] * size[1], "a picture of {size:?}");
        Self { width: size[0], height: size[1], pixels: pixels.to_vec() }
    }

    /// The text in a row of characters, as Nex's console writes it in its usual colours: printable ASCII, `?` for all else.
    pub fn text(&self, row: usize) -> String {
        let shows = |character, column| {
            let bitmap = font::find(character).unwrap_or(font::FALLBACK).bitmap();
            let (left, top) = (column * font::WIDTH, row * font::HEIGHT);
            bitmap.iter().zip(top..).all(|(bits, y)| {
                (0..font::WIDTH).all(|x| {
                    let colour = if bits >> (7 - x) & 1 == 1 { LIGHT_GREY } else { BLACK };
                    let [_, red, green, blue] = PixelFormat::Xrgb8888.encode(colour.rgb()).to_be_bytes();
                    self.at(left + x, y) == [red, green, blue]
                })
            })
        };
        let read = |column| (' '..='~').find(|&c| shows(c, column)).unwrap_or('?');
        (0..self.width / font::WIDTH).map(read).collect::<String>().trim_end().to_owned()
    }

    /// All rows of characters.
    pub fn lines(&self) -> Vec<String> {
        (0..self.height / font::HEIGHT).map(|row| self.text(row)).collect()
    }

    /// The pixel in a column and row, from the upper left.
    ///
    /// # Panics
    /// If it is outside.
    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        assert!(x < self.width && y < self.height, "{x}, {y} is outside");
        self.pixels[y * self.width + x]
    }
}
