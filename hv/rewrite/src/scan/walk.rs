//! Following code.

use super::{Phase, Scan, policy, quick};
use crate::codes::{self, Encoded, FIRST_CODE, T32};
use crate::{InstructionSet, PAGE_WORDS};
use nex_decode::{
    Branch, Class, Flow, Indirect, ItState, Next, Sensitive, Trapping, flow_a32, flow_t32, t32, t32_is_wide,
};

impl Scan<'_> {
    /// Follows A32 code from the even halfword `h` until it ends or is known.
    pub(super) fn run_a32(&mut self, mut h: usize) {
        while h < super::HALFWORDS {
            // Sixteen words at most, with their bits in registers, since most of a scan is spent here.
            let block = h / 32;
            let mut stop = self.stop_a32(block);
            let mut bit = 1_u32 << (h % 32);
            let mut bits = 0;
            let mut decode = None;
            let mut stopped = false;
            while bit != 0 {
                if stop & bit != 0 {
                    stopped = true;
                    break;
                }
                let word = self.scratch.image[h / 2 % PAGE_WORDS];
                bits |= bit;
                bit <<= 2;
                h += 2;
                let goes_on = match quick::a32(word) {
                    quick::Quick::Plain => continue,
                    // What is not noted yet of this block makes it put down targets that are known: no harm.
                    quick::Quick::Branch => self.branch_a32(word, h - 2),
                    quick::Quick::Literal => {
                        self.literal_a32(word, h - 2);
                        stop = self.stop_a32(block);
                        true
                    }
                    quick::Quick::Return => word >> 28 != 0xe,
                    quick::Quick::Decode => {
                        decode = Some(word);
                        break;
                    }
                };
                if !goes_on {
                    self.take_a32(block, bits);
                    return;
                }
            }
            self.take_a32(block, bits);
            if stopped {
                let maps = &self.scratch.maps;
                self.conflicts += u32::from(maps.start.has(h) && maps.thumb.has(h));
                return;
            }
            if let Some(word) = decode
                && !self.decode_a32(word, h - 2)
            {
                return;
            }
        }
    }

    /// Where A32 code may not be claimed, in a block of 32 halfwords: see [`Scan::claim`].
    fn stop_a32(&self, block: usize) -> u32 {
        let maps = &self.scratch.maps;
        // Of both halves of a word, as a bit for the first.
        let either = |bits: u32| bits | bits >> 1;
        match self.phase {
            Phase::Certain => maps.start.block(block),
            Phase::AfterCall => maps.start.block(block) | either(maps.data.block(block)),
            Phase::Swept => either(maps.code.block(block) | maps.data.block(block)),
        }
    }

    /// Claims the A32 instructions at `bits` of a block.
    fn take_a32(&mut self, block: usize, bits: u32) {
        let maps = &mut self.scratch.maps;
        let awaited = maps.pending.block(block) | maps.later.block(block);
        self.conflicts += (awaited & maps.thumb.block(block) & bits).count_ones();
        maps.start.change_block(block, |old| old | bits);
        maps.thumb.change_block(block, |old| old & !bits);
        maps.code.change_block(block, |old| old | bits | bits << 1);
    }

    /// LDR or LDRB with an offset from the PC.
    fn literal_a32(&mut self, word: u32, h: usize) {
        let pc = h as u32 * 2 + 8;
        let distance = word & 0xfff;
        let offset = if word >> 23 & 1 == 1 { pc + distance } else { pc.wrapping_sub(distance) };
        let byte = word >> 22 & 1 == 1;
        if offset % 4 == 0 && !byte && offset < crate::PAGE_BYTES {
            let h = offset as usize / 2;
            if !self.scratch.maps.fixed.has_pair(h) {
                self.scratch.maps.data.set_pair(h);
                return;
            }
        }
        self.mark_data(self.place.base.wrapping_add(offset), if byte { 1 } else { 4 });
    }

    /// B and BL.
    fn branch_a32(&mut self, word: u32, h: usize) -> bool {
        // The offset in words, from two words on.
        let words = (word << 8) as i32 >> 8;
        let target = (h as i32 / 2 + 2).wrapping_add(words);
        if let Ok(target) = usize::try_from(target) {
            self.push(target.saturating_mul(2), InstructionSet::A32);
        }
        if word >> 24 & 1 == 1 { self.after_call(h + 2, InstructionSet::A32) } else { word >> 28 != 0xe }
    }

    fn decode_a32(&mut self, word: u32, h: usize) -> bool {
        let mut word = word;
        let mut decoded = nex_decode::a32(word);
        let is_code = matches!(decoded.class, Class::Svc { imm } if imm >= FIRST_CODE);
        if is_code
            && self.phase != Phase::Swept
            && let Some(original) = codes::decode_a32(word, &self.tables.a32)
        {
            word = original;
            decoded = nex_decode::a32(word);
            self.scratch.image[h / 2] = word;
        }
        let encoded = codes::encode_decoded_a32(word, &decoded);
        if encoded != Encoded::Stays {
            let candidate = policy::Candidate {
                word,
                decoded: &decoded,
                image: &self.scratch.image,
                index: h / 2,
                base: self.place.base,
            };
            if policy::replaces_a32(&candidate, self.phase, self.tables) {
                self.scratch.maps.replace.set(h);
            }
        }
        // These go on, and neither branch nor refer to the PC.
        if matches!(
            decoded.class,
            Class::Hint(_)
                | Class::Trapping(Trapping::Coproc(_) | Trapping::Coproc64(_))
                | Class::Sensitive(
                    Sensitive::Cps { .. }
                        | Sensitive::MrsCpsr { .. }
                        | Sensitive::Msr { .. }
                        | Sensitive::Gated(..)
                )
        ) {
            return true;
        }
        let flow = flow_a32(word, self.place.base.wrapping_add(h as u32 * 2));
        self.follow(&flow, decoded.class, h + 2, InstructionSet::A32)
    }

    /// Follows T32 code from halfword `h`, outside an IT block, until it ends or is known.
    pub(super) fn run_t32(&mut self, mut h: usize) {
        let mut it = ItState::NONE;
        while h < super::HALFWORDS {
            let mut first = self.scratch.half(h);
            if quick::t16_is_plain(first) {
                if !self.claim(h, 1, true) {
                    return;
                }
                it = it.advance();
                h += 1;
                continue;
            }
            let wide = t32_is_wide(first);
            if wide && h + 1 == super::HALFWORDS {
                self.straddle(first, it);
                return;
            }
            let halfwords = 1 + usize::from(wide);
            if !self.claim(h, halfwords, true) {
                return;
            }
            let mut second = if wide { self.scratch.half(h + 1) } else { 0 };
            if self.phase != Phase::Swept
                && let Some(original) = self.copied_t32(first, second)
            {
                (first, second) = original;
                self.scratch.set_half(h, first);
                if wide {
                    self.scratch.set_half(h + 1, second);
                }
            }
            let decoded = t32(first, second, it);
            let encoded = codes::encode_decoded_t32(first, second, &decoded);
            if policy::replaces_t32(&decoded, encoded, self.phase, self.tables) {
                self.scratch.maps.replace.set(h);
            }
            let flow = flow_t32(first, second, it, self.place.base.wrapping_add(h as u32 * 2));
            h += halfwords;
            if !self.follow(&flow, decoded.class, h, InstructionSet::T32) {
                return;
            }
            it = it.after(first);
        }
    }

    /// The original of what the guest copied from rewritten code.
    fn copied_t32(&self, first: u16, second: u16) -> Option<(u16, u16)> {
        let code = match first {
            0xde00..=0xdeff => T32::Narrow(first),
            0xf7f0..=0xf7ff => T32::Wide(u32::from(first) << 16 | u32::from(second)),
            _ => return None,
        };
        match codes::decode_t32(code, &self.tables.t32)? {
            T32::Narrow(half) => Some((half, 0)),
            T32::Wide(word) => Some(((word >> 16) as u16, word as u16)),
        }
    }

    /// A wide instruction that begins with the last halfword of the page.
    fn straddle(&mut self, first: u16, it: ItState) {
        let h = super::HALFWORDS - 1;
        if !self.claim(h, 1, true) {
            return;
        }
        let replaces = match self.place.next {
            Some(second) => {
                let decoded = t32(first, second, it);
                let flow = flow_t32(first, second, it, self.place.base.wrapping_add(h as u32 * 2));
                self.follow(&flow, decoded.class, h + 2, InstructionSet::T32);
                let encoded = codes::encode_decoded_t32(first, second, &decoded);
                policy::replaces_t32(&decoded, encoded, self.phase, self.tables)
            }
            None => policy::may_replace(first, self.phase),
        };
        if replaces {
            self.scratch.maps.replace.set(h);
        }
    }

    /// Notes where an instruction goes and what it refers to; whether control goes on at halfword `next`.
    fn follow(&mut self, flow: &Flow, class: Class, next: usize, set: InstructionSet) -> bool {
        if let Some(data) = flow.data {
            self.mark_data(data.addr, u32::from(data.bytes));
        }
        match flow.branch {
            Branch::None => {}
            Branch::Direct(target) => self.push_addr(target.addr, target.set),
            Branch::Indirect(Indirect::Table { base, entry }) => self.table(base, entry),
            Branch::Indirect(Indirect::Load) => {
                if let Some(data) = flow.data {
                    self.through_literal(data.addr);
                }
            }
            Branch::Indirect(_) => {}
        }
        match flow.next {
            Next::Always | Next::IfNotTaken => true,
            Next::AfterCall => self.after_call(next, set),
            // What follows the others is swept, for it may be data.
            Next::AfterException => matches!(class, Class::Svc { .. }),
            Next::Never => false,
        }
    }

    /// Whether to go on behind a call now.
    fn after_call(&mut self, next: usize, set: InstructionSet) -> bool {
        if self.phase != Phase::Certain {
            return true;
        }
        let maps = &mut self.scratch.maps;
        let thumb = set == InstructionSet::T32;
        let known = maps.start.has(next) || maps.awaits(next);
        if known {
            self.conflicts += u32::from(maps.thumb.has(next) != thumb);
        } else {
            maps.later.set(next);
            maps.thumb.put(next, thumb);
        }
        false
    }
}
