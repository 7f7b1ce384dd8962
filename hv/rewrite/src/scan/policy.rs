//! What is replaced, depending on how sure it is that it is code.

use super::Phase;
use crate::codes::{Encoded, T32};
use crate::{PAGE_WORDS, Tables};
use nex_decode::{Class, Decoded, DpOp, Gate, Hint, Offset, Operand2, Sensitive, Trapping};

/// Whether it is something that the domain leaves to the host.
fn is_left_to_host(class: &Class, tables: &Tables) -> bool {
    let c = match class {
        // Behind these gates the host's register has what the guest is to see, or they are closed: the access traps.
        Class::Sensitive(
            Sensitive::Gated(_, Gate::Cntkctl | Gate::Pmuserenr) | Sensitive::Gated64(_, Gate::Cntkctl),
        ) => {
            return true;
        }
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

/// An A32 instruction that may not stay.
pub(super) struct Candidate<'a> {
    pub(super) word: u32,
    pub(super) decoded: &'a Decoded,
    /// The page, and the number of the word in it.
    pub(super) image: &'a [u32; PAGE_WORDS],
    pub(super) index: usize,
    /// The address of the page.
    pub(super) base: u32,
}

/// Whether an A32 instruction is replaced.
pub(super) fn replaces_a32(candidate: &Candidate<'_>, phase: Phase, tables: &Tables) -> bool {
    let (word, class) = (candidate.word, &candidate.decoded.class);
    let always = candidate.decoded.cond.is_always();
    if is_left_to_host(class, tables) {
        return false;
    }
    match phase {
        Phase::Certain => true,
        _ if matches!(class, Class::Unpredictable | Class::Svc { .. }) => phase == Phase::AfterCall && always,
        _ if !always && (is_near(word, candidate.base) || is_loose(class)) => false,
        _ => !is_loose(class) || is_among_code(candidate.image, candidate.index),
    }
}

/// What is known of an A32 instruction without knowing how control comes to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It stays.
    Never,
    /// It is replaced unless it is data.
    Always,
    /// It is replaced where control comes to it otherwise than by the sweep.
    UnlessSwept,
    /// It is replaced where control comes to it in the first phase.
    IfCertain,
}

/// What [`replaces_a32`] says in all phases.
pub(super) fn verdict_a32(candidate: &Candidate<'_>, tables: &Tables) -> Verdict {
    if !replaces_a32(candidate, Phase::Certain, tables) {
        Verdict::Never
    } else if replaces_a32(candidate, Phase::Swept, tables) {
        // What a sweep would replace, the phases before it would.
        Verdict::Always
    } else if replaces_a32(candidate, Phase::AfterCall, tables) {
        Verdict::UnlessSwept
    } else {
        Verdict::IfCertain
    }
}

/// Whether a word may be the address of something in the same image.
fn is_near(word: u32, base: u32) -> bool {
    word.wrapping_sub(base).wrapping_add(IMAGE_BYTES) < 2 * IMAGE_BYTES
}

/// Whether so few bits are fixed in an instruction that a table of arbitrary numbers is likely to have it somewhere.
fn is_loose(class: &Class) -> bool {
    match class {
        Class::Sensitive(
            Sensitive::LdmUser { .. } | Sensitive::StmUser { .. } | Sensitive::LdmReturn { .. },
        ) => true,
        // Where they are used, one element is accessed after the other.
        Class::Sensitive(Sensitive::Unprivileged(u)) => !matches!(u.offset, Offset::Imm(0..=8)),
        // MOVS PC, LR and SUBS PC, LR, #imm are what is used; the others look like addresses and small numbers.
        Class::Sensitive(Sensitive::DpPcS { op, op2, .. }) => {
            !matches!((op, op2), (DpOp::Mov, Operand2::Reg(_)) | (DpOp::Sub, Operand2::Imm(_)))
        }
        _ => false,
    }
}

/// Whether most of the sixteen words around a word have the condition AL, as most A32 instructions do, and one of sixteen
/// arbitrary numbers.
fn is_among_code(image: &[u32; PAGE_WORDS], index: usize) -> bool {
    let around = &image[index.saturating_sub(8)..(index + 9).min(PAGE_WORDS)];
    let always = around.iter().filter(|&&word| word >> 28 == 0xe).count();
    2 * always >= around.len()
}

/// Whether a T32 instruction, which `encoded` says may not stay, is replaced.
pub(super) fn replaces_t32(decoded: &Decoded, encoded: Encoded<T32>, phase: Phase, tables: &Tables) -> bool {
    match (encoded, phase) {
        (Encoded::Stays, _) => false,
        _ if is_left_to_host(&decoded.class, tables) => false,
        (_, Phase::Certain) => true,
        (_, Phase::AfterCall) => {
            !matches!(decoded.class, Class::Unpredictable | Class::Trapping(Trapping::Udf { .. }))
        }
        (_, Phase::Swept) => match decoded.class {
            Class::Unpredictable | Class::Trapping(Trapping::Udf { .. }) => false,
            // Any halfword 0xf8.. or 0xf9.. with another after it may look like one.
            Class::Sensitive(Sensitive::Unprivileged(u)) => matches!(u.offset, Offset::Imm(0..=8)),
            _ => true,
        },
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
            for fixed in [
                0x8000, 0xa000, 0xc000, 0x0e00, 0x0f00, 0x0f10, 0x0f30, 0x0f50, 0x0f70, 0x8f00, 0x8500,
                0x0e10, 0x5e00,
            ] {
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
