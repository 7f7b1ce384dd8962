//! Which instruction comes next: for stepping on a CPU that can stop at an address but not after one instruction.
//!
//! [`next`] looks at the instruction at the program counter and at the registers, and says where execution goes on if
//! that instruction takes no exception. SVC, HVC, SMC and coprocessor instructions count as done, so that a step goes
//! over a hypercall and over what a hypervisor emulates. Section numbers are those of the ARM Architecture Reference
//! Manual, ARMv7-A (DDI 0406C).

mod a32;
mod atomic;
mod t32;
#[cfg(test)]
mod tests;

/// Where an instruction leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Next {
    /// Address of the instruction executed next. Bit 0 is clear.
    pub address: u32,
    /// In T32 (Thumb) state; otherwise A32.
    pub thumb: bool,
    /// The instruction at hand may read or write the CPSR's control bits, or waits for an interrupt: whoever masks
    /// interrupts around a step would be seen by it.
    pub uses_status: bool,
}

pub use atomic::{Atomic, atomic};

/// CPSR.T: T32 state.
const T_BIT: u32 = 1 << 5;

/// The instruction executed after the one at `r[15]`, in the state that `cpsr` says.
///
/// `r` are the registers as the instruction finds them, `r[15]` its own address (not that plus 8 or 4). `read` reads 1,
/// 2 or 4 bytes, little endian, at an address; 4 bytes of a load into the program counter and the instructions
/// themselves are at aligned addresses, or are refused.
///
/// `None` if the code or data cannot be read, or if the instruction returns from an exception or behaves
/// unpredictably, so that nothing can be said.
pub fn next(r: &[u32; 16], cpsr: u32, read: &mut dyn FnMut(u32, u32) -> Option<u32>) -> Option<Next> {
    if cpsr & T_BIT != 0 { t32::next(r, cpsr, read) } else { a32::next(r, cpsr, read) }
}

/// Whether condition `cond` (0 to 15) holds for the flags in `cpsr` (A8.3). 14 and 15 always do.
fn holds(cond: u32, cpsr: u32) -> bool {
    let (n, z, c, v) = (cpsr >> 31 & 1, cpsr >> 30 & 1, cpsr >> 29 & 1, cpsr >> 28 & 1);
    let base = match cond >> 1 & 7 {
        0 => z == 1,
        1 => c == 1,
        2 => n == 1,
        3 => v == 1,
        4 => c == 1 && z == 0,
        5 => n == v,
        6 => n == v && z == 0,
        _ => return true,
    };
    base != (cond & 1 == 1)
}

/// A branch to an address whose bit 0 chooses the state (BXWritePC, A2.3.1).
fn interworking(target: u32) -> Option<Next> {
    match target & 3 {
        0 => Some(Next { address: target, thumb: false, uses_status: false }),
        2 => None,
        _ => Some(Next { address: target & !1, thumb: true, uses_status: false }),
    }
}

/// A value from memory as [`interworking`] target (LoadWritePC).
fn load(at: u32, read: &mut dyn FnMut(u32, u32) -> Option<u32>) -> Option<Next> {
    // An unaligned load of the program counter is unpredictable (A3.2.1).
    if at & 3 != 0 {
        return None;
    }
    interworking(read(at, 4)?)
}

/// `base` plus or minus `offset`.
fn offset_by(base: u32, offset: u32, up: bool) -> u32 {
    if up { base.wrapping_add(offset) } else { base.wrapping_sub(offset) }
}

/// The low `bits` of `value` as a signed number.
fn sign_extend(value: u32, bits: u32) -> u32 {
    let unused = 32 - bits;
    ((value << unused) as i32 >> unused) as u32
}
