//! When Nex itself goes wrong: a report with the cause and the way there, and QEMU fails.

use nex_qemu_tests::{Machine, seconds, strings};
use regex_lite::Regex;

/// Breaks Nex in this way. The first line of the report must say `cause`, and its backtrace name `function`.
fn breaks(how: &str, cause: &str, function: &str) {
    // A lock is given up only after a long time of spinning.
    let output = Machine::builder().append(&strings::selftest(how)).run(seconds(120));
    output.assert_status(1).assert_shows(strings::PANIC);
    let report = &output.console[output.console.find(strings::PANIC).unwrap()..];
    assert!(report.lines().next().unwrap().contains(cause), "{output}");

    let line = Regex::new(strings::BACKTRACE_LINE).unwrap();
    let frames: Vec<&str> = report.lines().filter(|text| line.is_match(text)).collect();
    assert!(frames.len() >= 2, "{output}");
    assert!(
        frames.iter().any(|frame| frame.contains(function)),
        "{function} is not in the backtrace\n{output}"
    );
    output.assert_shows_not("error: selftest:");
    // One report, not a report of the report.
    assert_eq!(output.console.matches("***").count(), 1, "{output}");
}

#[test]
fn a_panic() {
    breaks("panic", "asked for by selftest=panic at hv/src/selftest.rs:", "nex_hv::");
}

#[test]
fn a_read_of_null() {
    breaks("null", "data abort: read of 0x00000004", "nex_hv::");
}

#[test]
fn a_write_to_text() {
    breaks("write-text", "data abort: write to 0xfff", "nex_hv::");
}

#[test]
fn an_execution_of_data() {
    breaks("execute-data", "prefetch abort: instruction fetch from 0xfff", "nex_hv::");
}

#[test]
fn a_stack_overflow() {
    breaks("overflow", "(stack overflow)", "nex_hv::selftest::overflow");
}

#[test]
fn an_undefined_instruction() {
    breaks("undefined", "undefined instruction at 0xfff", "nex_hv::");
}

#[test]
fn a_lock_taken_twice() {
    breaks("deadlock", "a lock is held for ever", "nex_hv::");
}
