//! What the core asks of a board: small behaviour traits, and a description of the machine.
//!
//! The core never names a board. A board crate is a library that implements [`Board`] and a binary that calls
//! [`crate::start`]. UARTs speak the `embedded-hal-nb` serial traits, so that drivers written for those fit; what that
//! ecosystem has no trait for (interrupt controller, one-shot timer, framebuffer, power) is here.

use alloc::boxed::Box;
use core::fmt;

use nex_boot::bootinfo::BootInfo;
use nex_mm::addr::Hpa;

/// An interrupt as the controller numbers it: on a GIC 0-15 SGI, 16-31 PPI, from 32 SPI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupt(pub u32);

/// A UART for the console.
///
/// `read` and `write` never block: they return `WouldBlock` when nothing was received or the transmitter is full.
/// `flush` is done when the last stop bit has left.
pub trait Uart:
    embedded_hal_nb::serial::Read<u8, Error = UartError>
    + embedded_hal_nb::serial::Write<u8, Error = UartError>
    + Send
{
    /// The interrupt that reports received bytes and room to send.
    fn interrupt(&self) -> Interrupt;
    /// Interrupt when a byte was received.
    fn set_receive_interrupt(&mut self, on: bool);
    /// Interrupt when there is room to send.
    fn set_transmit_interrupt(&mut self, on: bool);
}

/// The console's UART as the debugger uses it: by polling, at any moment, beside the [`Uart`] that the console owns. All
/// calls may come while the console's own are interrupted half-way.
pub trait DebugPort: Sync {
    /// What was received, if anything.
    fn get(&self) -> Option<PortInput>;
    /// Sends a byte if there is room.
    fn put(&self, byte: u8) -> bool;
    /// Interrupt when a byte was received, as [`Uart::set_receive_interrupt`]; on at first.
    fn set_receive_interrupt(&self, on: bool);
    /// If the transmit interrupt is asserted, switches it off and returns `true`: the console has to be told.
    fn quiet_transmit(&self) -> bool;
}

/// What [`DebugPort::get`] returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortInput {
    /// A byte.
    Byte(u8),
    /// The line was held low for longer than a byte.
    Break,
    /// A byte that was lost to noise or to a full FIFO.
    Error,
}

/// A second comparator on the running CPU's timer, whose interrupt goes to FIQ: notices a CPU that hangs with IRQs masked.
pub trait Watchdog: Sync + Send {
    /// Its interrupt.
    fn interrupt(&self) -> Interrupt;
    /// Fires once `after_ms` from now, or never.
    fn arm(&self, after_ms: Option<u32>);
}

/// A cache behind those that the CPU maintains by itself, shared by all its cores and by no device.
///
/// Ranges are physical, in bytes, and widened to whole lines. To write data through to memory: clean the CPU's own caches by
/// address, DSB, then [`OuterCache::clean`], then [`OuterCache::drain`]. To read what a device has written: the other way
/// round. Calls may come on any CPU at any moment, and interrupt each other.
pub trait OuterCache: Sync + Send {
    /// Starts to write changed lines of the range to memory.
    fn clean(&self, start: Hpa, bytes: u32);
    /// The same, and starts to forget the lines.
    fn clean_and_invalidate(&self, start: Hpa, bytes: u32);
    /// Waits until everything that was started is done, and the cache's write buffers are empty.
    fn drain(&self);
}

/// What a UART reports; the kinds of `embedded-hal-nb`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UartError(pub embedded_hal_nb::serial::ErrorKind);

impl embedded_hal_nb::serial::Error for UartError {
    fn kind(&self) -> embedded_hal_nb::serial::ErrorKind {
        self.0
    }
}

/// An interrupt controller. All calls come with IRQs masked.
pub trait InterruptController: Sync + Send {
    /// Makes the running CPU ready to take interrupts: called once on each CPU.
    fn init_cpu(&self);
    /// Lets an interrupt through to the boot CPU.
    fn enable(&self, interrupt: Interrupt);
    /// Holds an interrupt back.
    fn disable(&self, interrupt: Interrupt);
    /// The highest pending interrupt, now active; `None` if there is none (spurious).
    fn acknowledge(&self) -> Option<Interrupt>;
    /// Ends an acknowledged interrupt.
    fn end(&self, interrupt: Interrupt);

    /// Raises software interrupt `sgi` (0 to 15) on the running CPU. It has to be enabled like any other.
    fn raise_here(&self, sgi: u32);

    /// Delivers an interrupt as FIQ from now on, above all IRQs, and lets it through. `false` if this controller cannot
    /// (no grouping, or the other security state owns it); the interrupt is then as before.
    fn route_to_fiq(&self, interrupt: Interrupt) -> bool;
    /// In an FIQ: the pending interrupt that was routed there, now active; `None` if there is none any more.
    fn acknowledge_fiq(&self) -> Option<Interrupt>;
}

/// A free-running counter with one one-shot comparator per CPU.
pub trait Timer: Sync + Send {
    /// Counts per second, 1 kHz to 4 GHz.
    fn frequency_hz(&self) -> u32;
    /// Counts since some time before Nex was entered; never goes back, does not wrap in the machine's life.
    fn now(&self) -> u64;
    /// Interrupts this CPU once when [`Timer::now`] reaches `at` (at once if it has), or never.
    fn set_deadline(&self, at: Option<u64>);
    /// The comparator's interrupt.
    fn interrupt(&self) -> Interrupt;
}

/// Pixel layout of a [`Framebuffer`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PixelFormat {
    /// 32 bits, blue in the lowest byte, highest byte ignored.
    Xrgb8888,
    /// 32 bits, red in the lowest byte, highest byte ignored.
    Xbgr8888,
    /// 16 bits, red in the top five.
    Rgb565,
}

/// A linear framebuffer that is being displayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Framebuffer {
    /// Address of the first pixel.
    pub base: Hpa,
    /// Pixels across and down.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bytes from one line to the next.
    pub stride_bytes: u32,
    /// Layout of a pixel.
    pub format: PixelFormat,
}

/// How the machine goes down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Switch off: all is well.
    PowerOff,
    /// Start again.
    Reset,
    /// Nex has failed: under a test harness end with a non-zero status, else stop.
    Failed,
}

/// The devices that [`Board::probe`] found.
pub struct Devices {
    /// The console's UART.
    pub console: Box<dyn Uart>,
    /// The interrupt controller.
    pub interrupts: &'static dyn InterruptController,
    /// The timer.
    pub timer: &'static dyn Timer,
    /// The console's UART for the debugger; must not be there if its interrupt is shared with anything else.
    pub debug_port: Option<&'static dyn DebugPort>,
    /// A timer for the watchdog, if there is a spare one.
    pub watchdog: Option<&'static dyn Watchdog>,
    /// The screen, if there is one.
    pub framebuffer: Option<Framebuffer>,
    /// The outer cache, if there is one and it is on.
    pub outer_cache: Option<&'static dyn OuterCache>,
    /// CPUs present, the boot CPU included.
    pub cpus: u32,
}

/// Why a board cannot run Nex.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProbeError(
    /// What is missing or wrong, and what to do.
    pub &'static str,
);

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Why a core does not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartCoreError {
    /// There is no such core.
    NoSuchCore,
    /// It runs already.
    AlreadyOn,
    /// The firmware or hardware refused, with its own code.
    Refused(i32),
    /// This board has no way to start cores.
    Unsupported,
}

/// Maps device registers; handed to [`Board::probe`].
pub trait DeviceMapper {
    /// Maps `bytes` at `base` as Device memory; returns Nex's address of the first byte. The mapping lasts.
    ///
    /// # Errors
    /// A text that says what ran out.
    fn map(&mut self, base: Hpa, bytes: u32) -> Result<usize, ProbeError>;
}

/// A board. One object, for the machine's life.
pub trait Board: Sync {
    /// Short name, as in `BOARD=` of the build.
    fn name(&self) -> &'static str;

    /// Corrects what the loader said, before any memory is taken: banks of RAM that it left out or got wrong
    /// (`info.banks`; sorted, not overlapping), and ranges in them that are in use by something else
    /// ([`BootInfo::reserve`]). `blob` is the DTB or ATAG list.
    fn correct(&self, _info: &mut BootInfo, _blob: &[u8], _map: &mut dyn DeviceMapper) {}

    /// Where a DTB may be when r2 does not point to one.
    fn fallback_tags(&self) -> Option<Hpa> {
        None
    }

    /// A UART that works as the loader left it, for messages before [`Board::probe`] is done. `blob` is the DTB or ATAG
    /// list, `None` if there is none or it cannot be read.
    ///
    /// # Errors
    /// When the register page cannot be mapped; Nex then stays silent until it is probed.
    fn early_console(
        &self,
        blob: Option<&[u8]>,
        map: &mut dyn DeviceMapper,
    ) -> Result<Box<dyn Uart>, ProbeError>;

    /// Finds and initialises the devices. `blob` is the DTB or ATAG list. Interrupts are masked at the CPU.
    ///
    /// # Errors
    /// What is missing. Nex cannot go on then.
    fn probe(
        &'static self,
        info: &BootInfo,
        blob: &[u8],
        map: &mut dyn DeviceMapper,
    ) -> Result<Devices, ProbeError>;

    /// Ends the machine, or stops if the board cannot.
    fn exit(&self, how: Exit) -> !;

    /// Starts a secondary core at `entry` (physical, ARM state, MMU off).
    ///
    /// # Errors
    /// See [`StartCoreError`].
    fn start_core(&self, _core: u32, _entry: Hpa) -> Result<(), StartCoreError> {
        Err(StartCoreError::Unsupported)
    }

    /// Writes what there is to know about the hardware and what the loader made of it, for people who bring the board up:
    /// the debugger's `hwinfo`. Takes no lock; [`Board::probe`] is done.
    ///
    /// # Errors
    /// When `out` refuses.
    fn describe_hardware(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "nothing is known about this board")
    }
}
