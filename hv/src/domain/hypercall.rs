//! Hypercalls: `hvc #0` with the SMC calling convention, as `docs/abi.md` describes them.

use nex_abi::{Call, CallError, nex, psci, smccc};

use nex_devices::psci::{self as power, Outcome};
use nex_vcpu::Vcpu;

use super::machine::Parts;
use super::memory::Want;
use super::vcpu::Stop;
use crate::{console, thread, time};

/// What becomes of the caller.
pub enum Answer {
    /// It goes on behind the HVC.
    Continue,
    /// It goes on there once an interrupt is pending.
    Suspend,
    /// Its domain stops.
    Stop(Stop),
}

/// Bytes moved between guest and console at a time: so few that even all line ends, each with a name before it, fit
/// into the half of the console's ring that [`console::write`] waits for.
const PIECE_BYTES: usize = 64;

/// Carries out the call in the vCPU's registers; results go back there. Kept a function of its own, to set
/// breakpoints at.
#[inline(never)]
pub fn handle(parts: &mut Parts, vcpu: &mut Vcpu) -> Answer {
    let [id, a1, a2, a3] = [0, 1, 2, 3].map(|n| vcpu.regs.get(n));
    let result: Result<u32, CallError> = match Call::try_from(id) {
        Ok(Call::SmcccVersion) => Ok(smccc::VERSION),
        Ok(Call::SmcccArchFeatures) => match Call::try_from(a1) {
            Ok(Call::SmcccVersion | Call::SmcccArchFeatures) => Ok(0),
            _ => Err(CallError::NotSupported),
        },
        Ok(Call::Yield) => {
            thread::yield_now();
            Ok(0)
        }
        Ok(Call::SleepUntil) => {
            thread::sleep_until(u64::from(a2) << 32 | u64::from(a1));
            Ok(0)
        }
        Ok(Call::Time) => {
            let now = time::now_ns();
            vcpu.regs.set(1, now as u32);
            vcpu.regs.set(2, (now >> 32) as u32);
            Ok(0)
        }
        Ok(Call::ConsoleWrite) => console_write(parts, a1, a2),
        Ok(Call::ConsoleRead) => console_read(parts, a1, a2),
        Ok(Call::CallCount) => Ok(nex::CALLS),
        Ok(Call::CallUid) => {
            for (n, &word) in nex::UID_WORDS.iter().enumerate() {
                vcpu.regs.set(n as u8, word);
            }
            return Answer::Continue;
        }
        Ok(Call::Revision) => {
            vcpu.regs.set(1, nex::ABI_MINOR);
            Ok(nex::ABI_MAJOR)
        }
        _ if id == psci::PSCI_FEATURES && a1 == smccc::SMCCC_VERSION => Ok(psci::FEATURES_NONE),
        _ => return power_call(parts, vcpu, id, [a1, a2, a3]),
    };
    vcpu.regs.set(0, result.unwrap_or_else(CallError::to_r0));
    Answer::Continue
}

/// PSCI, and all that nobody knows.
fn power_call(parts: &mut Parts, vcpu: &mut Vcpu, id: u32, arguments: [u32; 3]) -> Answer {
    let (r0, answer) = match parts.psci.call(0, id, arguments) {
        Outcome::Return(r0) => (r0, Answer::Continue),
        // There is one vCPU, so none is there to start.
        Outcome::Start(power::Start { .. }) => (0, Answer::Continue),
        Outcome::Suspend => (0, Answer::Suspend),
        Outcome::Off | Outcome::SystemOff => return Answer::Stop(Stop::PowerOff),
        Outcome::SystemReset => return Answer::Stop(Stop::Reset),
    };
    vcpu.regs.set(0, r0);
    answer
}

/// Checks a buffer in the order that `docs/abi.md` gives; returns the length to move.
fn check_buffer(parts: &mut Parts, at: u32, bytes: u32, want: Want) -> Result<u32, CallError> {
    if bytes == 0 {
        return Ok(0);
    }
    at.checked_add(bytes - 1).ok_or(CallError::InvalidAddress)?;
    let bytes = bytes.min(nex::CONSOLE_MAX_BYTES);
    if parts.memory.check(at, bytes, want) { Ok(bytes) } else { Err(CallError::InvalidAddress) }
}

fn console_write(parts: &mut Parts, at: u32, bytes: u32) -> Result<u32, CallError> {
    let bytes = check_buffer(parts, at, bytes, Want::Read)?;
    let mut buffer = [0; PIECE_BYTES];
    let mut done = 0;
    while done < bytes {
        let piece = &mut buffer[..PIECE_BYTES.min((bytes - done) as usize)];
        // Checked above, and a domain's memory does not shrink.
        if !parts.memory.read(at + done, piece, Want::Read) {
            return Err(CallError::InvalidAddress);
        }
        console::write(parts.number(), piece);
        done += piece.len() as u32;
    }
    Ok(bytes)
}

fn console_read(parts: &mut Parts, at: u32, bytes: u32) -> Result<u32, CallError> {
    let bytes = check_buffer(parts, at, bytes, Want::Write)?;
    let mut buffer = [0; PIECE_BYTES];
    let mut done = 0;
    parts.lines_stale = true;
    while done < bytes {
        let piece = &mut buffer[..PIECE_BYTES.min((bytes - done) as usize)];
        let got = parts.platform.read_typed(piece);
        parts.prepare_write(at + done, got as u32);
        if got == 0 || !parts.memory.write(at + done, &piece[..got]) {
            break;
        }
        done += got as u32;
    }
    Ok(done)
}
