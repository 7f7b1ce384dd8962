//! How much of a shadow table one TLB maintenance operation concerns.
//!
//! TLB maintenance for one address drops all that the guest's descriptor maps: up to 16 MiB short and 1 GiB long. The
//! shadow entries made of such a block may be smaller, and when the guest asks for the flush, its descriptor is gone.
//! So each table carries a [`Blocks`]: 516 bytes that remember where larger mappings were shadowed.

use nex_mm::Gva;

const MIB_LOG2: u8 = 20;

/// Where in one shadow table there are parts of guest mappings larger than 4 KiB. A bit for each MiB, and the size of
/// the largest mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocks {
    coarse: [u32; 128],
    largest_log2: u8,
}

impl Blocks {
    /// For an empty table.
    pub const EMPTY: Self = Self { coarse: [0; 128], largest_log2: MIB_LOG2 };

    /// Notes that an entry at `va` comes from a guest mapping of `2^log2_bytes` bytes
    /// ([`crate::Translation::log2_bytes`]). Call it for every entry that is written.
    pub fn note(&mut self, va: Gva, log2_bytes: u8) {
        if log2_bytes > 12 {
            let mib = va.raw() >> MIB_LOG2;
            self.coarse[(mib / 32) as usize] |= 1 << (mib % 32);
            self.largest_log2 = self.largest_log2.max(log2_bytes.min(31));
        }
    }

    /// What to drop for maintenance of the page at `va`: a block of `2^n` bytes, `n` being 12, 20, or the size of the
    /// largest mapping ever noted. Everything that may come from the guest's mapping of `va` is in it.
    ///
    /// O(1), or O(MiB in the largest mapping) once there was one larger than 1 MiB.
    pub fn concerned(&self, va: Gva) -> (Gva, u8) {
        let block = va.align_down(1 << self.largest_log2);
        let first = block.raw() >> MIB_LOG2;
        let count = 1u32 << (self.largest_log2 - MIB_LOG2);
        if (first..first + count).any(|mib| self.coarse[(mib / 32) as usize] >> (mib % 32) & 1 == 1) {
            (block, self.largest_log2)
        } else {
            (va.align_down(nex_mm::PAGE_BYTES), 12)
        }
    }

    /// Whether there was a mapping of more than a megabyte.
    pub const fn has_large(&self) -> bool {
        self.largest_log2 > MIB_LOG2
    }

    /// The table was cleared.
    pub fn clear(&mut self) {
        *self = Self::EMPTY;
    }
}
