//! Debian's Linux, as it is, in two domains: both get to a shell and do real work, and neither can end the other.
//!
//! The files come from Debian (`make linux-tests`). `NEX_LINUX=skip` leaves these tests out, where there is no network.

use nex_qemu_tests::{Machine, Volume, linux_files, seconds, strings};

/// Three of it move the focus: from Nex to dom0, to domu, and to Nex again.
const SWITCH: &str = "\x01\x01\x01";

/// Generous: two kernels boot in some 10 thousand million instructions.
const BOOT_S: u64 = 600;

/// dom0 and domu with the same Linux, at their shells. Nothing, and a word about it, if they are to be left out.
fn two_shells(cpu: &str) -> Option<Machine> {
    let Some((kernel, initrd)) = linux_files() else {
        eprintln!("skipped: NEX_LINUX=skip, as the files of Debian cannot be had");
        return None;
    };
    let domain = |name: &str| {
        format!(
            "[[domain]]\nname = \"{name}\"\nkernel = \"vmlinuz\"\ninitrd = \"initrd.gz\"\nmemory = \"128M\"\n\
             cmdline = \"console=ttyAMA0 hostname={name}\"\n"
        )
    };
    let manifest = format!("strict = true\non_idle = \"poweroff\"\n{}{}", domain("dom0"), domain("domu"));
    let volume = Volume::new().file("nex.toml", manifest).file("vmlinuz", kernel).file("initrd.gz", initrd);
    // Instructions are time, so that a busy host makes no difference to Linux's watchdogs.
    let mut machine = Machine::builder().cpu(cpu).mem_mib(384).icount(true).volume(&volume).boot();
    for _ in 0..2 {
        machine.expect("Enter 'help' for a list of built-in commands", seconds(BOOT_S));
    }
    Some(machine)
}

/// Types a command to the shell that has the focus, and waits for what it prints: `host` is the domain's name.
#[track_caller]
fn answers(machine: &mut Machine, host: &str) {
    machine.send("echo at $(hostname) $((6 * 7))\r");
    machine.expect(&format!("at {host} 42"), seconds(120));
}

#[test]
fn both_get_to_a_shell_and_each_ends_alone() {
    let Some(mut machine) = two_shells("cortex-a15") else { return };
    machine.send(SWITCH);
    answers(&mut machine, "dom0");
    machine.send(SWITCH);
    answers(&mut machine, "domu");

    machine.send("reboot -f\r");
    machine.expect(&strings::restarts("domu"), seconds(120));
    machine.expect("Linux domu", seconds(BOOT_S));
    machine.expect("Enter 'help' for a list of built-in commands", seconds(60));
    // The focus has fallen back to Nex.
    machine.send(SWITCH);
    answers(&mut machine, "dom0");
    machine.send(SWITCH);
    answers(&mut machine, "domu");

    machine.send("poweroff -f\r");
    machine.expect(&strings::powered_off("domu"), seconds(120));
    machine.send(SWITCH);
    answers(&mut machine, "dom0");
    machine.send("poweroff\r");
    machine.expect(&strings::powered_off("dom0"), seconds(120));
    machine.wait_exit(seconds(60)).assert_status(0);
}

#[test]
fn a_panic_of_one_kernel_leaves_the_other() {
    let Some(mut machine) = two_shells("cortex-a7") else { return };
    machine.send(SWITCH);
    machine.send("echo c > /proc/sysrq-trigger\r");
    machine.expect("Kernel panic - not syncing: sysrq triggered crash", seconds(120));
    machine.send(SWITCH);
    answers(&mut machine, "domu");
    machine.send("lsoak rounds 1\r");
    machine.expect_match(r"soak: \d+ checks, 0 failed", seconds(300));
    machine.send("poweroff -f\r");
    machine.expect(&strings::powered_off("domu"), seconds(120));
    machine.send("h");
    machine.expect(strings::KEY_HELP, seconds(60));
}

#[test]
fn a_short_soak_in_both_at_once() {
    let Some(mut machine) = two_shells("cortex-a15") else { return };
    for _ in 0..2 {
        machine.send(SWITCH);
        machine.send("soak 1\r");
    }
    let mut results = String::new();
    for _ in 0..2 {
        results += &machine.expect_match(r"soak: shell: \d+ checks, \d+ failed", seconds(600));
    }
    assert_eq!(results.matches("checks, 0 failed").count(), 4, "the soak failed");
    // Both domains got the same bits.
    let bits: Vec<_> =
        results.split("soak: floating-point result ").skip(1).map(|rest| &rest[..16]).collect();
    assert_eq!(bits.len(), 2);
    assert_eq!(bits[0], bits[1]);
}
