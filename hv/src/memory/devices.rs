//! Device registers: whole megabytes, mapped straight into the first-level table, so that the first message can be
//! printed before there is any memory management.

use nex_mm::addr::{Hpa, SECTION_BYTES};
use nex_mm::desc::L1Desc;

use super::{DEVICE, DEVICE_BASE, DEVICE_SECTIONS, window};
use crate::arch::cache;
use crate::board::{DeviceMapper, ProbeError};

/// Hands out the device part of Nex's address space.
pub(crate) struct SectionMapper {
    mapped: arrayvec::ArrayVec<Hpa, DEVICE_SECTIONS>,
}

impl SectionMapper {
    /// Nothing mapped. One per machine: two would map over each other.
    pub(crate) const fn new() -> Self {
        SectionMapper { mapped: arrayvec::ArrayVec::new_const() }
    }

    fn section(&mut self, hpa: Hpa) -> Result<u32, ProbeError> {
        let slot = match self.mapped.iter().position(|&m| m == hpa) {
            Some(slot) => slot,
            None => {
                let too_many =
                    ProbeError("too many device blocks: raise DEVICE_SECTIONS in hv/src/memory/mod.rs");
                self.mapped.try_push(hpa).map_err(|_| too_many)?;
                let slot = self.mapped.len() - 1;
                let section = L1Desc::Section { hpa, attrs: DEVICE, domain: crate::arch::NEX_DOMAIN };
                window::write_l1(DEVICE_BASE / SECTION_BYTES + slot as u32, section.encode());
                cache::publish_tables(window::l1_range());
                slot
            }
        };
        Ok(DEVICE_BASE + slot as u32 * SECTION_BYTES)
    }
}

impl DeviceMapper for SectionMapper {
    fn map(&mut self, base: Hpa, bytes: u32) -> Result<usize, ProbeError> {
        let section = base.align_down(SECTION_BYTES);
        let offset = base.raw() - section.raw();
        if offset.checked_add(bytes).is_none_or(|end| end > SECTION_BYTES) {
            return Err(ProbeError("a device block crosses a megabyte: map its parts one by one"));
        }
        Ok((self.section(section)? + offset) as usize)
    }
}
