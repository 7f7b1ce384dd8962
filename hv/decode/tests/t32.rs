//! T32 encodings assembled with GNU as, and what they must decode to.

use nex_decode::Sensitive::*;
use nex_decode::{
    Class, Cond, Coproc, Coproc64, DpOp, Gate, Hint, Imod, ItState, MsrSource, Offset, Operand2,
};
use nex_decode::{Sensitive, Trapping, Unprivileged, Walk, it_advance, t32, t32_is_wide};

const IA: Walk = Walk { increment: true, before: false };
const DB: Walk = Walk { increment: false, before: true };

/// `word` is one halfword if it fits, else two, the first in the high bits.
fn in_it(word: u32, it: ItState) -> Class {
    let (first, second) =
        if word >> 16 == 0 { (word as u16, 0xffff) } else { ((word >> 16) as u16, word as u16) };
    assert_eq!(t32_is_wide(first), word >> 16 != 0);
    t32(first, second, it).class
}

fn class(word: u32) -> Class {
    in_it(word, ItState::NONE)
}

fn sensitive(word: u32, expected: Sensitive) {
    assert_eq!(class(word), Class::Sensitive(expected), "{word:08x}");
}

fn trapping(word: u32, expected: Trapping) {
    assert_eq!(class(word), Class::Trapping(expected), "{word:08x}");
}

fn all(words: &[u32], expected: Class) {
    for &word in words {
        assert_eq!(class(word), expected, "{word:08x}");
    }
}

#[test]
fn cps() {
    let cps = |imod, a, i, f, mode| Cps { imod, a, i, f, mode };
    sensitive(0xb672, cps(Imod::Disable, false, true, false, None));
    sensitive(0xb667, cps(Imod::Enable, true, true, true, None));
    sensitive(0xf3af_8640, cps(Imod::Disable, false, true, false, None));
    sensitive(0xf3af_8573, cps(Imod::Enable, false, true, true, Some(0x13)));
    sensitive(0xf3af_811f, cps(Imod::Keep, false, false, false, Some(0x1f)));
    all(
        &[0xb670, 0xb67a, 0xf3af_8653, 0xf3af_8240, 0xf3ae_8640, 0xf3af_8e40, 0xf3af_a640],
        Class::Unpredictable,
    );
}

#[test]
fn status_registers() {
    sensitive(0xf3ef_8100, MrsCpsr { rd: 1 });
    sensitive(0xf3ff_8200, MrsSpsr { rd: 2 });
    all(&[0xf383_8800, 0xf383_8c00], Class::Innocuous);
    sensitive(0xf383_8100, Msr { spsr: false, mask: 1, source: MsrSource::Reg(3) });
    sensitive(0xf393_8f00, Msr { spsr: true, mask: 15, source: MsrSource::Reg(3) });
    sensitive(0xf3f0_8030, MrsBanked { rd: 0, spsr: true, sysm: 0b10000 });
    sensitive(0xf3e6_8030, MrsBanked { rd: 0, spsr: false, sysm: 0b10110 });
    sensitive(0xf388_8330, MsrBanked { rn: 8, spsr: false, sysm: 0b10011 });
    all(
        &[0xf383_8000, 0xf38d_8800, 0xf38f_8100, 0xf3ef_8d00, 0xf3ef_8110, 0xf3ee_8100],
        Class::Unpredictable,
    );
    all(&[0xf383_a100, 0xf383_8101, 0xf383_8140], Class::Unpredictable);
}

#[test]
fn exception_entry_and_return() {
    sensitive(0xe9b1_c000, Rfe { rn: 1, walk: IA, wback: true });
    sensitive(0xe81d_c000, Rfe { rn: 13, walk: DB, wback: false });
    sensitive(0xe9ad_c012, Srs { mode: 0x12, walk: IA, wback: true });
    sensitive(0xe80d_c013, Srs { mode: 0x13, walk: DB, wback: false });
    let subs = |imm| DpPcS { op: DpOp::Sub, rn: 14, op2: Operand2::Imm(imm) };
    sensitive(0xf3de_8f04, subs(4));
    sensitive(0xf3de_8f00, subs(0));
    all(
        &[0xf3dd_8f04, 0xf3de_8e04, 0xf3de_af04, 0xe9bf_c000, 0xe9b1_c001, 0xe9ac_c012],
        Class::Unpredictable,
    );
    // Not exception returns: MOVS PC, LR and ADCS PC, R0, R1 in their wide forms are UNPREDICTABLE.
    all(&[0xea5f_0f0e, 0xeb50_0f01, 0xf050_0f01], Class::Unpredictable);
    // TST, CMP, CMN, TEQ have R15 as destination.
    all(&[0xea10_0f01, 0xf1b0_0f01, 0xeb10_0f01, 0xea90_0f01], Class::Innocuous);
}

#[test]
fn unprivileged_accesses() {
    let base = Unprivileged {
        load: true,
        size_bytes: 4,
        signed: false,
        rt: 1,
        rn: 2,
        offset: Offset::Imm(4),
        add: true,
        postindex: false,
    };
    sensitive(0xf852_1e04, Unprivileged(base));
    sensitive(0xf812_1e00, Unprivileged(Unprivileged { size_bytes: 1, offset: Offset::Imm(0), ..base }));
    let ldrsht = Unprivileged { size_bytes: 2, signed: true, offset: Offset::Imm(255), ..base };
    sensitive(0xf932_1eff, Unprivileged(ldrsht));
    let strht = Unprivileged { load: false, size_bytes: 2, offset: Offset::Imm(2), ..base };
    sensitive(0xf822_1e02, Unprivileged(strht));
    sensitive(
        0xf84d_1e08,
        Unprivileged(Unprivileged { load: false, rn: 13, offset: Offset::Imm(8), ..base }),
    );
    // With R15 as base they are literals, or UNDEFINED stores; R13 and R15 may not be transferred.
    all(&[0xf85f_1e04, 0xf852_1c04, 0xf852_1b04, 0xf8d2_1e04], Class::Innocuous);
    all(&[0xf84f_1e08], Class::Undefined);
    all(&[0xf852_fe04, 0xf852_de04, 0xf812_fe04], Class::Unpredictable);
}

#[test]
fn coprocessors_and_vfp() {
    let cp15 = |crn, crm, op2| Coproc { cp: 15, op1: 0, crn, crm, op2, rt: 0, read: true };
    trapping(0xee11_0f10, Trapping::Coproc(cp15(1, 0, 0)));
    sensitive(0xee1d_0f50, Gated(cp15(13, 0, 2), Gate::Open));
    all(&[0xee07_0f95], Class::Innocuous);
    let wide = Coproc64 { cp: 15, op1: 0, crm: 14, rt: 0, rt2: 1, read: true };
    sensitive(0xec51_0f0e, Gated64(wide, Gate::Cntkctl));
    trapping(0xeef8_3a10, Trapping::VfpSystem { reg: 8, rt: 3, read: true });
    all(&[0xeef1_3a10, 0xef01_0d02, 0xed9f_0b02, 0xff01_0d12, 0xf920_070d], Class::Fp);
    all(&[0xfe11_0f10, 0xfc51_0f0e, 0xee11_0310], Class::Undefined);
}

#[test]
fn exceptions_and_hints() {
    trapping(0xf7e1_8234, Trapping::Hvc { imm: 0x1234 });
    trapping(0xf7f5_8000, Trapping::Smc { imm: 5 });
    trapping(0xde56, Trapping::Udf { imm: 0x56 });
    trapping(0xf7f1_a234, Trapping::Udf { imm: 0x1234 });
    all(&[0xdf12], Class::Svc { imm: 0x12 });
    all(&[0xbe34], Class::Bkpt { imm: 0x34 });
    all(&[0xbf30, 0xf3af_8003], Class::Hint(Hint::Wfi));
    all(&[0xbf20, 0xf3af_8002], Class::Hint(Hint::Wfe));
    all(&[0xbf40, 0xf3af_8004], Class::Hint(Hint::Sev));
    all(&[0xbf10, 0xf3af_8001], Class::Hint(Hint::Yield));
    // NOPs, SETEND, IT, CLREX, DSB, LDREXD, ADD PC, branches.
    all(
        &[0xbf00, 0xf3af_8000, 0xb650, 0xbf08, 0xf3bf_8f2f, 0xf3bf_8f4f, 0xe8d2_017f, 0x448f],
        Class::Innocuous,
    );
    all(
        &[0xd0fb, 0xe002, 0xf000_bffe, 0xf47e_affe, 0xf7ff_fffc, 0xf000_e802, 0x4770, 0xe8df_f000],
        Class::Innocuous,
    );
    sensitive(0xf3c3_8f00, Bxj { rm: 3 });
    sensitive(0xf3bf_8f1f, ThumbEe { enter: true });
    sensitive(0xf3bf_8f0f, ThumbEe { enter: false });
}

#[test]
fn inside_an_it_block() {
    // ITT EQ, first of two.
    let first = ItState::NONE.after(0xbf04);
    let last = first.advance();
    assert!(first.in_block() && !first.is_last() && last.is_last() && !last.advance().in_block());
    assert_eq!(t32(0xdf01, 0, first).cond, Cond::from_bits(0));
    // CPS (both), IT, CBZ, B<cond>, HVC never; RFE, SUBS PC and SMC only as the last.
    for word in [0xb672, 0xf3af_8640, 0xbf08, 0xb119, 0xd0fb, 0xf47e_affe, 0xf7e1_8234] {
        assert_eq!(in_it(word, last), Class::Unpredictable, "{word:08x}");
    }
    for word in [0xe9b1_c000, 0xf3de_8f04, 0xf7f5_8000, 0xf3c3_8f00] {
        assert_eq!(in_it(word, first), Class::Unpredictable, "{word:08x}");
        assert_eq!(in_it(word, last), class(word), "{word:08x}");
    }
    // Others do not care, and BKPT has no condition.
    assert_eq!(in_it(0xf3ef_8100, first), class(0xf3ef_8100));
    assert_eq!(t32(0xbe00, 0, first).cond, Cond::AL);
}

/// ITTEE EQ: the conditions of its four instructions, by way of the PSR.
#[test]
fn it_state_advances_as_the_manual_says() {
    let mut psr = ItState::NONE.after(0xbf07).to_psr(0xf800_01d3);
    let mut seen = vec![];
    while ItState::from_psr(psr).in_block() {
        seen.push(ItState::from_psr(psr).cond().bits());
        psr = it_advance(psr);
    }
    assert_eq!(seen, [0, 0, 1, 1]);
    assert_eq!(psr, 0xf800_01d3);
}
