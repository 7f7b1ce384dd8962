//! Memory logic of the Nex hypervisor: everything about memory that can be decided without touching hardware.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`addr`] | which of the four address spaces a number belongs to |
//! | [`frames`] | who owns each 4 KiB frame of RAM |
//! | [`place`] | where a block fits before there is a frame table |
//! | [`desc`] | ARMv7-A short descriptors: plain enums from and to raw words |
//! | [`fault`] | fault status registers, short-descriptor format |
//! | [`space`] | an address space: one first-level table and its second-level tables |
//! | [`pool`] | where second-level tables come from |
//! | [`copy`] | guest buffers cut at page borders |
//!
//! Nothing here reads or writes memory by itself, allocates, or contains unsafe code: tables are reached through traits
//! ([`space::TableMemory`], [`pool::BlockSource`]), and storage is lent by the caller. So all of it is tested on the
//! host. Cache and TLB maintenance is the caller's; each function says when it is needed.
//!
//! Manual references are to ARM DDI 0406C (ARMv7-A/R Architecture Reference Manual).

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod addr;
pub mod copy;
pub mod desc;
pub mod fault;
pub mod frames;
pub mod place;
pub mod pool;
pub mod space;

pub use addr::{Gpa, Gva, Hpa, Hva, LARGE_BYTES, PAGE_BYTES, SECTION_BYTES};
pub use place::find_space;
