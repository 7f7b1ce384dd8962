//! Data: copied, from one device to another, and through programs.

use nex_guest_linux::memory::{Mapping, POPULATE, PRIVATE, READ, WRITE};
use nex_guest_linux::process;
use nex_guest_linux::sys::{self, Result};

use crate::{Row, repeated};

/// A mebibyte.
const MIB: usize = 1 << 20;

pub(super) const ROWS: &[Row] = &[
    Row::new("memcpy, 1 MiB", 100, copy),
    Row::new("/dev/zero to /dev/null, 1 MiB", 20, zero_to_null),
    Row::new("gzip of 1 MiB", 1, |count| repeated(count, gzip)),
    Row::new("awk over 1 MiB", 1, |count| repeated(count, awk)),
];

const TEXT: &core::ffi::CStr = c"/tmp/bench.txt";
const NULL: &core::ffi::CStr = c"/dev/null";

/// Makes the file that the programs read: a mebibyte of words and numbers, always the same.
pub(super) fn prepare() -> Result<()> {
    const WORDS: [&str; 16] = [
        "page",
        "table",
        "fault",
        "domain",
        "timer",
        "the",
        "of",
        "virtual",
        "interrupt",
        "a",
        "register",
        "shadow",
        "and",
        "mode",
        "guest",
        "cache",
    ];
    let file = sys::open(TEXT, sys::O_WRONLY | sys::O_CREAT | sys::O_TRUNC)?;
    let mut block = [b'\n'; 4096];
    let mut random = 0x2545_f491u32;
    for _ in 0..MIB / block.len() {
        block.fill(b'\n');
        let mut length = 0;
        loop {
            // xorshift32.
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            let word = WORDS[(random >> 28) as usize];
            // The word, two digits, and a separator: a line has eight words on average.
            if length + word.len() + 3 >= block.len() {
                break;
            }
            block[length..length + word.len()].copy_from_slice(word.as_bytes());
            length += word.len();
            for digit in [random >> 8 & 7, random >> 4 & 7] {
                block[length] = b'0' + digit as u8;
                length += 1;
            }
            block[length] = if random & 7 == 0 { b'\n' } else { b' ' };
            length += 1;
        }
        sys::write_all(file, &block)?;
    }
    sys::close(file).map(drop)
}

/// Removes it.
pub(super) fn clean() -> Result<()> {
    sys::unlink(TEXT)
}

fn copy(count: u32) -> Result<u64> {
    let from = Mapping::new(MIB / 4096, READ | WRITE, PRIVATE | POPULATE)?;
    let to = Mapping::new(MIB / 4096, READ | WRITE, PRIVATE | POPULATE)?;
    for mapping in [&from, &to] {
        (0..mapping.pages()).for_each(|page| mapping.write(page, 1));
    }
    repeated(count, || {
        // SAFETY: both mappings have a mebibyte, and they do not overlap.
        unsafe { copy_blocks(to.start(), from.start(), MIB) };
        Ok(())
    })
}

/// Copies as a C library does: eight words at a time, the same instructions whatever the compiler has for memcpy.
///
/// # Safety
/// Both must have `bytes` bytes, a multiple of 32 and not 0, and be aligned to 4.
#[unsafe(naked)]
unsafe extern "C" fn copy_blocks(to: *mut u8, from: *const u8, bytes: usize) {
    core::arch::naked_asm!(
        "push {{r4-r9, lr}}",
        "1:",
        "ldm r1!, {{r3-r9, lr}}",
        "stm r0!, {{r3-r9, lr}}",
        "subs r2, r2, #32",
        "bne 1b",
        "pop {{r4-r9, pc}}",
    )
}

/// By 64 KiB.
fn zero_to_null(count: u32) -> Result<u64> {
    // On the stack, of which Linux allows 8 MiB.
    let mut buffer = [0; 0x1_0000];
    let zero = sys::open(c"/dev/zero", sys::O_RDONLY)?;
    let null = sys::open(NULL, sys::O_WRONLY)?;
    let time = repeated(count, || {
        for _ in 0..MIB / buffer.len() {
            sys::read(zero, &mut buffer)?;
            sys::write_all(null, &buffer)?;
        }
        Ok(())
    });
    sys::close(zero)?;
    sys::close(null)?;
    time
}

/// Runs busybox with its output to nowhere.
fn busybox(arguments: &[&core::ffi::CStr]) -> Result<()> {
    process::wait_good(process::spawn(|| {
        let null = sys::open(NULL, sys::O_WRONLY)?;
        sys::dup2(null, sys::STDOUT)?;
        Err(process::exec(c"/bin/busybox", arguments))
    })?)
}

fn gzip() -> Result<()> {
    busybox(&[c"gzip", c"-c", TEXT])
}

/// Counts words, as programs do with tables.
fn awk() -> Result<()> {
    const PROGRAM: &core::ffi::CStr =
        c"{ for (i = 1; i <= NF; i++) n[$i]++ } END { for (w in n) s += n[w] * length(w); print s }";
    busybox(&[c"awk", PROGRAM, TEXT])
}
