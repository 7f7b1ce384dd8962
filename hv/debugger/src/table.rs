//! The commands: how one is found, run and described.
//!
//! Each subsystem has a table of its own commands, a `static` slice of [`Command`]; the debugger collects the tables
//! into a [`Registry`]. `C` is whatever commands work on; it is the debugger's to choose.
//!
//! ```
//! use core::fmt::Write;
//! use nex_debugger::parse::Args;
//! use nex_debugger::table::{Command, CommandError, Registry};
//!
//! static TABLE: [Command<String>; 1] = [Command {
//!     name: "add",
//!     usage: "<hex> <hex>",
//!     help: "show the sum of two numbers",
//!     run: |out, args| {
//!         let sum = args.hex(0)?.checked_add(args.hex(1)?).ok_or(CommandError::Message("sum too big"))?;
//!         args.at_most(2)?;
//!         let _ = writeln!(out, "{sum:x}");
//!         Ok(())
//!     },
//! }];
//!
//! static TABLES: [&[Command<String>]; 1] = [&TABLE];
//! let registry = Registry::new(&TABLES);
//! let mut out = String::new();
//! assert!(registry.run("ad 9 0x8", &mut out).is_ok());
//! assert_eq!(out, "11\n");
//! assert_eq!(
//!     registry.run("add 9", &mut out).unwrap_err().to_string(),
//!     "a word is missing\nusage: add <hex> <hex>"
//! );
//! ```

use core::fmt::{self, Write};

use crate::parse::{Args, ParseError};

/// A command of the debugger.
pub struct Command<C> {
    /// What the user types: printable ASCII without blanks.
    pub name: &'static str,
    /// The arguments as help and usage lines show them, without the name; empty for none.
    pub usage: &'static str,
    /// What it does, in half a line without a full stop.
    pub help: &'static str,
    /// Does it. It writes its answer to wherever the context says; the line of an error is written by the caller.
    pub run: fn(&mut C, &Args<'_>) -> Result<(), CommandError>,
}

/// Why a command did not do its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandError {
    /// The arguments are wrong as a whole: the user sees the usage line.
    Usage,
    /// One argument is wrong: the user sees what is wrong with it, then the usage line.
    Argument(ParseError),
    /// Anything else, in a line of text without a line end.
    Message(&'static str),
    /// The command touched an address that cannot be read or written: the user sees `fault`.
    Fault,
}

impl From<ParseError> for CommandError {
    fn from(error: ParseError) -> Self {
        Self::Argument(error)
    }
}

/// Why no command goes by a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindError {
    /// No name begins like that.
    Unknown,
    /// Several names begin like that, and none is just that.
    Ambiguous,
}

/// Why a line was not carried out. Displays as what the user should see, without a line end after the last line.
pub enum RunError<'a, C> {
    /// The line itself is wrong.
    Line(ParseError),
    /// Its first word, given here, is not a command.
    Find(&'a str, FindError),
    /// The command, given here, failed.
    Command(&'a Command<C>, CommandError),
}

impl<C> fmt::Debug for RunError<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(error) => f.debug_tuple("Line").field(error).finish(),
            Self::Find(name, error) => f.debug_tuple("Find").field(name).field(error).finish(),
            Self::Command(command, error) => {
                f.debug_tuple("Command").field(&command.name).field(error).finish()
            }
        }
    }
}

impl<C> fmt::Display for RunError<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Line(error) => f.write_str(error.text()),
            Self::Find(name, error) => not_found(f, name, error),
            Self::Command(_, CommandError::Message(text)) => f.write_str(text),
            Self::Command(_, CommandError::Fault) => f.write_str("fault"),
            Self::Command(command, CommandError::Usage) => usage(f, command),
            Self::Command(command, CommandError::Argument(error)) => {
                f.write_str(error.text())?;
                f.write_char('\n')?;
                usage(f, command)
            }
        }
    }
}

fn not_found(out: &mut dyn Write, name: &str, error: FindError) -> fmt::Result {
    out.write_str(name)?;
    out.write_str(match error {
        FindError::Unknown => ": no such command, try help",
        FindError::Ambiguous => ": several commands begin like that, press TAB for a list",
    })
}

fn usage<C>(out: &mut dyn Write, command: &Command<C>) -> fmt::Result {
    out.write_str("usage: ")?;
    synopsis(out, command)
}

/// Name and arguments.
fn synopsis<C>(out: &mut dyn Write, command: &Command<C>) -> fmt::Result {
    out.write_str(command.name)?;
    if !command.usage.is_empty() {
        out.write_char(' ')?;
        out.write_str(command.usage)?;
    }
    Ok(())
}

/// Column of the help text in the list of commands.
const HELP_COLUMN: usize = 40;

/// All commands. Where two have the same name, the first is the one that counts.
pub struct Registry<'a, C> {
    tables: &'a [&'a [Command<C>]],
}

impl<'a, C> Registry<'a, C> {
    /// The commands of all `tables`.
    pub const fn new(tables: &'a [&'a [Command<C>]]) -> Self {
        Self { tables }
    }

    /// The commands in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = &'a Command<C>> + use<'a, C> {
        self.tables.iter().flat_map(|table| table.iter())
    }

    /// The commands in the order of their names, each name once.
    pub fn sorted(&self) -> Sorted<'a, C> {
        Sorted { tables: self.tables, last: "" }
    }

    /// The command called `name`, or the only one whose name begins with it.
    ///
    /// # Errors
    /// [`FindError`]; the empty name is [`FindError::Unknown`].
    pub fn find(&self, name: &str) -> Result<&'a Command<C>, FindError> {
        if name.is_empty() {
            return Err(FindError::Unknown);
        }
        let mut found: Option<&'a Command<C>> = None;
        let mut ambiguous = false;
        for command in self.iter().filter(|command| command.name.starts_with(name)) {
            if command.name == name {
                return Ok(command);
            }
            match found {
                None => found = Some(command),
                Some(first) => ambiguous |= first.name != command.name,
            }
        }
        match found {
            None => Err(FindError::Unknown),
            Some(_) if ambiguous => Err(FindError::Ambiguous),
            Some(command) => Ok(command),
        }
    }

    /// Carries out `line`; an empty one does nothing.
    ///
    /// # Errors
    /// [`RunError`], to be shown to the user.
    pub fn run<'b>(&self, line: &'b str, context: &mut C) -> Result<(), RunError<'b, C>>
    where
        'a: 'b,
    {
        let args = Args::new(line).map_err(RunError::Line)?;
        let name = args.command();
        if name.is_empty() {
            return Ok(());
        }
        let command = self.find(name).map_err(|error| RunError::Find(name, error))?;
        (command.run)(context, &args).map_err(|error| RunError::Command(command, error))
    }

    /// The answer of `help`: for no `name` the list of commands in the order of their names, else that command's usage
    /// and help. What `name` does not find, it says.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn help(&self, name: Option<&str>, out: &mut dyn Write) -> fmt::Result {
        let Some(name) = name else {
            for command in self.sorted() {
                synopsis(out, command)?;
                let mut used = command.name.len();
                if !command.usage.is_empty() {
                    used += 1 + command.usage.len();
                }
                for _ in used..HELP_COLUMN.max(used + 2) {
                    out.write_char(' ')?;
                }
                out.write_str(command.help)?;
                out.write_char('\n')?;
            }
            return Ok(());
        };
        match self.find(name) {
            Ok(command) => {
                usage(out, command)?;
                out.write_char('\n')?;
                out.write_str(command.help)?;
            }
            Err(error) => not_found(out, name, error)?,
        }
        out.write_char('\n')
    }

    /// What TAB offers after the text `before` (see [`editor`](crate::editor)): commands for the first word, and for the
    /// argument of `help` and `?`.
    pub fn complete(&self, before: &str, found: &mut dyn FnMut(&str)) {
        let prefix = match before.split_once(' ') {
            None => before,
            Some(("help" | "?", rest)) if !rest.trim_start().contains(' ') => rest.trim_start(),
            Some(_) => return,
        };
        for command in self.sorted().filter(|command| command.name.starts_with(prefix)) {
            found(command.name);
        }
    }
}

/// The commands of a [`Registry`] by name. Each step looks through all of them, which costs no memory and is quick
/// enough for the few dozens there are.
pub struct Sorted<'a, C> {
    tables: &'a [&'a [Command<C>]],
    last: &'a str,
}

impl<'a, C> Iterator for Sorted<'a, C> {
    type Item = &'a Command<C>;

    fn next(&mut self) -> Option<Self::Item> {
        let all = self.tables.iter().flat_map(|table| table.iter());
        // `min_by_key` gives the first of equal ones. A nameless command can never be typed and is not shown.
        let next = all.filter(|command| command.name > self.last).min_by_key(|command| command.name)?;
        self.last = next.name;
        Some(next)
    }
}

#[cfg(test)]
mod tests;
