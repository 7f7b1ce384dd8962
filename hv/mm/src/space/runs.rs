//! Listing an address space, for the boot log and the debugger.

use super::{AddressSpace, L1_ENTRIES, L2_ENTRIES, PAGES_IN_LARGE, TableMemory, entry};
use crate::addr::{Hpa, LARGE_BYTES, PAGE_BYTES, SECTION_BYTES};
use crate::desc::{Attrs, L1Desc, L2Desc};

/// A run of neighbouring pages that map to neighbouring memory with the same attributes, whatever the size of the blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// First virtual address.
    pub va: u32,
    /// Length in bytes, up to 4 GiB.
    pub bytes: u64,
    /// What `va` maps to.
    pub hpa: Hpa,
    /// What may be done there.
    pub attrs: Attrs,
    /// Domain: 0..=15.
    pub domain: u8,
}

impl Run {
    /// Whether `next` continues this run.
    fn is_continued_by(&self, next: &Run) -> bool {
        u64::from(self.va) + self.bytes == u64::from(next.va)
            && u64::from(self.hpa.raw()) + self.bytes == u64::from(next.hpa.raw())
            && self.attrs == next.attrs
            && self.domain == next.domain
    }
}

/// Joins runs and hands on those that are complete.
struct Joiner<'a> {
    open: Option<Run>,
    f: &'a mut dyn FnMut(Run),
}

impl Joiner<'_> {
    fn add(&mut self, next: Run) {
        match &mut self.open {
            Some(open) if open.is_continued_by(&next) => open.bytes += next.bytes,
            open => {
                if let Some(done) = open.replace(next) {
                    (self.f)(done);
                }
            }
        }
    }
}

impl AddressSpace {
    /// Calls `f` for everything that is mapped, borrowed windows included, in ascending order and with neighbours
    /// joined. Supersections to addresses above 4 GiB are left out.
    pub fn for_each_mapping(&self, mem: &impl TableMemory, f: &mut dyn FnMut(Run)) {
        let mut joiner = Joiner { open: None, f };
        for mib in 0..L1_ENTRIES {
            let va = mib * SECTION_BYTES;
            let bytes = u64::from(SECTION_BYTES);
            match L1Desc::decode(self.read_l1(mem, mib)) {
                L1Desc::Fault => {}
                L1Desc::Section { hpa, attrs, domain } => joiner.add(Run { va, bytes, hpa, attrs, domain }),
                L1Desc::Supersection { hpa, high, attrs } => {
                    if high == 0 {
                        let hpa = hpa.wrapping_add(mib % 16 * SECTION_BYTES);
                        joiner.add(Run { va, bytes, hpa, attrs, domain: 0 });
                    }
                }
                L1Desc::Table { l2, domain } => add_pages(mem, l2, va, domain, &mut joiner),
            }
        }
        if let Some(last) = joiner.open {
            (joiner.f)(last);
        }
    }
}

fn add_pages(mem: &impl TableMemory, l2: Hpa, va: u32, domain: u8, joiner: &mut Joiner<'_>) {
    let mut page = 0;
    while page < L2_ENTRIES {
        let va = va + page * PAGE_BYTES;
        match L2Desc::decode(mem.read(entry(l2, page))) {
            L2Desc::Fault => page += 1,
            L2Desc::Small { hpa, attrs } => {
                joiner.add(Run { va, bytes: u64::from(PAGE_BYTES), hpa, attrs, domain });
                page += 1;
            }
            L2Desc::Large { hpa, attrs } => {
                joiner.add(Run { va, bytes: u64::from(LARGE_BYTES), hpa, attrs, domain });
                page += PAGES_IN_LARGE;
            }
        }
    }
}
