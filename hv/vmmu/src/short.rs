//! Walks of short-descriptor tables (DDI 0406C B3.5, TranslationTableWalkSD in B3.19).
//!
//! The descriptors are taken apart here rather than by `nex_mm::desc`, which knows neither the access flag (AFE) nor
//! TEX remap (TRE), as Nex uses neither.

use crate::access::Permissions;
use crate::fault::{Fault, FaultKind};
use crate::memory::Memory;
use crate::regs::{Base, Registers};
use crate::walk::{Abort, GuestMemory, Leaf};
use nex_mm::Gva;

const TTBCR_PD0: u32 = 1 << 4;
const TTBCR_PD1: u32 = 1 << 5;

const fn bit(raw: u32, at: u32) -> bool {
    raw >> at & 1 == 1
}

pub(crate) fn walk<M: GuestMemory + ?Sized>(
    regs: &Registers,
    memory: &mut M,
    va: Gva,
) -> Result<Leaf, Fault> {
    let fault = |kind, level, domain| Fault { level, domain, ..Fault::new(regs, kind, va) };
    let mut read = |gpa: u32, level, domain| match memory.read32(gpa as u64) {
        Ok(raw) if regs.big_endian_tables() => Ok(raw.swap_bytes()),
        Ok(raw) => Ok(raw),
        Err(abort) => Err(Fault {
            slave_error: abort == Abort::Slave,
            ..fault(FaultKind::ExternalOnWalk, level, domain)
        }),
    };

    // B3.5.4: addresses whose top N bits are zero go through TTBR0 with a table of 2^(14-N) bytes, all others through
    // TTBR1 with a full table.
    let address = va.raw();
    let n = regs.ttbcr & 7;
    let (base, table, n, disabled) = if n == 0 || address >> (32 - n) == 0 {
        (Base::Ttbr0, regs.ttbr0 as u32, n, regs.ttbcr & TTBCR_PD0 != 0)
    } else {
        (Base::Ttbr1, regs.ttbr1 as u32, 0, regs.ttbcr & TTBCR_PD1 != 0)
    };
    if disabled {
        return Err(fault(FaultKind::Translation, 1, 0));
    }

    let table_mask = (1u32 << (14 - n)) - 1;
    let l1 = read(table & !table_mask | address >> 18 & !3 & table_mask, 1, 0)?;
    match l1 & 3 {
        0b00 => Err(fault(FaultKind::Translation, 1, 0)),
        0b01 => {
            let domain = (l1 >> 5 & 0xf) as u8;
            let l2 = read(l1 & !0x3ff | address >> 10 & 0x3fc, 2, domain)?;
            if l2 & 3 == 0 {
                return Err(fault(FaultKind::Translation, 2, domain));
            }
            if regs.access_flag() && !bit(l2, 4) {
                return Err(fault(FaultKind::AccessFlag, 2, domain));
            }
            let small = bit(l2, 1);
            let (tex, xn, log2_bytes) =
                if small { (l2 >> 6 & 7, bit(l2, 0), 12) } else { (l2 >> 12 & 7, bit(l2, 15), 16) };
            let ap = l2 >> 4 & 3 | (l2 >> 9 & 1) << 2;
            let pxn = regs.features.short_pxn() && bit(l1, 2);
            Ok(Leaf {
                address: l2 as u64,
                log2_bytes,
                level: 2,
                permissions: permissions(regs, ap, xn, pxn),
                memory: Memory::short(regs, tex << 2 | l2 >> 2 & 3, bit(l2, 10)),
                mair_attr: 0,
                global: !bit(l2, 11),
                contiguous: false,
                domain: Some(domain),
                base,
            })
        }
        // Reserved without PXN (B3.5.1).
        0b11 if !regs.features.short_pxn() => Err(fault(FaultKind::Translation, 1, 0)),
        _ => {
            let supersection = bit(l1, 18);
            // Bits 8..5 of a supersection are address bits; its domain is 0.
            let domain = if supersection { 0 } else { (l1 >> 5 & 0xf) as u8 };
            if regs.access_flag() && !bit(l1, 10) {
                return Err(fault(FaultKind::AccessFlag, 1, domain));
            }
            let (address, log2_bytes) = if supersection {
                let high = l1 >> 20 & 0xf | (l1 >> 5 & 0xf) << 4;
                (l1 as u64 | (high as u64) << 32, 24)
            } else {
                (l1 as u64, 20)
            };
            let ap = l1 >> 10 & 3 | (l1 >> 15 & 1) << 2;
            Ok(Leaf {
                address,
                log2_bytes,
                level: 1,
                // Bit 0 can only be set where PXN exists.
                permissions: permissions(regs, ap, bit(l1, 4), bit(l1, 0)),
                memory: Memory::short(regs, (l1 >> 12 & 7) << 2 | l1 >> 2 & 3, bit(l1, 16)),
                mair_attr: 0,
                global: !bit(l1, 17),
                contiguous: false,
                domain: Some(domain),
                base,
            })
        }
    }
}

/// With AFE = 1, AP\[0\] is the access flag and the permissions are those of AP\[2:1\]:1 (B3.7.1).
const fn permissions(regs: &Registers, ap: u32, xn: bool, pxn: bool) -> Permissions {
    let ap = if regs.access_flag() { ap | 1 } else { ap };
    Permissions { ap: ap as u8, xn, pxn }
}
