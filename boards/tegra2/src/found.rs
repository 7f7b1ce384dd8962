//! How the boot loader left the hardware, kept from before Nex changed anything but its console: for the debugger's `hwinfo`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::arch::asm;
use core::fmt;

use nex_hv::addr::Hpa;
use nex_hv::board::{DeviceMapper, ProbeError};
use nex_tegra2_logic::clocks::{Clocks, device};
use nex_tegra2_logic::display::Window;
use nex_tegra2_logic::hwinfo::{self, REGISTERS, Values};
use nex_tegra2_logic::regs::Registers;
use nex_tegra2_logic::uarts::ConsoleUart;
use spin::Once;

use crate::block::{Block, block, blocks};
use crate::{CAR, DISPLAY, DISPLAY_BYTES};

/// The five UARTs are in one page.
const UARTS: Hpa = Hpa::new(0x7000_6000);
/// Words of an ATAG list that are kept.
const ATAG_WORDS: usize = 1024;

/// The hardware as found.
pub struct Found {
    clocks: Option<Clocks<Block>>,
    /// Each of [`REGISTERS`], mapped.
    registers: Box<[Option<Block>]>,
    uarts: Option<Block>,
    values: Values,
    window: Option<Window>,
    atags: Once<Vec<u32>>,
}

impl Found {
    /// Looks at everything.
    pub fn new(map: &mut dyn DeviceMapper) -> Self {
        let clocks = block(map, CAR).ok().map(Clocks::new);
        let registers: Box<[Option<Block>]> =
            REGISTERS.iter().map(|entry| block(map, Hpa::new(entry.address)).ok()).collect();
        let uarts = block(map, UARTS).ok();
        let values = capture(clocks.as_ref(), &registers);
        Found { clocks, registers, uarts, values, window: window(map), atags: Once::new() }
    }

    /// Keeps the loader's list, whose memory is given away.
    pub fn keep_atags(&self, list: &[u8]) {
        self.atags.call_once(|| {
            let (words, _) = list.as_chunks::<4>();
            words.iter().take(ATAG_WORDS).map(|word| u32::from_le_bytes(*word)).collect()
        });
    }

    /// Writes what was found, and what has changed since.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn describe(&self, console: Option<ConsoleUart>, out: &mut dyn fmt::Write) -> fmt::Result {
        let (actlr, cpacr, cbar): (u32, u32, u32);
        // SAFETY: reads ACTLR, CPACR and the A9's configuration base address (DDI 0388 4.3).
        unsafe {
            asm!("mrc p15, 0, {}, c1, c0, 1", "mrc p15, 0, {}, c1, c0, 2", "mrc p15, 4, {}, c15, c0, 0",
                 out(reg) actlr, out(reg) cpacr, out(reg) cbar, options(nostack, preserves_flags));
        }
        writeln!(out, "actlr {actlr:08x}  cpacr {cpacr:08x}  cbar {cbar:08x}")?;
        if let Some(atags) = self.atags.get() {
            hwinfo::show_atags(out, atags)?;
        }
        hwinfo::show(out, &self.values, &capture(self.clocks.as_ref(), &self.registers))?;
        match &self.window {
            None => writeln!(out, "the display had no clock")?,
            Some(window) => {
                writeln!(out, "display, window A, as found")?;
                for (name, value) in window.registers() {
                    writeln!(out, "{value:08x}  {name}")?;
                }
            }
        }
        if let Some(uart) = console
            && let Some(registers) = &self.uarts
        {
            let base = (uart.place().base - UARTS.raw()) as usize;
            writeln!(out, "{} divisor {}", uart.name(), divisor(registers, base))?;
        }
        Ok(())
    }
}

/// The divisor latch is behind a bit of LCR; nothing is sent or received meanwhile, as the debugger has the line.
fn divisor(uarts: &Block, base: usize) -> u32 {
    const DLL: usize = 0x00;
    const DLM: usize = 0x04;
    const LCR: usize = 0x0c;
    const DLAB: u32 = 1 << 7;
    let lcr = uarts.read(base + LCR);
    uarts.write(base + LCR, lcr | DLAB);
    let divisor = uarts.read(base + DLL) & 0xff | (uarts.read(base + DLM) & 0xff) << 8;
    uarts.write(base + LCR, lcr);
    divisor
}

fn capture(clocks: Option<&Clocks<Block>>, registers: &[Option<Block>]) -> Values {
    let is_running = |device| clocks.is_some_and(|clocks| clocks.is_running(device));
    hwinfo::capture(is_running, |address| {
        let at = REGISTERS.iter().position(|entry| entry.address == address)?;
        registers.get(at)?.map(|register| register.read(0))
    })
}

/// Window A of the first display as it is shown, if the display has its clock.
pub fn window(map: &mut dyn DeviceMapper) -> Option<Window> {
    let mut read = || -> Result<Option<Window>, ProbeError> {
        let clocks = Clocks::new(block(map, CAR)?);
        if !clocks.is_running(device::HOST1X) || !clocks.is_running(device::DISP1) {
            return Ok(None);
        }
        Ok(Some(Window::read(&blocks(map, DISPLAY, DISPLAY_BYTES)?)))
    };
    read().ok().flatten()
}
