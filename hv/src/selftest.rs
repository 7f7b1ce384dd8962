//! Tests that need the real machine, behind `selftest=` on Nex's command line.
//!
//! `selftest=all` checks threads, locks, time and memory protection and prints a line for each. The names of faults
//! (`panic`, `null`, `write-text`, `execute-data`, `overflow`, `undefined`, `deadlock`, `nested`, `hang`) break Nex in that
//! way, so that a test can read the report. `spin` masks interrupts for some seconds while the domains run.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering};

use nex_sched::Params;

use crate::arch::irq;
use crate::sync::IrqLock;
use crate::thread::{self, Condvar, Mutex, Semaphore};
use crate::{error, info, memory, time};

const MS: u64 = 1_000_000;

/// Runs what `name` asks for.
pub(crate) fn run(name: &str) {
    match name {
        "all" | "" => all(),
        "panic" => panic!("asked for by selftest=panic"),
        "null" => read_null(),
        "write-text" => write_text(),
        "execute-data" => execute_data(),
        "overflow" => {
            info!("{}", overflow(0));
        }
        "undefined" => undefined(),
        "deadlock" => deadlock(),
        "nested" => nested(),
        "hang" => hang(),
        "spin" => {
            spawn("spinner", spin);
        }
        other => error!("selftest={} is unknown: see hv/src/selftest.rs", other),
    }
}

fn all() {
    type Test = (&'static str, fn() -> bool);
    let tests: [Test; 9] = [
        ("sleep is never early, and late by less than a millisecond", sleeps),
        ("two threads share the CPU by weight", shares),
        ("a spinning thread is preempted", preempts),
        ("a mutex excludes and blocks", mutex),
        ("a semaphore counts and times out", semaphore),
        ("a condition variable wakes its waiter", condvar),
        ("an idle machine takes no timer interrupt", tickless),
        ("ended threads give everything back", no_leak),
        ("heap blocks are disjoint and survive growth", heap),
    ];
    let mut failed = 0;
    for (name, test) in tests {
        let passed = test();
        failed += u32::from(!passed);
        info!("selftest: {}: {}", name, if passed { "passed" } else { "FAILED" });
    }
    info!("selftest: {} passed, {} failed", tests.len() as u32 - failed, failed);
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Option<thread::ThreadId> {
    thread::spawn(name, Params::best_effort(256), body).ok()
}

fn join(threads: &[Option<thread::ThreadId>]) {
    while threads.iter().flatten().any(|&t| thread::is_alive(t)) {
        thread::sleep_ns(MS / 2);
    }
}

fn sleeps() -> bool {
    (1..=5).all(|n| {
        let at = time::now_ns() + n * 3 * MS;
        thread::sleep_until(at);
        let now = time::now_ns();
        now >= at && now < at + MS
    })
}

fn shares() -> bool {
    let counts = Arc::new([const { AtomicU32::new(0) }; 2]);
    let end = time::now_ns() + 400 * MS;
    let spinner = |n: usize, weight| {
        let counts = counts.clone();
        thread::spawn("share", Params::best_effort(weight), move || {
            while time::now_ns() < end {
                counts[n].fetch_add(1, Ordering::Relaxed);
            }
        })
        .ok()
    };
    let threads = [spinner(0, 100), spinner(1, 300)];
    join(&threads);
    let (one, three) = (counts[0].load(Ordering::Relaxed), counts[1].load(Ordering::Relaxed));
    let percent = u64::from(three) * 100 / u64::from(one + three).max(1);
    (73..=77).contains(&percent)
}

fn preempts() -> bool {
    let stop = Arc::new(AtomicU32::new(0));
    let seen = stop.clone();
    let spinner = spawn("spinner", move || while seen.load(Ordering::Relaxed) == 0 {});
    thread::sleep_ns(20 * MS);
    stop.store(1, Ordering::Relaxed);
    join(&[spinner]);
    true
}

fn mutex() -> bool {
    let total = Arc::new(Mutex::new((0u32, false)));
    let threads: [_; 4] = core::array::from_fn(|_| {
        let total = total.clone();
        spawn("adder", move || {
            for _ in 0..20 {
                let mut guard = total.lock();
                assert!(!guard.1, "two threads hold one mutex");
                guard.1 = true;
                thread::sleep_ns(MS / 10);
                guard.0 += 1;
                guard.1 = false;
            }
        })
    });
    join(&threads);
    total.lock().0 == 80
}

fn semaphore() -> bool {
    let units = Arc::new(Semaphore::new(2));
    let both = units.try_wait() && units.try_wait() && !units.try_wait();
    let before = time::now_ns();
    let timed_out = !units.wait_until(before + 2 * MS) && time::now_ns() >= before + 2 * MS;
    let poster = units.clone();
    let thread = spawn("poster", move || {
        thread::sleep_ns(MS);
        poster.post();
    });
    units.wait();
    join(&[thread]);
    both && timed_out
}

fn condvar() -> bool {
    let shared = Arc::new((Mutex::new(0u32), Condvar::new()));
    let other = shared.clone();
    let thread = spawn("teller", move || {
        for n in 1..=10 {
            *other.0.lock() = n;
            other.1.notify_all();
            thread::yield_now();
        }
    });
    let mut guard = shared.0.lock();
    while *guard < 10 {
        guard = shared.1.wait(guard);
    }
    drop(guard);
    join(&[thread]);
    let (_guard, timed_out) = shared.1.wait_until(shared.0.lock(), time::now_ns() + MS);
    timed_out
}

fn tickless() -> bool {
    // What was written last is on its way to the screen, where there is one, for a frame more.
    thread::sleep_ns(100 * MS);
    let before = time::interrupt_count();
    thread::sleep_ns(500 * MS);
    time::interrupt_count() - before <= 1
}

fn no_leak() -> bool {
    thread::sleep_ns(MS);
    let usage = || (memory::free_bytes(), memory::heap_usage().used_bytes);
    let round = || {
        let threads: [_; 8] = core::array::from_fn(|_| spawn("short", || thread::sleep_ns(MS / 4)));
        join(&threads);
        thread::sleep_ns(MS);
    };
    round();
    let before = usage();
    (0..10).for_each(|_| round());
    usage() == before
}

fn heap() -> bool {
    use alloc::vec::Vec;
    let blocks: Vec<Vec<u32>> = (0..200u32).map(|n| alloc::vec![n; 64 + 37 * n as usize % 2000]).collect();
    let intact = |(n, block): (usize, &Vec<u32>)| block.iter().all(|&word| word == n as u32);
    blocks.iter().enumerate().all(intact)
}

#[inline(never)]
fn read_null() {
    // SAFETY: none: this is meant to fault. Address 0 is never mapped.
    let word = unsafe { core::ptr::without_provenance::<u32>(core::hint::black_box(4)).read_volatile() };
    error!("selftest: read {:08x} from address 4", word);
}

#[inline(never)]
fn write_text() {
    let text = write_text as *const () as usize;
    // SAFETY: none: this is meant to fault. Text is mapped read-only.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(text).write_volatile(0) };
    error!("selftest: wrote to text");
}

#[inline(never)]
fn execute_data() {
    static CODE: [u32; 2] = [0xe12f_ff1e, 0xe12f_ff1e]; // bx lr
    let target = core::hint::black_box(&raw const CODE);
    // SAFETY: none: this is meant to fault. Constants are mapped no-execute.
    let function = unsafe { core::mem::transmute::<*const [u32; 2], extern "C" fn()>(target) };
    function();
    error!("selftest: executed data");
}

#[inline(never)]
fn overflow(depth: u32) -> u32 {
    let block = core::hint::black_box([depth; 64]);
    if depth == u32::MAX { block[0] } else { overflow(depth + 1).wrapping_add(block[63]) }
}

#[inline(never)]
fn undefined() {
    // SAFETY: none: this is meant to be undefined.
    unsafe { core::arch::asm!("udf #1") };
}

#[inline(never)]
fn deadlock() {
    static LOCK: IrqLock<u32> = IrqLock::new(0);
    let first = LOCK.lock();
    let second = LOCK.lock();
    error!("selftest: took a lock twice: {}", *first + *second);
}

/// A panic whose report panics.
#[inline(never)]
fn nested() {
    struct Bad;
    impl core::fmt::Display for Bad {
        fn fmt(&self, _: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            panic!("the message of a panic panics")
        }
    }
    panic!("{Bad}");
}

/// For the watchdog.
#[inline(never)]
fn hang() {
    irq::mask();
    loop {
        core::hint::spin_loop();
    }
}

/// For the key sequence: a second after the domains began, four seconds without interrupts.
#[inline(never)]
fn spin() {
    thread::sleep_ns(1000 * MS);
    info!("selftest: spinning with interrupts masked");
    let was_masked = irq::mask();
    let end = time::now_ns() + 4000 * MS;
    while time::now_ns() < end {
        core::hint::spin_loop();
    }
    irq::restore(was_masked);
    info!("selftest: interrupts are open again");
}
