//! Shared by the tests of CP14 and CP15: coordinates as text, accesses, all coordinates there are.
#![allow(dead_code)] // Each test binary uses its own part.

use nex_vcpu::{Access, Coord, Effect, Profile, Psr, Vcpu};

pub(crate) const NOW: fn() -> u64 = || 0;

/// "p15 opc1 CRn CRm opc2" or "p15 opc1 CRm", as an assembler has them.
pub(crate) fn word(text: &str) -> Coord {
    let numbers: Vec<u8> =
        text.split_whitespace().map(|part| part.trim_start_matches(['p', 'c']).parse().unwrap()).collect();
    match numbers[..] {
        [cp, opc1, crn, crm, opc2] => Coord::word(cp, crn, opc1, crm, opc2),
        [cp, opc1, crm] => Coord::pair(cp, opc1, crm),
        _ => panic!("{text}"),
    }
}

pub(crate) fn read(cpu: &mut Vcpu, coord: &str) -> u64 {
    match cpu.read_register(word(coord), &NOW) {
        Access::Value(value) => value,
        other => panic!("{coord}: {other:?}"),
    }
}

pub(crate) fn write(cpu: &mut Vcpu, coord: &str, value: u64) -> Effect {
    cpu.write_register(word(coord), value, &NOW)
}

pub(crate) fn in_user_mode(cpu: &Vcpu) -> Vcpu {
    let mut cpu = cpu.clone();
    cpu.regs.exception_return(0, Psr(0x10));
    cpu
}

pub(crate) fn profiles() -> [(&'static str, Profile); 3] {
    [("a15", Profile::CORTEX_A15), ("a7", Profile::CORTEX_A7), ("a9", Profile::CORTEX_A9)]
}

pub(crate) fn all_coords() -> impl Iterator<Item = Coord> {
    let words = (0..1_u32 << 15).map(|n| {
        let field = |shift: u32, mask: u32| (n >> shift & mask) as u8;
        Coord::word(14 + field(14, 1), field(10, 15), field(7, 7), field(3, 15), field(0, 7))
    });
    let pairs = (14..16).flat_map(|cp| (0..=255_u8).map(move |n| Coord::pair(cp, n >> 4, n & 15)));
    words.chain(pairs)
}

/// Whether the read and the write work at PL1 and PL0, as the answers say.
pub(crate) fn works(cpu: &Vcpu, coord: Coord) -> [bool; 4] {
    let user = in_user_mode(cpu);
    let readable = |cpu: &Vcpu| !matches!(cpu.clone().read_register(coord, &NOW), Access::Denied(_));
    let writable = |cpu: &Vcpu| !matches!(cpu.clone().write_register(coord, 0, &NOW), Effect::Denied(_));
    [readable(cpu), writable(cpu), readable(&user), writable(&user)]
}
