//! Sensitive instructions (DDI 0406C B9.3): worked examples, faults, and undefined cases.

use nex_decode::{DpOp, Walk};
use nex_vcpu::{Cps, GuestMemory, Mode, Multiple, Outcome, Psr, Regs, Rfe, Srs};

/// 64 words at 0x1000; anything else faults.
#[derive(Clone, PartialEq, Debug)]
struct Memory {
    words: [u32; 64],
    reads: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    Translation { address: u32, write: bool },
    Alignment { address: u32, write: bool },
}

impl Memory {
    fn new() -> Self {
        Self { words: core::array::from_fn(|n| 0x100 + n as u32), reads: Vec::new() }
    }

    fn index(address: u32) -> Option<usize> {
        let offset = address.checked_sub(0x1000)? as usize / 4;
        (offset < 64).then_some(offset)
    }

    fn at(&mut self, address: u32) -> &mut u32 {
        &mut self.words[Self::index(address).unwrap()]
    }
}

impl GuestMemory for Memory {
    type Fault = Fault;
    fn load(&mut self, address: u32) -> Result<u32, Fault> {
        assert!(address.is_multiple_of(4));
        self.reads.push(address);
        let index = Self::index(address).ok_or(Fault::Translation { address, write: false })?;
        Ok(self.words[index])
    }
    fn store(&mut self, address: u32, value: u32) -> Result<(), Fault> {
        assert!(address.is_multiple_of(4));
        let index = Self::index(address).ok_or(Fault::Translation { address, write: true })?;
        self.words[index] = value;
        Ok(())
    }
    fn unaligned(&mut self, address: u32, write: bool) -> Fault {
        Fault::Alignment { address, write }
    }
}

fn regs_in(mode: Mode) -> Regs {
    let mut regs = Regs::new();
    regs.switch_mode(mode);
    for n in 0..15 {
        regs.set(n, 0xa000 + u32::from(n));
    }
    regs.branch(0x500);
    regs
}

const IA: Walk = Walk { increment: true, before: false };
const IB: Walk = Walk { increment: true, before: true };
const DA: Walk = Walk { increment: false, before: false };
const DB: Walk = Walk { increment: false, before: true };
const ORDERS: [Walk; 4] = [IA, IB, DA, DB];

#[test]
fn cps_changes_masks_and_mode() {
    let none = Cps { enable: None, a: false, i: false, f: false, mode: None };
    let cases = [
        (Cps { enable: Some(true), i: true, ..none }, 0x153),
        (Cps { enable: Some(true), a: true, i: true, f: true, ..none }, 0x013),
        (Cps { enable: Some(false), i: true, ..none }, 0x1d3),
        (Cps { enable: Some(true), f: true, mode: Some(0x1f), ..none }, 0x19f),
        (Cps { mode: Some(0x12), ..none }, 0x1d2),
        // Flags named without IE or ID do nothing (the encoding allows it); a mode that does not exist stays.
        (Cps { a: true, i: true, f: true, ..none }, 0x1d3),
        (Cps { mode: Some(0x1a), ..none }, 0x1d3),
    ];
    for (cps, expected) in cases {
        let mut regs = Regs::new();
        regs.cps(cps);
        assert_eq!(regs.cpsr().0, 0x4000_0000 | expected, "{cps:?}");
        let mut regs = regs_in(Mode::Usr);
        let before = regs.clone();
        regs.cps(cps);
        assert_eq!(regs, before, "CPS does nothing in User mode");
    }
    let mut regs = Regs::new();
    regs.msr_cpsr(0x13, 3);
    regs.cps(Cps { enable: Some(false), a: true, f: true, ..none });
    assert_eq!(regs.cpsr().0, 0x4000_0153);
}

#[test]
fn cps_keeps_the_execution_state() {
    let mut regs = Regs::new();
    regs.exception_return(0x500, Psr(0x33).with_it(0x0c));
    regs.cps(Cps { enable: Some(false), a: false, i: true, f: false, mode: Some(0x1f) });
    assert_eq!(regs.cpsr(), Psr(0xbf).with_it(0x0c));
}

#[test]
fn mrs_and_msr() {
    let mut regs = Regs::new();
    regs.exception_return(0, Psr(0xff0f_fff3));
    assert_eq!(regs.cpsr().visible(), 0xf80f_03d3, "IT, J and T read as zero");
    assert_eq!(regs.msr_spsr::<()>(0xffff_ffff, 0xf), Outcome::Next);
    assert_eq!(regs.mrs_spsr(), Some(0xff0f_ffff), "the whole SPSR but the reserved bits");
    assert_eq!(regs.msr_spsr::<()>(0, 0b0110), Outcome::Next);
    assert_eq!(regs.mrs_spsr(), Some(0xff00_00ff));
    for mode in [Mode::Usr, Mode::Sys] {
        let mut regs = regs_in(mode);
        let before = regs.clone();
        assert_eq!(regs.mrs_spsr(), None);
        assert_eq!(regs.msr_spsr::<()>(1, 0xf), Outcome::Undefined);
        assert_eq!(regs.alu_return::<()>(DpOp::Mov, 0, 0), Outcome::Undefined);
        assert_eq!(regs, before);
    }
}

#[test]
fn subs_pc_lr_returns() {
    // From an IRQ that interrupted T32 code of User mode inside an IT block.
    let user = Psr(0x6000_0030).with_it(0x16);
    let mut regs = Regs::new();
    regs.switch_mode(Mode::Irq);
    regs.set_spsr_in(Mode::Irq, user);
    regs.set(14, 0x2007);
    let lr = regs.operand(14);
    assert_eq!(regs.alu_return::<()>(DpOp::Sub, lr, 4), Outcome::Jumped);
    assert_eq!((regs.pc(), regs.cpsr()), (0x2002, user));
    // To A32, the low two bits go.
    let mut regs = Regs::new();
    regs.set_spsr_in(Mode::Svc, Psr(0x1f));
    assert_eq!(regs.alu_return::<()>(DpOp::Mov, 0, 0x2007), Outcome::Jumped);
    assert_eq!((regs.pc(), regs.mode()), (0x2004, Mode::Sys));
}

#[test]
fn carry_comes_from_the_flags_before_the_return() {
    let mut regs = Regs::new();
    regs.set_spsr_in(Mode::Svc, Psr(0x10));
    regs.msr_cpsr(Psr::C, 8);
    let _ = regs.alu_return::<()>(DpOp::Adc, 0x1003, 0);
    assert_eq!(regs.pc(), 0x1004);
}

#[test]
fn rfe_in_all_orders() {
    // Where the two words lie and what the base becomes, from base 0x1040 (B9.3.13).
    let expected = [(0x1040, 0x1048), (0x1044, 0x1048), (0x103c, 0x1038), (0x1038, 0x1038)];
    for (block, (start, end)) in ORDERS.into_iter().zip(expected) {
        for writeback in [false, true] {
            let mut memory = Memory::new();
            *memory.at(start) = 0x8001;
            *memory.at(start + 4) = 0x8000_0030;
            let mut regs = regs_in(Mode::Svc);
            regs.set(13, 0x1040);
            assert_eq!(regs.rfe(Rfe { base: 13, block, writeback }, &mut memory), Outcome::Jumped);
            assert_eq!((regs.pc(), regs.cpsr().0), (0x8000, 0x8000_0030));
            assert_eq!(regs.get_in(Mode::Svc, 13), if writeback { end } else { 0x1040 }, "{block:?}");
            assert_eq!(memory.reads, [start, start + 4]);
        }
    }
}

#[test]
fn rfe_works_in_system_mode_and_not_in_user_mode() {
    let mut memory = Memory::new();
    *memory.at(0x1004) = 0x12;
    let rfe = Rfe { base: 0, block: IA, writeback: false };
    let mut regs = regs_in(Mode::Sys);
    regs.set(0, 0x1000);
    assert_eq!(regs.rfe(rfe, &mut memory), Outcome::Jumped);
    assert_eq!(regs.mode(), Mode::Irq);
    let mut regs = regs_in(Mode::Usr);
    regs.set(0, 0x1000);
    assert_eq!(regs.rfe(rfe, &mut memory), Outcome::Undefined);
    let mut regs = regs_in(Mode::Svc);
    assert_eq!(regs.rfe(Rfe { base: 15, ..rfe }, &mut memory), Outcome::Undefined);
}

#[test]
fn srs_stores_on_another_modes_stack() {
    let expected = [(0x1040, 0x1048), (0x1044, 0x1048), (0x103c, 0x1038), (0x1038, 0x1038)];
    for target in Mode::ALL {
        for (block, (start, end)) in ORDERS.into_iter().zip(expected) {
            let mut memory = Memory::new();
            let mut regs = regs_in(Mode::Irq);
            regs.set_spsr_in(Mode::Irq, Psr(0x6000_0010));
            regs.set_in(target, 13, 0x1040);
            let srs = Srs { mode: target.bits() as u8, block, writeback: true };
            assert_eq!(regs.srs(srs, &mut memory), Outcome::Next);
            assert_eq!((*memory.at(start), *memory.at(start + 4)), (0xa00e, 0x6000_0010));
            assert_eq!(regs.get_in(target, 13), end, "{target:?} {block:?}");
            regs.set_in(target, 13, 0x1040);
            assert_eq!(regs.srs(Srs { writeback: false, ..srs }, &mut memory), Outcome::Next);
            assert_eq!(regs.get_in(target, 13), 0x1040);
        }
    }
    for (mode, target) in [(Mode::Usr, 0x13), (Mode::Sys, 0x13), (Mode::Svc, 0x16), (Mode::Svc, 0x1a)] {
        let mut memory = Memory::new();
        let mut regs = regs_in(mode);
        let srs = Srs { mode: target, block: DB, writeback: true };
        assert_eq!(regs.srs(srs, &mut memory), Outcome::Undefined, "{mode:?} to {target:#x}");
    }
}

#[test]
fn srs_and_rfe_are_inverse() {
    for big_endian in [false, true] {
        let mut memory = Memory::new();
        let mut regs = regs_in(Mode::Irq);
        regs.set_in(Mode::Svc, 13, 0x1080);
        regs.set_spsr_in(Mode::Irq, Psr(0x2000_0010));
        if big_endian {
            regs.msr_cpsr(Psr::E, 2);
        }
        let srs = Srs { mode: 0x13, block: DB, writeback: true };
        assert_eq!(regs.srs(srs, &mut memory), Outcome::Next);
        let stored = if big_endian { 0xa00e_u32.swap_bytes() } else { 0xa00e };
        assert_eq!(*memory.at(0x1078), stored);
        regs.switch_mode(Mode::Svc);
        let rfe = Rfe { base: 13, block: IA, writeback: true };
        assert_eq!(regs.rfe(rfe, &mut memory), Outcome::Jumped);
        assert_eq!((regs.pc(), regs.cpsr().0, regs.get_in(Mode::Svc, 13)), (0xa00c, 0x2000_0010, 0x1080));
    }
}

#[test]
fn ldm_of_user_registers_in_every_mode() {
    for mode in Mode::ALL {
        let mut memory = Memory::new();
        let mut regs = regs_in(mode);
        regs.set(0, 0x1000);
        let before = regs.clone();
        let ldm = Multiple { base: 0, registers: 0x7f00, block: IA, writeback: false };
        let outcome = regs.ldm_caret(ldm, &mut memory);
        if mode == Mode::Usr {
            assert_eq!((outcome, regs), (Outcome::Undefined, before));
            continue;
        }
        assert_eq!(outcome, Outcome::Next);
        for (n, value) in (8..15).zip(0x100..) {
            assert_eq!(regs.get_in(Mode::Usr, n), value, "{mode:?} r{n}");
        }
        assert_eq!((regs.get(0), regs.cpsr(), regs.pc()), (0x1000, before.cpsr(), 0x500));
        if mode.has_spsr() {
            assert_eq!((regs.get(13), regs.get(14)), (0xa00d, 0xa00e), "{mode:?} keeps its own");
        }
        if mode == Mode::Fiq {
            assert_eq!(regs.get(8), 0xa008);
        }
    }
}

#[test]
fn stm_of_user_registers() {
    let mut memory = Memory::new();
    let mut regs = regs_in(Mode::Fiq);
    for n in 0..15 {
        regs.set_in(Mode::Usr, n, 0xc000 + u32::from(n));
    }
    regs.set(8, 0x10a0);
    // The base is r8_fiq, the list has r8_usr; PC is stored as the instruction's address plus 8.
    let stm = Multiple { base: 8, registers: 0xff01, block: DB, writeback: false };
    assert_eq!(regs.stm_caret(stm, &mut memory), Outcome::Next);
    let stored: Vec<_> = (0..9).map(|n| *memory.at(0x10a0 - 36 + 4 * n)).collect();
    let expected = [0xc000, 0xc008, 0xc009, 0xc00a, 0xc00b, 0xc00c, 0xc00d, 0xc00e, 0x508];
    assert_eq!(stored, expected);
    assert_eq!(regs.get(8), 0x10a0);
}

#[test]
fn ldm_with_pc_returns_from_the_exception() {
    for (base, expected_base) in [(13, 0x100c), (1, 0x101)] {
        let mut memory = Memory::new();
        *memory.at(0x1008) = 0x9003;
        let mut regs = regs_in(Mode::Abt);
        regs.set_spsr_in(Mode::Abt, Psr(0x1000_001f));
        regs.set_in(Mode::Usr, 13, 0x7777);
        regs.set(base, 0x1000);
        let ldm = Multiple { base, registers: 0x8003, block: IA, writeback: true };
        assert_eq!(regs.ldm_caret(ldm, &mut memory), Outcome::Jumped);
        assert_eq!((regs.pc(), regs.cpsr().0, regs.get(0), regs.get(1)), (0x9000, 0x1000_001f, 0x100, 0x101));
        // Writeback goes to the register of the mode before; a base that is loaded keeps the loaded value.
        assert_eq!(regs.get_in(Mode::Abt, base), expected_base);
        assert_eq!(regs.get(13), 0x7777);
    }
    let mut regs = regs_in(Mode::Sys);
    let ldm = Multiple { base: 0, registers: 0x8001, block: IA, writeback: true };
    assert_eq!(regs.ldm_caret(ldm, &mut Memory::new()), Outcome::Undefined);
}

#[test]
fn a_fault_leaves_every_register_as_it_was() {
    for mode in [Mode::Svc, Mode::Fiq, Mode::Und] {
        // The last word of each block lies outside, or the base is not a multiple of 4.
        for (base, unaligned) in [(0x10fc, false), (0x1001, true)] {
            let mut regs = regs_in(mode);
            regs.set_spsr_in(mode, Psr(0x10));
            regs.set(9, base);
            regs.set_in(Mode::Svc, 13, base);
            let before = regs.clone();
            let expect = |write| {
                Outcome::Fault(if unaligned {
                    Fault::Alignment { address: base, write }
                } else {
                    Fault::Translation { address: 0x1100, write }
                })
            };
            let block = IA;
            let mut memory = Memory::new();
            assert_eq!(regs.rfe(Rfe { base: 9, block, writeback: true }, &mut memory), expect(false));
            let all = Multiple { base: 9, registers: 0x8c00, block, writeback: true };
            assert_eq!(regs.ldm_caret(all, &mut memory), expect(false));
            let user = Multiple { registers: 0x0c00, writeback: false, ..all };
            assert_eq!(regs.ldm_caret(user, &mut memory), expect(false));
            assert_eq!(regs.stm_caret(user, &mut memory), expect(true));
            assert_eq!(regs.srs(Srs { mode: 0x13, block, writeback: true }, &mut memory), expect(true));
            assert_eq!(regs, before);
        }
    }
}

#[test]
fn impossible_lists_and_bases_are_undefined() {
    let mut regs = regs_in(Mode::Svc);
    let before = regs.clone();
    let mut memory = Memory::new();
    for (base, registers) in [(15, 1), (0, 0)] {
        let multiple = Multiple { base, registers, block: IA, writeback: false };
        assert_eq!(regs.ldm_caret(multiple, &mut memory), Outcome::Undefined);
        assert_eq!(regs.stm_caret(multiple, &mut memory), Outcome::Undefined);
    }
    assert_eq!((regs, memory), (before, Memory::new()));
}

#[test]
fn blocks_wrap_around_the_address_space() {
    assert_eq!(DB.range(4, 2), (0xffff_fffc, 0xffff_fffc));
    assert_eq!(IA.range(0xffff_fffc, 2), (0xffff_fffc, 4));
    assert_eq!(ORDERS.map(|order| order.range(0x100, 3).0), [0x100, 0x104, 0xf8, 0xf4]);
}
