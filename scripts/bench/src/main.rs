//! The command line: see `USAGE`, and `make bench`.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use nex_bench::console::{self, Measured};
use nex_bench::machine::{Machine, tail};
use nex_bench::results::{Results, join};
use nex_bench::{aims, baseline, docs};

const USAGE: &str = "\
nex-bench --guest ELF --image NEX.bin --out BENCH.json [--cpu cortex-a15] [--deadline SECONDS]
    Runs the guest natively on QEMU and as the only domain of Nex, shows the table and writes it to BENCH.json.
    --check FILE     fails if a ratio is more than 5 % above that in FILE, an earlier BENCH.json
    --baseline FILE  writes the result to FILE, for --check
    --docs PAGE      writes the table into a page, between its marks
nex-bench --guest ELF --native
    Runs the guest natively only, and shows instructions per operation.
";

/// The boot volume's nex.toml.
const MANIFEST: &str = "\
on_idle = \"poweroff\"
strict = true
[[domain]]
name = \"bench\"
kernel = \"bench\"
memory = \"128M\"
";

struct Options {
    guest: Option<PathBuf>,
    image: Option<PathBuf>,
    out: Option<PathBuf>,
    cpu: String,
    deadline: Duration,
    check: Option<PathBuf>,
    baseline: Option<PathBuf>,
    docs: Vec<PathBuf>,
    native: bool,
}

fn main() -> ExitCode {
    match options().and_then(|options| options.map_or(Ok(true), run)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("nex-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The options; none if only help was wanted.
fn options() -> Result<Option<Options>> {
    let mut options = Options {
        guest: None,
        image: None,
        out: None,
        cpu: "cortex-a15".into(),
        deadline: Duration::from_secs(300),
        check: None,
        baseline: None,
        docs: Vec::new(),
        native: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("guest") => options.guest = Some(parser.value()?.into()),
            Long("image") => options.image = Some(parser.value()?.into()),
            Long("out") => options.out = Some(parser.value()?.into()),
            Long("cpu") => options.cpu = parser.value()?.string()?,
            Long("deadline") => {
                options.deadline = Duration::from_secs(parser.value()?.parse::<u32>()?.into())
            }
            Long("check") => options.check = Some(parser.value()?.into()),
            Long("baseline") => options.baseline = Some(parser.value()?.into()),
            Long("docs") => options.docs.push(parser.value()?.into()),
            Long("native") => options.native = true,
            Long("help") | Short('h') => {
                print!("{USAGE}");
                return Ok(None);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(options))
}

/// Does everything; false if a ratio has worsened, or an aim is of no row.
fn run(options: Options) -> Result<bool> {
    let needed =
        |option: &Option<PathBuf>, name: &str| option.clone().with_context(|| format!("{name} is missing"));
    let guest = needed(&options.guest, "--guest")?;
    let machine = Machine {
        qemu: std::env::var_os("NEX_QEMU").unwrap_or_else(|| "qemu-system-arm".into()),
        cpu: options.cpu.clone(),
        memory_mib: 256,
        deadline: options.deadline,
    };
    if options.native {
        if options.check.is_some() || options.baseline.is_some() || !options.docs.is_empty() {
            bail!("--native has no ratios, so no --check, --baseline or --docs");
        }
        for row in measure(&machine, &guest, &[]).context("natively")? {
            println!("{:10} {:32} {:10.3}", row.group, row.name, row.nanoseconds);
        }
        return Ok(true);
    }
    let (image, out) = (needed(&options.image, "--image")?, needed(&options.out, "--out")?);
    // Before anything runs: a baseline that cannot be read must not cost a run.
    let before = match &options.check {
        Some(path) => Some(read_baseline(path)?),
        None => None,
    };

    // One line for each benchmark: other guests add their rows here.
    let rows = kernel_rows(&machine, &guest, &image, &out)?;

    let results = Results { cpu: options.cpu, qemu: machine.version()?, revision: revision(), rows };
    print!("{}", results.to_text());
    write(&out, results.to_json().as_bytes())?;
    if let Some(path) = &options.baseline {
        write(path, results.to_json().as_bytes())?;
    }
    for path in &options.docs {
        let page = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let page =
            docs::with_table(&page, &results.to_markdown()).with_context(|| path.display().to_string())?;
        write(path, page.as_bytes())?;
    }
    let mut good = true;
    for (group, name) in aims::without_row(&results.rows) {
        eprintln!("nex-bench: there is an aim for \"{group} {name}\", which was not measured");
        good = false;
    }
    let Some(before) = before else { return Ok(good) };
    if before.qemu != results.qemu {
        eprintln!("nex-bench: note: the baseline was measured with QEMU {}", before.qemu);
    }
    let worse = baseline::worse(&results, &before)?;
    for row in &worse {
        eprintln!("nex-bench: worse than the baseline: {row}");
    }
    Ok(good && worse.is_empty())
}

/// Runs the bare-metal guest on both sides.
fn kernel_rows(
    machine: &Machine,
    guest: &Path,
    image: &Path,
    out: &Path,
) -> Result<Vec<nex_bench::results::Row>> {
    let native = measure(machine, guest, &[]).context("natively")?;
    let volume = out.with_extension("cpio");
    let files = BTreeMap::from([
        ("nex.toml".to_owned(), MANIFEST.as_bytes().to_vec()),
        ("bench".to_owned(), nextool::volume::read_guest(guest)?),
    ]);
    write(&volume, &nextool::cpio::pack(&files)?)?;
    let arguments = ["-initrd".into(), volume.into(), "-append".into(), "log=text exit=semihosting".into()];
    let nex = measure(machine, image, &arguments).context("under Nex")?;
    join(native, nex)
}

/// Runs a benchmark once.
fn measure(machine: &Machine, kernel: &Path, arguments: &[OsString]) -> Result<Vec<Measured>> {
    // QEMU's own message about a missing kernel does not say what it looked for.
    fs::metadata(kernel).with_context(|| kernel.display().to_string())?;
    let console = machine.run(kernel, arguments)?;
    match console::read(&console) {
        Ok(rows) => Ok(rows),
        Err(error) => bail!("{error:#}\n--- the end of the console:\n{}", tail(&console)),
    }
}

fn read_baseline(path: &Path) -> Result<Results> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("{}: no baseline (`make bench BASELINE=1` writes it)", path.display()))?;
    Results::from_json(&text).with_context(|| path.display().to_string())
}

/// Git's name of the source, with `-dirty` when it was changed.
fn revision() -> String {
    let git = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    match git {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".into(),
    }
}

/// Writes a file at once: whoever looks at `path` sees the old file or the whole new one.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))
        .and_then(|()| fs::write(&partial, bytes))
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("writing {}", path.display()))
}
