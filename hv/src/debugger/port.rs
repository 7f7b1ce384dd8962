//! Output of the debugger: by polling, straight to the UART.

use core::fmt;

use crate::board::{DebugPort, PortInput};

/// Where commands write. After Ctrl-C every write fails until [`rearm`](Port::rearm), so that a long answer can be ended.
pub(crate) struct Port {
    port: &'static dyn DebugPort,
    interrupted: bool,
}

impl Port {
    pub(crate) fn new(port: &'static dyn DebugPort) -> Self {
        Port { port, interrupted: false }
    }

    /// Sends bytes as they are; the screen does not show them.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        put(self.port, bytes);
    }

    /// Forgets a Ctrl-C.
    pub(crate) fn rearm(&mut self) {
        self.interrupted = false;
    }
}

impl fmt::Write for Port {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.interrupted {
            return Err(fmt::Error);
        }
        for piece in text.split_inclusive('\n') {
            match piece.strip_suffix('\n') {
                Some(row) => {
                    send(self.port, row.as_bytes());
                    send(self.port, b"\r\n");
                    // Between rows only, so that typed-ahead commands are not eaten all the time.
                    self.interrupted = ctrl_c_waits(self.port);
                }
                None => send(self.port, piece.as_bytes()),
            }
        }
        Ok(())
    }
}

const CTRL_C: u8 = 0x03;

/// Whether the next typed byte is Ctrl-C. Other bytes wait in [`PENDING`] for the prompt.
fn ctrl_c_waits(port: &'static dyn DebugPort) -> bool {
    let mut pending = PENDING.lock();
    // What does not fit stays in the UART: a script that types faster than it is answered loses nothing where there is flow
    // control.
    while !pending.is_full() {
        let Some(input) = port.get() else { break };
        match input {
            PortInput::Byte(CTRL_C) => {
                pending.clear();
                return true;
            }
            PortInput::Byte(byte) => {
                let _ = pending.try_push(byte);
            }
            _ => {}
        }
    }
    false
}

/// Bytes typed while a command was writing; touched at the prompt only.
static PENDING: spin::mutex::SpinMutex<arrayvec::ArrayVec<u8, 512>> =
    spin::mutex::SpinMutex::new(arrayvec::ArrayVec::new_const());

/// The next byte for the prompt: typed ahead, or new.
pub(crate) fn next_byte(port: &'static dyn DebugPort) -> Option<u8> {
    if let Some(byte) = PENDING.lock().pop_at(0) {
        return Some(byte);
    }
    match port.get() {
        Some(PortInput::Byte(byte)) => Some(byte),
        _ => None,
    }
}

/// Gives away what was typed ahead.
pub(crate) fn take_typed_ahead(to: &mut dyn FnMut(u8)) {
    PENDING.lock().drain(..).for_each(to);
}

/// Sends bytes, waiting for room, and shows them on the screen.
pub(crate) fn send(port: &'static dyn DebugPort, bytes: &[u8]) {
    crate::screen::write(bytes);
    put(port, bytes);
}

fn put(port: &'static dyn DebugPort, bytes: &[u8]) {
    for &byte in bytes {
        while !port.put(byte) {
            core::hint::spin_loop();
        }
    }
}
