//! Debian's stress-ng natively and in a domain: `make stress` runs it; it takes long.

use nex_qemu_tests::linux::{BOOT_S, File, SHELL, SWITCH, domain, is_skipped, volume};
use nex_qemu_tests::{Machine, cpu, seconds};

/// Real time for one stressor.
const STEP_S: u64 = 3600;
/// For the domain, and for the machine natively.
const MEMORY_MIB: u32 = 128;

/// Runs all stressors at the shell that has the focus; their results by name, and the last line.
fn stress(machine: &mut Machine) -> Vec<String> {
    machine.send("stress\r");
    let mut results = Vec::new();
    loop {
        let text = machine.expect_match(r"stress: (\w+: \d+|\d+ stressors, \d+ failed)$", seconds(STEP_S));
        let line = text.rsplit_once("stress: ").expect("it was looked for").1.to_owned();
        eprintln!("{line}");
        let last = line.contains("stressors");
        results.push(line);
        if last {
            return results;
        }
    }
}

#[test]
#[ignore = "takes long: make stress"]
fn a_domain_fails_at_nothing_that_does_not_fail_natively() {
    if is_skipped() {
        return;
    }
    let builder = || Machine::builder().cpu(&cpu()).icount(true);

    let mut machine = builder()
        .mem_mib(MEMORY_MIB)
        .raw_volume(File::Stress.read())
        .natively(File::Kernel.path(), "console=ttyAMA0 hostname=native")
        .boot();
    machine.expect(SHELL, seconds(BOOT_S));
    let natively = stress(&mut machine);
    drop(machine);

    let volume = volume(&domain("dom0", MEMORY_MIB), File::Kernel, File::Stress);
    let mut machine = builder().mem_mib(256).volume(&volume).boot();
    machine.expect(SHELL, seconds(BOOT_S));
    machine.send(SWITCH);
    assert_eq!(stress(&mut machine), natively, "natively, then in the domain");
    assert!(natively.len() > 8, "the list of stressors has become short");
    machine.send(SWITCH);
    machine.assert_alive();
}
