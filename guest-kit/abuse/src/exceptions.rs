//! Exceptions without end, and vectors that are none.

use core::arch::asm;

use crate::Run;
use crate::code::place_a32;
use crate::machine::*;

macro_rules! faults {
    ($($name:ident $text:literal => $kernel:ident $user:ident)*) => {
        $(extern "C" fn $name(_: u32) -> u32 {
            // SAFETY: none; an exception ends the attempt, and what comes after it restores all registers.
            unsafe { asm!($text, out("lr") _) };
            0
        })*
        /// Functions that fault, and where that takes the kernel and the user.
        const FAULTS: &[(extern "C" fn(u32) -> u32, u32, u32)] = &[$(($name, $kernel, $user)),*];
    };
}

faults! {
    udf "udf #0" => UNDEFINED UNDEFINED
    hvc ".inst 0xe1400071" => UNDEFINED UNDEFINED
    smc ".inst 0xe1600070" => UNDEFINED UNDEFINED
    svc "svc #1" => SVC NONE
    bkpt "bkpt #0" => PREFETCH PREFETCH
    float ".inst 0xeeb00a60" => UNDEFINED UNDEFINED
    unknown ".inst 0xee000100" => UNDEFINED UNDEFINED
}

extern "C" fn jump(at: u32) -> u32 {
    call_address(at);
    0
}

fn call_address(at: u32) {
    // SAFETY: none; a prefetch abort ends the attempt.
    unsafe { asm!("blx {0}", in(reg) at, out("lr") _) };
}

/// One exception after the other, of the kernel and of its user.
pub(crate) fn storm(run: &Run) {
    set_cpacr(0);
    let check = |(vector, _): (u32, u32), expected: u32, which: u32| {
        if vector != expected {
            run.wrong([vector, expected, which, 0]);
        }
    };
    for n in 0..run.rounds(5000) {
        for (which, &(function, kernel, user)) in FAULTS.iter().enumerate() {
            check(attempt(function, n), kernel, which as u32);
            check(attempt_as_user(function, n), user, which as u32 + 0x100);
        }
        check(attempt(load, NOTHING), DATA_ABORT, 0x10);
        check(attempt(store, NOTHING), DATA_ABORT, 0x11);
        check(attempt_as_user(load, NOTHING), DATA_ABORT, 0x12);
        check(attempt(jump, NOTHING), PREFETCH, 0x13);
        check(attempt_as_user(jump, WINDOW.start), PREFETCH, 0x14);
    }
}

/// Instructions for one vector: r10 counts down; as long as it is not zero, the vector itself faults.
struct Vector {
    offset: u32,
    fault: u32,
    start: extern "C" fn(u32) -> u32,
}

/// Vectors whose first instructions fault, each some thousand times.
pub(crate) fn vectors_fault(run: &Run) {
    const COUNT_DOWN: u32 = 0xe25a_a001; // subs r10, r10, #1
    let back = back_address();
    let vectors = [
        Vector { offset: 0x4, fault: 0x1e00_0100, start: with_counter_udf }, // cdpne p1, 0, c0, c0, c0, 0
        Vector { offset: 0x8, fault: 0x1f00_0000, start: with_counter_svc }, // svcne #0
        Vector { offset: 0xc, fault: 0x112f_ff1b, start: with_counter_jump }, // bxne r11
        Vector { offset: 0x10, fault: 0x159b_0000, start: with_counter_load }, // ldrne r0, [r11]
    ];
    for vector in vectors {
        let at = CODE + vector.offset;
        // ldr pc, [pc, #-4]: on to the end of the attempt.
        place_a32(at, &[COUNT_DOWN, vector.fault, 0xe51f_f004, back]);
        publish(CODE);
        set_vbar(CODE);
        let (_, _) = attempt(vector.start, run.rounds(20_000));
        use_vectors();
    }
}

fn back_address() -> u32 {
    unsafe extern "C" {
        fn nex_abuse_back();
    }
    nex_abuse_back as *const () as usize as u32
}

macro_rules! starts {
    ($($name:ident $text:literal)*) => {
        $(extern "C" fn $name(count: u32) -> u32 {
            // SAFETY: none; the vectors restore all registers at last.
            unsafe { asm!("mov r10, r0", "mov r11, r1", $text, inout("r0") count => _, in("r1") NOTHING, out("r10") _, out("lr") _) };
            0
        })*
    };
}

starts! {
    with_counter_udf "udf #0"
    with_counter_svc "svc #0"
    with_counter_jump "bx r11"
    with_counter_load "ldr r0, [r11]"
}

/// A vector that faults at itself. The guest goes round for ever; that is its own time.
pub(crate) fn vectors_endless(_: &Run) {
    place_a32(CODE, &[0xe7f0_00f0; 8]);
    publish(CODE);
    set_vbar(CODE);
    udf(0);
}

/// Vectors in what the MMU does not map: nothing can be fetched any more.
pub(crate) fn vectors_unmapped(run: &Run) {
    one_to_one();
    mmu_on(L1, 0, 0);
    set_vbar(NOTHING);
    udf(0);
    run.survived([0; 4]);
}

/// Vectors in Nex's text.
pub(crate) fn vectors_window(run: &Run) {
    set_vbar(WINDOW.start);
    svc(0);
    run.survived([0; 4]);
}
