//! The sEDF scheduler of Nex, without hardware.
//!
//! A vCPU and a hypervisor thread are the same thing here: an *entity* with a period, a slice, a weight and a flag
//! that says whether it may use extra time. One [`Sedf`] per CPU decides which entity runs and until when.
//!
//! - **Guaranteed time**: `slice_ns` in every `period_ns`, earliest deadline first; the deadline is the end of the
//!   period. [`Sedf::add`] refuses whatever would reserve more than the whole CPU.
//! - **Extra time**: what nobody has reserved or claimed, shared in proportion to `weight`, in turns of at most
//!   [`EXTRA_QUANTUM_NS`].
//!
//! The order of operations is the same in every call: bring the accounts up to `now`, change the state, and only in
//! [`Sedf::pick`] start new periods and choose. Whoever calls [`Sedf::wake`], [`Sedf::block`] or any other operation
//! that changes the state calls `pick` soon after, and arms its one-shot timer for [`Choice::until_ns`].
//!
//! Times are nanoseconds of one monotonic clock, as `u64`. A time before the last one seen counts as the last one.
//! Only [`Sedf::add`] allocates. Every operation is a few passes over at most [`MAX_ENTITIES`] entities, in integers,
//! and the same calls always give the same decisions.
//!
//! The reasons and the proof are in `docs/scheduler.md`.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod entity;
mod params;
mod place;
mod sedf;

pub use entity::{EntityId, State, Stats};
pub use params::{MAX_PERIOD_NS, MAX_WEIGHT, MIN_PERIOD_NS, MIN_SLICE_NS, ParamError, Params, Utilisation};
pub use place::{CpuLoad, place};
pub use sedf::{AdmitError, Choice, EXTRA_QUANTUM_NS, MAX_ENTITIES, Sedf, YIELD_TURN_NS};
