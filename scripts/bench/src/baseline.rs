//! What has become worse since the file in the tree was written.

use anyhow::{Result, ensure};

use crate::results::{Results, Row};

/// A ratio may grow by this before it counts: the timer ticks once in 16 instructions, so that short rows differ a little
/// when only the position of code has changed.
pub const TOLERANCE: f64 = 0.05;

/// Sentences about every row that is more than [`TOLERANCE`] slower than it was, or is gone.
///
/// # Errors
/// If the two are of different CPUs.
pub fn worse(now: &Results, before: &Results) -> Result<Vec<String>> {
    ensure!(now.cpu == before.cpu, "the baseline is of {}, this run of {}", before.cpu, now.cpu);
    Ok(before.rows.iter().filter_map(|old| compare(&now.rows, old)).collect())
}

fn compare(rows: &[Row], old: &Row) -> Option<String> {
    let Some(new) = rows.iter().find(|new| (&new.group, &new.name) == (&old.group, &old.name)) else {
        return Some(format!("{} {}: not measured any more", old.group, old.name));
    };
    // Without a ratio, the instructions themselves.
    let (was, is) = match (old.ratio(), new.ratio()) {
        (Some(was), Some(is)) => (was, is),
        _ => (old.nex, new.nex),
    };
    (is > was * (1.0 + TOLERANCE)).then(|| format!("{} {}: was {was:.3}, is {is:.3}", old.group, old.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(rows: &[(&str, f64, f64)]) -> Results {
        let row = |&(name, native, nex): &(&str, f64, f64)| Row {
            group: "g".into(),
            name: name.into(),
            native,
            nex,
        };
        Results {
            cpu: "cortex-a15".into(),
            qemu: String::new(),
            revision: String::new(),
            linux: None,
            rows: rows.iter().map(row).collect(),
        }
    }

    #[test]
    fn only_what_is_worse_is_named() {
        let before = results(&[
            ("a", 1.0, 40.0),
            ("b", 1.0, 40.0),
            ("c", 1.0, 40.0),
            ("d", 0.0, 100.0),
            ("e", 1.0, 1.0),
        ]);
        let now = results(&[
            ("a", 1.0, 42.0),
            ("b", 1.0, 42.1),
            ("d", 0.0, 106.0),
            ("e", 1.0, 0.9),
            ("new", 1.0, 9.0),
        ]);
        let worse = worse(&now, &before).unwrap();
        assert_eq!(
            worse,
            ["g b: was 40.000, is 42.100", "g c: not measured any more", "g d: was 100.000, is 106.000",]
        );
    }

    #[test]
    fn other_cpus_are_not_compared() {
        let mut other = results(&[]);
        other.cpu = "cortex-a7".into();
        assert!(worse(&results(&[]), &other).is_err());
    }
}
