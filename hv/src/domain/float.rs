//! VFP and Advanced SIMD: one unit, switched to the vCPU that uses it when it does (DDI 0406C B1.11).
//!
//! The unit is off (FPEXC.EN) unless its registers are those of the vCPU that runs and this vCPU may use it. The first use
//! traps as undefined; then the registers are exchanged with those of whoever had it.

use core::sync::atomic::{AtomicU32, Ordering};

use nex_vcpu::{Profile, Vcpu, VfpReg, VfpUse, vfp};

use super::MAX_DOMAINS;
use super::machine::Parts;
use crate::arch::float::{self, Bank};
use crate::arch::raw::Raw;

/// The domain whose registers are in the unit; `NOBODY` if none's are.
static OWNER: AtomicU32 = AtomicU32::new(NOBODY);
const NOBODY: u32 = u32::MAX;

/// Registers of each domain's vCPU while they are not in the unit.
static BANKS: [Raw<Bank>; MAX_DOMAINS] = [const { Raw::new(Bank::ZERO) }; MAX_DOMAINS];

impl Parts {
    /// Whether the unit is on: then it holds this vCPU's registers.
    pub fn float_on(&self) -> bool {
        float::is_on()
    }

    /// Before the guest runs: the unit is on only if it is this vCPU's, and it may use it now.
    #[inline]
    pub fn prepare_float(&self, vcpu: &Vcpu) {
        if float::is_on()
            && (OWNER.load(Ordering::Relaxed) != u32::from(self.number())
                || !vcpu.cp15.vfp_allowed(VfpUse::System(VfpReg::Fpscr), vcpu.privilege()))
        {
            float::switch(false);
        }
    }

    /// CPACR or FPEXC has changed: the next use is checked.
    pub fn float_changed(&self, vcpu: &Vcpu) {
        float::switch(false);
        if OWNER.load(Ordering::Relaxed) == u32::from(self.number()) {
            float::restrict(vcpu.cp15.cpacr & (vfp::CPACR_D32DIS | vfp::CPACR_ASEDIS));
        }
    }

    /// Gives the unit to this vCPU and switches it on.
    pub fn give_float(&self, vcpu: &Vcpu) {
        let me = u32::from(self.number());
        float::restrict(0);
        float::switch(true);
        let d32 = vcpu.cp15.profile.has_d32();
        let owner = OWNER.swap(me, Ordering::Relaxed);
        if owner != me {
            // SAFETY: the unit is on, and each bank is touched here only, by the vCPUs' threads, of which one runs at a time
            // and none is interrupted in here by another: there is one CPU, and IRQs are masked by the caller's callers or
            // the exchange is done again by whoever comes next, since OWNER was changed first.
            crate::arch::irq::with_all_masked(|| unsafe {
                if let Some(bank) = BANKS.get(owner as usize) {
                    float::save(bank.as_ptr(), d32);
                }
                float::load(BANKS[me as usize].as_ptr(), d32);
            });
        }
        float::restrict(vcpu.cp15.cpacr & (vfp::CPACR_D32DIS | vfp::CPACR_ASEDIS));
    }
}

/// The registers of a domain's vCPU are all zero from now on, wherever they were.
pub(super) fn reset(number: u8) {
    let _ = OWNER.compare_exchange(number.into(), NOBODY, Ordering::Relaxed, Ordering::Relaxed);
    // SAFETY: the domain does not run yet.
    unsafe { *BANKS[usize::from(number)].as_ptr() = Bank::ZERO };
}

/// The unit's registers for a load or store that is carried out in software: taken out of the unit before, put back after.
pub(super) struct Registers {
    d: [u64; 32],
    used: bool,
}

impl Registers {
    /// The registers as they are, if the instruction `uses` them and the unit is on.
    pub(super) fn new(uses: bool) -> Self {
        let used = uses && float::is_on();
        let mut registers = Registers { d: [0; 32], used };
        if used {
            // SAFETY: the unit is on.
            unsafe { float::read(&mut registers.d) };
        }
        registers
    }

    /// Puts them back.
    pub(super) fn store(&self) {
        if self.used {
            // SAFETY: the unit is on.
            unsafe { float::write(&self.d) };
        }
    }
}

impl nex_emulate::FpRegs for Registers {
    fn d(&self, n: u8) -> u64 {
        self.d[usize::from(n & 31)]
    }
    fn set_d(&mut self, n: u8, value: u64) {
        self.d[usize::from(n & 31)] = value;
    }
}

/// What the host's unit is, in the profile.
pub(super) fn describe(profile: &mut Profile) {
    let (fpsid, mvfr) = float::identify();
    profile.fpsid = fpsid;
    profile.mvfr = mvfr;
}
