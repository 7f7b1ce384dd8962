//! A serial port, and the terminal that talks to it.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use rustix::termios::{self, OptionalActions, Termios};

/// 115200 baud, 8 data bits, no parity, one stop bit.
const BAUD: u32 = 115_200;

/// Before `x` it leaves `nextool log`; typed twice it goes to the port. QEMU's in `make qemu`.
const ESCAPE: u8 = 0x1d;

/// Opens a serial port, or any terminal device, for raw bytes.
///
/// # Errors
/// If it cannot be opened, or is no terminal device.
pub fn open(path: &Path) -> Result<File> {
    let what = || format!("{}", path.display());
    let port = File::options().read(true).write(true).open(path).with_context(what)?;
    let mut settings = termios::tcgetattr(&port).context("not a serial port").with_context(what)?;
    settings.make_raw();
    settings.control_modes |= termios::ControlModes::CLOCAL | termios::ControlModes::CREAD;
    settings.control_modes &= !(termios::ControlModes::CSTOPB | termios::ControlModes::CRTSCTS);
    settings.set_speed(BAUD).with_context(what)?;
    termios::tcsetattr(&port, OptionalActions::Now, &settings).with_context(what)?;
    Ok(port)
}

/// How the terminal was before it was made raw.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Makes the terminal on the standard input raw, so that every key goes to the port; it is set back by [`restore`] and by
/// the signals that end a program. Does nothing if the input is no terminal.
///
/// # Errors
/// If the settings cannot be changed.
pub fn make_terminal_raw() -> Result<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(());
    }
    let before = termios::tcgetattr(&stdin).context("the terminal")?;
    let mut raw = before.clone();
    raw.make_raw();
    // Our own messages end rows as usual.
    raw.output_modes |= termios::OutputModes::OPOST;
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
    termios::tcsetattr(&stdin, OptionalActions::Now, &raw).context("the terminal")?;
    let ends = [signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP, signal_hook::consts::SIGINT];
    let mut signals = signal_hook::iterator::Signals::new(ends).context("signals")?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            restore();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Sets the terminal back to what [`make_terminal_raw`] found.
pub fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // If the terminal is gone there is nothing to set back.
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
    }
}

/// Sends what is typed to the port until the input ends (`false`) or Ctrl-] x is typed (`true`).
pub fn forward(mut input: impl Read, mut port: impl Write) -> bool {
    let mut escaped = false;
    let mut buffer = [0; 256];
    loop {
        let count = match input.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return false,
            Ok(count) => count,
        };
        let mut keys = Vec::with_capacity(count + 1);
        let mut leave = false;
        for &key in &buffer[..count] {
            match (std::mem::take(&mut escaped), key) {
                (true, b'x') => {
                    leave = true;
                    break;
                }
                (true, ESCAPE) => keys.push(key),
                (true, _) => keys.extend([ESCAPE, key]),
                (false, ESCAPE) => escaped = true,
                (false, _) => keys.push(key),
            }
        }
        let sent = port.write_all(&keys).and_then(|()| port.flush());
        if leave || sent.is_err() {
            return leave;
        }
    }
}
