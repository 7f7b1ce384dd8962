//! Calls to the firmware below Nex (ARM DEN 0022, PSCI; DEN 0028, SMCCC).

use core::arch::asm;

/// How the firmware is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduit {
    /// `hvc #0`.
    Hvc,
    /// `smc #0`.
    Smc,
}

impl Conduit {
    /// From the `method` property of the device tree's psci node.
    pub fn from_method(method: &str) -> Option<Self> {
        match method {
            "hvc" => Some(Conduit::Hvc),
            "smc" => Some(Conduit::Smc),
            _ => None,
        }
    }

    /// Calls function `id`; the result is r0 (0 or a negative error for most functions).
    pub fn call(self, id: u32, a1: u32, a2: u32, a3: u32) -> i32 {
        let mut r0 = id;
        // SAFETY: a firmware call by the SMC calling convention, which lets r0-r3 (and in its first version r12)
        // change and keeps the rest; the functions used here do not touch Nex's memory.
        unsafe {
            match self {
                Conduit::Hvc => {
                    asm!(".arch_extension virt", "hvc #0", inout("r0") r0, inout("r1") a1 => _, inout("r2") a2 => _,
                                     inout("r3") a3 => _, out("r12") _, options(nostack))
                }
                Conduit::Smc => {
                    asm!(".arch_extension sec", "smc #0", inout("r0") r0, inout("r1") a1 => _, inout("r2") a2 => _,
                                     inout("r3") a3 => _, out("r12") _, options(nostack))
                }
            }
        }
        r0 as i32
    }
}

/// PSCI 0.2: switches the machine off.
pub const SYSTEM_OFF: u32 = 0x8400_0008;
/// PSCI 0.2: resets the machine.
pub const SYSTEM_RESET: u32 = 0x8400_0009;
/// PSCI 0.2: starts a core: (MPIDR, entry, context).
pub const CPU_ON: u32 = 0x8400_0003;
