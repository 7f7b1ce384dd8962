//! First-level handling of supervisor calls: what a guest's kernel does all the time, answered without leaving the guest's
//! address space.
//!
//! The A32 codes of [`nex_rewrite::Code`] say by their constant which instruction they stand for. The frequent ones are
//! carried out here on the vCPU's state, which lies in the window; so is a system call of the guest's user, and the return
//! from it. Whatever is not simple (FIQ mode, an interrupt that waits to be let in, a table that is not there) goes the long
//! way, with nothing changed yet, and is done from the start by [`crate::domain`].
//!
//! Throughout: r0 = the real SPSR, r1 = the SVC, r2 = the guest's CPSR but for what is live in r0, sp = its frame, which is its
//! `Regs`, with r0 to r12 stored; lr = the address behind the SVC. r3 to r12 are free.
//!
//! Guest memory is touched between `nex_fast_first` and `nex_fast_end` only, and only below the window: what is mapped there
//! is the guest's, and what its user may not write nobody can. An abort there goes the long way, too (`nex_own_abort`).
//!
//! While the guest's kernel runs, the CPU's TPIDRURW holds its TPIDRPRW, so that reading it, which Linux does all the time, is
//! one instruction (`nex_rewrite::Tables::tpidrprw_in_tpidrurw`); while its user runs, the guest's own. They are exchanged
//! where one becomes the other: here, and by [`super::guest::VcpuPlace::run`].
//!
//! An exception return is context synchronising (DDI 0406C B1.8.3 and the glossary), so a DACR written here is in effect
//! when the guest goes on.

use core::mem::offset_of;

use nex_vcpu::{Cp15, Regs, Vcpu};

use super::frame;
use super::guest::{Fast, GuestCpu};
use super::percpu::PerCpu;

// The branches at nex_svc_cp15 are in the order of these.
const _: () = {
    use nex_rewrite::codes::{Cp15::*, code_a32};
    let order = [
        (Tpidrprw, true, 0),
        (Tpidrprw, false, 1),
        (Dacr, true, 2),
        (Dacr, false, 3),
        (Contextidr, true, 4),
        (Sctlr, true, 6),
        (Tpidrurw, true, 7),
        (Tpidrurw, false, 8),
        (Tpidruro, false, 10),
        (Ctr, true, 12),
        (Bpiall, false, 13),
        (Dccmvac, false, 14),
        (Teehbr, true, 15),
        (Teehbr, false, 16),
    ];
    let mut n = 0;
    while n < order.len() {
        assert!(code_a32(order[n].0, order[n].1) == 0xeff8_0000 | order[n].2 << 4);
        n += 1;
    }
};

const FAST: usize = offset_of!(GuestCpu, fast);
const CP15: usize = offset_of!(Vcpu, cp15);

core::arch::global_asm!(
    r#"
    .section .vectors, "ax"
    .arm

    // \out = 4 * the bank of the mode in \mode; 0 for System mode, which has no SPSR; 0xff for User and FIQ mode and for no mode.
    // Uses r12.
    .macro nex_bank out, mode
    and \out, \mode, #0xf
    ldr r12, =nex_banks
    ldrb \out, [r12, \out]
    .endm

    // Exchanges r13 and r14: those of bank \from (times 4) go there, those of bank \to come. Changes both.
    .macro nex_exchange from, to
    add r12, sp, #{banks}
    add \from, r12, \from, lsl #1
    add \to, r12, \to, lsl #1
    stm \from, {{sp, lr}}^
    ldm \to, {{sp, lr}}^
    .endm

    // SPSR for the return to the guest, with what is live of \psr; uses r12.
    .macro nex_resume psr
    ldr r12, =0xff0ffe20            @ flags, GE, execution state, E
    and \psr, \psr, r12
    and r12, r0, #0x40              @ FIQ stays as Nex has it
    orr \psr, \psr, r12
    orr \psr, \psr, #0x10
    msr spsr_cxsf, \psr
    .endm

    // The long way, if an interrupt waits and \new lets in what r2 masks.
    .macro nex_unmasks new
    bic r12, r2, \new
    tst r12, #0xc0
    ldrne r12, [sp, #{pending}]
    cmpne r12, #0
    bne nex_svc_slow
    .endm

    // Done; the guest goes on at lr.
    .macro nex_done
    ldm sp, {{r0-r12}}
    add sp, sp, #{frame_bytes}
    movs pc, lr
    .endm

    // r4 to register r3, and done.
    .macro nex_result
    cmp r3, #13
    bhs nex_svc_result
    str r4, [sp, r3, lsl #2]
    nex_done
    .endm

    // r4 from register r3, unless that is 13 or more.
    .macro nex_operand
    cmp r3, #13
    bhs nex_svc_slow
    ldr r4, [sp, r3, lsl #2]
    .endm

    .global nex_vec_svc
    .type nex_vec_svc, %function
nex_vec_svc:
    sub sp, sp, #{frame_bytes}
    stm sp, {{r0-r12}}
    mrs r0, spsr
    ldr r2, [sp, #{vcpsr}]
    tst r0, #0x2f                   @ User mode has zeros there; T32
    bne nex_svc_other
    ldr r1, [lr, #-4]
    tst r2, #0xf                    @ so with the guest's
    beq nex_svc_user
    // The guest's kernel. By the top byte of the constant.
    ubfx r3, r1, #16, #8
    subs r3, r3, #0xf0
    blo nex_svc_large
    add pc, pc, r3, lsl #2
    nop
    b nex_svc_mrs
    b nex_svc_msr
    b nex_svc_slow                  @ 0xf2: MSR (immediate)
    b nex_svc_slow
    b nex_svc_cps
    b nex_svc_slow                  @ 0xf5: SRS, RFE
    b nex_svc_return_reg
    b nex_svc_slow                  @ 0xf7: LDRT and its family
    b nex_svc_cp15
    b nex_svc_slow                  @ 0xf9: hints
    b nex_svc_slow
    b nex_svc_slow
    b nex_svc_slow
    b nex_svc_slow
    b nex_svc_slow
    b nex_svc_slow

    // Where it is not so frequent.
nex_svc_done:
    nex_done

    // The long way.
    .global nex_svc_slow
nex_svc_slow:
    str lr, [sp, #{pc}]
    str r0, [sp, #{cpsr}]
    mov r1, #2
    b nex_trap

    // Nex itself (a fault of its own), or T32, where an SVC is always the guest's own.
nex_svc_other:
    tst r0, #0xf
    bne nex_svc_slow
    tst r2, #0xf
    bne nex_svc_slow
    b nex_svc_enter

    // r4 to register r3, which is 13 or more.
nex_svc_result:
    cmp r3, #14
    bne nex_svc_slow
    add r5, sp, #{lr_}
    str r4, [r5]
    ldm r5, {{lr}}^
    b nex_svc_done

    // ---- MRS: R<<4 Rd ----
nex_svc_mrs:
    and r3, r1, #15
    tst r1, #0x10
    bne 1f
    ldr r12, =0xf80f0200            @ what User mode owns, and MRS shows
    ubfx r4, r2, #0, #9
    bic r4, r4, #0x20
    and r12, r0, r12
    orr r4, r4, r12
    nex_result
1:  nex_bank r5, r2
    sub r12, r5, #1
    cmp r12, #0xfe                  @ neither 0 nor 0xff
    bhs nex_svc_slow
    add r5, sp, r5
    ldr r4, [r5, #{spsrs}]
    nex_result

    // ---- MSR (register): R<<8 mask<<4 Rn ----
nex_svc_msr:
    and r3, r1, #15
    cmp r3, #13
    bhs 3f
1:  ldr r3, [sp, r3, lsl #2]
    ubfx r4, r1, #4, #5
    cmp r4, #0x01
    bne 2f
    // CPSR_c: the control byte of the CPSR becomes the one of r3: masks and mode.
nex_svc_control:
    bic r12, r2, r3                 @ as nex_unmasks
    tst r12, #0xc0
    ldrne r12, [sp, #{pending}]
    cmpne r12, #0
    bne nex_svc_slow
    eor r4, r3, r2
    tst r4, #0x1f
    bne 4f
    and r4, r4, #0xc0
    eor r2, r2, r4
    str r2, [sp, #{vcpsr}]
    nex_done
3:  add r12, sp, #{sp_}
    stm r12, {{sp, lr}}^
    b 1b
2:  cmp r4, #0x1f                   @ SPSR_cxsf
    bne nex_svc_slow
    nex_bank r5, r2
    sub r12, r5, #1
    cmp r12, #0xfe
    bhs nex_svc_slow
    add r5, sp, r5
    bic r3, r3, #0x00f00000         @ reserved
    str r3, [r5, #{spsrs}]
    nex_done

4:  tst r3, #0x10
    beq nex_svc_slow
    nex_bank r6, r2
    nex_bank r7, r3
    orr r4, r6, r7
    cmp r4, #0xff
    beq nex_svc_slow
    nex_exchange r6, r7
    and r4, r3, #0xc0
    bic r2, r2, #0xc0
    orr r2, r2, r4
    bfi r2, r3, #0, #5
    str r2, [sp, #{vcpsr}]
    b nex_svc_done

    // ---- CPS: imod<<9 M<<8 A<<7 I<<6 F<<5 mode ----
nex_svc_cps:
    and r4, r1, #0x60
    tst r1, #0x180
    bne 2f
    tst r1, #0x200
    beq 1f
    orr r2, r2, r4, lsl #1          @ CPSID
    str r2, [sp, #{vcpsr}]
    nex_done
1:  ldr r12, [sp, #{pending}]       @ CPSIE
    bic r2, r2, r4, lsl #1
    cmp r12, #0
    bne nex_svc_slow
    str r2, [sp, #{vcpsr}]
    nex_done
2:  tst r1, #0x80                   @ A: rare
    bne nex_svc_slow
    mov r3, r2
    tst r1, #0x400
    beq 3f
    tst r1, #0x200
    orrne r3, r2, r4, lsl #1        @ CPSID
    biceq r3, r2, r4, lsl #1        @ CPSIE
3:  tst r1, #0x100
    bfine r3, r1, #0, #5
    b nex_svc_control

    // ---- CP15: kind<<4 Rt ----
nex_svc_cp15:
    and r3, r1, #15
    ubfx r4, r1, #4, #5
    add pc, pc, r4, lsl #2
    nop
    b nex_cp15_r_tpidrprw
    b nex_cp15_w_tpidrprw
    b nex_cp15_r_dacr
    b nex_cp15_w_dacr
    b nex_cp15_r_contextidr
    b nex_svc_slow
    b nex_cp15_r_sctlr
    b nex_cp15_r_tpidrurw
    b nex_cp15_w_tpidrurw
    b nex_svc_slow
    b nex_cp15_w_tpidruro
    b nex_svc_slow
    b nex_cp15_r_ctr
    b nex_svc_done                  @ BPIALL: predictors have no effect that a guest can see
    b nex_svc_done                  @ DCCMVAC: all its memory is coherent without; no fault is allowed as well (B3.13.2)
    b nex_cp15_r_teehbr
    b nex_cp15_w_teehbr
    .rept 32 - 17
    b nex_svc_slow
    .endr

    .macro nex_cp15_read name, offset
nex_cp15_r_\name:
    ldr r4, [sp, #\offset]
    nex_result
    .endm
    nex_cp15_read tpidrprw, {tpidrprw}
    nex_cp15_read tpidrurw, {tpidrurw}
    nex_cp15_read dacr, {dacr}
    nex_cp15_read contextidr, {contextidr}
    nex_cp15_read sctlr, {sctlr}
    nex_cp15_read ctr, {ctr}

    // Where there is ThumbEE.
nex_cp15_r_teehbr:
    ldr r12, [sp, #{id_pfr0}]
    ldr r4, [sp, #{teehbr}]
    tst r12, #0xf000
    beq nex_svc_slow
    nex_result

nex_cp15_w_teehbr:
    nex_operand
    ldr r12, [sp, #{id_pfr0}]
    tst r12, #0xf000
    beq nex_svc_slow
    str r4, [sp, #{teehbr}]
    nex_done

nex_cp15_w_tpidruro:
    nex_operand
    str r4, [sp, #{tpidruro}]
    mcr p15, 0, r4, c13, c0, 3
    nex_done

nex_cp15_w_tpidrprw:
    nex_operand
    str r4, [sp, #{tpidrprw}]
    mcr p15, 0, r4, c13, c0, 2      @ where its kernel reads it
    b nex_svc_done

nex_cp15_w_tpidrurw:
    nex_operand
    str r4, [sp, #{tpidrurw}]
    b nex_svc_done

    // DACR becomes the real one, with Nex's domain a client; unless bits change that shadow entries depend on.
nex_cp15_w_dacr:
    nex_operand
    ldr r5, [sp, #{dacr}]
    ldr r6, [sp, #{dacr_fixed}]
    eors r5, r5, r4
    beq nex_svc_done
    tst r5, r6
    bne nex_svc_slow
    str r4, [sp, #{dacr}]
    ldr r5, =0x55555555
    and r4, r4, r5
    orr r4, r4, #{nex_client}
    mcr p15, 0, r4, c3, c0, 0
    nex_done

    // ---- Constants below 0xf0.... ----
nex_svc_large:
    tst r1, #0x00800000
    bne 4f
    tst r1, #0x00400000
    bne nex_svc_ldm_return
    b nex_svc_slow                  @ the guest's own
4:  tst r1, #0x00400000
    beq nex_svc_stm_user
    tst r1, #0x00200000
    beq nex_svc_ldm_user

    // ---- Returns from an exception ----

    // Data-processing, immediate: op<<16 Rn<<12 imm12. SUBS PC, LR, #imm8 is the one.
    ubfx r3, r1, #8, #12
    cmp r3, #0x2e0
    bne nex_svc_slow
    add r12, sp, #{lr_}
    stm r12, {{lr}}^
    ldr r9, [r12]
    and r3, r1, #0xff
    sub r9, r9, r3
    b nex_svc_return

    // Register: op<<8 Rn<<4 Rm. MOVS PC, LR is the one.
nex_svc_return_reg:
    ubfx r3, r1, #0, #12
    ldr r12, =0xd0e
    cmp r3, r12
    bne nex_svc_slow
    add r12, sp, #{lr_}
    stm r12, {{lr}}^
    ldr r9, [r12]

    // To r9, with the SPSR of the mode in r2.
nex_svc_return:
    nex_bank r6, r2
    sub r12, r6, #1
    cmp r12, #0xfe
    bhs nex_svc_slow
    add r5, sp, r6
    ldr r3, [r5, #{spsrs}]          @ the new CPSR
    and r12, r3, #0x10
    tst r3, #0x01000000             @ J
    cmpeq r12, #0x10
    bne nex_svc_slow
    nex_unmasks r3
    tst r3, #0x20
    biceq r9, r9, #3
    bicne r9, r9, #1
    tst r3, #0xf
    beq nex_svc_return_user
    // To a privileged mode.
    nex_bank r7, r3
    cmp r7, #0xff
    beq nex_svc_slow
    cmp r6, r7
    beq 6f
    nex_exchange r6, r7
6:  str r3, [sp, #{vcpsr}]
    nex_resume r3
    mov lr, r9
    clrex
    nex_done

    // To User mode: in the other view, with the guest's own TPIDRURW.
nex_svc_return_user:
    ldr r7, [sp, #{user}]
    ldr r8, [sp, #{user} + 4]
    cmp r7, #0
    beq nex_svc_slow
    ldr r4, [sp, #{tpidrurw}]
    mcr p15, 0, r4, c13, c0, 2
    mov r5, #0
    nex_exchange r6, r5
    str r3, [sp, #{vcpsr}]
    nex_resume r3
    mov lr, r9
nex_svc_change_view:
    mrc p15, 0, r4, c13, c0, 4      @ TPIDRPRW: per-CPU data
    ldr r4, [r4, #{limbo}]
    dsb                             @ as nex_space, B3.10.4
    mcr p15, 0, r4, c2, c0, 0
    isb
    mcr p15, 0, r8, c13, c0, 1
    isb
    mcr p15, 0, r7, c2, c0, 0
    isb
    clrex
    nex_done

    // ---- A system call of the guest's user ----
nex_svc_user:
    // A code of Nex's? It may share a page with its kernel.
    tst r1, #0x00c00000
    bne nex_svc_slow
nex_svc_enter:
    ldr r7, [sp, #{kernel}]
    ldr r8, [sp, #{kernel} + 4]
    cmp r7, #0
    beq nex_svc_slow
    // TPIDRURW, which its user may have written, for TPIDRPRW.
    mrc p15, 0, r3, c13, c0, 2
    ldr r4, [sp, #{tpidrprw}]
    str r3, [sp, #{tpidrurw}]
    mcr p15, 0, r4, c13, c0, 2
    ldr r12, =0xff0ffe20
    and r3, r0, r12
    bic r2, r2, r12
    orr r3, r3, r2
    str r3, [sp, #{spsrs} + 4]      @ SPSR_svc
    // Supervisor mode, IRQ masked; instruction set and byte order by SCTLR (B1.8.3).
    ldr r12, =0x0700fe3f            @ IT, J, E, T, mode
    ldr r5, [sp, #{entry_psr}]
    bic r3, r3, r12
    orr r3, r3, #0x93
    orr r3, r3, r5
    str r3, [sp, #{vcpsr}]
    add r6, sp, #{banks}
    stm r6, {{sp, lr}}^
    add r6, r6, #8
    str lr, [r6, #4]                @ LR_svc
    ldm r6, {{sp, lr}}^
    nex_resume r3
    ldr lr, [sp, #{vectors}]
    add lr, lr, #8
    b nex_svc_change_view

    // ---- STM, LDM of User registers ----
    // In a mode that has r13 and r14 of its own, so that the User mode's are in their bank, and r0 to r12 those stored.

    // r4 = the base, register r3 of the current mode; uses r12.
    .macro nex_base
    nex_bank r4, r2
    sub r12, r4, #1
    cmp r12, #15
    bhi nex_svc_slow
    add r12, sp, #{sp_}
    stm r12, {{sp, lr}}^
    ldr r4, [sp, r3, lsl #2]
    .endm

    // P<<21 U<<20 Rn<<16 list: {{sp, lr}} below the base is the one.
nex_svc_stm_user:
    ubfx r3, r1, #16, #4
    ldr r12, =0x00a06000
    bic r5, r1, #0xff000000
    bic r5, r5, #0x000f0000
    cmp r5, r12
    cmpeq r3, #15
    beq nex_svc_slow
    cmp r5, r12
    bne nex_svc_slow
    nex_base
    ldr r12, =0xfff00000
    cmp r4, r12
    bhi nex_svc_slow
    sub r4, r4, #8
    add r12, sp, #{banks}
    ldm r12, {{r5, r6}}
    .global nex_fast_first
nex_fast_first:
    stm r4, {{r5, r6}}
    nex_done

    // P<<20 U<<19 Rn<<15 list: {{r0-lr}} and {{r1-lr}} below the base are the ones.
nex_svc_ldm_user:
    ldr r12, =0x00d07fff            @ P, r0 to r14; bit 0 is r0
    bic r5, r1, #0xff000000
    bic r5, r5, #0x00078000
    sub r12, r12, r5
    cmp r12, #1
    bhi nex_svc_slow
    ubfx r3, r1, #15, #4
    mov r11, r12
    nex_base
    sub r12, r4, #64
    cmp r12, #0xff000000
    bhs nex_svc_slow
    sub r4, r4, #60                 @ r0
    add r4, r4, r11, lsl #2
    add r3, sp, r11, lsl #2
    ldm r4!, {{r5-r10}}
    stm r3!, {{r5-r10}}             @ r0 to r5, or r1 to r6
    ldm r4!, {{r5-r10}}
    stm r3!, {{r5-r10}}             @ r6 to r11, or r7 to r12
    cmp r11, #0
    ldreq r5, [r4], #4
    streq r5, [r3]                  @ r12
    ldm r4, {{r5, r6}}
    add r12, sp, #{banks}
    stm r12, {{r5, r6}}
    nex_done

    // P<<21 U<<20 W<<19 Rn<<15 list: LDMIA SP, {{r0-pc}}^ is the one.
nex_svc_ldm_return:
    ldr r12, =0x0056ffff            @ U, SP, r0 to r14 (and PC)
    bic r5, r1, #0xff000000
    cmp r5, r12
    bne nex_svc_slow
    mov r3, #13
    nex_base
    cmp r4, #0xff000000
    bhs nex_svc_slow
    nex_bank r6, r2
    add r5, sp, r6
    ldr r3, [r5, #{spsrs}]
    and r12, r3, #0x10
    tst r3, #0x01000000
    cmpeq r12, #0x10
    bne nex_svc_slow
    nex_unmasks r3
    nex_bank r7, r3
    cmp r7, #0xff                   @ User mode: by the way that Linux takes for it
    beq nex_svc_slow
    // Until all is loaded, only what is loaded again changes.
    ldm r4!, {{r5, r8, r10-r12}}
    stm sp, {{r5, r8, r10-r12}}     @ r0 to r4
    add r1, sp, #20
    ldm r4!, {{r5, r8, r10-r12}}
    stm r1!, {{r5, r8, r10-r12}}    @ r5 to r9
    ldm r4!, {{r5, r8, r10}}
    stm r1, {{r5, r8, r10}}         @ r10 to r12
    ldm r4, {{r5, r8, r9}}
    add r12, sp, #{sp_}
    stm r12, {{r5, r8}}
    ldm r12, {{sp, lr}}^
    tst r3, #0x20
    biceq r9, r9, #3
    bicne r9, r9, #1
    cmp r6, r7
    beq 6b
    nex_exchange r6, r7
    b 6b
    .global nex_fast_end
nex_fast_end:

    .ltorg
    // By the low four bits of the mode: usr, fiq, irq, svc, ..., abt, ..., und, ..., sys.
nex_banks:
    .byte 0xff, 0xff, 16, 4, 0xff, 0xff, 0xff, 8, 0xff, 0xff, 0xff, 12, 0xff, 0xff, 0xff, 0
    .size nex_vec_svc, . - nex_vec_svc
    .text
    "#,
    frame_bytes = const frame::BYTES,
    sp_ = const frame::SP,
    lr_ = const frame::LR,
    pc = const frame::PC,
    cpsr = const frame::CPSR,
    vcpsr = const Regs::CPSR_OFFSET_BYTES,
    banks = const Regs::BANKS_OFFSET_BYTES,
    spsrs = const Regs::SPSRS_OFFSET_BYTES,
    pending = const offset_of!(Vcpu, pending),
    tpidrprw = const CP15 + offset_of!(Cp15, tpidrprw),
    tpidrurw = const CP15 + offset_of!(Cp15, tpidrurw),
    tpidruro = const CP15 + offset_of!(Cp15, tpidruro),
    ctr = const CP15 + offset_of!(Cp15, profile) + offset_of!(nex_vcpu::Profile, ctr),
    teehbr = const CP15 + offset_of!(Cp15, teehbr),
    id_pfr0 = const CP15 + offset_of!(Cp15, profile) + offset_of!(nex_vcpu::Profile, id_pfr0),
    dacr = const CP15 + offset_of!(Cp15, dacr),
    contextidr = const CP15 + offset_of!(Cp15, contextidr),
    sctlr = const CP15 + offset_of!(Cp15, sctlr),
    nex_client = const 1u32 << (2 * super::NEX_DOMAIN as u32),
    dacr_fixed = const FAST + offset_of!(Fast, dacr_fixed),
    user = const FAST + offset_of!(Fast, user),
    kernel = const FAST + offset_of!(Fast, kernel),
    entry_psr = const FAST + offset_of!(Fast, entry_psr),
    vectors = const FAST + offset_of!(Fast, vectors),
    limbo = const offset_of!(PerCpu, limbo_ttbr0),
);
