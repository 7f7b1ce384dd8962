//! The only place that knows how the machine is told: start code and the HVC instruction on the target, and a conduit
//! to nowhere on the host.

#[cfg(target_os = "none")]
mod arm;
#[cfg(not(target_os = "none"))]
mod host;

#[cfg(target_os = "none")]
pub(crate) use arm::{hvc, image_end};
#[cfg(not(target_os = "none"))]
pub(crate) use host::{hvc, image_end};
