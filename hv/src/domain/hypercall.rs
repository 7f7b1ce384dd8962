//! Hypercalls: `hvc #0` with the SMC calling convention, as `docs/abi.md` describes them.

use nex_abi::{Call, CallError, nex, psci, smccc};

use super::Domain;
use super::memory::Want;
use super::vcpu::Stop;
use crate::arch::Frame;
use crate::{console, thread, time};

/// What becomes of the caller.
pub enum Answer {
    /// It goes on behind the HVC.
    Continue,
    /// Its domain stops.
    Stop(Stop),
}

/// Bytes moved between guest and console at a time: so few that even all line ends, each with a name before it, fit
/// into the half of the console's ring that [`console::write`] waits for.
const PIECE_BYTES: usize = 64;

/// Whether an instruction is `hvc #0`. HVC has no condition in A32; in T32 `word` has the first halfword in its low
/// half (DDI 0406C B9.3.4).
pub fn is_hvc(word: u32, thumb: bool) -> bool {
    if thumb { word == 0x8000_f7e0 } else { word == 0xe140_0070 }
}

/// Carries out the call in the frame's registers; results go back there.
pub fn handle(domain: &Domain, frame: &mut Frame) -> Answer {
    let [id, a1, a2, ..] = frame.r;
    let Ok(call) = Call::try_from(id) else {
        frame.r[0] = CallError::NotSupported.to_r0();
        return Answer::Continue;
    };
    let result: Result<u32, CallError> = match call {
        Call::SmcccVersion => Ok(smccc::VERSION),
        Call::SmcccArchFeatures => match Call::try_from(a1) {
            Ok(Call::SmcccVersion | Call::SmcccArchFeatures) => Ok(0),
            _ => Err(CallError::NotSupported),
        },
        Call::PsciVersion => Ok(psci::VERSION),
        Call::PsciFeatures => psci_features(a1),
        Call::MigrateInfoType => Ok(psci::MIGRATE_NO_TRUSTED_OS),
        Call::AffinityInfo if a1 == 0 && a2 == 0 => Ok(psci::AFFINITY_ON),
        Call::AffinityInfo => Err(CallError::InvalidParameters),
        Call::CpuOn if a1 == 0 => Err(CallError::AlreadyOn),
        Call::CpuOn => Err(CallError::InvalidParameters),
        Call::CpuOff | Call::SystemOff => return Answer::Stop(Stop::PowerOff),
        Call::SystemReset => return Answer::Stop(Stop::Reset),
        Call::CpuSuspend if a1 & psci::POWER_STATE_RESERVED != 0 => Err(CallError::InvalidParameters),
        Call::CpuSuspend | Call::Yield => {
            thread::yield_now();
            Ok(0)
        }
        Call::SleepUntil => {
            thread::sleep_until(u64::from(a2) << 32 | u64::from(a1));
            Ok(0)
        }
        Call::Time => {
            let now = time::now_ns();
            frame.r[1] = now as u32;
            frame.r[2] = (now >> 32) as u32;
            Ok(0)
        }
        Call::ConsoleWrite => console_write(domain, a1, a2),
        Call::ConsoleRead => console_read(domain, a1, a2),
        Call::CallCount => Ok(nex::CALLS),
        Call::CallUid => {
            frame.r[..4].copy_from_slice(&nex::UID_WORDS);
            return Answer::Continue;
        }
        Call::Revision => {
            frame.r[1] = nex::ABI_MINOR;
            Ok(nex::ABI_MAJOR)
        }
    };
    frame.r[0] = result.unwrap_or_else(CallError::to_r0);
    Answer::Continue
}

fn psci_features(id: u32) -> Result<u32, CallError> {
    match Call::try_from(id) {
        Ok(
            Call::PsciVersion
            | Call::CpuSuspend
            | Call::CpuOff
            | Call::CpuOn
            | Call::AffinityInfo
            | Call::MigrateInfoType
            | Call::SystemOff
            | Call::SystemReset
            | Call::PsciFeatures
            | Call::SmcccVersion,
        ) => Ok(psci::FEATURES_NONE),
        _ => Err(CallError::NotSupported),
    }
}

/// Checks a buffer in the order that `docs/abi.md` gives; returns the length to move.
fn check_buffer(domain: &Domain, at: u32, bytes: u32, want: Want) -> Result<u32, CallError> {
    if bytes == 0 {
        return Ok(0);
    }
    at.checked_add(bytes - 1).ok_or(CallError::InvalidAddress)?;
    let bytes = bytes.min(nex::CONSOLE_MAX_BYTES);
    if domain.memory.lock().check(at, bytes, want) { Ok(bytes) } else { Err(CallError::InvalidAddress) }
}

fn console_write(domain: &Domain, at: u32, bytes: u32) -> Result<u32, CallError> {
    let bytes = check_buffer(domain, at, bytes, Want::Read)?;
    let mut buffer = [0; PIECE_BYTES];
    let mut done = 0;
    while done < bytes {
        let piece = &mut buffer[..PIECE_BYTES.min((bytes - done) as usize)];
        // Checked above, and a domain's memory does not shrink.
        if !domain.memory.lock().read(at + done, piece, Want::Read) {
            return Err(CallError::InvalidAddress);
        }
        console::write(domain.number(), piece);
        done += piece.len() as u32;
    }
    Ok(bytes)
}

fn console_read(domain: &Domain, at: u32, bytes: u32) -> Result<u32, CallError> {
    let bytes = check_buffer(domain, at, bytes, Want::Write)?;
    let mut buffer = [0; PIECE_BYTES];
    let mut done = 0;
    while done < bytes {
        let piece = &mut buffer[..PIECE_BYTES.min((bytes - done) as usize)];
        let got = console::read(domain.number(), piece);
        if got == 0 || !domain.memory.lock().write(at + done, &piece[..got]) {
            break;
        }
        done += got as u32;
    }
    Ok(done)
}
