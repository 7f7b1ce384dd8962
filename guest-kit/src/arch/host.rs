//! No hypervisor under a host build: every call is unknown, as on a machine which is not Nex.

use nex_abi::CallError;

/// Answers "not supported" and leaves the other registers alone.
///
/// # Safety
///
/// None here; the signature is the target's.
pub(crate) unsafe fn hvc(_function: u32, [a, b, c]: [u32; 3]) -> [u32; 4] {
    [CallError::NotSupported.to_r0(), a, b, c]
}

/// There is no image in guest memory; the address where one would start.
pub(crate) fn image_end() -> u32 {
    nex_abi::platform::IMAGE_BASE
}
