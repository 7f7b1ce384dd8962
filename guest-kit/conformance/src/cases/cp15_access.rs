//! CP15: which registers and operations there are, and who may use them (B3.17, B4.2).

use crate::harness::code::{Code, Isa, a32, both, t32};
use crate::harness::cp15::{cp15_write, is_cortex_a9};
use crate::harness::layout::DATA;
use crate::harness::mmio;
use crate::harness::report::case;
use crate::harness::run::{Kind, Mode, Run};

pub(crate) fn cases() {
    access_control();
    unknown();
    maintenance();
    barriers();
}

/// A register: name, opc1, CRn, CRm, opc2.
pub(super) type Register = (&'static str, u32, u32, u32, u32);

/// MRC or MCR of it, with r1.
pub(super) fn access(register: Register, read: bool, isa: Isa) -> Code {
    let (_, opc1, crn, crm, opc2) = register;
    let word = 0xee00_1f10 | opc1 << 21 | crn << 16 | opc2 << 5 | crm | u32::from(read) << 20;
    Code::write_coprocessor(isa, word)
}

/// Registers of PL1 only, readable; those that may be written are marked.
const PRIVILEGED: [(Register, bool); 53] = [
    (("midr", 0, 0, 0, 0), false),
    (("ctr", 0, 0, 0, 1), false),
    (("tcmtr", 0, 0, 0, 2), false),
    (("tlbtr", 0, 0, 0, 3), false),
    (("mpidr", 0, 0, 0, 5), false),
    (("revidr", 0, 0, 0, 6), false),
    (("id-pfr0", 0, 0, 1, 0), false),
    (("id-pfr1", 0, 0, 1, 1), false),
    (("id-dfr0", 0, 0, 1, 2), false),
    (("id-afr0", 0, 0, 1, 3), false),
    (("id-mmfr0", 0, 0, 1, 4), false),
    (("id-mmfr1", 0, 0, 1, 5), false),
    (("id-mmfr2", 0, 0, 1, 6), false),
    (("id-mmfr3", 0, 0, 1, 7), false),
    (("id-isar0", 0, 0, 2, 0), false),
    (("id-isar1", 0, 0, 2, 1), false),
    (("id-isar2", 0, 0, 2, 2), false),
    (("id-isar3", 0, 0, 2, 3), false),
    (("id-isar4", 0, 0, 2, 4), false),
    (("id-isar5", 0, 0, 2, 5), false),
    (("ccsidr", 1, 0, 0, 0), false),
    (("clidr", 1, 0, 0, 1), false),
    (("aidr", 1, 0, 0, 7), false),
    (("csselr", 2, 0, 0, 0), true),
    (("sctlr", 0, 1, 0, 0), true),
    (("actlr", 0, 1, 0, 1), true),
    (("cpacr", 0, 1, 0, 2), true),
    (("ttbr0", 0, 2, 0, 0), true),
    (("ttbr1", 0, 2, 0, 1), true),
    (("ttbcr", 0, 2, 0, 2), true),
    (("dacr", 0, 3, 0, 0), true),
    (("dfsr", 0, 5, 0, 0), true),
    (("ifsr", 0, 5, 0, 1), true),
    (("adfsr", 0, 5, 1, 0), true),
    (("aifsr", 0, 5, 1, 1), true),
    (("dfar", 0, 6, 0, 0), true),
    (("ifar", 0, 6, 0, 2), true),
    (("par", 0, 7, 4, 0), true),
    (("prrr", 0, 10, 2, 0), true),
    (("nmrr", 0, 10, 2, 1), true),
    (("amair0", 0, 10, 3, 0), true),
    (("amair1", 0, 10, 3, 1), true),
    (("vbar", 0, 12, 0, 0), true),
    (("isr", 0, 12, 1, 0), false),
    (("contextidr", 0, 13, 0, 1), true),
    (("tpidrprw", 0, 13, 0, 4), true),
    (("cntkctl", 0, 14, 1, 0), true),
    (("pmintenset", 0, 9, 14, 1), true),
    (("pmintenclr", 0, 9, 14, 2), true),
    (("l2ctlr", 1, 9, 0, 2), false),
    (("cntp-ctl", 0, 14, 2, 1), true),
    (("cntv-ctl", 0, 14, 3, 1), true),
    (("cntfrq", 0, 14, 0, 0), false),
];

/// Every register can be read at PL1, written back where it can be written, and is UNDEFINED in User mode.
fn access_control() {
    cp15_write!(0, c14, c1, 0, 0);
    for (register, writable) in PRIVILEGED {
        // The L2 cache of a Cortex-A9 is outside of it.
        let is_there = register.0 != "l2ctlr" || !is_cortex_a9();
        for isa in Isa::BOTH {
            case!("cp15.access.{}.{}", register.0, isa.name(); |c| {
                if !is_there {
                    for mode in Mode::ALL {
                        Run::new(access(register, true, isa)).mode(mode).go().check(c, Kind::Und, &[]);
                    }
                    return;
                }
                for mode in Mode::PRIVILEGED {
                    let trap = Run::new(access(register, true, isa)).mode(mode).go();
                    c.eq("kind of read", trap.kind as u32, Kind::Done as u32);
                    // TPIDRPRW is what the vectors use.
                    if writable && register.0 != "tpidrprw" {
                        let value = trap.r(1);
                        let trap = Run::new(access(register, false, isa)).mode(mode).r(1, value).go();
                        // The value may be UNKNOWN, as IFAR is after a breakpoint.
                        c.eq("kind of write", trap.kind as u32, Kind::Done as u32);
                        c.holds("r1 untouched", trap.r(1) == value);
                    }
                }
                for read in [true, false] {
                    let trap = Run::new(access(register, read, isa)).mode(Mode::Usr).go();
                    trap.check(c, Kind::Und, &[]);
                    c.eq("where", trap.offset(), 0);
                }
            });
        }
    }
    // Writing what can only be read.
    for register in [
        ("midr", 0, 0, 0, 0),
        ("mpidr", 0, 0, 0, 5),
        ("id-isar0", 0, 0, 2, 0),
        ("isr", 0, 12, 1, 0),
        ("ccsidr", 1, 0, 0, 0),
        ("clidr", 1, 0, 0, 1),
    ] {
        for isa in Isa::BOTH {
            case!("cp15.read-only.{}.{}", register.0, isa.name(); |c| {
                for mode in Mode::ALL {
                    Run::new(access(register, false, isa)).mode(mode).go().check(c, Kind::Und, &[]);
                }
            });
        }
    }
}

/// Nothing is there: UNDEFINED at every privilege (B3.15.2, B3.17.1).
fn unknown() {
    let registers: [Register; 16] = [
        ("c1-c1-0-scr", 0, 1, 1, 0),
        ("c1-c1-1-sder", 0, 1, 1, 1),
        ("c12-c0-1-mvbar", 0, 12, 0, 1),
        ("c1-c1-0-hcr", 4, 1, 1, 0),
        ("c12-c0-0-hvbar", 4, 12, 0, 0),
        ("c5-c2-0-hsr", 4, 5, 2, 0),
        ("c2-c1-2-vtcr", 4, 2, 1, 2),
        ("c14-c1-0-cnthctl", 4, 14, 1, 0),
        ("c2-c5-0", 0, 2, 5, 0),
        ("c4-c0-0", 0, 4, 0, 0),
        ("c4-c5-3", 0, 4, 5, 3),
        ("c5-c3-0", 0, 5, 3, 0),
        ("c6-c7-0", 0, 6, 7, 0),
        ("c13-c5-0", 0, 13, 5, 0),
        ("c13-c0-7", 0, 13, 0, 7),
        ("op1-5-c1-c0-0", 5, 1, 0, 0),
    ];
    for register in registers {
        for isa in Isa::BOTH {
            case!("cp15.unknown.{}.{}", register.0, isa.name(); |c| {
                for mode in [Mode::Usr, Mode::Svc, Mode::Sys, Mode::Irq] {
                    for read in [true, false] {
                        let trap = Run::new(access(register, read, isa)).mode(mode).go();
                        trap.check(c, Kind::Und, &[]);
                        c.eq("where", trap.offset(), 0);
                    }
                }
            });
        }
    }
    // CDP, LDC and STC of CP15, MCRR of what is no 64-bit register.
    for (name, word) in [
        ("cdp", 0xee00_0f00),
        ("ldc", 0xed90_0f00),
        ("stc", 0xed80_0f00),
        ("mcrr", 0xec41_0ff0),
        ("mrrc", 0xec51_0ff0),
        ("mcr2", 0xfe0d_1f70),
        ("mrc2", 0xfe10_1f10),
    ] {
        for isa in Isa::BOTH {
            case!("cp15.unknown.{name}.{}", isa.name(); |c| {
                for mode in [Mode::Usr, Mode::Svc] {
                    let trap = Run::new(Code::write_coprocessor(isa, word)).mode(mode).r(0, DATA).go();
                    trap.check(c, Kind::Und, &[(0, DATA)]);
                }
            });
        }
    }
}

/// Every maintenance operation is accepted at PL1, whatever the address, and UNDEFINED at PL0.
fn maintenance() {
    let operations: [(Register, u32); 41] = [
        (("icialluis", 0, 7, 1, 0), 0),
        (("bpiallis", 0, 7, 1, 6), 0),
        (("iciallu", 0, 7, 5, 0), 0),
        (("icimvau", 0, 7, 5, 1), DATA),
        (("bpiall", 0, 7, 5, 6), 0),
        (("bpimva", 0, 7, 5, 7), DATA),
        (("dcimvac", 0, 7, 6, 1), DATA + 0x8000),
        (("dcisw", 0, 7, 6, 2), 0),
        (("dccmvac", 0, 7, 10, 1), DATA),
        (("dccsw", 0, 7, 10, 2), 0),
        (("dccmvau", 0, 7, 11, 1), DATA),
        (("dccimvac", 0, 7, 14, 1), DATA),
        (("dccisw", 0, 7, 14, 2), 0),
        (("dccsw-1", 0, 7, 10, 2), 0x4000_0040),
        (("dccisw-2", 0, 7, 14, 2), 0x8000_0002),
        (("icimvau-high", 0, 7, 5, 1), 0xffff_ffc0),
        (("icimvau-0", 0, 7, 5, 1), 0),
        (("dccmvac-high", 0, 7, 10, 1), 0xfff0_0000),
        (("dccmvac-0", 0, 7, 10, 1), 0),
        (("dccmvau-high", 0, 7, 11, 1), 0xfffe_ffff),
        (("dccimvac-high", 0, 7, 14, 1), 0xffff_ffff),
        (("dccimvac-window", 0, 7, 14, 1), 0xfff0_1234),
        (("dcimvac-high", 0, 7, 6, 1), 0xfff8_0000),
        (("tlbiallis", 0, 8, 3, 0), 0),
        (("tlbimvais", 0, 8, 3, 1), DATA),
        (("tlbiasidis", 0, 8, 3, 2), 7),
        (("tlbimvaais", 0, 8, 3, 3), DATA),
        (("itlbiall", 0, 8, 5, 0), 0),
        (("itlbimva", 0, 8, 5, 1), DATA),
        (("itlbiasid", 0, 8, 5, 2), 9),
        (("dtlbiall", 0, 8, 6, 0), 0),
        (("dtlbimva", 0, 8, 6, 1), DATA),
        (("dtlbiasid", 0, 8, 6, 2), 0xff),
        (("tlbiall", 0, 8, 7, 0), 0),
        (("tlbimva", 0, 8, 7, 1), DATA | 3),
        (("tlbiasid", 0, 8, 7, 2), 0),
        (("tlbimvaa", 0, 8, 7, 3), DATA),
        (("tlbimva-high", 0, 8, 7, 1), 0xffff_f000),
        (("tlbimva-window", 0, 8, 7, 1), 0xfff0_0000),
        (("tlbimvaa-0", 0, 8, 7, 3), 0),
        (("tlbimvaa-high", 0, 8, 7, 3), 0xfffe_f000),
    ];
    for (operation, value) in operations {
        for isa in Isa::BOTH {
            case!("cp15.maintenance.{}.{}", operation.0, isa.name(); |c| {
                mmio::write32(DATA, 0x600d_da7a);
                for mode in Mode::PRIVILEGED {
                    let code = access(operation, false, isa);
                    Run::new(code).mode(mode).r(1, value).go().check(c, Kind::Done, &[(1, value)]);
                }
                let code = access(operation, false, isa);
                Run::new(code).mode(Mode::Usr).r(1, value).go().check(c, Kind::Und, &[(1, value)]);
                c.eq("memory", mmio::read32(DATA), 0x600d_da7a);
            });
        }
    }
}

/// Barriers and hints, by CP15 too, in every mode.
fn barriers() {
    let codes: [(&str, [Code; 2]); 5] = [
        ("instructions", both!("dsb", "dmb", "isb", "dsb ishst", "dmb nsh")),
        (
            "cp15",
            [
                a32!(".inst 0xee070f95", ".inst 0xee070f9a", ".inst 0xee070fba"),
                t32!(".inst.w 0xee070f95", ".inst.w 0xee070f9a", ".inst.w 0xee070fba"),
            ],
        ),
        ("hints", both!("nop", "yield", "sev", "wfe", "dbg #3")),
        ("preload", both!(".arch_extension mp", "pld [r0]", "pli [r0]", "pldw [r0]")),
        ("clrex", both!("clrex")),
    ];
    for (name, codes) in codes {
        for code in codes {
            case!("cp15.barriers.{name}.{}", code.isa.name(); |c| {
                for mode in Mode::ALL {
                    for address in [DATA, 0, 0xffff_fffc, 0xfff0_0000] {
                        Run::new(code).mode(mode).r(0, address).go().check(c, Kind::Done, &[(0, address)]);
                    }
                }
            });
        }
    }
}
