//! In place of the console on a framebuffer, where the configuration leaves it out (`cfg(nex_framebuffer)`).

use crate::board::Framebuffer;

/// This build cannot show text on a framebuffer.
pub fn is_wanted(_cmdline: &str) -> bool {
    false
}

/// Nobody reads what is written.
pub(crate) fn is_present() -> bool {
    false
}

/// Does nothing.
pub(crate) fn write(_bytes: &[u8]) {}

/// Does nothing.
pub(crate) fn flush() {}

/// Does nothing.
pub(crate) fn set_immediate(_on: bool) {}

/// Does nothing.
pub(crate) fn init(_framebuffer: Option<Framebuffer>) {}

/// Does nothing.
pub(crate) fn start_thread() {}
