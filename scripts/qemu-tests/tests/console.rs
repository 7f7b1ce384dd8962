//! Typing: the focus goes round by three Ctrl-A, and only its holder reads.

use nex_qemu_tests::{Machine, Volume, seconds, strings};

fn two_echoes() -> Machine {
    let domain = |name: &str| format!("[[domain]]\nname = \"{name}\"\nkernel = \"echo\"\nmemory = \"4M\"\n");
    let manifest = format!("on_idle = \"poweroff\"\n{}{}", domain("one"), domain("two"));
    let mut machine = Machine::builder().volume(&Volume::with_manifest(&manifest)).boot();
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

#[test]
fn fewer_ctrl_a_are_typed() {
    let mut machine = two_echoes();
    machine.send("\x01\x01\x01");
    machine.expect("[one] > ", seconds(30));
    machine.send("a\x01b\x01\x01c\r");
    machine.expect("echo: a\\x01b\\x01\\x01c\n", seconds(30));
}
