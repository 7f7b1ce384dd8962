//! What holds for every encoding.

use nex_decode::{
    Branch, Class, Cond, Flow, ItState, Next, Sensitive, Trapping, a32, flow_a32, flow_t32, t32, t32_is_wide,
};
use proptest::prelude::*;

/// What the types promise of the operands, and of class and flow together.
fn check(class: Class, cond: Cond, flow: Flow) {
    match class {
        Class::Innocuous | Class::Fp => assert!(flow.next != Next::AfterException),
        Class::Undefined | Class::Unpredictable | Class::Svc { .. } | Class::Bkpt { .. } => {
            assert_eq!((flow.next, flow.branch), (Next::AfterException, Branch::None));
        }
        Class::Sensitive(sensitive) => check_sensitive(sensitive),
        Class::Trapping(_) | Class::Hint(_) => assert_eq!(flow.branch, Branch::None),
    }
    assert_eq!(class.may_stay(), !matches!(class, Class::Sensitive(_) | Class::Unpredictable));
    assert!(!(cond.is_always() && flow.next == Next::IfNotTaken && class != Class::Innocuous));
}

fn check_sensitive(sensitive: Sensitive) {
    match sensitive {
        Sensitive::MrsCpsr { rd } | Sensitive::MrsSpsr { rd } => assert!(rd < 15),
        Sensitive::MrsBanked { rd, sysm, .. } => assert!(rd < 15 && sysm < 32),
        Sensitive::MsrBanked { rn, sysm, .. } => assert!(rn < 15 && sysm < 32),
        Sensitive::Msr { spsr, mask, .. } => assert!(mask != 0 && mask < 16 && (spsr || mask & 3 != 0)),
        Sensitive::Rfe { rn, .. } => assert!(rn < 15),
        Sensitive::Srs { mode, .. } => assert!(mode < 32),
        Sensitive::LdmUser { rn, list, .. } => assert!(rn < 15 && list != 0 && list >> 15 == 0),
        Sensitive::StmUser { rn, list, .. } => assert!(rn < 15 && list != 0),
        Sensitive::LdmReturn { rn, list, .. } => assert!(rn < 15 && list >> 15 == 1),
        Sensitive::Cps { mode, .. } => assert!(mode.is_none_or(|m| m < 32)),
        Sensitive::Bxj { rm } => assert!(rm < 15),
        Sensitive::Unprivileged(u) => {
            assert!(u.rn < 15 && (u.rt < 15 || !u.load) && [1, 2, 4].contains(&u.size_bytes));
            assert!(u.load || !u.signed);
        }
        _ => {}
    }
}

#[test]
fn every_narrow_t32_instruction() {
    let blocks = [ItState::NONE, ItState::NONE.after(0xbf08), ItState::NONE.after(0xbf04)];
    let mut sensitive = 0;
    for first in 0..=0xffff_u16 {
        if t32_is_wide(first) {
            continue;
        }
        for it in blocks {
            let decoded = t32(first, 0xa5a5, it);
            // The second halfword is not part of it.
            assert_eq!(decoded, t32(first, 0x5a5a, it));
            check(decoded.class, decoded.cond, flow_t32(first, 0, it, 0x1_0002));
        }
        sensitive += u32::from(matches!(t32(first, 0, ItState::NONE).class, Class::Sensitive(_)));
    }
    // CPSIE and CPSID with one or more of three masks: nothing else in 16 bits.
    assert_eq!(sensitive, 14);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn every_a32_word(word: u32, addr in 0..u32::MAX / 4) {
        let decoded = a32(word);
        check(decoded.class, decoded.cond, flow_a32(word, addr * 4));
        if word >> 28 < 14 {
            // The condition changes nothing but itself, except for those that may not have one.
            let always = a32(word & 0x0fff_ffff | 0xe000_0000).class;
            let unconditional = matches!(always, Class::Bkpt { .. } | Class::Trapping(Trapping::Hvc { .. } | Trapping::Udf { .. }));
            prop_assert_eq!(decoded.cond.bits(), (word >> 28) as u8);
            prop_assert!(unconditional || always == decoded.class);
        }
    }

    #[test]
    fn every_wide_t32_instruction(first in 0xe800..=0xffff_u16, second: u16, addr: u32, it_instruction in 0xbf00..=0xbfff_u16) {
        let it = ItState::NONE.after(it_instruction);
        for it in [ItState::NONE, it] {
            let decoded = t32(first, second, it);
            check(decoded.class, decoded.cond, flow_t32(first, second, it, addr & !1));
        }
    }

    /// Coprocessor and VFP instructions with a condition are the same words in both instruction sets.
    #[test]
    fn coprocessors_are_shared(low in 0xec00_0000..=0xeeff_ffff_u32) {
        prop_assert_eq!(a32(low).class, t32((low >> 16) as u16, low as u16, ItState::NONE).class);
    }

    #[test]
    fn it_state_and_psr(psr: u32, other: u32) {
        let it = ItState::from_psr(psr);
        prop_assert_eq!(it.to_psr(psr), psr);
        prop_assert_eq!(ItState::from_psr(it.to_psr(other)), it);
        // At most four steps to the end of a block.
        prop_assert!(!it.advance().advance().advance().advance().in_block());
    }

    /// Conditions come in pairs of opposites, and AL.
    #[test]
    fn conditions(cpsr: u32) {
        for bits in (0..14).step_by(2) {
            prop_assert_ne!(Cond::from_bits(bits).holds(cpsr), Cond::from_bits(bits + 1).holds(cpsr));
        }
        prop_assert!(Cond::from_bits(14).holds(cpsr) && Cond::from_bits(15).holds(cpsr));
        let (n, z, c, v) = (cpsr >> 31 & 1, cpsr >> 30 & 1, cpsr >> 29 & 1, cpsr >> 28 & 1);
        prop_assert_eq!(Cond::from_bits(0).holds(cpsr), z == 1);
        prop_assert_eq!(Cond::from_bits(2).holds(cpsr), c == 1);
        prop_assert_eq!(Cond::from_bits(8).holds(cpsr), c == 1 && z == 0);
        prop_assert_eq!(Cond::from_bits(11).holds(cpsr), n != v);
        prop_assert_eq!(Cond::from_bits(12).holds(cpsr), z == 0 && n == v);
    }
}
