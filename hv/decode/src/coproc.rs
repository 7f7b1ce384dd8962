//! Coprocessor instructions, and which of them User mode may be granted.
//!
//! Both instruction sets share the layout of the low 28 bits: a T32 instruction with `first` 0b1110_11xx... is the A32
//! instruction with condition AL.

use crate::bits::{PC, bit, field, reg};
use crate::class::{Class, Sensitive, Trapping};

/// The operands of MCR and MRC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coproc {
    /// The coprocessor: 14 or 15.
    pub cp: u8,
    /// opc1, 0..=7.
    pub op1: u8,
    /// CRn, 0..=15.
    pub crn: u8,
    /// CRm, 0..=15.
    pub crm: u8,
    /// opc2, 0..=7.
    pub op2: u8,
    /// The core register, 0..=15. 15 is UNPREDICTABLE for MCR; for MRC it means the flags N, Z, C, V (only CP14's DBGDSCRint
    /// has a use for it).
    pub rt: u8,
    /// MRC; else MCR.
    pub read: bool,
}

/// The operands of MCRR and MRRC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coproc64 {
    /// The coprocessor: 14 or 15.
    pub cp: u8,
    /// opc1, 0..=15.
    pub op1: u8,
    /// CRm, 0..=15.
    pub crm: u8,
    /// The core register of the low word, 0..=15 (15 is UNPREDICTABLE).
    pub rt: u8,
    /// The core register of the high word, 0..=15 (15 is UNPREDICTABLE, and for MRRC the same as `rt`).
    pub rt2: u8,
    /// MRRC; else MCRR.
    pub read: bool,
}

/// `LDC p14, c5` (memory to DBGDTRTXint) and `STC p14, c5` (DBGDTRRXint to memory), one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DebugTransfer {
    /// LDC; else STC.
    pub load: bool,
    /// The base, 0..=15.
    pub rn: u8,
    /// The offset: a multiple of 4, 0..=1020.
    pub offset_bytes: u16,
    /// Add the offset; else subtract it.
    pub add: bool,
    /// The access is at base with offset; else at the base (P).
    pub preindex: bool,
    /// Base with offset is written back (W).
    pub wback: bool,
}

/// What decides whether a coprocessor access works in User mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// Nothing: User mode always has it. (TPIDRURW; TPIDRURO, PMUSERENR and TEECR to read.)
    Open,
    /// PMUSERENR.EN: closed if 0. The performance monitors.
    Pmuserenr,
    /// CNTKCTL's PL0 bits: closed if 0. The generic timer.
    Cntkctl,
    /// DBGDSCR.UDCCdis: closed if 1. The debug registers that User mode can read, and the transfer registers.
    Udccdis,
    /// TEECR.XED: closed if 1. ThumbEE's handler base.
    Teecr,
    /// JOSCR.CD, and the implementation. Jazelle's registers.
    Jazelle,
}

/// Classifies an instruction of the coprocessor group, `cccc_110x` or `cccc_1110`, with a condition (A5.6, A7.5 to A7.9).
pub(crate) fn class(word: u32) -> Class {
    let cp = reg(word, 8);
    let read = bit(word, 20);
    if cp == 10 || cp == 11 {
        return vfp(word);
    }
    if cp != 14 && cp != 15 {
        return Class::Undefined;
    }
    match (field(word, 24, 2), bit(word, 4)) {
        (0b10, true) => single(Coproc {
            cp,
            op1: field(word, 21, 3) as u8,
            crn: reg(word, 16),
            crm: reg(word, 0),
            op2: field(word, 5, 3) as u8,
            rt: reg(word, 12),
            read,
        }),
        (0b10, false) => Class::Undefined,
        _ if field(word, 21, 4) == 0b0010 => double(Coproc64 {
            cp,
            op1: reg(word, 4),
            crm: reg(word, 0),
            rt: reg(word, 12),
            rt2: reg(word, 16),
            read,
        }),
        _ => memory(word, cp, read),
    }
}

fn single(c: Coproc) -> Class {
    if is_barrier(&c) {
        return Class::Innocuous;
    }
    match gate(&c) {
        Some(gate) => Class::Sensitive(Sensitive::Gated(c, gate)),
        None => Class::Trapping(Trapping::Coproc(c)),
    }
}

/// CP15ISB, CP15DSB and CP15DMB: the barriers of ARMv6, which User mode has.
fn is_barrier(c: &Coproc) -> bool {
    c.cp == 15 && !c.read && c.op1 == 0 && c.crn == 7 && matches!((c.crm, c.op2), (5, 4) | (10, 4) | (10, 5))
}

/// Which gate User mode's access passes; `None` if it is UNDEFINED there always.
fn gate(c: &Coproc) -> Option<Gate> {
    let place = (c.crn, c.crm, c.op2);
    match (c.cp, c.op1) {
        (15, 0) => match place {
            // TPIDRURW; TPIDRURO.
            (13, 0, 2) => Some(Gate::Open),
            (13, 0, 3) if c.read => Some(Gate::Open),
            // PMUSERENR.
            (9, 14, 0) if c.read => Some(Gate::Open),
            // PMCR to PMCEID1; PMCCNTR, PMXEVTYPER, PMXEVCNTR; PMOVSSET.
            (9, 12, _) | (9, 13, 0..=2) | (9, 14, 3) => Some(Gate::Pmuserenr),
            // CNTFRQ.
            (14, 0, 0) if c.read => Some(Gate::Cntkctl),
            // CNTP_TVAL, CNTP_CTL, CNTV_TVAL, CNTV_CTL.
            (14, 2 | 3, 0 | 1) => Some(Gate::Cntkctl),
            _ => None,
        },
        (14, 0) => match place {
            // DBGDIDR, DBGDSCRint, DBGDRAR, DBGDSAR.
            (0, 0 | 1, 0) | (1 | 2, 0, 0) if c.read => Some(Gate::Udccdis),
            // DBGDTRRXint, DBGDTRTXint.
            (0, 5, 0) => Some(Gate::Udccdis),
            _ => None,
        },
        (14, 6) => match place {
            // TEECR; TEEHBR.
            (0, 0, 0) if c.read => Some(Gate::Open),
            (1, 0, 0) => Some(Gate::Teecr),
            _ => None,
        },
        // JIDR, JOSCR, JMCR and what an implementation adds.
        (14, 7) => Some(Gate::Jazelle),
        _ => None,
    }
}

fn double(c: Coproc64) -> Class {
    let gate = match (c.cp, c.op1, c.crm) {
        // CNTPCT, CNTVCT; CNTP_CVAL, CNTV_CVAL.
        (15, 0 | 1, 14) if c.read => Gate::Cntkctl,
        (15, 2 | 3, 14) => Gate::Cntkctl,
        // DBGDRAR, DBGDSAR.
        (14, 0, 1 | 2) if c.read => Gate::Udccdis,
        _ => return Class::Trapping(Trapping::Coproc64(c)),
    };
    Class::Sensitive(Sensitive::Gated64(c, gate))
}

/// LDC and STC: CP14 has two, CP15 none.
fn memory(word: u32, cp: u8, load: bool) -> Class {
    let (preindex, add, long, wback) = (bit(word, 24), bit(word, 23), bit(word, 22), bit(word, 21));
    if !preindex && !add && !wback {
        return Class::Undefined;
    }
    if cp != 14 || long || reg(word, 12) != 5 {
        return Class::Undefined;
    }
    let rn = reg(word, 16);
    if wback && rn == PC {
        return Class::Unpredictable;
    }
    let offset_bytes = (word & 0xff) as u16 * 4;
    Class::Sensitive(Sensitive::DebugTransfer(DebugTransfer { load, rn, offset_bytes, add, preindex, wback }))
}

/// CP10 and CP11.
fn vfp(word: u32) -> Class {
    let to_core = bit(word, 20);
    match field(word, 24, 2) {
        // Data processing has no core registers.
        0b10 if !bit(word, 4) => Class::Fp,
        // VMRS and VMSR.
        0b10 if word & 0x00e0_0f00 == 0x00e0_0a00 => {
            let (number, rt) = (reg(word, 16), reg(word, 12));
            match number {
                // FPSCR. To R15 means to the flags.
                1 if to_core || rt != PC => Class::Fp,
                1 => Class::Unpredictable,
                _ => Class::Trapping(Trapping::VfpSystem { reg: number, rt, read: to_core }),
            }
        }
        // VMOV and VDUP between core and extension registers.
        0b10 if to_core && reg(word, 12) == PC => Class::Unpredictable,
        0b10 => Class::Fp,
        // 64-bit VMOV; its space includes P = U = W = 0, which is UNDEFINED otherwise.
        _ if field(word, 21, 4) == 0b0010 => {
            if to_core && (reg(word, 12) == PC || reg(word, 16) == PC) {
                Class::Unpredictable
            } else {
                Class::Fp
            }
        }
        _ if field(word, 21, 4) == 0 => Class::Undefined,
        // VLDM, VSTM with writeback to the PC.
        _ if bit(word, 21) && reg(word, 16) == PC => Class::Unpredictable,
        _ => Class::Fp,
    }
}
