//! PSCI 1.1 (ARM DEN 0022), 32-bit function ids.
//!
//! The ids with bit 30 set (`0xC400_0000`..) are for 64-bit callers and answered with
//! [`CallError::NotSupported`](crate::CallError::NotSupported), like every id which is not in this list.

/// `PSCI_VERSION`: no arguments; r0 = [`VERSION`].
pub const PSCI_VERSION: u32 = 0x8400_0000;
/// `CPU_SUSPEND`: r1 = power state, r2 = entry point, r3 = context id.
pub const CPU_SUSPEND: u32 = 0x8400_0001;
/// `CPU_OFF`: no arguments; returns only to refuse.
pub const CPU_OFF: u32 = 0x8400_0002;
/// `CPU_ON`: r1 = target MPIDR, r2 = entry point, r3 = context id.
pub const CPU_ON: u32 = 0x8400_0003;
/// `AFFINITY_INFO`: r1 = target MPIDR, r2 = lowest affinity level; r0 = [`AFFINITY_ON`] and so on.
pub const AFFINITY_INFO: u32 = 0x8400_0004;
/// `MIGRATE_INFO_TYPE`: no arguments; r0 = [`MIGRATE_NO_TRUSTED_OS`].
pub const MIGRATE_INFO_TYPE: u32 = 0x8400_0006;
/// `SYSTEM_OFF`: no arguments; does not return.
pub const SYSTEM_OFF: u32 = 0x8400_0008;
/// `SYSTEM_RESET`: no arguments; does not return.
pub const SYSTEM_RESET: u32 = 0x8400_0009;
/// `PSCI_FEATURES`: r1 = the id of a PSCI call or of `SMCCC_VERSION`; r0 = its feature flags or an error.
pub const PSCI_FEATURES: u32 = 0x8400_000a;

/// The version Nex reports, 1.1: major number in bits 31..16, minor in bits 15..0.
pub const VERSION: u32 = 0x0001_0001;

/// `AFFINITY_INFO` answer: the vCPU is on.
pub const AFFINITY_ON: u32 = 0;
/// `AFFINITY_INFO` answer: the vCPU is off.
pub const AFFINITY_OFF: u32 = 1;
/// `AFFINITY_INFO` answer: the vCPU has been told to start and has not run yet.
pub const AFFINITY_ON_PENDING: u32 = 2;

/// `MIGRATE_INFO_TYPE` answer: there is no trusted OS, so nothing to migrate.
pub const MIGRATE_NO_TRUSTED_OS: u32 = 2;

/// `PSCI_FEATURES` answer for a call that exists and has no flags. `CPU_SUSPEND` among them: bit 1 clear means the
/// original format of the power state, bit 0 clear means no OS-initiated mode.
pub const FEATURES_NONE: u32 = 0;

/// Bits of `CPU_SUSPEND`'s power state, original format, which must be zero: 31..26 and 23..17. Bits 25..24 are the
/// power level, bit 16 the state type, bits 15..0 the state id.
pub const POWER_STATE_RESERVED: u32 = 0xfcfe_0000;

/// Bits of a target MPIDR that name a CPU: Aff2, Aff1, Aff0. The others must be zero.
pub const MPIDR_AFFINITY: u32 = 0x00ff_ffff;
