//! Loads and stores of A32 and T32, carried out in software.

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
