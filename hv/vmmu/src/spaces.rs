//! Which guest address spaces have shadow tables: a small cache with a fixed number of slots.
//!
//! A slot stands for one shadow table and is known by its index. [`SpaceId`] says what a table depends on: when the
//! guest switches address space, ASID, mode or MMU, it gets another slot and finds its table as it left it. Tables
//! are dropped by the guest's TLB maintenance only, and by eviction of the one not used for the longest time.
//!
//! Slots are found by their ASID, through a mask for each: there are at most 32. Choosing one to give away looks at all.
//! Dropping a slot is O(1): its generation changes, and its table is cleared when somebody gets it next.

use crate::regs::Registers;
use crate::shadow::{Policy, View, baked_domains};
use crate::tlb::Flush;

const LONG_BASE: u64 = 0xff_ffff_ffff;
const LONG_TTBCR: u32 = 1 << 31 | 1 << 23 | 7 << 16 | 1 << 7 | 7;

/// Everything that the contents of a shadow table depend on, except the tables in memory and PRRR/NMRR/MAIR: their
/// changes reach Nex as TLB maintenance, or are treated as such.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpaceId {
    ttbr0: u64,
    ttbr1: u64,
    ttbcr: u32,
    control: u32,
    domains: u32,
    mmu: bool,
    asid: u8,
    view: View,
}

impl SpaceId {
    /// The space that the guest is in, in the view of its privilege. Bits that mean nothing in the present state are
    /// left out, so that writing them changes no table.
    pub const fn new(regs: &Registers, view: View, policy: Policy) -> Self {
        let (ttbr0, ttbr1, ttbcr, asid) = if !regs.mmu_on() {
            (0, 0, 0, 0)
        } else if regs.long() {
            (regs.ttbr0 & LONG_BASE, regs.ttbr1 & LONG_BASE, regs.ttbcr & LONG_TTBCR, regs.asid())
        } else if regs.ttbcr & 7 == 0 {
            (regs.ttbr0 & 0xffff_ff80, 0, regs.ttbcr & 0x10, regs.asid())
        } else {
            (regs.ttbr0 & 0xffff_ff80, regs.ttbr1 & 0xffff_ff80, regs.ttbcr & 0x37, regs.asid())
        };
        let control = if regs.mmu_on() { regs.control() } else { 0 };
        let domains = baked_domains(regs, policy.domains);
        Self { ttbr0, ttbr1, ttbcr, control, domains, mmu: regs.mmu_on(), asid, view }
    }

    /// What the entries that the guest maps globally depend on: all of this but address space and ASID. Two spaces for which
    /// it is the same can share them, as they share such entries of a TLB (B3.9.1). `None` with the MMU off.
    pub const fn globals(&self) -> Option<Self> {
        if self.mmu { Some(Self { ttbr0: 0, ttbr1: 0, asid: 0, ..*self }) } else { None }
    }

    /// The view.
    pub const fn view(&self) -> View {
        self.view
    }

    /// The ASID; 0 with the MMU off.
    pub const fn asid(&self) -> u8 {
        self.asid
    }
}

/// State of one slot; storage for [`Spaces`].
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    id: Option<SpaceId>,
    used: u64,
    generation: u32,
}

impl Slot {
    /// A slot that nobody has.
    pub const EMPTY: Self = Self { id: None, used: 0, generation: 0 };
}

/// What [`Spaces::acquire`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acquired {
    /// The table is there as it was left.
    Resident(u16),
    /// Clear the table of this slot and give back its second-level tables before use.
    Fresh {
        /// The slot.
        slot: u16,
        /// A space that was resident has lost its table.
        evicted: bool,
    },
}

/// The cache of shadow tables. At most 32 slots are used.
#[derive(Debug)]
pub struct Spaces<S> {
    slots: S,
    clock: u64,
    /// For each ASID the slots of its spaces, a bit each.
    by_asid: [u32; 256],
    /// Slots of spaces with the MMU on.
    mmu_on: u32,
}

/// Slots beyond this number are not used.
pub(crate) const MAX_SLOTS: usize = 32;

/// Some slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotSet(u32);

impl SlotSet {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether `slot` is one of them.
    pub const fn has(self, slot: u16) -> bool {
        slot < 32 && self.0 >> slot & 1 != 0
    }

    /// Puts `slot` in, or takes it out.
    pub const fn set(&mut self, slot: u16, member: bool) {
        if slot < 32 {
            self.0 = self.0 & !(1 << slot) | (member as u32) << slot;
        }
    }
}

impl Iterator for SlotSet {
    type Item = u16;

    #[inline]
    fn next(&mut self) -> Option<u16> {
        (self.0 != 0).then(|| {
            let slot = self.0.trailing_zeros();
            self.0 &= self.0 - 1;
            slot as u16
        })
    }
}

impl<S: AsRef<[Slot]> + AsMut<[Slot]>> Spaces<S> {
    /// Takes over `slots`, one for each shadow table there is storage for: a box, an array, or a borrowed slice.
    pub fn new(mut slots: S) -> Self {
        slots.as_mut().fill(Slot::EMPTY);
        Self { slots, clock: 0, by_asid: [0; 256], mmu_on: 0 }
    }

    fn all(&self) -> &[Slot] {
        let slots = self.slots.as_ref();
        &slots[..slots.len().min(MAX_SLOTS)]
    }

    fn all_mut(&mut self) -> &mut [Slot] {
        let slots = self.slots.as_mut();
        let count = slots.len().min(MAX_SLOTS);
        &mut slots[..count]
    }

    /// The slot of `id`, if resident. Does not count as use.
    pub fn find(&self, id: &SpaceId) -> Option<u16> {
        SlotSet(self.by_asid[usize::from(id.asid)])
            .find(|&slot| self.all()[usize::from(slot)].id.as_ref() == Some(id))
    }

    /// Forgets what is in `slot`.
    fn unlist(&mut self, slot: u16) {
        if let Some(id) = self.id(slot) {
            self.by_asid[usize::from(id.asid)] &= !(1 << slot);
            self.mmu_on &= !(1 << slot);
        }
    }

    /// The slot of `id`, if resident; counts as use.
    pub fn resident(&mut self, id: &SpaceId) -> Option<u16> {
        let slot = self.find(id)?;
        self.clock += 1;
        let clock = self.clock;
        self.all_mut()[usize::from(slot)].used = clock;
        Some(slot)
    }

    /// The slot of `id`: the resident one, else an empty one, else the least recently used one for which `in_use` is
    /// false (another vCPU runs on it). `None` if all are in use.
    pub fn acquire(&mut self, id: &SpaceId, in_use: impl Fn(u16) -> bool) -> Option<Acquired> {
        if let Some(slot) = self.resident(id) {
            return Some(Acquired::Resident(slot));
        }
        self.clock += 1;
        let clock = self.clock;
        let numbered = self.all_mut().iter_mut().zip(0u16..);
        let free = numbered.filter(|(_, at)| !in_use(*at));
        // `None` is less than any `Some`: an empty slot comes before all others.
        let (slot, at) = free.min_by_key(|(slot, _)| slot.id.map(|_| slot.used))?;
        let evicted = slot.id.is_some();
        let generation = slot.generation.wrapping_add(1);
        self.unlist(at);
        self.all_mut()[usize::from(at)] = Slot { id: Some(*id), used: clock, generation };
        self.by_asid[usize::from(id.asid)] |= 1 << at;
        self.mmu_on |= u32::from(id.mmu) << at;
        Some(Acquired::Fresh { slot: at, evicted })
    }

    /// Gives a slot back; its table need not be cleared now. Nothing happens if nobody had it.
    pub fn release(&mut self, slot: u16) {
        self.unlist(slot);
        if let Some(slot) = self.all_mut().get_mut(usize::from(slot)) {
            slot.id = None;
            slot.generation = slot.generation.wrapping_add(1);
        }
    }

    /// Gives back all slots: the guest's TLBIALL. Spaces with the MMU off stay, as they do not come from a TLB. The
    /// table in use must be acquired again, which clears it, before the guest goes on.
    pub fn flush_all(&mut self) {
        for slot in SlotSet(self.mmu_on) {
            self.release(slot);
        }
    }

    /// The slots for which `flush` means something: those in which it drops what it names, and others, in which it drops that if
    /// the guest maps it globally. Maintenance of a page drops all that comes from the guest's descriptor which maps it, so where
    /// that is a section or more, all of the block ([`Flush::drops`]); that by ASID drops what is not global. Dropping more is
    /// always permitted.
    #[inline]
    pub fn concerned(&self, flush: Flush) -> (SlotSet, SlotSet) {
        let own = |asid: u8| self.by_asid[usize::from(asid)] & self.mmu_on;
        match flush {
            Flush::All | Flush::PageAllAsids { .. } => (SlotSet(self.mmu_on), SlotSet(0)),
            Flush::Asid(asid) => (SlotSet(own(asid)), SlotSet(0)),
            Flush::Page { asid, .. } => (SlotSet(own(asid)), SlotSet(self.mmu_on & !own(asid))),
        }
    }

    /// Says that the table of `slot` was cleared and that its space keeps it: its generation is
    /// another one.
    pub fn renew(&mut self, slot: u16) {
        if let Some(slot) = self.all_mut().get_mut(usize::from(slot)) {
            slot.generation = slot.generation.wrapping_add(1);
        }
    }

    /// The numbers of all slots, in use or not.
    pub fn slots(&self) -> impl Iterator<Item = u16> + use<S> {
        0..self.all().len() as u16
    }

    /// The space in a slot.
    pub fn id(&self, slot: u16) -> Option<SpaceId> {
        self.all().get(usize::from(slot)).and_then(|slot| slot.id)
    }

    /// Changes whenever the table of `slot` becomes another one or empty.
    pub fn generation(&self, slot: u16) -> u32 {
        self.all().get(usize::from(slot)).map_or(0, |slot| slot.generation)
    }
}
