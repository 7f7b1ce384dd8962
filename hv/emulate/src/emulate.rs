//! Decoding and execution together, with a short way for the most frequent accesses to devices.

use nex_decode::ItState;
use nex_decode::bits::{PC, bit, field, reg};
use nex_vcpu::Regs;

use crate::bus::{Bus, FpRegs, How};
use crate::decode::{decode_a32, decode_t32};
use crate::execute::{Done, execute};
use crate::quick::{Quick, quick_a32, quick_t32};

/// Carries out the A32 instruction `word`, with PC at it. `None` if it is none that [`decode_a32`] knows; nothing has
/// happened then.
///
/// The condition is taken as passed and VFP as allowed: right for an instruction that took a data abort.
///
/// # Errors
/// As for [`execute`].
#[inline]
pub fn emulate_a32<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    word: u32,
    bus: &mut B,
) -> Result<Option<Done>, B::Error> {
    // With a constant: of twelve bits for words and bytes, of eight in two parts for others.
    if !bit(word, 25)
        && reg(word, 16) != PC
        && let Some(quick) = quick_a32(word)
    {
        let offset =
            if bit(word, 26) { field(word, 0, 12) } else { field(word, 8, 4) << 4 | field(word, 0, 4) };
        let base = regs.get(reg(word, 16));
        let va = if bit(word, 23) { base.wrapping_add(offset) } else { base.wrapping_sub(offset) };
        return carry_out(regs, quick, va, bus);
    }
    any_a32(regs, fp, word, bus)
}

#[inline(never)]
fn any_a32<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    word: u32,
    bus: &mut B,
) -> Result<Option<Done>, B::Error> {
    decode_a32(word).map(|insn| execute(regs, fp, &insn, bus)).transpose()
}

/// Carries out the T32 instruction that begins with `first`, like [`emulate_a32`]. `second` is ignored if it has only one
/// halfword. The IT state is that of the CPSR.
///
/// # Errors
/// As for [`execute`].
#[inline]
pub fn emulate_t32<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    (first, second): (u16, u16),
    bus: &mut B,
) -> Result<Option<Done>, B::Error> {
    if let Some(quick) = quick_t32(first, second) {
        let va = quick_t32_address(regs, quick, first.into(), second);
        return carry_out(regs, quick, va, bus);
    }
    any_t32(regs, fp, (first, second), bus)
}

#[inline(never)]
fn any_t32<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    (first, second): (u16, u16),
    bus: &mut B,
) -> Result<Option<Done>, B::Error> {
    let it = ItState::from_psr(regs.cpsr().0);
    decode_t32(first, second, it).map(|insn| execute(regs, fp, &insn, bus)).transpose()
}

/// Where an instruction that [`quick_t32`] knows makes its access.
#[inline]
fn quick_t32_address(regs: &Regs, quick: Quick, first: u32, second: u16) -> u32 {
    let low = |n: u32| regs.get(reg(first, n) & 7);
    match first >> 11 {
        // Base and register.
        0b01010 | 0b01011 => low(3).wrapping_add(low(6)),
        // SP and constant, in words.
        0b10010 | 0b10011 => regs.get(13).wrapping_add(field(first, 0, 8) * 4),
        // Two halfwords: base and constant.
        0b11111 => regs.get(reg(first, 0)).wrapping_add(u32::from(second & 0xfff)),
        // Base and constant, in units of the size.
        _ => low(3).wrapping_add(field(first, 6, 5) * quick.size.bytes()),
    }
}

/// Makes the access and finishes the instruction. Inlined: out of line, passing `quick` costs as much as all the rest.
#[inline(always)]
fn carry_out<B: Bus>(regs: &mut Regs, quick: Quick, va: u32, bus: &mut B) -> Result<Option<Done>, B::Error> {
    let mut loaded = 0;
    if quick.load {
        loaded = bus.load(va, quick.size, How::PLAIN)?;
    } else {
        bus.store(va, quick.size, quick.value(regs), How::PLAIN)?;
    }
    quick.finish(regs, loaded);
    Ok(Some(Done::Next))
}
