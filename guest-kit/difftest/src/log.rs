//! What a case saw: a hash, and the values themselves if somebody wants to read them.

use crate::machine::console::print;

/// All that a case saw so far.
pub(crate) struct Log {
    hash: u32,
    /// Everything is printed too.
    pub(crate) verbose: bool,
}

impl Log {
    /// Nothing yet.
    pub(crate) fn new(verbose: bool) -> Self {
        Self { hash: 0x811c_9dc5, verbose }
    }

    /// Something to read that is no result.
    pub(crate) fn say(&self, text: core::fmt::Arguments<'_>) {
        if self.verbose {
            print(text);
        }
    }

    /// Adds a value.
    pub(crate) fn note(&mut self, what: &str, value: u32) {
        self.mix(value);
        if self.verbose {
            print(format_args!("  {what} {value:08x}\n"));
        }
    }

    /// Adds many, four in a line.
    pub(crate) fn notes(&mut self, what: &str, values: &[u32]) {
        for (n, &value) in values.iter().enumerate() {
            self.mix(value);
            if self.verbose {
                if n % 4 == 0 {
                    print(format_args!("  {what}{n}"));
                }
                print(format_args!(
                    " {value:08x}{}",
                    if n % 4 == 3 || n + 1 == values.len() { "\n" } else { "" }
                ));
            }
        }
    }

    /// Adds a value that is not worth printing.
    pub(crate) fn silent(&mut self, value: u32) {
        self.mix(value);
    }

    /// Prints values that are no results.
    pub(crate) fn notes_of(&self, what: &str, values: &[u32]) {
        for (n, value) in values.iter().enumerate() {
            self.say(format_args!("  {what}{n} {value:08x}\n"));
        }
    }

    fn mix(&mut self, value: u32) {
        // FNV-1a over words: enough to notice a difference.
        self.hash = (self.hash ^ value).wrapping_mul(0x0100_0193).rotate_left(7);
    }

    /// The hash.
    pub(crate) fn hash(&self) -> u32 {
        self.hash
    }
}
