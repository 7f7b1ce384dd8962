//! What lies where, in physical and in virtual memory.
//!
//! The platform is QEMU's `virt`, which Nex offers to its domains as well. It needs 128 MiB of RAM. No device tree is
//! read: all of this is fixed.
//!
//! | physical | what |
//! | --- | --- |
//! | 0x0800_0000 | GICv2 distributor, 0x0801_0000 CPU interface |
//! | 0x0900_0000 | PL011 |
//! | 0x4001_0000 | the program |
//! | 0x4080_0000 | page tables, below 1 MiB of them |
//! | 0x4090_0000 | table of exception handlers, then 4 KiB pages for User mode |
//! | 0x4100_0000 | 64 MiB that the big mappings below show |

/// GICv2 distributor.
pub(crate) const GICD: u32 = 0x0800_0000;
/// GICv2 CPU interface.
pub(crate) const GICC: u32 = 0x0801_0000;
/// UART.
pub(crate) const PL011: u32 = 0x0900_0000;

/// First byte of RAM, mapped one to one for the kernel, in sections.
pub(crate) const RAM: u32 = 0x4000_0000;
/// RAM that is used.
pub(crate) const RAM_MIB: u32 = 128;

/// First-level tables of 16 KiB: the kernel's own, then those of the two address spaces.
pub(crate) const FIRST_LEVEL: u32 = 0x4080_0000;
/// Second-level tables of 1 KiB, given out from here.
pub(crate) const SECOND_LEVEL: u32 = 0x4081_0000;
/// One word for each exception vector: the address of its handler. Mapped at [`HANDLERS_VA`] too.
pub(crate) const HANDLERS: u32 = 0x4090_0000;
/// A page that User mode may read and write, at [`USER_DATA_VA`].
pub(crate) const USER_DATA: u32 = 0x4090_1000;
/// The pages at [`SWITCHED_VA`]: 16 of the first address space, then 16 of the second.
pub(crate) const SWITCHED: u32 = 0x4091_0000;
/// What the big mappings show.
pub(crate) const FRAMES: u32 = 0x4100_0000;

/// User mode's code.
pub(crate) const USER_TEXT_VA: u32 = 0x0001_0000;
/// User mode's data.
pub(crate) const USER_DATA_VA: u32 = 0x0002_0000;
/// Sixteen pages that differ between the two address spaces.
pub(crate) const SWITCHED_VA: u32 = 0x0008_0000;
/// Number of those.
pub(crate) const SWITCHED_PAGES: u32 = 16;
/// Where User mode faults, and the kernel then maps the page: 4 MiB, at first without a page.
pub(crate) const FAULTED_VA: u32 = 0x0040_0000;
/// Pages there.
pub(crate) const FAULTED_PAGES: u32 = 1024;
/// Kernel memory in small pages.
pub(crate) const PAGES_VA: u32 = 0x8000_0000;
/// Pages there: 64 MiB.
pub(crate) const PAGES: u32 = 16384;
/// Kernel memory in sections.
pub(crate) const SECTIONS_VA: u32 = 0xc000_0000;
/// Sections there.
pub(crate) const SECTIONS: u32 = 768;
/// Kernel memory that has second-level tables, whose entries are written when it is used.
pub(crate) const LATE_VA: u32 = 0xa000_0000;
/// Pages there.
pub(crate) const LATE_PAGES: u32 = 4096;
/// Nothing is mapped here, ever.
pub(crate) const UNMAPPED_VA: u32 = 0xb000_0000;
/// The exception vectors (SCTLR.V = 1), as Linux has them. User mode may read them.
pub(crate) const VECTORS_VA: u32 = 0xffff_0000;
/// Table of handlers, for the kernel only: again as in Linux, where the stubs lie here.
pub(crate) const HANDLERS_VA: u32 = 0xffff_1000;
