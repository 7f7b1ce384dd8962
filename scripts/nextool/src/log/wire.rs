//! Text and frames in one stream of bytes: a frame is `00 01`, three bytes of build id, rzCOBS data, `00`. Text has no zero.

/// What the stream consists of.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Bytes of text; where they are cut means nothing.
    Text(&'a [u8]),
    /// A whole frame.
    Frame {
        /// The build that it is from, 0 if it does not say.
        id: u32,
        /// rzCOBS data without the zero at its end.
        data: &'a [u8],
    },
    /// Something that began like a frame and was none.
    Damaged,
}

/// No frame has as much data.
const MAX_FRAME_BYTES: usize = 4096;

/// Bytes that are held back, at most, while it is not known whether they are text.
const MAX_HELD_BYTES: usize = 1024;

enum State {
    Text,
    /// After a zero: a frame begins, or one has ended that we came too late for.
    Channel,
    Id,
    Frame,
    /// At the beginning, in the middle of what may be text or a frame.
    Unsure,
    /// A zero has ended what we were unsure about; the next byte tells what it was.
    UnsureChannel,
}

/// Splits the stream.
pub struct Splitter {
    state: State,
    id: Vec<u8>,
    /// The frame's data, or what is held back.
    data: Vec<u8>,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// Begins with text.
    pub fn new() -> Self {
        Self { state: State::Text, id: Vec::new(), data: Vec::new() }
    }

    /// Begins anywhere. What comes first is held back until it is clear that it is no rest of a frame: until a line of
    /// characters ends, a frame begins, or [`idle`](Self::idle).
    pub fn attached_late() -> Self {
        Self { state: State::Unsure, ..Self::new() }
    }

    /// Takes bytes.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(Event<'_>)) {
        // Text since here has not been passed on.
        let mut from = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            match self.state {
                State::Text => {
                    if byte == 0 {
                        pass(&bytes[from..at], each);
                        self.state = State::Channel;
                    }
                }
                State::Channel | State::UnsureChannel => {
                    let unsure = matches!(self.state, State::UnsureChannel);
                    if byte == 1 && unsure {
                        // The zero began a frame, so what came before it was text.
                        pass(&self.data, each);
                    }
                    if byte != 0 || unsure {
                        self.data.clear();
                    }
                    match byte {
                        0 => self.state = State::Channel,
                        1 => {
                            self.id.clear();
                            self.state = State::Id;
                        }
                        _ => {
                            self.state = State::Text;
                            from = at;
                        }
                    }
                }
                State::Id => match byte {
                    0x40..=0x7f => {
                        self.id.push(byte);
                        if self.id.len() == 3 {
                            self.data.clear();
                            self.state = State::Frame;
                        }
                    }
                    0 => {
                        each(Event::Damaged);
                        self.state = State::Channel;
                    }
                    _ => {
                        each(Event::Damaged);
                        self.state = State::Text;
                        from = at;
                    }
                },
                State::Frame => {
                    if byte == 0 {
                        let id = self.id.iter().fold(0, |id, byte| id << 6 | u32::from(byte & 0x3f));
                        each(Event::Frame { id, data: &self.data });
                        self.data.clear();
                        self.state = State::Text;
                        from = at + 1;
                    } else if self.data.len() == MAX_FRAME_BYTES {
                        each(Event::Damaged);
                        self.data.clear();
                        self.state = State::Text;
                        from = at;
                    } else {
                        self.data.push(byte);
                    }
                }
                State::Unsure => {
                    if byte == 0 {
                        self.state = State::UnsureChannel;
                        continue;
                    }
                    self.data.push(byte);
                    if byte == b'\n' && looks_like_text(&self.data) || self.data.len() == MAX_HELD_BYTES {
                        self.idle(each);
                        from = at + 1;
                    }
                }
            }
        }
        if matches!(self.state, State::Text) {
            pass(&bytes[from..], each);
        }
    }

    /// Nothing has come for a while: what is held back was text.
    pub fn idle(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        if matches!(self.state, State::Unsure) && !self.data.is_empty() {
            pass(&self.data, each);
            self.data.clear();
            self.state = State::Text;
        }
    }
}

/// Whether these are characters and line ends. The rest of a frame has at least a byte before its end that is neither.
fn looks_like_text(bytes: &[u8]) -> bool {
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x08' | '\x1b');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_text))
}

fn pass(text: &[u8], each: &mut dyn FnMut(Event<'_>)) {
    if !text.is_empty() {
        each(Event::Text(text));
    }
}
