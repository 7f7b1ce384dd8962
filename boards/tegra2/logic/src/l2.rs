//! The outer cache: ARM's PL310, r2p0, 1 MiB in 8 ways (ARM DDI 0246; what is in quotes below are its sections, whose numbers
//! differ by issue).
//!
//! It is behind the cores' own caches and in front of memory for cores only: what they do among themselves passes through
//! it unseen, what a device reads or writes by itself does not. Configuration is for Secure state, and only while the
//! cache is off ("Auxiliary control
//! register"); operations by address are for everybody.
//!
//! A loader that left it on is dealt with long before this runs, since until then memory must not be touched: see the
//! board's first instructions. Here it is found off.
//!
//! Errata of r2p0 that apply: 727915, a clean and invalidate by way wants line fills and write-back off, which the board's
//! first instructions do; 769419, a store may stay in the buffer until something pushes it out: [`Pl310::drain`] before
//! waiting for an interrupt. 588369 (to r1) and 753970 (r3p0) do not.

use crate::regs::Registers;

const CACHE_ID: usize = 0x000;
const CTRL: usize = 0x100;
const AUX_CTRL: usize = 0x104;
const TAG_LATENCY: usize = 0x108;
const DATA_LATENCY: usize = 0x10c;
const INT_MASK: usize = 0x214;
const INT_CLEAR: usize = 0x220;
const CACHE_SYNC: usize = 0x730;
const INV_WAY: usize = 0x77c;
const CLEAN_PA: usize = 0x7b0;
const CLEAN_INV_PA: usize = 0x7f0;
const LOCKDOWN: usize = 0x900;
const LOCKDOWN_END: usize = 0x940;
const PREFETCH_CTRL: usize = 0xf60;
const POWER_CTRL: usize = 0xf80;

const LINE_BYTES: u32 = 32;

/// CACHE_ID: implementer ARM, part L2C-310; bits 5:0 are the release.
const ID_PART_MASK: u32 = 0xff00_03c0;
const ID_PL310: u32 = 0x4100_00c0;
/// CACHE_ID bits 5:0 from which there is POWER_CTRL.
const RTL_R3P0: u32 = 0x5;

/// AUX_CTRL: how the RAMs are wired, ways and their size: as found.
const AUX_GEOMETRY: u32 = 7 << 17 | 1 << 16;
const AUX_16_WAYS: u32 = 1 << 16;
/// Prefetch of data and instructions.
const AUX_PREFETCH: u32 = 1 << 29 | 1 << 28;
/// Early response to writes, which the A9 understands.
const AUX_EARLY_BRESP: u32 = 1 << 30;
/// Shareable but non-cacheable accesses are left as they are ("Shareable attribute"): by default they are treated as cacheable without
/// allocation, so that a non-cacheable alias, such as a framebuffer's, could hit stale lines.
const AUX_SHARED_OVERRIDE: u32 = 1 << 22;

/// RAM latencies in cycles less one, read, write and set-up, at which the Tegra 2 was made to work.
const TAG_LATENCY_CYCLES: u32 = 0x331;
const DATA_LATENCY_CYCLES: u32 = 0x441;

/// Reads of a register that are certainly longer than the emptying of the whole cache.
const POLLS: u32 = 1_000_000;

/// Why the cache stays as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum L2Error {
    /// Another part answers there; its CACHE_ID.
    NotPl310(u32),
    /// An operation does not end.
    Stuck,
}

/// The cache controller.
pub struct Pl310<R> {
    registers: R,
}

impl<R: Registers> Pl310<R> {
    /// The controller at its registers.
    ///
    /// # Errors
    /// [`L2Error::NotPl310`].
    pub fn new(registers: R) -> Result<Self, L2Error> {
        let id = registers.read(CACHE_ID);
        if id & ID_PART_MASK == ID_PL310 { Ok(Pl310 { registers }) } else { Err(L2Error::NotPl310(id)) }
    }

    /// CACHE_ID bits 5:0: 4 for r2p0.
    pub fn release(&self) -> u32 {
        self.registers.read(CACHE_ID) & 0x3f
    }

    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.registers.read(CTRL) & 1 != 0
    }

    /// Bytes that it holds, by its configuration: 8 or 16 ways of 16 KiB << n.
    pub fn bytes(&self) -> u32 {
        let aux = self.registers.read(AUX_CTRL);
        let ways = if aux & AUX_16_WAYS != 0 { 16 } else { 8 };
        ways * (8 << 10 << (aux >> 17 & 7))
    }

    /// Configures the cache, which is off, empties it and switches it on. In Secure state; the caller has a DSB before and
    /// after. What it held is thrown away: while it was off nothing was written to it.
    ///
    /// # Errors
    /// [`L2Error::Stuck`]; it is still off then.
    pub fn start(&self) -> Result<(), L2Error> {
        let aux = self.registers.read(AUX_CTRL) & AUX_GEOMETRY;
        self.registers.write(AUX_CTRL, aux | AUX_PREFETCH | AUX_EARLY_BRESP | AUX_SHARED_OVERRIDE);
        self.registers.write(TAG_LATENCY, TAG_LATENCY_CYCLES);
        self.registers.write(DATA_LATENCY, DATA_LATENCY_CYCLES);
        // The same two bits as in AUX_CTRL ("Prefetch control register"); no double line fill, whose errata r2p0 has.
        self.registers.write(PREFETCH_CTRL, AUX_PREFETCH);
        if self.release() >= RTL_R3P0 {
            // Clock gating and standby while the cores wait.
            self.registers.write(POWER_CTRL, 3);
        }
        // No way is locked for anybody.
        (LOCKDOWN..LOCKDOWN_END).step_by(4).for_each(|offset| self.registers.write(offset, 0));
        self.registers.write(INT_MASK, 0);
        self.registers.write(INT_CLEAR, 0x1ff);
        // After power-on the lines are not known to be invalid ("Cache maintenance operations"). In the background: a way's bit reads 0 when it is
        // done, and no other register but CACHE_SYNC may be written until then.
        let ways = if aux & AUX_16_WAYS != 0 { 0xffff } else { 0xff };
        self.registers.write(INV_WAY, ways);
        self.poll(INV_WAY, ways)?;
        self.sync()?;
        self.registers.write(CTRL, 1);
        Ok(())
    }

    fn poll(&self, offset: usize, bits: u32) -> Result<(), L2Error> {
        (0..POLLS).any(|_| self.registers.read(offset) & bits == 0).then_some(()).ok_or(L2Error::Stuck)
    }

    /// CACHE_SYNC: when it reads 0 all earlier operations are done, and the buffers are empty ("Cache maintenance operations").
    fn sync(&self) -> Result<(), L2Error> {
        self.registers.write(CACHE_SYNC, 0);
        self.poll(CACHE_SYNC, 1)
    }

    /// Starts to write changed lines of `bytes` from `start` to memory.
    pub fn clean(&self, start: u32, bytes: u32) {
        self.for_each_line(CLEAN_PA, start, bytes);
    }

    /// The same, and to forget the lines.
    pub fn clean_and_invalidate(&self, start: u32, bytes: u32) {
        self.for_each_line(CLEAN_INV_PA, start, bytes);
    }

    /// Waits for what was started, and for the write buffers. An operation that never ends is given up on: the cache is
    /// broken then, and whoever waits had better go on.
    pub fn drain(&self) {
        let _ = self.sync();
    }

    /// An operation on a line by physical address: atomic ("Cache maintenance operations"), so nothing is polled in between, and two CPUs or an
    /// interrupt handler may do theirs at the same time.
    fn for_each_line(&self, operation: usize, start: u32, bytes: u32) {
        let end = u64::from(start) + u64::from(bytes);
        let mut at = u64::from(start & !(LINE_BYTES - 1));
        while bytes > 0 && at < end {
            self.registers.write(operation, at as u32);
            at += u64::from(LINE_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regs::fake::Fake;

    fn cache() -> Fake {
        // Operations are done at once: their bits read 0.
        Fake::new(&[(CACHE_ID, 0x4100_00c4), (AUX_CTRL, 0x0208_0000)]).with_effect(|values, offset, value| {
            let stored = if (CACHE_SYNC..=0x7fc).contains(&offset) { 0 } else { value };
            values.insert(offset, stored);
        })
    }

    #[test]
    fn identified() {
        let l2 = Pl310::new(cache()).expect("a PL310");
        assert_eq!((l2.release(), l2.bytes(), l2.is_on()), (4, 1 << 20, false));
        for id in [0, 0x4100_0080, !0] {
            assert_eq!(Pl310::new(Fake::new(&[(CACHE_ID, id)])).err(), Some(L2Error::NotPl310(id)));
        }
        let other =
            Pl310::new(Fake::new(&[(CACHE_ID, 0x4100_00c8), (AUX_CTRL, 0x0207_0000)])).expect("a later one");
        assert_eq!((other.release(), other.bytes()), (8, 1 << 20), "16 ways of 64 KiB");
    }

    #[test]
    fn started_in_order() {
        let registers = cache();
        let l2 = Pl310::new(registers.clone()).expect("a PL310");
        assert_eq!(l2.start(), Ok(()));
        let mut expected = vec![(0x104, 0x7048_0000), (0x108, 0x331), (0x10c, 0x441), (0xf60, 0x3000_0000)];
        expected.extend((0..16).map(|n| (0x900 + 4 * n, 0)));
        expected.extend([(0x214, 0), (0x220, 0x1ff), (0x77c, 0xff), (0x730, 0), (0x100, 1)]);
        assert_eq!(registers.writes(), expected);
        assert!(l2.is_on() && l2.bytes() == 1 << 20, "the geometry is kept");
    }

    #[test]
    fn later_releases_have_power_control_and_more_ways() {
        let registers = cache();
        registers.put(CACHE_ID, 0x4100_00c8);
        registers.put(AUX_CTRL, 0x0207_0000);
        assert_eq!(Pl310::new(registers.clone()).expect("a PL310").start(), Ok(()));
        assert!(registers.writes().contains(&(0xf80, 3)) && registers.writes().contains(&(0x77c, 0xffff)));
    }

    #[test]
    fn one_that_does_not_empty_stays_off() {
        let registers = Fake::new(&[(CACHE_ID, 0x4100_00c4), (AUX_CTRL, 0x0208_0000)]);
        let l2 = Pl310::new(registers.clone()).expect("a PL310");
        assert_eq!(l2.start(), Err(L2Error::Stuck));
        assert!(!l2.is_on());
    }

    #[test]
    fn lines_by_address() {
        let registers = cache();
        let l2 = Pl310::new(registers.clone()).expect("a PL310");
        l2.clean(0x1000, 64);
        assert_eq!(registers.writes(), [(0x7b0, 0x1000), (0x7b0, 0x1020)]);
        registers.forget();
        l2.clean_and_invalidate(0x103f, 2);
        assert_eq!(registers.writes(), [(0x7f0, 0x1020), (0x7f0, 0x1040)], "every line that is touched");
        registers.forget();
        l2.clean(0x1010, 0);
        assert_eq!(registers.writes(), []);
        l2.clean(0xffff_ffff, 1);
        assert_eq!(registers.writes(), [(0x7b0, 0xffff_ffe0)], "no wrap");
        registers.forget();
        l2.drain();
        assert_eq!(registers.writes(), [(0x730, 0)]);
    }
}
