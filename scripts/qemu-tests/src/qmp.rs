//! QEMU's machine protocol (QMP), as far as tests need it: screenshots and reading memory.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Builder, seconds};

/// Where a machine listens, and files that it writes for us. Removed when it is dropped.
#[derive(Debug)]
pub struct Qmp {
    directory: PathBuf,
}

/// A picture of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Red, green and blue of all pixels, line by line.
    pub pixels: Vec<[u8; 3]>,
}

impl Qmp {
    /// A place to listen at.
    ///
    /// # Panics
    /// If there is no temporary directory to write to.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("nex-qmp-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
        Self { directory }
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    /// Has the machine listen.
    pub fn arguments(&self, machine: Builder) -> Builder {
        let socket = self.socket();
        machine.argument("-qmp").argument(&format!("unix:{},server=on,wait=off", socket.display()))
    }

    /// Takes a picture of the screen.
    ///
    /// # Panics
    /// If QEMU does not answer, refuses, or writes something else.
    pub fn screenshot(&self) -> Picture {
        let bytes = self.written("screen.ppm", |path| {
            format!(r#"{{"execute":"screendump","arguments":{{"filename":"{}"}}}}"#, path.display())
        });
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
        Picture::from_ppm(&bytes).unwrap_or_else(|| panic!("no PPM: {} bytes, {head:?}", bytes.len()))
    }

    /// Reads `bytes` bytes of the machine's physical memory at `address`.
    ///
    /// # Panics
    /// As [`screenshot`](Self::screenshot).
    pub fn memory(&self, address: u32, bytes: usize) -> Vec<u8> {
        let memory = self.written("memory", |path| {
            format!(
                r#"{{"execute":"pmemsave","arguments":{{"val":{address},"size":{bytes},"filename":"{}"}}}}"#,
                path.display()
            )
        });
        assert_eq!(memory.len(), bytes);
        memory
    }

    /// The file that a command makes.
    fn written(&self, name: &str, command: impl FnOnce(&Path) -> String) -> Vec<u8> {
        let path = self.directory.join(name);
        let _ = std::fs::remove_file(&path);
        self.execute(&command(&path));
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    fn execute(&self, command: &str) {
        let end = Instant::now() + seconds(30);
        let mut stream = loop {
            match UnixStream::connect(self.socket()) {
                Ok(stream) => break stream,
                Err(e) => assert!(Instant::now() < end, "{}: {e}", self.socket().display()),
            }
            thread::sleep(Duration::from_millis(20));
        };
        stream.set_read_timeout(Some(seconds(30))).expect("a deadline of more than zero");
        let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
        for command in [r#"{"execute":"qmp_capabilities"}"#, command] {
            writeln!(stream, "{command}").unwrap_or_else(|e| panic!("{command}: {e}"));
            // Events and the greeting come in between.
            loop {
                let line = lines.next().unwrap_or_else(|| panic!("QEMU ended after {command}"));
                let line = line.unwrap_or_else(|e| panic!("no answer to {command}: {e}"));
                assert!(!line.starts_with(r#"{"error""#), "{command}: {line}");
                if line.starts_with(r#"{"return""#) {
                    break;
                }
            }
        }
    }
}

impl Default for Qmp {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Qmp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Picture {
    /// Reads a binary PPM file (netpbm's format P6) with 8 bits a colour, as QEMU writes it: without comments.
    fn from_ppm(bytes: &[u8]) -> Option<Self> {
        let mut fields = bytes.splitn(5, u8::is_ascii_whitespace);
        let mut field = || fields.next();
        let magic = field()?;
        let mut number = || std::str::from_utf8(field()?).ok()?.parse::<usize>().ok();
        let (width, height, maximum) = (number()?, number()?, number()?);
        let (pixels, rest) = fields.next()?.as_chunks::<3>();
        let good = magic == b"P6" && maximum == 255 && pixels.len() == width * height && rest.is_empty();
        good.then(|| Self { width, height, pixels: pixels.to_vec() })
    }
}
