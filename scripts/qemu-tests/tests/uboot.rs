//! Debian's U-Boot for QEMU's `virt` machine, unmodified, as the firmware of domains.

use std::time::{Duration, Instant};

use nex_qemu_tests::{Machine, Volume, seconds, strings, u_boot};

/// A domain for a manifest.
fn firmware(name: &str, mib: u32) -> String {
    format!("[[domain]]\nname = \"{name}\"\nfirmware = \"u-boot.bin\"\nmemory = \"{mib}M\"\n")
}

fn volume(manifest: &str) -> Volume {
    Volume::with_manifest(&format!("on_idle = \"poweroff\"\n{manifest}")).file("u-boot.bin", u_boot())
}

/// A U-Boot that has the keyboard.
struct UBoot {
    machine: Machine,
    prompt: String,
    /// From the last command to its prompt.
    took: Duration,
}

impl UBoot {
    /// Boots one in domain `uboot` with 256 MiB to its prompt.
    fn boot(cpu: &str) -> UBoot {
        let volume = volume(&firmware("uboot", 256));
        let machine = Machine::builder().cpu(cpu).mem_mib(512).volume(&volume).boot();
        let mut uboot = UBoot { machine, prompt: "[uboot] => ".into(), took: Duration::ZERO };
        uboot.stop_autoboot();
        uboot
    }

    /// From its first words to the prompt. The domain does not have the keyboard yet.
    fn stop_autoboot(&mut self) {
        self.machine.expect("[uboot] U-Boot 20", seconds(60));
        self.machine.expect("[uboot] DRAM:  256 MiB", seconds(60));
        self.machine.expect("Hit any key to stop autoboot", seconds(60));
        self.machine.send("\x01\x01\x01");
        self.machine.expect("input to uboot", seconds(30));
        // Should it come late, it is a space before the first command.
        self.machine.send(" ");
        self.machine.expect(&self.prompt, seconds(60));
    }

    /// Types a command; everything up to the next prompt.
    fn command(&mut self, line: &str) -> String {
        let start = Instant::now();
        self.machine.send(format!("{line}\r"));
        let answer = self.machine.expect(&self.prompt, seconds(60));
        self.took = start.elapsed();
        answer
    }

    /// Types a command; all these must be in the answer.
    #[track_caller]
    fn answers(&mut self, line: &str, parts: &[&str]) {
        let answer = self.command(line);
        for part in parts {
            assert!(answer.contains(part), "{line}: no {part:?} in {answer}");
        }
    }
}

/// CRC-32 as IEEE 802.3 has it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

fn commands(cpu: &str) {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of this CRC");
    let mut u = UBoot::boot(cpu);
    u.answers("version", &["U-Boot 20", "gcc"]);
    u.answers("bdinfo", &["-> start    = 0x40000000", "-> size     = 0x10000000", "Build       = 32-bit"]);
    // The device tree's magic number at the start of RAM.
    u.answers("md 40000000 1", &["40000000: edfe0dd0"]);
    u.command("mw.l 41000000 12345678 40");
    u.answers("md 410000fc 1", &["410000fc: 12345678"]);
    let words: Vec<u8> = (0..0x40).flat_map(|_| 0x1234_5678u32.to_le_bytes()).collect();
    u.answers("crc32 41000000 100", &[&format!("==> {:08x}", crc32(&words))]);
    // A byte more or less would be seen.
    u.command("mw.b 410000ff 13 1");
    u.answers("md.b 410000fe 3", &["34 13 00"]);
    // Large and with its caches and tables on: as long as it takes.
    u.command("mw.l 42000000 5a5a5a5a 100000");
    let large = vec![0x5a; 0x40_0000];
    u.answers("crc32 42000000 400000", &[&format!("==> {:08x}", crc32(&large))]);
    u.command("sleep 2");
    // From typing to the prompt. More only if the host was busy with other things.
    assert!(u.took >= Duration::from_secs(2) && u.took < seconds(20), "sleep 2 took {:?}", u.took);
    u.command("sleep 1");
    assert!(u.took >= Duration::from_secs(1), "sleep 1 took {:?}", u.took);
}

#[test]
fn commands_on_cortex_a15() {
    commands("cortex-a15");
}

#[test]
fn commands_on_cortex_a7() {
    commands("cortex-a7");
}

/// Its own report and reset, and the domain starts again, as often as it likes.
fn data_abort(cpu: &str) {
    let mut u = UBoot::boot(cpu);
    for _ in 0..2 {
        u.command("mw.l 41000000 cafe0001 1");
        // The first word behind RAM.
        u.machine.send("mw.l 50000000 1 1\r");
        let report = u.machine.expect("Resetting CPU", seconds(60));
        assert!(report.contains("[uboot] data abort") && report.contains("r4 : 50000000"), "{report}");
        u.machine.expect(&strings::restarts("uboot"), seconds(30));
        u.stop_autoboot();
        // Memory is fresh.
        u.answers("md 41000000 1", &["41000000: 00000000"]);
    }
    // Nex made no report of its own, and lost no memory over it.
    assert!(!u.machine.transcript().contains(&strings::stopped("uboot")));
    u.machine.send("poweroff\r");
    u.machine.expect(&strings::powered_off("uboot"), seconds(30));
    u.machine.wait_exit(seconds(30)).assert_status(0);
}

#[test]
fn a_data_abort_on_cortex_a15() {
    data_abort("cortex-a15");
}

#[test]
fn a_data_abort_on_cortex_a7() {
    data_abort("cortex-a7");
}

/// Commands that end in a data abort and a fresh start each.
fn out_of_reach(commands: [&str; 3]) -> UBoot {
    let mut u = UBoot::boot("cortex-a15");
    for line in commands {
        u.machine.send(format!("{line}\r"));
        u.machine.expect("[uboot] data abort", seconds(60));
        u.machine.expect(&strings::restarts("uboot"), seconds(30));
        u.stop_autoboot();
    }
    u
}

#[test]
fn nex_is_not_within_reach() {
    // Where it is in every table: its beginning, within, its end.
    out_of_reach(["md fff00000 1", "crc32 fff80000 100", "mw.l fffefffc 0 1"]);
}

#[test]
fn nothing_but_its_own_is_within_reach() {
    // Where nothing is, above Nex, and behind the flash.
    let mut u = out_of_reach(["md 10000000 1", "md ffff0000 1", "md 5000000 1"]);
    // Its ROM is that: written to, it stays as it is.
    let before = u.command("md 0 8");
    u.command("mw.l 0 0 8");
    assert_eq!(u.command("md 0 8"), before);
}

#[test]
fn its_variables_are_saved_in_the_flash() {
    let mut u = UBoot::boot("cortex-a15");
    u.answers("flinfo", &["Size: ", "Intel Extended command set"]);
    u.command("setenv greeting hello");
    u.answers("saveenv", &["Writing to Flash... done", "OK"]);
    u.command("setenv greeting other");
    // They outlast the domain's reset, as they do a machine's.
    u.machine.send("reset\r");
    u.machine.expect(&strings::restarts("uboot"), seconds(30));
    u.stop_autoboot();
    u.answers("printenv greeting", &["greeting=hello"]);
    assert!(!u.machine.transcript().rsplit("domain uboot restarts").next().unwrap().contains("bad CRC"));
}

#[test]
fn two_and_the_sample_guests_side_by_side() {
    let guest = |name: &str, cmdline: &str| {
        format!(
            "[[domain]]\nname = \"{name}\"\nkernel = \"{name}\"\nmemory = \"4M\"\ncmdline = \"{cmdline}\"\n"
        )
    };
    let sched = "sched = { period = \"10ms\", slice = \"1ms\" }\n";
    let manifest = [
        firmware("ub1", 64),
        firmware("ub2", 64),
        guest("hello", ""),
        guest("ticker", "count=30 period=100") + sched,
        guest("hog", "seconds=2"),
        guest("isolate", "id=7"),
        guest("echo", ""),
    ]
    .concat();
    // U-Boot throws away what is typed while a command runs (it looks for Ctrl-C): so to the next prompt.
    let command = |machine: &mut Machine, name: &str, line: &str, answer: &str| {
        machine.send(format!("{line}\r"));
        machine.expect(answer, seconds(60));
        machine.expect(&format!("[{name}] => "), seconds(60));
    };
    let mut machine = Machine::builder().mem_mib(256).volume(&volume(&manifest)).boot();
    machine.expect("first guest instruction", seconds(60));
    for (name, mark) in [("ub1", "11111111"), ("ub2", "22222222")] {
        machine.send("\x01\x01\x01");
        machine.expect(&format!("input to {name}"), seconds(60));
        // Stops the countdown, or gives another prompt.
        machine.send("\r");
        machine.expect(&format!("[{name}] => "), seconds(120));
        command(&mut machine, name, "bdinfo", "-> size     = 0x04000000");
        let words: Vec<u8> = [mark.as_bytes()[0] - b'0'; 0x4000].map(|n| n * 0x11).to_vec();
        let sum = format!("==> {:08x}", crc32(&words));
        command(&mut machine, name, &format!("mw.l 41000000 {mark} 1000; crc32 41000000 4000"), &sum);
    }
    // Each has its own memory: what the second wrote at the same address is not in the first.
    machine.send("poweroff\r");
    machine.expect(&strings::powered_off("ub2"), seconds(60));
    machine.send("\x01\x01\x01");
    machine.expect("input to ub1", seconds(60));
    command(&mut machine, "ub1", "md 41000000 1", "41000000: 11111111");
    machine.send("poweroff\r");
    machine.expect(&strings::powered_off("ub1"), seconds(60));
    // The echo is the last or has the next place.
    while !machine.transcript().contains("input to echo") {
        machine.send("\x01\x01\x01");
        machine.expect("input to ", seconds(60));
        std::thread::sleep(seconds(1) / 10);
    }
    machine.send("exit\r");
    let output = machine.wait_exit(seconds(180));
    output.assert_status(0).assert_shows_not(strings::PANIC).assert_shows_not("error: ");
    output.assert_shows(strings::HELLO).assert_shows(&strings::memory_is_mine(7));
    assert!(output.lines_of("ticker").iter().any(|line| line.starts_with("ticker: 30 ticks")), "{output}");
    for name in ["hello", "ticker", "hog", "isolate", "echo"] {
        output.assert_shows(&strings::powered_off(name));
    }
}
