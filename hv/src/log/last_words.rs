//! The panic text at a known symbol, for whoever has only a memory dump.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

const TEXT_BYTES: usize = 4096;

/// `nextool dump` knows this layout.
#[repr(C)]
struct PanicText {
    /// `NEX-DIE` and the version of the layout, 1.
    magic: [u8; 8],
    /// Bytes of `text`.
    size: u32,
    /// How many of them are written.
    len: AtomicU32,
    text: UnsafeCell<[u8; TEXT_BYTES]>,
}

// SAFETY: each byte of `text` is written by the one who has moved `len` over it.
unsafe impl Sync for PanicText {}

#[unsafe(no_mangle)]
#[used]
static NEX_PANIC_TEXT: PanicText = PanicText {
    magic: *b"NEX-DIE\x01",
    size: TEXT_BYTES as u32,
    len: AtomicU32::new(0),
    text: UnsafeCell::new([0; TEXT_BYTES]),
};

/// Adds to the panic text. What does not fit is left out. Works in any state of Nex.
pub fn record_panic_text(text: &str) {
    let to = &NEX_PANIC_TEXT;
    let at = to.len.load(Ordering::Relaxed) as usize;
    let count = text.len().min(TEXT_BYTES - at.min(TEXT_BYTES));
    // Two CPUs that die at once may mix their texts, but not write beyond the end.
    to.len.store((at + count) as u32, Ordering::Relaxed);
    let start = to.text.get().cast::<u8>();
    for (n, byte) in text.bytes().take(count).enumerate() {
        // SAFETY: at + n < at + count <= TEXT_BYTES. Volatile: nothing in this program reads it.
        unsafe { start.add(at + n).write_volatile(byte) };
    }
}
