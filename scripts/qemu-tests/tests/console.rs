//! Typing: the focus goes round by three Ctrl-A, and only its holder reads.

use nex_qemu_tests::{Builder, Machine, Volume, seconds, strings};

fn two_echoes() -> Machine {
    two_echoes_on(Machine::builder(), 0)
}

/// With readers that sleep after each line.
fn two_echoes_on(builder: Builder, pause_ms: u32) -> Machine {
    let domain = |name: &str| {
        format!(
            "[[domain]]\nname = \"{name}\"\nkernel = \"echo\"\nmemory = \"4M\"\ncmdline = \"pause={pause_ms}\"\n"
        )
    };
    let manifest = format!("on_idle = \"poweroff\"\n{}{}", domain("one"), domain("two"));
    let mut machine = builder.volume(&Volume::with_manifest(&manifest)).boot();
    for _ in 0..2 {
        machine.expect(strings::ECHO_READY, seconds(30));
    }
    machine
}

#[test]
fn three_ctrl_a_move_the_focus() {
    let mut machine = two_echoes();
    // Nex has the focus at first.
    machine.send("\x01\x01\x01");
    machine.expect("[one] > ", seconds(30));
    machine.send("to one\r");
    machine.expect("echo: to one\n", seconds(30));
    machine.send("\x01\x01\x01to two\rexit\r");
    machine.expect("[two] > echo: to two\n", seconds(30));
    machine.expect(&strings::powered_off("two"), seconds(30));
    // The focus has fallen back to Nex.
    machine.send("\x01\x01\x01exit\r");
    machine.expect(&strings::powered_off("one"), seconds(30));
    machine.expect(strings::POWERING_OFF, seconds(30));
    machine.wait_exit(seconds(30)).assert_status(0);
}

/// The first one that asks for it has it; it is not taken from under somebody who types.
#[test]
fn a_domain_is_typed_to_from_the_start() {
    let domain = |name: &str, more: &str| {
        format!("[[domain]]\nname = \"{name}\"\nkernel = \"echo\"\nmemory = \"4M\"\n{more}")
    };
    let manifest = format!(
        "on_idle = \"poweroff\"\n{}{}",
        domain("one", "input = true\n"),
        domain("two", "input = true\n")
    );
    let mut machine = Machine::builder().volume(&Volume::with_manifest(&manifest)).boot();
    machine.expect("input to one\n", seconds(30));
    for _ in 0..2 {
        machine.expect(strings::ECHO_READY, seconds(30));
    }
    machine.send("to one\r");
    machine.expect("echo: to one\n", seconds(30));
    machine.send("exit\r");
    machine.expect(&strings::powered_off("one"), seconds(30));
    // To Nex, and from there to the other one.
    machine.send("\x01\x01\x01exit\r");
    machine.wait_exit(seconds(30)).assert_status(0).assert_shows(&strings::powered_off("two"));
}

#[test]
fn fewer_ctrl_a_are_typed() {
    let mut machine = two_echoes();
    machine.send("\x01\x01\x01");
    machine.expect("[one] > ", seconds(30));
    machine.send("a\x01b\x01\x01c\r");
    machine.expect("echo: a\\x01b\\x01\\x01c\n", seconds(30));
}

/// Domains that compute and never read, and one that reads.
const DEAF: &str = "[[domain]]\nname = \"deaf\"\nkernel = \"hog\"\nmemory = \"4M\"\ncmdline = \"seconds=0\"\n\
                    [[domain]]\nname = \"one\"\nkernel = \"echo\"\nmemory = \"4M\"\n\
                    sched = { period = \"10ms\", slice = \"5ms\" }\n";

/// More than all queues between the UART and a domain hold.
const FLOOD_BYTES: usize = 8192;

#[test]
fn what_is_pasted_waits_for_the_reader() {
    paste(two_echoes_on(Machine::builder(), 20));
}

/// Without a debugger that takes received bytes first.
#[test]
fn what_is_pasted_waits_in_the_uart() {
    paste(two_echoes_on(Machine::builder().vexpress_a9(), 20));
}

fn paste(mut machine: Machine) {
    machine.send("\x01\x01\x01");
    machine.expect("input to one", seconds(30));
    // 16 KiB, much faster than the domain takes it.
    let lines: Vec<String> = (0..160).map(|n| format!("line {n:03} {}", "0123456789".repeat(9))).collect();
    machine.send(lines.join("\r") + "\r");
    for line in &lines {
        machine.expect(&format!("echo: {line}\n"), seconds(60));
    }
    machine.send("\x01\x01\x01exit\r");
    machine.expect(&strings::powered_off("two"), seconds(30));
}

#[test]
fn a_domain_that_does_not_read_keeps_nobody_from_switching() {
    let mut machine = Machine::builder().volume(&Volume::with_manifest(DEAF)).boot();
    machine.expect(strings::ECHO_READY, seconds(30));
    machine.send("\x01\x01\x01");
    machine.expect("input to deaf", seconds(30));
    machine.send("x".repeat(FLOOD_BYTES) + "\x01\x01\x01");
    machine.expect("input to one", seconds(30));
    machine.send("still there\r");
    machine.expect("echo: still there\n", seconds(30));
}

#[test]
fn nor_from_the_debugger() {
    let mut machine = Machine::builder().volume(&Volume::with_manifest(DEAF)).boot();
    machine.expect(strings::ECHO_READY, seconds(30));
    machine.send("\x01\x01\x01");
    machine.expect("input to deaf", seconds(30));
    machine.send("x".repeat(FLOOD_BYTES) + "\x1c\x1c\x1c");
    machine.expect("fiqdb> ", seconds(30));
    machine.send("continue\r");
    machine.expect("continuing", seconds(30));
    machine.send("\x01\x01\x01");
    machine.expect("input to one", seconds(30));
}

#[test]
fn nor_does_a_hang_with_the_watchdog_off() {
    let words = format!("{} watchdog=0", strings::selftest("hang"));
    let mut machine = Machine::builder().append(&words).volume(&Volume::with_manifest(DEAF)).boot();
    machine.send("x".repeat(FLOOD_BYTES) + "\x1c\x1c\x1c");
    machine.expect("debugger (key)", seconds(60));
    machine.expect("fiqdb> ", seconds(30));
}
