//! What can be wrong with nex.toml or the convention's files.

use alloc::string::String;
use core::fmt;

pub use super::toml::SyntaxError;
use crate::bytes::Shown;
use crate::dtb::DtbError;

/// A mistake: in which file, on which line, about which domain.
///
/// Its text is one line, such as
/// `nex.toml:12: domain "fw": unknown key "kernal" (did you mean "kernel"?)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// "nex.toml", or a file of the convention.
    pub file: String,
    /// Line in the file, from 1, where one can be named.
    pub line: Option<u32>,
    /// The domain, where it has a name yet.
    pub domain: Option<String>,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(domain) = &self.domain {
            write!(f, ": domain \"{domain}\"")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Neither nex.toml nor a file `dom0`, `dom1`, ... is in the volume.
    NothingToBoot,
    /// nex.toml declares no domain.
    NoDomains,
    /// nex.toml is longer than 64 KiB.
    TooLarge,
    /// The file is not UTF-8.
    NotUtf8,
    /// The file is no TOML.
    Syntax(SyntaxError),
    /// A key that does not exist.
    UnknownKey {
        /// As written.
        key: String,
        /// A key that does, and looks like it.
        suggestion: Option<&'static str>,
    },
    /// A value of the wrong type.
    WrongType {
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A value of the right type that is not possible.
    BadValue {
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A key that must be there is not.
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A key that makes no sense without another.
    KeyNeeds {
        /// The key.
        key: &'static str,
        /// The other.
        needs: &'static str,
    },
    /// A file named in a value is not in the volume.
    MissingFile {
        /// The key.
        key: &'static str,
        /// The file.
        file: String,
    },
    /// A file named in a value has no contents.
    EmptyFile {
        /// The key.
        key: &'static str,
        /// The file.
        file: String,
    },
    /// A file that is to be a device tree is not one.
    BadDeviceTree {
        /// The file.
        file: String,
        /// What is wrong with it.
        error: DtbError,
    },
    /// The name is not 1 to 15 of a-z, 0-9, _ and -.
    BadName,
    /// An earlier domain has the name.
    DuplicateName {
        /// Line of the earlier domain.
        first_line: u32,
    },
    /// Both `kernel` and `firmware` are given.
    KernelAndFirmware,
    /// Neither `kernel` nor `firmware` is given.
    NoPayload,
    /// The firmware is larger than its 64 MiB window.
    FirmwareTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The command line is longer than 1023 bytes, or holds a NUL.
    CommandLine {
        /// Its length.
        bytes: usize,
    },
    /// Memory is not a multiple of 1 MiB, or 0.
    MemoryUnit {
        /// As given.
        bytes: u64,
    },
    /// More memory than the 3 GiB between the start of guest RAM and the end of the 32-bit space.
    MemoryWindow {
        /// As given.
        bytes: u64,
    },
    /// More memory than the domains before it leave.
    NotEnoughMemory {
        /// As given.
        bytes: u64,
        /// What is left.
        left_bytes: u64,
    },
    /// The slice is longer than the period.
    SliceAbovePeriod,
    /// With this domain, the slices of all add up to more than one CPU.
    CpuOvercommitted,
    /// Neither a slice nor extra time: the domain would never run.
    NeverRuns,
    /// More domains than Nex has room for; the rest of the file is not read.
    TooManyDomains {
        /// The most there may be.
        max: usize,
    },
    /// `initrdN`, `dtbN` or `cmdlineN` without `domN`.
    NoKernelForFile {
        /// The missing file.
        kernel: String,
    },
}

/// `bytes` in whole KiB, for texts.
struct Kib(u64);

impl fmt::Display for Kib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1 << 20) {
            write!(f, "{} MiB", self.0 >> 20)
        } else if self.0.is_multiple_of(1 << 10) {
            write!(f, "{} KiB", self.0 >> 10)
        } else {
            write!(f, "{} bytes", self.0)
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingToBoot => f.write_str(
                "not in the boot volume, and no dom0, dom1, ... either; add a nex.toml, or a kernel under the name dom0",
            ),
            Self::NoDomains => f.write_str("declares no domain; add a [[domain]]"),
            Self::TooLarge => f.write_str("longer than 64 KiB"),
            Self::NotUtf8 => f.write_str("not UTF-8 text"),
            Self::Syntax(error) => error.fmt(f),
            Self::UnknownKey { key, suggestion: None } => write!(f, "unknown key \"{}\"", Shown(key)),
            Self::UnknownKey { key, suggestion: Some(word) } => {
                write!(f, "unknown key \"{}\" (did you mean \"{word}\"?)", Shown(key))
            }
            Self::WrongType { key, expected, found } => write!(f, "\"{key}\" is {found}; expected {expected}"),
            Self::BadValue { key, expected } => write!(f, "bad value of \"{key}\"; expected {expected}"),
            Self::MissingKey { key } => write!(f, "\"{key}\" is missing"),
            Self::KeyNeeds { key, needs } => write!(f, "\"{key}\" only goes with \"{needs}\""),
            Self::MissingFile { key, file } => {
                write!(f, "\"{key}\" names {}, which is not in the boot volume; add it, or correct the name", Shown(file))
            }
            Self::EmptyFile { key, file } => write!(f, "\"{key}\" names {}, which is empty", Shown(file)),
            Self::BadDeviceTree { file, error } => write!(f, "\"dtb\" names {}: {error}", Shown(file)),
            Self::BadName => f.write_str("\"name\" must be 1 to 15 of a-z, 0-9, _ and -"),
            Self::DuplicateName { first_line } => {
                write!(f, "the domain on line {first_line} has this name; choose another")
            }
            Self::KernelAndFirmware => f.write_str("both \"kernel\" and \"firmware\"; remove one"),
            Self::NoPayload => f.write_str("neither \"kernel\" nor \"firmware\"; add one"),
            Self::FirmwareTooLarge { bytes } => write!(f, "firmware has {}; at most 64 MiB fit", Kib(*bytes as u64)),
            Self::CommandLine { bytes } => {
                write!(f, "command line has {bytes} bytes or a NUL among them; at most 1023 without NUL")
            }
            Self::MemoryUnit { bytes } => write!(f, "memory of {}; must be a multiple of 1 MiB, above 0", Kib(*bytes)),
            Self::MemoryWindow { bytes } => write!(f, "memory of {}; a domain has room for 3072 MiB", Kib(*bytes)),
            Self::NotEnoughMemory { bytes, left_bytes } => {
                write!(f, "memory of {}, but only {} are left; ask for less here or above", Kib(*bytes), Kib(*left_bytes))
            }
            Self::SliceAbovePeriod => f.write_str("\"slice\" is longer than \"period\""),
            Self::CpuOvercommitted => {
                f.write_str("slices of all domains up to this one exceed the CPU; shorten one, or use extratime instead")
            }
            Self::NeverRuns => f.write_str("would never run: give it a \"slice\", or extratime = true"),
            Self::TooManyDomains { max } => write!(f, "more than {max} domains; this and later ones are left out"),
            Self::NoKernelForFile { kernel } => write!(f, "no use without a kernel {kernel}; add it, or remove this"),
        }
    }
}
