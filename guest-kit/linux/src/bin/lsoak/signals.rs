//! Signals.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use nex_guest_linux::memory::{Mapping, PAGE, PRIVATE, READ, SHARED, WRITE};
use nex_guest_linux::process::{self, End};
use nex_guest_linux::sys::{self, Action, Result, call};

use crate::ensure;

const SIGILL: u32 = 4;
const SIGTRAP: u32 = 5;
const SIGBUS: u32 = 7;
const SIGFPE: u32 = 8;
const SIGKILL: u32 = 9;
const SIGUSR1: u32 = 10;
const SIGSEGV: u32 = 11;

/// A read from where nothing is.
fn read_nothing() {
    // SAFETY: the access faults: nothing is below the lowest address that Linux maps. The handler skips it, or it ends here.
    unsafe { asm!("mov r1, #0", "ldr r0, [r1, #16]", out("r0") _, out("r1") _, options(nostack)) };
}

/// An undefined instruction (UDF #0).
fn undefined() {
    // SAFETY: it traps. The handler skips it, or it ends here.
    unsafe { asm!(".word 0xe7f000f0", options(nostack)) };
}

/// Ends this process, with a core dump if the shell allows one.
pub(super) fn crash() -> ! {
    read_nothing();
    sys::exit(0)
}

/// What a child does to be killed.
type Way = fn() -> Result<()>;

/// Children that end by each of the signals for errors. All but SIGFPE come from what the child does; the divide
/// instructions of ARM do not trap and the floating-point unit of these CPUs cannot, so SIGFPE is sent.
pub(super) fn killed(_: u32) -> Result<()> {
    let ways: [(u32, Way); 9] = [
        (SIGSEGV, || {
            read_nothing();
            Ok(())
        }),
        (SIGSEGV, || {
            // SAFETY: the kernel's memory: the access faults.
            unsafe { asm!("ldr r0, [{}]", in(reg) 0xc000_8000u32, out("r0") _, options(nostack)) };
            Ok(())
        }),
        (SIGSEGV, || {
            let data = Mapping::new(1, READ | WRITE, PRIVATE)?;
            // SAFETY: not executable, so the fetch faults.
            unsafe { asm!("blx {}", in(reg) data.start(), out("lr") _, options(nostack)) };
            Ok(())
        }),
        (SIGILL, || {
            undefined();
            Ok(())
        }),
        (SIGILL, || {
            // SAFETY: a privileged register: undefined for programs.
            unsafe { asm!("mrc p15, 0, r0, c1, c0, 0", out("r0") _, options(nostack)) };
            Ok(())
        }),
        (SIGTRAP, || {
            // SAFETY: Linux's breakpoint.
            unsafe { asm!(".word 0xe7f001f0", options(nostack)) };
            Ok(())
        }),
        (SIGBUS, || {
            // A page behind the end of its file.
            let file = sys::memory_file()?;
            Mapping::of_file(1, READ, SHARED, file)?.read(0);
            Ok(())
        }),
        (SIGFPE, || sys::kill(sys::getpid()?, SIGFPE).map(drop)),
        (SIGKILL, || sys::kill(sys::getpid()?, SIGKILL).map(drop)),
    ];
    for (signal, way) in ways {
        let child = process::spawn(way)?;
        match process::wait(child)? {
            End::Killed(by) if by == signal => {}
            _ => return Err(sys::Error { what: "a child was not killed by signal", number: signal }),
        }
    }
    Ok(())
}

static COUNT: AtomicU32 = AtomicU32::new(0);
static MAPPED: AtomicUsize = AtomicUsize::new(0);

/// Words of `ucontext`: pc, CPSR, and the address of a fault.
const PC: usize = 23;
const CPSR: usize = 24;
const FAULT_ADDRESS: usize = 25;

/// Counts, and takes signals itself while it is at it.
extern "C" fn nested(signal: i32, _: *mut u32, _: *mut u32) {
    let count = COUNT.fetch_add(1, Ordering::SeqCst) + 1;
    if !count.is_multiple_of(4) {
        // If it fails the count is short, which is noticed.
        let _ = sys::getpid().and_then(|this| sys::kill(this, signal.unsigned_abs()));
    }
}

/// Skips the instruction.
extern "C" fn skip(_: i32, _: *mut u32, context: *mut u32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    // SAFETY: Linux's ucontext, which it reads back; the programs here are A32, of four bytes an instruction.
    unsafe {
        if *context.add(CPSR) & 0x20 == 0 {
            *context.add(PC) += 4;
        }
    }
}

/// Allows access to the page, if the address is in the mapping.
extern "C" fn allow(_: i32, info: *mut u32, context: *mut u32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    // SAFETY: siginfo's fourth word is the address, and ucontext has it too.
    let (address, again) = unsafe { (*info.add(3) as usize, *context.add(FAULT_ADDRESS) as usize) };
    let mapped = MAPPED.load(Ordering::SeqCst);
    let page = address & !(PAGE - 1);
    if address != again || !(mapped..mapped + 16 * PAGE).contains(&page) {
        sys::exit(99);
    }
    // SAFETY: a page of the mapping. If it fails the fault comes again, and the count is wrong at some time.
    let _ = unsafe { call("mprotect", 125, [page, PAGE, (READ | WRITE) as usize]) };
}

/// Counts handlers' calls from `work`.
fn counted(
    signal: u32,
    handler: extern "C" fn(i32, *mut u32, *mut u32),
    work: impl FnOnce() -> Result<()>,
) -> Result<u32> {
    COUNT.store(0, Ordering::SeqCst);
    sys::sigaction(signal, Action::Handler(handler))?;
    let result = work();
    sys::sigaction(signal, Action::Default)?;
    result.map(|()| COUNT.load(Ordering::SeqCst))
}

/// Handlers within handlers, and handlers that go on behind the instruction.
pub(super) fn handlers(_: u32) -> Result<()> {
    let this = sys::getpid()?;
    let count = counted(SIGUSR1, nested, || (0..20).try_for_each(|_| sys::kill(this, SIGUSR1).map(drop)))?;
    ensure(count == 80, "signals were lost")?;
    let count = counted(SIGILL, skip, || {
        (0..20).for_each(|_| undefined());
        Ok(())
    })?;
    ensure(count == 20, "undefined instructions were not all signalled")?;
    let count = counted(SIGSEGV, skip, || {
        (0..20).for_each(|_| read_nothing());
        Ok(())
    })?;
    ensure(count == 20, "faults were not all signalled")
}

/// A page is made accessible by the handler of its fault, and the access is done again.
pub(super) fn repaired(round: u32) -> Result<()> {
    let mapping = Mapping::new(16, READ | WRITE, PRIVATE)?;
    (0..16).for_each(|page| mapping.write(page, round));
    MAPPED.store(mapping.start().addr(), Ordering::SeqCst);
    let count = counted(SIGSEGV, allow, || {
        for access in [READ, 0] {
            mapping.protect(access)?;
            (0..16).for_each(|page| mapping.write(page, mapping.read(page) + 1));
        }
        Ok(())
    })?;
    ensure(count == 32, "faults were not all signalled")?;
    ensure((0..16).all(|page| mapping.read(page) == round + 2), "an access was lost or done twice")
}
