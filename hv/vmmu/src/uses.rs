//! Where a page of guest RAM is mapped by shadow tables.
//!
//! When a page becomes code that was rewritten, or stops being so, every entry that maps it has to go. Guests map a page of
//! kernel code at one virtual address, the same in every address space, and at another one while they change it. So a page
//! remembers in two words the addresses of its entries, or that there are more; then all tables are searched. Forgetting
//! happens only when all entries at an address were dropped: by whoever did that, or when a further address is to be noted
//! and one of the others turns out to hold no entry any more.

use nex_mm::Gva;

/// Which entries map a page (or, for a megabyte as a whole, which sections do).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Uses([u32; 2]);

/// Where to look for entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Where {
    /// All are at these virtual addresses, in whichever tables.
    At([Option<Gva>; 2]),
    /// Anywhere.
    Anywhere,
}

/// In either word: there is an address.
const MAPPED: u32 = 1 << 0;
/// In the first word: there are more than two.
const SEVERAL: u32 = 1 << 1;
/// In the first word.
const CODE: u32 = 1 << 2;
/// In the first word, with `CODE`: User mode may see it.
const SHOWN: u32 = 1 << 3;
const ADDRESS: u32 = !0xfff;

impl Uses {
    /// No entry maps it.
    pub const NONE: Self = Self([0; 2]);

    /// Notes that an entry at `va` maps it.
    #[inline]
    pub const fn note(&mut self, va: Gva) {
        let va = va.raw() & ADDRESS | MAPPED;
        if self.0[0] & (ADDRESS | MAPPED) == va || self.0[1] == va {
            return;
        }
        if self.0[0] & MAPPED == 0 {
            self.0[0] = self.0[0] & (CODE | SHOWN) | va;
        } else if self.0[1] == 0 {
            self.0[1] = va;
        } else {
            self.0[0] |= SEVERAL;
        }
    }

    /// Whether [`note`](Self::note) of `va` would make it more than can be remembered.
    #[inline]
    pub const fn is_full_for(self, va: Gva) -> bool {
        let va = va.raw() & ADDRESS | MAPPED;
        self.0[0] & (ADDRESS | MAPPED) != va && self.0[1] != va && self.0[1] != 0 && self.0[0] & SEVERAL == 0
    }

    /// Where its entries are.
    pub const fn find(self) -> Where {
        const fn address(word: u32) -> Option<Gva> {
            if word & MAPPED != 0 { Some(Gva::new(word & ADDRESS)) } else { None }
        }
        if self.0[0] & SEVERAL != 0 {
            return Where::Anywhere;
        }
        Where::At([address(self.0[0]), address(self.0[1])])
    }

    /// All its entries were dropped.
    pub const fn forget(&mut self) {
        self.0 = [self.0[0] & (CODE | SHOWN), 0];
    }

    /// Whether it holds rewritten code.
    #[inline]
    pub const fn is_code(self) -> bool {
        self.0[0] & CODE != 0
    }

    /// Says whether it holds rewritten code.
    pub const fn set_code(&mut self, code: bool) {
        self.0[0] = if code { self.0[0] | CODE } else { self.0[0] & !(CODE | SHOWN) };
    }

    /// Whether it is rewritten code that has yet to be made fit for User mode to see
    /// (`nex_rewrite::Page::show_to_user`).
    #[inline]
    pub const fn is_hidden(self) -> bool {
        self.0[0] & (CODE | SHOWN) == CODE
    }

    /// It was made fit, until it is code no longer.
    pub const fn set_shown(&mut self) {
        self.0[0] |= SHOWN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_addresses_are_remembered_and_more_are_searched_for() {
        let [a, b, c] = [0xc010_8000, 0x0001_0000, 0xffef_f000].map(Gva::new);
        let mut uses = Uses::default();
        assert_eq!(uses.find(), Where::At([None, None]));
        uses.note(a);
        uses.note(a);
        assert_eq!(uses.find(), Where::At([Some(a), None]));
        uses.set_code(true);
        assert!(uses.is_code());
        assert_eq!(uses.find(), Where::At([Some(a), None]), "being code changes nothing");
        assert!(!uses.is_full_for(b));
        uses.note(b);
        uses.note(a);
        assert_eq!(uses.find(), Where::At([Some(a), Some(b)]));
        assert!(!uses.is_full_for(a) && !uses.is_full_for(b) && uses.is_full_for(c));
        uses.note(c);
        uses.note(b);
        assert_eq!(uses.find(), Where::Anywhere);
        uses.forget();
        assert_eq!((uses.find(), uses.is_code()), (Where::At([None, None]), true));
        uses.note(b);
        assert_eq!(uses.find(), Where::At([Some(b), None]));
        assert!(uses.is_hidden());
        uses.set_shown();
        uses.set_code(true);
        uses.forget();
        uses.note(b);
        assert!(uses.is_code() && !uses.is_hidden(), "stays shown");
        uses.set_code(false);
        uses.set_code(true);
        assert!(uses.is_hidden(), "as it was rewritten anew");
        // Page 0 is an address like any other.
        uses.note(Gva::new(0));
        assert_eq!(uses.find(), Where::At([Some(b), Some(Gva::new(0))]));
    }
}
