//! What the boot loader passed in r2: a device tree blob or an ATAG list.
//!
//! [`identify`] needs only the first bytes, so that Nex can map just them, learn the size, and map the rest for
//! [`parse`].

use core::fmt;

use arrayvec::{ArrayString, ArrayVec};

use crate::atags::{self, AtagError, Tag};
use crate::bytes::be32;
use crate::dtb::{self, DtbError, Tree, Visit};

/// Bytes that [`identify`] wants to see; fewer may do for a damaged blob, to be refused.
pub const IDENTIFY_BYTES: usize = dtb::HEADER_BYTES;
/// Largest device tree accepted. QEMU's claims 1 MiB, whatever it holds.
pub const MAX_DTB_BYTES: usize = 2 << 20;

/// A range of physical addresses: a bank of RAM, a reserved part of it, or registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bank {
    /// Address of the first byte.
    pub start: u64,
    /// Length in bytes.
    pub bytes: u64,
}

impl Bank {
    /// Address of the byte after the last.
    ///
    /// Saturates: a bank in a [`BootInfo`] never reaches the end of the 64-bit space.
    pub const fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes)
    }
}

/// Which of the two formats r2 pointed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Flattened device tree.
    Dtb,
    /// ATAG list.
    Atags,
}

/// What [`identify`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHeader {
    /// The format.
    pub source: Source,
    /// How many bytes to map for [`parse`]: a device tree's `totalsize`, or the most an ATAG list may have.
    pub total_bytes: usize,
}

/// Everything Nex learns from the boot loader about memory and the boot volume.
#[derive(Clone, Debug)]
pub struct BootInfo {
    /// Where this comes from.
    pub source: Source,
    /// RAM, sorted by address; banks that touched or overlapped are merged, empty ones left out. At least one.
    pub banks: ArrayVec<Bank, 8>,
    /// Parts of RAM to leave alone, sorted and merged likewise: the reservation block and `/reserved-memory`. The blob
    /// itself and the boot volume are not among them unless the loader says so.
    pub reserved: ArrayVec<Bank, 32>,
    /// The boot volume, which the loader passes as the initial RAM disk. Not empty.
    pub initrd: Option<Bank>,
    /// Command line for Nex, perhaps empty.
    pub cmdline: ArrayString<1024>,
    /// The command line was longer, or not UTF-8 from some byte on; `cmdline` has the part before.
    pub cmdline_cut: bool,
    /// `model` of the device tree, cut to 64 bytes; empty with ATAGs.
    pub model: ArrayString<64>,
    /// First string of the root's `compatible`, cut to 64 bytes; empty with ATAGs.
    pub compatible: ArrayString<64>,
    /// Board serial number, from ATAG_SERIAL.
    pub serial: Option<u64>,
    /// Board revision, from ATAG_REVISION.
    pub revision: Option<u32>,
}

impl BootInfo {
    /// Adds a part of RAM to leave alone.
    ///
    /// # Errors
    /// [`BootInfoError::BadBank`], [`BootInfoError::TooManyReserved`].
    pub fn reserve(&mut self, start: u64, bytes: u64) -> Result<(), BootInfoError> {
        add_reserved(self, start, bytes)
    }
}

/// Why what the boot loader passed was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootInfoError {
    /// Neither a device tree nor an ATAG list begins at r2.
    Unknown {
        /// First word found, little-endian; 0 if there were not even four bytes.
        first_word: u32,
    },
    /// The device tree's `totalsize` is below its header's size or above [`MAX_DTB_BYTES`].
    DtbSize {
        /// `totalsize` as found.
        total_bytes: u32,
    },
    /// The device tree is damaged.
    Dtb(DtbError),
    /// The ATAG list is damaged.
    Atags {
        /// Bytes from the start of the list to the tag.
        offset: usize,
        /// What is wrong with it.
        error: AtagError,
    },
    /// A memory node or reserved region has a `reg` that cannot be read, or wraps around the address space.
    BadBank {
        /// Start address, 0 if it could not be read.
        start: u64,
        /// Length in bytes, 0 if it could not be read.
        bytes: u64,
    },
    /// More than 8 separate banks of RAM.
    TooManyBanks,
    /// More than 32 separate reserved regions.
    TooManyReserved,
    /// Only one end of the initial RAM disk is given, or the end is before the start.
    BadInitrd,
}

impl fmt::Display for BootInfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { first_word } => write!(
                f,
                "r2 points to neither a device tree nor an ATAG list (first word {first_word:#010x}); \
                 the boot loader must pass one"
            ),
            Self::DtbSize { total_bytes } => {
                write!(f, "device tree claims {total_bytes} bytes; expected 40 to {MAX_DTB_BYTES}")
            }
            Self::Dtb(error) => error.fmt(f),
            Self::Atags { offset, error } => write!(f, "ATAG at offset {offset:#x}: {error}"),
            Self::BadBank { start, bytes } => {
                write!(f, "memory range at {start:#x} of {bytes:#x} bytes is malformed or wraps around")
            }
            Self::TooManyBanks => f.write_str("more than 8 separate banks of memory"),
            Self::TooManyReserved => f.write_str("more than 32 separate reserved memory regions"),
            Self::BadInitrd => {
                f.write_str("the boot loader gives no valid start and end of the boot volume (initrd)")
            }
        }
    }
}

/// Says what begins at r2, from its first [`IDENTIFY_BYTES`], and how many bytes [`parse`] needs.
///
/// # Errors
/// [`BootInfoError::Unknown`], [`BootInfoError::DtbSize`].
pub fn identify(first_bytes: &[u8]) -> Result<BlobHeader, BootInfoError> {
    if be32(first_bytes, 0) == Some(dtb::MAGIC) {
        let total_bytes = be32(first_bytes, 4).ok_or(BootInfoError::Dtb(DtbError::Truncated))?;
        if !(dtb::HEADER_BYTES..=MAX_DTB_BYTES).contains(&(total_bytes as usize)) {
            return Err(BootInfoError::DtbSize { total_bytes });
        }
        Ok(BlobHeader { source: Source::Dtb, total_bytes: total_bytes as usize })
    } else if atags::is_core(first_bytes) {
        Ok(BlobHeader { source: Source::Atags, total_bytes: atags::MAX_BYTES })
    } else {
        Err(BootInfoError::Unknown { first_word: be32(first_bytes, 0).unwrap_or(0).swap_bytes() })
    }
}

/// Reads the whole blob. `blob` may be longer than its contents. There may be no memory in it: some loaders leave that
/// out, and a board then knows better.
///
/// # Errors
/// Every [`BootInfoError`].
pub fn parse(blob: &[u8]) -> Result<BootInfo, BootInfoError> {
    match identify(blob)?.source {
        Source::Dtb => from_dtb(&Tree::new(blob).map_err(BootInfoError::Dtb)?),
        Source::Atags => from_atags(blob),
    }
}

fn empty(source: Source) -> BootInfo {
    BootInfo {
        source,
        banks: ArrayVec::new(),
        reserved: ArrayVec::new(),
        initrd: None,
        cmdline: ArrayString::new(),
        cmdline_cut: false,
        model: ArrayString::new(),
        compatible: ArrayString::new(),
        serial: None,
        revision: None,
    }
}

fn from_atags(list: &[u8]) -> Result<BootInfo, BootInfoError> {
    let mut info = empty(Source::Atags);
    let mut result = Ok(());
    let walked = atags::for_each(list, |tag| {
        let added = match tag {
            Tag::Mem { start, bytes } => add_memory(&mut info, u64::from(start), u64::from(bytes)),
            Tag::Initrd { start, bytes } => {
                let (start, bytes) = (u64::from(start), u64::from(bytes));
                info.initrd = (bytes != 0).then_some(Bank { start, bytes });
                Ok(())
            }
            Tag::CommandLine(text) => {
                set_cmdline(&mut info, text);
                Ok(())
            }
            Tag::Serial(number) => {
                info.serial = Some(number);
                Ok(())
            }
            Tag::Revision(number) => {
                info.revision = Some(number);
                Ok(())
            }
            Tag::Other(_) => Ok(()),
        };
        result = result.and(added);
    });
    walked.map_err(|(offset, error)| BootInfoError::Atags { offset, error })?;
    result.map(|()| info)
}

fn from_dtb(tree: &Tree<'_>) -> Result<BootInfo, BootInfoError> {
    let mut info = empty(Source::Dtb);
    for (start, bytes) in tree.memory_reservations() {
        add_reserved(&mut info, start, bytes)?;
    }
    let mut result = Ok(());
    tree.walk(&mut |path| {
        let device = tree.device(path.clone());
        let in_reserved = path.len() == 3 && path[1].name.is("reserved-memory");
        let is_memory = path.len() == 2 && device.property_str("device_type") == Some("memory");
        if path.len() == 1 {
            info.model = cut(device.property_str("model").unwrap_or_default()).0;
            info.compatible = cut(device.property_str("compatible").unwrap_or_default()).0;
        } else if !device.is_enabled_itself() {
            return Visit::Skip;
        } else if is_memory {
            result = add_regs(&mut info, &device, add_memory);
        } else if in_reserved {
            result = add_regs(&mut info, &device, add_reserved);
        } else if path.len() == 2 && device.name() == "chosen" {
            result = add_chosen(&mut info, &device);
        }
        if result.is_err() { Visit::Stop } else { Visit::Enter }
    });
    result.map(|()| info)
}

/// Adds every entry of a node's `reg`. A region without `reg` is one for an operating system to place: nothing to do.
fn add_regs(
    info: &mut BootInfo,
    device: &dtb::Device<'_>,
    add: fn(&mut BootInfo, u64, u64) -> Result<(), BootInfoError>,
) -> Result<(), BootInfoError> {
    let Some(reg) = device.property("reg") else { return Ok(()) };
    // The children of the root and of /reserved-memory (whose `ranges` must be empty) have CPU addresses.
    let mut n = 0;
    while let Some(bank) = device.reg_untranslated(n) {
        add(info, bank.start, bank.bytes)?;
        n += 1;
    }
    if n == 0 && !reg.is_empty() { Err(BootInfoError::BadBank { start: 0, bytes: 0 }) } else { Ok(()) }
}

fn add_chosen(info: &mut BootInfo, chosen: &dtb::Device<'_>) -> Result<(), BootInfoError> {
    if let Some(text) = chosen.property("bootargs") {
        set_cmdline(info, text.split(|byte| *byte == 0).next().unwrap_or_default());
    }
    // Loaders write one cell or two, whatever #address-cells says.
    let address = |name| match chosen.property(name) {
        None => Ok(None),
        Some(value) if matches!(value.len(), 4 | 8) => Ok(crate::bytes::be_cells(value, 0, value.len() / 4)),
        Some(_) => Err(BootInfoError::BadInitrd),
    };
    match (address("linux,initrd-start")?, address("linux,initrd-end")?) {
        (None, None) => {}
        (Some(start), Some(end)) if start == end => {}
        (Some(start), Some(end)) if start < end => info.initrd = Some(Bank { start, bytes: end - start }),
        _ => return Err(BootInfoError::BadInitrd),
    }
    Ok(())
}

fn add_memory(info: &mut BootInfo, start: u64, bytes: u64) -> Result<(), BootInfoError> {
    merge(&mut info.banks, start, bytes, BootInfoError::TooManyBanks)
}

fn add_reserved(info: &mut BootInfo, start: u64, bytes: u64) -> Result<(), BootInfoError> {
    merge(&mut info.reserved, start, bytes, BootInfoError::TooManyReserved)
}

/// Adds a range to a sorted list, joined with those it touches.
fn merge<const N: usize>(
    list: &mut ArrayVec<Bank, N>,
    start: u64,
    bytes: u64,
    full: BootInfoError,
) -> Result<(), BootInfoError> {
    if bytes == 0 {
        return Ok(());
    }
    let mut end = start.checked_add(bytes).ok_or(BootInfoError::BadBank { start, bytes })?;
    let mut start = start;
    list.retain(|old| {
        let touches = old.start <= end && start <= old.end();
        if touches {
            (start, end) = (start.min(old.start), end.max(old.end()));
        }
        !touches
    });
    let place = list.iter().position(|old| old.start > start).unwrap_or(list.len());
    list.try_insert(place, Bank { start, bytes: end - start }).map_err(|_| full)
}

fn set_cmdline(info: &mut BootInfo, text: &[u8]) {
    let valid = match core::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => core::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default(),
    };
    let (kept, was_cut) = cut(valid);
    info.cmdline = kept;
    info.cmdline_cut = was_cut || valid.len() != text.len();
}

/// As much of `text` as fits, in whole characters, and whether something was left out.
fn cut<const N: usize>(text: &str) -> (ArrayString<N>, bool) {
    let end = text.floor_char_boundary(N);
    let mut kept = ArrayString::new();
    let fits = kept.try_push_str(&text[..end]).is_ok();
    (kept, !fits || end < text.len())
}

#[cfg(test)]
mod tests;
