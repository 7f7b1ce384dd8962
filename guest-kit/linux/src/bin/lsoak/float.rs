//! VFP and NEON, as far as the kernel says that they are there.

use core::sync::atomic::{AtomicU32, Ordering};

use nex_guest_linux::process::{self, End};
use nex_guest_linux::sys::{self, Pid, Result};

use crate::{ensure, next};

/// Processes at once.
const PROCESSES: usize = 6;

/// Whether there is Advanced SIMD.
const HWCAP_NEON: u32 = 1 << 12;
/// Whether there are d16 to d31.
const HWCAP_VFPD32: u32 = 1 << 19;

/// What the kernel says that the CPU has.
pub(super) static HWCAP: AtomicU32 = AtomicU32::new(0);

fn has(hwcap: u32) -> bool {
    HWCAP.load(Ordering::Relaxed) & hwcap != 0
}

/// Words in the double registers.
pub(super) fn words() -> usize {
    if has(HWCAP_VFPD32) { 64 } else { 32 }
}

/// 32 double registers as words, which differ in each and for each seed.
pub(super) fn pattern(seed: u32) -> [u32; 64] {
    let mut state = seed.wrapping_mul(2_246_822_519) | 1;
    core::array::from_fn(|_| next(&mut state))
}

/// Puts `values` into d0 to d31, or d15 if `words` are 32, and makes the system call `number` with two arguments, `times`
/// times, with some computing in between; then stores the registers to `results`.
#[unsafe(naked)]
unsafe extern "C" fn hold(
    values: *const u32,
    results: *mut u32,
    times: u32,
    number: u32,
    first: u32,
    second: u32,
    words: usize,
) {
    core::arch::naked_asm!(
        ".fpu neon",
        "push {{r4-r10, lr}}",
        "vpush {{d8-d15}}",
        "mov r4, r1",
        "mov r5, r2",
        "mov r7, r3",
        "ldr r6, [sp, #96]",
        "ldr r8, [sp, #100]",
        "ldr r9, [sp, #104]",
        "vldm r0!, {{d0-d15}}",
        "cmp r9, #64",
        "bne 1f",
        "vldm r0!, {{d16-d31}}",
        "1:",
        "mov r0, r6",
        "mov r1, r8",
        "svc #0",
        "mov r12, #5000",
        "2:",
        "subs r12, r12, #1",
        "bne 2b",
        "subs r5, r5, #1",
        "bne 1b",
        "vstm r4!, {{d0-d15}}",
        "cmp r9, #64",
        "bne 3f",
        "vstm r4!, {{d16-d31}}",
        "3:",
        "vpop {{d8-d15}}",
        "pop {{r4-r10, pc}}",
    )
}

/// Makes a system call with all registers full, and checks them afterwards.
fn check_held(seed: u32, times: u32, number: u32, arguments: [u32; 2]) -> Result<()> {
    let values = pattern(seed);
    let mut results = [0; 64];
    // SAFETY: both have room for 32 double words; the callers' system calls have no pointers.
    unsafe {
        hold(values.as_ptr(), results.as_mut_ptr(), times, number, arguments[0], arguments[1], words())
    };
    ensure(results[..words()] == values[..words()], "floating-point registers changed")
}

/// Stops this process while its registers are full of [`pattern`].
pub(super) fn stop_with(seed: u32) -> Result<()> {
    const KILL: u32 = 37;
    const SIGSTOP: u32 = 19;
    check_held(seed, 1, KILL, [sys::getpid()?, SIGSTOP])
}

/// Children that do something at once.
fn at_once(work: impl Fn(u32) -> Result<()>) -> Result<()> {
    let mut children: [Pid; PROCESSES] = [0; PROCESSES];
    for (n, child) in children.iter_mut().enumerate() {
        *child = process::spawn(|| work(n as u32))?;
    }
    children.into_iter().try_for_each(process::wait_good)
}

/// Processes with other values each yield to one another, and are interrupted.
pub(super) fn registers(round: u32) -> Result<()> {
    const SCHED_YIELD: u32 = 158;
    at_once(|n| check_held(round * PROCESSES as u32 + n, 50, SCHED_YIELD, [0, 0]))
}

/// A long double-precision computation; its bits are the same on every machine that keeps to IEEE 754.
#[unsafe(naked)]
extern "C" fn compute(passes: u32) -> u64 {
    core::arch::naked_asm!(
        ".fpu neon",
        "vmov.f64 d0, #1.0",
        "vmov.f64 d1, #1.5",
        "vmov.f64 d2, #0.5",
        "vmov.f64 d3, #3.0",
        "1:",
        "vmul.f64 d4, d0, d1",
        "vadd.f64 d5, d4, d2",
        "vdiv.f64 d6, d5, d3",
        "vsub.f64 d7, d6, d2",
        "vmla.f64 d7, d4, d2",
        "vmul.f64 d0, d7, d2",
        "vadd.f64 d0, d0, d2",
        "vsqrt.f64 d0, d0",
        "vcvt.f32.f64 s8, d0",
        "vcvt.f64.f32 d5, s8",
        "vadd.f64 d0, d0, d5",
        "vdiv.f64 d0, d0, d3",
        "subs r0, r0, #1",
        "bne 1b",
        "vmov r0, r1, d0",
        "bx lr",
    )
}

/// Passes of [`compute`]: several time slices in all.
const PASSES: u32 = 20_000;

/// What every process and every machine must get.
pub(super) fn result() -> u64 {
    compute(PASSES)
}

pub(super) fn results(_: u32) -> Result<()> {
    let expected = result();
    at_once(|_| ensure(result() == expected, "a floating-point result differs"))
}

/// Sums of products of 16-bit and 32-bit integers, eight and four at a time.
#[unsafe(naked)]
unsafe extern "C" fn vectors(data: *const u32, words: u32, sums: *mut u32) {
    core::arch::naked_asm!(
        ".fpu neon",
        "vmov.i32 q8, #0",
        "vmov.i32 q9, #0",
        "1:",
        "vld1.32 {{q10}}, [r0]!",
        "vmla.i32 q8, q10, q10",
        "vmull.u16 q11, d20, d21",
        "veor q9, q9, q11",
        "vrev64.32 q10, q10",
        "vadd.i32 q8, q8, q10",
        "subs r1, r1, #4",
        "bne 1b",
        "vst1.32 {{q8}}, [r2]!",
        "vst1.32 {{q9}}, [r2]",
        "bx lr",
    )
}

/// Without NEON it must be an undefined instruction.
pub(super) fn neon(round: u32) -> Result<()> {
    const SIGILL: u32 = 4;
    if !has(HWCAP_NEON) {
        let child = process::spawn(|| {
            let mut sums = [0; 8];
            // SAFETY: room as in `neon_results`, if it gets that far.
            unsafe { vectors([0; 4].as_ptr(), 4, sums.as_mut_ptr()) };
            Ok(())
        })?;
        return ensure(
            process::wait(child)? == End::Killed(SIGILL),
            "NEON, which the kernel does not know of",
        );
    }
    neon_results(round)
}

fn neon_results(round: u32) -> Result<()> {
    at_once(|n| {
        let mut state = (round * PROCESSES as u32 + n) | 1;
        let data: [u32; 1024] = core::array::from_fn(|_| next(&mut state));
        let mut sums = [0; 8];
        // SAFETY: `data` has a multiple of four words, `sums` eight.
        unsafe { vectors(data.as_ptr(), data.len() as u32, sums.as_mut_ptr()) };
        let mut expected = [0u32; 8];
        for words in data.chunks_exact(4) {
            for lane in 0..4 {
                let square = words[lane].wrapping_mul(words[lane]);
                expected[lane] = expected[lane].wrapping_add(square).wrapping_add(words[lane ^ 1]);
                // Lane n of a double register of four half-words.
                let half = |pair: usize| words[2 * pair + lane / 2] >> (16 * (lane % 2)) & 0xffff;
                expected[4 + lane] ^= half(0).wrapping_mul(half(1));
            }
        }
        ensure(sums == expected, "NEON and integers do not agree")
    })
}
