//! Nex's own command line: words, or words with a value after `=`.

use arrayvec::ArrayString;

use crate::config::DEFAULT_CMDLINE;

/// The value of `name=value`, the last one if there are several; `""` for the bare word.
pub fn option<'a>(cmdline: &'a str, name: &str) -> Option<&'a str> {
    cmdline.split_ascii_whitespace().rev().find_map(|word| match word.split_once('=') {
        Some((key, value)) => (key == name).then_some(value),
        None => (word == name).then_some(""),
    })
}

/// Whether the word is there, with or without a value.
pub fn has(cmdline: &str, name: &str) -> bool {
    option(cmdline, name).is_some()
}

/// Puts the words of the build configuration before the loader's, whose values therefore count. Returns `false` and changes nothing
/// if there is no room for both.
pub(crate) fn prepend_defaults<const N: usize>(cmdline: &mut ArrayString<N>) -> bool {
    if DEFAULT_CMDLINE.is_empty() {
        return true;
    }
    let mut both = ArrayString::new();
    let fits = both.try_push_str(DEFAULT_CMDLINE).is_ok()
        && both.try_push(' ').is_ok()
        && both.try_push_str(cmdline).is_ok();
    if fits {
        *cmdline = both;
    }
    fits
}
