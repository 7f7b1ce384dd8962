//! The GIC against a naive model: every interrupt by itself, everything recomputed at every look, straight from IHI
//! 0048B. Several vCPUs, both groups, targets, split end of interrupt.
#![allow(missing_docs)]

use std::collections::BTreeSet;

use nex_devices::Width;
use nex_devices::gicv2::Gic;
use proptest::prelude::*;

const CPUS: usize = 3;
/// INTIDs that the sequences use: all private ones and 32 SPIs.
const LINES: usize = 64;

#[derive(Clone, Default)]
struct Interrupt {
    enabled: bool,
    group: usize,
    priority: u32,
    edge: bool,
    level: bool,
    latch: bool,
    active: bool,
    targets: u32,
    sources: BTreeSet<usize>,
}

impl Interrupt {
    fn pending(&self) -> bool {
        self.latch || !self.sources.is_empty() || (self.level && !self.edge)
    }
}

#[derive(Clone)]
struct Interface {
    ctlr: u32,
    pmr: u32,
    bpr: u32,
    abpr: u32,
    /// Active levels of each group.
    levels: [BTreeSet<u32>; 2],
}

struct Model {
    dist: u32,
    private: Vec<Vec<Interrupt>>,
    shared: Vec<Interrupt>,
    cpu: Vec<Interface>,
}

impl Model {
    fn new() -> Model {
        let private = |intid| Interrupt { enabled: intid < 16, edge: intid < 16, ..Interrupt::default() };
        let interface =
            Interface { ctlr: 0, pmr: 0, bpr: 0, abpr: 1, levels: [BTreeSet::new(), BTreeSet::new()] };
        Model {
            dist: 0,
            private: vec![(0..32).map(private).collect(); CPUS],
            shared: vec![Interrupt::default(); LINES - 32],
            cpu: vec![interface; CPUS],
        }
    }

    fn get(&mut self, cpu: usize, intid: usize) -> &mut Interrupt {
        if intid < 32 { &mut self.private[cpu][intid] } else { &mut self.shared[intid - 32] }
    }

    fn group_priority(&self, cpu: usize, group: usize, priority: u32) -> u32 {
        let interface = &self.cpu[cpu];
        let own_point = group == 1 && interface.ctlr & 0x10 == 0;
        let lowest_bit = if own_point { interface.abpr } else { interface.bpr + 1 };
        priority >> lowest_bit << lowest_bit
    }

    fn running(&self, cpu: usize) -> Option<u32> {
        self.cpu[cpu].levels.iter().flatten().min().copied()
    }

    /// INTID, group, priority of the highest-priority pending interrupt that the CPU interface lets through.
    fn best(&self, cpu: usize) -> Option<(usize, usize, u32)> {
        let all = self.private[cpu].iter().chain(&self.shared).enumerate();
        let (intid, best) = all
            .filter(|(intid, i)| {
                i.enabled
                    && i.pending()
                    && !i.active
                    && self.dist >> i.group & 1 != 0
                    && (*intid < 32 || i.targets >> cpu & 1 != 0)
            })
            .min_by_key(|(intid, i)| (i.priority, *intid))?;
        let interface = &self.cpu[cpu];
        (best.priority < interface.pmr && interface.ctlr >> best.group & 1 != 0).then_some((
            intid,
            best.group,
            best.priority,
        ))
    }

    /// The IRQ and FIQ lines.
    fn lines(&self, cpu: usize) -> (bool, bool) {
        let Some((_, group, priority)) = self.best(cpu) else { return (false, false) };
        if self.running(cpu).is_some_and(|running| self.group_priority(cpu, group, priority) >= running) {
            return (false, false);
        }
        let fiq = group == 0 && self.cpu[cpu].ctlr & 8 != 0;
        (!fiq, fiq)
    }

    fn shown(&mut self, cpu: usize, alias: bool) -> Result<(usize, usize, u32, u32), u32> {
        let (intid, group, priority) = self.best(cpu).ok_or(1023u32)?;
        if alias && group == 0 {
            return Err(1023);
        }
        if !alias && group == 1 && self.cpu[cpu].ctlr & 4 == 0 {
            return Err(1022);
        }
        let source = self.get(cpu, intid).sources.first().copied().unwrap_or(0);
        Ok((intid, group, priority, (intid | source << 10) as u32))
    }

    fn pending_register(&mut self, cpu: usize, alias: bool) -> u32 {
        self.shown(cpu, alias).map_or_else(|id| id, |shown| shown.3)
    }

    fn acknowledge(&mut self, cpu: usize, alias: bool) -> u32 {
        let (intid, group, priority, answer) = match self.shown(cpu, alias) {
            Ok(shown) => shown,
            Err(id) => return id,
        };
        let level = self.group_priority(cpu, group, priority);
        if self.running(cpu).is_some_and(|running| level >= running) {
            return 1023;
        }
        self.cpu[cpu].levels[group].insert(level);
        let interrupt = self.get(cpu, intid);
        interrupt.active = true;
        interrupt.latch = false;
        interrupt.sources.pop_first();
        answer
    }

    fn end(&mut self, cpu: usize, value: u32, alias: bool) {
        let intid = (value & 0x3ff) as usize;
        if intid >= LINES || self.running(cpu).is_none() {
            return;
        }
        let group = self.get(cpu, intid).group;
        if alias && group == 0 {
            return;
        }
        self.cpu[cpu].levels[group].pop_first();
        if self.cpu[cpu].ctlr & 0x200 == 0 {
            self.get(cpu, intid).active = false;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Level(usize, bool),
    Enable(usize, bool),
    Pend(usize, bool),
    Activate(usize, bool),
    Priority(usize, u8),
    Group(usize, bool),
    Edge(usize, bool),
    Targets(usize, u8),
    Sgi { filter: u32, targets: u32, sgi: u32 },
    SgiSource { sgi: usize, source: usize, set: bool },
    DistCtlr(u32),
    CpuCtlr(u32),
    Pmr(u32),
    Bpr(u32),
    Abpr(u32),
    Acknowledge(bool),
    EndLast(bool),
    End(usize),
    Deactivate(usize),
    DeactivateLast,
}

fn step() -> impl Strategy<Value = Step> {
    let id = || prop_oneof![0..LINES, 28..36usize];
    prop_oneof![
        6 => (id(), any::<bool>()).prop_map(|(i, v)| Step::Level(i, v)),
        6 => (id(), prop::bool::weighted(0.8)).prop_map(|(i, v)| Step::Enable(i, v)),
        4 => (id(), prop::bool::weighted(0.7)).prop_map(|(i, v)| Step::Pend(i, v)),
        1 => (id(), any::<bool>()).prop_map(|(i, v)| Step::Activate(i, v)),
        5 => (id(), any::<u8>()).prop_map(|(i, v)| Step::Priority(i, v)),
        2 => (id(), any::<bool>()).prop_map(|(i, v)| Step::Group(i, v)),
        2 => (id(), any::<bool>()).prop_map(|(i, v)| Step::Edge(i, v)),
        4 => (32..LINES, any::<u8>()).prop_map(|(i, v)| Step::Targets(i, v)),
        4 => (0..4u32, 0..256u32, 0..16u32)
            .prop_map(|(filter, targets, sgi)| Step::Sgi { filter, targets, sgi }),
        2 => (0..16usize, 0..8usize, any::<bool>())
            .prop_map(|(sgi, source, set)| Step::SgiSource { sgi, source, set }),
        1 => (0..4u32).prop_map(Step::DistCtlr),
        2 => prop_oneof![Just(3u32), any::<u32>()].prop_map(Step::CpuCtlr),
        1 => prop_oneof![Just(0xffu32), 0..256u32].prop_map(Step::Pmr),
        1 => (0..8u32).prop_map(Step::Bpr),
        1 => (0..8u32).prop_map(Step::Abpr),
        12 => prop::bool::weighted(0.2).prop_map(Step::Acknowledge),
        8 => prop::bool::weighted(0.2).prop_map(Step::EndLast),
        1 => (0..80usize).prop_map(Step::End),
        1 => (0..80usize).prop_map(Step::Deactivate),
        4 => Just(Step::DeactivateLast),
    ]
}

struct Pair {
    gic: Gic,
    model: Model,
    acknowledged: Vec<Vec<u32>>,
}

impl Pair {
    fn new() -> Pair {
        let mut pair = Pair {
            gic: Gic::new(CPUS, LINES - 32),
            model: Model::new(),
            acknowledged: vec![Vec::new(); CPUS],
        };
        pair.apply(0, Step::DistCtlr(3));
        for cpu in 0..CPUS {
            pair.apply(cpu, Step::CpuCtlr(7));
            pair.apply(cpu, Step::Pmr(0xff));
        }
        pair
    }

    fn dist(&mut self, cpu: usize, offset: usize, width: Width, value: u32) {
        self.gic.dist_write(cpu, offset as u32, width, value).unwrap();
    }

    /// Sets or clears one bit by a pair of set and clear registers.
    fn bit(&mut self, cpu: usize, set: usize, clear: usize, intid: usize, on: bool) {
        let base = if on { set } else { clear };
        self.dist(cpu, base + intid / 32 * 4, Width::Word, 1 << (intid % 32));
    }

    fn apply(&mut self, cpu: usize, step: Step) {
        match step {
            Step::Level(intid, high) => {
                assert_eq!(self.gic.set_level(intid as u32, cpu, high), intid >= 16);
                if intid >= 16 {
                    let interrupt = self.model.get(cpu, intid);
                    interrupt.latch |= interrupt.edge && high && !interrupt.level;
                    interrupt.level = high;
                }
            }
            Step::Enable(intid, on) => {
                self.bit(cpu, 0x100, 0x180, intid, on);
                self.model.get(cpu, intid).enabled = on || intid < 16;
            }
            Step::Pend(intid, on) => {
                self.bit(cpu, 0x200, 0x280, intid, on);
                if intid >= 16 {
                    self.model.get(cpu, intid).latch = on;
                }
            }
            Step::Activate(intid, on) => {
                self.bit(cpu, 0x300, 0x380, intid, on);
                self.model.get(cpu, intid).active = on;
            }
            Step::Priority(intid, priority) => {
                self.dist(cpu, 0x400 + intid, Width::Byte, priority.into());
                self.model.get(cpu, intid).priority = priority.into();
            }
            Step::Group(intid, one) => {
                let offset = 0x80 + intid as u32 / 8;
                let before = self.gic.dist_read(cpu, offset, Width::Byte).unwrap();
                let bit = 1 << (intid % 8);
                let value = if one { before | bit } else { before & !bit };
                self.dist(cpu, offset as usize, Width::Byte, value);
                self.model.get(cpu, intid).group = one.into();
            }
            Step::Edge(intid, edge) => {
                let offset = 0xc00 + intid as u32 / 16 * 4;
                let before = self.gic.dist_read(cpu, offset, Width::Word).unwrap();
                let bit = 2 << (intid % 16 * 2);
                let value = if edge { before | bit } else { before & !bit };
                self.dist(cpu, offset as usize, Width::Word, value);
                self.model.get(cpu, intid).edge = edge || intid < 16;
            }
            Step::Targets(intid, targets) => {
                self.dist(cpu, 0x800 + intid, Width::Byte, targets.into());
                self.model.get(cpu, intid).targets = u32::from(targets) & ((1 << CPUS) - 1);
            }
            Step::Sgi { filter, targets, sgi } => {
                self.dist(cpu, 0xf00, Width::Word, filter << 24 | targets << 16 | sgi);
                for target in 0..CPUS {
                    let meant = match filter {
                        0 => targets >> target & 1 != 0,
                        1 => target != cpu,
                        2 => target == cpu,
                        _ => false,
                    };
                    if meant {
                        self.model.get(target, sgi as usize).sources.insert(cpu);
                    }
                }
            }
            Step::SgiSource { sgi, source, set } => {
                let base = if set { 0xf20 } else { 0xf10 };
                self.dist(cpu, base + sgi, Width::Byte, 1 << source);
                let sources = &mut self.model.get(cpu, sgi).sources;
                match set {
                    true if source < CPUS => _ = sources.insert(source),
                    true => {}
                    false => _ = sources.remove(&source),
                }
            }
            Step::DistCtlr(value) => {
                self.dist(cpu, 0, Width::Word, value);
                self.model.dist = value;
            }
            Step::CpuCtlr(value) => {
                self.gic.cpu_write(cpu, 0, Width::Word, value).unwrap();
                self.model.cpu[cpu].ctlr = value & 0x21f;
            }
            Step::Pmr(value) => {
                self.gic.cpu_write(cpu, 4, Width::Word, value).unwrap();
                self.model.cpu[cpu].pmr = value;
            }
            Step::Bpr(value) => {
                self.gic.cpu_write(cpu, 8, Width::Word, value).unwrap();
                self.model.cpu[cpu].bpr = value;
            }
            Step::Abpr(value) => {
                self.gic.cpu_write(cpu, 0x1c, Width::Word, value).unwrap();
                self.model.cpu[cpu].abpr = value.max(1);
            }
            Step::Acknowledge(alias) => {
                let offset = if alias { 0x20 } else { 0xc };
                let ours = self.gic.cpu_read(cpu, offset, Width::Word).unwrap();
                assert_eq!(ours, self.model.acknowledge(cpu, alias), "acknowledged");
                if ours & 0x3ff < 1020 {
                    self.acknowledged[cpu].push(ours);
                }
            }
            Step::EndLast(alias) => {
                let offset = if alias { 0x24 } else { 0x10 };
                if let Some(&last) = self.acknowledged[cpu].last() {
                    self.gic.cpu_write(cpu, offset, Width::Word, last).unwrap();
                    self.model.end(cpu, last, alias);
                    if self.model.cpu[cpu].ctlr & 0x200 == 0 {
                        self.acknowledged[cpu].pop();
                    }
                }
            }
            Step::End(intid) => {
                self.gic.cpu_write(cpu, 0x10, Width::Word, intid as u32).unwrap();
                self.model.end(cpu, intid as u32, false);
            }
            Step::Deactivate(intid) => self.deactivate(cpu, intid),
            Step::DeactivateLast => {
                if let Some(last) = self.acknowledged[cpu].pop() {
                    self.deactivate(cpu, (last & 0x3ff) as usize);
                }
            }
        }
    }

    fn deactivate(&mut self, cpu: usize, intid: usize) {
        self.gic.cpu_write(cpu, 0x1000, Width::Word, intid as u32).unwrap();
        if self.model.cpu[cpu].ctlr & 0x200 != 0 && intid < LINES {
            self.model.get(cpu, intid).active = false;
        }
    }

    fn compare(&mut self) {
        for cpu in 0..CPUS {
            let lines = (self.gic.irq_line(cpu), self.gic.fiq_line(cpu));
            assert_eq!(lines, self.model.lines(cpu), "lines to cpu {cpu}");
            assert!(!(lines.0 && lines.1), "one interrupt is signalled at a time");
            let rpr = self.gic.cpu_read(cpu, 0x14, Width::Word).unwrap();
            assert_eq!(rpr, self.model.running(cpu).unwrap_or(0xff), "running priority of cpu {cpu}");
            for (offset, alias) in [(0x18, false), (0x28, true)] {
                let hppir = self.gic.cpu_read(cpu, offset, Width::Word).unwrap();
                assert_eq!(hppir, self.model.pending_register(cpu, alias), "pending at cpu {cpu}");
            }
            for bank in 0..LINES / 32 {
                let word = |model: &mut Model, test: fn(&Interrupt) -> bool| {
                    (0..32)
                        .filter(|bit| test(model.get(cpu, 32 * bank + bit)))
                        .fold(0u32, |w, bit| w | 1 << bit)
                };
                let pending = self.gic.dist_read(cpu, 0x200 + 4 * bank as u32, Width::Word).unwrap();
                assert_eq!(pending, word(&mut self.model, Interrupt::pending), "pending, bank {bank}");
                let active = self.gic.dist_read(cpu, 0x380 + 4 * bank as u32, Width::Word).unwrap();
                assert_eq!(active, word(&mut self.model, |i| i.active), "active, bank {bank}");
            }
        }
    }

    /// What is derived from the state is what a GIC made anew from the state derives, and changes were reported.
    fn check_derived(&mut self, before: [(bool, bool); CPUS]) {
        let again = Gic::from_state(self.gic.state().clone()).expect("a state that a guest has reached");
        assert_eq!(again.state(), self.gic.state());
        let changed = self.gic.take_changed();
        for (cpu, &lines_before) in before.iter().enumerate() {
            let lines = (self.gic.irq_line(cpu), self.gic.fiq_line(cpu));
            assert_eq!((again.irq_line(cpu), again.fiq_line(cpu)), lines, "derived lines of cpu {cpu}");
            if lines != lines_before {
                assert!(changed >> cpu & 1 != 0, "a change of cpu {cpu}'s lines was not reported");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_the_model(steps in prop::collection::vec((0..CPUS, step()), 1..250)) {
        let mut pair = Pair::new();
        for (cpu, step) in steps {
            let before = core::array::from_fn(|cpu| (pair.gic.irq_line(cpu), pair.gic.fiq_line(cpu)));
            pair.apply(cpu, step);
            pair.compare();
            pair.check_derived(before);
        }
    }
}
