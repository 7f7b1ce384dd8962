//! Branches forward, IT blocks, constants in between, other instruction sets, and code that changes code.

use super::{Generator, Isa, Join};
use crate::machine::layout::CODE;
use crate::machine::mmio;

/// How a branch is put right once its target is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A32 B and BL: 24 bits.
    A32,
    /// T32 B.W with a condition.
    Conditional,
    /// T32 B.W and BL.
    Wide,
    /// CBZ and CBNZ.
    Compare,
}

impl Kind {
    fn patch(self, at: u32, target: u32) {
        let word = || u32::from(mmio::read16(at)) << 16 | u32::from(mmio::read16(at + 2));
        let put = |word: u32| {
            mmio::write16(at, (word >> 16) as u16);
            mmio::write16(at + 2, word as u16);
        };
        match self {
            // Forward and near, so the sign bit is 0 in each of them.
            Kind::A32 => mmio::write32(at, mmio::read32(at) | (target - at - 8) >> 2),
            Kind::Conditional => put(word() | (target - at - 4) >> 12 << 16 | (target - at - 4) >> 1 & 0x7ff),
            // J1 and J2 are NOT (I XOR S): one, as S and I are zero.
            Kind::Wide => {
                put(word() | 0x2800 | (target - at - 4) >> 12 << 16 | (target - at - 4) >> 1 & 0x7ff)
            }
            Kind::Compare => {
                let offset = target.wrapping_sub(at + 4);
                // Too far, or the next instruction: a NOP.
                let half = if offset > 126 {
                    0xbf00
                } else {
                    mmio::read16(at) | (offset >> 6 << 9) as u16 | (offset >> 1 << 3) as u16 & 0xf8
                };
                mmio::write16(at, half);
            }
        }
    }
}

impl Generator<'_> {
    /// Puts the branches to here right, or, at the end, all.
    pub(super) fn resolve(&mut self, all: bool) {
        for n in 0..self.joins.len() {
            let Some(join) = &mut self.joins[n] else { continue };
            if join.items > 0 && !all {
                join.items -= 1;
                continue;
            }
            self.modes |= join.modes;
            join.kind.patch(join.at, self.at);
            self.joins[n] = None;
        }
    }

    /// A branch over the next items.
    pub(super) fn branch(&mut self) {
        let Some(free) = self.joins.iter().position(Option::is_none) else { return self.alu() };
        let items = 1 + self.rng.below(3);
        let at = self.at;
        let kind = match (self.isa, self.rng.below(3)) {
            (Isa::A32, 0) => {
                self.a32(0xeb00_0000);
                Kind::A32
            }
            (Isa::A32, _) => {
                let condition = if self.rng.percent(10) { 14 } else { self.rng.below(14) };
                self.a32(0x0a00_0000 | condition << 28);
                Kind::A32
            }
            (Isa::T32, 0) => {
                let low = self.low(&[]);
                let nonzero = self.rng.below(2);
                self.t16(0xb100 | nonzero << 11 | low);
                Kind::Compare
            }
            (Isa::T32, 1) => {
                let condition = self.rng.below(14);
                self.t32(0xf000_8000 | condition << 22);
                Kind::Conditional
            }
            (Isa::T32, _) => {
                let link = self.rng.below(2);
                self.t32(0xf000_9000 | link << 14);
                Kind::Wide
            }
        };
        self.joins[free] = Some(Join { at, items, modes: self.modes, kind });
    }

    /// BX, BLX and BXJ to the other instruction set, or to the same one.
    pub(super) fn switch_isa(&mut self) {
        let free = self.joins.iter().all(Option::is_none);
        let register = self.scratch(&[]);
        let kind = self.rng.below(3);
        let (bytes, other) = match self.isa {
            Isa::A32 => (4, Isa::T32),
            Isa::T32 => (if kind == 2 { 4 } else { 2 }, Isa::A32),
        };
        let here = self.at + Self::LOAD_WORD_BYTES + bytes;
        // Nex replaces instructions of one instruction set in a page: the other one is in the next page.
        let page = (here + 0xfff) & !0xfff;
        let isa = if free && page < CODE + 0x3000 && self.rng.percent(70) { other } else { self.isa };
        let target = if isa == self.isa { (here + 3) & !3 } else { page + self.rng.below(64) * 4 };
        let thumb = if isa == Isa::T32 { 1 } else { 0 };
        let address = self.va(target) | thumb;
        self.load_word(register, address);
        match (self.isa, kind) {
            (Isa::A32, 0) => self.a32(0xe12f_ff10 | register),
            (Isa::A32, 1) => self.a32(0xe12f_ff30 | register),
            (Isa::A32, _) => self.a32(0xe12f_ff20 | register),
            (Isa::T32, 0) => self.t16(0x4700 | register << 3),
            (Isa::T32, 1) => self.t16(0x4780 | register << 3),
            (Isa::T32, _) => self.t32(0xf3c0_8f00 | register << 16),
        }
        if isa == self.isa {
            self.fill_to(target);
        }
        self.at = target;
        self.isa = isa;
        self.followed = false;
    }

    /// What is jumped over for an alignment: what compilers put there. A halfword that begins a longer instruction would
    /// bring a sweep of the page out of step.
    pub(super) fn fill_to(&mut self, target: u32) {
        while self.at < target {
            let half = self.rng.pick(&[0xbf00, 0x46c0, 0]);
            self.t16(half);
        }
    }

    /// A constant, often one that looks like a sensitive instruction.
    fn junk(&mut self) -> u32 {
        match self.rng.below(4) {
            0 => 0xf102_001f | self.rng.below(8) << 6,
            1 => 0xe10f_0000 | self.rng.below(16) << 12,
            2 => 0xb670_b662,
            _ => self.rng.next(),
        }
    }

    /// A load of a constant by PC, and a jump over it.
    pub(super) fn literal(&mut self) {
        // Not over the end of a page: Nex does not see such a load, and may replace the constant.
        if self.at & 0xfff > 0xff0 {
            return self.alu();
        }
        let register = self.scratch(&[]);
        let constant = self.junk();
        match self.isa {
            Isa::A32 => {
                self.a32(0xe59f_0000 | register << 12);
                self.a32(0xea00_0000);
                self.a32(constant);
            }
            Isa::T32 => {
                // LDR.W, B, then the constant at the next multiple of four.
                let at = (self.at + 4 + 2 + 3) & !3;
                let offset = at - ((self.at + 4) & !3);
                self.t32(0xf8df_0000 | register << 12 | offset);
                self.t16(0xe000 | (at + 4 - self.at - 4) >> 1);
                self.fill_to(at);
                self.t16(constant & 0xffff);
                self.t16(constant >> 16);
            }
        }
    }

    /// An IT block of one to four instructions.
    pub(super) fn it_block(&mut self) {
        // In one page, or QEMU stops in between; see in_it.
        if self.at & 0xfff > 0xfe0 {
            return self.alu();
        }
        let count = 1 + self.rng.below(4);
        let condition = self.rng.below(14);
        // The mask: a bit for each further instruction, the condition's last one or its inverse, then a one.
        let mask = (self.rng.below(16) & 0xf << (5 - count) | 1 << (4 - count)) & 0xf;
        self.t16(0xbf00 | condition << 4 | mask);
        self.in_it(count);
    }

    /// Instructions in an IT block: such as compute, and perhaps MRS or an exception at its end.
    ///
    /// If QEMU 7.2 has to stop translating within a block (at an exception, a write to a PSR, many a CP15 register), it
    /// keeps a stale ITSTATE behind it, which comes to light later.
    fn in_it(&mut self, count: u32) {
        self.in_it = true;
        for n in 0..count {
            match self.rng.below(10) {
                _ if n + 1 < count => self.alu(),
                0 => {
                    let target = self.target();
                    // MRS: in USR mode some bits are UNKNOWN.
                    if self.may_be_user() { self.alu() } else { self.t32(0xf3ef_8000 | target << 8) }
                }
                1 => self.call_plain(),
                _ => self.alu(),
            }
        }
        self.in_it = false;
    }

    /// Replaces an instruction a bit further on, and runs it (DDI 0406C A3.5.4).
    pub(super) fn modify_code(&mut self) {
        if self.may_be_user() {
            return self.alu();
        }
        let (address, value) = (self.scratch(&[]), self.low(&[]));
        let address = if address == value { (address + 1) % 13 } else { address };
        let new = match (self.isa, self.rng.below(4)) {
            (Isa::A32, 0) => 0xe10f_0000 | self.target() << 12,
            (Isa::A32, 1) => 0xf10c_0000 | self.rng.below(7) << 6 | 0x40,
            (Isa::A32, 2) => 0xee1d_0f90 | self.target() << 12,
            (Isa::A32, _) => 0xe280_0000 | self.target() << 12 | self.rng.below(0x1000),
            // The lower halfword runs first.
            (Isa::T32, 0) => (0x8000 | self.target() << 8) << 16 | 0xf3ef,
            (Isa::T32, 1) => 0xbf00_b660 | self.rng.pick(&[0x10, 0]) | (1 + self.rng.below(7)),
            (Isa::T32, 2) => (0x0f90 | self.target() << 12) << 16 | 0xee1d,
            (Isa::T32, _) => 0x3000_3000 | self.rng.next() & 0x07ff_07ff,
        };
        // Little-endian, or it would be another instruction.
        match self.isa {
            Isa::A32 => self.a32(0xf101_0000),
            Isa::T32 => self.t16(0xb650),
        }
        // The store, and the six instructions behind it.
        let begin = self.at + 2 * Self::LOAD_WORD_BYTES + 7 * 4;
        let slot = (begin + 3) & !3;
        // Through the map of the code that is always there.
        self.load_word(address, slot);
        self.load_word(value, new);
        match self.isa {
            Isa::A32 => self.a32(0xe580_0000 | address << 16 | value << 12),
            Isa::T32 => self.t32(0xf8c0_0000 | address << 16 | value << 12),
        }
        // DCCMVAU, DSB, ICIALLU, BPIALL, DSB, ISB.
        self.both(0xee07_0f3b | address << 12);
        self.barrier(4);
        self.both(0xee07_0f15 | value << 12);
        self.both(0xee07_0fd5 | value << 12);
        self.barrier(4);
        self.barrier(6);
        while self.at < slot {
            self.t16(0xbf00);
        }
        match self.isa {
            Isa::A32 => self.a32(0xe320_f000),
            Isa::T32 => {
                self.t16(0xbf00);
                self.t16(0xbf00);
            }
        }
    }

    /// DSB (4), DMB (5), ISB (6).
    pub(super) fn barrier(&mut self, number: u32) {
        match self.isa {
            Isa::A32 => self.a32(0xf57f_f00f | number << 4),
            Isa::T32 => self.t32(0xf3bf_8f0f | number << 4),
        }
    }
}
