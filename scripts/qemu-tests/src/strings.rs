//! What Nex and the sample guests print, as far as tests look for it. All in one place, to be changed with the texts.

/// Begins every panic report of Nex.
pub const PANIC: &str = "*** Nex panic: ";

/// The last words of Nex when all domains have ended and it powers off.
pub const POWERING_OFF: &str = "all domains have ended; powering off";

/// Nex has nothing to run, or something to be looked at, and goes on.
pub const STAYS: &str = "Nex stays";

/// Nex's answer to the key `h`.
pub const KEY_HELP: &str = "d domains   t threads   m memory   q power off";

/// Words of the command line that make Nex test or break itself, in `hv/src/selftest.rs`.
pub fn selftest(what: &str) -> String {
    format!("selftest={what}")
}

/// The last line of `selftest=all`; group 1: how many failed.
pub const SELFTEST_RESULT: &str = r"selftest: \d+ passed, (\d+) failed";

/// A line of a backtrace with a name: stack pointer, frame pointer, program counter, symbol.
pub const BACKTRACE_LINE: &str =
    r"^sp [0-9a-f]{8} fp [0-9a-f]{8} pc [0-9a-f]{8} \([^?)][^ ]*.*\+0x[0-9a-f]+/0x[0-9a-f]+\)$";

/// Group 1: nanoseconds, with ICOUNT=1 instructions, from reset to the first guest instruction.
pub const FIRST_GUEST_INSTRUCTION: &str = r"first guest instruction (\d+) ns after reset";

/// The domain asked for it.
pub fn powered_off(domain: &str) -> String {
    format!("domain {domain} has powered off")
}

/// Begins the one line about a domain that did what it may not do.
pub fn stopped(domain: &str) -> String {
    format!("error: domain {domain} stopped: ")
}

/// The domain asked for a reset.
pub fn restarts(domain: &str) -> String {
    format!("domain {domain} restarts")
}

/// `hello` has found the hypercalls of Nex.
pub const HELLO: &str = "hello: hello from a guest of Nex, ABI ";

/// `ticker`'s last line after `count` ticks; group 1: the worst delay in microseconds.
pub fn ticker_result(count: u32) -> String {
    format!(r"ticker: {count} ticks, at most (-?\d+) us late")
}

/// `hog` begins.
pub const HOG_COMPUTING: &str = "hog: computing";

/// `hog` is done: a number of rounds.
pub const HOG_DONE: &str = r"hog: (\d+) x \d+ rounds, until \d+ ms";

/// `isolate` found all its memory untouched.
pub fn memory_is_mine(id: u32) -> String {
    format!("isolate: id {id}: memory is mine: ")
}

/// `faulty` is about to misbehave.
pub fn going_to(mode: &str) -> String {
    format!("faulty: {mode}: going to ")
}

/// `faulty` was able to do what it must not.
pub const SURVIVED: &str = "SURVIVED";

/// `echo`'s first line.
pub const ECHO_READY: &str = "echo: write something; \"exit\" ends";

/// In the list of memory by owner: what Nex has for itself.
pub const OWN_MEMORY: &str = "Nex itself";
