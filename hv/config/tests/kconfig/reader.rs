//! Reads as much of the Kconfig language as Nex's files use, and panics at anything else: what the comparison does not
//! understand must not slip through it.

use std::fs;
use std::path::Path;

/// What a Kconfig file defines.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// `choice`, `bool`, `int` or `string`.
    pub(crate) kind: String,
    pub(crate) prompt: String,
    pub(crate) default: Option<String>,
    pub(crate) range: Option<(String, String)>,
    pub(crate) depends: Option<String>,
    pub(crate) help: String,
    /// The choice that it is an alternative of.
    pub(crate) choice: Option<String>,
}

/// The entries of a file and of those it sources, relative to `root`, in order.
pub(crate) fn read(root: &Path, file: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    read_into(root, file, &mut entries);
    entries
}

fn read_into(root: &Path, file: &str, entries: &mut Vec<Entry>) {
    let text = fs::read_to_string(root.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let mut choice: Option<String> = None;
    // What the indented lines belong to: the last entry, or a comment.
    let mut in_entry = false;
    let mut in_help = false;
    for (n, line) in text.lines().enumerate() {
        let fail = || -> ! { panic!("{file}:{}: this test does not understand `{line}`", n + 1) };
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let indented = line.starts_with('\t');
        if in_help && (line.is_empty() || line.starts_with("\t  ")) {
            let entry = entries.last_mut().unwrap();
            entry.help += line.trim();
            entry.help.push('\n');
            continue;
        }
        in_help = false;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if indented {
            match (word, entries.last_mut().filter(|_| in_entry)) {
                ("depends", None) => {}
                (_, None) => fail(),
                ("bool" | "int" | "string", Some(entry)) => {
                    entry.kind = word.into();
                    entry.prompt = unquote(rest);
                }
                ("prompt", Some(entry)) => entry.prompt = unquote(rest),
                ("default", Some(entry)) if entry.default.is_none() && !rest.contains(" if ") => {
                    entry.default = Some(if rest.starts_with('"') { unquote(rest) } else { rest.into() });
                }
                ("range", Some(entry)) => {
                    let (min, max) = rest.split_once(' ').unwrap_or_else(|| fail());
                    entry.range = Some((min.into(), max.into()));
                }
                ("depends", Some(entry)) if entry.depends.is_none() => {
                    entry.depends = Some(rest.strip_prefix("on ").unwrap_or_else(|| fail()).into());
                }
                ("help", Some(_)) => in_help = true,
                _ => fail(),
            }
            continue;
        }
        in_entry = false;
        match word {
            "mainmenu" | "menu" | "endmenu" | "comment" => {}
            "source" => read_into(root, &unquote(rest), entries),
            "choice" => {
                choice = Some(rest.into());
                entries.push(Entry { name: rest.into(), kind: "choice".into(), ..Entry::default() });
                in_entry = true;
            }
            "endchoice" => choice = None,
            "config" => {
                entries.push(Entry { name: rest.into(), choice: choice.clone(), ..Entry::default() });
                in_entry = true;
            }
            _ => fail(),
        }
    }
}

fn unquote(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or_else(|| panic!("{text}: no text in quotes")).replace("\\\\", "\\")
}
