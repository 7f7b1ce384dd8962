//! CPU 1: brought up at boot and parked, out of everybody's way, until somebody has use for it.
//!
//! Parked it is in [`park`], in Nex's own memory, waiting for interrupts that are masked: MMU and caches off, its first-level
//! caches invalidated, ACTLR.SMP clear, its GIC interface taking nothing. So it holds no lines, answers no snoops and
//! broadcasts (DDI 0388 2.4.1: a core takes part in coherency with SMP set), and what CPU 0 does to caches and TLBs need not
//! care about it. It is there to be started again at any address: its reset begins anew ([`Core1::start`]).
//!
//! Why bring it up at all: the boot loader's promise, that it is in reset, is the last that Nex would rely on, and a core
//! whose caches hold what was in them at power-on must not meet SMP = 1 by accident. And the log then says whether the
//! second core works on a tablet.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use nex_hv::addr::Hpa;
use nex_hv::arch::{self, cp15};
use nex_hv::board::StartCoreError;
use nex_tegra2_logic::clocks::Clocks;
use nex_tegra2_logic::core1::Core1;

use crate::block::Block;
use crate::timer::Timer;

const CLOCK_WAIT_US: u32 = 10;
/// How long the boot waits for the core's report. It needs some microseconds; an emulator's may have to wait for a host's
/// CPU.
const REPORT_WAIT_US: u32 = 1_000_000;

/// What CPU 1 writes when it is parked: its MIDR, SCTLR at reset, ACTLR at reset, and last a word that says that it has.
/// In a line (32 bytes) of its own, twice as large for a larger granule: CPU 1 writes past all caches, so CPU 0 must never
/// have anything dirty there.
#[repr(C, align(64))]
struct Report(UnsafeCell<[u32; 16]>);

// SAFETY: read and written as volatile words, by `report` and by `park`.
unsafe impl Sync for Report {}

const PARKED: u32 = 0x5041_524b;

#[unsafe(no_mangle)]
static NEX_TEGRA2_CORE1: Report = Report(UnsafeCell::new([0; 16]));

global_asm!(
    r#"
    .section .text.nex_tegra2_park, "ax"
    .arm
    .balign 32
    .type nex_tegra2_park, %function
nex_tegra2_park:                    // physical address, Secure SVC, MMU and caches off, no stack
    cpsid aif
    mov r0, #0
    mcr p15, 0, r0, c7, c5, 0       // ICIALLU
    mcr p15, 0, r0, c7, c5, 6       // BPIALL
    mcr p15, 0, r0, c8, c7, 0       // TLBIALL
    // Invalidate, not clean, the first-level data cache by set and way: after reset its contents are unknown, valid bits
    // included (DDI 0388 2.4.2, B2.2.7 for the format).
    mcr p15, 2, r0, c0, c0, 0       // CSSELR: level 1, data
    isb
    mrc p15, 1, r1, c0, c0, 0       // CCSIDR
    and r2, r1, #7
    add r2, r2, #4                  // log2 of the line length in bytes
    ubfx r3, r1, #3, #10            // ways - 1
    ubfx r4, r1, #13, #15           // sets - 1
    clz r5, r3                      // way shift
1:  mov r6, r3
2:  lsl r7, r6, r5
    orr r7, r7, r4, lsl r2
    mcr p15, 0, r7, c7, c6, 2       // DCISW
    subs r6, r6, #1
    bge 2b
    subs r4, r4, #1
    bge 1b
    dsb
    isb
    // Its GIC interface: masks everything, and takes over the pins of the legacy controller, which would otherwise go
    // straight to this core and end each wait (IHI 0048B 2.3).
    movw r1, #0x0100
    movt r1, #0x5004
    str r0, [r1, #4]                // GICC_PMR
    mov r2, #0xb
    str r2, [r1]                    // GICC_CTLR: both groups, FIQEn
    // The report; these stores go to memory, past all caches.
    adr r1, 3f
    ldr r2, [r1]
    add r1, r1, r2
    mrc p15, 0, r2, c0, c0, 0       // MIDR
    str r2, [r1]
    mrc p15, 0, r2, c1, c0, 0       // SCTLR
    str r2, [r1, #4]
    mrc p15, 0, r2, c1, c0, 1       // ACTLR
    str r2, [r1, #8]
    dmb
    ldr r2, ={parked}
    str r2, [r1, #12]
4:  dsb
    wfi
    b 4b
    .balign 4
3:  .word {report} - 3b
    .ltorg
    .size nex_tegra2_park, . - nex_tegra2_park
    "#,
    report = sym NEX_TEGRA2_CORE1,
    parked = const PARKED,
);

unsafe extern "C" {
    fn nex_tegra2_park();
}

/// What is known of CPU 1.
#[derive(Clone, Copy, Debug)]
pub struct Parked {
    /// Its main ID.
    pub midr: u32,
    /// SCTLR as it came out of reset.
    pub sctlr: u32,
    /// ACTLR as it came out of reset.
    pub actlr: u32,
}

/// CPU 1 and what starts it.
pub struct SecondCore {
    core: Core1<Block, Block, Block>,
    timer: &'static Timer,
    started: AtomicBool,
}

impl SecondCore {
    /// Takes the blocks that it needs: exception vectors, clocks, flow controller.
    pub fn new(evp: Block, clocks: Clocks<Block>, flow: Block, timer: &'static Timer) -> Self {
        SecondCore { core: Core1::new(evp, clocks, flow), timer, started: AtomicBool::new(false) }
    }

    fn start_at(&self, entry: u32) {
        self.core.start(entry, || self.timer.wait_us(CLOCK_WAIT_US), cp15::dsb);
    }

    /// Brings CPU 1 up and parks it. Before the outer cache is on: what the core fetches and stores with its caches off is
    /// memory then, for both. `None` if it has not reported in time.
    pub fn park(&self) -> Option<Parked> {
        // The image was written with the caches off, or moved; its text has not changed since.
        self.start_at(image_hpa(nex_tegra2_park as *const () as u32));
        let end = self.timer.now_us().wrapping_add(REPORT_WAIT_US);
        loop {
            let parked = parked();
            if parked.is_some() || end.wrapping_sub(self.timer.now_us()) as i32 <= 0 {
                return parked;
            }
            core::hint::spin_loop();
        }
    }

    /// Starts the core at `entry`, physical and a multiple of 4: ARM state, Secure SVC mode, MMU and caches off and the
    /// caches *not* invalidated. What it reads before it has its caches on must be clean in this core's and in the outer
    /// cache; it has to call [`crate::mpcore::init_core`] for itself.
    ///
    /// # Errors
    /// [`StartCoreError::AlreadyOn`] after the first time; [`StartCoreError::Refused`] with the low bits of a misaligned
    /// `entry`.
    pub fn start(&self, entry: Hpa) -> Result<(), StartCoreError> {
        if !entry.is_aligned(4) {
            return Err(StartCoreError::Refused((entry.raw() & 3) as i32));
        }
        if self.started.swap(true, Ordering::Relaxed) {
            return Err(StartCoreError::AlreadyOn);
        }
        self.start_at(entry.raw());
        Ok(())
    }
}

/// Physical address of something in Nex's image.
fn image_hpa(va: u32) -> u32 {
    va - arch::WINDOW_BASE + arch::boot_args().desired
}

/// CPU 1's report, if it has come.
pub fn parked() -> Option<Parked> {
    let report = NEX_TEGRA2_CORE1.0.get().cast::<u32>();
    // DCCIMVAC: forgets the line, which is never dirty here, so that the loads below see memory (DDI 0406C B2.2.7). This
    // is before the outer cache is on; after that the report does not change any more.
    // SAFETY: the address is mapped; no location changes its value.
    unsafe {
        asm!("mcr p15, 0, {}, c7, c14, 1", "dsb", in(reg) report, options(nostack, preserves_flags));
    }
    // SAFETY: words of a static, which only `park` writes.
    let word = |n: usize| unsafe { report.add(n).read_volatile() };
    let done = word(3) == PARKED;
    cp15::dsb();
    done.then(|| Parked { midr: word(0), sctlr: word(1), actlr: word(2) })
}
