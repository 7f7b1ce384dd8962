//! The kind of CPU and boot loader that the Tegra 2 has: a Cortex-A9 with an ATAG list and without a generic timer.

use nex_qemu_tests::{Machine, Volume, seconds, strings};

#[test]
fn the_default_volume_runs_and_ends() {
    let output = Machine::builder().vexpress_a9().icount(true).run(seconds(60));
    output.assert_status(0).assert_shows("Platform: vexpress-a9, CPU Cortex-A9").assert_shows("ATAG list at");
    output.assert_shows("ticker: 20 ticks, at most").assert_shows(&strings::powered_off("hog"));
}

#[test]
fn self_tests_pass() {
    let output =
        Machine::builder().vexpress_a9().append(&strings::selftest("all")).icount(true).run(seconds(60));
    output.assert_status(0).assert_shows("9 passed, 0 failed").assert_shows_not("FAILED");
}

#[test]
fn a_fault_of_nex_is_reported() {
    let output = Machine::builder().vexpress_a9().append(&strings::selftest("null")).run(seconds(60));
    output
        .assert_status(1)
        .assert_shows("data abort: read of 0x00000004")
        .assert_shows("selftest::read_null");
}

#[test]
fn memory_sizes() {
    let manifest = "on_idle = \"poweroff\"\n[[domain]]\nname = \"a\"\nkernel = \"isolate\"\nmemory = \"200M\"\ncmdline = \"id=1\"\n";
    let output = Machine::builder()
        .vexpress_a9()
        .volume(&Volume::with_manifest(manifest))
        .mem_mib(256)
        .run(seconds(90));
    output.assert_status(0).assert_shows(&strings::memory_is_mine(1));
}
