//! Nex's tests of itself on the machine: threads, locks, time, heap.

use nex_qemu_tests::{Machine, Volume, seconds, strings};
use regex_lite::Regex;

#[test]
fn all_pass() {
    let manifest =
        "on_idle = \"poweroff\"\n[[domain]]\nname = \"hello\"\nkernel = \"hello\"\nmemory = \"4M\"\n";
    // With counted instructions, so that what is said about time holds on a busy host as well.
    let output = Machine::builder()
        .volume(&Volume::with_manifest(manifest))
        .append(&strings::selftest("all"))
        .icount(true)
        .run(seconds(120));
    output.assert_status(0).assert_shows_not("FAILED");
    let result = Regex::new(strings::SELFTEST_RESULT).unwrap();
    let found = result.captures(&output.console).unwrap_or_else(|| panic!("no result\n{output}"));
    assert_eq!(&found[1], "0", "{output}");
    // What runs after them is none the worse.
    output.assert_shows(strings::HELLO);
}
