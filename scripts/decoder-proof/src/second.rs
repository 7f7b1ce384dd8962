//! A second disassembler, by the text that GNU objdump prints: does it read something sensitive where the decoder lets an
//! instruction stay?
//!
//! objdump names most UNPREDICTABLE encodings, which capstone refuses, but is slow; so this is for samples.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use nex_decode::{Class, ItState};

use crate::oracle::Isa;
use crate::space::{Group, Region};

/// What was found: words read, and those it objects to, by class and mnemonic.
#[derive(Debug, Default)]
pub struct Second {
    /// Words read.
    pub words: u64,
    /// Words of the classes innocuous, fp and undefined that it calls sensitive.
    pub objections: BTreeMap<(Isa, &'static str, String), Group>,
}

/// Has `objdump` read every `stride`-th word of `region`, the first one `offset`. The 16-bit T32 instructions are left out:
/// they would be read as halves of others.
///
/// # Errors
/// If the program cannot be run, its text cannot be read, or does not have one line for each word.
pub fn second(objdump: &Path, region: &Region, offset: u64, stride: u64) -> std::io::Result<Second> {
    let mut found = Second::default();
    if region.isa == Isa::T16 {
        return Ok(found);
    }
    let words: Vec<u32> =
        (offset..region.words).step_by(stride as usize).map(|n| region.first + n as u32).collect();
    let image = std::env::temp_dir().join(format!("decoder-proof-{}.bin", std::process::id()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&image)?);
    for word in &words {
        let in_memory = if region.isa == Isa::A32 { *word } else { word.rotate_left(16) };
        file.write_all(&in_memory.to_le_bytes())?;
    }
    file.into_inner()?.sync_data()?;
    let mut command = Command::new(objdump);
    command.args(["-D", "-z", "-b", "binary", "-m", "arm"]);
    if region.isa == Isa::T32 {
        command.args(["-M", "force-thumb"]);
    }
    let mut child = command.arg(&image).stdout(Stdio::piped()).spawn()?;
    let output = BufReader::new(child.stdout.take().expect("it was piped"));
    let mut next = words.iter();
    for line in output.lines() {
        let line = line?;
        // Address, words, mnemonic, operands.
        let mut columns = line.split('\t').skip(1);
        let (Some(_), Some(mnemonic)) = (columns.next(), columns.next()) else { continue };
        let operands = columns.next().unwrap_or_default();
        let Some(&word) = next.next() else { break };
        found.words += 1;
        found.object(region.isa, word, mnemonic.trim_end(), operands.trim_end());
    }
    child.wait()?;
    std::fs::remove_file(&image)?;
    if found.words != words.len() as u64 {
        return Err(std::io::Error::other("objdump printed another number of instructions"));
    }
    Ok(found)
}

impl Second {
    fn object(&mut self, isa: Isa, word: u32, mnemonic: &str, operands: &str) {
        let class = match isa {
            Isa::A32 => nex_decode::a32(word).class,
            _ => nex_decode::t32((word >> 16) as u16, word as u16, ItState::NONE).class,
        };
        let name = match class {
            Class::Innocuous => "innocuous",
            Class::Fp => "fp",
            Class::Undefined => "undefined",
            _ => return,
        };
        let stem = mnemonic.strip_suffix(".w").unwrap_or(mnemonic);
        if !is_sensitive(stem, operands) || is_known(isa, word, stem) {
            return;
        }
        let text = format!("{mnemonic} {operands}");
        let key = (isa, name, mnemonic.to_string());
        self.objections.entry(key).or_insert(Group { count: 0, example: word, text }).count += 1;
    }
}

/// Encodings that objdump takes for their neighbours.
fn is_known(isa: Isa, word: u32, stem: &str) -> bool {
    match stem {
        // MSR to no field at all is a hint (A5.2.11), with bits 11..=8 set or not. And it ignores bits 7..=4 of MSR: SMULW
        // and others are there (A5.2.12).
        "msr" if word & 0x0fff_f000 == 0x0320_f000 => isa == Isa::A32,
        "msr" => isa == Isa::A32 && word & 0x0fb0_f000 == 0x0120_f000 && word & 0xf0 != 0,
        // Another coprocessor: Cirrus Maverick.
        _ if stem.starts_with("cf") => true,
        // P = U = W = 0 is UNDEFINED (A5.6, "00000x").
        "ldc" | "stc" => word & 0x0fa0_0000 == 0x0c00_0000,
        // R15 as base: LDRT and its family are the literal forms of LDR, STRT is UNDEFINED (A6.3.7 to A6.3.10).
        "ldrt" | "ldrbt" | "ldrht" | "ldrsbt" | "ldrsht" | "strt" | "strbt" | "strht" => {
            isa == Isa::T32 && word & 0x000f_0000 == 0x000f_0000
        }
        _ => false,
    }
}

/// Whether objdump's text, with condition AL, is of an instruction that must not run at PL0 unnoticed.
fn is_sensitive(mnemonic: &str, operands: &str) -> bool {
    let listed = [
        "mrs", "eret", "bxj", "enterx", "leavex", "hvc", "smc", "svc", "bkpt", "udf", "ldrt", "ldrbt",
        "ldrht", "ldrsbt", "ldrsht", "strt", "strbt", "strht", "fmrx", "fmxr", "teqp", "tstp", "cmpp",
        "cmnp", "wfi", "wfe", "sev", "yield",
    ];
    let begins = |prefix| mnemonic.starts_with(prefix);
    match mnemonic {
        _ if listed.contains(&mnemonic) || begins("cps") || begins("rfe") || begins("srs") => true,
        "msr" => !["CPSR_f,", "CPSR_s,", "CPSR_fs,"].iter().any(|field| operands.starts_with(field)),
        "mcr" | "mrc" | "mcrr" | "mrrc" => {
            let system = operands.starts_with("14,") || operands.starts_with("15,");
            let barrier = ["cr7, cr5, {4}", "cr7, cr10, {4}", "cr7, cr10, {5}"]
                .iter()
                .any(|end| operands.contains(end));
            system && !(barrier && mnemonic == "mcr" && operands.starts_with("15, 0,"))
        }
        "ldc" | "stc" => operands.starts_with("14, cr5,"),
        "vmrs" | "vmsr" => !operands.contains("fpscr"),
        _ if begins("ldm") || begins("stm") || begins("push") || begins("pop") => operands.contains('^'),
        _ => mnemonic.ends_with('s') && operands.starts_with("pc,"),
    }
}
