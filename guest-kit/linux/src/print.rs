//! Text on standard output.

use core::fmt::{self, Write};

use crate::sys;

/// A line, so that it is one system call and comes out in one piece.
struct Line {
    bytes: [u8; 256],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let rest = &mut self.bytes[self.length..];
        let taken = text.len().min(rest.len());
        rest[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        Ok(())
    }
}

/// Writes at most 256 bytes of text. There is nobody to tell if that fails.
pub fn print(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; 256], length: 0 };
    let _ = line.write_fmt(text);
    let _ = sys::write_all(sys::STDOUT, &line.bytes[..line.length]);
}

/// Writes a line of at most 255 bytes.
#[macro_export]
macro_rules! println {
    ($($text:tt)*) => {
        $crate::print::print(format_args!("{}\n", format_args!($($text)*)))
    };
}
