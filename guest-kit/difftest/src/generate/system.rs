//! MRS, MSR, CPS, SETEND and hints (DDI 0406C B9.3).

use super::{Generator, Isa};
use crate::machine::state::psr;

impl Generator<'_> {
    /// Something with a PSR.
    pub(super) fn status(&mut self) {
        match self.rng.below(8) {
            0 => self.mrs_cpsr(),
            1 if !self.may_lack_spsr() => {
                let d = self.target();
                let condition = self.condition();
                match self.isa {
                    Isa::A32 => self.a32(condition << 28 | 0x014f_0000 | d << 12),
                    Isa::T32 => self.t32(0xf3ff_8000 | d << 8),
                }
            }
            2 if !self.may_lack_spsr() => self.msr_spsr(),
            3 => self.msr_flags(),
            4 => self.msr_control(),
            5 => self.cps(),
            6 if self.rng.percent(30) => {
                let big = self.rng.below(2);
                match self.isa {
                    Isa::A32 => self.a32(0xf101_0000 | big << 9),
                    Isa::T32 => self.t16(0xb650 | big << 3),
                }
            }
            _ => self.cps(),
        }
    }

    fn mrs_cpsr(&mut self) {
        let d = self.target();
        let condition = self.condition();
        match self.isa {
            Isa::A32 => self.a32(condition << 28 | 0x010f_0000 | d << 12),
            Isa::T32 => self.t32(0xf3ef_8000 | d << 8),
        }
        // In USR mode A, I, F, E and the mode are UNKNOWN (B9.3.8): they are cleared.
        if self.may_be_user() {
            match self.isa {
                // BIC Rd, Rd, #0x3fc, then the two lowest bits.
                Isa::A32 => {
                    self.a32(0xe3c0_0fff | d << 16 | d << 12);
                    self.a32(0xe3c0_0003 | d << 16 | d << 12);
                }
                // BFC Rd, #0, #10.
                Isa::T32 => self.t32(0xf36f_0009 | d << 8),
            }
        }
    }

    fn msr_spsr(&mut self) {
        let (source, value, mask) = (self.scratch(&[]), super::any_spsr(self.rng), 1 + self.rng.below(15));
        if self.isa == Isa::A32 && self.rng.percent(30) {
            // An immediate: its byte must not meet the reserved bits 24 to 20.
            let imm = self.rng.below(256) | self.rng.pick(&[0, 0xc00]);
            return self.a32(0xe360_f000 | mask << 16 | imm);
        }
        self.load_word(source, value);
        let condition = self.condition();
        match self.isa {
            Isa::A32 => self.a32(condition << 28 | 0x0160_f000 | mask << 16 | source),
            Isa::T32 => self.t32(0xf390_8000 | source << 16 | mask << 8),
        }
    }

    /// MSR CPSR_f, CPSR_s, CPSR_x without the mode.
    fn msr_flags(&mut self) {
        let mask = self.rng.pick(&[8, 4, 12, 8, 12, 8, 4, 2, 10, 14]);
        let source = self.scratch(&[]);
        // A and E are in x; execution state is ignored.
        let value = self.rng.next() & (psr::FLAGS | psr::IT | psr::T | psr::A);
        self.load_word(source, value);
        let condition = self.condition();
        match self.isa {
            Isa::A32 if mask == 8 && self.rng.percent(30) => {
                let flags = self.rng.below(32) << 3;
                self.a32(condition << 28 | 0x0328_f400 | flags);
            }
            Isa::A32 => self.a32(condition << 28 | 0x0120_f000 | mask << 16 | source),
            Isa::T32 => self.t32(0xf380_8000 | source << 16 | mask << 8),
        }
    }

    /// MSR CPSR_c, with or without the rest: any mode. Ignored in USR mode.
    fn msr_control(&mut self) {
        let mode = self.new_mode();
        let value = self.new_psr(mode) | if self.rng.percent(30) { psr::T } else { 0 };
        let mask = self.rng.pick(&[1, 1, 9, 3, 15]);
        let source = self.scratch(&[]);
        let condition = if self.isa == Isa::A32 && self.rng.percent(30) {
            // MSR CPSR_c, #imm.
            let condition = self.condition();
            self.a32(condition << 28 | 0x0321_f000 | value & 0xdf);
            condition
        } else {
            self.load_word(source, value);
            let condition = self.condition();
            match self.isa {
                Isa::A32 => self.a32(condition << 28 | 0x0120_f000 | mask << 16 | source),
                Isa::T32 => self.t32(0xf380_8000 | source << 16 | mask << 8),
            }
            condition
        };
        self.changed_mode(mode, condition != 14);
    }

    /// What the modes are after an instruction that does nothing in USR mode.
    fn changed_mode(&mut self, mode: u32, conditional: bool) {
        let stays = if conditional { self.modes } else { self.modes & super::USR };
        self.modes = stays | if self.is_user() { 0 } else { 1 << (mode & 15) };
    }

    fn cps(&mut self) {
        let masks = 1 + self.rng.below(7);
        let disable = self.rng.below(2);
        let mode = self.new_mode();
        match (self.isa, self.rng.below(3)) {
            // Masks only; masks and mode; mode only.
            (Isa::A32, 0) => self.a32(0xf108_0000 | disable << 18 | masks << 6),
            (Isa::A32, 1) => self.a32(0xf10a_0000 | disable << 18 | masks << 6 | mode),
            (Isa::A32, _) => self.a32(0xf102_0000 | mode),
            (Isa::T32, 0) => self.t16(0xb660 | disable << 4 | masks),
            (Isa::T32, 1) => self.t32(0xf3af_8500 | disable << 9 | masks << 5 | mode),
            (Isa::T32, _) => self.t32(0xf3af_8100 | mode),
        }
        // The last instruction names a mode unless bit 17 (A32) or the first row says it does not.
        let changes = match self.isa {
            Isa::A32 => crate::machine::mmio::read32(self.at - 4) >> 17 & 1 != 0,
            Isa::T32 => crate::machine::mmio::read16(self.at - 2) >> 12 != 0xb,
        };
        if changes {
            self.changed_mode(mode, false);
        }
    }

    /// NOP, YIELD, WFE, SEV, barriers, CLREX, preloads.
    pub(super) fn hint(&mut self) {
        match (self.isa, self.rng.below(3)) {
            (Isa::A32, 0) => {
                let (condition, hint) = (self.condition(), self.rng.pick(&[0, 1, 2, 4]));
                self.a32(condition << 28 | 0x0320_f000 | hint);
            }
            (Isa::T32, 0) => {
                let hint = self.rng.pick(&[0, 1, 2, 4]);
                if self.rng.percent(50) { self.t16(0xbf00 | hint << 4) } else { self.t32(0xf3af_8000 | hint) }
            }
            (Isa::A32, 1) => self.a32(0xf57f_f01f),
            (Isa::T32, 1) => self.t32(0xf3bf_8f2f),
            _ => {
                let number = 4 + self.rng.below(3);
                self.barrier(number);
            }
        }
    }
}
