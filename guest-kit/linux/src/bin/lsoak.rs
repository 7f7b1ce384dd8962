//! Placeholder.
#![no_std]
#![no_main]
use nex_guest_linux::{Arguments, Result, entry};
entry!("soak", main);
fn main(_: Arguments) -> Result<()> {
    Ok(())
}
