//! The vector tables, and what leads into and out of a case.
//!
//! Four tables do the same and say which of them was taken: 0 and 1 for moves of VBAR, 2 in T32 for SCTLR.TE, 3 for the
//! high vectors. Each is a page that runs at any address. A handler needs no stack, for SP belongs to the case: r0 goes
//! to TPIDRPRW, which is the one register that every exception changes.

use core::arch::global_asm;
use core::mem::offset_of;

use super::run::State;

unsafe extern "C" {
    static conformance_vectors_0: u8;
    static conformance_vectors_1: u8;
    static conformance_vectors_2: u8;
    static conformance_vectors_3: u8;
}

/// Address of table 0 to 3.
pub(crate) fn table(number: usize) -> u32 {
    let at = match number {
        0 => &raw const conformance_vectors_0,
        1 => &raw const conformance_vectors_1,
        2 => &raw const conformance_vectors_2,
        _ => &raw const conformance_vectors_3,
    };
    at as usize as u32
}

/// Calls `work` with VBAR at table `number`.
pub(crate) fn with_vbar<T>(number: usize, work: impl FnOnce() -> T) -> T {
    super::cp15::cp15_write!(0, c12, c0, 0, table(number));
    let result = work();
    super::cp15::cp15_write!(0, c12, c0, 0, table(0));
    result
}

unsafe extern "C" {
    /// Runs what `conformance_state` says until an exception, whose state is in `conformance_state` on return.
    pub(super) safe fn conformance_launch();
}

/// An exception in the harness itself: there is nothing to go on with.
#[unsafe(no_mangle)]
extern "C" fn conformance_died(state: &State) -> ! {
    super::report::print(format_args!(
        "conformance: died: exception {:x} in the harness, {state:x?}\n",
        state.kind
    ));
    super::psci::system_off()
}

global_asm!(
    r#"
    // Every entry keeps flags for SPSR to tell, notes which vector and whether CPSR.E was set, and goes on in A32.
    .macro conformance_entry table, vector
conformance_entry_\table\()_\vector:
    mcr     p15, 0, r0, c13, c0, 4
    mrs     r0, cpsr
    tst     r0, #0x200
    setend  le
    ldr     r0, conformance_state_\table
    str     r1, [r0, #4]
    mov     r1, #\vector
    orr     r1, r1, #(\table << 8)
    it      ne
    orrne   r1, r1, #0x10000
    ldr     pc, conformance_caught_\table
    .endm

    .macro conformance_table table
    .balign 4096
    .global conformance_vectors_\table
conformance_vectors_\table:
    b.w     conformance_entry_\table\()_0
    b.w     conformance_entry_\table\()_1
    b.w     conformance_entry_\table\()_2
    b.w     conformance_entry_\table\()_3
    b.w     conformance_entry_\table\()_4
    b.w     conformance_entry_\table\()_5
    b.w     conformance_entry_\table\()_6
    b.w     conformance_entry_\table\()_7
    conformance_entry \table, 0
    conformance_entry \table, 1
    conformance_entry \table, 2
    conformance_entry \table, 3
    conformance_entry \table, 4
    conformance_entry \table, 5
    conformance_entry \table, 6
    conformance_entry \table, 7
    .balign 4
conformance_state_\table: .word conformance_state
conformance_caught_\table: .word conformance_caught
    .endm

    .section .vectors, "ax", %progbits
    .arm
    conformance_table 0
    conformance_table 1
    .thumb
    conformance_table 2
    .arm
    conformance_table 3

    .balign 4096
    // Saves SP, LR and SPSR of a mode at \offset.
    .macro conformance_save mode, offset
    cps     #\mode
    add     r2, r0, #\offset
    str     sp, [r2]
    str     lr, [r2, #4]
    mrs     r3, spsr
    str     r3, [r2, #8]
    .endm

    // In: r0 = conformance_state, r1 = kind, the rest as the case left it.
    .type conformance_caught, %function
conformance_caught:
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
    str     r1, [r0, #{DFSR}]
    mrc     p15, 0, r1, c5, c0, 1
    str     r1, [r0, #{IFSR}]
    mrc     p15, 0, r1, c6, c0, 0
    str     r1, [r0, #{DFAR}]
    mrc     p15, 0, r1, c6, c0, 2
    str     r1, [r0, #{IFAR}]
    cpsid   aif
    conformance_save 0x13, {SVC}
    conformance_save 0x17, {ABT}
    conformance_save 0x1b, {UND}
    conformance_save 0x12, {IRQ}
    conformance_save 0x11, {FIQ}
    add     r2, r0, #{FIQ_R}
    stmia   r2, {{r8-r12}}
    cps     #0x1f
    add     r2, r0, #32
    stmia   r2, {{r8-r12}}
    str     sp, [r0, #{USR}]
    str     lr, [r0, #{USR} + 4]
    ldr     r1, [r0, #{HARNESS_SP}]
    mov     r2, #0
    str     r2, [r0, #{HARNESS_SP}]
    clrex
    cmp     r1, #0
    ldreq   sp, =__died_stack_top
    beq     conformance_died
    mov     sp, r1
    pop     {{r4-r12, pc}}
    .size conformance_caught, . - conformance_caught

    .macro conformance_load mode, offset
    cps     #\mode
    add     r1, r0, #\offset
    ldmia   r1, {{r2-r4}}
    mov     sp, r2
    mov     lr, r3
    msr     spsr_fsxc, r4
    .endm

    // The jump is an RFE in a mode whose SP the case does not ask for: FIQ, or UND if `kind` is not 0.
    .global conformance_launch
    .type conformance_launch, %function
conformance_launch:
    push    {{r4-r12, lr}}
    ldr     r0, =conformance_state
    str     sp, [r0, #{HARNESS_SP}]
    conformance_load 0x13, {SVC}
    conformance_load 0x17, {ABT}
    conformance_load 0x1b, {UND}
    conformance_load 0x12, {IRQ}
    conformance_load 0x11, {FIQ}
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
    .size conformance_launch, . - conformance_launch
"#,
    PC = const offset_of!(State, pc),
    CPSR = const offset_of!(State, cpsr),
    USR = const offset_of!(State, usr),
    SVC = const offset_of!(State, svc),
    ABT = const offset_of!(State, abt),
    UND = const offset_of!(State, und),
    IRQ = const offset_of!(State, irq),
    FIQ = const offset_of!(State, fiq),
    FIQ_R = const offset_of!(State, fiq_r),
    KIND = const offset_of!(State, kind),
    ENTRY = const offset_of!(State, entry_cpsr),
    DFSR = const offset_of!(State, dfsr),
    IFSR = const offset_of!(State, ifsr),
    DFAR = const offset_of!(State, dfar),
    IFAR = const offset_of!(State, ifar),
    HARNESS_SP = const offset_of!(State, harness_sp),
);
