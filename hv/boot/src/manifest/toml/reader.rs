//! The reader proper: text to [`Table`].

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Fallible, MAX_DEPTH, Origin, SyntaxError, Table, Value};

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

/// Reads a whole document.
///
/// # Errors
/// The line, from 1, and what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Table<'_>, (u32, SyntaxError)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0, line: 1 };
    reader.document().map_err(|error| (reader.line, error))
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps over `literal` if it comes next. It must not hold a newline.
    fn eat(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !keep(byte)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    fn eat_newline(&mut self) -> bool {
        let found = self.eat("\n") || self.eat("\r\n");
        self.line += u32::from(found);
        found
    }

    /// Steps over blanks and a comment. A comment ends before its newline.
    fn skip_comment(&mut self) -> Fallible<()> {
        self.skip_blanks();
        if self.eat("#") {
            self.take_while(|byte| byte == b'\t' || !byte.is_ascii_control());
            if !matches!(self.peek(), None | Some(b'\n' | b'\r')) {
                return Err(SyntaxError::Control);
            }
        }
        Ok(())
    }

    /// Steps over blanks, newlines and comments.
    fn skip_lines(&mut self) -> Fallible<()> {
        loop {
            self.skip_comment()?;
            if !self.eat_newline() {
                return Ok(());
            }
        }
    }

    fn document(&mut self) -> Fallible<Table<'a>> {
        let mut root = Table::new(1, Origin::Header);
        let mut heading = Vec::new();
        loop {
            self.skip_lines()?;
            if self.peek().is_none() {
                return Ok(root);
            }
            let line = self.line;
            if self.eat("[") {
                let is_array = self.eat("[");
                heading = self.key_path()?;
                if !self.eat(if is_array { "]]" } else { "]" }) {
                    return Err(SyntaxError::Unclosed(']'));
                }
                root.open(&heading, is_array, line)?;
            } else {
                let path = self.key_path()?;
                let value = self.assigned(0)?;
                root.current(&heading)?.insert(&path, value, line)?;
            }
            self.skip_comment()?;
            if self.peek().is_some() && !self.eat_newline() {
                return Err(SyntaxError::Trailing);
            }
        }
    }

    /// A dotted key, with the blanks around it.
    fn key_path(&mut self) -> Fallible<Vec<Cow<'a, str>>> {
        let mut path = Vec::new();
        loop {
            self.skip_blanks();
            path.push(match self.peek() {
                Some(b'"') => self.basic_string()?,
                Some(b'\'') => self.literal_string()?,
                _ => {
                    match self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                    {
                        "" => return Err(SyntaxError::Key),
                        key => Cow::Borrowed(key),
                    }
                }
            });
            if path.len() > MAX_DEPTH {
                return Err(SyntaxError::TooDeep);
            }
            self.skip_blanks();
            if !self.eat(".") {
                return Ok(path);
            }
        }
    }

    /// `=` and the value after it.
    fn assigned(&mut self, depth: usize) -> Fallible<Value<'a>> {
        if !self.eat("=") {
            return Err(SyntaxError::Equals);
        }
        self.skip_blanks();
        self.value(depth)
    }

    fn value(&mut self, depth: usize) -> Fallible<Value<'a>> {
        if depth > MAX_DEPTH {
            return Err(SyntaxError::TooDeep);
        }
        match self.peek() {
            Some(b'"') if self.rest().starts_with("\"\"\"") => self.multi_line_basic().map(Value::Str),
            Some(b'"') => self.basic_string().map(Value::Str),
            Some(b'\'') if self.rest().starts_with("'''") => self.multi_line_literal().map(Value::Str),
            Some(b'\'') => self.literal_string().map(Value::Str),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.inline_table(depth),
            _ => {
                let is_part = |byte: u8| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_' | b'.' | b':')
                };
                scalar(self.take_while(is_part)).ok_or(SyntaxError::Value)
            }
        }
    }

    fn array(&mut self, depth: usize) -> Fallible<Value<'a>> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.skip_lines()?;
            if self.eat("]") {
                return Ok(Value::Array(items));
            }
            items.push(self.value(depth + 1)?);
            self.skip_lines()?;
            if !self.eat(",") && self.peek() != Some(b']') {
                return Err(SyntaxError::Unclosed(']'));
            }
        }
    }

    fn inline_table(&mut self, depth: usize) -> Fallible<Value<'a>> {
        let mut table = Table::new(self.line, Origin::Header);
        self.at += 1;
        loop {
            self.skip_lines()?;
            if self.eat("}") {
                table.close();
                return Ok(Value::Table(table));
            }
            let line = self.line;
            let path = self.key_path()?;
            let value = self.assigned(depth + 1)?;
            table.insert(&path, value, line)?;
            self.skip_lines()?;
            if !self.eat(",") && self.peek() != Some(b'}') {
                return Err(SyntaxError::Unclosed('}'));
            }
        }
    }

    fn literal_string(&mut self) -> Fallible<Cow<'a, str>> {
        self.at += 1;
        let text = self.take_while(|byte| byte != b'\'' && (byte == b'\t' || !byte.is_ascii_control()));
        match self.peek() {
            Some(b'\'') => self.at += 1,
            None | Some(b'\n' | b'\r') => return Err(SyntaxError::UnclosedString),
            Some(_) => return Err(SyntaxError::Control),
        }
        Ok(Cow::Borrowed(text))
    }

    fn basic_string(&mut self) -> Fallible<Cow<'a, str>> {
        self.at += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let plain = self.plain_text();
            if text.is_empty() {
                text = Cow::Borrowed(plain)
            } else {
                text.to_mut().push_str(plain)
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.to_mut().push(self.escape()?),
                None | Some(b'\n' | b'\r') => return Err(SyntaxError::UnclosedString),
                Some(_) => return Err(SyntaxError::Control),
            }
        }
    }

    /// What needs no attention in a basic string.
    fn plain_text(&mut self) -> &'a str {
        self.take_while(|byte| !matches!(byte, b'"' | b'\\') && (byte == b'\t' || !byte.is_ascii_control()))
    }

    fn multi_line_basic(&mut self) -> Fallible<Cow<'a, str>> {
        let start = self.open_multi_line();
        let mut text = String::new();
        loop {
            text.push_str(self.plain_text());
            if self.eat_newline() {
                text.push('\n');
                continue;
            }
            match self.peek() {
                Some(b'"') => {
                    if self.close_multi_line('"', &mut text) {
                        return Ok(Cow::Owned(text));
                    }
                }
                Some(b'\\') => {
                    if !self.skip_continuation()? {
                        text.push(self.escape()?);
                    }
                }
                None => return Err(self.unclosed(start)),
                Some(_) => return Err(SyntaxError::Control),
            }
        }
    }

    fn multi_line_literal(&mut self) -> Fallible<Cow<'a, str>> {
        let start = self.open_multi_line();
        let mut text = String::new();
        loop {
            text.push_str(
                self.take_while(|byte| byte != b'\'' && (byte == b'\t' || !byte.is_ascii_control())),
            );
            if self.eat_newline() {
                text.push('\n');
            } else if self.peek() == Some(b'\'') {
                if self.close_multi_line('\'', &mut text) {
                    return Ok(Cow::Owned(text));
                }
            } else if self.peek().is_none() {
                return Err(self.unclosed(start));
            } else {
                return Err(SyntaxError::Control);
            }
        }
    }

    /// Steps over three quotes and a newline right after them; gives the line they are on.
    fn open_multi_line(&mut self) -> u32 {
        let start = self.line;
        self.at += 3;
        self.eat_newline();
        start
    }

    /// At a run of quotes: the last three of up to five close the string, the others belong to it.
    fn close_multi_line(&mut self, quote: char, text: &mut String) -> bool {
        let run = self.rest().chars().take(5).take_while(|c| *c == quote).count();
        self.at += run;
        let inside = if run < 3 { run } else { run - 3 };
        text.extend(core::iter::repeat_n(quote, inside));
        run >= 3
    }

    /// An unclosed string is reported where it begins.
    fn unclosed(&mut self, line: u32) -> SyntaxError {
        self.line = line;
        SyntaxError::UnclosedString
    }

    /// At a backslash: if nothing but blanks follows on its line, steps to the next text and says so.
    fn skip_continuation(&mut self) -> Fallible<bool> {
        let start = self.at;
        self.at += 1;
        self.skip_blanks();
        if !self.eat_newline() {
            // A backslash before a blank is no escape either, but that is for `escape` to say.
            self.at = start;
            return Ok(false);
        }
        loop {
            self.skip_blanks();
            if !self.eat_newline() {
                return Ok(true);
            }
        }
    }

    /// The character for the escape at a backslash.
    fn escape(&mut self) -> Fallible<char> {
        self.at += 1;
        let kind = self.peek().ok_or(SyntaxError::UnclosedString)?;
        let digits = match kind {
            b'b' | b't' | b'n' | b'f' | b'r' | b'e' | b'"' | b'\\' => 0,
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => return Err(SyntaxError::Escape),
        };
        self.at += 1;
        let plain = match kind {
            b'b' => '\u{8}',
            b't' => '\t',
            b'n' => '\n',
            b'f' => '\u{c}',
            b'r' => '\r',
            b'e' => '\u{1b}',
            other => char::from(other),
        };
        if digits == 0 {
            return Ok(plain);
        }
        let text = self.rest().get(..digits).ok_or(SyntaxError::Escape)?;
        self.at += digits;
        let code = text.chars().try_fold(0u32, |code, digit| Some(code << 4 | digit.to_digit(16)?));
        code.and_then(char::from_u32).ok_or(SyntaxError::Escape)
    }
}

/// The value of a token without quotes or brackets.
fn scalar<'a>(token: &str) -> Option<Value<'a>> {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    match token {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ if matches!(unsigned, "inf" | "nan") => return Some(Value::Other),
        _ => {}
    }
    if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (radix, digits) = match unsigned.get(..2) {
        Some("0x") => (16, &unsigned[2..]),
        Some("0o") => (8, &unsigned[2..]),
        Some("0b") => (2, &unsigned[2..]),
        _ => (10, unsigned),
    };
    let well_formed =
        digits.split('_').all(|part| !part.is_empty() && part.chars().all(|c| c.is_digit(radix)));
    let bad_prefix =
        if radix == 10 { digits.len() > 1 && digits.starts_with('0') } else { unsigned != token };
    if !well_formed {
        // Floats and dates have only these; a letter elsewhere is a typing error such as 64M without quotes.
        let other = |c: char| {
            c.is_ascii_digit() || matches!(c, '.' | '-' | ':' | '_' | '+' | 'e' | 'E' | 'T' | 'Z' | 't' | 'z')
        };
        return (radix == 10 && digits.chars().all(other)).then_some(Value::Other);
    }
    if bad_prefix {
        return None;
    }
    let digits = digits.chars().filter(|c| *c != '_');
    let magnitude =
        digits.map(|c| i64::from(c.to_digit(radix).unwrap_or(0))).try_fold(0i64, |value, digit| {
            let value = value.checked_mul(i64::from(radix))?;
            // Downwards for negative numbers, so that the smallest one has a place.
            if token.starts_with('-') { value.checked_sub(digit) } else { value.checked_add(digit) }
        });
    Some(magnitude.map_or(Value::Other, Value::Int))
}
