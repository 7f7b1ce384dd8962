//! Where a framebuffer is in Nex's address space.

use nex_mm::addr::{Hpa, PAGE_BYTES};
use nex_mm::desc::{Attrs, MemoryType};
use nex_mm::frames::Owner;

use super::{DEVICE_BASE, DEVICE_SECTIONS, RAM, STACKS_BASE, frames, hpa_to_va, map_own};

/// Between the devices and the stacks.
const BASE: u32 = 0xc800_0000;
const MAX_BYTES: u32 = STACKS_BASE - BASE;

/// A framebuffer's place.
pub(crate) struct Mapped {
    /// Nex's address of its first byte.
    pub(crate) va: u32,
    /// Whether writes stay in the data cache until it is cleaned.
    pub(crate) cached: bool,
}

/// Finds or makes a mapping of `bytes` bytes at `base`; `None` if that is not possible.
///
/// RAM that Nex manages has a mapping already, the direct map, Normal write-back. Another one with other attributes would
/// be a mismatched alias (DDI 0406C A3.5.7): lines that the direct map brought into the cache could be written back over
/// the picture. So that mapping is the one to draw through, and what was drawn is cleaned to memory.
///
/// Anything else, such as a piece that the loader kept out of RAM for the display, is mapped here, as Normal
/// Non-cacheable: stores may be gathered into bursts, which Device memory forbids, and there is nothing to clean; the display
/// has no part in the coherency of an outer cache either. Pixels are never read, so that it is slow to read does not matter.
///
/// To be called once: there is one place for such a mapping.
pub(crate) fn map_framebuffer(base: Hpa, bytes: u32) -> Option<Mapped> {
    let last = Hpa::new(base.raw().checked_add(bytes.checked_sub(1)?)?);
    let is_ram = |at| frames().as_ref().is_some_and(|table| table.owner(at) != Owner::Absent);
    match (is_ram(base), is_ram(last)) {
        (true, true) => Some(Mapped { va: hpa_to_va(base), cached: true }),
        (false, false) => {
            let start = base.align_down(PAGE_BYTES);
            let offset = base.raw() - start.raw();
            let whole = offset.checked_add(bytes)?.checked_next_multiple_of(PAGE_BYTES)?;
            let attrs = Attrs { memory: MemoryType::NormalNonCacheable, ..RAM };
            (whole <= MAX_BYTES && map_own(BASE, start, whole, attrs).is_ok())
                .then_some(Mapped { va: BASE + offset, cached: false })
        }
        _ => None,
    }
}

const _: () = assert!(BASE - DEVICE_BASE >= (DEVICE_SECTIONS as u32) << 20);
