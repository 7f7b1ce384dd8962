//! Address spaces that change all the time, and what kernel and user may each see.

use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU32, Ordering};

use crate::Run;
use crate::machine::*;

/// More address spaces than Nex keeps tables for.
const SPACES: u32 = 48;
/// Pages of each.
const PAGES: u32 = 16;
/// Where they are: below 1 GiB, which has a table for each space.
const AT: u32 = 0x1230_0000;

/// The page of memory that a space has as its page `n`.
fn page_of(space: u32, n: u32) -> u32 {
    DATA + (((space * 7 + n * 3) % (DATA_BYTES >> 12)) << 12)
}

/// A space's first-level table for the first GiB, with its second-level table.
fn table_of(space: u32) -> (u32, u32) {
    (RAM + 0x10_0000 + space * 0x1000, L2 + space * 0x400)
}

/// Changes TTBR0, ASID and DACR before every few accesses; what is read tells whose page it is.
pub(crate) fn thrash(run: &Run) {
    let mut random = Random::new(run.seed);
    one_to_one();
    for at in (DATA..DATA + DATA_BYTES).step_by(4096) {
        write(at, at);
    }
    for space in 0..SPACES {
        let (first, second) = table_of(space);
        for n in 0..1024 {
            write(first + 4 * n, 0);
        }
        // Domain 3.
        write(first + 4 * (AT >> 20), second | 3 << 5 | TABLE);
        for n in 0..PAGES {
            write(second + 4 * n, page_of(space, n) | PAGE | 1 << 11); // not global
        }
    }
    mmu_on(table_of(0).0, L1, 2);
    for round in 0..run.rounds(40_000) {
        let space = random.below(SPACES);
        // As kernels without a spare ASID do: none while TTBR0 changes.
        set_contextidr(0);
        set_ttbr0(table_of(space).0);
        set_contextidr((space + 1) | random.next() & 0xffff_ff00);
        // The others are anything, and so is 3; only 0 has to stay.
        let dacr = random.next() & !0xc3 | 1 | random.of(&[0, 1, 1, 1, 2, 3]) << 6;
        set_dacr(dacr);
        let open = dacr >> 6 & 1 == 1;
        for _ in 0..random.below(4) {
            let n = random.below(PAGES);
            let (vector, value) = attempt(load, AT + (n << 12));
            let expected = if open { (NONE, page_of(space, n)) } else { (DATA_ABORT, value) };
            if (vector, value) != expected {
                run.wrong([space, n, vector, value]);
            }
        }
        match random.below(64) {
            0 => drop(flush_asid(random.below(256))),
            1 => drop(flush_page((AT + (random.below(PAGES) << 12)) | random.below(256))),
            2 if round % 7 == 0 => drop(flush_all(0)),
            _ => {}
        }
    }
    set_dacr(0x5555_5555);
    mmu_off();
}

/// One MiB with pages of the kernel's and of its user's, touched in all orders.
pub(crate) fn mixed(run: &Run) {
    let mut random = Random::new(run.seed);
    one_to_one();
    for n in 0..256 {
        let kind = [PAGE, PAGE_KERNEL, PAGE_KERNEL_READ, 0x02e /* user may read */][n as usize % 4];
        write(L2 + 4 * n, (DATA + (n << 12)) | kind);
        write(DATA + (n << 12), DATA + (n << 12));
    }
    write(L1 + 4 * 0x700, L2 | TABLE);
    mmu_on(L1, 0, 0);
    for _ in 0..run.rounds(30_000) {
        let n = random.below(256);
        let va = 0x7000_0000 + (n << 12);
        let (kernel, user) = (random.below(2) == 0, random.below(2) == 0);
        // Where a store is allowed it writes what is there already, but in a word of its own.
        let allowed = |read: bool, kernel: bool| match (n % 4, read, kernel) {
            (0, _, _) | (1..=3, true, true) | (1 | 3, false, true) | (3, true, false) => NONE,
            _ => DATA_ABORT,
        };
        for (on, is_kernel) in [(kernel, true), (user, false)] {
            if !on {
                continue;
            }
            let go = if is_kernel { attempt } else { attempt_as_user };
            let read = go(load, va);
            let expected = allowed(true, is_kernel);
            if read.0 != expected || expected == NONE && read.1 != DATA + (n << 12) {
                run.survived([va, u32::from(is_kernel), read.0, read.1]);
            }
            let written = go(store, va + 4);
            if written.0 != allowed(false, is_kernel) {
                run.survived([va, u32::from(is_kernel) + 2, written.0, n]);
            }
        }
        if random.below(50) == 0 {
            flush_page(va);
        }
    }
    mmu_off();
}

global_asm!(
    r#"
    .section .text.nex_abuse_copy, "ax"
    .arm
    .global nex_abuse_copy_vectors
    .balign 32
nex_abuse_copy_vectors:
    b .
    b .
    b .
    b .
    b 1f
    b .
    b .
    b .
1:  ldr sp, =__abort_stack_top
    sub lr, lr, #8
    push {{r0-r3, r12, lr}}
    bl nex_abuse_copy_page
    ldm sp!, {{r0-r3, r12, pc}}^
    .ltorg

    // r0 = address of a counter: adds one to it; gives how often it had to try.
    .global nex_abuse_count_up
nex_abuse_count_up:
    mov r3, #0
1:  add r3, r3, #1
    ldrex r1, [r0]
    add r1, r1, #1
    strex r2, r1, [r0]
    cmp r2, #0
    bne 2f
    mov r0, r3
    bx lr
2:  cmp r3, #1000
    blo 1b
    mov r0, r3
    bx lr
    .text
    "#
);

/// The page that is mapped now, and how often it was copied.
static MAPPED: AtomicU32 = AtomicU32::new(DATA);
static COPIES: AtomicU32 = AtomicU32::new(0);
const COPIED_AT: u32 = 0x7000_0000;

/// The kernel's abort handler: a copy that may be written to.
#[unsafe(no_mangle)]
extern "C" fn nex_abuse_copy_page() {
    let old = MAPPED.load(Ordering::Relaxed);
    let new = if old == DATA { DATA + 0x1000 } else { DATA };
    for offset in (0..4096).step_by(4) {
        write(new + offset, read(old + offset));
    }
    write(L2, new | PAGE);
    flush_page(COPIED_AT);
    MAPPED.store(new, Ordering::Relaxed);
    COPIES.fetch_add(1, Ordering::Relaxed);
}

/// LDREX finds the page read-only, STREX has it copied. Both again, and it must be done soon.
pub(crate) fn copy_on_write(run: &Run) {
    unsafe extern "C" {
        fn nex_abuse_copy_vectors();
        fn nex_abuse_count_up(at: *mut u32) -> u32;
    }
    const COUNTER: u32 = COPIED_AT + 0x40;
    /// Read-only for all.
    const READ_ONLY: u32 = 0x23e;
    one_to_one();
    write(L1 + 4 * (COPIED_AT >> 20), L2 | TABLE);
    write(DATA + 0x40, 0);
    write(L2, DATA | PAGE);
    mmu_on(L1, 0, 0);
    set_vbar(nex_abuse_copy_vectors as *const () as usize as u32);
    let rounds = run.rounds(3000);
    for round in 0..rounds {
        write(L2, MAPPED.load(Ordering::Relaxed) | READ_ONLY);
        flush_page(COPIED_AT);
        // SAFETY: the address is mapped, and the handler makes it writable.
        let tries = unsafe { nex_abuse_count_up(core::ptr::with_exposed_provenance_mut(COUNTER as usize)) };
        if tries > 10 {
            run.wrong([round, tries, 0, 0]);
        }
        if read(COUNTER) != round + 1 {
            run.wrong([round, read(COUNTER), 1, 0]);
        }
    }
    use_vectors();
    // SAFETY: leaves nothing marked.
    unsafe { asm!("clrex") };
    if COPIES.load(Ordering::Relaxed) != rounds {
        run.wrong([rounds, COPIES.load(Ordering::Relaxed), 2, 0]);
    }
    mmu_off();
}
