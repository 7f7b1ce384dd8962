//! The known faults of the original sEDF, one test or more for each. The table is in `docs/scheduler.md`.

mod sim;

use nex_sched::{
    AdmitError, CpuLoad, MAX_ENTITIES, MAX_PERIOD_NS, MAX_WEIGHT, MIN_PERIOD_NS, ParamError, Params, Sedf,
    State, place,
};
use sim::{MS, Program, S, Sim};

const HOUR: u64 = 3600 * S;

fn slice(slice_ns: u64, period_ns: u64) -> Params {
    Params { period_ns, slice_ns, extratime: false, weight: 0 }
}

// Fault: no admission control. The sum of slice / period could exceed 1, and then everybody missed.

#[test]
fn admission_refuses_more_than_the_whole_cpu() {
    let mut sched = Sedf::new();
    sched.add(slice(6 * MS, 10 * MS), 0).unwrap();
    assert_eq!(sched.utilisation_ppm(), 600_000);
    let refused = sched.add(slice(5 * MS, 10 * MS), 0);
    assert_eq!(refused, Err(AdmitError::Overcommitted { left_ppm: 400_000 }));
    assert_eq!(sched.utilisation_ppm(), 600_000, "a refusal changes nothing");
    assert_eq!(sched.ids().count(), 1);
    // Exactly full is admitted, one nanosecond more is not.
    assert!(sched.add(slice(4 * S / 10 + 1, S), 0).is_err());
    sched.add(slice(4 * S / 10, S), 0).unwrap();
    assert_eq!(sched.utilisation_ppm(), 1_000_000);
    assert_eq!(sched.add(slice(10_000, MAX_PERIOD_NS), 0), Err(AdmitError::Overcommitted { left_ppm: 0 }));
    sched.add(Params::best_effort(1), 0).unwrap();
}

#[test]
fn admission_is_exact_for_fractions_without_end() {
    let mut sched = Sedf::new();
    for _ in 0..7 {
        sched.add(slice(MS, 7 * MS), 0).unwrap();
    }
    assert_eq!(sched.utilisation_ppm(), 1_000_000);
    // Six sevenths and the least bit more than one.
    let mut sched = Sedf::new();
    for _ in 0..6 {
        sched.add(slice(MS, 7 * MS), 0).unwrap();
    }
    assert!(sched.add(slice(571_428_571, 3_999_999_996), 0).is_err());
    sched.add(slice(571_428_571, 3_999_999_997), 0).unwrap();
}

#[test]
fn admission_covers_changes_of_parameters() {
    let mut sched = Sedf::new();
    let a = sched.add(slice(6 * MS, 10 * MS), 0).unwrap();
    sched.add(slice(3 * MS, 10 * MS), 0).unwrap();
    let refused = sched.set_params(a, slice(8 * MS, 10 * MS), 0);
    assert_eq!(refused, Err(AdmitError::Overcommitted { left_ppm: 700_000 }));
    assert_eq!(sched.stats(a).unwrap().params, slice(6 * MS, 10 * MS));
    sched.set_params(a, slice(7 * MS, 10 * MS), 0).unwrap();
    assert_eq!(sched.utilisation_ppm(), 1_000_000);
}

/// Time used in advance by a removed entity must not be sold again: b would miss its deadline at 1 s.
#[test]
fn admission_waits_for_time_that_was_used_in_advance() {
    let mut sim = Sim::new(0);
    sim.add(slice(100 * MS, S), Program::Hog);
    let greedy = sim.add(slice(810 * MS, 900 * MS), Program::Hog);
    // Its deadline comes first, so it has all its slice by 810 ms.
    sim.run(810 * MS);
    assert_eq!(sim.tasks[greedy].ran_ns, 810 * MS);
    sim.remove(greedy);
    let next = sim.add(slice(90 * MS, 100 * MS), Program::Hog);
    sim.run(S - sim.now_ns);
    // From 900 ms, the end of the removed one's period, the new one has its guarantee.
    assert_eq!(sim.tasks[next].ran_ns, 90 * MS);
    assert!(sim.tasks[0].ran_ns >= 100 * MS - 90 * MS);
    let before_ns = sim.tasks[next].ran_ns;
    sim.run(10 * S);
    assert!(sim.tasks[next].ran_ns - before_ns >= 99 * 90 * MS);
    for index in 0..2 {
        assert_eq!(sim.stats(index).deadline_misses, 0);
    }
}

/// The same when an entity that is there already takes over the removed one's share.
#[test]
fn admission_of_a_larger_slice_waits_too() {
    let mut sim = Sim::new(0);
    let steady = sim.add(slice(200 * MS, S), Program::Hog);
    let growing = sim.add(Params::best_effort(1), Program::Hog);
    let greedy = sim.add(slice(720 * MS, 900 * MS), Program::Hog);
    sim.run(720 * MS);
    assert_eq!(sim.tasks[greedy].ran_ns, 720 * MS);
    sim.remove(greedy);
    sim.set_params(growing, slice(56 * MS, 70 * MS));
    sim.run(10 * S);
    assert_eq!(sim.stats(steady).deadline_misses, 0);
    assert_eq!(sim.stats(growing).deadline_misses, 0);
    assert!(sim.stats(growing).guaranteed_ns >= 139 * 56 * MS);
}

/// While a new reservation waits for its start, a moment's sleep must not bring it forward.
#[test]
fn sleeping_does_not_bring_a_larger_slice_forward() {
    let mut sched = Sedf::new();
    let ids = [slice(400 * MS, S), slice(505 * MS, 1010 * MS), slice(95 * MS, 1020 * MS)]
        .map(|params| sched.add(params, 0).unwrap());
    for id in ids {
        sched.wake(id, 0);
    }
    let [greedy, other, growing] = ids;
    assert_eq!(sched.pick(0).run, Some(greedy));
    assert_eq!(sched.pick(400 * MS).run, Some(other));
    assert_eq!(sched.pick(905 * MS).run, Some(growing));
    sched.remove(greedy, 905 * MS);
    sched.set_params(growing, slice(49 * MS, 100 * MS), 905 * MS).unwrap();
    sched.block(growing, 905 * MS);
    sched.wake(growing, 905 * MS);
    assert_eq!(sched.pick(905 * MS).run, None);
    assert_eq!(sched.stats(growing).unwrap().state, State::Throttled);
    // The end of its old period is later than that of the removed one.
    assert_eq!(sched.pick(1010 * MS).run, Some(other));
    assert_eq!(sched.pick(1020 * MS).run, Some(growing));
}

// Fault: division by zero.

#[test]
fn zero_and_senseless_parameters_are_refused() {
    let mut sched = Sedf::new();
    let base = Params { period_ns: 10 * MS, slice_ns: MS, extratime: true, weight: 1 };
    let cases = [
        (Params { period_ns: 0, ..base }, ParamError::Period),
        (Params { period_ns: MIN_PERIOD_NS - 1, slice_ns: 10_000, ..base }, ParamError::Period),
        (Params { period_ns: MAX_PERIOD_NS + 1, ..base }, ParamError::Period),
        (Params { slice_ns: 9_999, ..base }, ParamError::Slice),
        (Params { slice_ns: 10 * MS + 1, ..base }, ParamError::Slice),
        (Params { weight: 0, ..base }, ParamError::Weight),
        (Params { weight: MAX_WEIGHT + 1, ..base }, ParamError::Weight),
        (Params::best_effort(0), ParamError::Weight),
        (Params { slice_ns: 0, extratime: false, ..base }, ParamError::NeverRuns),
        (Params { period_ns: 0, slice_ns: 0, extratime: false, weight: 0 }, ParamError::NeverRuns),
    ];
    let id = sched.add(base, 0).unwrap();
    for (params, error) in cases {
        assert_eq!(sched.add(params, 0), Err(AdmitError::Params(error)), "{params:?}");
        assert_eq!(sched.set_params(id, params, 0), Err(AdmitError::Params(error)), "{params:?}");
        assert_eq!(place(&[CpuLoad::IDLE], &params), None, "{params:?}");
    }
    assert_eq!(sched.ids().count(), 1);
}

/// Fields without meaning may be 0, also in the places that divide by them.
#[test]
fn zero_period_of_best_effort_and_zero_weight_without_extratime_do_no_harm() {
    let mut sim = Sim::new(0);
    let best = sim.add(Params { period_ns: 0, slice_ns: 0, extratime: true, weight: 1 }, Program::Hog);
    sim.add(slice(MS, 10 * MS), Program::Hog);
    sim.run(S);
    sim.judge();
    assert_eq!(sim.tasks[best].ran_ns, 900 * MS);
    // Late enough for the one without extra time to be charged beyond its slice and its next one.
    let sched = &mut sim.sched;
    sched.pick(2 * S);
    sched.pick(20 * S);
    sched.yield_now(sim.tasks[1].id, 21 * S);
    sched.block(sim.tasks[best].id, 21 * S);
    sched.pick(22 * S);
    sched.pick(40 * S);
}

// Fault: arithmetic overflow. Tests run with overflow checks on.

#[test]
fn times_near_the_end_of_the_clock_do_not_overflow() {
    for start_ns in [u64::MAX - 3 * S, u64::MAX - 15 * MS, u64::MAX - 1, u64::MAX] {
        let mut sched = Sedf::new();
        let both = Params { period_ns: 10 * MS, slice_ns: 5 * MS, extratime: true, weight: MAX_WEIGHT };
        let ids = [
            sched.add(both, start_ns).unwrap(),
            sched.add(slice(2 * S, MAX_PERIOD_NS), start_ns).unwrap(),
            sched.add(Params::best_effort(1), start_ns).unwrap(),
        ];
        for id in ids {
            assert!(sched.wake(id, start_ns));
        }
        let mut now_ns = start_ns;
        for _ in 0..2000 {
            let choice = sched.pick(now_ns);
            let Some(until_ns) = choice.until_ns else { break };
            assert!(until_ns > now_ns);
            now_ns = until_ns;
        }
        sched.pick(u64::MAX);
        for id in ids {
            sched.yield_now(id, u64::MAX);
            sched.block(id, u64::MAX);
            sched.wake(id, u64::MAX);
        }
        sched.set_params(ids[0], slice(MS, 10 * MS), u64::MAX).unwrap();
        assert!(sched.pick(u64::MAX).run.is_some());
        let all_ns: u64 = ids.iter().map(|&id| sched.stats(id).unwrap().cpu_time_ns).sum();
        assert_eq!(all_ns + sched.idle_ns(), u64::MAX - start_ns);
        assert!(sched.remove(ids[1], u64::MAX));
    }
}

#[test]
fn huge_parameters_and_the_whole_clock_in_one_step_do_not_overflow() {
    let huge = Params { period_ns: u64::MAX, slice_ns: u64::MAX, extratime: true, weight: u32::MAX };
    assert!(Sedf::new().add(huge, u64::MAX).is_err());
    let longest =
        Params { period_ns: MAX_PERIOD_NS, slice_ns: MAX_PERIOD_NS, extratime: true, weight: MAX_WEIGHT };
    let shortest = Params { period_ns: MIN_PERIOD_NS, slice_ns: 10_000, extratime: true, weight: 1 };
    for first in [longest, shortest, Params::best_effort(1), Params::best_effort(MAX_WEIGHT)] {
        // Alone: one account over 584 years.
        let mut sched = Sedf::new();
        let a = sched.add(first, 0).unwrap();
        let b = sched.add(Params::best_effort(1), 0).unwrap();
        sched.wake(a, 0);
        assert_eq!(sched.pick(0).until_ns, None);
        sched.wake(b, u64::MAX - S);
        let stats = sched.stats(a).unwrap();
        assert_eq!(stats.cpu_time_ns, u64::MAX - S);
        let whole = (u64::MAX - S) / first.period_ns.max(1);
        assert!(stats.guaranteed_ns.abs_diff(whole * first.slice_ns) <= first.slice_ns);
        sched.pick(u64::MAX - S);
        // With others: the timer was ignored for the rest of time.
        sched.pick(u64::MAX);
        sched.pick(u64::MAX);
    }
}

/// The oldest way to overflow: weights and virtual times that add up over a long life.
#[test]
fn a_year_of_extra_time_at_the_smallest_weight_does_not_overflow() {
    let mut sched = Sedf::new();
    let ids = [1, 1, MAX_WEIGHT].map(|weight| sched.add(Params::best_effort(weight), 0).unwrap());
    for id in ids {
        sched.wake(id, 0);
    }
    let mut now_ns = 0;
    while now_ns < 365 * 24 * HOUR {
        sched.pick(now_ns);
        now_ns += HOUR / 4;
    }
    assert!(ids.iter().all(|&id| sched.stats(id).unwrap().cpu_time_ns > 0));
}

// Fault: after a long sleep, an entity held the CPU until it had caught up with the missed periods.

#[test]
fn long_sleeper_gets_one_slice_per_period_not_the_missed_ones() {
    for sleep_ns in [15 * MS, 995 * MS, HOUR / 12] {
        let mut sim = Sim::new(0);
        let sleeper = sim.add(slice(4 * MS, 10 * MS), Program::Sleeper(vec![(20 * MS, sleep_ns)]));
        sim.add(slice(6 * MS, 10 * MS), Program::Hog);
        sim.run(sleep_ns);
        // Awake for four periods and a half.
        sim.run(45 * MS);
        assert_eq!(sim.stats(sleeper).extra_ns, 0);
        assert!(sim.tasks[sleeper].ran_ns <= 20 * MS);
        let stretch_ns = sim.tasks[sleeper].log.iter().map(|(from, to)| to - from).max().unwrap();
        assert!(stretch_ns <= 8 * MS, "two slices in a row at most, held the CPU for {stretch_ns}");
        sim.judge();
    }
}

#[test]
fn long_sleeper_saves_up_no_extra_time() {
    for sleep_ns in [40 * MS, S, HOUR / 12] {
        let mut sim = Sim::new(0);
        let hogs = [0; 2].map(|_| sim.add(Params::best_effort(256), Program::Hog));
        let sleeper = sim.add(Params::best_effort(256), Program::Sleeper(vec![(u64::MAX / 2, sleep_ns)]));
        sim.run(sleep_ns);
        assert_eq!(sim.tasks[sleeper].ran_ns, 0);
        let before_ns = hogs.map(|hog| sim.tasks[hog].ran_ns);
        sim.run(600 * MS);
        assert!(sim.tasks[sleeper].ran_ns.abs_diff(200 * MS) <= 5 * MS, "{}", sim.tasks[sleeper].ran_ns);
        for (hog, before_ns) in hogs.into_iter().zip(before_ns) {
            assert!((sim.tasks[hog].ran_ns - before_ns).abs_diff(200 * MS) <= 5 * MS);
        }
    }
}

/// The same with entities that only ever let others go first.
#[test]
fn yielding_saves_up_no_extra_time() {
    let mut sim = Sim::new(0);
    let hog = sim.add(Params::best_effort(256), Program::Hog);
    let polite = sim.add(Params::best_effort(256), Program::Hog);
    for _ in 0..1000 {
        sim.run(5 * MS);
        sim.sched.yield_now(sim.tasks[polite].id, sim.now_ns);
    }
    let before_ns = sim.tasks[hog].ran_ns;
    assert!(before_ns > 2 * S);
    sim.run(S);
    assert!((sim.tasks[hog].ran_ns - before_ns).abs_diff(500 * MS) <= 10 * MS);
}

/// The other side: a short sleeper must not wait long beside hogs.
#[test]
fn short_sleeper_is_answered_at_once_beside_hogs() {
    let mut sim = Sim::new(0);
    for _ in 0..3 {
        sim.add(Params::best_effort(256), Program::Hog);
    }
    let steps = vec![(200_000, 3_300_000), (50_000, 7 * MS), (700_000, 11 * MS), (10_000, 1_100_000)];
    let sleeper = sim.add(Params::best_effort(256), Program::Sleeper(steps));
    // At first the hogs have just woken up, too.
    sim.run(S);
    sim.forget_waits();
    sim.run(10 * S);
    sim.judge();
    assert!(sim.tasks[sleeper].ran_ns > 100 * MS);
    assert_eq!(sim.tasks[sleeper].longest_wait_ns, 0);
}

#[test]
fn short_sleepers_wait_for_each_other_but_not_for_hogs() {
    let mut sim = Sim::new(0);
    for _ in 0..3 {
        sim.add(Params::best_effort(256), Program::Hog);
    }
    let spans = [(300_000, 2_900_000), (200_000, 3_100_000), (400_000, 7_300_000)];
    let sleepers = spans.map(|span| sim.add(Params::best_effort(256), Program::Sleeper(vec![span])));
    // Preempts the sleepers in the middle of what they do.
    sim.add(slice(100_000, MS), Program::Hog);
    sim.run(S);
    sim.forget_waits();
    sim.run(10 * S);
    sim.judge();
    for sleeper in sleepers {
        let wait_ns = sim.tasks[sleeper].longest_wait_ns;
        assert!(wait_ns <= MS, "{wait_ns}");
    }
}

/// Sleeping a moment before the turn ends must not give more than the share.
#[test]
fn frequent_sleeper_gets_no_more_than_its_share() {
    for (work_ns, sleep_ns) in [(4_900_000, 10_000), (900_000, 1_000), (100_000, 100), (4_999_999, 1)] {
        let mut sim = Sim::new(0);
        let hog = sim.add(Params::best_effort(256), Program::Hog);
        sim.add(Params::best_effort(256), Program::Sleeper(vec![(work_ns, sleep_ns)]));
        sim.run(10 * S);
        sim.judge();
        assert!(sim.tasks[hog].ran_ns >= 5 * S - 15 * MS, "{work_ns}: {}", sim.tasks[hog].ran_ns);
    }
}

// Fault: all vCPUs gathered on one CPU.

#[test]
fn placement_spreads_entities_over_the_cpus() {
    let both = Params { period_ns: 10 * MS, slice_ns: MS, extratime: true, weight: 256 };
    for params in [Params::best_effort(256), both, slice(MS, 10 * MS)] {
        let mut cpus: Vec<Sedf> = (0..4).map(|_| Sedf::new()).collect();
        for n in 0..16 {
            let loads: Vec<CpuLoad> = cpus.iter().map(Sedf::load).collect();
            let cpu = place(&loads, &params).unwrap();
            assert_eq!(cpu, n % 4);
            cpus[cpu].add(params, 0).unwrap();
        }
        // One leaves; the next newcomer takes its place.
        let id = cpus[2].ids().next().unwrap();
        cpus[2].remove(id, S);
        let loads: Vec<CpuLoad> = cpus.iter().map(Sedf::load).collect();
        assert_eq!(place(&loads, &params), Some(2));
    }
}

// Bounds that hold the time of every operation.

#[test]
fn number_of_entities_is_bounded_and_stale_ids_are_refused() {
    let mut sched = Sedf::new();
    let ids: Vec<_> = (0..MAX_ENTITIES).map(|_| sched.add(Params::best_effort(1), 0).unwrap()).collect();
    assert_eq!(sched.add(Params::best_effort(1), 0), Err(AdmitError::TooMany));
    assert!(sched.remove(ids[3], 1));
    let reused = sched.add(Params::best_effort(1), 2).unwrap();
    assert_ne!(reused, ids[3]);
    let stale = ids[3];
    assert!(
        !sched.remove(stale, 3)
            && !sched.wake(stale, 3)
            && !sched.block(stale, 3)
            && !sched.yield_now(stale, 3)
    );
    assert_eq!(sched.set_params(stale, Params::best_effort(2), 3), Err(AdmitError::NoSuchEntity));
    assert_eq!(sched.stats(stale), None);
    assert_eq!(sched.pick(4).run, None);
    assert!(sched.wake(reused, 5));
    assert_eq!(sched.pick(5).run, Some(reused));
}
