//! Which words are loads and stores, compared with binutils' disassembler: `cargo test --release -p nex-emulate --test
//! coverage -- --ignored --nocapture`. It needs arm-linux-gnueabihf-objdump. The crate page states the result.

use std::collections::BTreeMap;
use std::process::Command;

use nex_decode::{Class, ItState, Sensitive, a32, t32, t32_is_wide};
use nex_emulate::{Insn, Op, decode_a32, decode_t32};

/// Words of each kind.
const SAMPLE: u32 = 2_000_000;

/// Instructions that access memory, by the beginning of their name in binutils' spelling.
const NAMES: &[&str] = &[
    "ldr", "str", "ldm", "stm", "push", "pop", "swp", "pld", "pli", "tbb", "tbh", "vldr", "vstr", "vldm",
    "vstm", "vpush", "vpop", "vld1", "vld2", "vld3", "vld4", "vst1", "vst2", "vst3", "vst4", "fldmia",
    "fldmdb", "fstmia", "fstmdb",
];

fn is_memory(text: &str) -> bool {
    NAMES.iter().any(|name| text.starts_with(name))
}

/// What objdump says of each word.
fn disassemble(name: &str, words: &[u32], thumb: bool) -> Vec<String> {
    let path = format!("{}/coverage-{name}", env!("CARGO_TARGET_TMPDIR"));
    let order = |word: &u32| if thumb { word.rotate_left(16).to_le_bytes() } else { word.to_le_bytes() };
    std::fs::write(&path, words.iter().flat_map(order).collect::<Vec<u8>>()).unwrap();
    let mut args = vec!["-D", "-z", "-b", "binary", "-m", "arm", "--no-show-raw-insn"];
    if thumb {
        args.extend(["-M", "force-thumb"]);
    }
    let output = Command::new("arm-linux-gnueabihf-objdump").args(&args).arg(&path).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| {
        let (addr, text) = line.split_once(":\t")?;
        u32::from_str_radix(addr.trim(), 16).ok()?;
        Some(text.replace('\t', " "))
    });
    lines.collect()
}

/// Later architectures' instructions, which are loads and stores with wrong should-be bits in ARMv7.
const LATER: &[&str] = &["lda", "stl", "vscclrm", "tt"];

/// Why the two may differ; `None` if they may not.
fn explained(word: u32, text: &str, insn: Option<Insn>, class: Class) -> Option<&'static str> {
    let theirs = is_memory(text);
    let ours = insn.map(|insn| insn.op);
    Some(match (theirs, ours) {
        (true, Some(_)) => "both: an access",
        (false, None) => "both: no access",
        (true, None) => match class {
            Class::Undefined | Class::Unpredictable => "not for this crate: UNDEFINED or UNPREDICTABLE there",
            Class::Sensitive(s) if !matches!(s, Sensitive::Unprivileged(_)) => {
                "not for this crate: sensitive"
            }
            _ => refused(word, text)?,
        },
        (false, Some(Op::Preload)) => "decoded here: a hint that is not allocated",
        (false, Some(_)) if text.contains("UNDEFINED") || text.contains("illegal shifter") => {
            "decoded here: wrong should-be bits"
        }
        // Halfwords with a register: bits 11..=8. To binutils something else.
        (false, Some(_)) if word & 0x0e40_0090 == 0x90 && word & 0xf00 != 0 => {
            "decoded here: wrong should-be bits"
        }

        (false, Some(_)) if LATER.iter().any(|name| text.starts_with(name)) => {
            "decoded here: later architectures"
        }
        (false, Some(_)) => return None,
    })
}

/// What binutils writes although it is UNDEFINED or UNPREDICTABLE, and is not decoded here.
fn refused(word: u32, text: &str) -> Option<&'static str> {
    if ["UNDEFINED", "illegal width", "bad align"].iter().any(|mark| text.contains(mark)) {
        return Some("refused here: UNDEFINED by binutils' own word");
    }
    if text.contains("UNPREDICTABLE") {
        return Some("refused here: UNPREDICTABLE by binutils' own word");
    }
    let (name, operands) = text.split_once(' ')?;
    if name.starts_with("strd") && operands.starts_with("pc") {
        return Some("refused here: a pair of registers with R15");
    }
    if name.starts_with("ldrexd") || name.starts_with("strexd") {
        let pair = operands.split(", ").nth(usize::from(name.starts_with('s')))?;
        return ["lr", "pc"].contains(&pair).then_some("refused here: a pair of registers with R15");
    }
    let list = operands.split_once('{')?.1.split_once('}')?.0;
    // By the word: binutils does not look at bit 7 of the number, and writes no list of none.
    let (vfp, doubles) = (name.starts_with('f') || !name.contains('.'), list.starts_with('d'));
    let wrong = if doubles { !(2..=33).contains(&(word & 0xff)) } else { word & 0xff == 0 };
    if vfp && wrong {
        return Some("refused here: no register, or more than sixteen");
    }
    let numbers: Vec<u32> = list
        .split(['-', ','])
        .map(|register| register.trim().trim_matches(['<', '>']).trim_start_matches("overflow reg ").get(1..))
        .map(|number| number?.split('[').next()?.parse().ok())
        .collect::<Option<_>>()?;
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    if last > 31 {
        return Some("refused here: registers past the last one");
    }
    if name.starts_with("vld4") && list.contains("[]") {
        return (word & 0xd0 == 0xc0).then_some("refused here: UNDEFINED alignment");
    }
    // Which alignments a list of whole registers may have (A8.8.320 and others).
    let align: u32 = operands.split_once(" :")?.1.split_once(']')?.0.parse().ok()?;
    let registers = if list.contains(',') { numbers.len() as u32 } else { last + 1 - first };
    let most = match (name.as_bytes().get(3)?, registers) {
        (b'1', 1 | 3) | (b'3', _) => 64,
        (b'1', 2) | (b'2', 2) => 128,
        _ => 256,
    };
    (align > most).then_some("refused here: UNDEFINED alignment")
}

fn compare(name: &str, words: &[u32], thumb: bool) {
    let texts = disassemble(name, words, thumb);
    assert_eq!(texts.len(), words.len());
    let mut groups: BTreeMap<&str, (u32, u32, String)> = BTreeMap::new();
    for (&word, text) in words.iter().zip(texts) {
        let (first, second) = ((word >> 16) as u16, word as u16);
        let (insn, class) = if thumb {
            (decode_t32(first, second, ItState::NONE), t32(first, second, ItState::NONE).class)
        } else {
            (decode_a32(word), a32(word).class)
        };
        let group =
            explained(word, &text, insn, class).unwrap_or(if insn.is_some() { "TOO MUCH" } else { "MISSED" });
        let capitals = group.starts_with(char::is_uppercase);
        let entry = groups.entry(group).or_insert((0, word, text.clone()));
        entry.0 += 1;
        if capitals && entry.0 <= 20 {
            println!("{group}: {word:08x} {text} {insn:?} {class:?}");
        }
    }
    println!("{name}: {} words", words.len());
    for (group, (count, word, text)) in &groups {
        println!("  {count:9} {group}, as {word:08x} {text}");
    }
    assert!(groups.keys().all(|group| !group.starts_with(char::is_uppercase)));
}

/// `n` words of `fixed` bits, the others random (SplitMix64).
fn random(value: u32, mask: u32, n: u32, thumb: bool) -> Vec<u32> {
    let mut state = u64::from(value) + 1;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32) as u32
    };
    let words = std::iter::repeat_with(|| next() & !mask | value);
    words.filter(|word| !thumb || t32_is_wide((word >> 16) as u16)).take(n as usize).collect()
}

#[test]
#[ignore = "needs binutils for Arm, and a minute"]
fn a32_always() {
    compare("A32 AL", &random(0xe000_0000, 0xf000_0000, SAMPLE, false), false);
}

#[test]
#[ignore = "needs binutils for Arm, and a minute"]
fn a32_unconditional() {
    compare("A32 0b1111", &random(0xf000_0000, 0xf000_0000, SAMPLE, false), false);
}

#[test]
#[ignore = "needs binutils for Arm, and a minute"]
fn a32_conditional() {
    compare("A32 other conditions", &random(0, 0x8000_0000, SAMPLE, false), false);
}

/// Exclusive accesses and swaps, and Advanced SIMD, which are a small part of the space.
#[test]
#[ignore = "needs binutils for Arm, and a minute"]
fn a32_rare() {
    compare("A32 synchronization", &random(0xe100_0090, 0xff00_00f0, SAMPLE, false), false);
    compare("A32 extra", &random(0xe000_0090, 0xfe00_0090, SAMPLE, false), false);
    compare("A32 structures", &random(0xf400_0000, 0xff10_0000, SAMPLE, false), false);
    compare("A32 VFP", &random(0xec00_0a00, 0xfe00_0e00, SAMPLE, false), false);
}

#[test]
#[ignore = "needs binutils for Arm, and a minute"]
fn t32_wide() {
    compare("T32 wide", &random(0xe000_0000, 0xe000_0000, SAMPLE, true), true);
    compare("T32 loads and stores", &random(0xf800_0000, 0xfe00_0000, SAMPLE, true), true);
    compare("T32 multiple, dual, exclusive", &random(0xe800_0000, 0xfe00_0000, SAMPLE, true), true);
}

#[test]
#[ignore = "needs binutils for Arm"]
fn t32_narrow() {
    // A wide one as the second half would take the next word: a NOP never does.
    let words: Vec<u32> = (0..0xe800_u32).map(|half| half << 16 | 0xbf00).collect();
    let texts = disassemble("T32 narrow", &words, true);
    let mut wrong = 0;
    for (word, text) in words.iter().zip(texts.chunks_exact(2)) {
        let half = (word >> 16) as u16;
        let insn = decode_t32(half, 0, ItState::NONE);
        let class = t32(half, 0, ItState::NONE).class;
        if is_memory(&text[0]) != insn.is_some() && class == Class::Innocuous {
            println!("{half:04x} {} {insn:?}", text[0]);
            wrong += 1;
        }
    }
    assert_eq!(wrong, 0);
}
