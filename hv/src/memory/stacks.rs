//! Thread stacks: fixed slots of address space, each a guard page (never mapped) with the stack above it.

use nex_mm::addr::{Hpa, PAGE_BYTES};
use nex_mm::frames::Owner;

use super::{RAM, STACKS_BASE};
use crate::sync::IrqLock;

/// Pages of a stack.
const PAGES: u32 = crate::config::THREAD_STACK_PAGES;
const SLOT_BYTES: u32 = 2 * PAGES * PAGE_BYTES;
const SLOTS: u32 = 128;

/// The slots in use.
static USED: IrqLock<[u32; SLOTS as usize / 32]> = IrqLock::new([0; SLOTS as usize / 32]);

/// A mapped stack; unmapped and given back when dropped.
pub struct Stack {
    slot: u32,
    hpa: Hpa,
}

impl Stack {
    /// A new stack; `None` when memory or slots ran out.
    pub fn new() -> Option<Stack> {
        let slot = {
            let mut used = USED.lock();
            let word = used.iter().position(|&bits| bits != !0)?;
            let bit = used[word].trailing_ones();
            used[word] |= 1 << bit;
            word as u32 * 32 + bit
        };
        let stack = super::alloc_frames(PAGES, 1, Owner::Stack).map(|hpa| Stack { slot, hpa });
        let Some(stack) = stack else {
            release_slot(slot);
            return None;
        };
        // On failure dropping `stack` undoes everything.
        super::map_own(stack.bottom(), stack.hpa, PAGES * PAGE_BYTES, RAM).ok()?;
        // Cleared, so that the deepest use can be read off later.
        super::zero(stack.hpa, PAGES * PAGE_BYTES);
        Some(stack)
    }

    /// The most bytes of it that were ever in use.
    pub fn peak_bytes(&self) -> u32 {
        let untouched = (0..PAGES * PAGE_BYTES / 4)
            .take_while(|n| super::read_word(Hpa::new(self.hpa.raw() + 4 * n)) == 0);
        PAGES * PAGE_BYTES - 4 * untouched.count() as u32
    }

    fn bottom(&self) -> u32 {
        STACKS_BASE + self.slot * SLOT_BYTES + SLOT_BYTES - PAGES * PAGE_BYTES
    }

    /// The end of the stack, where an empty stack's pointer is; 8-byte aligned.
    pub fn top(&self) -> u32 {
        self.bottom() + PAGES * PAGE_BYTES
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        super::unmap_own(self.bottom(), PAGES * PAGE_BYTES);
        super::free_frames(self.hpa, PAGES, Owner::Stack);
        release_slot(self.slot);
    }
}

fn release_slot(slot: u32) {
    USED.lock()[slot as usize / 32] &= !(1 << (slot % 32));
}

/// Whether `va` is in a stack that exists.
pub(super) fn is_mapped(va: u32) -> bool {
    let offset = va.wrapping_sub(STACKS_BASE);
    let slot = offset / SLOT_BYTES;
    // A look without waiting: backtraces are made when the lock's holder may be dead.
    let used =
        USED.try_lock().is_none_or(|used| slot < SLOTS && used[slot as usize / 32] & 1 << (slot % 32) != 0);
    slot < SLOTS && offset % SLOT_BYTES >= SLOT_BYTES - PAGES * PAGE_BYTES && used
}

/// Whether `va` is in the guard page below a stack.
pub(crate) fn is_guard(va: u32) -> bool {
    let offset = va.wrapping_sub(STACKS_BASE);
    offset < SLOTS * SLOT_BYTES && offset % SLOT_BYTES < SLOT_BYTES - PAGES * PAGE_BYTES
}
