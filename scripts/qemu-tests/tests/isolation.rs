//! Domains side by side: none can read, write, starve or stop another.

use nex_qemu_tests::{Machine, Volume, seconds, strings};

/// A domain of 4 MiB for a manifest.
fn domain(name: &str, kernel: &str, cmdline: &str) -> String {
    format!(
        "[[domain]]\nname = \"{name}\"\nkernel = \"{kernel}\"\ncmdline = \"{cmdline}\"\nmemory = \"4M\"\n"
    )
}

fn volume(domains: &[String]) -> Volume {
    Volume::with_manifest(&format!("on_idle = \"poweroff\"\n{}", domains.concat()))
}

#[test]
fn two_domains_of_one_kernel_have_memory_of_their_own() {
    let volume = volume(&[domain("one", "isolate", "id=1"), domain("two", "isolate", "id=2")]);
    let output = Machine::builder().volume(&volume).run(seconds(120));
    output.assert_status(0);
    for (name, id) in [("one", 1), ("two", 2)] {
        let mine = strings::memory_is_mine(id);
        assert!(output.lines_of(name).iter().any(|line| line.contains(&mine)), "{name}\n{output}");
    }
}

#[test]
fn sixteen_domains_at_once_in_256_mib() {
    let domains: Vec<String> =
        (1..=16).map(|id| domain(&format!("d{id}"), "isolate", &format!("id={id} sleep=1000"))).collect();
    let output = Machine::builder().mem_mib(256).volume(&volume(&domains)).run(seconds(300));
    output.assert_status(0);
    for id in 1..=16 {
        output
            .assert_shows(&strings::memory_is_mine(id))
            .assert_shows(&strings::powered_off(&format!("d{id}")));
    }
    // At once: the last has started before the first has ended.
    let at = |text: &str| output.console.find(text).expect(text);
    assert!(at("isolate: id 16: all zero") < at(&strings::memory_is_mine(1)), "{output}");
}

/// Runs `faulty` beside a ticker. The ticker must not notice.
fn faulty(mode: &str) -> nex_qemu_tests::Output {
    let volume = volume(&[
        domain("bad", "faulty", &format!("mode={mode}")),
        domain("good", "ticker", "count=5 period=20"),
    ]);
    let output = Machine::builder().volume(&volume).run(seconds(60));
    output.assert_status(0).assert_shows_not(strings::PANIC).assert_shows_not(strings::SURVIVED);
    output.assert_shows(&strings::going_to(mode)).assert_shows(&strings::powered_off("good"));
    assert!(output.lines_of("good").iter().any(|line| line.starts_with("ticker: 5 ticks")), "{output}");
    output
}

/// The mode ends the domain with one line of report, which says `what`.
fn stops(mode: &str, what: &str) {
    let output = faulty(mode);
    let stopped = strings::stopped("bad");
    let reports: Vec<&str> = output.console.lines().filter(|line| line.contains(&stopped)).collect();
    assert_eq!(reports.len(), 1, "{output}");
    let report = reports[0];
    assert!(report.contains(what) && report.contains("pc 0x"), "{report}");
    output.assert_shows_not(&strings::powered_off("bad"));
}

/// The mode gets errors as answers and the domain goes on to its end.
fn is_answered(mode: &str, answers: usize) {
    let output = faulty(mode);
    output.assert_shows(&strings::powered_off("bad")).assert_shows_not(&strings::stopped("bad"));
    // All lines but the first are an answer, with a negative number at the end.
    let lines = output.lines_of("bad");
    let negative = lines.iter().filter(|line| line.contains(": -")).count();
    assert_eq!(negative, answers, "{output}");
}

#[test]
fn reading_the_hypervisor() {
    stops("read-hypervisor", "read of 0xfff00000");
}

#[test]
fn writing_its_own_text() {
    stops("write-text", "write to 0x4001");
}

#[test]
fn writing_where_no_device_is() {
    stops("write-device", "write to 0x10000000");
}

#[test]
fn jumping_to_null() {
    stops("jump-null", "instruction fetch from 0x00000000");
}

#[test]
fn executing_data() {
    stops("execute-data", "instruction fetch from 0x4001");
}

#[test]
fn an_undefined_instruction() {
    stops("undefined", "undefined instruction e7f000f0");
}

#[test]
fn a_privileged_instruction() {
    stops("privileged", "undefined instruction ee11");
}

#[test]
fn a_system_call() {
    stops("svc", "SVC instruction");
}

#[test]
fn a_stack_overflow() {
    stops("stack-overflow", "write to 0x4001");
}

#[test]
fn unknown_hypercalls() {
    is_answered("unknown-hypercall", 6);
}

#[test]
fn bad_pointers() {
    is_answered("bad-pointer", 8);
}

#[test]
fn semihosting_is_not_for_guests() {
    // A guest that could make semihosting calls could read and write the host's files. Nex tells QEMU nothing that
    // allows it; this is the code `svc` of an own kernel with the number of A32 semihosting, SYS_EXIT in r0.
    let code: Vec<u8> = [
        0xe3a0_0018u32, // mov r0, #0x18            SYS_EXIT
        0xe30d_1026,    // movw r1, #0xd026
        0xe340_1002,    // movt r1, #2              ADP_Stopped_ApplicationExit
        0xef12_3456,    // svc 0x123456
        0xeaff_fffe,    // b .
    ]
    .iter()
    .flat_map(|word| word.to_le_bytes())
    .collect();
    let manifest = format!(
        "on_idle = \"poweroff\"\n{}{}",
        domain("bad", "code", ""),
        domain("good", "ticker", "count=5 period=20")
    );
    let output =
        Machine::builder().volume(&Volume::with_manifest(&manifest).file("code", code)).run(seconds(60));
    output
        .assert_status(0)
        .assert_shows(&strings::stopped("bad"))
        .assert_shows(&strings::powered_off("good"));
}
