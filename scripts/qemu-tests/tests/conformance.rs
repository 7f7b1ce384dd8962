//! The conformance guest natively on QEMU's `virt`, and the same file as a domain of Nex: both must print the same.

use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use nex_qemu_tests::{Machine, Volume, board, guest_elf, seconds};

const FIRST: &str = "conformance: begins";

/// What the guest prints on the bare machine.
fn natively(cpu: &str) -> Vec<String> {
    let program = std::env::var("NEX_QEMU").unwrap_or_else(|_| "qemu-system-arm".into());
    let mut command = Command::new(program);
    command.args(board().native(cpu)).args(["-m", "128", "-display", "none", "-nic", "none"]);
    command.args(["-monitor", "none", "-serial", "stdio", "-kernel"]).arg(guest_elf("conformance"));
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("QEMU starts");
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(seconds(120)) else {
        // Nobody else waits for it, so the number is still its own.
        let _ = Command::new("kill").arg(id.to_string()).status();
        panic!("natively on {cpu}: still running");
    };
    let text = String::from_utf8_lossy(&output.expect("QEMU ends").stdout).into_owned();
    text.lines().map(|line| line.trim_end_matches('\r').to_owned()).collect()
}

/// What it prints as a domain, without the domain's name.
fn in_nex(cpu: &str) -> Vec<String> {
    let manifest = "on_idle = \"poweroff\"\n\
                    [[domain]]\nname = \"conformance\"\nkernel = \"conformance\"\nmemory = \"128M\"\n";
    let volume = Volume::with_manifest(manifest);
    let output = Machine::builder().cpu(cpu).mem_mib(256).volume(&volume).run(seconds(600));
    output.lines_of("conformance").into_iter().map(str::to_owned).collect()
}

/// Fails unless the guest began, went through, and found nothing wrong.
#[track_caller]
fn assert_right(lines: &[String]) {
    assert_eq!(lines.first().map(String::as_str), Some(FIRST));
    let wrong: Vec<_> = lines.iter().filter(|line| line.contains(": FAIL ")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let last = lines.last().expect("there is a first line");
    let count = last.strip_prefix("conformance: ").and_then(|rest| rest.strip_suffix(" cases, 0 failed"));
    let count: usize =
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("ended with {last:?}"));
    // One line each, besides the first and the last.
    assert_eq!(lines.len(), count + 2);
}

fn same(cpu: &str) {
    let native = natively(cpu);
    assert_right(&native);
    let nex = in_nex(cpu);
    let differing: Vec<_> = native.iter().zip(&nex).filter(|(native, nex)| native != nex).take(40).collect();
    assert!(differing.is_empty(), "natively, in Nex: {differing:#?}");
    assert_eq!(native.len(), nex.len(), "in Nex it ended with {:?}", nex.last());
}

#[test]
fn same_on_cortex_a15() {
    same("cortex-a15");
}

#[test]
fn same_on_cortex_a7() {
    same("cortex-a7");
}

#[test]
fn natively_every_run_is_the_same() {
    let first = natively("cortex-a15");
    assert_right(&first);
    assert!(natively("cortex-a15") == first, "something depends on time");
}
