//! T32: A6 of the manual for the encodings.

use super::{Next, holds, interworking, load, offset_by, sign_extend};

type Read<'a> = &'a mut dyn FnMut(u32, u32) -> Option<u32>;

pub(super) fn next(r: &[u32; 16], cpsr: u32, read: Read<'_>) -> Option<Next> {
    let pc = r[15];
    if pc & 1 != 0 {
        return None;
    }
    let first = read(pc, 2)?;
    // 0b11101, 0b11110 and 0b11111 begin instructions of two halfwords (A6.1).
    let long = first >> 11 >= 0b11101;
    let second = if long { read(pc.wrapping_add(2), 2)? } else { 0 };
    let size = if long { 4 } else { 2 };
    let uses_status = if long { status_long(first, second) } else { status_short(first) };
    let behind = Next { address: pc.wrapping_add(size), thumb: true, uses_status };

    // ITSTATE: bits 15 to 10 and 26 to 25 of the CPSR. In an IT block its upper half is the condition (A2.5.2).
    let it = cpsr >> 8 & 0xfc | cpsr >> 25 & 3;
    if it & 0xf != 0 && !holds(it >> 4, cpsr) {
        return Some(behind);
    }
    // As an operand, the program counter reads as the instruction's address plus 4.
    let mut seen = *r;
    seen[15] = pc.wrapping_add(4);
    if long {
        next_long(first, second, &seen, cpsr, behind, read)
    } else {
        next_short(first, &seen, cpsr, behind, read)
    }
}

/// CPS, and the hints beside IT.
fn status_short(insn: u32) -> bool {
    insn & 0xffe0 == 0xb660 || insn & 0xff0f == 0xbf00
}

/// MSR, CPS, hints and MRS.
fn status_long(first: u32, second: u32) -> bool {
    second & 0xd000 == 0x8000 && (matches!(first & 0xffe0, 0xf380 | 0xf3e0) || first & 0xfff0 == 0xf3a0)
}

fn branch(from: u32, offset: u32, behind: Next) -> Option<Next> {
    Some(Next { address: from.wrapping_add(offset), ..behind })
}

/// A result that becomes the program counter without a change of state (BranchWritePC).
fn write(value: u32, behind: Next) -> Option<Next> {
    Some(Next { address: value & !1, ..behind })
}

fn next_short(insn: u32, r: &[u32; 16], cpsr: u32, behind: Next, read: Read<'_>) -> Option<Next> {
    let high_register = (insn >> 3 & 0xf) as usize;
    let destination = insn & 7 | insn >> 4 & 8;
    match insn >> 8 {
        0x44 if destination == 15 => write(r[15].wrapping_add(r[high_register]), behind),
        0x46 if destination == 15 => write(r[high_register], behind),
        0x47 => interworking(r[high_register]),
        // CBZ and CBNZ: 1011 o0i1.
        0xb1 | 0xb3 | 0xb9 | 0xbb => {
            let non_zero = insn & 1 << 11 != 0;
            let offset = insn >> 3 & 0x40 | insn >> 2 & 0x3e;
            let taken = (r[(insn & 7) as usize] != 0) == non_zero;
            if taken { branch(r[15], offset, behind) } else { Some(behind) }
        }
        // POP with the program counter, the last of the list.
        0xbd => load(r[13].wrapping_add(4 * (insn & 0xff).count_ones()), read),
        // B with a condition; 14 is UDF, 15 SVC.
        0xd0..=0xdd => {
            let taken = holds(insn >> 8 & 0xf, cpsr);
            if taken { branch(r[15], sign_extend(insn, 8) << 1, behind) } else { Some(behind) }
        }
        0xe0..=0xe7 => branch(r[15], sign_extend(insn, 11) << 1, behind),
        _ => Some(behind),
    }
}

fn next_long(
    first: u32,
    second: u32,
    r: &[u32; 16],
    cpsr: u32,
    behind: Next,
    read: Read<'_>,
) -> Option<Next> {
    let base = r[(first & 0xf) as usize];
    // 1110 100x x0xx: LDM, STM, RFE, SRS (A6.3.5).
    if first & 0xfe40 == 0xe800 {
        let is_load = first & 0x10 != 0;
        return match (is_load, first >> 7 & 3) {
            (true, 0b00 | 0b11) => None, // RFE
            (true, mode) if second & 0x8000 != 0 => {
                let bytes = 4 * second.count_ones();
                // Increment after has the program counter at the end, decrement before right below the base.
                let end = if mode == 0b01 { base.wrapping_add(bytes) } else { base };
                load(end.wrapping_sub(4), read)
            }
            _ => Some(behind),
        };
    }
    // TBB and TBH (A8.8.237).
    if first & 0xfff0 == 0xe8d0 && second & 0xffe0 == 0xf000 {
        let index = r[(second & 0xf) as usize];
        let entry = if second & 0x10 != 0 {
            let at = base.wrapping_add(index << 1);
            if at & 1 != 0 {
                return None;
            }
            read(at, 2)?
        } else {
            read(base.wrapping_add(index), 1)?
        };
        return branch(r[15], 2 * entry, behind);
    }
    if first >> 11 == 0b11110 && second & 0x8000 != 0 {
        return control(first, second, r, cpsr, behind);
    }
    // LDR (word) into the program counter (A8.8.62 to A8.8.66).
    if first & 0xff70 == 0xf850 && second >> 12 == 15 {
        let at = if first & 0xf == 15 {
            offset_by(base & !3, second & 0xfff, first & 0x80 != 0)
        } else if first & 0x80 != 0 {
            base.wrapping_add(second & 0xfff)
        } else if second & 0x0fc0 == 0 {
            base.wrapping_add(r[(second & 0xf) as usize] << (second >> 4 & 3))
        } else if second & 0x0800 != 0 {
            match second >> 8 & 7 {
                // P, U, W: indexed before, up or down, with or without write-back.
                0b100 | 0b101 | 0b111 => offset_by(base, second & 0xff, second & 0x200 != 0),
                0b001 | 0b011 => base,
                _ => return None, // LDRT, or undefined
            }
        } else {
            return None;
        };
        return load(at, read);
    }
    Some(behind)
}

/// Branches and miscellaneous control (A6.3.4).
fn control(first: u32, second: u32, r: &[u32; 16], cpsr: u32, behind: Next) -> Option<Next> {
    let sign = first >> 10 & 1;
    let (j1, j2) = (second >> 13 & 1, second >> 11 & 1);
    let far = || {
        let (i1, i2) = (1 ^ j1 ^ sign, 1 ^ j2 ^ sign);
        let offset = sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3ff) << 12 | (second & 0x7ff) << 1;
        sign_extend(offset, 25)
    };
    match second >> 12 & 0b101 {
        0b001 | 0b101 => branch(r[15], far(), behind),
        // BLX: to A32, relative to the aligned program counter; bit 0 must be clear.
        0b100 if second & 1 == 0 => {
            Some(Next { address: (r[15] & !3).wrapping_add(far()), thumb: false, uses_status: false })
        }
        0b100 => None,
        _ if first >> 7 & 7 != 7 => {
            let offset = sign << 20 | j2 << 19 | j1 << 18 | (first & 0x3f) << 12 | (second & 0x7ff) << 1;
            if holds(first >> 6 & 0xf, cpsr) {
                branch(r[15], sign_extend(offset, 21), behind)
            } else {
                Some(behind)
            }
        }
        _ => match first & 0xfff0 {
            0xf3c0 => interworking(r[(first & 0xf) as usize]), // BXJ
            0xf3d0 => None,                                    // SUBS PC, LR: an exception return
            _ => Some(behind),
        },
    }
}
