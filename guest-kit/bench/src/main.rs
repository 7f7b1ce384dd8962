//! Measures what the operations of an operating system's kernel cost in instructions.
//!
//! It is a kernel like any other, which knows nothing of Nex, and the same file runs natively on QEMU's `virt` machine
//! and as a domain of Nex: its own page tables, vectors, interrupts, User mode. Time is read from the virtual timer;
//! with QEMU's `-icount shift=0` a nanosecond is an instruction, and all that Nex does is in it.
//!
//! On the console, for `scripts/bench`, which runs it:
//!
//! ```text
//! bench: begin FREQUENCY          ticks in a second
//! row GROUP NAME TICKS OPERATIONS NAME may have spaces in it
//! bench: end ROWS                 how many there were
//! ```
//!
//! or `bench: error: ...`. Then the machine is powered off.

#![no_std]
#![no_main]

mod measure;
mod memory_map;
mod mmu;
mod platform;
mod rows;
mod vectors;

use core::arch::global_asm;
use core::fmt::Write;
use core::panic::PanicInfo;

// _start: entered in SVC mode with the MMU off, by the ELF loader of QEMU or of Nex.
//
// Out: never. Calls `main` with a stack for every mode in use, bss zero, all interrupts masked.
global_asm!(
    r#"
    .section .text.start, "ax", %progbits
    .arm
    .balign 4
    .global _start
    .type _start, %function
_start:
    cpsid   aif, #0x12
    ldr     sp, =__irq_stack_top
    cps     #0x17
    ldr     sp, =__abort_stack_top
    cps     #0x1b
    ldr     sp, =__undefined_stack_top
    cps     #0x13
    ldr     sp, =__stack_top
    ldr     r0, =__bss_start
    ldr     r1, =__bss_end
    mov     r2, #0
0:  cmp     r0, r1
    strlo   r2, [r0], #4
    blo     0b
    mov     r11, #0
    mov     lr, #0
    b       {main}
    .ltorg
    .size _start, . - _start
    .text
"#,
    main = sym main
);

/// The first Rust code, which runs once, with the MMU off.
extern "C" fn main() -> ! {
    platform::Console::start();
    vectors::start();
    mmu::start();
    platform::allow_floating_point();
    platform::start_interrupts();
    println!("bench: begin {}", platform::frequency());
    let mut count = 0;
    for row in rows::all() {
        row.run();
        count += 1;
    }
    println!("bench: end {count}");
    platform::power_off()
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let _ = writeln!(platform::Console, "bench: error: {info}");
    platform::power_off()
}
