//! The clock and reset controller (CAR, at 0x6000_6000).
//!
//! An access to a block without clock, or in reset, does not end: so nothing is touched before [`Clocks::is_running`] or
//! after anything but [`Clocks::start`].

use crate::regs::Registers;

const RST_DEVICES_L: usize = 0x004;
const CLK_OUT_ENB_L: usize = 0x010;
const CLK_CPU_CMPLX: usize = 0x04c;
const OSC_CTRL: usize = 0x050;
const PLLP_BASE: usize = 0x0a0;
const RST_DEV_L_SET: usize = 0x300;
const RST_DEV_L_CLR: usize = 0x304;
const CLK_ENB_L_SET: usize = 0x320;
const RST_CPU_CMPLX_SET: usize = 0x340;
const RST_CPU_CMPLX_CLR: usize = 0x344;

/// RST_DEVICES_L: resets the whole system.
const RST_SYSTEM: u32 = 1 << 2;
/// CPU 1 in RST_CPU_CMPLX: cpureset, dereset, wdreset and dbgreset, each a bit per CPU.
const CPU1_RESETS: u32 = 0x2222;
/// CLK_CPU_CMPLX: stops the clock of CPU 1.
const CPU1_CLOCK_STOP: u32 = 1 << 9;
/// PLLP_BASE: on; its dividers are those below rather than the fixed 216 MHz.
const PLL_ENABLE: u32 = 1 << 30;
const PLLP_OVERRIDE: u32 = 1 << 28;

/// What PLLP makes unless it was told otherwise.
const PLLP_HZ: u32 = 216_000_000;

/// Device numbers, for clocks and resets.
pub mod device {
    /// TMR1 to TMR4 and the microsecond counter.
    pub const TIMERS: u32 = 5;
    /// The GPIO controller.
    pub const GPIO: u32 = 8;
    /// The first display controller.
    pub const DISP1: u32 = 27;
    /// What the display controllers are behind.
    pub const HOST1X: u32 = 28;
}

/// The sources of a UART's clock: bits 31:30 of its CLK_SOURCE register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UartSource {
    /// PLLP_OUT0.
    PllP = 0,
    /// The oscillator.
    ClkM = 3,
}

/// The controller.
#[derive(Clone, Copy)]
pub struct Clocks<R> {
    registers: R,
}

impl<R: Registers> Clocks<R> {
    /// The controller at its registers.
    pub const fn new(registers: R) -> Self {
        Clocks { registers }
    }

    /// Whether device `number` (0 to 95: 32 in each of the registers L, H and U) has its clock and is not held in reset.
    pub fn is_running(&self, number: u32) -> bool {
        let (register, bit) = (4 * (number / 32) as usize, 1 << (number % 32));
        self.registers.read(CLK_OUT_ENB_L + register) & bit != 0
            && self.registers.read(RST_DEVICES_L + register) & bit == 0
    }

    /// Gives a device its clock and resets it, unless it is running. `wait_2_us` lets that time pass. Returns whether
    /// anything had to be done, so that the device is now as after reset.
    pub fn start(&self, number: u32, wait_2_us: impl FnOnce()) -> bool {
        if self.is_running(number) {
            return false;
        }
        let (register, bit) = (8 * (number / 32) as usize, 1 << (number % 32));
        // The clock first: the reset is taken over by it.
        self.registers.write(CLK_ENB_L_SET + register, bit);
        self.registers.write(RST_DEV_L_SET + register, bit);
        wait_2_us();
        self.registers.write(RST_DEV_L_CLR + register, bit);
        // It has arrived before the device is accessed.
        self.registers.read(RST_DEVICES_L + register / 2);
        true
    }

    /// Chooses a UART's clock: PLLP where that is on, since its rate suits every baud rate, else the oscillator. Returns
    /// the rate in Hz. `clk_source` is the offset of the UART's register.
    pub fn clock_uart(&self, clk_source: usize) -> u32 {
        let (source, hz) = match self.pllp_hz() {
            Some(hz) => (UartSource::PllP, hz),
            None => (UartSource::ClkM, self.oscillator_hz()),
        };
        self.registers.write(clk_source, (source as u32) << 30);
        hz
    }

    /// The rate of PLLP; `None` if it is off.
    fn pllp_hz(&self) -> Option<u32> {
        let base = self.registers.read(PLLP_BASE);
        let (m, n, p) = (base & 0x1f, base >> 8 & 0x3ff, base >> 20 & 7);
        match base {
            base if base & PLL_ENABLE == 0 => None,
            base if base & PLLP_OVERRIDE == 0 => Some(PLLP_HZ),
            _ => u32::try_from(
                (u64::from(self.oscillator_hz()) * u64::from(n)).checked_div(u64::from(m))? >> p,
            )
            .ok(),
        }
    }

    /// The oscillator's rate, by what the boot ROM has measured.
    pub fn oscillator_hz(&self) -> u32 {
        match self.osc_ctrl() >> 30 {
            0 => 13_000_000,
            1 => 19_200_000,
            2 => 12_000_000,
            _ => 26_000_000,
        }
    }

    /// OSC_CTRL: which oscillator the board has.
    pub fn osc_ctrl(&self) -> u32 {
        self.registers.read(OSC_CTRL)
    }

    /// Resets the system.
    pub fn reset_system(&self) {
        self.registers.set(RST_DEVICES_L, RST_SYSTEM);
    }

    /// Puts CPU 1 into reset.
    pub fn hold_cpu1(&self) {
        self.registers.write(RST_CPU_CMPLX_SET, CPU1_RESETS);
    }

    /// Gives CPU 1 its clock. The register is read back, so that it has it when this returns.
    pub fn clock_cpu1(&self) {
        self.registers.write(CLK_CPU_CMPLX, self.registers.read(CLK_CPU_CMPLX) & !CPU1_CLOCK_STOP);
        self.registers.read(CLK_CPU_CMPLX);
    }

    /// Lets CPU 1 run.
    pub fn release_cpu1(&self) {
        self.registers.write(RST_CPU_CMPLX_CLR, CPU1_RESETS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::Fake;

    /// As at reset, and as a boot loader leaves a few.
    fn car() -> Fake {
        Fake::new(&[
            (0x004, 0x3fff_fec9),
            (0x008, 0xfeff_fb77),
            (0x00c, 0x0000_05ff),
            (0x010, 0x8000_0130),
            (0x014, 0x0000_0480),
            (0x018, 0x07f0_0a00),
            (0x050, 0xc000_03f1),
        ])
    }

    #[test]
    fn a_device_runs_with_clock_and_without_reset() {
        let car = car();
        let clocks = Clocks::new(car.clone());
        assert!(clocks.is_running(8) == (0x3fff_fec9 & 1 << 8 == 0), "GPIO is clocked after reset");
        assert!(!clocks.is_running(7), "UARTB is not");
        car.put(0x010, 1 << 7);
        assert!(!clocks.is_running(7), "it is still in reset");
        car.put(0x004, 0);
        assert!(clocks.is_running(7));
        // In the second and third registers.
        car.put(0x014, 1 << 23);
        car.put(0x008, 0);
        car.put(0x018, 1 << 1);
        car.put(0x00c, 0);
        assert!(clocks.is_running(55) && clocks.is_running(65) && !clocks.is_running(66));
    }

    #[test]
    fn starting_in_the_order_of_the_manual() {
        let car = car();
        let waited = core::cell::Cell::new(0);
        let clocks = Clocks::new(car.clone());
        for (number, enable, assert, release, bit) in [
            (7, 0x320, 0x300, 0x304, 1 << 7),
            (55, 0x328, 0x308, 0x30c, 1 << 23),
            (66, 0x330, 0x310, 0x314, 1 << 2),
        ] {
            car.forget();
            assert!(clocks.start(number, || {
                assert_eq!(car.writes(), [(enable, bit), (assert, bit)], "the wait is between the two");
                waited.set(waited.get() + 1);
            }));
            assert_eq!(car.writes(), [(enable, bit), (assert, bit), (release, bit)]);
        }
        assert_eq!(waited.get(), 3);
        car.forget();
        car.put(0x010, 1 << 7);
        car.put(0x004, 0);
        assert!(!clocks.start(7, || unreachable!()));
        assert_eq!(car.writes(), [], "what runs is left alone");
    }

    #[test]
    fn a_uarts_clock() {
        let car = car();
        let clocks = Clocks::new(car.clone());
        assert_eq!(clocks.clock_uart(0x17c), 26_000_000);
        assert_eq!(car.read(0x17c), 3 << 30, "the oscillator, as PLLP is off");
        // 26 MHz: n = 432, m = 26, p = 1.
        car.put(0x0a0, 0x4011_b01a | 1 << 28);
        assert_eq!(clocks.clock_uart(0x17c), 216_000_000);
        assert_eq!(car.read(0x17c), 0);
        car.put(0x0a0, 0x4000_0000);
        assert_eq!(clocks.clock_uart(0x1c0), 216_000_000, "without override");
        car.put(0x0a0, 0x5011_b000);
        assert_eq!(clocks.clock_uart(0x17c), 26_000_000, "nonsense in PLLP");
    }

    #[test]
    fn the_second_cores_registers() {
        let car = car();
        car.put(0x04c, 0x303);
        let clocks = Clocks::new(car.clone());
        clocks.hold_cpu1();
        clocks.clock_cpu1();
        clocks.release_cpu1();
        assert_eq!(car.writes(), [(0x340, 0x2222), (0x04c, 0x103), (0x344, 0x2222)]);
        car.forget();
        clocks.reset_system();
        assert_eq!(car.writes(), [(0x004, 0x3fff_fec9 | 4)]);
    }
}
