//! The direct map: all RAM that Nex manages, at one offset from its physical address.

use core::sync::atomic::{AtomicU32, Ordering};

use nex_mm::addr::{Hpa, PAGE_BYTES, SECTION_BYTES};
use nex_mm::desc::L1Desc;
use nex_mm::space::{AddressSpace, MapError, TableMemory};

use super::{DIRECT_BASE, PhysRange, RAM, window};
use crate::arch::{bulk, cache};

/// Physical address of the direct map's first byte, a multiple of 1 MiB.
static RAM_BASE: AtomicU32 = AtomicU32::new(0);

/// Nex's address of a byte of RAM.
#[inline(always)]
pub fn hpa_to_va(hpa: Hpa) -> u32 {
    hpa.raw().wrapping_sub(RAM_BASE.load(Ordering::Relaxed)).wrapping_add(DIRECT_BASE)
}

/// The inverse of [`hpa_to_va`].
#[inline(always)]
pub fn va_to_hpa(va: u32) -> Hpa {
    Hpa::new(va.wrapping_sub(DIRECT_BASE).wrapping_add(RAM_BASE.load(Ordering::Relaxed)))
}

/// Maps the whole megabytes of all banks with sections, straight into the first-level table: there is no memory for
/// second-level tables yet.
pub(super) fn init(base: Hpa, banks: &[PhysRange]) {
    RAM_BASE.store(base.align_down(SECTION_BYTES).raw(), Ordering::Relaxed);
    for &bank in banks {
        let (start, end) = whole_sections(bank);
        for at in (start..end).step_by(SECTION_BYTES as usize) {
            let hpa = Hpa::new(at as u32);
            let section = L1Desc::Section { hpa, attrs: RAM, domain: crate::arch::NEX_DOMAIN };
            window::write_l1(hpa_to_va(hpa) / SECTION_BYTES, section.encode());
        }
    }
    cache::publish_tables(window::l1_range());
    cache::invalidate_all_tlb();
}

/// Maps what [`init`] left out: ends of banks that are not on a megabyte.
pub(super) fn map_ragged_ends(
    space: &AddressSpace,
    tables: &mut impl TableMemory,
    banks: &[PhysRange],
) -> Result<(), MapError> {
    for &(start, bytes) in banks {
        let (inner_start, inner_end) = whole_sections((start, bytes));
        let end = start + bytes;
        let mut map = |from: u64, to: u64| match to.checked_sub(from) {
            Some(len) if len > 0 => {
                let hpa = Hpa::new(from as u32);
                space.map(tables, hpa_to_va(hpa), hpa, len as u32, RAM)
            }
            _ => Ok(()),
        };
        if inner_start >= inner_end {
            map(start, end)?;
        } else {
            map(start, inner_start)?;
            map(inner_end, end)?;
        }
    }
    Ok(())
}

fn whole_sections((start, bytes): PhysRange) -> (u64, u64) {
    let section = u64::from(SECTION_BYTES);
    (start.next_multiple_of(section), (start + bytes) & !(section - 1))
}

/// Reads a word of RAM that Nex uses as a table.
///
/// `at` is a multiple of 4 within RAM that Nex manages.
#[inline(always)]
pub fn read_word(at: Hpa) -> u32 {
    // SAFETY: RAM is mapped by the direct map for good. Volatile: the table walker and the guest see the same word.
    unsafe { (hpa_to_va(at) as *const u32).read_volatile() }
}

/// Writes a word of RAM that Nex uses as a table. `at` is a multiple of 4 within RAM that Nex manages, owned by the
/// caller's subsystem.
#[inline(always)]
pub fn write_word(at: Hpa, value: u32) {
    // SAFETY: as for `read_word`; frames have one owner, so this is no Rust object's memory.
    unsafe { (hpa_to_va(at) as *mut u32).write_volatile(value) }
}

/// Fills with zeros; `at` and `bytes` are multiples of 32. The range lies in frames that the caller owns.
pub fn zero(at: Hpa, bytes: u32) {
    // SAFETY: mapped, and no Rust object's memory since the frames belong to the caller as frames.
    unsafe { bulk::zero(hpa_to_va(at), bytes) }
}

/// Copies out of frames that the caller owns; the range does not cross the end of its frames.
pub fn copy_from(at: Hpa, to: &mut [u8]) {
    // SAFETY: mapped; `to` is a Rust object and so cannot lie in frames that are somebody's raw memory.
    unsafe { core::ptr::copy_nonoverlapping(hpa_to_va(at) as *const u8, to.as_mut_ptr(), to.len()) }
}

/// Copies into frames that the caller owns; the range does not cross the end of its frames.
pub fn copy_to(at: Hpa, from: &[u8]) {
    let to = hpa_to_va(at);
    let source = from.as_ptr() as u32;
    // Images are word-aligned in a boot volume (cpio newc aligns by 4), so nearly all of them goes this way.
    let quick = if (to | source).is_multiple_of(4) { from.len() & !31 } else { 0 };
    // SAFETY: as for `copy_from`; `from` may be the boot volume, which has frames of its own.
    unsafe {
        bulk::copy(to, source, quick as u32);
        core::ptr::copy_nonoverlapping(
            from[quick..].as_ptr(),
            (to + quick as u32) as *mut u8,
            from.len() - quick,
        );
    }
}

/// RAM as a slice for good.
///
/// # Safety
/// The range is mapped RAM whose frames belong to the caller and are used in no other way as long as Nex runs.
pub(crate) unsafe fn slice_mut(at: Hpa, bytes: u32) -> &'static mut [u8] {
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts_mut(hpa_to_va(at) as *mut u8, bytes as usize) }
}

/// RAM as a read-only slice for good.
///
/// # Safety
/// The range is mapped RAM that nothing writes as long as Nex runs.
pub(crate) unsafe fn slice(at: Hpa, bytes: u32) -> &'static [u8] {
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(hpa_to_va(at) as *const u8, bytes as usize) }
}

const _: () = assert!(SECTION_BYTES.is_multiple_of(PAGE_BYTES));
