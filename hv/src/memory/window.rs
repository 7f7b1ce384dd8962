//! The window: the megabyte with Nex's image, and the tables that are part of the image.

use core::ops::Range;

use nex_mm::addr::{Hpa, PAGE_BYTES, SECTION_BYTES};
use nex_mm::desc::{Access, Attrs, L2Desc};

use super::RAM;
use crate::arch::boot::{L1Table, NEX_BOOT_STACK, NEX_L1, NEX_WINDOW_L2};
use crate::arch::raw::Raw;
use crate::arch::{WINDOW_BASE, boot_args, cache};

unsafe extern "C" {
    static __text_end: u8;
    static __rodata_end: u8;
    static __symtab_start: u8;
}

/// A first-level table with the window alone.
static LIMBO_L1: Raw<L1Table> = Raw::new(L1Table([0; 4096]));

/// Physical address of something in the image.
fn image_hpa(va: u32) -> Hpa {
    Hpa::new(va - WINDOW_BASE + boot_args().desired)
}

/// Nex's first-level table.
pub(super) fn l1_hpa() -> Hpa {
    image_hpa(NEX_L1.address())
}

/// The window-only table.
pub(super) fn limbo_hpa() -> Hpa {
    image_hpa(LIMBO_L1.address())
}

/// Where Nex's first-level table is mapped.
pub(super) fn l1_range() -> Range<u32> {
    let start = NEX_L1.address();
    start..start + size_of::<L1Table>() as u32
}

/// Writes an entry of Nex's first-level table, while there is one CPU and no [`AddressSpace`] yet, or (devices) where
/// the address space object never looks.
///
/// [`AddressSpace`]: nex_mm::space::AddressSpace
pub(super) fn write_l1(index: u32, value: u32) {
    assert!(index < 4096);
    // SAFETY: a word of the table, which no Rust reference ever points to.
    unsafe { NEX_L1.as_ptr().cast::<u32>().add(index as usize).write_volatile(value) }
}

fn read_l1(index: u32) -> u32 {
    assert!(index < 4096);
    // SAFETY: as for `write_l1`.
    unsafe { NEX_L1.as_ptr().cast::<u32>().add(index as usize).read_volatile() }
}

/// Maps the megabyte at `hpa` read-only at `va`, for a look at the boot information before the direct map exists.
pub(crate) fn map_early(va: u32, hpa: Hpa) {
    let section = nex_mm::desc::L1Desc::Section {
        hpa,
        attrs: Attrs { access: Access::PrivRo, ..RAM },
        domain: crate::arch::NEX_DOMAIN,
    };
    write_l1(va / SECTION_BYTES, section.encode());
    cache::publish_tables(l1_range());
}

/// Undoes [`map_early`].
pub(crate) fn unmap_early(va: u32) {
    write_l1(va / SECTION_BYTES, 0);
    cache::publish_tables(l1_range());
    cache::invalidate_all_tlb();
}

/// Copies the window's entries into `to`, a second-level table of a guest. The rest of it, the guest's, is left alone.
pub(super) fn copy_entries(to: Hpa) {
    let bytes = (super::guest::GUEST_TOP - WINDOW_BASE) / PAGE_BYTES * 4;
    for offset in (0..bytes).step_by(4) {
        // SAFETY: a word of the window's table, which no Rust reference ever points to.
        let entry = unsafe { NEX_WINDOW_L2.as_ptr().cast::<u32>().byte_add(offset as usize).read_volatile() };
        super::write_word(Hpa::new(to.raw() + offset), entry);
    }
}

/// Removes the boot code's one-to-one mapping, and fills the window-only table.
pub(super) fn drop_identity(desired: u32) {
    write_l1(desired / SECTION_BYTES, 0);
    let window_index = WINDOW_BASE / SECTION_BYTES;
    let entry = read_l1(window_index);
    // SAFETY: a word of a table that no Rust reference ever points to.
    unsafe { LIMBO_L1.as_ptr().cast::<u32>().add(window_index as usize).write_volatile(entry) };
    let limbo = LIMBO_L1.address();
    cache::publish_tables(limbo..limbo + size_of::<L1Table>() as u32);
    cache::publish_tables(l1_range());
    cache::invalidate_all_tlb();
}

/// Bytes from the image's start that must not be written: text and constants.
pub(super) fn read_only_bytes() -> u32 {
    &raw const __rodata_end as u32 - WINDOW_BASE
}

/// Physical address of the symbol table that nextool appended, and the bytes there.
pub(crate) fn symbol_table() -> (Hpa, u32) {
    let start = &raw const __symtab_start as u32;
    let boot = boot_args();
    (image_hpa(start), boot.image_bytes.saturating_sub(start - WINDOW_BASE))
}

/// Gives the window its final attributes: text r-x, constants r--, data rw-, no boot stack guard page.
pub(super) fn protect() {
    let global = Attrs { global: true, ..RAM };
    let text_end = &raw const __text_end as u32;
    let rodata_end = &raw const __rodata_end as u32;
    let window_end = &raw const __symtab_start as u32;
    let guard = NEX_BOOT_STACK.address();
    for va in (WINDOW_BASE..window_end).step_by(PAGE_BYTES as usize) {
        let attrs = if va < text_end {
            Attrs { access: Access::PrivRo, exec: true, ..global }
        } else if va < rodata_end {
            Attrs { access: Access::PrivRo, ..global }
        } else {
            global
        };
        let page = if va == guard { L2Desc::Fault } else { L2Desc::Small { hpa: image_hpa(va), attrs } };
        let index = (va - WINDOW_BASE) / PAGE_BYTES;
        // SAFETY: a word of the window's table, which no Rust reference ever points to. Every page keeps its frame and
        // at least the permissions that its contents need.
        unsafe { NEX_WINDOW_L2.as_ptr().cast::<u32>().add(index as usize).write_volatile(page.encode()) };
    }
    let l2 = NEX_WINDOW_L2.address();
    cache::publish_tables(l2..l2 + 1024);
    cache::invalidate_all_tlb();
}

/// Whether `va` is in the image's data: the boot stack and the exception stacks are there.
pub(super) fn is_data(va: u32) -> bool {
    let guard = NEX_BOOT_STACK.address();
    (&raw const __rodata_end as u32..&raw const __symtab_start as u32).contains(&va)
        && va & !(PAGE_BYTES - 1) != guard
}
