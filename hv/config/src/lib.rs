//! The build configuration: which options there are, how `.config` is read, and the constants that come out.
//!
//! Runs on the host, in build scripts ([`build_script`]). The table [`OPTIONS`] is what the build goes by; the Kconfig
//! files describe the same options for `make menuconfig`, and `docs/configuration.md` for readers. A test of this crate
//! compares the three. So a build needs neither Python nor kconfiglib.
#![forbid(unsafe_code)]

pub mod build_script;
mod generate;
mod options;
mod parse;

pub use options::{Alternative, Kind, OPTIONS, Opt, User};
pub use parse::{Config, ConfigError, Problem};

/// What each name of an option begins with in `.config`, as Kconfig's tools write it.
pub const PREFIX: &str = "CONFIG_";
