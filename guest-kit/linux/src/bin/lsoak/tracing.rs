//! ptrace.

use nex_guest_linux::process::{self, End};
use nex_guest_linux::sys::{self, Pid, Result};
use nex_guest_linux::trace::{self, BREAKPOINT};

use crate::{ensure, float};

const SIGTRAP: u32 = 5;
const SIGSTOP: u32 = 19;

/// What the child does while it is watched: instruction n adds 1 << n.
#[unsafe(naked)]
extern "C" fn steps(start: u32) -> u32 {
    core::arch::naked_asm!(
        "add r0, r0, #1",
        "add r0, r0, #2",
        "add r0, r0, #4",
        "add r0, r0, #8",
        "add r0, r0, #16",
        "add r0, r0, #32",
        "bx lr",
    )
}

/// Number of those instructions before the return.
const STEPS: usize = 6;

/// A child that lets itself be watched and has stopped; then it does `work`.
fn watched(work: impl FnOnce() -> Result<()>) -> Result<Pid> {
    let child = process::spawn(|| {
        trace::trace_me()?;
        sys::kill(sys::getpid()?, SIGSTOP)?;
        work()
    })?;
    ensure(process::wait(child)? == End::Stopped(SIGSTOP), "the traced process did not stop")?;
    Ok(child)
}

/// From breakpoint to breakpoint through a function, one instruction at a time, as a debugger steps.
pub(super) fn breakpoints(round: u32) -> Result<()> {
    let start = round & 0xffff;
    let child = watched(|| ensure(steps(start) == start + 63 + 1000, "the tracer's change of r0 was lost"))?;
    let code = steps as *const () as usize;
    let mut value = start;
    for step in 0..=STEPS {
        let address = code + 4 * step;
        let instruction = trace::peek(child, address)?;
        trace::poke(child, address, BREAKPOINT)?;
        ensure(trace::peek(child, address)? == BREAKPOINT, "a breakpoint cannot be read back")?;
        trace::resume(child)?;
        ensure(process::wait(child)? == End::Stopped(SIGTRAP), "no stop at a breakpoint")?;
        let mut registers = trace::registers(child)?;
        ensure(registers[15] as usize == address, "the stop is not at the breakpoint")?;
        ensure(registers[0] == value, "the instruction before the breakpoint was not done once")?;
        trace::poke(child, address, instruction)?;
        value += 1 << step;
        if step == STEPS {
            registers[0] += 1000;
            trace::set_registers(child, &registers)?;
        }
    }
    trace::resume(child)?;
    process::wait_good(child)?;
    // The child's copy of the page was changed, not this one.
    ensure(steps(1) == 64, "a breakpoint in a child changed its parent's code")
}

/// Stops at the entry and the exit of each system call.
pub(super) fn system_calls(_: u32) -> Result<()> {
    const GETPPID: u32 = 64;
    const CALLS: usize = 10;
    let child = watched(|| (0..CALLS).try_for_each(|_| sys::getppid().map(drop)))?;
    let parent = sys::getpid()?;
    for _ in 0..CALLS {
        for after in [false, true] {
            trace::resume_to_system_call(child)?;
            ensure(process::wait(child)? == End::Stopped(SIGTRAP), "no stop at a system call")?;
            let registers = trace::registers(child)?;
            ensure(registers[7] == GETPPID, "another system call")?;
            // Linux says in r12 which of the two stops this is.
            ensure(registers[12] == u32::from(after), "entry and exit out of step")?;
            ensure(!after || registers[0] == parent, "a wrong result")?;
        }
    }
    trace::resume(child)?;
    process::wait_good(child)
}

/// The tracer sees what the child has in its floating-point registers.
pub(super) fn float(round: u32) -> Result<()> {
    let child = watched(|| float::stop_with(round))?;
    trace::resume(child)?;
    ensure(process::wait(child)? == End::Stopped(SIGSTOP), "the traced process did not stop")?;
    let seen = trace::float_registers(child)?;
    let expected = float::pattern(round);
    let words = float::words();
    ensure(seen[..words] == expected[..words], "the tracer sees other floating-point registers")?;
    trace::resume(child)?;
    process::wait_good(child)
}
