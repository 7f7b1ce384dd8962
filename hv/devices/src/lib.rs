//! The device models of Nex's virtual platform: what an unmodified guest sees beside its CPU and memory.
//!
//! | module | device | specification |
//! | --- | --- | --- |
//! | [`gicv2`] | interrupt controller | ARM IHI 0048B |
//! | [`pl011`] | serial port | ARM DDI 0183 |
//! | [`pl031`] | real-time clock | ARM DDI 0224 |
//! | [`timer`] | generic timer of a vCPU | ARM DDI 0406C B8 |
//! | [`cfi_flash`] | flash for firmware variables | JEDEC JESD68, Intel command set |
//! | [`psci`] | power state of vCPUs | ARM DEN 0022 |
//! | [`platform`] | the address map and interrupt numbers | |
//! | [`access`] | what an access is, and how a device answers | |
//!
//! # Idea
//! Each device is a plain state machine. It has no clock, no memory and no other device: time, the flash's contents and
//! the bytes of the serial port are handed in and out by the caller. Nothing is allocated, nothing blocks, and no value
//! that a guest writes can make a model panic or take longer than a pass over its fixed arrays. So all of it is tested on
//! the host, against the specifications and against QEMU's `virt` machine.
//!
//! # Order of calls
//! 1. [`platform::lookup`] says whose an address is. No one's: synchronous external abort.
//! 2. [`access::Access::on_bus`] makes one or two calls of the device's `read` or `write` out of it. An error
//!    ([`access::Refused`]): synchronous external abort.
//! 3. The caller gives the device's `line()` to [`gicv2::Gic::set_level`], with the number in [`platform`]; takes bytes
//!    from [`pl011::Pl011::tx_pop`]; arms its timer for the earliest deadline of timer and clock.
//! 4. [`gicv2::Gic::take_changed`] names the vCPUs whose interrupt lines have changed.
//!
//! Lines are levels and are recomputed after each access, so nothing is lost if step 3 is done once too often.
//!
//! A model belongs to a domain and is behind that domain's lock; [`timer::Timer`] belongs to a vCPU.
//!
//! # Saved state
//! `state()` gives everything a device remembers as a `#[repr(C)]` struct of integers; `from_state()` makes a device of
//! it, refuses what no guest can have brought about, and recomputes what is derived. Counters ([`access::Stats`]) are
//! not part of it.
//!
//! # Rejected
//! *A device trait and a list of boxed devices.* There are six devices, known at build time; a `match` over
//! [`platform::Device`] is shorter, faster, and passes each device what it needs (a vCPU's number, the time, the contents).
//! *Edge notifications* (an interrupt as an event): the line of an interrupt controller is a level, and a level survives
//! being reported twice or late.
//!
//! `docs/devices.md` has what differs from QEMU's models, sizes, and how to record the golden sequences anew.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod access;
pub mod cfi_flash;
pub mod gicv2;
pub mod pl011;
pub mod pl031;
pub mod platform;
pub mod psci;
pub mod timer;

pub use access::{Access, Refused, StateError, Stats, Width};
