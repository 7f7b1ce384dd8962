//! Control flow of encodings assembled with GNU as at the addresses given here.

use nex_decode::{Branch, DataRef, Flow, Indirect, InstructionSet, ItState, Next, TableEntry, Target};
use nex_decode::{flow_a32, flow_t32};

const A: InstructionSet = InstructionSet::A32;
const T: InstructionSet = InstructionSet::T32;

fn to(addr: u32, set: InstructionSet) -> Branch {
    Branch::Direct(Target { addr, set })
}

fn indirect(indirect: Indirect) -> Branch {
    Branch::Indirect(indirect)
}

fn t32(word: u32, addr: u32) -> Flow {
    let (first, second) =
        if word >> 16 == 0 { (word as u16, 0xffff) } else { ((word >> 16) as u16, word as u16) };
    flow_t32(first, second, ItState::NONE, addr)
}

fn branches(flow: Flow, next: Next, branch: Branch) {
    assert_eq!(flow, Flow { next, branch, data: None });
}

fn refers(flow: Flow, addr: u32, bytes: u16) {
    assert_eq!(flow, Flow { next: Next::Always, branch: Branch::None, data: Some(DataRef { addr, bytes }) });
}

#[test]
fn a32_branches() {
    branches(flow_a32(0xea00_0000, 0), Next::Never, to(8, A));
    branches(flow_a32(0x0aff_fffc, 4), Next::IfNotTaken, to(0xffff_fffc, A));
    branches(flow_a32(0xeb00_0002, 8), Next::AfterCall, to(0x18, A));
    branches(flow_a32(0xfb00_0000, 0xc), Next::AfterCall, to(0x16, T));
    branches(flow_a32(0xe12f_ff1e, 0x10), Next::Never, indirect(Indirect::Register(14)));
    branches(flow_a32(0xe12f_ff1f, 0x14), Next::Never, to(0x1c, A));
    branches(flow_a32(0xe12f_ff33, 0x18), Next::AfterCall, indirect(Indirect::Register(3)));
    branches(flow_a32(0x112f_ff11, 0x1c), Next::IfNotTaken, indirect(Indirect::Register(1)));
    branches(flow_a32(0xe1a0_f00e, 0x20), Next::Never, indirect(Indirect::Register(14)));
    branches(flow_a32(0xe28f_f008, 0x24), Next::Never, to(0x34, A));
    branches(flow_a32(0xe28f_f001, 0x24), Next::Never, to(0x2c, T));
    let code = Indirect::Table { base: 0x30, entry: TableEntry::Code { stride_bytes: 4 } };
    branches(flow_a32(0x908f_f100, 0x28), Next::IfNotTaken, indirect(code));
    let words = Indirect::Table { base: 0x34, entry: TableEntry::Words };
    branches(flow_a32(0xe79f_f100, 0x2c), Next::Never, indirect(words));
    branches(flow_a32(0xe491_f004, 0x48), Next::Never, indirect(Indirect::Load));
    branches(flow_a32(0xe8bd_8010, 0x4c), Next::Never, indirect(Indirect::Load));
    branches(flow_a32(0x089d_a800, 0x50), Next::IfNotTaken, indirect(Indirect::Load));
    branches(flow_a32(0xe001_f002, 0x60), Next::Never, indirect(Indirect::Computed));
}

#[test]
fn a32_references() {
    let vector = flow_a32(0xe51f_f004, 0x30);
    assert_eq!((vector.next, vector.branch), (Next::Never, indirect(Indirect::Load)));
    assert_eq!(vector.data, Some(DataRef { addr: 0x34, bytes: 4 }));
    refers(flow_a32(0xe59f_0010, 0x34), 0x4c, 4);
    refers(flow_a32(0xe55f_0001, 0x38), 0x3f, 1);
    refers(flow_a32(0xe1cf_00d8, 0x3c), 0x4c, 8);
    refers(flow_a32(0xe1df_00f6, 0x40), 0x4e, 2);
    refers(flow_a32(0xe24f_0010, 0x44), 0x3c, 0);
    refers(flow_a32(0xed9f_0b02, 0x54), 0x64, 8);
    refers(flow_a32(0xec9f_0a04, 0x58), 0x60, 16);
    // SUB R0, PC, R1.
    branches(flow_a32(0xe04f_0001, 0x5c), Next::Always, Branch::None);
}

#[test]
fn t32_branches() {
    branches(t32(0xe002, 0), Next::Never, to(8, T));
    branches(t32(0xd0fb, 2), Next::IfNotTaken, to(0xffff_fffc, T));
    branches(t32(0xf000_bffe, 4), Next::Never, to(0x1004, T));
    branches(t32(0xf47e_affe, 8), Next::IfNotTaken, to(0xffff_f008, T));
    branches(t32(0xf7ff_fffc, 0xc), Next::AfterCall, to(8, T));
    branches(t32(0xf000_e802, 0x10), Next::AfterCall, to(0x18, A));
    branches(t32(0xb119, 0x14), Next::IfNotTaken, to(0x1e, T));
    branches(t32(0xbbfa, 0x16), Next::IfNotTaken, to(0x98, T));
    branches(t32(0x4770, 0x18), Next::Never, indirect(Indirect::Register(14)));
    branches(t32(0x4778, 0x1c), Next::Never, to(0x20, A));
    branches(t32(0x4798, 0x1c), Next::AfterCall, indirect(Indirect::Register(3)));
    branches(t32(0x46f7, 0x1e), Next::Never, indirect(Indirect::Register(14)));
    branches(t32(0x448f, 0x20), Next::Never, indirect(Indirect::Computed));
    branches(t32(0xbd10, 0x22), Next::Never, indirect(Indirect::Load));
    branches(t32(0xf851_fb04, 0x3a), Next::Never, indirect(Indirect::Load));
    branches(t32(0xe8bd_80f0, 0x52), Next::Never, indirect(Indirect::Load));
    let bytes = Indirect::Table { base: 0x4a, entry: TableEntry::Bytes };
    branches(t32(0xe8df_f000, 0x46), Next::Never, indirect(bytes));
    let halfwords = Indirect::Table { base: 0x4e, entry: TableEntry::Halfwords };
    branches(t32(0xe8df_f010, 0x4a), Next::Never, indirect(halfwords));
    branches(t32(0xe8d1_f000, 0x4e), Next::Never, indirect(Indirect::Load));
    // POP {R4, PC} as the last of an IT block.
    let it = ItState::NONE.after(0xbf08);
    branches(flow_t32(0xbd10, 0, it, 0), Next::IfNotTaken, indirect(Indirect::Load));
}

#[test]
fn t32_references() {
    refers(t32(0x4802, 0x24), 0x30, 4);
    refers(t32(0x4802, 0x26), 0x30, 4);
    refers(t32(0xf85f_0008, 0x26), 0x20, 4);
    refers(t32(0xf8bf_0006, 0x2a), 0x32, 2);
    refers(t32(0xf99f_0006, 0x2e), 0x36, 1);
    refers(t32(0xe9df_0104, 0x32), 0x44, 8);
    refers(t32(0xf20f_0006, 0x3e), 0x46, 0);
    refers(t32(0xf2af_010a, 0x42), 0x3a, 0);
    refers(t32(0xa001, 0x42), 0x48, 0);
    refers(t32(0xed9f_0b02, 0x56), 0x60, 8);
    let vector = t32(0xf8df_f004, 0x36);
    assert_eq!(
        (vector.branch, vector.data),
        (indirect(Indirect::Load), Some(DataRef { addr: 0x3c, bytes: 4 }))
    );
}

#[test]
fn exceptions_end_or_return() {
    let returns = indirect(Indirect::ExceptionReturn);
    for word in [0xe1b0_f00e, 0xf8bd_0a00, 0xe8fd_8001, 0xe160_006e] {
        branches(flow_a32(word, 0), Next::Never, returns);
    }
    branches(flow_a32(0x11b0_f00e, 0), Next::IfNotTaken, returns);
    // SVC, BKPT, UDF, undefined, unpredictable.
    for word in [0xef00_0000, 0xe120_0070, 0xe7f0_00f0, 0xffff_ffff, 0xe49f_0004] {
        branches(flow_a32(word, 0), Next::AfterException, Branch::None);
    }
    // HVC, SMC, MRC, CPS, WFI.
    for word in [0xe140_0070, 0xe160_0070, 0xee11_0f10, 0xf10c_00c0, 0xe320_f003] {
        branches(flow_a32(word, 0), Next::Always, Branch::None);
    }
    branches(t32(0xf3de_8f04, 0), Next::Never, returns);
    branches(t32(0xf3bf_8f1f, 0), Next::AfterException, Branch::None);
}
