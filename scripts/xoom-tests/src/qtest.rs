//! The machine without a running CPU: registers are read and written by QEMU's `qtest` protocol, and time only passes when
//! told to.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{Screen, TemporaryFile, emulator};

/// A machine under register-level test. Dropping it ends it.
pub struct Qtest {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    complaints: TemporaryFile,
    /// Levels of the GIC's shared interrupts, as they arrive there.
    spis: [bool; 128],
    screen: Screen,
}

impl Qtest {
    /// A machine with `options` of the machine (`""` or `"a=b,c=d"`), as its boot loader hands it over.
    ///
    /// # Panics
    /// If QEMU cannot be started.
    pub fn start(options: &str) -> Self {
        Self::start_with(options, &[])
    }

    /// The same, with more arguments for QEMU.
    ///
    /// # Panics
    /// If QEMU cannot be started.
    pub fn start_with(options: &str, arguments: &[&str]) -> Self {
        let complaints = TemporaryFile::new("log", b"");
        let log = std::fs::OpenOptions::new().append(true).open(complaints.path()).expect("it was just made");
        let machine = if options.is_empty() { "xoom".into() } else { format!("xoom,{options}") };
        let mut command = Command::new(emulator());
        command.args(["-M", &machine, "-display", "none", "-monitor", "none", "-serial", "null"]);
        command.args(["-accel", "qtest", "-qtest", "stdio", "-qtest-log", "none", "-d", "guest_errors"]);
        command.args(arguments);
        let screen = Screen::new();
        command.args(["-qmp", &screen.argument()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdin = child.stdin.take().expect("stdin was asked to be a pipe");
        let stdout = BufReader::new(child.stdout.take().expect("stdout was asked to be a pipe"));
        let mut machine = Self { child, stdin, stdout, complaints, spis: [false; 128], screen };
        machine.command("irq_intercept_in /machine/mpcore");
        machine
    }

    /// Whether the line of a shared interrupt of the GIC is high. (The GIC itself is not asked: `qtest` accesses it in
    /// Non-secure state, where it hides what is left in group 0. For the same reason, the line does not get into it.)
    pub fn spi(&mut self, number: usize) -> bool {
        self.spis[number]
    }

    /// Sends a command and returns what follows the `OK`.
    fn command(&mut self, command: &str) -> String {
        writeln!(self.stdin, "{command}").and_then(|()| self.stdin.flush()).expect("QEMU runs and reads");
        loop {
            let mut line = String::new();
            self.stdout.read_line(&mut line).expect("QEMU answers");
            assert!(!line.is_empty(), "{command}: QEMU has ended:\n{}", self.complaints());
            if let Some(answer) = line.strip_prefix("OK") {
                return answer.trim().to_owned();
            }
            // Interrupts are told as they happen, before the answer to what caused them.
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["IRQ", level, number] => {
                    self.spis[number.parse::<usize>().expect("a number")] = level == "raise";
                }
                _ => panic!("{command}: {line}"),
            }
        }
    }

    /// The word at an address.
    pub fn read(&mut self, address: u32) -> u32 {
        self.number(&format!("readl {address:#x}"))
    }

    /// The byte at an address.
    pub fn read8(&mut self, address: u32) -> u8 {
        u8::try_from(self.number(&format!("readb {address:#x}"))).expect("a byte")
    }

    fn number(&mut self, command: &str) -> u32 {
        let answer = self.command(command);
        let digits = answer.trim_start_matches("0x");
        u32::try_from(u64::from_str_radix(digits, 16).expect("a number")).expect("32 bits")
    }

    /// Writes a word.
    pub fn write(&mut self, address: u32, value: u32) {
        self.command(&format!("writel {address:#x} {value:#x}"));
    }

    /// `length` bytes from an address on.
    pub fn bytes(&mut self, address: u32, length: u32) -> Vec<u8> {
        (address..address + length).map(|address| self.read8(address)).collect()
    }

    /// Writes a byte.
    pub fn write8(&mut self, address: u32, value: u8) {
        self.command(&format!("writeb {address:#x} {value:#x}"));
    }

    /// Lets time pass, and what is due in it happen.
    pub fn pass(&mut self, microseconds: u64) {
        self.command(&format!("clock_step {}", microseconds * 1000));
    }

    /// Waits until a reset of the machine, which a write asked for, has been carried out: `done` then holds.
    ///
    /// # Panics
    /// If it does not within some seconds.
    pub fn wait_until(&mut self, mut done: impl FnMut(&mut Self) -> bool) {
        let end = std::time::Instant::now() + crate::seconds(10);
        while !done(self) {
            assert!(std::time::Instant::now() < end, "it did not happen");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// The panel.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// What QEMU has complained about so far.
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(self.complaints.path()).unwrap_or_default()
    }
}

impl Drop for Qtest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- QEMU said:\n{}\n---", self.complaints());
        }
    }
}
