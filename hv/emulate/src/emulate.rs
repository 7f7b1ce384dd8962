//! Decoding and execution together, with a short way for the most frequent access to a device.

use nex_decode::ItState;
use nex_decode::bits::{PC, bit, field, reg};
use nex_vcpu::Regs;

use crate::bus::{Bus, FpRegs, How};
use crate::decode::{decode_a32, decode_t32};
use crate::execute::{Done, execute};
use crate::quick::quick_a32;

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
    // A word or byte at base with constant, not R15: 010, P set, W clear.
    if word & 0x0f20_0000 == 0x0500_0000
        && reg(word, 16) != PC
        && let Some(quick) = quick_a32(word)
    {
        let (base, offset) = (regs.get(reg(word, 16)), field(word, 0, 12));
        let va = if bit(word, 23) { base.wrapping_add(offset) } else { base.wrapping_sub(offset) };
        let mut loaded = 0;
        if quick.load {
            loaded = bus.load(va, quick.size, How::PLAIN)?;
        } else {
            bus.store(va, quick.size, quick.value(regs), How::PLAIN)?;
        }
        quick.finish(regs, loaded);
        return Ok(Some(Done::Next));
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
pub fn emulate_t32<B: Bus>(
    regs: &mut Regs,
    fp: &mut dyn FpRegs,
    (first, second): (u16, u16),
    bus: &mut B,
) -> Result<Option<Done>, B::Error> {
    let it = ItState::from_psr(regs.cpsr().0);
    decode_t32(first, second, it).map(|insn| execute(regs, fp, &insn, bus)).transpose()
}
