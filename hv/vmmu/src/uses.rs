//! Where a page of guest RAM is mapped by shadow tables.
//!
//! When a page becomes code that was rewritten, or stops being so, every entry that maps it has to go. Guests map a page of
//! kernel code at one virtual address, the same in every address space. So a page remembers in one word the address of its
//! entries, or that there are several; then all tables are searched. Forgetting happens only when all entries were dropped:
//! by whoever did that, or when a second address is to be noted and the first turns out to hold no entry any more.

use nex_mm::Gva;

/// Which entries map a page (or, for a megabyte as a whole, which sections do). One word.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Uses(u32);

/// Where to look for entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Where {
    /// There are none.
    Nowhere,
    /// All are at this virtual address, in whichever tables.
    At(Gva),
    /// Anywhere.
    Anywhere,
}

const MAPPED: u32 = 1 << 0;
const SEVERAL: u32 = 1 << 1;
const CODE: u32 = 1 << 2;
const ADDRESS: u32 = !0xfff;

impl Uses {
    /// No entry maps it.
    pub const NONE: Self = Self(0);

    /// Notes that an entry at `va` maps it.
    #[inline]
    pub const fn note(&mut self, va: Gva) {
        let va = va.raw() & ADDRESS;
        if self.0 & MAPPED == 0 {
            self.0 = self.0 & CODE | va | MAPPED;
        } else if self.0 & ADDRESS != va {
            self.0 |= SEVERAL;
        }
    }

    /// The other address, if [`note`](Self::note) of `va` would make it two.
    #[inline]
    pub const fn other(self, va: Gva) -> Option<Gva> {
        let at = self.0 & ADDRESS;
        if self.0 & (MAPPED | SEVERAL) == MAPPED && at != va.raw() & ADDRESS {
            Some(Gva::new(at))
        } else {
            None
        }
    }

    /// Where its entries are.
    pub const fn find(self) -> Where {
        match (self.0 & MAPPED != 0, self.0 & SEVERAL != 0) {
            (false, _) => Where::Nowhere,
            (true, false) => Where::At(Gva::new(self.0 & ADDRESS)),
            (true, true) => Where::Anywhere,
        }
    }

    /// All its entries were dropped.
    pub const fn forget(&mut self) {
        self.0 &= CODE;
    }

    /// Whether it holds rewritten code.
    #[inline]
    pub const fn is_code(self) -> bool {
        self.0 & CODE != 0
    }

    /// Says whether it holds rewritten code.
    pub const fn set_code(&mut self, code: bool) {
        self.0 = self.0 & !CODE | if code { CODE } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_remembered_and_several_are_searched_for() {
        let (a, b) = (Gva::new(0xc010_8000), Gva::new(0x0001_0000));
        let mut uses = Uses::default();
        assert_eq!(uses.find(), Where::Nowhere);
        assert_eq!(uses.other(a), None);
        uses.note(a);
        uses.note(a);
        assert_eq!(uses.find(), Where::At(a));
        assert_eq!((uses.other(a), uses.other(b)), (None, Some(a)));
        uses.set_code(true);
        assert!(uses.is_code());
        assert_eq!(uses.find(), Where::At(a), "being code changes nothing");
        uses.note(b);
        uses.note(a);
        assert_eq!(uses.find(), Where::Anywhere);
        assert_eq!(uses.other(a), None);
        uses.forget();
        assert_eq!((uses.find(), uses.is_code()), (Where::Nowhere, true));
        uses.note(b);
        assert_eq!(uses.find(), Where::At(b));
    }
}
