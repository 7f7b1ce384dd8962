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

/// What keeps an A32 word from being plain at the first look, as bits.
mod unless {
    /// Bits 15..=12 are R15.
    pub(super) const SECOND_PC: u32 = 1;
    /// Bit 4 is set: it may be of another space.
    pub(super) const BIT_4: u32 = 2;
    /// Bits 19..=16 are R15.
    pub(super) const FIRST_PC: u32 = 16;
    /// It takes a second look.
    pub(super) const ALWAYS: u32 = 128;
}

/// By bits 27..=20 of an A32 word with a condition: what keeps it from being plain.
const UNLESS: [u8; 256] = {
    use unless::*;
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        // The comparisons without S: other instructions.
        let special = i & 0x19 == 0x10;
        // LDRT and its family.
        let unprivileged = i & 0x12 == 0x02;
        table[i] = match i >> 5 {
            0b000 if !special => FIRST_PC | SECOND_PC | BIT_4,
            0b001 if !special => FIRST_PC | SECOND_PC,
            // MOVW, MOVT.
            0b001 if i & 0x1b == 0x10 => SECOND_PC,
            0b010 if !unprivileged => FIRST_PC | SECOND_PC,
            0b011 if !unprivileged => FIRST_PC | SECOND_PC | BIT_4,
            _ => ALWAYS,
        } as u8;
        i += 1;
    }
    table
};

/// Looks at an A32 word.
#[inline(always)]
pub(crate) fn a32(word: u32) -> Quick {
    // Bits 12 and 16 remain where bits 15..=12 and 19..=16 are all set.
    let pairs = word & word >> 1;
    let pc = (pairs & pairs >> 2) >> 12 & (unless::SECOND_PC | unless::FIRST_PC);
    let is = pc | word >> 3 & unless::BIT_4 | unless::ALWAYS;
    if u32::from(UNLESS[(word >> 20 & 0xff) as usize]) & is == 0 && word < 0xf000_0000 {
        return Quick::Plain;
    }
    if word & 0x0e00_0000 == 0x0a00_0000 && word < 0xf000_0000 {
        return Quick::Branch;
    }
    second_look(word)
}

/// For what is not plain at the first look, nor a branch.
#[inline(never)]
fn second_look(word: u32) -> Quick {
    if word >= 0xf000_0000 {
        return Quick::Decode;
    }
    let first_pc = word & 0x000f_0000 == 0x000f_0000;
    let second_pc = word & 0xf000 == 0xf000;
    let plain = match word >> 25 & 7 {
        0b010 if word & 0x0f3f_0000 == 0x051f_0000 && !second_pc => return Quick::Literal,
        // LDM and STM without `^`.
        0b100 if word & 0x0040_0000 != 0 || first_pc || word & 0xffff == 0 => false,
        0b100 if word & 0x0010_8000 == 0x0010_8000 => return Quick::Return,
        0b100 => true,
        // Loads and stores of halfwords, signed bytes and doublewords; LDRD of R14 would load the PC.
        0b000 if word & 0x90 == 0x90 => {
            let multiply = word & 0x60 == 0;
            let unprivileged = word & 0x0120_0000 == 0x0020_0000;
            !multiply && !unprivileged && !first_pc && !second_pc && word & 0xf000 != 0xe000
        }
        // Extensions, packing and reversal; bit fields.
        0b011 if word & 0x10 != 0 => {
            let extends = word & 0x0180_0000 == 0x0080_0000;
            let bit_field = word & 0x01a0_0060 == 0x01a0_0040;
            (extends || bit_field) && !second_pc
        }
        _ => false,
    };
    if plain { Quick::Plain } else { Quick::Decode }
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
