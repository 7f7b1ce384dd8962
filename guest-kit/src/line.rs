//! The line buffer behind `print!`: collects text and lets it go a line at a time.

/// Bytes of text kept at most. A longer line goes out in pieces.
const CAPACITY_BYTES: usize = 256;

/// Text that waits for the end of its line.
pub(crate) struct Line {
    bytes: [u8; CAPACITY_BYTES],
    len: usize,
}

impl Line {
    pub(crate) const fn new() -> Line {
        Line { bytes: [0; CAPACITY_BYTES], len: 0 }
    }

    /// Adds `text`. What is complete, up to the last line end, goes to `send`, as does a buffer that is full.
    pub(crate) fn push(&mut self, text: &[u8], send: &mut dyn FnMut(&[u8])) {
        for &byte in text {
            self.bytes[self.len] = byte;
            self.len += 1;
            if byte == b'\n' || self.len == CAPACITY_BYTES {
                self.flush(send);
            }
        }
    }

    /// Sends what is there, if anything.
    pub(crate) fn flush(&mut self, send: &mut dyn FnMut(&[u8])) {
        if self.len > 0 {
            send(&self.bytes[..self.len]);
            self.len = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(texts: &[&str]) -> (Vec<String>, Line) {
        let mut line = Line::new();
        let mut sent = Vec::new();
        for text in texts {
            line.push(text.as_bytes(), &mut |bytes| sent.push(String::from_utf8(bytes.to_vec()).unwrap()));
        }
        (sent, line)
    }

    #[test]
    fn a_line_goes_out_as_one() {
        assert_eq!(pushed(&["tick ", "1", " at ", "100", "\n"]).0, ["tick 1 at 100\n"]);
    }

    #[test]
    fn several_lines_in_one_text_are_several_sends() {
        assert_eq!(pushed(&["a\nb\n\nc"]).0, ["a\n", "b\n", "\n"]);
    }

    #[test]
    fn an_unfinished_line_waits_for_flush_and_is_sent_once() {
        let (sent, mut line) = pushed(&["> "]);
        assert!(sent.is_empty());
        let mut count = 0;
        line.flush(&mut |bytes| {
            assert_eq!(bytes, b"> ");
            count += 1;
        });
        line.flush(&mut |_| count += 1);
        assert_eq!(count, 1);
    }

    #[test]
    fn a_long_line_loses_nothing() {
        let text = "0123456789".repeat(70) + "\n";
        let (sent, _) = pushed(&[&text]);
        assert!(sent.iter().all(|piece| piece.len() <= CAPACITY_BYTES));
        assert_eq!(sent.concat(), text);
    }
}
