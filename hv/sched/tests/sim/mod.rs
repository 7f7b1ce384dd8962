//! A simulated CPU under one `Sedf`, and the oracle that judges it.
//!
//! The oracle knows nothing of how the scheduler works: it records who ran when, and compares with what the
//! parameters promise. It calls `pick` only when the scheduler asked for it (`until_ns`) or when something happened.
#![allow(dead_code, reason = "each test program uses a part")]

use nex_sched::{Choice, EntityId, Params, Sedf, Stats};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000 * MS;

/// What an entity does when it has the CPU.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// Never sleeps.
    Hog,
    /// Works for so long, then sleeps for so long, in ns, over and over. Starts asleep for the last sleep of the list.
    Sleeper(Vec<(u64, u64)>),
}

/// Entity under test with its record.
pub(crate) struct Task {
    pub(crate) id: EntityId,
    pub(crate) params: Params,
    program: Program,
    step: usize,
    work_left_ns: u64,
    wakes_at_ns: Option<u64>,
    /// Start of the current stretch without sleep, and whether the sleep before it was longer than a period.
    pub(crate) awake_since_ns: u64,
    long_sleep: bool,
    /// CPU time in all, as seen from outside.
    pub(crate) ran_ns: u64,
    /// Stretches of running, as (from, to); adjacent ones joined.
    pub(crate) log: Vec<(u64, u64)>,
    pub(crate) longest_wait_ns: u64,
    last_ran_ns: u64,
}

pub(crate) struct Sim {
    pub(crate) sched: Sedf,
    pub(crate) now_ns: u64,
    pub(crate) tasks: Vec<Task>,
    pub(crate) idle_ns: u64,
    /// Picks asked for by a timer, and picks after an event.
    pub(crate) timer_picks: u64,
    pub(crate) event_picks: u64,
    /// Number of checks of a promise that were made.
    pub(crate) checks: u64,
    start_ns: u64,
    choice: Choice,
    /// How late each timer fires at most, ns; drawn from a small generator.
    pub(crate) late_ns: u64,
    random: u64,
}

impl Sim {
    pub(crate) fn new(start_ns: u64) -> Self {
        Self {
            sched: Sedf::new(),
            now_ns: start_ns,
            tasks: Vec::new(),
            idle_ns: 0,
            timer_picks: 0,
            event_picks: 0,
            checks: 0,
            start_ns,
            choice: Choice { run: None, until_ns: None },
            late_ns: 0,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Adds a task; panics if it is refused.
    pub(crate) fn add(&mut self, params: Params, program: Program) -> usize {
        let id = self.sched.add(params, self.now_ns).expect("admitted");
        let mut task = Task {
            id,
            params,
            program,
            step: 0,
            work_left_ns: u64::MAX,
            wakes_at_ns: Some(self.now_ns),
            awake_since_ns: self.now_ns,
            long_sleep: true,
            ran_ns: 0,
            log: Vec::new(),
            longest_wait_ns: 0,
            last_ran_ns: self.now_ns,
        };
        if let Program::Sleeper(steps) = &task.program {
            task.wakes_at_ns = Some(self.now_ns + steps.last().expect("at least one step").1);
        }
        self.tasks.push(task);
        self.tasks.len() - 1
    }

    /// Takes a task out of the scheduler and out of the record.
    pub(crate) fn remove(&mut self, index: usize) {
        let task = self.tasks.remove(index);
        assert!(self.sched.remove(task.id, self.now_ns));
        self.event();
    }

    pub(crate) fn set_params(&mut self, index: usize, params: Params) {
        self.sched.set_params(self.tasks[index].id, params, self.now_ns).expect("admitted");
        self.tasks[index].params = params;
        self.event();
    }

    pub(crate) fn stats(&self, index: usize) -> Stats {
        self.sched.stats(self.tasks[index].id).expect("alive")
    }

    /// Starts measuring the waits anew.
    pub(crate) fn forget_waits(&mut self) {
        for task in &mut self.tasks {
            task.longest_wait_ns = 0;
        }
    }

    fn event(&mut self) {
        self.event_picks += 1;
        self.pick();
    }

    fn pick(&mut self) {
        self.choice = self.sched.pick(self.now_ns);
        assert_eq!(self.choice.run, self.sched.current());
        if let Some(until_ns) = self.choice.until_ns {
            assert!(until_ns > self.now_ns, "timer in the past");
        }
        let awake: Vec<&Task> = self.tasks.iter().filter(|task| task.wakes_at_ns.is_none()).collect();
        match awake.as_slice() {
            [] => assert_eq!(self.choice, Choice { run: None, until_ns: None }, "an idle CPU takes no timer"),
            [one] if one.params.extratime => {
                let alone = Choice { run: Some(one.id), until_ns: None };
                assert_eq!(self.choice, alone, "alone on the CPU: runs without a timer");
            }
            several => {
                let waits = several.iter().any(|task| task.params.extratime);
                assert!(!waits || self.choice.run.is_some(), "idle though somebody takes extra time");
            }
        }
    }

    fn running(&self) -> Option<usize> {
        let id = self.choice.run?;
        Some(self.tasks.iter().position(|task| task.id == id).expect("chosen one exists"))
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// Runs for `span_ns`.
    pub(crate) fn run(&mut self, span_ns: u64) {
        let end_ns = self.now_ns + span_ns;
        self.wake_due();
        self.event();
        while self.now_ns < end_ns {
            let mut timer_ns = self.choice.until_ns;
            if self.late_ns > 0 {
                let late_ns = self.draw(self.late_ns + 1);
                timer_ns = timer_ns.map(|until_ns| until_ns + late_ns);
            }
            let running = self.running();
            let done_ns = running.map(|index| self.now_ns.saturating_add(self.tasks[index].work_left_ns));
            let wake_ns = self.tasks.iter().filter_map(|task| task.wakes_at_ns).min();
            let next_ns = [Some(end_ns), timer_ns, done_ns, wake_ns].into_iter().flatten().min().unwrap();
            let ran_ns = next_ns - self.now_ns;
            match running {
                Some(index) => self.tasks[index].record(self.now_ns, next_ns),
                None => self.idle_ns += ran_ns,
            }
            self.now_ns = next_ns;
            let mut event = false;
            if let Some(index) = running
                && self.tasks[index].work_left_ns == 0
            {
                self.sleep(index);
                event = true;
            }
            event |= self.wake_due();
            if event {
                self.event();
            } else if timer_ns == Some(next_ns) {
                self.timer_picks += 1;
                self.pick();
            }
        }
        // Charge the last stretch.
        self.event();
    }

    fn wake_due(&mut self) -> bool {
        let mut any = false;
        for task in &mut self.tasks {
            if task.wakes_at_ns.is_some_and(|at_ns| at_ns <= self.now_ns) {
                task.wakes_at_ns = None;
                task.work_left_ns = match &task.program {
                    Program::Hog => u64::MAX,
                    Program::Sleeper(steps) => steps[task.step % steps.len()].0,
                };
                task.awake_since_ns = self.now_ns;
                task.last_ran_ns = self.now_ns;
                assert!(self.sched.wake(task.id, self.now_ns));
                any = true;
            }
        }
        any
    }

    fn sleep(&mut self, index: usize) {
        self.check_promise(index);
        let task = &mut self.tasks[index];
        let Program::Sleeper(steps) = &task.program else { unreachable!("a hog never sleeps") };
        let sleep_ns = steps[task.step % steps.len()].1;
        task.step += 1;
        task.wakes_at_ns = Some(self.now_ns + sleep_ns);
        task.long_sleep = sleep_ns > task.params.period_ns;
        assert!(self.sched.block(task.id, self.now_ns));
    }

    /// Judges the stretch from the last wake-up to now: `slice` in every whole period since.
    ///
    /// After a sleep longer than a period the periods start at the wake-up. After a shorter one the old period may
    /// still be running, with any part of the slice used up; so one period is granted first.
    fn check_promise(&mut self, index: usize) {
        let task = &self.tasks[index];
        let Params { period_ns, slice_ns, .. } = task.params;
        if slice_ns == 0 {
            return;
        }
        let since_ns = task.awake_since_ns;
        let whole = (self.now_ns - since_ns) / period_ns;
        let mut log = task.log.iter().peekable();
        let mut total_ns = 0;
        for k in 0..whole {
            let (from_ns, to_ns) = (since_ns + k * period_ns, since_ns + (k + 1) * period_ns);
            let mut got_ns = 0;
            while let Some(&&(a, b)) = log.peek() {
                got_ns += b.min(to_ns).saturating_sub(a.max(from_ns));
                if b > to_ns {
                    break;
                }
                log.next();
            }
            total_ns += got_ns;
            if task.long_sleep {
                assert!(
                    got_ns >= slice_ns,
                    "task {index}: {got_ns} of {slice_ns} in period {k} after {since_ns}"
                );
            } else {
                assert!(
                    total_ns >= k * slice_ns,
                    "task {index}: {total_ns} in {} periods after {since_ns}",
                    k + 1
                );
            }
            self.checks += 1;
        }
    }

    /// Judges everything at the end: promises, misses, conservation of time, and the number of timers.
    pub(crate) fn judge(&mut self) {
        for index in 0..self.tasks.len() {
            if self.tasks[index].wakes_at_ns.is_none() {
                self.check_promise(index);
            }
            assert_eq!(self.stats(index).deadline_misses, 0, "task {index}");
        }
        self.judge_time();
    }

    /// Every nanosecond is on exactly one account, and the scheduler's accounts are those seen from outside.
    pub(crate) fn judge_time(&self) {
        let mut sum_ns = self.idle_ns;
        for (index, task) in self.tasks.iter().enumerate() {
            let stats = self.stats(index);
            assert_eq!(stats.cpu_time_ns, task.ran_ns, "task {index}");
            assert_eq!(stats.cpu_time_ns, stats.guaranteed_ns + stats.extra_ns, "task {index}");
            sum_ns += task.ran_ns;
        }
        assert_eq!(self.idle_ns, self.sched.idle_ns());
        assert_eq!(sum_ns, self.now_ns - self.start_ns);
    }

    /// Extra time of each of `who` against its weight: off by at most 2 %.
    pub(crate) fn judge_shares(&self, who: &[usize]) {
        let weight = |index: usize| u128::from(self.tasks[index].params.weight);
        let extra = |index: usize| u128::from(self.stats(index).extra_ns);
        let all_ns: u128 = who.iter().map(|&index| extra(index)).sum();
        let weights: u128 = who.iter().map(|&index| weight(index)).sum();
        assert!(all_ns > 0, "no extra time was given");
        for &index in who {
            let (got, due) = (extra(index) * weights, all_ns * weight(index));
            assert!(got.abs_diff(due) * 50 <= due, "task {index}: {} of {}", got / weights, due / weights);
        }
    }
}

impl Task {
    fn record(&mut self, from_ns: u64, to_ns: u64) {
        if from_ns == to_ns {
            return;
        }
        self.longest_wait_ns = self.longest_wait_ns.max(from_ns - self.last_ran_ns);
        self.last_ran_ns = to_ns;
        let ran_ns = to_ns - from_ns;
        self.ran_ns += ran_ns;
        if self.work_left_ns != u64::MAX {
            self.work_left_ns -= ran_ns;
        }
        match self.log.last_mut() {
            Some((_, end)) if *end == from_ns => *end = to_ns,
            _ => self.log.push((from_ns, to_ns)),
        }
    }
}
