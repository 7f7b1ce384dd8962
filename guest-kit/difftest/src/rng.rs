//! Random numbers: xoroshiro64**, by David Blackman and Sebastiano Vigna, which needs 32-bit operations only.

/// A generator.
pub(crate) struct Rng([u32; 2]);

impl Rng {
    /// For case `n` of a seed.
    pub(crate) fn new(seed: u32, n: u32) -> Self {
        let mut rng = Self([seed ^ 0x9e37_79b9, n.wrapping_mul(0x85eb_ca6b) ^ 0x6a09_e667]);
        if rng.0 == [0, 0] {
            rng.0[0] = 1;
        }
        // Neighbouring cases are to have nothing in common.
        for _ in 0..8 {
            rng.next();
        }
        rng
    }

    /// Any word.
    pub(crate) fn next(&mut self) -> u32 {
        let [s0, s1] = self.0;
        let result = s0.wrapping_mul(0x9e37_79bb).rotate_left(5).wrapping_mul(5);
        let s1 = s1 ^ s0;
        self.0 = [s0.rotate_left(26) ^ s1 ^ s1 << 9, s1.rotate_left(13)];
        result
    }

    /// 0 to `n`, exclusive; `n` is at most 65536.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((self.next() >> 16) * n) >> 16
    }

    /// True `n` times of 100.
    pub(crate) fn percent(&mut self, n: u32) -> bool {
        self.below(100) < n
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// A word in which special numbers are frequent.
    pub(crate) fn word(&mut self) -> u32 {
        match self.below(8) {
            0 => self.below(16),
            1 => !self.below(16),
            2 => 1 << self.below(32),
            3 => 0x7fff_ffff + self.below(3),
            _ => self.next(),
        }
    }
}
