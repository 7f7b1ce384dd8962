//! Places for what a kernel needs besides itself.

use super::{ImageError, LoadPlan, PAGE_BYTES, RamWindow};

/// Most bytes of a device tree at the start of RAM. Linux with long descriptors has its first page tables from 0x3000 on
/// if it is at the lowest place it can have (`arch/arm/kernel/head.S`: TEXT_OFFSET 0x8000 less PG_DIR_SIZE 0x5000).
pub const LOW_DTB_BYTES: u32 = 0x3000;

/// Where to put an initial RAM disk of `initrd_bytes`: a guest-physical address, a multiple of 4096.
///
/// By preference half way up the RAM, but not further than 128 MiB, where QEMU puts it too; behind the kernel, and all that
/// the kernel writes before it looks at the disk, in any case. If it does not fit there, as high as it does.
///
/// # Errors
/// [`ImageError::InitrdTooLarge`].
pub fn place_initrd(plan: &LoadPlan<'_>, initrd_bytes: u64, ram: &RamWindow) -> Result<u32, ImageError> {
    let base = u64::from(ram.base);
    let lowest = plan.free_from.next_multiple_of(PAGE_BYTES);
    let preferred = base + (ram.bytes / 2).min(128 << 20) / PAGE_BYTES * PAGE_BYTES;

    let room_bytes = ram.end().saturating_sub(lowest);
    let too_large = ImageError::InitrdTooLarge { bytes: initrd_bytes, room_bytes };
    let highest = ram.end().checked_sub(initrd_bytes).ok_or(too_large)? / PAGE_BYTES * PAGE_BYTES;
    if highest < lowest {
        return Err(too_large);
    }
    u32::try_from(preferred.clamp(lowest, highest)).map_err(|_| too_large)
}

/// Where to put a device tree of `dtb_bytes` for this kernel: a guest-physical address, a multiple of 4096.
///
/// At the start of RAM, if it is no larger than [`LOW_DTB_BYTES`]. Else behind the initial RAM disk, as QEMU does; if there
/// is no room, or no disk, behind the kernel. `initrd` is the disk's first address and the first behind it, as
/// [`place_initrd`] gave it.
///
/// # Errors
/// [`ImageError::DeviceTreeTooLarge`].
pub fn place_dtb(
    plan: &LoadPlan<'_>,
    initrd: Option<(u32, u32)>,
    dtb_bytes: usize,
    ram: &RamWindow,
) -> Result<u32, ImageError> {
    let bytes = dtb_bytes as u64;
    if bytes <= u64::from(LOW_DTB_BYTES) {
        return Ok(ram.base);
    }
    let (disk_start, disk_end) =
        initrd.map_or((ram.end(), ram.end()), |(start, end)| (u64::from(start), u64::from(end)));
    let places = [(disk_end, ram.end()), (plan.free_from, disk_start)];
    let fits = places.iter().map(|(from, end)| (from.next_multiple_of(PAGE_BYTES), *end));
    let found = fits.clone().find(|(from, end)| from + bytes <= *end);
    found.and_then(|(from, _)| u32::try_from(from).ok()).ok_or_else(|| ImageError::DeviceTreeTooLarge {
        bytes,
        room_bytes: fits.map(|(from, end)| end.saturating_sub(from)).max().unwrap_or(0),
    })
}
