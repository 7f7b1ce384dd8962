//! Running QEMU.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::{env, fs, process};

use anyhow::{Context, Result};
use nextool::board::Board;

use crate::console::{self, Console};
use crate::guest::{Cases, with_parameters};

/// Name of the domain.
const DOMAIN: &str = "difftest";

/// The boot volume's nex.toml.
const MANIFEST: &str = "\
on_idle = \"poweroff\"
strict = true
[[domain]]
name = \"difftest\"
kernel = \"difftest\"
memory = \"128M\"
";

/// Where a guest runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Directly on QEMU's machine `virt`.
    Native,
    /// As the only domain of Nex.
    Nex,
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The program, `qemu-system-arm`.
    pub qemu: OsString,
    /// QEMU's name of the CPU.
    pub cpu: String,
    /// What Nex runs on.
    pub board: Board,
    /// The guest's ELF file.
    pub guest: Vec<u8>,
    /// Nex's image.
    pub image: PathBuf,
    /// Longest time on the host that a run may print nothing.
    pub silence: Duration,
}

impl Machine {
    /// Runs cases on one side.
    ///
    /// # Errors
    /// If QEMU cannot be run. That it did not end in time is no error, but the console is not complete then.
    pub fn run(&self, side: Side, cases: &Cases) -> Result<Console> {
        let directory =
            env::temp_dir().join(format!("nex-difftest-{}-{side:?}-{}", process::id(), cases.first));
        fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
        let result = self.run_in(&directory, side, cases);
        // What remains is of no use, and harmless.
        let _ = fs::remove_dir_all(&directory);
        result
    }

    /// Runs cases on both sides at once.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn run_both(&self, cases: &Cases) -> Result<[Console; 2]> {
        thread::scope(|scope| {
            let native = scope.spawn(|| self.run(Side::Native, cases));
            let nex = self.run(Side::Nex, cases)?;
            let native = native.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
            Ok([native, nex])
        })
    }

    fn run_in(&self, directory: &std::path::Path, side: Side, cases: &Cases) -> Result<Console> {
        let elf = with_parameters(&self.guest, cases)?;
        let mut command = Command::new(&self.qemu);
        command.args(["-m", "256", "-display", "none", "-nic", "none"]);
        command.args(["-no-reboot", "-monitor", "none", "-serial", "stdio"]);
        command.args(["-semihosting-config", "enable=on,target=native,userspace=off"]);
        let file = directory.join("guest");
        match side {
            Side::Native => {
                fs::write(&file, elf)?;
                command.args(self.board.native_exact(&self.cpu)).arg("-kernel").arg(&file);
            }
            Side::Nex => {
                fs::write(&file, &elf)?;
                let files = BTreeMap::from([
                    ("nex.toml".to_owned(), MANIFEST.as_bytes().to_vec()),
                    (DOMAIN.to_owned(), nextool::volume::read_guest(&file)?),
                ]);
                let volume = directory.join("volume.cpio");
                fs::write(&volume, nextool::cpio::pack(&files)?)?;
                let words = "log=text exit=semihosting";
                command.args(self.board.nex(&self.cpu, &self.image, &volume, words)?);
            }
        }
        let text = self.console(command)?;
        Ok(console::read(&text, (side == Side::Nex).then_some(DOMAIN)))
    }

    /// All that QEMU prints until it ends, or until it prints nothing for too long.
    fn console(&self, mut command: Command) -> Result<String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().with_context(|| self.qemu.to_string_lossy().into_owned())?;
        let mut output = child.stdout.take().context("QEMU's output")?;
        let (sender, pieces) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // A stream that breaks is over; what came before counts. So it is if nobody listens any more.
            while let Ok(bytes @ 1..) = output.read(&mut piece) {
                if sender.send(piece[..bytes].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut console = Vec::new();
        // Ends with the stream, or too long after the last piece.
        while let Ok(piece) = pieces.recv_timeout(self.silence) {
            console.extend(piece);
        }
        // Fails only if it has ended; a QEMU that has closed its output has.
        let _ = child.kill();
        child.wait().context("waiting for QEMU")?;
        Ok(String::from_utf8_lossy(&console).into_owned())
    }
}
