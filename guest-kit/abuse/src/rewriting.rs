//! Code that is written while it runs.

use core::arch::global_asm;

use crate::Run;
use crate::code::{A32_RETURN, T32_RETURN, place_a32};
use crate::machine::*;

global_asm!(
    r#"
    .section .text.nex_abuse_writers, "ax"
    .arm
    // To be copied: r0 = where to go to at last, then pairs of an address and a word to write there, up to an address of 0.
    .global nex_abuse_writer
nex_abuse_writer:
    ldr r3, [r0]
    ldr r1, [r0, #4]!
1:  ldr r2, [r0, #4]
    str r2, [r1]
    mcr p15, 0, r1, c7, c11, 1
    ldr r1, [r0, #8]!
    cmp r1, #0
    bne 1b
    dsb
    mcr p15, 0, r1, c7, c5, 0
    mcr p15, 0, r1, c7, c5, 6
    dsb
    isb
    bx r3
    .global nex_abuse_writer_end
nex_abuse_writer_end:

    .thumb
    .balign 4
    .global nex_abuse_writer_t32
nex_abuse_writer_t32:
    ldr r3, [r0]
    ldr r1, [r0, #4]!
1:  ldr r2, [r0, #4]
    str r2, [r1]
    mcr p15, 0, r1, c7, c11, 1
    ldr r1, [r0, #8]!
    cmp r1, #0
    bne 1b
    dsb
    mcr p15, 0, r1, c7, c5, 0
    mcr p15, 0, r1, c7, c5, 6
    dsb
    isb
    bx r3
    .balign 4
    .global nex_abuse_writer_t32_end
nex_abuse_writer_t32_end:
    .arm
    .text
    "#
);

unsafe extern "C" {
    static nex_abuse_writer: u8;
    static nex_abuse_writer_end: u8;
    static nex_abuse_writer_t32: u8;
    static nex_abuse_writer_t32_end: u8;
}

/// A copy of a writer at `at`.
fn place_writer(at: u32, thumb: bool) {
    let (start, end) = if thumb {
        (&raw const nex_abuse_writer_t32, &raw const nex_abuse_writer_t32_end)
    } else {
        (&raw const nex_abuse_writer, &raw const nex_abuse_writer_end)
    };
    let (start, end) = (start.addr() as u32 & !1, end.addr() as u32 & !1);
    for offset in (0..end - start).step_by(4) {
        write(at + offset, read(start + offset));
    }
    publish(at);
}

/// Words for a round, and what they give in r0 (under a mask). The first one is sensitive in two of three rounds.
fn a32(round: u32) -> ([u32; 2], u32, u32) {
    match round % 3 {
        0 => ([0xe3a0_0000 | round & 0xff, A32_RETURN], round & 0xff, !0), // mov r0, #n
        1 => ([0xe10f_0000, A32_RETURN], 0x13, 0x1f),                      // mrs r0, cpsr
        _ => ([0xee1d_0f90, A32_RETURN], 0x1234_5678, !0),                 // mrc p15, 0, r0, c13, c0, 4
    }
}

/// The same for T32: two words.
fn t32(round: u32) -> ([u32; 2], u32, u32) {
    match round % 3 {
        0 => ([0x4770_2000 | round & 0xff, T32_RETURN], round & 0xff, !0), // movs r0, #n; bx lr
        1 => ([0x8000_f3ef, T32_RETURN], 0x13, 0x1f),                      // mrs r0, cpsr
        _ => ([0x0f90_ee1d, T32_RETURN], 0x1234_5678, !0),                 // mrc p15, 0, r0, c13, c0, 4
    }
}

/// Where the pairs for a writer are.
const PAIRS: u32 = DATA;

fn check(run: &Run, what: u32, round: u32, (vector, value): (u32, u32), expected: u32, mask: u32) {
    if vector != NONE || value & mask != expected {
        run.wrong([what << 24 | round, vector, value, expected]);
    }
}

/// Written by a writer at `writer`, executed at `target`; written `alias` bytes further.
fn by_writer(run: &Run, what: u32, writer: u32, target: u32, alias: u32, thumb: bool) {
    place_writer(writer, thumb);
    let bit = u32::from(thumb);
    for round in 0..run.rounds(300) {
        let (words, expected, mask) = if thumb { t32(round) } else { a32(round) };
        let at = target.wrapping_add(alias);
        place_a32(PAIRS, &[target | bit, at, words[0], at + 4, words[1], 0]);
        check(run, what, round, call(writer | bit, PAIRS), expected, mask);
    }
}

extern "C" fn set_tpidrprw(value: u32) -> u32 {
    // SAFETY: nobody uses it.
    unsafe { core::arch::asm!("mcr p15, 0, {0}, c13, c0, 4", in(reg) value) };
    0
}

/// All ways to write code.
pub(crate) fn all(run: &Run) {
    set_tpidrprw(0x1234_5678);
    let elsewhere = CODE + 0x8000;
    for mmu in [false, true] {
        let base = if mmu { 0x10 } else { 0 };
        if mmu {
            one_to_one();
            // The page a second time, somewhere else.
            write(L1 + 4 * 0x700, CODE | SECTION);
            mmu_on(L1, 0, 0);
        }
        for thumb in [false, true] {
            let base = base | if thumb { 8 } else { 0 };
            by_writer(run, base, elsewhere, CODE + 0x100, 0, thumb);
            by_writer(run, base | 1, CODE, CODE + 0x800, 0, thumb);
            // Across two pages: a 32-bit T32 instruction has a half in each.
            by_writer(run, base | 2, elsewhere, CODE + 0xffc, 0, thumb);
            if mmu {
                by_writer(run, base | 3, elsewhere, CODE + 0x100, 0x7000_0000 - CODE, thumb);
                by_writer(run, base | 4, CODE, CODE + 0x800, 0x7000_0000 - CODE, thumb);
            }
        }
        if mmu {
            mmu_off();
        }
    }
    straddling(run);
}

/// All free memory is code with instructions that Nex cannot replace by a code that says all: it has to remember each of them.
pub(crate) fn all_code(run: &Run) {
    const BYTES_OF_PAGE: u32 = 4096;
    for at in (DATA..DATA + DATA_BYTES).step_by(4) {
        // Unprivileged loads with an offset of their own each, and a return.
        let offset = (at >> 2).wrapping_mul(0x9e5) & 0xfff;
        let word = if at % BYTES_OF_PAGE == BYTES_OF_PAGE - 4 { A32_RETURN } else { 0xe4b1_2000 | offset };
        write(at, word);
    }
    one_to_one();
    mmu_on(L1, 0, 0);
    for _ in 0..run.rounds(2) {
        for at in (DATA..DATA + DATA_BYTES).step_by(BYTES_OF_PAGE as usize) {
            publish(at);
            // The first one faults.
            let (vector, _) = call(at, 0);
            if vector != DATA_ABORT {
                run.wrong([at, vector, 0, 0]);
            }
        }
    }
    mmu_off();
}

/// A T32 instruction with a half in each of two pages, each half written by itself.
fn straddling(run: &Run) {
    let at = CODE + 0xffc;
    for round in 0..run.rounds(300) {
        let ([first, _], expected, mask) = t32(round % 2 + 1);
        let value = if round % 4 < 2 {
            // nop, and the first half; the second half and a return.
            write(at, 0xbf00 | first << 16);
            write(at + 4, first >> 16 | 0x4770_0000);
            first
        } else {
            // The second page only: `mrs r0, cpsr` becomes `mrs r2, cpsr`, and r0 stays.
            write(at, 0xf3ef_bf00);
            write(at + 4, 0x8200 | 0x4770_0000);
            0
        };
        publish(at);
        publish(at + 4);
        let result = call(at | 1, 77);
        match value {
            0 => check(run, 0x20, round, result, 77, !0),
            _ => check(run, 0x21, round, result, expected, mask),
        }
    }
}
