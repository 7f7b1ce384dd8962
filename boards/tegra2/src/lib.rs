//! NVIDIA Tegra 2 (T20), as in the Motorola Xoom: two Cortex-A9 r1, 1 GiB of RAM at 0.
//!
//! Nex is started by the tablet's boot loader as if it were Linux: in Secure state, with an ATAG list at 0x100 and the
//! boot volume as initial RAM disk. Nothing but the ATAGs describes the machine, so the addresses are here. The chip's
//! own manual is not public; what is known comes from the drivers in Linux and U-Boot, whose names for registers are
//! used.
//!
//! First form. What it leaves as it found it:
//! - the console's baud rate, clock and pins (UARTB, on the headphone socket, unless configured otherwise): the boot
//!   loader prints on it;
//! - the L2 cache (PL310), which loaders leave off: Nex runs without it. If it is on it stays on, which is sound for the
//!   CPUs, and the boot log says so;
//! - the display controller: there is no framebuffer console yet, and what is on the screen may change when Nex uses the
//!   memory that is being shown, unless `tegra_fbmem` on the command line says where that is;
//! - the other processor (AVP) and all clocks.
#![no_std]

extern crate alloc;

pub mod clocks;
pub mod interrupts;
pub mod mpcore;
pub mod power;
pub mod second_core;
pub mod timer;
pub mod uart;

use alloc::boxed::Box;

use nex_hv::addr::Hpa;
use nex_hv::board::{Board, DeviceMapper, Devices, Exit, ProbeError, StartCoreError, Uart};
use nex_hv::boot_data::bootinfo::{Bank, BootInfo};
use nex_hv::cmdline;
use nex_hv::drivers::ns16550::{Ns16550, Ns16550Port};
use nex_hv::drivers::{Mmio, semihosting};
use nex_tegra2_logic::{options, ram};
use spin::Once;

use crate::clocks::Clocks;
use crate::interrupts::Interrupts;
use crate::mpcore::MpCore;
use crate::power::Power;
use crate::second_core::SecondCore;
use crate::timer::Timer;

/// Snoop control unit, GIC CPU interface (at + 0x100), A9 timers.
const MPCORE: Hpa = Hpa::new(0x5004_0000);
const GIC_CPU: Hpa = Hpa::new(0x5004_0100);
const GIC_DISTRIBUTOR: Hpa = Hpa::new(0x5004_1000);
const PL310: Hpa = Hpa::new(0x5004_3000);
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

const PAGE: u32 = 0x1000;

/// A UART's registers are 4 bytes apart.
const UART_SHIFT: u32 = 2;
/// IER bit 4: report received bytes below the FIFO's trigger level after a time-out. Other 16550s need no bit for that.
const IER_RECEIVE_TIMEOUT: u32 = 1 << 4;

const APB_MISC_HIDREV: usize = 0x804;
/// HIDREV bits 15:8.
const TEGRA2_CHIP_ID: u32 = 0x20;
const PL310_CTRL: usize = 0x100;

/// The machine.
pub struct Tegra2 {
    timer: Once<Timer>,
    interrupts: Once<Interrupts>,
    power: Once<Power>,
    second_core: Once<SecondCore>,
    /// `exit=semihosting` was on the command line: this is an emulator, which ends that way.
    semihosting: Once<()>,
    port: Once<Ns16550Port>,
}

/// The one machine.
pub static BOARD: Tegra2 = Tegra2 {
    timer: Once::new(),
    interrupts: Once::new(),
    power: Once::new(),
    second_core: Once::new(),
    semihosting: Once::new(),
    port: Once::new(),
};

impl Board for Tegra2 {
    fn name(&self) -> &'static str {
        "tegra2"
    }

    fn correct(&self, info: &mut BootInfo) {
        if !ram::is_plausible(info.banks.iter().map(|bank| (bank.start, bank.bytes))) {
            let (start, bytes) = ram::XOOM;
            info.banks.clear();
            info.banks.push(Bank { start, bytes });
        }
        if cmdline::option(&info.cmdline, "exit") == Some("semihosting") {
            self.semihosting.call_once(|| ());
        }
        for name in ["tegra_fbmem", "lp0_vec"] {
            let range = cmdline::option(&info.cmdline, name).and_then(options::range);
            if let Some((start, bytes)) = range {
                // An ATAG list reserves nothing itself, so there is room.
                let _ = info.reserved.try_push(Bank { start, bytes });
            }
        }
    }

    fn early_console(&self, map: &mut dyn DeviceMapper) -> Result<Box<dyn Uart>, ProbeError> {
        console(map)
    }

    fn probe(
        &'static self,
        _info: &BootInfo,
        _blob: &[u8],
        map: &mut dyn DeviceMapper,
    ) -> Result<Devices, ProbeError> {
        if mmio(map, APB_MISC)?.read(APB_MISC_HIDREV) >> 8 & 0xff != TEGRA2_CHIP_ID {
            return Err(ProbeError(
                "this chip is no Tegra 2 (chip ID 0x20 in HIDREV): build Nex for the board it is",
            ));
        }
        let distributor = mmio(map, GIC_DISTRIBUTOR)?;
        if mpcore::is_secure(&distributor) {
            MpCore::new(mmio(map, MPCORE)?).init();
            mpcore::init_core();
        } else {
            nex_hv::warning!("entered in Non-secure state: errata and SCU are as the loader left them");
        }
        if mmio(map, PL310)?.read(PL310_CTRL) & 1 != 0 {
            nex_hv::warning!("the loader left the L2 cache on; it stays on");
        }

        let clocks = Clocks::new(mmio(map, CAR)?);
        let timer = Timer::new(mmio(map, TIMERS)?, &clocks)?;
        let timer = self.timer.call_once(|| timer);
        let (cpu, lic) = (mmio(map, GIC_CPU)?, mmio(map, LIC)?);
        let interrupts = self.interrupts.call_once(|| Interrupts::new(distributor, cpu, lic, timer));
        let (pmc, gpio) = (mmio(map, PMC)?, mmio(map, GPIO)?);
        self.power.call_once(|| Power::new(pmc, clocks, gpio, timer));
        let (evp, flow) = (mmio(map, EVP)?, mmio(map, FLOW_CONTROLLER)?);
        self.second_core.call_once(|| SecondCore::new(evp, clocks, flow, timer));

        // Switched on, as `console` makes sure.
        let console = console(map)?;
        let registers = mmio(map, uart::CONSOLE.base)?;
        let port = self.port.call_once(|| Ns16550Port::new(registers, UART_SHIFT, IER_RECEIVE_TIMEOUT));

        Ok(Devices {
            console,
            interrupts,
            timer,
            debug_port: Some(port),
            watchdog: None,
            framebuffer: None,
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
}

fn console(map: &mut dyn DeviceMapper) -> Result<Box<dyn Uart>, ProbeError> {
    // An access to a block whose clock is off does not end.
    if !Clocks::new(mmio(map, CAR)?).is_running(uart::CONSOLE.device) {
        return Err(ProbeError(
            "the console's UART is switched off; Nex leaves it as the boot loader has it, which must print on it",
        ));
    }
    let registers = mmio(map, uart::CONSOLE.base)?;
    Ok(Box::new(Ns16550::new(registers, UART_SHIFT, uart::CONSOLE.interrupt, IER_RECEIVE_TIMEOUT)))
}

/// Registers from `base` to the end of its page.
fn mmio(map: &mut dyn DeviceMapper, base: Hpa) -> Result<Mmio, ProbeError> {
    let base = map.map(base, PAGE - base.raw() % PAGE)?;
    // SAFETY: one of the blocks above, mapped for good as Device memory.
    Ok(unsafe { Mmio::new(base) })
}
