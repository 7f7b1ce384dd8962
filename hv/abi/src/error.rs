//! Error numbers.

use core::fmt;

/// Why a call was refused. `CallError::X as i32` is what r0 holds; the numbers are PSCI's (ARM DEN 0022, return codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum CallError {
    /// Nex has no such call.
    NotSupported = -1,
    /// An argument is outside what the call takes, or names a vCPU that does not exist.
    InvalidParameters = -2,
    /// The call exists, and this domain may not make it.
    Denied = -3,
    /// The vCPU to start runs already.
    AlreadyOn = -4,
    /// An address is not memory of this domain, or may not be accessed in the way asked for.
    InvalidAddress = -9,
}

/// A negative r0 that is none of [`CallError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownError(
    /// r0, read as signed.
    pub i32,
);

impl CallError {
    /// The value for r0.
    pub const fn to_r0(self) -> u32 {
        self as i32 as u32
    }
}

impl TryFrom<i32> for CallError {
    type Error = UnknownError;

    fn try_from(code: i32) -> Result<CallError, UnknownError> {
        Ok(match code {
            -1 => CallError::NotSupported,
            -2 => CallError::InvalidParameters,
            -3 => CallError::Denied,
            -4 => CallError::AlreadyOn,
            -9 => CallError::InvalidAddress,
            other => return Err(UnknownError(other)),
        })
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CallError::NotSupported => {
                "not supported: this Nex has no such call, ask REVISION or PSCI_FEATURES"
            }
            CallError::InvalidParameters => "invalid parameters: see the call's description in docs/abi.md",
            CallError::Denied => "denied: only a domain with more rights may make this call",
            CallError::AlreadyOn => "already on: the vCPU runs",
            CallError::InvalidAddress => {
                "invalid address: not this domain's memory, or not accessible in that way"
            }
        })
    }
}

impl fmt::Display for UnknownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error {}, which this version of the ABI does not name", self.0)
    }
}
