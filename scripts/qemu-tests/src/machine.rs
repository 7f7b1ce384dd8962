//! One QEMU with Nex in it.

use std::fmt;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nextool::board::Board;
use nextool::log::view::View;
use nextool::log::{Counts, Stream};
use regex_lite::Regex;

use crate::{Volume, board, built, decoder, default_volume, seconds, strings};

/// Settings of a machine to be started. Starts out as `make qemu` has it, with the default boot volume.
#[derive(Clone, Debug)]
pub struct Builder {
    machine: &'static str,
    cpu: String,
    mem_mib: u32,
    volume: Option<Vec<u8>>,
    icount: bool,
    append: String,
    arguments: Vec<String>,
    /// Instead of the image of Nex.
    kernel: Option<PathBuf>,
}

/// A running QEMU. Dropping it kills it.
pub struct Machine {
    child: Child,
    stdin: Option<ChildStdin>,
    console: Arc<Console>,
    /// Bytes of the transcript that `expect` has used up.
    seen: usize,
    command_line: String,
    /// Holds the boot volume while QEMU may read it.
    _volume: Option<TemporaryFile>,
    /// What the emulated Xoom complains about: accesses that the hardware would not forgive.
    complaints: Option<TemporaryFile>,
}

/// What a machine left when it was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// QEMU's exit status; `None` if a signal ended it.
    pub status: Option<i32>,
    /// The whole console as `nextool run` shows it, log records decoded, `\r\n` as `\n`.
    pub console: String,
    /// What came over the wire.
    pub raw: Vec<u8>,
    /// Log records on it.
    pub counts: Counts,
}

/// The console as far as it was read.
#[derive(Default)]
struct Console {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    /// Decoded.
    text: Vec<u8>,
    raw: Vec<u8>,
    counts: Counts,
    closed: bool,
}

impl Builder {
    /// QEMU's `vexpress-a9` instead of `virt`: a Cortex-A9, an ATAG list, no generic timer. Nex is asked to log text, as the
    /// records are those of another image.
    pub fn vexpress_a9(mut self) -> Self {
        self.machine = "vexpress-a9";
        self.cpu("cortex-a9").append("log=text")
    }

    /// `cortex-a15` or `cortex-a7`, unless the board has a CPU of its own.
    pub fn cpu(mut self, cpu: &str) -> Self {
        self.cpu = cpu.to_owned();
        self
    }

    /// Memory in MiB.
    pub fn mem_mib(mut self, mem_mib: u32) -> Self {
        self.mem_mib = mem_mib;
        self
    }

    /// Boots this volume.
    pub fn volume(self, volume: &Volume) -> Self {
        self.raw_volume(volume.pack())
    }

    /// Boots these bytes as a volume, whatever they are.
    pub fn raw_volume(mut self, bytes: Vec<u8>) -> Self {
        self.volume = Some(bytes);
        self
    }

    /// Counts instructions as nanoseconds, and lets waiting take no real time.
    pub fn icount(mut self, icount: bool) -> Self {
        self.icount = icount;
        self
    }

    /// More words for the command line of Nex.
    pub fn append(mut self, words: &str) -> Self {
        self.append = format!("{} {words}", self.append);
        self
    }

    /// One more argument of QEMU.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Runs this kernel instead of Nex: what happens natively, for comparison. The volume is its initial RAM disk.
    pub fn natively(mut self, kernel: PathBuf, command_line: &str) -> Self {
        self.kernel = Some(kernel);
        self.append = command_line.to_owned();
        self
    }

    /// Starts QEMU.
    ///
    /// # Panics
    /// If it cannot be started, or the image or the volume is missing.
    pub fn boot(self) -> Machine {
        let xoom = self.kernel.is_none() && self.machine == "virt" && board() == Board::Tegra2;
        let image = match (self.kernel, self.machine) {
            (Some(kernel), _) => kernel,
            (None, "virt") => built("NEX_IMAGE", "nex-qemu-virt.bin"),
            (None, other) => {
                built("NEX_IMAGE", "nex-qemu-virt.bin").with_file_name(format!("nex-{other}.bin"))
            }
        };
        assert!(image.is_file(), "{} is missing; run `make build` first", image.display());
        let program = std::env::var("NEX_QEMU").unwrap_or_else(|_| "qemu-system-arm".into());

        let mut command = Command::new(program);
        let memory = self.mem_mib.to_string();
        // Some machines have a sound chip, for which QEMU would look for a sound server.
        command.env("QEMU_AUDIO_DRV", "none");
        command.args(["-m", &memory, "-display", "none", "-nic", "none", "-no-reboot"]);
        command.args(["-monitor", "none", "-serial", "stdio"]);
        command.args(["-semihosting-config", "enable=on,target=native,userspace=off"]);
        let volume = if xoom {
            let volume = TemporaryFile::new(&self.volume.unwrap_or_else(default_volume));
            let arguments = Board::Tegra2.nex(&self.cpu, &image, &volume.0, &self.append);
            command.args(arguments.unwrap_or_else(|error| panic!("{error:#}")));
            Some(volume)
        } else {
            command.args(["-M", self.machine, "-cpu", &self.cpu, "-smp", "1", "-kernel"]).arg(image);
            let volume = self.volume.map(|bytes| TemporaryFile::new(&bytes));
            command.arg("-initrd");
            match &volume {
                Some(file) => command.arg(&file.0),
                None => command.arg(built("NEX_DEFAULT_VOLUME", "default.cpio")),
            };
            command.args(["-append", &self.append]);
            volume
        };
        if self.icount {
            command.args(["-icount", "shift=0,sleep=off"]);
        }
        command.args(&self.arguments);

        let command_line = format!("{command:?}");
        // QEMU's own complaints go where the test's output goes.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let complaints = xoom.then(|| TemporaryFile::new(b""));
        if let Some(file) = &complaints {
            command.stderr(std::fs::File::create(&file.0).expect("it was just made"));
        }
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command_line}: {error}"));
        let console = Arc::new(Console::default());
        let mut stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let reader = Arc::clone(&console);
        thread::spawn(move || {
            let mut stream = Stream::new(decoder(), View::terminal(false, false), true);
            let mut buffer = [0; 4096];
            loop {
                let count = stdout.read(&mut buffer).unwrap_or(0);
                reader.take(&buffer[..count], &mut stream);
                if count == 0 {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        Machine { stdin, child, console, seen: 0, command_line, _volume: volume, complaints }
    }

    /// Starts QEMU and waits until it ends by itself.
    ///
    /// # Panics
    /// If it does not within `deadline`.
    pub fn run(self, deadline: Duration) -> Output {
        self.boot().wait_exit(deadline)
    }
}

impl Machine {
    /// A machine like that of `make qemu`, which tells QEMU when it panics.
    pub fn builder() -> Builder {
        Builder {
            machine: "virt",
            cpu: "cortex-a15".into(),
            mem_mib: 256,
            volume: None,
            icount: false,
            append: "exit=semihosting".into(),
            arguments: Vec::new(),
            kernel: None,
        }
    }

    /// Waits until the console shows `text` after what was expected before; returns all up to its end.
    ///
    /// # Panics
    /// If it does not within `deadline`, or QEMU ends first.
    pub fn expect(&mut self, text: &str, deadline: Duration) -> String {
        self.wait_for(&format!("{text:?}"), deadline, |console| console.find(text).map(|at| at + text.len()))
    }

    /// As [`expect`](Self::expect), for a regular expression, in which `^` and `$` are the ends of lines.
    ///
    /// # Panics
    /// As `expect`, or if the expression is none.
    pub fn expect_match(&mut self, regex: &str, deadline: Duration) -> String {
        let compiled = Regex::new(&format!("(?m){regex}")).expect("a regular expression");
        self.wait_for(&format!("/{regex}/"), deadline, |console| {
            compiled.find(console).map(|found| found.end())
        })
    }

    /// Types bytes.
    ///
    /// # Panics
    /// If QEMU has ended.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("stdin is open as long as the machine runs");
        let sent = stdin.write_all(bytes.as_ref()).and_then(|()| stdin.flush());
        if let Err(error) = sent {
            self.fail(&format!("cannot type: {error}"));
        }
    }

    /// Waits until QEMU ends by itself.
    ///
    /// # Panics
    /// If it does not within `deadline`, or the emulated Xoom has complained.
    pub fn wait_exit(mut self, deadline: Duration) -> Output {
        let end = Instant::now() + deadline;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    // Its output may still be on the way.
                    self.console.wait(Instant::now() + seconds(10), |state| state.closed.then_some(()));
                    let console = self.transcript();
                    let state = self.console.lock();
                    let (raw, counts) = (state.raw.clone(), state.counts);
                    drop(state);
                    let complaints = self.complaints();
                    if !complaints.is_empty() {
                        self.fail(&format!("the emulated Xoom complains:\n{complaints}"));
                    }
                    return Output { status: status.code(), console, raw, counts };
                }
                Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
                Ok(None) => self.fail(&format!("still running after {deadline:?}")),
                Err(error) => self.fail(&format!("cannot wait for QEMU: {error}")),
            }
        }
    }

    /// Checks that Nex, which must have the focus, still answers to a key, and has not panicked.
    ///
    /// # Panics
    /// If it does not, or has.
    pub fn assert_alive(&mut self) {
        self.send("h");
        self.expect(strings::KEY_HELP, seconds(30));
        if self.transcript().contains(strings::PANIC) {
            self.fail("panicked");
        }
    }

    /// The console so far, `\r\n` as `\n`.
    pub fn transcript(&self) -> String {
        self.console.lock().plain()
    }

    /// What came over the wire so far.
    pub fn raw(&self) -> Vec<u8> {
        self.console.lock().raw.clone()
    }

    fn wait_for(&mut self, what: &str, deadline: Duration, find: impl Fn(&str) -> Option<usize>) -> String {
        let seen = self.seen;
        let found = self.console.wait(Instant::now() + deadline, |state| {
            let text = state.plain();
            match find(text.get(seen..).unwrap_or("")) {
                Some(length) => Some(Ok((seen + length, text[seen..seen + length].to_owned()))),
                None => state.closed.then_some(Err(())),
            }
        });
        match found {
            Some(Ok((end, text))) => {
                self.seen = end;
                text
            }
            Some(Err(())) => self.fail(&format!("ended without {what}")),
            None => self.fail(&format!("no {what} within {deadline:?}")),
        }
    }

    fn complaints(&self) -> String {
        let file = self.complaints.as_ref();
        file.map_or_else(String::new, |file| std::fs::read_to_string(&file.0).unwrap_or_default())
    }

    fn fail(&self, what: &str) -> ! {
        // Command line and console follow when the machine is dropped.
        panic!("{what}");
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let (console, complaints) = (self.transcript(), self.complaints());
            eprintln!("--- {}\n--- console:\n{console}\n---\n{complaints}", self.command_line);
        }
    }
}

impl Output {
    /// Fails the test, with the console, unless `text` was shown.
    ///
    /// # Panics
    /// If it was not.
    #[track_caller]
    pub fn assert_shows(&self, text: &str) -> &Self {
        assert!(self.console.contains(text), "not shown: {text:?}\n{self}");
        self
    }

    /// Fails the test, with the console, if `text` was shown.
    ///
    /// # Panics
    /// If it was.
    #[track_caller]
    pub fn assert_shows_not(&self, text: &str) -> &Self {
        assert!(!self.console.contains(text), "shown: {text:?}\n{self}");
        self
    }

    /// Fails the test, with the console, unless QEMU ended with `status`.
    ///
    /// # Panics
    /// If it ended otherwise.
    #[track_caller]
    pub fn assert_status(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "QEMU's exit status\n{self}");
        self
    }

    /// The rows that begin with `[name] `, without that.
    pub fn lines_of(&self, name: &str) -> Vec<&str> {
        let prefix = format!("[{name}] ");
        self.console.lines().filter_map(|line| line.strip_prefix(&prefix)).collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--- status {:?}, console:\n{}\n---", self.status, self.console)
    }
}

impl Console {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what QEMU wrote; nothing means it is over.
    fn take(&self, bytes: &[u8], stream: &mut Stream) {
        let mut state = self.lock();
        match bytes {
            [] => stream.finish(&mut state.text),
            _ => stream.feed(bytes, &mut state.text),
        }
        state.raw.extend(bytes);
        state.counts = stream.counts();
        state.closed = bytes.is_empty();
        self.more.notify_all();
    }

    /// Waits until `found` gives something, or `end`.
    fn wait<T>(&self, end: Instant, found: impl Fn(&State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(result) = found(&state) {
                return Some(result);
            }
            let left = end.checked_duration_since(Instant::now())?;
            state = self.more.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    /// The text without carriage returns. Bytes that are not UTF-8 yet are left out at the end, so that what was
    /// there once stays as it is.
    fn plain(&self) -> String {
        let bytes: Vec<u8> = self.text.iter().copied().filter(|&byte| byte != b'\r').collect();
        let whole = match std::str::from_utf8(&bytes) {
            Err(error) if error.error_len().is_none() && !self.closed => error.valid_up_to(),
            _ => bytes.len(),
        };
        String::from_utf8_lossy(&bytes[..whole]).into_owned()
    }
}

/// A file that goes when it is dropped.
#[derive(Debug)]
struct TemporaryFile(std::path::PathBuf);

impl TemporaryFile {
    fn new(bytes: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nex-volume-{}-{number}.cpio", std::process::id()));
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(path)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        // The boot image of which it became a part, if it did.
        let _ = std::fs::remove_file(self.0.with_extension("img"));
    }
}
