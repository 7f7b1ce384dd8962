//! QEMU's `vexpress-a9`: ARM's Versatile Express with a CoreTile Express A9x4 (ARM DUI 0448, DUI 0447).
//!
//! Not a board that anybody needs Nex on: it is the one Cortex-A9 that QEMU has, and it boots with an ATAG list and has no
//! generic timer. So the tests of this board run Nex on the kind of CPU and boot loader that the Tegra 2 has, on every
//! machine that has QEMU. Addresses are built in, as there is no device tree.
//!
//! QEMU does not wire the GIC's FIQ to the CPU here, so there is no FIQ debugger.
#![no_std]

extern crate alloc;

mod sp804;

use alloc::boxed::Box;

use nex_hv::addr::Hpa;
use nex_hv::board::{Board, DeviceMapper, Devices, Exit, Interrupt, InterruptController, ProbeError, Uart};
use nex_hv::boot_data::bootinfo::BootInfo;
use nex_hv::cmdline;
use nex_hv::drivers::gic::Gic;
use nex_hv::drivers::pl011::Pl011;
use nex_hv::drivers::{Mmio, semihosting};
use sp804::Sp804;
use spin::Once;

/// System registers of the motherboard.
const SYSTEM: u32 = 0x1000_0000;
const UART0: u32 = 0x1000_9000;
const TIMER01: u32 = 0x1001_1000;
/// The A9's private region: GIC CPU interface at 0x100, distributor at 0x1000 (ARM DDI 0407, 1.5).
const MPCORE: u32 = 0x1e00_0000;

/// Motherboard interrupts begin at SPI 0: TIMER01 is 2, UART0 is 5.
const TIMER_INTERRUPT: Interrupt = Interrupt(32 + 2);
const UART_INTERRUPT: Interrupt = Interrupt(32 + 5);

/// SYS_CFGDATA and SYS_CFGCTRL (DUI 0447, 4.3.8).
const SYS_CFGDATA: usize = 0xa0;
const SYS_CFGCTRL: usize = 0xa4;
/// SYS_CFGCTRL: start, write.
const CFG_WRITE: u32 = 0b11 << 30;
const CFG_SHUTDOWN: u32 = 8 << 20;
const CFG_REBOOT: u32 = 9 << 20;

/// The machine.
pub struct Vexpress {
    semihosting: Once<()>,
    system: Once<Mmio>,
    interrupts: Once<Interrupts>,
    timer: Once<Sp804>,
}

/// The one machine.
pub static BOARD: Vexpress =
    Vexpress { semihosting: Once::new(), system: Once::new(), interrupts: Once::new(), timer: Once::new() };

/// The GIC, without the timer's interrupts that only end a step towards a far deadline.
pub struct Interrupts {
    gic: Gic,
    timer: &'static Sp804,
}

impl InterruptController for Interrupts {
    fn init_cpu(&self) {
        self.gic.init_cpu();
        self.gic.enable(TIMER_INTERRUPT);
    }
    fn enable(&self, interrupt: Interrupt) {
        self.gic.enable(interrupt);
    }
    fn disable(&self, interrupt: Interrupt) {
        self.gic.disable(interrupt);
    }
    fn acknowledge(&self) -> Option<Interrupt> {
        loop {
            let interrupt = self.gic.acknowledge()?;
            if interrupt != TIMER_INTERRUPT || self.timer.is_due() {
                return Some(interrupt);
            }
            self.gic.end(interrupt);
        }
    }
    fn end(&self, interrupt: Interrupt) {
        self.gic.end(interrupt);
    }
    fn raise_here(&self, sgi: u32) {
        self.gic.raise_here(sgi);
    }
    fn route_to_fiq(&self, _interrupt: Interrupt) -> bool {
        false
    }
    fn acknowledge_fiq(&self) -> Option<Interrupt> {
        None
    }
}

impl Board for Vexpress {
    fn name(&self) -> &'static str {
        "vexpress-a9"
    }

    fn early_console(
        &self,
        _blob: Option<&[u8]>,
        map: &mut dyn DeviceMapper,
    ) -> Result<Box<dyn Uart>, ProbeError> {
        Ok(Box::new(Pl011::new(mmio(map, UART0)?, Interrupt(0))))
    }

    fn probe(
        &'static self,
        info: &BootInfo,
        _blob: &[u8],
        map: &mut dyn DeviceMapper,
    ) -> Result<Devices, ProbeError> {
        if cmdline::option(&info.cmdline, "exit") == Some("semihosting") {
            self.semihosting.call_once(|| ());
        }
        let system = mmio(map, SYSTEM)?;
        self.system.call_once(|| system);
        let (distributor, cpu) = (mmio(map, MPCORE + 0x1000)?, mmio(map, MPCORE + 0x100)?);
        let registers = mmio(map, TIMER01)?;
        let timer = self.timer.call_once(|| Sp804::new(registers, TIMER_INTERRUPT));
        let gic = Gic::new(distributor, cpu);
        Ok(Devices {
            console: Box::new(Pl011::new(mmio(map, UART0)?, UART_INTERRUPT)),
            interrupts: self.interrupts.call_once(|| Interrupts { gic, timer }),
            timer,
            debug_port: None,
            watchdog: None,
            framebuffer: None,
            outer_cache: None,
            cpus: 1,
        })
    }

    fn exit(&self, how: Exit) -> ! {
        let configure = |function: u32| {
            if let Some(system) = self.system.get() {
                system.write(SYS_CFGDATA, 0);
                system.write(SYS_CFGCTRL, CFG_WRITE | function);
            }
        };
        match how {
            Exit::PowerOff => configure(CFG_SHUTDOWN),
            Exit::Reset => configure(CFG_REBOOT),
            Exit::Failed if self.semihosting.is_completed() => semihosting::exit(1),
            Exit::Failed => {}
        }
        nex_hv::arch::irq::halt()
    }
}

fn mmio(map: &mut dyn DeviceMapper, base: u32) -> Result<Mmio, ProbeError> {
    let mapped = map.map(Hpa::new(base), 0x1000 - base % 0x1000)?;
    // SAFETY: a device's registers by the manuals, mapped for good as Device memory.
    Ok(unsafe { Mmio::new(mapped) })
}
