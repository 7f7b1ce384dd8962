//! Whether decoder and disassembler agree on a word.

use std::collections::HashSet;
use std::sync::LazyLock;

use nex_decode::{Branch, Class, Decoded, Flow, Indirect, InstructionSet, ItState, Next};

use crate::oracle::{Isa, Text};
use crate::text::{cond_suffix, text};

/// What came of comparing one word.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Finding {
    /// Same meaning, same operands; or both say that there is no such instruction. The name is the decoder's class.
    Agree(&'static str),
    /// The disassembler refuses what the decoder knows: class, and mnemonic if there is one.
    Refused(&'static str, String),
    /// The decoder says undefined or unpredictable, the disassembler has a mnemonic.
    Unknown(&'static str, String),
    /// The disassembler reads something else. This includes what the decoder lets run and the disassembler's mnemonic says
    /// it must not.
    Differ(&'static str, String),
    /// Class and mnemonic agree, but the branch, its target, the PC as destination, or a literal does not.
    Flow(&'static str, String),
}

/// The name of a class.
pub fn class_name(class: &Class) -> &'static str {
    match class {
        Class::Innocuous => "innocuous",
        Class::Fp => "fp",
        Class::Hint(_) => "hint",
        Class::Svc { .. } => "svc",
        Class::Bkpt { .. } => "bkpt",
        Class::Trapping(_) => "trapping",
        Class::Sensitive(_) => "sensitive",
        Class::Undefined => "undefined",
        Class::Unpredictable => "unpredictable",
    }
}

/// Compares one word at `addr` with what the disassembler says of it.
pub fn judge(isa: Isa, word: u32, addr: u32, theirs: Option<Text<'_>>) -> Finding {
    let (first, second) = match isa {
        Isa::T16 => (word as u16, 0),
        _ => ((word >> 16) as u16, word as u16),
    };
    let (decoded, flow) = match isa {
        Isa::A32 => (nex_decode::a32(word), nex_decode::flow_a32(word, addr)),
        _ => (
            nex_decode::t32(first, second, ItState::NONE),
            nex_decode::flow_t32(first, second, ItState::NONE, addr),
        ),
    };
    let ours = class_name(&decoded.class);
    let no_instruction = matches!(decoded.class, Class::Undefined | Class::Unpredictable);
    let ours_text = text(isa, &decoded);
    let Some(theirs) = theirs else {
        let mnemonic =
            ours_text.map_or(String::new(), |(mnemonic, _)| without_cond(isa, &decoded, &mnemonic).into());
        return if no_instruction { Finding::Agree(ours) } else { Finding::Refused(ours, mnemonic) };
    };
    let stem = without_cond(isa, &decoded, theirs.mnemonic);
    if no_instruction {
        return Finding::Unknown(ours, with_coprocessor(stem, theirs.operands));
    }
    if let Some((mnemonic, operands)) = ours_text {
        return if mnemonic == theirs.mnemonic && operands == normal(theirs.operands) {
            Finding::Agree(ours)
        } else {
            Finding::Differ(ours, stem.into())
        };
    }
    if !is_harmless(stem, theirs.operands) {
        return Finding::Differ(ours, stem.into());
    }
    if flow_agrees(isa, stem, theirs.operands, &flow, addr, word) {
        Finding::Agree(ours)
    } else {
        Finding::Flow(ours, stem.into())
    }
}

/// The mnemonic without the condition that the encoding has, and without a data type.
fn without_cond<'a>(isa: Isa, decoded: &Decoded, mnemonic: &'a str) -> &'a str {
    let suffix = cond_suffix(decoded.cond);
    // Data types follow the condition: vaddeq.f32.
    let stem = mnemonic.split('.').next().unwrap_or(mnemonic);
    match (isa, stem) {
        // Never written with a condition.
        (_, "hvc" | "bkpt" | "hlt") => stem,
        (Isa::A32, _) => stem.strip_suffix(suffix).unwrap_or(stem),
        // In T32 only branches have one.
        _ if stem.strip_prefix('b') == Some(suffix) => "b",
        _ => stem,
    }
}

/// A coprocessor instruction with its coprocessor, which decides what it means.
fn with_coprocessor(stem: &str, operands: &str) -> String {
    let number = operands.strip_prefix('p').and_then(|rest| rest.split(',').next());
    match number.and_then(|n| n.parse::<u32>().ok()) {
        Some(n @ 14..=15) => format!("{stem} p{n}"),
        Some(_) => format!("{stem} p0-p13"),
        None => stem.into(),
    }
}

/// Operands with a constant that is given as eight bits and a rotation brought to one number.
fn normal(operands: &str) -> String {
    let unrotated = || {
        let (rest, rotation) = operands.rsplit_once(", #")?;
        let (rest, bits) = rest.rsplit_once(", #")?;
        let value = parse(bits)?.cast_unsigned().rotate_right(parse(rotation)?.cast_unsigned());
        Some(if value < 10 { format!("{rest}, #{value}") } else { format!("{rest}, #{value:#x}") })
    };
    unrotated().unwrap_or_else(|| operands.to_string())
}

/// Instructions of ARMv7-A that User mode executes as PL1 does, by name; this knows nothing of encodings.
const HARMLESS: &[&str] = &[
    // Branches.
    "b", "bl", "blx", "bx", "cbz", "cbnz", "tbb", "tbh",
    // Data processing, with and without flags.
    "adc", "adcs", "add", "adds", "addw", "adr", "and", "ands", "asr", "asrs", "bic", "bics", "cmn", "cmp",
    "eor", "eors", "lsl", "lsls", "lsr", "lsrs", "mov", "movs", "movt", "movw", "mvn", "mvns", "orn", "orns",
    "orr", "orrs", "ror", "rors", "rrx", "rrxs", "rsb", "rsbs", "rsc", "rscs", "sbc", "sbcs", "sub", "subs",
    "subw", "teq", "tst", "it", "nop", // Multiplies and divides.
    "mla", "mlas", "mls", "mul", "muls", "sdiv", "udiv", "smlabb", "smlabt", "smlad", "smladx", "smlal",
    "smlalbb", "smlalbt", "smlald", "smlaldx", "smlals", "smlaltb", "smlaltt", "smlatb", "smlatt", "smlawb",
    "smlawt", "smlsd", "smlsdx", "smlsld", "smlsldx", "smmla", "smmlar", "smmls", "smmlsr", "smmul",
    "smmulr", "smuad", "smuadx", "smulbb", "smulbt", "smull", "smulls", "smultb", "smultt", "smulwb",
    "smulwt", "smusd", "smusdx", "umaal", "umlal", "umlals", "umull", "umulls",
    // Saturation, bit fields, packing, parallel arithmetic.
    "bfc", "bfi", "clz", "pkhbt", "pkhtb", "qadd", "qadd16", "qadd8", "qasx", "qdadd", "qdsub", "qsax",
    "qsub", "qsub16", "qsub8", "rbit", "rev", "rev16", "revsh", "sadd16", "sadd8", "sasx", "sbfx", "sel",
    "shadd16", "shadd8", "shasx", "shsax", "shsub16", "shsub8", "ssat", "ssat16", "ssax", "ssub16", "ssub8",
    "sxtab", "sxtab16", "sxtah", "sxtb", "sxtb16", "sxth", "uadd16", "uadd8", "uasx", "ubfx", "uhadd16",
    "uhadd8", "uhasx", "uhsax", "uhsub16", "uhsub8", "uqadd16", "uqadd8", "uqasx", "uqsax", "uqsub16",
    "uqsub8", "usad8", "usada8", "usat", "usat16", "usax", "usub16", "usub8", "uxtab", "uxtab16", "uxtah",
    "uxtb", "uxtb16", "uxth", // Loads and stores.
    "ldm", "ldmda", "ldmdb", "ldmib", "ldr", "ldrb", "ldrd", "ldrex", "ldrexb", "ldrexd", "ldrexh", "ldrh",
    "ldrsb", "ldrsh", "pop", "push", "stm", "stmda", "stmdb", "stmib", "str", "strb", "strd", "strex",
    "strexb", "strexd", "strexh", "strh", "swp", "swpb", "clrex", "pld", "pldw", "pli",
    // Barriers (DFB is DSB with an option that ARMv8-R named), endianness, hints without an effect that matters.
    "dfb", "dmb", "dsb", "isb", "setend", "dbg", "hint", "csdb", "esb", "sevl",
];

/// The same, quick to look into.
static HARMLESS_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| HARMLESS.iter().copied().collect());

/// The table's verdict on a mnemonic, with the operands where they decide.
fn is_harmless(stem: &str, operands: &str) -> bool {
    match stem {
        // The CPSR's flags and GE bits, by the name that only they have.
        "msr" => operands.starts_with("apsr_"),
        // The three barriers of ARMv6.
        "mcr" => {
            operands.starts_with("p15, #0, ")
                && [", c7, c5, #4", ", c7, c10, #4", ", c7, c10, #5"]
                    .iter()
                    .any(|end| operands.ends_with(end))
        }
        "vmrs" => operands.ends_with(", fpscr"),
        "vmsr" => operands.starts_with("fpscr, "),
        // VFP and Advanced SIMD, as old and as new mnemonics.
        "fldmdbx" | "fldmiax" | "fstmdbx" | "fstmiax" => true,
        _ if stem.starts_with('v') => true,
        // User registers, exception return.
        _ if stem.starts_with("ldm") || stem.starts_with("stm") => {
            !operands.ends_with('^') && HARMLESS_SET.contains(stem)
        }
        // SUBS PC, LR and related instructions.
        _ if stem.ends_with('s') && operands.starts_with("pc, ") && !matches!(stem, "mls" | "vmls") => false,
        // IT with its pattern of "then" and "else".
        _ if stem.len() > 2 && stem.starts_with("it") => stem[2..].bytes().all(|c| matches!(c, b't' | b'e')),
        _ => HARMLESS_SET.contains(stem),
    }
}

/// Instructions whose first operand is read, not written.
fn reads_first_operand(stem: &str) -> bool {
    matches!(
        stem,
        "str" | "strb" | "strh" | "strd" | "cmp" | "cmn" | "tst" | "teq" | "msr" | "mcr" | "cbz" | "cbnz"
    ) || stem.starts_with("vst")
        || stem.starts_with("vldm")
        || stem.starts_with("fst")
        || stem.starts_with("fldm")
        || stem == "vmsr"
}

/// Instructions that write their first two operands, if both are core registers.
fn writes_second_operand(stem: &str) -> bool {
    matches!(stem, "ldrd" | "ldrexd" | "umaal" | "vmov")
        || ["smlal", "smlsl", "smull", "umlal", "umull"].iter().any(|prefix| stem.starts_with(prefix))
}

/// Whether the operands of a harmless instruction say that it writes the PC, other than by a branch.
fn writes_pc(stem: &str, operands: &str) -> bool {
    let mut parts = operands.split(", ");
    let (first, second) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let multiple = stem.starts_with("ldm") || stem == "pop";
    // Writeback to the PC.
    if operands.contains("[pc") && operands.ends_with('!') || operands.contains("[pc],") || first == "pc!" {
        return true;
    }
    if multiple {
        return operands.trim_end_matches('}').ends_with("pc");
    }
    // VMOV to extension registers reads its core registers.
    let to_extension =
        stem == "vmov" && first.starts_with(['d', 's']) && !matches!(first, "sp" | "sb" | "sl");
    (first == "pc" && !reads_first_operand(stem))
        || (second == "pc" && writes_second_operand(stem) && !to_extension)
}

fn flow_agrees(isa: Isa, stem: &str, operands: &str, flow: &Flow, addr: u32, word: u32) -> bool {
    let branch_by_name = matches!(stem, "b" | "bl" | "blx" | "bx" | "cbz" | "cbnz" | "tbb" | "tbh");
    let writes = writes_pc(stem, operands);
    if (flow.branch != Branch::None) != (branch_by_name || writes) {
        return false;
    }
    let call = matches!(stem, "bl" | "blx");
    if call != (flow.next == Next::AfterCall) {
        return false;
    }
    let immediate = operands.rsplit_once("#0x").and_then(|(_, hex)| u32::from_str_radix(hex, 16).ok());
    if let (true, Some(theirs)) = (branch_by_name, immediate) {
        // capstone computes BLX's target from the unaligned PC.
        let align = stem == "blx" && isa != Isa::A32;
        let other_set = stem == "blx";
        let Branch::Direct(target) = flow.branch else { return false };
        let set_is_a32 = target.set == InstructionSet::A32;
        let theirs = if align { theirs & !3 } else { theirs };
        return target.addr == theirs && set_is_a32 == ((isa == Isa::A32) != other_set);
    }
    if matches!(stem, "b" | "bl") {
        return false;
    }
    if stem == "bx" || stem == "blx" {
        return matches!(flow.branch, Branch::Indirect(Indirect::Register(_))) || operands == "pc";
    }
    literal_agrees(isa, stem, operands, flow, addr, word)
}

/// The literal of a load or store with the PC as base.
fn literal_agrees(isa: Isa, stem: &str, operands: &str, flow: &Flow, addr: u32, word: u32) -> bool {
    let pc = if isa == Isa::A32 { addr.wrapping_add(8) } else { addr.wrapping_add(4) & !3 };
    // Hints, and instructions whose form with this base is UNPREDICTABLE.
    if stem.starts_with("pl") || stem.starts_with("swp") || stem.contains("rex") {
        return flow.data.is_none();
    }
    if stem == "adr" {
        let distance = operands.rsplit_once('#').and_then(|(_, n)| parse(n));
        return flow.data.map(|data| (data.addr, data.bytes))
            == distance.map(|distance| (pc.wrapping_add_signed(distance), 0));
    }
    let Some((_, place)) = operands.split_once("[pc") else {
        // ADD and SUB with the PC, VLDM from the PC: only they may name a place here.
        return flow.data.is_none() || operands.contains("pc");
    };
    let distance = match place {
        "]" => Some(0),
        _ => place.strip_prefix(", #").and_then(|n| n.strip_suffix(']')).and_then(parse),
    };
    let Some(distance) = distance else { return flow.data.is_none() };
    let bytes = match stem {
        "ldrb" | "ldrsb" | "strb" => 1,
        "ldrh" | "ldrsh" | "strh" => 2,
        "ldrd" | "strd" => 8,
        "vldr" | "vstr" if word & 0x100 != 0 => 8,
        _ => 4,
    };
    flow.data.map(|data| (data.addr, data.bytes)) == Some((pc.wrapping_add_signed(distance), bytes))
}

/// A number as capstone writes it.
fn parse(number: &str) -> Option<i32> {
    let (sign, digits) = number.strip_prefix('-').map_or((1, number), |rest| (-1, rest));
    let value = match digits.strip_prefix("0x") {
        Some(hex) => i32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * value)
}
