//! Making a domain out of its configuration: memory, image, initrd, device tree.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use nex_abi::platform::{ENTRY_R0, ENTRY_R1, RAM_BASE};
use nex_boot::image::{self, ImageError, LoadOptions, RamWindow};
use nex_boot::manifest::{DomainConfig, Payload};
use nex_guestdt::Guest;
use nex_mm::frames::DomainId;
use nex_vcpu::{Psr, Regs};

use super::machine::Machine;
use super::memory::GuestMemory;
use super::platform::Platform;
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
    DeviceTree(nex_guestdt::Error),
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
            Self::DeviceTree(error) => error.fmt(f),
            Self::Unsupported(what) => f.write_str(what),
        }
    }
}

/// A machine with everything loaded, its vCPU about to execute the first instruction.
///
/// # Errors
/// [`BuildError`]; nothing is left behind.
pub fn build(id: DomainId, config: &DomainConfig<'_>) -> Result<Box<Machine>, BuildError> {
    if config.vcpus != 1 {
        return Err(BuildError::Unsupported("more than one vCPU is not supported yet: set vcpus = 1"));
    }
    let out_of_memory = || BuildError::OutOfMemory {
        wanted_bytes: config.memory_bytes,
        free_bytes: crate::memory::free_bytes(),
    };
    let ram = RamWindow { base: RAM_BASE, bytes: config.memory_bytes };
    // RAM ends below 4 GiB in any manifest that was accepted.
    let bytes = u32::try_from(config.memory_bytes).map_err(|_| out_of_memory())?;
    let firmware = matches!(config.payload, Payload::Firmware { .. });
    let tree = |initrd| {
        let guest = Guest {
            ram_bytes: bytes,
            cmdline: &config.cmdline,
            initrd,
            cpu: nex_guestdt::cpu_compatible(cp15::midr()),
            cpus: 1,
            flash_bytes: if firmware { Platform::FLASH_BYTES } else { 0 },
            pmu: None,
        };
        match &config.dtb {
            None => nex_guestdt::platform(&guest),
            Some(file) => nex_guestdt::merge(file.data, &guest),
        }
        .map_err(BuildError::DeviceTree)
    };
    let (memory, start) = match &config.payload {
        Payload::Kernel { file, load, entry } => {
            let error = |error| BuildError::Image { file: file.name.into(), error };
            let options = LoadOptions { load: *load, entry: *entry };
            let plan = image::plan(file.data, &options, &ram).map_err(error)?;
            let mut memory = GuestMemory::new(id, bytes, 0).map_err(|_| out_of_memory())?;
            for segment in &plan.segments {
                // What lies beyond the file's bytes is clear, as all memory of a new domain.
                if !memory.load(segment.gpa, segment.data) {
                    return Err(out_of_memory());
                }
                if segment.perms != image::ALL {
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
            let tree = tree(initrd)?;
            let at = image::place_dtb(&plan, initrd, tree.len(), &ram).map_err(error)?;
            if !memory.load(at, &tree) {
                return Err(out_of_memory());
            }
            (memory, Start { pc: plan.entry, r: [ENTRY_R0, ENTRY_R1, at] })
        }
        Payload::Firmware { file } => {
            let error = |error| BuildError::Image { file: file.name.into(), error };
            image::check_firmware(file.data).map_err(error)?;
            let mut memory =
                GuestMemory::new(id, bytes, file.data.len() as u32).map_err(|_| out_of_memory())?;
            memory.load_rom(file.data);
            if !memory.load(RAM_BASE, &tree(None)?) {
                return Err(out_of_memory());
            }
            (memory, Start { pc: image::FIRMWARE_BASE, r: [0; 3] })
        }
    };
    // SAFETY: the domain with this number is only being made.
    let mut machine = unsafe { Machine::new(id, memory, config.lpae) }.ok_or_else(out_of_memory)?;
    start.apply(&mut machine.vcpu.get_mut().regs);
    Ok(machine)
}

/// How a vCPU begins: as after a reset, but for this.
struct Start {
    /// Bit 0 selects T32.
    pc: u32,
    /// r0 to r2.
    r: [u32; 3],
}

impl Start {
    fn apply(&self, regs: &mut Regs) {
        for (n, &value) in self.r.iter().enumerate() {
            regs.set(n as u8, value);
        }
        if self.pc & 1 != 0 {
            regs.set_execution_state(Psr(Psr::T));
        }
        regs.branch(self.pc & !1);
    }
}
