//! The words of a command line, and what they mean.
//!
//! Addresses and sizes are hexadecimal, with or without `0x`, because that is how everything else shows them. Only
//! counts that a person thinks of in tens (a domain's number, a level) are decimal, and each command's usage says so.

use core::fmt;

/// Words in a line, the command included.
pub const MAX_WORDS: usize = 16;

/// Most bytes that one command reads: 64 KiB.
pub const MAX_SIZE_BYTES: u32 = 0x1_0000;

/// What is wrong with a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// A word that the command needs is not there.
    Missing,
    /// More words than the command takes, or than [`MAX_WORDS`].
    TooMany,
    /// Not a hexadecimal number.
    NotHex,
    /// Not a decimal number.
    NotDecimal,
    /// A number of more than 32 bits.
    TooBig,
    /// A range without `@`.
    NoAt,
    /// A range of 0 bytes.
    SizeZero,
    /// A range of more than [`MAX_SIZE_BYTES`].
    SizeTooBig,
    /// A range that goes past 4 GiB.
    PastEnd,
    /// A unit that is not 1, 2, 4 or 8 bytes.
    Width,
    /// A privilege that is neither `u` nor `p`.
    Privilege,
    /// A direction that is neither `r` nor `w`.
    Direction,
}

impl ParseError {
    /// What to tell the user, without a line end.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Missing => "a word is missing",
            Self::TooMany => "too many words",
            Self::NotHex => "not a hexadecimal number: digits 0-9 and a-f, 0x before them if you like",
            Self::NotDecimal => "not a decimal number: digits 0-9",
            Self::TooBig => "number too big: 32 bits at most",
            Self::NoAt => "not a range: write <hex size>@<hex va>, as in 100@80008000",
            Self::SizeZero => "size is 0: 1 byte at least",
            Self::SizeTooBig => "size too big: 10000 (64 KiB) at most",
            Self::PastEnd => "range goes past ffffffff: make the size or the address smaller",
            Self::Width => "width must be 1, 2, 4 or 8",
            Self::Privilege => "privilege must be u (user) or p (privileged)",
            Self::Direction => "access must be r (read) or w (write)",
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for ParseError {}

/// A line cut into its words: the command and its arguments, numbered from 0.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    words: [&'a str; MAX_WORDS],
    count: usize,
}

impl<'a> Args<'a> {
    /// Cuts `line` at blanks.
    ///
    /// # Errors
    /// [`ParseError::TooMany`] for more than [`MAX_WORDS`] words.
    pub fn new(line: &'a str) -> Result<Self, ParseError> {
        let mut args = Self { words: [""; MAX_WORDS], count: 0 };
        for word in line.split_ascii_whitespace() {
            *args.words.get_mut(args.count).ok_or(ParseError::TooMany)? = word;
            args.count += 1;
        }
        Ok(args)
    }

    /// The first word; empty in an empty line.
    pub fn command(&self) -> &'a str {
        self.words[0]
    }

    /// Number of arguments: the words after the command.
    pub fn len(&self) -> usize {
        self.count.saturating_sub(1)
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Argument `index`, counted from 0; `None` past the last.
    pub fn get(&self, index: usize) -> Option<&'a str> {
        if index < self.len() { self.words.get(index + 1).copied() } else { None }
    }

    /// Argument `index`.
    ///
    /// # Errors
    /// [`ParseError::Missing`] past the last.
    pub fn word(&self, index: usize) -> Result<&'a str, ParseError> {
        self.get(index).ok_or(ParseError::Missing)
    }

    /// Argument `index` as a hexadecimal number, see [`hex`].
    ///
    /// # Errors
    /// [`ParseError::Missing`] and those of [`hex`].
    pub fn hex(&self, index: usize) -> Result<u32, ParseError> {
        hex(self.word(index)?)
    }

    /// Argument `index` as a decimal number, see [`decimal`].
    ///
    /// # Errors
    /// [`ParseError::Missing`] and those of [`decimal`].
    pub fn decimal(&self, index: usize) -> Result<u32, ParseError> {
        decimal(self.word(index)?)
    }

    /// Argument `index` as the bytes of a unit.
    ///
    /// # Errors
    /// [`ParseError::Missing`] and [`ParseError::Width`].
    pub fn width(&self, index: usize) -> Result<Width, ParseError> {
        Width::parse(self.word(index)?)
    }

    /// Argument `index` as a range `<hex size>@<hex va>`.
    ///
    /// # Errors
    /// [`ParseError::Missing`] and those of [`SizeAt::parse`].
    pub fn size_at(&self, index: usize) -> Result<SizeAt, ParseError> {
        SizeAt::parse(self.word(index)?)
    }

    /// Arguments `index` (`u` or `p`) and `index + 1` (`r` or `w`).
    ///
    /// # Errors
    /// [`ParseError::Missing`], [`ParseError::Privilege`] and [`ParseError::Direction`].
    pub fn access(&self, index: usize) -> Result<Access, ParseError> {
        let privileged = match self.word(index)? {
            "u" => false,
            "p" => true,
            _ => return Err(ParseError::Privilege),
        };
        let write = match self.word(index.saturating_add(1))? {
            "r" => false,
            "w" => true,
            _ => return Err(ParseError::Direction),
        };
        Ok(Access { privileged, write })
    }

    /// Checks that there are no more than `most` arguments.
    ///
    /// # Errors
    /// [`ParseError::TooMany`].
    pub fn at_most(&self, most: usize) -> Result<(), ParseError> {
        if self.len() > most { Err(ParseError::TooMany) } else { Ok(()) }
    }
}

/// A 32-bit hexadecimal number in either case, with or without `0x`. Leading zeros do not count.
///
/// # Errors
/// [`ParseError::NotHex`] and [`ParseError::TooBig`].
pub fn hex(word: &str) -> Result<u32, ParseError> {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word);
    number(digits, 16, ParseError::NotHex)
}

/// A 32-bit decimal number.
///
/// # Errors
/// [`ParseError::NotDecimal`] and [`ParseError::TooBig`].
pub fn decimal(word: &str) -> Result<u32, ParseError> {
    number(word, 10, ParseError::NotDecimal)
}

fn number(digits: &str, radix: u32, wrong: ParseError) -> Result<u32, ParseError> {
    if digits.is_empty() {
        return Err(wrong);
    }
    // A wrong digit is the more useful thing to say, so all are looked at before the size is.
    let mut value = Some(0u32);
    for digit in digits.chars() {
        let digit = digit.to_digit(radix).ok_or(wrong)?;
        value = value.and_then(|value| value.checked_mul(radix)?.checked_add(digit));
    }
    value.ok_or(ParseError::TooBig)
}

/// A range of memory: `<hex size>@<hex va>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SizeAt {
    /// Bytes, 1..=[`MAX_SIZE_BYTES`].
    pub size: u32,
    /// First address. `at + size` is 4 GiB at most.
    pub at: u32,
}

impl SizeAt {
    /// Reads `<hex size>@<hex va>`, without blanks.
    ///
    /// # Errors
    /// [`ParseError::NoAt`], those of [`hex`] for either number and those of [`new`](Self::new).
    pub fn parse(word: &str) -> Result<Self, ParseError> {
        let (size, at) = word.split_once('@').ok_or(ParseError::NoAt)?;
        Self::new(hex(size)?, hex(at)?)
    }

    /// `size` bytes from the address `at`.
    ///
    /// # Errors
    /// [`ParseError::SizeZero`], [`ParseError::SizeTooBig`] and [`ParseError::PastEnd`].
    pub const fn new(size: u32, at: u32) -> Result<Self, ParseError> {
        match size {
            0 => Err(ParseError::SizeZero),
            1..=MAX_SIZE_BYTES => match at.checked_add(size - 1) {
                Some(_) => Ok(Self { size, at }),
                None => Err(ParseError::PastEnd),
            },
            _ => Err(ParseError::SizeTooBig),
        }
    }
}

/// Bytes of a unit of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// 1 byte.
    Byte,
    /// 2 bytes.
    Half,
    /// 4 bytes.
    Word,
    /// 8 bytes.
    Double,
}

impl Width {
    /// Reads `1`, `2`, `4` or `8`.
    ///
    /// # Errors
    /// [`ParseError::Width`].
    pub fn parse(word: &str) -> Result<Self, ParseError> {
        match word {
            "1" => Ok(Self::Byte),
            "2" => Ok(Self::Half),
            "4" => Ok(Self::Word),
            "8" => Ok(Self::Double),
            _ => Err(ParseError::Width),
        }
    }

    /// The number of bytes: 1, 2, 4 or 8.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
            Self::Double => 8,
        }
    }
}

/// A kind of access, for which a translation is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Privileged, not User mode.
    pub privileged: bool,
    /// A write, not a read.
    pub write: bool,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.privileged, self.write) {
            (false, false) => "user read",
            (false, true) => "user write",
            (true, false) => "privileged read",
            (true, true) => "privileged write",
        })
    }
}

#[cfg(test)]
mod tests;
