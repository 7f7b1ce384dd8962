//! What the guest `abuse` does to its virtual machine harms nobody else: it may stop, but Nex goes on, other domains keep
//! their memory and their share of time, and what it took is given back.
//!
//! With counted instructions, so that lateness means the same on a busy host.

use nex_qemu_tests::linux::MemoryUse;
use nex_qemu_tests::{Machine, Output, Qmp, Volume, seconds, strings};
use regex_lite::Regex;

/// Beside the one that misbehaves: a ticker whose time is guaranteed, and a domain that looks whether its memory is touched.
/// The ticker goes on for longer than the other does what it does.
const OTHERS: &str = r#"
[[domain]]
name = "good"
kernel = "ticker"
cmdline = "count=TICKS period=20"
memory = "4M"
sched = { period = "10ms", slice = "1ms" }
[[domain]]
name = "canary"
kernel = "isolate"
cmdline = "id=9 sleep=SLEEP"
memory = "4M"
"#;

/// How a domain is to end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// Done, without a complaint.
    Done,
    /// Stopped, with this in the report.
    Stopped(&'static str),
    /// In whatever way; or not, and then it is killed.
    Any,
}

struct Case<'a> {
    cpu: &'a str,
    cmdline: &'a str,
    end: End,
    /// Milliseconds that the others last.
    lasts_ms: u32,
}

/// Nex's text and constants, in physical memory.
fn text(qmp: &Qmp, console: &str) -> Vec<u8> {
    let line = Regex::new(r"(?m)^  fff00000-([0-9a-f]{8})  r-x RAM    at 0x([0-9a-f]{8})$").unwrap();
    let found = line.captures(console).expect("the memory map");
    let number = |n: usize| u32::from_str_radix(&found[n], 16).unwrap();
    qmp.memory(number(2), (number(1) - 0xfff0_0000 + 1) as usize)
}

/// Memory that is free, or in the heap and unused, in bytes.
fn free_bytes(console: &str) -> u64 {
    let number = |regex: &str| -> u64 {
        let found = Regex::new(regex).unwrap();
        let found = found.captures_iter(console).last().unwrap_or_else(|| panic!("no /{regex}/"));
        found[1].parse().unwrap()
    };
    let heap = number(r"heap: \d+ of (\d+) bytes") - number(r"heap: (\d+) of \d+ bytes");
    number(r"(\d+) KiB  free") * 1024 + heap
}

/// Runs it beside the others, and looks at everything that must not change.
fn run(case: &Case<'_>) -> (Output, u64) {
    let bad = format!(
        "[[domain]]\nname = \"bad\"\nkernel = \"abuse\"\ncmdline = \"{}\"\nmemory = \"8M\"\n",
        case.cmdline
    );
    let others = OTHERS
        .replace("TICKS", &(case.lasts_ms / 20).to_string())
        .replace("SLEEP", &case.lasts_ms.to_string());
    let volume = Volume::with_manifest(&format!("on_idle = \"debugger\"\n{bad}{others}"));
    let qmp = Qmp::new();
    let machine = Machine::builder().cpu(case.cpu).icount(true).volume(&volume);
    let mut machine = qmp.arguments(machine).boot();
    machine.expect("going to ", seconds(60));
    let before = text(&qmp, &machine.transcript());

    machine.expect(&strings::powered_off("canary"), seconds(600));
    let ended = |machine: &Machine| {
        let console = machine.transcript();
        console.contains(&strings::powered_off("bad")) || console.contains(&strings::stopped("bad"))
    };
    if case.end == End::Any && !ended(&machine) {
        machine.send("\x1c\x1c\x1c");
        machine.expect("fiqdb> ", seconds(60));
        machine.send("kill bad\r");
        machine.expect("fiqdb> ", seconds(60));
        machine.send("continue\r");
        machine.expect("domain bad was killed", seconds(60));
    }
    machine.expect(strings::STAYS, seconds(60));
    assert!(text(&qmp, &machine.transcript()) == before, "Nex's text has changed");
    // Until it does not change: the last domain's thread goes when Nex has nothing else to do.
    let mut memory = MemoryUse::ask(&mut machine);
    for _ in 0..10 {
        std::thread::sleep(seconds(1) / 5);
        let before = std::mem::replace(&mut memory, MemoryUse::ask(&mut machine));
        if before == memory {
            break;
        }
    }
    machine.send("q");
    let output = machine.wait_exit(seconds(60));

    output.assert_status(0).assert_shows_not(strings::PANIC).assert_shows_not(strings::SURVIVED);
    output.assert_shows_not("abuse: WRONG");
    output.assert_shows(&strings::memory_is_mine(9));
    let result = Regex::new(&strings::ticker_result(case.lasts_ms / 20)).unwrap();
    let late = result.captures(&output.console).unwrap_or_else(|| panic!("no ticks\n{output}"));
    let late_us: i64 = late[1].parse().unwrap();
    // Its period is 10 ms with 1 ms guaranteed.
    assert!((0..10_000).contains(&late_us), "{late_us} us late\n{output}");
    match case.end {
        End::Done => {
            output.assert_shows("done, 0 complaints").assert_shows(&strings::powered_off("bad"));
        }
        End::Stopped(report) => {
            let stopped = strings::stopped("bad");
            let reports: Vec<&str> = output.console.lines().filter(|line| line.contains(&stopped)).collect();
            assert!(reports.len() == 1 && reports[0].contains(report), "{output}");
        }
        End::Any => {}
    }
    let free = free_bytes(&output.console);
    (output, free)
}

/// The memory that is left when a domain has come and gone that did nothing wrong.
fn free_without(case: &Case<'_>) -> u64 {
    // The command line has the same length: it is in the boot volume.
    let cmdline =
        format!("mode=none {:width$}", "x=", width = case.cmdline.len().saturating_sub("mode=none ".len()));
    let none = Case { cmdline: &cmdline, end: End::Done, lasts_ms: 200, ..*case };
    run(&none).1
}

fn check(case: &Case<'_>) {
    let (output, free) = run(case);
    let without = free_without(case);
    // The list of domains and threads may be a little longer if more were there at a time.
    assert!(free.abs_diff(without) < 4096, "{free} bytes free, without the abuse {without}\n{output}");
}

fn done(cmdline: &str, lasts_ms: u32) {
    check(&Case { cpu: "cortex-a15", cmdline, end: End::Done, lasts_ms });
}

#[test]
fn cache_and_tlb_operations_at_any_address() {
    done("mode=maintenance", 500);
}

#[test]
fn every_coprocessor_register() {
    done("mode=registers", 3000);
}

#[test]
fn page_tables_that_point_anywhere() {
    done("mode=tables seed=1", 600);
    done("mode=tables seed=2", 600);
    check(&Case { cpu: "cortex-a7", cmdline: "mode=tables seed=3", end: End::Done, lasts_ms: 600 });
}

#[test]
fn long_page_tables_that_point_anywhere() {
    done("mode=long-tables seed=1", 600);
    check(&Case { cpu: "cortex-a7", cmdline: "mode=long-tables seed=2", end: End::Done, lasts_ms: 600 });
}

#[test]
fn page_tables_in_devices_in_nex_and_nowhere() {
    done("mode=bases", 600);
}

#[test]
fn all_memory_as_page_tables() {
    done("mode=all-tables", 800);
}

#[test]
fn four_gib_of_distinct_mappings() {
    done("mode=distinct", 1000);
}

#[test]
fn address_spaces_that_change_all_the_time() {
    done("mode=thrash", 3000);
}

#[test]
fn pages_of_kernel_and_user_in_one_mib() {
    done("mode=mixed", 800);
    check(&Case { cpu: "cortex-a7", cmdline: "mode=mixed seed=2", end: End::Done, lasts_ms: 800 });
}

#[test]
fn exclusive_stores_to_pages_copied_on_write() {
    done("mode=cow", 500);
    check(&Case { cpu: "cortex-a7", cmdline: "mode=cow", end: End::Done, lasts_ms: 500 });
}

#[test]
fn a_storm_of_exceptions() {
    done("mode=storm", 1000);
}

#[test]
fn vectors_that_fault() {
    done("mode=vectors-fault", 500);
    let stopped = |cmdline, report| {
        check(&Case { cpu: "cortex-a15", cmdline, end: End::Stopped(report), lasts_ms: 300 });
    };
    stopped("mode=vectors-unmapped", "undefined instruction e7f000f0");
    stopped("mode=vectors-window", "SVC instruction");
    // For ever: the domain goes round, the others go on.
    check(&Case { cpu: "cortex-a15", cmdline: "mode=vectors-endless", end: End::Any, lasts_ms: 500 });
}

#[test]
fn code_that_is_written_all_the_time() {
    done("mode=rewrite", 2500);
}

#[test]
fn all_memory_as_code_that_has_to_be_remembered() {
    done("mode=all-code", 2000);
}

#[test]
fn random_words_as_code() {
    for seed in 1..4 {
        let cmdline = format!("mode=garbage seed={seed}");
        check(&Case { cpu: "cortex-a15", cmdline: &cmdline, end: End::Any, lasts_ms: 1500 });
    }
    check(&Case { cpu: "cortex-a7", cmdline: "mode=garbage seed=9", end: End::Any, lasts_ms: 1500 });
}

#[test]
fn every_device_register_in_every_size() {
    done("mode=mmio", 1000);
}

#[test]
fn the_addresses_of_nex() {
    done("mode=window", 500);
    let stopped = End::Stopped("instruction fetch from 0xfff00000");
    check(&Case { cpu: "cortex-a15", cmdline: "mode=window-code", end: stopped, lasts_ms: 300 });
}

#[test]
fn many_registers_at_bad_addresses() {
    done("mode=multiple", 3000);
    check(&Case { cpu: "cortex-a7", cmdline: "mode=multiple", end: End::Done, lasts_ms: 3000 });
}

/// With all memory given away: what one domain has Nex make must leave enough for another.
#[test]
fn one_domain_does_not_use_up_what_another_needs() {
    for mode in ["hoard rounds=30", "all-code rounds=4"] {
        let domain = |name: &str, cmdline: &str, kernel: &str, mib: u32| {
            format!(
                "[[domain]]\nname = \"{name}\"\nkernel = \"{kernel}\"\ncmdline = \"{cmdline}\"\nmemory = \"{mib}M\"\n"
            )
        };
        // Each begins to need tables at another time.
        let victims: Vec<String> = (0..5).map(|n| format!("victim{n}")).collect();
        let mut manifest = "on_idle = \"poweroff\"\n".to_owned();
        manifest += &domain("filler", "count=1", "ticker", 180);
        manifest += &domain("bad", &format!("mode={mode}"), "abuse", 32);
        for (n, victim) in victims.iter().enumerate() {
            manifest +=
                &domain(victim, &format!("mode=thrash rounds=500 delay={}", 100 + n * 130), "abuse", 8);
        }
        let output =
            Machine::builder().icount(true).volume(&Volume::with_manifest(&manifest)).run(seconds(300));
        output.assert_status(0).assert_shows_not(strings::PANIC);
        for victim in &victims {
            output.assert_shows_not(&strings::stopped(victim));
            output.assert_shows(&format!("[{victim}] abuse: thrash: done, 0 complaints"));
        }
    }
}

/// Page tables in the firmware's ROM, which the guest uses and writes to.
#[test]
fn page_tables_in_rom() {
    const TABLE: u32 = 0x4000;
    let code: [u32; 22] = [
        0xe3a0_0901, // mov r0, #0x4000
        0xee02_0f10, // mcr p15, 0, r0, c2, c0, 0    TTBR0
        0xe3a0_1001, // mov r1, #1
        0xee03_1f10, // mcr p15, 0, r1, c3, c0, 0    DACR
        0xee08_0f17, // mcr p15, 0, r0, c8, c7, 0    TLBIALL
        0xee11_1f10, // mrc p15, 0, r1, c1, c0, 0
        0xe381_1001, // orr r1, r1, #1
        0xee01_1f10, // mcr p15, 0, r1, c1, c0, 0    SCTLR.M
        0xf57f_f06f, // isb
        0xe590_2004, // ldr r2, [r0, #4]
        0xe580_0004, // str r0, [r0, #4]             into the ROM: goes nowhere
        0xe580_0010, // str r0, [r0, #16]
        0xe590_3004, // ldr r3, [r0, #4]
        0xe152_0003, // cmp r2, r3
        0x1aff_fffe, // bne .
        0xe3a0_4101, // mov r4, #0x40000000
        0xe584_2000, // str r2, [r4]                 RAM, by a table in ROM
        0xe594_5000, // ldr r5, [r4]
        0xe155_0002, // cmp r5, r2
        0x1aff_fffe, // bne .
        0xe59f_0000, // ldr r0, [pc, #0]             SYSTEM_OFF
        0xe140_0070, // hvc #0
    ];
    let mut rom: Vec<u32> = code.to_vec();
    rom.push(0x8400_0008);
    rom.resize(TABLE as usize / 4, 0);
    // One to one, in sections that anybody may use; one second-level table, which is the first-level one.
    rom.extend((0..4096u32).map(|mib| if mib == 4 { TABLE | 1 } else { mib << 20 | 0xc0e }));
    let rom: Vec<u8> = rom.iter().flat_map(|word| word.to_le_bytes()).collect();
    let manifest = "on_idle = \"poweroff\"\n\
        [[domain]]\nname = \"rom\"\nfirmware = \"rom.bin\"\nmemory = \"4M\"\n\
        [[domain]]\nname = \"good\"\nkernel = \"ticker\"\ncmdline = \"count=5 period=20\"\nmemory = \"4M\"\n";
    for cpu in ["cortex-a15", "cortex-a7"] {
        let volume = Volume::with_manifest(manifest).file("rom.bin", rom.clone());
        let output = Machine::builder().cpu(cpu).volume(&volume).run(seconds(60));
        output
            .assert_status(0)
            .assert_shows(&strings::powered_off("rom"))
            .assert_shows(&strings::powered_off("good"));
    }
}
