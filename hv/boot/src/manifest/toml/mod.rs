//! A small reader for TOML 1.1.
//!
//! It is our own because of its size. For `armv7a-none-eabi` at opt-level 2, code and constants: 17 KiB; the `toml`
//! crate (parse only, without serde) has 92 KiB, `toml_parser` alone, which gives events and no tables, 55 KiB; all of
//! Nex aims at 256 KiB. The tests compare it with the `toml` crate over mutated documents.
//!
//! What TOML allows and Nex has no use for, floats and dates, is kept as [`Value::Other`], so that the key gets a
//! "wrong type" and the rest of the file is still read.

mod reader;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

pub(crate) use self::reader::parse;

/// Deepest nesting of arrays and inline tables, and most parts in a dotted key.
const MAX_DEPTH: usize = 16;

/// A value, with the line of each key within it.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) enum Value<'a> {
    Str(Cow<'a, str>),
    Int(i64),
    Bool(bool),
    /// Float, date, time, or an integer beyond 64 bits.
    Other,
    Array(Vec<Value<'a>>),
    Table(Table<'a>),
    /// Array of tables: `[[name]]`.
    Tables(Vec<Table<'a>>),
}

impl Value<'_> {
    /// The kind of value in words, for error texts.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Str(_) => "a string",
            Self::Int(_) => "an integer",
            Self::Bool(_) => "true or false",
            Self::Other => "a float, date or too large number",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
            Self::Tables(_) => "an array of tables",
        }
    }
}

/// How a table came to be, which decides what may be added to it later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Origin {
    /// In passing, by a header such as `[a.b]` for `a`.
    Implied,
    /// By its own header.
    Header,
    /// By a dotted key.
    Dotted,
    /// `{ ... }`, closed for good.
    Inline,
}

/// A table; entries in the order of the file.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Table<'a> {
    pub(crate) entries: Vec<Entry<'a>>,
    /// Line where it begins, from 1.
    pub(crate) line: u32,
    origin: Origin,
}

/// A key with its value.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Entry<'a> {
    pub(crate) key: Cow<'a, str>,
    /// Line of the key, from 1.
    pub(crate) line: u32,
    pub(crate) value: Value<'a>,
}

/// What breaks the rules of TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxError {
    /// A key was expected.
    Key,
    /// `=` was expected after a key.
    Equals,
    /// A value was expected, or it is none.
    Value,
    /// The named closing bracket, or a comma, was expected.
    Unclosed(char),
    /// Something follows where the line should end.
    Trailing,
    /// A string does not end on its line, or at all.
    UnclosedString,
    /// Unknown or incomplete backslash escape.
    Escape,
    /// A control character, other than tab, within a string or comment.
    Control,
    /// The key or table was defined before.
    Duplicate,
    /// The key leads into something that is no table, or one that is closed.
    NotATable,
    /// Nested more than 16 deep.
    TooDeep,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Key => "expected a key (letters, digits, - and _, or in quotes)",
            Self::Equals => "expected = after the key",
            Self::Value => {
                "expected a value: a \"string\" in quotes, a number, true or false, [...] or {...}"
            }
            Self::Unclosed(bracket) => return write!(f, "expected a comma or {bracket}"),
            Self::Trailing => "unexpected text after the value or heading",
            Self::UnclosedString => "string without closing quote",
            Self::Escape => "unknown backslash escape; write \\\\ for a backslash, or use '...' quotes",
            Self::Control => "control character in a string or comment",
            Self::Duplicate => "defined twice",
            Self::NotATable => "the part before the dot is no table, or closed",
            Self::TooDeep => "nested too deeply",
        };
        f.write_str(text)
    }
}

type Fallible<T> = Result<T, SyntaxError>;

impl<'a> Table<'a> {
    pub(super) fn new(line: u32, origin: Origin) -> Self {
        Self { entries: Vec::new(), line, origin }
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key == key)
    }

    /// Marks the table and all that dotted keys made within it as complete.
    pub(super) fn close(&mut self) {
        self.origin = Origin::Inline;
        for entry in &mut self.entries {
            if let Value::Table(table) = &mut entry.value {
                table.close();
            }
        }
    }

    /// The table of a key: made if it is not there.
    fn child(&mut self, key: &Cow<'a, str>, line: u32, origin: Origin) -> Fallible<&mut Table<'a>> {
        let index = self.position(key).unwrap_or_else(|| {
            let value = Value::Table(Table::new(line, origin));
            self.entries.push(Entry { key: key.clone(), line, value });
            self.entries.len() - 1
        });
        match self.entries.get_mut(index).map(|entry| &mut entry.value) {
            Some(Value::Table(table)) if table.origin != Origin::Inline => Ok(table),
            // A heading below an array of tables means the last of them; a dotted key cannot.
            Some(Value::Tables(tables)) if origin == Origin::Implied => {
                tables.last_mut().ok_or(SyntaxError::NotATable)
            }
            _ => Err(SyntaxError::NotATable),
        }
    }

    /// Adds the value of a dotted key.
    pub(super) fn insert(&mut self, path: &[Cow<'a, str>], value: Value<'a>, line: u32) -> Fallible<()> {
        let (key, parents) = path.split_last().ok_or(SyntaxError::Key)?;
        let mut table = self;
        for parent in parents {
            table = table.child(parent, line, Origin::Dotted)?;
            // A table with a heading of its own is written there and nowhere else.
            if table.origin == Origin::Header {
                return Err(SyntaxError::Duplicate);
            }
        }
        if table.position(key).is_some() {
            return Err(SyntaxError::Duplicate);
        }
        table.entries.push(Entry { key: key.clone(), line, value });
        Ok(())
    }

    /// Begins the table of a heading, or a further one of an array of tables.
    pub(super) fn open(&mut self, path: &[Cow<'a, str>], is_array: bool, line: u32) -> Fallible<()> {
        let (key, parents) = path.split_last().ok_or(SyntaxError::Key)?;
        let mut table = self;
        for parent in parents {
            table = table.child(parent, line, Origin::Implied)?;
        }
        let fresh = Table::new(line, Origin::Header);
        let Some(index) = table.position(key) else {
            let value = if is_array { Value::Tables(alloc::vec![fresh]) } else { Value::Table(fresh) };
            table.entries.push(Entry { key: key.clone(), line, value });
            return Ok(());
        };
        match table.entries.get_mut(index).map(|entry| &mut entry.value) {
            Some(Value::Tables(tables)) if is_array => tables.push(fresh),
            Some(Value::Table(old)) if !is_array && old.origin == Origin::Implied => {
                (old.origin, old.line) = (Origin::Header, line);
            }
            _ => return Err(SyntaxError::Duplicate),
        }
        Ok(())
    }

    /// The table that the last heading opened.
    pub(super) fn current(&mut self, heading: &[Cow<'a, str>]) -> Fallible<&mut Table<'a>> {
        let mut table = self;
        for key in heading {
            table = table.child(key, 0, Origin::Implied)?;
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests;
