//! Locks of the hypervisor core.
//!
//! [`IrqLock`] spins with IRQs masked: for data that interrupt handlers or the scheduler touch. Whoever holds one does
//! not block and does little. The blocking locks for threads are in [`crate::thread`].
//!
//! Lock order (take the left one first; never two of one kind): domain table → scheduler → memory map → frames → heap
//! → console. Each lock's declaration says what it protects.

use core::ops::{Deref, DerefMut};
use core::panic::Location;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::arch::{irq, this_cpu};

/// A spinning lock that masks IRQs on the holder's CPU.
pub struct IrqLock<T: ?Sized> {
    /// Who took it last, for the report of a lock that is never released.
    taken_at: AtomicPtr<Location<'static>>,
    taken_by_cpu: AtomicU32,
    inner: spin::mutex::SpinMutex<T>,
}

impl<T> IrqLock<T> {
    /// A new, unlocked lock.
    pub const fn new(value: T) -> Self {
        IrqLock {
            taken_at: AtomicPtr::new(core::ptr::null_mut()),
            taken_by_cpu: AtomicU32::new(0),
            inner: spin::mutex::SpinMutex::new(value),
        }
    }

    /// A look at the value whatever the lock's state, while nothing of Nex runs but the debugger.
    ///
    /// If the holder was interrupted half-way through a change, that is what is seen: lists may be short of an element,
    /// sums wrong, but every reference is one that the holder put there.
    pub fn peek<'a>(&'a self, _stopped: &'a Stopped) -> &'a T {
        // SAFETY: the proof says that no other code runs, so nothing changes the value while it is borrowed; the debugger
        // itself changes it only through `lock`, and holds no borrow then.
        unsafe { &*self.inner.as_mut_ptr() }
    }
}

impl<T: ?Sized> IrqLock<T> {
    /// Masks IRQs and takes the lock. A CPU that takes a lock it holds already would spin for ever; that is a bug, and
    /// since no other CPU could release it either it is reported at once.
    ///
    /// # Panics
    /// In that case: the report names who has the lock and who wants it.
    #[track_caller]
    pub fn lock(&self) -> IrqGuard<'_, T> {
        let was_masked = irq::mask();
        let mut spins = 0u32;
        loop {
            if let Some(guard) = self.inner.try_lock() {
                return self.taken(guard, was_masked);
            }
            core::hint::spin_loop();
            spins = spins.saturating_add(1);
            // With one CPU nobody can ever release it.
            if spins == SPIN_LIMIT || crate::thread::cpus_online() <= 1 {
                self.report();
            }
        }
    }

    /// Takes the lock if it is free.
    #[track_caller]
    pub fn try_lock(&self) -> Option<IrqGuard<'_, T>> {
        let was_masked = irq::mask();
        let guard = self.inner.try_lock();
        if guard.is_none() {
            irq::restore(was_masked);
        }
        Some(self.taken(guard?, was_masked))
    }

    #[track_caller]
    #[inline(always)]
    fn taken<'a>(&'a self, guard: spin::mutex::SpinMutexGuard<'a, T>, was_masked: bool) -> IrqGuard<'a, T> {
        self.taken_at.store(core::ptr::from_ref(Location::caller()).cast_mut(), Ordering::Relaxed);
        self.taken_by_cpu.store(this_cpu().index, Ordering::Relaxed);
        IrqGuard { guard: core::mem::ManuallyDrop::new(guard), was_masked }
    }

    #[track_caller]
    #[inline(never)]
    fn report(&self) -> ! {
        let (holder, cpu) =
            (self.taken_at.load(Ordering::Relaxed), self.taken_by_cpu.load(Ordering::Relaxed));
        // SAFETY: null or a location in Nex's constants, written by `taken`.
        match unsafe { holder.as_ref() } {
            Some(at) => panic!(
                "a lock is held for ever: CPU {cpu} took it at {at}, CPU {} wants it",
                this_cpu().index
            ),
            None => panic!("a lock is held for ever, by nobody knows whom"),
        }
    }

    /// Takes the lock away from whoever holds it.
    ///
    /// # Safety
    /// Only on the way down, when no other code of Nex will run again: the data may be half changed.
    pub unsafe fn seize(&self) -> IrqGuard<'_, T> {
        // SAFETY: by the caller's promise the holder never goes on, so no second live reference is ever used.
        unsafe { self.inner.force_unlock() };
        self.lock()
    }
}

/// Proof that nothing of Nex runs but the debugger, on any CPU.
pub struct Stopped(());

impl Stopped {
    /// Makes the proof.
    ///
    /// # Safety
    /// IRQ and FIQ are masked on this CPU, all others are stopped, and both stays so as long as the value lives.
    pub const unsafe fn new() -> Self {
        Stopped(())
    }
}

/// Tries before a lock counts as lost: some seconds of spinning, far beyond any holder's work.
const SPIN_LIMIT: u32 = 100_000_000;

/// Proof that an [`IrqLock`] is held.
pub struct IrqGuard<'a, T: ?Sized> {
    guard: core::mem::ManuallyDrop<spin::mutex::SpinMutexGuard<'a, T>>,
    was_masked: bool,
}

impl<T: ?Sized> Deref for IrqGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for IrqGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T: ?Sized> Drop for IrqGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: dropped here and nowhere else; the lock is released before interrupts open.
        unsafe { core::mem::ManuallyDrop::drop(&mut self.guard) };
        irq::restore(self.was_masked);
    }
}
