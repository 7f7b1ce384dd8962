//! Returns from exceptions, in all forms, and the block transfers that go with them (DDI 0406C B9.3).

use super::{END_T32, Generator, Isa, USR};
use crate::machine::layout::FRAMES;

impl Generator<'_> {
    /// A return to the next item in some mode.
    pub(super) fn exception_return(&mut self) {
        if self.may_be_user() {
            return self.call_mode();
        }
        // In SYS mode only RFE is not UNPREDICTABLE.
        if self.may_lack_spsr() || self.rng.percent(30) { self.rfe() } else { self.by_spsr() }
    }

    /// What the return goes to: a mode, and a PSR.
    ///
    /// ITSTATE is zero: QEMU 7.2 keeps a stale one behind an IT block that a return went into.
    fn destination(&mut self) -> (u32, u32) {
        let mode = self.new_mode();
        (mode, self.new_psr(mode))
    }

    fn arrive(&mut self, mode: u32, conditional: bool) {
        self.followed = false;
        // If the condition does not hold the code goes on in the mode it was in.
        self.modes = 1 << (mode & 15) | if conditional { self.modes } else { 0 };
    }

    /// A PSR to SPSR, then one of the instructions that return by it.
    fn by_spsr(&mut self) {
        let (mode, value) = self.destination();
        let register = self.scratch(&[]);
        self.load_word(register, value);
        match self.isa {
            Isa::A32 => self.a32(0xe16f_f000 | register),
            Isa::T32 => self.t32(0xf390_8f00 | register << 16),
        }
        if self.isa == Isa::T32 {
            // SUBS PC, LR, #imm8.
            let imm = self.rng.below(64) * 4;
            let target = self.at + Self::LOAD_WORD_BYTES + 4;
            let address = self.va(target) + imm;
            self.load_word(14, address);
            self.t32(0xf3de_8f00 | imm);
            return self.arrive(mode, false);
        }
        let condition = self.condition();
        match self.rng.below(4) {
            0 => {
                // SUBS PC, Rn, #imm. The same with other operations is one to QEMU too, but it does not load SPSR then.
                let imm = self.rng.below(64) * 4;
                let target = self.va(self.at + Self::LOAD_WORD_BYTES + 4);
                let n = self.target();
                self.load_word(n, target.wrapping_add(imm));
                self.a32(condition << 28 | 0x0250_f000 | n << 16 | imm);
            }
            1 => {
                // MOVS PC, Rm.
                let target = self.va(self.at + Self::LOAD_WORD_BYTES + 4);
                let m = self.target();
                self.load_word(m, target);
                self.a32(condition << 28 | 0x01b0_f000 | m);
            }
            2 => {
                // SUBS PC, Rn, Rm, LSL #imm.
                let target = self.va(self.at + 2 * Self::LOAD_WORD_BYTES + 4);
                let n = self.scratch(&[]);
                let m = self.scratch(&[n]);
                let (index, shift) = (self.rng.below(256), self.rng.below(8));
                self.load_word(n, target.wrapping_add(index << shift));
                self.load_word(m, index);
                self.a32(condition << 28 | 0x0050_f000 | n << 16 | shift << 7 | m);
            }
            _ => self.load_multiple(condition),
        }
        self.arrive(mode, condition != 14);
    }

    /// LDM with PC and `^`: a frame of a few words is written first.
    fn load_multiple(&mut self, condition: u32) {
        let base = self.scratch(&[]);
        let value = self.scratch(&[base]);
        let list = self.rng.next() & self.rng.next() & 0x5fff & !(1 << base);
        let words = list.count_ones() + 1;
        let walk = self.rng.below(4);
        let writeback = self.rng.below(2);
        let begin = FRAMES + 0x100 + self.rng.below(16) * 4;
        // IA, IB, DA, DB, as P and U have it: bits 24 and 23.
        let (n, bits) = match walk {
            0 => (begin, 0x0080_0000),
            1 => (begin - 4, 0x0180_0000),
            2 => (begin + 4 * (words - 1), 0),
            _ => (begin + 4 * words, 0x0100_0000),
        };
        // PC is the last word; the others are whatever is there. STR, then LDM.
        let target = self.va(self.at + 3 * Self::LOAD_WORD_BYTES + 8);
        self.load_word(value, target);
        self.load_word(base, begin + 4 * (words - 1));
        self.a32(0xe580_0000 | base << 16 | value << 12);
        self.load_word(base, n);
        self.a32(condition << 28 | 0x0850_8000 | bits | writeback << 21 | base << 16 | list);
    }

    /// RFE from a frame written just before.
    fn rfe(&mut self) {
        let (mode, value) = self.destination();
        // STM stores the lower register first.
        let (low, high) = (self.rng.below(6), 6 + self.rng.below(7));
        let base = self.scratch(&[low, high]);
        let frame = FRAMES + self.rng.below(16) * 8;
        let walk = self.rng.below(if self.isa == Isa::A32 { 4 } else { 2 });
        let writeback = self.rng.below(2);
        let target = self.va(self.at + 4 * Self::LOAD_WORD_BYTES + 8);
        self.load_word(low, target);
        self.load_word(high, value);
        self.load_word(base, frame);
        let list = 1 << low | 1 << high;
        match self.isa {
            Isa::A32 => {
                self.a32(0xe880_0000 | base << 16 | list);
                let (n, bits) = match walk {
                    0 => (frame, 0x0080_0000),
                    1 => (frame - 4, 0x0180_0000),
                    2 => (frame + 4, 0),
                    _ => (frame + 8, 0x0100_0000),
                };
                self.load_word(base, n);
                self.a32(0xf810_0a00 | bits | writeback << 21 | base << 16);
            }
            Isa::T32 => {
                self.t32(0xe880_0000 | base << 16 | list);
                let (n, bits) = if walk == 0 { (frame, 0x0180_0000) } else { (frame + 8, 0) };
                self.load_word(base, n);
                self.t32(0xe810_c000 | bits | writeback << 21 | base << 16);
            }
        }
        self.arrive(mode, false);
    }

    /// SRS, and LDM and STM of USR mode's registers.
    pub(super) fn user_registers(&mut self) {
        if self.may_lack_spsr() {
            return self.alu();
        }
        if self.isa == Isa::T32 {
            return self.srs();
        }
        match self.rng.below(3) {
            0 => self.srs(),
            kind => {
                let n = self.scratch(&[]);
                // In one page: after an abort in the middle, what was loaded or stored is UNKNOWN (B1.9.8).
                let address = loop {
                    let address = self.data_address() & !3;
                    if (0x14..0xfe8).contains(&(address & 0xfff)) {
                        break address;
                    }
                };
                let mut list = self.rng.next() & self.rng.next() & 0x7fff & !(1 << n);
                if kind == 1 {
                    // A load: SP of USR mode stays what it is.
                    list &= !(1 << 13);
                }
                // Within five words of the address.
                while list.count_ones() > 5 {
                    list &= list - 1;
                }
                if list == 0 {
                    list = 1 << 14;
                }
                let bits = self.rng.next() & 0x0180_0000 | if kind == 1 { 1 << 20 } else { 0 };
                self.load_word(n, address);
                let condition = self.condition();
                self.a32(condition << 28 | 0x0840_0000 | bits | n << 16 | list);
            }
        }
    }

    fn srs(&mut self) {
        let mode = self.new_mode();
        let mode = if mode == 0x10 { 0x13 } else { mode };
        let writeback = self.rng.below(2);
        match self.isa {
            Isa::A32 => {
                let bits = self.rng.next() & 0x0180_0000;
                self.a32(0xf84d_0500 | bits | writeback << 21 | mode);
            }
            Isa::T32 => {
                let bits = self.rng.pick(&[0, 0x0180_0000]);
                self.t32(0xe80d_c000 | bits | writeback << 21 | mode);
            }
        }
    }

    /// SVC, UDF, BKPT: the one who takes them goes on behind.
    pub(super) fn call(&mut self) {
        if self.may_be_user() && self.rng.percent(60) { self.call_mode() } else { self.call_plain() }
    }

    /// One of them, of which an IT block may hold any number.
    pub(super) fn call_plain(&mut self) {
        let imm = self.rng.below(super::SVC_LOOK);
        let kind = self.rng.below(3);
        self.followed &= kind == 0;
        match (self.isa, kind) {
            (Isa::A32, 0) => {
                // Constants up to 22 bits are the guest's own; those from SVC_MODE to 0xff ask for a mode.
                let condition = self.condition();
                let high = self.rng.below(0x4000) << 8;
                self.a32(condition << 28 | 0x0f00_0000 | high | imm);
            }
            (Isa::A32, 1) => self.a32(0xe7f0_00f0 | imm << 8 & 0xf00 | imm & 15),
            (Isa::A32, _) => self.a32(0xe120_0070 | imm),
            (Isa::T32, 0) => self.t16(0xdf00 | imm),
            (Isa::T32, 1) if imm & 0xff != END_T32 & 0xff => self.t16(0xde00 | imm & 0x1f),
            (Isa::T32, 1) => self.t16(0xde00),
            // BKPT is unconditional even in an IT block.
            (Isa::T32, _) => self.t16(0xbe00 | imm),
        }
    }

    /// SVC that asks for another mode, as USR mode cannot go on otherwise.
    fn call_mode(&mut self) {
        let mode = self.new_mode();
        let imm = super::SVC_MODE | mode;
        match self.isa {
            Isa::A32 => self.a32(0xef00_0000 | imm),
            Isa::T32 => self.t16(0xdf00 | imm),
        }
        self.modes = 1 << (mode & 15);
    }

    /// SVC that asks for a look at PAR.
    pub(super) fn call_look(&mut self) {
        match self.isa {
            Isa::A32 => self.a32(0xef00_0000 | super::SVC_LOOK),
            Isa::T32 => self.t16(0xdf00 | super::SVC_LOOK),
        }
    }

    /// Whether USR mode alone may be current: nothing privileged has an effect.
    pub(super) fn is_user(&self) -> bool {
        self.modes == USR
    }
}
