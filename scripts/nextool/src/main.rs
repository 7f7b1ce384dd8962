//! The command line of nextool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use nextool::{cpio, elf32::Elf, image, volume};

const USAGE: &str = "\
nextool image --elf FILE --out FILE.bin
    Makes the flat image of a linked Nex, with a symbol table at its end.
nextool size --elf FILE
    Says what the image consists of. Fails if code and constants are over the limit.
nextool bootvol --dir DIR [--guests DIR] --out FILE.cpio
    Packs a directory into a boot volume and says what Nex will think of it. Kernels that nex.toml names and DIR does
    not hold are taken, stripped, from the guests' directory.
nextool strip IN OUT
    Copies an ELF file without everything that is not loaded.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nextool: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The options of all commands; each takes what it needs.
#[derive(Default)]
struct Options {
    elf: Option<PathBuf>,
    out: Option<PathBuf>,
    dir: Option<PathBuf>,
    guests: Option<PathBuf>,
    files: Vec<PathBuf>,
}

fn run() -> Result<()> {
    let mut parser = lexopt::Parser::from_env();
    let mut command = None;
    let mut options = Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("elf") => options.elf = Some(parser.value()?.into()),
            Long("out") => options.out = Some(parser.value()?.into()),
            Long("dir") => options.dir = Some(parser.value()?.into()),
            Long("guests") => options.guests = Some(parser.value()?.into()),
            Long("help") | Short('h') => {
                print!("{USAGE}");
                return Ok(());
            }
            Value(word) if command.is_none() => command = Some(word.string()?),
            Value(file) => options.files.push(file.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    match command.as_deref() {
        Some("image") => make_image(&needed(&options.elf, "--elf")?, &needed(&options.out, "--out")?),
        Some("size") => report_size(&needed(&options.elf, "--elf")?),
        Some("bootvol") => make_volume(
            &needed(&options.dir, "--dir")?,
            options.guests.as_deref(),
            &needed(&options.out, "--out")?,
        ),
        Some("strip") => match &options.files[..] {
            [from, to] => write(to, &volume::read_guest(from)?),
            _ => bail!("strip takes two files\n{USAGE}"),
        },
        Some(other) => bail!("no command `{other}`\n{USAGE}"),
        None => bail!("which command?\n{USAGE}"),
    }
}

fn needed(option: &Option<PathBuf>, name: &str) -> Result<PathBuf> {
    option.clone().with_context(|| format!("{name} is missing"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{}", path.display()))
}

/// Writes a file at once: whoever looks at `path` sees the old file or the whole new one.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("writing {}", path.display()))
}

fn make_image(elf: &Path, out: &Path) -> Result<()> {
    let bytes = read(elf)?;
    let image = Elf::parse(&bytes)
        .and_then(|elf| image::flat_image(&elf))
        .with_context(|| format!("{}", elf.display()))?;
    write(out, &image)
}

fn report_size(elf: &Path) -> Result<()> {
    let bytes = read(elf)?;
    let sizes = Elf::parse(&bytes)
        .and_then(|elf| image::sizes(&elf))
        .with_context(|| format!("{}", elf.display()))?;
    println!("{sizes}");
    if !sizes.within_limit() {
        bail!("{}: code and constants are over the limit", elf.display());
    }
    Ok(())
}

fn make_volume(dir: &Path, guests: Option<&Path>, out: &Path) -> Result<()> {
    let mut files = volume::read_dir(dir)?;
    if let Some(guests) = guests {
        volume::add_guests(&mut files, guests)?;
    }
    let archive = cpio::pack(&files)?;
    for complaint in volume::complaints(&archive) {
        eprintln!("nextool: warning: {}: {complaint}", out.display());
    }
    write(out, &archive)
}
