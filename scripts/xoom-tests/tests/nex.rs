//! Nex on the emulated Xoom: the boot image that `make image BOARD=tegra2` writes, with the default boot volume.

use nex_xoom_tests::{Machine, Output, from_environment, seconds};

/// Boots the image with options of the machine, until Nex ends it.
fn run(options: &str) -> Output {
    let image =
        from_environment("NEX_XOOM_IMAGE").expect("NEX_XOOM_IMAGE is not set: run scripts/test-xoom.sh");
    let words = "exit=semihosting log=text";
    let arguments = ["-kernel".as_ref(), image.as_os_str(), "-append".as_ref(), words.as_ref()];
    Machine::start(options, arguments).wait_exit(seconds(60))
}

/// All three guests have run, Nex has powered off, and no access was wild or to a block without clock.
#[track_caller]
fn assert_well(options: &str) -> Output {
    let output = run(options);
    let ended = |domain: &str| output.console.contains(&format!("domain {domain} has powered off"));
    let shown = format!("status {:?}\n{}\n{}", output.status, output.console, output.complaints);
    assert_eq!(output.status, Some(0), "{shown}");
    assert!(output.console.contains("Platform: tegra2, CPU Cortex-A9"), "{shown}");
    assert!(output.console.contains("ticker: tick 20 at"), "{shown}");
    assert!(["hello", "ticker", "hog"].into_iter().all(ended), "{shown}");
    assert_eq!(output.complaints, "", "{shown}");
    output
}

#[test]
fn a_friendly_boot_loader() {
    let output = assert_well("");
    assert!(output.console.contains("Actual 00a00800"), "{}", output.console);
}

#[test]
fn a_hostile_boot_loader() {
    let output = assert_well("hostile=on,entry-mode=svc");
    assert!(output.console.contains("the loader left the L2 cache on"), "{}", output.console);
}

#[test]
fn other_load_addresses() {
    for (entry, shown) in [("0x01000000", "Actual 01000000"), ("0x00108000", "Actual 00108000")] {
        let output = assert_well(&format!("hostile=on,entry={entry}"));
        assert!(output.console.contains(shown), "{}", output.console);
    }
}

#[test]
fn the_legacy_controller_gates() {
    assert_well("lic-gates-gic=on");
}

/// The debugger breaks in by FIQ on the UART, and lets go again.
#[test]
fn the_debugger() {
    let image =
        from_environment("NEX_XOOM_IMAGE").expect("NEX_XOOM_IMAGE is not set: run scripts/test-xoom.sh");
    let words = "exit=semihosting log=text";
    let arguments = ["-kernel".as_ref(), image.as_os_str(), "-append".as_ref(), words.as_ref()];
    let mut machine = Machine::start("hostile=on,lic-gates-gic=on", arguments);
    let prompt = "fiqdb> ";
    machine.expect("ticker: tick 2 at", seconds(60));
    machine.send("\x1c\x1c\x1c");
    machine.expect(prompt, seconds(30));
    for (command, part) in [("ver", "tegra2"), ("regs", "cpsr"), ("doms", "ticker"), ("bt", " pc ")] {
        machine.send(&format!("{command}\r"));
        let answer = machine.expect(prompt, seconds(30));
        assert!(answer.contains(part), "{command}: {answer}, without {part:?}");
    }
    machine.send("continue\r");
    machine.expect("ticker: tick 20 at", seconds(60));
    let output = machine.wait_exit(seconds(30));
    assert_eq!((output.status, output.complaints.as_str()), (Some(0), ""), "{}", output.console);
}
