//! Random sets of entities on a simulated CPU.

mod sim;

use nex_sched::{EXTRA_QUANTUM_NS, Params, Utilisation};
use proptest::prelude::*;
use sim::{MS, Program, S, Sim};

/// Periods that all divide 200 ms, so that a set can be filled up to exactly 1.
const PERIODS_MS: [u64; 10] = [1, 2, 4, 5, 8, 10, 20, 40, 50, 100];
const COMMON_NS: u64 = 200 * MS;

fn guaranteed(period_ns: u64, slice_ns: u64, extratime: bool, weight: u32) -> Params {
    Params { period_ns, slice_ns, extratime, weight }
}

/// Sets that reserve exactly the whole CPU: any slices, and one last entity that takes the rest.
fn full_sets() -> impl Strategy<Value = Vec<Params>> {
    let one = (0..PERIODS_MS.len(), 1u64..=1000, any::<bool>(), 1u32..=16);
    proptest::collection::vec(one, 1..8).prop_map(|drafts| {
        let sum: u64 = drafts.iter().map(|draft| draft.1).sum::<u64>() + 100;
        let mut rest_ns = COMMON_NS;
        let mut set = Vec::new();
        for (period, part, extratime, weight) in drafts {
            let period_ns = PERIODS_MS[period] * MS;
            let slice_ns = (period_ns as u128 * part as u128 / sum as u128) as u64;
            if slice_ns >= 10_000 {
                rest_ns -= slice_ns * (COMMON_NS / period_ns);
                set.push(guaranteed(period_ns, slice_ns, extratime, weight));
            }
        }
        set.push(guaranteed(COMMON_NS, rest_ns, false, 0));
        set
    })
}

/// Sets with any periods, that reserve `part` percent or a little less.
fn sets(part: u64) -> impl Strategy<Value = Vec<Params>> {
    let one = (100_000u64..60 * MS, 1u64..=100, any::<bool>(), 1u32..=16);
    proptest::collection::vec(one, 1..6).prop_map(move |drafts| {
        let sum: u64 = drafts.iter().map(|draft| draft.1).sum();
        let scaled = drafts.into_iter().map(|(period_ns, share, extratime, weight)| {
            guaranteed(period_ns, (period_ns * share / sum) * part / 100, extratime, weight)
        });
        scaled.filter(|params| params.slice_ns >= 10_000).collect()
    })
}

/// Work and sleep of random lengths, short ones and ones of several periods.
fn program() -> impl Strategy<Value = Program> {
    let span = || prop_oneof![1u64..MS, MS..20 * MS, 20 * MS..300 * MS];
    prop_oneof![
        Just(Program::Hog),
        proptest::collection::vec((span(), span()), 1..5).prop_map(Program::Sleeper)
    ]
}

fn start() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1u64..S, Just(u64::MAX / 2)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nobody sleeps, the whole CPU is reserved, and hogs push: every slice arrives in every period.
    #[test]
    fn no_deadline_miss_for_a_full_cpu_beside_hogs(set in full_sets(), hogs in 0usize..4, start_ns in start()) {
        let mut sim = Sim::new(start_ns);
        for params in &set {
            sim.add(*params, Program::Hog);
        }
        prop_assert_eq!(sim.sched.utilisation_ppm(), 1_000_000);
        for _ in 0..hogs {
            sim.add(Params::best_effort(65_535), Program::Hog);
        }
        sim.run(2 * COMMON_NS);
        sim.judge();
        prop_assert!(sim.checks >= 2 * set.len() as u64);
        // All is reserved and claimed, so there is no extra time to give.
        for index in 0..sim.tasks.len() {
            prop_assert_eq!(sim.stats(index).extra_ns, 0);
        }
    }

    /// Entities that wake and sleep at random in a full CPU: whoever wakes gets its slice in each period while awake,
    /// and makes nobody else miss.
    #[test]
    fn no_deadline_miss_with_sleepers(
        set in full_sets(),
        programs in proptest::collection::vec(program(), 12),
        hogs in 0usize..3,
        start_ns in start(),
    ) {
        let mut sim = Sim::new(start_ns);
        let mut programs = programs.into_iter();
        for params in &set {
            sim.add(*params, programs.next().unwrap());
        }
        for _ in 0..hogs {
            sim.add(Params::best_effort(100), programs.next().unwrap());
        }
        sim.run(S);
        sim.judge();
    }

    /// The same with periods that have nothing in common.
    #[test]
    fn no_deadline_miss_with_odd_periods(
        set in sets(100),
        programs in proptest::collection::vec(program(), 8),
        hogs in 0usize..3,
    ) {
        let mut sim = Sim::new(7);
        let mut programs = programs.into_iter();
        for params in &set {
            sim.add(*params, programs.next().unwrap());
        }
        for _ in 0..hogs {
            sim.add(Params::best_effort(100), Program::Hog);
        }
        sim.run(S);
        sim.judge();
    }

    /// Entities come, go and change while others count on their slices.
    #[test]
    fn no_deadline_miss_while_others_come_and_go(
        set in full_sets(),
        churn in proptest::collection::vec((any::<prop::sample::Index>(), 1u64..30 * MS, 0u8..3, 1u64..=100), 1..20),
    ) {
        let mut sim = Sim::new(0);
        for params in &set {
            sim.add(*params, Program::Hog);
        }
        sim.add(Params::best_effort(1), Program::Hog);
        // The first stays; its promise is judged over the whole run.
        let mut elsewhere: Vec<Params> = Vec::new();
        for (which, pause_ns, action, percent) in churn {
            sim.run(pause_ns);
            let index = 1 + which.index(sim.tasks.len() - 1);
            let params = sim.tasks[index].params;
            // Up to twice the slice, if there is room.
            let slice_ns = (params.slice_ns * percent / 50).max(10_000).min(params.period_ns);
            match action {
                0 if sim.tasks.len() > 2 => {
                    sim.remove(index);
                    elsewhere.push(params);
                }
                1 if params.slice_ns > 0 => {
                    let changed = Params { slice_ns, ..params };
                    if sim.sched.load().with(&changed).reserved <= Utilisation::FULL || slice_ns < params.slice_ns {
                        sim.set_params(index, changed);
                    }
                }
                _ => {
                    // Another period with as much of the CPU as is left, or an old one back.
                    let back = elsewhere.pop().unwrap_or(guaranteed(3 * MS, 10_000, true, 9));
                    if sim.sched.load().with(&back).reserved <= Utilisation::FULL {
                        sim.add(back, Program::Hog);
                    }
                }
            }
            for index in 0..sim.tasks.len() {
                prop_assert_eq!(sim.stats(index).deadline_misses, 0);
            }
        }
        sim.run(2 * COMMON_NS);
        for index in 0..sim.tasks.len() {
            prop_assert_eq!(sim.stats(index).deadline_misses, 0);
        }
        let first = set[0];
        let whole = sim.now_ns / first.period_ns;
        prop_assert!(sim.stats(0).guaranteed_ns >= whole * first.slice_ns);
    }

    /// Yielding at random gives time away only for a moment: nobody else misses, and the next periods are whole.
    #[test]
    fn no_deadline_miss_with_yields(
        set in full_sets(),
        yields in proptest::collection::vec((any::<prop::sample::Index>(), 1u64..10 * MS), 1..30),
    ) {
        let mut sim = Sim::new(0);
        for params in &set {
            sim.add(*params, Program::Hog);
        }
        sim.add(Params::best_effort(1), Program::Hog);
        for (which, pause_ns) in yields {
            sim.run(pause_ns);
            // Task 0 never yields; it is the one whose every period is judged.
            let index = 1 + which.index(sim.tasks.len() - 1);
            sim.sched.yield_now(sim.tasks[index].id, sim.now_ns);
        }
        let before: Vec<u64> = (0..sim.tasks.len()).map(|index| sim.stats(index).guaranteed_ns).collect();
        let quiet = 4;
        sim.run(quiet * COMMON_NS);
        for (index, before_ns) in before.into_iter().enumerate() {
            let stats = sim.stats(index);
            prop_assert_eq!(stats.deadline_misses, 0);
            if stats.params.slice_ns > 0 {
                // At most the first period is shifted.
                let periods = quiet * COMMON_NS / stats.params.period_ns - 1;
                prop_assert!(stats.guaranteed_ns - before_ns >= periods * stats.params.slice_ns);
            }
        }
        let first = set[0];
        prop_assert!(sim.stats(0).guaranteed_ns >= sim.now_ns / first.period_ns * first.slice_ns);
        sim.judge_time();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Extra time goes by weight, whether those who share it have slices or not, and best effort does not starve.
    #[test]
    fn shares_of_extra_time_follow_the_weights(
        set in sets(60),
        weights in proptest::collection::vec(1u32..=16, 1..5),
        scale in prop_oneof![Just(1u32), Just(1000), Just(4095)],
        late_ns in prop_oneof![Just(0u64), Just(100_000), Just(2 * MS)],
    ) {
        let mut sim = Sim::new(0);
        sim.late_ns = late_ns;
        for params in set {
            sim.add(Params { weight: params.weight * scale, ..params }, Program::Hog);
        }
        for weight in weights {
            sim.add(Params::best_effort(weight * scale), Program::Hog);
        }
        let who: Vec<usize> =
            (0..sim.tasks.len()).filter(|&index| sim.tasks[index].params.extratime).collect();
        let sum: u64 = who.iter().map(|&index| u64::from(sim.tasks[index].params.weight / scale)).sum();
        // Long enough for 400 turns of weight 1 in the part of the CPU that is not reserved.
        let span_ns = 400 * EXTRA_QUANTUM_NS * sum * 10 / 4;
        sim.run(span_ns);
        if who.len() > 1 {
            sim.judge_shares(&who);
        }
        if late_ns == 0 {
            sim.judge();
            let slices: u64 = sim.tasks.iter().map(|task| task.params.slice_ns).sum();
            let extra: u64 = who.iter().map(|&index| sim.stats(index).extra_ns).sum();
            prop_assert!(extra + slices >= span_ns * 4 / 10, "unreserved time was not handed out");
        } else {
            sim.judge_time();
        }
    }

    /// Timers that come late by up to 200 us: nobody loses guaranteed time in the long run.
    #[test]
    fn late_timers_do_not_break_the_accounts(
        set in proptest::collection::vec((10u64..50, 1u64..=100, any::<bool>(), 1u32..=16), 1..4),
        hogs in 1usize..3,
    ) {
        let sum: u64 = set.iter().map(|draft| draft.1).sum();
        let mut sim = Sim::new(0);
        sim.late_ns = 200_000;
        for (period_ms, share, extratime, weight) in set {
            let slice_ns = (period_ms * MS * share / sum * 8 / 10).max(10_000);
            sim.add(guaranteed(period_ms * MS, slice_ns, extratime, weight), Program::Hog);
        }
        for _ in 0..hogs {
            sim.add(Params::best_effort(100), Program::Hog);
        }
        sim.run(20 * S);
        sim.judge_time();
        for index in 0..sim.tasks.len() {
            let stats = sim.stats(index);
            if stats.params.slice_ns > 0 {
                let periods = sim.now_ns / stats.params.period_ns;
                let due_ns = periods * stats.params.slice_ns;
                // The current period is open, and an advance may have been paid back in it.
                prop_assert!(stats.guaranteed_ns + 2 * stats.params.slice_ns + sim.late_ns >= due_ns);
                prop_assert!(stats.guaranteed_ns <= due_ns + stats.params.slice_ns + sim.late_ns);
            }
        }
    }

    /// Timers are few: per period of an entity one for its start and one for its slice, and the turns of extra time.
    #[test]
    fn timers_are_few(set in sets(80), hogs in 0usize..4) {
        let mut sim = Sim::new(0);
        let span_ns = S;
        let mut most = span_ns / EXTRA_QUANTUM_NS + 2;
        for params in set {
            most += 2 * (span_ns / params.period_ns + 1);
            sim.add(params, Program::Hog);
        }
        for _ in 0..hogs {
            sim.add(Params::best_effort(100), Program::Hog);
        }
        sim.run(span_ns);
        prop_assert!(sim.timer_picks <= most, "{} timers, expected {most}", sim.timer_picks);
        sim.judge();
    }
}
