//! Loads and stores (DDI 0406C A5.2.7, A5.2.8, A5.3, A5.5, A6.3.5 to A6.3.10).
//!
//! The base register is set just before. Where UNPREDICTABLE is near (write-back to what is loaded, lists with the base
//! in them), registers are chosen to be different.

use super::{Generator, Isa};
use crate::machine::layout::DATA_PAGES;

/// Where an access is to go, and the registers for it.
struct Place {
    address: u32,
    /// The base.
    n: u32,
    /// What is loaded or stored.
    t: u32,
    /// The offset.
    m: u32,
}

impl Generator<'_> {
    /// An address to load from or store to, where five words on either side are the case's too.
    pub(super) fn data_address(&mut self) -> u32 {
        let window = self.rng.pick(self.permit.windows);
        let page = self.rng.below(DATA_PAGES);
        let offset = if self.rng.percent(50) {
            0x18 + self.rng.below(0x30)
        } else {
            // Over the end of the page, unless what is behind is not the case's.
            0xfb8 + self.rng.below(if page + 1 < DATA_PAGES { 0x48 } else { 0x28 })
        };
        // With the MMU off memory is Strongly-ordered, and an unaligned access UNPREDICTABLE (A3.2.2).
        let unaligned = self.permit.mmu && self.rng.percent(25);
        window + (page << 12) + if unaligned { offset } else { offset & !7 }
    }

    fn place(&mut self, low: bool) -> Place {
        let address = self.data_address();
        if low {
            let n = self.low(&[]);
            let t = self.low(&[n]);
            let m = self.low(&[n, t]);
            return Place { address, n, t, m };
        }
        let n = self.scratch(&[]);
        let t = loop {
            let t = self.target();
            if t != n {
                break t;
            }
        };
        let m = self.scratch(&[n, t]);
        Place { address, n, t, m }
    }

    /// The base register for an access at `offset` from it, before or after the write-back.
    fn set_base(&mut self, place: &Place, pre: bool, up: bool, offset: u32) {
        let offset = if !pre { 0 } else { offset };
        let base = if up { place.address.wrapping_sub(offset) } else { place.address.wrapping_add(offset) };
        self.load_word(place.n, base);
    }

    /// A load or store of any kind.
    pub(super) fn memory(&mut self) {
        match (self.isa, self.rng.below(6)) {
            (Isa::A32, 0 | 1) => self.a32_word(),
            (Isa::A32, 2 | 3) => self.a32_extra(),
            (Isa::A32, 4) => self.a32_multiple(),
            (Isa::A32, _) => self.a32_swap(),
            (Isa::T32, 0) => self.t32_imm12(),
            (Isa::T32, 1) => self.t32_imm8(),
            (Isa::T32, 2) => self.t32_dual(),
            (Isa::T32, 3) => self.t32_multiple(),
            (Isa::T32, 4) => self.t32_register(),
            (Isa::T32, _) => self.t16_memory(),
        }
    }

    /// Bits that may be set: without W, which makes the unprivileged forms, where no scan follows the code. They have few
    /// fixed bits, so Nex does not replace them there unless all around is code.
    fn allowed(&self) -> u32 {
        if self.followed { !0 } else { !(1 << 21) }
    }

    /// LDR, STR, LDRB, STRB, LDRT and so on.
    fn a32_word(&mut self) {
        let place = self.place(false);
        let bits = self.rng.next() & self.allowed();
        let (pre, up) = (bits >> 24 & 1 != 0, bits >> 23 & 1 != 0);
        let word = self.condition() << 28 | 0x0400_0000 | bits & 0x01f0_0000 | place.n << 16 | place.t << 12;
        if self.rng.percent(50) {
            let offset = self.rng.below(0x1000);
            self.set_base(&place, pre, up, offset);
            self.a32(word | offset);
        } else {
            let (index, shift) = (self.rng.below(64), self.rng.below(4));
            self.set_base(&place, pre, up, index << shift);
            self.load_word(place.m, index);
            self.a32(word | 1 << 25 | shift << 7 | place.m);
        }
    }

    /// Halfwords, signed bytes, doublewords, and the unprivileged ones.
    fn a32_extra(&mut self) {
        let mut place = self.place(false);
        let mut bits = self.rng.next() & self.allowed();
        let sh = 1 + self.rng.below(3);
        let dual = bits >> 20 & 1 == 0 && sh != 1;
        if dual {
            // Rt even, not LR; n and m are no part of the pair. P = 0 with W = 1 is UNPREDICTABLE.
            place.t = self.rng.below(6) * 2;
            place.n = self.scratch(&[place.t, place.t + 1]);
            place.m = self.scratch(&[place.t, place.t + 1, place.n]);
            if bits >> 24 & 1 == 0 {
                bits &= !(1 << 21);
            }
        }
        let (pre, up) = (bits >> 24 & 1 != 0, bits >> 23 & 1 != 0);
        let word =
            self.condition() << 28 | bits & 0x01b0_0000 | place.n << 16 | place.t << 12 | sh << 5 | 0x90;
        let offset = self.rng.below(256);
        self.set_base(&place, pre, up, offset);
        if self.rng.percent(50) {
            self.a32(word | 1 << 22 | offset >> 4 << 8 | offset & 15);
        } else {
            self.load_word(place.m, offset);
            self.a32(word | place.m);
        }
    }

    /// One to five registers, without SP, PC and the base.
    fn list(&mut self, n: u32, of: u32) -> u32 {
        let mut list = 0;
        for _ in 0..1 + self.rng.below(5) {
            list |= 1 << self.rng.below(of);
        }
        let list = list & !(1 << 13 | 1 << n);
        if list == 0 { 1 << ((n + 1) % 8) } else { list }
    }

    fn a32_multiple(&mut self) {
        let place = self.place(false);
        let bits = self.rng.next() & 0x01b0_0000;
        let list = self.list(place.n, 15);
        self.set_base(&place, false, true, 0);
        let condition = self.condition();
        self.a32(condition << 28 | 0x0800_0000 | bits | place.n << 16 | list);
    }

    /// SWP and SWPB: undefined unless SCTLR.SW.
    fn a32_swap(&mut self) {
        let mut place = self.place(false);
        place.address &= !3;
        let byte = self.rng.below(2) << 22;
        self.set_base(&place, false, true, 0);
        let condition = self.condition();
        self.a32(condition << 28 | 0x0100_0090 | byte | place.n << 16 | place.t << 12 | place.m);
    }

    /// A size, whether to load, and whether with a sign, in their places.
    fn t32_kind(&mut self) -> u32 {
        let size = self.rng.below(3);
        let load = self.rng.below(2);
        let signed = if size < 2 && load == 1 { self.rng.below(2) } else { 0 };
        size << 21 | load << 20 | signed << 24
    }

    fn t32_imm12(&mut self) {
        let (place, kind, offset) = (self.place(false), self.t32_kind(), self.rng.below(0x1000));
        self.set_base(&place, true, true, offset);
        self.t32(0xf880_0000 | kind | place.n << 16 | place.t << 12 | offset);
    }

    fn t32_imm8(&mut self) {
        let (place, kind, offset) = (self.place(false), self.t32_kind(), self.rng.below(256));
        // P, U, W: not without P and W; with P and U only it is the unprivileged form, which always adds.
        let puw = self.rng.pick(if self.followed { &[1, 3, 4, 5, 6, 7] } else { &[1, 3, 4, 5, 7] });
        self.set_base(&place, puw & 4 != 0, puw & 2 != 0, offset);
        self.t32(0xf800_0800 | kind | place.n << 16 | place.t << 12 | puw << 8 | offset);
    }

    fn t32_register(&mut self) {
        let (place, kind) = (self.place(false), self.t32_kind());
        let (index, shift) = (self.rng.below(64), self.rng.below(4));
        self.set_base(&place, true, true, index << shift);
        self.load_word(place.m, index);
        self.t32(0xf800_0000 | kind | place.n << 16 | place.t << 12 | shift << 4 | place.m);
    }

    fn t32_dual(&mut self) {
        let (place, offset) = (self.place(false), self.rng.below(64));
        let puw = self.rng.pick(&[1, 3, 4, 5, 6, 7]);
        let load = self.rng.below(2);
        self.set_base(&place, puw & 4 != 0, puw & 2 != 0, offset * 4);
        let puw = (puw >> 1) << 23 | (puw & 1) << 21;
        self.t32(0xe840_0000 | puw | load << 20 | place.n << 16 | place.t << 12 | place.m << 8 | offset);
    }

    /// Two registers at least, and not both LR and PC.
    fn t32_multiple(&mut self) {
        let place = self.place(false);
        let mut list = self.list(place.n, 15);
        if list.count_ones() < 2 {
            let more = self.low(&[place.n, list.trailing_zeros()]);
            list |= 1 << more;
        }
        let direction = self.rng.pick(&[0x0080_0000, 0x0100_0000]);
        let bits = self.rng.next() & 0x0030_0000;
        self.set_base(&place, false, true, 0);
        self.t32(0xe800_0000 | direction | bits | place.n << 16 | list);
    }

    fn t16_memory(&mut self) {
        let place = self.place(true);
        let imm5 = self.rng.below(32);
        let load = self.rng.below(2) << 11;
        match self.rng.below(5) {
            0 => {
                let list = self.list(place.n, 8);
                self.set_base(&place, false, true, 0);
                self.t16(0xc000 | load | place.n << 8 | list);
            }
            1 => {
                let op = self.rng.below(8);
                self.set_base(&place, true, true, imm5);
                self.load_word(place.m, imm5);
                self.t16(0x5000 | op << 9 | place.m << 6 | place.n << 3 | place.t);
            }
            kind => {
                let (op, shift) = [(0x6000, 2), (0x7000, 0), (0x8000, 1)][kind as usize - 2];
                self.set_base(&place, true, true, imm5 << shift);
                self.t16(op | load | imm5 << 6 | place.n << 3 | place.t);
            }
        }
    }

    /// A value added to a word by LDREX and STREX. Other than STREX alone, which may fail whenever it likes, a loop of
    /// them has one result.
    pub(super) fn exclusive(&mut self) {
        let place = self.place(true);
        let address = place.address & !3;
        let status = self.low(&[place.n, place.t, place.m]);
        self.load_word(place.n, address);
        let (n, t) = (place.n, place.t);
        // The flags are the same at each access, however often the loop runs: as those of a STREX that failed.
        match self.isa {
            Isa::A32 => {
                self.a32(0xe3a0_0001 | status << 12);
                self.a32(0xe350_0000 | status << 16);
            }
            Isa::T32 => {
                self.t16(0x2001 | status << 8);
                self.t16(0x2800 | status << 8);
            }
        }
        match self.isa {
            Isa::A32 => {
                self.a32(0xe3a0_0000 | status << 12);
                self.a32(0xe190_0f9f | n << 16 | t << 12);
                self.a32(0xe280_0001 | t << 16 | t << 12);
                self.a32(0xe180_0f90 | n << 16 | status << 12 | t);
                self.a32(0xe350_0000 | status << 16);
                self.a32(0x1aff_fff9);
            }
            Isa::T32 => {
                self.t32(0xf240_0000 | status << 8);
                self.t32(0xe850_0f00 | n << 16 | t << 12);
                self.t32(0xf200_0001 | t << 16 | t << 8);
                self.t32(0xe840_0000 | n << 16 | t << 12 | status << 8);
                self.t16(0x2800 | status << 8);
                self.t16(0xd1f5);
            }
        }
    }
}
