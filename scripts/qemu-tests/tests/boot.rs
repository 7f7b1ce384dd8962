//! Booting: the default volume, hand-made volumes, CPUs and memory sizes, repeatability.

use std::process::{Command, Stdio};

use nex_qemu_tests::{Machine, Output, Volume, default_volume, guest_elf, seconds, strings};
use regex_lite::Regex;

const HELLO: &str = r#"
on_idle = "poweroff"
[[domain]]
name = "hello"
kernel = "hello"
cmdline = "greeting=test"
memory = "4M"
"#;

/// The number in group 1 of `regex`, found anywhere on the console.
fn number(output: &Output, regex: &str) -> i64 {
    let found = Regex::new(regex).unwrap().captures(&output.console);
    let found = found.unwrap_or_else(|| panic!("not shown: /{regex}/\n{output}"));
    found[1].parse().unwrap()
}

fn check_default(output: &Output) {
    output.assert_status(0).assert_shows(strings::POWERING_OFF).assert_shows_not(strings::PANIC);
    output.assert_shows(strings::HELLO);
    for domain in ["hello", "ticker", "hog"] {
        output.assert_shows(&strings::powered_off(domain));
    }
    assert!(number(output, strings::HOG_DONE) > 0);

    // The ticker ticks while the hog computes, and not after it.
    let rows: Vec<&str> = output.console.lines().collect();
    let first = |text: &str| rows.iter().position(|row| row.contains(text)).expect(text);
    let hog_done = rows.iter().position(|row| Regex::new(strings::HOG_DONE).unwrap().is_match(row)).unwrap();
    let hog = first(strings::HOG_COMPUTING)..hog_done;
    let ticks = rows[hog].iter().filter(|row| row.contains("ticker: tick ")).count();
    assert!(ticks >= 10, "only {ticks} ticks while the hog computed\n{output}");
}

#[test]
fn the_default_volume_runs_and_ends() {
    let output = Machine::builder().raw_volume(default_volume()).run(seconds(60));
    check_default(&output);
}

#[test]
fn the_ticker_is_on_time_beside_the_hog() {
    // With counted instructions, so that a busy host makes no difference.
    let output = Machine::builder().raw_volume(default_volume()).icount(true).run(seconds(120));
    check_default(&output);
    let late_us = number(&output, &strings::ticker_result(20));
    // Its period is 10 ms with 1 ms guaranteed: at worst it waits for the rest of the hog's turn.
    assert!((0..=10_000).contains(&late_us), "{late_us} us late\n{output}");
}

#[test]
fn counted_instructions_give_the_same_console_every_time() {
    let run = || Machine::builder().raw_volume(default_volume()).icount(true).run(seconds(120));
    let (first, second) = (run(), run());
    assert_eq!(first, second);
    first.assert_status(0);
}

#[test]
fn the_first_guest_starts_soon() {
    let output = Machine::builder().volume(&Volume::with_manifest(HELLO)).icount(true).run(seconds(60));
    output.assert_status(0);
    let instructions = number(&output, strings::FIRST_GUEST_INSTRUCTION);
    println!("instructions from reset to the first guest instruction: {instructions}");
    // Xen needs 53 million.
    assert!((10_000..5_000_000).contains(&instructions), "{instructions} instructions\n{output}");
}

#[test]
fn a_volume_made_by_hand_boots() {
    // `find . | cpio -o -H newc`, with a kernel that is not stripped.
    let directory = std::env::temp_dir().join(format!("nex-by-hand-{}", std::process::id()));
    std::fs::create_dir_all(directory.join("sub")).unwrap();
    let manifest = HELLO.replace("kernel = \"hello\"", "kernel = \"sub/kernel\"");
    std::fs::write(directory.join("nex.toml"), manifest).unwrap();
    std::fs::copy(guest_elf("hello"), directory.join("sub/kernel")).expect("run `make build` first");
    let packed = Command::new("sh")
        .args(["-c", "find . | cpio -o -H newc"])
        .current_dir(&directory)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(packed.status.success());
    let output = Machine::builder().raw_volume(packed.stdout).run(seconds(60));
    output.assert_status(0).assert_shows(strings::HELLO).assert_shows("cmdline \"greeting=test\"");
}

#[test]
fn other_memory_sizes_and_cpus() {
    for (cpu, mem_mib, memory) in
        [("cortex-a7", 256, "4M"), ("cortex-a15", 128, "32M"), ("cortex-a15", 1024, "600M")]
    {
        let volume = Volume::with_manifest(&HELLO.replace("4M", memory));
        let output = Machine::builder().cpu(cpu).mem_mib(mem_mib).volume(&volume).run(seconds(60));
        output.assert_status(0).assert_shows(strings::HELLO);
        let kib: u32 = memory.trim_end_matches('M').parse::<u32>().unwrap() * 1024;
        output.assert_shows(&format!("hello: memory {kib} KiB at 0x40000000"));
    }
}

#[test]
fn a_domain_that_resets_itself_starts_afresh() {
    let manifest = "on_idle = \"poweroff\"\n[[domain]]\nname = \"r\"\nkernel = \"reboot\"\nmemory = \"4M\"\n";
    // Counted instructions: it resets itself in the first 100 ms only, and a busy host may take longer to boot.
    let output = Machine::builder().volume(&Volume::with_manifest(manifest)).icount(true).run(seconds(60));
    output.assert_status(0).assert_shows(&strings::restarts("r")).assert_shows("memory is fresh");
    output.assert_shows_not("LEFT OVER").assert_shows(&strings::powered_off("r"));
}
