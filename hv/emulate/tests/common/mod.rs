//! Memory for tests, and cases.

#![allow(dead_code, reason = "not every test uses all")]

pub(crate) mod cases;

use nex_emulate::{Bus, How, Size};

/// Where the memory of [`Memory`] is.
pub(crate) const REGION: u32 = 0x0080_0000;
/// How long it is.
pub(crate) const REGION_BYTES: usize = 0x2000;

/// Why an access failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// There is nothing.
    Missing(u32),
    /// The instruction demands alignment.
    Alignment(u32),
}

/// A few KiB with nothing around.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Memory {
    pub(crate) bytes: Vec<u8>,
    /// The mark of the exclusive monitor, which goes by address and value as QEMU's does.
    pub(crate) marked: Option<(u32, Size, u64)>,
    /// All that was asked for: address, size, store, demands.
    pub(crate) log: Vec<(u32, Size, bool, How)>,
}

impl Memory {
    pub(crate) fn new(bytes: Vec<u8>) -> Memory {
        assert_eq!(bytes.len(), REGION_BYTES);
        Memory { bytes, marked: None, log: Vec::new() }
    }

    fn place(&mut self, va: u32, size: Size, store: bool, how: How) -> Result<&mut [u8], Fault> {
        self.log.push((va, size, store, how));
        if !va.is_multiple_of(u32::from(how.align_bytes)) {
            return Err(Fault::Alignment(va));
        }
        let offset = va.wrapping_sub(REGION) as usize;
        self.bytes.get_mut(offset..offset.saturating_add(size as usize)).ok_or(Fault::Missing(va))
    }

    fn peek(&mut self, va: u32, size: Size, how: How) -> Result<u64, Fault> {
        let bytes = self.place(va, size, false, how)?;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn poke(&mut self, va: u32, size: Size, value: u64, how: How) -> Result<(), Fault> {
        let bytes = self.place(va, size, true, how)?;
        bytes.copy_from_slice(&value.to_le_bytes()[..size as usize]);
        Ok(())
    }
}

fn natural(size: Size) -> How {
    How { unprivileged: false, align_bytes: size as u8 }
}

impl Bus for Memory {
    type Error = Fault;

    fn load(&mut self, va: u32, size: Size, how: How) -> Result<u32, Fault> {
        assert!(size != Size::Double);
        Ok(self.peek(va, size, how)? as u32)
    }

    fn store(&mut self, va: u32, size: Size, value: u32, how: How) -> Result<(), Fault> {
        assert!(size != Size::Double);
        self.poke(va, size, value.into(), how)
    }

    fn load_exclusive(&mut self, va: u32, size: Size) -> Result<u64, Fault> {
        let value = self.peek(va, size, natural(size))?;
        self.marked = Some((va, size, value));
        Ok(value)
    }

    fn store_exclusive(&mut self, va: u32, size: Size, value: u64) -> Result<bool, Fault> {
        let now = self.peek(va, size, natural(size))?;
        if self.marked.take() != Some((va, size, now)) {
            return Ok(false);
        }
        self.poke(va, size, value, natural(size))?;
        Ok(true)
    }
}
