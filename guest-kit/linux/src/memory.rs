//! Mapped memory.

use crate::sys::{self, Fd, Result, call};

/// Bytes in a page.
pub const PAGE: usize = 4096;

/// May be read.
pub const READ: u32 = 1;
/// May be written.
pub const WRITE: u32 = 2;
/// May be executed.
pub const EXECUTE: u32 = 4;

/// Children share it.
pub const SHARED: u32 = 1;
/// Children get a copy.
pub const PRIVATE: u32 = 2;
/// Pages are there at once, without a fault.
pub const POPULATE: u32 = 0x8000;

/// No file.
const ANONYMOUS: u32 = 0x20;

/// A mapping, which goes when this is dropped.
#[derive(Debug)]
pub struct Mapping {
    start: *mut u8,
    length: usize,
}

impl Mapping {
    /// Maps `pages` pages of zeros.
    ///
    /// # Errors
    /// What Linux returns.
    pub fn new(pages: usize, access: u32, flags: u32) -> Result<Self> {
        Self::map(pages, access, flags | ANONYMOUS, !0)
    }

    /// Maps the first `pages` pages of a file, or more than it has.
    ///
    /// # Errors
    /// What Linux returns.
    pub fn of_file(pages: usize, access: u32, flags: u32, file: Fd) -> Result<Self> {
        Self::map(pages, access, flags, file)
    }

    fn map(pages: usize, access: u32, flags: u32, file: Fd) -> Result<Self> {
        let length = pages * PAGE;
        // SAFETY: Linux chooses where, and takes nothing that is used.
        let start =
            unsafe { call("mmap2", 192, [0, length, access as usize, flags as usize, file as usize, 0]) }?;
        Ok(Self { start: core::ptr::with_exposed_provenance_mut(start as usize), length })
    }

    /// Changes how it may be accessed.
    ///
    /// # Errors
    /// What Linux returns.
    pub fn protect(&self, access: u32) -> Result<()> {
        // SAFETY: all access to a mapping is by pointers that say so.
        unsafe { call("mprotect", 125, [self.start.addr(), self.length, access as usize]) }.map(drop)
    }

    /// Where it begins.
    pub fn start(&self) -> *mut u8 {
        self.start
    }

    /// Number of pages.
    pub fn pages(&self) -> usize {
        self.length / PAGE
    }

    /// Where page `index` begins.
    ///
    /// # Panics
    /// If it has fewer pages.
    pub fn page(&self, index: usize) -> *mut u32 {
        assert!(index < self.pages(), "page {index}");
        self.start.wrapping_add(index * PAGE).cast()
    }

    /// Reads the first word of page `index`.
    pub fn read(&self, index: usize) -> u32 {
        // SAFETY: within the mapping, aligned. A mapping that may not be read ends the process or calls its handler.
        unsafe { self.page(index).read_volatile() }
    }

    /// Writes the first word of page `index`.
    pub fn write(&self, index: usize, value: u32) {
        // SAFETY: as for `read`; no reference to a mapping's memory is ever made that could see it change.
        unsafe { self.page(index).write_volatile(value) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing refers to the mapping any more. Whether it worked does not matter: the process goes on.
        let _ = unsafe { sys::call("munmap", 91, [self.start.addr(), self.length]) };
    }
}
