//! Function ids as an enum.

use crate::{nex, psci, smccc};

/// A call Nex knows. `Call::X as u32` is its function id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Call {
    /// Version of the calling convention.
    SmcccVersion = smccc::SMCCC_VERSION,
    /// Which architecture calls there are.
    SmcccArchFeatures = smccc::SMCCC_ARCH_FEATURES,
    /// Version of PSCI.
    PsciVersion = psci::PSCI_VERSION,
    /// Wait for an event.
    CpuSuspend = psci::CPU_SUSPEND,
    /// Stop the calling vCPU.
    CpuOff = psci::CPU_OFF,
    /// Start another vCPU.
    CpuOn = psci::CPU_ON,
    /// Whether a vCPU is on.
    AffinityInfo = psci::AFFINITY_INFO,
    /// Whether there is a trusted OS.
    MigrateInfoType = psci::MIGRATE_INFO_TYPE,
    /// Stop the domain.
    SystemOff = psci::SYSTEM_OFF,
    /// Start the domain afresh.
    SystemReset = psci::SYSTEM_RESET,
    /// Which PSCI calls there are.
    PsciFeatures = psci::PSCI_FEATURES,
    /// Write to the domain's console.
    ConsoleWrite = nex::CONSOLE_WRITE,
    /// Read from the domain's console.
    ConsoleRead = nex::CONSOLE_READ,
    /// What time it is.
    Time = nex::TIME,
    /// Give up the CPU until a given time.
    SleepUntil = nex::SLEEP_UNTIL,
    /// Give up the CPU once.
    Yield = nex::YIELD,
    /// How many calls Nex's own range has.
    CallCount = nex::CALL_COUNT,
    /// Whose range it is.
    CallUid = nex::CALL_UID,
    /// Version of Nex's own calls.
    Revision = nex::REVISION,
}

/// A function id that is none of [`Call`]; the answer is [`CallError::NotSupported`](crate::CallError::NotSupported).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCall(
    /// The id as the guest gave it in r0.
    pub u32,
);

impl TryFrom<u32> for Call {
    type Error = UnknownCall;

    fn try_from(id: u32) -> Result<Call, UnknownCall> {
        Ok(match id {
            smccc::SMCCC_VERSION => Call::SmcccVersion,
            smccc::SMCCC_ARCH_FEATURES => Call::SmcccArchFeatures,
            psci::PSCI_VERSION => Call::PsciVersion,
            psci::CPU_SUSPEND => Call::CpuSuspend,
            psci::CPU_OFF => Call::CpuOff,
            psci::CPU_ON => Call::CpuOn,
            psci::AFFINITY_INFO => Call::AffinityInfo,
            psci::MIGRATE_INFO_TYPE => Call::MigrateInfoType,
            psci::SYSTEM_OFF => Call::SystemOff,
            psci::SYSTEM_RESET => Call::SystemReset,
            psci::PSCI_FEATURES => Call::PsciFeatures,
            nex::CONSOLE_WRITE => Call::ConsoleWrite,
            nex::CONSOLE_READ => Call::ConsoleRead,
            nex::TIME => Call::Time,
            nex::SLEEP_UNTIL => Call::SleepUntil,
            nex::YIELD => Call::Yield,
            nex::CALL_COUNT => Call::CallCount,
            nex::CALL_UID => Call::CallUid,
            nex::REVISION => Call::Revision,
            other => return Err(UnknownCall(other)),
        })
    }
}
