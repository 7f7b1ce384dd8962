//! Putting bytes, originals and codes into a page.

use crate::codes::{self, A32_RECORD, Encoded, T16_RECORD, T16_STRADDLE, T32, T32_RECORD};
use crate::scan::HALFWORDS;
use crate::{Original, PAGE_WORDS, Scratch, Site, Tables};
use nex_decode::{ItState, t32_is_wide};

/// Takes out of what is to be replaced what turned out to be data, and what overlaps another; how many of the latter.
pub(crate) fn drop_overlapping(scratch: &mut Scratch) -> u32 {
    let mut dropped = 0;
    let (mut at, mut free) = (0, 0);
    while let Some(h) = scratch.maps.replace.next(at) {
        at = h + 1;
        let halfwords = original_at(scratch, h).halfwords();
        if scratch.maps.data.any(h, halfwords) {
            scratch.maps.replace.clear(h);
        } else if h < free {
            dropped += 1;
            scratch.maps.replace.clear(h);
        } else {
            free = h + halfwords;
        }
    }
    dropped
}

/// The instruction that begins at a halfword of the image.
pub(crate) fn original_at(scratch: &Scratch, h: usize) -> Original {
    let first = scratch.half(h);
    if !scratch.maps.thumb.has(h) {
        Original::A32(scratch.image[h / 2])
    } else if !t32_is_wide(first) {
        Original::Narrow(first)
    } else if h + 1 < HALFWORDS {
        Original::Wide(u32::from(first) << 16 | u32::from(scratch.half(h + 1)))
    } else {
        Original::Straddle(first)
    }
}

/// What takes the place of a read of TPIDRPRW that need not trap; `moved` says whether there are such.
fn in_tpidrurw(word: u32, moved: bool) -> Option<u32> {
    if moved { codes::tpidrprw_as_tpidrurw(word) } else { None }
}

/// The code for an A32 instruction that is replaced. If `moved`, a read of TPIDRPRW becomes one of TPIDRURW.
pub(crate) fn code_a32(word: u32, moved: bool, tables: &mut Tables) -> u32 {
    match codes::encode_a32(word) {
        Encoded::Code(code) => in_tpidrurw(word, moved).unwrap_or(code),
        _ => {
            let number = tables.a32.number(word);
            let imm = number.map_or(A32_RECORD, |number| 0xff_0000 | u32::from(number));
            codes::with_condition(word, imm)
        }
    }
}

/// The same for a T32 instruction of two halfwords, the first of which is in bits 31..=16.
pub(crate) fn code_t32(word: u32, moved: bool, tables: &mut Tables) -> u32 {
    match codes::encode_t32((word >> 16) as u16, word as u16, ItState::NONE) {
        Encoded::Code(T32::Wide(code)) => in_tpidrurw(word, moved).unwrap_or(code),
        _ => {
            let number = tables.t32.number(word);
            codes::udf_wide(number.map_or(T32_RECORD, |number| 0xf000 | u32::from(number)))
        }
    }
}

/// Puts the code for a site into the image; `moved` as for [`code_a32`].
pub(crate) fn replace(scratch: &mut Scratch, site: &Site, moved: bool, tables: &mut Tables) {
    let h = site.halfword();
    match site.original() {
        Original::A32(word) => scratch.image[h / 2] = code_a32(word, moved, tables),
        Original::Narrow(half) => {
            let code = match codes::encode_t32(half, 0, ItState::NONE) {
                Encoded::Code(T32::Narrow(code)) => code,
                _ => T16_RECORD,
            };
            scratch.set_half(h, code);
        }
        Original::Wide(word) => {
            let code = code_t32(word, moved, tables);
            scratch.set_half(h, (code >> 16) as u16);
            scratch.set_half(h + 1, code as u16);
        }
        Original::Straddle(_) => scratch.set_half(h, T16_STRADDLE),
    }
}

/// Puts the original of a site into a page.
pub(crate) fn overlay(words: &mut [u32; PAGE_WORDS], site: &Site) {
    let original = site.original();
    for n in 0..original.halfwords() {
        let h = site.halfword() + n;
        if let Some(word) = words.get_mut(h / 2) {
            let shift = h % 2 * 16;
            *word = *word & !(0xffff << shift) | u32::from(original.halfword(n)) << shift;
        }
    }
}

/// `word` with `bytes` (up to four) put in from byte `at`, which is the lowest for 0.
pub(crate) fn with_bytes(word: u32, at: usize, bytes: &[u8]) -> u32 {
    let mut all = word.to_le_bytes();
    for (to, from) in all.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
    u32::from_le_bytes(all)
}

pub(crate) fn put_bytes(words: &mut [u32; PAGE_WORDS], begin: usize, bytes: &[u8]) {
    let mut rest = bytes;
    let mut at = begin;
    while !rest.is_empty() {
        let n = rest.len().min(4 - at % 4);
        words[at / 4] = with_bytes(words[at / 4], at % 4, &rest[..n]);
        rest = &rest[n..];
        at += n;
    }
}

/// Words that are made equal to those of an image.
pub(crate) struct Changes<'a> {
    words: &'a mut [u32; PAGE_WORDS],
    image: &'a [u32; PAGE_WORDS],
    first: usize,
    end: usize,
}

impl<'a> Changes<'a> {
    /// `words` is to become `image`.
    pub(crate) fn new(words: &'a mut [u32; PAGE_WORDS], image: &'a [u32; PAGE_WORDS]) -> Self {
        Changes { words, image, first: PAGE_WORDS, end: 0 }
    }

    /// From the first byte that was changed to behind the last one; (0, 0) if none was.
    pub(crate) fn range_bytes(&self) -> (u16, u16) {
        if self.end == 0 { (0, 0) } else { (self.first as u16 * 4, self.end as u16 * 4) }
    }

    /// Makes a word equal.
    pub(crate) fn put(&mut self, word: usize) {
        if self.words[word] != self.image[word] {
            self.words[word] = self.image[word];
            self.first = self.first.min(word);
            self.end = self.end.max(word + 1);
        }
    }
}
