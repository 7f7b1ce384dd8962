//! The arithmetic of operands.

use nex_decode::Sensitive::DpPcS;
use nex_decode::{Class, DpOp, Operand2, ShiftKind, ShiftedReg, Walk, a32};
use proptest::prelude::*;

fn operand2(word: u32) -> Operand2 {
    match a32(word).class {
        Class::Sensitive(DpPcS { op2, .. }) => op2,
        other => panic!("{word:08x}: {other:?}"),
    }
}

/// MOVS PC, #constant with every rotation.
#[test]
fn constants_are_expanded() {
    for rotation in 0..16 {
        let word = 0xe3b0_f0a5 | rotation << 8;
        let double = u64::from(0xa5_u32) << 32 | 0xa5;
        assert_eq!(operand2(word), Operand2::Imm((double >> (2 * rotation)) as u32));
    }
}

/// The amounts that are written as 0 but mean 32, and RRX (A8.4.3).
#[test]
fn shifts_by_zero() {
    let shift = |kind: u32| match operand2(0xe1b0_f003 | kind << 5) {
        Operand2::Reg(ShiftedReg { rm: 3, kind, amount }) => (kind, amount),
        other => panic!("{other:?}"),
    };
    let expected = [(ShiftKind::Lsl, 0), (ShiftKind::Lsr, 32), (ShiftKind::Asr, 32), (ShiftKind::Ror, 0)];
    for (kind, expected) in (0..3).zip(expected) {
        assert_eq!(shift(kind), expected);
    }
    assert_eq!(shift(3), (ShiftKind::Rrx, 1));
}

#[test]
fn blocks_in_memory() {
    let range = |increment, before| Walk { increment, before }.range(0x1000, 3);
    // IA, IB, DA, DB (A8.8.58 to A8.8.61).
    assert_eq!(range(true, false), (0x1000, 0x100c));
    assert_eq!(range(true, true), (0x1004, 0x100c));
    assert_eq!(range(false, false), (0xff8, 0xff4));
    assert_eq!(range(false, true), (0xff4, 0xff4));
    assert_eq!(Walk { increment: false, before: true }.range(4, 2), (0xffff_fffc, 0xffff_fffc));
}

proptest! {
    #[test]
    fn shifting(value: u32, carry: bool, amount in 0..=32_u8) {
        let apply = |kind, amount| ShiftedReg { rm: 0, kind, amount }.apply(value, carry);
        let wide = u64::from(value);
        if amount < 32 {
            prop_assert_eq!(apply(ShiftKind::Lsl, amount), (wide << amount) as u32);
            prop_assert_eq!(apply(ShiftKind::Ror, amount), ((wide << 32 | wide) >> amount) as u32);
        }
        if amount > 0 {
            prop_assert_eq!(apply(ShiftKind::Lsr, amount), (wide >> amount) as u32);
            prop_assert_eq!(apply(ShiftKind::Asr, amount), (i64::from(value as i32) >> amount) as u32);
        }
        prop_assert_eq!(apply(ShiftKind::Rrx, 1), (u64::from(carry) << 32 | wide).wrapping_shr(1) as u32);
    }

    /// AddWithCarry() of the manual (A2.2.1), in 64 bits.
    #[test]
    fn operations(a: u32, b: u32, carry: bool) {
        let sum = |x: u32, y: u32, c: bool| (u64::from(x) + u64::from(y) + u64::from(c)) as u32;
        let expected = [
            (DpOp::And, a & b), (DpOp::Eor, a ^ b), (DpOp::Orr, a | b), (DpOp::Bic, a & !b), (DpOp::Mov, b), (DpOp::Mvn, !b),
            (DpOp::Add, sum(a, b, false)), (DpOp::Adc, sum(a, b, carry)),
            (DpOp::Sub, sum(a, !b, true)), (DpOp::Sbc, sum(a, !b, carry)),
            (DpOp::Rsb, sum(!a, b, true)), (DpOp::Rsc, sum(!a, b, carry)),
        ];
        for (op, result) in expected {
            prop_assert_eq!(op.apply(a, b, carry), result, "{:?}", op);
        }
    }
}
