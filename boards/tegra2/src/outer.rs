//! The PL310 as Nex's outer cache.

use nex_hv::addr::Hpa;
use nex_hv::arch::cp15;
use nex_hv::board::OuterCache;
use nex_hv::{info, warning};
use nex_tegra2_logic::l2::{L2Error, Pl310};

use crate::block::Block;

/// A PL310 that is on.
pub struct Outer(Pl310<Block>);

impl Outer {
    /// Switches the cache on, if it is off and this is Secure state. `None` if it is not there or stays off.
    pub fn new(registers: Block, secure: bool) -> Option<Self> {
        let cache = match Pl310::new(registers) {
            Ok(cache) => cache,
            Err(L2Error::NotPl310(id)) => {
                warning!("no PL310 at its place (CACHE_ID {:08x}): no outer cache", id);
                return None;
            }
            Err(L2Error::Stuck) => return None,
        };
        if cache.is_on() {
            // The board's first instructions switch it off, unless this is Non-secure state. Then it is the firmware's, and
            // operations by address work.
            info!("the outer cache stays on as the firmware has it");
            return Some(Outer(cache));
        }
        if !secure {
            return None;
        }
        // Between the two barriers all that goes to memory comes from the core's own caches, whose lines are newer than
        // memory or the same: an empty outer cache between them changes nothing (DDI 0246, "Cache maintenance operations").
        cp15::dsb();
        let started = cache.start();
        cp15::dsb();
        match started {
            Ok(()) => {
                info!("outer cache: PL310 release {}, {} KiB, on", cache.release(), cache.bytes() >> 10);
                Some(Outer(cache))
            }
            Err(_) => {
                warning!("the outer cache does not become empty; it stays off");
                None
            }
        }
    }
}

impl OuterCache for Outer {
    fn clean(&self, start: Hpa, bytes: u32) {
        self.0.clean(start.raw(), bytes);
    }
    fn clean_and_invalidate(&self, start: Hpa, bytes: u32) {
        self.0.clean_and_invalidate(start.raw(), bytes);
    }
    fn drain(&self) {
        self.0.drain();
    }
}
