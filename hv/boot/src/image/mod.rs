//! Kernel images: what they are, and what of them goes where in a domain's RAM.
//!
//! Three kinds of kernel are known. A Linux zImage by its magic number (0x016f2818 at 0x24), an ELF file by its, and
//! everything else that is not recognised as something wrong is a flat binary. Firmware is always flat, and is not loaded
//! into RAM: [`check_firmware`].
//!
//! The first 16 KiB of guest RAM are kept for the guest's device tree; Linux puts its first page tables right after.

mod elf;
mod firmware;
mod place;
mod zimage;

use core::fmt;

use arrayvec::ArrayVec;

pub use self::elf::PF_NEX_PROTECT;
pub use self::firmware::{FIRMWARE_BASE, MAX_FIRMWARE_BYTES, check_firmware};
pub use self::place::{LOW_DTB_BYTES, place_dtb, place_initrd};

/// Bytes at the start of guest RAM that are kept for the device tree.
pub const DTB_BYTES: u32 = 0x4000;
/// Where flat binaries and zImages go by default, in bytes from the start of guest RAM; as QEMU's `virt` machine does.
pub const DEFAULT_LOAD_OFFSET: u32 = 0x1_0000;
/// Most segments of an image.
pub const MAX_SEGMENTS: usize = 16;

const PAGE_BYTES: u64 = 4096;

/// Guest RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RamWindow {
    /// Guest-physical address of the first byte, a multiple of 4096.
    pub base: u32,
    /// Length in bytes. `base + bytes` is at most 2^32.
    pub bytes: u64,
}

impl RamWindow {
    fn end(&self) -> u64 {
        u64::from(self.base).saturating_add(self.bytes)
    }
}

/// What the configuration says about loading; see [`crate::manifest::Payload::Kernel`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Where to load a zImage or flat binary, a guest-physical address.
    pub load: Option<u32>,
    /// Where to enter a flat binary, bit 0 set for Thumb.
    pub entry: Option<u32>,
}

/// Kind of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// Self-extracting Linux kernel.
    ZImage,
    /// ELF executable.
    Elf,
    /// Flat binary.
    Flat,
}

/// What a segment asks for. Flat binaries and zImages get everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perms {
    /// Readable.
    pub r: bool,
    /// Writable.
    pub w: bool,
    /// Executable.
    pub x: bool,
}

/// A piece of the image and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Guest-physical address, of any alignment.
    pub gpa: u32,
    /// What to copy there.
    pub data: &'a [u8],
    /// Size in memory, above 0 and at least `data.len()`; the rest is to be zero.
    pub mem_bytes: u32,
    /// What may be done with it: [`ALL`], but for an ELF file that asks for its permissions to hold ([`PF_NEX_PROTECT`]).
    pub perms: Perms,
}

impl Segment<'_> {
    /// The guest-physical address after the last byte, at most 2^32.
    pub fn end(&self) -> u64 {
        u64::from(self.gpa) + u64::from(self.mem_bytes)
    }
}

/// How to load an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadPlan<'a> {
    /// What it is.
    pub kind: ImageKind,
    /// What goes where: within RAM, behind the device tree, without overlaps, sorted by address. At least one.
    pub segments: ArrayVec<Segment<'a>, MAX_SEGMENTS>,
    /// Guest-physical address of the first instruction, within an executable segment; bit 0 set for Thumb.
    pub entry: u32,
    /// The first guest-physical address behind all segments, at most 2^32.
    pub end: u64,
    /// The first guest-physical address that the kernel leaves alone until it has found initial RAM disk and device tree;
    /// at least `end`. A zImage unpacks itself to the start of RAM, and moves itself out of its own way first.
    pub free_from: u64,
}

/// Why an image, or its initial RAM disk, cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// No bytes.
    Empty,
    /// Recognised as something that cannot be started.
    Unsuitable {
        /// What it is.
        what: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The zImage's header says it is longer than the file.
    ZImageTruncated {
        /// Size by the header.
        expected_bytes: u32,
        /// Size of the file.
        bytes: usize,
    },
    /// The ELF header or a program header is damaged, or says more than the file has.
    ElfDamaged,
    /// An ELF file, but not a 32-bit little-endian ARM executable.
    ElfKind,
    /// An ELF file without anything to load.
    ElfEmpty,
    /// More than [`MAX_SEGMENTS`] segments.
    TooManySegments,
    /// `load` or `entry` is given for a kind that knows its own.
    OptionNotAllowed(&'static str),
    /// A part would lie outside of guest RAM.
    OutsideRam {
        /// Where it begins.
        gpa: u32,
        /// Its size in memory.
        bytes: u64,
    },
    /// A part would lie on the guest's device tree.
    OnDeviceTree {
        /// Where it begins.
        gpa: u32,
    },
    /// Two segments overlap; the second is given.
    Overlap {
        /// Where it begins.
        gpa: u32,
    },
    /// The entry point is in no executable segment, or an ARM one is not a multiple of 4.
    BadEntry {
        /// The entry point.
        entry: u32,
    },
    /// No room for the initial RAM disk behind the kernel.
    InitrdTooLarge {
        /// Its size.
        bytes: u64,
        /// The most that would fit.
        room_bytes: u64,
    },
    /// No room for the device tree besides kernel and initial RAM disk.
    DeviceTreeTooLarge {
        /// Its size.
        bytes: u64,
        /// The most that would fit.
        room_bytes: u64,
    },
    /// Recognised as something that is no firmware.
    UnsuitableFirmware {
        /// What it is.
        what: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// More than [`MAX_FIRMWARE_BYTES`] of firmware.
    FirmwareTooLarge {
        /// Its size.
        bytes: usize,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("file is empty"),
            Self::Unsuitable { what, hint } => write!(f, "kernel is {what}; {hint}"),
            Self::ZImageTruncated { expected_bytes, bytes } => {
                write!(f, "zImage is cut short: {bytes} of {expected_bytes} bytes")
            }
            Self::ElfDamaged => f.write_str("ELF file is damaged or cut short"),
            Self::ElfKind => f.write_str("ELF file is not a 32-bit little-endian ARM executable (ET_EXEC)"),
            Self::ElfEmpty => f.write_str("ELF file has no PT_LOAD segment"),
            Self::TooManySegments => write!(f, "ELF file has more than {MAX_SEGMENTS} PT_LOAD segments"),
            Self::OptionNotAllowed(key) => {
                write!(f, "\"{key}\" is not possible with this kind of kernel; remove it")
            }
            Self::OutsideRam { gpa, bytes } => write!(
                f,
                "kernel wants {bytes:#x} bytes at {gpa:#010x}, outside of guest memory; \
                 give more memory, or link it for physical addresses from 0x40000000"
            ),
            Self::OnDeviceTree { gpa } => {
                write!(
                    f,
                    "kernel at {gpa:#010x} would overwrite the guest's device tree in the first 16 KiB of memory"
                )
            }
            Self::Overlap { gpa } => write!(f, "kernel segment at {gpa:#010x} overlaps another"),
            Self::BadEntry { entry } => write!(f, "kernel entry {entry:#010x} is not within executable code"),
            Self::InitrdTooLarge { bytes, room_bytes } => write!(
                f,
                "initrd has {bytes} bytes, but only {room_bytes} fit behind the kernel; give the domain more memory"
            ),
            Self::DeviceTreeTooLarge { bytes, room_bytes } => write!(
                f,
                "device tree has {bytes} bytes, but only {room_bytes} fit besides kernel and initrd; \
                 give the domain more memory"
            ),
            Self::UnsuitableFirmware { what, hint } => write!(f, "firmware is {what}; {hint}"),
            Self::FirmwareTooLarge { bytes } => write!(f, "firmware has {bytes} bytes; at most 64 MiB fit"),
        }
    }
}

/// Everything: what a machine without memory protection allows.
pub const ALL: Perms = Perms { r: true, w: true, x: true };

/// Says how to load `file` into `ram`.
///
/// # Errors
/// Every [`ImageError`] but those about an initial RAM disk, a device tree or firmware being too large or unsuitable.
pub fn plan<'a>(file: &'a [u8], options: &LoadOptions, ram: &RamWindow) -> Result<LoadPlan<'a>, ImageError> {
    if file.is_empty() {
        return Err(ImageError::Empty);
    }
    if file.starts_with(b"\x7fELF") {
        return elf::plan(file, options, ram);
    }
    let default_load = ram.base.saturating_add(DEFAULT_LOAD_OFFSET);
    if zimage::is_zimage(file) {
        if options.entry.is_some() {
            return Err(ImageError::OptionNotAllowed("entry"));
        }
        let default_load = zimage::load_address(file)?.unwrap_or(default_load);
        let load = options.load.unwrap_or(default_load);
        let mut plan = single(ImageKind::ZImage, file, load, load, ram)?;
        plan.free_from = plan.end.max(zimage::end_of_unpacking(file, load, ram));
        return Ok(plan);
    }
    if let Some((what, hint)) = known_kind(file) {
        return Err(ImageError::Unsuitable { what, hint });
    }
    let load = options.load.unwrap_or(default_load);
    single(ImageKind::Flat, file, load, options.entry.unwrap_or(load), ram)
}

/// A plan of one segment that has the whole file.
fn single<'a>(
    kind: ImageKind,
    file: &'a [u8],
    load: u32,
    entry: u32,
    ram: &RamWindow,
) -> Result<LoadPlan<'a>, ImageError> {
    let bytes = file.len() as u64;
    let mem_bytes = u32::try_from(bytes).map_err(|_| ImageError::OutsideRam { gpa: load, bytes })?;
    let mut segments = ArrayVec::new();
    segments.push(Segment { gpa: load, data: file, mem_bytes, perms: ALL });
    finish(kind, segments, entry, ram)
}

/// Checks all places and makes the plan. The segments are sorted by address.
fn finish<'a>(
    kind: ImageKind,
    segments: ArrayVec<Segment<'a>, MAX_SEGMENTS>,
    entry: u32,
    ram: &RamWindow,
) -> Result<LoadPlan<'a>, ImageError> {
    let mut end = 0;
    for &Segment { gpa, mem_bytes, .. } in &segments {
        let (start, bytes) = (u64::from(gpa), u64::from(mem_bytes));
        if start < u64::from(ram.base) || start + bytes > ram.end() {
            return Err(ImageError::OutsideRam { gpa, bytes });
        }
        if start < u64::from(ram.base) + u64::from(DTB_BYTES) {
            return Err(ImageError::OnDeviceTree { gpa });
        }
        if start < end {
            return Err(ImageError::Overlap { gpa });
        }
        end = start + bytes;
    }
    let is_thumb = entry & 1 == 1;
    let first = entry & !1;
    let contains =
        |segment: &Segment<'_>| segment.perms.x && segment.gpa <= first && u64::from(first) < segment.end();
    if !segments.iter().any(contains) || !(is_thumb || entry.is_multiple_of(4)) {
        return Err(ImageError::BadEntry { entry });
    }
    Ok(LoadPlan { kind, segments, entry, end, free_from: end })
}

/// What people put in place of a kernel or firmware by mistake, and what to do.
fn known_kind(file: &[u8]) -> Option<(&'static str, &'static str)> {
    const UNPACK: &str = "unpack it first";
    const KNOWN: [(usize, &[u8], &str, &str); 9] = [
        (0, &[0x1f, 0x8b], "compressed with gzip", UNPACK),
        (0, &[0xfd, b'7', b'z', b'X', b'Z', 0], "compressed with xz", UNPACK),
        (0, &[0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd", UNPACK),
        (0, &[0x27, 0x05, 0x19, 0x56], "a U-Boot uImage", "use the zImage within (dd bs=64 skip=1)"),
        (0, b"ANDROID!", "an Android boot image", "use the zImage within"),
        (0, &[0xd0, 0x0d, 0xfe, 0xed], "a device tree or FIT image", "use the kernel within"),
        (0, b"070701", "a cpio archive", "it belongs in \"initrd\""),
        (0x38, b"ARM\x64", "a 64-bit kernel", "use a 32-bit ARMv7 one"),
        (0x24, &[0x01, 0x6f, 0x28, 0x18], "a big-endian zImage", "use a little-endian one"),
    ];
    let found =
        KNOWN.iter().find(|(at, magic, _, _)| file.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    found.map(|(_, _, what, hint)| (*what, *hint))
}

#[cfg(test)]
mod tests;
