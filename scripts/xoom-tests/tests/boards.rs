//! Nex on other Tegra 2 boards, as mainline U-Boot starts it there: the flat image, the boot volume as initial RAM disk, and
//! the board's device tree in r2. The image is the same as the tablet's.

use std::path::Path;
use std::process::Command;

use nex_xoom_tests::{Machine, Output, TemporaryFile, image_and_volume, mistakes, prepared, seconds};

const WORDS: &str = "exit=semihosting log=text";

/// Starts Nex with a device tree, its console on the machine's serial port of that number: UARTB, D, A, C, E.
fn start(dtb: &Path, port: usize, options: &str) -> Machine {
    let (flat, volume) = image_and_volume();
    let others = ["-serial", "null"].repeat(port);
    let arguments = ["-d", "guest_errors", "-append", WORDS].into_iter().chain(others).map(AsRef::as_ref);
    let files = [("-kernel", flat.as_path()), ("-initrd", &volume), ("-dtb", dtb)];
    let files = files.iter().flat_map(|&(option, file)| [option.as_ref(), file.as_os_str()]);
    Machine::start(options, arguments.chain(files))
}

#[track_caller]
fn assert_well(output: &Output, lines: &[&str]) {
    let shown = format!("status {:?}\n{}\n{}", output.status, output.console, output.complaints);
    assert_eq!(output.status, Some(0), "{shown}");
    for line in ["Platform: tegra2", "DTB at", "ticker: tick 20 at", "domain ticker has powered off"] {
        assert!(output.console.contains(line), "without {line:?}\n{shown}");
    }
    for line in lines {
        assert!(output.console.contains(line), "without {line:?}\n{shown}");
    }
    assert_eq!(mistakes(&output.complaints), [""; 0], "{shown}");
}

#[track_caller]
fn boot(dtb: &Path, port: usize, options: &str, lines: &[&str]) -> Output {
    let output = start(dtb, port, options).wait_exit(seconds(60));
    assert_well(&output, lines);
    output
}

/// The tree of the emulated Xoom for stock kernels, changed by a function on its source.
fn changed(change: impl Fn(&str) -> String) -> TemporaryFile {
    let dtb = prepared("xoom-generic.dtb");
    let dtc = |from: &str, to: &str, input: &Path| {
        let output = Command::new("dtc").args(["-q", "-I", from, "-O", to]).arg(input).output();
        let output = output.expect("dtc is there: scripts/xoom-linux.sh installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let source = String::from_utf8(dtc("dtb", "dts", &dtb)).expect("text");
    let after = change(&source);
    assert_ne!(source, after, "nothing was changed");
    let source = TemporaryFile::new("dts", after.as_bytes());
    TemporaryFile::new("dtb", &dtc("dts", "dtb", source.path()))
}

const SCREEN: &str = "screen: 1280x800, 32 bits a pixel, at 2e800000";

/// Console and framebuffer by the tree, with what U-Boot may leave: L2 cache, timers, GIC; caches on.
#[test]
fn console_and_framebuffer_by_the_tree() {
    let dtb = prepared("xoom-generic.dtb");
    let lines = &["console on UARTB", "Emulated Xoom, generic", SCREEN, "outer cache: PL310"];
    for options in ["", "hostile=on", "hostile=on,left-mmu=on,lic-gates-gic=on"] {
        boot(&dtb, 0, options, lines);
    }
}

/// Each UART, by `stdout-path`; C and E are off as the loader leaves them, and are switched on.
#[test]
fn every_uart() {
    for (port, address, name) in [
        (1, "70006300", "UARTD"),
        (2, "70006000", "UARTA"),
        (3, "70006200", "UARTC"),
        (4, "70006400", "UARTE"),
    ] {
        let dtb = changed(|source| {
            source
                .replace("serial@70006040", &format!("serial@{address}"))
                .replace("<0x70006040 ", &format!("<0x{address} "))
        });
        boot(dtb.path(), port, "", &[&format!("console on {name}")]);
    }
}

#[test]
fn without_stdout_path_the_alias_counts() {
    let dtb = changed(|source| {
        source
            .replace("stdout-path", "other-path")
            .replace("serial@70006040", "serial@70006300")
            .replace("<0x70006040 ", "<0x70006300 ")
    });
    boot(dtb.path(), 1, "", &["console on UARTD"]);
}

/// Wrong descriptions of the framebuffer are refused with a reason, and nothing is drawn.
#[test]
fn framebuffers_that_are_none() {
    for (from, to, why) in [
        ("a8b8g8r8", "a2b10g10r10", "cannot draw"),
        ("stride = <0x1400>", "stride = <0x13f0>", "do not fit"),
        ("reg = <0x2e800000 0x3e8000>", "reg = <0x2e800000 0x3e0000>", "do not fit"),
        ("reg = <0x2e800000 0x3e8000>", "reg = <0x3ff00000 0x3e8000>", "not in RAM"),
        ("reg = <0x2e800000 0x3e8000>", "reg = <0x50000000 0x3e8000>", "not in RAM"),
        // QEMU puts the boot volume there.
        ("reg = <0x2e800000 0x3e8000>", "reg = <0x08000000 0x3e8000>", "the boot volume or Nex itself"),
    ] {
        let dtb = changed(|source| source.replace(from, to));
        let output = boot(dtb.path(), 0, "", &["no text on the screen: ", why]);
        assert!(!output.console.contains("screen: 1280x800"), "{}", output.console);
    }
}

/// A tree without a framebuffer: the display is asked, as the loader has left it.
#[test]
fn a_tree_without_framebuffer() {
    let dtb = changed(|source| source.replace("simple-framebuffer", "no-framebuffer"));
    boot(dtb.path(), 0, "", &[SCREEN]);
    let output = boot(dtb.path(), 0, "display=off", &[]);
    assert!(!output.console.contains("screen"), "{}", output.console);
}

// ---- Mainline's trees ----

#[test]
fn tegra20_harmony() {
    let dtb = prepared("tegra20-harmony.dtb");
    for options in ["display=off", "hostile=on", "hostile=on,left-mmu=on"] {
        boot(&dtb, 1, options, &["NVIDIA Tegra20 Harmony", "console on UARTD"]);
    }
}

#[test]
fn tegra20_ventana() {
    let dtb = prepared("tegra20-ventana.dtb");
    for options in ["", "hostile=on,lic-gates-gic=on"] {
        boot(&dtb, 1, options, &["NVIDIA Tegra20 Ventana", "console on UARTD"]);
    }
}

#[test]
fn tegra20_trimslice() {
    let dtb = prepared("tegra20-trimslice.dtb");
    for options in ["display=off", "hostile=on"] {
        boot(&dtb, 2, options, &["Compulab TrimSlice", "console on UARTA"]);
    }
}
