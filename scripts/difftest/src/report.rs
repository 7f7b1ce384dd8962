//! Showing a case that differs.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs, process};

use crate::search::Found;

/// Lines of the dump shown from the first differing one on.
const LINES: usize = 60;

/// The difference as text: the code, the exceptions up to the difference, then what differs.
pub fn text(found: &Found) -> String {
    let mut text = format!("case {} differs", found.case);
    if found.before > 0 {
        text += &format!(" when it comes after the {} cases before it", found.before);
    }
    text += "\n";
    let [native, nex] = &found.consoles;
    // With cases before it, the last one is what counts.
    let [ours, theirs] = [&native.details, &nex.details].map(|lines| last_case(lines));
    let code: Vec<(u32, u32)> = ours.iter().filter_map(|line| code_word(line)).collect();
    let thumb = ours.first().is_some_and(|line| line.ends_with("t32"));
    text += &disassembled(&code, thumb);
    let is_result = |line: &&String| !line.starts_with("code ");
    let ours: Vec<_> = ours.iter().filter(is_result).collect();
    let theirs: Vec<_> = theirs.iter().filter(is_result).collect();
    let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let last_exception = ours[..same].iter().rposition(|line| line.starts_with("exception ")).unwrap_or(0);
    text += "--- both, up to the first difference\n";
    for line in &ours[..last_exception] {
        if ["exception ", "lr ", "spsr ", "window "].iter().any(|what| line.starts_with(what)) {
            text += &format!("  {line}\n");
        }
    }
    for (side, lines) in [("natively", &ours), ("under Nex", &theirs)] {
        text += &format!("--- {side}\n");
        for (n, line) in lines.iter().enumerate().skip(last_exception).take(LINES) {
            let other = if side == "natively" { theirs.get(n) } else { ours.get(n) };
            text += &format!("{} {line}\n", if other == Some(line) { " " } else { "*" });
        }
    }
    for (side, console) in [("natively", native), ("under Nex", nex)] {
        if !console.complete {
            text += &format!("--- {side} it did not end\n");
        }
        for line in console.other.iter().filter(|_| !console.complete) {
            text += &format!("  {line}\n");
        }
    }
    text
}

/// The lines of the last case: they begin with its kind.
fn last_case(lines: &[String]) -> &[String] {
    let begin = lines.iter().rposition(|line| line.starts_with("mmu ") || line.starts_with("devices "));
    &lines[begin.unwrap_or(0)..]
}

/// `code ADDRESS WORD`.
fn code_word(line: &str) -> Option<(u32, u32)> {
    let (address, word) = line.strip_prefix("code ")?.split_once(' ')?;
    Some((u32::from_str_radix(address, 16).ok()?, u32::from_str_radix(word, 16).ok()?))
}

/// The code by objdump, if there is one, or as words. In the instruction set that it begins in.
fn disassembled(code: &[(u32, u32)], thumb: bool) -> String {
    let Some(&(address, _)) = code.first() else { return String::new() };
    let bytes: Vec<u8> = code.iter().flat_map(|(_, word)| word.to_le_bytes()).collect();
    let file = env::temp_dir().join(format!("nex-difftest-{}.code", process::id()));
    let text = write(&file, &bytes).and_then(|()| {
        let mut command = Command::new("arm-linux-gnueabihf-objdump");
        command.args(["-D", "-b", "binary", "-m", "arm"]).arg(format!("--adjust-vma={address:#x}"));
        if thumb {
            command.arg("-Mforce-thumb");
        }
        command.arg(&file).output()
    });
    // It may stay: nobody looks for it.
    let _ = fs::remove_file(&file);
    match text {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).lines().skip(7).map(|line| format!("{line}\n")).collect()
        }
        _ => code.iter().map(|(address, word)| format!("{address:08x}: {word:08x}\n")).collect(),
    }
}

fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    fs::File::create(file)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Console;

    #[test]
    fn the_difference_is_marked() {
        let lines = |r0: &str| {
            ["mmu false pc 40000000 a32", "code 40000000 e7ffffff", "exception 1", "lr 40000004", r0]
                .map(str::to_owned)
                .to_vec()
        };
        let side = |r0| Console { details: lines(r0), complete: true, ..Console::default() };
        let found = Found { case: 5, before: 0, consoles: [side("r0 1"), side("r0 2")] };
        let text = text(&found);
        assert!(text.starts_with("case 5 differs\n") && text.contains("e7ffffff"), "{text}");
        assert!(text.contains("* r0 1\n") && text.contains("* r0 2\n"), "{text}");
        assert!(text.contains("  exception 1\n"), "{text}");
    }
}
