//! SMCCC discovery calls (ARM DEN 0028, section 7).

/// `SMCCC_VERSION`: no arguments; r0 = [`VERSION`].
pub const SMCCC_VERSION: u32 = 0x8000_0000;

/// `SMCCC_ARCH_FEATURES`: r1 = the id of an Arm architecture service call; r0 = 0 when Nex has it, otherwise
/// [`CallError::NotSupported`](crate::CallError::NotSupported).
pub const SMCCC_ARCH_FEATURES: u32 = 0x8000_0001;

/// The version of the convention Nex follows, 1.1: major number in bits 30..16, minor in bits 15..0.
pub const VERSION: u32 = 0x0001_0001;
