//! How fast Nex wants to be.

use std::fmt;

use crate::results::Row;

/// What a row should be at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// Instructions under Nex, or what else the row's name says.
    Instructions(f64),
    /// Times the native number.
    Ratio(f64),
}

use Aim::{Instructions, Ratio};

const AIMS: &[(&str, &str, Aim)] = &[
    ("cpu", "MRS CPSR", Instructions(40.0)),
    ("cpu", "CPSID", Instructions(40.0)),
    ("cpu", "CPSIE", Instructions(40.0)),
    ("cpu", "MSR CPSR_c", Instructions(40.0)),
    ("cp15", "DACR read", Instructions(40.0)),
    ("cp15", "DACR write, same", Instructions(40.0)),
    ("cp15", "DACR write, changed", Instructions(40.0)),
    ("cp15", "TPIDRPRW read", Instructions(40.0)),
    ("device", "PL011 FR read", Instructions(250.0)),
    ("device", "GICD_CTLR read", Instructions(250.0)),
    ("device", "HVC null", Instructions(150.0)),
    ("exception", "SVC from user and back", Instructions(250.0)),
    ("memory", "first touch, page", Instructions(500.0)),
    ("memory", "128 pages again and again", Ratio(1.05)),
    ("memory", "256 pages again and again", Ratio(1.05)),
    ("memory", "1024 pages again and again", Ratio(1.05)),
    ("memory", "16384 pages again and again", Ratio(1.05)),
    ("float", "loop of 5 million", Ratio(1.005)),
    ("compute", "loop of 20 million", Ratio(1.005)),
    ("linux", "reset to first guest instruction", Instructions(5_000_000.0)),
    ("linux", "boot", Ratio(1.15)),
    ("linux", "getppid", Ratio(2.5)),
    ("linux", "read 512 bytes of /dev/zero", Ratio(1.8)),
    ("linux", "1 ms sleep, wake", Ratio(1.5)),
    ("linux", "console write, 64 bytes", Ratio(2.0)),
    ("linux", "anonymous page fault", Ratio(2.0)),
    ("linux", "512 mapped pages touched 10 times", Ratio(1.02)),
    ("linux", "fork, exit, wait", Ratio(2.5)),
    ("linux", "fork, exec, exit, wait", Ratio(2.5)),
    ("linux", "pipe round trip", Ratio(2.5)),
    ("linux", "integer loop of 20 million", Ratio(1.003)),
    ("linux", "FP loop of 20 million", Ratio(1.003)),
    ("domu", "getppid", Ratio(2.5)),
    ("domu", "read 512 bytes of /dev/zero", Ratio(1.8)),
    ("domu", "1 ms sleep, wake", Ratio(1.5)),
    ("domu", "console write, 64 bytes", Ratio(2.0)),
    ("domu", "anonymous page fault", Ratio(2.0)),
    ("domu", "512 mapped pages touched 10 times", Ratio(1.02)),
    ("domu", "fork, exit, wait", Ratio(2.5)),
    ("domu", "fork, exec, exit, wait", Ratio(2.5)),
    ("domu", "pipe round trip", Ratio(2.5)),
    ("domu", "integer loop of 20 million", Ratio(1.003)),
    ("domu", "FP loop of 20 million", Ratio(1.003)),
    ("domu", "memory of Nex, KiB", Instructions(4096.0)),
];

/// The aim of a row, if there is one.
pub fn aim(group: &str, name: &str) -> Option<Aim> {
    AIMS.iter().find(|row| (row.0, row.1) == (group, name)).map(|row| row.2)
}

/// Aims for rows that are not in `rows`: an aim whose row has another name now would never be missed.
pub fn without_row(rows: &[Row]) -> impl Iterator<Item = (&'static str, &'static str)> {
    let known = |group: &str, name: &str| rows.iter().any(|row| row.group == group && row.name == name);
    AIMS.iter().map(|row| (row.0, row.1)).filter(move |&(group, name)| !known(group, name))
}

impl Aim {
    /// Whether a row is as good as this.
    pub fn reached(self, row: &Row) -> bool {
        match self {
            Instructions(most) => row.nex <= most,
            Ratio(most) => row.ratio().is_some_and(|ratio| ratio <= most),
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Instructions(most) => write!(f, "<= {most}"),
            Ratio(most) => write!(f, "<= {most}x"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_row_is_noticed() {
        let row =
            |group: &str, name: &str| Row { group: group.into(), name: name.into(), native: 1.0, nex: 1.0 };
        let mut rows: Vec<_> = AIMS.iter().map(|aim| row(aim.0, aim.1)).collect();
        assert_eq!(without_row(&rows).count(), 0);
        rows[2].name = "CPSIE i".into();
        assert_eq!(without_row(&rows).collect::<Vec<_>>(), [("cpu", "CPSIE")]);
    }
}
