//! Address translation operations and PAR (DDI 0406C B4.1.112, B4.2.4): CP15 c7 c8.

use crate::access::{Access, Kind};
use crate::fault::{Fault, FaultKind};
use crate::memory::{Cache, Memory, Shareability, Type};
use crate::regs::Registers;
use crate::walk::{GuestMemory, Translation, translate};
use nex_mm::Gva;

/// An address translation operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation {
    /// Translate as PL1 would, else as PL0 would.
    pub privileged: bool,
    /// Translate for a write, else for a read.
    pub write: bool,
    /// One of the ATS12NSO operations. They are for Secure PL1 and Hyp mode; to a Non-secure PL1, which a guest of Nex
    /// is, they are UNDEFINED. Stage 2 does not exist, so they would give the same result.
    pub non_secure_other: bool,
}

impl Operation {
    /// Decodes `mcr p15, 0, va, c7, c8, opc2`; `None` above 7.
    pub const fn decode(opc2: u8) -> Option<Self> {
        if opc2 > 7 {
            return None;
        }
        Some(Self { privileged: opc2 & 2 == 0, write: opc2 & 1 == 1, non_secure_other: opc2 & 4 != 0 })
    }

    /// Carries the operation out: the 64 bits of PAR. With TTBCR.EAE = 0 only the low half is written, and the high
    /// half of the result is 0.
    ///
    /// # Errors
    /// An external abort on the walk is a data abort for the guest, with [`crate::fault::Cause::Maintenance`]; PAR
    /// does not change.
    pub fn run<M: GuestMemory + ?Sized>(
        self,
        regs: &Registers,
        memory: &mut M,
        va: Gva,
    ) -> Result<u64, Fault> {
        let kind = if self.write { Kind::Write } else { Kind::Read };
        match translate(regs, memory, va, Access::new(self.privileged, kind)) {
            Ok(found) if regs.long() => Ok(long(&found)),
            Ok(found) => Ok(short(&found) as u64),
            Err(fault) if fault.kind == FaultKind::ExternalOnWalk => Err(fault),
            Err(fault) => Ok(failed(&fault)),
        }
    }
}

/// NS: UNKNOWN to Non-secure software. 1 is what QEMU answers.
const NS: u32 = 1 << 9;

/// F = 1 and the fault status: FST is DFSR\[12, 10, 3:0\] in the short format, STATUS in the long format, which bit
/// 11 marks. DFSR\[12\], ExT, is 0, as external aborts are not reported here.
const fn failed(fault: &Fault) -> u64 {
    if fault.long { 1 << 11 | (fault.status() as u64) << 1 | 1 } else { (fault.fs() as u64) << 1 | 1 }
}

/// PA\[39:12\], ATTR in bits 63..56, SH in 8..7, LPAE (bit 11).
const fn long(found: &Translation) -> u64 {
    let sh = match found.memory.shareability {
        Shareability::Non => 0b00,
        Shareability::Inner => 0b11,
        Shareability::Outer => 0b10,
    };
    (found.mair_attr as u64) << 56 | found.output & 0xff_ffff_f000 | 1 << 11 | NS as u64 | sh << 7
}

/// PA\[31:12\], or for a supersection PA\[31:24\] and PA\[39:32\] in bits 23..16 with SS (bit 1); attributes in bits
/// 10 and 7..2.
const fn short(found: &Translation) -> u32 {
    let address = if found.log2_bytes == 24 {
        found.output as u32 & 0xff00_0000 | (found.output >> 16) as u32 & 0x00ff_0000 | 1 << 1
    } else {
        found.output as u32 & 0xffff_f000
    };
    address | NS | attributes(found.memory)
}

const fn attributes(memory: Memory) -> u32 {
    let (inner, outer) = match memory.kind {
        Type::StronglyOrdered => (0b001, 0b00),
        Type::Device => (0b011, 0b00),
        Type::Normal { inner, outer } => {
            let inner = match inner {
                Cache::NonCacheable => 0b000,
                Cache::WriteBackAllocate => 0b101,
                Cache::WriteThrough => 0b110,
                Cache::WriteBack => 0b111,
            };
            (inner, outer as u32)
        }
    };
    // SH, and NOS: shareable, but not outer shareable.
    let shareable = match memory.shareability {
        Shareability::Non => 0,
        Shareability::Outer => 1 << 7,
        Shareability::Inner => 1 << 7 | 1 << 10,
    };
    shareable | inner << 4 | outer << 2
}
