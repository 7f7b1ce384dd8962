//! Per-CPU data, found through TPIDRPRW.
//!
//! It lies in the window, because the vectors use it while a guest's address space is active. Fields that the
//! assembly touches come first; the rest is reached through [`this_cpu`] and only by its own CPU.

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::cp15;

/// CPUs that the data structures are laid out for.
pub const MAX_CPUS: usize = 4;

/// [`PerCpu::guest`] before any guest has run.
pub const NO_GUEST: u32 = u32::MAX;

/// For frames only: the handlers run on the debug stack.
const EXCEPTION_STACK_BYTES: usize = 1024;
/// For the debugger and for the report of a fault of Nex's own.
const DEBUG_STACK_BYTES: usize = 16 * 1024;

/// What a CPU needs at hand. One per CPU, never moved.
#[repr(C, align(64))]
pub struct PerCpu {
    /// The instruction that the guest trapped on: an A32 word, or one or two T32 halfwords, the first one low. 0 for an
    /// interrupt or a prefetch abort, or if it could not be read.
    pub(super) instruction: Cell<u32>,
    /// The three A32 words behind an undefined instruction; the first is 0 if they are not known.
    pub(super) following: Cell<[u32; 3]>,
    /// SP of the hypervisor thread that entered the guest.
    pub(super) host_sp: Cell<u32>,
    /// TTBR0 for Nex's own address space.
    pub(super) nex_ttbr0: Cell<u32>,
    /// TTBR0 for the table that maps the window only, used while ASID and table change (B3.10.4).
    pub(super) limbo_ttbr0: Cell<u32>,

    /// Top of the debug stack, for the vectors.
    pub(super) debug_sp: Cell<u32>,
    /// Not 0 while something runs on the debug stack.
    pub(super) debug_depth: Cell<u32>,

    /// SVC mode's sp, lr and SPSR when an FIQ or an abort took over; see [`super::debug`].
    pub(super) svc_bank: Cell<[u32; 3]>,
    /// Stack pointer of the innermost guarded call, 0 for none; see [`super::debug`].
    pub(super) recover_sp: Cell<u32>,

    /// Number of this CPU, from 0.
    pub index: u32,
    /// Number of the domain that runs or ran last on this CPU; [`NO_GUEST`] before the first.
    pub guest: AtomicU32,
    /// Set when the scheduler has to run before this CPU returns to what it interrupted.
    pub need_resched: AtomicBool,
    /// The running thread's alarm has passed; see [`crate::thread::set_alarm`].
    pub alarm_due: AtomicBool,
    /// Depth of interrupt handlers on this CPU.
    pub irq_depth: AtomicU32,
    /// Interrupts taken.
    pub irq_count: AtomicU64,

    abort_stack: Stack<EXCEPTION_STACK_BYTES>,
    fiq_stack: Stack<EXCEPTION_STACK_BYTES>,
    debug_stack: Stack<DEBUG_STACK_BYTES>,
}

#[repr(C, align(8))]
struct Stack<const BYTES: usize>(core::cell::UnsafeCell<[u8; BYTES]>);

impl<const BYTES: usize> Stack<BYTES> {
    const fn new() -> Self {
        Stack(core::cell::UnsafeCell::new([0; BYTES]))
    }
    fn top(&self) -> u32 {
        self.0.get() as u32 + BYTES as u32
    }
}

impl PerCpu {
    const fn new(index: u32) -> Self {
        PerCpu {
            instruction: Cell::new(0),
            following: Cell::new([0; 3]),
            host_sp: Cell::new(0),
            nex_ttbr0: Cell::new(0),
            limbo_ttbr0: Cell::new(0),
            debug_sp: Cell::new(0),
            debug_depth: Cell::new(0),
            svc_bank: Cell::new([0; 3]),
            recover_sp: Cell::new(0),
            index,
            guest: AtomicU32::new(NO_GUEST),
            need_resched: AtomicBool::new(false),
            alarm_due: AtomicBool::new(false),
            irq_depth: AtomicU32::new(0),
            irq_count: AtomicU64::new(0),
            abort_stack: Stack::new(),
            fiq_stack: Stack::new(),
            debug_stack: Stack::new(),
        }
    }

    /// Sets the TTBR0 values used at every world switch.
    pub fn set_tables(&self, nex_ttbr0: u32, limbo_ttbr0: u32) {
        self.nex_ttbr0.set(nex_ttbr0);
        self.limbo_ttbr0.set(limbo_ttbr0);
    }

    /// The three A32 words behind an instruction that was just found undefined in a guest; zero first if they are not known.
    pub fn following(&self) -> [u32; 3] {
        self.following.get()
    }

    /// Asks for the scheduler at the next chance.
    pub fn request_resched(&self) {
        self.need_resched.store(true, Ordering::Relaxed);
    }

    /// Whether an interrupt handler runs on this CPU.
    pub fn in_interrupt(&self) -> bool {
        self.irq_depth.load(Ordering::Relaxed) != 0
    }
}

struct PerCpuArray([PerCpu; MAX_CPUS]);
// SAFETY: each element is used by the CPU with its index only (`this_cpu` is the one way in), except for its atomics.
unsafe impl Sync for PerCpuArray {}

static PER_CPU: PerCpuArray = PerCpuArray([PerCpu::new(0), PerCpu::new(1), PerCpu::new(2), PerCpu::new(3)]);

/// The running CPU's data.
///
/// # Panics
/// Never; before [`init_this_cpu`] it must not be called (TPIDRPRW is unknown at reset).
#[inline(always)]
pub fn this_cpu() -> &'static PerCpu {
    // SAFETY: TPIDRPRW is only ever written by `init_this_cpu`, with a pointer to a static.
    unsafe { &*(cp15::tpidrprw() as *const PerCpu) }
}

/// Makes `index`'s data the running CPU's and gives the exception modes their stacks.
///
/// # Safety
/// Once per CPU, with its own index, in SVC mode with IRQ and FIQ masked.
pub unsafe fn init_this_cpu(index: usize) {
    let cpu = &PER_CPU.0[index];
    cpu.debug_sp.set(cpu.debug_stack.top());
    // SAFETY: TPIDRPRW is free for Nex's use; the pointer is to a static. The mode changes touch only the banked stack
    // pointers of ABT, FIQ, UND and IRQ, and return to SVC; interrupts are masked by the caller.
    unsafe {
        cp15::set_tpidrprw(cpu as *const PerCpu as u32);
        core::arch::asm!(
            "cps #0x17", "mov sp, {abt}",
            "cps #0x11", "mov sp, {fiq}",
            "cps #0x13",
            abt = in(reg) cpu.abort_stack.top(),
            fiq = in(reg) cpu.fiq_stack.top(),
            options(nostack, preserves_flags),
        );
    }
}
