//! The vector tables, and what leads into and out of a case.
//!
//! Three tables do the same and say which of them was taken: 0 and 1 for moves of VBAR, 2 in T32 for SCTLR.TE. A handler
//! needs no stack, for SP belongs to the case: r0 goes to TPIDRPRW, which is the one register that every exception
//! changes.

use core::arch::global_asm;
use core::mem::offset_of;

use super::state::State;

unsafe extern "C" {
    static difftest_vectors_0: u8;
    static difftest_vectors_1: u8;
    static difftest_vectors_2: u8;
}

/// Address of table 0 to 2.
pub(crate) fn table(number: u32) -> u32 {
    let at = match number {
        0 => &raw const difftest_vectors_0,
        1 => &raw const difftest_vectors_1,
        _ => &raw const difftest_vectors_2,
    };
    at as usize as u32
}

unsafe extern "C" {
    /// Runs what `difftest_state` says until an exception, whose state is in `difftest_state` on return.
    pub(super) safe fn difftest_launch();
}

/// An exception in this program itself: there is nothing to go on with.
#[unsafe(no_mangle)]
extern "C" fn difftest_died(state: &State) -> ! {
    super::console::print(format_args!(
        "difftest: died: exception {:x}, lr {:08x}, spsr {:08x}, fault {:x?}\n",
        state.kind, state.pc, state.cpsr, state.fault
    ));
    super::psci::system_off()
}

global_asm!(
    r#"
    // Every entry keeps flags for SPSR to tell, notes which vector and whether CPSR.E was set, and goes on in A32.
    .macro difftest_entry table, vector
difftest_entry_\table\()_\vector:
    mcr     p15, 0, r0, c13, c0, 4
    mrs     r0, cpsr
    tst     r0, #0x200
    setend  le
    ldr     r0, difftest_state_\table
    str     r1, [r0, #4]
    mov     r1, #\vector
    orr     r1, r1, #(\table << 8)
    it      ne
    orrne   r1, r1, #0x10000
    ldr     pc, difftest_caught_\table
    .endm

    .macro difftest_table table
    .balign 4096
    .global difftest_vectors_\table
difftest_vectors_\table:
    b.w     difftest_entry_\table\()_0
    b.w     difftest_entry_\table\()_1
    b.w     difftest_entry_\table\()_2
    b.w     difftest_entry_\table\()_3
    b.w     difftest_entry_\table\()_4
    b.w     difftest_entry_\table\()_5
    b.w     difftest_entry_\table\()_6
    b.w     difftest_entry_\table\()_7
    difftest_entry \table, 0
    difftest_entry \table, 1
    difftest_entry \table, 2
    difftest_entry \table, 3
    difftest_entry \table, 4
    difftest_entry \table, 5
    difftest_entry \table, 6
    difftest_entry \table, 7
    .balign 4
difftest_state_\table: .word difftest_state
difftest_caught_\table: .word difftest_caught
    .endm

    .section .vectors, "ax", %progbits
    .arm
    difftest_table 0
    difftest_table 1
    .thumb
    difftest_table 2
    .arm

    .balign 4096
    // Saves SP, LR and SPSR of a mode at \offset.
    .macro difftest_save mode, offset
    cps     #\mode
    add     r2, r0, #\offset
    str     sp, [r2]
    str     lr, [r2, #4]
    mrs     r3, spsr
    str     r3, [r2, #8]
    .endm

    // In: r0 = difftest_state, r1 = kind, the rest as the case left it.
    .type difftest_caught, %function
difftest_caught:
    str     r1, [r0, #{KIND}]
    add     r1, r0, #8
    stmia   r1, {{r2-r7}}
    mrc     p15, 0, r1, c13, c0, 4
    str     r1, [r0]
    mrs     r1, cpsr
    str     r1, [r0, #{ENTRY}]
    mrs     r1, spsr
    str     r1, [r0, #{CPSR}]
    str     lr, [r0, #{PC}]
    mrc     p15, 0, r1, c5, c0, 0
    str     r1, [r0, #{FAULT}]
    mrc     p15, 0, r1, c5, c0, 1
    str     r1, [r0, #{FAULT} + 4]
    mrc     p15, 0, r1, c6, c0, 0
    str     r1, [r0, #{FAULT} + 8]
    mrc     p15, 0, r1, c6, c0, 2
    str     r1, [r0, #{FAULT} + 12]
    cpsid   aif
    difftest_save 0x13, {BANKS}
    difftest_save 0x17, {BANKS} + 12
    difftest_save 0x1b, {BANKS} + 24
    difftest_save 0x12, {BANKS} + 36
    difftest_save 0x11, {BANKS} + 48
    add     r2, r0, #{FIQ_R}
    stmia   r2, {{r8-r12}}
    cps     #0x1f
    add     r2, r0, #32
    stmia   r2, {{r8-r12}}
    str     sp, [r0, #{USR}]
    str     lr, [r0, #{USR} + 4]
    ldr     r1, [r0, #{OWN_SP}]
    mov     r2, #0
    str     r2, [r0, #{OWN_SP}]
    clrex
    cmp     r1, #0
    ldreq   sp, =__died_stack_top
    beq     difftest_died
    mov     sp, r1
    pop     {{r4-r12, pc}}
    .size difftest_caught, . - difftest_caught

    .macro difftest_load mode, offset
    cps     #\mode
    add     r1, r0, #\offset
    ldmia   r1, {{r2-r4}}
    mov     sp, r2
    mov     lr, r3
    msr     spsr_fsxc, r4
    .endm

    .global difftest_launch
    .type difftest_launch, %function
difftest_launch:
    push    {{r4-r12, lr}}
    ldr     r0, =difftest_state
    str     sp, [r0, #{OWN_SP}]
    difftest_load 0x13, {BANKS}
    difftest_load 0x17, {BANKS} + 12
    difftest_load 0x1b, {BANKS} + 24
    difftest_load 0x12, {BANKS} + 36
    difftest_load 0x11, {BANKS} + 48
    add     r1, r0, #{FIQ_R}
    ldmia   r1, {{r8-r12}}
    cps     #0x1f
    ldr     sp, [r0, #{USR}]
    ldr     lr, [r0, #{USR} + 4]
    add     r1, r0, #32
    ldmia   r1, {{r8-r12}}
    clrex
    ldr     r1, [r0, #{KIND}]
    cmp     r1, #0
    bne     1f
    cps     #0x11
    add     sp, r0, #{PC}
    ldmia   r0, {{r0-r7}}
    rfeia   sp
1:  cps     #0x1b
    add     sp, r0, #{PC}
    ldmia   r0, {{r0-r7}}
    rfeia   sp
    .ltorg
    .size difftest_launch, . - difftest_launch
"#,
    PC = const offset_of!(State, pc),
    CPSR = const offset_of!(State, cpsr),
    USR = const offset_of!(State, usr),
    BANKS = const offset_of!(State, banks),
    FIQ_R = const offset_of!(State, fiq_r),
    KIND = const offset_of!(State, kind),
    ENTRY = const offset_of!(State, entry_cpsr),
    FAULT = const offset_of!(State, fault),
    OWN_SP = const offset_of!(State, own_sp),
);
