//! What holds for every encoding.

use nex_decode::{Class, Cond, ItState, Offset, Sensitive, a32, t32, t32_is_wide};
use nex_emulate::{Exclusive, Index, Insn, Lanes, Op, Quick, Single, Size, Step};
use nex_emulate::{decode_a32, decode_t32, quick_a32, quick_t32};
use proptest::prelude::*;

/// What the types promise.
fn check(insn: &Insn) {
    let address = |a: &nex_emulate::Address| {
        assert!(a.rn < 16 && (a.rn < 15 || a.index == Index::Offset), "{insn:?}");
        assert!(matches!(a.offset, Offset::Reg(_)) || matches!(a.offset, Offset::Imm(0..=4095)));
    };
    match &insn.op {
        Op::Single(s) => {
            address(&s.address);
            assert!(s.rt < 15 || !s.load || (s.size == Size::Word && !s.unprivileged), "{insn:?}");
            assert!(s.size != Size::Double && (s.load || !s.signed));
        }
        Op::Dual(d) => {
            address(&d.address);
            assert!(!d.load || (d.rt < 15 && d.rt2 < 15));
        }
        Op::Multiple(m) => assert!(m.rn < 15 && m.list != 0),
        Op::Exclusive(e) => {
            assert!(if e.load { e.rt < 15 && e.rt2 < 15 } else { e.rd < 15 });
            assert!(e.size == Size::Double || e.rt == e.rt2);
            assert!(e.rt < 16 && e.rt2 < 16 && e.rn < 16);
        }
        Op::Swap(s) => assert!(s.rt < 15 && s.rt2 < 16 && s.rn < 16),
        Op::TableBranch { rn, rm, .. } => assert!(*rn < 16 && *rm < 16 && insn.len_bytes == 4),
        Op::Preload => {}
        Op::Vfp(v) => {
            let (limit, bytes) = if v.double { (16, 8) } else { (32, 4) };
            assert!((1..=limit).contains(&v.registers) && v.first + v.registers <= 32);
            assert!(v.rn < 15 || !v.wback);
            let list = v.wback || !v.before;
            // FLDMX and FSTMX have a word more.
            let more = if list { v.offset_bytes - u16::from(v.registers) * bytes } else { 0 };
            assert!(more == 0 || (v.double && more == 4), "{insn:?}");
        }
        Op::Structures(s) => {
            assert!(s.last_register() < 32 && (1..=4).contains(&s.elements) && s.rn < 15);
            assert!(s.element_bytes.is_power_of_two() && s.element_bytes <= 8);
            assert!(s.align_bytes.is_power_of_two() && s.align_bytes <= 32);
            assert!(s.align_bytes <= s.len_bytes().next_power_of_two());
            assert!(matches!(s.wback, None | Some(Step::Len | Step::Reg(0..=12 | 14))));
            match s.lanes {
                Lanes::Registers { count } => assert!((1..=4).contains(&(count * s.elements))),
                Lanes::One { lane } => assert!(lane < 8 / s.element_bytes && s.element_bytes < 8),
                Lanes::All { count } => assert!((1..=2).contains(&count) && s.load && s.element_bytes < 8),
            }
        }
    }
}

/// Against the other decoder: only what may run at PL0 and LDRT are decoded, with its condition.
fn agrees(insn: &Insn, class: Class, cond: Cond) {
    check(insn);
    assert_eq!(insn.cond, cond);
    let unprivileged = matches!(&insn.op, Op::Single(s) if s.unprivileged);
    let fp = matches!(insn.op, Op::Vfp(_) | Op::Structures(_));
    assert_eq!(insn.vfp_use().is_some(), fp);
    match class {
        Class::Innocuous => assert!(!unprivileged && !fp),
        Class::Fp => assert!(fp),
        Class::Sensitive(Sensitive::Unprivileged(_)) => assert!(unprivileged),
        other => panic!("{insn:?} is {other:?}"),
    }
}

/// What the quick decoders may answer, by the full one.
fn quick_by(insn: Option<Insn>) -> Option<Quick> {
    let insn = insn?;
    match insn.op {
        Op::Single(Single { load, size, signed, unprivileged: false, rt: rt @ 0..15, address })
            if address.index == Index::Offset =>
        {
            Some(Quick { load, size, signed, rt, len_bytes: insn.len_bytes })
        }
        _ => None,
    }
}

/// The quick decoders may leave something out, and are never wrong.
fn check_quick(quick: Option<Quick>, full: Option<Insn>) {
    if quick.is_some() {
        assert_eq!(quick, quick_by(full));
    }
}

#[test]
fn every_narrow_t32_instruction() {
    let mut memory = 0;
    for first in (0..=0xffff_u16).filter(|first| !t32_is_wide(*first)) {
        let insn = decode_t32(first, 0, ItState::NONE);
        if let Some(insn) = insn {
            let class = t32(first, 0, ItState::NONE);
            agrees(&insn, class.class, class.cond);
            assert_eq!(insn.len_bytes, 2);
            memory += 1;
        }
        check_quick(quick_t32(first, 0xffff), insn);
        // Here they leave out literals only.
        if first >> 11 != 0b01001 {
            assert_eq!(quick_t32(first, 0), quick_by(insn), "{first:04x}");
        }
    }
    // Literals; register, constant and SP-relative forms; PUSH and POP, LDM and STM with something in the list.
    assert_eq!(memory, 0x800 + 0x5000 + 2 * (0x200 - 1) + 2 * 8 * 0xff);
}

/// Words of the forms that a quick decoder knows.
#[test]
fn quick_decoders_answer() {
    let known =
        [0xe591_0004_u32, 0xe501_0fff, 0xe7d1_2103, 0xe1d1_00b4, 0xe1d1_00d4, 0xe151_00f4, 0xe1c1_00b4];
    for word in known {
        assert_eq!(quick_a32(word), quick_by(decode_a32(word)), "{word:08x}");
        assert!(quick_a32(word).is_some(), "{word:08x}");
    }
    for (first, second) in
        [(0xf8d1, 0x0004), (0xf881, 0x2fff), (0xf9b1, 0x3000), (0xf991, 0xe001), (0x6848, 0)]
    {
        assert!(quick_t32(first, second).is_some(), "{first:04x} {second:04x}");
    }
    // LDRD, writeback, LDRT, a branch.
    for word in [0xe1c1_00d4, 0xe5b1_0004, 0xe4b1_0004, 0xe491_0004, 0xe591_f004] {
        assert_eq!(quick_a32(word), None, "{word:08x}");
    }
}

/// Words near the encodings of loads and stores, where random ones come too seldom.
fn a32_word() -> impl Strategy<Value = u32> {
    const FIXED: [(u32, u32); 7] = [
        (0x0000_0090, 0x0e00_0090),
        (0x0400_0000, 0x0c00_0000),
        (0x0800_0000, 0x0e00_0000),
        (0x0c00_0a00, 0x0e00_0e00),
        (0xf400_0000, 0xff10_0000),
        (0x0180_0f90, 0x0f80_0ff0),
        (0, 0),
    ];
    (any::<u32>(), proptest::sample::select(&FIXED[..]))
        .prop_map(|(word, (value, mask))| word & !mask | value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40_000))]

    #[test]
    fn a32_words(word in a32_word()) {
        let (insn, class) = (decode_a32(word), a32(word));
        if let Some(insn) = insn {
            agrees(&insn, class.class, class.cond);
            prop_assert_eq!(insn.len_bytes, 4);
        }
        check_quick(quick_a32(word), insn);
    }

    #[test]
    fn wide_t32_instructions(first in 0xe800..=0xffff_u16, second: u16, block in 0xbf00..=0xbfff_u16) {
        for it in [ItState::NONE, ItState::NONE.after(block)] {
            let (insn, class) = (decode_t32(first, second, it), t32(first, second, it));
            if let Some(insn) = insn {
                agrees(&insn, class.class, class.cond);
                prop_assert_eq!(insn.len_bytes, 4);
            }
            check_quick(quick_t32(first, second), insn);
        }
    }

    /// VFP and Advanced SIMD are the same in both instruction sets.
    #[test]
    fn extensions_are_shared(low in 0xec00_0000..=0xedff_ffff_u32, simd in 0..=0x00ff_ffff_u32) {
        let t32 = |word: u32| decode_t32((word >> 16) as u16, word as u16, ItState::NONE);
        prop_assert_eq!(decode_a32(low), t32(low));
        let simd = simd & !(1 << 20);
        prop_assert_eq!(decode_a32(0xf400_0000 | simd), t32(0xf900_0000 | simd));
    }
}

#[test]
fn examples() {
    let op = |word| decode_a32(word).unwrap().op;
    // ldrexd r2, r3, [r1]
    assert_eq!(
        op(0xe1b1_2f9f),
        Op::Exclusive(Exclusive {
            load: true,
            size: Size::Double,
            rd: 2,
            rt: 2,
            rt2: 3,
            rn: 1,
            offset_bytes: 0
        })
    );
    // pld [r0], pldw [r0], pli [r0, #4]
    for word in [0xf5d0_f000, 0xf590_f000, 0xf4d0_f004] {
        assert_eq!(op(word), Op::Preload);
    }
    // No accesses: clrex, dmb, mul, add, mrs, b, vadd, vmov to a pair; ldc and stc; ldm with ^.
    for word in [
        0xf57f_f01f,
        0xf57f_f05f,
        0xe000_0291,
        0xe080_0001,
        0xe10f_0000,
        0xea00_0000,
        0xf200_0d00,
        0xec41_0b10,
        0xed91_e501,
        0xed81_5501,
        0xe8d1_0003,
        0xe8dd_8003_u32,
    ] {
        assert_eq!(decode_a32(word), None, "{word:08x}");
    }
}
