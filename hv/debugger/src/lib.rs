//! The part of the debugger that needs no hardware: what becomes of bytes typed, and how answers look.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`escape`] | finds the key sequence that enters the debugger among the bytes for a guest |
//! | [`editor`] | a line with editing keys, history and completion |
//! | [`parse`] | the words of a line, and the numbers and ranges among them |
//! | [`table`] | the commands: finding, running, help |
//! | [`hexdump`] | rows of memory |
//! | [`next_pc`] | which instruction comes next, for stepping |
//! | [`par`] | the answer of an address translation operation |
//! | [`regs`] | the CPU's registers |
//!
//! Everything works without an allocator, without locks and in bounded time, so that it may run in an FIQ handler while
//! the rest of the hypervisor stands still. Bytes from the line are outside input: no sequence of them panics.
//!
//! Texts of more than one line separate their lines with `\n` alone, as the console's text does; only the
//! [`editor`], which writes to the terminal itself, sends `\r\n`.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod editor;
pub mod escape;
pub mod hexdump;
pub mod next_pc;
pub mod par;
pub mod parse;
pub mod regs;
pub mod table;
