//! Boot volumes: what is put into one, and whether Nex will take it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use nex_boot::image::{LoadOptions, RamWindow, plan};
use nex_boot::manifest::{ConfigError, DomainConfig, Limits, Payload, Reason, read_manifest};
use nex_boot::volume::BootVolume;

use crate::cpio;
use crate::elf32::Elf;

/// Reads all files below `dir`, at any depth, by their path relative to it.
///
/// # Errors
/// If something cannot be read, is neither file nor directory, or has a name that is not UTF-8.
pub fn read_dir(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    collect(dir, "", &mut files)?;
    ensure!(!files.is_empty(), "{}: no file in it", dir.display());
    Ok(files)
}

fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("{}", dir.display()))? {
        let entry = entry.with_context(|| format!("{}", dir.display()))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            bail!("{}: the name is not UTF-8", path.display())
        };
        // A link to a file is that file. Links to directories are not followed: they may go in circles.
        if entry.file_type()?.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files)?;
        } else if fs::metadata(&path).with_context(|| format!("{}", path.display()))?.is_file() {
            let data = fs::read(&path).with_context(|| format!("{}", path.display()))?;
            files.insert(format!("{prefix}{name}"), data);
        } else {
            bail!("{}: neither a file nor a directory", path.display());
        }
    }
    Ok(())
}

/// Reads a guest's ELF file and leaves out all that Nex does not load.
///
/// # Errors
/// If the file cannot be read or is no ELF file for 32-bit ARM.
pub fn read_guest(path: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("{}", path.display()))?;
    let elf = Elf::parse(&bytes).with_context(|| format!("{}", path.display()))?;
    Ok(elf.stripped())
}

/// Limits under which a volume is checked here: those of the machine are not known, so only what is wrong on any.
const LIMITS: Limits = Limits { ram_bytes: 3 << 30, max_domains: usize::MAX };

/// Adds the kernels that `nex.toml` names and that are not there yet, stripped, from a directory of ELF files.
///
/// A file that is not there either is left to [`complaints`].
///
/// # Errors
/// If a guest's file is no ELF file, or the files cannot be in an archive.
pub fn add_guests(files: &mut BTreeMap<String, Vec<u8>>, guests: &Path) -> Result<()> {
    let archive = cpio::pack(files)?;
    let Ok(volume) = BootVolume::parse(&archive) else { return Ok(()) };
    let Ok(manifest) = read_manifest(&volume, &LIMITS) else { return Ok(()) };
    for error in manifest.domains.into_iter().filter_map(Result::err) {
        if let Reason::MissingFile { key: "kernel", file } = error.reason
            && guests.join(&file).is_file()
        {
            let guest = read_guest(&guests.join(&file))?;
            files.insert(file, guest);
        }
    }
    Ok(())
}

/// What Nex will have to say about a volume, on any machine. Nothing if it is right.
pub fn complaints(archive: &[u8]) -> Vec<String> {
    let volume = match BootVolume::parse(archive) {
        Ok(volume) => volume,
        Err(error) => return vec![error.to_string()],
    };
    match read_manifest(&volume, &LIMITS) {
        Ok(manifest) => manifest.domains.iter().filter_map(complaint).collect(),
        Err(error) => vec![error.to_string()],
    }
}

fn complaint(domain: &Result<DomainConfig<'_>, ConfigError>) -> Option<String> {
    let domain = match domain {
        Ok(domain) => domain,
        Err(error) => return Some(error.to_string()),
    };
    let Payload::Kernel { file, load, entry } = domain.payload else { return None };
    let options = LoadOptions { load, entry };
    let ram = RamWindow { base: nex_abi::platform::RAM_BASE, bytes: domain.memory_bytes };
    let error = plan(file.data, &options, &ram).err()?;
    Some(format!("domain \"{}\": {}: {error}", domain.name, file.name))
}
