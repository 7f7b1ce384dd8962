//! Sequences from LDREX to STREX, which have to be passed in one go.

use super::{Next, T_BIT};

/// Instructions looked at behind the LDREX: more would be no use, as the reservation may be lost by then (A3.4.5).
const MOST: u32 = 16;

/// Where a sequence that begins with the instruction at hand can lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Atomic {
    /// Behind the STREX.
    pub end: Next,
    /// Where the one conditional branch before it leads, if there is one: a comparison that failed.
    pub exit: Option<Next>,
}

/// If the instruction at `r[15]` is an LDREX (of any size) and a STREX follows in a straight line: where execution goes on
/// behind them. A stop in between would lose the reservation, and the program would try again for ever.
///
/// Arguments as for [`next`](super::next). `None` if it is no such sequence: then a single step is as good as any.
pub fn atomic(r: &[u32; 16], cpsr: u32, read: &mut dyn FnMut(u32, u32) -> Option<u32>) -> Option<Atomic> {
    let thumb = cpsr & T_BIT != 0;
    let fetch = if thumb { fetch_t32 } else { fetch_a32 };
    let first = fetch(r[15], read)?;
    if first.kind != Kind::Load {
        return None;
    }
    let at = |address| Next { address, thumb, uses_status: false };
    let mut pc = r[15].wrapping_add(first.bytes);
    let mut target = None;
    for _ in 0..MOST {
        let here = fetch(pc, read)?;
        let behind = pc.wrapping_add(here.bytes);
        match here.kind {
            Kind::Store => {
                let exit = target.filter(|to| !(r[15]..=behind).contains(to)).map(at);
                return Some(Atomic { end: at(behind), exit });
            }
            // Two ways out are one too many to wait for.
            Kind::Branch(to) if target.is_none_or(|other| other == to) => target = Some(to),
            Kind::Branch(_) | Kind::Load | Kind::Leaves => return None,
            Kind::Other => {}
        }
        pc = behind;
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Load,
    Store,
    /// A conditional branch.
    Branch(u32),
    /// Anything else that may change the program counter.
    Leaves,
    Other,
}

struct Fetched {
    kind: Kind,
    bytes: u32,
}

/// A32: A8.8.75 (LDREX) and its neighbours, A8.8.212 (STREX), A8.8.18 (B).
fn fetch_a32(pc: u32, read: &mut dyn FnMut(u32, u32) -> Option<u32>) -> Option<Fetched> {
    let word = read(pc, 4)?;
    let kind = if word & 0x0f90_0fff == 0x0190_0f9f {
        Kind::Load
    } else if word & 0x0f90_0ff0 == 0x0180_0f90 {
        Kind::Store
    } else if word & 0x0f00_0000 == 0x0a00_0000 && word >> 28 < 0xe {
        Kind::Branch(pc.wrapping_add(8).wrapping_add(((word << 8) as i32 >> 6) as u32))
    } else if word & 0x0e00_0000 == 0x0a00_0000
        || word & 0x0fff_ffd0 == 0x012f_ff10
        || word & 0x0e10_8000 == 0x0810_8000
        || word & 0x0c10_f000 == 0x0410_f000
    {
        // B, BL, BLX; BX and BLX by register; LDM and LDR of the program counter.
        Kind::Leaves
    } else {
        Kind::Other
    };
    Some(Fetched { kind, bytes: 4 })
}

/// T32: the same instructions, and CBZ and CBNZ.
fn fetch_t32(pc: u32, read: &mut dyn FnMut(u32, u32) -> Option<u32>) -> Option<Fetched> {
    let first = read(pc, 2)?;
    let pc_read = pc.wrapping_add(4);
    if first >> 11 < 0b11101 {
        let kind = match first {
            // B<c>, but not UDF and SVC.
            _ if first >> 12 == 0b1101 && first >> 8 & 0xf < 0xe => {
                Kind::Branch(pc_read.wrapping_add((first as u8 as i8 as i32 * 2) as u32))
            }
            _ if first & 0xf500 == 0xb100 => {
                Kind::Branch(pc_read.wrapping_add((first >> 9 & 1) << 6 | (first >> 3 & 0x1f) << 1))
            }
            // B; BX and BLX; POP with the program counter.
            _ if first >> 11 == 0b11100 || first & 0xff00 == 0x4700 || first & 0xff00 == 0xbd00 => {
                Kind::Leaves
            }
            _ => Kind::Other,
        };
        return Some(Fetched { kind, bytes: 2 });
    }
    let second = read(pc.wrapping_add(2), 2)?;
    let sized = matches!(second >> 4 & 0xf, 4 | 5 | 7);
    let kind = match first & 0xfff0 {
        0xe850 => Kind::Load,
        0xe8d0 if sized => Kind::Load,
        0xe840 => Kind::Store,
        0xe8c0 if sized => Kind::Store,
        // Branches, also conditional ones with a 20-bit offset, and TBB, TBH.
        _ if first >> 11 == 0b11110 && second & 0x8000 != 0 => Kind::Leaves,
        0xe8d0 if second & 0xffe0 == 0xf000 => Kind::Leaves,
        // LDR and LDM of the program counter.
        _ if first & 0xff70 == 0xf850 && second >> 12 == 0xf => Kind::Leaves,
        _ if first & 0xfe50 == 0xe810 && second & 0x8000 != 0 => Kind::Leaves,
        _ => Kind::Other,
    };
    Some(Fetched { kind, bytes: 4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u32 = 0x8000;

    fn run(cpsr: u32, bytes: &[u8]) -> Option<(u32, Option<u32>)> {
        let mut r = [0; 16];
        r[15] = BASE;
        let mut read = |at: u32, width: u32| {
            let from = at.checked_sub(BASE)? as usize;
            let unit = bytes.get(from..from + width as usize)?;
            Some(unit.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte)))
        };
        atomic(&r, cpsr, &mut read).map(|a| (a.end.address, a.exit.map(|exit| exit.address)))
    }

    fn a32(words: &[u32]) -> Option<(u32, Option<u32>)> {
        run(0x10, &words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>())
    }

    fn t32(halves: &[u16]) -> Option<(u32, Option<u32>)> {
        run(0x30, &halves.iter().flat_map(|half| half.to_le_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn a_counter() {
        // ldrex r1, [r0]; add r1, r1, #1; strex r2, r1, [r0]; cmp r2, #0; bne back
        let code = [0xe190_1f9f, 0xe281_1001, 0xe180_2f91, 0xe352_0000, 0x1aff_fffa];
        assert_eq!(a32(&code), Some((BASE + 12, None)));
        // It must be the instruction at hand.
        assert_eq!(a32(&code[1..]), None);
        // ldrex r1, [r0]; adds r1, #1; strex r2, r1, [r0]
        assert_eq!(t32(&[0xe850, 0x1f00, 0x3101, 0xe840, 0x1200]), Some((BASE + 10, None)));
    }

    #[test]
    fn a_comparison() {
        // ldrexb r3, [r0]; cmp r3, r1; bne +0x20; strexb r4, r2, [r0]
        assert_eq!(
            a32(&[0xe1d0_3f9f, 0xe153_0001, 0x1a00_0006, 0xe1c0_4f92]),
            Some((BASE + 16, Some(BASE + 0x28)))
        );
        // ldrexb r3, [r0]; cmp r3, r1; bne +0x10; strexb r4, r2, [r0]
        assert_eq!(
            t32(&[0xe8d0, 0x3f4f, 0x428b, 0xd106, 0xe8c0, 0x2f44]),
            Some((BASE + 12, Some(BASE + 0x16)))
        );
        // A branch back to the LDREX leaves nothing to wait for.
        assert_eq!(a32(&[0xe190_1f9f, 0xe353_0000, 0x0aff_fffc, 0xe180_2f91]), Some((BASE + 16, None)));
        // cbz r3, +8 in T32.
        assert_eq!(t32(&[0xe850, 0x3f00, 0xb113, 0xe840, 0x1200]), Some((BASE + 10, Some(BASE + 12))));
    }

    #[test]
    fn no_sequence() {
        // No STREX within reach; two exits; a call; a return; unreadable.
        let mut long = [0xe1a0_0000u32; 40];
        long[0] = 0xe190_1f9f;
        assert_eq!(a32(&long), None);
        assert_eq!(a32(&[0xe190_1f9f, 0x1a00_0006, 0x1a00_0009, 0xe180_2f91]), None);
        assert_eq!(a32(&[0xe190_1f9f, 0xeb00_0006, 0xe180_2f91]), None);
        assert_eq!(a32(&[0xe190_1f9f, 0xe12f_ff1e, 0xe180_2f91]), None);
        assert_eq!(a32(&[0xe190_1f9f]), None);
        assert_eq!(t32(&[0xe850, 0x1f00, 0x4770, 0xe840, 0x1200]), None);
    }
}
