//! The commands `log`, `run` and `dump`.

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use nextool::elf32::Elf;
use nextool::log::records::Decoder;
use nextool::log::view::View;
use nextool::log::{Stream, dump as memory, port, pump};
use rustix::process::{Signal, set_parent_process_death_signal};

/// `--color`.
#[derive(Clone, Copy, Default)]
pub(crate) enum Colour {
    /// On a terminal.
    #[default]
    Auto,
    Always,
    Never,
}

impl Colour {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => bail!("{text}: must be one of: auto always never"),
        }
    }
}

/// How records are shown.
#[derive(Default)]
pub(crate) struct Show {
    pub(crate) json: bool,
    pub(crate) colour: Colour,
    pub(crate) locations: bool,
}

impl Show {
    fn stream(&self, elf: &Path, from_start: bool) -> Result<Stream> {
        let tty = std::io::stdout().is_terminal();
        let colour = match self.colour {
            Colour::Auto => tty,
            Colour::Always => true,
            Colour::Never => false,
        };
        let view = if self.json { View::json() } else { View::terminal(colour, self.locations || tty) };
        Ok(Stream::new(Arc::new(Decoder::open(elf)?), view, from_start))
    }
}

/// Shows the standard input, or a port, to which what is typed goes.
pub(crate) fn log(elf: &Path, from: Option<&OsString>, show: &Show) -> Result<()> {
    let mut stream = show.stream(elf, false)?;
    let stdout = std::io::stdout();
    let from = match from {
        Some(from) if from != "-" => from,
        _ => return pump::run(std::io::stdin(), stdout, &mut stream),
    };
    let input = port::open(Path::new(from))?;
    let keys = input.try_clone().context("the port")?;
    port::make_terminal_raw()?;
    std::thread::spawn(move || {
        if port::forward(std::io::stdin(), keys) {
            port::restore();
            std::process::exit(0);
        }
    });
    let result = pump::run(input, stdout, &mut stream);
    port::restore();
    result
}

/// Runs a command with its output shown.
pub(crate) fn run(elf: &Path, words: &[OsString], show: &Show) -> Result<ExitCode> {
    let Some((program, arguments)) = words.split_first() else { bail!("run: which command?") };
    let mut stream = show.stream(elf, true)?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped());
    // SAFETY: between fork and exec, one system call (prctl) and nothing else.
    unsafe {
        command.pre_exec(|| {
            // A QEMU that nobody listens to must not stay.
            Ok(set_parent_process_death_signal(Some(Signal::TERM))?)
        });
    }
    let mut child = command.spawn().with_context(|| program.display().to_string())?;
    let output = child.stdout.take().context("the command's output")?;
    // A terminal that is gone ends the command.
    let shown = pump::run(output, std::io::stdout(), &mut stream);
    if shown.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().context("waiting")?;
    shown?;
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Shows what a dump of the memory tells.
pub(crate) fn dump(elf: &Path, from: &OsStr, base: u32, show: &Show) -> Result<()> {
    let mut stream = show.stream(elf, true)?;
    let bytes = crate::read(elf)?;
    let nex = Elf::parse(&bytes).with_context(|| format!("{}", elf.display()))?;
    let contents = crate::read(Path::new(from))?;
    let story = memory::read(&contents, &nex).with_context(|| from.display().to_string())?;
    let mut out = Vec::new();
    if !show.json {
        println!(
            "Nex lies at 0x{:08x}, {} records",
            u64::from(base) + story.nex_at as u64,
            story.frames.len()
        );
        if story.lost > 0 {
            println!("{} records were lost", story.lost);
        }
    }
    for frame in &story.frames {
        stream.frame(story.id, frame, &mut out);
    }
    if story.panic.is_empty() {
        stream.feed(b"(no panic)\n", &mut out);
    } else {
        stream.feed(story.panic.as_bytes(), &mut out);
    }
    stream.finish(&mut out);
    std::io::stdout().write_all(&out).context("writing")
}
