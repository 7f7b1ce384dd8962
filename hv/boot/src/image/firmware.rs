//! Firmware: code for the reset vector.

use super::{ImageError, known_kind, zimage};

/// Guest-physical address of the firmware's first byte, where it is entered in A32 state.
pub const FIRMWARE_BASE: u32 = 0;
/// Most bytes of firmware: the ROM of the virtual platform.
pub const MAX_FIRMWARE_BYTES: usize = 64 << 20;

/// Checks firmware. It is mapped read-only as it is at [`FIRMWARE_BASE`]; behind its end the ROM reads as zero.
///
/// The CPU starts there as after a reset: Supervisor mode, A32, MMU and caches off, IRQ and FIQ masked, general registers
/// zero (DDI 0406C B1.9.1). The device tree lies at the start of RAM, where firmware for QEMU's `virt` machine
/// looks for it (QEMU `hw/arm/virt.c`; U-Boot `board/emulation/qemu-arm`), and no register points to it.
///
/// # Errors
/// [`ImageError::Empty`], [`ImageError::FirmwareTooLarge`], and [`ImageError::UnsuitableFirmware`] for what is clearly
/// something else.
pub fn check_firmware(file: &[u8]) -> Result<(), ImageError> {
    let unsuitable = |what, hint| Err(ImageError::UnsuitableFirmware { what, hint });
    if file.is_empty() {
        Err(ImageError::Empty)
    } else if file.len() > MAX_FIRMWARE_BYTES {
        Err(ImageError::FirmwareTooLarge { bytes: file.len() })
    } else if file.starts_with(b"\x7fELF") {
        unsuitable("an ELF file", "use its flat binary (objcopy -O binary; u-boot.bin)")
    } else if zimage::is_zimage(file) {
        unsuitable("a Linux zImage", "it belongs in \"kernel\"")
    } else {
        known_kind(file).map_or(Ok(()), |(what, hint)| unsuitable(what, hint))
    }
}
