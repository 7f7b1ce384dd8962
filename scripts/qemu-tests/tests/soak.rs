//! The long soak: two Linux domains at once for ten minutes of virtual time. `make soak` runs it; it takes long.
//!
//! `NEX_SOAK_SECONDS` (600) and `NEX_SOAK_ROUNDS` (5) say how long, and how many rounds in that time.

use nex_qemu_tests::linux::{MemoryUse, SWITCH, two_shells};
use nex_qemu_tests::{Machine, cpu, seconds, strings};

/// Real time for one step.
const STEP_S: u64 = 4 * 3600;

/// What caches may have more or less of after the same work: pages of code that are scanned or not, address spaces that have a
/// shadow table or not. A leak of one page a process would be a hundred times this.
const CACHES_KIB: u32 = 128;

fn setting(name: &str, default: u32) -> u32 {
    std::env::var(name)
        .ok()
        .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}: must be a number")))
}

/// Runs a command in both shells at once; what both print until it has ended in both. The focus is with Nex before and after.
fn in_both(machine: &mut Machine, command: &str) -> String {
    for _ in 0..2 {
        machine.send(SWITCH);
        machine.send(format!("{command}; echo 'the end''?' is $?\r"));
    }
    let mut output = String::new();
    for _ in 0..2 {
        output += &machine.expect_match(r"the end\? is \d+", seconds(STEP_S));
    }
    machine.send(SWITCH);
    machine.expect("input to Nex", seconds(120));
    let good = output.matches("the end? is 0").count();
    assert_eq!(good, 2, "{command} failed:\n{output}");
    output
}

#[test]
#[ignore = "takes long: make soak"]
fn ten_minutes_in_two_domains() {
    let (wanted_s, rounds) = (setting("NEX_SOAK_SECONDS", 600), setting("NEX_SOAK_ROUNDS", 5));
    let Some(mut machine) = two_shells(&cpu()) else { return };
    // Once before, so that caches have what the work needs.
    in_both(&mut machine, "soak 1");
    let before = MemoryUse::ask(&mut machine);
    eprintln!("before: {before:?}");

    let output = in_both(&mut machine, "soak 1 forks");
    assert_eq!(output.matches("soak: 1000 forks and execs").count(), 2);
    let output = in_both(&mut machine, &format!("soak -t {wanted_s} {rounds}"));
    let lines = |begin: &str| -> Vec<String> {
        let found = output.lines().filter_map(|line| Some(line.split_once(begin)?.1.to_owned()));
        found.collect()
    };
    // The same bits, in every round and in both domains.
    let bits = lines("soak: floating-point result ");
    assert_eq!(bits.len(), 2 * rounds as usize);
    assert!(bits.iter().all(|these| these[..16] == bits[0][..16]), "{bits:?}");
    let results = lines("soak: shell: ");
    assert_eq!(results.len(), 2, "{results:?}");
    for result in &results {
        let time = result.rsplit_once(" in ").and_then(|(_, time)| time.strip_suffix(" s")?.parse().ok());
        assert!(result.contains(" 0 failed") && time >= Some(wanted_s), "{result}");
    }

    let after = MemoryUse::ask(&mut machine);
    eprintln!("after: {after:?}");
    for (owner, kib) in &before.kib {
        if !["free", "heap", "table"].contains(&owner.as_str()) {
            assert_eq!(Some(kib), after.kib.get(owner), "{owner}");
        }
    }
    assert!(after.own_kib <= before.own_kib + CACHES_KIB, "Nex itself has grown");
    assert!(after.heap_bytes <= before.heap_bytes + CACHES_KIB * 1024, "the heap is fuller");
    for name in ["dom0", "domu"] {
        machine.send(SWITCH);
        machine.send("poweroff -f\r");
        machine.expect(&strings::powered_off(name), seconds(600));
    }
    machine.wait_exit(seconds(60)).assert_status(0);
}
