//! Greets, and says what it sees: Nex's ABI version, its memory and its command line. Then powers off.
//!
//! Options: none of its own; whatever is in the command line is printed.
#![no_std]
#![no_main]

use nex_guest::{Context, DeviceTreeError, Memory, abi_version, entry, println};

entry!(main);

fn main(ctx: &Context) -> Result<(), DeviceTreeError> {
    match abi_version() {
        Some((major, minor)) => println!("hello: hello from a guest of Nex, ABI {major}.{minor}"),
        None => println!("hello: hello, and this is not Nex"),
    }
    let Memory { base, bytes } = ctx.memory()?;
    let free = ctx.free_memory()?;
    println!("hello: memory {} KiB at {base:#x}, {} KiB of it free", bytes / 1024, free.len() / 1024);
    println!("hello: cmdline \"{}\"", ctx.cmdline());
    Ok(())
}
