//! A sample of the decoder proof, small enough for every test run, and tests of the proof itself.

use std::thread::available_parallelism;

use nex_decoder_proof::explained::reason;
use nex_decoder_proof::judge::{Finding, judge};
use nex_decoder_proof::oracle::{Isa, Oracle, Text};
use nex_decoder_proof::space::{OTHER_CONDITIONS, Totals, WHOLE, compare};

/// About two million words, spread over everything; the narrow T32 instructions all of them.
#[test]
fn decoder_and_disassembler_agree_on_a_sample() {
    let threads = available_parallelism().map_or(1, |n| n.get() as u64);
    let mut totals = Totals::default();
    for region in WHOLE.iter().chain([&OTHER_CONDITIONS]) {
        let stride = match region.words {
            0..=0xffff => 1,
            words => (words / 500_000) | 1,
        };
        totals.merge(compare(region, 0, stride, threads));
    }
    let unexplained: Vec<_> =
        totals.groups.iter().filter(|((isa, finding), _)| reason(*isa, finding).is_none()).collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    // Every class was met, and agreed on.
    for class in ["innocuous", "fp", "svc", "bkpt", "trapping", "sensitive", "undefined", "unpredictable"] {
        let agreed: u64 = [Isa::A32, Isa::T16, Isa::T32]
            .iter()
            .filter_map(|isa| totals.groups.get(&(*isa, Finding::Agree(class))))
            .map(|group| group.count)
            .sum();
        assert!(agreed > 100, "{class}: {agreed}");
    }
    assert!(totals.words > 2_000_000);
}

/// What would have been found if the decoder let something sensitive run: the disassembler's words for sensitive
/// instructions, set beside encodings that the decoder lets run.
#[test]
fn a_missed_instruction_would_be_found() {
    // AND R0, R0, R0 and what it might have been.
    let missed = [
        ("cpsid", "i"),
        ("mrs", "r0, apsr"),
        ("mrs", "r0, spsr"),
        ("msr", "cpsr_c, r0"),
        ("msr", "spsr_fc, r0"),
        ("rfeia", "sp!"),
        ("srsdb", "sp!, #0x13"),
        ("ldm", "r0, {r1, lr} ^"),
        ("stmdb", "r0, {sp, lr} ^"),
        ("ldm", "sp!, {r0, pc} ^"),
        ("movs", "pc, lr"),
        ("subs", "pc, lr, #4"),
        ("lsls", "pc, lr, #4"),
        ("eret", ""),
        ("ldrt", "r0, [r1], #4"),
        ("strht", "r0, [r1], #4"),
        ("bxj", "r0"),
        ("mrc", "p15, #0, r0, c1, c0, #0"),
        ("mcr", "p15, #0, r0, c7, c5, #0"),
        ("mrrc", "p15, #1, r0, r1, c14"),
        ("ldc", "p14, c5, [r0]"),
        ("vmrs", "r0, fpexc"),
        ("vmsr", "fpexc, r0"),
        ("hvc", "#0"),
        ("smc", "#0"),
        ("svc", "#0"),
        ("bkpt", "#0"),
        ("udf", "#0"),
        ("wfi", ""),
        ("nosuchinstruction", ""),
    ];
    for (mnemonic, operands) in missed {
        let finding = judge(Isa::A32, 0xe000_0000, 0, Some(Text { mnemonic, operands }));
        assert!(matches!(finding, Finding::Differ("innocuous", _)), "{mnemonic} {operands}: {finding:?}");
        assert_eq!(reason(Isa::A32, &finding), None, "{mnemonic}");
    }
    // A PC that is written without the decoder's knowledge; a branch to elsewhere; another literal.
    let wrong_flow = [
        (0xe000_0000, "mov", "pc, lr"),
        (0xe000_0000, "ldr", "r0, [pc, #4]"),
        (0xe000_0000, "mul", "pc, r0, r1"),
        (0xe000_0000, "pop", "{r0, pc}"),
        (0xe000_0000, "ldr", "r0, [pc], #4"),
        (0xea00_0000, "b", "#0xc"),
        (0xea00_0000, "bl", "#0x8"),
        (0xe59f_0000, "ldr", "r0, [pc, #4]"),
        (0xe5df_0000, "ldr", "r0, [pc]"),
    ];
    for (word, mnemonic, operands) in wrong_flow {
        let finding = judge(Isa::A32, word, 0, Some(Text { mnemonic, operands }));
        assert!(matches!(finding, Finding::Flow(..)), "{mnemonic} {operands}: {finding:?}");
        assert_eq!(reason(Isa::A32, &finding), None, "{mnemonic}");
    }
    // Other operands of a sensitive instruction: MRS R1, CPSR.
    let finding = judge(Isa::A32, 0xe10f_1000, 0, Some(Text { mnemonic: "mrs", operands: "r2, apsr" }));
    assert!(matches!(finding, Finding::Differ("sensitive", _)), "{finding:?}");
}

/// capstone keeps no IT state from one word to the next.
#[test]
fn the_oracle_has_no_memory() {
    let oracle = Oracle::new();
    let text = |word| oracle.read(Isa::T16, word, 0, |t| t.map(|t| t.mnemonic.to_string()));
    assert_eq!(text(0xbf08).as_deref(), Some("it"));
    assert_eq!(text(0x2001).as_deref(), Some("movs"));
}

/// Single words that only the whole run meets: other names for UDF and DSB, and what capstone does not know.
#[test]
fn rare_words_are_explained() {
    let oracle = Oracle::new();
    let words = [
        (Isa::A32, 0xe7fe_def0),
        (Isa::A32, 0xe7ff_defe),
        (Isa::A32, 0xf57f_f04c),
        (Isa::T16, 0xdef9),
        (Isa::T16, 0xdefe),
        (Isa::T32, 0xf3bf_8f4c),
        (Isa::T32, 0xf3bf_8f0f),
        (Isa::T32, 0xf3bf_8f1f),
    ];
    for (isa, word) in words {
        let finding = oracle.read(isa, word, 0, |text| judge(isa, word, 0, text));
        assert!(reason(isa, &finding).is_some(), "{word:08x}: {finding:?}");
    }
}
