//! Cases of devices.

use crate::log::Log;
use crate::rng::Rng;

/// As the cases expect them.
pub(crate) fn reset() {}

/// Runs one.
pub(crate) fn run(rng: &mut Rng, log: &mut Log) {
    let _ = (rng, log);
}
