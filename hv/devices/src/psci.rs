//! Power state of a domain's vCPUs: PSCI 1.1 (ARM DEN 0022), 32-bit calls, without hardware.
//!
//! # Idea
//! A vCPU is off, about to start, or on. [`Psci::call`] takes one call and says what the caller has to do
//! ([`Outcome`]); the model itself starts and stops nothing.
//!
//! # Order of calls
//! `call` for each hypercall in the PSCI range; for [`Outcome::Start`], set the vCPU up and let it run, and tell
//! [`Psci::started`] when it enters the guest for the first time. MPIDR of vCPU n has Aff0 = n, Aff1 = Aff2 = 0.
//!
//! # Rejected
//! *Power-down by CPU_SUSPEND.* DEN 0022 allows to treat it as a standby, which ends with success; so entry
//! point and context of that call are never used. *Affinity levels above 0* in AFFINITY_INFO: PSCI 1.0 and later may
//! refuse them.

use nex_abi::{CallError, psci as abi, smccc};

use crate::access::{StateError, bits};

/// Most vCPUs.
pub const MAX_CPUS: usize = 8;

/// `SYSTEM_RESET2`: r1 = reset type, r2 = cookie. Type 0, a warm reset of the system, is the only one here.
pub const SYSTEM_RESET2: u32 = 0x8400_0012;
/// `CPU_ON` error: the vCPU has been told to start and has not run yet.
pub const ON_PENDING: i32 = -5;

/// Where and with what a vCPU starts: in Supervisor mode, interrupts masked, MMU and caches off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Number of the vCPU.
    pub cpu: usize,
    /// Guest physical address of its first instruction; bit 0 is gone, see `thumb`.
    pub entry: u32,
    /// Whether that is a T32 instruction: bit 0 of the caller's value.
    pub thumb: bool,
    /// r0 on entry.
    pub context: u32,
}

/// What the caller of [`Psci::call`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Go on with this in r0.
    Return(u32),
    /// Go on with zero in r0, and start that vCPU.
    Start(Start),
    /// Wait until an interrupt is pending, masked or not, as WFI does; then go on with zero in r0.
    Suspend,
    /// The calling vCPU is off now. The call does not return.
    Off,
    /// The domain powers off.
    SystemOff,
    /// The domain starts afresh.
    SystemReset,
}

/// Everything it remembers: a bit for each vCPU. `#[repr(C)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct PsciState {
    /// Number of vCPUs, 1..=8.
    pub cpus: u32,
    /// On, or about to start.
    pub on: u32,
    /// Of these, which have not entered the guest yet.
    pub pending: u32,
}

/// Power state of a domain's vCPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Psci {
    s: PsciState,
}

impl Psci {
    /// A domain with `cpus` vCPUs (taken as 1..=8), of which vCPU 0 is on.
    pub fn new(cpus: usize) -> Psci {
        Psci { s: PsciState { cpus: cpus.clamp(1, MAX_CPUS) as u32, on: 1, pending: 0 } }
    }

    /// Goes on from `state`.
    ///
    /// # Errors
    /// [`StateError`] if no domain can be in that state.
    pub fn from_state(state: PsciState) -> Result<Psci, StateError> {
        if !(1..=MAX_CPUS as u32).contains(&state.cpus) {
            return Err(StateError::Count);
        }
        if state.on >> state.cpus != 0 || state.pending & !state.on != 0 {
            return Err(StateError::Value);
        }
        Ok(Psci { s: state })
    }

    /// Everything it remembers, to be saved.
    pub fn state(&self) -> &PsciState {
        &self.s
    }

    /// Whether vCPU `cpu` is on or about to start.
    pub fn is_on(&self, cpu: usize) -> bool {
        bits(self.s.on).any(|on| on == cpu)
    }

    /// Whether all vCPUs are off: nobody is left to start one, so the domain has ended.
    pub fn all_off(&self) -> bool {
        self.s.on == 0
    }

    /// vCPU `cpu` enters the guest.
    pub fn started(&mut self, cpu: usize) {
        if cpu < MAX_CPUS {
            self.s.pending &= !(1 << cpu);
        }
    }

    /// vCPU `cpu` has stopped by itself (a fault that ends it); as CPU_OFF.
    pub fn stopped(&mut self, cpu: usize) {
        if cpu < MAX_CPUS {
            self.s.on &= !(1 << cpu);
            self.s.pending &= !(1 << cpu);
        }
    }

    /// The call `function` with `arguments` (r1 to r3) by vCPU `cpu`. Ids outside PSCI are answered with
    /// [`CallError::NotSupported`].
    pub fn call(&mut self, cpu: usize, function: u32, arguments: [u32; 3]) -> Outcome {
        let [a1, a2, a3] = arguments;
        let result = match function {
            abi::PSCI_VERSION => Ok(abi::VERSION),
            abi::CPU_SUSPEND if a1 & abi::POWER_STATE_RESERVED != 0 => Err(CallError::InvalidParameters),
            abi::CPU_SUSPEND => return Outcome::Suspend,
            abi::CPU_OFF => {
                self.stopped(cpu);
                return Outcome::Off;
            }
            abi::CPU_ON => match self.cpu_on(a1, a2, a3) {
                Ok(start) => return Outcome::Start(start),
                Err(code) => return Outcome::Return(code as u32),
            },
            abi::AFFINITY_INFO => self.affinity_info(a1, a2),
            abi::MIGRATE_INFO_TYPE => Ok(abi::MIGRATE_NO_TRUSTED_OS),
            abi::SYSTEM_OFF => return Outcome::SystemOff,
            abi::SYSTEM_RESET => return Outcome::SystemReset,
            SYSTEM_RESET2 if a1 == 0 => return Outcome::SystemReset,
            // Bit 31 clear: architectural types, of which 0 is the only one; set: a vendor's, of which there are none.
            SYSTEM_RESET2 => Err(CallError::InvalidParameters),
            abi::PSCI_FEATURES => features(a1),
            _ => Err(CallError::NotSupported),
        };
        Outcome::Return(result.unwrap_or_else(CallError::to_r0))
    }

    fn target(&self, mpidr: u32) -> Result<usize, CallError> {
        if mpidr < self.s.cpus { Ok(mpidr as usize) } else { Err(CallError::InvalidParameters) }
    }

    fn cpu_on(&mut self, mpidr: u32, entry: u32, context: u32) -> Result<Start, i32> {
        let cpu = self.target(mpidr).map_err(|error| error as i32)?;
        let mask = 1 << cpu;
        if self.s.pending & mask != 0 {
            return Err(ON_PENDING);
        }
        if self.s.on & mask != 0 {
            return Err(CallError::AlreadyOn as i32);
        }
        let thumb = entry & 1 != 0;
        if !thumb && entry & 2 != 0 {
            // No A32 instruction can be there.
            return Err(CallError::InvalidAddress as i32);
        }
        self.s.on |= mask;
        self.s.pending |= mask;
        Ok(Start { cpu, entry: entry & !1, thumb, context })
    }

    fn affinity_info(&self, mpidr: u32, level: u32) -> Result<u32, CallError> {
        let mask = 1 << self.target(mpidr)?;
        Ok(match () {
            _ if level != 0 => return Err(CallError::InvalidParameters),
            _ if self.s.pending & mask != 0 => abi::AFFINITY_ON_PENDING,
            _ if self.s.on & mask != 0 => abi::AFFINITY_ON,
            _ => abi::AFFINITY_OFF,
        })
    }
}

fn features(id: u32) -> Result<u32, CallError> {
    match id {
        abi::PSCI_VERSION
        | abi::CPU_SUSPEND
        | abi::CPU_OFF
        | abi::CPU_ON
        | abi::AFFINITY_INFO
        | abi::MIGRATE_INFO_TYPE
        | abi::SYSTEM_OFF
        | abi::SYSTEM_RESET
        | SYSTEM_RESET2
        | abi::PSCI_FEATURES
        | smccc::SMCCC_VERSION => Ok(abi::FEATURES_NONE),
        _ => Err(CallError::NotSupported),
    }
}
