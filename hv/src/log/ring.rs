//! The last records, as they go over the wire, at a known symbol: a memory dump alone tells the story.
//!
//! Between `tail` and `head` lie whole frames, each rzCOBS data and a zero byte. Both count all bytes that were ever
//! written, so they only grow (and wrap at 2^32, a multiple of the size); the byte `n` is at `n % size`.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::arch::irq;

/// Bytes of encoded records that are kept; a power of two. Some 400 records.
const RING_BYTES: usize = 16 * 1024;

/// Tries before a record is given up: another CPU holds the ring for a few microseconds only, so a holder that is still
/// there has died.
const SPIN_LIMIT: u32 = 1_000_000;

/// The ring and its header. `nextool dump` knows this layout.
#[repr(C)]
struct Ring {
    /// `NEX-LOG` and the version of the layout, 1.
    magic: [u8; 8],
    /// Bytes of `bytes`.
    size: u32,
    /// The oldest byte that is kept: the first of a frame.
    tail: AtomicU32,
    /// Where the next byte goes.
    head: AtomicU32,
    /// The first byte that the console has not taken.
    sent: AtomicU32,
    /// Records that were left out, or overwritten before the console took them.
    lost: AtomicU32,
    bytes: UnsafeCell<[u8; RING_BYTES]>,
}

// SAFETY: `bytes` is used only while `LOCK` is held.
unsafe impl Sync for Ring {}

#[unsafe(no_mangle)]
#[used]
static NEX_LOG_RING: Ring = Ring {
    magic: *b"NEX-LOG\x01",
    size: RING_BYTES as u32,
    tail: AtomicU32::new(0),
    head: AtomicU32::new(0),
    sent: AtomicU32::new(0),
    lost: AtomicU32::new(0),
    bytes: UnsafeCell::new([0; RING_BYTES]),
};

/// Who builds this image: three bytes, six bits each with 0x40 added, from the code and the format strings. `nextool
/// image` puts them here; without it they stay zero bits, and a decoder does not check.
#[unsafe(no_mangle)]
#[used]
static NEX_LOG_ID: [u8; 4] = *b"@@@\0";

static LOCK: AtomicBool = AtomicBool::new(false);

/// Runs `f` with the ring's bytes, IRQ and FIQ masked: the debugger never finds it half changed. `None` if the holder has
/// died.
fn with_bytes<R>(f: impl FnOnce(&mut [u8; RING_BYTES]) -> R) -> Option<R> {
    irq::with_all_masked(|| {
        let mut tries = 0;
        while LOCK.swap(true, Ordering::Acquire) {
            tries += 1;
            if tries > SPIN_LIMIT {
                return None;
            }
            core::hint::spin_loop();
        }
        // SAFETY: the lock is held.
        let result = f(unsafe { &mut *NEX_LOG_RING.bytes.get() });
        LOCK.store(false, Ordering::Release);
        Some(result)
    })
}

fn is_before(a: u32, b: u32) -> bool {
    (b.wrapping_sub(a) as i32) > 0
}

/// The position after the frame at `from`.
fn next_frame(bytes: &[u8; RING_BYTES], mut from: u32, head: u32) -> u32 {
    while from != head {
        let byte = bytes[from as usize % RING_BYTES];
        from = from.wrapping_add(1);
        if byte == 0 {
            break;
        }
    }
    from
}

/// Encodes a record and adds it; the oldest make room.
pub(super) fn append(record: &[u8]) {
    let ring = &NEX_LOG_RING;
    let done = with_bytes(|bytes| {
        let mut head = ring.head.load(Ordering::Relaxed);
        let mut tail = ring.tail.load(Ordering::Relaxed);
        let mut put = |encoded: &[u8]| {
            for &byte in encoded {
                if head.wrapping_sub(tail) as usize == RING_BYTES {
                    if tail == ring.sent.load(Ordering::Relaxed) {
                        ring.lost.fetch_add(1, Ordering::Relaxed);
                    }
                    tail = next_frame(bytes, tail, head);
                    if is_before(ring.sent.load(Ordering::Relaxed), tail) {
                        ring.sent.store(tail, Ordering::Relaxed);
                    }
                    ring.tail.store(tail, Ordering::Relaxed);
                }
                bytes[head as usize % RING_BYTES] = byte;
                head = head.wrapping_add(1);
            }
        };
        let mut encoder = defmt::Encoder::new();
        encoder.start_frame(|_| {});
        encoder.write(record, &mut put);
        // Ends with the zero byte.
        encoder.end_frame(&mut put);
        ring.head.store(head, Ordering::Release);
    });
    if done.is_none() {
        count_lost();
    }
}

pub(super) fn count_lost() {
    NEX_LOG_RING.lost.fetch_add(1, Ordering::Relaxed);
}

/// Records that nobody will see.
pub fn lost() -> u32 {
    NEX_LOG_RING.lost.load(Ordering::Relaxed)
}

/// Whether the console has something to take.
pub(crate) fn pending() -> bool {
    let ring = &NEX_LOG_RING;
    ring.sent.load(Ordering::Relaxed) != ring.head.load(Ordering::Acquire)
}

/// The three bytes that go before each frame.
fn id() -> [u8; 3] {
    // SAFETY: a live static. Volatile, because the value is put there after linking.
    let [a, b, c, _] = unsafe { (&raw const NEX_LOG_ID).read_volatile() };
    [a, b, c]
}

/// Of which build these records are, as a number; 0 if nobody has put one in.
pub fn build_id() -> u32 {
    id().iter().fold(0, |id, byte| id << 6 | u32::from(byte & 0x3f))
}

/// What is read of the ring at a time: up to a zero byte, at most this long.
const PIECE_BYTES: usize = 64;

/// Copies from position `*at`, moved up to the tail if that has passed it, and moves it on. Returns how much, and
/// whether a frame begins there.
fn read(at: &mut u32, piece: &mut [u8; PIECE_BYTES]) -> (usize, bool) {
    let ring = &NEX_LOG_RING;
    let copied = with_bytes(|bytes| {
        let (tail, head) = (ring.tail.load(Ordering::Relaxed), ring.head.load(Ordering::Relaxed));
        if is_before(*at, tail) {
            *at = tail;
        }
        let starts = *at == tail || bytes[at.wrapping_sub(1) as usize % RING_BYTES] == 0;
        let mut count = 0;
        while *at != head && count < PIECE_BYTES {
            let byte = bytes[*at as usize % RING_BYTES];
            piece[count] = byte;
            count += 1;
            *at = at.wrapping_add(1);
            if byte == 0 {
                break;
            }
        }
        (count, starts)
    });
    copied.unwrap_or((0, true))
}

/// Sends frames from `*at` on as they are on the wire, until `end` or the last one.
fn send_from(at: &mut u32, moved: &dyn Fn(u32), send: &mut dyn FnMut(&[u8])) {
    let mut piece = [0; PIECE_BYTES];
    let (mut inside, mut begun) = (false, false);
    loop {
        let (count, starts) = read(at, &mut piece);
        if count == 0 {
            return;
        }
        moved(*at);
        begun |= starts;
        if !begun {
            // The rest of a frame whose sending was ended by a panic.
            continue;
        }
        if starts {
            if inside {
                // The rest of the last one was overwritten: end it.
                send(&[0]);
            }
            send(&[0, 1]);
            send(&id());
        }
        send(&piece[..count]);
        inside = piece[count - 1] != 0;
    }
}

/// Gives what the console has not taken yet to `send`, as it goes over the wire. One caller at a time: the console's lock.
pub(crate) fn send_unsent(send: &mut dyn FnMut(&[u8])) {
    let sent = &NEX_LOG_RING.sent;
    let mut at = sent.load(Ordering::Relaxed);
    if super::text_mode() {
        // Everybody has read it as text.
        sent.store(NEX_LOG_RING.head.load(Ordering::Relaxed), Ordering::Relaxed);
        return;
    }
    send_from(&mut at, &|at| sent.store(at, Ordering::Relaxed), send);
}

/// Gives the `last` records that are kept, oldest first, to `send`, as they go over the wire: pieces that the host tool
/// decodes like new ones. They must not be mixed with text. For the debugger: it may interrupt anything.
pub fn for_each_recent(last: usize, send: &mut dyn FnMut(&[u8])) {
    let ring = &NEX_LOG_RING;
    let start = with_bytes(|bytes| {
        let (tail, head) = (ring.tail.load(Ordering::Relaxed), ring.head.load(Ordering::Relaxed));
        let count = |mut at: u32| {
            let mut frames = 0;
            while at != head {
                at = next_frame(bytes, at, head);
                frames += 1;
            }
            frames
        };
        let mut at = tail;
        for _ in last..count(tail) {
            at = next_frame(bytes, at, head);
        }
        at
    });
    if let Some(mut at) = start {
        send_from(&mut at, &|_| {}, send);
    }
}
