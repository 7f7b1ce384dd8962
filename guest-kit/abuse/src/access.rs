//! Device registers in every size, and the addresses that Nex has in every address space.

use core::arch::asm;

use crate::Run;
use crate::machine::*;

macro_rules! accesses {
    ($($name:ident $text:literal)*) => {
        $(extern "C" fn $name(at: u32) -> u32 {
            let value;
            // SAFETY: none; an abort ends the attempt. Stores go to devices or what the caller gives.
            unsafe { asm!($text, in("r0") at & !3, inout("r2") at => value, out("r3") _, out("r1") _) };
            value
        })*
        const ACCESSES: &[extern "C" fn(u32) -> u32] = &[$($name),*];
    };
}

accesses! {
    load_word "ldr r2, [r0]"
    load_half "ldrh r2, [r0, #2]"
    load_half_signed "ldrsh r2, [r0]"
    load_byte "ldrb r2, [r0, #3]"
    load_byte_signed "ldrsb r2, [r0, #1]"
    load_unaligned "ldr r2, [r0, #1]"
    load_double "ldrd r2, r3, [r0]"
    load_two "ldm r0, {{r2, r3}}"
    load_exclusive "ldrex r2, [r0]"
    load_unprivileged "ldrt r2, [r0], #0"
    store_word "str r2, [r0]"
    store_half "strh r2, [r0, #2]"
    store_byte "strb r2, [r0, #1]"
    store_double "strd r2, r3, [r0]"
    store_two "stm r0, {{r2, r3}}"
    store_exclusive "strex r1, r2, [r0]"
    store_up "str r2, [r0, #4]!"
    swap "swp r2, r2, [r0]"
    preload "pld [r0]"
    float_load ".inst 0xed900a00" // vldr s0, [r0]
    simd_load ".inst 0xf420078f"  // vld1.32 {d0}, [r0]
}

/// The transmit register of the UART, which would fill the console.
const UART_DATA: u32 = 0x0900_0000;

/// All registers of all devices in all ways, with and without the MMU.
pub(crate) fn devices(run: &Run) {
    let mut random = Random::new(run.seed);
    let dense = [
        (0x0800_0000u32, 0x1000u32),
        (0x0801_0000, 0x1100),
        (0x0900_0000, 0x1000),
        (0x0901_0000, 0x1000),
        (0x0a00_0000, 0x200),
    ];
    let sparse =
        [(0x0800_1000u32, 0xf000u32), (0x0a00_0000, 0x4000), (0x0400_0000, 0x8_0000), (0x0801_1100, 0xe000)];
    for mmu in [false, true] {
        if mmu {
            one_to_one();
            write(L1 + 4 * 0x040, 0x0400_0000 | DEVICE);
            mmu_on(L1, 0, 0);
        }
        let dense = dense.iter().flat_map(|&(base, bytes)| (base..base + bytes).step_by(4));
        let sparse = sparse.iter().flat_map(|&(base, bytes)| (base..base + bytes).step_by(0x3fc));
        for at in dense.chain(sparse) {
            if at & !0xf == UART_DATA {
                attempt(load_word, at);
                continue;
            }
            for &access in ACCESSES {
                // `at` is what is stored as well; other values by the low bits.
                let (vector, _) = attempt(access, at | random.below(4));
                if !matches!(vector, NONE | DATA_ABORT | UNDEFINED) {
                    run.wrong([at, vector, access as usize as u32, 0]);
                }
            }
            let (vector, _) = call(at, 0);
            if vector != PREFETCH {
                run.wrong([at, vector, 1, 0]);
            }
        }
        mmu_off();
        reset_cpu();
    }
}

/// Nex's window and what is around it.
pub(crate) fn window(run: &Run) {
    // Without the MMU nothing is there: as natively where a machine has nothing.
    for at in (WINDOW.start..WINDOW.end).step_by(0x7fc) {
        for &access in ACCESSES {
            // A hint, and a store that has lost its mark and may leave it at that (A3.4.5).
            if [preload as *const () as usize, store_exclusive as *const () as usize]
                .contains(&(access as usize))
            {
                attempt(access, at);
                attempt_as_user(access, at);
                continue;
            }
            let (vector, value) = attempt(access, at);
            if !matches!(vector, DATA_ABORT | UNDEFINED) {
                run.survived([at, vector, value, access as usize as u32]);
            }
            let (vector, value) = attempt_as_user(access, at);
            if !matches!(vector, DATA_ABORT | UNDEFINED) {
                run.survived([at, vector, value, 1]);
            }
        }
        let (vector, _) = call(at, 0);
        if vector != PREFETCH {
            run.survived([at, vector, 2, 0]);
        }
    }
    // With it, it is the guest's: a MiB of its memory, a page of which may be written by the kernel alone, and one read only.
    one_to_one();
    for n in 0..256 {
        let kind = [PAGE, PAGE_KERNEL, PAGE_KERNEL_READ][n as usize % 3];
        write(L2 + 4 * n, (DATA + (n << 12)) | kind);
    }
    write(L1 + 4 * 0xfff, L2 | TABLE);
    for at in (DATA..DATA + 0x10_0000).step_by(4) {
        write(at, !at);
    }
    mmu_on(L1, 0, 0);
    for at in (WINDOW.start..=0xffff_fff0).step_by(0x1f4) {
        let (at, mine) = (at & !3, DATA + (at & !3) - WINDOW.start);
        let kind = ((at >> 12) & 0xff) % 3;
        let (vector, value) = attempt(load_word, at);
        if (vector, value) != (NONE, !mine) {
            run.wrong([at, vector, value, !mine]);
        }
        let (vector, value) = attempt_as_user(load_word, at);
        match (kind, vector) {
            (0, NONE) if value == !mine => {}
            (1 | 2, DATA_ABORT) => {}
            _ => run.survived([at, vector, value, kind]),
        }
        let (vector, _) = attempt(store_word, at);
        let expected = if kind == 2 { (DATA_ABORT, !mine) } else { (NONE, at) };
        if (vector, read(mine)) != expected {
            run.wrong([at, vector, read(mine), kind]);
        }
        let (vector, _) = attempt_as_user(store_byte, at);
        if (vector == NONE) != (kind == 0) {
            run.survived([at, vector, kind, 3]);
        }
        write(mine, !mine);
        write(mine.wrapping_add(4) & 0xffff_fffc, !(mine.wrapping_add(4) & 0xffff_fffc));
    }
    for n in 0..256 {
        for at in [0u32, 0xff0] {
            for &access in ACCESSES {
                // Anything but a crash; memory is the guest's own.
                attempt(access, WINDOW.start + (n << 12) + at);
                attempt_as_user(access, WINDOW.start + (n << 12) + at);
            }
        }
    }
    mmu_off();
}

/// A jump into Nex's window where the guest has mapped code of its own: the domain stops with a report.
pub(crate) fn window_code(run: &Run) {
    one_to_one();
    write(L1 + 4 * 0xfff, CODE | SECTION);
    write(CODE, crate::code::A32_RETURN);
    mmu_on(L1, 0, 0);
    let (vector, _) = call(WINDOW.start, 0);
    run.survived([vector, 0, 0, 0]);
}
