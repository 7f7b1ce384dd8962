//! Debian's Linux, as it is, in two domains: both get to a shell and do real work, and neither can end the other.
//!
//! The files come from Debian (`make linux-tests`). `NEX_LINUX=skip` leaves these tests out, where there is no network.

use nex_qemu_tests::linux::{
    BOOT_S, File, PROMPT, SHELL, SWITCH, answers, domain, is_skipped, two_shells, volume,
};
use nex_qemu_tests::{Machine, seconds, strings, u_boot};

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
    // The key for a reboot at once starts it again.
    machine.send("echo b > /proc/sysrq-trigger\r");
    machine.expect(&strings::restarts("domu"), seconds(120));
    machine.expect("[domu] [    0.000000] Linux version", seconds(120));
    machine.assert_alive();
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
    let crc = format!("{:08x}", crc32(text.as_bytes()));
    let typed = text.replace('\n', "\r");
    machine.send(
        "stty -echo; echo re''ady; cat >/tmp/pasted; stty echo; wc -c </tmp/pasted; crc32 /tmp/pasted\r",
    );
    machine.expect("ready", seconds(120));
    machine.send(typed.clone() + "\x04");
    machine.expect(&format!("{}\n", text.len()), seconds(300));
    machine.expect(&crc, seconds(120));
    // The same with the shell's own editor, which reads and echoes byte by byte: one command of many lines.
    machine.expect(PROMPT, seconds(120));
    machine.send("tee /tmp/again <<'END' | wc -c; crc32 /tmp/again\r");
    machine.send(typed + "END\r");
    machine.expect(&format!("] {}\n", text.len()), seconds(1200));
    machine.expect(&crc, seconds(120));
}

/// CRC-32 as zlib and busybox compute it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[test]
fn the_checksum_is_the_known_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

/// Four domains, two of each kind, and each answers at its own prompt.
#[test]
fn two_linux_and_two_u_boots_together() {
    if is_skipped() {
        return;
    }
    // U-Boot polls, so Linux would get half of the CPU.
    let firmware = |name: &str| {
        format!(
            "[[domain]]\nname = \"{name}\"\nfirmware = \"u-boot.bin\"\nmemory = \"64M\"\n\
             sched = {{ weight = 16, extratime = true }}\n"
        )
    };
    let domains = [domain("dom0", 128), domain("domu", 128), firmware("uboot1"), firmware("uboot2")].concat();
    let volume = volume(&domains, File::Kernel, File::Initrd).file("u-boot.bin", u_boot());
    let mut machine = Machine::builder().cpu("cortex-a7").mem_mib(512).icount(true).volume(&volume).boot();
    for _ in 0..2 {
        machine.expect(SHELL, seconds(BOOT_S));
    }
    machine.send(SWITCH);
    answers(&mut machine, "dom0");
    machine.send(SWITCH);
    answers(&mut machine, "domu");
    for name in ["uboot1", "uboot2"] {
        machine.send(SWITCH);
        machine.expect(&format!("input to {name}"), seconds(60));
        // It has long given up looking for something to boot.
        machine.send("\recho $vendor at $board\r");
        machine.expect(&format!("[{name}] emulation at qemu-arm"), seconds(120));
    }
    machine.send(SWITCH);
    machine.assert_alive();
    // The end of one of each is nothing to the others.
    machine.send(SWITCH);
    machine.send("poweroff -f\r");
    machine.expect(&strings::powered_off("dom0"), seconds(120));
    machine.send(SWITCH);
    answers(&mut machine, "domu");
    machine.send(SWITCH);
    machine.send("poweroff\r");
    machine.expect(&strings::powered_off("uboot1"), seconds(120));
    machine.send(SWITCH);
    answers(&mut machine, "domu");
    machine.send(SWITCH);
    machine.expect("input to uboot2", seconds(60));
    machine.send("setexpr x 28 + 2; echo $x\r");
    machine.expect("[uboot2] 2a", seconds(60));
}

/// Debian's kernel for long descriptors, which Nex walks and a CPU never sees.
#[test]
fn long_descriptors_on_a_cpu_that_has_them() {
    if is_skipped() {
        return;
    }
    let volume = volume(&domain("dom0", 128), File::LpaeKernel, File::Initrd);
    long_descriptors(Machine::builder().cpu("cortex-a15").mem_mib(256).icount(true).volume(&volume).boot());
}

#[test]
fn long_descriptors_on_a_cpu_without_them() {
    if is_skipped() {
        return;
    }
    let volume = volume(&format!("{}lpae = true\n", domain("dom0", 128)), File::LpaeKernel, File::Initrd);
    long_descriptors(Machine::builder().vexpress_a9().mem_mib(256).icount(true).volume(&volume).boot());
}

fn long_descriptors(mut machine: Machine) {
    machine.expect(SHELL, seconds(BOOT_S));
    machine.send(SWITCH);
    machine.send("uname -r; grep -c lpae /proc/cpuinfo\r");
    machine.expect_match(r"^\[dom0\] 6\.\S+-armmp-lpae\n\[dom0\] 1$", seconds(120));
    machine.send("lsoak rounds 1\r");
    machine.expect_match(r"soak: \d+ checks, 0 failed", seconds(600));
    machine.send("poweroff -f\r");
    machine.expect(&strings::powered_off("dom0"), seconds(120));
    machine.wait_exit(seconds(60)).assert_status(0);
}
