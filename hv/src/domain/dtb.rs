//! The device tree that a domain gets: what is really there, nothing else.

use alloc::vec::Vec;

use nex_abi::{nex, platform};
use vm_fdt::{FdtWriter, FdtWriterResult};

/// What the tree of a domain says.
pub(super) struct Contents<'a> {
    /// RAM in bytes, from [`platform::RAM_BASE`].
    pub(super) ram_bytes: u32,
    /// Command line.
    pub(super) cmdline: &'a str,
    /// Guest physical start and end of the initrd.
    pub(super) initrd: Option<(u32, u32)>,
    /// `compatible` of the CPU nodes.
    pub(super) cpu_compatible: &'a str,
}

/// Writes the tree (version 17 of the flattened format, Devicetree Specification 0.4 chapter 5).
///
/// # Errors
/// Those of vm-fdt: a command line with a NUL in it.
pub(super) fn write(contents: &Contents<'_>) -> FdtWriterResult<Vec<u8>> {
    let mut fdt = FdtWriter::new()?;
    let root = fdt.begin_node("")?;
    fdt.property_u32("#address-cells", 1)?;
    fdt.property_u32("#size-cells", 1)?;
    fdt.property_string("model", "Nex domain")?;
    // "linux,dummy-virt" is what Linux calls a virtual machine without a board.
    fdt.property_string_list("compatible", alloc::vec!["nex,domain".into(), "linux,dummy-virt".into()])?;

    let chosen = fdt.begin_node("chosen")?;
    fdt.property_string("bootargs", contents.cmdline)?;
    if let Some((start, end)) = contents.initrd {
        fdt.property_u32("linux,initrd-start", start)?;
        fdt.property_u32("linux,initrd-end", end)?;
    }
    fdt.end_node(chosen)?;

    let memory = fdt.begin_node("memory@40000000")?;
    fdt.property_string("device_type", "memory")?;
    fdt.property_array_u32("reg", &[platform::RAM_BASE, contents.ram_bytes])?;
    fdt.end_node(memory)?;

    let cpus = fdt.begin_node("cpus")?;
    fdt.property_u32("#address-cells", 1)?;
    fdt.property_u32("#size-cells", 0)?;
    let cpu = fdt.begin_node("cpu@0")?;
    fdt.property_string("device_type", "cpu")?;
    fdt.property_string("compatible", contents.cpu_compatible)?;
    fdt.property_string("enable-method", "psci")?;
    fdt.property_u32("reg", 0)?;
    fdt.end_node(cpu)?;
    fdt.end_node(cpus)?;

    let psci = fdt.begin_node("psci")?;
    let compatible = platform::PSCI_COMPATIBLE.iter().map(|&s| s.into()).collect();
    fdt.property_string_list("compatible", compatible)?;
    fdt.property_string("method", platform::PSCI_METHOD)?;
    fdt.end_node(psci)?;

    let hypervisor = fdt.begin_node("hypervisor")?;
    fdt.property_string("compatible", platform::HYPERVISOR_COMPATIBLE)?;
    fdt.property_array_u32(platform::ABI_VERSION_PROPERTY, &[nex::ABI_MAJOR, nex::ABI_MINOR])?;
    fdt.end_node(hypervisor)?;

    fdt.end_node(root)?;
    fdt.finish()
}
