//! The CPU interface (IHI 0048B 4.4).

use super::{Best, Gic, IDLE, SPURIOUS, SPURIOUS_GROUP1};

const CTLR: u32 = 0x000;
const PMR: u32 = 0x004;
const BPR: u32 = 0x008;
const IAR: u32 = 0x00c;
const EOIR: u32 = 0x010;
const RPR: u32 = 0x014;
const HPPIR: u32 = 0x018;
const ABPR: u32 = 0x01c;
const AIAR: u32 = 0x020;
const AEOIR: u32 = 0x024;
const AHPPIR: u32 = 0x028;
const APR: u32 = 0x0d0;
const APR_END: u32 = 0x0e0;
const NSAPR: u32 = 0x0e0;
const NSAPR_END: u32 = 0x0f0;
const IIDR: u32 = 0x0fc;
const DIR: u32 = 0x1000;

/// GICC_CTLR.EnableGrp0; EnableGrp1 is the bit above it.
pub(super) const CTLR_ENABLE_GRP0: u32 = 1 << 0;
const CTLR_ACK_CTL: u32 = 1 << 2;
pub(super) const CTLR_FIQ_EN: u32 = 1 << 3;
const CTLR_CBPR: u32 = 1 << 4;
/// EOImode: GICC_EOIR only drops the priority, GICC_DIR deactivates. Its place without the Security Extensions.
const CTLR_EOI_MODE: u32 = 1 << 9;
/// The bypass bits 5..8 are not there: nothing bypasses this GIC.
pub(super) const CTLR_WRITABLE: u32 = 3 | CTLR_ACK_CTL | CTLR_FIQ_EN | CTLR_CBPR | CTLR_EOI_MODE;

/// GICC_IIDR: architecture version 2, implementer Arm; what QEMU's model says.
const IIDR_VALUE: u32 = 0x0002_043b;

/// Smallest value of GICC_ABPR: group 1 has the same 128 preemption levels as group 0 (IHI 0048B 3.3.3).
const MIN_ABPR: u32 = 1;

/// Who asks for an interrupt: GICC_IAR sees both groups, GICC_AIAR group 1 only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Both,
    Group1,
}

impl Gic {
    pub(super) fn cpu_read_register(&mut self, cpu: usize, offset: u32) -> Option<u32> {
        let interface = &self.state.cpu[cpu];
        Some(match offset {
            CTLR => interface.ctlr,
            PMR => interface.pmr,
            BPR => interface.bpr,
            IAR => self.acknowledge(cpu, View::Both),
            RPR => u32::from(self.running[cpu]).min(0xff),
            HPPIR => self.visible(cpu, View::Both).map_or_else(|id| id, |best| self.tagged(cpu, best)),
            ABPR => interface.abpr,
            AIAR => self.acknowledge(cpu, View::Group1),
            AHPPIR => self.visible(cpu, View::Group1).map_or_else(|id| id, |best| self.tagged(cpu, best)),
            APR..APR_END if offset & 3 == 0 => interface.apr[(offset - APR) as usize / 4],
            NSAPR..NSAPR_END if offset & 3 == 0 => interface.nsapr[(offset - NSAPR) as usize / 4],
            IIDR => IIDR_VALUE,
            _ => return None,
        })
    }

    pub(super) fn cpu_write_register(&mut self, cpu: usize, offset: u32, value: u32) -> Option<()> {
        let interface = &mut self.state.cpu[cpu];
        match offset {
            CTLR => interface.ctlr = value & CTLR_WRITABLE,
            PMR => interface.pmr = value & 0xff,
            BPR => interface.bpr = value & 7,
            ABPR => interface.abpr = (value & 7).max(MIN_ABPR),
            EOIR => {
                self.end_of_interrupt(cpu, value, View::Both);
                return Some(());
            }
            AEOIR => {
                self.end_of_interrupt(cpu, value, View::Group1);
                return Some(());
            }
            DIR => {
                // With EOImode clear this is UNPREDICTABLE (4.4.15); nothing happens.
                if interface.ctlr & CTLR_EOI_MODE != 0 {
                    self.deactivate(cpu, value & 0x3ff);
                }
                return Some(());
            }
            APR..APR_END if offset & 3 == 0 => {
                interface.apr[(offset - APR) as usize / 4] = value;
                self.running[cpu] = self.running_from_apr(cpu);
            }
            NSAPR..NSAPR_END if offset & 3 == 0 => {
                interface.nsapr[(offset - NSAPR) as usize / 4] = value;
                self.running[cpu] = self.running_from_apr(cpu);
            }
            _ => return None,
        }
        self.update(cpu);
        Some(())
    }

    /// The priority bits that decide on preemption in `group` (IHI 0048B 3.3.3).
    pub(super) fn group_mask(&self, cpu: usize, group: u8) -> u16 {
        let interface = &self.state.cpu[cpu];
        if group == 1 && interface.ctlr & CTLR_CBPR == 0 {
            0xff << interface.abpr
        } else {
            0xfe << interface.bpr
        }
    }

    /// The pending interrupt that a read of `view` may return, or the spurious INTID that it returns instead.
    fn visible(&self, cpu: usize, view: View) -> Result<Best, u32> {
        let best = self.best[cpu];
        let interface = &self.state.cpu[cpu];
        let signalled =
            best.priority < interface.pmr as u16 && interface.ctlr & (CTLR_ENABLE_GRP0 << best.group) != 0;
        match (view, best.group) {
            _ if !signalled => Err(SPURIOUS),
            (View::Group1, 0) => Err(SPURIOUS),
            (View::Both, 1) if interface.ctlr & CTLR_ACK_CTL == 0 => Err(SPURIOUS_GROUP1),
            _ => Ok(best),
        }
    }

    /// The INTID, and for an SGI the CPU it comes from in bits 12..10.
    fn tagged(&self, cpu: usize, best: Best) -> u32 {
        let intid = u32::from(best.intid);
        match self.state.cpu[cpu].sgi_sources.get(intid as usize) {
            Some(sources) => intid | (sources.trailing_zeros() & 7) << 10,
            None => intid,
        }
    }

    /// GICC_IAR and GICC_AIAR (4.4.4): the interrupt becomes active, and its priority the running one.
    fn acknowledge(&mut self, cpu: usize, view: View) -> u32 {
        let best = match self.visible(cpu, view) {
            Ok(best) => best,
            Err(spurious) => return spurious,
        };
        let level = best.priority & self.group_mask(cpu, best.group);
        if level >= self.running[cpu] {
            return SPURIOUS;
        }
        let answer = self.tagged(cpu, best);
        let intid = usize::from(best.intid);
        let interface = &mut self.state.cpu[cpu];
        let active_levels = if best.group == 1 { &mut interface.nsapr } else { &mut interface.apr };
        // 128 levels, of which level / 2 is the number: bit 0 of a priority is never part of the group priority.
        active_levels[usize::from(level) / 64] |= 1 << (level / 2 % 32);
        self.running[cpu] = level;

        let mask = 1 << (intid % 32);
        if intid < 32 {
            let bank = &mut interface.bank;
            bank.active |= mask;
            if let Some(sources) = interface.sgi_sources.get_mut(intid) {
                *sources &= sources.wrapping_sub(1);
                if *sources == 0 {
                    bank.latch &= !mask;
                }
            } else {
                bank.latch &= !mask;
            }
            self.update(cpu);
        } else {
            let bank = &mut self.state.spi[intid / 32 - 1];
            bank.active |= mask;
            bank.latch &= !mask;
            self.update_bank(intid / 32 - 1);
        }
        answer
    }

    /// GICC_EOIR and GICC_AEOIR (4.4.5). Software has to end interrupts in the reverse order of acknowledging them; if
    /// it does not, a priority is dropped that it did not mean, and nothing worse.
    fn end_of_interrupt(&mut self, cpu: usize, value: u32, view: View) {
        let intid = value & 0x3ff;
        if intid as usize >= self.lines() || self.running[cpu] == IDLE {
            return;
        }
        let private = &self.state.cpu[cpu].bank;
        let group_bits =
            if intid < 32 { private.group } else { self.state.spi[intid as usize / 32 - 1].group };
        let group = group_bits >> (intid % 32) & 1;
        if view == View::Group1 && group == 0 {
            return;
        }
        let interface = &mut self.state.cpu[cpu];
        let active_levels = if group == 1 { &mut interface.nsapr } else { &mut interface.apr };
        if let Some(word) = active_levels.iter_mut().find(|word| **word != 0) {
            *word &= *word - 1;
        }
        let split = interface.ctlr & CTLR_EOI_MODE != 0;
        self.running[cpu] = self.running_from_apr(cpu);
        if split {
            self.update(cpu);
        } else {
            self.deactivate(cpu, intid);
        }
    }

    /// Takes `intid` out of the active state.
    fn deactivate(&mut self, cpu: usize, intid: u32) {
        let mask = 1 << (intid % 32);
        if intid < 32 {
            self.state.cpu[cpu].bank.active &= !mask;
            self.update(cpu);
        } else if (intid as usize) < self.lines() {
            let word = intid as usize / 32 - 1;
            let bank = &mut self.state.spi[word];
            let before = bank.ready();
            bank.active &= !mask;
            if bank.ready() == before {
                self.update(cpu);
            } else {
                // Any of its targets may be interrupted by it now.
                self.update_bank(word);
            }
        }
    }

    /// The running priority: the highest level that is active in either group.
    pub(super) fn running_from_apr(&self, cpu: usize) -> u16 {
        let interface = &self.state.cpu[cpu];
        let levels = interface.apr.iter().zip(&interface.nsapr).map(|(group0, group1)| group0 | group1);
        for (number, word) in levels.enumerate() {
            if word != 0 {
                return (32 * number as u16 + word.trailing_zeros() as u16) * 2;
            }
        }
        IDLE
    }
}
