//! The heap: two-level segregated fit (rlsf), constant time, growing out of the frame table.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;

use nex_mm::frames::Owner;
use rlsf::Tlsf;

use crate::arch::raw::Raw;
use crate::config::{HEAP_GROWTH_KIB, HEAP_INITIAL_KIB};
use crate::sync::IrqLock;

const EARLY_BYTES: usize = 8 * 1024;

#[repr(C, align(16))]
struct Early(#[allow(dead_code)] [u8; EARLY_BYTES]);
/// For the boxes made before the frame table exists: the early console.
static EARLY: Raw<Early> = Raw::new(Early([0; EARLY_BYTES]));

struct Heap {
    /// First level: blocks up to 2^(4+20) bytes; second level: 16 classes each.
    tlsf: Tlsf<'static, u32, u16, 20, 16>,
    grown_bytes: usize,
    used_bytes: usize,
    peak_bytes: usize,
}

/// The heap's blocks and counters.
struct LockedHeap(IrqLock<Heap>);

#[global_allocator]
static HEAP: LockedHeap =
    LockedHeap(IrqLock::new(Heap { tlsf: Tlsf::new(), grown_bytes: 0, used_bytes: 0, peak_bytes: 0 }));

impl Heap {
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let block = self.tlsf.allocate(layout)?;
        self.used_bytes += layout.size();
        self.peak_bytes = self.peak_bytes.max(self.used_bytes);
        Some(block)
    }

    /// Adds frames enough for `layout`. The frames' lock comes before the heap's in the lock order, so they are taken
    /// by the caller.
    fn add(&mut self, hpa: nex_mm::addr::Hpa, bytes: u32) {
        // SAFETY: fresh frames of the heap's own, mapped by the direct map for good.
        let memory = unsafe { super::direct::slice_mut(hpa, bytes) };
        // SAFETY: as above: nothing else uses the block.
        unsafe { self.tlsf.insert_free_block_ptr(NonNull::from(memory)) };
        self.grown_bytes += bytes as usize;
    }
}

fn grow(bytes: u32) -> bool {
    let frames = bytes.div_ceil(4096);
    match super::alloc_frames(frames, 1, Owner::Heap) {
        Some(hpa) => {
            HEAP.0.lock().add(hpa, frames * 4096);
            true
        }
        None => false,
    }
}

// SAFETY: blocks come from rlsf, which hands out disjoint, aligned blocks of memory given to it for good; the lock
// makes that true for all CPUs and interrupt handlers.
unsafe impl GlobalAlloc for LockedHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(block) = self.0.lock().allocate(layout) {
            return block.as_ptr();
        }
        let wanted = layout.size().saturating_add(layout.align()).saturating_add(256);
        let Ok(wanted) = u32::try_from(wanted) else { return core::ptr::null_mut() };
        if wanted > 16 << 20 || !(grow(wanted.max(HEAP_GROWTH_KIB << 10)) || grow(wanted)) {
            return core::ptr::null_mut();
        }
        self.0.lock().allocate(layout).map_or(core::ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let mut heap = self.0.lock();
        if let Some(block) = NonNull::new(block) {
            heap.used_bytes -= layout.size();
            // SAFETY: by the contract of `dealloc` this block came from `alloc` with this layout.
            unsafe { heap.tlsf.deallocate(block, layout.align()) };
        }
    }
}

/// Makes a small heap out of the image's own memory.
///
/// # Safety
/// Once, before anything is allocated.
pub(crate) unsafe fn init_early() {
    let block = core::ptr::slice_from_raw_parts_mut(EARLY.as_ptr().cast::<u8>(), EARLY_BYTES);
    if let Some(block) = NonNull::new(block) {
        let mut heap = HEAP.0.lock();
        // SAFETY: a static that nothing else touches; given away once by the caller's promise.
        unsafe { heap.tlsf.insert_free_block_ptr(block) };
        heap.grown_bytes += EARLY_BYTES;
    }
}

/// Gives the heap its first frames.
pub(super) fn init() {
    grow(HEAP_INITIAL_KIB << 10);
}

/// How much the heap has and uses, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct HeapUse {
    /// Memory given to the heap.
    pub total_bytes: usize,
    /// Sum of what is allocated now.
    pub used_bytes: usize,
    /// The highest `used_bytes` so far.
    pub peak_bytes: usize,
}

/// The heap's size and use.
pub fn usage() -> HeapUse {
    let heap = HEAP.0.lock();
    HeapUse { total_bytes: heap.grown_bytes, used_bytes: heap.used_bytes, peak_bytes: heap.peak_bytes }
}

/// As [`usage`], for the debugger.
pub(crate) fn peek(stopped: &crate::sync::Stopped) -> HeapUse {
    let heap = HEAP.0.peek(stopped);
    HeapUse { total_bytes: heap.grown_bytes, used_bytes: heap.used_bytes, peak_bytes: heap.peak_bytes }
}
