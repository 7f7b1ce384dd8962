//! The clock and reset controller (CAR, at 0x6000_6000): Nex reads it, and uses it to reset.

use nex_hv::drivers::Mmio;

const RST_DEVICES_L: usize = 0x004;
const CLK_OUT_ENB_L: usize = 0x010;
const CLK_CPU_CMPLX: usize = 0x04c;
const OSC_CTRL: usize = 0x050;
const RST_CPU_CMPLX_SET: usize = 0x340;
const RST_CPU_CMPLX_CLR: usize = 0x344;

/// RST_DEVICES_L: resets the whole system.
const RST_SYSTEM: u32 = 1 << 2;
/// CPU 1 in RST_CPU_CMPLX: cpureset, dereset, wdreset and dbgreset, each a bit per CPU.
const CPU1_RESETS: u32 = 0x2222;
/// CLK_CPU_CMPLX: stops the clock of CPU 1.
const CPU1_CLOCK_STOP: u32 = 1 << 9;

/// The GPIO controller's number.
pub const GPIO: u32 = 8;

/// The controller.
#[derive(Clone, Copy)]
pub struct Clocks {
    registers: Mmio,
}

impl Clocks {
    /// The controller at its registers.
    pub fn new(registers: Mmio) -> Self {
        Clocks { registers }
    }

    /// Whether device `number` (0 to 95: 32 in each of the registers L, H and U) has its clock and is not held in reset.
    pub fn is_running(&self, number: u32) -> bool {
        let (register, bit) = (4 * (number / 32) as usize, 1 << (number % 32));
        self.registers.read(CLK_OUT_ENB_L + register) & bit != 0
            && self.registers.read(RST_DEVICES_L + register) & bit == 0
    }

    /// OSC_CTRL: which oscillator the board has.
    pub fn osc_ctrl(&self) -> u32 {
        self.registers.read(OSC_CTRL)
    }

    /// Resets the system.
    pub fn reset_system(&self) {
        self.registers.write(RST_DEVICES_L, self.registers.read(RST_DEVICES_L) | RST_SYSTEM);
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
