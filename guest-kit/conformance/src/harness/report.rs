//! Counts and prints.

use core::cell::Cell;
use core::fmt::{self, Write};

use super::layout::UART;
use super::mmio;

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // FR.TXFF: no room.
            while mmio::read32(UART + 0x18) & 1 << 5 != 0 {}
            mmio::write32(UART, byte.into());
        }
        Ok(())
    }
}

/// Prints to the PL011, waiting for room.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    let _ = Console.write_fmt(text);
}

struct Totals {
    cases: Cell<u32>,
    failed: Cell<u32>,
    pass: Cell<&'static str>,
}

// SAFETY: there is one CPU, and no exception handler of this program uses it.
unsafe impl Sync for Totals {}

static TOTALS: Totals = Totals { cases: Cell::new(0), failed: Cell::new(0), pass: Cell::new("") };

/// Cases so far, and how many failed.
pub(crate) fn totals() -> (u32, u32) {
    (TOTALS.cases.get(), TOTALS.failed.get())
}

/// Begins the names of all following cases with `name`: the same cases run in several settings.
pub(crate) fn set_pass(name: &'static str) {
    TOTALS.pass.set(name);
}

/// One case: what it saw, and the first thing that was not as it should be.
pub(crate) struct Case {
    hash: u32,
    wrong: u32,
    first: Option<(&'static str, u32, u32, u32)>,
    step: u32,
}

impl Case {
    /// `got` is to be `want`; `what` says what it is.
    pub(crate) fn eq(&mut self, what: &'static str, got: u32, want: u32) {
        self.note(got);
        if got != want {
            self.wrong += 1;
            self.first.get_or_insert((what, self.step, got, want));
        }
    }

    /// `fact` is to hold.
    pub(crate) fn holds(&mut self, what: &'static str, fact: bool) {
        self.eq(what, fact.into(), 1);
    }

    /// `value` is seen: both machines must see the same.
    pub(crate) fn note(&mut self, value: u32) {
        // FNV-1a over words: enough to notice a difference.
        self.step += 1;
        self.hash = (self.hash ^ value).wrapping_mul(0x0100_0193).rotate_left(7);
    }
}

/// Runs one case and prints its line.
pub(crate) fn run_case(name: fmt::Arguments<'_>, work: impl FnOnce(&mut Case)) {
    let mut case = Case { hash: 0x811c_9dc5, wrong: 0, first: None, step: 0 };
    work(&mut case);
    TOTALS.cases.set(TOTALS.cases.get() + 1);
    let (pass, hash) = (TOTALS.pass.get(), case.hash);
    match case.first {
        None => print(format_args!("{pass}{name}: ok {hash:08x}\n")),
        Some((what, step, got, want)) => {
            TOTALS.failed.set(TOTALS.failed.get() + 1);
            let wrong = case.wrong;
            print(format_args!(
                "{pass}{name}: FAIL {what} (step {step}) got {got:08x} want {want:08x}, {wrong} wrong, {hash:08x}\n"
            ));
        }
    }
}

/// `case!(name, arguments ...; |c| work)`.
macro_rules! case {
    ($format:literal $(, $argument:expr)* ; $work:expr) => {
        $crate::harness::report::run_case(format_args!($format $(, $argument)*), $work)
    };
}
pub(crate) use case;
