//! The distributor (IHI 0048B 4.3).
//!
//! Registers are read and written as words here; a narrow access is a word with fewer byte lanes. That is right for all
//! of them: in the set and clear registers an absent byte is zero and changes nothing, the byte-wide fields take only
//! the lanes that were written.

use super::state::all_cpus;
use super::{Bank, Gic};

const CTLR: u32 = 0x000;
const TYPER: u32 = 0x004;
const IIDR: u32 = 0x008;
const IGROUPR: u32 = 0x080;
const ISENABLER: u32 = 0x100;
const ICENABLER: u32 = 0x180;
const ISPENDR: u32 = 0x200;
const ICPENDR: u32 = 0x280;
const ISACTIVER: u32 = 0x300;
const ICACTIVER: u32 = 0x380;
const IPRIORITYR: u32 = 0x400;
const ITARGETSR: u32 = 0x800;
const ICFGR: u32 = 0xc00;
const ICFGR_END: u32 = 0xd00;
const SGIR: u32 = 0xf00;
const CPENDSGIR: u32 = 0xf10;
const SPENDSGIR: u32 = 0xf20;
const SPENDSGIR_END: u32 = 0xf30;
/// First of the twelve identification registers, ICPIDR4.
const ID: u32 = 0xfd0;

/// GICD_IIDR: implementer Arm; what QEMU's model says.
const IIDR_VALUE: u32 = 0x0000_043b;
/// ICPIDR4..7, ICPIDR0..3, ICCIDR0..3: part 0x490, Arm, architecture version 2 (4.3.18; values of QEMU's model).
const ID_VALUES: [u8; 12] = [0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1];

const SGIS: u32 = 0xffff;

impl Gic {
    pub(super) fn dist_read_word(&self, cpu: usize, offset: u32) -> Option<u32> {
        let state = &self.state;
        Some(match offset {
            CTLR => state.dist_ctlr,
            TYPER => (state.spis / 32) | ((state.cpus - 1) << 5),
            IIDR => IIDR_VALUE,
            IGROUPR..ISENABLER => self.bank(cpu, offset)?.group,
            ISENABLER..ISPENDR => self.bank(cpu, offset)?.enabled,
            ISPENDR..ISACTIVER => self.bank(cpu, offset)?.pending(),
            ISACTIVER..IPRIORITYR => self.bank(cpu, offset)?.active,
            IPRIORITYR..ITARGETSR => {
                let first = self.byte_field(offset)?;
                word_of(match first {
                    0..32 => &state.cpu[cpu].priority[first..],
                    _ => &state.spi_priority[first - 32..],
                })
            }
            ITARGETSR..ICFGR => {
                let first = self.byte_field(offset)?;
                match first {
                    // Read as zero on a uniprocessor, else each CPU reads its own bit in the banked ones (4.3.12).
                    _ if state.cpus == 1 => 0,
                    0..32 => 0x0101_0101 << cpu,
                    _ => word_of(&state.spi_targets[first - 32..]),
                }
            }
            ICFGR..ICFGR_END => spread(self.bank(cpu, (offset - ICFGR) / 2)?.edge >> (8 * (offset & 4) / 2)),
            CPENDSGIR..SPENDSGIR_END => word_of(&state.cpu[cpu].sgi_sources[(offset & 0xc) as usize..]),
            ID.. => u32::from(ID_VALUES[(offset - ID) as usize / 4]),
            _ => return None,
        })
    }

    pub(super) fn dist_write_word(&mut self, cpu: usize, offset: u32, value: u32, lanes: u32) -> Option<()> {
        match offset {
            CTLR => {
                self.state.dist_ctlr = self.state.dist_ctlr & !lanes | value & lanes & 3;
                self.update_all();
            }
            IGROUPR..ISENABLER => {
                self.change_bank(cpu, offset, |bank, _| bank.group = bank.group & !lanes | value & lanes)?
            }
            ISENABLER..ICENABLER => self.change_bank(cpu, offset, |bank, _| bank.enabled |= value)?,
            // SGIs are always enabled (4.3.5 leaves it to the implementation).
            ICENABLER..ISPENDR => {
                self.change_bank(cpu, offset, |bank, sgis| bank.enabled &= !value | sgis)?
            }
            // SGIs become pending by GICD_SGIR and GICD_SPENDSGIR only (4.3.7).
            ISPENDR..ICPENDR => self.change_bank(cpu, offset, |bank, sgis| bank.latch |= value & !sgis)?,
            ICPENDR..ISACTIVER => self.change_bank(cpu, offset, |bank, sgis| bank.latch &= !value | sgis)?,
            ISACTIVER..ICACTIVER => self.change_bank(cpu, offset, |bank, _| bank.active |= value)?,
            ICACTIVER..IPRIORITYR => self.change_bank(cpu, offset, |bank, _| bank.active &= !value)?,
            IPRIORITYR..ITARGETSR => {
                let first = self.byte_field(offset)?;
                if first < 32 {
                    merge(&mut self.state.cpu[cpu].priority[first..], value, lanes);
                    self.update(cpu);
                } else {
                    merge(&mut self.state.spi_priority[first - 32..], value, lanes);
                    self.update_all();
                }
            }
            ITARGETSR..ICFGR => {
                let first = self.byte_field(offset)?;
                if first >= 32 && self.state.cpus > 1 {
                    let cpus = u32::from(all_cpus(self.state.cpus)) * 0x0101_0101;
                    merge(&mut self.state.spi_targets[first - 32..], value & cpus, lanes);
                    self.update_all();
                }
            }
            ICFGR..ICFGR_END => {
                let half = 8 * (offset & 4) / 2;
                let (edge, lanes) = (gather(value) << half, gather(lanes) << half);
                self.change_bank(cpu, (offset - ICFGR) / 2, |bank, sgis| {
                    bank.edge = bank.edge & !lanes | edge & lanes | sgis;
                })?;
            }
            SGIR if lanes == u32::MAX => self.send_sgi(cpu, value),
            CPENDSGIR..SPENDSGIR => self.change_sgis(cpu, offset, |sources, lane| sources & !lane, value),
            SPENDSGIR..SPENDSGIR_END => self.change_sgis(cpu, offset, |sources, lane| sources | lane, value),
            _ => return None,
        }
        Some(())
    }

    /// The bank that a register with a bit for each interrupt is about.
    fn bank(&self, cpu: usize, offset: u32) -> Option<&Bank> {
        match (offset & 0x7f) as usize / 4 {
            0 => Some(&self.state.cpu[cpu].bank),
            word if word <= self.state.spis as usize / 32 => Some(&self.state.spi[word - 1]),
            _ => None,
        }
    }

    /// Lets `change(bank, sgis)` change the bank that `offset` is about; `sgis` has a bit for each SGI in that bank.
    fn change_bank(&mut self, cpu: usize, offset: u32, change: impl FnOnce(&mut Bank, u32)) -> Option<()> {
        let word = (offset & 0x7f) as usize / 4;
        let (bank, sgis) = match word {
            0 => (&mut self.state.cpu[cpu].bank, SGIS),
            _ if word <= self.state.spis as usize / 32 => (&mut self.state.spi[word - 1], 0),
            _ => return None,
        };
        let before = (bank.ready(), bank.group);
        change(bank, sgis);
        if (bank.ready(), bank.group) != before {
            match word {
                0 => self.update(cpu),
                _ => self.update_bank(word - 1),
            }
        }
        Some(())
    }

    /// The INTID of the first of four byte-wide fields.
    fn byte_field(&self, offset: u32) -> Option<usize> {
        let intid = (offset & 0x3ff) as usize;
        (intid < self.lines()).then_some(intid)
    }

    /// GICD_SGIR (4.3.15). A reserved target filter sends nothing. NSATT has no meaning without the Security Extensions.
    fn send_sgi(&mut self, cpu: usize, value: u32) {
        let own = 1 << cpu;
        let targets = match value >> 24 & 3 {
            0 => (value >> 16) as u8,
            1 => !own,
            2 => own,
            _ => 0,
        };
        let sgi = (value & 0xf) as usize;
        for target in 0..self.cpus() {
            if targets >> target & 1 != 0 {
                let interface = &mut self.state.cpu[target];
                interface.sgi_sources[sgi] |= own;
                interface.bank.latch |= 1 << sgi;
                self.update(target);
            }
        }
    }

    /// GICD_CPENDSGIR and GICD_SPENDSGIR: four SGIs of this CPU, a byte of source CPUs each.
    fn change_sgis(&mut self, cpu: usize, offset: u32, change: impl Fn(u8, u8) -> u8, value: u32) {
        let cpus = all_cpus(self.state.cpus);
        let interface = &mut self.state.cpu[cpu];
        let first = (offset & 0xc) as usize;
        for (number, lane) in value.to_le_bytes().into_iter().enumerate() {
            let sgi = first + number;
            let sources = change(interface.sgi_sources[sgi], lane & cpus);
            interface.sgi_sources[sgi] = sources;
            interface.bank.latch = interface.bank.latch & !(1 << sgi) | u32::from(sources != 0) << sgi;
        }
        self.update(cpu);
    }
}

/// The first four bytes as a word.
fn word_of(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
}

/// Replaces those of the first four bytes that are in `lanes`.
fn merge(bytes: &mut [u8], value: u32, lanes: u32) {
    if let Some(four) = bytes.first_chunk_mut() {
        *four = (u32::from_le_bytes(*four) & !lanes | value & lanes).to_le_bytes();
    }
}

/// Bits 0..=15 to the odd bits 1, 3, .. 31: GICD_ICFGR has two bits an interrupt, of which the upper says "edge".
fn spread(bits: u32) -> u32 {
    let mut word = bits & 0xffff;
    word = (word | word << 8) & 0x00ff_00ff;
    word = (word | word << 4) & 0x0f0f_0f0f;
    word = (word | word << 2) & 0x3333_3333;
    word = (word | word << 1) & 0x5555_5555;
    word << 1
}

/// The inverse of [`spread`].
fn gather(word: u32) -> u32 {
    let mut bits = word >> 1 & 0x5555_5555;
    bits = (bits | bits >> 1) & 0x3333_3333;
    bits = (bits | bits >> 2) & 0x0f0f_0f0f;
    bits = (bits | bits >> 4) & 0x00ff_00ff;
    (bits | bits >> 8) & 0xffff
}
