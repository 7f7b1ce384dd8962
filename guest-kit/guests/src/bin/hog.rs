//! Computes without ever giving up the CPU, so that one can see whether the others get their share all the same.
//!
//! Options: `seconds=N` to run (default 2, 0 = for ever).
#![no_std]
#![no_main]

use core::hint::black_box;

use nex_guest::{Context, NotANumber, entry, println, time_ns};

entry!(main);

/// Rounds between two looks at the clock: rare enough that the hypercall does not count as giving up the CPU.
const ROUNDS: u32 = 1 << 20;

fn main(ctx: &Context) -> Result<(), NotANumber<'static>> {
    let seconds = ctx.number("seconds", 2)?;
    let start_ns = time_ns();
    println!("hog: computing for {seconds} s (0 = for ever), from {} ms on", start_ns / 1_000_000);

    let duration_ns = seconds.saturating_mul(1_000_000_000);
    let mut looks = 0u64;
    let mut state = 1u32;
    while seconds == 0 || time_ns() - start_ns < duration_ns {
        for _ in 0..ROUNDS {
            // Any computation will do that the compiler cannot do in advance (xorshift32).
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state = black_box(state);
        }
        looks += 1;
    }
    println!("hog: {looks} x {ROUNDS} rounds, until {} ms", time_ns() / 1_000_000);
    Ok(())
}
