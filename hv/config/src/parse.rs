//! Reads `.config`: lines `CONFIG_NAME=value` and `# CONFIG_NAME is not set`, comments, and empty lines.
//!
//! Strict: what it does not know is an error, so that a misspelt option is not an option silently left at its default. What the
//! file does not mention has its default.

use core::fmt;

use crate::options::{Alternative, Kind, OPTIONS, Opt};
use crate::{PREFIX, generate};

/// A value for every option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// In the order of [`OPTIONS`].
    values: Vec<Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(bool),
    Number(u32),
    Text(String),
    /// Index of the alternative.
    Choice(usize),
}

/// What is wrong in a configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is neither a comment nor `CONFIG_NAME=value`.
    NoAssignment,
    /// There is no option of that name.
    UnknownOption(String),
    /// The option was set before, in that line.
    SetTwice(String, usize),
    /// The option does not take that value; it takes what the last field says.
    BadValue(String, String, String),
    /// Another alternative of the same choice was chosen before, in that line.
    ChosenTwice(String, String, usize),
    /// The first one is not to be had without the second one.
    Needs(String, String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAssignment => write!(f, "expected `{PREFIX}NAME=value` or a comment"),
            Self::UnknownOption(name) => write!(
                f,
                "there is no option {PREFIX}{name}: correct its name, or save the file again with `make menuconfig`, \
                 which leaves out what there is no longer"
            ),
            Self::SetTwice(name, line) => {
                write!(f, "{PREFIX}{name} is already set in line {line}: remove one")
            }
            Self::BadValue(name, value, takes) => write!(f, "{PREFIX}{name}={value}: must be {takes}"),
            Self::ChosenTwice(name, other, line) => {
                write!(
                    f,
                    "{PREFIX}{name}=y, but {PREFIX}{other}=y in line {line}: only one of them can be chosen"
                )
            }
            Self::Needs(name, needed) => write!(f, "{PREFIX}{name}=y needs {PREFIX}{needed}=y"),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let values = OPTIONS.iter().map(|option| match option.kind {
            Kind::Bool { default, .. } => Value::Bool(default),
            Kind::Number { default, .. } => Value::Number(default),
            Kind::Text { default, .. } => Value::Text(default.into()),
            Kind::CtrlKey { default, .. } => Value::Text(default.into()),
            Kind::Choice { .. } => Value::Choice(0),
        });
        Self { values: values.collect() }
    }
}

/// What a name in `.config` stands for.
enum Named {
    /// The option of that index.
    Option(usize),
    /// An alternative of a choice: index of the option, index of the alternative.
    Alternative(usize, usize),
}

fn find(name: &str) -> Option<Named> {
    OPTIONS.iter().enumerate().find_map(|(n, option)| match option.kind {
        Kind::Choice { alternatives, .. } => {
            alternatives.iter().position(|a| a.name == name).map(|a| Named::Alternative(n, a))
        }
        _ => (option.name == name).then_some(Named::Option(n)),
    })
}

/// A name and what it is set to, if `line` sets something.
fn assignment(line: &str) -> Result<Option<(&str, &str)>, Problem> {
    let line = line.trim();
    if let Some(comment) = line.strip_prefix('#') {
        let unset = comment.trim().strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(" is not set"));
        return Ok(unset.map(|name| (name, "n")));
    }
    if line.is_empty() {
        return Ok(None);
    }
    line.strip_prefix(PREFIX).and_then(|rest| rest.split_once('=')).map(Some).ok_or(Problem::NoAssignment)
}

impl Config {
    /// Reads the text of a `.config`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the lines.
    pub fn parse(text: &str) -> Result<Self, Vec<ConfigError>> {
        let mut reader = Reader::default();
        for (n, line) in text.lines().enumerate() {
            if let Err(problem) = reader.take(n + 1, line) {
                reader.errors.push(ConfigError { line: n + 1, problem });
            }
        }
        reader.settle_choices();
        if reader.errors.is_empty() {
            return Ok(reader.config);
        }
        reader.errors.sort_by_key(|e| e.line);
        Err(reader.errors)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Opt, &Value)> {
        OPTIONS.iter().zip(&self.values)
    }

    /// The value of option `name`, as the constant's expression in Rust; `None` if there is no such option.
    pub fn expression(&self, name: &str) -> Option<String> {
        self.iter()
            .find(|(option, _)| option.name == name)
            .map(|(option, value)| generate::expression(option, value))
    }
}

#[derive(Default)]
struct Reader {
    config: Config,
    /// Names set so far, and where.
    seen: Vec<(String, usize)>,
    /// Alternatives chosen so far, and where: index of the option, alternative, line.
    chosen: Vec<(usize, &'static Alternative, usize)>,
    errors: Vec<ConfigError>,
}

impl Reader {
    fn take(&mut self, number: usize, line: &str) -> Result<(), Problem> {
        let Some((name, value)) = assignment(line)? else { return Ok(()) };
        let named = find(name).ok_or_else(|| Problem::UnknownOption(name.into()))?;
        if let Some((_, line)) = self.seen.iter().find(|(seen, _)| seen == name) {
            return Err(Problem::SetTwice(name.into(), *line));
        }
        self.seen.push((name.into(), number));
        let bad = |takes: String| Problem::BadValue(name.into(), value.into(), takes);
        match named {
            Named::Option(n) => self.config.values[n] = read(&OPTIONS[n].kind, value).map_err(bad)?,
            Named::Alternative(n, index) => {
                let Kind::Choice { alternatives, .. } = OPTIONS[n].kind else { return Ok(()) };
                match value {
                    "y" => {
                        if let Some((_, other, line)) = self.chosen.iter().find(|(option, ..)| *option == n) {
                            return Err(Problem::ChosenTwice(name.into(), other.name.into(), *line));
                        }
                        self.chosen.push((n, &alternatives[index], number));
                        self.config.values[n] = Value::Choice(index);
                    }
                    "n" => {}
                    _ => return Err(bad("y or n".into())),
                }
            }
        }
        Ok(())
    }

    fn can_be_had(&self, alternative: &Alternative) -> bool {
        match find(alternative.needs) {
            Some(Named::Alternative(n, index)) => self.config.values[n] == Value::Choice(index),
            _ => true,
        }
    }

    /// Gives choices that were not made the first alternative that can be had, and checks those that were made. A choice
    /// comes after the one that its alternatives need.
    fn settle_choices(&mut self) {
        for (n, option) in OPTIONS.iter().enumerate() {
            let Kind::Choice { alternatives, .. } = option.kind else { continue };
            if !self.chosen.iter().any(|(chosen, ..)| *chosen == n) {
                let first = alternatives.iter().position(|a| self.can_be_had(a));
                self.config.values[n] = Value::Choice(first.unwrap_or_default());
            }
        }
        for &(_, alternative, line) in &self.chosen {
            if !self.can_be_had(alternative) {
                let problem = Problem::Needs(alternative.name.into(), alternative.needs.into());
                self.errors.push(ConfigError { line, problem });
            }
        }
    }
}

/// Reads a value; else says what the option takes.
fn read(kind: &Kind, text: &str) -> Result<Value, String> {
    match *kind {
        Kind::Bool { .. } => match text {
            "y" => Some(Value::Bool(true)),
            "n" => Some(Value::Bool(false)),
            _ => None,
        }
        .ok_or_else(|| "y or n".into()),
        Kind::Number { min, max, .. } => decimal(text)
            .filter(|value| (min..=max).contains(value))
            .map(Value::Number)
            .ok_or_else(|| format!("a decimal number from {min} to {max}")),
        Kind::Text { max_bytes, .. } => quoted(text)
            .filter(|text| text.len() <= max_bytes)
            .map(Value::Text)
            .ok_or_else(|| format!("at most {max_bytes} printable ASCII characters in double quotes")),
        Kind::CtrlKey { characters, .. } => quoted(text)
            .filter(|text| text.len() == 1 && characters.contains(text.as_str()))
            .map(Value::Text)
            .ok_or_else(|| format!("one of {characters} in double quotes, with \\ written twice")),
        // A choice has no value of its own, only its alternatives have.
        Kind::Choice { .. } => Err("left out".into()),
    }
}

/// Digits only: `parse` would take a sign.
fn decimal(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The text between double quotes, where a backslash goes before a quote and before another backslash.
fn quoted(text: &str) -> Option<String> {
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut plain = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\\' => plain.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            '"' => return None,
            ' '..='~' => plain.push(c),
            _ => return None,
        }
    }
    Some(plain)
}
