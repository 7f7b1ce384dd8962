//! How a program begins and ends.

use core::ffi::CStr;
use core::panic::PanicInfo;

use crate::print::print;
use crate::sys;

/// The words of the command line, the program's own name included.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    count: usize,
    first: *const *const core::ffi::c_char,
}

impl Arguments {
    /// Word `index`; 0 is the program's name as the caller gave it.
    pub fn get(&self, index: usize) -> Option<&'static CStr> {
        // SAFETY: Linux put `count` pointers to strings on the initial stack, which stays as long as the process.
        (index < self.count).then(|| unsafe { CStr::from_ptr(*self.first.add(index)) })
    }

    /// Word `index` as text; empty if it is missing or not UTF-8.
    pub fn text(&self, index: usize) -> &'static str {
        self.get(index).and_then(|word| word.to_str().ok()).unwrap_or("")
    }

    /// What the kernel says that the CPU has: `AT_HWCAP` of the auxiliary vector.
    pub fn hwcap(&self) -> u32 {
        const AT_HWCAP: usize = 16;
        // SAFETY: the arguments' pointers end with a null pointer, the environment's follow and end with one as well, then
        // come pairs of words up to one that begins with zero.
        unsafe {
            let mut at = self.first.add(self.count + 1).cast::<usize>();
            while *at != 0 {
                at = at.add(1);
            }
            at = at.add(1);
            while *at != 0 && *at != AT_HWCAP {
                at = at.add(2);
            }
            if *at == AT_HWCAP { *at.add(1) as u32 } else { 0 }
        }
    }

    /// The number in word `index`, or `default` if there is none.
    pub fn number(&self, index: usize, default: u32) -> u32 {
        self.text(index).parse().unwrap_or(default)
    }
}

/// What [`entry!`](crate::entry) calls: turns Linux's initial stack into arguments, and ends the process with status 0, or
/// with 1 after a line about the error.
///
/// # Safety
/// `stack` must be the stack pointer with which Linux started the program (System V ABI: a count, that many pointers to
/// strings, a null pointer).
pub unsafe fn run(name: &str, stack: *const usize, main: fn(Arguments) -> sys::Result<()>) -> ! {
    // SAFETY: as the caller promises.
    let arguments = unsafe { Arguments { count: *stack, first: stack.add(1).cast() } };
    match main(arguments) {
        Ok(()) => sys::exit(0),
        Err(error) => {
            print(format_args!("{name}: error: {error}\n"));
            sys::exit(1)
        }
    }
}

/// Makes `main`, a `fn(Arguments) -> Result<()>`, the program. `name` begins the line about an error.
#[macro_export]
macro_rules! entry {
    ($name:literal, $main:path) => {
        /// Where Linux enters the program: sp is at the number of arguments.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn _start() -> ! {
            core::arch::naked_asm!("mov r0, sp", "mov r11, #0", "bl {begin}", begin = sym begin)
        }

        extern "C" fn begin(stack: *const usize) -> ! {
            // SAFETY: `_start` passes on what Linux gave it.
            unsafe { $crate::start::run($name, stack, $main) }
        }
    };
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    print(format_args!("{info}\n"));
    sys::exit(101)
}
