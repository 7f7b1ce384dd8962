//! Memory and devices by address.

macro_rules! access {
    ($read:ident, $write:ident, $ty:ty) => {
        /// Reads one unit at `address`, which must be mapped and no memory that Rust owns.
        pub(crate) fn $read(address: u32) -> $ty {
            // SAFETY: devices and the memory of layout.rs, which Rust knows nothing of.
            unsafe { (address as *const $ty).read_volatile() }
        }
        /// Writes one unit at `address`; as for reading.
        pub(crate) fn $write(address: u32, value: $ty) {
            // SAFETY: as above.
            unsafe { (address as *mut $ty).write_volatile(value) }
        }
    };
}

access!(read32, write32, u32);
access!(read16, write16, u16);
access!(read8, write8, u8);
