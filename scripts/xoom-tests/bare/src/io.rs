//! Device registers, and the console.

use core::arch::asm;

/// UARTB, which the boot loader has set up.
const UART: u32 = 0x7000_6040;
const LSR: u32 = 0x14;
const LSR_THRE: u32 = 1 << 5;

pub(crate) fn read(address: u32) -> u32 {
    let value;
    // SAFETY: The program has the machine to itself, and no memory that Rust knows about is at the addresses of devices;
    // an access to nothing is skipped by the data abort's handler. The instruction is spelled out so that one is skipped.
    unsafe { asm!("ldr {}, [{}]", lateout(reg) value, in(reg) address, options(nostack, preserves_flags)) };
    value
}

pub(crate) fn write(address: u32, value: u32) {
    // SAFETY: As above.
    unsafe { asm!("str {}, [{}]", in(reg) value, in(reg) address, options(nostack, preserves_flags)) };
}

pub(crate) fn set_bits(address: u32, bits: u32) {
    write(address, read(address) | bits);
}

pub(crate) fn clear_bits(address: u32, bits: u32) {
    write(address, read(address) & !bits);
}

pub(crate) fn print(text: &str) {
    for byte in text.bytes() {
        while read(UART + LSR) & LSR_THRE == 0 {}
        write(UART, byte.into());
    }
}

pub(crate) fn print_hex(value: u32) {
    print("0x");
    for shift in (0..8).rev() {
        let digit = b"0123456789abcdef"[(value >> (4 * shift) & 0xf) as usize];
        print(core::str::from_utf8(&[digit]).unwrap_or("?"));
    }
}

/// Microseconds.
pub(crate) fn now() -> u32 {
    read(0x6000_5010)
}

/// Waits until `done`, at most so long. False: it was not.
pub(crate) fn wait_for(microseconds: u32, mut done: impl FnMut() -> bool) -> bool {
    let start = now();
    loop {
        if done() {
            return true;
        }
        if now().wrapping_sub(start) > microseconds {
            return done();
        }
    }
}
