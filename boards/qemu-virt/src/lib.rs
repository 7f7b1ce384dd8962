//! QEMU's `virt` machine (QEMU documentation, "virt generic virtual platform").
//!
//! Addresses and interrupt numbers come from the device tree that QEMU passes; the one address that is built in is the
//! UART's for messages before the tree has been read. The machine is left by PSCI (switch off, reset) or, for a failure
//! under test, by semihosting: only when `exit=semihosting` is on the command line, since without a semihosting host
//! that call is a plain exception.
#![no_std]

extern crate alloc;

use alloc::boxed::Box;

use nex_hv::addr::Hpa;
use nex_hv::board::{
    Board, DeviceMapper, Devices, Exit, Framebuffer, Interrupt, ProbeError, StartCoreError, Timer, Uart,
    Watchdog,
};
use nex_hv::boot_data::bootinfo::BootInfo;
use nex_hv::boot_data::dtb::Tree;
use nex_hv::drivers::Mmio;
use nex_hv::drivers::fw_cfg::{FwCfg, FwCfgError};
use nex_hv::drivers::generic_timer::{GenericTimer, VirtualTimerWatchdog};
use nex_hv::drivers::gic::Gic;
use nex_hv::drivers::pl011::{Pl011, Pl011Port};
use nex_hv::drivers::psci::{self, Conduit};
use nex_hv::drivers::ramfb::{self, Mode, RamfbError};
use nex_hv::drivers::semihosting;
use nex_hv::{cmdline, screen, warning};
use spin::Once;

/// `virt` has had its first UART here since it exists.
const EARLY_UART: Hpa = Hpa::new(0x0900_0000);
/// Start of RAM, where QEMU puts the DTB when it starts an ELF file.
const RAM_BASE: Hpa = Hpa::new(0x4000_0000);
const PAGE: u32 = 0x1000;

/// The machine.
pub struct Virt {
    firmware: Once<Conduit>,
    semihosting: Once<()>,
    gic: Once<Gic>,
    timer: Once<GenericTimer>,
    watchdog: Once<VirtualTimerWatchdog>,
    port: Once<Pl011Port>,
}

/// The one machine.
pub static BOARD: Virt = Virt {
    firmware: Once::new(),
    semihosting: Once::new(),
    gic: Once::new(),
    timer: Once::new(),
    watchdog: Once::new(),
    port: Once::new(),
};

impl Board for Virt {
    fn name(&self) -> &'static str {
        "qemu-virt"
    }

    fn fallback_tags(&self) -> Option<Hpa> {
        Some(RAM_BASE)
    }

    fn early_console(
        &self,
        _blob: Option<&[u8]>,
        map: &mut dyn DeviceMapper,
    ) -> Result<Box<dyn Uart>, ProbeError> {
        let base = map.map(EARLY_UART, PAGE)?;
        // SAFETY: the UART's page, mapped for good; Device memory.
        Ok(Box::new(Pl011::new(unsafe { Mmio::new(base) }, Interrupt(0))))
    }

    fn probe(
        &'static self,
        info: &BootInfo,
        blob: &[u8],
        map: &mut dyn DeviceMapper,
    ) -> Result<Devices, ProbeError> {
        if cmdline::option(&info.cmdline, "exit") == Some("semihosting") {
            self.semihosting.call_once(|| ());
        }
        let tree = Tree::new(blob)
            .map_err(|_| ProbeError("the virt machine needs a DTB: start Nex with QEMU's -kernel"))?;
        let psci = tree.find_compatible(&["arm,psci-1.0", "arm,psci-0.2", "arm,psci"]);
        if let Some(conduit) = psci.and_then(|p| p.property_str("method").and_then(Conduit::from_method)) {
            self.firmware.call_once(|| conduit);
        }

        let gic = tree
            .find_compatible(&["arm,cortex-a15-gic", "arm,cortex-a9-gic"])
            .ok_or(ProbeError("no GICv2 in the DTB: start QEMU with -M virt,gic-version=2"))?;
        let (Some(distributor), Some(cpu)) = (gic.reg(0), gic.reg(1)) else {
            return Err(ProbeError("the GIC's node in the DTB has no usable reg"));
        };
        let distributor = mmio(map, distributor.start)?;
        let cpu = mmio(map, cpu.start)?;

        let uart = tree
            .stdout()
            .filter(|d| d.is_compatible(&["arm,pl011"]))
            .or_else(|| tree.find_compatible(&["arm,pl011"]))
            .ok_or(ProbeError("no PL011 in the DTB: Nex needs it as console"))?;
        let (Some(registers), Some(interrupt)) = (uart.reg(0), uart.interrupt(0)) else {
            return Err(ProbeError("the PL011's node in the DTB has no usable reg or interrupts"));
        };
        let registers = mmio(map, registers.start)?;
        let uart = Pl011::new(registers, Interrupt(interrupt.intid()));

        let timer = tree.find_compatible(&["arm,armv7-timer"]).filter(|_| GenericTimer::is_present());
        // The interrupts are: secure physical, non-secure physical, virtual, hypervisor (binding arm,arch_timer).
        let interrupt = timer
            .as_ref()
            .and_then(|t| t.interrupt(1))
            .ok_or(ProbeError("no ARM generic timer: start QEMU with -cpu cortex-a15 or cortex-a7"))?;
        let interrupt = Interrupt(interrupt.intid());
        let timer_driver = self.timer.call_once(|| GenericTimer::new(interrupt, None));
        let watchdog = timer.and_then(|t| t.interrupt(2)).map(|interrupt| {
            let frequency_hz = timer_driver.frequency_hz();
            let interrupt = Interrupt(interrupt.intid());
            self.watchdog.call_once(|| VirtualTimerWatchdog::new(interrupt, frequency_hz))
        });

        Ok(Devices {
            console: Box::new(uart),
            interrupts: self.gic.call_once(|| Gic::new(distributor, cpu)),
            timer: timer_driver,
            debug_port: Some(self.port.call_once(|| Pl011Port::new(registers))),
            watchdog: watchdog.map(|dog| dog as &dyn Watchdog),
            framebuffer: if screen::is_wanted(&info.cmdline) { framebuffer(info, &tree, map) } else { None },
            outer_cache: None,
            cpus: count_cpus(&tree),
        })
    }

    fn exit(&self, how: Exit) -> ! {
        let firmware = self.firmware.get();
        match how {
            Exit::PowerOff => firmware.map(|f| f.call(psci::SYSTEM_OFF, 0, 0, 0)),
            Exit::Reset => firmware.map(|f| f.call(psci::SYSTEM_RESET, 0, 0, 0)),
            Exit::Failed => self.semihosting.get().map(|()| {
                semihosting::exit(1);
                0
            }),
        };
        nex_hv::arch::irq::halt()
    }

    fn start_core(&self, core: u32, entry: Hpa) -> Result<(), StartCoreError> {
        let firmware = self.firmware.get().ok_or(StartCoreError::Unsupported)?;
        // PSCI return codes (ARM DEN 0022, 5.2.2).
        match firmware.call(psci::CPU_ON, core, entry.raw(), 0) {
            0 => Ok(()),
            -2 => Err(StartCoreError::NoSuchCore),
            -4 => Err(StartCoreError::AlreadyOn),
            code => Err(StartCoreError::Refused(code)),
        }
    }
}

fn count_cpus(tree: &Tree<'_>) -> u32 {
    let mut count = 0;
    tree.find_all_compatible(&["arm,cortex-a15", "arm,cortex-a7"], &mut |_| {
        count += 1;
        true
    });
    count.max(1)
}

/// The screen of QEMU's `-device ramfb`, as large as `fb=` on the command line says.
fn framebuffer(info: &BootInfo, tree: &Tree<'_>, map: &mut dyn DeviceMapper) -> Option<Framebuffer> {
    let registers = tree.find_compatible(&["qemu,fw-cfg-mmio"])?.reg(0)?.start;
    let mode = match cmdline::option(&info.cmdline, "fb") {
        None => Mode::DEFAULT,
        Some(text) => Mode::parse(text).unwrap_or_else(|| {
            warning!("fb={}: not WIDTHxHEIGHT or WIDTHxHEIGHTx32; taking 800x600", text);
            Mode::DEFAULT
        }),
    };
    let mut start = || {
        let no_device = RamfbError::FwCfg(FwCfgError::Failed);
        let registers = mmio(map, registers).map_err(|_| no_device)?;
        let Some(device) = FwCfg::new(registers).map_err(RamfbError::FwCfg)? else { return Ok(None) };
        let Some(file) = ramfb::find(&device)? else { return Ok(None) };
        ramfb::start(&device, file, mode).map(Some)
    };
    start().unwrap_or_else(|e: RamfbError| {
        warning!("ramfb: {}", nex_hv::log::Shown(&e));
        None
    })
}

fn mmio(map: &mut dyn DeviceMapper, base: u64) -> Result<Mmio, ProbeError> {
    let base = u32::try_from(base)
        .map_err(|_| ProbeError("a device is above 4 GiB: start QEMU with highmem=off"))?;
    let base = map.map(Hpa::new(base), PAGE)?;
    // SAFETY: a device's register page by the DTB, mapped for good as Device memory.
    Ok(unsafe { Mmio::new(base) })
}
