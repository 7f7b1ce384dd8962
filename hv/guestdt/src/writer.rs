//! Writes the flat format of a device tree, version 17 (Devicetree Specification 0.4, chapter 5).

use alloc::vec::Vec;

use crate::{Error, MAX_BYTES};

const MAGIC: u32 = 0xd00d_feed;
const VERSION: u32 = 17;
const LAST_COMPATIBLE_VERSION: u32 = 16;
const HEADER_BYTES: usize = 40;
const RESERVATION_BYTES: usize = 16;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const END: u32 = 9;

/// A tree in the making. An error is kept until [`finish`](Self::finish), so that the calls between need no `?`.
///
/// The caller begins and ends nodes in pairs, with one root, and gives a node's properties before its children.
pub(crate) struct Writer {
    structure: Vec<u8>,
    strings: Vec<u8>,
    error: Option<Error>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { structure: Vec::new(), strings: Vec::new(), error: None }
    }

    pub(crate) fn begin(&mut self, name: &str) {
        self.word(BEGIN_NODE);
        self.put(name.as_bytes());
        self.put(&[0]);
        self.pad();
    }

    pub(crate) fn end(&mut self) {
        self.word(END_NODE);
    }

    pub(crate) fn property(&mut self, name: &str, value: &[u8]) {
        self.start(name, value.len());
        self.put(value);
        self.pad();
    }

    pub(crate) fn cells(&mut self, name: &str, cells: &[u32]) {
        self.start(name, 4 * cells.len());
        for cell in cells {
            self.word(*cell);
        }
    }

    pub(crate) fn string(&mut self, name: &str, text: &str) {
        self.string_list(name, &[text]);
    }

    pub(crate) fn string_list(&mut self, name: &str, texts: &[&str]) {
        self.start(name, texts.iter().map(|text| text.len() + 1).sum());
        for text in texts {
            self.put(text.as_bytes());
            self.put(&[0]);
        }
        self.pad();
    }

    /// Whether an error is kept already, and more calls are in vain.
    pub(crate) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// The blob, with the memory reservations (address, bytes).
    pub(crate) fn finish(mut self, reservations: &[(u64, u64)]) -> Result<Vec<u8>, Error> {
        self.word(END);
        if let Some(error) = self.error {
            return Err(error);
        }
        let reservations_bytes = RESERVATION_BYTES * (reservations.len() + 1);
        let structure_at = HEADER_BYTES + reservations_bytes;
        let strings_at = structure_at + self.structure.len();
        let total = strings_at + self.strings.len();
        if total > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let mut blob = Vec::new();
        blob.try_reserve_exact(total).map_err(|_| Error::OutOfMemory)?;
        // MAX_BYTES is far below 2^32. The boot CPU is number 0.
        let header = [
            MAGIC,
            total as u32,
            structure_at as u32,
            strings_at as u32,
            HEADER_BYTES as u32,
            VERSION,
            LAST_COMPATIBLE_VERSION,
            0,
            self.strings.len() as u32,
            self.structure.len() as u32,
        ];
        for word in header {
            blob.extend_from_slice(&word.to_be_bytes());
        }
        for (address, bytes) in reservations.iter().chain(&[(0, 0)]) {
            blob.extend_from_slice(&address.to_be_bytes());
            blob.extend_from_slice(&bytes.to_be_bytes());
        }
        blob.extend_from_slice(&self.structure);
        blob.extend_from_slice(&self.strings);
        Ok(blob)
    }

    /// Begins a property whose value has `bytes` bytes.
    fn start(&mut self, name: &str, bytes: usize) {
        let name_at = self.name(name);
        self.word(PROP);
        // A value of 4 GiB cannot be given: it would fail in `put`.
        self.word(bytes as u32);
        self.word(name_at);
    }

    /// Offset of `name` in the strings block, where each is once.
    fn name(&mut self, name: &str) -> u32 {
        let mut at = 0;
        for known in self.strings.split(|byte| *byte == 0) {
            if known == name.as_bytes() && at < self.strings.len() {
                return at as u32;
            }
            at += known.len() + 1;
        }
        let at = self.strings.len();
        if self.reserve(name.len() + 1) {
            self.strings.extend_from_slice(name.as_bytes());
            self.strings.push(0);
        }
        at as u32
    }

    fn word(&mut self, word: u32) {
        self.put(&word.to_be_bytes());
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.reserve(bytes.len()) {
            self.structure.extend_from_slice(bytes);
        }
    }

    fn pad(&mut self) {
        let missing = self.structure.len().next_multiple_of(4) - self.structure.len();
        self.put(&[0; 3][..missing]);
    }

    /// Whether another `bytes` bytes may be added, in either block; notes the error if not.
    fn reserve(&mut self, bytes: usize) -> bool {
        if self.error.is_none() {
            let held = self.structure.len() + self.strings.len();
            if bytes > MAX_BYTES - held.min(MAX_BYTES) {
                self.error = Some(Error::TooLarge);
            } else if self.structure.try_reserve(bytes).is_err() || self.strings.try_reserve(bytes).is_err() {
                self.error = Some(Error::OutOfMemory);
            }
        }
        self.error.is_none()
    }
}
