//! Entries of both cores, and exception vectors.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering};

/// What the entry found: r0, r1, r2, the address of the entry, CPSR, SCTLR. In `.data`, as `.bss` is cleared later.
#[unsafe(link_section = ".data")]
pub(crate) static AT_ENTRY: [AtomicU32; 6] = [const { AtomicU32::new(0xffff_ffff) }; 6];
/// What the second core found: MPIDR, CPSR, SCTLR; and how often it went round its loop.
pub(crate) static AT_ENTRY_OF_CPU1: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];
/// Undefined instructions that were skipped.
pub(crate) static UNDEFINED: AtomicU32 = AtomicU32::new(0);
/// Data aborts, whose instructions were skipped.
pub(crate) static DATA_ABORTS: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" {
    /// Where the second core is to start.
    #[link_name = "cpu1_start"]
    static CPU1_START: u8;
}

/// The address where the second core is to start.
pub(crate) fn cpu1_start() -> u32 {
    (&raw const CPU1_START) as u32
}

pub(crate) fn get(cell: &AtomicU32) -> u32 {
    cell.load(Ordering::SeqCst)
}

pub(crate) fn set(cell: &AtomicU32, value: u32) {
    cell.store(value, Ordering::SeqCst);
}

// The MMU stays off, so memory is strongly ordered, and no exclusive accesses are used: counting is load, add, store.
// Stacks are below 0x00A00000, where nothing else is: SVC at 0x00900000, then one for each mode and core.
global_asm!(
    r#"
    .arm
    .section .text.start, "ax"
    .global _start
_start:
    mov     r4, pc
    sub     r4, r4, #8
    mrs     r5, cpsr
    mrc     p15, 0, r6, c1, c0, 0
    ldr     r7, ={entry}
    stmia   r7, {{r0, r1, r2}}
    add     r7, r7, #12
    stmia   r7, {{r4, r5, r6}}
    ldr     r0, =bss_start
    ldr     r1, =bss_end
    mov     r2, #0
0:  cmp     r0, r1
    strlo   r2, [r0], #4
    blo     0b
    ldr     r0, =0x00900000
    bl      stacks_and_vectors
    b       {main}

    @ r0: the top of this core's stacks, 16 KiB for each of four modes. Leaves in SVC with all interrupts masked.
stacks_and_vectors:
    mov     r3, lr
    cpsid   aif, #0x11
    mov     sp, r0
    sub     r0, r0, #0x4000
    cpsid   aif, #0x12
    mov     sp, r0
    sub     r0, r0, #0x4000
    cpsid   aif, #0x17
    mov     sp, r0
    sub     r0, r0, #0x4000
    cpsid   aif, #0x1b
    mov     sp, r0
    sub     r0, r0, #0x4000
    cpsid   aif, #0x13
    mov     sp, r0
    ldr     r0, =vectors
    mcr     p15, 0, r0, c12, c0, 0
    isb
    bx      r3

    .global cpu1_start
cpu1_start:
    mrs     r5, cpsr
    mrc     p15, 0, r4, c0, c0, 5
    mrc     p15, 0, r6, c1, c0, 0
    ldr     r7, ={entry_of_cpu1}
    stmia   r7, {{r4, r5, r6}}
    ldr     r0, =0x00980000
    bl      stacks_and_vectors
    ldr     r7, ={entry_of_cpu1}
    cpsie   if
1:  ldr     r0, [r7, #12]
    add     r0, r0, #1
    str     r0, [r7, #12]
    b       1b

    .balign 32
vectors:
    b       .
    b       undefined
    b       .
    b       .
    b       data_abort
    b       .
    b       irq
    @ FIQ
    sub     lr, lr, #4
    push    {{r0-r3, r12, lr}}
    bl      {on_fiq}
    ldm     sp!, {{r0-r3, r12, pc}}^
irq:
    sub     lr, lr, #4
    push    {{r0-r3, r12, lr}}
    bl      {on_irq}
    ldm     sp!, {{r0-r3, r12, pc}}^
undefined:
    push    {{r0, r1}}
    ldr     r0, ={undefined_count}
    ldr     r1, [r0]
    add     r1, r1, #1
    str     r1, [r0]
    pop     {{r0, r1}}
    movs    pc, lr
data_abort:
    push    {{r0, r1}}
    ldr     r0, ={data_aborts}
    ldr     r1, [r0]
    add     r1, r1, #1
    str     r1, [r0]
    pop     {{r0, r1}}
    subs    pc, lr, #4
    .ltorg
    "#,
    entry = sym AT_ENTRY,
    entry_of_cpu1 = sym AT_ENTRY_OF_CPU1,
    undefined_count = sym UNDEFINED,
    data_aborts = sym DATA_ABORTS,
    main = sym crate::main,
    on_fiq = sym crate::on_fiq,
    on_irq = sym crate::on_irq,
);
