//! Rows of memory: address, numbers, characters.
//!
//! ```text
//! 80008000: ea000006 ea000012 ea00001d ea000028  ............(...
//! ```

use core::fmt::{self, Write};

use crate::parse::{SizeAt, Width};

/// Bytes in a row.
pub const ROW_BYTES: usize = 16;

const PAGE_BYTES: u64 = 4096;

/// Writes `range` in rows of [`ROW_BYTES`] bytes, the first of which begins at the first address of the range.
///
/// `read(address, width)` gives the little-endian number of `width` bytes at `address`, or `None` where there is nothing
/// to read. A unit whose address is a multiple of the width is read by one call with that width, so that device
/// registers can be looked at; a unit that is not, or that the end of the range cuts, is put together from
/// calls with [`Width::Byte`]. Addresses rise, none is read twice and none lies outside the range.
///
/// Where `read` says `None`, the row ends with `fault`, and the dump goes on with the next page of 4 KiB: a page that is
/// not mapped costs one line. The row after it is shorter when that brings rows back to their places.
///
/// # Errors
/// Those of `out`, at once; an `out` that fails when a key is pressed makes a long dump stoppable.
pub fn hexdump(
    out: &mut dyn Write,
    width: Width,
    range: SizeAt,
    read: &mut dyn FnMut(u32, Width) -> Option<u64>,
) -> fmt::Result {
    let start = u64::from(range.at);
    let end = start + u64::from(range.size);
    let mut at = start;
    while at < end {
        // Never more than 16: the cast is lossless.
        let in_row = ((at - start) % ROW_BYTES as u64) as usize;
        let row_end = end.min(at + (ROW_BYTES - in_row) as u64);
        at = match row(out, width, at, row_end, read)? {
            None => row_end,
            Some(fault) => (fault / PAGE_BYTES + 1) * PAGE_BYTES,
        };
    }
    Ok(())
}

/// Writes the row `at..end`; gives the address that could not be read, if any.
fn row(
    out: &mut dyn Write,
    width: Width,
    at: u64,
    end: u64,
    read: &mut dyn FnMut(u32, Width) -> Option<u64>,
) -> Result<Option<u64>, fmt::Error> {
    write!(out, "{at:08x}:")?;
    let mut text = [b' '; ROW_BYTES];
    let mut used = 0;
    let mut columns = 0;
    let mut unit = at;
    while unit < end {
        let bytes = width.bytes().min((end - unit) as usize);
        let value = match read_unit(unit, bytes, width, read) {
            Ok(value) => value,
            Err(fault) => {
                out.write_str(" fault\n")?;
                return Ok(Some(fault));
            }
        };
        write!(out, " {value:0digits$x}", digits = bytes * 2)?;
        columns += 1 + bytes * 2;
        for (slot, &byte) in text.iter_mut().skip(used).zip(value.to_le_bytes().iter().take(bytes)) {
            *slot = if matches!(byte, b' '..=b'~') { byte } else { b'.' };
        }
        used += bytes;
        unit += bytes as u64;
    }
    // Short rows keep their characters in the column of the others.
    let full = ROW_BYTES / width.bytes() * (1 + width.bytes() * 2);
    let text = text.get(..used).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or("");
    writeln!(out, "{:pad$}  {text}", "", pad = full - columns.min(full))?;
    Ok(None)
}

/// Reads `bytes` bytes at `at`, 8 at most; the error is the address that could not be read.
fn read_unit(
    at: u64,
    bytes: usize,
    width: Width,
    read: &mut dyn FnMut(u32, Width) -> Option<u64>,
) -> Result<u64, u64> {
    // Addresses end below 4 GiB, as the range's do: the casts are lossless.
    if bytes == width.bytes() && at & (bytes as u64 - 1) == 0 {
        let value = read(at as u32, width).ok_or(at)?;
        // A reader that sign-extends would spoil the columns.
        return Ok(value & u64::MAX >> (64 - 8 * bytes));
    }
    let mut value = 0;
    for index in 0..bytes as u64 {
        let byte = read((at + index) as u32, Width::Byte).ok_or(at + index)?;
        value |= (byte & 0xff) << (8 * index);
    }
    Ok(value)
}

#[cfg(test)]
mod tests;
