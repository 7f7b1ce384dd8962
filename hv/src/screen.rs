//! The console on a framebuffer: shows what the UART shows.
//!
//! [`write`] only changes cells, which takes about as long as sending the bytes. Painting is the work of a thread, some
//! milliseconds later and a row at a time, so that a flood of lines costs one painting for each frame and no interrupt
//! waits for pixels. Where no thread runs (early, in a panic, in the debugger) every write is painted at once.
//!
//! The lock masks FIQ as well as IRQ, for the painting of one row at most, so that the debugger, which comes by FIQ, never finds
//! it held. A CPU that finds it held all the same was interrupted by a fault in here: then nothing more is shown on the
//! screen, and the UART has the story.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};

use arrayvec::ArrayVec;
use nex_fbcon::{Geometry, Painted, Painter, PixelFormat, Terminal, font};
use nex_mm::addr::Hpa;
use nex_sched::Params;

use crate::arch::{bulk, cp15, irq};
use crate::board::{self, Framebuffer};
use crate::memory::map_framebuffer;
use crate::sync::IrqLock;
use crate::thread::Semaphore;
use crate::{error, info, interrupts, outer_cache, thread, warning};

/// Whether text is to be shown on a framebuffer, by this build and Nex's command line: a board need not look for one otherwise.
pub fn is_wanted(cmdline: &str) -> bool {
    crate::cmdline::option(cmdline, "fb") != Some("off")
}

/// Text kept until it is known whether there is a screen.
const EARLY_BYTES: usize = 2048;

/// Time from one painting to the next.
const FRAME_NS: u64 = 20_000_000;

/// Tries before the lock counts as lost: far longer than the painting of a row.
const LOCK_TRIES: u32 = 10_000_000;

struct Screen {
    terminal: Terminal,
    painter: Painter,
    pixels: &'static mut [u32],
    /// Physical address of the first.
    base: Hpa,
    /// Pixels have to be cleaned out of the data cache.
    cached: bool,
}

#[expect(clippy::large_enum_variant, reason = "one static object, from before there is a heap")]
enum State {
    /// It is not known yet whether there is one.
    Early(ArrayVec<u8, EARLY_BYTES>),
    Off,
    On(Box<Screen>),
}

/// What the screen shows. Taken last of all locks, and with FIQs masked: by [`with`] only.
static STATE: IrqLock<State> = IrqLock::new(State::Early(ArrayVec::new_const()));

/// There is no screen, so nobody has to ask.
static OFF: AtomicBool = AtomicBool::new(false);

/// Every write is painted before it returns.
static IMMEDIATE: AtomicBool = AtomicBool::new(false);

/// The painting thread has been called and has not come yet.
static CALLED: AtomicBool = AtomicBool::new(false);

/// What the painting thread waits for.
static CALL: Semaphore = Semaphore::new(1);

impl Screen {
    /// Paints one row that needs it; `false` if none does.
    fn paint_row(&mut self) -> bool {
        let Some(painted) = self.painter.paint_row(&mut self.terminal, self.pixels) else { return false };
        if self.cached {
            self.clean(painted);
        }
        true
    }

    /// Writes what was painted from the data cache to memory (point of coherency), where the display reads it.
    fn clean(&self, painted: Painted) {
        let step = cp15::data_line_bytes();
        let offsets = (0..font::HEIGHT).map(|line| (painted.first + line * painted.stride_words) as u32 * 4);
        let bytes = painted.words as u32 * 4;
        for offset in offsets.clone() {
            clean(self.pixels.as_ptr() as u32 + offset, bytes, step);
        }
        cp15::dsb();
        // The inner cache first: what it writes back lands in the outer one, which then writes it to memory.
        for offset in offsets {
            outer_cache::clean(Hpa::new(self.base.raw() + offset), bytes);
        }
        outer_cache::drain();
    }
}

fn clean(from: u32, bytes: u32, step: u32) {
    let mut at = from & !(step - 1);
    while at < from + bytes {
        cp15::dccmvac(at);
        at += step;
    }
}

/// Runs `f` on the state, nothing else of this CPU in between. `None` if the lock is lost.
fn with<R>(f: impl FnOnce(&mut State) -> R) -> Option<R> {
    let fiq_was_open = irq::fiq_mask_bit() == 0;
    let irq_was_masked = irq::masked();
    irq::mask_all();
    // With one CPU nobody else can have it.
    let tries = if thread::cpus_online() > 1 { LOCK_TRIES } else { 1 };
    let result = (0..tries).find_map(|_| STATE.try_lock()).map(|mut state| f(&mut state));
    // FIQ first, so that an IRQ handler never runs with FIQs masked.
    if fiq_was_open {
        irq::unmask_fiq();
    }
    irq::restore(irq_was_masked);
    result
}

/// Whether what is written is shown, or may be once it is known whether there is a screen.
pub(crate) fn is_present() -> bool {
    !OFF.load(Ordering::Relaxed)
}

/// Shows what was written to the terminal. Returns soon and never blocks, wherever it is called; bytes may be cut off
/// anywhere, even inside a character.
pub(crate) fn write(bytes: &[u8]) {
    if !is_present() {
        return;
    }
    let call = with(|state| match state {
        State::Early(text) => {
            let fits = bytes.len().min(text.remaining_capacity());
            let _ = text.try_extend_from_slice(&bytes[..fits]);
            false
        }
        State::Off => false,
        State::On(screen) => {
            screen.terminal.write(bytes);
            if IMMEDIATE.load(Ordering::Relaxed) {
                while screen.paint_row() {}
                return false;
            }
            true
        }
    });
    // By an interrupt, since the caller may hold locks that waking a thread needs.
    if call == Some(true) && !CALLED.swap(true, Ordering::Relaxed) {
        interrupts::raise(interrupts::PAINT);
    }
}

/// Paints what was written so far, before it returns.
pub(crate) fn flush() {
    while paint_row() {}
}

/// From now on every write is painted before it returns, or no longer: for panics and the debugger, while no thread runs.
pub(crate) fn set_immediate(on: bool) {
    IMMEDIATE.store(on, Ordering::Relaxed);
    if on {
        flush();
    }
}

/// Starts the console on the screen, with what was printed before, or forgets that if there is none.
pub(crate) fn init(framebuffer: Option<Framebuffer>) {
    let Some(framebuffer) = framebuffer else { return switch_off() };
    match Screen::new(&framebuffer) {
        Ok(mut screen) => {
            let (columns, rows) = (screen.terminal.columns(), screen.terminal.rows());
            with(|state| {
                if let State::Early(text) = state {
                    screen.terminal.write(text);
                }
                *state = State::On(screen);
            });
            flush();
            info!(
                "screen: {}x{}, {} bits a pixel, at {:08x}, {}x{} characters",
                framebuffer.width,
                framebuffer.height,
                if framebuffer.format == board::PixelFormat::Rgb565 { 16 } else { 32 },
                framebuffer.base.raw(),
                columns,
                rows
            );
        }
        Err(why) => {
            switch_off();
            warning!("no text on the screen: {}", why);
        }
    }
}

fn switch_off() {
    OFF.store(true, Ordering::Relaxed);
    with(|state| *state = State::Off);
}

impl Screen {
    fn new(framebuffer: &Framebuffer) -> Result<Box<Self>, &'static str> {
        let &Framebuffer { base, width, height, stride_bytes, format } = framebuffer;
        let format = match format {
            board::PixelFormat::Xrgb8888 => PixelFormat::Xrgb8888,
            board::PixelFormat::Xbgr8888 => PixelFormat::Xbgr8888,
            board::PixelFormat::Rgb565 => PixelFormat::Rgb565,
        };
        let geometry = Geometry::new(width, height, stride_bytes, format).map_err(|e| e.text())?;
        if !base.is_aligned(4) {
            return Err("its address is no multiple of 4");
        }
        let no_memory = "no memory";
        let terminal = Terminal::new(geometry.columns(), geometry.rows()).ok_or(no_memory)?;
        let bytes = geometry.words() as u32 * 4;
        let place = map_framebuffer(base, bytes).ok_or("it cannot be mapped")?;
        let painter = Painter::new(geometry, place.cached.then_some(copy)).ok_or(no_memory)?;
        // SAFETY: mapped for good, Normal memory, a multiple of 4. By the board's word these bytes are the framebuffer's: no
        // Rust object lies there, and the display only reads them. This is the one call, so the one reference.
        let pixels = unsafe { core::slice::from_raw_parts_mut(place.va as *mut u32, geometry.words()) };
        blacken(pixels);
        if place.cached {
            clean(place.va, bytes, cp15::data_line_bytes());
            cp15::dsb();
            outer_cache::clean(base, bytes);
            outer_cache::drain();
        }
        Ok(Box::new(Screen { terminal, painter, pixels, base, cached: place.cached }))
    }
}

/// Copies, the quick way as far as it goes.
fn copy(to: &mut [u32], from: &[u32]) {
    let words = to.len().min(from.len());
    let quick = words / 8 * 8;
    // SAFETY: within the slices that are borrowed here, which are disjoint and of whole words.
    unsafe { bulk::copy(to.as_mut_ptr() as u32, from.as_ptr() as u32, quick as u32 * 4) };
    to[quick..words].copy_from_slice(&from[quick..words]);
}

/// Fills with zeros, the quick way as far as it goes.
fn blacken(pixels: &mut [u32]) {
    let (start, middle, end) = (pixels.as_ptr() as u32, pixels.len() / 8 * 8, pixels.len());
    if start.is_multiple_of(32) {
        // SAFETY: within the slice that is borrowed here.
        unsafe { bulk::zero(start, middle as u32 * 4) };
        pixels[middle..end].fill(0);
    } else {
        pixels.fill(0);
    }
}

/// Starts the painting thread, if there is something to paint on.
pub(crate) fn start_thread() {
    if !is_present() {
        return;
    }
    interrupts::attach(interrupts::PAINT, "screen", || CALL.post());
    if let Err(e) = thread::spawn("screen", Params::best_effort(256), paint) {
        // Slow, but complete.
        set_immediate(true);
        error!("thread screen: {}", crate::log::Shown(&e));
    }
}

fn paint() {
    loop {
        CALL.wait();
        // Before painting: what is written meanwhile calls again.
        CALLED.store(false, Ordering::Relaxed);
        while paint_row() {}
        thread::sleep_ns(FRAME_NS);
    }
}

fn paint_row() -> bool {
    let painted = with(|state| match state {
        State::On(screen) => screen.paint_row(),
        State::Early(_) | State::Off => false,
    });
    painted.unwrap_or(false)
}
