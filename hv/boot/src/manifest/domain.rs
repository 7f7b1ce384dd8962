//! One `[[domain]]` of nex.toml.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::toml::{Entry, Table, Value};
use super::{
    Budget, ConfigError, DomainConfig, FILE_NAME, Limits, MAX_VCPUS, MIB, Payload, Reason, SchedConfig, units,
};
use crate::dtb::Tree;
use crate::volume::{BootVolume, File};

const KEYS: [&str; 14] = [
    "name",
    "kernel",
    "initrd",
    "dtb",
    "cmdline",
    "memory",
    "vcpus",
    "privileged",
    "lpae",
    "input",
    "sched",
    "firmware",
    "load",
    "entry",
];
const SCHED_KEYS: [&str; 4] = ["period", "slice", "weight", "extratime"];

/// Room for guest RAM: from 0x4000_0000 to the end of the 32-bit space.
const MAX_MEMORY_BYTES: u64 = 3 << 30;
/// The ROM window of the virtual platform.
const MAX_FIRMWARE_BYTES: usize = 64 << 20;
/// Linux on ARM keeps 1024 bytes with the NUL (COMMAND_LINE_SIZE) and drops the rest without a word.
pub(super) const MAX_CMDLINE_BYTES: usize = 1023;

/// A reason with the line it is about.
type Located<T> = Result<T, (u32, Reason)>;

/// Reads all domains in order; the budget is shared among those that are right.
pub(super) fn read_all<'a>(
    tables: &[&Table<'_>],
    volume: &BootVolume<'a>,
    limits: &Limits,
) -> Vec<Result<DomainConfig<'a>, ConfigError>> {
    let mut domains = Vec::new();
    let mut budget = Budget::new(limits);
    for (index, table) in tables.iter().enumerate() {
        let name = table.get("name").and_then(|entry| match &entry.value {
            Value::Str(name) => Some(&**name),
            _ => None,
        });
        let refused = |(line, reason)| ConfigError {
            file: FILE_NAME.to_string(),
            line: Some(line),
            domain: name.filter(|name| is_name(name)).map(String::from),
            reason,
        };
        if index >= limits.max_domains {
            domains.push(Err(refused((table.line, Reason::TooManyDomains { max: limits.max_domains }))));
            break;
        }
        let read = check_name(table, &tables[..index]).and_then(|name| read(table, name, volume)).and_then(
            |domain| budget.take(&domain).map(|()| domain).map_err(|reason| (blame(table, &reason), reason)),
        );
        domains.push(read.map_err(refused));
    }
    domains
}

/// Line of the key that asks for what is not there.
fn blame(table: &Table<'_>, reason: &Reason) -> u32 {
    let key = if *reason == Reason::CpuOvercommitted { "sched" } else { "memory" };
    table.get(key).map_or(table.line, |entry| entry.line)
}

fn is_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    (1..=15).contains(&name.len()) && name.bytes().all(allowed)
}

/// The domain's name, if none of the tables before has it.
fn check_name(table: &Table<'_>, before: &[&Table<'_>]) -> Located<String> {
    let entry = table.get("name").ok_or((table.line, Reason::MissingKey { key: "name" }))?;
    let name = string(entry, "name").map_err(|reason| (entry.line, reason))?;
    if !is_name(name) {
        return Err((entry.line, Reason::BadName));
    }
    let same = |other: &&&Table<'_>| matches!(other.get("name"), Some(Entry { value: Value::Str(other), .. }) if other == name);
    match before.iter().find(same) {
        Some(first) => Err((entry.line, Reason::DuplicateName { first_line: first.line })),
        None => Ok(name.to_string()),
    }
}

/// The keys that say what to start, before it is known whether they go together.
#[derive(Default)]
struct Parts<'a> {
    kernel: Option<File<'a>>,
    firmware: Option<File<'a>>,
    load: Option<u32>,
    entry: Option<u32>,
    initrd: Option<File<'a>>,
    dtb: Option<File<'a>>,
    cmdline: String,
    memory_bytes: Option<u64>,
    vcpus: Option<u32>,
    privileged: bool,
    lpae: bool,
    input: bool,
    sched: SchedConfig,
}

fn read<'a>(table: &Table<'_>, name: String, volume: &BootVolume<'a>) -> Located<DomainConfig<'a>> {
    let mut parts = Parts::default();
    for entry in &table.entries {
        if entry.key == "sched" {
            parts.sched = sched(entry)?;
        } else {
            key(entry, &mut parts, volume).map_err(|reason| (entry.line, reason))?;
        }
    }
    let payload = payload(&parts).map_err(|reason| (table.line, reason))?;
    let missing = (table.line, Reason::MissingKey { key: "memory" });
    Ok(DomainConfig {
        name,
        payload,
        initrd: parts.initrd,
        dtb: parts.dtb,
        cmdline: parts.cmdline,
        memory_bytes: parts.memory_bytes.ok_or(missing)?,
        vcpus: parts.vcpus.unwrap_or(1),
        privileged: parts.privileged,
        lpae: parts.lpae,
        input: parts.input,
        sched: parts.sched,
    })
}

fn payload<'a>(parts: &Parts<'a>) -> Result<Payload<'a>, Reason> {
    match (parts.kernel, parts.firmware) {
        (Some(_), Some(_)) => Err(Reason::KernelAndFirmware),
        (None, None) => Err(Reason::NoPayload),
        (Some(file), None) => Ok(Payload::Kernel { file, load: parts.load, entry: parts.entry }),
        (None, Some(_)) if parts.load.is_some() => Err(Reason::KeyNeeds { key: "load", needs: "kernel" }),
        (None, Some(_)) if parts.entry.is_some() => Err(Reason::KeyNeeds { key: "entry", needs: "kernel" }),
        (None, Some(_)) if parts.initrd.is_some() => Err(Reason::KeyNeeds { key: "initrd", needs: "kernel" }),
        (None, Some(file)) => Ok(Payload::Firmware { file }),
    }
}

/// Carries out any key but `sched`.
fn key<'a>(entry: &Entry<'_>, parts: &mut Parts<'a>, volume: &BootVolume<'a>) -> Result<(), Reason> {
    match &*entry.key {
        "name" => {}
        "kernel" => parts.kernel = Some(file(entry, "kernel", volume)?),
        "initrd" => parts.initrd = Some(file(entry, "initrd", volume)?),
        "dtb" => parts.dtb = Some(check_dtb(file(entry, "dtb", volume)?)?),
        "firmware" => {
            let file = file(entry, "firmware", volume)?;
            let bytes = file.data.len();
            if bytes > MAX_FIRMWARE_BYTES {
                return Err(Reason::FirmwareTooLarge { bytes });
            }
            parts.firmware = Some(file);
        }
        "cmdline" => parts.cmdline = check_cmdline(string(entry, "cmdline")?)?,
        "memory" => parts.memory_bytes = Some(memory(entry)?),
        "vcpus" => {
            let vcpus =
                integer(entry, "vcpus")?.try_into().ok().filter(|vcpus| (1..=MAX_VCPUS).contains(vcpus));
            parts.vcpus = Some(vcpus.ok_or(Reason::BadValue { key: "vcpus", expected: "1 to 8" })?);
        }
        "privileged" => parts.privileged = boolean(entry, "privileged")?,
        "lpae" => parts.lpae = boolean(entry, "lpae")?,
        "input" => parts.input = boolean(entry, "input")?,
        "load" => parts.load = Some(address(entry, "load")?),
        "entry" => parts.entry = Some(address(entry, "entry")?),
        other => {
            let key = other.to_string();
            return Err(Reason::UnknownKey { key, suggestion: units::nearest(other, &KEYS) });
        }
    }
    Ok(())
}

fn sched(entry: &Entry<'_>) -> Located<SchedConfig> {
    let mut sched = SchedConfig::default();
    let Value::Table(table) = &entry.value else {
        let expected = "a table, such as { period = \"10ms\", slice = \"4ms\" }";
        return Err((entry.line, Reason::WrongType { key: "sched", expected, found: entry.value.kind() }));
    };
    for entry in &table.entries {
        sched_key(entry, &mut sched).map_err(|reason| (entry.line, reason))?;
    }
    if sched.slice_ns > sched.period_ns {
        return Err((entry.line, Reason::SliceAbovePeriod));
    }
    if sched.slice_ns == 0 && !sched.extratime {
        return Err((entry.line, Reason::NeverRuns));
    }
    Ok(sched)
}

fn sched_key(entry: &Entry<'_>, sched: &mut SchedConfig) -> Result<(), Reason> {
    match &*entry.key {
        "period" => {
            let period_ns = time(entry, "period")?;
            if !(100_000..=1_000_000_000).contains(&period_ns) {
                return Err(Reason::BadValue { key: "period", expected: "\"100us\" to \"1s\"" });
            }
            sched.period_ns = period_ns;
        }
        "slice" => sched.slice_ns = time(entry, "slice")?,
        "weight" => {
            let weight =
                integer(entry, "weight")?.try_into().ok().filter(|weight| (1..=65535).contains(weight));
            sched.weight = weight.ok_or(Reason::BadValue { key: "weight", expected: "1 to 65535" })?;
        }
        "extratime" => sched.extratime = boolean(entry, "extratime")?,
        other => {
            let key = other.to_string();
            return Err(Reason::UnknownKey { key, suggestion: units::nearest(other, &SCHED_KEYS) });
        }
    }
    Ok(())
}

/// `file` as a domain's device tree.
pub(super) fn check_dtb(file: File<'_>) -> Result<File<'_>, Reason> {
    match Tree::new(file.data) {
        Ok(_) => Ok(file),
        Err(error) => Err(Reason::BadDeviceTree { file: file.name.to_string(), error }),
    }
}

/// `text` as a domain's command line.
pub(super) fn check_cmdline(text: &str) -> Result<String, Reason> {
    if text.len() > MAX_CMDLINE_BYTES || text.contains('\0') {
        return Err(Reason::CommandLine { bytes: text.len() });
    }
    Ok(text.to_string())
}

fn memory(entry: &Entry<'_>) -> Result<u64, Reason> {
    const EXPECTED: &str = "a size such as \"64M\", or a number of bytes";
    let bytes = match &entry.value {
        Value::Str(text) => units::size_bytes(text),
        Value::Int(number) => u64::try_from(*number).ok(),
        other => return Err(Reason::WrongType { key: "memory", expected: EXPECTED, found: other.kind() }),
    };
    let bytes = bytes.ok_or(Reason::BadValue { key: "memory", expected: EXPECTED })?;
    if bytes == 0 || !bytes.is_multiple_of(MIB) {
        Err(Reason::MemoryUnit { bytes })
    } else if bytes > MAX_MEMORY_BYTES {
        Err(Reason::MemoryWindow { bytes })
    } else {
        Ok(bytes)
    }
}

fn file<'a>(entry: &Entry<'_>, key: &'static str, volume: &BootVolume<'a>) -> Result<File<'a>, Reason> {
    let name = string(entry, key)?;
    let file = volume.file(name).ok_or_else(|| Reason::MissingFile { key, file: name.to_string() })?;
    if file.data.is_empty() { Err(Reason::EmptyFile { key, file: name.to_string() }) } else { Ok(file) }
}

fn address(entry: &Entry<'_>, key: &'static str) -> Result<u32, Reason> {
    let expected = "an address from 0 to 0xffff_ffff";
    integer(entry, key)?.try_into().map_err(|_| Reason::BadValue { key, expected })
}

fn time(entry: &Entry<'_>, key: &'static str) -> Result<u64, Reason> {
    let expected = "a time with its unit, such as \"10ms\" (us, ms, s)";
    match &entry.value {
        Value::Str(text) => units::time_ns(text).ok_or(Reason::BadValue { key, expected }),
        other => Err(Reason::WrongType { key, expected, found: other.kind() }),
    }
}

/// The string that is the entry's value.
pub(super) fn string<'t>(entry: &'t Entry<'_>, key: &'static str) -> Result<&'t str, Reason> {
    match &entry.value {
        Value::Str(text) => Ok(text),
        other => Err(Reason::WrongType { key, expected: "a string in quotes", found: other.kind() }),
    }
}

/// The boolean that is the entry's value.
pub(super) fn boolean(entry: &Entry<'_>, key: &'static str) -> Result<bool, Reason> {
    match &entry.value {
        Value::Bool(value) => Ok(*value),
        other => Err(Reason::WrongType { key, expected: "true or false", found: other.kind() }),
    }
}

fn integer(entry: &Entry<'_>, key: &'static str) -> Result<i64, Reason> {
    match &entry.value {
        Value::Int(number) => Ok(*number),
        other => Err(Reason::WrongType { key, expected: "an integer without quotes", found: other.kind() }),
    }
}
