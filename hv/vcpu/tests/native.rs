//! Every coordinate of CP14 and CP15 against what QEMU answers natively, and the differences with their reasons.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{profiles, read, word, works, write};
use nex_vcpu::{Coord, Cp15, Vcpu};

struct Native {
    works: [bool; 4],
    reset: Option<u32>,
    ones: Option<u32>,
}

/// What QEMU does, from the file beside this one.
fn natives(core: &str) -> BTreeMap<Coord, Native> {
    let mut natives = BTreeMap::new();
    for line in include_str!("qemu-7.2.txt").lines().filter(|line| line.starts_with(&format!("{core} "))) {
        let mut parts: Vec<_> = line.split_whitespace().skip(1).collect();
        let hex = |part: &str| u32::from_str_radix(part, 16).ok();
        // Only word registers have values, and so eight parts.
        let values = if parts.len() == 8 { parts.split_off(6) } else { Vec::new() };
        let works: Vec<_> = parts.pop().unwrap().bytes().map(|digit| digit == b'0').collect();
        let native = Native {
            works: works.try_into().unwrap(),
            reset: values.first().and_then(|part| hex(part)),
            ones: values.get(1).and_then(|part| hex(part)),
        };
        natives.insert(word(&parts.join(" ")), native);
    }
    assert!(natives.len() > 140, "{core}: {}", natives.len());
    natives
}

/// Where we differ from QEMU in access, and why.
const ACCESS_DIFFERS: &[(&str, &str)] = &[
    ("p14 0 c0 c1 0", "DBGDSCRint is open to PL0 unless DBGDSCR.UDCCdis (C11.11.20)"),
    ("p14 0 c0 c1 6", "watchpoint 1 is not claimed"),
    ("p14 0 c0 c1 7", "watchpoint 1 is not claimed"),
    ("p14 0 c0 c2 0", "DBGDCCINT is ARMv8"),
    ("p14 0 c7 c0 0", "DBGDEVID0 to 2 as QEMU misplaces them"),
    ("p14 0 c7 c0 1", "the same"),
    ("p14 0 c7 c0 2", "the same"),
    ("p15 0 c6 c0 1", "WFAR is ARMv6"),
    ("p15 0 c14 c15 7", "PMCCFILTR is ARMv8"),
];

fn access_may_differ(core: &str, coord: Coord) -> bool {
    let text = coord.to_string();
    // Breakpoints 2 to 5 and watchpoints 2 and 3 (1 is in the list), which DBGDIDR does not claim; on Cortex-A9, whose debug architecture
    // has the baseline CP14 registers only, all extended ones.
    let extended_debug = text.starts_with("p14 0 c0 ") || text.starts_with("p14 0 c1 ");
    let beyond = (2..6).any(|crm| (4..8).any(|opc2| text == format!("p14 0 c0 c{crm} {opc2}")));
    // ARMv8's per-counter PMU registers, c14 c8 to c15.
    let v8_pmu = (8..16).any(|n| text.starts_with(&format!("p15 0 c14 c{n} ")));
    ACCESS_DIFFERS.iter().any(|(differs, _)| *differs == text)
        || beyond
        || v8_pmu
        || core == "a9" && extended_debug
}

#[test]
fn access_is_as_in_qemu_but_for_listed_differences() {
    for (core, profile) in profiles() {
        let cpu = Vcpu::new(profile);
        for (coord, native) in natives(core) {
            if !access_may_differ(core, coord) {
                assert_eq!(works(&cpu, coord), native.works, "{core} {coord} {:?}", Cp15::name(coord));
            } else if core == "a15" {
                assert_ne!(works(&cpu, coord), native.works, "{coord} is listed and does not differ");
            }
        }
    }
}

/// What no QEMU of that kind has, and why it is here.
const ADDED: &[(&str, &str)] = &[
    ("p14 0 c0 c5 0", "DBGDTRTXint and DBGDTRRXint are baseline debug registers"),
    ("p14 0 c1 c4 4", "DBGPRCR, debug v7.1"),
    ("p14 0 c1 c5 4", "DBGPRSR, debug v7.1"),
    ("p14 0 c7 c14 6", "DBGAUTHSTATUS, debug v7.1"),
    ("p15 0 c7 c0 4", "left out of QEMU's list by the probe: WFI of ARMv6, a no-op"),
    ("p15 0 c9 c12 6", "PMCEID0: PMUv2 has it"),
    ("p15 0 c9 c12 7", "PMCEID1: PMUv2 has it"),
    ("p15 0 c10 c0 0", "TLB lockdown, left out of the list as part of a wildcard"),
];

#[test]
fn there_is_nothing_that_qemu_has_not_but_for_listed_additions() {
    for (core, profile) in profiles() {
        let cpu = Vcpu::new(profile);
        let natives = natives(core);
        for info in cpu.cp15.registers() {
            let text = info.coord.to_string();
            let added = ADDED.iter().any(|(added, _)| *added == text);
            assert_ne!(natives.contains_key(&info.coord), added, "{core} {text} {}", info.name);
        }
    }
}

/// Where values differ: (coordinate, why).
const VALUE_DIFFERS: &[(&str, &str)] = &[
    ("p14 0 c0 c0 0", "DBGDIDR claims the least"),
    ("p14 0 c0 c0 4", "breakpoints are not offered"),
    ("p14 0 c0 c0 5", "breakpoints are not offered"),
    ("p14 0 c0 c0 6", "breakpoints are not offered"),
    ("p14 0 c0 c0 7", "breakpoints are not offered"),
    ("p14 0 c0 c1 4", "breakpoints are not offered"),
    ("p14 0 c0 c1 5", "breakpoints are not offered"),
    ("p14 0 c0 c2 2", "DBGDSCR: debug cannot be switched on"),
    ("p14 0 c0 c7 0", "vector catch is not offered"),
    ("p15 0 c0 c1 2", "ID_DFR0 names what is there: no memory-mapped debug and trace; the A9's PMU"),
    ("p15 0 c1 c0 1", "ACTLR keeps SMP and FW"),
    ("p15 0 c7 c4 0", "PAR keeps all bits on the A9 as well"),
    ("p15 0 c9 c12 0", "PMCR.LC and LP are ARMv8"),
    ("p15 0 c9 c13 1", "PMXEVTYPER: 8 bits of event, P and U; QEMU has ARMv8's"),
    ("p15 4 c15 c0 0", "CBAR is the machine's; the A9 was on another than QEMU's virt"),
    ("p15 0 c13 c0 0", "FCSEIDR is RAZ/WI with the multiprocessing extensions"),
];

#[test]
fn values_are_as_in_qemu_but_for_listed_differences() {
    let mut differ = BTreeSet::new();
    for (core, profile) in profiles() {
        for (coord, native) in natives(core) {
            if access_may_differ(core, coord) {
                continue;
            }
            let text = coord.to_string();
            let mut cpu = Vcpu::new(profile.clone());
            let mut compare = |cpu: &mut Vcpu, expected: u32, when: &str| {
                let got = read(cpu, &text);
                if got != expected.into() {
                    let listed = VALUE_DIFFERS.iter().any(|(differs, _)| *differs == text);
                    assert!(listed, "{core} {text} {when}: {got:#010x}, natively {expected:#010x}");
                    differ.insert(text.clone());
                }
            };
            if let Some(reset) = native.reset {
                compare(&mut cpu, reset, "at reset");
            }
            if let Some(ones) = native.ones.filter(|_| native.works[..2] == [true, true]) {
                let _ = write(&mut cpu, &text, 0xffff_ffff);
                compare(&mut cpu, ones, "after writing ones");
            }
        }
    }
    let listed: BTreeSet<_> = VALUE_DIFFERS.iter().map(|(text, _)| (*text).to_owned()).collect();
    assert_eq!(differ, listed, "the list has nothing that does not differ");
}
