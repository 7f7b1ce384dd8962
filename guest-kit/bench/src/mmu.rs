//! Page tables and the MMU: short descriptors (DDI 0406C B3.5), with TEX remapping as Linux sets it up.

use core::arch::asm;

use crate::memory_map::*;

/// Domain of kernel memory.
const KERNEL: u32 = 0;
/// Domain of what User mode may reach.
const USER: u32 = 1;
/// Domain of devices.
const DEVICE: u32 = 2;

/// DACR with the kernel, user and device domains as clients.
pub(crate) const DACR_OPEN: u32 = 0b01_01_01;
/// DACR with User mode's memory closed to the kernel, as Linux has it outside of user accesses.
pub(crate) const DACR_CLOSED: u32 = 0b01_00_01;

/// PRRR and NMRR as Linux sets them: memory type 7 (TEX[0], C, B all 1) is normal memory, write-back, write-allocate;
/// type 4 is device memory (B3.8.3).
const PRRR: u32 = 0xff0a_81a8;
const NMRR: u32 = 0x40e0_40e0;

/// TTBR flags: table walks in shareable write-back, write-allocate memory (B4.1.154, with the multiprocessing
/// extensions).
const TTBR_FLAGS: u32 = 0x6a;

/// SCTLR bits that are cleared: AFE, EE, alignment checks, RR, bits that are zero on ARMv7 anyway.
const SCTLR_CLEAR: u32 = 0x2120_c302;
/// SCTLR bits that are set: MMU, caches, branch prediction, SWP, high vectors, TEX remapping, bits that are one.
const SCTLR_SET: u32 = 0x10c0_3c7d;

/// Access permissions, as AP[2:0] without the access flag (B3.7.1).
#[derive(Clone, Copy)]
enum Access {
    KernelReadWrite = 0b001,
    UserReadWrite = 0b011,
    AllReadOnly = 0b111,
}

/// Descriptor of a small page. `user`: User mode's own, so not global. Memory for data is never executed.
const fn page(physical: u32, access: Access, user: bool, execute: bool) -> u32 {
    let access = access as u32;
    physical
        | 0b10
        | !execute as u32
        | 0b11 << 2 // C, B
        | (access & 0b11) << 4
        | 1 << 6 // TEX[0]
        | (access >> 2) << 9
        | 1 << 10 // shareable
        | (user as u32) << 11
}

/// Descriptor of a section of normal memory for the kernel.
const fn section(physical: u32, execute: bool) -> u32 {
    physical
        | 0b10
        | 0b11 << 2
        | (!execute as u32) << 4
        | KERNEL << 5
        | (Access::KernelReadWrite as u32) << 10
        | 1 << 12
        | 1 << 16
}

/// Descriptor of a section of device memory for the kernel.
const fn device_section(physical: u32) -> u32 {
    physical | 0b10 | 1 << 4 | DEVICE << 5 | (Access::KernelReadWrite as u32) << 10 | 1 << 12
}

/// What to add to a page's physical address for a page that the kernel may read and write.
pub(crate) const KERNEL_PAGE: u32 = page(0, Access::KernelReadWrite, false, false);
/// The same for a page of User mode.
pub(crate) const USER_PAGE: u32 = page(0, Access::UserReadWrite, true, false);

/// The two address spaces, with ASID 1 and 2. Both have the kernel's mappings.
#[derive(Clone, Copy)]
pub(crate) enum Space {
    First = 1,
    Second = 2,
}

impl Space {
    const fn table(self) -> u32 {
        FIRST_LEVEL + (self as u32) * FIRST_LEVEL_BYTES
    }

    /// What TTBR0 is in this address space.
    pub(crate) const fn ttbr(self) -> u32 {
        self.table() | TTBR_FLAGS
    }
}

const FIRST_LEVEL_BYTES: u32 = 0x4000;
const SECOND_LEVEL_BYTES: u32 = 0x400;

/// Address of the entries for the pages at [`LATE_VA`], one after the other.
pub(crate) const LATE_ENTRIES: u32 = SECOND_LEVEL;
/// Address of the entries for the pages at [`FAULTED_VA`].
pub(crate) const FAULTED_ENTRIES: u32 = LATE_ENTRIES + LATE_PAGES * 4;
const PAGES_ENTRIES: u32 = FAULTED_ENTRIES + FAULTED_PAGES * 4;
const VECTORS_ENTRIES: u32 = PAGES_ENTRIES + PAGES * 4;
/// User mode's lowest MiB: one table for each address space.
const USER_ENTRIES: u32 = VECTORS_ENTRIES + SECOND_LEVEL_BYTES;
const TABLES_END: u32 = USER_ENTRIES + 2 * SECOND_LEVEL_BYTES;

const _: () = assert!(FIRST_LEVEL + 3 * FIRST_LEVEL_BYTES <= SECOND_LEVEL && TABLES_END <= HANDLERS);

unsafe extern "C" {
    /// From bench.ld: only their addresses mean anything.
    static __vectors: u8;
    static __user: u8;
}

/// Writes a word of a table.
fn put(address: u32, word: u32) {
    // SAFETY: all callers are below and write between FIRST_LEVEL and HANDLERS, where there is RAM that nothing else uses.
    unsafe { (address as *mut u32).write_volatile(word) }
}

/// Points `table`'s entries from the MiB of `virtual_address` on to second-level tables that follow each other.
fn put_tables(table: u32, virtual_address: u32, entries: u32, pages: u32, domain: u32) {
    for index in 0..pages.div_ceil(256) {
        put(
            table + ((virtual_address >> 20) + index) * 4,
            (entries + index * SECOND_LEVEL_BYTES) | 1 | domain << 5,
        );
    }
}

/// Makes all tables. The MMU must be off.
fn make_tables() {
    for address in (FIRST_LEVEL..TABLES_END).step_by(4) {
        put(address, 0);
    }

    // The kernel's part, which all three first-level tables have.
    for table in (0..3).map(|index| FIRST_LEVEL + index * FIRST_LEVEL_BYTES) {
        for mib in [GICD, PL011].map(|address| address >> 20) {
            put(table + mib * 4, device_section(mib << 20));
        }
        for mib in 0..RAM_MIB {
            let physical = RAM + (mib << 20);
            put(table + (physical >> 20) * 4, section(physical, mib == 0));
        }
        for index in 0..SECTIONS {
            let physical = FRAMES + ((index % (PAGES / 256)) << 20);
            put(table + ((SECTIONS_VA >> 20) + index) * 4, section(physical, false));
        }
        put_tables(table, PAGES_VA, PAGES_ENTRIES, PAGES, KERNEL);
        put_tables(table, LATE_VA, LATE_ENTRIES, LATE_PAGES, KERNEL);
        put_tables(table, VECTORS_VA, VECTORS_ENTRIES, 1, KERNEL);
    }
    for index in 0..PAGES {
        put(PAGES_ENTRIES + index * 4, (FRAMES + index * 4096) | KERNEL_PAGE);
    }
    let vectors = (&raw const __vectors).addr() as u32;
    let entry = |address: u32| VECTORS_ENTRIES + (address >> 12 & 0xff) * 4;
    put(entry(VECTORS_VA), page(vectors, Access::AllReadOnly, false, true));
    put(entry(HANDLERS_VA), HANDLERS | KERNEL_PAGE);

    // User mode's part.
    let user = (&raw const __user).addr() as u32;
    for (number, space) in [Space::First, Space::Second].into_iter().enumerate() {
        let number = number as u32;
        let entries = USER_ENTRIES + number * SECOND_LEVEL_BYTES;
        put_tables(space.table(), 0, entries, 1, USER);
        put_tables(space.table(), FAULTED_VA, FAULTED_ENTRIES, FAULTED_PAGES, USER);
        put(entries + (USER_TEXT_VA >> 12) * 4, page(user, Access::AllReadOnly, true, true));
        put(entries + (USER_DATA_VA >> 12) * 4, USER_DATA | USER_PAGE);
        for index in 0..SWITCHED_PAGES {
            let physical = SWITCHED + (number * SWITCHED_PAGES + index) * 4096;
            put(entries + ((SWITCHED_VA >> 12) + index) * 4, physical | USER_PAGE);
        }
    }
}

/// Makes the tables and turns the MMU on, in the first address space.
pub(crate) fn start() {
    make_tables();
    // SAFETY: everything that is in use, code, stack, devices and tables, is mapped at its physical address. TLBs and
    // instruction caches are emptied before the MMU uses them (B3.10). The data cache was off and whoever loaded the
    // program left nothing of it there, as the boot protocol demands.
    unsafe {
        asm!(
            "dsb",
            "mcr p15, 0, {zero}, c7, c5, 0",    // ICIALLU
            "mcr p15, 0, {zero}, c7, c5, 6",    // BPIALL
            "mcr p15, 0, {zero}, c8, c7, 0",    // TLBIALL
            "mcr p15, 0, {zero}, c2, c0, 2",    // TTBCR: TTBR0 alone, short descriptors
            "mcr p15, 0, {prrr}, c10, c2, 0",
            "mcr p15, 0, {nmrr}, c10, c2, 1",
            "mcr p15, 0, {kernel}, c2, c0, 1",  // TTBR1
            "mcr p15, 0, {first}, c2, c0, 0",   // TTBR0
            "mcr p15, 0, {asid}, c13, c0, 1",   // CONTEXTIDR
            "mcr p15, 0, {dacr}, c3, c0, 0",
            "dsb",
            "isb",
            "mrc p15, 0, {zero}, c1, c0, 0",    // SCTLR
            "bic {zero}, {zero}, {clear}",
            "orr {zero}, {zero}, {set}",
            "mcr p15, 0, {zero}, c1, c0, 0",
            "isb",
            zero = inout(reg) 0 => _,
            prrr = in(reg) PRRR,
            nmrr = in(reg) NMRR,
            kernel = in(reg) FIRST_LEVEL | TTBR_FLAGS,
            first = in(reg) Space::First.ttbr(),
            asid = in(reg) Space::First as u32,
            dacr = in(reg) DACR_OPEN,
            clear = in(reg) SCTLR_CLEAR,
            set = in(reg) SCTLR_SET,
            options(nostack),
        );
    }
}
