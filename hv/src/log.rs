//! The log: a line with the time since Nex was entered and a level.
//!
//! All of Nex's reporting goes through these macros, so that the format and the transport can change in one place.

use core::fmt;

/// How much a record matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Something failed: a domain, a file, a device.
    Error,
    /// Something is odd; Nex goes on as well as before.
    Warn,
    /// What happens in the course of things.
    Info,
}

/// Writes a record. Use the macros.
pub fn record(level: Level, args: fmt::Arguments<'_>) {
    let us = crate::time::now_ns() / 1000;
    let (seconds, fraction) = (us / 1_000_000, us % 1_000_000);
    match level {
        Level::Info => crate::console::print(format_args!("[{seconds:5}.{fraction:06}] {args}\n")),
        Level::Warn => crate::console::print(format_args!("[{seconds:5}.{fraction:06}] warning: {args}\n")),
        Level::Error => crate::console::print(format_args!("[{seconds:5}.{fraction:06}] error: {args}\n")),
    }
}

/// Logs what happens.
#[macro_export]
macro_rules! info {
    ($($arg:tt)*) => { $crate::log::record($crate::log::Level::Info, format_args!($($arg)*)) };
}

/// Logs something odd.
#[macro_export]
macro_rules! warning {
    ($($arg:tt)*) => { $crate::log::record($crate::log::Level::Warn, format_args!($($arg)*)) };
}

/// Logs a failure.
#[macro_export]
macro_rules! error {
    ($($arg:tt)*) => { $crate::log::record($crate::log::Level::Error, format_args!($($arg)*)) };
}

/// Prints text without time and level, for tables and answers.
#[macro_export]
macro_rules! println {
    () => { $crate::console::print(format_args!("\n")) };
    ($($arg:tt)*) => { $crate::console::print(format_args!("{}\n", format_args!($($arg)*))) };
}
