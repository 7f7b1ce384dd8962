//! The models against sequences recorded on QEMU 7.2's `virt` machine (`tests/golden`; `tests/qemu.rs` records them).
#![allow(missing_docs)]

mod common;

use common::{Machine, Op};

fn replay(text: &str) -> usize {
    let mut machine = Machine::new();
    let mut reads = 0;
    for (number, line) in text.lines().enumerate() {
        let (op, value) = Op::from_line(line).expect("a line of a golden file");
        let ours = machine.run(op);
        if op.write.is_none() {
            assert_eq!(ours, value, "line {}: {line}", number + 1);
            reads += 1;
        }
    }
    reads
}

#[test]
fn reset_and_identification() {
    assert!(replay(include_str!("golden/reset.txt")) > 300);
}

#[test]
fn gic_all_in_group_0() {
    assert!(replay(include_str!("golden/gic-group0.txt")) > 3000);
}

#[test]
fn gic_both_groups() {
    assert!(replay(include_str!("golden/gic-groups.txt")) > 3000);
}

#[test]
fn serial_port() {
    assert!(replay(include_str!("golden/uart.txt")) > 800);
}

#[test]
fn clock() {
    assert!(replay(include_str!("golden/rtc.txt")) > 50);
}

#[test]
fn flash() {
    assert!(replay(include_str!("golden/flash.txt")) > 250);
}
