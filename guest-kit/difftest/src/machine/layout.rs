//! Where things are.

/// RAM begins here; the machine has at least [`RAM_BYTES`].
pub(crate) const RAM: u32 = 0x4000_0000;
/// 128 MiB.
pub(crate) const RAM_BYTES: u32 = 128 << 20;

/// The code of a case. Words from 0x476 to 0x478 on are no sensitive instructions, so that Nex does not take such an
/// instruction for an address in the neighbourhood.
pub(crate) const CODE: u32 = 0x4770_0000;
/// Bytes that the code of a case may take, from any place in its first page on.
pub(crate) const CODE_BYTES: u32 = 0x4000;
/// A copy of it, for the one who takes exceptions: Nex may show other instructions where the code itself is.
pub(crate) const CODE_COPY: u32 = 0x4150_0000;
/// What RFE and the like read: written by the case's own code.
pub(crate) const FRAMES: u32 = 0x4120_0000;
/// Stacks of the modes: [`STACK_BYTES`] each.
pub(crate) const STACKS: u32 = 0x4130_0000;
/// Bytes of each mode's stack.
pub(crate) const STACK_BYTES: u32 = 0x100;
/// Page tables: 1 MiB.
pub(crate) const TABLES: u32 = 0x4140_0000;
/// Memory that cases load, store and map elsewhere: two MiB of which some pages are used, aligned to 16 MiB.
pub(crate) const DATA: u32 = 0x4200_0000;
/// Pages in use in each of the two MiB of [`DATA`].
pub(crate) const DATA_PAGES: u32 = 4;
/// Bytes in use at each end of such a page.
pub(crate) const DATA_EDGE: u32 = 0x60;

/// The GIC's distributor.
pub(crate) const GICD: u32 = 0x0800_0000;
/// The GIC's CPU interface.
pub(crate) const GICC: u32 = 0x0801_0000;
/// PL011.
pub(crate) const UART: u32 = 0x0900_0000;
/// PL031.
pub(crate) const RTC: u32 = 0x0901_0000;
