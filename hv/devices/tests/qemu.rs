//! The models against QEMU's `virt` machine, live. Needs `qemu-system-arm`, so it runs only when asked for:
//!
//!     cargo test -p nex-devices --test qemu -- --ignored
//!
//! `NEX_SEEDS=n` tries n seeds; `NEX_RECORD=1` writes `tests/golden` anew.
#![allow(missing_docs)]

mod common;

use common::bridge::Qemu;
use common::drive::{DRIVERS, Exec, reset};
use common::{Machine, Op};

/// Makes the same accesses on both and compares each value read. Returns the sequence.
fn compare(name: &str, drive: impl FnOnce(Exec)) -> Vec<String> {
    let mut qemu = Qemu::start().expect("qemu-system-arm");
    let mut machine = Machine::new();
    let mut lines: Vec<String> = Vec::new();
    drive(&mut |op: Op| {
        let theirs = qemu.run(op);
        let ours = machine.run(op);
        let before = lines.len().saturating_sub(12);
        assert_eq!(
            ours,
            theirs,
            "{name}: step {}: {op:x?}: ours {ours:#x}, QEMU's {theirs:#x}; before:\n{}",
            lines.len(),
            lines[before..].join("\n")
        );
        lines.push(op.to_line(op.write.unwrap_or(theirs)));
        theirs
    });
    lines
}

fn record(name: &str, lines: &[String]) {
    if std::env::var_os("NEX_RECORD").is_some() {
        let path = format!("{}/tests/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }
}

#[test]
#[ignore = "needs qemu-system-arm"]
fn reset_values() {
    record("reset", &compare("reset", |exec| reset(exec)));
}

#[test]
#[ignore = "needs qemu-system-arm"]
fn random_sequences() {
    let seeds = std::env::var("NEX_SEEDS").map_or(1, |n| n.parse().expect("NEX_SEEDS is a number"));
    for (name, driver, steps) in DRIVERS {
        for seed in 1..=seeds {
            let lines = compare(&format!("{name}, seed {seed}"), |exec| driver(seed, steps, exec));
            if seed == 1 {
                record(name, &lines);
            }
        }
    }
}
