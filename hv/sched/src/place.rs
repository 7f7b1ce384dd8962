//! Which CPU gets a new entity.
//!
//! The original put every vCPU where it was created, so that they gathered on one CPU. Here a reservation goes where
//! least is reserved, and a best-effort entity goes where its weight buys most.

use core::cmp::Ordering;

use crate::params::{Params, Utilisation};

/// How busy one CPU is; see [`Sedf::load`](crate::Sedf::load).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuLoad {
    /// Sum of what the CPU's entities have reserved.
    pub reserved: Utilisation,
    /// Sum of the weights of the entities that may use extra time, blocked ones included.
    pub extra_weight: u32,
    /// Number of entities.
    pub entities: u32,
}

impl CpuLoad {
    /// A CPU without entities.
    pub const IDLE: Self = Self { reserved: Utilisation::ZERO, extra_weight: 0, entities: 0 };

    /// The load with one more entity of `params`; for placing several entities before adding any. Invalid `params`
    /// change nothing.
    pub fn with(mut self, params: &Params) -> Self {
        if let Ok(share) = Utilisation::of(params) {
            self.reserved = self.reserved.plus(share);
            self.entities = self.entities.saturating_add(1);
            if params.extratime {
                self.extra_weight = self.extra_weight.saturating_add(params.weight);
            }
        }
        self
    }
}

/// Index into `loads` of the CPU that should get a new entity of `params`; `None` if no CPU can admit it, if it is
/// invalid, or if `loads` is empty.
///
/// With a slice: the CPU with the least reserved time, then the least weight. Best effort: the CPU on which its weight
/// stands for most time. Ties: fewest entities, then the lowest index.
pub fn place(loads: &[CpuLoad], params: &Params) -> Option<usize> {
    let share = Utilisation::of(params).ok()?;
    let fits = |load: &CpuLoad| load.reserved.plus(share) <= Utilisation::FULL;
    // `min_by` keeps the first of equals, which is the lowest index.
    let order = |a: &CpuLoad, b: &CpuLoad| {
        let by_load = if params.slice_ns > 0 {
            a.reserved.cmp(&b.reserved).then(a.extra_weight.cmp(&b.extra_weight))
        } else {
            most_extra_first(a, b, params.weight)
        };
        by_load.then(a.entities.cmp(&b.entities))
    };
    loads
        .iter()
        .enumerate()
        .filter(|(_, load)| fits(load))
        .min_by(|(_, a), (_, b)| order(a, b))
        .map(|(i, _)| i)
}

/// Orders by `free * weight / (weight there + weight)`, largest first, without dividing.
fn most_extra_first(a: &CpuLoad, b: &CpuLoad, weight: u32) -> Ordering {
    let value = |load: &CpuLoad, other: &CpuLoad| {
        u64::from(load.reserved.left_ppm()) * (u64::from(other.extra_weight) + u64::from(weight))
    };
    value(b, a).cmp(&value(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(slice_ms: u64, period_ms: u64) -> Params {
        Params {
            period_ns: period_ms * 1_000_000,
            slice_ns: slice_ms * 1_000_000,
            extratime: false,
            weight: 0,
        }
    }

    #[test]
    fn nowhere_to_go() {
        assert_eq!(place(&[], &Params::best_effort(1)), None);
        assert_eq!(place(&[CpuLoad::IDLE], &Params::best_effort(0)), None);
        let full = CpuLoad::IDLE.with(&slice(10, 10));
        assert_eq!(place(&[full, full], &slice(1, 10)), None);
        assert_eq!(place(&[full, CpuLoad::IDLE], &slice(10, 10)), Some(1));
    }

    #[test]
    fn exactly_full_is_admitted() {
        let two_thirds = CpuLoad::IDLE.with(&slice(1, 3)).with(&slice(1, 3));
        assert_eq!(place(&[two_thirds], &slice(1, 3)), Some(0));
        assert_eq!(place(&[two_thirds.with(&slice(1, 3))], &slice(1, 3)), None);
    }

    #[test]
    fn best_effort_avoids_the_crowd_even_if_nothing_is_reserved_there() {
        let mut crowd = CpuLoad::IDLE;
        for _ in 0..9 {
            crowd = crowd.with(&Params::best_effort(256));
        }
        let reserved = CpuLoad::IDLE.with(&slice(5, 10));
        assert_eq!(place(&[crowd, reserved], &Params::best_effort(256)), Some(1));
        // Half of a CPU against a tenth of one; but a full CPU has nothing to give at all.
        let full = CpuLoad::IDLE.with(&slice(10, 10));
        assert_eq!(place(&[full, crowd], &Params::best_effort(256)), Some(1));
    }

    #[test]
    fn ties_go_to_fewest_entities_then_lowest_index() {
        let loads = [CpuLoad { entities: 2, ..CpuLoad::IDLE }, CpuLoad { entities: 1, ..CpuLoad::IDLE }];
        assert_eq!(place(&loads, &slice(1, 10)), Some(1));
        assert_eq!(place(&loads, &Params::best_effort(7)), Some(1));
        assert_eq!(place(&[CpuLoad::IDLE; 3], &slice(1, 10)), Some(0));
    }
}
