//! QEMU's `ramfb`: a display that shows whatever is in a piece of RAM (QEMU, hw/display/ramfb.c).
//!
//! The file `etc/ramfb` of the firmware configuration takes six big-endian fields: address (64 bits), pixel format as a
//! fourcc of Linux's drm_fourcc.h, flags, width, height, bytes from line to line (32 bits each).

use nex_mm::addr::PAGE_BYTES;
use nex_mm::frames::Owner;

use super::fw_cfg::{File, FwCfg, FwCfgError};
use crate::board::{Framebuffer, PixelFormat};
use crate::memory;

const FILE: &str = "etc/ramfb";
const FILE_BYTES: usize = 28;
/// DRM_FORMAT_XRGB8888. QEMU knows no format with 16 bits.
const FOURCC_XR24: u32 = u32::from_le_bytes(*b"XR24");

/// A picture's size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    /// Pixels across.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// 32, or 16, which is drawn but cannot be displayed: for tests that read the memory.
    pub bits: u32,
}

impl Mode {
    /// What there is without `fb=`.
    pub const DEFAULT: Self = Self { width: 800, height: 600, bits: 32 };
    /// Pixels across or down at most.
    const MAX: u32 = 4096;

    /// Reads `800x600`, `800x600x32` or `800x600x16`; `None` if it is something else, or too large.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('x');
        let mut number = || parts.next().map(|part| part.parse::<u32>().ok());
        let (width, height) = (number()??, number()??);
        let bits = number().unwrap_or(Some(32))?;
        let small = |pixels| (1..=Self::MAX).contains(&pixels);
        let known = small(width) && small(height) && matches!(bits, 16 | 32) && parts.next().is_none();
        known.then_some(Self { width, height, bits })
    }
}

/// Why there is no picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RamfbError {
    /// No free RAM in one piece.
    NoMemory,
    /// The firmware configuration device refused.
    FwCfg(FwCfgError),
}

impl core::fmt::Display for RamfbError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoMemory => {
                "no free RAM in one piece: give fb=WIDTHxHEIGHT a smaller size, or QEMU more MEM"
            }
            Self::FwCfg(_) => "QEMU's firmware configuration device does not take it",
        })
    }
}

/// The display, if the machine has one.
///
/// # Errors
/// [`RamfbError::FwCfg`].
pub fn find(device: &FwCfg) -> Result<Option<File>, RamfbError> {
    let file = device.find(FILE).map_err(RamfbError::FwCfg)?;
    Ok(file.filter(|file| file.bytes as usize == FILE_BYTES))
}

/// Takes RAM for the picture, blank and for good, and has it displayed.
///
/// # Errors
/// [`RamfbError`]; no memory is taken then.
pub fn start(device: &FwCfg, file: File, mode: Mode) -> Result<Framebuffer, RamfbError> {
    let (bytes_per_pixel, format) = match mode.bits {
        16 => (2, PixelFormat::Rgb565),
        _ => (4, PixelFormat::Xrgb8888),
    };
    let stride_bytes = (mode.width * bytes_per_pixel).next_multiple_of(4);
    let frames = (stride_bytes * mode.height).div_ceil(PAGE_BYTES);
    let base = memory::alloc_frames(frames, 1, Owner::Device).ok_or(RamfbError::NoMemory)?;
    if format == PixelFormat::Xrgb8888 {
        let fields = [0, base.raw(), FOURCC_XR24, 0, mode.width, mode.height, stride_bytes];
        let bytes = fields.map(u32::to_be_bytes);
        if let Err(e) = device.write(file, bytes.as_flattened()) {
            memory::free_frames(base, frames, Owner::Device);
            return Err(RamfbError::FwCfg(e));
        }
    }
    Ok(Framebuffer { base, width: mode.width, height: mode.height, stride_bytes, format })
}
