//! Statics that are memory rather than values.

use core::cell::UnsafeCell;

/// Memory that is only ever used by address: by the assembly, the table walker, or code that sets it up once. No Rust
/// reference to its contents is ever made, so a plain static does for it what `static mut` would.
#[repr(transparent)]
pub(crate) struct Raw<T>(UnsafeCell<T>);

// SAFETY: sharing the address is harmless; each use of the memory behind it gives its own reason.
unsafe impl<T> Sync for Raw<T> {}

impl<T> Raw<T> {
    pub(crate) const fn new(value: T) -> Self {
        Raw(UnsafeCell::new(value))
    }

    /// Where it is.
    pub(crate) const fn as_ptr(&self) -> *mut T {
        self.0.get()
    }

    /// Where it is, as Nex's address.
    pub(crate) fn address(&self) -> u32 {
        self.as_ptr() as u32
    }
}
