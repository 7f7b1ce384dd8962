//! What an access to a register gives, and what it leaves to do.

use core::fmt;

use super::table::{Barrier, CacheOp, TimerReg};
use crate::coord::Coord;
use crate::exception::Pending;
use crate::psr::Privilege;

/// Why an access is undefined for the guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denied {
    /// There is no such register on this CPU. Worth a line in the log, once per coordinate.
    Unknown,
    /// The guest's privilege does not allow it.
    Privilege,
    /// The register cannot be read.
    WriteOnly,
    /// The register cannot be written.
    ReadOnly,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no such register on the offered CPU",
            Self::Privilege => "not accessible at this privilege level",
            Self::WriteOnly => "the register is write-only",
            Self::ReadOnly => "the register is read-only",
        })
    }
}

/// What a read gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Access {
    /// The value; of a doubleword, the low half goes to Rt, the high half to Rt2.
    Value(u64),
    /// Ask the timer model.
    Timer(TimerReg),
    /// Give the guest an undefined instruction exception.
    Denied(Denied),
}

/// What a TLB operation is about. Operations for instruction or data TLBs only are not told apart: removing more than
/// was asked for is allowed (DDI 0406C B3.10.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlbFlush {
    /// Everything.
    All,
    /// The page at `va` (a multiple of 4096), global or of `asid`.
    Page {
        /// Virtual address.
        va: u32,
        /// ASID.
        asid: u8,
    },
    /// All non-global entries of this ASID.
    Asid(u8),
    /// The page at `va` (a multiple of 4096) of every ASID.
    PageAllAsids {
        /// Virtual address.
        va: u32,
    },
}

/// Which translation state a write changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MmuChange {
    /// TTBR0: table, attributes, or with long descriptors the ASID.
    Ttbr0,
    /// TTBR1, likewise.
    Ttbr1,
    /// TTBCR.
    Ttbcr,
    /// PRRR, NMRR, MAIR0 or MAIR1.
    Remap,
}

/// What is left to do after a write. Registers that changed hold their new values already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Effect {
    /// Nothing.
    None,
    /// Give the guest an undefined instruction exception; nothing was written.
    Denied(Denied),
    /// SCTLR changed in these bits: compare with [`super::sctlr::TRANSLATION`] and [`super::sctlr::EXCEPTIONS`].
    Sctlr {
        /// Old exclusive-or new.
        changed: u32,
    },
    /// Translation state other than SCTLR changed. The TLB is not affected: the guest flushes it where it must.
    MmuChanged(MmuChange),
    /// CONTEXTIDR.ASID changed (short descriptors).
    AsidChanged,
    /// DACR changed.
    DacrChanged,
    /// VBAR changed.
    VectorsChanged,
    /// Remove TLB entries: of this CPU, or of all CPUs of the domain.
    TlbFlush {
        /// Which.
        flush: TlbFlush,
        /// On all CPUs of the domain (the "IS" operations).
        inner_shareable: bool,
    },
    /// Do cache or branch predictor maintenance. The operand is raw: an address, a set and way, or ignored.
    CacheOp {
        /// Which operation.
        op: CacheOp,
        /// The register's value.
        operand: u32,
    },
    /// Translate `va` and put the result in [`super::Cp15::par`] (DDI 0406C B4.2.4, ATS1Cxx).
    AddressTranslate {
        /// Virtual address, not aligned.
        va: u32,
        /// As an access by PL0.
        user: bool,
        /// As a write.
        write: bool,
    },
    /// Do a barrier. One for real orders the guest's accesses as well.
    Barrier(Barrier),
    /// Write this to the timer model.
    TimerWrite {
        /// Which register.
        reg: TimerReg,
        /// The value; 32 bits but for the CVAL registers.
        value: u64,
    },
    /// CNTKCTL changed: PL0 access to counters and timers, if the real ones are used.
    CounterAccessChanged,
    /// The performance monitors changed: look at their interrupt and filters again.
    PmuChanged,
    /// CPACR or FPEXC changed: switch the real unit off, so that the next use is checked.
    VfpChanged,
    /// TPIDRURW or TPIDRURO changed: PL0 reads the real ones.
    ThreadIdChanged,
    /// TEECR or TEEHBR changed.
    ThumbEeChanged,
}

/// What a read or write may need from outside the register file.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The guest's privilege.
    pub privilege: Privilege,
    /// What waits, for ISR.
    pub pending: Pending,
    /// Time in CPU cycles, for the performance monitors; called only when one of them is accessed.
    pub cycles: &'a dyn Fn() -> u64,
}

/// One line of the list of registers: see [`super::Cp15::registers`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegisterInfo {
    /// Coordinate.
    pub coord: Coord,
    /// The manual's name.
    pub name: &'static str,
    /// PL1 can read it.
    pub read: bool,
    /// PL1 can write it.
    pub write: bool,
    /// PL0 can read it, at least if a control register says so.
    pub user_read: bool,
    /// PL0 can write it, at least if a control register says so.
    pub user_write: bool,
}
