//! System calls of Linux for ARM EABI: number in r7, arguments in r0 to r5, result in r0, from -4095 on an error.

use core::arch::asm;
use core::ffi::CStr;
use core::fmt;

/// What a system call failed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The call, or what else was wrong.
    pub what: &'static str,
    /// `errno`; 0 if it was no system call.
    pub number: u32,
}

/// What most functions here return.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// Something other than a system call went wrong.
    pub fn new(what: &'static str) -> Self {
        Self { what, number: 0 }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => f.write_str(self.what),
            number => write!(f, "{}: errno {number}", self.what),
        }
    }
}

/// A process number.
pub type Pid = u32;
/// A file descriptor.
pub type Fd = u32;

/// Standard input.
pub const STDIN: Fd = 0;
/// Standard output.
pub const STDOUT: Fd = 1;

/// Opens for reading.
pub const O_RDONLY: u32 = 0;
/// Opens for writing.
pub const O_WRONLY: u32 = 1;
/// Makes the file if it is not there.
pub const O_CREAT: u32 = 0o100;
/// Empties the file.
pub const O_TRUNC: u32 = 0o1000;

/// Makes any system call. Returns r0 as it is.
///
/// # Safety
/// As the call says; memory that it reads or writes must be this process's to have read or written.
#[inline(always)]
pub unsafe fn raw(number: u32, arguments: [usize; 6]) -> i32 {
    let result: i32;
    // SAFETY: Linux keeps all registers but r0; what the call does is the caller's promise.
    unsafe {
        asm!(
            "svc #0",
            in("r7") number,
            inlateout("r0") arguments[0] => result,
            in("r1") arguments[1],
            in("r2") arguments[2],
            in("r3") arguments[3],
            in("r4") arguments[4],
            in("r5") arguments[5],
            options(nostack)
        );
    }
    result
}

/// As [`raw`], with a missing argument as 0, and an error as one of the call named `what`.
///
/// # Errors
/// What Linux returns.
///
/// # Safety
/// As for [`raw`].
#[inline(always)]
pub unsafe fn call<const N: usize>(what: &'static str, number: u32, arguments: [usize; N]) -> Result<u32> {
    let mut six = [0; 6];
    six[..N].copy_from_slice(&arguments);
    // SAFETY: as the caller promises.
    match unsafe { raw(number, six) } {
        result @ -4095..=-1 => Err(Error { what, number: result.unsigned_abs() }),
        result => Ok(result as u32),
    }
}

/// Defines functions for calls that take numbers only, so nothing can go wrong in this process's memory.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),*) = $number:literal;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// What Linux returns.
            pub fn $name($($argument: u32),*) -> Result<u32> {
                // SAFETY: the call has no pointers.
                unsafe { call(stringify!($name), $number, [$($argument as usize),*]) }
            }
        )*
    };
}

calls! {
    /// This process's number.
    getpid() = 20;
    /// The parent's number.
    getppid() = 64;
    /// Sends a signal.
    kill(pid, signal) = 37;
    /// Closes a file.
    close(fd) = 6;
    /// Makes `to` another name of the open file `from`.
    dup2(from, to) = 63;
    /// Lets others run.
    sched_yield() = 158;
    /// Sets a file's length, here below 4 GiB.
    ftruncate(fd, length) = 93;
}

/// Ends the process.
pub fn exit(status: u32) -> ! {
    loop {
        // SAFETY: exit_group has no pointers. It does not return.
        unsafe { raw(248, [status as usize, 0, 0, 0, 0, 0]) };
    }
}

/// Reads into `buffer`; returns how many bytes, 0 at the end.
///
/// # Errors
/// What Linux returns.
pub fn read(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    let arguments = [fd as usize, buffer.as_mut_ptr().addr(), buffer.len()];
    // SAFETY: Linux writes to the buffer only.
    unsafe { call("read", 3, arguments) }.map(|count| count as usize)
}

/// Writes bytes; returns how many.
///
/// # Errors
/// What Linux returns.
pub fn write(fd: Fd, bytes: &[u8]) -> Result<usize> {
    let arguments = [fd as usize, bytes.as_ptr().addr(), bytes.len()];
    // SAFETY: Linux reads those bytes only.
    unsafe { call("write", 4, arguments) }.map(|count| count as usize)
}

/// Writes all bytes.
///
/// # Errors
/// What Linux returns, or if it takes none.
pub fn write_all(fd: Fd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match write(fd, bytes)? {
            0 => return Err(Error::new("write took nothing")),
            count => bytes = &bytes[count..],
        }
    }
    Ok(())
}

/// Fills the buffer; returns fewer bytes than it has at the end of the file only.
///
/// # Errors
/// What Linux returns.
pub fn read_full(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match read(fd, &mut buffer[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

/// Opens a file; a new one is for the owner only.
///
/// # Errors
/// What Linux returns.
pub fn open(path: &CStr, flags: u32) -> Result<Fd> {
    // SAFETY: Linux reads the string only.
    unsafe { call("open", 5, [path.as_ptr().addr(), flags as usize, 0o600]) }
}

/// Removes a file's name.
///
/// # Errors
/// What Linux returns.
pub fn unlink(path: &CStr) -> Result<()> {
    // SAFETY: Linux reads the string only.
    unsafe { call("unlink", 10, [path.as_ptr().addr()]) }.map(drop)
}

/// A pipe: the end to read from, the end to write to.
///
/// # Errors
/// What Linux returns.
pub fn pipe() -> Result<(Fd, Fd)> {
    let mut ends = [0u32; 2];
    // SAFETY: Linux writes two numbers to `ends`.
    unsafe { call("pipe", 42, [ends.as_mut_ptr().addr()]) }?;
    Ok((ends[0], ends[1]))
}

/// Nanoseconds of CLOCK_MONOTONIC, always by a system call.
///
/// # Errors
/// What Linux returns.
pub fn now() -> Result<u64> {
    let mut time = [0u64; 2];
    // SAFETY: clock_gettime64 writes seconds and nanoseconds, 64 bits each.
    unsafe { call("clock_gettime64", 403, [1, time.as_mut_ptr().addr()]) }?;
    Ok(time[0] * 1_000_000_000 + time[1])
}

/// A marker for a profiler of QEMU's that looks for it, an instruction without effect: what is measured begins.
#[inline(always)]
pub fn mark_begin() {
    // SAFETY: it does nothing.
    unsafe { asm!("mov r7, r7", options(nostack, nomem, preserves_flags)) };
}

/// The same: it ends.
#[inline(always)]
pub fn mark_end() {
    // SAFETY: it does nothing.
    unsafe { asm!("mov r8, r8", options(nostack, nomem, preserves_flags)) };
}

/// Sleeps for nanoseconds of CLOCK_MONOTONIC.
///
/// # Errors
/// What Linux returns; a signal is one.
pub fn sleep(nanoseconds: u64) -> Result<()> {
    let time = [nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000];
    // SAFETY: clock_nanosleep_time64 reads the time; there is no pointer to a rest.
    unsafe { call("clock_nanosleep_time64", 407, [1, 0, time.as_ptr().addr()]) }.map(drop)
}

/// Lets the process's timers expire on time: Linux may delay them by 50 microseconds else.
///
/// # Errors
/// What Linux returns.
pub fn no_timer_slack() -> Result<()> {
    const PR_SET_TIMERSLACK: usize = 29;
    // SAFETY: this function of prctl has no pointers.
    unsafe { call("prctl", 172, [PR_SET_TIMERSLACK, 1]) }.map(drop)
}

/// Waits until a terminal has sent all that was written to it.
///
/// # Errors
/// What Linux returns.
pub fn drain(fd: Fd) -> Result<()> {
    const TCSBRK: usize = 0x5409;
    // SAFETY: this ioctl has no pointers.
    unsafe { call("TCSBRK", 54, [fd as usize, TCSBRK, 1]) }.map(drop)
}

/// Sends SIGALRM to this process every `microseconds`, below a million; 0 ends that.
///
/// # Errors
/// What Linux returns.
pub fn set_alarm(microseconds: u32) -> Result<()> {
    // Seconds and microseconds, of the interval and until the first.
    let times = [0, microseconds, 0, microseconds];
    // SAFETY: Linux reads four words.
    unsafe { call("setitimer", 104, [0, times.as_ptr().addr(), 0]) }.map(drop)
}

/// A file without a name, which goes with its last descriptor.
///
/// # Errors
/// What Linux returns.
pub fn memory_file() -> Result<Fd> {
    // SAFETY: Linux reads the string.
    unsafe { call("memfd_create", 385, [c"soak".as_ptr().addr(), 0]) }
}

/// Bytes of memory that are free.
///
/// # Errors
/// What Linux returns.
pub fn free_memory() -> Result<usize> {
    let mut info = [0u32; 32];
    // SAFETY: `struct sysinfo` has 64 bytes: the sixth word is free memory, the thirteenth its unit.
    unsafe { call("sysinfo", 116, [info.as_mut_ptr().addr()]) }?;
    Ok(info[5] as usize * (info[13] as usize).max(1))
}

/// What a signal does.
#[derive(Clone, Copy)]
pub enum Action {
    /// What it does in a new process.
    Default,
    /// Calls this with the signal's number, `siginfo` and `ucontext`. The signal itself is not blocked meanwhile.
    Handler(extern "C" fn(i32, *mut u32, *mut u32)),
}

/// Says what a signal does.
///
/// # Errors
/// What Linux returns.
pub fn sigaction(signal: u32, action: Action) -> Result<()> {
    const SA_SIGINFO: usize = 4;
    const SA_RESTART: usize = 0x1000_0000;
    const SA_NODEFER: usize = 0x4000_0000;
    let handler = match action {
        Action::Default => 0,
        Action::Handler(handler) => handler as usize,
    };
    // Handler, flags, restorer (none: Linux has a page with code for that), mask of 64 bits.
    let action = [handler, SA_SIGINFO | SA_RESTART | SA_NODEFER, 0, 0, 0];
    // SAFETY: Linux reads `action`. A handler is a function of this program that Linux may call as it says.
    unsafe { call("rt_sigaction", 174, [signal as usize, action.as_ptr().addr(), 0, 8]) }.map(drop)
}
