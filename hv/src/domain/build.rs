//! Making a domain out of its configuration: memory, image, initrd, device tree.

use alloc::string::String;
use core::fmt;

use nex_abi::platform::{DTB_BASE, DTB_MAX_BYTES, RAM_BASE};
use nex_boot::image::{self, ImageError, LoadOptions, RamWindow};
use nex_boot::manifest::{DomainConfig, Payload};
use nex_mm::frames::DomainId;

use super::dtb;
use super::memory::GuestMemory;
use super::vcpu::Vcpu;
use crate::arch::cp15;

/// Why a configured domain could not be made.
#[derive(Debug)]
pub enum BuildError {
    /// Not enough free memory.
    OutOfMemory {
        /// What the domain wants.
        wanted_bytes: u64,
        /// What is free.
        free_bytes: u64,
    },
    /// Its image cannot be loaded.
    Image {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        error: ImageError,
    },
    /// Its device tree cannot be written.
    DeviceTree,
    /// Its device tree is larger than the place kept for it.
    DeviceTreeTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// What the configuration asks for is not there yet.
    Unsupported(&'static str),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory { wanted_bytes, free_bytes } => write!(
                f,
                "{} KiB of memory wanted, {} KiB are free: make \"memory\" smaller or give the machine more",
                wanted_bytes >> 10,
                free_bytes >> 10
            ),
            Self::Image { file, error } => write!(f, "file \"{file}\": {error}"),
            Self::DeviceTree => f.write_str("the command line holds a NUL: remove it"),
            Self::DeviceTreeTooLarge { bytes } => write!(
                f,
                "its device tree has {bytes} bytes, {DTB_MAX_BYTES} is the most: shorten the command line"
            ),
            Self::Unsupported(what) => f.write_str(what),
        }
    }
}

/// Memory with everything loaded, and a vCPU at the entry point.
///
/// # Errors
/// [`BuildError`]; nothing is left behind.
pub fn build(id: DomainId, config: &DomainConfig<'_>) -> Result<(GuestMemory, Vcpu), BuildError> {
    let (file, options) = match &config.payload {
        Payload::Kernel { file, load, entry } => (file, LoadOptions { load: *load, entry: *entry }),
        Payload::Firmware { .. } => {
            return Err(BuildError::Unsupported("firmware guests are not supported yet: use \"kernel\""));
        }
    };
    if config.vcpus != 1 {
        return Err(BuildError::Unsupported("more than one vCPU is not supported yet: set vcpus = 1"));
    }
    let ram = RamWindow { base: RAM_BASE, bytes: config.memory_bytes };
    let image_error = |error| BuildError::Image { file: file.name.into(), error };
    let plan = image::plan(file.data, &options, &ram).map_err(image_error)?;

    let out_of_memory = || BuildError::OutOfMemory {
        wanted_bytes: config.memory_bytes,
        free_bytes: crate::memory::free_bytes(),
    };
    // RAM ends below 4 GiB in any manifest that was accepted.
    let bytes = u32::try_from(config.memory_bytes).map_err(|_| out_of_memory())?;
    let mut memory = GuestMemory::new(id, bytes).map_err(|_| out_of_memory())?;
    for segment in &plan.segments {
        // What lies beyond the file's bytes is clear, as all memory of a new domain.
        if !memory.load(segment.gpa, segment.data) {
            return Err(out_of_memory());
        }
        if plan.kind == image::ImageKind::Elf {
            memory.restrict(segment.gpa, segment.mem_bytes, segment.perms);
        }
    }
    let initrd = match &config.initrd {
        None => None,
        Some(initrd) => {
            let error = |error| BuildError::Image { file: initrd.name.into(), error };
            let at = image::place_initrd(&plan, initrd.data.len() as u64, &ram).map_err(error)?;
            if !memory.load(at, initrd.data) {
                return Err(out_of_memory());
            }
            Some((at, at + initrd.data.len() as u32))
        }
    };
    let tree = dtb::write(&dtb::Contents {
        ram_bytes: bytes,
        cmdline: &config.cmdline,
        initrd,
        cpu_compatible: cpu_compatible(),
    })
    .map_err(|_| BuildError::DeviceTree)?;
    if tree.len() > DTB_MAX_BYTES as usize {
        return Err(BuildError::DeviceTreeTooLarge { bytes: tree.len() });
    }
    if !memory.load(DTB_BASE, &tree) {
        return Err(out_of_memory());
    }
    Ok((memory, Vcpu::new(plan.entry)))
}

/// The device tree name of the core we run on: MIDR part number (DDI 0406C B4.1.105; the cores' own manuals).
fn cpu_compatible() -> &'static str {
    match cp15::midr() >> 4 & 0xfff {
        0xc05 => "arm,cortex-a5",
        0xc07 => "arm,cortex-a7",
        0xc08 => "arm,cortex-a8",
        0xc09 => "arm,cortex-a9",
        0xc0f => "arm,cortex-a15",
        0xc0e => "arm,cortex-a17",
        _ => "arm,armv7",
    }
}
