//! What to run: a block of words that the host patches in the file before it boots it.

/// Found in the file by its first two words. `scripts/difftest` knows this layout.
#[repr(C)]
pub(crate) struct Parameters {
    magic: [u32; 2],
    /// Makes all random numbers, with a case's number.
    pub(crate) seed: u32,
    /// First case.
    pub(crate) first: u32,
    /// Number of cases.
    pub(crate) count: u32,
    /// Cases in each printed line; 0: one, and all that it saw.
    pub(crate) block: u32,
    /// Kinds of cases that are wanted, a bit for each; see [`Kind`](crate::Kind).
    pub(crate) kinds: u32,
}

/// "nexdiff\0".
static PARAMETERS: Parameters =
    Parameters { magic: [0x6478_656e, 0x0066_6669], seed: 1, first: 0, count: 1024, block: 256, kinds: !0 };

/// What the host wants.
pub(crate) fn get() -> Parameters {
    // SAFETY: a valid static; volatile, since the compiler must not take what it sees in the source for what runs.
    unsafe { core::ptr::read_volatile(&raw const PARAMETERS) }
}
