//! Write guests for Nex in Rust.
//!
//! A guest is a `no_std` program for `armv7a-none-eabi`. This crate brings its start code, its console, its clock, its
//! command line and a panic handler; `docs/abi.md` in Nex's repository describes what is underneath.
//!
//! # A complete guest
//!
//! `src/main.rs`:
//!
//! ```no_run
//! use nex_guest::{Context, Exit, entry, println, sleep_ms, time_ns};
//!
//! entry!(greet);
//!
//! fn greet(ctx: &Context) -> Exit {
//!     let name = ctx.option("name").unwrap_or("world");
//!     for _ in 0..3 {
//!         println!("hello {name}, it is {} us", time_ns() / 1000);
//!         sleep_ms(100);
//!     }
//!     Exit::PowerOff
//! }
//! # fn main() {}
//! ```
//!
//! with `#![no_std]` and `#![no_main]` as its first two lines, and `build.rs`, which applies this crate's linker script:
//!
//! ```no_run
//! let script = std::env::var("DEP_NEX_GUEST_LINKER_SCRIPT").unwrap();
//! println!("cargo::rustc-link-arg-bins=-T{script}");
//! println!("cargo::rustc-link-arg-bins=-zmax-page-size=4096");
//! ```
//!
//! Build it with `cargo build --release --target armv7a-none-eabi` and name the ELF file as `kernel` in a boot volume's
//! `nex.toml`, with `cmdline = "name=Ada"`.
//!
//! # What to know
//!
//! - A guest runs in User mode without an MMU of its own. Text is read-only, constants and data cannot be executed, the
//!   stack has 16 KiB and an overflow faults. Any fault stops the domain, and Nex says why on its console.
//! - Printing is buffered up to the end of the line; a line is one hypercall. [`flush`] sends an unfinished line, and so
//!   does everything that waits, reads or ends the program.
//! - There is one vCPU and no interrupt, so nothing here locks.
//! - No floating point registers: the target is soft-float, and VFP instructions stop the domain.
//! - On the host the crate builds, for tests of a guest's logic: every hypercall is answered "not supported" there.
#![cfg_attr(not(test), no_std)]

mod arch;
mod console;
mod context;
mod device_tree;
mod hypercall;
mod line;
mod options;
#[cfg(target_os = "none")]
mod panic;
mod power;
mod time;

pub use console::{flush, print_fmt, read, write};
pub use context::{Context, Exit, Termination};
pub use device_tree::{DeviceTree, DeviceTreeError, Memory};
pub use hypercall::{Refused, abi_version, hypercall};
pub use nex_abi as abi;
pub use options::{NotANumber, Options};
pub use power::{exit, reset};
pub use time::{sleep_ms, sleep_until_ns, time_ns, yield_now};

/// Names the function a guest starts with: `fn(&Context) -> T`, where `T` is [`Exit`], `()`, or a `Result` of one of them
/// with a printable error. It is called once; when it returns, the domain does what the returned value says.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[doc(hidden)]
        #[unsafe(export_name = "nex_guest_main")]
        extern "Rust" fn nex_guest_main(context: &$crate::Context) -> $crate::Exit {
            $crate::Termination::exit($main(context))
        }
    };
}

/// Prints to the domain's console, as `std::print!` does. Text without a line end waits in a buffer, see [`flush`].
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => { $crate::print_fmt(::core::format_args!($($arg)*)) };
}

/// Prints a line to the domain's console, as `std::println!` does.
#[macro_export]
macro_rules! println {
    () => { $crate::print_fmt(::core::format_args!("\n")) };
    ($($arg:tt)*) => {{
        $crate::print_fmt(::core::format_args!($($arg)*));
        $crate::print_fmt(::core::format_args!("\n"));
    }};
}
