//! Instructions that move many registers, at bases where they must not: those which Nex carries out at its own privilege.

use core::arch::{asm, global_asm};

use crate::Run;
use crate::machine::*;

// Each takes a base in r0, and gives a value that it loaded. What is loaded is kept in nex_abuse_loaded.
global_asm!(
    r#"
    .arch_extension sec
    .section .text.nex_abuse_multiple, "ax"
    .arm
    .macro nex_entry name
    .balign 4
    .global \name
    .type \name, %function
\name:
    .endm

    nex_entry nex_abuse_stmdb_user
    stmdb r0, {{sp, lr}}^
    bx lr
    nex_entry nex_abuse_stmia_user
    stmia r0, {{r0-r14}}^
    bx lr
    nex_entry nex_abuse_stm_all_user
    push {{r4-r11, lr}}
    mov r1, sp
    mov sp, r0
    stmdb sp, {{r0-lr}}^
    mov sp, r1
    pop {{r4-r11, pc}}

    // SP as Linux has it on its way back to User mode.
    nex_entry nex_abuse_ldmdb_user
    ldr r1, =nex_abuse_loaded
    str sp, [r1, #64]
    mov sp, r0
    ldmdb sp, {{r0-lr}}^
    b 1f
    nex_entry nex_abuse_ldmdb_user_1
    ldr r1, =nex_abuse_loaded
    str sp, [r1, #64]
    mov sp, r0
    ldmdb sp, {{r1-lr}}^
    b 1f
    nex_entry nex_abuse_ldmia_user
    ldr r1, =nex_abuse_loaded
    str sp, [r1, #64]
    mov sp, r0
    ldmia sp, {{r0-lr}}^
1:  mov sp, lr
    ldr lr, =nex_abuse_loaded
    stm lr, {{r0-r12}}
    mov r0, r1
    mov r1, sp
    ldr sp, [lr, #64]
    bx r1

    // With SPSR as it is: back to the same mode and the next instruction if memory says so, which it does not where this
    // is used.
    nex_entry nex_abuse_ldm_return
    mrs r1, cpsr
    msr spsr_cxsf, r1
    mov sp, r0
    ldmia sp, {{r0-pc}}^
    nex_entry nex_abuse_ldm_return_db
    mrs r1, cpsr
    msr spsr_cxsf, r1
    ldmdb r0!, {{r1-r5, pc}}^

    nex_entry nex_abuse_rfeia
    rfeia r0
    nex_entry nex_abuse_rfedb
    rfedb r0!
    nex_entry nex_abuse_rfeda
    rfeda r0
    nex_entry nex_abuse_rfeib
    rfeib r0!

    .macro nex_srs name, how, mode
    nex_entry \name
    mrs r2, cpsr
    mov r1, #0x11
    msr spsr_cxsf, r1
    cps #\mode
    mov r3, sp
    mov sp, r0
    \how sp!, #\mode
    mov sp, r3
    msr cpsr_c, r2
    mov r0, #0
    bx lr
    .endm
    nex_srs nex_abuse_srsdb_abt, srsdb, 0x17
    nex_srs nex_abuse_srsia_und, srsia, 0x1b
    nex_srs nex_abuse_srsda_irq, srsda, 0x12
    .ltorg

    .section .bss.nex_abuse_loaded, "aw", %nobits
    .balign 4
nex_abuse_loaded:
    .space 68
    .text
    "#
);

macro_rules! instructions {
    ($($name:ident)*) => {
        unsafe extern "C" { $(fn $name(base: u32) -> u32;)* }
        /// All of them, as addresses.
        fn all_instructions() -> [u32; 15] {
            [$($name as *const () as usize as u32),*]
        }
    };
}

instructions! {
    nex_abuse_stmdb_user nex_abuse_stmia_user nex_abuse_stm_all_user
    nex_abuse_ldmdb_user nex_abuse_ldmdb_user_1 nex_abuse_ldmia_user
    nex_abuse_ldm_return nex_abuse_ldm_return_db
    nex_abuse_rfeia nex_abuse_rfedb nex_abuse_rfeda nex_abuse_rfeib
    nex_abuse_srsdb_abt nex_abuse_srsia_und nex_abuse_srsda_irq
}

/// Bases around every end of something.
fn bases() -> impl Iterator<Item = u32> {
    let ends = [
        WINDOW.start,
        WINDOW.start + 0x1000,
        0xfff7_6000,
        0xfff8_0000,
        0xfffa_5000,
        0xfffc_5000,
        WINDOW.end,
        0xffff_f000,
        0,
        0x0800_0000,
        0x0801_1000,
        0x0901_0000,
        NOTHING,
        RAM + RAM_BYTES,
        RAM,
        0xff00_0000,
        0xd000_0000,
        0xc000_0000,
    ];
    ends.into_iter().flat_map(|end: u32| {
        (0..36u32).map(move |n| end.wrapping_add(n * 4).wrapping_sub(72)).chain([end + 1, end + 2])
    })
}

/// The bytes that an instruction may touch with this base lie all in nothing of the guest's.
fn is_outside(base: u32) -> bool {
    !(0..=32u32).any(|n| is_mine(base.wrapping_add(4 * n).wrapping_sub(64)))
}

/// Which of them load PC.
const LOADS_OF_PC: core::ops::Range<usize> = 6..12;

/// Goes through all instructions at all bases.
fn go(mode: u32, before: impl Fn(), check: impl Fn(u32, u32, u32, u32)) {
    for (n, function) in all_instructions().into_iter().enumerate() {
        before();
        for base in bases() {
            // What goes to where memory says: only where the guest has none, or it may go round for ever.
            if LOADS_OF_PC.contains(&n) && !is_outside(base) {
                continue;
            }
            let registers = core::array::from_fn(|n| if n == 0 { base } else { 0x5a5a_0000 | n as u32 });
            let (vector, value) = match mode {
                0x13 => call(function, base),
                mode => (enter_and_return(function, registers, mode), 0),
            };
            check(function, base, vector, value);
        }
    }
}

/// Calls r1, and then faults.
const STUB: u32 = CODE + 0xf000;
const STUB_WORDS: [u32; 2] = [0xe12f_ff31 /* blx r1 */, 0xe7f0_00f0 /* udf */];

/// In another privileged mode, which has SPSR and a stack of its own; comes back by an exception: an `udf` behind the call.
fn enter_and_return(function: u32, mut registers: [u32; 14], mode: u32) -> u32 {
    registers[1] = function;
    registers[13] = DATA + 0x8000;
    enter(STUB, &registers, mode | 0xc0)
}

/// All instructions at all bases: in several modes, without the MMU, and with Nex's window mapped to the guest's memory.
pub(crate) fn all(run: &Run) {
    crate::code::place_a32(STUB, &STUB_WORDS);
    publish(STUB);
    for _ in 0..run.rounds(1) {
        for mode in [0x13, 0x17, 0x1b, 0x12, 0x1f, 0x11] {
            go(
                mode,
                || (),
                |function, base, vector, value| {
                    if is_outside(base) && vector == NONE {
                        run.survived([function, base, vector, value]);
                    }
                },
            );
        }
        one_to_one();
        // What is there instead: a pattern that no code or data of Nex has.
        let fill = || (DATA..DATA + 0x10_0000).step_by(4).for_each(|at| write(at, 0x5a5a_5a5a));
        fill();
        write(L1 + 4 * 0xfff, DATA | SECTION);
        write(L1 + 4 * 0xffe, DATA | SECTION);
        write(L1, DATA | SECTION);
        mmu_on(L1, 0, 0);
        // SAFETY: r13 and r14 of User mode, which a load may have changed.
        unsafe { asm!("cps #0x1f", "mov sp, #0", "mov lr, #0", "cps #0x13", out("lr") _, options(nomem)) };
        for function in all_instructions().into_iter().skip(3).take(3) {
            for base in (WINDOW.start - 0x80..=0xffff_ff80).step_by(0x3fc).chain(bases()) {
                let (vector, value) = call(function, base);
                // r1, from memory that has been stored to by nobody.
                if vector == NONE && base >= WINDOW.start - 0x80 && value != 0x5a5a_5a5a {
                    run.survived([function, base, vector, value]);
                }
            }
        }
        for mode in [0x13, 0x17, 0x12, 0x1f] {
            // Whatever the guest's own memory makes of it; but not where stores have left addresses to go to.
            go(mode, fill, |_, _, _, _| ());
        }
        mmu_off();
    }
}
