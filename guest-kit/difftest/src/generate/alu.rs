//! Instructions that compute in registers (DDI 0406C A5.2 to A5.4, A6.2, A6.3), and do the same in every mode.

use super::pattern::{Pattern, patterns};
use super::{Generator, Isa};

/// A32, with a condition.
static A32: &[Pattern] = patterns![
    // Data-processing: register, register-shifted register, immediate.
    "cccc 0000 .... nnnn dddd .... ...0 mmmm",
    "cccc 0001 1.0. nnnn dddd .... ...0 mmmm",
    "cccc 0001 1.1. 0000 dddd .... ...0 mmmm",
    "cccc 0001 0..1 nnnn 0000 .... ...0 mmmm",
    "cccc 0000 .... nnnn dddd ssss 0..1 mmmm",
    "cccc 0001 1.0. nnnn dddd ssss 0..1 mmmm",
    "cccc 0001 1.1. 0000 dddd ssss 0..1 mmmm",
    "cccc 0001 0..1 nnnn 0000 ssss 0..1 mmmm",
    "cccc 0010 .... nnnn dddd .... .... ....",
    "cccc 0011 1.0. nnnn dddd .... .... ....",
    "cccc 0011 1.1. 0000 dddd .... .... ....",
    "cccc 0011 0..1 nnnn 0000 .... .... ....",
    "cccc 0011 0.00 .... dddd .... .... ....",
    // Multiplication.
    "cccc 0000 000. dddd 0000 ssss 1001 mmmm",
    "cccc 0000 001. dddd nnnn ssss 1001 mmmm",
    "cccc 0000 0100 dddd aaaa ssss 1001 mmmm",
    "cccc 0000 0110 dddd nnnn ssss 1001 mmmm",
    "cccc 0000 1... dddd aaaa ssss 1001 mmmm",
    "cccc 0001 0000 dddd nnnn ssss 1..0 mmmm",
    "cccc 0001 0010 dddd nnnn ssss 1.00 mmmm",
    "cccc 0001 0010 dddd 0000 ssss 1.10 mmmm",
    "cccc 0001 0100 dddd aaaa ssss 1..0 mmmm",
    "cccc 0001 0110 dddd 0000 ssss 1..0 mmmm",
    // Saturating, and CLZ.
    "cccc 0001 0..0 nnnn dddd 0000 0101 mmmm",
    "cccc 0001 0110 1111 dddd 1111 0001 mmmm",
    // Media.
    "cccc 0110 0.01 nnnn dddd 1111 0..1 mmmm",
    "cccc 0110 0.1. nnnn dddd 1111 0..1 mmmm",
    "cccc 0110 0.1. nnnn dddd 1111 1001 mmmm",
    "cccc 0110 0.01 nnnn dddd 1111 1111 mmmm",
    "cccc 0110 1000 nnnn dddd .... ..01 mmmm",
    "cccc 0110 1000 nnnn dddd 1111 1011 mmmm",
    "cccc 0110 1.1. .... dddd .... ..01 mmmm",
    "cccc 0110 1.10 .... dddd 1111 0011 mmmm",
    "cccc 0110 1.00 nnnn dddd ..00 0111 mmmm",
    "cccc 0110 1.1. nnnn dddd ..00 0111 mmmm",
    "cccc 0110 1.1. 1111 dddd ..00 0111 mmmm",
    "cccc 0110 1011 1111 dddd 1111 .011 mmmm",
    "cccc 0110 1111 1111 dddd 1111 .011 mmmm",
    "cccc 0111 0000 dddd nnnn ssss 0..1 mmmm",
    "cccc 0111 0000 dddd 1111 ssss 0..1 mmmm",
    "cccc 0111 0100 dddd aaaa ssss 0..1 mmmm",
    "cccc 0111 0101 dddd nnnn ssss 00.1 mmmm",
    "cccc 0111 0101 dddd nnnn ssss 11.1 mmmm",
    "cccc 0111 1000 dddd nnnn ssss 0001 mmmm",
    "cccc 0111 1000 dddd 1111 ssss 0001 mmmm",
    "cccc 0111 00.1 dddd 1111 ssss 0001 mmmm",
    "cccc 0111 1.10 .... dddd 0... .101 mmmm",
    "cccc 0111 1101 1111 dddd .... .001 mmmm",
    "cccc 0111 1101 1111 dddd .... .001 1111",
    // NOP and YIELD.
    "cccc 0011 0010 0000 1111 0000 0000 000.",
];

/// T32 of 16 bits, in an IT block or outside.
static T16: &[Pattern] = patterns![
    "0000 1... .... ....",
    "0001 .... .... ....",
    "001. .... .... ....",
    "0100 00.. .... ....",
    "0100 0110 00.. ....",
    "1010 1... .... ....",
    "1011 0010 .... ....",
    "1011 1010 0... ....",
    "1011 1010 11.. ....",
    "1011 1111 000. 0000",
];

/// T32 of 32 bits.
static T32: &[Pattern] = patterns![
    // Data-processing: shifted register, modified immediate (its last bit is set: zero would be UNPREDICTABLE), plain.
    "1110 1010 0... nnnn 0... dddd .... mmmm",
    "1110 1010 100. nnnn 0... dddd .... mmmm",
    "1110 1011 000. nnnn 0... dddd .... mmmm",
    "1110 1011 01.. nnnn 0... dddd .... mmmm",
    "1110 1011 101. nnnn 0... dddd .... mmmm",
    "1110 1011 110. nnnn 0... dddd .... mmmm",
    "1110 1010 01.. 1111 0... dddd .... mmmm",
    "1110 1010 .001 nnnn 0... 1111 .... mmmm",
    "1110 1011 0001 nnnn 0... 1111 .... mmmm",
    "1110 1011 1011 nnnn 0... 1111 .... mmmm",
    "1111 0.00 0... nnnn 0... dddd .... ...1",
    "1111 0.00 100. nnnn 0... dddd .... ...1",
    "1111 0.01 000. nnnn 0... dddd .... ...1",
    "1111 0.01 01.. nnnn 0... dddd .... ...1",
    "1111 0.01 101. nnnn 0... dddd .... ...1",
    "1111 0.01 110. nnnn 0... dddd .... ...1",
    "1111 0.01 1011 nnnn 0... 1111 .... ...1",
    "1111 0.10 0000 nnnn 0... dddd .... ....",
    "1111 0.10 1010 nnnn 0... dddd .... ....",
    "1111 0.10 .100 .... 0... dddd .... ....",
    "1111 0011 0110 nnnn 0... dddd ..01 1111",
    "1111 0011 0110 1111 0... dddd ..01 1111",
    "1111 0011 .100 nnnn 00.. dddd ..00 ....",
    "1111 0011 .000 nnnn 0... dddd ..0. ....",
    // Shifts, extension, parallel, saturating.
    "1111 1010 0... nnnn 1111 dddd 0000 mmmm",
    "1111 1010 00.. nnnn 1111 dddd 10.. mmmm",
    "1111 1010 010. nnnn 1111 dddd 10.. mmmm",
    "1111 1010 00.. 1111 1111 dddd 10.. mmmm",
    "1111 1010 010. 1111 1111 dddd 10.. mmmm",
    "1111 1010 100. nnnn 1111 dddd 0.0. mmmm",
    "1111 1010 1.10 nnnn 1111 dddd 0.10 mmmm",
    "1111 1010 1000 nnnn 1111 dddd 10.. mmmm",
    "1111 1010 1001 mmmm 1111 dddd 10.. mmmm",
    "1111 1010 1010 nnnn 1111 dddd 1000 mmmm",
    "1111 1010 1011 mmmm 1111 dddd 1000 mmmm",
    // Multiplication and division.
    "1111 1011 0000 nnnn 1111 dddd 0000 mmmm",
    "1111 1011 0000 nnnn ssss dddd 000. mmmm",
    "1111 1011 0001 nnnn ssss dddd 00.. mmmm",
    "1111 1011 0010 nnnn ssss dddd 000. mmmm",
    "1111 1011 0011 nnnn ssss dddd 000. mmmm",
    "1111 1011 0100 nnnn ssss dddd 000. mmmm",
    "1111 1011 0101 nnnn ssss dddd 000. mmmm",
    "1111 1011 0110 nnnn ssss dddd 000. mmmm",
    "1111 1011 0111 nnnn ssss dddd 0000 mmmm",
    "1111 1011 10.0 nnnn aaaa dddd 0000 mmmm",
    "1111 1011 10.1 nnnn 1111 dddd 1111 mmmm",
    "1111 1011 11.0 nnnn aaaa dddd 0000 mmmm",
    "1111 1011 1100 nnnn aaaa dddd 10.. mmmm",
    "1111 1011 110. nnnn aaaa dddd 110. mmmm",
    "1111 1011 1110 nnnn aaaa dddd 0110 mmmm",
];

impl Generator<'_> {
    /// One of them: any number may stand in an IT block.
    pub(super) fn alu(&mut self) {
        match self.isa {
            Isa::A32 => {
                let word = self.rng.pick(A32).fill(self);
                self.a32(word);
            }
            Isa::T32 if self.rng.percent(50) => {
                let half = self.rng.pick(T16).fill(self);
                self.t16(half);
            }
            Isa::T32 => {
                let word = self.rng.pick(T32).fill(self);
                self.t32(word);
            }
        }
    }
}
