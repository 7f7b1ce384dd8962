//! The command line: see `USAGE`, and `make bench`.

#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use nex_bench::machine::Machine;
use nex_bench::results::Results;
use nex_bench::suites::{Files, Suite};
use nex_bench::{aims, baseline, docs};
use nextool::board::Board;

const USAGE: &str = "\
nex-bench --guest ELF --kernel ZIMAGE --initrd FILE --image NEX.bin --out BENCH.json
        [--groups \"kernel linux domu\"] [--board qemu-virt] [--cpu cortex-a15] [--deadline SECONDS]
    Runs the kernel ELF, and lbench in Linux, natively on QEMU and in a domain of Nex, shows the table and writes it to
    BENCH.json. With --groups only those.
    --check FILE     fails if a ratio is more than 5 % above that in FILE, an earlier BENCH.json
    --baseline FILE  writes the result to FILE, for --check
    --docs PAGE      writes the table into a page, between its marks
    --readme PAGE    the same with those rows only that have an aim
nex-bench --from BENCH.json [--docs PAGE] [--readme PAGE]
    Measures nothing: shows the table in an earlier BENCH.json, and writes it into pages.
nex-bench --guest ELF --kernel ZIMAGE --initrd FILE --native
    Natively only: shows instructions per operation.
";

struct Options {
    files: Files,
    suites: Vec<Suite>,
    image: Option<PathBuf>,
    out: Option<PathBuf>,
    cpu: String,
    board: Board,
    deadline: Duration,
    check: Option<PathBuf>,
    baseline: Option<PathBuf>,
    docs: Vec<PathBuf>,
    readme: Vec<PathBuf>,
    from: Option<PathBuf>,
    native: bool,
}

impl Options {
    fn has_pages(&self) -> bool {
        !self.docs.is_empty() || !self.readme.is_empty()
    }
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
        files: Files::default(),
        suites: Suite::ALL.to_vec(),
        image: None,
        out: None,
        cpu: "cortex-a15".into(),
        board: Board::QemuVirt,
        deadline: Duration::from_secs(900),
        check: None,
        baseline: None,
        docs: Vec::new(),
        readme: Vec::new(),
        from: None,
        native: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("guest") => options.files.guest = parser.value()?.into(),
            Long("kernel") => options.files.kernel = parser.value()?.into(),
            Long("initrd") => options.files.initrd = parser.value()?.into(),
            Long("groups") => options.suites = Suite::parse(&parser.value()?.string()?)?,
            Long("image") => options.image = Some(parser.value()?.into()),
            Long("out") => options.out = Some(parser.value()?.into()),
            Long("cpu") => options.cpu = parser.value()?.string()?,
            Long("board") => options.board = Board::parse(&parser.value()?.string()?)?,
            Long("deadline") => {
                options.deadline = Duration::from_secs(parser.value()?.parse::<u32>()?.into())
            }
            Long("check") => options.check = Some(parser.value()?.into()),
            Long("baseline") => options.baseline = Some(parser.value()?.into()),
            Long("docs") => options.docs.push(parser.value()?.into()),
            Long("readme") => options.readme.push(parser.value()?.into()),
            Long("from") => options.from = Some(parser.value()?.into()),
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
    let machine = Machine {
        qemu: std::env::var_os("NEX_QEMU").unwrap_or_else(|| "qemu-system-arm".into()),
        cpu: options.cpu.clone(),
        board: options.board,
        memory_mib: 256,
        deadline: options.deadline,
    };
    if let Some(path) = &options.from {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let results = Results::from_json(&text).with_context(|| path.display().to_string())?;
        print!("{}", results.to_text());
        return write_pages(&options, &results).map(|()| true);
    }
    if options.native {
        if options.check.is_some() || options.baseline.is_some() || options.has_pages() {
            bail!("--native has no ratios, so no --check, --baseline, --docs or --readme");
        }
        for suite in &options.suites {
            for row in suite.native(&machine, &options.files)? {
                println!("{:10} {:40} {:10.3}", row.group, row.name, row.nanoseconds);
            }
        }
        return Ok(true);
    }
    let all = Suite::ALL.iter().all(|suite| options.suites.contains(suite));
    if !all && (options.baseline.is_some() || options.has_pages()) {
        bail!("--baseline, --docs and --readme need all groups");
    }
    let (image, out) = (needed(&options.image, "--image")?, needed(&options.out, "--out")?);
    // Before anything runs: a baseline that cannot be read must not cost a run.
    let before = match &options.check {
        Some(path) => Some(read_baseline(path)?),
        None => None,
    };

    // Each writes its boot volume, for a look at it with `make qemu`.
    fs::create_dir_all(out.parent().unwrap_or(Path::new(""))).with_context(|| out.display().to_string())?;
    let (mut rows, mut linux) = (Vec::new(), None);
    for suite in &options.suites {
        let volume = out.with_file_name(format!("bench-{}.cpio", suite.name()));
        let (more, version) = suite.compare(&machine, &options.files, &image, &volume)?;
        rows.extend(more);
        linux = linux.or(version);
    }

    let (cpu, qemu) = (options.cpu.clone(), machine.version()?);
    let results = Results { cpu, qemu, revision: revision(), linux, rows };
    print!("{}", results.to_text());
    write(&out, results.to_json().as_bytes())?;
    if let Some(path) = &options.baseline {
        write(path, results.to_json().as_bytes())?;
    }
    write_pages(&options, &results)?;
    let mut good = true;
    let measured = |group: &str| options.suites.contains(&Suite::of_group(group));
    for (group, name) in aims::without_row(&results.rows).filter(|&(group, _)| measured(group)) {
        eprintln!("nex-bench: there is an aim for \"{group} {name}\", which was not measured");
        good = false;
    }
    let Some(mut before) = before else { return Ok(good) };
    before.rows.retain(|row| measured(&row.group));
    if before.qemu != results.qemu {
        eprintln!("nex-bench: note: the baseline was measured with QEMU {}", before.qemu);
    }
    let worse = baseline::worse(&results, &before)?;
    for row in &worse {
        eprintln!("nex-bench: worse than the baseline: {row}");
    }
    Ok(good && worse.is_empty())
}

/// Puts the table into all pages that were named.
fn write_pages(options: &Options, results: &Results) -> Result<()> {
    let pages = options.docs.iter().map(|path| (path, results.to_markdown()));
    for (path, table) in pages.chain(options.readme.iter().map(|path| (path, results.to_short_markdown()))) {
        let page = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let page =
            docs::with_table(&page, options.board, &table).with_context(|| path.display().to_string())?;
        write(path, page.as_bytes())?;
    }
    Ok(())
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
