//! Loads and stores of core registers (DDI 0406C A8.8).

use nex_decode::bits::PC;
use nex_vcpu::Regs;

use super::access::{Words, big_endian, load, store};
use super::{Done, base, finish, resolve};
use crate::bus::{Bus, How, Size};
use crate::insn::{Dual, Exclusive, Multiple, Single, Swap};

/// LDR and STR in all forms.
#[inline]
pub(super) fn single<B: Bus>(
    regs: &mut Regs,
    len_bytes: u32,
    single: &Single,
    bus: &mut B,
) -> Result<Done, B::Error> {
    let (va, wback) = resolve(regs, &single.address);
    let how = How { unprivileged: single.unprivileged, align_bytes: 1 };
    let big_endian = big_endian(regs);
    if !single.load {
        // R15 is stored as it is read, 8 or 4 bytes ahead: IMPLEMENTATION DEFINED in the manual, the same on all cores.
        store(bus, va, single.size, regs.operand(single.rt), how, big_endian)?;
        finish(regs, len_bytes, single.address.rn, wback);
        return Ok(Done::Next);
    }
    let value = load(bus, va, single.size, how, big_endian)?;
    finish(regs, len_bytes, single.address.rn, wback);
    let value = if single.signed { extend(value, single.size) } else { value };
    Ok(set(regs, single.rt, value))
}

/// Extends the sign of the low `size` of `value`.
pub(crate) const fn extend(value: u32, size: Size) -> u32 {
    match size {
        Size::Byte => value as i8 as u32,
        Size::Half => value as i16 as u32,
        Size::Word | Size::Double => value,
    }
}

/// Sets a register; R15 by LoadWritePC(), which may change the instruction set (A2.3.2).
fn set(regs: &mut Regs, rt: u8, value: u32) -> Done {
    if rt == PC {
        regs.interwork(value);
        return Done::Branch;
    }
    regs.set(rt, value);
    Done::Next
}

/// LDRD and STRD: two words.
pub(super) fn dual<B: Bus>(
    regs: &mut Regs,
    len_bytes: u32,
    dual: &Dual,
    bus: &mut B,
) -> Result<Done, B::Error> {
    let (va, wback) = resolve(regs, &dual.address);
    let mut words = Words { bus, va, big_endian: big_endian(regs) };
    if dual.load {
        let values = (words.load(How::WORD)?, words.load(How::WORD)?);
        finish(regs, len_bytes, dual.address.rn, wback);
        regs.set(dual.rt, values.0);
        regs.set(dual.rt2, values.1);
    } else {
        words.store(regs.operand(dual.rt), How::WORD)?;
        words.store(regs.operand(dual.rt2), How::WORD)?;
        finish(regs, len_bytes, dual.address.rn, wback);
    }
    Ok(Done::Next)
}

/// The numbers of the registers in `list`, ascending.
fn each(list: u16) -> impl Iterator<Item = u8> {
    (0..16_u8).filter(move |n| list >> n & 1 == 1)
}

/// LDM and STM.
pub(super) fn multiple<B: Bus>(
    regs: &mut Regs,
    len_bytes: u32,
    multiple: &Multiple,
    bus: &mut B,
) -> Result<Done, B::Error> {
    let (va, end) = multiple.walk.range(regs.get(multiple.rn), multiple.list.count_ones());
    let wback = multiple.wback.then_some(end);
    let mut words = Words { bus, va, big_endian: big_endian(regs) };
    if !multiple.load {
        for n in each(multiple.list) {
            // A base that is written back is stored as it was: defined if it is the lowest register, else UNKNOWN.
            words.store(regs.operand(n), How::WORD)?;
        }
        finish(regs, len_bytes, multiple.rn, wback);
        return Ok(Done::Next);
    }
    let mut values = [0; 16];
    for n in each(multiple.list) {
        values[usize::from(n)] = words.load(How::WORD)?;
    }
    finish(regs, len_bytes, multiple.rn, wback);
    let mut done = Done::Next;
    for n in each(multiple.list) {
        done = set(regs, n, values[usize::from(n)]);
    }
    Ok(done)
}

/// LDREX and STREX.
pub(super) fn exclusive<B: Bus>(
    regs: &mut Regs,
    len_bytes: u32,
    exclusive: &Exclusive,
    bus: &mut B,
) -> Result<Done, B::Error> {
    let va = base(regs, exclusive.rn).wrapping_add(u32::from(exclusive.offset_bytes));
    // Bytes in the other order change places within the access. For a doubleword this exchanges its words, so the register
    // of the lower address is found in the other half.
    let reorder = |value: u64| match big_endian(regs) {
        true => value.swap_bytes() >> (64 - 8 * exclusive.size.bytes()),
        false => value,
    };
    let double_swapped = big_endian(regs) && exclusive.size == Size::Double;
    if exclusive.load {
        let value = reorder(bus.load_exclusive(va, exclusive.size)?);
        let halves = (value as u32, (value >> 32) as u32);
        let (low, high) = if double_swapped { (halves.1, halves.0) } else { halves };
        regs.skip(len_bytes);
        regs.set(exclusive.rt, low);
        if exclusive.size == Size::Double {
            regs.set(exclusive.rt2, high);
        }
        return Ok(Done::Next);
    }
    let (low, high) = (u64::from(regs.operand(exclusive.rt)), u64::from(regs.operand(exclusive.rt2)));
    let value = match exclusive.size {
        Size::Byte => low & 0xff,
        Size::Half => low & 0xffff,
        Size::Word => low,
        Size::Double if double_swapped => low << 32 | high,
        Size::Double => high << 32 | low,
    };
    let value = reorder(value);
    let stored = bus.store_exclusive(va, exclusive.size, value)?;
    regs.skip(len_bytes);
    regs.set(exclusive.rd, u32::from(!stored));
    Ok(Done::Next)
}

/// SWP and SWPB.
pub(super) fn swap<B: Bus>(
    regs: &mut Regs,
    len_bytes: u32,
    swap: &Swap,
    bus: &mut B,
) -> Result<Done, B::Error> {
    let order = |value: u32| match (big_endian(regs), swap.size) {
        (true, Size::Word) => value.swap_bytes(),
        (_, Size::Byte) => value & 0xff,
        _ => value,
    };
    let old = order(bus.swap(base(regs, swap.rn), swap.size, order(regs.operand(swap.rt2)))?);
    regs.skip(len_bytes);
    regs.set(swap.rt, old);
    Ok(Done::Next)
}

/// TBB and TBH: forwards by twice what the table says, from the instruction's own PC (A8.8.237).
pub(super) fn table_branch<B: Bus>(
    regs: &mut Regs,
    len_bytes: u32,
    (rn, rm, half): (u8, u8, bool),
    bus: &mut B,
) -> Result<Done, B::Error> {
    let (scale, size) = if half { (1, Size::Half) } else { (0, Size::Byte) };
    // Here PC as a base is not rounded.
    let va = regs.operand(rn).wrapping_add(regs.operand(rm) << scale);
    let entry = load(bus, va, size, How::PLAIN, big_endian(regs))?;
    let target = regs.operand(PC).wrapping_add(2 * entry);
    regs.skip(len_bytes);
    regs.branch(target);
    Ok(Done::Branch)
}
