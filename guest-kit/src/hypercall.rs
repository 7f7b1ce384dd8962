//! Calls to Nex, raw, and who answers them.

use core::fmt;

use nex_abi::{CallError, nex};

use crate::arch;

/// A call's negative answer. Prints as the reason in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(
    /// r0, read as signed.
    pub i32,
);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match CallError::try_from(self.0) {
            Ok(error) => error.fmt(f),
            Err(unknown) => unknown.fmt(f),
        }
    }
}

/// Makes any call: `function` goes to r0, `args` to r1, r2 and r3; returns r0 to r3. See `docs/abi.md` for what they mean.
///
/// # Safety
///
/// - If the call writes to memory (`CONSOLE_READ`), the named bytes must be the caller's to write.
/// - If it reads from memory (`CONSOLE_WRITE`), they must hold no live `&mut` and no secret.
pub unsafe fn hypercall(function: u32, args: [u32; 3]) -> [u32; 4] {
    // SAFETY: the caller's duty, passed on.
    unsafe { arch::hvc(function, args) }
}

/// Makes a call that touches no memory of the guest. The ids are checked by the few callers in this crate.
pub(crate) fn plain(function: u32, args: [u32; 3]) -> [u32; 4] {
    debug_assert!(!matches!(function, nex::CONSOLE_READ | nex::CONSOLE_WRITE));
    // SAFETY: no call but these two takes an address that Nex would use.
    unsafe { arch::hvc(function, args) }
}

/// Separates results from errors: `r0` is an error if it is negative as a signed number.
pub(crate) fn check(r0: u32) -> Result<u32, Refused> {
    if (r0 as i32) < 0 { Err(Refused(r0 as i32)) } else { Ok(r0) }
}

/// Major and minor version of the ABI, or `None` if this is not Nex.
pub fn abi_version() -> Option<(u32, u32)> {
    if plain(nex::CALL_UID, [0; 3]) != nex::UID_WORDS {
        return None;
    }
    let [major, minor, ..] = plain(nex::REVISION, [0; 3]);
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_means_refused() {
        assert_eq!(check(0), Ok(0));
        assert_eq!(check(4096), Ok(4096));
        assert_eq!(check(0xffff_fff7), Err(Refused(-9)));
    }

    #[test]
    fn a_refusal_prints_its_reason() {
        assert!(Refused(-9).to_string().contains("invalid address"));
        assert!(Refused(-77).to_string().contains("-77"));
    }

    #[test]
    fn the_host_is_not_nex() {
        assert_eq!(abi_version(), None);
    }
}
