//! Nex on the emulated Xoom: the boot image that `make image BOARD=tegra2` writes, with the default boot volume.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nex_xoom_tests::{Machine, Output, from_environment, image_and_volume, mistakes, seconds};

const PROMPT: &str = "fiqdb> ";
const WORDS: &str = "exit=semihosting log=text";

fn image() -> PathBuf {
    from_environment("NEX_XOOM_IMAGE").expect("NEX_XOOM_IMAGE is not set: run scripts/test-xoom.sh")
}

/// Starts the image with options of the machine, and more words for Nex.
fn start(options: &str, more: &str) -> Machine {
    let (image, words) = (image(), format!("{WORDS} {more}"));
    let arguments = ["-d", "guest_errors", "-kernel"].map(AsRef::as_ref);
    let arguments = arguments.into_iter().chain([image.as_os_str(), "-append".as_ref(), words.as_ref()]);
    Machine::start(options, arguments)
}

/// All three guests have run, Nex has powered off, and QEMU has not complained: no access was wild or to a block without
/// clock, no interrupt was enabled in one controller alone, the L2 cache was configured while it was off.
#[track_caller]
fn assert_well(output: &Output) {
    let ended = |domain: &str| output.console.contains(&format!("domain {domain} has powered off"));
    let shown = format!("status {:?}\n{}\n{}", output.status, output.console, output.complaints);
    assert_eq!(output.status, Some(0), "{shown}");
    assert!(output.console.contains("Platform: tegra2, CPU Cortex-A9"), "{shown}");
    assert!(output.console.contains("ticker: tick 20 at"), "{shown}");
    assert!(["hello", "ticker", "hog"].into_iter().all(ended), "{shown}");
    assert_eq!(mistakes(&output.complaints), [""; 0], "{shown}");
}

#[track_caller]
fn assert_says(output: &Output, lines: &[&str]) {
    for line in lines {
        assert!(output.console.contains(line), "without {line:?}\n{}", output.console);
    }
}

/// Boots the image until Nex ends it.
#[track_caller]
fn boot(options: &str, more: &str) -> Output {
    let output = start(options, more).wait_exit(seconds(60));
    assert_well(&output);
    output
}

/// What a normal boot says of the hardware. That the second core is parked, too, but not on a host so busy that its thread does
/// not get to run within a second: `hwinfo` tests that.
const NORMAL: &[&str] = &[
    "console on UARTB",
    "outer cache: PL310 release 4, 1024 KiB, on",
    "screen: 1280x800, 32 bits a pixel, at 2e800000, 160x50 characters",
];

#[test]
fn a_friendly_boot_loader() {
    let output = boot("", "");
    assert_says(&output, &["Actual 00a00800", "entered in mode 1f"]);
    assert_says(&output, NORMAL);
    assert!(!output.console.contains("the loader left"), "{}", output.console);
}

#[test]
fn a_hostile_boot_loader() {
    let output = boot("hostile=on,entry-mode=svc", "");
    assert_says(&output, &["the loader left the L2 cache on", "entered in mode 13"]);
    assert_says(&output, NORMAL);
}

/// Against the boot protocol: MMU and data cache on.
#[test]
fn a_boot_loader_that_forgot_its_caches() {
    assert_says(&boot("hostile=on,left-mmu=on", ""), NORMAL);
}

#[test]
fn other_load_addresses() {
    for (entry, shown) in [("0x01000000", "Actual 01000000"), ("0x00108000", "Actual 00108000")] {
        assert_says(&boot(&format!("hostile=on,entry={entry}"), ""), &[shown]);
    }
}

/// As QEMU starts any kernel: the flat image with the boot volume beside it, and QEMU's own ATAGs.
#[test]
fn a_plain_kernel() {
    let (flat, volume) = image_and_volume();
    let arguments = ["-d", "guest_errors", "-append", WORDS, "-kernel"].map(AsRef::as_ref);
    let arguments = arguments.into_iter().chain([flat.as_os_str(), "-initrd".as_ref(), volume.as_os_str()]);
    let output = Machine::start("", arguments).wait_exit(seconds(60));
    assert_well(&output);
    assert_says(&output, &["Actual 00010000", "ATAG list at 0x00000100"]);
    assert_says(&output, NORMAL);
}

#[test]
fn the_legacy_controller_gates() {
    boot("lic-gates-gic=on", "");
}

#[test]
fn memory_by_the_atags() {
    assert_says(&boot("atag-mem=split", ""), &["00000000-1bffffff  448 MiB", "at 2e800000"]);
    assert_says(&boot("atag-mem=none", ""), &["00000000-3fffffff  1024 MiB"]);
}

#[test]
fn without_a_display() {
    let output = boot("display=off", "");
    assert!(!output.console.contains("screen"), "{}", output.console);
}

/// What the console shows, the panel shows: each of the last lines, in order.
#[test]
fn the_panel_shows_the_console() {
    for options in ["", "hostile=on"] {
        let mut machine = start(options, "");
        machine.expect("ticker: tick 8 at", seconds(60));
        machine.send("\x1c\x1c\x1c");
        machine.expect(PROMPT, seconds(30));
        machine.send("ver\r");
        machine.expect(PROMPT, seconds(30));
        let transcript = machine.transcript();
        let printed: Vec<&str> = transcript.lines().rev().skip(1).take(20).map(str::trim_end).collect();
        let end = Instant::now() + seconds(20);
        loop {
            let picture = machine.screen().picture();
            assert_eq!((picture.width, picture.height), (1280, 800));
            let lines = picture.lines();
            // The last row with text is the prompt, with the cursor behind it.
            let shown: Vec<&str> = lines
                .iter()
                .rev()
                .map(String::as_str)
                .skip_while(|line| line.is_empty())
                .skip(1)
                .take(20)
                .collect();
            if shown == printed {
                break;
            }
            assert!(Instant::now() < end, "{shown:#?}\nnot\n{printed:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Breaks in by FIQ on the UART, asks, and lets go again.
#[track_caller]
fn debugger_works(options: &str, more: &str) -> Output {
    let mut machine = start(options, more);
    machine.expect("ticker: tick 2 at", seconds(60));
    machine.send("\x1c\x1c\x1c");
    machine.expect(PROMPT, seconds(30));
    for (command, part) in [("ver", "tegra2"), ("regs", "cpsr"), ("doms", "ticker"), ("bt", " pc ")] {
        machine.send(&format!("{command}\r"));
        let answer = machine.expect(PROMPT, seconds(30));
        assert!(answer.contains(part), "{command}: {answer}, without {part:?}");
    }
    machine.send("continue\r");
    machine.expect("ticker: tick 20 at", seconds(60));
    let output = machine.wait_exit(seconds(30));
    assert_well(&output);
    output
}

#[test]
fn the_debugger() {
    debugger_works("hostile=on,lic-gates-gic=on", "");
}

/// FIQ by the legacy controller's class, whichever way the unsettled facts turn out.
#[test]
fn the_debugger_by_the_legacy_controller() {
    for options in ["", "hostile=on,lic-gates-gic=on,lic-fiq-cpus=1"] {
        let output = debugger_works(options, "fiq=lic");
        assert_says(&output, &["FIQ comes by the legacy interrupt controller"]);
    }
    // If the line goes to the other core only, there is none here, and the console works all the same.
    let output = boot("lic-fiq-cpus=2", "fiq=lic");
    assert_says(&output, &["FIQ comes neither by"]);
}

/// Non-secure state: no groups, nothing of errata, SCU and L2 cache to set up, the second core is left alone.
#[test]
fn in_non_secure_state() {
    let output = debugger_works("nonsecure=on", "");
    assert_says(&output, &["entered in Non-secure state", "FIQ comes by the legacy interrupt controller"]);
    assert!(!output.console.contains("CPU 1"), "{}", output.console);
}

/// A CPU that hangs with IRQs masked is noticed by FIQ of the second comparator, either way.
#[test]
fn the_watchdog() {
    for more in ["", "fiq=lic"] {
        let mut machine = start("", &format!("selftest=hang watchdog=1 {more}"));
        machine.expect("debugger (watchdog", seconds(60));
        machine.expect(PROMPT, seconds(30));
        machine.send("bt\r");
        let answer = machine.expect(PROMPT, seconds(30));
        assert!(answer.contains("selftest"), "{answer}");
        assert_eq!(mistakes(&machine.complaints()), [""; 0]);
    }
}

/// What a boot loader left, as far as it can be seen; nothing without its clock is touched.
#[test]
fn hwinfo() {
    let mut machine = start("hostile=on", "");
    machine.expect("ticker: tick 2 at", seconds(60));
    machine.send("\x1c\x1c\x1c");
    machine.expect(PROMPT, seconds(30));
    machine.send("hwinfo\r");
    let answer = machine.expect(PROMPT, seconds(30));
    for part in [
        "entry 00a00800  cpsr ",
        "1df  sctlr 00c51878",
        "r1 deadbeef  r2 00000100",
        "console UARTB\n",
        "CPU 1 parked: midr 411fc090  sctlr 00c50078  actlr 00000000",
        "L2 at entry: CTRL 80000001",
        "ATAG 54410009 exit=semihosting log=text",
        "ATAG 54410002  40000000 00000000",
        "50043104  7e080001  70480000  L2_AUX_CTRL",
        "50043100  00000000  00000001  L2_CTRL",
        "60006340  00002222  00000000  RST_CPU_CMPLX",
        "60005050  c000270f            TMR3_PTV",
        "70000804  00042017            HIDREV",
        "7000604c  00000003            UARTB_LCR",
        "0000000d  COLOR_DEPTH",
        "2e800000  START_ADDR",
        "UARTB divisor 117",
    ] {
        assert!(answer.contains(part), "without {part:?}:\n{answer}");
    }
    machine.send("continue\r");
    let output = machine.wait_exit(seconds(60));
    assert_well(&output);
}
