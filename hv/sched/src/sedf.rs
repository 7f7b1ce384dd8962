//! The scheduler of one CPU. See the crate's page for the order of operations.

use alloc::vec::Vec;
use core::fmt;

use crate::entity::{Entity, EntityId, Life, Stats};
use crate::params::{ParamError, Params, Utilisation};
use crate::place::CpuLoad;

#[cfg(test)]
mod tests;

/// Longest turn of extra time while others wait for extra time too, ns.
pub const EXTRA_QUANTUM_NS: u64 = 5_000_000;
/// Longest time an entity with slice left stays off the CPU after [`Sedf::yield_now`] if only others without slice
/// want it, ns.
pub const YIELD_TURN_NS: u64 = 1_000_000;
/// Most entities on one CPU; bounds the time of every operation.
pub const MAX_ENTITIES: usize = 128;

/// Why an entity was not admitted, or its parameters not changed. The scheduler is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmitError {
    /// The parameters make no sense on any CPU.
    Params(ParamError),
    /// More than the whole CPU would be reserved.
    Overcommitted {
        /// What could still be reserved, in parts per million of the CPU, rounded down.
        left_ppm: u32,
    },
    /// The CPU has [`MAX_ENTITIES`] entities.
    TooMany,
    /// No memory for one more entity.
    NoMemory,
    /// The id names no entity, or one that was removed.
    NoSuchEntity,
}

impl fmt::Display for AdmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Params(error) => error.fmt(f),
            Self::Overcommitted { left_ppm } => {
                write!(f, "sched: CPU overcommitted, {left_ppm} ppm left; use a smaller slice or another CPU")
            }
            Self::TooMany => f.write_str("sched: too many entities on this CPU; use another CPU"),
            Self::NoMemory => f.write_str("sched: no memory for an entity"),
            Self::NoSuchEntity => f.write_str("sched: no such entity; it was removed"),
        }
    }
}

impl core::error::Error for AdmitError {}

/// What [`Sedf::pick`] decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The entity to run; `None` to idle.
    pub run: Option<EntityId>,
    /// Absolute time, ns, always later than the `now` of the call, at which `pick` must be called again unless some
    /// event calls it before. `None`: no timer is needed, only an event can change anything.
    pub until_ns: Option<u64>,
}

/// On what account the current entity runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Its slice.
    Guaranteed,
    /// A turn of extra time.
    Extra,
    /// Both, as nobody else wants the CPU; no timer runs.
    Alone,
}

/// The scheduler of one CPU.
#[derive(Debug)]
pub struct Sedf {
    entities: Vec<Entity>,
    /// Time up to which everything is accounted; meaningless before the first call with a time.
    last_ns: u64,
    started: bool,
    idle_ns: u64,
    /// Index of the entity that has the CPU.
    current: Option<usize>,
    mode: Mode,
    /// What is left of the current turn of extra time, ns.
    turn_left_ns: u64,
    /// Sum over all entities, blocked ones included.
    reserved: Utilisation,
    /// Given back by removed or changed entities that may have used it in advance, and so not free before
    /// `lingering_until_ns`.
    lingering: Utilisation,
    lingering_until_ns: u64,
}

impl Default for Sedf {
    fn default() -> Self {
        Self::new()
    }
}

impl Sedf {
    /// A CPU without entities.
    pub const fn new() -> Self {
        Self {
            entities: Vec::new(),
            last_ns: 0,
            started: false,
            idle_ns: 0,
            current: None,
            mode: Mode::Extra,
            turn_left_ns: 0,
            reserved: Utilisation::ZERO,
            lingering: Utilisation::ZERO,
            lingering_until_ns: 0,
        }
    }

    /// Adds an entity; it starts blocked. The only operation that allocates.
    ///
    /// If the CPU is so full that the new entity lives on what a removed one gave back, its guaranteed time begins only
    /// when the removed one's last period is over (at most [`MAX_PERIOD_NS`](crate::MAX_PERIOD_NS) later).
    ///
    /// # Errors
    /// All variants of [`AdmitError`] but `NoSuchEntity`.
    pub fn add(&mut self, params: Params, now_ns: u64) -> Result<EntityId, AdmitError> {
        let share = Utilisation::of(&params).map_err(AdmitError::Params)?;
        let now_ns = self.account(now_ns);
        let reserved = self.reserved.plus(share);
        if reserved > Utilisation::FULL {
            return Err(AdmitError::Overcommitted { left_ppm: self.reserved.left_ppm() });
        }
        let index = match self.entities.iter().position(|entity| entity.life == Life::Free) {
            Some(index) => index,
            None if self.entities.len() >= MAX_ENTITIES => return Err(AdmitError::TooMany),
            None => {
                self.entities.try_reserve(1).map_err(|_| AdmitError::NoMemory)?;
                self.entities.len()
            }
        };
        let start_ns = if reserved.plus(self.lingering) > Utilisation::FULL {
            now_ns.max(self.lingering_until_ns)
        } else {
            now_ns
        };
        self.reserved = reserved;
        let generation = self.entities.get(index).map_or(0, |entity| entity.generation.wrapping_add(1));
        let entity = Entity::new(generation, params, start_ns);
        match self.entities.get_mut(index) {
            Some(place) => *place = entity,
            None => self.entities.push(entity),
        }
        Ok(EntityId { index: index as u16, generation })
    }

    /// Removes an entity. False if `id` is stale.
    pub fn remove(&mut self, id: EntityId, now_ns: u64) -> bool {
        let now_ns = self.account(now_ns);
        let Some(index) = self.index_of(id) else { return false };
        let entity = &mut self.entities[index];
        entity.life = Life::Free;
        let share = Utilisation::of(&entity.params).unwrap_or(Utilisation::ZERO);
        let deadline_ns = entity.deadline_ns;
        self.reserved = self.reserved.minus(share);
        self.linger(share, deadline_ns, now_ns);
        self.leave(index);
        true
    }

    /// Changes the parameters of an entity. `weight` and `extratime` take effect at once; a new slice or period from
    /// the entity's next period on (or a little later, as with [`Sedf::add`]).
    ///
    /// # Errors
    /// [`AdmitError::Params`], [`AdmitError::Overcommitted`] (`left_ppm` counts the entity's own share as free) and
    /// [`AdmitError::NoSuchEntity`].
    pub fn set_params(&mut self, id: EntityId, params: Params, now_ns: u64) -> Result<(), AdmitError> {
        let share = Utilisation::of(&params).map_err(AdmitError::Params)?;
        let now_ns = self.account(now_ns);
        let index = self.index_of(id).ok_or(AdmitError::NoSuchEntity)?;
        let entity = &mut self.entities[index];
        if (entity.params.slice_ns, entity.params.period_ns) == (params.slice_ns, params.period_ns) {
            entity.params = params;
            return Ok(());
        }
        let old_share = Utilisation::of(&entity.params).unwrap_or(Utilisation::ZERO);
        let others = self.reserved.minus(old_share);
        let reserved = others.plus(share);
        if reserved > Utilisation::FULL {
            return Err(AdmitError::Overcommitted { left_ppm: others.left_ppm() });
        }
        let mut start_ns = if entity.reserves() { entity.deadline_ns.max(now_ns) } else { now_ns };
        if share > old_share && reserved.plus(self.lingering) > Utilisation::FULL {
            start_ns = start_ns.max(self.lingering_until_ns);
        }
        let deadline_ns = entity.deadline_ns;
        entity.switch(params, start_ns);
        self.reserved = reserved;
        self.linger(old_share.minus(share), deadline_ns, now_ns);
        Ok(())
    }

    /// The entity wants the CPU. Nothing changes if it already did. False if `id` is stale.
    pub fn wake(&mut self, id: EntityId, now_ns: u64) -> bool {
        let now_ns = self.account(now_ns);
        let Some(index) = self.index_of(id) else { return false };
        let entity = &mut self.entities[index];
        if !entity.is_runnable() {
            entity.life = Life::Runnable;
            entity.resume(now_ns);
            entity.favour();
            if entity.competes() && entity.favour_ns > 0 {
                self.turn_left_ns = 0;
            }
        }
        true
    }

    /// The entity no longer wants the CPU. Nothing changes if it was blocked. False if `id` is stale.
    pub fn block(&mut self, id: EntityId, now_ns: u64) -> bool {
        self.account(now_ns);
        let Some(index) = self.index_of(id) else { return false };
        let entity = &mut self.entities[index];
        if entity.is_runnable() {
            entity.life = Life::Blocked;
            entity.pause();
            self.leave(index);
        }
        true
    }

    /// The entity lets the others go first: it gives up its turn of extra time and, until somebody else has run, its
    /// precedence by deadline. It is like a very short sleep, so the slice is not lost: either the rest is kept, or a
    /// fresh period starts. Alone, it goes on at once. False if `id` is stale.
    pub fn yield_now(&mut self, id: EntityId, now_ns: u64) -> bool {
        self.account(now_ns);
        let Some(index) = self.index_of(id) else { return false };
        let entity = &mut self.entities[index];
        if entity.is_runnable() {
            entity.pause();
            entity.yielded = true;
        }
        true
    }

    /// Decides who runs from `now_ns` on, after charging the entity that ran so far and starting the periods that are
    /// due. A late call does no harm to the accounts: what one entity had too much is taken off its next slice or its
    /// next turns.
    pub fn pick(&mut self, now_ns: u64) -> Choice {
        let now_ns = self.account(now_ns);
        for entity in self.entities.iter_mut().filter(|entity| entity.is_runnable()) {
            entity.replenish(now_ns);
        }
        let chosen = self.choose();
        let again = chosen.is_some() && chosen == self.current;
        self.current = chosen;
        let Some(index) = chosen else {
            return Choice { run: None, until_ns: after(now_ns, self.next_period_ns()) };
        };

        let entity = &mut self.entities[index];
        if entity.yielded {
            entity.yielded = false;
            entity.resume(now_ns);
        }
        let run = Some(EntityId { index: index as u16, generation: entity.generation });
        let lone = entity.params.extratime
            && self.entities.iter().filter(|entity| entity.is_runnable()).count() == 1;
        let mode = match self.entities[index].left_ns {
            _ if lone => Mode::Alone,
            0 => Mode::Extra,
            _ => Mode::Guaranteed,
        };
        if mode == Mode::Extra && !(again && self.mode == Mode::Extra && self.turn_left_ns > 0) {
            self.turn_left_ns = EXTRA_QUANTUM_NS;
        }
        self.mode = mode;
        let until_ns = match mode {
            Mode::Alone => u64::MAX,
            Mode::Extra => self.extra_until_ns(now_ns),
            Mode::Guaranteed => self.guaranteed_until_ns(index, now_ns),
        };
        Choice { run, until_ns: after(now_ns, until_ns) }
    }

    /// Reserved part of the CPU, in parts per million, rounded up; never above 1 000 000.
    pub fn utilisation_ppm(&self) -> u32 {
        self.reserved.ppm()
    }

    /// The CPU's load, for [`place`](crate::place).
    pub fn load(&self) -> CpuLoad {
        let mut load = CpuLoad { reserved: self.reserved, ..CpuLoad::IDLE };
        for (_, entity) in self.living() {
            load.entities += 1;
            if entity.params.extratime {
                load.extra_weight += entity.params.weight;
            }
        }
        load
    }

    /// The account of an entity; `None` if `id` is stale.
    pub fn stats(&self, id: EntityId) -> Option<Stats> {
        let index = self.index_of(id)?;
        Some(self.entities[index].stats(self.current == Some(index)))
    }

    /// All entities, by index.
    pub fn ids(&self) -> impl Iterator<Item = EntityId> + '_ {
        self.living().map(|(index, entity)| EntityId { index: index as u16, generation: entity.generation })
    }

    /// The entity that has the CPU: the last choice of [`Sedf::pick`], unless it has been blocked or removed since.
    pub fn current(&self) -> Option<EntityId> {
        let index = self.current?;
        Some(EntityId { index: index as u16, generation: self.entities[index].generation })
    }

    /// Time in which no entity had the CPU, ns, since the first call with a time.
    pub fn idle_ns(&self) -> u64 {
        self.idle_ns
    }

    fn living(&self) -> impl Iterator<Item = (usize, &Entity)> {
        self.entities.iter().enumerate().filter(|(_, entity)| entity.life != Life::Free)
    }

    fn index_of(&self, id: EntityId) -> Option<usize> {
        let index = usize::from(id.index);
        let entity = self.entities.get(index)?;
        (entity.life != Life::Free && entity.generation == id.generation).then_some(index)
    }

    /// Brings all accounts up to `now_ns`; returns it, or the last time if the clock seems to have gone back.
    fn account(&mut self, now_ns: u64) -> u64 {
        if !self.started {
            self.started = true;
            self.last_ns = now_ns;
        }
        let now_ns = now_ns.max(self.last_ns);
        let ran_ns = now_ns - self.last_ns;
        match self.current {
            None => self.idle_ns = self.idle_ns.saturating_add(ran_ns),
            Some(index) => {
                let entity = &mut self.entities[index];
                match self.mode {
                    Mode::Guaranteed => entity.charge_guaranteed(ran_ns),
                    Mode::Alone => entity.charge_alone(self.last_ns, now_ns),
                    Mode::Extra => {
                        entity.charge_extra(ran_ns);
                        self.turn_left_ns = self.turn_left_ns.saturating_sub(ran_ns);
                    }
                }
            }
        }
        self.last_ns = now_ns;
        if ran_ns > 0 {
            let current = self.current;
            for (index, entity) in self.entities.iter_mut().enumerate() {
                if entity.yielded && Some(index) != current {
                    entity.yielded = false;
                    entity.resume(now_ns);
                }
            }
        }
        if now_ns >= self.lingering_until_ns {
            self.lingering = Utilisation::ZERO;
        }
        self.rebase();
        now_ns
    }

    /// Moves the virtual times so that the least among the competitors is 0. Whoever sleeps or lets others go first
    /// falls behind to 0 at most: nobody saves up extra time. With no competitor there is nothing to remember.
    fn rebase(&mut self) {
        let competing = self.entities.iter().filter(|entity| entity.competes() && !entity.yielded);
        let least = competing.map(|entity| entity.virtual_time).min().unwrap_or(u64::MAX);
        if least > 0 {
            for entity in &mut self.entities {
                entity.virtual_time = entity.virtual_time.saturating_sub(least);
            }
        }
    }

    /// The best runnable entity: slice left by deadline, then extra time by favour and virtual time, and whoever yielded
    /// after all others. The lowest index wins among equals.
    fn choose(&self) -> Option<usize> {
        let mut best: Option<((bool, bool, bool, u64), usize)> = None;
        for (index, entity) in self.entities.iter().enumerate() {
            let key = if !entity.is_runnable() {
                continue;
            } else if entity.left_ns > 0 {
                (entity.yielded, false, false, entity.deadline_ns)
            } else if entity.params.extratime {
                (entity.yielded, true, entity.favour_ns == 0, entity.virtual_time)
            } else {
                continue;
            };
            if best.is_none_or(|(least, _)| key < least) {
                best = Some((key, index));
            }
        }
        let ((yielded, extra, ..), index) = best?;
        // A turn of extra time is not cut short by others of the same kind, unless `wake` ended it.
        match self.current {
            Some(current) if !yielded && extra && self.mode == Mode::Extra && self.turn_left_ns > 0 => {
                let entity = &self.entities[current];
                Some(if entity.competes() && !entity.yielded { current } else { index })
            }
            _ => Some(index),
        }
    }

    /// When the next period of any runnable entity starts; `u64::MAX` if none will.
    fn next_period_ns(&self) -> u64 {
        let reserving = self.entities.iter().filter(|entity| entity.is_runnable() && entity.reserves());
        reserving.map(|entity| entity.deadline_ns).min().unwrap_or(u64::MAX)
    }

    fn extra_until_ns(&self, now_ns: u64) -> u64 {
        let mut until_ns = self.next_period_ns().min(self.yield_until_ns(now_ns));
        if self.entities.iter().filter(|entity| entity.competes()).count() > 1 {
            until_ns = until_ns.min(now_ns.saturating_add(self.turn_left_ns));
        }
        until_ns
    }

    fn guaranteed_until_ns(&self, index: usize, now_ns: u64) -> u64 {
        let runs = &self.entities[index];
        let end_ns =
            now_ns.saturating_add(runs.left_ns).min(runs.deadline_ns).min(self.yield_until_ns(now_ns));
        // Only the start of a period with an earlier deadline can change the choice; others are seen later, in time.
        self.entities
            .iter()
            .filter(|entity| entity.is_runnable() && entity.reserves())
            .filter(|entity| entity.deadline_ns.saturating_add(entity.params.period_ns) < runs.deadline_ns)
            .fold(end_ns, |end_ns, entity| end_ns.min(entity.deadline_ns))
    }

    /// When an entity that yielded with slice left must come back.
    fn yield_until_ns(&self, now_ns: u64) -> u64 {
        let waits =
            self.entities.iter().any(|entity| entity.is_runnable() && entity.yielded && entity.left_ns > 0);
        if waits { now_ns.saturating_add(YIELD_TURN_NS) } else { u64::MAX }
    }

    /// The entity left the CPU for good or for a sleep.
    fn leave(&mut self, index: usize) {
        self.entities[index].yielded = false;
        if self.current == Some(index) {
            self.current = None;
        }
    }

    /// Keeps `share` from others until the period ends in which it may have been used in advance. Handing it on at once
    /// would sell the same time twice.
    fn linger(&mut self, share: Utilisation, until_ns: u64, now_ns: u64) {
        if share > Utilisation::ZERO && until_ns > now_ns {
            self.lingering = self.lingering.plus(share);
            self.lingering_until_ns = self.lingering_until_ns.max(until_ns);
        }
    }
}

/// `until_ns` as an answer: nothing if there is no such time, and never a time that has passed.
fn after(now_ns: u64, until_ns: u64) -> Option<u64> {
    (until_ns < u64::MAX && until_ns > now_ns).then_some(until_ns)
}
