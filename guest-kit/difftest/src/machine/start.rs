//! Start code.

use core::arch::global_asm;

// _start: entered by the loader in SVC mode, MMU off.
//
// Out: difftest_main in SYS mode with A, I and F masked, VBAR at the first vector table, bss zero.
global_asm!(
    r#"
    .section .text.start, "ax", %progbits
    .arm
    .balign 4
    .global _start
    .type _start, %function
_start:
    cpsid   aif, #0x1f
    ldr     sp, =__stack_top
    ldr     r0, =__bss_start
    ldr     r1, =__bss_end
    mov     r3, #0
0:  cmp     r0, r1
    strlo   r3, [r0], #4
    blo     0b
    ldr     r0, =difftest_vectors_0
    mcr     p15, 0, r0, c12, c0, 0
    isb
    mov     r11, #0
    mov     lr, #0
    b       difftest_main
    .ltorg
    .size _start, . - _start
"#
);

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    super::console::print(format_args!("difftest: panic: {info}\n"));
    super::psci::system_off()
}
