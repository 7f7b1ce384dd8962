//! The build configuration: what `make menuconfig` set, or the defaults.
//!
//! The constants are made by `build.rs` from `.config` and the table in `hv/config/src/options.rs`, and described to
//! users in `docs/configuration.md`. Where code is to be left out of the image, use `cfg(nex_debugger)` or
//! `cfg(nex_framebuffer)`; everywhere else the constants.

/// How much is logged; each level includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What is odd.
    Warn,
    /// What happens in the course of things.
    Info,
    /// Details that help to find a mistake.
    Debug,
    /// Every step.
    Trace,
}

include!(concat!(env!("OUT_DIR"), "/config.rs"));
