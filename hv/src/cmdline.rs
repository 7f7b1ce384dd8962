//! Nex's own command line: words, or words with a value after `=`.

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
