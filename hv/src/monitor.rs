//! What Nex does with keys while it has the input: single letters that show its state.

use core::fmt::Write;

use arrayvec::ArrayString;

use crate::board::Exit;
use crate::{console, domain, memory, println, thread, time};

/// The body of the thread that reads keys.
pub(crate) fn run() {
    loop {
        console::wait_for_key();
        while let Some(key) = console::read_key() {
            act(key);
        }
    }
}

fn act(key: u8) {
    match key {
        b'h' | b'?' => {
            println!(
                "d domains   t threads   m memory   q power off   r reset   Ctrl-A three times: next input"
            );
        }
        b'd' => domains(),
        b't' => threads(),
        b'm' => memory_use(),
        b'q' => crate::exit(Exit::PowerOff),
        b'r' => crate::exit(Exit::Reset),
        b'\r' | b'\n' => println!(),
        _ => println!("h for help"),
    }
}

fn domains() {
    println!("num name              memory      und      svc    abort      irq");
    for d in domain::list() {
        let t = d.traps;
        let priv_mark = if d.privileged { " priv" } else { "" };
        println!(
            "{:3} {:16} {:4} MiB {:8} {:8} {:8} {:8}{priv_mark}",
            d.number,
            d.name.as_str(),
            d.memory_bytes >> 20,
            t[1],
            t[2],
            t[3] + t[4],
            t[6]
        );
    }
}

fn threads() {
    println!("cpu thread                   state        cpu ms  period us slice us weight extra stack peak");
    for thread in thread::list() {
        let Some(stats) = thread.stats else { continue };
        let mut state = ArrayString::<16>::new();
        let _ = write!(state, "{:?}", stats.state);
        println!(
            "{:3} {:24} {:10} {:8} {:10} {:8} {:6} {:5} {:10}",
            thread.cpu,
            thread.name.as_str(),
            state.as_str(),
            stats.cpu_time_ns / 1_000_000,
            stats.params.period_ns / 1000,
            stats.params.slice_ns / 1000,
            stats.params.weight,
            if stats.params.extratime { "yes" } else { "no" },
            thread.stack_peak_bytes
        );
    }
    println!("uptime {} ms, timer interrupts {}", time::now_ns() / 1_000_000, time::interrupt_count());
}

fn memory_use() {
    let mut overhead = memory::Overhead::default();
    memory::for_each_owner(|owner, frames| {
        overhead.add(owner, frames);
        println!("{:8} KiB  {owner}", frames * 4);
    });
    println!("{overhead}");
    let heap = memory::heap_usage();
    println!("heap: {} of {} bytes used, {} at most", heap.used_bytes, heap.total_bytes, heap.peak_bytes);
}
