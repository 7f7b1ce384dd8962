//! Start code and conduit for ARMv7-A.

use core::arch::{asm, global_asm};

use crate::{Context, Exit};

// _start: entered by Nex, or by anything else that follows the ARM Linux boot protocol.
//
// In:  r2 = guest physical address of the device tree; sp undefined; any mode, MMU off or mapped one to one.
// Out: never. Calls nex_guest_start(r0 = device tree) with sp at the top of the stack, bss zero, fp and lr 0 (where a
//      backtrace ends).
//
// Nothing here is privileged, so it runs in User mode as well as in a guest's own SVC mode.
// bss is zeroed although Nex's ELF loader has done so: a flat binary has nobody else to do it.
global_asm!(
    r#"
    .section .text.nex_guest_start, "ax", %progbits
    .arm
    .balign 4
    .global _start
    .type _start, %function
_start:
    ldr     sp, =__stack_top
    ldr     r0, =__bss_start
    ldr     r1, =__bss_end
    mov     r3, #0
0:  cmp     r0, r1
    strlo   r3, [r0], #4
    blo     0b
    mov     r0, r2
    mov     r11, #0
    mov     lr, #0
    b       nex_guest_start
    .ltorg
    .size _start, . - _start
"#
);

unsafe extern "Rust" {
    /// Made by [`entry!`](crate::entry).
    fn nex_guest_main(context: &Context) -> Exit;
}

unsafe extern "C" {
    /// First byte behind bss, page aligned. From guest.ld: only its address means anything.
    static __image_end: u8;
}

/// The first Rust code. `dtb` is what r2 was.
#[unsafe(no_mangle)]
extern "C" fn nex_guest_start(dtb: u32) -> ! {
    // SAFETY: `dtb` is r2 at entry, which by the boot protocol is the address of a device tree in RAM; nothing has
    // written to memory outside the image since.
    let context = unsafe { Context::new(dtb) };
    // SAFETY: `entry!` defines this function with exactly this signature; a guest without it does not link.
    let exit = unsafe { nex_guest_main(&context) };
    match exit {
        Exit::PowerOff => crate::exit(),
        Exit::Reset => crate::reset(),
    }
}

/// Makes a call: r0 to r3 in, r0 to r3 out. Keeps every other register (docs/abi.md, section 4).
///
/// # Safety
///
/// What the call does to memory must be sound: a buffer named by address must be the caller's to read or to write.
pub(crate) unsafe fn hvc(function: u32, [a, b, c]: [u32; 3]) -> [u32; 4] {
    let (r0, r1, r2, r3);
    // SAFETY: the caller's duty. Not `nomem`: Nex reads and writes buffers.
    unsafe {
        asm!(
            ".arch_extension virt",
            "hvc #0",
            inout("r0") function => r0,
            inout("r1") a => r1,
            inout("r2") b => r2,
            inout("r3") c => r3,
            options(nostack, preserves_flags),
        );
    }
    [r0, r1, r2, r3]
}

/// Guest physical address of the first byte behind this program, page aligned.
pub(crate) fn image_end() -> u32 {
    (&raw const __image_end).addr() as u32
}
