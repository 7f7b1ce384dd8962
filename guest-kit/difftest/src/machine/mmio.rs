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

/// Sets `bytes` (a multiple of 4) from `address` on to zero.
pub(crate) fn clear(address: u32, bytes: u32) {
    let mut at = address;
    while at < address + bytes {
        write32(at, 0);
        at += 4;
    }
}
