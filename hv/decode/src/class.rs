//! What an instruction means to a monitor that runs it in User mode.

use crate::coproc::{Coproc, Coproc64, DebugTransfer, Gate};
use crate::operand::{DpOp, Offset, Operand2, Walk};

/// The class of an instruction: what has to happen so that guest code written for PL1 works at PL0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Does the same at PL0 as at PL1, or is an UNDEFINED instruction on the CPU at both. Writes the PC only where
    /// [`flow_a32`](crate::flow_a32) or [`flow_t32`](crate::flow_t32) says so.
    Innocuous,
    /// A VFP or Advanced SIMD instruction that does the same at PL0 as at PL1. It takes the Undefined Instruction
    /// exception while the extension is switched off (CPACR, FPEXC.EN).
    Fp,
    /// A hint that runs at PL0. Nothing goes wrong if it does, but a monitor wants to know of it.
    Hint(Hint),
    /// SVC. Its exception is the guest's own; a monitor that rewrites instructions to SVC has to keep them apart.
    Svc {
        /// The constant: 24 bits in A32, 8 bits in T32. Ignored by the CPU.
        imm: u32,
    },
    /// BKPT: a debug event or a prefetch abort, at PL0 as at PL1.
    Bkpt {
        /// The constant: 16 bits in A32, 8 bits in T32. Ignored by the CPU.
        imm: u16,
    },
    /// Always takes the Undefined Instruction exception at PL0, whatever the CPU has: needs no rewriting, but work when
    /// it comes.
    Trapping(Trapping),
    /// Does something else at PL0 without an exception, or may: must never be executed in place of the original.
    Sensitive(Sensitive),
    /// UNDEFINED in ARMv7-A: takes the Undefined Instruction exception at every privilege, which is the guest's.
    Undefined,
    /// UNPREDICTABLE, and near something sensitive, or might write the PC: it must not be executed, since a CPU may do
    /// what the guest expects of it at PL1 (see the crate page). An Undefined Instruction exception in the guest is
    /// permitted.
    Unpredictable,
}

impl Class {
    /// Whether the instruction may be left in place, because it either does the right thing or traps by itself.
    ///
    /// False for [`Class::Sensitive`], [`Class::Unpredictable`] and nothing else. [`Class::Svc`] and [`Class::Hint`] may
    /// stay; whether they should is the monitor's choice.
    pub const fn may_stay(&self) -> bool {
        !matches!(self, Class::Sensitive(_) | Class::Unpredictable)
    }
}

/// Hints that a scheduler cares for. All run at PL0: WFI and WFE wait there as well, for an interrupt that the monitor gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// YIELD.
    Yield,
    /// WFE, wait for event.
    Wfe,
    /// WFI, wait for interrupt.
    Wfi,
    /// SEV, send event.
    Sev,
}

/// Instructions that are UNDEFINED at PL0 but mean something at PL1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trapping {
    /// MCR or MRC of CP14 or CP15 that User mode is never granted.
    Coproc(Coproc),
    /// MCRR or MRRC of CP14 or CP15 that User mode is never granted.
    Coproc64(Coproc64),
    /// VMRS or VMSR of a VFP register other than FPSCR.
    VfpSystem {
        /// Register number: 0 FPSID, 6 MVFR1, 7 MVFR0, 8 FPEXC, 9 FPINST, 10 FPINST2. Others are reserved.
        reg: u8,
        /// The core register, 0..=15 (15 is UNPREDICTABLE).
        rt: u8,
        /// VMRS; else VMSR.
        read: bool,
    },
    /// HVC.
    Hvc {
        /// The constant.
        imm: u16,
    },
    /// SMC.
    Smc {
        /// The constant, 0..=15.
        imm: u8,
    },
    /// UDF, permanently UNDEFINED by name: software uses it for breakpoints and assertions.
    Udf {
        /// The constant: 16 bits, but 8 bits in the 16-bit T32 encoding.
        imm: u16,
    },
}

/// What CPS does to the interrupt masks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Imod {
    /// Leaves them alone.
    Keep,
    /// CPSIE: clears the named masks.
    Enable,
    /// CPSID: sets the named masks.
    Disable,
}

/// Where MSR takes its value from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MsrSource {
    /// A register, 0..=14.
    Reg(u8),
    /// A constant, already expanded to 32 bits.
    Imm(u32),
}

/// The instructions LDRT, STRT and their family: an access with User mode's permissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unprivileged {
    /// A load; else a store.
    pub load: bool,
    /// Bytes accessed: 1, 2 or 4.
    pub size_bytes: u8,
    /// A load that extends the sign.
    pub signed: bool,
    /// The register loaded or stored, 0..=15. 15 only for STRT in A32.
    pub rt: u8,
    /// The base register, 0..=14.
    pub rn: u8,
    /// What is added to, or subtracted from, the base.
    pub offset: Offset,
    /// Add; else subtract.
    pub add: bool,
    /// A32: the access is at the base, and base with offset is written back to it afterwards. T32: the access is at base
    /// with offset, and nothing is written back.
    pub postindex: bool,
}

/// Instructions that do not trap at PL0 but do something else there than at PL1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sensitive {
    /// CPS; a NOP at PL0.
    Cps {
        /// What happens to the named masks.
        imod: Imod,
        /// CPSR.A is named.
        a: bool,
        /// CPSR.I is named.
        i: bool,
        /// CPSR.F is named.
        f: bool,
        /// The mode to change to (CPSR.M, five bits), if any.
        mode: Option<u8>,
    },
    /// MRS Rd, CPSR (or APSR, which is the same encoding); at PL0 mode and masks are UNKNOWN.
    MrsCpsr {
        /// The destination, 0..=14.
        rd: u8,
    },
    /// MRS Rd, SPSR; UNPREDICTABLE at PL0.
    MrsSpsr {
        /// The destination, 0..=14.
        rd: u8,
    },
    /// MSR to the SPSR, or to the CPSR with one of the fields x and c, which at PL0 are partly or wholly ignored. (MSR to
    /// f and s of the CPSR only is innocuous.)
    Msr {
        /// Writes the SPSR; else the CPSR.
        spsr: bool,
        /// The fields, 1..=15: bit 3 f (31..=24), bit 2 s (23..=16), bit 1 x (15..=8), bit 0 c (7..=0).
        mask: u8,
        /// The value.
        source: MsrSource,
    },
    /// MRS (Banked register), part of the virtualization extensions: UNPREDICTABLE at PL0 where it exists, and a
    /// malformed MRS where it does not.
    MrsBanked {
        /// The destination, 0..=14.
        rd: u8,
        /// An SPSR; else a general-purpose register (the R bit).
        spsr: bool,
        /// Which one, 0..=31 (M:M1, DDI 0406C B9.2.3).
        sysm: u8,
    },
    /// MSR (Banked register); like [`Sensitive::MrsBanked`].
    MsrBanked {
        /// The source, 0..=14.
        rn: u8,
        /// An SPSR; else a general-purpose register (the R bit).
        spsr: bool,
        /// Which one, 0..=31 (M:M1, DDI 0406C B9.2.3).
        sysm: u8,
    },
    /// RFE: loads PC and CPSR, two words, PC at the lower address; UNPREDICTABLE at PL0.
    Rfe {
        /// The base, 0..=14.
        rn: u8,
        /// How it walks.
        walk: Walk,
        /// The base is written back.
        wback: bool,
    },
    /// SRS: stores LR and SPSR, two words, LR at the lower address, to the stack of a mode; UNPREDICTABLE at PL0.
    Srs {
        /// The mode whose SP is the base, five bits as in CPSR.M; not checked.
        mode: u8,
        /// How it walks.
        walk: Walk,
        /// The base is written back.
        wback: bool,
    },
    /// LDM (User registers); UNPREDICTABLE at PL0.
    LdmUser {
        /// The base, 0..=14, of the current mode.
        rn: u8,
        /// Registers, bit 0 for R0; bit 15 is clear, and at least one is set.
        list: u16,
        /// How it walks.
        walk: Walk,
    },
    /// STM (User registers); UNPREDICTABLE at PL0.
    StmUser {
        /// The base, 0..=14, of the current mode.
        rn: u8,
        /// Registers, bit 0 for R0; at least one is set.
        list: u16,
        /// How it walks.
        walk: Walk,
    },
    /// LDM (exception return): loads the current mode's registers and the PC, and the CPSR from the SPSR.
    LdmReturn {
        /// The base, 0..=14.
        rn: u8,
        /// Registers, bit 0 for R0; bit 15 is set.
        list: u16,
        /// How it walks.
        walk: Walk,
        /// The base is written back.
        wback: bool,
    },
    /// SUBS PC, LR and related instructions: a result to the PC, and the SPSR to the CPSR. T32 has SUBS PC, LR, #imm only.
    DpPcS {
        /// The operation.
        op: DpOp,
        /// The first operand, 0..=15; 0 and unused for [`DpOp::Mov`] and [`DpOp::Mvn`].
        rn: u8,
        /// The second operand.
        op2: Operand2,
    },
    /// ERET of A32, part of the virtualization extensions: UNDEFINED where they are missing, else MOVS PC, LR (except in Hyp
    /// mode). In T32 it is the encoding of SUBS PC, LR, #0 and given as [`Sensitive::DpPcS`].
    Eret,
    /// LDRT, STRT and their family: not different by the mode of the CPU but by what the monitor maps for it.
    Unprivileged(Unprivileged),
    /// BXJ: BX where Jazelle is the trivial implementation or off (JMCR.JE clear).
    Bxj {
        /// Target address, 0..=14.
        rm: u8,
    },
    /// ENTERX or LEAVEX: in and out of ThumbEE state, which this decoder does not know; UNDEFINED where there is no ThumbEE.
    ThumbEe {
        /// ENTERX; else LEAVEX.
        enter: bool,
    },
    /// MCR or MRC that User mode may be granted: the host's register answers unless its gate is closed.
    Gated(Coproc, Gate),
    /// MCRR or MRRC that User mode may be granted: the host's register answers unless its gate is closed.
    Gated64(Coproc64, Gate),
    /// LDC or STC of the debug transfer registers, behind [`Gate::Udccdis`].
    DebugTransfer(DebugTransfer),
}
