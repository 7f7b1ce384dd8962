//! Reading the console of Nex: text and log records on one line (`docs/logging.md` has the format).
//!
//! Bytes go through [`wire::Splitter`], which tells text from frames, frames through [`records::Decoder`], and both end up
//! in a [`view::View`]. [`Stream`] is all of it.

pub mod dump;
pub mod id;
pub mod port;
pub mod pump;
pub mod records;
pub mod view;
pub mod wire;

use std::sync::Arc;

use records::{Decoder, Undecoded};
use view::View;
use wire::{Event, Splitter};

/// What has come so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Log records shown.
    pub records: u64,
    /// Frames that could not be decoded.
    pub damaged: u64,
    /// Frames of another build.
    pub foreign: u64,
}

/// From the bytes of a console to what a person or a program reads.
pub struct Stream {
    splitter: Splitter,
    decoder: Arc<Decoder>,
    view: View,
    /// The id that was complained about.
    complained: Option<u32>,
    counts: Counts,
}

impl Stream {
    /// A console whose records `decoder` knows. `from_start`: the first byte is really the first; otherwise it may be
    /// the middle of a frame.
    pub fn new(decoder: Arc<Decoder>, view: View, from_start: bool) -> Self {
        let splitter = if from_start { Splitter::new() } else { Splitter::attached_late() };
        Self { splitter, decoder, view, complained: None, counts: Counts::default() }
    }

    /// Takes bytes of the console; appends what is to be shown to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let Self { splitter, decoder, view, complained, counts } = self;
        splitter.feed(bytes, &mut |event| match event {
            Event::Text(text) => view.text(text, out),
            Event::Damaged => {
                counts.damaged += 1;
                view.notice("a log record was damaged on its way", out);
            }
            Event::Frame { id, data } => match decoder.decode(id, data) {
                Ok(record) => {
                    counts.records += 1;
                    view.record(&record, out);
                }
                Err(Undecoded::Foreign) => {
                    counts.foreign += 1;
                    if *complained != Some(id) {
                        *complained = Some(id);
                        view.notice(&decoder.complaint(id), out);
                    }
                }
                Err(Undecoded::Damaged) => {
                    counts.damaged += 1;
                    view.notice("a log record was damaged on its way", out);
                }
            },
        });
    }

    /// Nothing has come for a while: shows what was held back.
    pub fn idle(&mut self, out: &mut Vec<u8>) {
        let view = &mut self.view;
        self.splitter.idle(&mut |event| {
            if let Event::Text(text) = event {
                view.text(text, out);
            }
        });
        view.idle(out);
    }

    /// Nothing will come any more.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.idle(out);
        self.view.finish(out);
    }

    /// Shows a frame that did not come in the stream: rzCOBS data without the zero at its end.
    pub fn frame(&mut self, id: u32, data: &[u8], out: &mut Vec<u8>) {
        let mut wire = vec![0, 1];
        wire.extend(id::encode(id));
        wire.extend(data);
        wire.push(0);
        self.feed(&wire, out);
    }

    /// What has come so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}
