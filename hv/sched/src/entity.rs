//! One entity: its current period, its account, and the rule for coming back from sleep.
//!
//! A period with its slice is a job `(start, deadline, slice)`. The jobs of one entity never overlap in time and never
//! ask for more than `slice / period` of the time they span. That alone makes earliest-deadline-first meet every
//! deadline (`docs/scheduler.md`), so every method here keeps it.

use crate::params::Params;

/// Virtual time per nanosecond of extra time at weight 1. A power of two well above [`MAX_WEIGHT`], so that the
/// division by the weight keeps enough digits.
///
/// [`MAX_WEIGHT`]: crate::MAX_WEIGHT
const VIRTUAL_PER_NS: u64 = 1 << 20;

/// Most extra time charged at once, ns. A stop far beyond any turn (a halt in the debugger) is not the entity's doing
/// and must not keep it off the CPU afterwards. Also bounds the virtual times.
const MAX_EXTRA_CHARGE_NS: u64 = 100_000_000;

/// Most debt of an entity, ns, unless its slice is longer: as with extra time, a long stop must not be paid for ever.
const MAX_DEBT_NS: u64 = 10_000_000;

/// Extra time that a waking entity may have before the others' turns, ns. It also wakes with this precedence only if
/// it is not further ahead of its share than this, so that its lead over the others stays bounded.
const FAVOUR_NS: u64 = 2_500_000;

/// Names an entity of one [`Sedf`](crate::Sedf). Goes stale when the entity is removed, even if its place is reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntityId {
    pub(crate) index: u16,
    pub(crate) generation: u32,
}

/// What an entity is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for an event; takes no part in scheduling.
    Blocked,
    /// Wants the CPU and may get it.
    Ready,
    /// Wants the CPU, but its slice is used up and it takes no extra time: waits for its next period.
    Throttled,
    /// Has the CPU.
    Running,
}

/// The account of one entity, as of the last call that took a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// The parameters in force.
    pub params: Params,
    /// What it is doing.
    pub state: State,
    /// CPU time in all, ns; the sum of the next two.
    pub cpu_time_ns: u64,
    /// CPU time within slices, ns.
    pub guaranteed_ns: u64,
    /// CPU time beyond slices, ns.
    pub extra_ns: u64,
    /// Periods that ended with slice left though the entity wanted it. Always 0 if `pick` is called on time.
    pub deadline_misses: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Free,
    Blocked,
    Runnable,
}

#[derive(Debug)]
pub(crate) struct Entity {
    pub(crate) generation: u32,
    pub(crate) life: Life,
    pub(crate) params: Params,
    /// End of the current period, absolute ns; or, with no slice left, the time from which a new period may start.
    pub(crate) deadline_ns: u64,
    /// Slice left in the current period, ns.
    pub(crate) left_ns: u64,
    /// Time used beyond the slice because `pick` came late, ns. Taken off the next slices.
    debt_ns: u64,
    /// Extra time received, scaled by the weight; relative to the least among the competitors.
    pub(crate) virtual_time: u64,
    /// Lets others go first until one of them has run.
    pub(crate) yielded: bool,
    /// Extra time for which it goes before the others since it woke up, ns.
    pub(crate) favour_ns: u64,
    /// `left_ns` still belongs to the parameters before the last change.
    switching: bool,
    guaranteed_ns: u64,
    extra_ns: u64,
    deadline_misses: u32,
}

impl Entity {
    pub(crate) fn new(generation: u32, params: Params, start_ns: u64) -> Self {
        Self {
            generation,
            life: Life::Blocked,
            params,
            deadline_ns: start_ns,
            left_ns: 0,
            debt_ns: 0,
            virtual_time: 0,
            yielded: false,
            favour_ns: 0,
            switching: false,
            guaranteed_ns: 0,
            extra_ns: 0,
            deadline_misses: 0,
        }
    }

    pub(crate) fn is_runnable(&self) -> bool {
        self.life == Life::Runnable
    }

    pub(crate) fn reserves(&self) -> bool {
        self.params.slice_ns > 0
    }

    /// Takes part in the sharing of extra time.
    pub(crate) fn competes(&self) -> bool {
        self.is_runnable() && self.params.extratime
    }

    /// Starts the job `(start, start + period, slice)`, less the debt.
    fn start_period(&mut self, start_ns: u64) {
        self.deadline_ns = start_ns.saturating_add(self.params.period_ns);
        let paid_ns = self.debt_ns.min(self.params.slice_ns);
        self.left_ns = self.params.slice_ns - paid_ns;
        self.debt_ns -= paid_ns;
        self.switching = false;
    }

    /// The slices of whole periods that passed unused, after the current one, go against the debt.
    fn pay_for_lost_periods(&mut self, now_ns: u64) {
        if self.debt_ns > 0 {
            let lost = now_ns.saturating_sub(self.deadline_ns) / self.params.period_ns;
            self.debt_ns = self.debt_ns.saturating_sub(lost.saturating_mul(self.params.slice_ns));
        }
    }

    /// Goes on after a sleep, or after having let others go first.
    ///
    /// The remaining slice and the deadline stay only if the slice can still be used up without exceeding the reserved
    /// share: `left <= (deadline - now) * slice / period`. Otherwise a fresh period starts now. Keeping them always
    /// would let an entity sleep through most of its period and then take its slice from the others.
    pub(crate) fn resume(&mut self, now_ns: u64) {
        if !self.reserves() {
            return;
        }
        let Params { period_ns, slice_ns, .. } = self.params;
        if now_ns >= self.deadline_ns {
            self.pay_for_lost_periods(now_ns);
            self.start_period(now_ns);
        } else {
            // Each factor is at most 4 s, so the products are exact.
            let wanted = self.left_ns.saturating_mul(period_ns);
            let possible = (self.deadline_ns - now_ns).saturating_mul(slice_ns);
            if wanted > possible {
                self.start_period(now_ns);
            }
        }
    }

    /// Decides whether an entity that has just woken goes before the others: a quick answer for those who need little.
    pub(crate) fn favour(&mut self) {
        let lead = self.virtual_time.saturating_mul(u64::from(self.params.weight));
        if lead <= FAVOUR_NS * VIRTUAL_PER_NS {
            self.favour_ns = FAVOUR_NS;
        }
    }

    /// Stops asking for the CPU, for a sleep or to let others go first.
    pub(crate) fn pause(&mut self) {
        self.favour_ns = 0;
        // The rule of `resume` compares with the new parameters; a slice of the old ones must not meet it.
        if self.switching {
            self.left_ns = 0;
        }
    }

    /// Starts the next period of a runnable entity if the current one is over.
    pub(crate) fn replenish(&mut self, now_ns: u64) {
        if !self.reserves() || now_ns < self.deadline_ns {
            return;
        }
        if self.left_ns > 0 {
            self.deadline_misses = self.deadline_misses.saturating_add(1);
        }
        // Noticed a little late, the periods stay in step; after a whole lost period they start anew, since several
        // entities catching up at once would miss again and again.
        let in_step = now_ns - self.deadline_ns < self.params.period_ns;
        self.pay_for_lost_periods(now_ns);
        self.start_period(if in_step { self.deadline_ns } else { now_ns });
    }

    /// Changes the parameters. A new reservation holds from `start_ns` on, which is not before the end of the current
    /// period; until then what is left of the old slice stays, unless the entity sleeps.
    pub(crate) fn switch(&mut self, params: Params, start_ns: u64) {
        self.params = params;
        self.deadline_ns = start_ns;
        if !self.is_runnable() || self.yielded || !self.reserves() {
            self.left_ns = 0;
        }
        self.switching = self.left_ns > 0;
    }

    /// Charges `ran_ns` that began within the slice. What goes beyond it, because `pick` came late, is an advance on
    /// the next slices, so that others get back what they lost.
    pub(crate) fn charge_guaranteed(&mut self, ran_ns: u64) {
        let used = ran_ns.min(self.left_ns);
        self.left_ns -= used;
        let limit = if self.reserves() { self.params.slice_ns.max(MAX_DEBT_NS) } else { 0 };
        let advance = (ran_ns - used).min(limit.saturating_sub(self.debt_ns));
        self.debt_ns += advance;
        self.guaranteed_ns = self.guaranteed_ns.saturating_add(used + advance);
        self.charge_extra(ran_ns - used - advance);
    }

    /// Charges `ran_ns` of extra time.
    pub(crate) fn charge_extra(&mut self, ran_ns: u64) {
        self.extra_ns = self.extra_ns.saturating_add(ran_ns);
        self.favour_ns = self.favour_ns.saturating_sub(ran_ns);
        let scaled = ran_ns.min(MAX_EXTRA_CHARGE_NS) * VIRTUAL_PER_NS / u64::from(self.params.weight.max(1));
        self.virtual_time = self.virtual_time.saturating_add(scaled);
    }

    /// Charges the time from `from_ns` to `to_ns`, in which nobody else wanted the CPU and so no timer told the
    /// periods apart.
    pub(crate) fn charge_alone(&mut self, from_ns: u64, to_ns: u64) {
        let ran_ns = to_ns - from_ns;
        if !self.reserves() {
            self.charge_extra(ran_ns);
            return;
        }
        let Params { period_ns, slice_ns, .. } = self.params;
        let mut guaranteed_ns = self.left_ns.min(self.deadline_ns.min(to_ns).saturating_sub(from_ns));
        self.left_ns -= guaranteed_ns;
        if to_ns >= self.deadline_ns {
            let beyond_ns = to_ns - self.deadline_ns.max(from_ns);
            let (whole, rest_ns) = (beyond_ns / period_ns, beyond_ns % period_ns);
            let in_last_ns = rest_ns.min(slice_ns);
            guaranteed_ns += whole * slice_ns + in_last_ns;
            self.debt_ns = 0;
            self.start_period(to_ns - rest_ns);
            self.left_ns -= in_last_ns;
        }
        self.guaranteed_ns = self.guaranteed_ns.saturating_add(guaranteed_ns);
        self.charge_extra(ran_ns - guaranteed_ns);
    }

    pub(crate) fn stats(&self, running: bool) -> Stats {
        let state = if self.life == Life::Blocked {
            State::Blocked
        } else if running {
            State::Running
        } else if self.left_ns > 0 || self.params.extratime {
            State::Ready
        } else {
            State::Throttled
        };
        Stats {
            params: self.params,
            state,
            cpu_time_ns: self.guaranteed_ns.saturating_add(self.extra_ns),
            guaranteed_ns: self.guaranteed_ns,
            extra_ns: self.extra_ns,
            deadline_misses: self.deadline_misses,
        }
    }
}
