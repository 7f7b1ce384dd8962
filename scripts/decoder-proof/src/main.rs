//! Runs the decoder proof. `decoder-proof --help` says how.

use std::process::ExitCode;
use std::time::Instant;

use nex_decoder_proof::explained::reason;
use nex_decoder_proof::second::second;
use nex_decoder_proof::space::{OTHER_CONDITIONS, Totals, WHOLE, compare};

const HELP: &str = "\
Compares nex-decode with capstone, word by word.

  --all             every word of A32 with conditions AL and 0b1111 and of T32, and every 257th with the others
  --stride N        every Nth word instead (default 499)
  --offset N        begin at the Nth word (default 0)
  --threads N       default: as many as CPUs
  --objdump PATH    GNU objdump for ARM instead (arm-linux-gnueabihf-objdump): does it call sensitive what may stay?
  --verbose         list the explained disagreements too

Exit status 1 if there is a disagreement without an explanation.
";

struct Options {
    stride: u64,
    offset: u64,
    threads: u64,
    objdump: Option<std::path::PathBuf>,
    verbose: bool,
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::*;
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let mut options = Options { stride: 499, offset: 0, threads, objdump: None, verbose: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("all") => options.stride = 1,
            Long("stride") => options.stride = parser.value()?.parse::<u64>()?.max(1),
            Long("offset") => options.offset = parser.value()?.parse()?,
            Long("threads") => options.threads = parser.value()?.parse::<u64>()?.clamp(1, 256),
            Long("objdump") => options.objdump = Some(parser.value()?.into()),
            Long("verbose") => options.verbose = true,
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("decoder-proof: {error}; see --help");
            return ExitCode::from(2);
        }
    };
    match &options.objdump {
        Some(objdump) => ask_objdump(objdump, &options),
        None => ask_capstone(&options),
    }
}

/// Condition AL and 0b1111 only, since conditions are part of objdump's mnemonics.
fn ask_objdump(objdump: &std::path::Path, options: &Options) -> ExitCode {
    let (mut words, mut objections) = (0, 0);
    for region in &WHOLE {
        let found = match second(objdump, region, options.offset % options.stride, options.stride) {
            Ok(found) => found,
            Err(error) => {
                eprintln!("decoder-proof: {}: {error}", objdump.display());
                return ExitCode::from(2);
            }
        };
        words += found.words;
        for ((isa, class, mnemonic), group) in &found.objections {
            objections += group.count;
            println!("{isa:?} {class} {mnemonic}: {} ({:08x} {})", group.count, group.example, group.text);
        }
    }
    println!("{words} words: {objections} that may stay are sensitive by objdump");
    if objections == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn ask_capstone(options: &Options) -> ExitCode {
    let mut totals = Totals::default();
    let begin = Instant::now();
    let others = if options.stride == 1 { 257 } else { options.stride * 16 + 1 };
    for (region, stride) in WHOLE.iter().map(|r| (r, options.stride)).chain([(&OTHER_CONDITIONS, others)]) {
        // The narrow space is small enough to be compared whole, always.
        let stride = if region.words < 1 << 16 { 1 } else { stride };
        let part = compare(region, options.offset % stride, stride, options.threads);
        println!("{}: {} words, {} s so far", region.name, part.words, begin.elapsed().as_secs());
        totals.merge(part);
    }
    let mut unexplained = 0;
    let mut explained = 0;
    for ((isa, finding), group) in &totals.groups {
        let why = reason(*isa, finding);
        let agree = why == Some("agree");
        match why {
            None => unexplained += group.count,
            Some(_) if !agree => explained += group.count,
            _ => {}
        }
        if why.is_none() || agree || options.verbose {
            let why = why.unwrap_or("NOT EXPLAINED");
            println!("{isa:?} {finding:?}: {} ({:08x} {}): {why}", group.count, group.example, group.text);
        }
    }
    println!("{} words: {explained} explained, {unexplained} unexplained disagreements", totals.words);
    if unexplained == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
