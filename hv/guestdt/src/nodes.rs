//! The nodes of the virtual platform. Addresses and interrupt numbers are those of [`nex_devices::platform`].

use nex_abi::{nex, platform as abi};
use nex_devices::platform::{
    Device, INTID_RTC, INTID_TIMER_PHYSICAL, INTID_TIMER_VIRTUAL, INTID_UART, MAP, Region,
};

use crate::Guest;
use crate::writer::Writer;

/// Cells of an address and of a size in our own tree's root. One of each would do; two are what QEMU writes, and some
/// software for its machine knows nothing else.
pub(crate) const CELLS: u32 = 2;

/// `stdout-path` of our own tree.
pub(crate) const STDOUT: &str = "/pl011@9000000";

const FLASH: Region = MAP[1];
const GIC_DISTRIBUTOR: Region = MAP[2];
const GIC_CPU_INTERFACE: Region = MAP[3];
const UART: Region = MAP[4];
const RTC: Region = MAP[5];
const _: () = assert!(
    matches!(FLASH.device, Device::Flash)
        && matches!(GIC_DISTRIBUTOR.device, Device::GicDistributor)
        && matches!(GIC_CPU_INTERFACE.device, Device::GicCpuInterface)
        && matches!(UART.device, Device::Uart)
        && matches!(RTC.device, Device::Rtc)
);

/// Most CPUs: as many as a GICv2 has interfaces.
const MAX_CPUS: u32 = 8;

const PHANDLE_GIC: u32 = 1;
const PHANDLE_CLOCK: u32 = 2;
/// The clock of the Arm peripherals on QEMU's machine, in Hz. Only the UART's divisors depend on it, and they do nothing.
const CLOCK_HZ: u32 = 24_000_000;

/// First cell of a GIC interrupt: shared or private.
const SPI: u32 = 0;
const PPI: u32 = 1;
/// Third cell: active high, level-sensitive.
const LEVEL_HIGH: u32 = 4;
/// Third cell of a PPI on a GICv2: bits 15..8 are the CPUs that have it.
const PPI_CPUS_SHIFT: u32 = 8;

/// `reg` of one region, with [`CELLS`] cells for address and size.
fn reg(tree: &mut Writer, region: &Region) {
    tree.cells("reg", &[0, region.base, 0, region.bytes]);
}

/// Properties of the root.
pub(crate) fn root(tree: &mut Writer) {
    tree.cells("interrupt-parent", &[PHANDLE_GIC]);
    tree.string("model", "Nex domain");
    tree.cells("#size-cells", &[CELLS]);
    tree.cells("#address-cells", &[CELLS]);
    // "linux,dummy-virt" is what Linux calls a virtual machine without a board.
    tree.string_list("compatible", &["nex,domain", "linux,dummy-virt"]);
}

/// Properties of /chosen that Nex gives.
pub(crate) fn chosen(tree: &mut Writer, guest: &Guest<'_>) {
    if !guest.cmdline.is_empty() {
        tree.string("bootargs", guest.cmdline);
    }
    if let Some((start, end)) = guest.initrd {
        tree.cells("linux,initrd-start", &[start]);
        tree.cells("linux,initrd-end", &[end]);
    }
}

/// The memory node, in a root with that many cells, each 1 or 2.
pub(crate) fn memory(tree: &mut Writer, guest: &Guest<'_>, address_cells: u32, size_cells: u32) {
    let (base, bytes) = (abi::RAM_BASE, guest.ram_bytes);
    tree.begin("memory@40000000");
    tree.string("device_type", "memory");
    match (address_cells, size_cells) {
        (1, 1) => tree.cells("reg", &[base, bytes]),
        (1, _) => tree.cells("reg", &[base, 0, bytes]),
        (_, 1) => tree.cells("reg", &[0, base, bytes]),
        _ => tree.cells("reg", &[0, base, 0, bytes]),
    }
    tree.end();
}

pub(crate) fn cpus(tree: &mut Writer, guest: &Guest<'_>) {
    const NAMES: [&str; MAX_CPUS as usize] =
        ["cpu@0", "cpu@1", "cpu@2", "cpu@3", "cpu@4", "cpu@5", "cpu@6", "cpu@7"];
    tree.begin("cpus");
    tree.cells("#size-cells", &[0]);
    tree.cells("#address-cells", &[1]);
    for (name, mpidr) in NAMES.iter().zip(0..guest.cpus.max(1)) {
        tree.begin(name);
        tree.cells("reg", &[mpidr]);
        tree.string("enable-method", "psci");
        tree.string("compatible", guest.cpu);
        tree.string("device_type", "cpu");
        tree.end();
    }
    tree.end();
    if let Some(compatible) = guest.pmu {
        tree.begin("pmu");
        tree.string("compatible", compatible);
        tree.end();
    }
}

pub(crate) fn devices(tree: &mut Writer, guest: &Guest<'_>) {
    tree.begin("timer");
    // By position: secure, non-secure and virtual. Nothing is behind the secure one, but without it the others move. The
    // hypervisor's comes last, so it can be left out.
    let all_cpus = (1 << guest.cpus.clamp(1, MAX_CPUS)) - 1;
    let ppi = |intid: u32| [PPI, intid - 16, all_cpus << PPI_CPUS_SHIFT | LEVEL_HIGH];
    let timers = [ppi(29), ppi(INTID_TIMER_PHYSICAL), ppi(INTID_TIMER_VIRTUAL)];
    tree.cells("interrupts", timers.as_flattened());
    tree.property("always-on", &[]);
    tree.string("compatible", "arm,armv7-timer");
    tree.end();

    tree.begin("intc@8000000");
    tree.cells("phandle", &[PHANDLE_GIC]);
    let (distributor, cpu) = (GIC_DISTRIBUTOR, GIC_CPU_INTERFACE);
    tree.cells("reg", &[0, distributor.base, 0, distributor.bytes, 0, cpu.base, 0, cpu.bytes]);
    tree.string("compatible", "arm,cortex-a15-gic");
    tree.property("interrupt-controller", &[]);
    tree.cells("#interrupt-cells", &[3]);
    tree.cells("#address-cells", &[0]);
    tree.end();

    tree.begin("apb-pclk");
    tree.cells("phandle", &[PHANDLE_CLOCK]);
    tree.string("clock-output-names", "clk24mhz");
    tree.cells("clock-frequency", &[CLOCK_HZ]);
    tree.cells("#clock-cells", &[0]);
    tree.string("compatible", "fixed-clock");
    tree.end();

    tree.begin("pl011@9000000");
    tree.string_list("clock-names", &["uartclk", "apb_pclk"]);
    tree.cells("clocks", &[PHANDLE_CLOCK, PHANDLE_CLOCK]);
    tree.cells("interrupts", &[SPI, INTID_UART - 32, LEVEL_HIGH]);
    reg(tree, &UART);
    tree.string_list("compatible", &["arm,pl011", "arm,primecell"]);
    tree.end();

    tree.begin("pl031@9010000");
    tree.string("clock-names", "apb_pclk");
    tree.cells("clocks", &[PHANDLE_CLOCK]);
    tree.cells("interrupts", &[SPI, INTID_RTC - 32, LEVEL_HIGH]);
    reg(tree, &RTC);
    tree.string_list("compatible", &["arm,pl031", "arm,primecell"]);
    tree.end();

    if guest.flash_bytes != 0 {
        tree.begin("flash@4000000");
        // Two 16-bit chips side by side.
        tree.cells("bank-width", &[4]);
        tree.cells("reg", &[0, FLASH.base, 0, guest.flash_bytes.min(FLASH.bytes)]);
        tree.string("compatible", "cfi-flash");
        tree.end();
    }
}

pub(crate) fn psci(tree: &mut Writer) {
    tree.begin("psci");
    tree.string("method", abi::PSCI_METHOD);
    tree.string_list("compatible", &abi::PSCI_COMPATIBLE);
    tree.end();
}

pub(crate) fn hypervisor(tree: &mut Writer) {
    tree.begin("hypervisor");
    tree.string("compatible", abi::HYPERVISOR_COMPATIBLE);
    tree.cells(abi::ABI_VERSION_PROPERTY, &[nex::ABI_MAJOR, nex::ABI_MINOR]);
    tree.end();
}
