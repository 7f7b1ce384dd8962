//! One source's unfinished line, and the cleaning of what goes into it.

/// Longest line in bytes, without the name. Longer ones are broken.
pub const LINE_BYTES: usize = 256;

/// Longest name in bytes that is shown. Longer ones are clipped at a character.
pub const NAME_BYTES: usize = 32;

/// Shown for bytes that are not UTF-8.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// What a byte does to the line, after cleaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Append this character.
    Put(char),
    /// Take back the last character.
    Back,
    /// The line is finished.
    End,
}

/// The steps that one byte leads to, in order: at most one for what was waiting for it and two for itself.
pub(crate) type Steps = [Option<Step>; 3];

/// Adds a step.
fn add(steps: &mut Steps, step: Step) {
    if let Some(free) = steps.iter_mut().find(|step| step.is_none()) {
        *free = Some(step);
    }
}

/// State of one source.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) live: bool,
    name: [u8; NAME_BYTES],
    name_len: usize,
    text: [u8; LINE_BYTES],
    len: usize,
    /// Bytes of the line that stand on the terminal's current row.
    pub(crate) shown: usize,
    /// A carriage return was seen; what it means depends on the next byte.
    carriage_return: bool,
    /// An incomplete character.
    partial: [u8; 4],
    partial_len: usize,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Self {
            live: false,
            name: [0; NAME_BYTES],
            name_len: 0,
            text: [0; LINE_BYTES],
            len: 0,
            shown: 0,
            carriage_return: false,
            partial: [0; 4],
            partial_len: 0,
        }
    }

    /// Takes the name, without characters that could steer a terminal.
    pub(crate) fn set_name(&mut self, name: &str) {
        self.name_len = 0;
        for c in name.chars().filter(|c| !c.is_control()) {
            let end = self.name_len + c.len_utf8();
            let Some(room) = self.name.get_mut(self.name_len..end) else { break };
            c.encode_utf8(room);
            self.name_len = end;
        }
    }

    pub(crate) fn name(&self) -> &[u8] {
        &self.name[..self.name_len]
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text[..self.len]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Starts the next line.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.shown = 0;
    }

    /// Appends a character; `false` if there is no room.
    pub(crate) fn push(&mut self, c: char) -> bool {
        let end = self.len + c.len_utf8();
        let Some(room) = self.text.get_mut(self.len..end) else { return false };
        c.encode_utf8(room);
        self.len = end;
        true
    }

    /// Removes the last character; `false` if there is none.
    pub(crate) fn pop(&mut self) -> bool {
        let Some(start) = self.text().iter().rposition(|byte| byte & 0xc0 != 0x80) else { return false };
        self.len = start;
        true
    }

    /// Cleans one byte.
    ///
    /// - `\r\n`, and any number of `\r` before `\n`, end the line once. A `\r` elsewhere ends the line unless it is empty.
    /// - NUL and DEL vanish. Backspace takes a character back. Other control characters show as `^X`, tab excepted.
    /// - UTF-8 is put together across calls; what is not UTF-8, and the control characters U+0080 to U+009F, which some
    ///   terminals obey, show as U+FFFD.
    ///
    /// The steps must be applied before the next byte is cleaned.
    pub(crate) fn clean(&mut self, byte: u8) -> Steps {
        let mut steps = [None; 3];
        if byte.is_ascii() {
            self.end_partial(&mut steps);
            self.clean_ascii(byte, &mut steps);
        } else {
            self.end_carriage_return(&mut steps);
            self.clean_utf8(byte, &mut steps);
        }
        steps
    }

    fn clean_ascii(&mut self, byte: u8, steps: &mut Steps) {
        match byte {
            b'\n' => {
                self.carriage_return = false;
                add(steps, Step::End);
                return;
            }
            b'\r' => {
                self.carriage_return = true;
                return;
            }
            0 | 0x7f => return,
            _ => self.end_carriage_return(steps),
        }
        match byte {
            0x08 => add(steps, Step::Back),
            b'\t' | b' '..=b'~' => add(steps, Step::Put(byte.into())),
            _ => {
                add(steps, Step::Put('^'));
                add(steps, Step::Put((byte ^ 0x40).into()));
            }
        }
    }

    fn clean_utf8(&mut self, byte: u8, steps: &mut Steps) {
        // An incomplete character has at most three bytes, so there is room.
        self.partial[self.partial_len] = byte;
        self.partial_len += 1;
        match core::str::from_utf8(&self.partial[..self.partial_len]) {
            Ok(text) => {
                let c = text.chars().next().unwrap_or(REPLACEMENT);
                self.partial_len = 0;
                add(steps, Step::Put(if c.is_control() { REPLACEMENT } else { c }));
            }
            // Only incomplete so far.
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                // What was there before cannot go on with this byte; the byte itself may start a character.
                let had_more = self.partial_len > 1;
                self.partial_len = 0;
                add(steps, Step::Put(REPLACEMENT));
                if had_more {
                    self.clean_utf8(byte, steps);
                }
            }
        }
    }

    /// A carriage return that no line feed followed. Never waits together with an incomplete character.
    fn end_carriage_return(&mut self, steps: &mut Steps) {
        if core::mem::take(&mut self.carriage_return) && !self.is_empty() {
            add(steps, Step::End);
        }
    }

    fn end_partial(&mut self, steps: &mut Steps) {
        if core::mem::take(&mut self.partial_len) > 0 {
            add(steps, Step::Put(REPLACEMENT));
        }
    }

    /// The source stops here: resolves what was waiting for a next byte, and ends the line if there is one.
    pub(crate) fn finish(&mut self) -> Steps {
        let mut steps = [None; 3];
        self.end_partial(&mut steps);
        self.carriage_return = false;
        if steps[0].is_some() || !self.is_empty() {
            add(&mut steps, Step::End);
        }
        steps
    }
}
