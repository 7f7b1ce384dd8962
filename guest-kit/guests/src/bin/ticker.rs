//! Ticks: wakes at fixed times and prints how late each time was. At the end, the worst.
//!
//! Options: `count=N` ticks (default 10, 0 = for ever), `period=N` milliseconds between them (default 100, at least 1).
#![no_std]
#![no_main]

use nex_guest::{Context, NotANumber, entry, println, sleep_until_ns, time_ns};

entry!(main);

fn main(ctx: &Context) -> Result<(), NotANumber<'static>> {
    let count = ctx.number("count", 10)?;
    let period_ns = ctx.number("period", 100)?.clamp(1, 1_000_000) * 1_000_000;

    let start_ns = time_ns();
    let mut tick = 0;
    let mut max_late_us = i64::MIN;
    while count == 0 || tick < count {
        tick += 1;
        // Absolute times: being late once does not make the next tick late.
        let due_ns = start_ns + tick * period_ns;
        sleep_until_ns(due_ns);
        let now_ns = time_ns();
        // Negative would mean woken early, which Nex promises not to do.
        let late_us = (now_ns as i64 - due_ns as i64) / 1000;
        max_late_us = late_us.max(max_late_us);
        println!("ticker: tick {tick} at {} ms, late {late_us} us", now_ns / 1_000_000);
    }
    println!("ticker: {tick} ticks, at most {max_late_us} us late");
    Ok(())
}
