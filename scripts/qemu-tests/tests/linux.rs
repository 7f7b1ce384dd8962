//! Debian's Linux, as it is, in two domains: both get to a shell and do real work, and neither can end the other.
//!
//! The files come from Debian (`make linux-tests`). `NEX_LINUX=skip` leaves these tests out, where there is no network.

use nex_qemu_tests::linux::{BOOT_S, SHELL, SWITCH, answers, two_shells};
use nex_qemu_tests::{seconds, strings};

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
    machine.expect(SHELL, seconds(60));
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

/// As a person pastes a file into a shell. Domains take input in their own time; what is not taken yet waits in the UART.
#[test]
fn what_is_pasted_into_a_shell_arrives() {
    let Some(mut machine) = two_shells("cortex-a15") else { return };
    machine.send(SWITCH);
    machine.send(SWITCH);
    answers(&mut machine, "domu");
    // 16 KiB in lines, as the kernel's line discipline takes no more than 4 KiB without an end of line.
    let mut state = 1u32;
    let mut text = String::new();
    while text.len() < 16 << 10 {
        for _ in 0..63 {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            text.push(char::from(b'0' + (state >> 16) as u8 % 75));
        }
        text.push('\n');
    }
    let checksum = cksum(text.as_bytes());
    machine.send("stty -echo; cat >/tmp/pasted; stty echo; cksum </tmp/pasted\r");
    machine.send(text.replace('\n', "\r") + "\x04");
    machine.expect(&format!("{checksum} {}", text.len()), seconds(600));
    // The same with the shell's own editor, which echoes every byte: one command of many lines.
    machine.send("cksum <<'END'\r");
    machine.send(text.replace('\n', "\r") + "END\r");
    machine.expect(&format!("{checksum} {}", text.len()), seconds(600));
}

/// The checksum of POSIX's `cksum`: CRC-32 with the polynomial 0x04c11db7, most significant bit first, length appended.
fn cksum(bytes: &[u8]) -> u32 {
    let mut crc = 0u32;
    let mut add = |byte: u8| {
        crc ^= u32::from(byte) << 24;
        for _ in 0..8 {
            crc = crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
        }
    };
    bytes.iter().for_each(|&byte| add(byte));
    let mut length = bytes.len();
    while length > 0 {
        add(length as u8);
        length >>= 8;
    }
    !crc
}
