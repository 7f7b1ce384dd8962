//! Mapped memory.

use core::arch::asm;

use nex_guest_linux::memory::{Mapping, PAGE, PRIVATE, READ, SHARED, WRITE};
use nex_guest_linux::process::{self, End};
use nex_guest_linux::sys::{self, Result, call};

use crate::{ensure, next};

/// A child's writes are its own, and the parent's do not reach it; shared memory is both's.
pub(super) fn copy_on_write(round: u32) -> Result<()> {
    const PAGES: usize = 64;
    let private = Mapping::new(PAGES, READ | WRITE, PRIVATE)?;
    let shared = Mapping::new(PAGES, READ | WRITE, SHARED)?;
    let value = |page: usize| round ^ (page as u32 * 0x0101_0101);
    for page in 0..PAGES {
        private.write(page, value(page));
    }
    let (wait_for, tell) = sys::pipe()?;
    let child = process::spawn(|| {
        // The parent has changed its pages by then.
        sys::read(wait_for, &mut [0])?;
        for page in 0..PAGES {
            ensure(private.read(page) == value(page), "a child sees its parent's writes")?;
            private.write(page, !value(page));
            shared.write(page, value(page) + 1);
        }
        ensure((0..PAGES).all(|page| private.read(page) == !value(page)), "a child lost what it wrote")
    })?;
    for page in (0..PAGES).step_by(2) {
        private.write(page, value(page) + 2);
    }
    sys::write_all(tell, &[1])?;
    process::wait_good(child)?;
    sys::close(wait_for)?;
    sys::close(tell)?;
    for page in 0..PAGES {
        let expected = if page % 2 == 0 { value(page) + 2 } else { value(page) };
        ensure(private.read(page) == expected, "the parent sees its child's writes")?;
        ensure(shared.read(page) == value(page) + 1, "shared memory is not shared")?;
    }
    Ok(())
}

/// A page here and there in a gibibyte.
pub(super) fn sparse(round: u32) -> Result<()> {
    const PAGES: usize = 0x4000_0000 / PAGE;
    const NORESERVE: u32 = 0x4000;
    let mapping = Mapping::new(PAGES, READ | WRITE, PRIVATE | NORESERVE)?;
    let mut state = round | 1;
    let mut touched = [0usize; 200];
    for page in &mut touched {
        *page = next(&mut state) as usize % PAGES;
        mapping.write(*page, *page as u32 ^ round);
    }
    for page in touched {
        ensure(mapping.read(page) == page as u32 ^ round, "a page of a large mapping changed")?;
    }
    // Untouched ones read as zero.
    let other = touched[0] ^ 1;
    ensure(touched.contains(&other) || mapping.read(other) == 0, "a new page is not zero")
}

/// Rights come and go: what Linux says about a write by the kernel itself on this process's behalf shows them, and a
/// child that writes all the same is killed.
pub(super) fn protection(round: u32) -> Result<()> {
    const SIGSEGV: u32 = 11;
    let mapping = Mapping::new(8, READ | WRITE, PRIVATE)?;
    (0..8).for_each(|page| mapping.write(page, round));
    let write_all = || -> Result<End> {
        let child = process::spawn(|| {
            (0..8).for_each(|page| mapping.write(page, 1));
            Ok(())
        })?;
        process::wait(child)
    };
    for (access, end) in [
        (READ, End::Killed(SIGSEGV)),
        (READ | WRITE, End::Exited(0)),
        (0, End::Killed(SIGSEGV)),
        (READ | WRITE, End::Exited(0)),
    ] {
        mapping.protect(access)?;
        ensure(write_all()? == end, "a write was allowed or refused wrongly")?;
        // The kernel's own access with this process's rights: LDRT, STRT and their like.
        let zero = sys::open(c"/dev/zero", sys::O_RDONLY)?;
        // SAFETY: Linux writes four bytes of a mapping that nothing refers to, or refuses.
        let result = unsafe { call("read", 3, [zero as usize, mapping.page(3).addr(), 4]) };
        sys::close(zero)?;
        ensure(result.is_ok() == (access & WRITE != 0), "the kernel wrote where this process may not")?;
    }
    (0..8).try_for_each(|page| {
        ensure(mapping.read(page) == if page == 3 { 0 } else { round }, "a page changed")
    })
}

/// Much of the memory that is free, twice, and back: the second time Linux has to clear what the first left.
pub(super) fn pressure(round: u32) -> Result<()> {
    // Two soaks and a shell may want some as well.
    let pages = (sys::free_memory()? / 4).min(32 << 20) / PAGE;
    for pass in 0..2 {
        let mapping = Mapping::new(pages, READ | WRITE, PRIVATE)?;
        for page in 0..pages {
            ensure(mapping.read(page) == 0, "a new page is not zero")?;
            mapping.write(page, round ^ page as u32 ^ pass);
        }
        let same = |page| mapping.read(page) == round ^ page as u32 ^ pass;
        ensure((0..pages).all(same), "a page changed")?;
    }
    Ok(())
}

/// What is written to a file shows in its mapping, and the other way round; unaligned and wide accesses too.
pub(super) fn file(round: u32) -> Result<()> {
    let file = sys::memory_file()?;
    let mut bytes = [0u8; 2 * PAGE];
    let mut state = round | 1;
    bytes.iter_mut().for_each(|byte| *byte = next(&mut state) as u8);
    sys::write_all(file, &bytes)?;
    let mapping = Mapping::of_file(2, READ | WRITE, SHARED, file)?;
    // SAFETY: within the mapping; the addresses are right for each instruction (ARMv7 has unaligned LDR and LDRH, not LDRD).
    // The word at 4094 is in both pages.
    let (word, half, double): (u32, u32, u64) = unsafe {
        let (word, half, low, high): (u32, u32, u32, u32);
        asm!(
            "ldr {0}, [{2}, #-2]",
            "ldrh {1}, [{2}, #-1]",
            "ldrd r2, r3, [{2}]",
            out(reg) word,
            out(reg) half,
            in(reg) mapping.page(1),
            out("r2") low,
            out("r3") high,
            options(nostack, readonly)
        );
        (word, half, u64::from(high) << 32 | u64::from(low))
    };
    let from = |at: usize, length: usize| {
        bytes[at..at + length].iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte))
    };
    ensure(u64::from(word) == from(PAGE - 2, 4), "an unaligned word is wrong")?;
    ensure(u64::from(half) == from(PAGE - 1, 2), "an unaligned half-word is wrong")?;
    ensure(double == from(PAGE, 8), "a double word is wrong")?;
    mapping.write(1, !round);
    let other = Mapping::of_file(2, READ, PRIVATE, file)?;
    ensure(other.read(1) == !round, "two mappings of a file differ")?;
    sys::close(file).map(drop)
}
