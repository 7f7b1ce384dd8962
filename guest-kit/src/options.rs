//! Command lines: words separated by blanks, `name=value` or just `name`.

use core::fmt;

/// The options in a command line.
///
/// Of an option that is given twice, the last one counts, so that something appended to a command line overrides what
/// was there. There is no quoting.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a>(&'a str);

/// An option that should be a number and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber<'a> {
    /// The option's name.
    pub name: &'a str,
    /// What stands behind the equals sign.
    pub value: &'a str,
}

impl fmt::Display for NotANumber<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NotANumber { name, value } = self;
        write!(f, "cmdline: `{name}={value}`: wants a number, decimal or 0x..., of at most 64 bits")
    }
}

impl<'a> Options<'a> {
    /// The options in `cmdline`.
    pub const fn new(cmdline: &'a str) -> Options<'a> {
        Options(cmdline)
    }

    /// The value of `name`: the text behind `name=`, `""` for a bare `name`, `None` if it is not there.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0
            .split_ascii_whitespace()
            .rev()
            .map(|word| word.split_once('=').unwrap_or((word, "")))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The value of `name` as a number, or `default` if it is not there.
    ///
    /// # Errors
    ///
    /// [`NotANumber`] if it is there and neither decimal nor `0x...`, or does not fit.
    pub fn number<'n>(&self, name: &'n str, default: u64) -> Result<u64, NotANumber<'n>>
    where
        'a: 'n,
    {
        let Some(value) = self.get(name) else { return Ok(default) };
        let parsed = match value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => value.parse(),
        };
        parsed.map_err(|_| NotANumber { name, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_flags_and_absence() {
        let options = Options::new("  mode=svc quiet  a=b=c empty= ");
        assert_eq!(options.get("mode"), Some("svc"));
        assert_eq!(options.get("quiet"), Some(""));
        assert_eq!(options.get("a"), Some("b=c"));
        assert_eq!(options.get("empty"), Some(""));
        assert_eq!(options.get("mod"), None);
        assert_eq!(options.get("svc"), None);
        assert_eq!(Options::new("").get("x"), None);
    }

    #[test]
    fn the_last_one_counts() {
        assert_eq!(Options::new("n=1 n=2").get("n"), Some("2"));
        assert_eq!(Options::new("n=1 n").get("n"), Some(""));
    }

    #[test]
    fn numbers() {
        let options =
            Options::new("n=12 h=0xfF big=18446744073709551615 huge=18446744073709551616 w=-1 e= x=0x");
        assert_eq!(options.number("n", 7), Ok(12));
        assert_eq!(options.number("h", 7), Ok(255));
        assert_eq!(options.number("big", 7), Ok(u64::MAX));
        assert_eq!(options.number("none", 7), Ok(7));
        for name in ["huge", "w", "e", "x"] {
            assert_eq!(options.number(name, 7).unwrap_err().name, name);
        }
        let text = options.number("w", 7).unwrap_err().to_string();
        assert!(text.contains("`w=-1`"), "{text}");
    }
}
