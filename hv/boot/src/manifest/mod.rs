//! Which domains to start: `nex.toml`, or without it the files `dom0`, `initrd0`, `cmdline0`, `dom1`, ...
//!
//! A mistake within one domain refuses that domain and leaves the others; a mistake outside of any refuses the file.
//! The keys are described for users in `docs/boot-volume.md`.

mod admission;
mod convention;
mod domain;
mod error;
mod toml;
mod units;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use self::admission::Reserved;
pub use self::error::{ConfigError, Reason, SyntaxError};
use self::toml::{Entry, Table, Value};
use crate::volume::{BootVolume, File};

/// Name of the manifest in the volume.
pub const FILE_NAME: &str = "nex.toml";
/// Longest manifest, in bytes.
const MAX_FILE_BYTES: usize = 64 * 1024;
/// Most virtual CPUs of a domain: as many as a GICv2 has interfaces.
pub const MAX_VCPUS: u32 = 8;
/// Memory of a domain that the convention makes, unless there is less.
pub const DEFAULT_MEMORY_BYTES: u64 = 64 << 20;

const MIB: u64 = 1 << 20;

/// What to do when the last domain has powered off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnIdle {
    /// `"poweroff"`: switch the machine off.
    Poweroff,
    /// `"debugger"`: stay in the debugger.
    #[default]
    Debugger,
    /// `"halt"`: stop the CPU.
    Halt,
}

/// What a domain starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// A kernel, loaded into guest RAM; see [`crate::image::plan`].
    Kernel {
        /// zImage, ELF or flat binary.
        file: File<'a>,
        /// Where to load it, a guest-physical address; not checked yet.
        load: Option<u32>,
        /// Where to enter it, bit 0 set for Thumb; not checked yet.
        entry: Option<u32>,
    },
    /// Firmware, mapped as ROM at guest-physical address 0 and entered there. 1 byte to 64 MiB.
    Firmware {
        /// The image.
        file: File<'a>,
    },
}

/// CPU time of each vCPU of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedConfig {
    /// Period, 100 us to 1 s, in nanoseconds.
    pub period_ns: u64,
    /// Time guaranteed in every period, 0 to `period_ns`.
    pub slice_ns: u64,
    /// Whether it also gets time nobody has reserved. True if `slice_ns` is 0.
    pub extratime: bool,
    /// Share of that time against others, 1 to 65535.
    pub weight: u32,
}

impl Default for SchedConfig {
    /// No guarantee, an equal share of what is free.
    fn default() -> Self {
        Self { period_ns: 10_000_000, slice_ns: 0, extratime: true, weight: 256 }
    }
}

/// A domain to start, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainConfig<'a> {
    /// 1 to 15 of a-z, 0-9, `_` and `-`; no two domains have the same.
    pub name: String,
    /// What it starts with.
    pub payload: Payload<'a>,
    /// Initial RAM disk. Not empty.
    pub initrd: Option<File<'a>>,
    /// Device tree to merge ours into, instead of the virtual platform's. A well-formed one.
    pub dtb: Option<File<'a>>,
    /// Command line, at most 1023 bytes, without NUL.
    pub cmdline: String,
    /// Guest RAM in bytes, a multiple of 1 MiB, above 0.
    pub memory_bytes: u64,
    /// Virtual CPUs, 1 to [`MAX_VCPUS`].
    pub vcpus: u32,
    /// May control other domains.
    pub privileged: bool,
    /// The CPU's identification says that it has long descriptors, even if the one below has none.
    pub lpae: bool,
    /// It is typed to when it starts, if that is Nex till then.
    pub input: bool,
    /// CPU time.
    pub sched: SchedConfig,
}

/// Everything the boot volume says.
#[derive(Clone, Debug)]
pub struct Manifest<'a> {
    /// What to do when no domain is left.
    pub on_idle: OnIdle,
    /// Start no domain unless all are right. Left to the caller.
    pub strict: bool,
    /// The domains in the order of the file, and what is wrong with those that are refused.
    pub domains: Vec<Result<DomainConfig<'a>, ConfigError>>,
}

/// What there is for all domains together.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Memory free for guest RAM, in bytes.
    pub ram_bytes: u64,
    /// Most domains.
    pub max_domains: usize,
}

/// Reads `nex.toml`, or without one follows the convention.
///
/// # Errors
/// A [`ConfigError`] about the file as a whole. One about a single domain is in [`Manifest::domains`].
pub fn read_manifest<'a>(volume: &BootVolume<'a>, limits: &Limits) -> Result<Manifest<'a>, ConfigError> {
    match volume.file(FILE_NAME) {
        Some(file) => from_toml(volume, file.data, limits),
        None => convention::read(volume, limits),
    }
}

/// What is already given to earlier domains, and what is left.
struct Budget {
    left_bytes: u64,
    cpu: Reserved,
}

impl Budget {
    fn new(limits: &Limits) -> Self {
        Self { left_bytes: limits.ram_bytes, cpu: Reserved::new() }
    }

    /// Takes what a domain asks for, if it is there.
    fn take(&mut self, domain: &DomainConfig<'_>) -> Result<(), Reason> {
        let SchedConfig { period_ns, slice_ns, .. } = domain.sched;
        let bytes = domain.memory_bytes;
        let left_bytes = self
            .left_bytes
            .checked_sub(bytes)
            .ok_or(Reason::NotEnoughMemory { bytes, left_bytes: self.left_bytes })?;
        if !self.cpu.try_add(slice_ns, period_ns, domain.vcpus) {
            return Err(Reason::CpuOvercommitted);
        }
        self.left_bytes = left_bytes;
        Ok(())
    }
}

/// A mistake in nex.toml outside of any domain.
fn file_error(line: Option<u32>, reason: Reason) -> ConfigError {
    ConfigError { file: FILE_NAME.to_string(), line, domain: None, reason }
}

fn from_toml<'a>(
    volume: &BootVolume<'a>,
    data: &'a [u8],
    limits: &Limits,
) -> Result<Manifest<'a>, ConfigError> {
    if data.len() > MAX_FILE_BYTES {
        return Err(file_error(None, Reason::TooLarge));
    }
    let text = core::str::from_utf8(data).map_err(|error| {
        let lines_before = data[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        file_error(Some(lines_before as u32 + 1), Reason::NotUtf8)
    })?;
    let root = toml::parse(text).map_err(|(line, error)| file_error(Some(line), Reason::Syntax(error)))?;

    let (mut on_idle, mut strict) = (OnIdle::default(), false);
    let mut tables: Vec<&Table<'_>> = Vec::new();
    for entry in &root.entries {
        root_key(entry, &mut on_idle, &mut strict, &mut tables)
            .map_err(|reason| file_error(Some(entry.line), reason))?;
    }
    if tables.is_empty() {
        return Err(file_error(None, Reason::NoDomains));
    }
    Ok(Manifest { on_idle, strict, domains: domain::read_all(&tables, volume, limits) })
}

/// Carries out a key of the root, or adds its tables to `tables`.
fn root_key<'t, 'a>(
    entry: &'t Entry<'a>,
    on_idle: &mut OnIdle,
    strict: &mut bool,
    tables: &mut Vec<&'t Table<'a>>,
) -> Result<(), Reason> {
    const DOMAIN: &str = "domain";
    match &*entry.key {
        "on_idle" => {
            *on_idle = match domain::string(entry, "on_idle")? {
                "poweroff" => OnIdle::Poweroff,
                "debugger" => OnIdle::Debugger,
                "halt" => OnIdle::Halt,
                _ => {
                    let expected = "\"poweroff\", \"debugger\" or \"halt\"";
                    return Err(Reason::BadValue { key: "on_idle", expected });
                }
            }
        }
        "strict" => *strict = domain::boolean(entry, "strict")?,
        DOMAIN => {
            let wrong = |found| Reason::WrongType {
                key: DOMAIN,
                expected: "tables with the heading [[domain]]",
                found,
            };
            match &entry.value {
                Value::Tables(list) => tables.extend(list),
                Value::Array(list) => {
                    for item in list {
                        let Value::Table(table) = item else { return Err(wrong(item.kind())) };
                        tables.push(table);
                    }
                }
                other => return Err(wrong(other.kind())),
            }
        }
        other => {
            let suggestion = units::nearest(other, &["on_idle", "strict", DOMAIN]);
            return Err(Reason::UnknownKey { key: other.to_string(), suggestion });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
