//! What the host does to build and check Nex: flat images with a symbol table, boot volumes, Android boot images,
//! small ELF files, log records, QEMU's machines.
//!
//! The command line is a thin layer over this library, which the QEMU tests use as well.

pub mod board;
pub mod bootimg;
pub mod cpio;
pub mod elf32;
pub mod image;
pub mod log;
pub mod volume;
