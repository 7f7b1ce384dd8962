//! The device tree Nex hands to the guest, validated (Devicetree Specification 0.4; nodes: `docs/abi.md`, section 3).

use core::fmt;
use core::ops::Range;

use nex_abi::platform::DTB_MAX_BYTES;

use walk::Blocks;

mod walk;

/// Bytes of the header that hold magic and total size.
const MAGIC_AND_SIZE_BYTES: usize = 8;
const MAGIC: u32 = 0xd00d_feed;

/// A device tree that has been checked from end to end.
#[derive(Clone, Copy, Debug)]
pub struct DeviceTree<'a>(Blocks<'a>);

/// RAM, a range within 32 bits of guest physical addresses; not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Guest physical address of the first byte.
    pub base: u32,
    /// Size in bytes; `base + bytes` is at most 2^32.
    pub bytes: u32,
}

/// Why a device tree, or something in it, cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceTreeError {
    /// r2 does not hold an address that is a multiple of 4 and not 0.
    NoAddress(u32),
    /// There is no device tree at the address in r2.
    NoMagic,
    /// The device tree says it is larger than 16 KiB.
    TooLarge {
        /// What the header says.
        bytes: u32,
    },
    /// The device tree is damaged.
    Malformed,
    /// A node or property is missing, or its value makes no sense.
    Bad(
        /// Its path.
        &'static str,
    ),
}

impl fmt::Display for DeviceTreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceTreeError::NoAddress(r2) => {
                write!(
                    f,
                    "device tree: r2 was {r2:#x} at the start, not its address: enter the guest as docs/abi.md says"
                )
            }
            DeviceTreeError::NoMagic => f.write_str("device tree: none at the address in r2"),
            DeviceTreeError::TooLarge { bytes } => {
                write!(f, "device tree: {bytes} bytes, and at most {DTB_MAX_BYTES} are allowed")
            }
            DeviceTreeError::Malformed => f.write_str("device tree: damaged: was it overwritten?"),
            DeviceTreeError::Bad(path) => write!(f, "device tree: {path} is missing or makes no sense"),
        }
    }
}

impl<'a> DeviceTree<'a> {
    /// Checks `blob`, which may be longer than the device tree in it.
    ///
    /// # Errors
    ///
    /// [`NoMagic`](DeviceTreeError::NoMagic), [`TooLarge`](DeviceTreeError::TooLarge) or
    /// [`Malformed`](DeviceTreeError::Malformed).
    pub fn new(blob: &'a [u8]) -> Result<DeviceTree<'a>, DeviceTreeError> {
        let header = blob.first_chunk::<MAGIC_AND_SIZE_BYTES>().ok_or(DeviceTreeError::NoMagic)?;
        let bytes = total_bytes(header)?;
        let blob = blob.get(..bytes).ok_or(DeviceTreeError::Malformed)?;
        Blocks::new(blob).map(DeviceTree).ok_or(DeviceTreeError::Malformed)
    }

    /// Checks the device tree at a guest physical address.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), or [`NoAddress`](DeviceTreeError::NoAddress).
    ///
    /// # Safety
    ///
    /// If `address` is a multiple of 4 and not 0, [`DTB_MAX_BYTES`] there must be readable, and nothing may write to them
    /// during `'a`.
    pub unsafe fn at(address: u32) -> Result<DeviceTree<'a>, DeviceTreeError> {
        if address == 0 || !address.is_multiple_of(4) {
            return Err(DeviceTreeError::NoAddress(address));
        }
        let start: *const u8 = core::ptr::with_exposed_provenance(address as usize);
        // SAFETY: the caller's duty.
        DeviceTree::new(unsafe { core::slice::from_raw_parts(start, DTB_MAX_BYTES as usize) })
    }

    /// `/chosen/bootargs`: the domain's command line, or `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`Bad`](DeviceTreeError::Bad) if it is not UTF-8 with one NUL at its end.
    pub fn bootargs(&self) -> Result<Option<&'a str>, DeviceTreeError> {
        const PATH: &str = "/chosen/bootargs";
        let Some(value) = self.property("/chosen", "bootargs") else { return Ok(None) };
        let (&0, text) = value.split_last().ok_or(DeviceTreeError::Bad(PATH))? else {
            return Err(DeviceTreeError::Bad(PATH));
        };
        match core::str::from_utf8(text) {
            Ok(text) if !text.contains('\0') => Ok(Some(text)),
            _ => Err(DeviceTreeError::Bad(PATH)),
        }
    }

    /// RAM: the first range of `/memory`. Nex gives each domain one.
    ///
    /// # Errors
    ///
    /// [`Bad`](DeviceTreeError::Bad) if it is missing, empty, or not entirely below 4 GiB.
    pub fn memory(&self) -> Result<Memory, DeviceTreeError> {
        let bad = DeviceTreeError::Bad("/memory/reg");
        let address_bytes = self.cell_bytes("#address-cells", 2)?;
        let size_bytes = self.cell_bytes("#size-cells", 1)?;
        let reg = self.property("/memory", "reg").ok_or(bad)?;
        let base = reg.get(..address_bytes).and_then(number).ok_or(bad)?;
        let bytes = reg.get(address_bytes..address_bytes + size_bytes).and_then(number).ok_or(bad)?;
        let (base, bytes) = (u32::try_from(base).map_err(|_| bad)?, u32::try_from(bytes).map_err(|_| bad)?);
        if bytes == 0 || u64::from(base) + u64::from(bytes) > 1 << 32 {
            return Err(bad);
        }
        Ok(Memory { base, bytes })
    }

    /// The initrd as guest physical addresses, or `None` if the domain has none.
    ///
    /// # Errors
    ///
    /// [`Bad`](DeviceTreeError::Bad) if only one of its two properties is there, or they are no range within
    /// [`memory`](Self::memory) that ends below 4 GiB.
    pub fn initrd(&self) -> Result<Option<Range<u32>>, DeviceTreeError> {
        let bad = DeviceTreeError::Bad("/chosen/linux,initrd-start or -end");
        let (start, end) = match (
            self.property("/chosen", "linux,initrd-start"),
            self.property("/chosen", "linux,initrd-end"),
        ) {
            (None, None) => return Ok(None),
            (Some(start), Some(end)) => (number(start).ok_or(bad)?, number(end).ok_or(bad)?),
            _ => return Err(bad),
        };
        let memory = self.memory()?;
        let memory_end = u64::from(memory.base) + u64::from(memory.bytes);
        if start < u64::from(memory.base) || start > end || end > memory_end || end > u64::from(u32::MAX) {
            return Err(bad);
        }
        Ok(Some(start as u32..end as u32))
    }

    /// The raw value of any property: numbers are big-endian, texts end with NUL. `path` is `/` or `/a/b`; a component
    /// without unit address fits a node with any.
    pub fn property(&self, path: &str, name: &str) -> Option<&'a [u8]> {
        self.0.property(path, name)
    }

    /// Width of an address or size, in bytes, from a `#...-cells` property of the root; `default` cells if it is not there.
    fn cell_bytes(&self, property: &'static str, default: usize) -> Result<usize, DeviceTreeError> {
        let cells = match self.property("/", property) {
            None => default,
            Some(cells) => match number(cells) {
                Some(1) => 1,
                Some(2) => 2,
                _ => return Err(DeviceTreeError::Bad(property)),
            },
        };
        Ok(cells * 4)
    }
}

/// Checks magic and size; returns the size in bytes, at most [`DTB_MAX_BYTES`].
fn total_bytes(header: &[u8; MAGIC_AND_SIZE_BYTES]) -> Result<usize, DeviceTreeError> {
    let [a, b, c, d, e, f, g, h] = *header;
    if u32::from_be_bytes([a, b, c, d]) != MAGIC {
        return Err(DeviceTreeError::NoMagic);
    }
    let bytes = u32::from_be_bytes([e, f, g, h]);
    if bytes > DTB_MAX_BYTES {
        return Err(DeviceTreeError::TooLarge { bytes });
    }
    Ok(bytes as usize)
}

/// A number of one or two cells, big-endian.
fn number(cells: &[u8]) -> Option<u64> {
    if let Ok(one) = <[u8; 4]>::try_from(cells) {
        return Some(u64::from(u32::from_be_bytes(one)));
    }
    <[u8; 8]>::try_from(cells).ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests;
