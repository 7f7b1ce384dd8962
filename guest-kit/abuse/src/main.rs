//! Does to its virtual machine what nobody should, over and over, to see that Nex neither hangs nor falls, and that nothing
//! but this domain's own memory is ever read or written. Says before what it is going to do, and "done" behind it. Prints
//! "SURVIVED" where it reached what it must not reach, and "WRONG" where the machine did not do what it is to do.
//!
//! Options: `mode=` one of the names in [`MODES`]; without it, or with another, prints the list. `seed=N` for those with
//! random numbers (default 1). `rounds=N` for more or less of it (each mode has its own default). `delay=N`
//! milliseconds before it begins.
#![no_std]
#![no_main]

mod access;
mod code;
mod exceptions;
mod machine;
mod maintenance;
mod multiple;
mod random;
mod rewriting;
mod tables;
mod views;

use nex_guest::{Context, NotANumber, entry, flush, print, println, sleep_ms};

entry!(main);

/// What a mode is given.
struct Run {
    seed: u32,
    /// 0: as many as the mode likes.
    rounds: u32,
    complaints: core::cell::Cell<u32>,
}

impl Run {
    /// Rounds, or `default`.
    fn rounds(&self, default: u32) -> u32 {
        if self.rounds == 0 { default } else { self.rounds }
    }

    /// Says that something is not as it is to be; the first few times.
    fn complain(&self, what: &str, details: [u32; 4]) {
        let count = self.complaints.get();
        self.complaints.set(count + 1);
        if count < 5 {
            let [a, b, c, d] = details;
            println!("abuse: {what}: {a:#010x} {b:#010x} {c:#010x} {d:#010x}");
        }
    }

    /// Reached what it must not reach.
    fn survived(&self, details: [u32; 4]) {
        self.complain("SURVIVED", details);
    }

    /// The machine did something else than it is to do.
    fn wrong(&self, details: [u32; 4]) {
        self.complain("WRONG", details);
    }
}

struct Mode {
    name: &'static str,
    about: &'static str,
    run: fn(&Run),
}

#[rustfmt::skip]
const MODES: &[Mode] = &[
    Mode { name: "none", about: "do nothing wrong", run: |_| () },
    Mode { name: "maintenance", about: "maintain caches and TLB at any address", run: maintenance::operations },
    Mode { name: "registers", about: "read and write every CP14 and CP15 register", run: maintenance::registers },
    Mode { name: "tables", about: "use page tables that point anywhere", run: tables::short },
    Mode { name: "long-tables", about: "do the same with long descriptors", run: tables::long },
    Mode { name: "bases", about: "have page tables in devices, in Nex and nowhere", run: tables::bases },
    Mode { name: "all-tables", about: "make all memory page tables", run: tables::all_memory },
    Mode { name: "distinct", about: "touch 4 GiB of mappings", run: tables::distinct },
    Mode { name: "hoard", about: "have Nex make all the tables that it makes", run: tables::hoard },
    Mode { name: "thrash", about: "change address spaces and domains all the time", run: views::thrash },
    Mode { name: "mixed", about: "have kernel's and user's pages in one MiB", run: views::mixed },
    Mode { name: "cow", about: "store exclusively to pages that are copied on write", run: views::copy_on_write },
    Mode { name: "storm", about: "take exceptions all the time", run: exceptions::storm },
    Mode { name: "vectors-fault", about: "have vectors that fault", run: exceptions::vectors_fault },
    Mode { name: "vectors-endless", about: "fault in its vectors for ever", run: exceptions::vectors_endless },
    Mode { name: "vectors-unmapped", about: "fault without vectors", run: exceptions::vectors_unmapped },
    Mode { name: "vectors-window", about: "have its vectors in Nex", run: exceptions::vectors_window },
    Mode { name: "rewrite", about: "execute code that is written all the time", run: rewriting::all },
    Mode { name: "all-code", about: "have Nex remember all of its code", run: rewriting::all_code },
    Mode { name: "garbage", about: "execute random words", run: random::garbage },
    Mode { name: "mmio", about: "access every device register in every size", run: access::devices },
    Mode { name: "window", about: "use the addresses of Nex", run: access::window },
    Mode { name: "window-code", about: "jump into the addresses of Nex", run: access::window_code },
    Mode { name: "multiple", about: "load and store many registers at bad addresses", run: multiple::all },
];

fn main(ctx: &Context) -> Result<(), NotANumber<'static>> {
    let wanted = ctx.option("mode").unwrap_or("");
    let run = Run {
        seed: ctx.number("seed", 1)? as u32,
        rounds: ctx.number("rounds", 0)? as u32,
        complaints: core::cell::Cell::new(0),
    };
    let Some(mode) = MODES.iter().find(|mode| mode.name == wanted) else {
        print!("abuse: wants mode=");
        MODES.iter().for_each(|mode| print!(" {}", mode.name));
        println!();
        return Ok(());
    };
    sleep_ms(ctx.number("delay", 0)?.min(60_000) as u32);
    println!("abuse: {}: going to {}", mode.name, mode.about);
    flush();
    machine::reset_cpu();
    (mode.run)(&run);
    machine::reset_cpu();
    println!("abuse: {}: done, {} complaints", mode.name, run.complaints.get());
    Ok(())
}
