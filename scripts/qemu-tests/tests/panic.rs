//! When Nex itself goes wrong.

use nex_qemu_tests::{Machine, seconds, strings};
use regex_lite::Regex;

#[test]
fn a_panic_tells_cause_and_way_and_fails_qemu() {
    let output = Machine::builder().append(strings::PANIC_OPTION).run(seconds(30));
    output.assert_status(1).assert_shows(strings::PANIC);
    let line = Regex::new(strings::BACKTRACE_LINE).unwrap();
    let report = &output.console[output.console.find(strings::PANIC).unwrap()..];
    let frames: Vec<&str> = report.lines().filter(|text| line.is_match(text)).collect();
    assert!(frames.len() >= 2, "{output}");
    assert!(frames.iter().any(|frame| frame.contains("nex_")), "no function of Nex's own: {frames:?}");
    // The cause names the place.
    assert!(Regex::new(r"\.rs:\d+").unwrap().is_match(report.lines().next().unwrap()), "{output}");
}
