//! PSCI by HVC (ARM DEN 0022).

use core::arch::asm;

/// Makes a call.
pub(crate) fn call(function: u32, a: u32, b: u32, c: u32) -> u32 {
    let result;
    // SAFETY: the calls made here answer in r0 to r3 and change no memory of ours.
    unsafe {
        asm!(".arch_extension virt", "hvc #0", inout("r0") function => result, inout("r1") a => _,
             inout("r2") b => _, inout("r3") c => _, out("r12") _, options(nostack));
    }
    result
}

/// SYSTEM_OFF.
pub(crate) fn system_off() -> ! {
    loop {
        call(0x8400_0008, 0, 0, 0);
    }
}
