//! The command line: see `USAGE`, and `make difftest`.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use nex_difftest_run::guest::Cases;
use nex_difftest_run::machine::Machine;
use nex_difftest_run::{report, search};
use nextool::board::Board;

const USAGE: &str = "\
nex-difftest-run --guest ELF --image NEX.bin [--board qemu-virt] [--cpu cortex-a15] [--cases N] [--seed S] [--first N] [--kinds BITS]
    Runs N random cases natively on QEMU and as the only domain of Nex, and compares what they saw. Shows the first
    case that differs. --first: number of the first case; --kinds: 1 CPU, 2 CPU with its MMU on, 4 devices.
";

/// Cases in a run of QEMU: one that hangs costs no more than these.
const PART: u32 = 20_000;
/// Cases in a line of the guest's.
const BLOCK: u32 = 256;
/// Differing cases that are shown.
const SHOWN: usize = 3;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("nex-difftest-run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool> {
    let (mut guest, mut image, mut cpu) = (None, None, "cortex-a15".to_owned());
    let mut board = Board::QemuVirt;
    let mut all = Cases { seed: 1, first: 0, count: 10_000, block: BLOCK, kinds: 7 };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("guest") => guest = Some(PathBuf::from(parser.value()?)),
            Long("image") => image = Some(PathBuf::from(parser.value()?)),
            Long("cpu") => cpu = parser.value()?.string()?,
            Long("board") => board = Board::parse(&parser.value()?.string()?)?,
            Long("cases") => all.count = parser.value()?.parse()?,
            Long("seed") => all.seed = parser.value()?.parse()?,
            Long("first") => all.first = parser.value()?.parse()?,
            Long("kinds") => all.kinds = parser.value()?.parse()?,
            Long("help") | Short('h') => {
                print!("{USAGE}");
                return Ok(true);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let guest = guest.context("--guest is missing")?;
    if all.count == 0 || all.first.checked_add(all.count).is_none() {
        bail!("--cases: from 1 on, and with --first no more than 4294967295");
    }
    let machine = Machine {
        qemu: std::env::var_os("NEX_QEMU").unwrap_or_else(|| "qemu-system-arm".into()),
        cpu,
        board,
        guest: std::fs::read(&guest).with_context(|| guest.display().to_string())?,
        image: image.context("--image is missing")?,
        silence: Duration::from_secs(60),
    };
    let begin = Instant::now();
    let mut good = true;
    let end = all.first + all.count;
    let mut first = all.first;
    while first < end && good {
        let part = Cases { first, count: PART.min(end - first), ..all };
        good = run_part(&machine, &part)?;
        first += part.count;
    }
    let seconds = begin.elapsed().as_secs();
    if good {
        println!(
            "difftest: {} cases, seed {}, {}: no difference, {seconds} s",
            all.count, all.seed, machine.cpu
        );
    }
    Ok(good)
}

/// Runs some cases; false if one differs, which is shown.
fn run_part(machine: &Machine, part: &Cases) -> Result<bool> {
    let consoles = machine.run_both(part)?;
    let Some(first) = search::first_block(part, &consoles) else { return Ok(true) };
    let mut blocks = search::differing(&consoles);
    if !blocks.contains(&first) {
        blocks.insert(0, first);
    }
    println!(
        "difftest: seed {}, {}: {} blocks of {} cases differ",
        part.seed,
        machine.cpu,
        blocks.len(),
        part.block
    );
    let machine = Machine { silence: Duration::from_secs(20), ..machine.clone() };
    for &first in blocks.iter().take(SHOWN) {
        match search::find(&machine, part, first)? {
            Some(found) => {
                print!("{}", report::text(&found));
                let again = format!("--first {} --cases {}", found.case - found.before, found.before + 1);
                println!("again: --seed {} {again}", part.seed);
            }
            None => println!("cases {first} to {}: they do not differ by themselves", first + part.block - 1),
        }
    }
    Ok(false)
}
