//! Both sides together.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::aims::aim;
use crate::console::Measured;

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The kind of operation, one word.
    pub group: String,
    /// The operation.
    pub name: String,
    /// Instructions natively.
    pub native: f64,
    /// Instructions in a domain of Nex.
    pub nex: f64,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// QEMU's name of the CPU.
    pub cpu: String,
    /// QEMU's version.
    pub qemu: String,
    /// Git's name of the source.
    pub revision: String,
    /// The Linux of the rows with Linux, if there are some.
    pub linux: Option<String>,
    /// In the order in which they were measured.
    pub rows: Vec<Row>,
}

impl Row {
    /// How many times slower Nex is. `None` where natively there is next to nothing to compare with.
    pub fn ratio(&self) -> Option<f64> {
        (self.native >= 0.5).then(|| self.nex / self.native)
    }
}

/// Puts the two sides of a benchmark together.
///
/// # Errors
/// If they have not measured the same.
pub fn join(native: Vec<Measured>, nex: Vec<Measured>) -> Result<Vec<Row>> {
    let names = |rows: &[Measured]| -> Vec<String> {
        rows.iter().map(|row| format!("{} {}", row.group, row.name)).collect()
    };
    let (native_names, nex_names) = (names(&native), names(&nex));
    if let Some(name) = native_names.iter().find(|name| !nex_names.contains(name)) {
        bail!("\"{name}\" was measured natively, but not under Nex");
    }
    if let Some(name) = nex_names.iter().find(|name| !native_names.contains(name)) {
        bail!("\"{name}\" was measured under Nex, but not natively");
    }
    let pair = |native: Measured| {
        let other = nex.iter().find(|nex| (&nex.group, &nex.name) == (&native.group, &native.name));
        let nex = other.map_or(f64::NAN, |other| other.nanoseconds);
        Row { group: native.group, name: native.name, native: native.nanoseconds, nex }
    };
    Ok(native.into_iter().map(pair).collect())
}

impl Results {
    /// As written to `target/bench.json`. Numbers are rounded to thousandths.
    pub fn to_json(&self) -> String {
        let rounded = |number: f64| (number * 1000.0).round() / 1000.0;
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "group": row.group, "name": row.name, "native": rounded(row.native), "nex": rounded(row.nex),
                    "ratio": row.ratio().map(rounded),
                })
            })
            .collect();
        let whole = json!({
            "cpu": self.cpu, "qemu": self.qemu, "revision": self.revision, "linux": self.linux, "rows": rows,
        });
        format!("{whole:#}\n")
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// If it is something else.
    pub fn from_json(text: &str) -> Result<Self> {
        let whole: Value = serde_json::from_str(text)?;
        let string = |value: &Value, key: &str| -> Result<String> {
            Ok(value[key].as_str().with_context(|| format!("no string {key:?}"))?.to_owned())
        };
        let number =
            |value: &Value, key: &str| value[key].as_f64().with_context(|| format!("no number {key:?}"));
        let rows = whole["rows"].as_array().context("no list \"rows\"")?;
        Ok(Self {
            cpu: string(&whole, "cpu")?,
            qemu: string(&whole, "qemu")?,
            revision: string(&whole, "revision")?,
            // Older files do not have it.
            linux: whole["linux"].as_str().map(str::to_owned),
            rows: rows
                .iter()
                .map(|row| {
                    Ok(Row {
                        group: string(row, "group")?,
                        name: string(row, "name")?,
                        native: number(row, "native")?,
                        nex: number(row, "nex")?,
                    })
                })
                .collect::<Result<_>>()?,
        })
    }

    /// For the screen.
    pub fn to_text(&self) -> String {
        let table: Vec<_> = self.rows.iter().map(cells).collect();
        let widths = |column: usize| {
            table
                .iter()
                .map(|cells| cells[column].chars().count())
                .chain([HEAD[column].len()])
                .max()
                .unwrap_or(0)
        };
        let [group, name, native, nex, ratio, aim] = std::array::from_fn(widths);
        let mut text = format!("{}\n", self.machine());
        for cells in std::iter::once(&HEAD.map(String::from)).chain(&table) {
            let line = format!(
                "{:group$}  {:name$}  {:>native$}  {:>nex$}  {:>ratio$}  {:aim$}",
                cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// For a page in Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "{}\n\n| {} |\n| --- | --- | --: | --: | --: | --- |\n",
            self.machine(),
            HEAD.join(" | ")
        );
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", cells(row).join(" | "));
        }
        text
    }

    /// The same for a page that has room for those rows only that have an aim.
    pub fn to_short_markdown(&self) -> String {
        let rows = self.rows.iter().filter(|row| aim(&row.group, &row.name).is_some()).cloned().collect();
        Self { rows, ..self.clone() }.to_markdown()
    }

    fn machine(&self) -> String {
        let linux = self.linux.as_ref().map(|linux| format!(", Linux {linux}")).unwrap_or_default();
        format!(
            "{} without virtualization extensions, QEMU {}{linux}, Nex {}. Instructions per operation.",
            self.cpu, self.qemu, self.revision
        )
    }
}

const HEAD: [&str; 6] = ["group", "name", "native", "nex", "ratio", "aim"];

fn cells(row: &Row) -> [String; 6] {
    let ratio = match row.ratio() {
        // Close to 1 the thousandths matter.
        Some(ratio) if ratio < 2.0 => format!("{ratio:.3}"),
        Some(ratio) => format!("{ratio:.1}"),
        None => "-".into(),
    };
    let aim = match aim(&row.group, &row.name) {
        Some(aim) if aim.reached(row) => aim.to_string(),
        Some(aim) => format!("{aim}, missed"),
        None => String::new(),
    };
    [row.group.clone(), row.name.clone(), count(row.native), count(row.nex), ratio, aim]
}

fn count(instructions: f64) -> String {
    if instructions < 10.0 { format!("{instructions:.2}") } else { format!("{instructions:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let row = |name: &str, native, nex| Row { group: "cpu".into(), name: name.into(), native, nex };
        Results {
            cpu: "cortex-a15".into(),
            qemu: "7.2".into(),
            revision: "abc".into(),
            linux: Some("6.1".into()),
            rows: vec![row("MRS CPSR", 1.0, 30.125), row("CPSID", 1.0, 50.0), row("nothing", 0.0, 9.5)],
        }
    }

    #[test]
    fn json_comes_back() {
        assert_eq!(Results::from_json(&results().to_json()).unwrap(), results());
        let whole: Value = serde_json::from_str(&results().to_json()).unwrap();
        assert_eq!(whole["rows"][0]["ratio"], json!(30.125));
        assert_eq!(whole["rows"][2]["ratio"], Value::Null);
        let old = results().to_json().replace("linux", "other");
        assert_eq!(Results::from_json(&old).unwrap().linux, None);
        for wrong in ["", "[]", "{}", r#"{"cpu":"a","qemu":"b","revision":"c","rows":[{}]}"#] {
            assert!(Results::from_json(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tables_show_aims() {
        let text = results().to_text();
        let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap().to_owned();
        assert!(line("MRS CPSR").ends_with("30.1  <= 40"), "{text}");
        assert!(line("CPSID").ends_with("50.0  <= 40, missed"), "{text}");
        assert!(line("nothing").ends_with("9.50      -"), "{text}");
        assert!(results().to_markdown().contains("| cpu | CPSID | 1.00 | 50 | 50.0 | <= 40, missed |\n"));
        assert!(text.contains("QEMU 7.2, Linux 6.1, Nex abc."));
        let short = results().to_short_markdown();
        assert!(short.contains("CPSID") && !short.contains("nothing"), "{short}");
    }

    #[test]
    fn sides_must_agree() {
        let row = |name: &str, nanoseconds| Measured { group: "a".into(), name: name.into(), nanoseconds };
        let joined = join(vec![row("x", 1.0), row("y", 2.0)], vec![row("y", 4.0), row("x", 3.0)]).unwrap();
        assert_eq!(joined.iter().map(|row| row.nex).collect::<Vec<_>>(), [3.0, 4.0]);
        let message = |native, nex| join(native, nex).unwrap_err().to_string();
        assert!(message(vec![row("x", 1.0)], vec![]).contains("not under Nex"));
        assert!(message(vec![], vec![row("x", 1.0)]).contains("not natively"));
    }
}
