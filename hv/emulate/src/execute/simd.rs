//! VLD1 to VLD4 and VST1 to VST4 (DDI 0406C A8.8.320 to A8.8.331, A8.8.404 to A8.8.411).

use nex_vcpu::Regs;

use super::access::{big_endian, load, store};
use super::{Done, finish};
use crate::bus::{Bus, FpRegs, How, Size};
use crate::insn::{Lanes, Step, Structures};

/// Elements one after another, ascending.
struct Elements<'a, B> {
    bus: &'a mut B,
    va: u32,
    bytes: u8,
    /// What the next access demands; the instruction's demand concerns the first one.
    align_bytes: u8,
    big_endian: bool,
}

impl<B: Bus> Elements<'_, B> {
    /// Where the next access is, and how: an element, or half of a doubleword, which is two words since nothing makes it one
    /// access.
    fn step(&mut self) -> (u32, Size, How) {
        let size = match self.bytes {
            1 => Size::Byte,
            2 => Size::Half,
            _ => Size::Word,
        };
        let how = How { unprivileged: false, align_bytes: core::mem::replace(&mut self.align_bytes, 1) };
        let va = self.va;
        self.va = va.wrapping_add(size.bytes());
        (va, size, how)
    }

    fn load_part(&mut self) -> Result<u64, B::Error> {
        let (va, size, how) = self.step();
        Ok(load(self.bus, va, size, how, self.big_endian)?.into())
    }

    fn store_part(&mut self, value: u64) -> Result<(), B::Error> {
        let (va, size, how) = self.step();
        store(self.bus, va, size, value as u32, how, self.big_endian)
    }

    fn load(&mut self) -> Result<u64, B::Error> {
        let first = self.load_part()?;
        if self.bytes < 8 {
            return Ok(first);
        }
        let second = self.load_part()?;
        Ok(if self.big_endian { first << 32 | second } else { second << 32 | first })
    }

    fn store(&mut self, value: u64) -> Result<(), B::Error> {
        if self.bytes < 8 {
            return self.store_part(value);
        }
        let (first, second) = if self.big_endian { (value >> 32, value) } else { (value, value >> 32) };
        self.store_part(first)?;
        self.store_part(second)
    }
}

/// The bits of an element, in the low bits.
const fn mask(element_bytes: u8) -> u64 {
    u64::MAX >> (64 - 8 * element_bytes as u32)
}

/// Puts `element` into lane `lane` of `register`.
fn insert(register: &mut u64, lane: u8, element_bytes: u8, element: u64) {
    let shift = 8 * u32::from(element_bytes) * u32::from(lane);
    let mask = mask(element_bytes) << shift;
    *register = *register & !mask | element << shift & mask;
}

/// Lane `lane` of `register`.
fn extract(register: u64, lane: u8, element_bytes: u8) -> u64 {
    register >> (8 * u32::from(element_bytes) * u32::from(lane)) & mask(element_bytes)
}

pub(super) fn transfer<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    len_bytes: u32,
    s: &Structures,
    bus: &mut B,
) -> Result<Done, B::Error> {
    let base = regs.get(s.rn);
    let bytes = s.element_bytes;
    let mut elements =
        Elements { bus, va: base, bytes, align_bytes: s.align_bytes, big_endian: big_endian(regs) };
    // At most four registers take part: [register of the element][element].
    let (count, lanes) = match s.lanes {
        Lanes::Registers { count } => (count, 0..8 / bytes),
        Lanes::One { lane } => (1, lane..lane + 1),
        Lanes::All { .. } => (1, 0..1),
    };
    let number = |r: u8, element: u8| s.first + r + element * s.spacing;
    let mut values = [0_u64; 4];
    let slot = |r: u8, element: u8| usize::from(r * s.elements + element) & 3;
    for r in 0..count {
        for element in 0..s.elements {
            values[slot(r, element)] = fp.d(number(r, element));
        }
        for lane in lanes.clone() {
            for element in 0..s.elements {
                let value = &mut values[slot(r, element)];
                if s.load {
                    insert(value, lane, bytes, elements.load()?);
                } else {
                    elements.store(extract(*value, lane, bytes))?;
                }
            }
        }
    }
    if s.load {
        write(fp, s, &values, count, number, slot);
    }
    let wback = s.wback.map(|step| {
        base.wrapping_add(match step {
            Step::Len => s.len_bytes().into(),
            Step::Reg(rm) => regs.get(rm),
        })
    });
    finish(regs, len_bytes, s.rn, wback);
    Ok(Done::Next)
}

/// Writes back what was loaded.
fn write(
    fp: &mut dyn FpRegs,
    s: &Structures,
    values: &[u64; 4],
    count: u8,
    number: impl Fn(u8, u8) -> u8,
    slot: impl Fn(u8, u8) -> usize,
) {
    for element in 0..s.elements {
        if let Lanes::All { count } = s.lanes {
            let one = extract(values[slot(0, element)], 0, s.element_bytes);
            let all = (0..8 / s.element_bytes)
                .fold(0, |all, lane| all | one << (8 * u32::from(s.element_bytes) * u32::from(lane)));
            (0..count).for_each(|r| fp.set_d(number(r, element), all));
            continue;
        }
        (0..count).for_each(|r| fp.set_d(number(r, element), values[slot(r, element)]));
    }
}
