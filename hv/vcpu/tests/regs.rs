//! The register file against a naive model: all 37 registers by name, no current view, every access by a look-up
//! (DDI 0406C B1.3.2, figure of the banked registers), and rules written bit by bit from B1.3.3 and B1.8.3.

use std::collections::BTreeMap;

use nex_vcpu::{CpsrWrite, Exception, Mode, Psr, Regs, Vectors};
use proptest::prelude::*;

/// The register's name in the manual's figure: r8_fiq, SP_svc, r0_usr, ...
fn name(mode: u32, n: u8) -> String {
    let bank = match (mode, n) {
        (0x11, 8..=14) => "fiq",
        (0x12, 13..=14) => "irq",
        (0x13, 13..=14) => "svc",
        (0x17, 13..=14) => "abt",
        (0x1b, 13..=14) => "und",
        _ => "usr",
    };
    format!("r{n}_{bank}")
}

#[derive(Default)]
struct Model {
    registers: BTreeMap<String, u32>,
    spsr: BTreeMap<u32, u32>,
    cpsr: u32,
}

impl Model {
    fn mode(&self) -> u32 {
        self.cpsr & 0x1f
    }

    fn get(&self, mode: u32, n: u8) -> u32 {
        self.registers.get(&name(mode, n)).copied().unwrap_or(0)
    }

    fn set(&mut self, mode: u32, n: u8, value: u32) {
        self.registers.insert(name(mode, n), value);
    }

    fn branch(&mut self, to: u32) {
        let align = if self.cpsr & 0x20 != 0 { 2 } else { 4 };
        self.set(0x1f, 15, to / align * align);
    }

    fn write_cpsr(&mut self, value: u32, mask: u8, returning: bool) {
        let privileged = self.mode() != 0x10;
        for bit in 0..32 {
            if mask >> (bit / 8) & 1 == 0 {
                continue;
            }
            let may = match bit {
                27..=31 | 16..=19 | 9 => true,
                24..=26 | 10..=15 | 5 => returning,
                0..=4 => privileged && [0x10, 0x11, 0x12, 0x13, 0x17, 0x1b, 0x1f].contains(&(value & 0x1f)),
                6..=8 => privileged,
                _ => false,
            };
            if may {
                self.cpsr = self.cpsr & !(1 << bit) | value & 1 << bit;
            }
        }
        if self.cpsr & 1 << 24 != 0 && self.cpsr & 1 << 5 == 0 {
            self.cpsr &= !(1 << 24);
        }
    }

    fn take(&mut self, exception: Exception, te: bool, ee: bool, base: u32) {
        use Exception::*;
        let thumb = self.cpsr & 0x20 != 0;
        let (mode, vector, link, sets) = match exception {
            Reset => (0x13, 0, None, 0x1c0),
            Undefined => (0x1b, 4, Some(if thumb { 2 } else { 4 }), 0x080),
            Svc => (0x13, 8, Some(if thumb { 2 } else { 4 }), 0x080),
            PrefetchAbort => (0x17, 12, Some(4), 0x180),
            DataAbort => (0x17, 16, Some(8), 0x180),
            Irq => (0x12, 24, Some(4), 0x180),
            Fiq => (0x11, 28, Some(4), 0x1c0),
        };
        let pc = self.get(0x1f, 15);
        if let Some(offset) = link {
            self.set(mode, 14, pc.wrapping_add(offset));
            self.spsr.insert(mode, self.cpsr);
        }
        self.cpsr = self.cpsr & !0x0700_fe3f | mode | sets | u32::from(te) << 5 | u32::from(ee) << 9;
        self.set(0x1f, 15, base.wrapping_add(vector));
    }
}

#[derive(Clone, Debug)]
enum Op {
    Set(u8, u32),
    SetIn(Mode, u8, u32),
    SetSpsrIn(Mode, u32),
    Switch(Mode),
    Msr(u32, u8),
    MsrSpsr(u32, u8),
    Take(Exception, bool, bool, bool),
    ReturnBySpsr(u32),
    Return(u32, u32),
    Absorb(u32),
}

fn mode() -> impl Strategy<Value = Mode> {
    proptest::sample::select(&Mode::ALL[..])
}

/// PSRs whose mode field is mostly, not always, a mode that exists.
fn psr() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (any::<u32>(), mode()).prop_map(|(bits, mode)| bits & !0x1f | mode.bits()),
        1 => any::<u32>(),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    use Exception::*;
    let exceptions = [Reset, Undefined, Svc, PrefetchAbort, DataAbort, Irq, Fiq];
    prop_oneof![
        (0_u8..16, any::<u32>()).prop_map(|(n, v)| Op::Set(n, v)),
        (mode(), 0_u8..16, any::<u32>()).prop_map(|(m, n, v)| Op::SetIn(m, n, v)),
        (mode(), psr()).prop_map(|(m, v)| Op::SetSpsrIn(m, v)),
        mode().prop_map(Op::Switch),
        (psr(), 0_u8..16).prop_map(|(v, m)| Op::Msr(v, m)),
        (psr(), 0_u8..16).prop_map(|(v, m)| Op::MsrSpsr(v, m)),
        (proptest::sample::select(exceptions.to_vec()), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(e, te, ee, high)| Op::Take(e, te, ee, high)),
        any::<u32>().prop_map(Op::ReturnBySpsr),
        (any::<u32>(), psr()).prop_map(|(pc, v)| Op::Return(pc, v)),
        any::<u32>().prop_map(Op::Absorb),
    ]
}

fn apply(op: &Op, regs: &mut Regs, model: &mut Model) {
    let current = model.mode();
    match *op {
        Op::Set(n, value) => {
            regs.set(n, value);
            if n == 15 { model.branch(value) } else { model.set(current, n, value) }
        }
        Op::SetIn(mode, n, value) => {
            regs.set_in(mode, n, value);
            if n == 15 { model.branch(value) } else { model.set(mode.bits(), n, value) }
        }
        Op::SetSpsrIn(mode, value) => {
            regs.set_spsr_in(mode, Psr(value));
            if mode.has_spsr() {
                model.spsr.insert(mode.bits(), value & 0xff0f_ffff);
            }
        }
        Op::Switch(mode) => {
            regs.switch_mode(mode);
            model.cpsr = model.cpsr & !0x1f | mode.bits();
        }
        Op::Msr(value, mask) => {
            regs.msr_cpsr(value, mask);
            model.write_cpsr(value, mask, false);
        }
        Op::MsrSpsr(value, mask) => {
            let done = regs.write_spsr(Psr(value), mask);
            assert_eq!(done, current != 0x10 && current != 0x1f);
            if done {
                let old = model.spsr.get(&current).copied().unwrap_or(0);
                let mut new = 0;
                for byte in 0..4 {
                    let from = if mask >> byte & 1 == 1 { value } else { old };
                    new |= from & 0xff << (8 * byte);
                }
                model.spsr.insert(current, new & 0xff0f_ffff);
            }
        }
        Op::Take(exception, te, ee, high) => {
            let base = if high { 0xffff_0000 } else { 0x8000_0020 };
            regs.take(exception, Vectors { base, thumb: te, big_endian: ee });
            model.take(exception, te, ee, base);
        }
        Op::ReturnBySpsr(pc) => {
            if let Some(spsr) = regs.spsr() {
                regs.exception_return(pc, spsr);
                let spsr = model.spsr.get(&current).copied().unwrap_or(0);
                model.write_cpsr(spsr, 0xf, true);
                model.branch(pc);
            }
        }
        Op::Return(pc, psr) => {
            regs.exception_return(pc, Psr(psr));
            model.write_cpsr(psr, 0xf, true);
            model.branch(pc);
        }
        Op::Absorb(real) => {
            regs.absorb_user_psr(Psr(real));
            let real = if real & 0x20 == 0 { real & !(1 << 24) } else { real };
            model.cpsr = model.cpsr & 0x00f0_01df | real & 0xff0f_fe20;
        }
    }
}

fn agree(regs: &Regs, model: &Model) {
    assert_eq!(regs.cpsr().0, model.cpsr);
    assert_eq!(regs.mode().bits(), model.mode());
    for n in 0..16 {
        assert_eq!(regs.get(n), model.get(model.mode(), n), "r{n}");
        assert_eq!(regs.flat()[n as usize], model.get(model.mode(), n), "flat r{n}");
        for mode in Mode::ALL {
            assert_eq!(regs.get_in(mode, n), model.get(mode.bits(), n), "{}", name(mode.bits(), n));
        }
    }
    for mode in Mode::ALL {
        let expected = mode.has_spsr().then(|| model.spsr.get(&mode.bits()).copied().unwrap_or(0));
        assert_eq!(regs.spsr_in(mode).map(|psr| psr.0), expected, "SPSR of {mode:?}");
    }
}

#[test]
fn the_privilege_is_that_of_the_mode() {
    let mut regs = Regs::new();
    for mode in Mode::ALL {
        regs.switch_mode(mode);
        assert_eq!((regs.mode(), regs.privilege()), (mode, mode.privilege()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_sequence_agrees_with_the_model(ops in proptest::collection::vec(op(), 1..60)) {
        let mut regs = Regs::new();
        let mut model = Model { cpsr: 0x4000_01d3, ..Model::default() };
        agree(&regs, &model);
        for op in &ops {
            apply(op, &mut regs, &mut model);
            agree(&regs, &model);
        }
    }
}

#[test]
fn every_mode_switch_keeps_every_register() {
    for from in Mode::ALL {
        for to in Mode::ALL {
            let mut regs = Regs::new();
            let mut model = Model { cpsr: 0x4000_01d3, ..Model::default() };
            for (m, mode) in (1..).zip(Mode::ALL) {
                for n in 0..15 {
                    apply(&Op::SetIn(mode, n, m * 0x100 + u32::from(n)), &mut regs, &mut model);
                }
                apply(&Op::SetSpsrIn(mode, m * 0x1_0000), &mut regs, &mut model);
            }
            for mode in [from, to, from] {
                apply(&Op::Switch(mode), &mut regs, &mut model);
                agree(&regs, &model);
            }
        }
    }
}

#[test]
fn there_are_37_registers() {
    // 16 of User mode, 2 for each of svc, abt, und, irq, 7 for fiq; CPSR and 5 SPSRs (DDI 0406C B1.3.2).
    let names: std::collections::BTreeSet<_> =
        Mode::ALL.iter().flat_map(|mode| (0..16).map(|n| name(mode.bits(), n))).collect();
    assert_eq!(names.len() + 1 + Mode::ALL.iter().filter(|mode| mode.has_spsr()).count(), 37);
    assert_eq!(size_of::<Regs>(), 4 * (16 + 1 + 1 + 12 + 5 + 6), "and a place for the real PSR");
}

#[test]
fn user_mode_writes_flags_ge_and_e_only() {
    let mut regs = Regs::new();
    regs.switch_mode(Mode::Usr);
    regs.msr_cpsr(0xffff_ffff, 0xf);
    assert_eq!(regs.cpsr().0, 0xf80f_03d0);
    regs.msr_cpsr(0, 0xf);
    assert_eq!(regs.cpsr().0, 0x0000_01d0);
    regs.write_cpsr(Psr(0xffff_ffff), 0xf, CpsrWrite::ExceptionReturn);
    assert_eq!(regs.cpsr().0, 0xff0f_fff0, "execution state, but neither masks nor mode");
}

#[test]
fn a_mode_that_does_not_exist_changes_the_rest_only() {
    for bits in (0..0x20).filter(|bits| Mode::from_bits(*bits).is_none()) {
        let mut regs = Regs::new();
        regs.msr_cpsr(0x8000_0000 | bits, 0xf);
        assert_eq!(regs.cpsr().0, 0x8000_0013, "MSR to {bits:#x}");
        regs.exception_return(0x1003, Psr(0x2000_0020 | bits));
        assert_eq!((regs.cpsr().0, regs.pc()), (0x2000_0033, 0x1002), "return to {bits:#x}");
    }
    assert_eq!((0..0x20).filter(|bits| Mode::from_bits(*bits).is_some()).count(), 7);
}

#[test]
fn the_mask_chooses_bytes() {
    let expected = [0x1d3, 0x19f, 0x2d3, 0x29f, 0xf01d3, 0xf019f, 0xf02d3, 0xf029f];
    for (mask, low) in (0..8).zip(expected) {
        let mut regs = Regs::new();
        regs.msr_cpsr(0xffff_fe9f, mask);
        assert_eq!(regs.cpsr().0, 0x4000_0000 | low, "mask {mask:#06b}");
        regs.msr_cpsr(0x1234_5678, 8);
        assert_eq!(regs.cpsr().0 >> 24, 0x10, "flags; IT and J stay zero");
    }
}

#[test]
fn pc_is_ahead_for_operands() {
    let mut regs = Regs::new();
    regs.branch(0x1000);
    assert_eq!(regs.operand(15), 0x1008);
    regs.exception_return(0x1002, Psr(0x33));
    assert_eq!((regs.pc(), regs.operand(15)), (0x1002, 0x1006));
    regs.set(14, 5);
    assert_eq!(regs.operand(14), 5);
}

#[test]
fn skipping_moves_pc_and_the_it_state() {
    let mut regs = Regs::new();
    // In an IT block with two more instructions: ITSTATE 0b0000_0100.
    regs.exception_return(0xffff_fffe, Psr(0x33).with_it(0b0000_0100));
    regs.skip(2);
    assert_eq!((regs.pc(), regs.cpsr().it()), (0, 0b0000_1000));
    regs.skip(4);
    assert_eq!((regs.pc(), regs.cpsr().it()), (4, 0));
}

#[test]
fn the_guest_runs_in_user_mode_with_its_own_flags() {
    let mut regs = Regs::new();
    regs.exception_return(0x1000, Psr(0xa90f_fff1));
    assert_eq!(regs.mode(), Mode::Fiq);
    let real = regs.user_psr();
    assert_eq!(real.0, 0xa90f_fe30, "flags, GE, IT, J, T, E; nothing masked");
    regs.absorb_user_psr(Psr(0x4000_0010));
    assert_eq!(regs.cpsr().0, 0x4000_01d1);
}

/// A loaded or moved PC chooses the instruction set by its lowest bit (BXWritePC).
#[test]
fn interworking() {
    let mut regs = Regs::new();
    regs.interwork(0x1003);
    assert_eq!((regs.pc(), regs.cpsr()), (0x1002, Psr(Regs::RESET_CPSR.0 | Psr::T)));
    regs.interwork(0x2005);
    assert_eq!((regs.pc(), regs.cpsr().is_thumb()), (0x2004, true));
    // UNPREDICTABLE: rounded down.
    regs.interwork(0x3006);
    assert_eq!((regs.pc(), regs.cpsr()), (0x3004, Regs::RESET_CPSR));
}
