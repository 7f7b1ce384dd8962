//! The device tree that a domain starts with.
//!
//! [`platform()`] describes the whole virtual platform, with names and values as QEMU's `virt` machine has them: software
//! made for that machine looks for them. What the platform does not have is not in the tree.
//!
//! [`merge`] takes a tree from the boot volume instead, and only puts in what the volume cannot know: memory, command
//! line, initial RAM disk, how to call PSCI, and that Nex is there.
//!
//! Sources: Devicetree Specification 0.4; Linux's bindings `arm/cpus.yaml`, `arm/psci.yaml`, `arm/pmu.yaml`,
//! `interrupt-controller/arm,gic.yaml`, `timer/arm,arch_timer.yaml`, `serial/pl011.yaml`, `rtc/arm,pl031.yaml`,
//! `mtd/mtd-physmap.yaml`; the tree of QEMU 7.2 (`-M virt,dumpdtb=file`).
//!
//! # Rejected
//! *vm-fdt as the writer*: it refuses property names of more than 31 characters, which a tree from a volume may have
//! (Tegra's PMC does), and allocates without a way to fail.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod merge;
mod nodes;
mod writer;

use alloc::vec::Vec;
use core::fmt;

pub use nex_boot::dtb::DtbError;

pub use self::merge::merge;
use self::nodes::CELLS;
use self::writer::Writer;

/// Most bytes of a tree, of the volume's as of the result. (Linux maps 1 MiB of it at least; no tree in its sources has
/// a quarter of that.)
pub const MAX_BYTES: usize = 256 * 1024;

/// What a tree says about a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest<'a> {
    /// RAM in bytes, from [`nex_abi::platform::RAM_BASE`].
    pub ram_bytes: u32,
    /// Command line; may be empty.
    pub cmdline: &'a str,
    /// Guest-physical address of the first byte of the initial RAM disk, and of the first behind it.
    pub initrd: Option<(u32, u32)>,
    /// `compatible` of the CPUs, such as "arm,cortex-a15"; see [`cpu_compatible`].
    pub cpu: &'a str,
    /// Number of CPUs, 1 to 8.
    pub cpus: u32,
    /// Bytes of the flash for the firmware's variables, or 0 if there is none.
    pub flash_bytes: u32,
    /// `compatible` of the CPU's performance monitors, or `None` if they are not to be used. They have no interrupt, so
    /// Linux counts with them and does not sample. See [`pmu_compatible`].
    pub pmu: Option<&'a str>,
}

/// Why there is no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The command line, or the name of the CPU, has a NUL in it.
    Nul,
    /// More than [`MAX_BYTES`].
    TooLarge,
    /// Not enough memory to write it.
    OutOfMemory,
    /// The volume's tree is damaged.
    Damaged(DtbError),
    /// The volume's tree writes addresses or sizes in the root with this number of cells, which is neither 1 nor 2.
    Cells(u32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nul => f.write_str("the command line holds a NUL: remove it"),
            Self::TooLarge => {
                write!(f, "device tree has more than {} KiB: remove what the guest has not", MAX_BYTES / 1024)
            }
            Self::OutOfMemory => f.write_str("no memory left to write the device tree: start fewer domains"),
            Self::Damaged(error) => error.fmt(f),
            Self::Cells(cells) => {
                write!(f, "device tree has {cells} cells per address or size in its root: must be 1 or 2")
            }
        }
    }
}

/// `compatible` of a CPU with this MIDR: by its part number, bits 15..4 (DDI 0406C B4.1.105; the cores' own manuals).
pub const fn cpu_compatible(midr: u32) -> &'static str {
    match midr >> 4 & 0xfff {
        0xc05 => "arm,cortex-a5",
        0xc07 => "arm,cortex-a7",
        0xc08 => "arm,cortex-a8",
        0xc09 => "arm,cortex-a9",
        0xc0e => "arm,cortex-a17",
        0xc0f => "arm,cortex-a15",
        _ => "arm,armv7",
    }
}

/// `compatible` of the performance monitors of a CPU with this MIDR, if it is one that Nex has a profile for.
pub const fn pmu_compatible(midr: u32) -> Option<&'static str> {
    match midr >> 4 & 0xfff {
        0xc07 => Some("arm,cortex-a7-pmu"),
        0xc09 => Some("arm,cortex-a9-pmu"),
        0xc0f => Some("arm,cortex-a15-pmu"),
        _ => None,
    }
}

/// The tree of the virtual platform.
///
/// # Errors
/// [`Error::Nul`], [`Error::TooLarge`], [`Error::OutOfMemory`].
pub fn platform(guest: &Guest<'_>) -> Result<Vec<u8>, Error> {
    guest.check()?;
    let mut tree = Writer::new();
    tree.begin("");
    nodes::root(&mut tree);
    tree.begin("chosen");
    tree.string("stdout-path", nodes::STDOUT);
    nodes::chosen(&mut tree, guest);
    tree.end();
    nodes::memory(&mut tree, guest, CELLS, CELLS);
    nodes::cpus(&mut tree, guest);
    nodes::devices(&mut tree, guest);
    nodes::psci(&mut tree);
    nodes::hypervisor(&mut tree);
    tree.end();
    tree.finish(&[])
}

impl Guest<'_> {
    fn check(&self) -> Result<(), Error> {
        let texts = [self.cmdline, self.cpu, self.pmu.unwrap_or_default()];
        if texts.iter().any(|text| text.contains('\0')) { Err(Error::Nul) } else { Ok(()) }
    }
}
