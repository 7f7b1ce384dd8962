//! Advanced SIMD element and structure loads and stores (DDI 0406C A7.7, table A7-20 and A7-21, A8.8.320 to A8.8.331,
//! A8.8.404 to A8.8.411). The low 24 bits are the same in both instruction sets.

use nex_decode::bits::{bit, field, reg};

use crate::insn::{Lanes, Step, Structures};

/// What the fields of an instruction say, apart from registers.
struct Form {
    elements: u8,
    element_bytes: u8,
    spacing: u8,
    lanes: Lanes,
    align_bytes: u8,
}

/// `None` for what is UNDEFINED, and for registers past the last one, which is UNPREDICTABLE.
pub(super) fn decode(word: u32) -> Option<Structures> {
    let load = bit(word, 21);
    let form = match (bit(word, 23), field(word, 10, 2)) {
        (false, _) => multiple(word)?,
        (true, 0b11) if load => all_lanes(word)?,
        (true, 0b11) => return None,
        (true, log2) => one_lane(word, log2)?,
    };
    let structures = Structures {
        load,
        elements: form.elements,
        element_bytes: form.element_bytes,
        first: (field(word, 22, 1) << 4) as u8 | reg(word, 12),
        spacing: form.spacing,
        lanes: form.lanes,
        align_bytes: form.align_bytes,
        rn: reg(word, 16),
        wback: match reg(word, 0) {
            15 => None,
            13 => Some(Step::Len),
            rm => Some(Step::Reg(rm)),
        },
    };
    (structures.last_register() < 32).then_some(structures)
}

/// Whole registers.
fn multiple(word: u32) -> Option<Form> {
    let (log2, align) = (field(word, 6, 2), field(word, 4, 2));
    // Elements, registers for each, spacing, and which values of `align` are UNDEFINED, a bit for each.
    let (elements, count, spacing, wrong_aligns) = match field(word, 8, 4) {
        0b0111 => (1, 1, 1, 0b1100),
        0b1010 => (1, 2, 1, 0b1000),
        0b0110 => (1, 3, 1, 0b1100),
        0b0010 => (1, 4, 1, 0),
        0b1000 => (2, 1, 1, 0b1000),
        0b1001 => (2, 1, 2, 0b1000),
        0b0011 => (2, 2, 2, 0),
        0b0100 => (3, 1, 1, 0b1100),
        0b0101 => (3, 1, 2, 0b1100),
        0b0000 => (4, 1, 1, 0),
        0b0001 => (4, 1, 2, 0),
        _ => return None,
    };
    // Only VLD1 and VST1 have doublewords.
    if wrong_aligns >> align & 1 == 1 || (elements > 1 && log2 == 3) {
        return None;
    }
    Some(Form {
        elements,
        element_bytes: 1 << log2,
        spacing,
        lanes: Lanes::Registers { count },
        align_bytes: if align == 0 { 1 } else { 4 << align },
    })
}

/// One lane of each register; `log2` (0..=2) is that of the element's size.
fn one_lane(word: u32, log2: u32) -> Option<Form> {
    let elements = field(word, 8, 2) as u8 + 1;
    // From the top: the lane, the spacing if the element is wider than a byte, the alignment in what is left.
    let index_align = field(word, 4, 4);
    let lane = (index_align >> (log2 + 1)) as u8;
    let rest = index_align & ((2 << log2) - 1);
    let wide = log2 > 0 && rest >> log2 & 1 == 1;
    let align = rest & ((1 << log2.max(1)) - 1);
    let element_bytes = 1_u8 << log2;
    let align_bytes = match (elements, log2, align) {
        (_, _, 0) => 1,
        // VLD1 and VST1 of a word: both bits or none.
        (1, 1, 1) => 2,
        (1, 2, 0b11) => 4,
        (2, _, 1) => 2 * element_bytes,
        (4, 0 | 1, 1) => 4 * element_bytes,
        (4, 2, 1) => 8,
        (4, 2, 2) => 16,
        _ => return None,
    };
    // VLD1 has no second register.
    if elements == 1 && wide {
        return None;
    }
    let spacing = if wide { 2 } else { 1 };
    Some(Form { elements, element_bytes, spacing, lanes: Lanes::One { lane }, align_bytes })
}

/// One structure to all lanes.
fn all_lanes(word: u32) -> Option<Form> {
    let elements = field(word, 8, 2) as u8 + 1;
    let (log2, two, align) = (field(word, 6, 2), bit(word, 5), bit(word, 4));
    let element_bytes = if log2 == 3 { 4 } else { 1_u8 << log2 };
    let align_bytes = match (elements, log2, align) {
        // Size 0b11 is VLD4 of aligned words.
        (4, 3, true) => 16,
        (_, 3, _) => return None,
        (_, _, false) => 1,
        (1, 0, true) | (3, ..) => return None,
        (1, _, true) => element_bytes,
        (2, _, true) => 2 * element_bytes,
        (_, 2, true) => 8,
        (_, _, true) => 4 * element_bytes,
    };
    // In VLD1 the bit is the number of registers, in others their spacing.
    let n = if two { 2 } else { 1 };
    let (count, spacing) = if elements == 1 { (n, 1) } else { (1, n) };
    Some(Form { elements, element_bytes, spacing, lanes: Lanes::All { count }, align_bytes })
}
