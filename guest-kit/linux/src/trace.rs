//! Watching another process: ptrace.
//!
//! Linux on ARM has no single-stepping of its own (PTRACE_SINGLESTEP gives EIO): debuggers put a breakpoint, an undefined
//! instruction that Linux knows, behind the instruction.

use crate::sys::{Pid, Result, call};

/// What Linux takes for a breakpoint: the process stops with SIGTRAP, its pc at this instruction.
pub const BREAKPOINT: u32 = 0xe7f0_01f0;

/// r0 to r15, CPSR, r0 before a system call.
pub type Registers = [u32; 18];

/// d0 to d31, FPSCR.
pub type FloatRegisters = [u32; 65];

/// # Safety
/// `data` as the request says.
unsafe fn ptrace(what: &'static str, request: usize, pid: Pid, address: usize, data: usize) -> Result<u32> {
    // SAFETY: as the caller promises.
    unsafe { call(what, 26, [request, pid as usize, address, data]) }
}

/// Lets the parent watch this process.
///
/// # Errors
/// What Linux returns.
pub fn trace_me() -> Result<()> {
    // SAFETY: no pointers.
    unsafe { ptrace("PTRACE_TRACEME", 0, 0, 0, 0) }.map(drop)
}

/// A word of a stopped process.
///
/// # Errors
/// What Linux returns.
pub fn peek(pid: Pid, address: usize) -> Result<u32> {
    let mut word = 0u32;
    // SAFETY: Linux writes one word.
    unsafe { ptrace("PTRACE_PEEKTEXT", 1, pid, address, (&raw mut word).addr()) }?;
    Ok(word)
}

/// Writes a word, code too, of a stopped process.
///
/// # Errors
/// What Linux returns.
pub fn poke(pid: Pid, address: usize, word: u32) -> Result<()> {
    // SAFETY: the data is the word itself.
    unsafe { ptrace("PTRACE_POKETEXT", 4, pid, address, word as usize) }.map(drop)
}

/// Lets a stopped process run.
///
/// # Errors
/// What Linux returns.
pub fn resume(pid: Pid) -> Result<()> {
    // SAFETY: no pointers; the data is the signal to give it, none.
    unsafe { ptrace("PTRACE_CONT", 7, pid, 0, 0) }.map(drop)
}

/// Lets a stopped process run until it enters or leaves a system call.
///
/// # Errors
/// What Linux returns.
pub fn resume_to_system_call(pid: Pid) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { ptrace("PTRACE_SYSCALL", 24, pid, 0, 0) }.map(drop)
}

/// A stopped process's registers.
///
/// # Errors
/// What Linux returns.
pub fn registers(pid: Pid) -> Result<Registers> {
    let mut registers = [0; 18];
    // SAFETY: Linux writes 18 words.
    unsafe { ptrace("PTRACE_GETREGS", 12, pid, 0, registers.as_mut_ptr().addr()) }?;
    Ok(registers)
}

/// Changes a stopped process's registers.
///
/// # Errors
/// What Linux returns.
pub fn set_registers(pid: Pid, registers: &Registers) -> Result<()> {
    // SAFETY: Linux reads 18 words.
    unsafe { ptrace("PTRACE_SETREGS", 13, pid, 0, registers.as_ptr().addr()) }.map(drop)
}

/// A stopped process's registers of the floating-point unit.
///
/// # Errors
/// What Linux returns.
pub fn float_registers(pid: Pid) -> Result<FloatRegisters> {
    let mut registers = [0; 65];
    // SAFETY: Linux writes 32 double words and a word.
    unsafe { ptrace("PTRACE_GETVFPREGS", 27, pid, 0, registers.as_mut_ptr().addr()) }?;
    Ok(registers)
}
