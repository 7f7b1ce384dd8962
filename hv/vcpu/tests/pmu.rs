//! Performance monitors (DDI 0406C C12) with a clock in the test's hands.

use std::cell::Cell;

use nex_vcpu::{Access, Coord, Effect, Privilege, Profile, Vcpu};
use proptest::prelude::*;

const fn pm(crm: u8, opc2: u8) -> Coord {
    Coord::word(15, 9, 0, crm, opc2)
}

const CR: Coord = pm(12, 0);
const ENSET: Coord = pm(12, 1);
const ENCLR: Coord = pm(12, 2);
const OVSR: Coord = pm(12, 3);
const SWINC: Coord = pm(12, 4);
const SELR: Coord = pm(12, 5);
const CEID0: Coord = pm(12, 6);
const CCNTR: Coord = pm(13, 0);
const TYPER: Coord = pm(13, 1);
const EVCNTR: Coord = pm(13, 2);
const INTENSET: Coord = pm(14, 1);
const INTENCLR: Coord = pm(14, 2);

struct Machine {
    cpu: Vcpu,
    now: Cell<u64>,
}

impl Machine {
    fn new(profile: Profile) -> Self {
        Self { cpu: Vcpu::new(profile), now: Cell::new(u64::MAX - 50) }
    }

    fn read(&mut self, coord: Coord) -> u64 {
        match self.cpu.read_register(coord, &|| self.now.get()) {
            Access::Value(value) => value,
            other => panic!("{coord}: {other:?}"),
        }
    }

    fn write(&mut self, coord: Coord, value: u64) {
        let effect = self.cpu.write_register(coord, value, &|| self.now.get());
        assert!(matches!(effect, Effect::PmuChanged | Effect::None), "{coord}: {effect:?}");
    }

    /// The clock goes on; it wraps early in each test.
    fn pass(&mut self, cycles: u64) {
        self.now.set(self.now.get().wrapping_add(cycles));
    }

    fn interrupt(&mut self) -> bool {
        self.cpu.cp15.pmu.interrupt(self.now.get())
    }
}

#[test]
fn the_cycle_counter_counts_when_enabled() {
    for profile in [Profile::CORTEX_A15, Profile::CORTEX_A9] {
        let mut m = Machine::new(profile);
        m.pass(1000);
        assert_eq!(m.read(CCNTR), 0);
        m.write(CR, 1);
        m.pass(1000);
        assert_eq!(m.read(CCNTR), 0, "PMCR.E alone is not enough");
        m.write(ENSET, 1 << 31);
        m.pass(123);
        assert_eq!(m.read(CCNTR), 123);
        m.write(ENCLR, 1 << 31);
        m.pass(5);
        m.write(ENSET, 1 << 31);
        m.pass(7);
        assert_eq!(m.read(CCNTR), 130);
        m.write(CCNTR, 1000);
        m.pass(1);
        assert_eq!(m.read(CCNTR), 1001);
        m.write(CR, 0b101);
        m.pass(2);
        assert_eq!(m.read(CCNTR), 2, "PMCR.C cleared it");
        m.write(CR, 0);
        m.pass(9);
        assert_eq!(m.read(CCNTR), 2);
    }
}

#[test]
fn the_divider_counts_every_64th_cycle() {
    let mut m = Machine::new(Profile::CORTEX_A15);
    m.write(ENSET, 1 << 31);
    m.write(CR, 0b1001);
    for _ in 0..100 {
        m.pass(13);
        let _ = m.read(SELR);
    }
    assert_eq!(m.read(CCNTR), 1300 / 64, "no cycle is lost between two accesses");
}

#[test]
fn overflow_sets_its_bit_and_interrupts_when_enabled() {
    let mut m = Machine::new(Profile::CORTEX_A15);
    m.write(ENSET, 1 << 31);
    m.write(CR, 1);
    m.write(CCNTR, 0xffff_fff0);
    assert_eq!(m.cpu.cp15.pmu.cycles_to_interrupt(m.now.get()), None, "the interrupt is not enabled");
    m.write(INTENSET, 1 << 31);
    assert_eq!(m.cpu.cp15.pmu.cycles_to_interrupt(m.now.get()), Some(16));
    m.pass(15);
    assert!(!m.interrupt());
    m.pass(1);
    assert!(m.interrupt());
    assert_eq!((m.read(OVSR), m.read(CCNTR)), (1 << 31, 0));
    m.write(INTENCLR, 1 << 31);
    assert!(!m.interrupt());
    m.write(INTENSET, 1 << 31);
    m.write(OVSR, 0);
    assert!(m.interrupt(), "writing zero clears nothing");
    m.write(OVSR, 1 << 31);
    assert!(!m.interrupt());
}

#[test]
fn event_counters_count_cycles_and_software_increments() {
    for (profile, counters) in [(Profile::CORTEX_A15, 6), (Profile::CORTEX_A7, 4), (Profile::CORTEX_A9, 6)] {
        let mut m = Machine::new(profile);
        assert_eq!(m.read(CR) >> 11 & 0x1f, counters);
        for n in 0..counters {
            m.write(SELR, n);
            m.write(TYPER, if n % 2 == 0 { 0x11 } else { 0 });
        }
        m.write(ENSET, 0x7fff_fff7);
        assert_eq!(m.read(ENSET), ((1 << counters) - 1) & !8, "counters that there are");
        m.write(CR, 1);
        m.pass(50);
        m.write(SWINC, 0xffff_ffff);
        m.write(SWINC, 2);
        let mut counts = Vec::new();
        for n in 0..8 {
            m.write(SELR, n);
            counts.push(m.read(EVCNTR));
        }
        let expected: &[u64] =
            if counters == 6 { &[50, 2, 50, 0, 50, 1, 0, 0] } else { &[50, 2, 50, 0, 0, 0, 0, 0] };
        assert_eq!(counts, expected);
        m.write(CR, 0b11);
        m.write(SELR, 1);
        assert_eq!(m.read(EVCNTR), 0, "PMCR.P cleared it");
    }
    assert_eq!(Machine::new(Profile::CORTEX_A15).read(CEID0), 1 << 0x11 | 1, "the events that count");
}

#[test]
fn software_increments_overflow() {
    let mut m = Machine::new(Profile::CORTEX_A9);
    m.write(SELR, 3);
    m.write(TYPER, 0);
    m.write(EVCNTR, 0xffff_ffff);
    m.write(ENSET, 8);
    m.write(SWINC, 8);
    assert_eq!(m.read(EVCNTR), 0xffff_ffff, "PMCR.E is off");
    m.write(CR, 1);
    m.write(SWINC, 8);
    assert_eq!((m.read(EVCNTR), m.read(OVSR)), (0, 8));
}

#[test]
fn filters_by_privilege() {
    let mut m = Machine::new(Profile::CORTEX_A15);
    m.write(SELR, 31);
    m.write(TYPER, 1 << 31);
    assert_eq!(m.read(TYPER), 1 << 31, "PMSELR 31: the cycle counter's filter");
    m.write(SELR, 0);
    m.write(TYPER, 1 << 30 | 0x11);
    m.write(ENSET, 1 << 31 | 1);
    assert!(!m.cpu.cp15.pmu.filters());
    m.write(CR, 1);
    assert!(m.cpu.cp15.pmu.filters());
    m.pass(10);
    m.cpu.cp15.pmu.privilege_changed(Privilege::Pl0, m.now.get());
    m.pass(300);
    m.cpu.cp15.pmu.privilege_changed(Privilege::Pl1, m.now.get());
    assert_eq!((m.read(CCNTR), m.read(EVCNTR)), (300, 10));
    // PMUv1 has no filters.
    let mut m = Machine::new(Profile::CORTEX_A9);
    m.write(SELR, 0);
    m.write(TYPER, 0xffff_ffff);
    assert_eq!(m.read(TYPER), 0xff);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Looking at a counter in between changes nothing, and the forecast of an overflow is exact.
    #[test]
    fn forecasts_are_exact(start: u32, divided: bool, steps in proptest::collection::vec(0_u64..1 << 30, 0..8)) {
        let mut m = Machine::new(Profile::CORTEX_A7);
        m.write(ENSET, 1 << 31);
        m.write(INTENSET, 1 << 31);
        m.write(CR, if divided { 0b1001 } else { 1 });
        m.write(CCNTR, start.into());
        let mut total = u128::from(start) * if divided { 64 } else { 1 };
        for step in steps {
            if m.interrupt() {
                break;
            }
            let left = m.cpu.cp15.pmu.cycles_to_interrupt(m.now.get()).unwrap();
            m.pass(step);
            total += u128::from(step);
            prop_assert_eq!(m.interrupt(), step >= left);
            let count = total / if divided { 64 } else { 1 };
            prop_assert_eq!(m.read(CCNTR), (count & 0xffff_ffff) as u64);
        }
        if !m.interrupt() {
            let left = m.cpu.cp15.pmu.cycles_to_interrupt(m.now.get()).unwrap();
            m.pass(left - 1);
            prop_assert!(!m.interrupt());
            m.pass(1);
            prop_assert!(m.interrupt());
        }
    }
}
