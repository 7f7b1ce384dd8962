//! Reads lines from the console and writes them back, until one of them is `exit`.
//!
//! Options: `pause=20` sleeps so many milliseconds after each line, a slow reader. A line longer than 200 bytes comes back in
//! pieces.
#![no_std]
#![no_main]

use nex_guest::{Context, entry, print, println, read, sleep_ms};

entry!(main);

/// How long to let others run when nothing is waiting.
const POLL_MS: u32 = 10;

fn main(ctx: &Context) -> Result<(), &'static str> {
    let pause_ms = ctx.number("pause", 0).map_err(|_| "pause is no number")?;
    println!("echo: write something; \"exit\" ends");
    print!("> ");
    let mut line = [0u8; 200];
    let mut len = 0;
    loop {
        let mut byte = [0u8];
        if read(&mut byte).map_err(|_| "reading was refused")? == 0 {
            sleep_ms(POLL_MS);
            continue;
        }
        let end = matches!(byte[0], b'\r' | b'\n');
        if !end {
            line[len] = byte[0];
            len += 1;
        }
        if end || len == line.len() {
            let text = &line[..len];
            println!("echo: {}", text.escape_ascii());
            if text == b"exit" {
                return Ok(());
            }
            len = 0;
            sleep_ms(pause_ms as u32);
            print!("> ");
        }
    }
}
