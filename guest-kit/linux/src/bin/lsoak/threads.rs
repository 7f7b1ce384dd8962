//! Threads and futexes.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

use nex_guest_linux::memory::{Mapping, PRIVATE, READ, SHARED, WRITE};
use nex_guest_linux::process;
use nex_guest_linux::sys::{self, Result};
use nex_guest_linux::thread::{self, wait, wake};

use crate::ensure;

/// A lock: 0 free, 1 held, 2 held and waited for.
struct Lock(AtomicU32);

impl Lock {
    fn with(&self, work: impl FnOnce()) -> Result<()> {
        if self.0.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_err() {
            while self.0.swap(2, Ordering::Acquire) != 0 {
                wait(&self.0, 2)?;
            }
        }
        work();
        if self.0.swap(0, Ordering::Release) == 2 {
            wake(&self.0, 1)?;
        }
        Ok(())
    }
}

const THREADS: usize = 4;
const PASSES: u32 = 300;

/// What all threads use.
struct Shared {
    lock: Lock,
    /// Only with the lock.
    counter: UnsafeCell<u32>,
    /// 64 bits by LDREXD and STREXD.
    atomic: core::sync::atomic::AtomicU64,
    errors: AtomicU32,
}

// SAFETY: `counter` is accessed with `lock` held only, or before and after all threads.
unsafe impl Sync for Shared {}

static SHARED_STATE: Shared = Shared {
    lock: Lock(AtomicU32::new(0)),
    counter: UnsafeCell::new(0),
    atomic: core::sync::atomic::AtomicU64::new(0),
    errors: AtomicU32::new(0),
};

extern "C" fn count(own: usize) {
    for pass in 0..PASSES {
        let done = SHARED_STATE.lock.with(|| {
            // SAFETY: the lock is held.
            let value = unsafe { SHARED_STATE.counter.get().read_volatile() };
            // Others would get in between, if the lock let them.
            if pass % 16 == 0 {
                let _ = sys::sched_yield();
            }
            // SAFETY: as above.
            unsafe { SHARED_STATE.counter.get().write_volatile(value + 1) };
        });
        SHARED_STATE.atomic.fetch_add(0x1_0000_0001, Ordering::SeqCst);
        if done.is_err() || thread::tls() as usize != own {
            SHARED_STATE.errors.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Threads count under a lock, by atomic instructions, and each has its own TPIDRURO all the time.
pub(super) fn lock(round: u32) -> Result<()> {
    // SAFETY: no thread runs yet.
    unsafe { SHARED_STATE.counter.get().write(0) };
    SHARED_STATE.atomic.store(0, Ordering::SeqCst);
    SHARED_STATE.errors.store(0, Ordering::SeqCst);
    let alive: [AtomicU32; THREADS] = [const { AtomicU32::new(0) }; THREADS];
    let mut stacks: [Option<Mapping>; THREADS] = [const { None }; THREADS];
    let mut threads: [Option<thread::Thread<'_>>; THREADS] = [const { None }; THREADS];
    for n in 0..THREADS {
        let stack = stacks[n].insert(Mapping::new(4, READ | WRITE, PRIVATE)?);
        let tls = round.wrapping_mul(64).wrapping_add(n as u32 * 4) & !3;
        // SAFETY: `count` uses statics only; stacks live until all have been joined, or the process ends.
        threads[n] = Some(unsafe { thread::start(count, tls as usize, tls, stack, &alive[n]) }?);
    }
    threads.into_iter().flatten().try_for_each(thread::Thread::join)?;
    // SAFETY: no thread runs any more.
    let counter = unsafe { SHARED_STATE.counter.get().read() };
    ensure(counter == THREADS as u32 * PASSES, "two threads held a lock")?;
    ensure(
        SHARED_STATE.atomic.load(Ordering::SeqCst) == u64::from(counter) * 0x1_0000_0001,
        "an atomic addition was lost",
    )?;
    ensure(SHARED_STATE.errors.load(Ordering::SeqCst) == 0, "a thread's own word was another thread's")
}

/// Two processes wake each other by turns.
pub(super) fn ping_pong(_: u32) -> Result<()> {
    const TURNS: u32 = 100;
    let shared = Mapping::new(1, READ | WRITE, SHARED)?;
    // SAFETY: a word of the mapping, which outlives the reference and is accessed atomically only.
    let word = unsafe { AtomicU32::from_ptr(shared.page(0)) };
    let turns = |own: u32| -> Result<()> {
        for turn in (own..2 * TURNS).step_by(2) {
            loop {
                match word.load(Ordering::SeqCst) {
                    value if value == turn => break,
                    value if value < turn => wait(word, value)?,
                    _ => return Err(sys::Error::new("a turn was skipped")),
                }
            }
            word.store(turn + 1, Ordering::SeqCst);
            wake(word, 1)?;
        }
        Ok(())
    };
    let child = process::spawn(|| turns(1))?;
    turns(0)?;
    process::wait_good(child)?;
    ensure(word.load(Ordering::SeqCst) == 2 * TURNS, "turns are missing")
}
