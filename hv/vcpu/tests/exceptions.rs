//! Exception entry, return and priority; conditions and the IT state: golden values from DDI 0406C.

use nex_vcpu::exception::Vectors;
use nex_vcpu::{
    Coord, Effect, Exception, Mode, Pending, Privilege, Profile, Psr, Vcpu, advance_it, condition_passed,
};

use Exception::{DataAbort, Fiq, Irq, PrefetchAbort, Reset, Svc, Undefined};

/// Exception, vector, mode, LR offset in A32 and T32, masks set (B1.8.1, B1.8.3, B1.9).
const ENTRY: [(Exception, u32, Mode, u32, u32, u32); 6] = [
    (Undefined, 0x04, Mode::Und, 4, 2, 0x080),
    (Svc, 0x08, Mode::Svc, 4, 2, 0x080),
    (PrefetchAbort, 0x0c, Mode::Abt, 4, 4, 0x180),
    (DataAbort, 0x10, Mode::Abt, 8, 8, 0x180),
    (Irq, 0x18, Mode::Irq, 4, 4, 0x180),
    (Fiq, 0x1c, Mode::Fiq, 4, 4, 0x1c0),
];

/// What usual handlers subtract from LR to return to the preferred address (B1.8.3): to the next instruction after
/// Undefined and SVC, to the same one after aborts, and to the one that would have been next after interrupts.
fn returned_to(exception: Exception, lr: u32) -> u32 {
    lr - match exception {
        Undefined | Svc | Reset => 0,
        PrefetchAbort | Irq | Fiq => 4,
        DataAbort => 8,
    }
}

fn sctlr(cpu: &mut Vcpu, bits: u64) {
    let cycles = || 0;
    let _ = cpu.write_register(Coord::word(15, 1, 0, 0, 0), bits, &cycles);
}

#[test]
fn entry_from_every_mode_in_both_instruction_sets() {
    for (exception, vector, mode, arm, thumb, masks) in ENTRY {
        for from in Mode::ALL {
            for (state, offset, len) in [(0, arm, 4), (0x20, thumb, 2)] {
                let mut cpu = Vcpu::new(Profile::CORTEX_A15);
                let psr = Psr(0xf80f_0200 | from.bits() | state).with_it(if state != 0 { 0x0c } else { 0 });
                cpu.regs.exception_return(0x8000_1000, psr);
                cpu.take(exception);
                assert_eq!(cpu.regs.mode(), mode);
                assert_eq!(cpu.regs.pc(), vector);
                assert_eq!(cpu.regs.get(14), 0x8000_1000 + offset, "{exception:?} from {from:?}");
                assert_eq!(cpu.regs.spsr(), Some(psr));
                assert_eq!(cpu.regs.cpsr().0, 0xf80f_0000 | mode.bits() | masks);
                let back = returned_to(exception, cpu.regs.get(14));
                let next = matches!(exception, Undefined | Svc);
                assert_eq!(back, 0x8000_1000 + if next { len } else { 0 });
                cpu.regs.exception_return(back, psr);
                assert_eq!(cpu.regs.cpsr(), psr);
                assert_eq!(cpu.regs.mode(), from);
            }
        }
    }
}

#[test]
fn vectors_follow_vbar_v_te_and_ee() {
    let cycles = || 0;
    let mut cpu = Vcpu::new(Profile::CORTEX_A9);
    let vbar = Coord::word(15, 12, 0, 0, 0);
    assert_eq!(cpu.write_register(vbar, 0x6000_003f, &cycles), Effect::VectorsChanged);
    cpu.take(Irq);
    assert_eq!(cpu.regs.pc(), 0x6000_0038, "VBAR is a multiple of 32");
    sctlr(&mut cpu, 1 << 13);
    cpu.take(Svc);
    assert_eq!(cpu.regs.pc(), 0xffff_0008, "V wins over VBAR");
    sctlr(&mut cpu, 1 << 30 | 1 << 25);
    assert_eq!(cpu.cp15.vectors(), Vectors { base: 0x6000_0020, thumb: true, big_endian: true });
    cpu.take(PrefetchAbort);
    assert_eq!((cpu.regs.pc(), cpu.regs.cpsr().0 & 0x220), (0x6000_002c, 0x220));
    assert_eq!(cpu.regs.operand(15), 0x6000_0030);
}

#[test]
fn nested_entry_keeps_the_outer_bank() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    cpu.regs.exception_return(0x1000, Psr(0x10));
    cpu.regs.set(13, 0xaaaa);
    cpu.take(Svc);
    cpu.regs.set(13, 0xbbbb);
    cpu.regs.branch(0x2000);
    cpu.take(DataAbort);
    assert_eq!((cpu.regs.get_in(Mode::Usr, 13), cpu.regs.get_in(Mode::Svc, 13)), (0xaaaa, 0xbbbb));
    assert_eq!((cpu.regs.get_in(Mode::Svc, 14), cpu.regs.get(14)), (0x1004, 0x2008));
    assert_eq!(cpu.regs.spsr_in(Mode::Svc), Some(Psr(0x10)));
    assert_eq!(cpu.regs.spsr(), Some(Psr(0x93)));
}

#[test]
fn masks_and_order_of_asynchronous_exceptions() {
    for bits in 0..64_u32 {
        let pending = Pending::new(bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
        // The same three bits as masks: F is 6, I is 7, A is 8.
        let cpsr = Psr(0x10 | bits >> 3 << 6);
        let order = [(pending.fiq, 0x40, Fiq), (pending.irq, 0x80, Irq), (pending.abort, 0x100, DataAbort)];
        let expected = order.iter().find(|(waits, mask, _)| *waits && cpsr.0 & mask == 0).map(|(.., e)| *e);
        assert_eq!(pending.next(cpsr), expected);
        assert_eq!(pending.wakes(), bits & 7 != 0, "WFI ends whatever is masked");
        assert_eq!(
            pending.isr(),
            u32::from(pending.abort) << 8 | u32::from(pending.irq) << 7 | u32::from(pending.fiq) << 6
        );
    }
}

#[test]
fn delivering_masks_what_was_delivered() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    cpu.pending = Pending::new(true, true, true);
    assert_eq!(cpu.deliver_interrupt(0x406), None, "all is masked at reset");
    cpu.regs.exception_return(0x1000, Psr(0x1f));
    assert_eq!(cpu.deliver_interrupt(0x406), Some(Fiq));
    assert_eq!(cpu.deliver_interrupt(0x406), None, "FIQ entry masks all three");
    cpu.regs.msr_cpsr(0xd1 & !0x80, 3);
    assert_eq!(cpu.deliver_interrupt(0x406), Some(Irq));
    assert_eq!(cpu.regs.get(14), 0x20, "the FIQ vector plus 4");
    assert_eq!(cpu.cp15.dfsr, 0);
    cpu.cp15.dfar = 0x1234;
    cpu.regs.msr_cpsr(0xd2, 3);
    assert_eq!(cpu.deliver_interrupt(0x406), Some(DataAbort));
    assert_eq!((cpu.cp15.dfsr, cpu.cp15.dfar), (0x406, 0x1234), "DFAR is left alone");
    assert_eq!(cpu.pending, Pending::new(true, true, false));
}

#[test]
fn reset_is_as_on_the_virt_machine() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A7);
    assert_eq!((cpu.regs.cpsr().0, cpu.regs.pc(), cpu.cp15.sctlr), (0x4000_01d3, 0, 0x00c5_0078));
    let fresh = cpu.clone();
    cpu.take(Fiq);
    sctlr(&mut cpu, 1);
    cpu.regs.set(3, 9);
    cpu.pending.irq = true;
    assert_ne!(cpu, fresh);
    cpu.reset();
    assert_eq!(cpu, fresh);
    assert_eq!(cpu.privilege(), Privilege::Pl1);
}

/// A8.3, the table of conditions, by name.
#[test]
fn conditions() {
    for flags in 0..16_u32 {
        let psr = Psr(flags << 28 | 0x10);
        let [n, z, c, v] = [3, 2, 1, 0].map(|bit| flags >> bit & 1 == 1);
        let expected = [
            z,
            !z,
            c,
            !c,
            n,
            !n,
            v,
            !v,
            c && !z,
            !c || z,
            n == v,
            n != v,
            !z && n == v,
            z || n != v,
            true,
            true,
        ];
        for (cond, expected) in (0..).zip(expected) {
            assert_eq!(condition_passed(psr, cond), expected, "condition {cond:#06b}, flags {flags:#06b}");
        }
    }
}

#[test]
fn it_blocks_run_their_course() {
    // ITTE EQ: then, then, else (A8.8.54): firstcond 0b0000, mask 0b0110.
    let mut psr = Psr(0x30).with_it(0b0000_0110);
    for expected in [0, 0, 1] {
        assert_eq!(psr.it_condition(), expected);
        psr = advance_it(psr);
    }
    assert_eq!((psr.it(), psr.it_condition(), psr), (0, 0xe, Psr(0x30)));
    // Any state: condition from the top four bits as they shift, at most four instructions, then AL for ever.
    for it in 0..=255_u8 {
        let mut psr = Psr(0x30).with_it(it);
        assert_eq!(psr.it(), it);
        let left = if it & 0xf == 0 { 0 } else { 4 - (it & 0xf).trailing_zeros() };
        for step in 0..left {
            let tail = it << step & 0x1f;
            assert_eq!(psr.it_condition(), (it & 0xe0 | tail) >> 4);
            psr = advance_it(psr);
        }
        assert_eq!(psr.it_condition(), 0xe);
    }
}
