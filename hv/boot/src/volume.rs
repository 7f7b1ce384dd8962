//! The boot volume: a `cpio` archive in the "newc" format, as `find . | cpio -o -H newc` writes it.
//!
//! Format (Linux `Documentation/driver-api/early-userspace/buffer-format.rst`): per file a header of 110 ASCII bytes
//! (magic "070701", then 13 fields of 8 hexadecimal digits), the name with its NUL, the data; name and data are each
//! padded to a multiple of 4 from the start of the archive. An entry named "TRAILER!!!" ends it.
//!
//! The parser is our own. `cpio_reader` does not panic, but ends its iteration without a word at the first thing that
//! is wrong, so a damaged archive looks like a shorter one; and it does not give the data of hard-linked files.

use alloc::vec::Vec;
use core::fmt;

use crate::bytes::Shown;

/// Most files accepted in one volume.
pub const MAX_FILES: usize = 1024;
/// Longest name accepted, in bytes.
const MAX_NAME_BYTES: usize = 255;

const HEADER_BYTES: usize = 110;
const TRAILER: &str = "TRAILER!!!";

/// A regular file of the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Path without leading "./" or "/".
    pub name: &'a str,
    /// Contents.
    pub data: &'a [u8],
}

/// A checked boot volume.
#[derive(Clone, Debug)]
pub struct BootVolume<'a> {
    files: Vec<File<'a>>,
}

/// A kind of file that a boot volume cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialKind {
    /// Symbolic link.
    Symlink,
    /// Device node, FIFO, socket, or unknown.
    Other,
}

/// Why a boot volume was refused. Offsets are bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeError<'a> {
    /// No bytes at all.
    Empty,
    /// Compressed; the name of the format is given.
    Compressed(&'static str),
    /// A cpio archive, but in the named other format.
    OtherCpio(&'static str),
    /// The first bytes are those of no archive.
    NotCpio,
    /// No entry begins here, where one must.
    BadMagic {
        /// Where.
        offset: usize,
    },
    /// The header has a character that is no hexadecimal digit.
    BadHeader {
        /// Where the header begins.
        offset: usize,
    },
    /// The archive ends within a header.
    TruncatedHeader {
        /// Where the header begins.
        offset: usize,
    },
    /// The archive ends within a name, or the name is empty, above 255 bytes, without NUL, or not UTF-8.
    BadName {
        /// Where the header begins.
        offset: usize,
    },
    /// The archive ends within a file's data.
    TruncatedData {
        /// The file.
        name: &'a str,
        /// Bytes that are missing.
        missing_bytes: usize,
    },
    /// The archive ends without its last entry.
    NoTrailer,
    /// Two files have the same name.
    Duplicate {
        /// The name.
        name: &'a str,
    },
    /// An entry is neither file nor directory.
    Special {
        /// The entry.
        name: &'a str,
        /// What it is.
        kind: SpecialKind,
    },
    /// More than [`MAX_FILES`] files.
    TooManyFiles,
}

impl fmt::Display for VolumeError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("boot volume: ")?;
        match self {
            Self::Empty => f.write_str("empty; pack one with make bootvol"),
            Self::Compressed(format) => write!(f, "compressed with {format}; unpack it first"),
            Self::OtherCpio(format) => {
                write!(f, "cpio archive in {format} format; pack it with cpio -o -H newc")
            }
            Self::NotCpio => f.write_str("not a cpio archive; pack one with make bootvol or cpio -o -H newc"),
            Self::BadMagic { offset } => write!(f, "no entry at offset {offset:#x}; the archive is damaged"),
            Self::BadHeader { offset } => {
                write!(f, "bad header at offset {offset:#x}; the archive is damaged")
            }
            Self::TruncatedHeader { offset } => {
                write!(f, "ends within the header at offset {offset:#x}; the archive is cut short")
            }
            Self::BadName { offset } => write!(f, "bad file name in the entry at offset {offset:#x}"),
            Self::TruncatedData { name, missing_bytes } => {
                write!(
                    f,
                    "ends {missing_bytes} bytes before the end of {}; the archive is cut short",
                    Shown(name)
                )
            }
            Self::NoTrailer => f.write_str("has no TRAILER!!! entry; the archive is cut short"),
            Self::Duplicate { name } => write!(f, "holds {} twice; remove one", Shown(name)),
            Self::Special { name, kind: SpecialKind::Symlink } => {
                write!(f, "{} is a symbolic link; pack the file itself (cp -L, or cpio -L)", Shown(name))
            }
            Self::Special { name, kind: SpecialKind::Other } => {
                write!(f, "{} is no regular file; remove it", Shown(name))
            }
            Self::TooManyFiles => write!(f, "holds more than {MAX_FILES} files"),
        }
    }
}

/// A file and what is needed to find the data of its hard links.
struct Entry<'a> {
    file: File<'a>,
    identity: [u32; 3],
    links: u32,
}

impl<'a> BootVolume<'a> {
    /// Checks the whole archive. Bytes after its trailer are ignored: cpio pads to 512.
    ///
    /// Directories are left out. Of a file with hard links cpio writes the data only once; each name gets it.
    ///
    /// # Errors
    /// Every [`VolumeError`].
    pub fn parse(archive: &'a [u8]) -> Result<Self, VolumeError<'a>> {
        check_format(archive)?;
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut at = 0;
        while let Some((entry, next)) = read_entry(archive, at)? {
            at = next;
            if let Some(entry) = entry {
                if entries.len() == MAX_FILES {
                    return Err(VolumeError::TooManyFiles);
                }
                entries.push(entry);
            }
        }
        let data_of = |entry: &Entry<'a>| {
            let same = |other: &&Entry<'a>| other.identity == entry.identity && !other.file.data.is_empty();
            let linked = entry.links > 1 && entry.file.data.is_empty();
            entries
                .iter()
                .find(|other| linked && same(other))
                .map_or(entry.file.data, |other| other.file.data)
        };
        // Inserted in order, not sorted: core's sorts cost 4 KiB of code for each type, and cpio writes few files.
        let mut files: Vec<File<'a>> = Vec::with_capacity(entries.len());
        for entry in &entries {
            let name = entry.file.name;
            match files.binary_search_by_key(&name, |file| file.name) {
                Ok(_) => return Err(VolumeError::Duplicate { name }),
                Err(place) => files.insert(place, File { name, data: data_of(entry) }),
            }
        }
        Ok(Self { files })
    }

    /// The file of this name; a leading "./" or "/" makes no difference.
    pub fn file(&self, name: &str) -> Option<File<'a>> {
        let name = plain_name(name);
        let index = self.files.binary_search_by_key(&name, |file| file.name).ok()?;
        self.files.get(index).copied()
    }

    /// All files, sorted by name.
    pub fn files(&self) -> &[File<'a>] {
        &self.files
    }
}

/// `name` without what `find .` and absolute paths put before it.
fn plain_name(mut name: &str) -> &str {
    while let Some(rest) = name.strip_prefix("./").or_else(|| name.strip_prefix('/')) {
        name = rest;
    }
    name
}

/// Says by the first bytes what it is instead of a newc archive, where that is known.
fn check_format<'a>(archive: &[u8]) -> Result<(), VolumeError<'a>> {
    const COMPRESSED: [(&[u8], &str); 6] = [
        (&[0x1f, 0x8b], "gzip"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (b"BZh", "bzip2"),
        (&[0x02, 0x21, 0x4c, 0x18], "lz4"),
        (&[0x5d, 0, 0], "lzma"),
    ];
    const OTHER: [(&[u8], &str); 4] = [
        (b"070702", "crc"),
        (b"070707", "odc"),
        (&[0xc7, 0x71], "old binary"),
        (&[0x71, 0xc7], "old binary"),
    ];
    if archive.is_empty() {
        return Err(VolumeError::Empty);
    }
    let known = |list: &[(&[u8], &'static str)]| {
        list.iter().find(|(magic, _)| archive.starts_with(magic)).map(|(_, name)| *name)
    };
    if let Some(name) = known(&COMPRESSED) {
        return Err(VolumeError::Compressed(name));
    }
    if let Some(name) = known(&OTHER) {
        return Err(VolumeError::OtherCpio(name));
    }
    let first = &archive[..archive.len().min(6)];
    if b"070701".starts_with(first) { Ok(()) } else { Err(VolumeError::NotCpio) }
}

/// Reads the entry at `at`: a file, or `None` for a directory; and where the next one begins. `None` at the trailer.
#[allow(clippy::type_complexity)]
fn read_entry(archive: &[u8], at: usize) -> Result<Option<(Option<Entry<'_>>, usize)>, VolumeError<'_>> {
    let rest = archive.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return Err(VolumeError::NoTrailer);
    }
    if !rest.starts_with(b"070701") && rest.len() >= 6 {
        return Err(VolumeError::BadMagic { offset: at });
    }
    let header = rest.get(..HEADER_BYTES).ok_or(VolumeError::TruncatedHeader { offset: at })?;
    let mut fields = [0; 13];
    for (field, digits) in fields.iter_mut().zip(header[6..].chunks_exact(8)) {
        *field = hex(digits).ok_or(VolumeError::BadHeader { offset: at })?;
    }
    let [inode, mode, _, _, links, _, file_bytes, device_major, device_minor, _, _, name_bytes, _] = fields;

    let bad_name = VolumeError::BadName { offset: at };
    let name_bytes = name_bytes as usize;
    if !(2..=MAX_NAME_BYTES + 1).contains(&name_bytes) {
        return Err(bad_name);
    }
    let name = rest.get(HEADER_BYTES..HEADER_BYTES + name_bytes).ok_or(bad_name)?;
    let full_name = crate::bytes::c_str(name).filter(|name| name.len() + 1 == name_bytes).ok_or(bad_name)?;
    if full_name == TRAILER {
        return Ok(None);
    }
    let name = plain_name(full_name);

    let start = (HEADER_BYTES + name_bytes).next_multiple_of(4);
    let data = rest.get(start..).unwrap_or_default();
    let file_bytes = file_bytes as usize;
    let missing_bytes = file_bytes.saturating_sub(data.len());
    let data = data.get(..file_bytes).ok_or(VolumeError::TruncatedData { name: full_name, missing_bytes })?;
    // Every entry begins at a multiple of 4, so rounding the distance from `at` is rounding the offset.
    let next = at + (start + file_bytes).next_multiple_of(4);

    // The file type is in bits 15..12 of the mode (POSIX sys/stat.h, octal 0170000).
    let entry = match mode >> 12 {
        0o04 => None,
        0o10 if name.is_empty() => return Err(bad_name),
        0o10 => {
            Some(Entry { file: File { name, data }, identity: [inode, device_major, device_minor], links })
        }
        0o12 => return Err(VolumeError::Special { name: full_name, kind: SpecialKind::Symlink }),
        _ => return Err(VolumeError::Special { name: full_name, kind: SpecialKind::Other }),
    };
    Ok(Some((entry, next)))
}

/// The number that `digits`, at most eight, are in hexadecimal.
fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests;
