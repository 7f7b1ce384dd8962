//! Loads and stores of A32 and T32, carried out in software.
//!
//! A guest's load or store traps where Nex has made it trap: it goes to an emulated device, to an address that Nex itself
//! occupies, to a page that is write-protected because code in it was rewritten, or it is LDRT or STRT in a guest kernel,
//! which runs at the wrong privilege for them. Then this one instruction is decoded here, and carried out on the guest's
//! registers and on a [`Bus`], which is the guest's memory with its devices. Nothing here knows page tables or guests.
//!
//! # Order of calls
//!
//! 1. After a data abort, if the access was to a device and nothing else is of interest: [`quick_a32`] or [`quick_t32`] say
//!    register and size for nearly all of them, DFAR has the address. Access the device, [`Quick::finish`].
//! 2. Otherwise [`emulate_a32`] or [`emulate_t32`]. `Ok(None)` means that the instruction cannot have aborted (or that the
//!    guest has changed it since): run it again, or give the guest an Undefined Instruction exception.
//! 3. With an instruction that was replaced by a trap: [`decode_a32`] or [`decode_t32`]; [`Insn::holds`], else
//!    [`Regs::skip`](nex_vcpu::Regs::skip); [`Insn::vfp_use`], else an Undefined Instruction exception; [`execute`].
//!
//! An error of the bus comes back as it is, for the guest's data abort at this instruction.
//!
//! # What is decoded
//!
//! Every A32 and T32 instruction that loads or stores at PL0: LDR and STR of all sizes, LDRT and its family, LDRD, LDM, PUSH,
//! POP, LDREX, SWP, TBB and their counterparts, VLDR, VLDM, VLD1 to VLD4 and their counterparts; preload hints, which do
//! nothing. LDM and STM with `^`, RFE and SRS are `nex-vcpu`'s. LDC and STC have no coprocessor (the debug registers' two
//! are `nex_decode::Sensitive::DebugTransfer`).
//!
//! # Invariants
//!
//! - An instruction whose access fails has changed no register: the base restored abort model, that of Cortex-A7, A9 and A15
//!   (DDI 0406C B1.9.8). What it stored before the failure stays stored.
//! - Accesses are those of the manual's pseudocode, in ascending order, with its demands on alignment (A3.2.1); bytes are in
//!   the order of CPSR.E.
//! - After success PC and IT state are those of the next instruction. A loaded PC goes through BXWritePC() (A2.3.2).
//! - Every word is decoded, and every decoded instruction carried out, without a panic.
//!
//! # UNPREDICTABLE
//!
//! What [`nex_decode`] calls UNDEFINED or UNPREDICTABLE is not decoded; neither is a list of VFP registers that is empty, too
//! long or goes past the last register, nor a pair of registers with R15 loaded. Should-be bits are ignored, as cores do. In
//! writeback to a register that is loaded, the load wins; where the base is stored and written back, the old value is
//! stored: as QEMU does it.
//!
//! # How it is tested
//!
//! - `tests/golden.rs` compares nearly 4,000 random instructions, with registers and memory around them, with what QEMU did.
//! - `tests/coverage.rs` (ignored, needs binutils) compares which words are loads and stores with binutils' disassembler: all
//!   narrow T32 instructions, and two million random words each of A32 with AL, with other conditions and with 0b1111, of
//!   wide T32, and of six smaller regions. Every word that binutils takes for one is decoded, except for those UNDEFINED or
//!   UNPREDICTABLE; words decoded here alone have wrong should-be bits or are hints. binutils 2.40 said so.
//!
//! # Cost
//!
//! In the release profile [`emulate_a32`] takes 72 instructions for `ldr r0, [r1, #4]`, [`emulate_t32`] 67 for its narrow form,
//! [`quick_a32`] with [`Quick::finish`] 53, each with a bus that does nothing; 83 for a halfword; 320 for what does not go the
//! short way, and 680 for an LDM of three registers.
//!
//! # Rejected
//!
//! - *One table of all loads and stores, with the privileged ones.* [`nex_decode`] has proven what is sensitive; asking it keeps
//!   that in one place, for 150 instructions where the short way does not go.
//! - *Making a copy of the registers and throwing it away on an abort.* It is as simple, and costs forty words for each
//!   instruction; loading aside costs what is loaded.
//! - *Running the instruction itself with patched registers* on a buffer, in the hypervisor. It would need no executor, but
//!   machine code made at run time, and is no use for a test on the host.
//!
//! Manual references are to ARM DDI 0406C (ARMv7-A/R Architecture Reference Manual).

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod bus;
mod decode;
mod emulate;
mod execute;
mod insn;
mod quick;

pub use bus::{Bus, FpRegs, How, Size};
pub use decode::{decode_a32, decode_t32};
pub use emulate::{emulate_a32, emulate_t32};
pub use execute::{Done, execute};
pub use insn::{
    Address, Dual, Exclusive, Index, Insn, Lanes, Multiple, Op, Single, Step, Structures, Swap, Vfp,
};
pub use quick::{Quick, quick_a32, quick_t32};
