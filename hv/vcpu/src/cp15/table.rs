//! The registers there are: coordinates, who may access them, and what they are. Sorted by coordinate; the summary tables
//! of the manual are DDI 0406C B3.17.2 (by CRn), C6.3 (CP14).

use crate::coord::Coord;
use crate::pmu::PmuReg;

/// What a coordinate stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// A register whose value is in the register file, or an identification register.
    Reg(Reg),
    /// Reads as zero, ignores writes.
    Zero,
    /// Write-only: a cache or branch predictor operation.
    Cache(CacheOp),
    /// Write-only: a TLB operation.
    Tlb(TlbScope, Reach),
    /// Write-only: an address translation.
    Translate {
        /// As an unprivileged access.
        user: bool,
        /// As a write.
        write: bool,
    },
    /// Write-only: a barrier of the ARMv6 kind.
    Barrier(Barrier),
    /// Performance monitors.
    Pmu(PmuReg),
    /// Generic timer.
    Timer(TimerReg),
}

/// Registers of the register file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reg {
    Midr,
    Ctr,
    Mpidr,
    Revidr,
    IdPfr0,
    IdPfr1,
    IdDfr0,
    IdMmfr(u8),
    IdIsar(u8),
    Ccsidr,
    Clidr,
    Csselr,
    Sctlr,
    Actlr,
    Cpacr,
    Ttbr(u8),
    Ttbcr,
    Dacr,
    Dfsr,
    Ifsr,
    Dfar,
    Ifar,
    Par,
    L2ctlr,
    /// PRRR and NMRR, which are MAIR0 and MAIR1 with TTBCR.EAE.
    Remap(u8),
    Vbar,
    Isr,
    Contextidr,
    Tpidrurw,
    Tpidruro,
    Tpidrprw,
    Cntkctl,
    Cbar,
    /// Cortex-A9: power control, diagnostic, power diagnostic. They hold what is written.
    A9Control(u8),
    Dbgdidr,
    Dbgoslar,
    Dbgoslsr,
    Dbgosdlr,
    Dbgprsr,
    Teecr,
    Teehbr,
}

/// A cache or branch predictor operation (DDI 0406C B4.2.1, B4.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CacheOp {
    /// ICIALLUIS: all instruction caches, Inner Shareable.
    IciAllUis,
    /// BPIALLIS: branch predictors, Inner Shareable.
    BpiAllIs,
    /// ICIALLU: all instruction caches.
    IciAllU,
    /// ICIMVAU: instruction cache by address, to the point of unification.
    IciMvaU,
    /// BPIALL: branch predictors.
    BpiAll,
    /// BPIMVA: branch predictors by address.
    BpiMva,
    /// DCIMVAC: invalidate data by address, to the point of coherency.
    DciMvaC,
    /// DCISW: invalidate data by set and way.
    DciSw,
    /// DCCMVAC: clean data by address, to the point of coherency.
    DccMvaC,
    /// DCCSW: clean data by set and way.
    DccSw,
    /// DCCMVAU: clean data by address, to the point of unification.
    DccMvaU,
    /// DCCIMVAC: clean and invalidate data by address, to the point of coherency.
    DcciMvaC,
    /// DCCISW: clean and invalidate data by set and way.
    DcciSw,
}

impl CacheOp {
    /// Whether the operand is a virtual address, which may fault (DDI 0406C B3.13.2).
    pub const fn by_address(self) -> bool {
        matches!(
            self,
            Self::IciMvaU | Self::BpiMva | Self::DciMvaC | Self::DccMvaC | Self::DccMvaU | Self::DcciMvaC
        )
    }

    /// Whether the operand is a set, a way and a level.
    pub const fn by_set_way(self) -> bool {
        matches!(self, Self::DciSw | Self::DccSw | Self::DcciSw)
    }
}

/// Which entries a TLB operation is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TlbScope {
    All,
    Page,
    Asid,
    PageAllAsids,
}

/// Which CPUs a TLB operation reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    Local,
    InnerShareable,
}

/// A barrier by CP15 (DDI 0406C B4.2.5). Unprivileged code may use them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barrier {
    /// CP15ISB.
    Isb,
    /// CP15DSB.
    Dsb,
    /// CP15DMB.
    Dmb,
}

/// A register of the generic timer (DDI 0406C B8.1.5), for the timer model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimerReg {
    /// CNTFRQ: frequency in Hz.
    Frq,
    /// CNTP_TVAL.
    PTval,
    /// CNTP_CTL.
    PCtl,
    /// CNTV_TVAL.
    VTval,
    /// CNTV_CTL.
    VCtl,
    /// CNTPCT, 64 bits, read-only.
    Pct,
    /// CNTVCT, 64 bits, read-only.
    Vct,
    /// CNTP_CVAL, 64 bits.
    PCval,
    /// CNTV_CVAL, 64 bits.
    VCval,
}

/// On which profiles a register exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Needs {
    Nothing,
    Lpae,
    Timer,
    A9,
    /// Cortex-A15 and A7.
    A15,
    PmuV2,
    DebugV71,
    ThumbEe,
}

/// PL1 may read, write; PL0 may read, write (where a control register does not decide).
pub(crate) const R: u8 = 1;
pub(crate) const W: u8 = 2;
pub(crate) const RW: u8 = R | W;
pub(crate) const UR: u8 = 4;
pub(crate) const UW: u8 = 8;

/// One register.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) coord: Coord,
    pub(crate) what: What,
    pub(crate) access: u8,
    pub(crate) needs: Needs,
    pub(crate) name: &'static str,
}

const fn at(name: &'static str, place: (u8, u8, u8, u8, u8), access: u8, needs: Needs, what: What) -> Entry {
    let (cp, crn, opc1, crm, opc2) = place;
    Entry { coord: Coord::word(cp, crn, opc1, crm, opc2), what, access, needs, name }
}

/// A CP15 word register that all profiles have.
const fn sys(name: &'static str, place: (u8, u8, u8, u8), access: u8, what: What) -> Entry {
    at(name, (15, place.0, place.1, place.2, place.3), access, Needs::Nothing, what)
}

const fn pair(name: &'static str, cp: u8, opc1: u8, crm: u8, access: u8, needs: Needs, what: What) -> Entry {
    Entry { coord: Coord::pair(cp, opc1, crm), what, access, needs, name }
}

/// PL0 access to the barriers, the monitors and the timer is asked of them, not of this table.
const ASK: u8 = UR | UW;

use Barrier::{Dmb, Dsb, Isb};
use CacheOp as C;
use Needs::{A9, A15, DebugV71, Lpae, PmuV2, ThumbEe, Timer};
use PmuReg as P;
use Reach::{InnerShareable, Local};
use Reg as G;
use TimerReg as Tm;
use TlbScope::{All, Asid, Page, PageAllAsids};
use What::{Cache, Tlb, Translate, Zero};

const fn reg(reg: Reg) -> What {
    What::Reg(reg)
}

/// All registers, ascending by coordinate.
#[rustfmt::skip]
pub(crate) static TABLE: &[Entry] = &[
    at("DBGDIDR",      (14, 0, 0, 0, 0), R | UR, Needs::Nothing, reg(G::Dbgdidr)),
    at("DBGBVR0",      (14, 0, 0, 0, 4), RW, DebugV71, Zero),
    at("DBGBCR0",      (14, 0, 0, 0, 5), RW, DebugV71, Zero),
    at("DBGWVR0",      (14, 0, 0, 0, 6), RW, DebugV71, Zero),
    at("DBGWCR0",      (14, 0, 0, 0, 7), RW, DebugV71, Zero),
    at("DBGDSCRint",   (14, 0, 0, 1, 0), R | UR, Needs::Nothing, Zero),
    at("DBGBVR1",      (14, 0, 0, 1, 4), RW, DebugV71, Zero),
    at("DBGBCR1",      (14, 0, 0, 1, 5), RW, DebugV71, Zero),
    at("DBGDSCRext",   (14, 0, 0, 2, 2), RW, DebugV71, Zero),
    at("DBGDTRTX/RXint", (14, 0, 0, 5, 0), RW | UR | UW, Needs::Nothing, Zero),
    at("DBGVCR",       (14, 0, 0, 7, 0), RW, DebugV71, Zero),
    at("TEECR",        (14, 0, 6, 0, 0), RW, ThumbEe, reg(G::Teecr)),
    at("JIDR",         (14, 0, 7, 0, 0), R, Needs::Nothing, Zero),
    at("DBGDRAR",      (14, 1, 0, 0, 0), R | UR, Needs::Nothing, Zero),
    at("DBGOSLAR",     (14, 1, 0, 0, 4), W, DebugV71, reg(G::Dbgoslar)),
    at("DBGOSLSR",     (14, 1, 0, 1, 4), R, DebugV71, reg(G::Dbgoslsr)),
    at("DBGOSDLR",     (14, 1, 0, 3, 4), RW, DebugV71, reg(G::Dbgosdlr)),
    at("DBGPRCR",      (14, 1, 0, 4, 4), RW, DebugV71, Zero),
    at("DBGPRSR",      (14, 1, 0, 5, 4), R, DebugV71, reg(G::Dbgprsr)),
    at("TEEHBR",       (14, 1, 6, 0, 0), RW | UR | UW, ThumbEe, reg(G::Teehbr)),
    at("JOSCR",        (14, 1, 7, 0, 0), RW, Needs::Nothing, Zero),
    at("DBGDSAR",      (14, 2, 0, 0, 0), R | UR, Needs::Nothing, Zero),
    at("JMCR",         (14, 2, 7, 0, 0), RW, Needs::Nothing, Zero),
    at("DBGAUTHSTATUS", (14, 7, 0, 14, 6), R, DebugV71, Zero),

    sys("MIDR",        (0, 0, 0, 0), R, reg(G::Midr)),
    sys("CTR",         (0, 0, 0, 1), R, reg(G::Ctr)),
    sys("TCMTR",       (0, 0, 0, 2), R, Zero),
    sys("TLBTR",       (0, 0, 0, 3), R, Zero),
    sys("MIDR alias",  (0, 0, 0, 4), R, reg(G::Midr)),
    sys("MPIDR",       (0, 0, 0, 5), R, reg(G::Mpidr)),
    sys("REVIDR",      (0, 0, 0, 6), R, reg(G::Revidr)),
    sys("MIDR alias",  (0, 0, 0, 7), R, reg(G::Midr)),
    sys("ID_PFR0",     (0, 0, 1, 0), R, reg(G::IdPfr0)),
    sys("ID_PFR1",     (0, 0, 1, 1), R, reg(G::IdPfr1)),
    sys("ID_DFR0",     (0, 0, 1, 2), R, reg(G::IdDfr0)),
    sys("ID_AFR0",     (0, 0, 1, 3), R, Zero),
    sys("ID_MMFR0",    (0, 0, 1, 4), R, reg(G::IdMmfr(0))),
    sys("ID_MMFR1",    (0, 0, 1, 5), R, reg(G::IdMmfr(1))),
    sys("ID_MMFR2",    (0, 0, 1, 6), R, reg(G::IdMmfr(2))),
    sys("ID_MMFR3",    (0, 0, 1, 7), R, reg(G::IdMmfr(3))),
    sys("ID_ISAR0",    (0, 0, 2, 0), R, reg(G::IdIsar(0))),
    sys("ID_ISAR1",    (0, 0, 2, 1), R, reg(G::IdIsar(1))),
    sys("ID_ISAR2",    (0, 0, 2, 2), R, reg(G::IdIsar(2))),
    sys("ID_ISAR3",    (0, 0, 2, 3), R, reg(G::IdIsar(3))),
    sys("ID_ISAR4",    (0, 0, 2, 4), R, reg(G::IdIsar(4))),
    sys("ID_ISAR5",    (0, 0, 2, 5), R, reg(G::IdIsar(5))),
    sys("CCSIDR",      (0, 1, 0, 0), R, reg(G::Ccsidr)),
    sys("CLIDR",       (0, 1, 0, 1), R, reg(G::Clidr)),
    sys("AIDR",        (0, 1, 0, 7), R, Zero),
    sys("CSSELR",      (0, 2, 0, 0), RW, reg(G::Csselr)),
    sys("SCTLR",       (1, 0, 0, 0), RW, reg(G::Sctlr)),
    sys("ACTLR",       (1, 0, 0, 1), RW, reg(G::Actlr)),
    sys("CPACR",       (1, 0, 0, 2), RW, reg(G::Cpacr)),
    sys("TTBR0",       (2, 0, 0, 0), RW, reg(G::Ttbr(0))),
    sys("TTBR1",       (2, 0, 0, 1), RW, reg(G::Ttbr(1))),
    sys("TTBCR",       (2, 0, 0, 2), RW, reg(G::Ttbcr)),
    sys("DACR",        (3, 0, 0, 0), RW, reg(G::Dacr)),
    sys("DFSR",        (5, 0, 0, 0), RW, reg(G::Dfsr)),
    sys("IFSR",        (5, 0, 0, 1), RW, reg(G::Ifsr)),
    sys("ADFSR",       (5, 0, 1, 0), RW, Zero),
    sys("AIFSR",       (5, 0, 1, 1), RW, Zero),
    sys("DFAR",        (6, 0, 0, 0), RW, reg(G::Dfar)),
    sys("IFAR",        (6, 0, 0, 2), RW, reg(G::Ifar)),
    sys("NOP (was WFI)", (7, 0, 0, 4), W, Zero),
    sys("ICIALLUIS",   (7, 0, 1, 0), W, Cache(C::IciAllUis)),
    sys("BPIALLIS",    (7, 0, 1, 6), W, Cache(C::BpiAllIs)),
    sys("PAR",         (7, 0, 4, 0), RW, reg(G::Par)),
    sys("ICIALLU",     (7, 0, 5, 0), W, Cache(C::IciAllU)),
    sys("ICIMVAU",     (7, 0, 5, 1), W, Cache(C::IciMvaU)),
    sys("CP15ISB",     (7, 0, 5, 4), W | UW, What::Barrier(Isb)),
    sys("BPIALL",      (7, 0, 5, 6), W, Cache(C::BpiAll)),
    sys("BPIMVA",      (7, 0, 5, 7), W, Cache(C::BpiMva)),
    sys("DCIMVAC",     (7, 0, 6, 1), W, Cache(C::DciMvaC)),
    sys("DCISW",       (7, 0, 6, 2), W, Cache(C::DciSw)),
    sys("ATS1CPR",     (7, 0, 8, 0), W, Translate { user: false, write: false }),
    sys("ATS1CPW",     (7, 0, 8, 1), W, Translate { user: false, write: true }),
    sys("ATS1CUR",     (7, 0, 8, 2), W, Translate { user: true, write: false }),
    sys("ATS1CUW",     (7, 0, 8, 3), W, Translate { user: true, write: true }),
    sys("DCCMVAC",     (7, 0, 10, 1), W, Cache(C::DccMvaC)),
    sys("DCCSW",       (7, 0, 10, 2), W, Cache(C::DccSw)),
    sys("CP15DSB",     (7, 0, 10, 4), W | UW, What::Barrier(Dsb)),
    sys("CP15DMB",     (7, 0, 10, 5), W | UW, What::Barrier(Dmb)),
    sys("DCCMVAU",     (7, 0, 11, 1), W, Cache(C::DccMvaU)),
    sys("NOP (was prefetch)", (7, 0, 13, 1), W, Zero),
    sys("DCCIMVAC",    (7, 0, 14, 1), W, Cache(C::DcciMvaC)),
    sys("DCCISW",      (7, 0, 14, 2), W, Cache(C::DcciSw)),
    sys("TLBIALLIS",   (8, 0, 3, 0), W, Tlb(All, InnerShareable)),
    sys("TLBIMVAIS",   (8, 0, 3, 1), W, Tlb(Page, InnerShareable)),
    sys("TLBIASIDIS",  (8, 0, 3, 2), W, Tlb(Asid, InnerShareable)),
    sys("TLBIMVAAIS",  (8, 0, 3, 3), W, Tlb(PageAllAsids, InnerShareable)),
    sys("ITLBIALL",    (8, 0, 5, 0), W, Tlb(All, Local)),
    sys("ITLBIMVA",    (8, 0, 5, 1), W, Tlb(Page, Local)),
    sys("ITLBIASID",   (8, 0, 5, 2), W, Tlb(Asid, Local)),
    sys("DTLBIALL",    (8, 0, 6, 0), W, Tlb(All, Local)),
    sys("DTLBIMVA",    (8, 0, 6, 1), W, Tlb(Page, Local)),
    sys("DTLBIASID",   (8, 0, 6, 2), W, Tlb(Asid, Local)),
    sys("TLBIALL",     (8, 0, 7, 0), W, Tlb(All, Local)),
    sys("TLBIMVA",     (8, 0, 7, 1), W, Tlb(Page, Local)),
    sys("TLBIASID",    (8, 0, 7, 2), W, Tlb(Asid, Local)),
    sys("TLBIMVAA",    (8, 0, 7, 3), W, Tlb(PageAllAsids, Local)),
    sys("PMCR",        (9, 0, 12, 0), RW | ASK, What::Pmu(P::Cr)),
    sys("PMCNTENSET",  (9, 0, 12, 1), RW | ASK, What::Pmu(P::CntenSet)),
    sys("PMCNTENCLR",  (9, 0, 12, 2), RW | ASK, What::Pmu(P::CntenClr)),
    sys("PMOVSR",      (9, 0, 12, 3), RW | ASK, What::Pmu(P::OvsR)),
    sys("PMSWINC",     (9, 0, 12, 4), W | UW, What::Pmu(P::SwInc)),
    sys("PMSELR",      (9, 0, 12, 5), RW | ASK, What::Pmu(P::SelR)),
    at("PMCEID0",      (15, 9, 0, 12, 6), R | UR, PmuV2, What::Pmu(P::Ceid0)),
    at("PMCEID1",      (15, 9, 0, 12, 7), R | UR, PmuV2, What::Pmu(P::Ceid1)),
    sys("PMCCNTR",     (9, 0, 13, 0), RW | ASK, What::Pmu(P::CcntR)),
    sys("PMXEVTYPER",  (9, 0, 13, 1), RW | ASK, What::Pmu(P::XevTypeR)),
    sys("PMXEVCNTR",   (9, 0, 13, 2), RW | ASK, What::Pmu(P::XevCntR)),
    sys("PMUSERENR",   (9, 0, 14, 0), RW | ASK, What::Pmu(P::UserEnR)),
    sys("PMINTENSET",  (9, 0, 14, 1), RW | ASK, What::Pmu(P::IntenSet)),
    sys("PMINTENCLR",  (9, 0, 14, 2), RW | ASK, What::Pmu(P::IntenClr)),
    at("PMOVSSET",     (15, 9, 0, 14, 3), RW | ASK, PmuV2, What::Pmu(P::OvsSet)),
    at("L2CTLR",       (15, 9, 1, 0, 2), RW, A15, reg(G::L2ctlr)),
    at("L2ECTLR",      (15, 9, 1, 0, 3), RW, A15, Zero),
    at("TLB lockdown", (15, 10, 0, 0, 0), RW, A9, Zero),
    sys("PRRR/MAIR0",  (10, 0, 2, 0), RW, reg(G::Remap(0))),
    sys("NMRR/MAIR1",  (10, 0, 2, 1), RW, reg(G::Remap(1))),
    at("AMAIR0",       (15, 10, 0, 3, 0), RW, Lpae, Zero),
    at("AMAIR1",       (15, 10, 0, 3, 1), RW, Lpae, Zero),
    sys("VBAR",        (12, 0, 0, 0), RW, reg(G::Vbar)),
    sys("ISR",         (12, 0, 1, 0), R, reg(G::Isr)),
    sys("FCSEIDR",     (13, 0, 0, 0), RW, Zero),
    sys("CONTEXTIDR",  (13, 0, 0, 1), RW, reg(G::Contextidr)),
    sys("TPIDRURW",    (13, 0, 0, 2), RW | UR | UW, reg(G::Tpidrurw)),
    sys("TPIDRURO",    (13, 0, 0, 3), RW | UR, reg(G::Tpidruro)),
    sys("TPIDRPRW",    (13, 0, 0, 4), RW, reg(G::Tpidrprw)),
    at("CNTFRQ",       (15, 14, 0, 0, 0), RW | UR, Timer, What::Timer(Tm::Frq)),
    at("CNTKCTL",      (15, 14, 0, 1, 0), RW, Timer, reg(G::Cntkctl)),
    at("CNTP_TVAL",    (15, 14, 0, 2, 0), RW | ASK, Timer, What::Timer(Tm::PTval)),
    at("CNTP_CTL",     (15, 14, 0, 2, 1), RW | ASK, Timer, What::Timer(Tm::PCtl)),
    at("CNTV_TVAL",    (15, 14, 0, 3, 0), RW | ASK, Timer, What::Timer(Tm::VTval)),
    at("CNTV_CTL",     (15, 14, 0, 3, 1), RW | ASK, Timer, What::Timer(Tm::VCtl)),
    at("A9 power control", (15, 15, 0, 0, 0), RW, A9, reg(G::A9Control(0))),
    at("A9 diagnostic", (15, 15, 0, 0, 1), RW, A9, reg(G::A9Control(1))),
    at("A9 power diagnostic", (15, 15, 0, 0, 2), RW, A9, reg(G::A9Control(2))),
    at("A9 NEON busy", (15, 15, 0, 1, 0), RW, A9, Zero),
    sys("CBAR",        (15, 4, 0, 0), R, reg(G::Cbar)),
    at("A9 TLB lockdown read", (15, 15, 5, 4, 2), W, A9, Zero),
    at("A9 TLB lockdown write", (15, 15, 5, 4, 4), W, A9, Zero),
    at("A9 TLB lockdown VA", (15, 15, 5, 5, 2), RW, A9, Zero),
    at("A9 TLB lockdown PA", (15, 15, 5, 6, 2), RW, A9, Zero),
    at("A9 TLB lockdown attributes", (15, 15, 5, 7, 2), RW, A9, Zero),

    pair("DBGDRAR",    14, 0, 1, R | UR, Lpae, Zero),
    pair("DBGDSAR",    14, 0, 2, R | UR, Lpae, Zero),
    pair("TTBR0",      15, 0, 2, RW, Lpae, reg(G::Ttbr(0))),
    pair("PAR",        15, 0, 7, RW, Lpae, reg(G::Par)),
    pair("CNTPCT",     15, 0, 14, R | UR, Timer, What::Timer(Tm::Pct)),
    pair("TTBR1",      15, 1, 2, RW, Lpae, reg(G::Ttbr(1))),
    pair("CNTVCT",     15, 1, 14, R | UR, Timer, What::Timer(Tm::Vct)),
    pair("CNTP_CVAL",  15, 2, 14, RW | ASK, Timer, What::Timer(Tm::PCval)),
    pair("CNTV_CVAL",  15, 3, 14, RW | ASK, Timer, What::Timer(Tm::VCval)),
];

/// The entry at `coord`, if there is one on any profile.
pub(crate) fn find(coord: Coord) -> Option<&'static Entry> {
    let index = TABLE.binary_search_by_key(&coord, |entry| entry.coord).ok()?;
    TABLE.get(index)
}
