//! Access to device registers.

/// A block of device registers, mapped as Device memory.
#[derive(Clone, Copy, Debug)]
pub struct Mmio {
    base: usize,
}

impl Mmio {
    /// Registers at `base` in Nex's address space.
    ///
    /// # Safety
    /// The block a driver reaches from `base` is mapped as Device memory for the machine's life and is what the
    /// driver takes it for. Reading or writing its registers does not change RAM behind the compiler's back.
    pub const unsafe fn new(base: usize) -> Self {
        Mmio { base }
    }

    /// Reads the 32-bit register at `offset` bytes.
    #[inline(always)]
    pub fn read(&self, offset: usize) -> u32 {
        // SAFETY: the promise of `new`.
        unsafe { ((self.base + offset) as *const u32).read_volatile() }
    }

    /// Writes the 32-bit register at `offset` bytes.
    #[inline(always)]
    pub fn write(&self, offset: usize, value: u32) {
        // SAFETY: the promise of `new`.
        unsafe { ((self.base + offset) as *mut u32).write_volatile(value) }
    }

    /// Writes the 8-bit register at `offset` bytes.
    #[inline(always)]
    pub fn write8(&self, offset: usize, value: u8) {
        // SAFETY: the promise of `new`.
        unsafe { ((self.base + offset) as *mut u8).write_volatile(value) }
    }
}
