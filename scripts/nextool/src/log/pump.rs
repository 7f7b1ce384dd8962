//! Moves bytes from a console to the terminal as they come.

use std::io::{Read, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};

use super::Stream;

/// Nothing for so long, and what was held back is shown.
const IDLE: Duration = Duration::from_millis(100);

/// Shows what comes from `input` on `output`, each piece at once, until `input` ends.
///
/// # Errors
/// If `output` cannot be written.
pub fn run(mut input: impl Read + Send + 'static, mut output: impl Write, stream: &mut Stream) -> Result<()> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            match input.read(&mut buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                // An error ends it too: a serial adapter that was pulled out, the other side of a pty that is gone.
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    if sender.send(buffer[..count].to_vec()).is_err() {
                        return;
                    }
                }
            }
        }
    });
    let mut out = Vec::new();
    loop {
        let ended = match receiver.recv_timeout(IDLE) {
            Ok(bytes) => {
                stream.feed(&bytes, &mut out);
                false
            }
            Err(RecvTimeoutError::Timeout) => {
                stream.idle(&mut out);
                false
            }
            Err(RecvTimeoutError::Disconnected) => {
                stream.finish(&mut out);
                true
            }
        };
        output.write_all(&out).and_then(|()| output.flush()).context("writing")?;
        out.clear();
        if ended {
            return Ok(());
        }
    }
}
