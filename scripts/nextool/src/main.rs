//! The command line of nextool.

mod commands;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use nextool::{bootimg, cpio, elf32::Elf, image, volume};

const USAGE: &str = "\
nextool image --elf FILE --out FILE.bin
    Makes the flat image of a linked Nex, with a symbol table at its end.
nextool size --elf FILE
    Says what the image consists of. Fails if code and constants are over the limit.
nextool bootvol --dir DIR [--guests DIR] --out FILE.cpio
    Packs a directory into a boot volume and says what Nex will think of it. Kernels that nex.toml names and DIR does
    not hold are taken, stripped, from the guests' directory.
nextool bootimg --kernel FILE.bin --bootvol FILE.cpio [--cmdline WORDS] --out FILE.img
    Packs a flat image and a boot volume into an Android boot image.
nextool bootimg FILE.img
    Says what is in one.
nextool strip IN OUT
    Copies an ELF file without everything that is not loaded.
nextool log --elf FILE [PORT|-] [how to show]
    Shows a console of Nex, from the standard input or a serial port (115200 8n1, keys go to it; Ctrl-] x leaves), with its
    log records decoded. FILE is the linked Nex that runs there.
nextool run --elf FILE [how to show] -- COMMAND...
    Does that with what COMMAND writes, and ends with its status. make qemu uses it.
nextool dump --elf FILE [--base ADDRESS] MEMORY
    Shows the panic text and the last log records from a dump of the machine's memory that begins at ADDRESS.

How to show: --json                     an object for each record and each line of text
             --color=auto|always|never
             --locations                file and line after each record; always on a terminal
";

fn main() -> ExitCode {
    match run() {
        Ok(status) => status,
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
    kernel: Option<PathBuf>,
    bootvol: Option<PathBuf>,
    cmdline: String,
    show: commands::Show,
    base: u32,
    files: Vec<OsString>,
}

fn run() -> Result<ExitCode> {
    let mut parser = lexopt::Parser::from_env();
    let mut command = None;
    let mut options = Options::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("elf") => options.elf = Some(parser.value()?.into()),
            Long("out") => options.out = Some(parser.value()?.into()),
            Long("dir") => options.dir = Some(parser.value()?.into()),
            Long("guests") => options.guests = Some(parser.value()?.into()),
            Long("kernel") => options.kernel = Some(parser.value()?.into()),
            Long("bootvol") => options.bootvol = Some(parser.value()?.into()),
            Long("cmdline") => options.cmdline = parser.value()?.string()?,
            Long("json") => options.show.json = true,
            Long("color" | "colour") => {
                options.show.colour = parser.value()?.parse_with(commands::Colour::parse)?
            }
            Long("locations") => options.show.locations = true,
            Long("base") => options.base = parser.value()?.parse_with(address)?,
            Long("help") | Short('h') => {
                print!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            Value(word) if command.is_none() => command = Some(word.string()?),
            // Everything after the command that nextool is to run is the command's.
            Value(file) => {
                options.files.push(file);
                if command.as_deref() == Some("run") {
                    options.files.extend(parser.raw_args()?);
                }
            }
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
        Some("bootimg") => match &options.files[..] {
            [] => make_boot_image(
                &needed(&options.kernel, "--kernel")?,
                &needed(&options.bootvol, "--bootvol")?,
                &options.cmdline,
                &needed(&options.out, "--out")?,
            ),
            [file] => report_boot_image(file.as_ref()),
            _ => bail!("bootimg takes one file\n{USAGE}"),
        },
        Some("strip") => match &options.files[..] {
            [from, to] => write(to.as_ref(), &volume::read_guest(from.as_ref())?),
            _ => bail!("strip takes two files\n{USAGE}"),
        },
        Some("log") => match &options.files[..] {
            [] => commands::log(&needed(&options.elf, "--elf")?, None, &options.show),
            [port] => commands::log(&needed(&options.elf, "--elf")?, Some(port), &options.show),
            _ => bail!("log takes one port\n{USAGE}"),
        },
        Some("run") => return commands::run(&needed(&options.elf, "--elf")?, &options.files, &options.show),
        Some("dump") => match &options.files[..] {
            [memory] => {
                commands::dump(&needed(&options.elf, "--elf")?, memory.as_ref(), options.base, &options.show)
            }
            _ => bail!("dump takes one file\n{USAGE}"),
        },
        Some(other) => bail!("no command `{other}`\n{USAGE}"),
        None => bail!("which command?\n{USAGE}"),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A number, in hexadecimal after `0x`.
fn address(text: &str) -> Result<u32> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.with_context(|| format!("{text}: not a 32-bit address"))
}

fn needed(option: &Option<PathBuf>, name: &str) -> Result<PathBuf> {
    option.clone().with_context(|| format!("{name} is missing"))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
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

fn make_boot_image(kernel: &Path, bootvol: &Path, cmdline: &str, out: &Path) -> Result<()> {
    let (kernel, ramdisk) = (read(kernel)?, read(bootvol)?);
    let content = bootimg::BootImage { kernel: &kernel, ramdisk: &ramdisk, cmdline: cmdline.trim() };
    write(out, &bootimg::pack(&content)?)
}

fn report_boot_image(file: &Path) -> Result<()> {
    let bytes = read(file)?;
    let content = bootimg::parse(&bytes).with_context(|| format!("{}", file.display()))?;
    println!("kernel       {:>8} bytes", content.kernel.len());
    println!("boot volume  {:>8} bytes", content.ramdisk.len());
    println!("command line {:?}", content.cmdline);
    Ok(())
}
