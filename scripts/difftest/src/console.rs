//! What the guest prints.
//!
//! `diff FIRST HASH` for each block of cases, or what a case saw in lines that begin with two spaces; `difftest: end` at
//! the end. Under Nex a line begins with the domain's name in brackets, and Nex's own lines are in between.

use std::collections::BTreeMap;

/// A whole console.
#[derive(Debug, Default, PartialEq)]
pub struct Console {
    /// Hashes of the blocks by their first cases.
    pub blocks: BTreeMap<u32, String>,
    /// What a case saw.
    pub details: Vec<String>,
    /// The guest came to its end.
    pub complete: bool,
    /// Other lines of the guest, such as a panic's.
    pub other: Vec<String>,
}

/// Reads a console. `domain` is the name in brackets, or none natively.
pub fn read(text: &str, domain: Option<&str>) -> Console {
    let mut console = Console::default();
    for line in text.lines() {
        let line = line.trim_end();
        let line = match domain {
            None => line,
            Some(domain) => {
                let rest = line.strip_prefix('[').and_then(|line| line.strip_prefix(domain));
                let Some(line) = rest.and_then(|line| line.strip_prefix("] ")) else {
                    if line.contains("domain") || line.contains("panic") {
                        console.other.push(line.to_owned());
                    }
                    continue;
                };
                line
            }
        };
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["diff", first, hash] if hash.len() == 8 => {
                if let Ok(first) = first.parse() {
                    console.blocks.insert(first, hash.to_owned());
                }
            }
            ["difftest:", "end"] => console.complete = true,
            ["difftest:", "begin"] | ["case", ..] => {}
            ["", "", ..] => console.details.push(line.trim().to_owned()),
            _ => console.other.push(line.to_owned()),
        }
    }
    console
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_read_alike() {
        let native = "difftest: begin\r\ndiff 0 0123abcd\r\n  r0 1\r\ndifftest: end\r\n";
        let nex = "Nex 0.1\r\n[d] difftest: begin\r\n[ 0.1] noise\r\n[d] diff 0 0123abcd\r\n[d]   r0 1\r\n[d] difftest: end\r\n";
        let native = read(native, None);
        assert!(native.complete && native.blocks[&0] == "0123abcd" && native.details == ["r0 1"]);
        assert_eq!(read(nex, Some("d")), native);
    }

    #[test]
    fn what_went_wrong_is_kept() {
        let console = read("difftest: died: exception 4\n", None);
        assert!(!console.complete && console.other == ["difftest: died: exception 4"]);
    }
}
