//! Single accesses in the guest's byte order.

use nex_vcpu::{Psr, Regs};

use crate::bus::{Bus, How, Size};

/// CPSR.E.
#[inline]
pub(super) const fn big_endian(regs: &Regs) -> bool {
    regs.cpsr().has(Psr::E)
}

/// `value`, the low `size` of it, with its bytes in the other order.
const fn swapped(value: u32, size: Size) -> u32 {
    match size {
        Size::Byte => value & 0xff,
        Size::Half => (value as u16).swap_bytes() as u32,
        Size::Word | Size::Double => value.swap_bytes(),
    }
}

/// Loads a number in the byte order that `big_endian` says.
#[inline]
pub(super) fn load<B: Bus>(
    bus: &mut B,
    va: u32,
    size: Size,
    how: How,
    big_endian: bool,
) -> Result<u32, B::Error> {
    let value = bus.load(va, size, how)?;
    Ok(if big_endian { swapped(value, size) } else { value })
}

/// Stores a number likewise.
#[inline]
pub(super) fn store<B: Bus>(
    bus: &mut B,
    va: u32,
    size: Size,
    value: u32,
    how: How,
    big_endian: bool,
) -> Result<(), B::Error> {
    let value = match (big_endian, size) {
        (true, _) => swapped(value, size),
        (false, Size::Byte) => value & 0xff,
        (false, Size::Half) => value & 0xffff,
        (false, _) => value,
    };
    bus.store(va, size, value, how)
}

/// Words one after another, ascending.
pub(super) struct Words<'a, B> {
    pub(super) bus: &'a mut B,
    pub(super) va: u32,
    pub(super) big_endian: bool,
}

impl<B: Bus> Words<'_, B> {
    fn step(&mut self) -> u32 {
        let va = self.va;
        self.va = va.wrapping_add(4);
        va
    }

    pub(super) fn load(&mut self, how: How) -> Result<u32, B::Error> {
        let va = self.step();
        load(self.bus, va, Size::Word, how, self.big_endian)
    }

    pub(super) fn store(&mut self, value: u32, how: How) -> Result<(), B::Error> {
        let va = self.step();
        store(self.bus, va, Size::Word, value, how, self.big_endian)
    }
}
