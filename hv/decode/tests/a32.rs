//! A32 encodings assembled with GNU as, and what they must decode to.

use nex_decode::Sensitive::*;
use nex_decode::{
    Class, Cond, Coproc, Coproc64, DebugTransfer, Decoded, DpOp, Gate, Hint, Imod, MsrSource, Offset,
};
use nex_decode::{Operand2, Sensitive, ShiftKind, ShiftedReg, Trapping, Unprivileged, Walk, a32};

const IA: Walk = Walk { increment: true, before: false };
const IB: Walk = Walk { increment: true, before: true };
const DB: Walk = Walk { increment: false, before: true };

fn class(word: u32) -> Class {
    a32(word).class
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

fn reg(rm: u8, kind: ShiftKind, amount: u8) -> ShiftedReg {
    ShiftedReg { rm, kind, amount }
}

#[test]
fn cps() {
    let cps = |imod, a, i, f, mode| Cps { imod, a, i, f, mode };
    sensitive(0xf10c_00c0, cps(Imod::Disable, false, true, true, None));
    sensitive(0xf108_0100, cps(Imod::Enable, true, false, false, None));
    sensitive(0xf102_0013, cps(Imod::Keep, false, false, false, Some(0x13)));
    sensitive(0xf10e_01d2, cps(Imod::Disable, true, true, true, Some(0x12)));
    // A mode without M; masks without imod; imod without masks; nothing at all; imod 01; a bit that should be zero.
    let unpredictable = [0xf10c_00d3, 0xf102_00d3, 0xf108_0000, 0xf100_0000, 0xf104_00c0, 0xf10c_02c0];
    all(&unpredictable, Class::Unpredictable);
}

#[test]
fn status_registers() {
    sensitive(0xe10f_1000, MrsCpsr { rd: 1 });
    assert_eq!(
        a32(0x114f_2000),
        Decoded { cond: Cond::from_bits(1), class: Class::Sensitive(MrsSpsr { rd: 2 }) }
    );
    let msr = |spsr, mask, source| Msr { spsr, mask, source };
    sensitive(0xe121_f004, msr(false, 0b0001, MsrSource::Reg(4)));
    sensitive(0xe321_f0d3, msr(false, 0b0001, MsrSource::Imm(0xd3)));
    sensitive(0xe12f_f005, msr(false, 0b1111, MsrSource::Reg(5)));
    sensitive(0xe122_f006, msr(false, 0b0010, MsrSource::Reg(6)));
    sensitive(0xe16f_f00e, msr(true, 0b1111, MsrSource::Reg(14)));
    sensitive(0xe368_f202, msr(true, 0b1000, MsrSource::Imm(0x2000_0000)));
    // Flags and GE only.
    all(&[0xe128_f003, 0xe12c_f003, 0xe328_f20f, 0xe124_f003], Class::Innocuous);
    // No field; to or from R15; bits that should be zero or one.
    let unpredictable = [
        0xe120_f003,
        0xe360_f003,
        0xe128_f00f,
        0xe10f_f000,
        0xe101_1000,
        0xe121_0004,
        0xe10f_1100,
        0xe10f_1001,
    ];
    all(&unpredictable, Class::Unpredictable);
}

#[test]
fn banked_registers() {
    sensitive(0xe100_0200, MrsBanked { rd: 0, spsr: false, sysm: 0b00000 });
    sensitive(0xe146_0300, MrsBanked { rd: 0, spsr: true, sysm: 0b10110 });
    sensitive(0xe120_f302, MsrBanked { rn: 2, spsr: false, sysm: 0b10000 });
    sensitive(0xe12f_f307, MsrBanked { rn: 7, spsr: false, sysm: 0b11111 });
}

#[test]
fn exception_entry_and_return() {
    sensitive(0xf8bd_0a00, Rfe { rn: 13, walk: IA, wback: true });
    sensitive(0xf910_0a00, Rfe { rn: 0, walk: DB, wback: false });
    sensitive(0xf96d_0513, Srs { mode: 0x13, walk: DB, wback: true });
    sensitive(0xf8cd_051f, Srs { mode: 0x1f, walk: IA, wback: false });
    sensitive(0xe8d0_6002, LdmUser { rn: 0, list: 0x6002, walk: IA });
    sensitive(0xe94d_7fff, StmUser { rn: 13, list: 0x7fff, walk: DB });
    sensitive(0xe8c0_a000, StmUser { rn: 0, list: 0xa000, walk: IA });
    sensitive(0xe8fd_8001, LdmReturn { rn: 13, list: 0x8001, walk: IA, wback: true });
    sensitive(0xe9d1_8004, LdmReturn { rn: 1, list: 0x8004, walk: IB, wback: false });
    sensitive(0xe160_006e, Eret);
    let dp = |op, rn, op2| DpPcS { op, rn, op2 };
    sensitive(0xe1b0_f00e, dp(DpOp::Mov, 0, Operand2::Reg(reg(14, ShiftKind::Lsl, 0))));
    sensitive(0xe25e_f004, dp(DpOp::Sub, 14, Operand2::Imm(4)));
    sensitive(0xe091_f182, dp(DpOp::Add, 1, Operand2::Reg(reg(2, ShiftKind::Lsl, 3))));
    sensitive(0xe1f0_f261, dp(DpOp::Mvn, 0, Operand2::Reg(reg(1, ShiftKind::Ror, 4))));
    sensitive(0xe3b0_f103, dp(DpOp::Mov, 0, Operand2::Imm(0xc000_0000)));
    sensitive(0xe1b0_f06e, dp(DpOp::Mov, 0, Operand2::Reg(reg(14, ShiftKind::Rrx, 1))));
    let unpredictable = [
        // RFE from R15, with other bits; SRS of another base; writeback with user registers; no registers.
        0xf8bf_0a00,
        0xf8bd_0a01,
        0xf96c_0513,
        0xe8f0_6002,
        0xe8e0_6002,
        0xe8d0_0000,
        // MOVS with a first operand; shifted by a register; TEQP; ERET with another register.
        0xe1b1_f00e,
        0xe1b0_f11e,
        0xe13e_f000,
        0xe160_006f,
    ];
    all(&unpredictable, Class::Unpredictable);
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
        postindex: true,
    };
    let r3 = Offset::Reg(reg(3, ShiftKind::Lsl, 0));
    sensitive(0xe4b0_1004, Unprivileged(Unprivileged { rn: 0, ..base }));
    let shifted = Offset::Reg(reg(3, ShiftKind::Lsr, 2));
    sensitive(
        0xe662_1123,
        Unprivileged(Unprivileged { load: false, size_bytes: 1, offset: shifted, add: false, ..base }),
    );
    sensitive(
        0xe072_10b6,
        Unprivileged(Unprivileged { size_bytes: 2, offset: Offset::Imm(6), add: false, ..base }),
    );
    sensitive(0xe0b2_10f3, Unprivileged(Unprivileged { size_bytes: 2, signed: true, offset: r3, ..base }));
    sensitive(0xe0a2_10b3, Unprivileged(Unprivileged { load: false, size_bytes: 2, offset: r3, ..base }));
    sensitive(
        0xe0f2_1fdf,
        Unprivileged(Unprivileged { size_bytes: 1, signed: true, offset: Offset::Imm(255), ..base }),
    );
    let store_pc = Unprivileged { load: false, rt: 15, rn: 1, offset: Offset::Imm(0), ..base };
    assert_eq!(
        a32(0x04a1_f000),
        Decoded { cond: Cond::from_bits(0), class: Class::Sensitive(Unprivileged(store_pc)) }
    );
    // The same register twice; R15; LDRD and STRD with the same bits.
    let unpredictable =
        [0xe4b1_1004, 0xe4bf_1004, 0xe4b0_f004, 0xe6b0_100f, 0xe0f2_f0b6, 0xe0e2_20d6, 0xe0e2_20f6];
    all(&unpredictable, Class::Unpredictable);
    // LDR, STR, LDRH with pre-indexing, and with post-indexing without W.
    all(&[0xe5b0_1004, 0xe490_1004, 0xe1f2_10b6, 0xe4d0_1004], Class::Innocuous);
}

#[test]
fn coprocessors() {
    let cp15 = |op1, crn, crm, op2, read| Coproc { cp: 15, op1, crn, crm, op2, rt: 0, read };
    // CP15DSB.
    all(&[0xee07_0f9a], Class::Innocuous);
    sensitive(0xee1d_0f70, Gated(cp15(0, 13, 0, 3, true), Gate::Open));
    trapping(0xee0d_0f70, Trapping::Coproc(cp15(0, 13, 0, 3, false)));
    trapping(0xee1d_0f90, Trapping::Coproc(cp15(0, 13, 0, 4, true)));
    sensitive(0xee19_0f1d, Gated(cp15(0, 9, 13, 0, true), Gate::Pmuserenr));
    sensitive(0xee19_0f1e, Gated(cp15(0, 9, 14, 0, true), Gate::Open));
    sensitive(0xee1e_0f10, Gated(cp15(0, 14, 0, 0, true), Gate::Cntkctl));
    sensitive(0xee0e_0f33, Gated(cp15(0, 14, 3, 1, false), Gate::Cntkctl));
    trapping(0xee0e_0f11, Trapping::Coproc(cp15(0, 14, 1, 0, false)));
    let wide = Coproc64 { cp: 15, op1: 1, crm: 14, rt: 0, rt2: 1, read: true };
    sensitive(0xec51_0f1e, Gated64(wide, Gate::Cntkctl));
    trapping(0xec41_0f02, Trapping::Coproc64(Coproc64 { op1: 0, crm: 2, read: false, ..wide }));
    let cp14 = |op1, crn, crm, op2, rt, read| Coproc { cp: 14, op1, crn, crm, op2, rt, read };
    sensitive(0xee10_fe11, Gated(cp14(0, 0, 1, 0, 15, true), Gate::Udccdis));
    sensitive(0xeed0_0e10, Gated(cp14(6, 0, 0, 0, 0, true), Gate::Open));
    trapping(0xeec0_0e10, Trapping::Coproc(cp14(6, 0, 0, 0, 0, false)));
    sensitive(0xeef0_0e10, Gated(cp14(7, 0, 0, 0, 0, true), Gate::Jazelle));
    trapping(0xee00_0e52, Trapping::Coproc(cp14(0, 0, 2, 2, 0, false)));
    let ldc = DebugTransfer { load: true, rn: 1, offset_bytes: 4, add: true, preindex: true, wback: true };
    sensitive(0xedb1_5e01, Sensitive::DebugTransfer(ldc));
    let stc = DebugTransfer { load: false, rn: 2, offset_bytes: 8, add: false, preindex: false, wback: true };
    sensitive(0xec22_5e02, Sensitive::DebugTransfer(stc));
    // Other coprocessors, CDP, LDC of another register, the second set, P = U = W = 0.
    all(&[0xee11_0310, 0xee00_0f00, 0xedb1_6e01, 0xfe11_0f10, 0xec11_5e01, 0xfe00_0a10], Class::Undefined);
}

#[test]
fn vfp() {
    trapping(0xeef8_0a10, Trapping::VfpSystem { reg: 8, rt: 0, read: true });
    trapping(0xeee8_1a10, Trapping::VfpSystem { reg: 8, rt: 1, read: false });
    trapping(0xeef7_2a10, Trapping::VfpSystem { reg: 7, rt: 2, read: true });
    // FPSCR, arithmetic, loads, moves, Advanced SIMD.
    all(&[0xeef1_2a10, 0xeef1_fa10, 0xf201_0d02, 0xed91_0b00, 0xee10_0a10, 0xf420_070d], Class::Fp);
    // VMSR FPSCR from R15, VMOV to R15, VLDMIA PC!.
    all(&[0xeee1_fa10, 0xee10_fa10, 0xecbf_0b02], Class::Unpredictable);
}

#[test]
fn exceptions_and_hints() {
    trapping(0xe141_2374, Trapping::Hvc { imm: 0x1234 });
    trapping(0xe160_0075, Trapping::Smc { imm: 5 });
    trapping(0xe7f1_23f4, Trapping::Udf { imm: 0x1234 });
    all(&[0x07f1_23f4, 0xe7f1_23b4, 0xffff_ffff], Class::Undefined);
    all(&[0xef12_3456], Class::Svc { imm: 0x12_3456 });
    all(&[0xe121_2374], Class::Bkpt { imm: 0x1234 });
    all(&[0x0121_2374, 0x0141_2374], Class::Unpredictable);
    all(&[0xe320_f003], Class::Hint(Hint::Wfi));
    assert_eq!(a32(0x1320_f002), Decoded { cond: Cond::from_bits(1), class: Class::Hint(Hint::Wfe) });
    all(&[0xe320_f004], Class::Hint(Hint::Sev));
    all(&[0xe320_f001], Class::Hint(Hint::Yield));
    // NOP, DBG, an unallocated hint; SETEND, CLREX, DSB, ISB; LDREX, SDIV, SWP, PLDW.
    let innocuous = [
        0xe320_f000,
        0xe320_f0f5,
        0xe320_f014,
        0xf101_0200,
        0xf57f_f01f,
        0xf57f_f04f,
        0xf57f_f06f,
        0xe191_0f9f,
        0xe710_f211,
        0xe102_0091,
        0xf590_f000,
    ];
    all(&innocuous, Class::Innocuous);
    sensitive(0xe12f_ff22, Bxj { rm: 2 });
    all(&[0xe12f_ff2f, 0xe12f_fe22], Class::Unpredictable);
}

/// Results in R15 that the manual does not define.
#[test]
fn destinations_in_r15() {
    let words = [
        // MUL, UMULL (either half), MLS, SMULBB, SMLALBB, QADD, CLZ.
        0xe00f_0291,
        0xe08f_1392,
        0xe081_f392,
        0xe06f_1392,
        0xe16f_0281,
        0xe14f_1382,
        0xe102_f051,
        0xe16f_ff11,
        // MOVW, SXTB, UBFX, SMMUL, SDIV, LDRB, LDRH, LDRD, LDREX, STREX, SWP.
        0xe300_f001,
        0xe6af_f071,
        0xe7e7_f051,
        0xe75f_f211,
        0xe71f_f211,
        0xe5d0_f000,
        0xe1d0_f0b0,
        0xe1c0_e0d0,
        0xe191_ff9f,
        0xe181_ff90,
        0xe102_f091,
        // LDR R0, [PC], #4; STR R0, [PC, #4]!.
        0xe49f_0004,
        0xe5af_0004,
    ];
    all(&words, Class::Unpredictable);
}
