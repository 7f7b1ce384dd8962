//! Codes and originals, both ways.

use nex_decode::{Class, ItState, Offset, Sensitive, Trapping, a32, t32, t32_is_wide};
use nex_rewrite::{Code, Encoded, Interned, T32, decode_a32, decode_t32, encode_a32, encode_t32};
use proptest::prelude::*;

/// What [`Code`] has to say of the code for an instruction of this class; `None` if it has none of its own.
fn expected(class: Class) -> Option<Code> {
    let Class::Sensitive(sensitive) = class else {
        return match class {
            Class::Hint(hint) => Some(Code::Hint(hint)),
            _ => None,
        };
    };
    Some(match sensitive {
        Sensitive::Cps { imod, a, i, f, mode } => {
            Code::Cps { imod, masks: u8::from(a) << 2 | u8::from(i) << 1 | u8::from(f), mode }
        }
        Sensitive::MrsCpsr { rd } => Code::Mrs { spsr: false, rd },
        Sensitive::MrsSpsr { rd } => Code::Mrs { spsr: true, rd },
        Sensitive::Msr { spsr, mask, source } => Code::Msr { spsr, mask, source },
        Sensitive::Srs { mode, walk, wback } => Code::Srs { mode, walk, wback },
        Sensitive::Rfe { rn, walk, wback } => Code::Rfe { rn, walk, wback },
        Sensitive::LdmUser { rn, list, walk } => Code::LdmUser { rn, list, walk },
        Sensitive::StmUser { rn, list, walk } => Code::StmUser { rn, list, walk },
        Sensitive::LdmReturn { rn, list, walk, wback } => Code::LdmReturn { rn, list, walk, wback },
        Sensitive::DpPcS { op, rn, op2 } => Code::DpPcS { op, rn, op2 },
        Sensitive::Unprivileged(u) => Code::Unprivileged(u),
        _ => return None,
    })
}

/// Whether an A32 word needs a code. Checks it if so.
fn check_a32(word: u32, table: &mut Interned) -> bool {
    let decoded = a32(word);
    match encode_a32(word) {
        Encoded::Stays => {
            assert!(decoded.class.may_stay(), "{word:#010x}");
            assert!(!matches!(decoded.class, Class::Hint(_)));
            return false;
        }
        Encoded::Code(code) => {
            assert_eq!(decode_a32(code, table), Some(word), "{word:#010x} {code:#010x}");
            let Class::Svc { imm } = a32(code).class else { panic!("{code:#010x}") };
            assert!(imm >= 0x40_0000 && imm >> 16 != 0xff);
            assert_eq!(a32(code).cond, decoded.cond);
            let taken_apart = Code::of_a32(code);
            match (expected(decoded.class), taken_apart) {
                (Some(expected), _) => assert_eq!(taken_apart, expected, "{word:#010x}"),
                (None, Code::Cp15 { read, rt, .. }) => match decoded.class {
                    Class::Trapping(Trapping::Coproc(c)) | Class::Sensitive(Sensitive::Gated(c, _)) => {
                        assert_eq!((c.cp, c.op1, c.read, c.rt), (15, 0, read, rt));
                    }
                    other => panic!("{word:#010x} {other:?}"),
                },
                (None, other) => panic!("{word:#010x} {other:?}"),
            }
        }
        Encoded::Intern => {
            assert!(!decoded.class.may_stay() || matches!(decoded.class, Class::Svc { .. }));
            let number = table.number(word);
            if let Some(number) = number {
                let cond = u32::from(decoded.cond.bits()) << 28;
                let code = cond | 0x0fff_0000 | u32::from(number);
                assert_eq!(Code::of_a32(code), Code::Interned(number));
                assert_eq!(decode_a32(code, table), Some(word));
                // With another condition it is somebody else's.
                assert_eq!(decode_a32(code ^ 0x1000_0000, table), None);
            }
        }
    }
    true
}

#[test]
fn a_sample_of_a32() {
    let mut table = Interned::new(200);
    let mut codes = 0;
    let lows = [
        0, 1, 0xe, 0xf000, 0xf001, 0xf002, 0xf003, 0xf004, 0xf013, 0xf00e, 0xe000, 0x00b0, 0xe0b0, 0x10d0,
        0x20f0,
    ];
    let more = [
        0x0a00, 0x0500, 0x0513, 0x0080, 0x01d3, 0x0120, 0x3f90, 0x3f70, 0x3f50, 0x0f10, 0x7fff, 0x8000,
        0xffff, 0xf0ff,
    ];
    for high in 0..0x1_0000_u32 {
        for low in lows.into_iter().chain(more) {
            codes += u32::from(check_a32(high << 16 | low, &mut table));
        }
    }
    assert!(codes > 100_000, "{codes}");
}

/// Seconds in a release build: `cargo test --release -p nex-rewrite --test codes -- --ignored`.
#[test]
#[ignore = "takes minutes in a debug build"]
fn all_of_a32_with_al_and_without_a_condition() {
    let mut table = Interned::new(200);
    let mut codes = 0_u64;
    for word in 0xe000_0000..=0xffff_ffff_u32 {
        codes += u64::from(check_a32(word, &mut table));
    }
    assert!(codes > 1_000_000, "{codes}");
}

/// Whether a T32 instruction needs a code. Checks it if so.
fn check_t32(first: u16, second: u16, table: &mut Interned) -> bool {
    let decoded = t32(first, second, ItState::NONE);
    let word = u32::from(first) << 16 | u32::from(second);
    let wide = t32_is_wide(first);
    let original = if wide { T32::Wide(word) } else { T32::Narrow(first) };
    match encode_t32(first, second, ItState::NONE) {
        Encoded::Stays => {
            assert!(decoded.class.may_stay(), "{word:#010x}");
            assert!(!matches!(decoded.class, Class::Hint(_)));
            return false;
        }
        Encoded::Code(code) => {
            assert_eq!(decode_t32(code, table), Some(original), "{word:#010x} {code:x?}");
            let taken_apart = match code {
                T32::Narrow(half) => {
                    assert!(
                        !wide
                            && matches!(
                                t32(half, 0, ItState::NONE).class,
                                Class::Trapping(Trapping::Udf { .. })
                            )
                    );
                    Code::of_t32_narrow(half)
                }
                T32::Wide(code) => {
                    let class = t32((code >> 16) as u16, code as u16, ItState::NONE).class;
                    assert!(wide && matches!(class, Class::Trapping(Trapping::Udf { .. })), "{code:#010x}");
                    Code::of_t32_wide(code)
                }
            };
            match (expected(decoded.class), taken_apart) {
                (Some(expected), _) => assert_eq!(taken_apart, expected, "{word:#010x}"),
                (None, other) => assert!(matches!(other, Code::Cp15 { .. }), "{word:#010x} {other:?}"),
            }
        }
        Encoded::Intern if wide => {
            if let Some(number) = table.number(word) {
                let code = 0xf7ff_a000 | u32::from(number);
                assert_eq!(Code::of_t32_wide(code), Code::Interned(number));
                assert_eq!(decode_t32(T32::Wide(code), table), Some(original));
            }
        }
        Encoded::Intern => assert_eq!(decoded.class, Class::Unpredictable),
    }
    true
}

#[test]
fn all_of_t16_and_a_sample_of_t32() {
    let mut table = Interned::new(200);
    let mut codes = 0;
    for first in 0..=0xffff_u16 {
        if !t32_is_wide(first) {
            codes += u32::from(check_t32(first, 0, &mut table));
            continue;
        }
        for second in (0..=0xffff_u16).step_by(0x100).flat_map(|high| {
            [0, 1, 2, 3, 4, 0x13, 0x1f, 0x20, 0x50, 0x60, 0x70, 0x90, 0xff].map(|low| high | low)
        }) {
            codes += u32::from(check_t32(first, second, &mut table));
        }
    }
    assert!(codes > 50_000, "{codes}");
}

/// About a minute in a release build.
#[test]
#[ignore = "takes many minutes in a debug build"]
fn all_of_t32() {
    let mut table = Interned::new(200);
    for first in (0..=0xffff_u16).filter(|&first| t32_is_wide(first)) {
        for second in 0..=0xffff {
            check_t32(first, second, &mut table);
        }
    }
}

#[test]
fn every_code_stands_for_one_original() {
    let mut table = Interned::new(10);
    table.number(0xe1b0_f10e);
    table.number(0xe12f_ff2e);
    for imm in 0..0x100_0000_u32 {
        let word = 0xef00_0000 | imm;
        // No panic, whatever it is.
        let taken_apart = Code::of_a32(word);
        if imm < 0x40_0000 {
            assert_eq!((decode_a32(word, &table), taken_apart), (None, Code::Guest));
        } else if let Some(original) = decode_a32(word, &table) {
            assert!(taken_apart != Code::Guest, "{imm:#x}");
            if imm >> 16 == 0xff {
                assert!(imm & 0xffff < 2);
            } else {
                assert_eq!(encode_a32(original), Encoded::Code(word));
            }
        }
    }
    for imm in 0..=0xffff_u32 {
        let word = 0xf7f0_a000 | (imm >> 12) << 16 | imm & 0xfff;
        let taken_apart = Code::of_t32_wide(word);
        if let Some(T32::Wide(original)) = decode_t32(T32::Wide(word), &Interned::new(0)) {
            assert!(taken_apart != Code::Guest);
            let encoded = encode_t32((original >> 16) as u16, original as u16, ItState::NONE);
            assert_eq!(encoded, Encoded::Code(T32::Wide(word)));
        }
        assert!(imm >= 0x1000 || taken_apart == Code::Guest);
    }
}

/// Encodings as an assembler gives them.
#[test]
fn known_codes() {
    let a32 = [
        (0xe10f_3000_u32, 0xeff0_0003), // mrs r3, cpsr
        (0xf10c_0080, 0xeff4_0640),     // cpsid i
        (0xf108_0080, 0xeff4_0440),     // cpsie i
        (0xe121_f003, 0xeff1_0013),     // msr cpsr_c, r3
        (0xe169_f000, 0xeff1_0190),     // msr spsr_fc, r0
        (0xe321_f0d3, 0xeff2_10d3),     // msr cpsr_c, #0xd3
        (0xe1b0_f00e, 0xeff6_0d0e),     // movs pc, lr
        (0xe25e_f004, 0xefe2_e004),     // subs pc, lr, #4
        (0xe8dd_7fff, 0xefce_ffff),     // ldm sp, {r0-lr}^
        (0xe8fd_8008, 0xef5e_8008),     // ldm sp!, {r3, pc}^
        (0xe8cd_6000, 0xef9d_6000),     // stm sp, {sp, lr}^
        (0xf9ed_0513, 0xeff5_0e13),     // srsib sp!, #19
        (0xf8bd_0a00, 0xeff5_160d),     // rfeia sp!
        (0x14b2_3000, 0x1ff7_0032),     // ldrtne r3, [r2], #0
        (0xee1d_3f90, 0xeff8_0003),     // mrc p15, 0, r3, c13, c0, 4
        (0xee03_2f10, 0xeff8_0032),     // mcr p15, 0, r2, c3, c0, 0
        (0xe320_f003, 0xeff9_0003),     // wfi
    ];
    for (original, code) in a32 {
        assert_eq!(encode_a32(original), Encoded::Code(code), "{original:#010x} {code:#010x}");
    }
    let t32 = [
        (0xf3ef_8300_u32, 0xf7f1_a003), // mrs r3, cpsr
        (0xf383_8100, 0xf7f2_a013),     // msr cpsr_c, r3
        (0xf3de_8f04, 0xf7f6_a004),     // subs pc, lr, #4
        (0xee1d_3f90, 0xf7f9_a003),     // mrc p15, 0, r3, c13, c0, 4
        (0xe9bd_c000, 0xf7f7_a60d),     // rfeia sp!
        (0xe82d_c013, 0xf7f5_aa13),     // srsdb sp!, #19
    ];
    for (original, code) in t32 {
        let encoded = encode_t32((original >> 16) as u16, original as u16, ItState::NONE);
        assert_eq!(encoded, Encoded::Code(T32::Wide(code)), "{original:#010x}");
    }
    // cpsid i
    assert_eq!(encode_t32(0xb672, 0, ItState::NONE), Encoded::Code(T32::Narrow(0xdeca)));
    // ldrt r3, [r2], #4 and mov r0, r0 in a table's way.
    assert_eq!(encode_a32(0xe4b2_3004), Encoded::Intern);
    assert_eq!(encode_a32(0xe1a0_0000), Encoded::Stays);
    // strt r3, [r2], #0: the offset that has a code.
    assert_eq!(encode_a32(0xe4a2_3000), Encoded::Code(0xeff7_0132));
    // A guest's own SVC, below and above the codes.
    assert_eq!((encode_a32(0xef00_0000), encode_a32(0xef90_0001)), (Encoded::Stays, Encoded::Intern));
}

proptest! {
    #[test]
    fn random_a32(word: u32) {
        check_a32(word, &mut Interned::new(4));
    }

    #[test]
    fn block_transfers(cond in 0..15_u32, rest in 0..0x0200_0000_u32) {
        let word = cond << 28 | 0x0800_0000 | rest;
        check_a32(word, &mut Interned::new(4));
    }

    #[test]
    fn unprivileged_with_offsets(load: bool, imm in 1..4096_u32) {
        let word = 0xe4a2_3000 | u32::from(load) << 20 | imm;
        let Class::Sensitive(Sensitive::Unprivileged(u)) = a32(word).class else { panic!() };
        prop_assert_eq!(u.offset, Offset::Imm(imm as u16));
        prop_assert_eq!(encode_a32(word), Encoded::Intern);
    }
}
