//! Where things are.

/// RAM begins here; the machine has at least [`RAM_BYTES`].
pub(crate) const RAM: u32 = 0x4000_0000;
/// 128 MiB.
pub(crate) const RAM_BYTES: u32 = 128 << 20;

/// Instructions that a case writes by itself: four pages.
pub(crate) const CODE: u32 = 0x4110_0000;
/// Data of a case: 1 MiB.
pub(crate) const DATA: u32 = 0x4120_0000;
/// Stacks of the modes: [`STACK_BYTES`] each.
pub(crate) const STACKS: u32 = 0x4130_0000;
/// Bytes of each mode's stack.
pub(crate) const STACK_BYTES: u32 = 0x400;
/// Page tables: 1 MiB.
pub(crate) const TABLES: u32 = 0x4140_0000;
/// Memory that cases map elsewhere: 32 MiB, aligned to 16 MiB.
pub(crate) const TARGET: u32 = 0x4200_0000;

/// The GIC's distributor.
pub(crate) const GICD: u32 = 0x0800_0000;
/// The GIC's CPU interface.
pub(crate) const GICC: u32 = 0x0801_0000;
/// PL011.
pub(crate) const UART: u32 = 0x0900_0000;
/// PL031.
pub(crate) const RTC: u32 = 0x0901_0000;
/// Nothing answers here on this machine: between the last device and RAM.
pub(crate) const HOLE: u32 = 0x0f00_0000;
