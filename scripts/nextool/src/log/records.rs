//! From a frame to a record: the format string is in the ELF file, as is the place in the source.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context, Result};
use defmt_decoder::{Locations, Table};
use defmt_parser::Level;

use super::id;
use crate::elf32::Elf;

/// A log record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Microseconds since the machine's counter started.
    pub time_us: u64,
    /// `error`, `warning`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// The Rust module, empty if the ELF file does not say.
    pub module: String,
    /// The source file, from the root of the workspace on; empty if the ELF file does not say.
    pub file: String,
    /// Its line, or 0.
    pub line: u64,
    /// The text.
    pub message: String,
}

/// Why a frame is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecoded {
    /// It is from another build than the ELF file.
    Foreign,
    /// Bytes are missing or wrong.
    Damaged,
}

/// Knows the format strings of one ELF file.
pub struct Decoder {
    table: Table,
    locations: Locations,
    id: u32,
    name: String,
}

impl Decoder {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
        Self::new(&bytes, &path.display().to_string())
    }

    /// Takes the bytes of an ELF file; `name` is what messages call it.
    ///
    /// # Errors
    /// If it is none, or has no log records.
    pub fn new(elf: &[u8], name: &str) -> Result<Self> {
        let what = || name.to_owned();
        let id = Elf::parse(elf).and_then(|elf| id::build_id(&elf)).with_context(what)?;
        let table = Table::parse(elf).with_context(what)?;
        let table = table.with_context(|| format!("{name}: no .defmt section: not a Nex with a log"))?;
        let locations = table.get_locations(elf).with_context(what)?;
        Ok(Self { table, locations, id, name: name.to_owned() })
    }

    /// The build's id, as frames of it carry it.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What to say about frames with another id.
    pub fn complaint(&self, id: u32) -> String {
        format!(
            "these log records are from another build ({id:05x}) than {} ({:05x}): rebuild, or give the right ELF file",
            self.name, self.id
        )
    }

    /// Decodes a frame: rzCOBS data without the zero at its end.
    ///
    /// # Errors
    /// See [`Undecoded`].
    pub fn decode(&self, id: u32, data: &[u8]) -> Result<Record, Undecoded> {
        // An image that nextool did not make says 0: try.
        if id != 0 && id != self.id {
            return Err(Undecoded::Foreign);
        }
        // The crate is made for frames that are right, and asserts some of what a line with noise can break.
        catch_unwind(AssertUnwindSafe(|| self.decode_unchecked(data))).unwrap_or(Err(Undecoded::Damaged))
    }

    fn decode_unchecked(&self, data: &[u8]) -> Result<Record, Undecoded> {
        let mut stream = self.table.new_stream_decoder();
        stream.received(data);
        stream.received(&[0]);
        let frame = stream.decode().map_err(|_| Undecoded::Damaged)?;
        let level = match frame.level() {
            Some(Level::Error) => "error",
            Some(Level::Warn) => "warning",
            Some(Level::Info) | None => "info",
            Some(Level::Debug) => "debug",
            Some(Level::Trace) => "trace",
        };
        // Seconds, a point, six digits.
        let time = frame.display_timestamp().map(|time| time.to_string()).unwrap_or_default();
        let time_us = time.replace('.', "").parse().map_err(|_| Undecoded::Damaged)?;
        let place = self.locations.get(&frame.index());
        Ok(Record {
            time_us,
            level,
            module: place.map(|place| module(&place.module)).unwrap_or_default(),
            file: place.map(|place| short(&place.file)).unwrap_or_default(),
            line: place.map_or(0, |place| place.line),
            message: frame.display_message().to_string(),
        })
    }
}

/// The path without the directory of the workspace, if it is in that.
fn short(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path).display().to_string()
}

/// The module of a path to the record's own static, which lies in a function, in closures, in an `impl`.
fn module(path: &str) -> String {
    let mut parts: Vec<&str> = path.split("::").collect();
    let pop_unnamed = |parts: &mut Vec<&str>| {
        while parts.last().is_some_and(|part| part.starts_with('{')) {
            parts.pop();
        }
    };
    pop_unnamed(&mut parts);
    parts.pop();
    pop_unnamed(&mut parts);
    parts.join("::")
}
