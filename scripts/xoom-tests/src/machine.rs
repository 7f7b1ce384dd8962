//! A running machine: its serial console, and what QEMU itself says.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Screen, emulator};

/// A running QEMU. Dropping it kills it.
pub struct Machine {
    child: Child,
    stdin: ChildStdin,
    console: Arc<Text>,
    complaints: Arc<Text>,
    /// Bytes of the console that `expect` has used up.
    seen: usize,
    command_line: String,
    screen: Screen,
}

/// What a machine left when it was over.
#[derive(Clone, Debug)]
pub struct Output {
    /// QEMU's exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// The console, `\r\n` as `\n`.
    pub console: String,
    /// QEMU's standard error.
    pub complaints: String,
}

#[derive(Default)]
struct Text {
    state: Mutex<(Vec<u8>, bool)>,
    more: Condvar,
}

impl Machine {
    /// Starts the machine `xoom` with `options` of the machine (`""` or `"a=b,c=d"`) and more arguments. The console is the
    /// first serial port that `arguments` do not use.
    ///
    /// # Panics
    /// If QEMU cannot be started.
    pub fn start<S: AsRef<std::ffi::OsStr>>(options: &str, arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(emulator());
        let machine = if options.is_empty() { "xoom".into() } else { format!("xoom,{options}") };
        command.args(["-M", &machine, "-display", "none", "-monitor", "none"]);
        command.args(["-semihosting-config", "enable=on,target=native"]);
        let screen = Screen::new();
        command.args(["-qmp", &screen.argument()]);
        command.args(arguments).args(["-serial", "stdio"]);
        let command_line = format!("{command:?}");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command_line}: {error}"));
        let stdin = child.stdin.take().expect("stdin was asked to be a pipe");
        let console = Text::read(child.stdout.take().expect("stdout was asked to be a pipe"));
        let complaints = Text::read(child.stderr.take().expect("stderr was asked to be a pipe"));
        Self { child, stdin, console, complaints, seen: 0, command_line, screen }
    }

    /// Waits until the console shows `text` after what was expected before; returns what came up to its end.
    ///
    /// # Panics
    /// If it does not within `deadline`, or QEMU ends first.
    pub fn expect(&mut self, text: &str, deadline: Duration) -> String {
        let end = Instant::now() + deadline;
        loop {
            let (all, closed) = self.console.get();
            if let Some(at) = all.get(self.seen..).and_then(|new| new.find(text)) {
                let from = self.seen;
                self.seen += at + text.len();
                return all[from..self.seen].to_owned();
            }
            assert!(!closed, "ended without {text:?}");
            assert!(self.console.wait(end), "no {text:?} within {deadline:?}");
        }
    }

    /// Types bytes.
    ///
    /// # Panics
    /// If QEMU has ended.
    pub fn send(&mut self, text: &str) {
        self.stdin.write_all(text.as_bytes()).and_then(|()| self.stdin.flush()).expect("QEMU runs and reads");
    }

    /// The panel.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// The console so far, `\r\n` as `\n`.
    pub fn transcript(&self) -> String {
        self.console.get().0
    }

    /// What QEMU itself has said so far.
    pub fn complaints(&self) -> String {
        self.complaints.get().0
    }

    /// Waits until QEMU ends by itself.
    ///
    /// # Panics
    /// If it does not within `deadline`.
    pub fn wait_exit(mut self, deadline: Duration) -> Output {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.child.try_wait().expect("QEMU can be waited for") {
                while !self.console.get().1 && self.console.wait(end) {}
                while !self.complaints.get().1 && self.complaints.wait(end) {}
                return Output {
                    status: status.code(),
                    console: self.console.get().0,
                    complaints: self.complaints.get().0,
                };
            }
            assert!(Instant::now() < end, "still running after {deadline:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- {}\n--- console:\n{}", self.command_line, self.console.get().0);
            eprintln!("--- QEMU said:\n{}\n---", self.complaints.get().0);
        }
    }
}

impl Text {
    fn read(mut from: impl Read + Send + 'static) -> Arc<Self> {
        let text = Arc::new(Self::default());
        let filled = Arc::clone(&text);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = from.read(&mut buffer).unwrap_or(0);
                let mut state = filled.lock();
                state.0.extend(&buffer[..count]);
                state.1 = count == 0;
                drop(state);
                filled.more.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        text
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<u8>, bool)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All so far without carriage returns, and whether that is all.
    fn get(&self) -> (String, bool) {
        let state = self.lock();
        let bytes: Vec<u8> = state.0.iter().copied().filter(|&byte| byte != b'\r').collect();
        (String::from_utf8_lossy(&bytes).into_owned(), state.1)
    }

    /// Waits for more, at most 50 ms at a time. False: it is after `end`.
    fn wait(&self, end: Instant) -> bool {
        let state = self.lock();
        if !state.1 {
            let pause = Duration::from_millis(50);
            drop(self.more.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner));
        }
        Instant::now() < end
    }
}
