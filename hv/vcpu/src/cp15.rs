//! The register file of CP14 and CP15, and what accesses to it do.
//!
//! [`Cp15::read`] and [`Cp15::write`] look a coordinate up in one table, check privilege and direction, change the state
//! here, and say by [`Access`] or [`Effect`] what is left for the hypervisor to do. A write that changes nothing that
//! matters gives [`Effect::None`], so that a guest which writes the same DACR or table base again costs no more than the
//! trap. Nothing here touches the real CP15.
//!
//! The state is public, plain data: fault delivery writes the fault registers, the walker reads the translation
//! registers, a snapshot copies it all. Writes on behalf of the guest go through [`Cp15::write`] only, which knows the
//! masks. Reserved bits (UNK/SBZP) keep what is written where QEMU keeps it; fixed ones of SCTLR are fixed, as in
//! hardware and not as in QEMU.

mod effect;
pub mod sctlr;
mod table;

use crate::coord::Coord;
use crate::exception::{Pending, Vectors};
use crate::pmu::{Pmu, PmuReg};
use crate::profile::{Core, Profile};
use crate::psr::Privilege;
use crate::vfp::{self, VfpReg, VfpUse};
pub use effect::{Access, Denied, Effect, Env, MmuChange, RegisterInfo, TlbFlush};
pub use table::{Barrier, CacheOp, TimerReg};
use table::{Entry, Needs, R, Reach, Reg, TABLE, TlbScope, UR, UW, W, What, find};

/// TTBCR.EAE: long descriptors.
pub const TTBCR_EAE: u32 = 1 << 31;
/// TTBCR.A1: with long descriptors, the ASID is in TTBR1.
pub const TTBCR_A1: u32 = 1 << 22;
/// TTBCR bits that exist with short descriptors: N. PD0 and PD1 belong to the Security Extensions.
const TTBCR_SHORT: u32 = 7;
/// TTBCR bits that exist with long descriptors.
const TTBCR_LONG: u32 = 0xffc7_3f87;
/// CNTKCTL bits.
const CNTKCTL_MASK: u32 = 0x3ff;
/// What DBGOSLAR must be given to lock.
const OS_LOCK_KEY: u32 = 0xc5ac_ce55;

/// The register file. Fields are named after the registers; the values are what the guest reads.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // The fields that have no line are described by the manual, DDI 0406C B4.1, under their names.
pub struct Cp15 {
    /// Identification. Not to be changed while the guest runs.
    pub profile: Profile,
    pub csselr: u32,
    pub sctlr: u32,
    pub actlr: u32,
    pub cpacr: u32,
    /// TTBR0 and TTBR1, 64 bits wide; MCR writes the low half only.
    pub ttbr: [u64; 2],
    pub ttbcr: u32,
    pub dacr: u32,
    pub dfsr: u32,
    pub ifsr: u32,
    pub dfar: u32,
    pub ifar: u32,
    /// 64 bits wide; MCR writes the low half only.
    pub par: u64,
    /// PRRR and NMRR, or MAIR0 and MAIR1: the same registers, read by TTBCR.EAE.
    pub remap: [u32; 2],
    pub vbar: u32,
    pub contextidr: u32,
    pub tpidrurw: u32,
    pub tpidruro: u32,
    pub tpidrprw: u32,
    pub cntkctl: u32,
    /// Cortex-A9: power control, diagnostic, power diagnostic.
    pub a9_control: [u32; 3],
    /// The OS lock of the debug architecture; it protects nothing here.
    pub os_lock: bool,
    pub dbgosdlr: u32,
    pub teecr: u32,
    pub teehbr: u32,
    /// FPEXC: only EN exists.
    pub fpexc: u32,
    /// The performance monitors.
    pub pmu: Pmu,
}

impl Cp15 {
    /// The register file after reset: MMU and caches off, low vectors at 0, VFP not accessible, all that the manual calls
    /// UNKNOWN zero (as in QEMU).
    pub fn new(profile: Profile) -> Self {
        let pmu = Pmu::new(profile.pmcr, profile.has_pmu_v2());
        let mut new = Self {
            profile,
            csselr: 0,
            sctlr: sctlr::FIXED,
            actlr: 0,
            cpacr: 0,
            ttbr: [0; 2],
            ttbcr: 0,
            dacr: 0,
            dfsr: 0,
            ifsr: 0,
            dfar: 0,
            ifar: 0,
            par: 0,
            remap: [0; 2],
            vbar: 0,
            contextidr: 0,
            tpidrurw: 0,
            tpidruro: 0,
            tpidrprw: 0,
            cntkctl: 0,
            a9_control: [0; 3],
            os_lock: false,
            dbgosdlr: 0,
            teecr: 0,
            teehbr: 0,
            fpexc: 0,
            pmu,
        };
        new.cpacr = new.cpacr_from(0);
        new
    }

    /// Where and how exceptions are taken: high vectors, or VBAR (offered although it belongs to the Security
    /// Extensions, since QEMU has it and guests use it).
    pub const fn vectors(&self) -> Vectors {
        Vectors {
            base: if self.sctlr & sctlr::V != 0 { 0xffff_0000 } else { self.vbar },
            thumb: self.sctlr & sctlr::TE != 0,
            big_endian: self.sctlr & sctlr::EE != 0,
        }
    }

    /// Whether translation tables are long descriptors.
    pub const fn long_descriptors(&self) -> bool {
        self.ttbcr & TTBCR_EAE != 0
    }

    /// The current ASID: CONTEXTIDR bits 7..0, or with long descriptors bits 55..48 of the TTBR that TTBCR.A1 names.
    pub const fn asid(&self) -> u8 {
        if self.long_descriptors() {
            let which = if self.ttbcr & TTBCR_A1 != 0 { 1 } else { 0 };
            (self.ttbr[which] >> 48) as u8
        } else {
            self.contextidr as u8
        }
    }

    /// Records a data abort: DFSR, and DFAR unless the abort is asynchronous.
    pub const fn set_data_fault(&mut self, dfsr: u32, dfar: Option<u32>) {
        self.dfsr = dfsr;
        if let Some(dfar) = dfar {
            self.dfar = dfar;
        }
    }

    /// Records a prefetch abort.
    pub const fn set_prefetch_fault(&mut self, ifsr: u32, ifar: u32) {
        self.ifsr = ifsr;
        self.ifar = ifar;
    }

    /// The registers that this CPU has, in the order of the manual's tables; the performance monitors, the timer and the
    /// operations included. For documentation, tests and the debugger.
    pub fn registers(&self) -> impl Iterator<Item = RegisterInfo> + '_ {
        TABLE.iter().filter(|entry| self.offers(entry.needs)).map(|entry| RegisterInfo {
            coord: entry.coord,
            name: entry.name,
            read: entry.access & R != 0,
            write: entry.access & W != 0,
            user_read: entry.access & UR != 0,
            user_write: entry.access & UW != 0,
        })
    }

    /// The manual's name of a register, if any CPU that Nex offers has it.
    pub fn name(coord: Coord) -> Option<&'static str> {
        find(coord).map(|entry| entry.name)
    }

    fn offers(&self, needs: Needs) -> bool {
        let profile = &self.profile;
        match needs {
            Needs::Nothing => true,
            Needs::Lpae => profile.lpae,
            Needs::Timer => profile.generic_timer,
            Needs::A9 => profile.core == Core::A9,
            Needs::A15 => profile.core != Core::A9,
            Needs::PmuV2 => profile.has_pmu_v2(),
            Needs::DebugV71 => profile.has_debug_v7_1(),
            Needs::ThumbEe => profile.has_thumb_ee(),
        }
    }

    /// Finds the register and checks privilege and direction.
    fn entry(&self, coord: Coord, privilege: Privilege, write: bool) -> Result<Entry, Denied> {
        let entry = match find(coord) {
            Some(entry) if self.offers(entry.needs) => *entry,
            _ => match self.zero_space(coord) {
                Some(access) => {
                    Entry { coord, what: What::Zero, access, needs: Needs::Nothing, name: "reserved" }
                }
                None => return Err(Denied::Unknown),
            },
        };
        let allowed = match (privilege, entry.what) {
            (_, What::Pmu(reg)) => self.pmu.permits(reg, privilege, write),
            (Privilege::Pl0, What::Timer(reg)) => self.timer_permits(reg, write),
            (Privilege::Pl0, What::Reg(Reg::Teehbr)) => self.teecr & 1 == 0,
            (Privilege::Pl0, _) => entry.access & if write { UW } else { UR } != 0,
            (Privilege::Pl1, _) => true,
        };
        let direction = entry.access & if write { W } else { R } != 0;
        match (allowed, direction, write) {
            (false, _, _) => Err(Denied::Privilege),
            (true, true, _) => Ok(entry),
            (true, false, true) => Err(Denied::ReadOnly),
            (true, false, false) => Err(Denied::WriteOnly),
        }
    }

    /// Whether `coord`, which is not in the table, reads as zero all the same, and with which access.
    fn zero_space(&self, coord: Coord) -> Option<u8> {
        let identification = Coord::word(15, 0, 0, 2, 0)..=Coord::word(15, 0, 0, 7, 7);
        let implementation = Coord::word(15, 15, 0, 0, 0)..=Coord::word(15, 15, 7, 15, 7);
        if identification.contains(&coord) {
            // What the CPUID scheme may use one day (DDI 0406C B7.1).
            Some(R)
        } else if implementation.contains(&coord) && self.profile.core != Core::A9 {
            // Implementation defined; QEMU's Cortex-A15 and A7 answer RAZ/WI to all but CBAR.
            Some(R | W)
        } else {
            None
        }
    }

    /// PL0 access to counters and timers (DDI 0406C B8.1.2, CNTKCTL).
    const fn timer_permits(&self, reg: TimerReg, write: bool) -> bool {
        let bits = match reg {
            TimerReg::Frq if write => 0,
            TimerReg::Frq => 0b11,
            TimerReg::Pct => 1,
            TimerReg::Vct => 1 << 1,
            TimerReg::VTval | TimerReg::VCtl | TimerReg::VCval => 1 << 8,
            TimerReg::PTval | TimerReg::PCtl | TimerReg::PCval => 1 << 9,
        };
        self.cntkctl & bits != 0
    }

    /// Reads the register at `coord` (MRC, MRRC).
    pub fn read(&mut self, coord: Coord, env: Env<'_>) -> Access {
        let entry = match self.entry(coord, env.privilege, false) {
            Ok(entry) => entry,
            Err(denied) => return Access::Denied(denied),
        };
        let value = match entry.what {
            What::Reg(reg) => self.get(reg, env.pending),
            What::Pmu(reg) => self.pmu.read(reg, (env.cycles)()).into(),
            What::Timer(reg) => return Access::Timer(reg),
            _ => 0,
        };
        Access::Value(if coord.is_pair() { value } else { value & 0xffff_ffff })
    }

    fn get(&self, reg: Reg, pending: Pending) -> u64 {
        let profile = &self.profile;
        let word = match reg {
            Reg::Midr => profile.midr,
            Reg::Ctr => profile.ctr,
            Reg::Mpidr => profile.mpidr,
            Reg::Revidr => profile.revidr,
            Reg::IdPfr0 => profile.id_pfr0,
            Reg::IdPfr1 => profile.id_pfr1,
            Reg::IdDfr0 => profile.id_dfr0,
            Reg::IdMmfr(n) => profile.id_mmfr[n as usize],
            Reg::IdIsar(n) => profile.id_isar[n as usize],
            Reg::Ccsidr => profile.ccsidr.get(self.csselr as usize).copied().unwrap_or(0),
            Reg::Clidr => profile.clidr,
            Reg::Csselr => self.csselr,
            Reg::Sctlr => self.sctlr,
            Reg::Actlr => self.actlr,
            Reg::Cpacr => self.cpacr,
            Reg::Ttbr(n) => return self.ttbr[n as usize],
            Reg::Ttbcr => self.ttbcr,
            Reg::Dacr => self.dacr,
            Reg::Dfsr => self.dfsr,
            Reg::Ifsr => self.ifsr,
            Reg::Dfar => self.dfar,
            Reg::Ifar => self.ifar,
            Reg::Par => return self.par,
            // The interrupt controller bit (23) is set as in QEMU.
            Reg::L2ctlr => u32::from(profile.cpus.saturating_sub(1) & 3) << 24 | 1 << 23,
            Reg::Remap(n) => self.remap[n as usize],
            Reg::Vbar => self.vbar,
            Reg::Isr => pending.isr(),
            Reg::Contextidr => self.contextidr,
            Reg::Tpidrurw => self.tpidrurw,
            Reg::Tpidruro => self.tpidruro,
            Reg::Tpidrprw => self.tpidrprw,
            Reg::Cntkctl => self.cntkctl,
            Reg::Cbar => profile.cbar,
            Reg::A9Control(n) => self.a9_control[n as usize],
            Reg::Dbgdidr => profile.dbgdidr(),
            // OSLM 0b10: an OS lock without save and restore registers; OSLK.
            Reg::Dbgoslsr => 1 << 3 | u32::from(self.os_lock) << 1,
            Reg::Dbgosdlr => self.dbgosdlr,
            // Powered up.
            Reg::Dbgprsr => 1,
            Reg::Teecr => self.teecr,
            Reg::Teehbr => self.teehbr,
            Reg::Dbgoslar => 0,
        };
        word.into()
    }

    /// Writes the register at `coord` (MCR, MCRR). `value` is Rt, with Rt2 above it for a doubleword.
    pub fn write(&mut self, coord: Coord, value: u64, env: Env<'_>) -> Effect {
        let entry = match self.entry(coord, env.privilege, true) {
            Ok(entry) => entry,
            Err(denied) => return Effect::Denied(denied),
        };
        let word = value as u32;
        match entry.what {
            What::Reg(reg) => self.set(reg, value, coord.is_pair()),
            What::Zero => Effect::None,
            What::Cache(op) => Effect::CacheOp { op, operand: word },
            What::Tlb(scope, reach) => {
                let (va, asid) = (word & !0xfff, word as u8);
                let flush = match scope {
                    TlbScope::All => TlbFlush::All,
                    TlbScope::Page => TlbFlush::Page { va, asid },
                    TlbScope::Asid => TlbFlush::Asid(asid),
                    TlbScope::PageAllAsids => TlbFlush::PageAllAsids { va },
                };
                Effect::TlbFlush { flush, inner_shareable: reach == Reach::InnerShareable }
            }
            What::Translate { user, write } => Effect::AddressTranslate { va: word, user, write },
            What::Barrier(barrier) => Effect::Barrier(barrier),
            What::Pmu(reg) => {
                self.pmu.write(reg, word, (env.cycles)());
                if reg == PmuReg::SelR { Effect::None } else { Effect::PmuChanged }
            }
            What::Timer(reg) => {
                let value = if coord.is_pair() { value } else { word.into() };
                Effect::TimerWrite { reg, value }
            }
        }
    }

    /// CONTEXTIDR, written by MCR: the same as [`write`](Self::write). True if the ASID is another one now.
    #[inline]
    pub fn write_contextidr(&mut self, word: u32) -> bool {
        let before = self.asid();
        self.contextidr = word;
        self.asid() != before
    }

    /// TTBR0, written by MCR: the same as [`write`](Self::write). True if it is another one now.
    #[inline]
    pub fn write_ttbr0(&mut self, word: u32) -> bool {
        let new = self.ttbr[0] & !0xffff_ffff | u64::from(word);
        core::mem::replace(&mut self.ttbr[0], new) != new
    }

    fn set(&mut self, reg: Reg, value: u64, pair: bool) -> Effect {
        let word = value as u32;
        let low_half = |old: u64| if pair { value } else { old & !0xffff_ffff | u64::from(word) };
        match reg {
            Reg::Csselr => put(&mut self.csselr, word & 0xf, Effect::None),
            Reg::Sctlr => {
                let long = if self.profile.lpae { sctlr::WXN | sctlr::UWXN } else { 0 };
                let new = word & (sctlr::WRITABLE | long) | sctlr::FIXED;
                let changed = self.sctlr ^ new;
                put(&mut self.sctlr, new, Effect::Sctlr { changed })
            }
            // SMP on all, FW (broadcast of maintenance) on Cortex-A9. They only keep their value.
            Reg::Actlr => {
                let mask = if self.profile.core == Core::A9 { 0x41 } else { 0x40 };
                put(&mut self.actlr, word & mask, Effect::None)
            }
            Reg::Cpacr => {
                let new = self.cpacr_from(word);
                put(&mut self.cpacr, new, Effect::VfpChanged)
            }
            Reg::Ttbr(n) => {
                let ttbr = &mut self.ttbr[n as usize];
                let new = low_half(*ttbr);
                let change = if n == 0 { MmuChange::Ttbr0 } else { MmuChange::Ttbr1 };
                put(ttbr, new, Effect::MmuChanged(change))
            }
            Reg::Ttbcr => {
                let long = self.profile.lpae && word & TTBCR_EAE != 0;
                let mask = if long { TTBCR_LONG } else { TTBCR_SHORT };
                put(&mut self.ttbcr, word & mask, Effect::MmuChanged(MmuChange::Ttbcr))
            }
            Reg::Dacr => put(&mut self.dacr, word, Effect::DacrChanged),
            Reg::Dfsr => put(&mut self.dfsr, word, Effect::None),
            Reg::Ifsr => put(&mut self.ifsr, word, Effect::None),
            Reg::Dfar => put(&mut self.dfar, word, Effect::None),
            Reg::Ifar => put(&mut self.ifar, word, Effect::None),
            Reg::Par => {
                let new = low_half(self.par);
                put(&mut self.par, new, Effect::None)
            }
            Reg::Remap(n) => put(&mut self.remap[n as usize], word, Effect::MmuChanged(MmuChange::Remap)),
            Reg::Vbar => put(&mut self.vbar, word & !0x1f, Effect::VectorsChanged),
            Reg::Contextidr if self.write_contextidr(word) => Effect::AsidChanged,
            Reg::Contextidr => Effect::None,
            Reg::Tpidrurw => put(&mut self.tpidrurw, word, Effect::ThreadIdChanged),
            Reg::Tpidruro => put(&mut self.tpidruro, word, Effect::ThreadIdChanged),
            Reg::Tpidrprw => put(&mut self.tpidrprw, word, Effect::None),
            Reg::Cntkctl => put(&mut self.cntkctl, word & CNTKCTL_MASK, Effect::CounterAccessChanged),
            Reg::A9Control(n) => put(&mut self.a9_control[n as usize], word, Effect::None),
            Reg::Dbgoslar => put(&mut self.os_lock, word == OS_LOCK_KEY, Effect::None),
            Reg::Dbgosdlr => put(&mut self.dbgosdlr, word & 1, Effect::None),
            Reg::Teecr => put(&mut self.teecr, word & 1, Effect::ThumbEeChanged),
            Reg::Teehbr => put(&mut self.teehbr, word, Effect::ThumbEeChanged),
            // L2CTLR ignores writes; the others are read-only and do not get here.
            _ => Effect::None,
        }
    }

    /// What CPACR becomes when `value` is written: cp10, cp11, D32DIS and ASEDIS as far as there is something to disable;
    /// the disable bits of what does not exist are one (DDI 0406C B4.1.40).
    const fn cpacr_from(&self, value: u32) -> u32 {
        if !self.profile.has_vfp() {
            return 0;
        }
        let mut fixed = 0;
        if !self.profile.has_d32() {
            fixed |= vfp::CPACR_D32DIS;
        }
        if !self.profile.has_simd() {
            fixed |= vfp::CPACR_ASEDIS;
        }
        value & (vfp::CPACR_VFP | vfp::CPACR_D32DIS | vfp::CPACR_ASEDIS) | fixed
    }

    /// Whether the guest may use the VFP or Advanced SIMD unit so; false means undefined.
    pub const fn vfp_allowed(&self, wanted: VfpUse, privilege: Privilege) -> bool {
        self.profile.has_vfp() && vfp::allowed(wanted, privilege, self.cpacr, self.fpexc)
    }

    /// VMRS of a system register; `None` means undefined. [`VfpReg::Fpscr`] is in the real unit and never here: once
    /// [`vfp_allowed`](Self::vfp_allowed), the instruction is repeated with the unit on.
    pub const fn vfp_read(&self, reg: VfpReg, privilege: Privilege) -> Option<u32> {
        if !self.vfp_allowed(VfpUse::System(reg), privilege) {
            return None;
        }
        match reg {
            VfpReg::Fpsid => Some(self.profile.fpsid),
            VfpReg::Mvfr0 => Some(self.profile.mvfr[0]),
            VfpReg::Mvfr1 => Some(self.profile.mvfr[1]),
            VfpReg::Fpexc => Some(self.fpexc),
            VfpReg::Fpscr => None,
        }
    }

    /// VMSR of a system register. Read-only ones ignore it, as in QEMU. FPSCR as in [`vfp_read`](Self::vfp_read).
    pub fn vfp_write(&mut self, reg: VfpReg, value: u32, privilege: Privilege) -> Effect {
        if matches!(reg, VfpReg::Fpscr) || !self.vfp_allowed(VfpUse::System(reg), privilege) {
            return Effect::Denied(Denied::Privilege);
        }
        if matches!(reg, VfpReg::Fpexc) {
            return put(&mut self.fpexc, value & vfp::FPEXC_EN, Effect::VfpChanged);
        }
        Effect::None
    }
}

/// Stores `new`, and answers `effect` if that is a change.
fn put<T: PartialEq>(place: &mut T, new: T, effect: Effect) -> Effect {
    if *place == new {
        return Effect::None;
    }
    *place = new;
    effect
}
