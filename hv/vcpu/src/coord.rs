//! Coordinates of coprocessor registers: what MRC, MCR, MRRC and MCRR name.

use core::fmt;

/// Which register of CP14 or CP15 an instruction names, as 16 bits that compare in the order of the tables in the manual
/// (DDI 0406C B3.17.2): words before doublewords, CP14 before CP15, then CRn, opc1, CRm, opc2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coord(u16);

impl Coord {
    const PAIR: u16 = 1 << 15;
    const CP15: u16 = 1 << 14;

    /// The register of `MRC pNN, opc1, Rt, crn, crm, opc2` and MCR. `cp` is 14 or 15; its low bit is what counts, and
    /// the other fields are cut to the widths that encodings have, so every value is a coordinate.
    pub const fn word(cp: u8, crn: u8, opc1: u8, crm: u8, opc2: u8) -> Self {
        let cp15 = if cp & 1 == 1 { Self::CP15 } else { 0 };
        Self(
            cp15 | (crn as u16 & 15) << 10
                | (opc1 as u16 & 7) << 7
                | (crm as u16 & 15) << 3
                | (opc2 as u16 & 7),
        )
    }

    /// The register of `MRRC pNN, opc1, Rt, Rt2, crm` and MCRR.
    pub const fn pair(cp: u8, opc1: u8, crm: u8) -> Self {
        let cp15 = if cp & 1 == 1 { Self::CP15 } else { 0 };
        Self(Self::PAIR | cp15 | (opc1 as u16 & 15) << 4 | (crm as u16 & 15))
    }

    /// True if it is a doubleword register (MRRC, MCRR).
    pub const fn is_pair(self) -> bool {
        self.0 & Self::PAIR != 0
    }

    /// The coprocessor: 14 or 15.
    pub const fn coprocessor(self) -> u8 {
        if self.0 & Self::CP15 != 0 { 15 } else { 14 }
    }

    /// CRn of a word register; 0 for doublewords, which have none.
    pub const fn crn(self) -> u8 {
        if self.is_pair() { 0 } else { (self.0 >> 10 & 15) as u8 }
    }

    /// A small number that is different for each coordinate, below 65536: for a caller's "seen before" set.
    pub const fn index(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Coord {
    /// As an assembler writes it, without the registers: `p15 0 c13 c0 4`, `p15 1 c14`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cp, bits) = (self.coprocessor(), self.0);
        if self.is_pair() {
            write!(f, "p{cp} {} c{}", bits >> 4 & 15, bits & 15)
        } else {
            write!(f, "p{cp} {} c{} c{} {}", bits >> 7 & 7, self.crn(), bits >> 3 & 15, bits & 7)
        }
    }
}

impl fmt::Debug for Coord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
