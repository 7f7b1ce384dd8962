//! UART, interrupt controller, timer, power.

use core::arch::asm;
use core::fmt;

use crate::memory_map::{GICC, GICD, PL011};

/// PPI of the virtual timer.
pub(crate) const TIMER_INTERRUPT: u32 = 27;

fn write(address: u32, value: u32) {
    // SAFETY: all callers are below and name registers of devices, which no Rust object lies in.
    unsafe { (address as *mut u32).write_volatile(value) }
}

fn read(address: u32) -> u32 {
    // SAFETY: as in `write`.
    unsafe { (address as *const u32).read_volatile() }
}

/// PL011 (ARM DDI 0183).
pub(crate) struct Console;

impl Console {
    pub(crate) fn start() {
        write(PL011 + 0x30, 0); // CR: off while it is set up
        write(PL011 + 0x2c, 0x70); // LCR_H: 8 bits, FIFOs on
        write(PL011 + 0x38, 0); // IMSC: no interrupts
        write(PL011 + 0x30, 0x301); // CR: on, receive and transmit
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            while read(PL011 + 0x18) & 1 << 5 != 0 {} // FR.TXFF
            write(PL011, byte.into());
        }
        Ok(())
    }
}

/// Prints a line.
#[macro_export]
macro_rules! println {
    ($($arguments:tt)*) => {{
        use core::fmt::Write;
        // Writing to the console cannot fail.
        let _ = writeln!($crate::platform::Console, $($arguments)*);
    }};
}

/// Turns the GICv2 on (ARM IHI 0048B), with SGI 0 and the timer's interrupt enabled.
pub(crate) fn start_interrupts() {
    write(GICD, 1); // CTLR
    write(GICD + 0x100, 1 << TIMER_INTERRUPT | 1); // ISENABLER0
    write(GICD + 0x400, 0xa0a0_a0a0); // IPRIORITYR0: SGI 0 to 3
    write(GICD + 0x400 + TIMER_INTERRUPT / 4 * 4, 0xa0a0_a0a0);
    write(GICC + 0x4, 0xf0); // PMR
    write(GICC, 1); // CTLR
}

/// Ticks of the virtual timer in a second.
pub(crate) fn frequency() -> u32 {
    let value;
    // SAFETY: reads CNTFRQ and nothing else.
    unsafe { asm!("mrc p15, 0, {}, c14, c0, 0", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}

/// The virtual timer's counter.
pub(crate) fn ticks() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reads CNTVCT. Not `nomem`, so that nothing measured moves over it.
    unsafe {
        asm!("isb", "mrrc p15, 1, {}, {}, c14", out(reg) low, out(reg) high, options(nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Lets the kernel and User mode use VFP and NEON; FPEXC.EN stays off.
pub(crate) fn allow_floating_point() {
    // SAFETY: CPACR lets coprocessors 10 and 11 be used; no Rust code here uses their registers.
    unsafe {
        asm!("mcr p15, 0, {}, c1, c0, 2", "isb", in(reg) 0xf << 20, options(nostack, preserves_flags));
    }
}

/// Ends the machine or the domain: PSCI SYSTEM_OFF (ARM DEN 0022).
pub(crate) fn power_off() -> ! {
    // SAFETY: does not return where there is PSCI; elsewhere the loop stays.
    unsafe {
        asm!(
            ".arch_extension virt",
            "hvc #0",
            "2: wfi",
            "b 2b",
            in("r0") 0x8400_0008u32,
            options(noreturn),
        )
    }
}
