//! Blocking primitives for threads, all made of [`park`](super::park) and [`wake`](super::wake).
//!
//! Each is known by its address, so a value that somebody waits for must not move: they live in statics, `Arc`s or
//! boxes. None may be used in an interrupt handler, except [`Semaphore::post`] and the wakes of [`WaitQueue`].

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::{park, wake};
use crate::time;

/// Threads that wait for a condition.
pub struct WaitQueue {
    // A wait queue is its address, so it must have one.
    _address: u8,
}

impl WaitQueue {
    /// Nobody waits.
    pub const fn new() -> Self {
        WaitQueue { _address: 0 }
    }

    fn key(&self) -> usize {
        &raw const self._address as usize
    }

    /// Blocks until `ready` is true. It is asked again after each wake-up, and with IRQs masked before sleeping.
    pub fn wait(&self, mut ready: impl FnMut() -> bool) {
        while !ready() {
            park(self.key(), None, || !ready());
        }
    }

    /// As [`wait`](Self::wait), until `until_ns` at the latest; returns what `ready` said last.
    pub fn wait_until(&self, until_ns: u64, mut ready: impl FnMut() -> bool) -> bool {
        while !ready() {
            if time::now_ns() >= until_ns {
                return false;
            }
            park(self.key(), Some(until_ns), || !ready());
        }
        true
    }

    /// Wakes the longest waiter.
    pub fn wake_one(&self) {
        wake(self.key(), 1);
    }

    /// Wakes all waiters.
    pub fn wake_all(&self) {
        wake(self.key(), usize::MAX);
    }
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

/// A counting semaphore.
pub struct Semaphore {
    count: AtomicU32,
    queue: WaitQueue,
}

impl Semaphore {
    /// With `count` units free.
    pub const fn new(count: u32) -> Self {
        Semaphore { count: AtomicU32::new(count), queue: WaitQueue::new() }
    }

    /// Takes a unit if one is free.
    pub fn try_wait(&self) -> bool {
        self.count.fetch_update(Ordering::Acquire, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
    }

    /// Takes a unit; blocks until one is free.
    pub fn wait(&self) {
        while !self.try_wait() {
            self.queue.wait(|| self.count.load(Ordering::Relaxed) > 0);
        }
    }

    /// Takes a unit; gives up at `until_ns` and returns `false`.
    pub fn wait_until(&self, until_ns: u64) -> bool {
        loop {
            if self.try_wait() {
                return true;
            }
            if !self.queue.wait_until(until_ns, || self.count.load(Ordering::Relaxed) > 0) {
                return false;
            }
        }
    }

    /// Gives a unit. Also for interrupt handlers.
    pub fn post(&self) {
        self.count.fetch_add(1, Ordering::Release);
        self.queue.wake_one();
    }
}

/// A mutex that blocks the threads that wait for it. Waiters get it in turn as far as nobody slips in between.
pub struct Mutex<T: ?Sized> {
    locked: AtomicBool,
    queue: WaitQueue,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one guard at a time, see `lock`.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// SAFETY: moving the mutex moves the value.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}

impl<T> Mutex<T> {
    /// A new, unlocked mutex.
    pub const fn new(value: T) -> Self {
        Mutex { locked: AtomicBool::new(false), queue: WaitQueue::new(), value: UnsafeCell::new(value) }
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Takes the mutex; blocks while another thread has it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        loop {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            self.queue.wait(|| !self.locked.load(Ordering::Relaxed));
        }
    }

    /// Takes the mutex if it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let free = self.locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok();
        // Made only when free: dropping a guard unlocks.
        free.then(|| MutexGuard { mutex: self })
    }

    /// A look at the value whatever the lock's state; see [`crate::sync::IrqLock::peek`].
    pub fn peek<'a>(&'a self, _stopped: &'a crate::sync::Stopped) -> &'a T {
        // SAFETY: nothing else runs, and the debugger changes nothing while it holds this borrow.
        unsafe { &*self.value.get() }
    }

    fn unlock(&self) {
        self.locked.store(false, Ordering::Release);
        self.queue.wake_one();
    }
}

/// Proof that a [`Mutex`] is held.
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: the guard exists once per successful `try_lock`, so this thread has the value alone.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.mutex.unlock();
    }
}

/// A condition variable: waits for a change of what a [`Mutex`] protects.
pub struct Condvar {
    queue: WaitQueue,
}

impl Condvar {
    /// Nobody waits.
    pub const fn new() -> Self {
        Condvar { queue: WaitQueue::new() }
    }

    /// Releases the mutex, blocks until notified, takes the mutex again. The caller checks its condition in a loop.
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mutex = guard.mutex;
        park(self.queue.key(), None, || {
            drop(guard);
            true
        });
        mutex.lock()
    }

    /// As [`wait`](Self::wait), until `until_ns` at the latest; also says whether time was up.
    pub fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        until_ns: u64,
    ) -> (MutexGuard<'a, T>, bool) {
        let mutex = guard.mutex;
        let timed_out = park(self.queue.key(), Some(until_ns), || {
            drop(guard);
            true
        });
        (mutex.lock(), timed_out)
    }

    /// Wakes the longest waiter.
    pub fn notify_one(&self) {
        self.queue.wake_one();
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.queue.wake_all();
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}
