//! ARM semihosting (ARM IHI 0101 / "Semihosting for AArch32 and AArch64"): ends QEMU with a status.

use core::arch::asm;

const SYS_EXIT_EXTENDED: u32 = 0x20;
const ADP_STOPPED_APPLICATION_EXIT: u32 = 0x20026;

/// Ends the emulator with `status`. Returns if nobody listens: without a semihosting host this is a plain SVC, so call
/// it only when the command line says that one is there.
pub fn exit(status: u32) {
    let block = [ADP_STOPPED_APPLICATION_EXIT, status];
    // SAFETY: the semihosting call for A32; the host reads the two words of `block`.
    unsafe {
        asm!("svc #0x123456", inout("r0") SYS_EXIT_EXTENDED => _, in("r1") block.as_ptr(), out("lr") _, options(nostack));
    }
}
