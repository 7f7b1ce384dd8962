//! CP14 and CP15: masks, access rules and effects, register by register. `--nocapture` prints the list of registers.

mod common;

use common::{NOW, all_coords, in_user_mode, profiles, read, word, works, write};
use nex_vcpu::cp15::{Barrier, sctlr};
use nex_vcpu::{
    Access, CacheOp, Coord, Cp15, Denied, Effect, MmuChange, Mode, Profile, TimerReg, TlbFlush, Vcpu,
};

/// Registers that hold what is written: coordinate, mask of writable bits, bits that are always one.
const MASKS: &[(&str, u64, u64)] = &[
    ("p14 0 c1 c3 4", 1, 0),
    ("p14 6 c0 c0 0", 1, 0),
    ("p14 6 c1 c0 0", 0xffff_ffff, 0),
    ("p15 2 c0 c0 0", 0xf, 0),
    ("p15 0 c1 c0 0", 0x7218_3c07, 0x00c5_0078),
    ("p15 0 c1 c0 1", 0x40, 0),
    ("p15 0 c1 c0 2", 0xc0f0_0000, 0),
    ("p15 0 c2 c0 0", 0xffff_ffff, 0),
    ("p15 0 c2 c0 1", 0xffff_ffff, 0),
    ("p15 0 c3 c0 0", 0xffff_ffff, 0),
    ("p15 0 c5 c0 0", 0xffff_ffff, 0),
    ("p15 0 c5 c0 1", 0xffff_ffff, 0),
    ("p15 0 c6 c0 0", 0xffff_ffff, 0),
    ("p15 0 c6 c0 2", 0xffff_ffff, 0),
    ("p15 0 c7 c4 0", 0xffff_ffff, 0),
    ("p15 0 c10 c2 0", 0xffff_ffff, 0),
    ("p15 0 c10 c2 1", 0xffff_ffff, 0),
    ("p15 0 c12 c0 0", 0xffff_ffe0, 0),
    ("p15 0 c13 c0 1", 0xffff_ffff, 0),
    ("p15 0 c13 c0 2", 0xffff_ffff, 0),
    ("p15 0 c13 c0 3", 0xffff_ffff, 0),
    ("p15 0 c13 c0 4", 0xffff_ffff, 0),
    ("p15 0 c14 c1 0", 0x3ff, 0),
    ("p15 0 c2", u64::MAX, 0),
    ("p15 1 c2", u64::MAX, 0),
    ("p15 0 c7", u64::MAX, 0),
];

/// Read as what the profile says or as zero, whatever is written, or have rules of their own (tested elsewhere).
fn has_rules_of_its_own(coord: Coord, name: &str) -> bool {
    let text = coord.to_string();
    text == "p15 0 c2 c0 2" || name.starts_with("PM") || name.starts_with("CNT") && name != "CNTKCTL"
}

#[test]
fn every_register_reads_back_through_its_mask() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    let list: Vec<_> = cpu.cp15.registers().collect();
    let mut holding = 0;
    for info in list.iter().filter(|info| info.read && info.write) {
        let text = info.coord.to_string();
        if has_rules_of_its_own(info.coord, info.name) {
            continue;
        }
        let reset = read(&mut cpu, &text);
        let known = MASKS.iter().find(|(coord, ..)| *coord == text);
        holding += usize::from(known.is_some());
        for value in [u64::MAX, 0, 0x1234_5678_9abc_def0, 0xedcb_a987_6543_210f, u64::MAX] {
            let effect = write(&mut cpu, &text, value);
            assert!(!matches!(effect, Effect::Denied(_)), "{text}");
            let expected = known.map_or(reset, |(_, mask, ones)| value & mask | ones);
            assert_eq!(read(&mut cpu, &text), expected, "{} {text} <- {value:#x}", info.name);
        }
        let _ = write(&mut cpu, &text, reset);
    }
    assert_eq!(holding, MASKS.len());
}

#[test]
fn writing_one_register_changes_no_other() {
    let fresh = Vcpu::new(Profile::CORTEX_A15);
    let list: Vec<_> = fresh.cp15.registers().collect();
    // The same register by two coordinates, or a register that shows another's bank.
    let shared = [["TTBR0", "TTBR0"], ["TTBR1", "TTBR1"], ["PAR", "PAR"], ["CSSELR", "CCSIDR"]];
    let linked = |a: &str, b: &str| {
        shared.iter().any(|pair| pair[0] == a && pair[1] == b)
            || a.starts_with("PM") && b.starts_with("PM")
            || a.starts_with("DBGOSLAR") && b.starts_with("DBGOSLSR")
    };
    let value = |cpu: &mut Vcpu, coord| match cpu.read_register(coord, &NOW) {
        Access::Value(value) => value,
        _ => 0,
    };
    for written in list.iter().filter(|info| info.write) {
        let mut cpu = fresh.clone();
        let _ = cpu.write_register(written.coord, 0xc5ac_ce55, &NOW);
        for other in list.iter().filter(|info| info.coord != written.coord) {
            if !linked(written.name, other.name) {
                let before = value(&mut fresh.clone(), other.coord);
                assert_eq!(value(&mut cpu, other.coord), before, "{} changed {}", written.name, other.name);
            }
        }
        assert_eq!(cpu.regs, fresh.regs);
    }
}

#[test]
fn everything_else_is_unknown() {
    for (core, profile) in profiles() {
        let cpu = Vcpu::new(profile);
        let offered: Vec<_> = cpu.cp15.registers().map(|info| info.coord).collect();
        let mut unknown = 0;
        for coord in all_coords().filter(|coord| !offered.contains(coord)) {
            let mut cpu = cpu.clone();
            let got = (cpu.read_register(coord, &NOW), cpu.write_register(coord, 1, &NOW));
            let text = coord.to_string();
            if text.starts_with("p15 0 c0 c") && coord > word("p15 0 c0 c2 5") && !coord.is_pair() {
                // Reserved for identification.
                if got.0 == Access::Value(0) {
                    assert_eq!(got.1, Effect::Denied(Denied::ReadOnly), "{text}");
                    continue;
                }
            }
            if coord.crn() == 15 && coord.coprocessor() == 15 && core != "a9" {
                assert_eq!(got, (Access::Value(0), Effect::None), "{core} {text}");
                assert_eq!(works(&cpu, coord)[2..], [false, false]);
                continue;
            }
            unknown += 1;
            let denied = Denied::Unknown;
            assert_eq!(got, (Access::Denied(denied), Effect::Denied(denied)), "{core} {text}");
        }
        assert!(unknown > 32_000 - 1100, "{core}: {unknown}");
    }
}

#[test]
fn directions_and_privilege_are_told_apart() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    assert_eq!(write(&mut cpu, "p15 0 c0 c0 0", 0), Effect::Denied(Denied::ReadOnly));
    assert_eq!(cpu.read_register(word("p15 0 c8 c7 0"), &NOW), Access::Denied(Denied::WriteOnly));
    let mut user = in_user_mode(&cpu);
    assert_eq!(user.read_register(word("p15 0 c1 c0 0"), &NOW), Access::Denied(Denied::Privilege));
    assert_eq!(write(&mut user, "p15 0 c13 c0 3", 0), Effect::Denied(Denied::Privilege));
    assert_eq!(user.read_register(word("p15 0 c1 c1 0"), &NOW), Access::Denied(Denied::Unknown));
    for denied in [Denied::Unknown, Denied::Privilege, Denied::WriteOnly, Denied::ReadOnly] {
        assert!(denied.to_string().len() > 10);
    }
}

#[test]
fn user_mode_has_only_these() {
    let user = in_user_mode(&Vcpu::new(Profile::CORTEX_A15));
    let mut open: Vec<_> = all_coords()
        .filter(|coord| works(&user, *coord)[2..] != [false, false])
        .map(|coord| (coord.to_string(), Cp15::name(coord).unwrap()))
        .collect();
    open.sort();
    let expected = [
        ("p14 0 c0 c0 0", "DBGDIDR"),
        ("p14 0 c0 c1 0", "DBGDSCRint"),
        ("p14 0 c0 c5 0", "DBGDTRTX/RXint"),
        ("p14 0 c1", "DBGDRAR"),
        ("p14 0 c1 c0 0", "DBGDRAR"),
        ("p14 0 c2", "DBGDSAR"),
        ("p14 0 c2 c0 0", "DBGDSAR"),
        ("p14 6 c1 c0 0", "TEEHBR"),
        ("p15 0 c13 c0 2", "TPIDRURW"),
        ("p15 0 c13 c0 3", "TPIDRURO"),
        ("p15 0 c7 c10 4", "CP15DSB"),
        ("p15 0 c7 c10 5", "CP15DMB"),
        ("p15 0 c7 c5 4", "CP15ISB"),
        ("p15 0 c9 c14 0", "PMUSERENR"),
    ];
    let open: Vec<_> = open.iter().map(|(text, name)| (text.as_str(), *name)).collect();
    assert_eq!(open, expected);
}

#[test]
fn control_registers_open_more_to_user_mode() {
    // B8.1.2: each bit of CNTKCTL and what it opens, read and write.
    let timer = |bit: u64, coord: &str| {
        let mut cpu = Vcpu::new(Profile::CORTEX_A15);
        let _ = write(&mut cpu, "p15 0 c14 c1 0", bit);
        works(&cpu, word(coord))[2..].to_vec()
    };
    let counters = ["p15 0 c14", "p15 1 c14"];
    let physical = ["p15 0 c14 c2 0", "p15 0 c14 c2 1", "p15 2 c14"];
    let virt = ["p15 0 c14 c3 0", "p15 0 c14 c3 1", "p15 3 c14"];
    for bit in (0..10).map(|bit| 1_u64 << bit) {
        assert_eq!(timer(bit, counters[0]), [bit == 1, false]);
        assert_eq!(timer(bit, counters[1]), [bit == 2, false]);
        assert_eq!(timer(bit, "p15 0 c14 c0 0"), [bit <= 2, false], "CNTFRQ");
        for (p, v) in physical.into_iter().zip(virt) {
            assert_eq!(timer(bit, p), [bit == 0x200; 2]);
            assert_eq!(timer(bit, v), [bit == 0x100; 2]);
        }
        assert_eq!(timer(bit, "p15 0 c14 c1 0"), [false; 2], "CNTKCTL itself");
    }
    // C12.5: PMUSERENR.EN.
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    let _ = write(&mut cpu, "p15 0 c9 c14 0", 1);
    let expected = [
        ("p15 0 c9 c12 0", [true, true]),
        ("p15 0 c9 c12 4", [false, true]),
        ("p15 0 c9 c12 6", [true, false]),
        ("p15 0 c9 c13 0", [true, true]),
        ("p15 0 c9 c14 0", [true, false]),
        ("p15 0 c9 c14 1", [false, false]),
        ("p15 0 c9 c14 2", [false, false]),
    ];
    for (coord, open) in expected {
        assert_eq!(works(&cpu, word(coord))[2..], open, "{coord}");
    }
    // TEECR.XED closes TEEHBR.
    let _ = write(&mut cpu, "p14 6 c0 c0 0", 1);
    assert_eq!(works(&cpu, word("p14 6 c1 c0 0")), [true, true, false, false]);
}

#[test]
fn effects() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    let flush = |flush, inner_shareable| Effect::TlbFlush { flush, inner_shareable };
    let page = TlbFlush::Page { va: 0x1234_5000, asid: 0x78 };
    let every = TlbFlush::PageAllAsids { va: 0x1234_5000 };
    let cases = [
        ("p15 0 c8 c3 0", flush(TlbFlush::All, true)),
        ("p15 0 c8 c3 1", flush(page, true)),
        ("p15 0 c8 c3 2", flush(TlbFlush::Asid(0x78), true)),
        ("p15 0 c8 c3 3", flush(every, true)),
        ("p15 0 c8 c5 1", flush(page, false)),
        ("p15 0 c8 c6 2", flush(TlbFlush::Asid(0x78), false)),
        ("p15 0 c8 c7 0", flush(TlbFlush::All, false)),
        ("p15 0 c8 c7 3", flush(every, false)),
        ("p15 0 c7 c8 0", Effect::AddressTranslate { va: 0x1234_5678, user: false, write: false }),
        ("p15 0 c7 c8 1", Effect::AddressTranslate { va: 0x1234_5678, user: false, write: true }),
        ("p15 0 c7 c8 2", Effect::AddressTranslate { va: 0x1234_5678, user: true, write: false }),
        ("p15 0 c7 c8 3", Effect::AddressTranslate { va: 0x1234_5678, user: true, write: true }),
        ("p15 0 c7 c5 4", Effect::Barrier(Barrier::Isb)),
        ("p15 0 c7 c10 4", Effect::Barrier(Barrier::Dsb)),
        ("p15 0 c7 c10 5", Effect::Barrier(Barrier::Dmb)),
        ("p15 0 c7 c0 4", Effect::None),
        ("p15 0 c7 c13 1", Effect::None),
        ("p15 0 c3 c0 0", Effect::DacrChanged),
        ("p15 0 c3 c0 0", Effect::None),
        ("p15 0 c2 c0 0", Effect::MmuChanged(MmuChange::Ttbr0)),
        ("p15 0 c2 c0 0", Effect::None),
        ("p15 0 c2 c0 1", Effect::MmuChanged(MmuChange::Ttbr1)),
        ("p15 0 c10 c2 1", Effect::MmuChanged(MmuChange::Remap)),
        ("p15 0 c13 c0 1", Effect::AsidChanged),
        ("p15 0 c13 c0 1", Effect::None),
        ("p15 0 c13 c0 2", Effect::ThreadIdChanged),
        ("p15 0 c13 c0 3", Effect::ThreadIdChanged),
        ("p15 0 c13 c0 4", Effect::None),
        ("p15 0 c14 c1 0", Effect::CounterAccessChanged),
        ("p15 0 c1 c0 2", Effect::VfpChanged),
        ("p15 0 c9 c12 0", Effect::PmuChanged),
        ("p15 0 c14 c3 1", Effect::TimerWrite { reg: TimerReg::VCtl, value: 0x1234_5678 }),
        ("p14 6 c1 c0 0", Effect::ThumbEeChanged),
    ];
    for (coord, expected) in cases {
        assert_eq!(write(&mut cpu, coord, 0x1234_5678), expected, "{coord}");
    }
    let cval = Effect::TimerWrite { reg: TimerReg::PCval, value: 1 << 40 };
    assert_eq!(write(&mut cpu, "p15 2 c14", 1 << 40), cval);
    assert_eq!(cpu.read_register(word("p15 1 c14"), &NOW), Access::Timer(TimerReg::Vct));
    // The upper 24 bits of CONTEXTIDR are nobody's business but the guest's.
    assert_eq!(write(&mut cpu, "p15 0 c13 c0 1", 0xffff_ff78), Effect::None);
    assert_eq!(read(&mut cpu, "p15 0 c13 c0 1"), 0xffff_ff78);
}

#[test]
fn cache_operations_carry_their_operand() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A9);
    let cases = [
        ("p15 0 c7 c1 0", CacheOp::IciAllUis, false, false),
        ("p15 0 c7 c1 6", CacheOp::BpiAllIs, false, false),
        ("p15 0 c7 c5 0", CacheOp::IciAllU, false, false),
        ("p15 0 c7 c5 1", CacheOp::IciMvaU, true, false),
        ("p15 0 c7 c5 6", CacheOp::BpiAll, false, false),
        ("p15 0 c7 c5 7", CacheOp::BpiMva, true, false),
        ("p15 0 c7 c6 1", CacheOp::DciMvaC, true, false),
        ("p15 0 c7 c6 2", CacheOp::DciSw, false, true),
        ("p15 0 c7 c10 1", CacheOp::DccMvaC, true, false),
        ("p15 0 c7 c10 2", CacheOp::DccSw, false, true),
        ("p15 0 c7 c11 1", CacheOp::DccMvaU, true, false),
        ("p15 0 c7 c14 1", CacheOp::DcciMvaC, true, false),
        ("p15 0 c7 c14 2", CacheOp::DcciSw, false, true),
    ];
    for (coord, op, address, set_way) in cases {
        assert_eq!(write(&mut cpu, coord, 0xffff_ffff), Effect::CacheOp { op, operand: 0xffff_ffff });
        assert_eq!((op.by_address(), op.by_set_way()), (address, set_way), "{op:?}");
    }
}

#[test]
fn sctlr_says_which_bits_changed() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    let sctlr = "p15 0 c1 c0 0";
    assert_eq!(write(&mut cpu, sctlr, 0), Effect::None, "fixed bits stay");
    assert_eq!(read(&mut cpu, sctlr), 0x00c5_0078);
    let on = sctlr::M | sctlr::C | sctlr::I | sctlr::V;
    let Effect::Sctlr { changed } = write(&mut cpu, sctlr, on.into()) else { panic!() };
    assert_eq!(
        (changed, changed & sctlr::TRANSLATION, changed & sctlr::EXCEPTIONS),
        (on, sctlr::M, sctlr::V)
    );
    assert_eq!(write(&mut cpu, sctlr, on.into()), Effect::None);
    // WXN and UWXN come with long descriptors.
    for (profile, bits) in [
        (Profile::CORTEX_A15, 0x0018_0000),
        (Profile::CORTEX_A9, 0),
        (Profile::CORTEX_A9.offer_lpae(), 0x0018_0000),
    ] {
        let mut cpu = Vcpu::new(profile);
        let _ = write(&mut cpu, sctlr, 0xffff_ffff);
        assert_eq!(read(&mut cpu, sctlr), 0x72c5_3c7f | bits);
    }
}

#[test]
fn ttbcr_and_asid_by_descriptor_format() {
    let ttbcr = "p15 0 c2 c0 2";
    for (profile, long) in
        [(Profile::CORTEX_A15, true), (Profile::CORTEX_A9, false), (Profile::CORTEX_A9.offer_lpae(), true)]
    {
        let mut cpu = Vcpu::new(profile);
        assert_eq!(write(&mut cpu, ttbcr, 0x7fff_ffff), Effect::MmuChanged(MmuChange::Ttbcr));
        assert_eq!(read(&mut cpu, ttbcr), 7, "only N without EAE");
        let _ = write(&mut cpu, ttbcr, 0xffff_ffff);
        assert_eq!(read(&mut cpu, ttbcr), if long { 0xffc7_3f87 } else { 7 });
        assert_eq!(cpu.cp15.long_descriptors(), long);
        assert_eq!(works(&cpu, word("p15 0 c2"))[0], long, "64-bit TTBR0");
    }
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    let _ = write(&mut cpu, "p15 0 c13 c0 1", 0x42);
    let _ = write(&mut cpu, "p15 0 c2", 0x0011_0000_4000_0000);
    let _ = write(&mut cpu, "p15 1 c2", 0x0022_0000_4000_0000);
    assert_eq!(cpu.cp15.asid(), 0x42);
    let _ = write(&mut cpu, ttbcr, 1 << 31);
    assert_eq!(cpu.cp15.asid(), 0x11);
    let _ = write(&mut cpu, ttbcr, 1 << 31 | 1 << 22);
    assert_eq!(cpu.cp15.asid(), 0x22);
    assert_eq!(write(&mut cpu, "p15 0 c13 c0 1", 0x43), Effect::None, "not the ASID now");
    // A 32-bit write leaves the upper half of TTBR and PAR alone.
    let _ = write(&mut cpu, "p15 0 c2 c0 0", 0x8000_0000);
    assert_eq!(
        (read(&mut cpu, "p15 0 c2"), read(&mut cpu, "p15 0 c2 c0 0")),
        (0x0011_0000_8000_0000, 0x8000_0000)
    );
    let _ = write(&mut cpu, "p15 0 c7", 0xff00_0000_8000_0800);
    let _ = write(&mut cpu, "p15 0 c7 c4 0", 1);
    assert_eq!(cpu.cp15.par, 0xff00_0000_0000_0001);
}

#[test]
fn identification_agrees_with_what_is_offered() {
    let mmfr0 = |profile: Profile| read(&mut Vcpu::new(profile), "p15 0 c0 c1 4");
    assert_eq!(mmfr0(Profile::CORTEX_A9.offer_lpae()), 0x0010_0103);
    assert_eq!(mmfr0(Profile::CORTEX_A9.name_lpae()), 0x0010_0105);
    assert_eq!(mmfr0(Profile::CORTEX_A15.name_lpae()), mmfr0(Profile::CORTEX_A15));
    let a9 = Profile::CORTEX_A9.offer_lpae().offer_generic_timer();
    let mut cpu = Vcpu::new(a9);
    assert_eq!(read(&mut cpu, "p15 0 c0 c1 4") & 0xf, 3, "ID_MMFR0.VMSA: no atomic LDRD");
    assert_eq!(read(&mut cpu, "p15 0 c0 c1 1"), 0x0001_0001, "generic timer; no Security, no Virtualization");
    assert!(works(&cpu, word("p15 1 c14"))[0]);
    assert_eq!(read(&mut cpu, "p14 0 c0 c0 0"), 0x0104_0000, "DBGDIDR: baseline registers only");
    for (_, profile) in profiles() {
        let mut cpu = Vcpu::new(profile);
        let pfr1 = read(&mut cpu, "p15 0 c0 c1 1");
        let dfr0 = read(&mut cpu, "p15 0 c0 c1 2");
        assert_eq!(pfr1 & 0xf0f0, 0);
        assert_eq!(dfr0 & 0xf_ff00, 0, "nothing memory-mapped, no trace");
        assert_eq!(pfr1 >> 16 & 1 == 1, works(&cpu, word("p15 0 c14 c0 0"))[0]);
        assert_eq!(read(&mut cpu, "p15 0 c0 c1 4") & 0xf == 5, works(&cpu, word("p15 0 c2"))[0]);
        assert_eq!(dfr0 & 0xf == 5, works(&cpu, word("p14 0 c1 c1 4"))[0], "extended debug registers");
        assert_eq!(dfr0 >> 24 & 0xf >= 2, works(&cpu, word("p15 0 c9 c12 6"))[0], "PMCEID0");
    }
    let mut cpu = Vcpu::new(Profile::CORTEX_A15.numbered(0, 1));
    assert_eq!(read(&mut cpu, "p15 0 c0 c0 5"), 0xc000_0000, "one CPU: U is set");
    assert_eq!(read(&mut cpu, "p15 1 c9 c0 2"), 0x0080_0000);
    assert_eq!(read(&mut cpu, "p15 4 c15 c0 0"), 0x0800_0000, "CBAR");
    let mut cpu = Vcpu::new(Profile::CORTEX_A15.numbered(2, 4));
    assert_eq!(read(&mut cpu, "p15 0 c0 c0 5"), 0x8000_0002);
    assert_eq!(read(&mut cpu, "p15 1 c9 c0 2"), 0x0380_0000);
    assert_eq!(read(&mut cpu, "p14 0 c0 c0 0"), 0x0105_0040, "variant and revision of r4p0");
    assert_eq!(Profile::for_host(0x412f_c0f1).map(|p| (p.midr, p.lpae)), Some((0x412f_c0f1, true)));
    assert_eq!(Profile::for_host(0x411f_c090).map(|p| (p.core, p.lpae)), Some((nex_vcpu::Core::A9, false)));
    assert_eq!(Profile::for_host(0x410f_c080), None, "Cortex-A8");
}

#[test]
fn cache_lines_are_those_of_ctr() {
    for (_, profile) in profiles() {
        let before = profile.clone();
        let profile = profile.with_cache_lines(10);
        assert_eq!(profile.ctr, before.ctr & !0x000f_000f | 0x000a_000a);
        assert_eq!(profile.ccsidr, before.ccsidr);
    }
}

#[test]
fn cache_geometry_by_csselr() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    let geometry = [0x701f_e00a, 0x201f_e00a, 0x711f_e07a, 0];
    for (select, expected) in [0, 1, 2, 15].into_iter().zip(geometry) {
        let _ = write(&mut cpu, "p15 2 c0 c0 0", select);
        assert_eq!(read(&mut cpu, "p15 1 c0 c0 0"), expected);
    }
}

#[test]
fn isr_shows_what_waits() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    cpu.pending.irq = true;
    assert_eq!(read(&mut cpu, "p15 0 c12 c1 0"), 0x80);
    cpu.pending.fiq = true;
    assert_eq!(read(&mut cpu, "p15 0 c12 c1 0"), 0xc0);
}

#[test]
fn the_os_lock_locks() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    let (oslar, oslsr) = ("p14 0 c1 c0 4", "p14 0 c1 c1 4");
    assert_eq!(read(&mut cpu, oslsr), 0b1000);
    let _ = write(&mut cpu, oslar, 0xc5ac_ce55);
    assert_eq!(read(&mut cpu, oslsr), 0b1010);
    let _ = write(&mut cpu, oslar, 0);
    assert_eq!(read(&mut cpu, oslsr), 0b1000);
    assert_eq!(read(&mut cpu, "p14 0 c1 c5 4"), 1, "powered up");
}

#[test]
fn fault_registers() {
    let mut cpu = Vcpu::new(Profile::CORTEX_A15);
    cpu.cp15.set_data_fault(0x805, Some(0xdead_0000));
    cpu.cp15.set_prefetch_fault(0x7, 0xbeef_0000);
    let got = ["p15 0 c5 c0 0", "p15 0 c6 c0 0", "p15 0 c5 c0 1", "p15 0 c6 c0 2"].map(|c| read(&mut cpu, c));
    assert_eq!(got, [0x805, 0xdead_0000, 7, 0xbeef_0000]);
    cpu.cp15.set_data_fault(0x406, None);
    assert_eq!(read(&mut cpu, "p15 0 c6 c0 0"), 0xdead_0000);
}

#[test]
fn privilege_is_the_modes() {
    for mode in Mode::ALL {
        let mut cpu = Vcpu::new(Profile::CORTEX_A15);
        cpu.regs.switch_mode(mode);
        let open = matches!(cpu.read_register(word("p15 0 c13 c0 4"), &NOW), Access::Value(0));
        assert_eq!(open, mode != Mode::Usr);
    }
}

#[test]
fn the_list_is_sorted_and_named() {
    let profile = Profile::CORTEX_A9.offer_lpae().offer_generic_timer();
    for profile in [Profile::CORTEX_A15, profile] {
        let cp15 = Cp15::new(profile.clone());
        let list: Vec<_> = cp15.registers().collect();
        assert!(list.windows(2).all(|pair| pair[0].coord < pair[1].coord));
        println!("{:?}: {} registers", profile.core, list.len());
        for info in &list {
            let access = |yes: bool, letter: char| if yes { letter } else { '-' };
            println!(
                "{:<16} {}{} {}{} {}",
                info.coord.to_string(),
                access(info.read, 'r'),
                access(info.write, 'w'),
                access(info.user_read, 'r'),
                access(info.user_write, 'w'),
                info.name
            );
            assert_eq!(Cp15::name(info.coord), Some(info.name));
            assert!(info.read || info.write);
        }
    }
}
