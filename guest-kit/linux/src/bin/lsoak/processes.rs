//! Processes and pipes.

use core::fmt::Write;

use nex_guest_linux::process::{self, End};
use nex_guest_linux::sys::{self, Result};

use crate::{ensure, next};

/// The argument with which this program ends with the status that follows.
pub(super) const EXEC: &str = "exec";

/// What `exec N` does.
pub(super) fn executed(status: u32) -> Result<()> {
    sys::exit(status)
}

/// A number as an argument.
struct Word {
    bytes: [u8; 4],
    length: usize,
}

impl Write for Word {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let rest = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(core::fmt::Error)?;
        rest.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

/// Forks, and forks with an exec, of one [`forks_and_execs`].
pub(super) const EACH: u32 = 10;

/// Ten of each; every child's status must arrive.
pub(super) fn forks_and_execs(round: u32) -> Result<()> {
    for n in 0..EACH {
        let status = round.wrapping_mul(EACH).wrapping_add(n) & 0xff;
        let child = process::spawn(|| sys::exit(status))?;
        ensure(process::wait(child)? == End::Exited(status), "a child ended otherwise")?;
        let child = process::spawn(|| {
            let mut word = Word { bytes: [0; 4], length: 0 };
            // At most three digits, and the zero that ends a string stays.
            let _ = write!(word, "{status}");
            let argument = core::ffi::CStr::from_bytes_until_nul(&word.bytes);
            let argument = argument.map_err(|_| sys::Error::new("the status has four digits"))?;
            Err(process::exec(c"/proc/self/exe", &[c"lsoak", c"exec", argument]))
        })?;
        ensure(process::wait(child)? == End::Exited(status), "a program ended otherwise")?;
    }
    Ok(())
}

/// A process with two children with two children each, and so on: all have the same memory to begin with, and each
/// changes it.
pub(super) fn tree(round: u32) -> Result<()> {
    fn grow(depth: u32, value: &mut [u32; 2048]) -> Result<()> {
        if depth == 0 {
            return Ok(());
        }
        let mut children = [0; 2];
        for (n, child) in children.iter_mut().enumerate() {
            *child = process::spawn(|| {
                value.iter_mut().for_each(|word| *word = word.wrapping_mul(3).wrapping_add(n as u32));
                let first = value[0];
                grow(depth - 1, value)?;
                ensure(value.iter().all(|&word| word == first), "memory of a process changed")
            })?;
        }
        children.into_iter().try_for_each(process::wait_good)
    }
    let mut value = [round; 2048];
    grow(3, &mut value)?;
    ensure(value == [round; 2048], "memory of the first process changed")
}

/// 256 KiB from one process through a second to a third, in pieces of many sizes; each adds up what it sees.
pub(super) fn pipes(round: u32) -> Result<()> {
    const LENGTH: usize = 0x4_0000;
    let (first_out, first_in) = sys::pipe()?;
    let (second_out, second_in) = sys::pipe()?;
    let writer = process::spawn(|| {
        let mut state = round.wrapping_mul(2_654_435_761) | 1;
        let mut buffer = [0u8; 4096];
        let mut left = LENGTH;
        let mut data = state;
        while left > 0 {
            let length = (next(&mut state) as usize % buffer.len() + 1).min(left);
            for byte in &mut buffer[..length] {
                *byte = next(&mut data) as u8;
            }
            sys::write_all(first_in, &buffer[..length])?;
            left -= length;
        }
        Ok(())
    })?;
    let inverter = process::spawn(|| {
        for fd in [first_in, second_out] {
            sys::close(fd)?;
        }
        let mut buffer = [0u8; 1000];
        loop {
            let length = sys::read(first_out, &mut buffer)?;
            if length == 0 {
                return Ok(());
            }
            buffer[..length].iter_mut().for_each(|byte| *byte = !*byte);
            sys::write_all(second_in, &buffer[..length])?;
        }
    })?;
    for fd in [first_in, first_out, second_in] {
        sys::close(fd)?;
    }
    let mut data = round.wrapping_mul(2_654_435_761) | 1;
    let mut buffer = [0u8; 3000];
    let (mut total, mut good) = (0, true);
    loop {
        let length = sys::read(second_out, &mut buffer)?;
        if length == 0 {
            break;
        }
        good &= buffer[..length].iter().all(|&byte| byte == !(next(&mut data) as u8));
        total += length;
    }
    sys::close(second_out)?;
    process::wait_good(writer)?;
    process::wait_good(inverter)?;
    ensure(total == LENGTH, "bytes were lost in a pipe")?;
    ensure(good, "bytes changed in a pipe")
}
