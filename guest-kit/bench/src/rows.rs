//! The rows, in the order of the table. Each loop is a function of its own.

use crate::measure::Row;

mod compute;
mod control;
mod device;
mod exception;
mod float;
mod interrupt;
mod memory;
mod processor;
pub(crate) mod user;

/// All of them. Order matters where memory must not have been touched before: see `memory`.
pub(crate) fn all() -> impl Iterator<Item = &'static Row> {
    [
        processor::ROWS,
        control::ROWS,
        device::ROWS,
        exception::ROWS,
        interrupt::ROWS,
        memory::ROWS,
        float::ROWS,
        compute::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// Makes a [`Loop`](crate::measure::Loop): what comes first, the body, and what comes last, if there is something.
///
/// The body may use all registers but r0, which counts; r1 to r3 begin as the arguments. The loop itself is two
/// instructions a pass.
macro_rules! kernel_loop {
    ($(#[$doc:meta])* $name:ident: $first:literal, $body:literal, $last:literal $(, $($operands:tt)*)?) => {
        $(#[$doc])*
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: u32, _: u32, _: u32, _: u32) -> u32 {
            core::arch::naked_asm!(
                "push {{r4-r11, lr}}",
                $first,
                "9:",
                $body,
                "subs r0, r0, #1",
                "bne 9b",
                $last,
                "pop {{r4-r11, pc}}",
                $($($operands)*)?
            )
        }
    };
    ($(#[$doc:meta])* $name:ident: $first:literal, $body:literal $(, $($operands:tt)*)?) => {
        kernel_loop! { $(#[$doc])* $name: $first, $body, "" $(, $($operands)*)? }
    };
    ($(#[$doc:meta])* $name:ident: $body:literal) => {
        kernel_loop! { $(#[$doc])* $name: "", $body, "" }
    };
}
use kernel_loop;

kernel_loop! {
    /// The loop without anything in it.
    empty: ""
}
