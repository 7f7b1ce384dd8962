//! Work that needs nothing of a kernel, but that it is interrupted.

use nex_guest_linux::sys::Result;

use crate::{Row, timed};

pub(super) const ROWS: &[Row] = &[
    Row::new("integer loop of 20 million", 1_000_000, |passes| run(integers, passes)).scale(20),
    Row::new("FP loop of 20 million", 2_000_000, |passes| run(floats, passes)).scale(10),
];

fn run(work: unsafe extern "C" fn(u32, *mut u32), passes: u32) -> Result<u64> {
    let mut memory = [0; 4];
    timed(|| {
        // SAFETY: the loops below touch nothing but these four words, and keep what a function has to keep.
        unsafe { work(passes, memory.as_mut_ptr()) };
        Ok(())
    })
}

/// Twenty instructions a pass: arithmetic, shifts, multiplication, loads and stores.
#[unsafe(naked)]
unsafe extern "C" fn integers(passes: u32, memory: *mut u32) {
    core::arch::naked_asm!(
        "push {{r4-r11, lr}}",
        "mov r4, #1",
        "mov r5, #2",
        "mov r6, #3",
        "mov r7, #5",
        "1:",
        "add r4, r4, r5, ror #7",
        "eor r5, r5, r4, lsl #3",
        "mul r6, r4, r5",
        "str r6, [r1]",
        "sub r7, r7, r6",
        "ldr r8, [r1]",
        "adc r4, r4, r8",
        "orr r9, r4, #0x81",
        "umull r10, r11, r9, r7",
        "eor r5, r5, r11",
        "stm r1, {{r4-r7}}",
        "ldm r1, {{r8-r11}}",
        "clz r12, r8",
        "lsr r5, r9, r12",
        "cmp r5, r10",
        "movhi r5, r7",
        "uxtb r2, r5",
        "add r7, r7, r2",
        "subs r0, r0, #1",
        "bne 1b",
        "pop {{r4-r11, pc}}",
    )
}

/// Ten instructions a pass, in double precision. d0 to d7 are the caller's to save.
#[unsafe(naked)]
unsafe extern "C" fn floats(passes: u32, memory: *mut u32) {
    core::arch::naked_asm!(
        ".fpu vfpv3",
        "vmov.f64 d0, #1.0",
        "vmov.f64 d1, #1.5",
        "vmov.f64 d2, #0.5",
        "vmov.f64 d3, #2.0",
        "1:",
        "vmul.f64 d4, d0, d1",
        "vadd.f64 d5, d4, d2",
        "vdiv.f64 d6, d5, d3",
        "vsub.f64 d7, d6, d2",
        "vmla.f64 d7, d4, d2",
        "vmul.f64 d0, d7, d2",
        "vadd.f64 d0, d0, d2",
        "vsqrt.f64 d0, d0",
        "subs r0, r0, #1",
        "bne 1b",
        "bx lr",
    )
}
