//! Where the virtual platform's devices are: the address map and the interrupt numbers.
//!
//! The map has the shape of QEMU's `virt` machine, so that software made for that machine runs as it is. RAM begins at
//! [`nex_abi::platform::RAM_BASE`] and is not in the table: how much there is, is the domain's.
//! An address without a device is answered with a synchronous external abort.

use crate::{cfi_flash, gicv2, pl011, pl031};

/// What is at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// Read-only memory with the domain's firmware. Stores are ignored.
    FirmwareRom,
    /// Flash for the firmware's variables: [`cfi_flash`].
    Flash,
    /// Distributor of the interrupt controller: [`gicv2`].
    GicDistributor,
    /// CPU interface of the interrupt controller, the accessing vCPU's own.
    GicCpuInterface,
    /// Serial port: [`pl011`].
    Uart,
    /// Real-time clock: [`pl031`].
    Rtc,
    /// A virtio-mmio slot, 0..=31.
    Virtio(u8),
}

/// A range of guest physical addresses that belongs to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Guest physical address of the first byte, page-aligned.
    pub base: u32,
    /// Length in bytes.
    pub bytes: u32,
    /// What is there; slot 0 stands for all of virtio-mmio.
    pub device: Device,
}

/// Number of virtio-mmio slots.
pub const VIRTIO_SLOTS: u8 = 32;
/// Bytes of a virtio-mmio slot.
pub const VIRTIO_SLOT_BYTES: u32 = 0x200;
/// Bytes of the firmware ROM's range.
pub const ROM_BYTES: u32 = 0x0400_0000;

/// The map, by ascending address.
pub const MAP: [Region; 7] = [
    Region { base: 0x0000_0000, bytes: ROM_BYTES, device: Device::FirmwareRom },
    Region { base: 0x0400_0000, bytes: cfi_flash::MAX_BYTES, device: Device::Flash },
    Region { base: 0x0800_0000, bytes: gicv2::DIST_BYTES, device: Device::GicDistributor },
    Region { base: 0x0801_0000, bytes: gicv2::CPU_BYTES, device: Device::GicCpuInterface },
    Region { base: 0x0900_0000, bytes: pl011::SIZE_BYTES, device: Device::Uart },
    Region { base: 0x0901_0000, bytes: pl031::SIZE_BYTES, device: Device::Rtc },
    Region { base: 0x0a00_0000, bytes: VIRTIO_SLOT_BYTES * VIRTIO_SLOTS as u32, device: Device::Virtio(0) },
];

/// INTID of the virtual timer: PPI.
pub const INTID_TIMER_VIRTUAL: u32 = 27;
/// INTID of the physical timer: PPI.
pub const INTID_TIMER_PHYSICAL: u32 = 30;
/// INTID of the serial port: SPI 1.
pub const INTID_UART: u32 = 32 + 1;
/// INTID of the real-time clock: SPI 2.
pub const INTID_RTC: u32 = 32 + 2;
/// INTID of virtio-mmio slot 0: SPI 16; the other slots follow.
pub const INTID_VIRTIO: u32 = 32 + 16;

/// Whose the guest physical address `gpa` is, and how many bytes from that device's (that slot's) start.
#[inline]
pub fn lookup(gpa: u32) -> Option<(Device, u32)> {
    // The address says which region it can only be; the table says whether it is.
    let half = (gpa >> 16 & 1) as usize;
    let candidate = match gpa >> 24 {
        0x00..=0x03 => 0,
        0x04..=0x07 => 1,
        0x08 => 2 + half,
        0x09 => 4 + half,
        _ => 6,
    };
    let region = &MAP[candidate];
    let offset = gpa.wrapping_sub(region.base);
    if offset >= region.bytes {
        return None;
    }
    Some(match region.device {
        Device::Virtio(_) => (Device::Virtio((offset / VIRTIO_SLOT_BYTES) as u8), offset % VIRTIO_SLOT_BYTES),
        device => (device, offset),
    })
}
