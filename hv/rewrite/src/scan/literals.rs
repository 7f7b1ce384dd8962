//! Constants that a page has for its neighbours: a load reaches 4 KiB.

use super::{Bits, HALFWORDS};
use crate::{InstructionSet, PAGE_WORDS};
use nex_decode::{ItState, flow_a32, flow_t32, t32_is_wide};

/// A neighbour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Before,
    After,
}

/// The page itself is taken to be at this address.
const HERE: u32 = crate::PAGE_BYTES;

/// Marks the halfwords of a page that code of `set` in a neighbour loads from. The whole neighbour is taken for code.
pub(crate) fn mark_loads(neighbour: &[u32; PAGE_WORDS], side: Side, set: InstructionSet, marks: &mut Bits) {
    let base = match side {
        Side::Before => HERE - crate::PAGE_BYTES,
        Side::After => HERE + crate::PAGE_BYTES,
    };
    match set {
        InstructionSet::A32 => mark_loads_a32(neighbour, side, base, marks),
        InstructionSet::T32 => {
            let half = |h: usize| (neighbour[h / 2] >> (h % 2 * 16)) as u16;
            let mut h = 0;
            while h < HALFWORDS {
                let first = half(h);
                let wide = t32_is_wide(first);
                let second = if wide && h + 1 < HALFWORDS { half(h + 1) } else { 0 };
                // LDR (literal) of 16 bits; loads with base R15 of 32 bits.
                if first >> 11 == 0b01001
                    || (wide && first & 0xf == 0xf && first >> 12 != 0xf)
                    || first & 0xfe0f == 0xf80f
                {
                    mark(flow_t32(first, second, ItState::NONE, base + h as u32 * 2).data, marks);
                }
                h += 1 + usize::from(wide);
            }
        }
    }
}

/// Four words at a time, without a loop, and on its own, so that there are registers for all.
#[inline(never)]
fn mark_loads_a32(neighbour: &[u32; PAGE_WORDS], side: Side, base: u32, marks: &mut Bits) {
    let mut look = |i: usize, word: u32| {
        if !word & 0x000f_0000 == 0 {
            mark_a32(word, i, side, base, marks);
        }
    };
    let (blocks, _) = neighbour.as_chunks::<4>();
    for (n, block) in blocks.iter().enumerate() {
        let [a, b, c, d] = *block;
        look(n * 4, a);
        look(n * 4 + 1, b);
        look(n * 4 + 2, c);
        look(n * 4 + 3, d);
    }
}

/// An A32 word in whose bits 19..=16 is R15. Not part of the loop over all words, which few of them leave.
#[inline(never)]
fn mark_a32(word: u32, i: usize, side: Side, base: u32, marks: &mut Bits) {
    let (pc, distance) = (i as u32 * 4 + 8, word & 0xfff);
    // LDR and LDRB; VLDR; halfwords, signed bytes and doublewords.
    let is_load = match word & 0x0e10_0000 {
        _ if word >> 28 == 0xf => false,
        0x0410_0000 => match side {
            Side::Before => word >> 23 & 1 == 1 && pc + distance >= crate::PAGE_BYTES,
            Side::After => word >> 23 & 1 == 0 && pc < distance,
        },
        0x0c10_0000 => true,
        0 | 0x0010_0000 => word & 0x0040_0090 == 0x0040_0090,
        _ => false,
    };
    if is_load {
        mark(flow_a32(word, base + i as u32 * 4).data, marks);
    }
}

fn mark(data: Option<nex_decode::DataRef>, marks: &mut Bits) {
    let Some(data) = data else { return };
    let offset = data.addr.wrapping_sub(HERE);
    // What begins in one page and reaches into the next is not worth the trouble.
    if offset < crate::PAGE_BYTES && data.bytes > 0 {
        let begin = offset as usize / 2;
        let end = (offset as usize + usize::from(data.bytes)).div_ceil(2);
        (begin..end).for_each(|h| marks.set(h));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn found(neighbour: &[u32; PAGE_WORDS], side: Side, set: InstructionSet) -> Vec<usize> {
        let mut marks = Bits::EMPTY;
        mark_loads(neighbour, side, set, &mut marks);
        (0..HALFWORDS).filter(|&h| marks.has(h)).map(|h| h * 2).collect()
    }

    #[test]
    fn loads_from_the_page_behind() {
        let mut before = [0xe1a0_0000; PAGE_WORDS];
        // At 0xfec: vldr d0, [pc, #16]; ldrd r0, [pc, #32]; ldrh r0, [pc, #16]; ldr r0, [pc, #-4]; ldr r0, [pc, #4].
        before[1019..].copy_from_slice(&[0xed9f_0b04, 0xe1cf_02d0, 0xe1df_01b0, 0xe51f_0004, 0xe59f_0004]);
        let expected = [0x4, 0x6, 0x8, 0xa, 0xc, 0x18, 0x1a, 0x1c, 0x1e];
        assert_eq!(found(&before, Side::Before, InstructionSet::A32), expected);
        assert!(found(&before, Side::After, InstructionSet::A32).is_empty());
    }

    #[test]
    fn loads_from_the_page_before() {
        let mut after = [0xe1a0_0000; PAGE_WORDS];
        // At 8: ldr r0, [pc, #-20].
        after[2] = 0xe51f_0014;
        assert_eq!(found(&after, Side::After, InstructionSet::A32), [0xffc, 0xffe]);
    }

    #[test]
    fn loads_in_t32() {
        let mut before = [0xbf00_bf00; PAGE_WORDS];
        // At 0xff8: ldr r0, [pc, #8] of 16 bits; ldr.w r0, [pc, #16] on a halfword boundary; nop.
        before[1022] = 0xf8df_4802;
        before[1023] = 0xbf00_0010;
        assert_eq!(found(&before, Side::Before, InstructionSet::T32), [0x4, 0x6, 0xc, 0xe]);
    }
}
