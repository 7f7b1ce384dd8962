//! Bits of SCTLR (DDI 0406C B4.1.130).

/// MMU on.
pub const M: u32 = 1;
/// Alignment checked.
pub const A: u32 = 1 << 1;
/// Data and unified caches on.
pub const C: u32 = 1 << 2;
/// SWP and SWPB enabled; User mode executes them natively or not at all, so this only keeps its value.
pub const SW: u32 = 1 << 10;
/// Branch prediction on.
pub const Z: u32 = 1 << 11;
/// Instruction caches on.
pub const I: u32 = 1 << 12;
/// High vectors, at 0xffff_0000.
pub const V: u32 = 1 << 13;
/// Writable means execute never (with long descriptors offered).
pub const WXN: u32 = 1 << 19;
/// Writable by PL0 means execute never at PL1 (with long descriptors offered).
pub const UWXN: u32 = 1 << 20;
/// Exceptions and table walks are big-endian.
pub const EE: u32 = 1 << 25;
/// TEX remap.
pub const TRE: u32 = 1 << 28;
/// Access flag.
pub const AFE: u32 = 1 << 29;
/// Exceptions are taken in T32 state.
pub const TE: u32 = 1 << 30;

/// Bits that are always one; also the value at reset.
pub const FIXED: u32 = 0x00c5_0078;
/// Bits that a guest can write, on every profile. All others are zero: VE, NMFI, HA, RR, FI, B.
pub const WRITABLE: u32 = M | A | C | SW | Z | I | V | EE | TRE | AFE | TE;
/// Bits that change what translation does: shadow tables that depend on them are stale after a change.
pub const TRANSLATION: u32 = M | WXN | UWXN | EE | TRE | AFE;
/// Bits that change how exceptions are taken.
pub const EXCEPTIONS: u32 = V | EE | TE;
