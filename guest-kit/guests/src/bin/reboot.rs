//! Resets itself again and again until a given time, then powers off. Every life starts from the original image, so a
//! counter in memory cannot count the lives; what survives a reset is the clock.
//!
//! Options: `until=N` milliseconds since Nex started (default 100); `life=N` milliseconds each life lasts (default 30).
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};

use nex_guest::{Context, Exit, NotANumber, entry, println, sleep_ms, time_ns};

entry!(main);

/// Not zero, so that it lies in the data segment and has to be loaded again by a reset.
const FRESH: u32 = 0x600d_f00d;
static MARK: AtomicU32 = AtomicU32::new(FRESH);

fn main(ctx: &Context) -> Result<Exit, NotANumber<'static>> {
    let until_ms = ctx.number("until", 100)?;
    let life_ms = ctx.number("life", 30)?.clamp(1, 60_000) as u32;

    let now_ms = time_ns() / 1_000_000;
    let mark = MARK.swap(0xdead_dead, Ordering::Relaxed);
    let verdict = if mark == FRESH { "fresh" } else { "LEFT OVER from an earlier life" };
    println!("reboot: started at {now_ms} ms, memory is {verdict}");
    if now_ms >= until_ms {
        println!("reboot: {until_ms} ms have passed, powering off");
        return Ok(Exit::PowerOff);
    }
    sleep_ms(life_ms);
    println!("reboot: resetting");
    Ok(Exit::Reset)
}
