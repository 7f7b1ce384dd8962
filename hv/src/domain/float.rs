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
    /// Whether the unit is on for this vCPU: then an instruction that trapped is undefined for another reason. On is not
    /// enough: between the trap and this question another vCPU may have run and taken the unit.
    pub fn float_on(&self) -> bool {
        float::is_on() && OWNER.load(Ordering::Relaxed) == u32::from(self.number())
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
        crate::arch::irq::with_all_masked(|| {
            float::switch(false);
            if OWNER.load(Ordering::Relaxed) == u32::from(self.number()) {
                float::restrict(vcpu.cp15.cpacr & (vfp::CPACR_D32DIS | vfp::CPACR_ASEDIS));
            }
        });
    }

    /// Gives the unit to this vCPU and switches it on. If another vCPU runs before this one goes on, `prepare_float` switches
    /// it off again, and the instruction traps once more.
    pub fn give_float(&self, vcpu: &Vcpu) {
        let me = u32::from(self.number());
        let d32 = vcpu.cp15.profile.has_d32();
        // Masked, so that no other vCPU comes in between: OWNER says at any other time whose the registers are.
        crate::arch::irq::with_all_masked(|| {
            float::restrict(0);
            float::switch(true);
            let owner = OWNER.swap(me, Ordering::Relaxed);
            if owner != me {
                // SAFETY: the unit is on. Banks are touched in this file only, with interrupts masked and on one CPU.
                unsafe {
                    if let Some(bank) = BANKS.get(owner as usize) {
                        float::save(bank.as_ptr(), d32);
                    }
                    float::load(BANKS[me as usize].as_ptr(), d32);
                }
            }
            float::restrict(vcpu.cp15.cpacr & (vfp::CPACR_D32DIS | vfp::CPACR_ASEDIS));
        });
    }
}

/// The registers of a domain's vCPU are all zero from now on, wherever they were.
pub(super) fn reset(number: u8) {
    let _ = OWNER.compare_exchange(number.into(), NOBODY, Ordering::Relaxed, Ordering::Relaxed);
    // SAFETY: the domain does not run yet.
    unsafe { *BANKS[usize::from(number)].as_ptr() = Bank::ZERO };
}

/// A vCPU's registers for a load or store that is carried out in software: taken from where they are, put back there after.
pub(super) struct Registers {
    d: [u64; 32],
    /// Of which domain's vCPU, and its CPACR; `None`: the instruction uses none.
    of: Option<(u8, u32)>,
}

impl Registers {
    /// Those of the domain `number`, if the instruction `uses` them. They are in the unit, as the instruction was about to run,
    /// unless another vCPU has taken it since.
    pub(super) fn new(uses: bool, number: u8, cpacr: u32) -> Self {
        let mut registers = Registers { d: [0; 32], of: uses.then_some((number, cpacr)) };
        if let Some(of) = registers.of {
            in_place(of, |bank| match bank {
                // SAFETY: `in_place` has switched the unit on.
                None => unsafe { float::read(&mut registers.d) },
                Some(bank) => registers.d = *bank.d_mut(),
            });
        }
        registers
    }

    /// Puts them back.
    pub(super) fn store(&self) {
        if let Some(of) = self.of {
            in_place(of, |bank| match bank {
                // SAFETY: `in_place` has switched the unit on.
                None => unsafe { float::write(&self.d) },
                Some(bank) => *bank.d_mut() = self.d,
            });
        }
    }
}

/// Calls `access` with the bank of a domain's vCPU, or with the unit on and unrestricted if its registers are there.
fn in_place((number, cpacr): (u8, u32), access: impl FnOnce(Option<&mut Bank>)) {
    crate::arch::irq::with_all_masked(|| {
        if OWNER.load(Ordering::Relaxed) == u32::from(number) {
            let was_on = float::is_on();
            float::restrict(0);
            float::switch(true);
            access(None);
            float::switch(was_on);
            float::restrict(cpacr & (vfp::CPACR_D32DIS | vfp::CPACR_ASEDIS));
        } else {
            // SAFETY: banks are touched in this file only, with interrupts masked and on one CPU.
            access(Some(unsafe { &mut *BANKS[usize::from(number)].as_ptr() }));
        }
    });
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
