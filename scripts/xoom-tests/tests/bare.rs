//! What needs a CPU: a program without an operating system checks it from inside, started as the tablet starts a kernel.

use nex_xoom_tests::{Machine, Output, TemporaryFile, elf, from_environment, image, seconds};

/// Boots the program with options of the machine, which its command line repeats where they change what is right.
fn run(options: &str, cmdline: &str) -> Output {
    run_with(options, cmdline, &[])
}

fn run_with(options: &str, cmdline: &str, arguments: &[&str]) -> Output {
    let program =
        from_environment("NEX_XOOM_BARE").expect("NEX_XOOM_BARE is not set: run scripts/test-xoom.sh");
    let program = std::fs::read(&program).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let image = TemporaryFile::new("img", &image::boot_image(&elf::flat(&program), b"a ramdisk", cmdline));
    let kernel = ["-kernel".as_ref(), image.path().as_os_str()];
    let arguments = ["-d", "guest_errors"].iter().chain(arguments).map(AsRef::as_ref).chain(kernel);
    Machine::start(options, arguments).wait_exit(seconds(120))
}

#[track_caller]
fn assert_well(output: &Output) {
    let well = output.status == Some(0) && output.console.ends_with("all is well\n");
    assert!(well, "status {:?}\n{}\n{}", output.status, output.console, output.complaints);
    let complaints: Vec<&str> = output.complaints.lines().collect();
    let expected = [
        "SPI 41 is enabled in the GIC but not in the legacy controller",
        "wild read of 4 bytes at 0x41000000",
        "wild write of 4 bytes, 0x1234, at 0x6abcdef0",
        "UARTC has no clock",
    ];
    let as_expected = expected.iter().zip(&complaints).all(|(expected, found)| found.contains(expected));
    assert!(complaints.len() == expected.len() && as_expected, "{complaints:#?}");
    assert!(complaints[1].contains("by CPU0 at pc 0x00a0"), "{complaints:#?}");
}

#[test]
fn a_friendly_boot_loader() {
    assert_well(&run("", ""));
}

#[test]
fn instructions_as_nanoseconds() {
    assert_well(&run_with("", "", &["-icount", "shift=0,sleep=off"]));
}

#[test]
fn a_hostile_boot_loader() {
    assert_well(&run("hostile=on,entry-mode=svc", "hostile svc"));
}

#[test]
fn the_legacy_controller_gates_and_its_fiq_goes_to_the_first_core() {
    assert_well(&run("lic-gates-gic=on,lic-fiq-cpus=1", "gates fiq-cpus=1"));
}

#[test]
fn the_legacy_fiq_goes_to_the_second_core() {
    assert_well(&run("lic-fiq-cpus=2", "fiq-cpus=2"));
}
