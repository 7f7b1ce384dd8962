//! Older lines, packed one after the other, newest last.

/// Ends each line. Lines are printable, so it is in none.
const END: u8 = 0;

#[derive(Debug)]
pub(super) struct History<const BYTES: usize> {
    bytes: [u8; BYTES],
    len: usize,
}

impl<const BYTES: usize> History<BYTES> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; BYTES], len: 0 }
    }

    /// The line `back` lines ago, 1 for the newest.
    pub(super) fn get(&self, back: usize) -> Option<&[u8]> {
        let used = self.bytes.get(..self.len)?;
        // What follows the last END is empty, and so is what `rsplit` gives first.
        used.rsplit(|&byte| byte == END).nth(back).filter(|line| !line.is_empty())
    }

    /// Adds `line`, unless it is blank, the same as the newest, or longer than all the room. Drops the oldest lines for
    /// it.
    pub(super) fn push(&mut self, line: &[u8]) {
        let needed = line.len() + 1;
        if line.trim_ascii().is_empty() || needed > BYTES || self.get(1) == Some(line) {
            return;
        }
        while BYTES - self.len < needed {
            let used = self.bytes.get(..self.len).unwrap_or(&[]);
            // There is an END: the room is not enough, so something is in it.
            let dropped = used.iter().position(|&byte| byte == END).map_or(self.len, |end| end + 1);
            self.bytes.copy_within(dropped..self.len, 0);
            self.len -= dropped;
        }
        let slots = self.bytes.iter_mut().skip(self.len);
        for (slot, &byte) in slots.zip(line.iter().chain(&[END])) {
            *slot = byte;
        }
        self.len += needed;
    }
}
