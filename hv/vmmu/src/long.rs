//! Walks of long-descriptor tables (DDI 0406C B3.6, TranslationTableWalkLD in B3.19).
//!
//! The guest is Non-secure, so NSTable and NS mean nothing. The contiguous bit is a hint and changes no result.

use crate::access::Permissions;
use crate::fault::{Fault, FaultKind};
use crate::memory::Memory;
use crate::regs::{Base, Registers};
use crate::walk::{Abort, GuestMemory, Leaf};
use nex_mm::Gva;

const ADDRESS: u64 = 0xff_ffff_f000;

const fn bit(raw: u64, at: u32) -> bool {
    raw >> at & 1 == 1
}

/// The region an address is in (B3.6.4): the base register, its table, the region's TnSZ, and whether walks are
/// disabled. `None` in the gap between the two regions.
fn region(regs: &Registers, va: u32) -> Option<(Base, u64, u32, bool)> {
    let t0sz = regs.ttbcr & 7;
    let t1sz = regs.ttbcr >> 16 & 7;
    // TTBR1's region is the top 2^(32-T1SZ) bytes and wins an overlap; with T1SZ = 0 it is what TTBR0 leaves.
    let in_region0 = t0sz == 0 || va >> (32 - t0sz) == 0;
    let in_region1 = if t1sz == 0 { !in_region0 } else { !va >> (32 - t1sz) == 0 };
    if in_region1 {
        Some((Base::Ttbr1, regs.ttbr1, t1sz, regs.ttbcr >> 23 & 1 == 1))
    } else if in_region0 {
        Some((Base::Ttbr0, regs.ttbr0, t0sz, regs.ttbcr >> 7 & 1 == 1))
    } else {
        None
    }
}

pub(crate) fn walk<M: GuestMemory + ?Sized>(
    regs: &Registers,
    memory: &mut M,
    va: Gva,
) -> Result<Leaf, Fault> {
    let fault = |kind, level| Fault { level, ..Fault::new(regs, kind, va) };
    let address = va.raw() as u64;
    let (base, ttbr, tsz) = match region(regs, va.raw()) {
        Some((base, ttbr, tsz, false)) => (base, ttbr, tsz),
        _ => return Err(fault(FaultKind::Translation, 1)),
    };

    // A small region starts at the second level. The first table has only the entries that the region can reach, and is
    // aligned to its own size; lower bits of the base are ignored.
    let mut level: u8 = if tsz > 1 { 2 } else { 1 };
    let mut shift = 39 - 9 * level as u32;
    let mut index_mask = (1u64 << (32 - tsz - shift)) - 1;
    let mut table = ttbr & 0xff_ffff_ffff & !(index_mask << 3 | 7);
    // APTable, XNTable and PXNTable: restrictions gathered on the way, bits 62..59.
    let mut restrict = 0;
    let leaf = loop {
        let raw = match memory.read64(table | (address >> shift & index_mask) << 3) {
            Ok(raw) if regs.big_endian_tables() => raw.swap_bytes(),
            Ok(raw) => raw,
            Err(abort) => {
                let slave_error = abort == Abort::Slave;
                return Err(Fault { slave_error, ..fault(FaultKind::ExternalOnWalk, level) });
            }
        };
        match (raw & 3, level) {
            (0b11, 3) | (0b01, 1 | 2) => break raw,
            // At most twice: the third level has no tables.
            (0b11, _) => {
                restrict |= raw;
                table = raw & ADDRESS;
                level += 1;
                shift -= 9;
                index_mask = 0x1ff;
            }
            _ => return Err(fault(FaultKind::Translation, level)),
        }
    };

    if !bit(leaf, 10) {
        return Err(fault(FaultKind::AccessFlag, level));
    }
    // AP[2] and AP[1] in bits 7 and 6. APTable[1] (62) takes writing, APTable[0] (61) takes PL0 access (B3.6.3).
    let read_only = bit(leaf, 7) || bit(restrict, 62);
    let user = bit(leaf, 6) && !bit(restrict, 61);
    let index = leaf >> 2 & 7;
    let mair = (regs.nmrr_mair1 as u64) << 32 | regs.prrr_mair0 as u64;
    let mair_attr = (mair >> (8 * index)) as u8;
    Ok(Leaf {
        address: leaf & ADDRESS,
        log2_bytes: shift as u8,
        level,
        permissions: Permissions {
            ap: (read_only as u8) << 2 | (user as u8) << 1 | 1,
            xn: bit(leaf, 54) || bit(restrict, 60),
            pxn: bit(leaf, 53) || bit(restrict, 59),
        },
        memory: Memory::long(mair_attr, (leaf >> 8) as u32),
        mair_attr,
        global: !bit(leaf, 11),
        contiguous: bit(leaf, 52),
        domain: None,
        base,
    })
}
