//! Clearing and copying much memory: eight registers at a time, against one to four in the compiler's own routines.

use core::arch::asm;

/// Bytes that one turn of the loops clears or copies.
const TURN_BYTES: u32 = 128;

/// Fills `bytes` bytes at `va` with zeros; both are multiples of 32.
///
/// # Safety
/// The range is mapped writable memory that no Rust object lies in.
pub unsafe fn zero(va: u32, bytes: u32) {
    let whole = va.wrapping_add(bytes & !(TURN_BYTES - 1));
    // SAFETY: the caller's promise: only [va, va + bytes) is written. The loops use r2 to r5, r8 to r10 and r12; r6, r7
    // and r11 have uses of the compiler's own.
    unsafe {
        asm!(
            "b 2f",
            "1: stmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "stmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "stmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "stmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "2: cmp r0, r1",
            "bne 1b",
            "b 4f",
            "3: stmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "4: cmp r0, lr",
            "bne 3b",
            inout("r0") va => _,
            in("r1") whole,
            in("lr") va.wrapping_add(bytes),
            in("r2") 0, in("r3") 0, in("r4") 0, in("r5") 0, in("r8") 0, in("r9") 0, in("r10") 0, in("r12") 0,
            options(nostack),
        );
    }
}

/// Copies `bytes` bytes from `from` to `to`; all three are multiples of 4, `bytes` of 32, and the ranges are disjoint.
///
/// # Safety
/// Both ranges are mapped, `to` writable, and no Rust object lies in `to`.
pub unsafe fn copy(to: u32, from: u32, bytes: u32) {
    let whole = to.wrapping_add(bytes & !(TURN_BYTES - 1));
    let end = to.wrapping_add(bytes);
    // SAFETY: the caller's promise: only [from, from + bytes) is read, but for prefetches, which never fault, and only
    // [to, to + bytes) is written.
    unsafe {
        asm!(
            "b 2f",
            "1: pld [r0, #192]",
            "pld [r0, #256]",
            "ldmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "stmia r1!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "ldmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "stmia r1!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "ldmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "stmia r1!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "ldmia r0!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "stmia r1!, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
            "2: cmp r1, lr",
            "bne 1b",
            inout("r0") from => _,
            inout("r1") to => _,
            in("lr") whole,
            out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r9") _, out("r10") _, out("r12") _,
            options(nostack),
        );
        let mut done = whole;
        while done != end {
            asm!(
                "ldmia r0, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
                "stmia r1, {{r2, r3, r4, r5, r8, r9, r10, r12}}",
                in("r0") from.wrapping_add(done.wrapping_sub(to)),
                in("r1") done,
                out("r2") _, out("r3") _, out("r4") _, out("r5") _, out("r8") _, out("r9") _, out("r10") _,
                out("r12") _,
                options(nostack),
            );
            done = done.wrapping_add(32);
        }
    }
}
