//! Flash for the firmware's variables: two 16-bit chips side by side on a 32-bit bus, with the Intel command set
//! (JEDEC JESD68 CFI, Intel Strata Flash, Sharp LH28F), as QEMU's `virt` machine has them.
//!
//! # Idea
//! The contents belong to the caller, who lends them to every call. In array mode a read is a read of the contents, so
//! the caller may map them read-only into the guest while [`Flash::in_array_mode`], and trap only stores. A store is a
//! command, or the data of one. Both chips get the same commands; the model looks at the lower chip's byte.
//!
//! | command | next stores | then |
//! | --- | --- | --- |
//! | `ff` (also any unknown one) | | reads give the contents |
//! | `70`, `90`, `98` | | reads give status, identification, CFI query data |
//! | `50` | | status errors cleared, reads give the contents |
//! | `10`, `40` | data | programmed |
//! | `20` | `d0` to the same block | block erased |
//! | `e8` | words - 1; the words; `d0` | programmed |
//! | `60` | `01` lock, `2f` lock down, `d0` unlock | this block's lock changed |
//!
//! # Invariants
//! Programming only clears bits, erasing sets all bits of a block, and neither touches a locked block. Everything is
//! finished when the store returns, so the chips are always ready (status bit 7).
//!
//! # Rejected
//! *A buffer for `e8`*: 4 KiB of state to delay what nobody may look at before the confirmation. The words are programmed
//! as they come. *Suspending an erase*: nothing takes time.

use crate::access::{Refused, StateError, Stats, Width};

/// Bytes of a block of both chips: what an erase erases.
pub const BLOCK_BYTES: u32 = 0x4_0000;
/// Most blocks.
pub const MAX_BLOCKS: u32 = 256;
/// Bytes of the largest flash: its range in the platform's map.
pub const MAX_BYTES: u32 = BLOCK_BYTES * MAX_BLOCKS;
/// Bytes that one buffered write may program; it stays inside a range of this size and alignment.
pub const BUFFER_BYTES: u32 = 0x1000;

const READ_ARRAY: u32 = 0xff;
const READ_STATUS: u32 = 0x70;
const READ_ID: u32 = 0x90;
const READ_QUERY: u32 = 0x98;
const CLEAR_STATUS: u32 = 0x50;
const PROGRAM: u32 = 0x40;
const PROGRAM_ALTERNATE: u32 = 0x10;
const ERASE: u32 = 0x20;
const WRITE_BUFFER: u32 = 0xe8;
const LOCK_SETUP: u32 = 0x60;
const LOCK: u32 = 0x01;
const LOCK_DOWN: u32 = 0x2f;
const CONFIRM: u32 = 0xd0;

/// Status: ready.
const SR_READY: u32 = 1 << 7;
/// Status: erasing failed. With [`SR_PROGRAM`]: the command sequence was wrong.
const SR_ERASE: u32 = 1 << 5;
/// Status: programming failed.
const SR_PROGRAM: u32 = 1 << 4;
/// Status: the block is locked.
const SR_LOCKED: u32 = 1 << 1;

/// Manufacturer (Intel) and device code, as QEMU's model says.
const MANUFACTURER: u32 = 0x89;
const DEVICE: u32 = 0x18;

/// The CFI query data of one chip from 0x10 on (JESD68.01), recorded from QEMU's model. The chip's size and the number of
/// blocks are put in by [`Flash::query`].
const QUERY: [u8; 0x30] = [
    // 0x10: "QRY", primary command set 1 (Intel), its table at 0x31, no alternate one
    b'Q', b'R', b'Y', 0x01, 0x00, 0x31, 0x00, 0x00, 0x00, 0x00, 0x00, //
    // 0x1b: supply voltages; typical, then greatest times for word, buffer, block, chip
    0x45, 0x55, 0x00, 0x00, 0x07, 0x07, 0x0a, 0x00, 0x04, 0x04, 0x04, 0x00, //
    // 0x27: size (2^n), x16, write buffer of 2^11 bytes a chip, one kind of block: count - 1, bytes / 256
    0x00, 0x02, 0x00, 0x0b, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, //
    // 0x31: "PRI" 1.0, no optional features; 0x3f: one protection field
    b'P', b'R', b'I', b'1', b'0', 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
];
const QUERY_BASE: u32 = 0x10;

/// Steps of [`WRITE_BUFFER`].
const STEP_COUNT: u32 = 0;
const STEP_DATA: u32 = 1;
const STEP_CONFIRM: u32 = 2;
/// [`WRITE_BUFFER`] goes to any address of the block; the first word's address says which range is meant.
const NO_TARGET: u32 = u32::MAX;

/// Everything a flash remembers besides its contents. `#[repr(C)]`, fields as listed, no padding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct FlashState {
    /// Number of blocks, a power of two up to 256.
    pub blocks: u32,
    /// What reads give: one of the commands ff, 70, 90, 98.
    pub read_mode: u32,
    /// The command that waits for its next store: 40, 20, 60, e8, or 0.
    pub pending: u32,
    /// Of command e8: 0 the count is next, 1 data, 2 the confirmation.
    pub step: u32,
    /// Of command e8: stores of data that are still to come.
    pub left: u32,
    /// Of command 20 and 60: first byte of the block; of e8: first byte of the buffer's range, or
    /// `u32::MAX` as long as no word has said which.
    pub target: u32,
    /// Error bits of the status register (1, 4, 5).
    pub errors: u32,
    /// A bit for each block that is locked. None after power-on.
    pub locked: [u32; MAX_BLOCKS as usize / 32],
}

/// A bank of flash.
#[derive(Clone, Debug)]
pub struct Flash {
    s: FlashState,
    stats: Stats,
}

impl Flash {
    /// A flash of `blocks` blocks of [`BLOCK_BYTES`] after power-on; `None` unless that is a power of two up to 256.
    pub fn new(blocks: u32) -> Option<Flash> {
        if !blocks.is_power_of_two() || blocks > MAX_BLOCKS {
            return None;
        }
        let s = FlashState {
            blocks,
            read_mode: READ_ARRAY,
            pending: 0,
            step: STEP_COUNT,
            left: 0,
            target: 0,
            errors: 0,
            locked: [0; MAX_BLOCKS as usize / 32],
        };
        Some(Flash { s, stats: Stats::default() })
    }

    /// A flash that goes on from `state`.
    ///
    /// # Errors
    /// [`StateError`] if none can be in that state.
    pub fn from_state(state: FlashState) -> Result<Flash, StateError> {
        if !state.blocks.is_power_of_two() || state.blocks > MAX_BLOCKS {
            return Err(StateError::Count);
        }
        let bytes = state.blocks * BLOCK_BYTES;
        let locks_fit = (state.blocks..MAX_BLOCKS).all(|block| !locked(&state, block));
        let fits = [READ_ARRAY, READ_STATUS, READ_ID, READ_QUERY].contains(&state.read_mode)
            && [0, PROGRAM, ERASE, LOCK_SETUP, WRITE_BUFFER].contains(&state.pending)
            && state.step <= STEP_CONFIRM
            && state.left <= BUFFER_BYTES
            && (state.target < bytes || (state.target == NO_TARGET && state.pending != ERASE))
            && state.errors & !(SR_ERASE | SR_PROGRAM | SR_LOCKED) == 0
            && locks_fit;
        if fits { Ok(Flash { s: state, stats: Stats::default() }) } else { Err(StateError::Value) }
    }

    /// Everything it remembers, to be saved with the contents.
    pub fn state(&self) -> &FlashState {
        &self.s
    }

    /// What guests have done to it.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Bytes it holds: what the contents lent to [`read`](Flash::read) and [`write`](Flash::write) should have.
    pub fn bytes(&self) -> u32 {
        self.s.blocks * BLOCK_BYTES
    }

    /// Whether reads give the contents, so that these may be mapped.
    #[inline]
    pub fn in_array_mode(&self) -> bool {
        self.s.read_mode == READ_ARRAY
    }

    /// A guest's load; `contents` is not needed outside array mode. What is missing of the contents reads as erased.
    ///
    /// # Errors
    /// [`Refused`]; everything at or above [`Flash::bytes`] is out of range.
    pub fn read(&mut self, contents: &[u8], offset: u32, width: Width) -> Result<u32, Refused> {
        self.stats.admit(offset, width, self.bytes(), false)?;
        // A register is as wide as a chip and answers on both; a narrow access sees its low part, as in QEMU.
        let register = match self.s.read_mode {
            READ_STATUS => SR_READY | self.s.errors,
            READ_ID => self.identification(offset),
            READ_QUERY => u32::from(self.query((offset / 4) & 0xff)),
            _ => return Ok(load(contents, offset, width)),
        };
        Ok((register * 0x0001_0001) & width.mask())
    }

    /// A guest's store. Returns the range of bytes of `contents` that it may have changed, if any. What is missing of the
    /// contents cannot be programmed, and is not reported.
    ///
    /// # Errors
    /// [`Refused`]; everything at or above [`Flash::bytes`] is out of range.
    pub fn write(
        &mut self,
        contents: &mut [u8],
        offset: u32,
        width: Width,
        value: u32,
    ) -> Result<Option<core::ops::Range<u32>>, Refused> {
        self.stats.admit(offset, width, self.bytes(), true)?;
        let command = value & 0xff;
        match self.s.pending {
            0 => self.command(offset, command),
            PROGRAM => {
                self.s.pending = 0;
                return Ok(self.program(contents, offset, width, value));
            }
            ERASE => {
                self.s.pending = 0;
                let block = self.s.target..self.s.target + BLOCK_BYTES;
                if command != CONFIRM || !block.contains(&offset) {
                    self.s.errors |= SR_ERASE | SR_PROGRAM;
                } else if self.is_locked(offset) {
                    self.s.errors |= SR_ERASE | SR_LOCKED;
                } else if let Some(bytes) = contents.get_mut(block.start as usize..block.end as usize) {
                    bytes.fill(0xff);
                    return Ok(Some(block));
                } else {
                    self.s.errors |= SR_ERASE;
                }
            }
            LOCK_SETUP => {
                self.s.pending = 0;
                let block = (offset / BLOCK_BYTES) as usize;
                let (word, mask) = (block / 32, 1 << (block % 32));
                match command {
                    LOCK | LOCK_DOWN => self.s.locked[word] |= mask,
                    CONFIRM => self.s.locked[word] &= !mask,
                    READ_ARRAY => self.s.read_mode = READ_ARRAY,
                    _ => self.s.errors |= SR_ERASE | SR_PROGRAM,
                }
            }
            _ => return Ok(self.write_buffer(contents, offset, width, value)),
        }
        Ok(None)
    }

    /// The first store of a command.
    fn command(&mut self, offset: u32, command: u32) {
        match command {
            READ_STATUS | READ_ID | READ_QUERY => self.s.read_mode = command,
            CLEAR_STATUS => {
                self.s.errors = 0;
                self.s.read_mode = READ_ARRAY;
            }
            PROGRAM | PROGRAM_ALTERNATE => self.expect(PROGRAM, offset),
            ERASE | LOCK_SETUP => self.expect(command, offset & !(BLOCK_BYTES - 1)),
            WRITE_BUFFER => {
                self.expect(command, NO_TARGET);
                self.s.step = STEP_COUNT;
            }
            READ_ARRAY => self.s.read_mode = READ_ARRAY,
            _ => {
                self.stats.or_unknown::<()>(None);
                self.s.read_mode = READ_ARRAY;
            }
        }
    }

    fn expect(&mut self, command: u32, target: u32) {
        self.s.pending = command;
        self.s.target = target;
        self.s.read_mode = READ_STATUS;
    }

    /// The stores after `e8`. A word outside the buffer's range is an error and not programmed.
    fn write_buffer(
        &mut self,
        contents: &mut [u8],
        offset: u32,
        width: Width,
        value: u32,
    ) -> Option<core::ops::Range<u32>> {
        match self.s.step {
            STEP_COUNT => {
                let count = value & 0xffff;
                if count < BUFFER_BYTES {
                    self.s.left = count + 1;
                    self.s.step = STEP_DATA;
                } else {
                    self.s.errors |= SR_ERASE | SR_PROGRAM;
                    self.s.pending = 0;
                }
                None
            }
            STEP_DATA => {
                if self.s.target == NO_TARGET {
                    self.s.target = offset & !(BUFFER_BYTES - 1);
                }
                let inside = self.s.target == offset & !(BUFFER_BYTES - 1);
                self.s.left = self.s.left.saturating_sub(1);
                if self.s.left == 0 {
                    self.s.step = STEP_CONFIRM;
                }
                if !inside {
                    self.s.errors |= SR_ERASE | SR_PROGRAM;
                    return None;
                }
                self.program(contents, offset, width, value)
            }
            _ => {
                self.s.pending = 0;
                if value & 0xff != CONFIRM {
                    self.s.errors |= SR_ERASE | SR_PROGRAM;
                }
                None
            }
        }
    }

    /// Clears the bits of the contents that are zero in `value`.
    fn program(
        &mut self,
        contents: &mut [u8],
        offset: u32,
        width: Width,
        value: u32,
    ) -> Option<core::ops::Range<u32>> {
        if self.is_locked(offset) {
            self.s.errors |= SR_PROGRAM | SR_LOCKED;
            return None;
        }
        let range = offset..offset + width.bytes();
        let Some(bytes) = contents.get_mut(range.start as usize..range.end as usize) else {
            self.s.errors |= SR_PROGRAM;
            return None;
        };
        for (byte, new) in bytes.iter_mut().zip(value.to_le_bytes()) {
            *byte &= new;
        }
        Some(range)
    }

    fn is_locked(&self, offset: u32) -> bool {
        locked(&self.s, offset / BLOCK_BYTES)
    }

    /// Word 0 manufacturer, 1 device, 2 of each block its lock; the rest zero.
    fn identification(&self, offset: u32) -> u32 {
        match (offset / 4) & 0xff {
            0 => MANUFACTURER,
            1 => DEVICE,
            2 => u32::from(self.is_locked(offset)),
            _ => 0,
        }
    }

    fn query(&self, index: u32) -> u8 {
        match index {
            0x27 => (BLOCK_BYTES / 2 * self.s.blocks).trailing_zeros() as u8,
            0x2d => (self.s.blocks - 1) as u8,
            _ => index
                .checked_sub(QUERY_BASE)
                .and_then(|index| QUERY.get(index as usize))
                .copied()
                .unwrap_or(0),
        }
    }
}

fn locked(state: &FlashState, block: u32) -> bool {
    state.locked[block as usize / 32] >> (block % 32) & 1 != 0
}

fn load(contents: &[u8], offset: u32, width: Width) -> u32 {
    let mut word = [0; 4];
    for (index, byte) in word.iter_mut().take(width.bytes() as usize).enumerate() {
        *byte = contents.get(offset as usize + index).copied().unwrap_or(0xff);
    }
    u32::from_le_bytes(word)
}
