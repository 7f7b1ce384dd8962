//! Nex's own calls, in SMCCC's range for the vendor-specific hypervisor service.
//!
//! `0x8600_0000` itself stays unused: guests that take Nex for another hypervisor often call it first, and get "not
//! supported" instead of something surprising.

/// `CONSOLE_WRITE`: r1 = address of the bytes, r2 = how many; r0 = how many were written.
pub const CONSOLE_WRITE: u32 = 0x8600_0001;
/// `CONSOLE_READ`: r1 = address of a buffer, r2 = its length in bytes; r0 = how many bytes were read, 0 when none wait.
pub const CONSOLE_READ: u32 = 0x8600_0002;
/// `TIME`: no arguments; r0 = 0, r1 = low and r2 = high half of the nanoseconds since Nex started.
pub const TIME: u32 = 0x8600_0010;
/// `SLEEP_UNTIL`: r1 = low and r2 = high half of a time as `TIME` gives it; r0 = 0 when that time has come.
pub const SLEEP_UNTIL: u32 = 0x8600_0011;
/// `YIELD`: no arguments; r0 = 0.
pub const YIELD: u32 = 0x8600_0012;

/// `CALL_COUNT`: no arguments; r0 = [`CALLS`].
pub const CALL_COUNT: u32 = 0x8600_ff00;
/// `CALL_UID`: no arguments; r0 to r3 = [`UID_WORDS`].
pub const CALL_UID: u32 = 0x8600_ff01;
/// `REVISION`: no arguments; r0 = [`ABI_MAJOR`], r1 = [`ABI_MINOR`].
pub const REVISION: u32 = 0x8600_ff03;

/// Number of calls in this range, the three general ones included.
pub const CALLS: u32 = 8;

/// Major number of this ABI. It grows when something a guest may rely on changes or goes.
pub const ABI_MAJOR: u32 = 1;
/// Minor number of this ABI. It grows when something is added, and starts again from 0 with a new major number.
pub const ABI_MINOR: u32 = 0;

/// The UUID of this service, 2281c01d-2e4c-4da1-bc4d-c301c9ad4545, in the byte order of RFC 4122.
pub const UID: [u8; 16] =
    [0x22, 0x81, 0xc0, 0x1d, 0x2e, 0x4c, 0x4d, 0xa1, 0xbc, 0x4d, 0xc3, 0x01, 0xc9, 0xad, 0x45, 0x45];

/// [`UID`] as `CALL_UID` returns it in r0 to r3: four bytes a register, the first in bits 7..0 (ARM DEN 0028, general
/// service queries). The first word is not negative, so it cannot be taken for an error.
pub const UID_WORDS: [u32; 4] = [
    u32::from_le_bytes([UID[0], UID[1], UID[2], UID[3]]),
    u32::from_le_bytes([UID[4], UID[5], UID[6], UID[7]]),
    u32::from_le_bytes([UID[8], UID[9], UID[10], UID[11]]),
    u32::from_le_bytes([UID[12], UID[13], UID[14], UID[15]]),
];

/// Most bytes one `CONSOLE_WRITE` or `CONSOLE_READ` moves. A longer request is shortened to this, not refused.
pub const CONSOLE_MAX_BYTES: u32 = 4096;

const _: () = assert!(CONSOLE_MAX_BYTES as i32 > 0, "a count must not look like an error");
