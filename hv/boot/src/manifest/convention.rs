//! Volumes without nex.toml: `domN` is a kernel, `initrdN` its initial RAM disk, `dtbN` its device
//! tree, `cmdlineN` its command line.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::domain::{check_cmdline, check_dtb};
use super::{
    Budget, ConfigError, DEFAULT_MEMORY_BYTES, DomainConfig, Limits, MIB, Manifest, OnIdle, Payload, Reason,
    SchedConfig, file_error,
};
use crate::volume::{BootVolume, File};

/// The number after `prefix` in a file's name: 0 to 999, without leading zeros.
fn number(name: &str, prefix: &str) -> Option<u32> {
    let digits = name.strip_prefix(prefix)?;
    let plain = digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    if plain && !leading_zero { digits.parse().ok() } else { None }
}

fn refused(file: &str, domain: Option<&str>, reason: Reason) -> ConfigError {
    ConfigError { file: file.to_string(), line: None, domain: domain.map(|name| name.to_string()), reason }
}

/// Follows the convention. Every domain gets 64 MiB; if that is more than there is, an equal share in whole MiB.
pub(super) fn read<'a>(volume: &BootVolume<'a>, limits: &Limits) -> Result<Manifest<'a>, ConfigError> {
    let mut kernels: Vec<(u32, File<'a>)> = Vec::new();
    for file in volume.files() {
        if let Some(number) = number(file.name, "dom") {
            let place = kernels.partition_point(|(other, _)| *other < number);
            kernels.insert(place, (number, *file));
        }
    }
    if kernels.is_empty() {
        return Err(file_error(None, Reason::NothingToBoot));
    }

    let started = kernels.len().min(limits.max_domains).max(1) as u64;
    let share_bytes = limits.ram_bytes / started / MIB * MIB;
    // With less than 1 MiB for each, ask for 1 MiB all the same, so that the budget says what is missing.
    let memory_bytes = share_bytes.clamp(MIB, DEFAULT_MEMORY_BYTES);

    let mut budget = Budget::new(limits);
    let mut domains = Vec::new();
    for (index, (number, kernel)) in kernels.iter().enumerate() {
        if index >= limits.max_domains {
            let reason = Reason::TooManyDomains { max: limits.max_domains };
            domains.push(Err(refused(kernel.name, None, reason)));
            break;
        }
        let domain = domain(volume, *number, *kernel, memory_bytes).and_then(|domain| {
            budget.take(&domain).map_err(|reason| refused(kernel.name, None, reason))?;
            Ok(domain)
        });
        domains.push(domain);
    }
    domains.extend(orphans(volume).map(Err));
    Ok(Manifest { on_idle: OnIdle::default(), strict: false, domains })
}

fn domain<'a>(
    volume: &BootVolume<'a>,
    number: u32,
    kernel: File<'a>,
    memory_bytes: u64,
) -> Result<DomainConfig<'a>, ConfigError> {
    let name = kernel.name;
    let companion = |prefix: &str| volume.file(&alloc::format!("{prefix}{number}"));
    let in_file = |file: &str, reason| refused(file, Some(name), reason);
    if kernel.data.is_empty() {
        return Err(in_file(name, Reason::EmptyFile { key: "kernel", file: name.to_string() }));
    }
    let initrd = companion("initrd");
    if let Some(File { name, data: [] }) = initrd {
        return Err(in_file(name, Reason::EmptyFile { key: "initrd", file: name.to_string() }));
    }
    let dtb = companion("dtb")
        .map(|file| check_dtb(file).map_err(|reason| in_file(file.name, reason)))
        .transpose()?;
    let cmdline = match companion("cmdline") {
        None => Default::default(),
        Some(file) => {
            let text = core::str::from_utf8(file.data).map_err(|_| in_file(file.name, Reason::NotUtf8))?;
            check_cmdline(text.trim_end_matches(['\n', '\r'])).map_err(|reason| in_file(file.name, reason))?
        }
    };
    Ok(DomainConfig {
        name: name.to_string(),
        payload: Payload::Kernel { file: kernel, load: None, entry: None },
        initrd,
        dtb,
        cmdline,
        memory_bytes,
        vcpus: 1,
        privileged: number == 0,
        input: false,
        lpae: false,
        sched: SchedConfig::default(),
    })
}

/// Files that belong to a domain without a kernel: most likely a kernel with a wrong name.
fn orphans<'v>(volume: &'v BootVolume<'_>) -> impl Iterator<Item = ConfigError> + 'v {
    volume.files().iter().filter_map(|file| {
        let number = ["initrd", "dtb", "cmdline"].iter().find_map(|prefix| number(file.name, prefix))?;
        let kernel = alloc::format!("dom{number}");
        match volume.file(&kernel) {
            Some(_) => None,
            None => Some(refused(file.name, None, Reason::NoKernelForFile { kernel })),
        }
    })
}
