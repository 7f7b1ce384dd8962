//! Nex on the emulated Xoom with the volume that `make qemu BOARD=tegra2` boots: the sample guests, Debian's U-Boot, and Debian's
//! kernel as dom0 and domU, all at once. And the debugger session that Nex's predecessor showed in its README.

use nex_xoom_tests::{Machine, from_environment, seconds};
use regex_lite::Regex;

/// Moves the keyboard to the next domain.
const SWITCH: &str = "\x01\x01\x01";
const SHELL: &str = "Enter 'help' for a list of built-in commands";
/// What the kernel says of the CPU when it runs on this machine without Nex: `linux.rs` has the same.
const NATIVE_FEATURES: &str = "half thumb fastmult vfp edsp thumbee vfpv3 vfpv3d16 tls";
/// Nex gives guests a generic timer, which the Tegra 2 has not; the kernel then names its event stream.
const ADDED_FEATURE: &str = "evtstrm";

/// Boots it until everything has started, and the sample guests are done.
fn everything(options: &str) -> Machine {
    let image = from_environment("NEX_XOOM_EVERYTHING")
        .expect("NEX_XOOM_EVERYTHING is not set: run scripts/test-xoom.sh");
    let words = "exit=semihosting log=text";
    let arguments = ["-kernel".as_ref(), image.as_os_str(), "-append".as_ref(), words.as_ref()];
    let mut machine = Machine::start(options, arguments);
    // In whatever order.
    let mut missing =
        vec![(SHELL.to_owned(), 2), ("hello: hello from a guest of Nex".into(), 1), ("U-Boot 20".into(), 1)];
    missing.extend(["hello", "ticker", "hog"].map(|guest| (format!("domain {guest} has powered off"), 1)));
    while !missing.is_empty() {
        let line = machine.expect("\n", seconds(300));
        for (text, count) in &mut missing {
            *count -= i32::from(line.contains(text.as_str()));
        }
        missing.retain(|&(_, count)| count > 0);
    }
    machine
}

/// Gives a domain the keyboard.
fn focus(machine: &mut Machine, domain: &str) {
    for _ in 0..6 {
        machine.send(SWITCH);
        machine.expect("input to ", seconds(60));
        if machine.expect("\n", seconds(60)).trim() == domain {
            return;
        }
    }
    panic!("{domain} does not get the keyboard");
}

/// Types a command to a shell or to U-Boot; what comes until `last`.
fn answer(machine: &mut Machine, command: &str, last: &str) -> String {
    machine.send(&format!("{command}\r"));
    machine.expect(last, seconds(120))
}

/// One machine for all of it, as it takes a while to boot.
#[test]
fn everything_at_once() {
    let mut machine = everything("hostile=on,lic-gates-gic=on");
    // While all domains wait, and so in the middle of Nex itself.
    the_debugger_session_of_the_seed(&mut machine);
    for domain in ["dom0", "domu"] {
        focus(&mut machine, domain);
        let said = answer(&mut machine, "echo at $(hostname) $((6 * 7))", &format!("at {domain} 42"));
        assert!(!said.contains("not found"), "{said}");
        assert_cpu(&answer(
            &mut machine,
            "cat /proc/cpuinfo; echo that was $((1 + 1)) all",
            "that was 2 all",
        ));
        let said = answer(&mut machine, "uname -v; echo that was $((1 + 1)) all", "that was 2 all");
        assert!(said.contains("Debian 6.1."), "{said}");
    }

    focus(&mut machine, "uboot");
    // It may have begun to look for something to boot. How many prompts this gives does not matter.
    answer(&mut machine, "\x03", "=> ");
    // It throws away what is typed while a command runs (it looks for Ctrl-C): so to the next prompt each time.
    for (command, said) in [("version", "U-Boot 20"), ("bdinfo", "-> size     = 0x04000000")] {
        answer(&mut machine, command, said);
        machine.expect("=> ", seconds(60));
    }

    answer(&mut machine, "poweroff", "domain uboot has powered off");
    for domain in ["dom0", "domu"] {
        focus(&mut machine, domain);
        answer(&mut machine, "poweroff -f", &format!("domain {domain} has powered off"));
    }
    let output = machine.wait_exit(seconds(60));
    assert_eq!((output.status, output.complaints.as_str()), (Some(0), ""), "{}", output.console);
}

/// Neither more nor less than the CPU has, but for the timer.
#[track_caller]
fn assert_cpu(shown: &str) {
    let value = |name: &str| {
        let lines = shown.lines().map(|line| line.split_once("] ").map_or(line, |(_, rest)| rest));
        lines
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim())
    };
    let features: Vec<&str> = value("Features").unwrap_or_default().split(' ').collect();
    let native: Vec<&str> = NATIVE_FEATURES.split(' ').collect();
    let without: Vec<&str> = features.iter().copied().filter(|&feature| feature != ADDED_FEATURE).collect();
    assert_eq!(without, native, "{shown}");
    for (name, expected) in
        [("CPU implementer", "0x41"), ("CPU part", "0xc09"), ("CPU variant", "0x1"), ("CPU revision", "0")]
    {
        assert_eq!(value(name), Some(expected), "{name}\n{shown}");
    }
}

/// `bt`, `regs`, `xregs`, `ver`, `hexdump`, `v2p`, `doms`, `continue`.
fn the_debugger_session_of_the_seed(machine: &mut Machine) {
    let prompt = "fiqdb> ";
    let mut session = |commands: &[(&str, &[&str])]| {
        machine.send("\x1c\x1c\x1c");
        machine.expect(prompt, seconds(60));
        for (command, shapes) in commands {
            let said = answer(machine, command, prompt);
            for shape in *shapes {
                let regex = Regex::new(&format!("(?m)^{shape}$")).expect("a regular expression");
                assert!(regex.is_match(&said), "{command}: no {shape:?} in\n{said}");
            }
        }
        answer(machine, "continue", "continuing");
        // It goes on. What is typed before may still be the debugger's, so not three keys of the next break-in.
        std::thread::sleep(seconds(1));
        machine.send("h");
        machine.expect("t threads", seconds(60));
    };
    let word = "[0-9a-f]{8}";
    let commands: [(&str, Vec<String>); 8] = [
        ("bt", vec![format!(r"sp {word} fp {word} pc {word} \(.+\+0x[0-9a-f]+/0x[0-9a-f]+\)")]),
        (
            "regs",
            vec![
                format!("r0  {word}  r1  {word}  r2  {word}  r3  {word}"),
                format!("r12 {word}  sp  {word}  lr  {word}  pc  {word}"),
                format!("cpsr {word} mode SVC"),
            ],
        ),
        (
            "xregs",
            ["usr", "svc", "abt", "und", "irq"]
                .map(|mode| format!("{mode} sp {word}  lr {word}.*"))
                .into_iter()
                .chain([
                    format!("fiq r8 {word}.*"),
                    format!("fiq sp {word}  lr {word}  spsr {word}  mode ..."),
                ])
                .collect(),
        ),
        ("ver", vec!["Nex .*".into(), ".*tegra2.*".into()]),
        (
            "hexdump 4 20@0xfff00000",
            vec![format!("fff00000:(?: {word}){{4}}  .{{16}}"), "fff00010: .*".into()],
        ),
        ("hexdump 1 4@0xfff00000", vec!["fff00000: [0-9a-f]{2} .*".into()]),
        (
            "v2p p r 0xfff00000",
            vec!["privileged read: va fff00000 -> pa .*".into(), format!("par {word}: .*")],
        ),
        ("v2p u r 0xffff0000", vec!["user read: va ffff0000 -> .*".into(), format!("par {word}: .*")]),
    ];
    let commands: Vec<(&str, Vec<&str>)> = commands
        .iter()
        .map(|(command, shapes)| (*command, shapes.iter().map(String::as_str).collect()))
        .collect();
    let commands: Vec<(&str, &[&str])> =
        commands.iter().map(|(command, shapes)| (*command, shapes.as_slice())).collect();
    // At its prompt U-Boot looks for keys all the time, and would be what is interrupted. Linux waits.
    session(&[("pause uboot", &[])]);
    session(&commands);
    // It goes on, and can be broken into again.
    session(&[("doms", &[".* 0 .* priv .*dom0", ".* domu", ".* uboot"]), ("unpause uboot", &[])]);
}
