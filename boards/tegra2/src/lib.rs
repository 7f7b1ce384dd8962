//! NVIDIA Tegra 2 (T20): two Cortex-A9 r1, up to 1 GiB of RAM at 0. The Motorola Xoom, and other boards by their device
//! trees.
//!
//! The Xoom's boot loader starts Nex as if it were Linux: in Secure state, with an ATAG list at 0x100 and the boot volume as
//! initial RAM disk. Nothing but the ATAGs describes the machine, so the chip's addresses are here. Other boards have
//! U-Boot, which passes a device tree: what differs between boards comes from that, namely memory, the console's UART, the
//! framebuffer if it names one, the boot volume, and the pin that switches off. The chip is the same, so its addresses are.
//!
//! The chip's own manual is not public; what is known comes from the drivers in Linux and U-Boot, whose names for
//! registers are used. What these drivers do with registers is in `nex-tegra2-logic`, and tested on the host.
//!
//! Left as the loader has it: the console's rate, clock and pins, if the UART is on; the picture on the screen, which
//! becomes the console's; the other processor (AVP); all clocks but of what is used and off.
#![no_std]

extern crate alloc;

pub mod block;
pub mod early;
pub mod found;
pub mod interrupts;
pub mod mpcore;
pub mod outer;
pub mod power;
pub mod second_core;
pub mod timer;

use alloc::boxed::Box;
use core::fmt;

use nex_hv::addr::Hpa;
use nex_hv::board::{
    Board, DeviceMapper, Devices, Exit, Framebuffer, Interrupt, OuterCache, PixelFormat, ProbeError,
    StartCoreError, Uart,
};
use nex_hv::boot_data::bootinfo::{Bank, BootInfo, Source};
use nex_hv::boot_data::dtb::Tree;
use nex_hv::drivers::ns16550::{Ns16550, Ns16550Port};
use nex_hv::drivers::semihosting;
use nex_hv::{cmdline, info, screen, warning};
use nex_tegra2_logic::clocks::Clocks;
use nex_tegra2_logic::display::{Format, NoPicture, Picture};
use nex_tegra2_logic::gpio::PowerPin;
use nex_tegra2_logic::uarts::{self, ConsoleUart};
use nex_tegra2_logic::{options, ram, scu};
use spin::Once;

use crate::block::{Block, block, mmio};
use crate::found::Found;
use crate::interrupts::Interrupts;
use crate::outer::Outer;
use crate::power::Power;
use crate::second_core::SecondCore;
use crate::timer::{Dog, Timer};

include!(concat!(env!("OUT_DIR"), "/config.rs"));

/// Snoop control unit, GIC CPU interface (at + 0x100), A9 timers.
const MPCORE: Hpa = Hpa::new(0x5004_0000);
const GIC_CPU: Hpa = Hpa::new(0x5004_0100);
const GIC_DISTRIBUTOR: Hpa = Hpa::new(0x5004_1000);
const PL310: Hpa = Hpa::new(0x5004_3000);
/// Display controller DC1.
const DISPLAY: Hpa = Hpa::new(0x5420_0000);
const DISPLAY_BYTES: u32 = 0x3000;
/// Legacy interrupt controller, its first bank of four.
const LIC: Hpa = Hpa::new(0x6000_4000);
const TIMERS: Hpa = Hpa::new(0x6000_5000);
/// Clock and reset controller.
const CAR: Hpa = Hpa::new(0x6000_6000);
const FLOW_CONTROLLER: Hpa = Hpa::new(0x6000_7000);
const GPIO: Hpa = Hpa::new(0x6000_d000);
/// Exception vectors that the boot ROM jumps through.
const EVP: Hpa = Hpa::new(0x6000_f000);
const APB_MISC: Hpa = Hpa::new(0x7000_0000);
const PMC: Hpa = Hpa::new(0x7000_e400);

/// IER bit 4: report received bytes below the FIFO's trigger level after a time-out. Other 16550s need no bit for that.
const IER_RECEIVE_TIMEOUT: u32 = 1 << 4;

const APB_MISC_HIDREV: usize = 0x804;
/// HIDREV bits 15:8.
const TEGRA2_CHIP_ID: u32 = 0x20;

/// The machine.
pub struct Tegra2 {
    found: Once<Found>,
    console: Once<ConsoleUart>,
    picture: Once<Result<Picture, NoPicture>>,
    timer: Once<Timer>,
    dog: Once<Dog>,
    interrupts: Once<Interrupts>,
    power: Once<Power>,
    second_core: Once<SecondCore>,
    outer: Once<Outer>,
    /// `exit=semihosting` was on the command line: this is an emulator, which ends that way.
    semihosting: Once<()>,
    port: Once<Ns16550Port>,
}

/// The one machine.
pub static BOARD: Tegra2 = Tegra2 {
    found: Once::new(),
    console: Once::new(),
    picture: Once::new(),
    timer: Once::new(),
    dog: Once::new(),
    interrupts: Once::new(),
    power: Once::new(),
    second_core: Once::new(),
    outer: Once::new(),
    semihosting: Once::new(),
    port: Once::new(),
};

impl Tegra2 {
    /// The console's UART, switched on.
    fn console(&self, blob: Option<&[u8]>, map: &mut dyn DeviceMapper) -> Result<Box<dyn Uart>, ProbeError> {
        let clocks = Clocks::new(block(map, CAR)?);
        let uart = *self.console.call_once(|| {
            let named = blob.and_then(|blob| Tree::new(blob).ok()).and_then(|tree| uart_of_tree(&tree));
            uarts::choose(named, TEGRA2_CONSOLE, |uart| clocks.is_running(uart.place().device))
        });
        let place = uart.place();
        let registers = mmio(map, Hpa::new(place.base))?;
        uarts::start(place, &clocks, &Block(registers), || timer::spin_2_us(&clocks));
        let interrupt = Interrupt(place.interrupt);
        Ok(Box::new(Ns16550::new(registers, uarts::SHIFT, interrupt, IER_RECEIVE_TIMEOUT)))
    }

    /// What is on the screen, if Nex can write there.
    fn find_picture(
        &self,
        info: &BootInfo,
        blob: &[u8],
        map: &mut dyn DeviceMapper,
    ) -> Result<Picture, NoPicture> {
        // What a tree names is what its loader shows, on whichever of the chip's outputs; else the first display is asked.
        let named = Tree::new(blob).ok().and_then(|tree| picture_of_tree(&tree));
        let picture = match named {
            Some(picture) => picture?,
            None => found::window(map).ok_or(NoPicture::Stopped)?.picture()?,
        };
        let boot = nex_hv::arch::boot_args();
        let own = (u64::from(boot.desired), u64::from(boot.image_bytes));
        let volume = info.initrd.map(|volume| (volume.start, volume.bytes));
        let tags = (u64::from(boot.tags), blob.len() as u64);
        let banks = info.banks.iter().map(|bank| (bank.start, bank.bytes));
        picture.is_usable(banks, [own, tags].into_iter().chain(volume))?;
        Ok(picture)
    }

    /// Starts CPU 1 into its parking place, and says how that went.
    fn park_second_core(&self) {
        match self.second_core.get().and_then(SecondCore::park) {
            Some(parked) => info!("CPU 1 is parked (MIDR {:08x})", parked.midr),
            None => warning!("CPU 1 does not say that it runs"),
        }
    }
}

impl Board for Tegra2 {
    fn name(&self) -> &'static str {
        "tegra2"
    }

    fn correct(&self, info: &mut BootInfo, blob: &[u8], map: &mut dyn DeviceMapper) {
        // Before anything else is changed, but after the banner: should a register not answer, that much was said.
        let found = self.found.call_once(|| Found::new(map));
        if info.source == Source::Atags {
            if !ram::is_plausible(info.banks.iter().map(|bank| (bank.start, bank.bytes))) {
                let (start, bytes) = ram::XOOM;
                info.banks.clear();
                info.banks.push(Bank { start, bytes });
            }
            found.keep_atags(blob);
        }
        if cmdline::option(&info.cmdline, "exit") == Some("semihosting") {
            self.semihosting.call_once(|| ());
        }
        for name in ["tegra_fbmem", "lp0_vec"] {
            let range = cmdline::option(&info.cmdline, name).and_then(options::range);
            if let Some((start, bytes)) = range {
                // There is room: a loader with a command line like this has an ATAG list, which reserves nothing.
                let _ = info.reserve(start, bytes);
            }
        }
        let mut picture = self.find_picture(info, blob, map);
        if let Ok((start, bytes)) = picture.map(|picture| picture.range()) {
            picture = info.reserve(start, bytes).map_err(|_| NoPicture::InUse).and(picture);
        }
        self.picture.call_once(|| picture);
    }

    fn early_console(
        &self,
        blob: Option<&[u8]>,
        map: &mut dyn DeviceMapper,
    ) -> Result<Box<dyn Uart>, ProbeError> {
        self.console(blob, map)
    }

    fn probe(
        &'static self,
        info: &BootInfo,
        blob: &[u8],
        map: &mut dyn DeviceMapper,
    ) -> Result<Devices, ProbeError> {
        if mmio(map, APB_MISC)?.read(APB_MISC_HIDREV) >> 8 & 0xff != TEGRA2_CHIP_ID {
            return Err(ProbeError(
                "this chip is no Tegra 2 (chip ID 0x20 in HIDREV): build Nex for the board it is",
            ));
        }
        let clocks = Clocks::new(block(map, CAR)?);
        let timers = mmio(map, TIMERS)?;
        let timer = Timer::new(timers, &clocks)?;
        let timer = self.timer.call_once(|| timer);
        let dog = self.dog.call_once(|| Dog::new(timers));

        let distributor = mmio(map, GIC_DISTRIBUTOR)?;
        let secure = scu::is_secure(&Block(distributor));
        let (evp, flow) = (block(map, EVP)?, block(map, FLOW_CONTROLLER)?);
        self.second_core.call_once(|| SecondCore::new(evp, clocks, flow, timer));
        if secure {
            scu::start(&block(map, MPCORE)?, mpcore::empty_l1);
            mpcore::init_core();
            self.park_second_core();
        } else {
            warning!("entered in Non-secure state: errata, SCU and L2 cache are as the loader left them");
        }
        if nex_hv::arch::boot_args().early & early::L2_WAS_ON != 0 {
            warning!("the loader left the L2 cache on");
        }
        if let Some(outer) = Outer::new(block(map, PL310)?, secure) {
            self.outer.call_once(|| outer);
        }

        let (cpu, lic) = (mmio(map, GIC_CPU)?, block(map, LIC)?);
        let groups = cmdline::option(&info.cmdline, "fiq") != Some("lic");
        let interrupts = self.interrupts.call_once(|| Interrupts::new(distributor, cpu, lic, timer, groups));
        let pin = match info.source {
            Source::Atags => Some(PowerPin::XOOM),
            Source::Dtb => Tree::new(blob).ok().and_then(|tree| power::pin_of_tree(&tree)),
        };
        let (pmc, gpio) = (block(map, PMC)?, block(map, GPIO)?);
        self.power.call_once(|| Power::new(pmc, clocks, gpio, timer, pin));

        let console = self.console(Some(blob), map)?;
        let uart = *self.console.get().unwrap_or(&TEGRA2_CONSOLE);
        info!("console on {}", uart.name());
        let registers = mmio(map, Hpa::new(uart.place().base))?;
        let port = self.port.call_once(|| Ns16550Port::new(registers, uarts::SHIFT, IER_RECEIVE_TIMEOUT));

        Ok(Devices {
            console,
            interrupts,
            timer,
            debug_port: Some(port),
            watchdog: Some(dog),
            framebuffer: if screen::is_wanted(&info.cmdline) { self.framebuffer() } else { None },
            outer_cache: self.outer.get().map(|outer| outer as &dyn OuterCache),
            cpus: 2,
        })
    }

    fn exit(&self, how: Exit) -> ! {
        // Before `probe` is done there is nothing to switch off with.
        if let Some(power) = self.power.get() {
            match how {
                Exit::PowerOff => power.off(),
                Exit::Reset => power.reset(),
                // The last words stay on the console.
                Exit::Failed => {}
            }
        }
        // The emulated tablet has no power supply to let go of.
        if self.semihosting.is_completed() {
            match how {
                Exit::PowerOff => semihosting::exit(0),
                Exit::Failed => semihosting::exit(1),
                Exit::Reset => {}
            }
        }
        nex_hv::arch::irq::halt()
    }

    fn start_core(&self, core: u32, entry: Hpa) -> Result<(), StartCoreError> {
        match core {
            0 => Err(StartCoreError::AlreadyOn),
            1 => self.second_core.get().ok_or(StartCoreError::Unsupported)?.start(entry),
            _ => Err(StartCoreError::NoSuchCore),
        }
    }

    fn describe_hardware(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if let Some(uart) = self.console.get() {
            writeln!(out, "console {}", uart.name())?;
        }
        match self.picture.get() {
            Some(Ok(Picture { base, width, height, stride_bytes, format })) => {
                writeln!(
                    out,
                    "screen {width}x{height} {format:?}, {stride_bytes} bytes a line, at {base:08x}"
                )?;
            }
            Some(Err(why)) => writeln!(out, "no text on the screen: {}", why.text())?,
            None => {}
        }
        match second_core::parked() {
            Some(parked) => writeln!(
                out,
                "CPU 1 parked: midr {:08x}  sctlr {:08x}  actlr {:08x}",
                parked.midr, parked.sctlr, parked.actlr
            )?,
            None => writeln!(out, "CPU 1 has not reported")?,
        }
        writeln!(out, "L2 at entry: CTRL {:08x}", nex_hv::arch::boot_args().early)?;
        let Some(found) = self.found.get() else { return Ok(()) };
        found.describe(self.console.get().copied(), out)
    }
}

impl Tegra2 {
    /// The screen as [`Board::correct`] found it.
    fn framebuffer(&self) -> Option<Framebuffer> {
        match *self.picture.get()? {
            Ok(Picture { base, width, height, stride_bytes, format }) => {
                let format = match format {
                    Format::Rgb565 => PixelFormat::Rgb565,
                    Format::Xrgb8888 => PixelFormat::Xrgb8888,
                    Format::Xbgr8888 => PixelFormat::Xbgr8888,
                };
                Some(Framebuffer { base: Hpa::new(base), width, height, stride_bytes, format })
            }
            Err(NoPicture::Stopped) => None,
            Err(why) => {
                warning!("no text on the screen: {}", why.text());
                None
            }
        }
    }
}

/// The UART that a device tree names as console.
fn uart_of_tree(tree: &Tree<'_>) -> Option<ConsoleUart> {
    let serial0 = || tree.node(tree.node("/aliases")?.property_str("serial0")?);
    let device = tree.stdout().or_else(serial0)?;
    ConsoleUart::at(device.reg(0)?.start)
}

/// The framebuffer that a device tree names (Linux binding `display/simple-framebuffer.yaml`).
fn picture_of_tree(tree: &Tree<'_>) -> Option<Result<Picture, NoPicture>> {
    let node = tree.find_compatible(&["simple-framebuffer"])?;
    let read = || {
        let format = node.property_str("format").and_then(Format::from_name).ok_or(NoPicture::Layout)?;
        let number = |name| node.property_u32(name).ok_or(NoPicture::Size);
        let (width, height, stride_bytes) = (number("width")?, number("height")?, number("stride")?);
        let memory = node.reg(0).ok_or(NoPicture::NotInRam)?;
        let base = u32::try_from(memory.start).map_err(|_| NoPicture::NotInRam)?;
        let picture = Picture { base, width, height, stride_bytes, format }.checked()?;
        if picture.range().1 <= memory.bytes { Ok(picture) } else { Err(NoPicture::Size) }
    };
    Some(read())
}
