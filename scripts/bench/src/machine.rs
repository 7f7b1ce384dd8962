//! Running QEMU.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nextool::board::Board;

/// A machine for both sides.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The program, `qemu-system-arm`.
    pub qemu: OsString,
    /// QEMU's name of the CPU.
    pub cpu: String,
    /// What Nex runs on.
    pub board: Board,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Longest time that a run may take on the host.
    pub deadline: Duration,
}

impl Machine {
    /// QEMU's version, such as `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`.
    ///
    /// # Errors
    /// If QEMU cannot be run.
    pub fn version(&self) -> Result<String> {
        let output = Command::new(&self.qemu).arg("--version").output().with_context(|| self.program())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().next().unwrap_or_default();
        ensure!(output.status.success() && !line.is_empty(), "{} --version failed", self.program());
        Ok(line.strip_prefix("QEMU emulator version ").unwrap_or(line).to_owned())
    }

    /// Runs QEMU with these arguments, that say what it boots on what, and returns the console when QEMU has ended, or when
    /// `until` says so; then QEMU is ended.
    ///
    /// # Errors
    /// If QEMU cannot be run, fails, or does not end within the deadline. The message has the end of the console.
    pub fn run(&self, arguments: &[OsString], until: &Until<'_>) -> Result<String> {
        let mut command = Command::new(&self.qemu);
        command.args(["-m", &self.memory_mib.to_string()]);
        command.args([
            "-display",
            "none",
            "-nic",
            "none",
            "-no-reboot",
            "-monitor",
            "none",
            "-serial",
            "stdio",
        ]);
        // One instruction is one nanosecond, and waiting takes no real time.
        command.args(["-icount", "shift=0,sleep=off"]);
        // So that Nex can say how it ended; from privileged modes only.
        command.args(["-semihosting-config", "enable=on,target=native,userspace=off"]);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running(command.spawn().with_context(|| self.program())?);

        let console = collect(running.0.stdout.take());
        let complaints = collect(running.0.stderr.take());
        let mut keyboard = running.0.stdin.take();
        let ended = running.wait(self.deadline, || {
            let console = console.so_far();
            if let Some((line, keys)) = until.type_after
                && has_line(&console, &[line])
                && let Some(mut keyboard) = keyboard.take()
            {
                // If QEMU has gone, that is noticed.
                let _ = keyboard.write_all(keys.as_bytes());
            }
            has_line(&console, until.last)
        })?;
        let (console, complaints) = (console.whole(), complaints.whole());
        let what = match ended {
            Some(true) => return Ok(console),
            Some(false) => "QEMU failed".to_owned(),
            None => format!("still running after {} s", self.deadline.as_secs()),
        };
        bail!("{what}\n--- {command:?}\n{}{}", tail(&complaints), tail(&console))
    }

    fn program(&self) -> String {
        self.qemu.to_string_lossy().into_owned()
    }
}

/// The last lines of a console.
pub fn tail(text: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| format!("    {line}\n")).collect()
}

/// When a run is over, if QEMU does not end by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Until<'a> {
    /// Words in a line of the console that is the last one.
    pub last: &'a [&'a str],
    /// Words in a line, and keys that are typed when it is there. There are no other keys.
    pub type_after: Option<(&'a str, &'a str)>,
}

/// Whether a line that has come to its end has one of `words` in it.
fn has_line(console: &[u8], words: &[&str]) -> bool {
    let text = String::from_utf8_lossy(console);
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    words.iter().any(|word| complete.contains(word))
}

/// A stream that a thread reads.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: thread::JoinHandle<()>,
}

impl Stream {
    fn so_far(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of it, once it has ended.
    fn whole(self) -> String {
        // A reader that failed leaves what it had read.
        let _ = self.thread.join();
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Reads all of a stream, in a thread.
fn collect(stream: Option<impl Read + Send + 'static>) -> Stream {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&bytes);
    let thread = thread::spawn(move || {
        let Some(mut stream) = stream else { return };
        let mut buffer = [0; 4096];
        // A stream that breaks is over; what came before counts.
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            shared.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
        }
    });
    Stream { bytes, thread }
}

/// A process that does not outlive this.
struct Running(Child);

impl Running {
    /// Whether the process ended well, or was killed because it is `done`; `None`, and it is killed, if it did not end.
    fn wait(&mut self, deadline: Duration, mut done: impl FnMut() -> bool) -> Result<Option<bool>> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.0.try_wait().context("waiting for QEMU")? {
                return Ok(Some(status.success()));
            }
            if done() {
                let _ = self.0.kill();
                let _ = self.0.wait();
                return Ok(Some(true));
            }
            if Instant::now() >= end {
                let _ = self.0.kill();
                let _ = self.0.wait();
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose "QEMU" is a shell script, which gets QEMU's arguments.
    fn machine(script: &str, deadline: Duration) -> (Machine, std::path::PathBuf) {
        let name = format!("nex-bench-{}-{:x}", std::process::id(), script.len());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, script).unwrap();
        // `sh` takes `-M` and what follows as its own options, so the script reads them from a wrapper.
        let wrapper = path.with_extension("sh");
        std::fs::write(&wrapper, format!("#!/bin/sh\nexec sh {}\n", path.display())).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
        let qemu = wrapper.into();
        (Machine { qemu, cpu: "x".into(), board: Board::QemuVirt, memory_mib: 1, deadline }, path)
    }

    fn run(script: &str, deadline: Duration) -> Result<String> {
        let (machine, path) = machine(script, deadline);
        let until = Until { last: &["the end"], type_after: Some(("type", "typed\n")) };
        let result = machine.run(&[], &until);
        for file in [path.with_extension("sh"), path] {
            let _ = std::fs::remove_file(file);
        }
        result
    }

    #[test]
    fn how_it_ended_is_told() {
        assert_eq!(run("echo a line", Duration::from_secs(60)).unwrap(), "a line\n");
        let failed = run("echo the last line; exit 1", Duration::from_secs(60)).unwrap_err().to_string();
        assert!(failed.starts_with("QEMU failed\n") && failed.contains("    the last line\n"), "{failed}");
        let script = "echo type; read line; echo $line; echo [a] the end; exec sleep 100";
        let stopped = run(script, Duration::from_secs(60)).unwrap();
        assert_eq!(stopped, "type\ntyped\n[a] the end\n");
        let hung = run("echo hung; exec sleep 100", Duration::from_secs(1)).unwrap_err().to_string();
        assert!(hung.starts_with("still running after 1 s\n") && hung.contains("hung"), "{hung}");
    }
}
