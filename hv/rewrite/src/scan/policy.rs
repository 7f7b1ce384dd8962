//! What is replaced, depending on how sure it is that it is code.

use super::Phase;
use crate::Tables;
use crate::codes::{Encoded, T32};
use nex_decode::{Class, Decoded, DpOp, Hint, Operand2, Sensitive, Trapping};

/// Whether it is something that the domain leaves to the host.
fn is_left_to_host(class: &Class, tables: &Tables) -> bool {
    let c = match class {
        Class::Sensitive(Sensitive::Gated(c, _)) => c,
        Class::Hint(Hint::Sev) => return !tables.replace_sev,
        _ => return false,
    };
    match (c.cp, c.op1, c.crn, c.crm, c.op2) {
        (15, 0, 13, 0, 2) => !tables.replace_tpidrurw && c.rt != 15,
        (15, 0, 13, 0, 3) => !tables.replace_tpidruro && c.rt != 15,
        _ => false,
    }
}

/// Addresses this far from a page may be in the same image as it.
const IMAGE_BYTES: u32 = 32 << 20;

/// Whether the A32 instruction `word`, which `encoded` says may not stay, is replaced; `base` is the address of the page.
pub(super) fn replaces_a32(
    word: u32,
    decoded: &Decoded,
    encoded: Encoded<u32>,
    phase: Phase,
    base: u32,
    tables: &Tables,
) -> bool {
    match (encoded, phase) {
        (Encoded::Stays, _) => false,
        _ if is_left_to_host(&decoded.class, tables) => false,
        (_, Phase::Certain) => true,
        _ if matches!(decoded.class, Class::Unpredictable | Class::Svc { .. }) => {
            phase == Phase::AfterCall && decoded.cond.is_always()
        }
        _ => decoded.cond.is_always() || !looks_like_data(word, &decoded.class, base),
    }
}

/// Whether an instruction with a condition is more probably a constant or an address that nothing was seen to load.
fn looks_like_data(word: u32, class: &Class, base: u32) -> bool {
    let address = word.wrapping_sub(base).wrapping_add(IMAGE_BYTES) < 2 * IMAGE_BYTES;
    let odd = match class {
        // What there is besides MOVS PC, Rm and SUBS PC, Rn, #imm fixes 9 bits of 32 only, and no compiler makes it.
        Class::Sensitive(Sensitive::DpPcS { op, op2, .. }) => {
            !matches!((op, op2), (DpOp::Mov, Operand2::Reg(_)) | (DpOp::Sub, Operand2::Imm(_)))
        }
        // With EQ it is a small number.
        Class::Sensitive(
            Sensitive::Unprivileged(_)
            | Sensitive::LdmUser { .. }
            | Sensitive::StmUser { .. }
            | Sensitive::LdmReturn { .. },
        ) => word >> 28 == 0,
        _ => false,
    };
    address || odd
}

/// Whether a T32 instruction, which `encoded` says may not stay, is replaced.
pub(super) fn replaces_t32(
    decoded: &Decoded,
    encoded: Encoded<T32>,
    phase: Phase,
    tables: &Tables,
) -> bool {
    match (encoded, phase) {
        (Encoded::Stays, _) => false,
        _ if is_left_to_host(&decoded.class, tables) => false,
        (_, Phase::Certain) => true,
        _ => !matches!(decoded.class, Class::Unpredictable | Class::Trapping(Trapping::Udf { .. })),
    }
}

/// Whether a 32-bit T32 instruction whose second halfword is not known may have to be replaced.
pub(super) fn may_replace(first: u16, phase: Phase) -> bool {
    match first >> 9 {
        // 1110 100x: SRS, RFE (bits 8..=7 are equal); the others are loads and stores of many.
        0b111_0100 => matches!(first >> 7 & 3, 0b00 | 0b11) && first & 0x40 == 0,
        // 1110 110x, 1110 1110: coprocessors.
        0b111_0110 => true,
        0b111_0111 => first & 0x100 == 0,
        // 1111 0011 1xxx xxxx: MSR, hints, CPS, BXJ, SUBS PC, MRS. 1111 0111 1111 xxxx: UDF.
        0b111_1001 => first & 0x180 == 0x180,
        0b111_1011 => first & 0x1f0 == 0x1f0,
        // 1111 100x: LDRT and its family, among all loads and stores of one.
        0b111_1100 => phase != Phase::Swept,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::encode_t32;
    use nex_decode::{ItState, t32, t32_is_wide};

    #[test]
    fn every_first_halfword_of_what_is_replaced() {
        let mut seconds = std::vec::Vec::new();
        for a in 0..16_u16 {
            for fixed in [0x8000, 0xa000, 0xc000, 0x0e00, 0x0f00, 0x0f10, 0x0f30, 0x0f50, 0x0f70, 0x8f00, 0x8500, 0x0e10, 0x5e00] {
                for b in [0, 1, 2, 3, 4, 0x20, 0x60, 0x80, 0x600] {
                    seconds.push(fixed | a << 8 | b);
                    seconds.push(fixed | a << 12 | b);
                    seconds.push(fixed | a | b);
                }
            }
        }
        let (mut found, mut excluded) = (0, 0);
        for first in (0..=0xffff_u16).filter(|&first| t32_is_wide(first)) {
            excluded += u32::from(!may_replace(first, Phase::Certain));
            for &second in &seconds {
                let decoded = t32(first, second, ItState::NONE);
                let encoded = encode_t32(first, second, ItState::NONE);
                if replaces_t32(&decoded, encoded, Phase::AfterCall, &Tables::new(0)) {
                    found += 1;
                    assert!(may_replace(first, Phase::Certain), "{first:04x} {second:04x} {decoded:?}");
                }
            }
        }
        assert!(found > 10_000 && excluded > 3_000, "{found} {excluded}");
    }
}
