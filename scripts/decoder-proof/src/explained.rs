//! Disagreements that are known, with the reason.

use crate::judge::Finding;
use crate::oracle::Isa;

/// Why a finding is no fault of the decoder; `None` if nobody has looked into it.
///
/// None of the reasons says that something sensitive may run: an instruction that one side calls sensitive and the other
/// lets run is never explained away here, except where ARMv8-M or ARMv8-A gave an old encoding a new meaning.
pub fn reason(isa: Isa, finding: &Finding) -> Option<&'static str> {
    match finding {
        Finding::Agree(_) => Some("agree"),
        Finding::Refused(class, mnemonic) => refused(isa, class, mnemonic),
        Finding::Unknown("unpredictable", _) => {
            Some("UNPREDICTABLE by the manual, so it is not allowed to run")
        }
        Finding::Unknown(_, mnemonic) => newer_or_absent(mnemonic),
        Finding::Differ("innocuous", mnemonic) => reused(isa, mnemonic),
        Finding::Differ("trapping", mnemonic) if isa != Isa::T32 && mnemonic == "trap" => {
            Some("another name for UDF with a certain constant")
        }
        Finding::Differ(..) | Finding::Flow(..) => None,
    }
}

fn refused(isa: Isa, class: &str, mnemonic: &str) -> Option<&'static str> {
    match (class, mnemonic) {
        ("innocuous" | "fp", _) => Some(
            "an UNDEFINED or UNPREDICTABLE form of something harmless: it may run, for its family is harmless",
        ),
        ("sensitive", "mrs" | "msr") => {
            Some("a banked register that does not exist: UNPREDICTABLE, and trapped")
        }
        ("sensitive", "enterx" | "leavex") if isa == Isa::T32 => {
            Some("ThumbEE, which capstone does not know")
        }
        ("trapping", "vmrs" | "vmsr") => Some(
            "a VFP register that does not exist, or bits that should be zero: UNDEFINED at PL0 either way",
        ),
        ("trapping", "udf") if isa == Isa::T16 => {
            Some("UDF #0xf9, which capstone's LLVM keeps for another use")
        }
        _ => None,
    }
}

/// Instructions that ARMv7-A does not have.
fn newer_or_absent(mnemonic: &str) -> Option<&'static str> {
    const SECOND_SET: [&str; 9] =
        ["cdp2", "ldc2", "ldc2l", "mcr2", "mcrr2", "mrc2", "mrrc2", "stc2", "stc2l"];
    const MEMORY_AND_CDP: [&str; 5] = ["cdp", "ldc", "ldcl", "stc", "stcl"];
    const REGISTERS: [&str; 4] = ["mcr", "mcrr", "mrc", "mrrc"];
    const ACQUIRE_RELEASE: [&str; 14] = [
        "lda", "ldab", "ldah", "ldaex", "ldaexb", "ldaexd", "ldaexh", "stl", "stlb", "stlh", "stlex",
        "stlexb", "stlexd", "stlexh",
    ];
    if let Some((stem, cp)) = mnemonic.split_once(' ') {
        return match cp {
            _ if SECOND_SET.contains(&stem) => Some("no coprocessor of ARMv7-A has these: UNDEFINED"),
            "p0-p13" if MEMORY_AND_CDP.contains(&stem) || REGISTERS.contains(&stem) => {
                Some("no such coprocessor in these CPUs: UNDEFINED")
            }
            _ if MEMORY_AND_CDP.contains(&stem) => Some(
                "CP14 and CP15 have no CDP, and of LDC and STC only those of the debug transfer registers: UNDEFINED",
            ),
            _ => None,
        };
    }
    if ACQUIRE_RELEASE.contains(&mnemonic) || mnemonic.starts_with('v') || mnemonic.starts_with("crc32") {
        return Some("ARMv8 or an extension of it: UNDEFINED on ARMv7-A");
    }
    match mnemonic {
        "hlt" | "sb" | "dcps1" | "dcps2" | "dcps3" | "setpan" | "hint" => {
            Some("ARMv8 or an extension of it: UNDEFINED on ARMv7-A")
        }
        _ => None,
    }
}

/// Encodings that are UNPREDICTABLE forms of something harmless in ARMv7-A.
fn reused(isa: Isa, mnemonic: &str) -> Option<&'static str> {
    match mnemonic {
        "tt" | "tta" | "ttt" | "ttat" if isa == Isa::T32 => Some("ARMv8-M; a STREX of R15 in ARMv7-A"),
        _ if isa == Isa::A32 && (mnemonic.starts_with("lda") || mnemonic.starts_with("stl")) => {
            Some("ARMv8; an exclusive access with bits that should be one in ARMv7-A")
        }
        _ => None,
    }
}
