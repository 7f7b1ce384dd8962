//! A page judged without following its code: what nearly all pages are.
//!
//! Where all code of a page is A32, each of its words is an instruction at its place, and following the code ([`Scan`])
//! comes to every one but data, in one of its phases. So its result is known without it if
//!
//! - what has to be replaced is so in any phase, and nothing in the page or its neighbours refers to it as data; or it
//!   would be replaced in the first two phases only, and control does not come to it but by the sweep of the third;
//! - no branch whose target is known leads to T32 code in this page.
//!
//! One pass finds what is suspicious by these rules, at a dozen instructions for most words. Where it cannot tell, the code
//! is followed. What it assumes to be referred to, or a target of branches, is more than what following would find: whatever
//! a word would be if it were code. The tests compare it with following.
//!
//! [`Scan`]: super::Scan

use super::{Place, policy};
use crate::codes::{self, Encoded};
use crate::{InstructionSet, PAGE_BYTES, PAGE_WORDS, Tables};
use nex_decode::{Branch, Class, Flow, Indirect, Next, TableEntry, flow_a32};

/// Suspicious words of a page that are remembered. A page of compiled code has five, of the densest assembly a hundred.
const SUSPECTS: usize = 256;

/// How many words before a doubtful one are looked at for where control may come from.
const CHAIN_WORDS: usize = 256;

/// A bit for each word of a page.
struct WordBits([u32; PAGE_WORDS / 32]);

impl WordBits {
    const EMPTY: WordBits = WordBits([0; PAGE_WORDS / 32]);

    fn set(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 32) {
            *word |= 1 << (index % 32);
        }
    }

    fn has(&self, index: usize) -> bool {
        self.0.get(index / 32).is_some_and(|word| word >> (index % 32) & 1 == 1)
    }
}

/// Room for one glance.
pub(crate) struct Notes {
    /// Words that are suspicious: the number of each, with [`DOUBTFUL`] and
    /// [`CERTAIN`].
    suspects: [u16; SUSPECTS],
    count: usize,
    /// Words that are perhaps referred to as data.
    referred: WordBits,
    /// Words that are perhaps targets of branches, but of B and BL.
    targets: WordBits,
}

/// A suspect that is replaced only where control comes to it otherwise than by the sweep.
const DOUBTFUL: u16 = 1 << 15;
/// And only where that is so without a call that returns.
const CERTAIN: u16 = 1 << 14;

impl Notes {
    pub(crate) const EMPTY: Notes =
        Notes { suspects: [0; SUSPECTS], count: 0, referred: WordBits::EMPTY, targets: WordBits::EMPTY };

    /// After a glance that could tell: the numbers of the words that have to be replaced, ascending.
    pub(crate) fn replaced(&self) -> &[u16] {
        &self.suspects[..self.count]
    }

    /// Whether one of them is among `literals`, halfwords that another page loads from: then the page has to be followed.
    pub(crate) fn any_of(&self, literals: &[u16]) -> bool {
        literals.iter().any(|literal| self.replaced().binary_search(&(literal / 2)).is_ok())
    }
}

/// Why a page has to be followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unclear;

/// Looks at a page as the guest wrote it. `entries` are as in [`Scan::run`](super::Scan::run). What other pages load from this
/// one is left out of account: see [`Notes::any_of`].
///
/// # Errors
/// [`Unclear`]: `notes` say nothing.
pub(crate) fn glance(
    image: &[u32; PAGE_WORDS],
    tables: &Tables,
    place: Place,
    entries: impl Iterator<Item = (usize, InstructionSet)> + Clone,
    notes: &mut Notes,
) -> Result<(), Unclear> {
    if place.begins_with_tail || entries.clone().any(|(_, set)| set == InstructionSet::T32) {
        return Err(Unclear);
    }
    notes.count = 0;
    notes.referred = WordBits::EMPTY;
    notes.targets = WordBits::EMPTY;
    let mut glance = Glance { image, tables, base: place.base, notes };
    glance.pass()?;
    glance.settle(entries)
}

struct Glance<'a> {
    image: &'a [u32; PAGE_WORDS],
    tables: &'a Tables,
    base: u32,
    notes: &'a mut Notes,
}

/// What keeps a word from being passed over, by its bits 31..=20: bit 0 that bits 15..=12 are R15, bit 4 that bits 19..=16
/// are, bit 1 that bit 4 is set, bit 7 nothing else.
static UNLESS: [u8; 4096] = {
    const SECOND_PC: u8 = 1;
    const BIT_4: u8 = 2;
    const FIRST_PC: u8 = 16;
    const ALWAYS: u8 = 128;
    let mut table = [ALWAYS; 4096];
    let mut i = 0;
    while i < 0xf00 {
        let op = i & 0xff;
        // The comparisons without S: other instructions.
        let special = op & 0x19 == 0x10;
        // LDRT and its family.
        let unprivileged = op & 0x12 == 0x02;
        table[i] = match op >> 5 {
            0b000 if !special => SECOND_PC | BIT_4,
            // MOVW, MOVT are among the special ones.
            0b001 if !special || op & 0x1b == 0x10 => SECOND_PC,
            0b010 if !unprivileged => FIRST_PC | SECOND_PC,
            0b011 if !unprivileged => FIRST_PC | SECOND_PC | BIT_4,
            // B, BL.
            0b101 => 0,
            _ => ALWAYS,
        };
        i += 1;
    }
    table
};

/// Whether a word is neither suspicious, nor refers to data, nor branches to anything but A32 code; found by a few bits, so
/// it may be false although that is so.
#[inline(always)]
fn is_passed_over(word: u32) -> bool {
    // Bits 12 and 16 remain where bits 15..=12 and 19..=16 are all set.
    let pairs = word & word >> 1;
    let pc = pairs & pairs >> 2 & 0x1_1000;
    let is = (pc | (word & 0x10) << 9 | 0x8_0000) >> 12;
    u32::from(UNLESS[(word >> 20) as usize]) & is == 0
}

/// The same by a longer look, for what a table by the upper bits does not tell: what is frequent in compiled code.
#[inline(always)]
fn is_known(word: u32) -> bool {
    if word >= 0xf000_0000 {
        // DSB, DMB, ISB; PLD and PLDW with an offset from a register.
        let barrier = word & 0xffff_ff00 == 0xf57f_f000 && matches!(word >> 4 & 0xf, 4..=6);
        return barrier || (word & 0xff30_f000 == 0xf510_f000 && word & 0x000f_0000 != 0x000f_0000);
    }
    let no_first_pc = word & 0x000f_0000 != 0x000f_0000;
    let no_second_pc = word & 0xf000 != 0xf000;
    match word >> 25 & 7 {
        // LDM and STM without `^`, and with a list.
        0b100 => word & 0x0040_0000 == 0 && no_first_pc && word & 0xffff != 0,
        // Loads and stores of halfwords, signed bytes and doublewords: as in `quick`.
        0b000 if word & 0x90 == 0x90 && word & 0x60 != 0 => {
            word & 0x0120_0000 != 0x0020_0000 && no_first_pc && word & 0xf000 < 0xe000
        }
        // Exclusive loads and stores; MUL and MLA; UMULL to SMLAL.
        0b000 if word & 0x90 == 0x90 => match word >> 21 & 0xf {
            0b1100..=0b1111 => no_second_pc,
            0b0000 | 0b0001 => no_first_pc,
            0b0100..=0b0111 => no_first_pc && no_second_pc,
            _ => false,
        },
        // Shifts by a register.
        0b000 if word & 0x90 == 0x10 && word & 0x0190_0000 != 0x0100_0000 => no_second_pc,
        // BX and BLX; CLZ.
        0b000 => match word & 0x0fff_fff0 {
            0x012f_ff10 | 0x012f_ff30 => word & 0xf != 0xf,
            _ => word & 0x0fff_0ff0 == 0x016f_0f10 && no_second_pc,
        },
        // NOP.
        0b001 => word & 0x0fff_ffff == 0x0320_f000,
        // Extensions, packing and reversal; bit fields.
        0b011 if word & 0x10 != 0 => {
            let extends = word & 0x0180_0000 == 0x0080_0000;
            let bit_field = word & 0x01a0_0060 == 0x01a0_0040;
            (extends || bit_field) && no_second_pc
        }
        _ => false,
    }
}

/// Whether it is MRC of TPIDRURO, which Linux reads all over.
#[inline(always)]
fn is_tpidruro_read(word: u32) -> bool {
    word & 0x0fff_0fff == 0x0e1d_0f70 && word & 0xf000 != 0xf000 && word < 0xf000_0000
}

impl Glance<'_> {
    /// Looks at all words once.
    fn pass(&mut self) -> Result<(), Unclear> {
        let (blocks, _) = self.image.as_chunks::<8>();
        for (n, block) in blocks.iter().enumerate() {
            // One after the other, without a loop, which would cost a fifth more.
            let [a, b, c, d, e, f, g, h] = *block;
            self.glimpse(n * 8, a)?;
            self.glimpse(n * 8 + 1, b)?;
            self.glimpse(n * 8 + 2, c)?;
            self.glimpse(n * 8 + 3, d)?;
            self.glimpse(n * 8 + 4, e)?;
            self.glimpse(n * 8 + 5, f)?;
            self.glimpse(n * 8 + 6, g)?;
            self.glimpse(n * 8 + 7, h)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn glimpse(&mut self, index: usize, word: u32) -> Result<(), Unclear> {
        if is_passed_over(word) { Ok(()) } else { self.look(index, word) }
    }

    /// Looks at a word that was not passed over. Frequent ones are known without decoding.
    #[inline(never)]
    fn look(&mut self, index: usize, word: u32) -> Result<(), Unclear> {
        // LDR and LDRB from a distance from the PC.
        if word & 0x0f3f_0000 == 0x051f_0000 && word & 0xf000 != 0xf000 && word < 0xf000_0000 {
            self.refer(word >> 23 & 1 == 1, index, word & 0xfff);
            return Ok(());
        }
        if is_known(word) || (is_tpidruro_read(word) && !self.tables.replace_tpidruro) {
            return Ok(());
        }
        self.decode(index, word)
    }

    #[inline(never)]
    fn decode(&mut self, index: usize, word: u32) -> Result<(), Unclear> {
        let decoded = nex_decode::a32(word);
        if codes::encode_decoded_a32(word, &decoded) != Encoded::Stays {
            let candidate =
                policy::Candidate { word, decoded: &decoded, image: self.image, index, base: self.base };
            let doubtful = match policy::verdict_a32(&candidate, self.tables) {
                policy::Verdict::Never => None,
                policy::Verdict::Always => Some(0),
                policy::Verdict::UnlessSwept => Some(DOUBTFUL),
                policy::Verdict::IfCertain => Some(DOUBTFUL | CERTAIN),
            };
            if let Some(doubtful) = doubtful {
                let suspect = self.notes.suspects.get_mut(self.notes.count).ok_or(Unclear)?;
                *suspect = index as u16 | doubtful;
                self.notes.count += 1;
            }
        }
        // All others branch nowhere that is known, nor refer to the PC.
        if !matches!(decoded.class, Class::Innocuous | Class::Fp) {
            return Ok(());
        }
        self.flow(&flow_a32(word, self.base.wrapping_add(index as u32 * 4)))
    }

    /// Notes where an instruction may go, and what it refers to.
    fn flow(&mut self, flow: &Flow) -> Result<(), Unclear> {
        if let Some(data) = flow.data {
            let begin = data.addr.wrapping_sub(self.base);
            for n in 0..u32::from(data.bytes) {
                let offset = begin.wrapping_add(n);
                if offset < PAGE_BYTES {
                    self.notes.referred.set(offset as usize / 4);
                }
            }
        }
        match flow.branch {
            Branch::Direct(target) => self.target(target.addr | u32::from(target.set == InstructionSet::T32)),
            Branch::Indirect(Indirect::Load) => match flow.data {
                Some(data) if data.addr.is_multiple_of(4) => match self.word_at(data.addr) {
                    Some(index) => self.target(self.image[index]),
                    None => Ok(()),
                },
                _ => Ok(()),
            },
            Branch::Indirect(Indirect::Table { base, entry: TableEntry::Words }) => self.table(base),
            // Whether it has targets that matter, only its entries say.
            Branch::Indirect(Indirect::Table { base, .. }) if self.word_at(base).is_some() => Err(Unclear),
            _ => Ok(()),
        }
    }

    /// A branch to an address, whose bit 0 selects T32.
    fn target(&mut self, addr: u32) -> Result<(), Unclear> {
        match self.word_at(addr) {
            None => Ok(()),
            Some(_) if addr & 1 == 1 => Err(Unclear),
            Some(index) => {
                self.notes.targets.set(index);
                Ok(())
            }
        }
    }

    /// LDR PC, \[PC, Rm, LSL #2\]: all that may be entries of its table.
    fn table(&mut self, base: u32) -> Result<(), Unclear> {
        let Some(begin) = self.word_at(base) else { return Ok(()) };
        for index in begin..PAGE_WORDS {
            let target = self.image[index];
            if !super::tables::is_near(target, base) {
                break;
            }
            self.notes.referred.set(index);
            self.target(target)?;
        }
        Ok(())
    }

    /// LDR or LDRB of the word at `index`.
    #[inline(always)]
    fn refer(&mut self, add: bool, index: usize, distance: u32) {
        let pc = index as u32 * 4 + 8;
        let offset = if add { pc + distance } else { pc.wrapping_sub(distance) };
        self.notes.referred.set((offset / 4) as usize);
        // A word that is not aligned.
        if offset % 4 != 0 {
            self.notes.referred.set((offset.wrapping_add(3) / 4) as usize);
        }
    }

    /// The number of the word at an address, if it is in this page.
    fn word_at(&self, addr: u32) -> Option<usize> {
        let offset = addr.wrapping_sub(self.base);
        (offset < PAGE_BYTES).then_some(offset as usize / 4)
    }

    /// Judges the suspects, and keeps those that are replaced.
    fn settle(
        &mut self,
        entries: impl Iterator<Item = (usize, InstructionSet)> + Clone,
    ) -> Result<(), Unclear> {
        let mut kept = 0;
        let mut branches = None;
        for n in 0..self.notes.count {
            let suspect = self.notes.suspects[n];
            let index = usize::from(suspect & !(DOUBTFUL | CERTAIN));
            if suspect & DOUBTFUL == 0 {
                if self.notes.referred.has(index) {
                    return Err(Unclear);
                }
                self.notes.suspects[kept] = suspect;
                kept += 1;
            } else {
                let branches = branches.get_or_insert_with(|| self.branches(entries.clone()));
                if self.may_be_reached(index, suspect & CERTAIN == 0, branches) {
                    return Err(Unclear);
                }
            }
        }
        self.notes.count = kept;
        Ok(())
    }

    /// The targets of all that may be B and BL in this page, with what was noted already, and the entries.
    fn branches(&self, entries: impl Iterator<Item = (usize, InstructionSet)>) -> WordBits {
        let mut targets = WordBits(self.notes.targets.0);
        for (halfword, _) in entries {
            targets.set(halfword / 2);
        }
        let (blocks, _) = self.image.as_chunks::<8>();
        for (n, block) in blocks.iter().enumerate() {
            for (k, &word) in block.iter().enumerate() {
                if word >> 25 & 7 == 0b101 {
                    branch(&mut targets, n * 8 + k, word);
                }
            }
        }
        targets
    }

    /// Whether control may come to the word at `index` otherwise than by the last sweep; `calls` says whether from a call that
    /// returns, too.
    fn may_be_reached(&self, index: usize, calls: bool, targets: &WordBits) -> bool {
        for index in (index.saturating_sub(CHAIN_WORDS)..=index).rev() {
            if targets.has(index) {
                return true;
            }
            let Some(before) = index.checked_sub(1) else { return false };
            if goes_no_further(self.image[before], calls) {
                return false;
            }
        }
        true
    }
}

/// Notes the target of a B or BL; BLX is another matter.
#[inline(never)]
fn branch(targets: &mut WordBits, index: usize, word: u32) {
    if word < 0xf000_0000 {
        let words = (word << 8) as i32 >> 8;
        targets.set((index as u32 + 2).wrapping_add_signed(words) as usize);
    }
}

/// Whether following never goes on behind a word; `calls` says whether it does behind calls.
fn goes_no_further(word: u32, calls: bool) -> bool {
    if is_passed_over(word) {
        // B with AL, BL; everything else goes on.
        let call = word & 0x0f00_0000 == 0x0b00_0000;
        return word >> 24 == 0xea || call && !calls;
    }
    match flow_a32(word, 0).next {
        Next::Never => true,
        Next::AfterException => !matches!(nex_decode::a32(word).class, Class::Svc { .. }),
        Next::AfterCall => !calls,
        Next::Always | Next::IfNotTaken => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_decoded_is_nothing_to_replace_nor_to_follow() {
        let lows = (0..0x1_0000_u32).step_by(0x800 + 7).chain([
            0, 0x8000, 0x0001, 0xf090, 0x0090, 0xffff, 0xe0d0, 0xe0b0, 0xf0f0, 0x00b0, 0x0070, 0x0050,
            0x0010, 0x0f10, 0xff1e, 0xff1f, 0xff3e, 0xff3f, 0xff2e, 0xf000, 0xf001, 0xf003, 0xf004, 0xf04f,
            0xf05b, 0xf06f, 0xf07f, 0x0f9f, 0x3f9f, 0x3f90, 0xff90, 0x0f11, 0xff11,
        ]);
        let lows: std::vec::Vec<_> = lows.collect();
        let (mut passed, mut known) = (0, 0);
        for high in 0..0x1_0000_u32 {
            for &low in &lows {
                let word = high << 16 | low;
                if is_passed_over(word) {
                    passed += 1;
                } else if is_known(word) {
                    known += 1;
                } else {
                    continue;
                }
                let class = nex_decode::a32(word).class;
                assert!(matches!(class, Class::Innocuous | Class::Fp), "{word:#010x} {class:?}");
                assert_eq!(codes::encode_a32(word), Encoded::Stays);
                let flow = flow_a32(word, 0x8000);
                assert!(flow.data.is_none_or(|data| data.bytes == 0), "{word:#010x}");
                match flow.branch {
                    Branch::None | Branch::Indirect(Indirect::Register(_)) => {}
                    Branch::Direct(target) => {
                        assert_eq!((target.set, word >> 25 & 7), (InstructionSet::A32, 5))
                    }
                    Branch::Indirect(Indirect::Load) => assert_eq!(word >> 25 & 7, 4, "{word:#010x}"),
                    other => panic!("{word:#010x} {other:?}"),
                }
            }
        }
        assert!(passed > 1_000_000 && known > 200_000, "{passed} {known}");
    }
}
