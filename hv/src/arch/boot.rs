//! The first instructions: from wherever the loader put the image to Rust at the linked address.
//!
//! Entry state is the ARM Linux boot protocol (Documentation/arm/booting): MMU and data cache off, r0 = 0, r1 =
//! machine number, r2 = physical address of a DTB or an ATAG list, SVC mode; SYS (seen on the Xoom) and HYP are taken
//! as well. The code is position independent until it runs at the address it was linked for:
//!
//! 1. clean and invalidate the data caches by set/way: a loader may have left lines behind, and they must not be
//!    written back over what comes next (DDI 0406C B2.2.6);
//! 2. let the board do what must come before any use of memory ([`crate::board_main!`]): an outer cache that a loader left
//!    on would keep what step 1 has cleaned, while loads with the MMU off go past it;
//! 3. move the image down to a 16 KiB boundary when it is not on one (the first-level table inside it needs that).
//!    *Linked* is the virtual address, *actual* where the loader put it, *desired* where it runs: the boot log shows
//!    all three. Nothing but the bytes between desired and actual, at most 32 KiB, is overwritten;
//! 4. map the window (read-write-execute for the moment; [`crate::memory`] tightens it) and the code itself one to
//!    one, switch on MMU, caches and branch prediction, and jump.
//!
//! There is no UART yet: a fault in here is silent. Keep it short.

use core::mem::offset_of;

use super::raw::Raw;

/// Where the image is linked: the start of the window that every address space has.
pub const WINDOW_BASE: u32 = 0xfff0_0000;

/// What the loader handed over and where the image went. Written by the assembly below.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct BootArgs {
    /// r0 at entry; 0 by the boot protocol.
    pub r0: u32,
    /// r1 at entry: the machine number. Shown, never used: a DTB boot leaves it undefined.
    pub machine: u32,
    /// r2 at entry: physical address of the DTB or the ATAG list.
    pub tags: u32,
    /// Physical address at which the image was entered.
    pub actual: u32,
    /// Physical address at which it runs now; 16 KiB aligned.
    pub desired: u32,
    /// CPSR at entry.
    pub cpsr: u32,
    /// SCTLR at entry.
    pub sctlr: u32,
    /// What the board's early function returned in r0 ([`crate::board_main!`]).
    pub early: u32,
    /// Bytes of the image as its header says, symbol table included.
    pub image_bytes: u32,
}

const STACK_BYTES: usize = 16 * 1024;

/// The stack of the boot CPU until threads run, and of its idle thread after that.
#[repr(C, align(4096))]
pub(crate) struct BootStack {
    /// Unmapped once the memory is set up.
    pub(crate) guard: [u8; 4096],
    stack: [u8; STACK_BYTES],
}

#[unsafe(no_mangle)]
pub(crate) static NEX_BOOT_STACK: Raw<BootStack> =
    Raw::new(BootStack { guard: [0; 4096], stack: [0; STACK_BYTES] });

/// First-level table of Nex's own address space (DDI 0406C B3.5.1: 4096 words, 16 KiB aligned).
#[repr(C, align(16384))]
pub(crate) struct L1Table(#[allow(dead_code)] pub(crate) [u32; 4096]);
/// A second-level table (256 words, 1 KiB aligned).
#[repr(C, align(1024))]
pub(crate) struct L2Table(#[allow(dead_code)] pub(crate) [u32; 256]);

#[unsafe(no_mangle)]
pub(crate) static NEX_L1: Raw<L1Table> = Raw::new(L1Table([0; 4096]));
/// Maps the window, in every address space.
#[unsafe(no_mangle)]
pub(crate) static NEX_WINDOW_L2: Raw<L2Table> = Raw::new(L2Table([0; 256]));

#[unsafe(no_mangle)]
static NEX_BOOT_ARGS: Raw<BootArgs> = Raw::new(BootArgs {
    r0: 0,
    machine: 0,
    tags: 0,
    actual: 0,
    desired: 0,
    cpsr: 0,
    sctlr: 0,
    early: 0,
    image_bytes: 0,
});

/// What the loader handed over.
pub fn boot_args() -> BootArgs {
    // SAFETY: written once by `_start` before any Rust code ran, never again.
    unsafe { NEX_BOOT_ARGS.as_ptr().read() }
}

core::arch::global_asm!(
    r#"
    .arch_extension virt
    .section .head, "ax"
    .arm
    .balign 4096
    .global _start
    .type _start, %function
_start:
    // zImage header (Documentation/arm/booting; linux arch/arm/boot/compressed/head.S): 8 no-ops, a branch at 0x20,
    // magic at 0x24, start and end at 0x28/0x2c. nextool writes the end, symbol table included.
    .rept 8
    mov r0, r0
    .endr
    b nex_entry
    .word 0x016f2818
    .word 0
    .word __symtab_start - {window}
    .word 0x04030201
    .ascii "NEX1"
    .word {window}
    .size _start, . - _start

nex_copy:                           @ at most 48 bytes, position independent
    ldr r3, [r0], #4
    str r3, [r1], #4
    cmp r0, r2
    bcc nex_copy
    mov r3, #0
    mcr p15, 0, r3, c7, c5, 0       @ ICIALLU
    mcr p15, 0, r3, c7, c5, 6       @ BPIALL
    dsb
    isb
    bx r14
nex_copy_end:

nex_entry:
    mrs r3, cpsr
    and r4, r3, #0x1f
    cmp r4, #0x1a
    bne 1f
    // HYP: give everything to PL1 and leave for SVC (DDI 0406C B9.3.2, B8.1.6).
    mov r5, #0
    mcr p15, 4, r5, c1, c1, 0       @ HCR
    mcr p15, 4, r5, c1, c1, 3       @ HSTR
    mrc p15, 4, r5, c14, c1, 0      @ CNTHCTL: PL1 may use the physical counter and timer
    orr r5, r5, #3
    mcr p15, 4, r5, c14, c1, 0
    mov r5, #0
    mcrr p15, 4, r5, r5, c14        @ CNTVOFF
    mrc p15, 4, r5, c1, c1, 2       @ HCPTR: no coprocessor traps
    bic r5, r5, #0xff
    bic r5, r5, #0x3f00
    bic r5, r5, #0x8000
    mcr p15, 4, r5, c1, c1, 2
    mov r5, #0x1d3                  @ SVC, A, I and F masked
    msr spsr_cxsf, r5
    adr r5, 1f
    msr elr_hyp, r5
    eret
1:  cpsid aif, #0x13
    mov r11, #0                     @ end of the frame pointer chain
    mov r8, r0
    mov r9, r1
    mov r10, r2
    mov r12, r3                     @ entry cpsr
    // MMU and data cache off, in case the loader left them on; instruction cache as it is.
    mrc p15, 0, r7, c1, c0, 0       @ r7 = entry SCTLR until stored
    bic r4, r7, #0x5
    mcr p15, 0, r4, c1, c0, 0
    isb

    // Clean and invalidate all data and unified levels up to the point of coherency (DDI 0406C B2.2.7 has the
    // algorithm: CLIDR.LoC, then CSSELR/CCSIDR per level).
    dmb
    mrc p15, 1, r0, c0, c0, 1       @ CLIDR
    mov r1, r0, lsr #23
    ands r1, r1, #0xe               @ 2 * LoC
    beq 5f
    mov r2, #0                      @ 2 * level
2:  add r3, r2, r2, lsr #1
    mov r4, r0, lsr r3
    and r4, r4, #7
    cmp r4, #2                      @ data or unified cache at this level?
    blt 4f
    mcr p15, 2, r2, c0, c0, 0       @ CSSELR
    isb
    mrc p15, 1, r4, c0, c0, 0       @ CCSIDR
    and r3, r4, #7
    add r3, r3, #4                  @ log2 of the line length in bytes
    movw r5, #0x3ff
    ands r5, r5, r4, lsr #3         @ ways - 1
    movw r6, #0x7fff
    ands r4, r6, r4, lsr #13        @ sets - 1
    clz r6, r5                      @ way shift (DCCISW: way in the top bits)
3:  mov r14, r5                     @ way
31: orr r1, r2, r14, lsl r6
    orr r1, r1, r4, lsl r3
    mcr p15, 0, r1, c7, c14, 2      @ DCCISW
    subs r14, r14, #1
    bge 31b
    subs r4, r4, #1
    bge 3b
    mov r1, r0, lsr #23
    and r1, r1, #0xe
4:  add r2, r2, #2
    cmp r2, r1
    blt 2b
5:  dsb
    isb
    bl nex_board_early              @ may change r0 to r6; r13 is free until there is a stack
    mov r13, r0

    adr r4, _start                  @ r4 = actual
    ldr r6, [r4, #0x2c]             @ r6 = bytes of the image
    ldr r0, =0x3fff
    bic r5, r4, r0                  @ r5 = desired
    sub r0, r4, r5
    cmp r0, #0
    beq 7f
    cmp r0, #64                     @ room for the copy loop below the image?
    subcc r5, r5, #0x4000
    // Copy the copy loop to the very start of the destination and run it there: in place it would overwrite itself.
    // It copies what follows its own length; the first bytes of the image (the header's no-ops) are not needed again.
    adr r0, nex_copy
    adr r2, nex_copy_end
    mov r1, r5
6:  ldr r3, [r0], #4
    str r3, [r1], #4
    cmp r0, r2
    bne 6b
    mov r3, #0
    mcr p15, 0, r3, c7, c5, 0       @ ICIALLU: fetch what was just written
    mcr p15, 0, r3, c7, c5, 6       @ BPIALL
    dsb
    isb
    sub r0, r1, r5
    add r0, r4, r0                  @ source, past the bytes not needed; r1 = destination
    add r2, r4, r6                  @ end of the source
    adr r14, 7f
    sub r14, r14, r4
    add r14, r14, r5
    bx r5
7:  // Here the code runs at the desired address.
    mov r3, #0
    mcr p15, 0, r3, c7, c5, 0       @ ICIALLU
    mcr p15, 0, r3, c7, c5, 6       @ BPIALL
    mcr p15, 0, r3, c8, c7, 0       @ TLBIALL
    dsb
    isb

    ldr r0, ={boot_args} - {window}
    add r0, r0, r5
    str r8,  [r0, #{a_r0}]
    str r9,  [r0, #{a_machine}]
    str r10, [r0, #{a_tags}]
    str r4,  [r0, #{a_actual}]
    str r5,  [r0, #{a_desired}]
    str r12, [r0, #{a_cpsr}]
    str r7,  [r0, #{a_sctlr}]
    str r13, [r0, #{a_early}]
    str r6,  [r0, #{a_bytes}]

    // The window: small pages, Normal write-back write-allocate shareable, PL1 read-write, global (B3.5.1).
    ldr r0, ={l2} - {window}
    add r0, r0, r5                  @ r0 = physical L2
    ldr r1, =__window_bytes
    movw r2, #0x45e
    orr r2, r2, r5
    mov r3, r0
8:  str r2, [r3], #4
    add r2, r2, #4096
    subs r1, r1, #4096
    bhi 8b
    ldr r1, ={l1} - {window}
    add r1, r1, r5                  @ r1 = physical L1
    ldr r2, ={l2_flags}
    orr r0, r0, r2
    ldr r2, =({window} >> 20) * 4
    str r0, [r1, r2]
    // One to one: the section this code is in, with the same attributes. Memory setup removes it.
    mov r2, r5, lsr #20
    ldr r3, =0x1140e | {domain} << 5
    orr r3, r3, r2, lsl #20
    str r3, [r1, r2, lsl #2]

    // Cores that keep shareable lines coherent only with ACTLR.SMP set (Cortex-A9, A7, A15: bit 6; on A9 bit 0, FW,
    // broadcasts maintenance; DDI 0388 4.3.10). In Non-secure state the bit may be read-only: write only what is missing.
    mrc p15, 0, r2, c0, c0, 0       @ MIDR
    ubfx r3, r2, #4, #12
    movw r0, #0xc09
    cmp r3, r0
    moveq r0, #0x41
    movne r0, #0x40
    movw r14, #0xc07
    cmp r3, r14
    movwne r14, #0xc0f
    cmpne r3, r14
    movwne r14, #0xc09
    cmpne r3, r14
    bne 9f
    mrc p15, 0, r2, c1, c0, 1       @ ACTLR
    and r14, r2, r0
    cmp r14, r0
    orrne r2, r2, r0
    mcrne p15, 0, r2, c1, c0, 1
    isb
9:  mov r3, #0
    mcr p15, 0, r3, c2, c0, 2       @ TTBCR: TTBR0 covers everything, short descriptors
    orr r1, r1, #{ttbr_flags}
    mcr p15, 0, r1, c2, c0, 0       @ TTBR0
    mcr p15, 0, r3, c13, c0, 1      @ CONTEXTIDR: ASID 0
    mov r3, #1 << (2 * {domain})
    mcr p15, 0, r3, c3, c0, 0       @ DACR: Nex's domain client, all others no access
    isb
    mrc p15, 0, r0, c1, c0, 0
    ldr r2, ={sctlr_clear}
    bic r0, r0, r2
    ldr r2, ={sctlr_set}
    orr r0, r0, r2
    ldr r1, =nex_high
    dsb
    mcr p15, 0, r0, c1, c0, 0
    isb
    bx r1
    .ltorg

    .text
    .type nex_high, %function
nex_high:
    ldr r0, =nex_vectors
    mcr p15, 0, r0, c12, c0, 0      @ VBAR
    isb
    ldr sp, ={stack} + {stack_bytes}
    bl {rust}
    b .
    .size nex_high, . - nex_high
    .ltorg
    "#,
    window = const WINDOW_BASE,
    boot_args = sym NEX_BOOT_ARGS,
    a_r0 = const offset_of!(BootArgs, r0),
    a_machine = const offset_of!(BootArgs, machine),
    a_tags = const offset_of!(BootArgs, tags),
    a_actual = const offset_of!(BootArgs, actual),
    a_desired = const offset_of!(BootArgs, desired),
    a_cpsr = const offset_of!(BootArgs, cpsr),
    a_sctlr = const offset_of!(BootArgs, sctlr),
    a_early = const offset_of!(BootArgs, early),
    a_bytes = const offset_of!(BootArgs, image_bytes),
    l1 = sym NEX_L1,
    l2 = sym NEX_WINDOW_L2,
    l2_flags = const (super::NEX_DOMAIN as u32) << 5 | 1,
    domain = const super::NEX_DOMAIN,
    ttbr_flags = const super::cp15::TTBR_FLAGS,
    sctlr_clear = const super::cp15::SCTLR_CLEAR,
    sctlr_set = const super::cp15::SCTLR_SET,
    stack = sym NEX_BOOT_STACK,
    stack_bytes = const size_of::<BootStack>(),
    rust = sym crate::boot::boot_cpu_main,
);
