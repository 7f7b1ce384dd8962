//! VLDR, VSTR, VLDM and VSTM (DDI 0406C A8.8.332, A8.8.333, A8.8.412, A8.8.413).

use nex_vcpu::Regs;

use super::access::{Words, big_endian};
use super::{Done, base, finish};
use crate::bus::{Bus, FpRegs, How};
use crate::insn::Vfp;

/// A part of a D register as a 32-bit register of its own: the S registers, for the lower sixteen.
fn word(fp: &dyn FpRegs, index: u8) -> u32 {
    (fp.d(index / 2) >> (32 * (index & 1))) as u32
}

fn set_word(fp: &mut dyn FpRegs, index: u8, value: u32) {
    let shift = 32 * (index & 1);
    let others = fp.d(index / 2) & !(0xffff_ffff << shift);
    fp.set_d(index / 2, others | u64::from(value) << shift);
}

pub(super) fn transfer<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    len_bytes: u32,
    vfp: &Vfp,
    bus: &mut B,
) -> Result<Done, B::Error> {
    let (base, offset) = (base(regs, vfp.rn), u32::from(vfp.offset_bytes));
    let moved = if vfp.add { base.wrapping_add(offset) } else { base.wrapping_sub(offset) };
    let big_endian = big_endian(regs);
    let mut words = Words { bus, va: if vfp.before { moved } else { base }, big_endian };
    let wback = vfp.wback.then_some(moved);
    // All as words. A doubleword has its low word at the lower address, or at the higher one if it is big-endian.
    let (first, count) =
        if vfp.double { (2 * vfp.first, 2 * vfp.registers) } else { (vfp.first, vfp.registers) };
    let flip = u8::from(vfp.double && big_endian);
    if vfp.load {
        let mut values = [0; 32];
        for value in values.iter_mut().take(count.into()) {
            *value = words.load(How::WORD)?;
        }
        for (n, value) in (0..count).zip(values) {
            set_word(fp, (first + n) ^ flip, value);
        }
    } else {
        for n in 0..count {
            words.store(word(fp, (first + n) ^ flip), How::WORD)?;
        }
    }
    finish(regs, len_bytes, vfp.rn, wback);
    Ok(Done::Next)
}
