//! The outer cache, where the board has one ([`OuterCache`]): between the CPU's caches and memory, seen by all CPUs.
//!
//! All that CPUs do among themselves, page table walks and instruction fetches included, goes through it, so it needs care
//! in three places only:
//!
//! - what a device reads from memory by itself: the screen's pixels ([`clean`]);
//! - what a CPU reads before it has its caches on, when another CPU is started: the board's business;
//! - before the CPU waits for an interrupt ([`drain`]): stores may sit in the cache's buffer until something else pushes
//!   them out (PL310 erratum 769419), and a waiting CPU does nothing else.
//!
//! Guests need nothing more: all of their memory is mapped write-back, whatever their own tables say, and their devices
//! are models in software which read it through the same caches. So their cache operations by address or by set and way
//! end at the CPU's own caches, where a guest can tell a difference only by fetching instructions.

use nex_mm::addr::Hpa;

use crate::board::OuterCache;

static OUTER: spin::Once<&'static dyn OuterCache> = spin::Once::new();

/// Takes it into use.
pub(crate) fn init(cache: Option<&'static dyn OuterCache>) {
    if let Some(cache) = cache {
        OUTER.call_once(|| cache);
    }
}

/// Starts to write the range to memory. It must have been cleaned from the CPU's caches, with a DSB; [`drain`] follows.
#[cfg(nex_framebuffer)]
pub(crate) fn clean(start: Hpa, bytes: u32) {
    if let Some(cache) = OUTER.get() {
        cache.clean(start, bytes);
    }
}

/// Waits until memory has what was cleaned and stored.
#[inline]
pub(crate) fn drain() {
    if let Some(cache) = OUTER.get() {
        cache.drain();
    }
}
