//! Most instructions are plain: innocuous, going on to the next one, without a word in memory named by the PC. A look at a
//! few bits tells that of nearly all of them; only the rest is decoded.

/// What a quick look says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Quick {
    /// Plain.
    Plain,
    /// B or BL in A32, with a condition or without.
    Branch,
    /// LDR or LDRB of A32, with an offset from the PC and another destination than it.
    Literal,
    /// LDM with PC in A32, with a condition or without.
    Return,
    /// Decode it.
    Decode,
}

/// Rules by bits 27..=20 of an A32 word with a condition.
mod rule {
    /// Decode it.
    pub(super) const DECODE: u8 = 0;
    /// Plain unless bits 19..=16 or 15..=12 are R15.
    pub(super) const TWO: u8 = 1;
    /// The same, unless bits 7 and 4 are both set: another space.
    pub(super) const REGISTER: u8 = 2;
    /// Plain unless bits 15..=12 are R15.
    pub(super) const ONE: u8 = 3;
    /// LDM and STM without `^`: plain unless bits 19..=16 are R15, nothing is in the list, or the PC is loaded.
    pub(super) const BLOCK: u8 = 4;
    /// B, BL.
    pub(super) const BRANCH: u8 = 5;
    /// Plain unless bits 19..=16 or 15..=12 are R15; with bit 4 set, another space.
    pub(super) const OFFSET: u8 = 6;
}

const RULES: [u8; 256] = {
    let mut rules = [rule::DECODE; 256];
    let mut i = 0;
    while i < 256 {
        // The comparisons without S: other instructions.
        let special = i & 0x19 == 0x10;
        // LDRT and its family.
        let unprivileged = i & 0x12 == 0x02;
        rules[i] = match i >> 5 {
            0b000 if !special => rule::REGISTER,
            0b001 if !special => rule::TWO,
            // MOVW, MOVT.
            0b001 if i & 0x1b == 0x10 => rule::ONE,
            0b010 if !unprivileged => rule::TWO,
            0b011 if !unprivileged || i & 0x1a == 0x0a => rule::OFFSET,
            0b100 if i & 0x04 == 0 => rule::BLOCK,
            0b101 => rule::BRANCH,
            _ => rule::DECODE,
        };
        i += 1;
    }
    rules
};

/// Looks at an A32 word.
#[inline(always)]
pub(crate) fn a32(word: u32) -> Quick {
    if word >= 0xf000_0000 {
        return Quick::Decode;
    }
    let first_pc = word & 0x000f_0000 == 0x000f_0000;
    let second_pc = word & 0xf000 == 0xf000;
    let plain = match RULES[(word >> 20 & 0xff) as usize] {
        rule::TWO if first_pc && word & 0x0f30_0000 == 0x0510_0000 && !second_pc => return Quick::Literal,
        rule::TWO => !first_pc && !second_pc,
        rule::REGISTER if word & 0x90 == 0x90 => is_plain_extra(word, first_pc || second_pc),
        rule::REGISTER => !first_pc && !second_pc,
        rule::ONE => !second_pc,
        rule::OFFSET if word & 0x10 != 0 => is_plain_media(word, second_pc),
        rule::OFFSET => !first_pc && !second_pc,
        rule::BLOCK if first_pc || word & 0xffff == 0 => false,
        rule::BLOCK if word & 0x0010_8000 == 0x0010_8000 => return Quick::Return,
        rule::BLOCK => true,
        rule::BRANCH => return Quick::Branch,
        _ => word & 0x0e00_0090 == 0x0000_0090 && is_plain_extra(word, first_pc || second_pc),
    };
    if plain { Quick::Plain } else { Quick::Decode }
}

/// Loads and stores of halfwords, signed bytes and doublewords, for a word with bits 27..=25 clear, 7 and 4 set.
fn is_plain_extra(word: u32, pc: bool) -> bool {
    let multiply = word & 0x60 == 0;
    let unprivileged = word & 0x0120_0000 == 0x0020_0000;
    // LDRD of R14 loads the PC.
    !multiply && !unprivileged && !pc && word & 0xf000 != 0xe000
}

/// Extensions, packing and reversal; bit fields; for a word with bits 27..=25 0b011 and 4 set.
fn is_plain_media(word: u32, second_pc: bool) -> bool {
    let extends = word & 0x0180_0000 == 0x0080_0000;
    let bit_field = word & 0x01a0_0060 == 0x01a0_0040;
    (extends || bit_field) && !second_pc
}

/// By bits 15..=8 of a T32 halfword: a bit is set if it is a plain instruction of 16 bits, in an IT block or not.
const PLAIN_T16: [u32; 8] = {
    let mut set = [0; 8];
    let mut i = 0;
    while i < 256 {
        let plain = match i {
            // High registers; LDR (literal).
            0x44..=0x4f => false,
            // CBZ, CBNZ, PUSH and POP (whose list may be empty), CPS, SETEND, IT, REV, hints, BKPT, what is undefined.
            0xb1 | 0xb3..=0xbf => false,
            // STM, LDM, conditional branches, UDF, SVC, B.
            0xc0..=0xe7 => false,
            // Wide.
            0xe8..=0xff => false,
            _ => true,
        };
        if plain {
            set[i >> 5] |= 1 << (i & 31);
        }
        i += 1;
    }
    set
};

/// Whether a T32 halfword is a plain instruction of 16 bits.
#[inline]
pub(crate) fn t16_is_plain(half: u16) -> bool {
    PLAIN_T16[(half >> 13) as usize] >> (half >> 8 & 31) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use nex_decode::{Branch, Class, ItState, Next, Target, flow_a32, flow_t32, t32_is_wide};

    fn is_plain(class: Class, flow: nex_decode::Flow) -> bool {
        class == Class::Innocuous
            && flow.next == Next::Always
            && flow.branch == Branch::None
            && flow.data.is_none()
    }

    #[test]
    fn plain_is_plain_in_a32() {
        let mut plain = 0;
        // Every combination of the bits that a rule looks at, several of the others.
        for high in 0..0x1_0000_u32 {
            for low in (0..0x1_0000_u32).step_by(0x100 + 7).chain([
                0, 0x8000, 0x0001, 0xf090, 0x0090, 0xffff, 0xe0d0, 0xe0b0, 0xf0f0, 0x00b0, 0x0070, 0x0050,
                0x0010, 0x0f10,
            ]) {
                let word = high << 16 | low;
                let (class, flow) = (nex_decode::a32(word).class, flow_a32(word, 0x8000));
                match a32(word) {
                    Quick::Plain => {
                        plain += 1;
                        assert!(is_plain(class, flow), "{word:#010x} {class:?}");
                    }
                    Quick::Branch => {
                        assert_eq!(class, Class::Innocuous);
                        let to = 0x8008_u32.wrapping_add_signed((word << 8) as i32 >> 6);
                        let set = nex_decode::InstructionSet::A32;
                        assert_eq!(flow.branch, Branch::Direct(Target { addr: to, set }));
                    }
                    Quick::Literal => {
                        assert_eq!(
                            (class, flow.next, flow.branch),
                            (Class::Innocuous, Next::Always, Branch::None)
                        );
                        let bytes = if word >> 22 & 1 == 1 { 1 } else { 4 };
                        let offset = word & 0xfff;
                        let addr = if word >> 23 & 1 == 1 { 0x8008 + offset } else { 0x8008 - offset };
                        assert_eq!(flow.data, Some(nex_decode::DataRef { addr, bytes }));
                    }
                    Quick::Return => {
                        let next = if word >> 28 == 0xe { Next::Never } else { Next::IfNotTaken };
                        assert_eq!((class, flow.next, flow.data), (Class::Innocuous, next, None));
                        assert_eq!(flow.branch, Branch::Indirect(nex_decode::Indirect::Load));
                    }
                    Quick::Decode => {}
                }
            }
        }
        assert!(plain > 5_000_000, "{plain}");
    }

    #[test]
    fn plain_is_plain_in_t32() {
        let blocks = [ItState::NONE, ItState::NONE.after(0xbf08), ItState::NONE.after(0xbf04)];
        let mut plain = 0;
        for half in 0..=0xffff_u16 {
            if !t16_is_plain(half) {
                continue;
            }
            plain += 1;
            assert!(!t32_is_wide(half));
            for it in blocks {
                let flow = flow_t32(half, 0, it, 0x8000);
                // ADR forms an address and refers to nothing.
                let plain_flow = nex_decode::Flow { data: flow.data.filter(|data| data.bytes > 0), ..flow };
                assert!(is_plain(nex_decode::t32(half, 0, it).class, plain_flow), "{half:#06x}");
            }
        }
        assert!(plain > 35_000, "{plain}");
    }
}
