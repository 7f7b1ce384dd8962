//! The Nex hypervisor core.
//!
//! It knows no board: a board crate implements [`board::Board`] and hands it over with [`board_main!`]. Start reading at
//! [`boot`], which runs everything else; `docs/architecture.md` has the map.
#![no_std]
// What only the debugger looks at stays in the code when that is left out.
#![cfg_attr(not(nex_debugger), allow(dead_code))]

extern crate alloc;

pub mod arch;
mod backtrace;
pub mod board;
pub mod boot;
pub mod cmdline;
pub mod config;
pub mod console;
#[cfg(nex_debugger)]
mod debugger;
#[cfg(not(nex_debugger))]
#[path = "debugger_off.rs"]
mod debugger;
pub mod demo;
pub mod domain;
pub mod drivers;
pub mod interrupts;
pub mod log;
pub mod memory;
mod monitor;
mod outer_cache;
mod panic;
#[cfg(nex_framebuffer)]
pub mod screen;
#[cfg(not(nex_framebuffer))]
#[path = "screen_off.rs"]
pub mod screen;
mod selftest;
pub mod sync;
pub mod thread;
pub mod time;
pub mod trap;

pub use nex_boot as boot_data;
pub use nex_mm::addr;

use board::{Board, Exit};

static BOARD: spin::Once<&'static dyn Board> = spin::Once::new();

/// Makes `$board`, a static that implements [`board::Board`], the machine's board. Once, in the board's binary.
///
/// `early = $early` names a naked function of the board that runs among Nex's first instructions, for what has to be done
/// before memory can be used: it is called (`bl`) at whatever address the loader chose, in SVC mode with interrupts masked,
/// MMU and data cache off and the CPU's own caches clean and empty. It may change r0 to r6, must run at any address, and
/// must use no memory but device registers, so no stack either. What it returns in r0 is kept in [`arch::BootArgs::early`].
#[macro_export]
macro_rules! board_main {
    ($board:expr) => {
        $crate::board_main!($board, early = nex_nothing_early);

        #[unsafe(naked)]
        extern "C" fn nex_nothing_early() {
            core::arch::naked_asm!("mov r0, #0", "bx lr")
        }
    };
    ($board:expr, early = $early:path) => {
        /// Called by `_start`.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        extern "C" fn nex_board_early() {
            core::arch::naked_asm!("b {}", sym $early)
        }

        #[unsafe(no_mangle)]
        extern "Rust" fn nex_board() -> &'static dyn $crate::board::Board {
            &$board
        }
    };
}

/// The board, once [`boot`] has begun.
pub(crate) fn board_in_use() -> Option<&'static dyn Board> {
    BOARD.get().copied()
}

/// Ends the machine after everything printed has left.
pub fn exit(how: Exit) -> ! {
    console::flush();
    screen::flush();
    end(how)
}

/// Ends the machine at once.
pub(crate) fn end(how: Exit) -> ! {
    match board_in_use() {
        Some(board) => board.exit(how),
        None => arch::irq::halt(),
    }
}
