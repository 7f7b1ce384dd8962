//! What a benchmark prints.
//!
//! ```text
//! bench: begin FREQUENCY
//! row GROUP NAME TICKS OPERATIONS
//! bench: end ROWS
//! ```
//!
//! GROUP is one word, NAME may be several. Or `bench: error: ...`. Under Nex a line begins with the domain's name in
//! brackets, and Nex's own lines are in between; whatever is not one of the lines above is passed over.

use anyhow::{Context, Result, bail, ensure};

/// What one operation took.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The kind of operation, one word.
    pub group: String,
    /// The operation.
    pub name: String,
    /// Nanoseconds, which are instructions with `-icount shift=0`.
    pub nanoseconds: f64,
}

/// Reads a whole console.
///
/// # Errors
/// If the benchmark reported an error, did not come to its end, or printed a row that is none or is there twice.
pub fn read(console: &str) -> Result<Vec<Measured>> {
    let mut frequency = None;
    let mut rows: Vec<Measured> = Vec::new();
    for line in console.lines().map(without_domain) {
        if let Some(error) = line.strip_prefix("bench: error: ") {
            bail!("the benchmark says: {error}");
        } else if let Some(number) = line.strip_prefix("bench: begin ") {
            ensure!(frequency.is_none(), "the benchmark began twice: the machine was reset");
            let number: u32 = number.parse().ok().filter(|&number| number > 0).context("frequency")?;
            frequency = Some(f64::from(number));
        } else if let Some(row) = line.strip_prefix("row ") {
            let frequency = frequency.with_context(|| format!("{line:?} before `bench: begin`"))?;
            let row = read_row(row, frequency).with_context(|| format!("{line:?} is not a row"))?;
            let same = rows.iter().any(|other| (&other.group, &other.name) == (&row.group, &row.name));
            ensure!(!same, "{line:?} is there twice");
            rows.push(row);
        } else if let Some(count) = line.strip_prefix("bench: end ") {
            ensure!(count.parse() == Ok(rows.len()), "{count} rows printed, {} arrived", rows.len());
            return Ok(rows);
        }
    }
    match rows.last() {
        Some(last) => bail!("the benchmark ended after the row \"{} {}\"", last.group, last.name),
        None => bail!("the benchmark did not begin"),
    }
}

/// A line without `[name] ` in front and without what a terminal adds.
fn without_domain(line: &str) -> &str {
    let line = line.trim();
    match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((_, rest)) => rest,
        None => line,
    }
}

fn read_row(row: &str, frequency: f64) -> Option<Measured> {
    let (rest, operations) = row.rsplit_once(' ')?;
    let (rest, ticks) = rest.rsplit_once(' ')?;
    let (group, name) = rest.split_once(' ')?;
    let ticks: u64 = ticks.parse().ok()?;
    let operations: u64 = operations.parse().ok().filter(|&operations| operations > 0)?;
    let nanoseconds = ticks as f64 * 1e9 / frequency / operations as f64;
    Some(Measured { group: group.into(), name: name.into(), nanoseconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &str, name: &str, nanoseconds: f64) -> Measured {
        Measured { group: group.into(), name: name.into(), nanoseconds }
    }

    #[test]
    fn reads_a_console_with_other_lines_in_it() {
        let console = "Nex 0.1\r\n[bench] bench: begin 62500000\r\n[bench] row cpu MRS CPSR 100 1600\r\n\
            domains: 1 runs\r\n[bench] row device HVC null 30 16\r\n[bench] bench: end 2\r\n[bench] off\r\n";
        assert_eq!(read(console).unwrap(), [row("cpu", "MRS CPSR", 1.0), row("device", "HVC null", 30.0)]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (console, error) in [
            ("", "did not begin"),
            ("bench: begin 0\n", "frequency"),
            ("bench: begin 1\nrow a b 1 1\n", "ended after the row \"a b\""),
            ("bench: begin 1\nrow a b 1 1\nbench: begin 1\n", "reset"),
            ("bench: begin 1\nrow a b 1 1\nrow a b 1 1\n", "twice"),
            ("bench: begin 1\nrow a b 1 1\nbench: end 2\n", "2 rows printed, 1 arrived"),
            ("bench: begin 1\nrow a b 1 0\n", "not a row"),
            ("bench: begin 1\nrow a 1 1\n", "not a row"),
            ("row a b 1 1\n", "before"),
            ("bench: begin 1\nbench: error: unexpected exception 4\n", "exception 4"),
        ] {
            let said = format!("{:#}", read(console).unwrap_err());
            assert!(said.contains(error), "{console:?}: {said}");
        }
    }
}
