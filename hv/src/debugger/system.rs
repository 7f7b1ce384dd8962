//! Commands about Nex: threads, scheduler, timers, memory, interrupts, log.

use nex_debugger::parse::Args;
use nex_debugger::table::{Command, CommandError};

use super::{Context, say, watchdog};
use crate::{domain, interrupts, memory, thread, time};

type Result = core::result::Result<(), CommandError>;

pub(super) const COMMANDS: &[Command<Context>] = &[
    Command { name: "threads", usage: "", help: "hypervisor threads, vCPUs included", run: threads },
    Command {
        name: "sched",
        usage: "",
        help: "the scheduler: CPUs, and each thread's parameters and account",
        run: sched,
    },
    Command { name: "timers", usage: "", help: "the clock, and who sleeps until when", run: timers },
    Command {
        name: "mem",
        usage: "",
        help: "frames by owner, what Nex itself has, what for each domain, the heap",
        run: mem,
    },
    Command { name: "irq", usage: "", help: "interrupts: handlers and counts", run: irq },
    Command {
        name: "set",
        usage: "[watchdog <seconds>]",
        help: "show the settings, or change one",
        run: set,
    },
];

fn threads(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    say!(context, "cpu state    stack   sp       name");
    let mut result = Ok(());
    let Context { out, stopped, .. } = context;
    thread::peek_all(stopped, &mut |t| {
        let state = match (t.running, t.waits_for) {
            (true, _) => "running",
            (_, Some(0)) => "sleeps",
            (_, Some(_)) => "waits",
            (_, None) => "ready",
        };
        let row = format_args!("{:3} {state:8} {:5}   {:08x} {}\n", t.cpu, t.stack_peak_bytes, t.sp, t.name);
        result = result.and(core::fmt::Write::write_fmt(out, row));
    });
    result.map_err(|_| CommandError::Message("interrupted"))
}

fn sched(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    let mut result = Ok(());
    let Context { out, stopped, .. } = context;
    let mut put = |row: core::fmt::Arguments<'_>| result = result.and(core::fmt::Write::write_fmt(out, row));
    thread::peek_cpus(stopped, &mut |cpu, ppm, idle_ns| {
        put(format_args!(
            "cpu {cpu}: {}.{:04} % reserved, {} ms idle\n",
            ppm / 10_000,
            ppm % 10_000,
            idle_ns / 1_000_000
        ));
    });
    put(format_args!("period us  slice us weight extra   cpu ms guaranteed    extra misses name\n"));
    thread::peek_all(stopped, &mut |t| {
        let Some(s) = t.stats else { return };
        put(format_args!(
            "{:9} {:9} {:6} {:5} {:8} {:10} {:8} {:6} {}\n",
            s.params.period_ns / 1000,
            s.params.slice_ns / 1000,
            s.params.weight,
            if s.params.extratime { "yes" } else { "no" },
            s.cpu_time_ns / 1_000_000,
            s.guaranteed_ns / 1_000_000,
            s.extra_ns / 1_000_000,
            s.deadline_misses,
            t.name
        ));
    });
    result.map_err(|_| CommandError::Message("interrupted"))
}

fn timers(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    let now = time::paused_at_ns();
    say!(
        context,
        "now {} us, timer {} Hz, {} timer interrupts",
        now / 1000,
        time::frequency_hz(),
        time::interrupt_count()
    );
    let mut result = Ok(());
    let Context { out, stopped, .. } = context;
    thread::peek_all(stopped, &mut |t| {
        if let Some(at) = t.wake_at_ns {
            let row = format_args!("in {:10} us  {}\n", at.saturating_sub(now) / 1000, t.name);
            result = result.and(core::fmt::Write::write_fmt(out, row));
        }
    });
    result.map_err(|_| CommandError::Message("interrupted"))
}

fn mem(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    let mut result = Ok(());
    let mut overhead = memory::Overhead::default();
    let Context { out, stopped, .. } = context;
    let mut put = |row: core::fmt::Arguments<'_>| result = result.and(core::fmt::Write::write_fmt(out, row));
    memory::peek_owners(stopped, &mut |owner, frames| {
        overhead.add(owner, frames);
        put(format_args!("{:8} KiB  {owner}\n", frames * 4));
    });
    put(format_args!("{overhead}\n"));
    // What of it is for which domain: second-level tables of a KiB, first-level tables of 16, a record for each page of
    // rewritten code.
    domain::peek_all(stopped, &mut |d| {
        let parts = &d.peek(stopped).parts;
        let ((l2_tables, tables), (pages, sites)) = (parts.shadow.usage(), parts.code.usage());
        put(format_args!(
            "domain {} {}: {tables} shadow tables, {} KiB; {pages} pages of code, {sites} sites\n",
            d.number(),
            d.name(),
            l2_tables + 16 * tables,
        ));
    });
    result.map_err(|_| CommandError::Message("interrupted"))?;
    let heap = memory::peek_heap(&context.stopped);
    say!(
        context,
        "heap: {} of {} bytes used, {} at most",
        heap.used_bytes,
        heap.total_bytes,
        heap.peak_bytes
    );
    Ok(())
}

fn irq(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(0)?;
    let mut result = Ok(());
    let Context { out, stopped, .. } = context;
    interrupts::peek_all(stopped, &mut |interrupt, name, count| {
        let row = format_args!("{:4} {count:10} {name}\n", interrupt.0);
        result = result.and(core::fmt::Write::write_fmt(out, row));
    });
    result.map_err(|_| CommandError::Message("interrupted"))
}

fn set(context: &mut Context, args: &Args<'_>) -> Result {
    args.at_most(2)?;
    match args.get(0) {
        None => {
            say!(context, "watchdog {} s (0 = off)", watchdog::seconds());
            Ok(())
        }
        Some("watchdog") => {
            watchdog::set_seconds(args.decimal(1)?);
            Ok(())
        }
        Some(_) => Err(CommandError::Usage),
    }
}
