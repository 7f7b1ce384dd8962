//! From the first Rust instruction to running domains.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use arrayvec::ArrayVec;
use nex_boot::bootinfo::{self, BootInfo, BootInfoError, Source};
use nex_mm::addr::{Hpa, SECTION_BYTES};
use nex_mm::desc::Access;
use nex_mm::frames::Owner;
use nex_sched::Params;

use crate::arch::{self, BootArgs, boot_args, cp15};
use crate::board::{Board, Exit, ProbeError};
use crate::log::Shown;
use crate::memory::{self, InitError, PhysRange, SectionMapper};
use crate::{
    backtrace, console, debugger, demo, domain, info, interrupts, monitor, println, selftest, thread, time,
    warning,
};

unsafe extern "Rust" {
    /// Defined by [`crate::board_main!`].
    safe fn nex_board() -> &'static dyn Board;
}

/// Where the boot information is looked at before there is a direct map: 4 MiB from here.
const EARLY_VA: u32 = 0xe000_0000;
const EARLY_SECTIONS: u32 = 4;

/// [`Board::early_console`] has been called.
static CONSOLE_TRIED: AtomicBool = AtomicBool::new(false);

/// Why Nex does not start. The early console shows it.
enum StartError {
    NoTags,
    BootInfo(Hpa, BootInfoError),
    Memory(InitError),
    Probe(ProbeError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTags => f.write_str(
                "r2 points to no DTB and no ATAG list, and this board knows no other place for one",
            ),
            Self::BootInfo(at, e) => write!(f, "boot information at {at}: {e}"),
            Self::Memory(e) => e.fmt(f),
            Self::Probe(e) => e.fmt(f),
        }
    }
}

/// Called by `_start` on the boot CPU's stack, IRQs masked, in the window with everything read-write-execute.
pub(crate) extern "C" fn boot_cpu_main() -> ! {
    // SAFETY: the one call on this CPU, in the state that `_start` leaves.
    unsafe { arch::percpu::init_this_cpu(0) };
    // SAFETY: the first thing that could allocate is below.
    unsafe { memory::init_early_heap() };
    arch::close_to_user_mode();
    let board = nex_board();
    crate::BOARD.call_once(|| board);
    let boot = boot_args();
    // Where the console is may be told by what the loader passed, so that is looked for first.
    let tags = find_tags(board, &boot);
    let mut mapper = SectionMapper::new();
    CONSOLE_TRIED.store(true, Ordering::Relaxed);
    let blob = tags.as_ref().ok().map(|&(_, blob)| blob);
    if let Ok(uart) = board.early_console(blob, &mut mapper) {
        console::set_uart(uart);
    }
    banner(board, &boot);
    match tags.and_then(|(at, blob)| start(board, &boot, at, blob, &mut mapper)) {
        Ok(()) => thread::idle(),
        Err(e) => {
            println!("Nex cannot start: {e}");
            crate::exit(Exit::Failed)
        }
    }
}

fn banner(board: &dyn Board, boot: &BootArgs) {
    println!();
    println!(
        "Nex {} (git {}), {}",
        env!("CARGO_PKG_VERSION"),
        env!("NEX_GIT_REVISION"),
        env!("NEX_COMPILER")
    );
    println!("Platform: {}, CPU {}", board.name(), CpuName(cp15::midr()));
    println!(
        "Linked {:08x}  Actual {:08x}  Desired {:08x}  ({} KiB, entered in mode {:02x})",
        arch::WINDOW_BASE,
        boot.actual,
        boot.desired,
        boot.image_bytes >> 10,
        boot.cpsr & 0x1f
    );
    println!(
        "Log records are those of build {:05x}: read them with nextool, or boot with log=text",
        crate::log::build_id()
    );
}

/// Gives the console a UART if Nex fails before it had one: with an r2 that leads nowhere, for example.
pub(crate) fn console_for_last_words() {
    if !CONSOLE_TRIED.swap(true, Ordering::Relaxed)
        && let Some(board) = crate::board_in_use()
        && let Ok(uart) = board.early_console(None, &mut SectionMapper::new())
    {
        // SAFETY: called when no other code of Nex will run again.
        unsafe { console::set_last_uart(uart) };
    }
}

fn start(
    board: &'static dyn Board,
    boot: &BootArgs,
    at: Hpa,
    blob: &'static [u8],
    mapper: &mut SectionMapper,
) -> Result<(), StartError> {
    let mut info = bootinfo::parse(blob).map_err(|e| StartError::BootInfo(at, e))?;
    if !crate::cmdline::prepend_defaults(&mut info.cmdline) {
        println!("The command line has no room for the configured words; they are left out");
    }
    board.correct(&mut info, blob, mapper);
    let kind = match info.source {
        Source::Dtb => "DTB",
        Source::Atags => "ATAG list",
    };
    println!("{kind} at {at} ({} bytes), r1 {:08x}, {}", blob.len(), boot.machine, info.model);
    if let Err(word) = crate::log::configure(&info.cmdline) {
        println!("log={word}: not `text`, a level, or module=level: ignored");
    }
    println!("Command line: \"{}\"{}", info.cmdline, if info.cmdline_cut { " (cut)" } else { "" });

    let tags = (u64::from(at.raw()), blob.len() as u64);
    let mut keep: ArrayVec<(PhysRange, Owner), 60> = ArrayVec::new();
    keep.push((tags, Owner::Firmware));
    keep.extend(info.initrd.iter().map(|v| ((v.start, v.bytes), Owner::BootVolume)));
    keep.extend(info.reserved.iter().map(|r| ((r.start, r.bytes), Owner::Reserved)));
    let layout = memory::init(boot, &info, &keep).map_err(StartError::Memory)?;
    backtrace::init();

    let devices = board.probe(&info, blob, mapper).map_err(StartError::Probe)?;
    console::set_uart(debugger::beside_gdb(devices.console));
    interrupts::init(devices.interrupts);
    time::init(devices.timer);
    crate::outer_cache::init(devices.outer_cache);
    crate::screen::init(devices.framebuffer);
    // Everything that is needed of the DTB or ATAG list has been copied.
    (0..EARLY_SECTIONS).for_each(|n| memory::unmap_early(EARLY_VA + n * SECTION_BYTES));
    memory::free_all_frames(Owner::Firmware);

    let archive = boot_volume(&info, &layout);
    show_memory(&layout);
    info!("{} CPU(s), timer {} Hz", devices.cpus, time::frequency_hz());

    thread::init_this_cpu();
    interrupts::attach(devices.timer.interrupt(), "timer", time::handle_interrupt);
    if let Some(interrupt) = console::enable_interrupts() {
        if debugger::init(devices.debug_port, interrupt, devices.watchdog) {
            interrupts::attach(interrupts::SOFT, "console, from FIQ", soft_interrupt);
        } else {
            interrupts::attach(interrupt, "console", console::handle_interrupt);
        }
    }
    if let Some(seconds) = crate::cmdline::option(&info.cmdline, "watchdog").and_then(|s| s.parse().ok()) {
        debugger::watchdog::set_seconds(seconds);
    }
    if crate::cmdline::option(&info.cmdline, "panic") == Some("debugger")
        || !crate::cmdline::has(&info.cmdline, "exit")
    {
        debugger::catch_panics();
    }
    crate::screen::start_thread();
    start_threads(&info, archive);
    Ok(())
}

/// What FIQ handlers have left to do.
fn soft_interrupt() {
    console::handle_interrupt();
    domain::service_requests();
}

fn start_threads(info: &BootInfo, archive: Option<&'static [u8]>) {
    let options = info.cmdline;
    // Nex's own threads share what the domains leave, with a weight that lets them answer at once.
    let spawn = |name: &str, body: fn()| {
        if let Err(e) = thread::spawn(name, Params::best_effort(256), body) {
            crate::error!("thread {}: {}", name, Shown(&e));
        }
    };
    spawn("keys", monitor::run);
    if crate::cmdline::has(&options, "greet") {
        spawn("greet-1s", || demo::greet(1));
        spawn("greet-2s", || demo::greet(2));
    }
    let result = thread::spawn("domains", Params::best_effort(256), move || {
        if let Some(test) = crate::cmdline::option(&options, "selftest") {
            selftest::run(test);
        }
        domain::manage(archive);
    });
    if let Err(e) = result {
        crate::error!("thread domains: {}", Shown(&e));
    }
}

/// The boot information: r2, or where the board says. It stays mapped at [`EARLY_VA`] until it is unmapped.
fn find_tags(board: &dyn Board, boot: &BootArgs) -> Result<(Hpa, &'static [u8]), StartError> {
    let r2 = Some(Hpa::new(boot.tags)).filter(|at| at.raw() != 0 && at.is_aligned(4));
    let mut first_error = StartError::NoTags;
    for at in [r2, board.fallback_tags()].into_iter().flatten() {
        let section = at.align_down(SECTION_BYTES);
        for n in 0..EARLY_SECTIONS {
            memory::map_early(
                EARLY_VA + n * SECTION_BYTES,
                Hpa::new(section.raw().wrapping_add(n * SECTION_BYTES)),
            );
        }
        let va = EARLY_VA + (at.raw() - section.raw());
        // SAFETY: mapped above, and 4 MiB hold any blob that `identify` accepts, wherever it starts in the first. If
        // there is no memory behind it the access aborts and is reported. Nothing writes it while Nex starts.
        let header = unsafe { early_slice(va, bootinfo::IDENTIFY_BYTES) };
        match bootinfo::identify(header) {
            // SAFETY: as above.
            Ok(found) => return Ok((at, unsafe { early_slice(va, found.total_bytes) })),
            Err(e) if matches!(first_error, StartError::NoTags) => first_error = StartError::BootInfo(at, e),
            Err(_) => {}
        }
        (0..EARLY_SECTIONS).for_each(|n| memory::unmap_early(EARLY_VA + n * SECTION_BYTES));
    }
    Err(first_error)
}

/// # Safety
/// The range is mapped readable memory that nothing writes until the last use of the slice.
unsafe fn early_slice(va: u32, bytes: usize) -> &'static [u8] {
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(va as *const u8, bytes) }
}

fn boot_volume(info: &BootInfo, layout: &memory::Layout) -> Option<&'static [u8]> {
    let volume = info.initrd?;
    let end = volume.start + volume.bytes;
    println!("Boot volume: {:08x}-{end:08x} ({} bytes)", volume.start, volume.bytes);
    if !layout.banks.iter().any(|b| b.0 <= volume.start && end <= b.0 + b.1) {
        crate::error!("the boot volume is not in the RAM that Nex manages: have the loader put it lower");
        return None;
    }
    // SAFETY: RAM that belongs to the boot volume from the moment the frame table existed; nothing writes it.
    Some(unsafe { memory::slice(Hpa::new(volume.start as u32), volume.bytes as u32) })
}

fn show_memory(layout: &memory::Layout) {
    println!("RAM banks:");
    for &(start, bytes) in &layout.banks {
        println!("  {start:08x}-{:08x}  {} MiB", start + bytes - 1, bytes >> 20);
    }
    if layout.unreachable_bytes > 0 {
        warning!("{} MiB of RAM beyond 2 GiB are not used", layout.unreachable_bytes >> 20);
    }
    println!("Virtual memory map:");
    memory::for_each_mapping(&mut |run| {
        let access = match (run.attrs.access, run.attrs.exec) {
            (Access::PrivRw, false) => "rw-",
            (Access::PrivRo, true) => "r-x",
            (Access::PrivRo, false) => "r--",
            _ => "???",
        };
        let last = u64::from(run.va) + run.bytes - 1;
        let kind = if run.attrs.memory.is_normal() { "RAM" } else { "device" };
        println!("  {:08x}-{last:08x}  {access} {kind:6} at {}", run.va, run.hpa);
    });
    let heap = memory::heap_usage();
    info!("{} KiB free for domains, heap {} KiB", memory::free_bytes() >> 10, heap.total_bytes >> 10);
}

/// The name of a core by its main ID register (DDI 0406C B4.1.105).
struct CpuName(u32);

impl fmt::Display for CpuName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match (self.0 >> 24, self.0 >> 4 & 0xfff) {
            (0x41, 0xc05) => "Cortex-A5",
            (0x41, 0xc07) => "Cortex-A7",
            (0x41, 0xc08) => "Cortex-A8",
            (0x41, 0xc09) => "Cortex-A9",
            (0x41, 0xc0e) => "Cortex-A17",
            (0x41, 0xc0f) => "Cortex-A15",
            _ => "unknown",
        };
        write!(f, "{name} r{}p{} (MIDR {:08x})", self.0 >> 20 & 0xf, self.0 & 0xf, self.0)
    }
}
