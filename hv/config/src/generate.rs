//! Makes constants of a configuration.

use std::fmt::Write;

use crate::options::{Kind, Opt, User};
use crate::parse::{Config, Value};

/// The value as an expression of Rust.
pub(crate) fn expression(option: &Opt, value: &Value) -> String {
    match (&option.kind, value) {
        (Kind::CtrlKey { .. }, Value::Text(character)) => {
            // What a terminal sends for Ctrl and one of `@` to `_`.
            format!("{:#04x}", character.bytes().next().unwrap_or_default() & 0x1f)
        }
        (Kind::Choice { enum_name, alternatives }, Value::Choice(n)) => {
            format!("{enum_name}::{}", alternatives[*n].variant)
        }
        (_, Value::Bool(value)) => value.to_string(),
        (_, Value::Number(value)) => value.to_string(),
        (_, Value::Text(text)) => format!("{text:?}"),
        (_, Value::Choice(_)) => unreachable!("only a choice has such a value"),
    }
}

fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool { .. } => "bool",
        Kind::Number { .. } => "u32",
        Kind::Text { .. } => "&str",
        Kind::CtrlKey { .. } => "u8",
        Kind::Choice { enum_name, .. } => enum_name,
    }
}

impl Config {
    /// The constants of the options that `user` goes by, in Rust.
    pub fn constants(&self, user: User) -> String {
        let mut text = String::new();
        for (option, value) in self.iter().filter(|(option, _)| option.user == user) {
            let (name, kind) = (option.name, type_name(&option.kind));
            let value = expression(option, value);
            // Writing to a `String` does not fail.
            let _ = writeln!(text, "/// {}\npub const {name}: {kind} = {value};", option.doc);
        }
        text
    }

    /// The `cfg`s of the options that `user` goes by, and whether each is set.
    pub fn cfgs(&self, user: User) -> impl Iterator<Item = (&'static str, bool)> {
        self.iter().filter(move |(option, _)| option.user == user).filter_map(|(option, value)| {
            match (&option.kind, value) {
                (Kind::Bool { cfg, .. }, Value::Bool(set)) => Some((*cfg, *set)),
                _ => None,
            }
        })
    }
}
