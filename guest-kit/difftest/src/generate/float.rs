//! VFP and Advanced SIMD, with the unit switched on and off (DDI 0406C A7, B1.11).

use super::pattern::{Pattern, patterns};
use super::{Generator, Isa};

/// VFP, whose T32 encodings differ in the condition only. No double register above 15 but by D, N and M.
static VFP: &[Pattern] = patterns![
    // VMLA, VMLS, VNMLS, VNMLA; VMUL, VNMUL, VADD, VSUB; VDIV.
    "cccc 1110 0.0. .... .... 101. .0.0 ....",
    "cccc 1110 0.1. .... .... 101. .0.0 ....",
    "cccc 1110 0.1. .... .... 101. .1.0 ....",
    "cccc 1110 1.00 .... .... 101. .0.0 ....",
    // VFMA, VFMS, VFNMA, VFNMS.
    "cccc 1110 1.10 .... .... 101. ...0 ....",
    "cccc 1110 1.01 .... .... 101. ...0 ....",
    // VMOV, VABS, VNEG, VSQRT, VCMP, VCVT.
    "cccc 1110 1.11 0000 .... 101. 11.0 ....",
    "cccc 1110 1.11 0001 .... 101. .1.0 ....",
    "cccc 1110 1.11 0100 .... 101. .1.0 ....",
    "cccc 1110 1.11 0101 .... 101. .100 0000",
    "cccc 1110 1.11 1000 .... 101. .1.0 ....",
    "cccc 1110 1.11 0111 .... 101. 11.0 ....",
    // VMOV of an immediate; between registers.
    "cccc 1110 1.11 .... .... 101. 0000 ....",
    "cccc 1110 0000 .... tttt 1010 .001 0000",
    "cccc 1110 0001 .... dddd 1010 .001 0000",
    "cccc 1100 0100 mmmm tttt 1011 00.1 ....",
    "cccc 1100 0101 aaaa dddd 1011 00.1 ....",
    "cccc 1110 1.00 ...0 tttt 1011 .001 0000",
];

/// Advanced SIMD in A32: doubleword operations of integers, and single-precision ones.
static SIMD: &[Pattern] = patterns![
    "1111 001. 0.0. .... .... 0001 .0.1 ....",
    "1111 001. 0.00 .... .... 0000 .0.0 ....",
    "1111 001. 0.01 .... .... 0000 .0.. ....",
    "1111 001. 0.10 .... .... 0011 .0.. ....",
    "1111 0010 0.00 .... .... 1000 .0.. ....",
    "1111 0010 0.01 .... .... 1001 .0.. ....",
    "1111 0010 0.00 .... .... 1101 .0.0 ....",
    "1111 0011 0.00 .... .... 1101 .0.1 ....",
    "1111 0011 1.11 0000 .... 00.0 00.0 ....",
    "1111 001. 1.00 0... .... 0000 .0.1 ....",
];

impl Generator<'_> {
    /// One instruction that computes, in or outside an IT block.
    pub(super) fn float_one(&mut self) {
        let word = self.rng.pick(VFP).fill(self);
        self.both(word);
    }

    /// Something with the unit.
    pub(super) fn float(&mut self) {
        match self.rng.below(12) {
            0..3 => self.float_one(),
            3..5 => {
                let word = self.rng.pick(SIMD).fill(self);
                match self.isa {
                    Isa::A32 => self.a32(word),
                    // The U bit is elsewhere.
                    Isa::T32 => self.t32(0xef00_0000 | (word >> 24 & 1) << 28 | word & 0x00ff_ffff),
                }
            }
            5 | 6 => self.float_memory(),
            7 => {
                // FPEXC.
                let t = self.scratch(&[]);
                let on = if self.rng.percent(75) { 1 << 30 } else { 0 };
                self.load_word(t, on);
                self.both(0xeee8_0a10 | t << 12);
            }
            8 => {
                // CPACR: cp10 and cp11 alike, each value but the reserved 2; ASEDIS.
                let t = self.scratch(&[]);
                let access = self.rng.pick(&[0, 1, 3, 3, 3, 3]);
                let simd = if self.rng.percent(15) { 1 << 31 } else { 0 };
                self.load_word(t, access << 20 | access << 22 | simd);
                self.both(0xee01_0f50 | t << 12);
                self.barrier(6);
            }
            9 => {
                // FPSCR: flags, rounding, FZ, DN, cumulative bits.
                let t = self.scratch(&[]);
                let value = self.rng.next() & 0xffc0_009f;
                self.load_word(t, value);
                self.both(0xeee1_0a10 | t << 12);
            }
            10 => {
                // VMRS of FPSCR or flags.
                let t = if self.rng.percent(30) { 15 } else { self.target() };
                self.both(0xeef1_0a10 | t << 12);
            }
            _ => {
                let register = self.rng.pick(&[0, 6, 7, 8]);
                let t = self.target();
                self.both(0xeef0_0a10 | register << 16 | t << 12);
            }
        }
    }

    /// VLDR, VSTR, VLDM, VSTM, VLD1, VST1.
    fn float_memory(&mut self) {
        let n = self.scratch(&[]);
        let address = self.data_address() & !3;
        let bits = self.rng.next();
        let load = bits >> 20 & 1;
        match self.rng.below(3) {
            0 => {
                let up = bits >> 23 & 1;
                let offset = self.rng.below(256);
                let base = if up == 1 { address - offset * 4 } else { address + offset * 4 };
                self.load_word(n, base);
                self.both(0xed00_0a00 | up << 23 | load << 20 | bits & 0x0040_f100 | n << 16 | offset);
            }
            1 => {
                // Two double registers of the first sixteen: IA, IA!, DB!.
                let form = self.rng.pick(&[0x0080_0000, 0x00a0_0000, 0x0120_0000]);
                self.load_word(n, address);
                let d = self.rng.below(15);
                self.both(0xec00_0b04 | form | load << 20 | n << 16 | d << 12);
            }
            _ => {
                // One register, elements of any size, no alignment asked for; without and with write-back.
                self.load_word(n, address);
                let size = self.rng.below(4);
                let m = self.rng.pick(&[15, 13]);
                let word = load << 21 | bits & 0x0040_f000 | n << 16 | 0x0700 | size << 6 | m;
                match self.isa {
                    Isa::A32 => self.a32(0xf400_0000 | word),
                    Isa::T32 => self.t32(0xf900_0000 | word),
                }
            }
        }
    }
}
