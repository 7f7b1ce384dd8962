//! The table of options, the Kconfig files, the documentation and the example configurations say the same.

mod reader;

use std::fs;
use std::path::Path;

use nex_config::{Config, Kind, OPTIONS, Opt};
use reader::Entry;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn entries() -> Vec<Entry> {
    reader::read(root(), "Kconfig")
}

fn entry<'a>(entries: &'a [Entry], name: &str) -> &'a Entry {
    let mut found = entries.iter().filter(|entry| entry.name == name);
    let entry = found.next().unwrap_or_else(|| panic!("Kconfig has no {name}"));
    assert!(found.next().is_none(), "Kconfig has {name} twice");
    entry
}

/// All names that can be in `.config`, or name a choice.
fn names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().flat_map(|option| {
        let alternatives = match option.kind {
            Kind::Choice { alternatives, .. } => alternatives,
            _ => &[],
        };
        std::iter::once(option.name).chain(alternatives.iter().map(|a| a.name))
    })
}

#[test]
fn kconfig_has_what_the_table_has() {
    let entries = entries();
    for option in OPTIONS {
        let name = option.name;
        let entry = entry(&entries, name);
        let (kind, default, range) = match option.kind {
            Kind::Bool { default, .. } => ("bool", if default { "y" } else { "n" }.to_string(), None),
            Kind::Number { default, min, max } => {
                ("int", default.to_string(), Some((min.to_string(), max.to_string())))
            }
            Kind::Text { default, .. } => ("string", default.to_string(), None),
            Kind::CtrlKey { default, .. } => ("string", default.to_string(), None),
            Kind::Choice { alternatives, .. } => ("choice", alternatives[0].name.to_string(), None),
        };
        assert_eq!(entry.kind, kind, "{name}");
        assert_eq!(entry.default.as_deref(), Some(&*default), "{name}");
        assert_eq!(entry.range, range, "{name}");
        assert_eq!(entry.choice, None, "{name}");
        match option.kind {
            Kind::Choice { alternatives, .. } => {
                for alternative in alternatives {
                    let entry = self::entry(&entries, alternative.name);
                    assert_eq!(entry.kind, "bool", "{}", entry.name);
                    assert_eq!(entry.choice.as_deref(), Some(name), "{}", entry.name);
                    assert_eq!(
                        entry.depends.as_deref().unwrap_or_default(),
                        alternative.needs,
                        "{}",
                        entry.name
                    );
                }
                let count = entries.iter().filter(|entry| entry.choice.as_deref() == Some(name)).count();
                assert_eq!(count, alternatives.len(), "{name}");
            }
            // What limits the text is told where it is asked for.
            Kind::Text { max_bytes, .. } => {
                assert!(entry.help.contains(&format!("most {max_bytes} ")), "{name}")
            }
            Kind::CtrlKey { characters, .. } => assert!(entry.help.contains(characters), "{name}"),
            _ => {}
        }
    }
}

#[test]
fn kconfig_has_nothing_else() {
    for entry in entries() {
        assert!(names().any(|name| name == entry.name), "{} is not in the table", entry.name);
    }
}

#[test]
fn names_are_unique_and_what_is_needed_comes_before() {
    for name in names() {
        assert_eq!(names().filter(|other| *other == name).count(), 1, "{name}");
    }
    for option in OPTIONS {
        let Kind::Choice { alternatives, .. } = option.kind else { continue };
        for needed in alternatives.iter().map(|a| a.needs).filter(|needs| !needs.is_empty()) {
            let mut before = names().take_while(|name| *name != option.name);
            assert!(before.any(|name| name == needed), "{needed}");
        }
    }
}

#[test]
fn everything_has_a_prompt_and_help() {
    for entry in entries() {
        assert!(!entry.prompt.is_empty(), "{}", entry.name);
        assert!(entry.help.trim().ends_with('.'), "{}: help is whole sentences", entry.name);
    }
}

/// Every option has one row in the documentation, which has its default and its limits.
#[test]
fn the_documentation_has_a_row_for_each_option() {
    let text = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let (_, options) = text.split_once("\n## The options\n").unwrap();
    let rows: Vec<&str> = options.lines().filter(|line| line.starts_with("| `")).collect();
    for option in OPTIONS {
        let names: Vec<&str> = match option.kind {
            Kind::Choice { alternatives, .. } => alternatives.iter().map(|a| a.name).collect(),
            _ => vec![option.name],
        };
        let is_its = |row: &&&str| names.iter().all(|name| row.contains(&format!("`{name}`")));
        let row = rows.iter().find(is_its).unwrap_or_else(|| panic!("no row for {}", option.name));
        let values = match option.kind {
            Kind::Bool { default, .. } => format!("| y, n | {} |", if default { "y" } else { "n" }),
            Kind::Number { default, min, max } => format!("| {min} to {max} | {default} |"),
            Kind::Text { max_bytes, .. } => format!("{max_bytes} characters | \"\" |"),
            Kind::CtrlKey { default, .. } => {
                format!("| \"{}\" |", default.to_string().replace('\\', "\\\\"))
            }
            Kind::Choice { alternatives, .. } => format!("| y for one | `{}` |", alternatives[0].name),
        };
        assert!(row.contains(&values), "{}: no `{values}` in `{row}`", option.name);
    }
    assert_eq!(rows.len(), OPTIONS.len(), "a row is of no option");
}

fn example(name: &str) -> (String, Config) {
    let text = fs::read_to_string(root().join("scripts/configs").join(name)).unwrap();
    let config = Config::parse(&text).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    (text, config)
}

/// Options that make the image or what it needs larger or smaller, and their least and most as Rust has them.
fn extremes(option: &Opt) -> Option<(String, String)> {
    match option.kind {
        Kind::Bool { .. } => Some(("false".into(), "true".into())),
        Kind::Number { min, max, .. } => Some((min.to_string(), max.to_string())),
        Kind::Choice { enum_name: "LogLevel", .. } => {
            Some(("LogLevel::Off".into(), "LogLevel::Trace".into()))
        }
        _ => None,
    }
}

#[test]
fn the_smallest_and_the_largest_configuration_are() {
    let (smallest, largest) = (example("smallest.config").1, example("largest.config").1);
    for option in OPTIONS {
        let Some((least, most)) = extremes(option) else { continue };
        assert_eq!(smallest.expression(option.name), Some(least), "{}", option.name);
        assert_eq!(largest.expression(option.name), Some(most), "{}", option.name);
    }
}
