//! The log: records with a level, a time and the place they come from.
//!
//! [`info!`](crate::info), [`warning!`](crate::warning), [`error!`](crate::error), [`debug!`](crate::debug) and
//! [`trace!`](crate::trace) are the only ways to log. A record is a defmt frame: the format string stays in the ELF file,
//! and only a number and the arguments are kept. Frames go into a ring in memory ([`ring`]) and from there into the
//! console's byte stream, where `nextool log` finds and decodes them; `docs/logging.md` has the wire format.
//!
//! Format strings are what defmt and `core::fmt` both take: `{}`, and hints such as `{:08x}`; arguments follow, none
//! is named inside the braces. A value that has only `Display` is wrapped in [`Shown`]. Arguments are evaluated only if
//! the record is wanted, and again if it is shown as text too.
//!
//! Logging works anywhere: with IRQs masked, in interrupt handlers and in the debugger, before there is a UART (the
//! ring is sent when there is one), in a panic. Nothing here waits for a lock for ever.

mod filter;
mod frame;
mod last_words;
mod ring;

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

#[doc(hidden)]
pub use defmt;

pub use filter::{
    FilterError, LIMITS, Limit, MODULE_BYTES, clear_filter, enabled, filters, limit_from_name, set_filter,
};
pub use last_words::record_panic_text;
pub use ring::{build_id, for_each_recent, lost};
pub(crate) use ring::{pending, send_unsent};

/// How much a record matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    /// Something failed: a domain, a file, a device.
    Error = 1,
    /// Something is odd; Nex goes on as well as before.
    Warn,
    /// What happens in the course of things.
    Info,
    /// For whoever works on the part that says it.
    Debug,
    /// Every step.
    Trace,
}

/// Lets a value that has only [`Display`](fmt::Display) be an argument of a log macro.
pub struct Shown<'a, T: fmt::Display + ?Sized>(pub &'a T);

impl<T: fmt::Display + ?Sized> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Display + ?Sized> defmt::Format for Shown<'_, T> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::Display2Format(self.0).format(f);
    }
}

/// Records go to the UART as text.
static TEXT: AtomicBool = AtomicBool::new(false);

/// Takes the word `log=` of Nex's command line, if it is there: a list, separated by commas, of `text` (for a terminal
/// without the host tool), a level for everything, and `module=level`.
///
/// # Errors
/// The first part that is none of these, or has no room ([`FilterError`]); the rest is not looked at.
pub fn configure(cmdline: &str) -> Result<(), &str> {
    let list = crate::cmdline::option(cmdline, "log").unwrap_or("");
    for word in list.split(',').filter(|word| !word.is_empty()) {
        let (module, level) = match word.split_once('=') {
            _ if word == "text" => {
                TEXT.store(true, Ordering::Relaxed);
                continue;
            }
            Some(pair) => pair,
            None => ("", word),
        };
        let limit = limit_from_name(level).ok_or(word)?;
        set_filter(module, limit).map_err(|_| word)?;
    }
    Ok(())
}

/// Whether records go to the UART as text and not as frames: `log=text`.
pub fn text_mode() -> bool {
    TEXT.load(Ordering::Relaxed)
}

/// Whether somebody reads records as text: a terminal without the host tool, or a screen.
pub fn wants_text() -> bool {
    text_mode() || crate::screen::is_present()
}

/// Shows a record as text. Use the macros.
#[doc(hidden)]
pub fn show_text(level: Level, args: fmt::Arguments<'_>) {
    let us = crate::time::now_ns() / 1000;
    let (seconds, fraction) = (us / 1_000_000, us % 1_000_000);
    let kind = match level {
        Level::Error => "error: ",
        Level::Warn => "warning: ",
        Level::Info => "",
        Level::Debug => "debug: ",
        Level::Trace => "trace: ",
    };
    let line = format_args!("[{seconds:5}.{fraction:06}] {kind}{args}");
    if text_mode() {
        crate::console::print(format_args!("{line}\n"));
    } else {
        crate::console::print_on_screen(line);
    }
}

#[doc(hidden)]
#[macro_export]
#[collapse_debuginfo(yes)]
macro_rules! log_record {
    ($level:ident, $defmt:ident, $($arg:tt)*) => {{
        use $crate::log::defmt;
        if $crate::log::enabled($crate::log::Level::$level, ::core::module_path!()) {
            defmt::$defmt!($($arg)*);
            if $crate::log::wants_text() {
                $crate::log::show_text($crate::log::Level::$level, ::core::format_args!($($arg)*));
            }
        }
    }};
}

/// Logs every step.
#[macro_export]
#[collapse_debuginfo(yes)]
macro_rules! trace {
    ($($arg:tt)*) => { $crate::log_record!(Trace, trace, $($arg)*) };
}

/// Logs what only a developer of the part wants to know.
#[macro_export]
#[collapse_debuginfo(yes)]
macro_rules! debug {
    ($($arg:tt)*) => { $crate::log_record!(Debug, debug, $($arg)*) };
}

/// Logs what happens.
#[macro_export]
#[collapse_debuginfo(yes)]
macro_rules! info {
    ($($arg:tt)*) => { $crate::log_record!(Info, info, $($arg)*) };
}

/// Logs something odd.
#[macro_export]
#[collapse_debuginfo(yes)]
macro_rules! warning {
    ($($arg:tt)*) => { $crate::log_record!(Warn, warn, $($arg)*) };
}

/// Logs a failure.
#[macro_export]
#[collapse_debuginfo(yes)]
macro_rules! error {
    ($($arg:tt)*) => { $crate::log_record!(Error, error, $($arg)*) };
}

/// Prints text without time and level, for tables and answers. It needs no tool to be read.
#[macro_export]
macro_rules! println {
    () => { $crate::console::print(format_args!("\n")) };
    ($($arg:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arg)*))) };
}
