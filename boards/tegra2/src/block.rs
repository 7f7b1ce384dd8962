//! Device registers of the machine, for the drivers in `nex-tegra2-logic`.

use nex_hv::addr::Hpa;
use nex_hv::board::{DeviceMapper, ProbeError};
use nex_hv::drivers::Mmio;
use nex_tegra2_logic::regs::Registers;

const PAGE: u32 = 0x1000;

/// A block of registers.
#[derive(Clone, Copy)]
pub struct Block(pub Mmio);

impl Registers for Block {
    fn read(&self, offset: usize) -> u32 {
        self.0.read(offset)
    }
    fn write(&self, offset: usize, value: u32) {
        self.0.write(offset, value);
    }
}

/// Registers from `base` to the end of its page.
pub fn mmio(map: &mut dyn DeviceMapper, base: Hpa) -> Result<Mmio, ProbeError> {
    let base = map.map(base, PAGE - base.raw() % PAGE)?;
    // SAFETY: one of the chip's blocks, mapped for good as Device memory.
    Ok(unsafe { Mmio::new(base) })
}

/// The same for drivers in `nex-tegra2-logic`.
pub fn block(map: &mut dyn DeviceMapper, base: Hpa) -> Result<Block, ProbeError> {
    mmio(map, base).map(Block)
}

/// `bytes` of registers from `base`, in more than one page.
pub fn blocks(map: &mut dyn DeviceMapper, base: Hpa, bytes: u32) -> Result<Block, ProbeError> {
    let base = map.map(base, bytes)?;
    // SAFETY: one of the chip's blocks, mapped for good as Device memory.
    Ok(Block(unsafe { Mmio::new(base) }))
}
