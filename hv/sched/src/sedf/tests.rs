//! Single decisions, with exact times. Long runs are in `tests/`.

use super::*;
use crate::State;

const MS: u64 = 1_000_000;

fn params(slice_ms: u64, period_ms: u64, extratime: bool) -> Params {
    Params { period_ns: period_ms * MS, slice_ns: slice_ms * MS, extratime, weight: 256 }
}

/// A scheduler with awake entities of these parameters at time 0.
fn awake<const N: usize>(set: [Params; N]) -> (Sedf, [EntityId; N]) {
    let mut sched = Sedf::new();
    let ids = set.map(|params| sched.add(params, 0).unwrap());
    for id in ids {
        assert!(sched.wake(id, 0));
    }
    (sched, ids)
}

fn choice(run: EntityId, until_ms: u64) -> Choice {
    Choice { run: Some(run), until_ns: Some(until_ms * MS) }
}

#[test]
fn nobody_awake_idles_without_timer() {
    let mut sched = Sedf::new();
    let idle = Choice { run: None, until_ns: None };
    assert_eq!(sched.pick(0), idle);
    let id = sched.add(params(4, 10, true), 3).unwrap();
    assert_eq!(sched.pick(5), idle);
    assert_eq!(sched.stats(id).unwrap().state, State::Blocked);
    assert_eq!(sched.idle_ns(), 5);
}

#[test]
fn earliest_deadline_runs_until_its_slice_ends() {
    let (mut sched, [a, b]) = awake([params(4, 20, false), params(3, 10, false)]);
    assert_eq!(sched.pick(0), choice(b, 3));
    // The next period of b ends no earlier than that of a, so its start needs no timer.
    assert_eq!(sched.pick(3 * MS), choice(a, 7));
    assert_eq!(sched.stats(b).unwrap().state, State::Throttled);
    assert_eq!(sched.pick(7 * MS), Choice { run: None, until_ns: Some(10 * MS) });
    assert_eq!(sched.pick(10 * MS), choice(b, 13));
}

#[test]
fn start_of_a_period_preempts_a_later_deadline() {
    let (mut sched, [a, b]) = awake([params(10, 40, false), params(2, 5, false)]);
    assert_eq!(sched.pick(0), choice(b, 2));
    assert_eq!(sched.pick(2 * MS), choice(a, 5));
    assert_eq!(sched.pick(5 * MS), choice(b, 7));
    assert_eq!(sched.pick(7 * MS), choice(a, 10));
}

#[test]
fn equal_deadlines_go_by_index() {
    let (mut sched, [a, b]) = awake([params(2, 10, false), params(2, 10, false)]);
    assert_eq!(sched.pick(0), choice(a, 2));
    assert_eq!(sched.pick(2 * MS), choice(b, 4));
}

#[test]
fn lone_entity_with_extra_time_needs_no_timer() {
    let (mut sched, [a]) = awake([params(4, 10, true)]);
    assert_eq!(sched.pick(0), Choice { run: Some(a), until_ns: None });
    // Ten periods and a half later the accounts are those of a run with timers.
    let b = sched.add(params(5, 10, false), 105 * MS).unwrap();
    sched.wake(b, 105 * MS);
    let stats = sched.stats(a).unwrap();
    assert_eq!((stats.guaranteed_ns, stats.extra_ns), (44 * MS, 61 * MS));
    assert_eq!(stats.state, State::Running);
    assert_eq!(sched.pick(105 * MS), choice(b, 110));
    assert_eq!(sched.pick(110 * MS), choice(a, 114));
}

#[test]
fn lone_entity_without_extra_time_is_held_to_its_slice() {
    let (mut sched, [a]) = awake([params(4, 10, false)]);
    assert_eq!(sched.pick(0), choice(a, 4));
    assert_eq!(sched.pick(4 * MS), Choice { run: None, until_ns: Some(10 * MS) });
}

#[test]
fn extra_time_goes_in_turns() {
    let (mut sched, [a, b]) = awake([Params::best_effort(1), Params::best_effort(2)]);
    let mut now_ms = 0;
    let mut order = Vec::new();
    for _ in 0..9 {
        let choice = sched.pick(now_ms * MS);
        order.push(choice.run.unwrap());
        assert_eq!(choice.until_ns, Some((now_ms + 5) * MS));
        // A call in the middle of a turn changes nothing.
        assert_eq!(sched.pick((now_ms + 2) * MS), choice);
        now_ms += 5;
    }
    assert_eq!(order.iter().filter(|&&id| id == a).count(), 3);
    assert_eq!(order.iter().filter(|&&id| id == b).count(), 6);
}

#[test]
fn waking_entity_preempts_a_hog() {
    let (mut sched, [hog]) = awake([Params::best_effort(256)]);
    assert_eq!(sched.pick(0).run, Some(hog));
    let b = sched.add(Params::best_effort(1), 0).unwrap();
    sched.wake(b, 1000 * MS);
    assert_eq!(sched.pick(1000 * MS), choice(b, 1005));
    sched.block(b, 1001 * MS);
    assert_eq!(sched.current(), None);
    assert_eq!(sched.pick(1001 * MS), Choice { run: Some(hog), until_ns: None });
}

#[test]
fn yield_lets_others_go_first_for_a_moment() {
    let (mut sched, [a, hog]) = awake([params(4, 10, false), Params::best_effort(256)]);
    assert_eq!(sched.pick(0).run, Some(a));
    sched.yield_now(a, MS);
    assert_eq!(sched.pick(MS), Choice { run: Some(hog), until_ns: Some(MS + YIELD_TURN_NS) });
    // Back with what is left of its slice: 3 ms of 4, 8 ms before the deadline.
    assert_eq!(sched.pick(MS + YIELD_TURN_NS), choice(a, 5));
    // With too little time left for the rest of the slice, a fresh period starts instead.
    sched.yield_now(a, 3 * MS);
    assert_eq!(sched.pick(3 * MS).run, Some(hog));
    sched.block(hog, 7 * MS);
    assert_eq!(sched.pick(7 * MS), choice(a, 11));
    assert_eq!(sched.stats(a).unwrap().deadline_misses, 0);
}

#[test]
fn yield_without_others_changes_nothing() {
    let (mut sched, [a]) = awake([params(4, 10, false)]);
    assert_eq!(sched.pick(0), choice(a, 4));
    sched.yield_now(a, MS);
    assert_eq!(sched.pick(MS), choice(a, 4));
}

#[test]
fn time_beyond_the_slice_is_taken_off_the_next() {
    let (mut sched, [a, b]) = awake([params(4, 10, false), params(6, 10, false)]);
    assert_eq!(sched.pick(0), choice(a, 4));
    // One millisecond late.
    assert_eq!(sched.pick(5 * MS), choice(b, 10));
    assert_eq!(sched.pick(11 * MS), choice(a, 14));
    assert_eq!(sched.pick(14 * MS), choice(b, 20));
    assert_eq!(sched.stats(a).unwrap().cpu_time_ns, 8 * MS);
    assert_eq!(sched.stats(a).unwrap().deadline_misses, 0);
}

#[test]
fn debt_is_bounded_after_a_long_stop() {
    let (mut sched, [a, hog]) = awake([params(4, 10, false), Params::best_effort(1)]);
    assert_eq!(sched.pick(0).run, Some(a));
    // The machine stood still for a minute; it costs 10 ms, that is two slices and a half.
    let mut now_ns = 60_000 * MS;
    let mut waited_ns = 0;
    loop {
        let choice = sched.pick(now_ns);
        if choice.run == Some(a) {
            break;
        }
        assert_eq!(choice.run, Some(hog));
        waited_ns += choice.until_ns.unwrap() - now_ns;
        now_ns = choice.until_ns.unwrap();
    }
    assert!(waited_ns <= 30 * MS, "{waited_ns}");
}

#[test]
fn a_miss_is_counted() {
    let (mut sched, [a, b]) = awake([params(5, 10, false), params(5, 10, false)]);
    assert_eq!(sched.pick(0).run, Some(a));
    // The call comes so late that b cannot have its slice.
    sched.pick(8 * MS);
    assert_eq!(sched.stats(b).unwrap().deadline_misses, 0);
    sched.pick(10 * MS);
    assert_eq!(sched.stats(b).unwrap().deadline_misses, 1);
}

#[test]
fn clock_that_goes_back_counts_as_standing_still() {
    let (mut sched, [a, _]) = awake([params(4, 10, false), Params::best_effort(1)]);
    let first = sched.pick(3 * MS);
    assert_eq!(first, choice(a, 7));
    assert_eq!(sched.pick(MS), first);
    assert_eq!(sched.stats(a).unwrap().cpu_time_ns, 0);
    sched.pick(4 * MS);
    assert_eq!(sched.stats(a).unwrap().cpu_time_ns, MS);
}

#[test]
fn weight_changes_at_once_and_the_slice_with_the_next_period() {
    let (mut sched, [a, _]) = awake([params(4, 10, true), Params::best_effort(256)]);
    sched.pick(0);
    sched.set_params(a, Params { weight: 9, ..params(2, 20, true) }, MS).unwrap();
    assert_eq!(sched.stats(a).unwrap().params.weight, 9);
    assert_eq!(sched.pick(MS), choice(a, 4));
    sched.pick(4 * MS);
    assert_eq!(sched.pick(10 * MS), choice(a, 12));
    // To best effort: the rest of the slice is gone.
    sched.set_params(a, Params::best_effort(9), 11 * MS).unwrap();
    sched.pick(11 * MS);
    assert_eq!(sched.stats(a).unwrap().guaranteed_ns, 5 * MS);
    sched.pick(40 * MS);
    assert_eq!(sched.stats(a).unwrap().guaranteed_ns, 5 * MS);
}

#[test]
fn removal_of_the_running_one_frees_the_cpu() {
    let (mut sched, [a, b]) = awake([params(4, 10, true), Params::best_effort(256)]);
    assert_eq!(sched.pick(0).run, Some(a));
    assert!(sched.remove(a, MS));
    assert_eq!(sched.current(), None);
    assert_eq!(sched.utilisation_ppm(), 0);
    assert_eq!(sched.pick(MS), Choice { run: Some(b), until_ns: None });
}

#[test]
fn errors_say_what_to_do() {
    let text = AdmitError::Overcommitted { left_ppm: 400_000 }.to_string();
    assert_eq!(text, "sched: CPU overcommitted, 400000 ppm left; use a smaller slice or another CPU");
    assert!(AdmitError::Params(ParamError::Weight).to_string().contains("1 to 65535"));
}
