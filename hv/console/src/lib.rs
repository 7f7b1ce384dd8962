//! Console logic: whole lines from many sources, input focus and escape sequence.
//!
//! One terminal is shared by Nex itself and its domains. [`Mux`] turns what they write into whole lines with the
//! writer's name before them; [`Input`] decides who gets a typed byte, [`Flow`] what becomes of it if that one has no room. None
//! allocates, blocks or panics, and none knows a UART: output goes to a closure of the caller, input comes byte by byte.
//!
//! Whatever a domain writes, it cannot forge another's line, split one, or steer the terminal, unless it was given the
//! terminal for itself ([`Mux::set_owner`]).
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod flow;
mod input;
mod line;
mod mux;

pub use flow::{Flow, Next};
pub use input::{Action, Input, Keys, SWITCH_KEY, SWITCH_PRESSES};
pub use line::{LINE_BYTES, NAME_BYTES};
pub use mux::{BROKEN_MARK, CUT_MARK, Mux};

/// Who writes to the console, or is typed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Nex itself. Always there.
    Nex,
    /// The domain with this number.
    Domain(u8),
}
