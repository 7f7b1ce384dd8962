//! Kernel images: what they are, and what of them goes where in a domain's RAM.
//!
//! Three kinds are known. A Linux zImage by its magic number (Linux `arch/arm/boot/compressed/head.S`: 0x016f2818 at
//! 0x24, then the words `start` and `end`), an ELF file by its, and everything else that is not recognised as
//! something wrong is a flat binary.
//!
//! The first 16 KiB of guest RAM are kept for the guest's device tree; Linux puts its first page tables right after.

mod elf;

use core::fmt;

use arrayvec::ArrayVec;

use crate::bytes::le32;

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
    /// What the segment is for.
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
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("kernel is empty"),
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
        }
    }
}

const ZIMAGE_MAGIC: u32 = 0x016f_2818;
const ALL: Perms = Perms { r: true, w: true, x: true };

/// Says how to load `file` into `ram`.
///
/// # Errors
/// Every [`ImageError`] but the last.
pub fn plan<'a>(file: &'a [u8], options: &LoadOptions, ram: &RamWindow) -> Result<LoadPlan<'a>, ImageError> {
    if file.is_empty() {
        return Err(ImageError::Empty);
    }
    if file.starts_with(b"\x7fELF") {
        return elf::plan(file, options, ram);
    }
    let default_load = ram.base.saturating_add(DEFAULT_LOAD_OFFSET);
    if le32(file, 0x24) == Some(ZIMAGE_MAGIC) {
        if options.entry.is_some() {
            return Err(ImageError::OptionNotAllowed("entry"));
        }
        let default_load = zimage_load(file)?.unwrap_or(default_load);
        let load = options.load.unwrap_or(default_load);
        return single(ImageKind::ZImage, file, load, load, ram);
    }
    refuse_unsuitable(file)?;
    let load = options.load.unwrap_or(default_load);
    single(ImageKind::Flat, file, load, options.entry.unwrap_or(load), ram)
}

/// Checks a zImage's header. Gives the address it must be loaded at, if it is not position-independent.
///
/// `end` may be before the end of the file: an appended device tree is behind it, and loaded as well.
fn zimage_load(file: &[u8]) -> Result<Option<u32>, ImageError> {
    let (start, end) = le32(file, 0x28)
        .zip(le32(file, 0x2c))
        .ok_or(ImageError::ZImageTruncated { expected_bytes: 0x30, bytes: file.len() })?;
    let expected_bytes = end.wrapping_sub(start);
    if expected_bytes as usize > file.len() {
        return Err(ImageError::ZImageTruncated { expected_bytes, bytes: file.len() });
    }
    Ok((start != 0).then_some(start))
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
    Ok(LoadPlan { kind, segments, entry, end })
}

/// Refuses what people put in place of a kernel by mistake.
fn refuse_unsuitable(file: &[u8]) -> Result<(), ImageError> {
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
    found.map_or(Ok(()), |(_, _, what, hint)| Err(ImageError::Unsuitable { what, hint }))
}

/// Where to put an initial RAM disk of `initrd_bytes`: a guest-physical address, a multiple of 4096.
///
/// By preference half way up the RAM, but not further than 128 MiB, where QEMU puts it too; behind the kernel in any
/// case. If it does not fit there, as high as it does. In front of it a zImage keeps four times its own size: it
/// unpacks itself to the start of the RAM (kernels shrink to a third or less), and moves itself behind that first.
///
/// # Errors
/// [`ImageError::InitrdTooLarge`].
pub fn place_initrd(plan: &LoadPlan<'_>, initrd_bytes: u64, ram: &RamWindow) -> Result<u32, ImageError> {
    let base = u64::from(ram.base);
    let kernel_bytes: u64 = plan.segments.iter().map(|segment| u64::from(segment.mem_bytes)).sum();
    let unpacked_bytes = if plan.kind == ImageKind::ZImage { 4 * kernel_bytes } else { 0 };
    let lowest = (plan.end + unpacked_bytes).next_multiple_of(PAGE_BYTES);
    let preferred = base + (ram.bytes / 2).min(128 << 20) / PAGE_BYTES * PAGE_BYTES;

    let room_bytes = ram.end().saturating_sub(lowest);
    let too_large = ImageError::InitrdTooLarge { bytes: initrd_bytes, room_bytes };
    let highest = ram.end().checked_sub(initrd_bytes).ok_or(too_large)? / PAGE_BYTES * PAGE_BYTES;
    if highest < lowest {
        return Err(too_large);
    }
    u32::try_from(preferred.clamp(lowest, highest)).map_err(|_| too_large)
}

#[cfg(test)]
mod tests;
