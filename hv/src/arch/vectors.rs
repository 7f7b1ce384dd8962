//! The exception vectors. Assembly saves, switches stack, calls Rust, restores; the rest is Rust.
//!
//! Every vector builds one [`Frame`](frame::Frame) with SRS and a store-multiple on the SVC stack. While a guest runs, SP_svc is the
//! end of its frame in the per-CPU data, so the guest is saved in its place by the same instructions; the saved mode
//! (User or not) then tells the two apart. Aborts of Nex itself are the exception: the SVC stack may be what faulted
//! (a guard page), so their frame goes to the abort mode's own stack.
//!
//! On entry the CPU has masked IRQs (B1.8.3); they stay masked until the frame is restored.

use super::frame;
use super::percpu::PerCpu;
use core::mem::offset_of;

/// Why a vector was taken; the numbers are the vector offsets divided by 4.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trap {
    /// Undefined instruction.
    Undefined = 1,
    /// SVC instruction.
    Svc = 2,
    /// Instruction fetch failed.
    PrefetchAbort = 3,
    /// Data access failed.
    DataAbort = 4,
    /// Interrupt.
    Irq = 6,
    /// Fast interrupt.
    Fiq = 7,
}

impl Trap {
    /// The trap for a vector number; anything unknown is an undefined instruction, which is what the CPU can make of it.
    pub const fn from_vector(number: u32) -> Trap {
        match number {
            2 => Trap::Svc,
            3 => Trap::PrefetchAbort,
            4 => Trap::DataAbort,
            6 => Trap::Irq,
            7 => Trap::Fiq,
            _ => Trap::Undefined,
        }
    }
}

core::arch::global_asm!(
    r#"
    // Changes address space, by way of the table with the window alone: while ASID and table do not belong together, only
    // global mappings may be reachable (B3.10.4). \limbo and \table are values for TTBR0, \context one for CONTEXTIDR.
    .macro nex_space limbo, context, table
    dsb
    mcr p15, 0, \limbo, c2, c0, 0
    isb
    mcr p15, 0, \context, c13, c0, 1
    isb
    mcr p15, 0, \table, c2, c0, 0
    isb
    .endm

    .section .vectors, "ax"
    .arm
    .balign 32
    .global nex_vectors
nex_vectors:
    b nex_vec_und                   @ reset: never taken through VBAR
    b nex_vec_und
    b nex_vec_svc
    b nex_vec_pabt
    b nex_vec_dabt
    b nex_vec_und
    b nex_vec_irq
    b nex_vec_fiq

    // IRQ first: the one that matters for speed. The vector's number goes to r1 once the registers are saved.
    .type nex_vec_irq, %function
nex_vec_irq:
    sub lr, lr, #4
    srsdb sp!, #0x13
    cps #0x13
    sub sp, sp, #8
    push {{r0-r12}}
    mov r1, #6
    .global nex_trap
nex_trap:                           @ SVC mode, sp = frame but for its sp and lr, r1 = vector
    ldr r0, [sp, #{cpsr}]
    tst r0, #0xf                    @ User is the only mode with zeros there
    beq nex_guest_exit
    add r2, sp, #{bytes}
    str r2, [sp, #{sp_}]
    str lr, [sp, #{lr_}]
    mov r0, sp
    mov r4, sp
    bic sp, sp, #7                  @ AAPCS: 8-byte aligned at a call
    bl {host_trap}                  @ (frame, vector)
    mov sp, r4
    clrex                           @ the interrupted LDREX has lost its reservation (B1.8.4, A3.4.5)
    ldr lr, [sp, #{lr_}]
    pop {{r0-r12}}
    add sp, sp, #8
    rfeia sp!
    .size nex_vec_irq, . - nex_vec_irq

    .type nex_vec_und, %function
nex_vec_und:
    srsdb sp!, #0x13
    cps #0x13
    sub sp, sp, #8
    push {{r0-r12}}
    mov r1, #1
    b nex_trap
    .size nex_vec_und, . - nex_vec_und

    .macro nex_abort name, adjust, vector
    .type \name, %function
\name:
    sub lr, lr, #\adjust
    push {{r0}}                     @ on the abort stack
    mrs r0, spsr
    tst r0, #0xf
    pop {{r0}}
    bne 1f
    srsdb sp!, #0x13
    cps #0x13
    sub sp, sp, #8
    push {{r0-r12}}
    mov r1, #\vector
    b nex_guest_exit
1:  srsdb sp!, #0x17
    sub sp, sp, #8
    push {{r0-r12}}
    mov r1, #\vector
    b nex_own_abort
    .size \name, . - \name
    .endm

    nex_abort nex_vec_dabt, 8, 4
    nex_abort nex_vec_pabt, 4, 3

    // An abort of Nex, r1 = vector: frame on the abort stack, sp and lr of SVC fetched into it. A probe that expected it
    // is continued; anything else goes to Rust in SVC mode on the debug stack (on SVC's own stack if that is the one
    // already), where a further abort cannot take lr_abt away from running code.
    .type nex_own_abort, %function
nex_own_abort:
    mov r5, r1
    cps #0x13
    mov r2, sp
    mov r3, lr
    cps #0x17
    str r2, [sp, #{sp_}]
    str r3, [sp, #{lr_}]
    mrc p15, 0, r1, c13, c0, 4      @ TPIDRPRW
    ldr r4, [sp, #{pc}]
    // The look at a guest's instruction?
    ldr r0, =nex_fetch_first
    cmp r4, r0
    blo 2f
    ldr r0, =nex_fetch_failed
    cmp r4, r0
    strlo r0, [sp, #{pc}]
    blo 9f
2:  // First-level handling on guest memory?
    ldr r0, =nex_fast_first
    cmp r4, r0
    blo 3f
    ldr r0, =nex_fast_end
    cmp r4, r0
    ldrlo r0, =nex_svc_slow
    strlo r0, [sp, #{pc}]
    blo 9f
3:  // A probe of the debugger?
    ldr r0, =nex_probe8
    cmp r4, r0
    blo 1f
    ldr r0, =nex_probe_ok
    cmp r4, r0
    bhs 1f
    ldr r0, =nex_probe_failed
    str r0, [sp, #{pc}]
    b 9f
1:  mov r8, sp                      @ r8 = frame
    mov r9, r1
    ldr r6, [r1, #{debug_sp}]
    ldr r7, [r1, #{debug_depth}]
    cps #0x13
    mrs r4, spsr
    cmp r7, #0
    addeq r0, r1, #{svc_bank}
    stmeq r0, {{r2-r4}}
    moveq sp, r6
    bic sp, sp, #7
    mov r0, #1
    str r0, [r9, #{debug_depth}]
    mov r0, r8
    mov r1, r5
    bl {own_abort}                  @ (frame, vector): returns to go on at the frame, after a breakpoint
    str r7, [r9, #{debug_depth}]
    ldr sp, [r8, #{sp_}]
    ldr lr, [r8, #{lr_}]
    msr spsr_cxsf, r4
    cps #0x17
9:  pop {{r0-r12}}
    add sp, sp, #8
    rfeia sp!
    .ltorg
    .size nex_own_abort, . - nex_own_abort

    // FIQ, at any moment: a guest's, a thread's, an interrupt handler's, half-way through a change of address spaces. The
    // interrupted state goes into a frame on the FIQ stack, the handler runs in SVC mode on the debug stack in Nex's
    // address space, and everything is put back, SVC's own banked registers included.
    .type nex_vec_fiq, %function
nex_vec_fiq:
    sub lr, lr, #4
    srsdb sp!, #0x11
    sub sp, sp, #({bytes} - 8)
    stm sp, {{r0-r7}}
    add r0, sp, #32
    stm r0, {{r8-r12}}^             @ all modes but FIQ share these (B1.3.2)
    ldr r4, [sp, #{cpsr}]
    and r5, r4, #0x1f
    mov r6, sp                      @ r6 = frame
    cmp r5, #0x10
    cmpne r5, #0x1f
    bne 1f
    add r0, sp, #{sp_}
    stm r0, {{sp, lr}}^
    b 2f
1:  mrs r7, cpsr
    bic r0, r7, #0x1f
    orr r0, r0, r5
    msr cpsr_c, r0                  @ the interrupted mode, I and F masked
    mov r1, sp
    mov r2, lr
    msr cpsr_c, r7
    str r1, [r6, #{sp_}]
    str r2, [r6, #{lr_}]
2:  mrc p15, 0, r7, c2, c0, 0       @ r7 = TTBR0
    mrc p15, 0, r5, c13, c0, 1      @ r5 = CONTEXTIDR
    mrc p15, 0, r4, c13, c0, 4      @ r4 = per-CPU data
    ldr r1, [r4, #{limbo}]
    ldr r2, [r4, #{nex}]
    ldr r3, [r4, #{debug_sp}]
    mov r0, #0                      @ Nex's ASID is 0
    nex_space r1, r0, r2
    cps #0x13
    mov r8, sp
    mov r9, lr
    mrs r10, spsr
    add r0, r4, #{svc_bank}
    stm r0, {{r8-r10}}
    mov sp, r3
    mov r0, #1
    str r0, [r4, #{debug_depth}]
    mov r0, r6
    bl {fiq}                        @ (frame)
    mov r0, #0
    str r0, [r4, #{debug_depth}]
    mov sp, r8
    mov lr, r9
    msr spsr_cxsf, r10
    cps #0x11
    ldr r1, [r4, #{limbo}]
    nex_space r1, r5, r7
    clrex
    add r0, r6, #32
    ldm r0, {{r8-r12}}^
    nop
    ldm sp, {{r0-r7}}
    add sp, sp, #({bytes} - 8)
    rfeia sp!
    .size nex_vec_fiq, . - nex_vec_fiq

    // extern "C" fn nex_probe{{8,16,32}}(address: u32, value: *mut u32) -> u32
    // Reads a unit; returns 1, or 0 if the read aborted: nex_own_abort knows the three loads by their addresses.
    .global nex_probe8
    .global nex_probe16
    .global nex_probe32
nex_probe8:
    ldrb r2, [r0]
    b nex_probe_ok
nex_probe16:
    ldrh r2, [r0]
    b nex_probe_ok
nex_probe32:
    ldr r2, [r0]
nex_probe_ok:
    str r2, [r1]
    mov r0, #1
    bx lr
nex_probe_failed:
    mov r0, #0
    bx lr

    // A guest has trapped: sp = its frame, r1 = vector. Finish the frame, keep the instruction while the guest's address
    // space is there to read it, go back to Nex's and return from nex_enter_guest with the vector's number. PC becomes the
    // address of the instruction that trapped, for UND and SVC too.
    .type nex_guest_exit, %function
nex_guest_exit:
    add r0, sp, #{sp_}
    stm r0, {{sp, lr}}^
    mrc p15, 0, r2, c13, c0, 4      @ TPIDRPRW: per-CPU data
    mov r3, #0
    cmp r1, #3
    cmpne r1, #6
    beq 3f
    ldr r0, [sp, #{pc}]
    ldr r4, [sp, #{cpsr}]
    tst r4, #0x20
    bne 2f
    cmp r1, #4
    subne r0, r0, #4
    str r0, [sp, #{pc}]
nex_fetch_first:
    ldr r3, [r0]
    // Of an undefined instruction also the three behind it, if they are in the same page.
    cmp r1, #1
    bne 3f
    ubfx r4, r0, #0, #12
    cmp r4, #0xff0
    bhi 4f
    ldmib r0, {{r4-r6}}
    add r7, r2, #{following}
    stm r7, {{r4-r6}}
    b 3f
4:  mov r4, #0
    str r4, [r2, #{following}]
    b 3f
2:  cmp r1, #4
    subne r0, r0, #2
    str r0, [sp, #{pc}]
    ldrh r3, [r0]
    mov r4, r3, lsr #11
    cmp r4, #0x1d                   @ 32 bits from 0b11101 on (A6.1)
    blo 3f
    ldrh r4, [r0, #2]
    orr r3, r3, r4, lsl #16
    b 3f
nex_fetch_failed:
    mov r3, #0
3:  str r3, [r2, #{instruction}]
    ldr r3, [r2, #{limbo}]
    ldr r4, [r2, #{nex}]
    ldr sp, [r2, #{host_sp}]
    mov r0, #0                      @ Nex's ASID is 0
    nex_space r3, r0, r4
    mov r0, r1
    pop {{r4-r11, pc}}
    .size nex_guest_exit, . - nex_guest_exit

    // extern "C" fn nex_enter_guest(cpu: *const PerCpu, regs: *mut Regs, ttbr0: u32, contextidr: u32) -> u32
    // IRQ masked, SVC mode. Runs the guest whose registers are at regs until it traps.
    .global nex_enter_guest
    .type nex_enter_guest, %function
nex_enter_guest:
    push {{r4-r11, lr}}
    str sp, [r0, #{host_sp}]
    ldr r12, [r0, #{limbo}]
    nex_space r12, r3, r2
    mov sp, r1
    add r0, sp, #{sp_}
    ldm r0, {{sp, lr}}^             @ User mode's; a banked access needs no NOP after it on ARMv7 (B9.3.7)
    clrex
    ldm sp, {{r0-r12}}
    add sp, sp, #{pc}
    rfeia sp!                       @ leaves sp at the frame's end, where the vectors want it
    .size nex_enter_guest, . - nex_enter_guest
    .text
    "#,
    cpsr = const frame::CPSR,
    sp_ = const frame::SP,
    lr_ = const frame::LR,
    pc = const frame::PC,
    bytes = const frame::BYTES,
    debug_sp = const offset_of!(PerCpu, debug_sp),
    debug_depth = const offset_of!(PerCpu, debug_depth),
    svc_bank = const offset_of!(PerCpu, svc_bank),
    host_sp = const offset_of!(PerCpu, host_sp),
    limbo = const offset_of!(PerCpu, limbo_ttbr0),
    nex = const offset_of!(PerCpu, nex_ttbr0),
    instruction = const offset_of!(PerCpu, instruction),
    following = const offset_of!(PerCpu, following),
    host_trap = sym crate::trap::host_trap,
    own_abort = sym crate::trap::own_abort,
    fiq = sym crate::trap::fiq,
);

unsafe extern "C" {
    fn nex_probe8(address: u32, value: *mut u32) -> u32;
    fn nex_probe16(address: u32, value: *mut u32) -> u32;
    fn nex_probe32(address: u32, value: *mut u32) -> u32;
    pub(super) fn nex_enter_guest(
        cpu: *const PerCpu,
        regs: *mut nex_vcpu::Regs,
        ttbr0: u32,
        contextidr: u32,
    ) -> u32;
}

/// Reads `width` bytes (1, 2 or 4) at `address` in Nex's address space; `None` if that aborts.
///
/// # Safety
/// Reading there has no side effect, or one that a person asked for (a device register).
pub unsafe fn probe(address: u32, width: u32) -> Option<u32> {
    let mut value = 0;
    // SAFETY: an abort in the one load of these functions is caught; reading is the caller's wish.
    let read = unsafe {
        match width {
            1 => nex_probe8(address, &mut value),
            2 => nex_probe16(address, &mut value),
            _ => nex_probe32(address, &mut value),
        }
    };
    (read != 0).then_some(value)
}
