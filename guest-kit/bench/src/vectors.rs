//! Exception vectors and handlers.
//!
//! Each vector loads the program counter from a table in the page after it, as Linux does for SVC, so that a row can
//! have a handler of its own. Whatever is not expected is reported, and ends the run.

use core::arch::{asm, global_asm, naked_asm};

use crate::memory_map::{FAULTED_VA, FRAMES, GICC, HANDLERS};
use crate::mmu::{DACR_CLOSED, DACR_OPEN, FAULTED_ENTRIES, USER_PAGE};
use crate::platform::{self, TIMER_INTERRUPT};
use crate::println;

/// Exceptions, by their places in the vector table.
#[derive(Clone, Copy)]
pub(crate) enum Vector {
    Undefined = 1,
    Svc = 2,
    PrefetchAbort = 3,
    DataAbort = 4,
    Irq = 6,
}

/// Code that an exception enters. It is never called.
pub(crate) type Handler = unsafe extern "C" fn();

// PC reads as 8 further on, and the table is 0x1000 further on.
global_asm!(
    r#"
    .section .vectors, "ax", %progbits
    .arm
    .rept 8
    ldr     pc, [pc, #0x1000 - 8]
    .endr
    .text
"#
);

/// Sets the handler of an exception.
pub(crate) fn set(vector: Vector, handler: Handler) {
    put(vector as u32, handler);
}

/// Makes an exception unexpected again.
pub(crate) fn reset(vector: Vector) {
    put(vector as u32, UNEXPECTED[vector as usize]);
}

fn put(index: u32, handler: Handler) {
    // SAFETY: the table is RAM that nothing else uses, and `index` is below 8.
    unsafe { ((HANDLERS + index * 4) as *mut Handler).write_volatile(handler) }
}

/// Fills the table: everything is unexpected but interrupts and the way back from User mode.
pub(crate) fn start() {
    for (index, &handler) in (0..).zip(&UNEXPECTED) {
        put(index, handler);
    }
    set(Vector::Irq, irq);
    set(Vector::PrefetchAbort, user_done);
}

macro_rules! unexpected {
    ($($name:ident $number:literal),*) => {
        $(
            #[unsafe(naked)]
            unsafe extern "C" fn $name() {
                // Nothing is saved: there is no way back. SVC mode has the one stack that is large enough.
                naked_asm!(
                    concat!("mov r0, #", $number),
                    "mov r1, lr",
                    "mrs r2, spsr",
                    "cps #0x13",
                    "ldr sp, =__stack_top",
                    "b {report}",
                    report = sym report,
                )
            }
        )*
        const UNEXPECTED: [Handler; 8] = [$($name),*];
    };
}

unexpected!(vector0 0, vector1 1, vector2 2, vector3 3, vector4 4, vector5 5, vector6 6, vector7 7);

/// Says what happened, and ends the run.
extern "C" fn report(vector: u32, lr: u32, spsr: u32) -> ! {
    let (dfsr, dfar, ifsr, ifar): (u32, u32, u32, u32);
    // SAFETY: reads fault registers.
    unsafe {
        asm!(
            "mrc p15, 0, {}, c5, c0, 0",
            "mrc p15, 0, {}, c6, c0, 0",
            "mrc p15, 0, {}, c5, c0, 1",
            "mrc p15, 0, {}, c6, c0, 2",
            out(reg) dfsr, out(reg) dfar, out(reg) ifsr, out(reg) ifar,
            options(nomem, nostack, preserves_flags),
        );
    }
    println!(
        "bench: error: unexpected exception {vector}, lr {lr:#x} spsr {spsr:#x} dfsr {dfsr:#x} dfar {dfar:#x} \
         ifsr {ifsr:#x} ifar {ifar:#x}"
    );
    platform::power_off()
}

/// IRQ: takes the interrupt, silences the timer if it is its, ends it, and counts it in r8, which all loops that
/// wait for interrupts keep for this.
#[unsafe(naked)]
unsafe extern "C" fn irq() {
    naked_asm!(
        "sub lr, lr, #4",
        "push {{r0-r3, r12, lr}}",
        "movw r12, #:lower16:{gicc}",
        "movt r12, #:upper16:{gicc}",
        "ldr r0, [r12, #0xc]", // IAR
        "ubfx r1, r0, #0, #10",
        "cmp r1, #1020", // spurious
        "bhs 3f",
        "cmp r1, #{timer}",
        "bne 2f",
        "mov r2, #3", // CNTV_CTL: enabled, masked
        "mcr p15, 0, r2, c14, c3, 1",
        "isb",
        "2: str r0, [r12, #0x10]", // EOIR
        "add r8, r8, #1",
        "3: ldm sp!, {{r0-r3, r12, pc}}^",
        gicc = const GICC,
        timer = const TIMER_INTERRUPT,
    )
}

/// The way back from User mode, which jumps to address 0, where nothing is mapped; returns from `enter_user`.
#[unsafe(naked)]
unsafe extern "C" fn user_done() {
    naked_asm!("cps #0x13", "pop {{r4-r11, pc}}")
}

/// Data abort: goes on after the instruction.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn skip_aborted() {
    naked_asm!("subs pc, lr, #4")
}

/// SVC or undefined instruction: goes on after it.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn return_at_once() {
    naked_asm!("movs pc, lr")
}

/// Undefined instruction: turns the floating-point unit on and tries again.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn enable_floating_point() {
    naked_asm!(
        ".fpu neon-vfpv4",
        "push {{r0}}",
        "mov r0, #1 << 30",
        "vmsr fpexc, r0",
        "pop {{r0}}",
        "subs pc, lr, #4",
    )
}

/// Data abort at [`FAULTED_VA`]: maps the page that was missing and tries again, as a kernel's page fault handler does.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn map_missing() {
    naked_asm!(
        "sub lr, lr, #8",
        "push {{r0-r3}}",
        "mrc p15, 0, r0, c6, c0, 0", // DFAR
        "mrc p15, 0, r1, c5, c0, 0", // DFSR
        "sub r0, r0, #{virtual}",
        "lsr r0, r0, #12",
        "movw r1, #:lower16:{entries}",
        "movt r1, #:upper16:{entries}",
        "movw r2, #:lower16:{descriptor}",
        "movt r2, #:upper16:{descriptor}",
        "add r2, r2, r0, lsl #12",
        "str r2, [r1, r0, lsl #2]",
        "dsb",
        "isb",
        "pop {{r0-r3}}",
        "movs pc, lr",
        virtual = const FAULTED_VA,
        entries = const FAULTED_ENTRIES,
        descriptor = const FRAMES | USER_PAGE,
    )
}

/// SVC: saves all registers, User mode's banked ones included, and restores them.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn save_and_restore() {
    naked_asm!(
        "sub sp, sp, #72",
        "stmia sp, {{r0-r12}}",
        "add r8, sp, #60",
        "stmdb r8, {{sp, lr}}^",
        "mrs r8, spsr",
        "str lr, [sp, #60]",
        "str r8, [sp, #64]",
        "str r0, [sp, #68]",
        "ldr r1, [sp, #64]",
        "ldr lr, [sp, #60]!",
        "msr spsr_cxsf, r1",
        "ldmdb sp, {{r0-r12, sp, lr}}^",
        "nop", // banked registers may not be used right after LDM (user registers)
        "add sp, sp, #12",
        "movs pc, lr",
    )
}

/// SVC: as [`save_and_restore`], with what else Linux does on every system call that no work follows: it closes user
/// memory by DACR and opens it again, finds its per-CPU data by TPIDRPRW, and runs the call with interrupts enabled.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn as_linux() {
    naked_asm!(
        "sub sp, sp, #72",
        "stmia sp, {{r0-r12}}",
        "add r8, sp, #60",
        "stmdb r8, {{sp, lr}}^",
        "mrs r8, spsr",
        "str lr, [sp, #60]",
        "str r8, [sp, #64]",
        "str r0, [sp, #68]",
        "mov r9, #{closed}",
        "mcr p15, 0, r9, c3, c0, 0",
        "isb",
        "cpsie i",
        "mrc p15, 0, r9, c13, c0, 4",
        "cpsid i",
        "mov r9, #{open}",
        "mcr p15, 0, r9, c3, c0, 0",
        "isb",
        "ldr r1, [sp, #64]",
        "ldr lr, [sp, #60]!",
        "msr spsr_cxsf, r1",
        "ldmdb sp, {{r0-r12, sp, lr}}^",
        "nop",
        "add sp, sp, #12",
        "movs pc, lr",
        closed = const DACR_CLOSED,
        open = const DACR_OPEN,
    )
}
