//! What Nex is booted with, and what it says: device tree or ATAGs, boot volume, `nex.toml`, kernel images.
//!
//! Everything here is pure: bytes in, values out. No module touches hardware, and none trusts its input; a wrong byte
//! is an error value with a text that says what was wrong, where, and what to do. The order at boot is:
//!
//! 1. [`bootinfo::identify`] looks at the first bytes behind r2 and says how much to map;
//! 2. [`bootinfo::parse`] gives memory banks, reserved ranges, command line and the place of the boot volume, and
//!    [`dtb::Tree`] the addresses of devices;
//! 3. [`volume::BootVolume::parse`] checks the archive once and gives its files;
//! 4. [`manifest::read_manifest`] gives the list of domains;
//! 5. [`image::plan`] and [`image::place_initrd`] say for each domain what to put where in its memory.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod atags;
pub mod bootinfo;
mod bytes;
pub mod dtb;
pub mod image;
pub mod manifest;
#[cfg(test)]
mod testing;
pub mod volume;
