//! Random instructions compared with what QEMU did with them: `qemu-7.2.txt`, made by the ignored test `record`.
//!
//! A line is a case of [`common::cases`]: the instruction, whether it took an alignment fault, and what it changed.
//! `cargo test -p nex-emulate --test golden -- --ignored` makes the recording again. It needs qemu-arm (qemu-user), and
//! arm-linux-gnueabihf-as and -ld.

mod common;

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use common::cases::{self, Case};
use common::{Fault, Memory, REGION, REGION_BYTES};
use nex_emulate::{Done, execute};
use nex_vcpu::{Psr, Regs};

const RECORDING: &str = include_str!("qemu-7.2.txt");
/// How many results the recording has at least.
const EXPECTED: usize = 3500;

/// Registers, and what happened.
struct Outcome {
    /// An access was not aligned.
    alignment: bool,
    r: [u32; 16],
    /// The defined bits, without the mode and the masks.
    cpsr: u32,
    d: [u64; 32],
    region: Vec<u8>,
}

const SEEN: u32 = Psr::FLAGS | Psr::EXECUTION | Psr::E;

/// A line of the recording.
fn line(case: &Case, outcome: &Outcome) -> String {
    let set = match (case.thumb, case.big_endian) {
        (false, false) => "a32",
        (false, true) => "a32-be",
        (true, false) => "t32",
        (true, true) => "t32-be",
    };
    let mut line = format!("{set} {:08x}", case.word);
    if outcome.alignment {
        line.push_str(" unaligned");
    }
    let initial = initial(case);
    for n in 0..15 {
        if outcome.r[n] != initial.r[n] {
            write!(line, " r{n}={:x}", outcome.r[n]).unwrap();
        }
    }
    // PC as a difference: most cases have that of one instruction.
    write!(line, " pc{:+}", i64::from(outcome.r[15]) - i64::from(case.first)).unwrap();
    if outcome.cpsr != initial.cpsr {
        write!(line, " cpsr^{:x}", outcome.cpsr ^ initial.cpsr).unwrap();
    }
    for n in 0..32 {
        if outcome.d[n] != case.d[n] {
            write!(line, " d{n}={:x}", outcome.d[n]).unwrap();
        }
    }
    let changed = |n: usize| n < REGION_BYTES && outcome.region[n] != case.region[n];
    for n in 0..REGION_BYTES {
        if !changed(n) {
            continue;
        }
        if n == 0 || !changed(n - 1) {
            write!(line, " m{n:x}=").unwrap();
        }
        write!(line, "{:02x}", outcome.region[n]).unwrap();
    }
    line
}

/// What it starts with, at the first step.
fn initial(case: &Case) -> Outcome {
    let mut cpsr = Psr(case.flags).with_it(case.steps[0].it.bits()).0;
    cpsr |= if case.thumb { Psr::T } else { 0 } | if case.big_endian { Psr::E } else { 0 };
    let mut r = [0; 16];
    r[..15].copy_from_slice(&case.r);
    r[15] = case.first;
    Outcome { alignment: false, r, cpsr, d: case.d, region: case.region.clone() }
}

/// What this crate makes of it.
fn emulated(case: &Case) -> Outcome {
    let start = initial(case);
    let mut regs = Regs::new();
    regs.absorb_user_psr(Psr(start.cpsr));
    *regs.flat_mut() = start.r;
    let mut d = case.d;
    let mut memory = Memory::new(case.region.clone());
    let mut alignment = false;
    for step in &case.steps {
        assert_eq!(step.it.bits(), regs.cpsr().it());
        if !step.insn.holds(&regs) {
            regs.skip(step.insn.len_bytes.into());
            continue;
        }
        let (before, d_before) = (regs.clone(), d);
        match execute(&mut regs, &mut d, &step.insn, &mut memory) {
            Ok(done) => {
                let moved = regs.pc() != before.pc().wrapping_add(step.insn.len_bytes.into());
                assert!(done == Done::Branch || !moved);
            }
            Err(fault) => {
                assert_eq!((&regs, d), (&before, d_before), "an abort changed registers");
                assert!(matches!(fault, Fault::Alignment(_)), "{:08x}: {fault:x?}", case.word);
                alignment = true;
                break;
            }
        }
    }
    Outcome { alignment, r: *regs.flat(), cpsr: regs.cpsr().0 & SEEN, d, region: memory.bytes }
}

#[test]
fn as_qemu() {
    let mut cases = cases::all().into_iter();
    let (mut compared, mut wrong) = (0, 0);
    for expected in RECORDING.lines().filter(|line| !line.starts_with('#')) {
        // Cases that QEMU refused have no line.
        let (number, expected) = expected.split_once(' ').unwrap();
        let case = cases.nth(number.parse().unwrap()).expect("a case for each line");
        let actual = line(&case, &emulated(&case));
        if actual != expected {
            println!("{:?}\n  QEMU {expected}\n  here {actual}", case.steps);
            wrong += 1;
        }
        compared += 1;
    }
    assert!(wrong == 0, "{wrong} of {compared} differ");
    assert!(compared >= EXPECTED, "{compared}");
}

/// Assembles the harness; gives its path.
fn harness() -> String {
    let dir = env!("CARGO_TARGET_TMPDIR");
    let (object, program) = (format!("{dir}/harness.o"), format!("{dir}/harness"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness.s");
    let run = |name: &str, args: &[&str]| {
        assert!(Command::new(name).args(args).status().unwrap().success(), "{name}");
    };
    run("arm-linux-gnueabihf-as", &["-o", &object, source]);
    let region = format!("--section-start=.region={REGION:#x}");
    run("arm-linux-gnueabihf-ld", &["-Ttext=0x10000", &region, "-z", "noexecstack", "-o", &program, &object]);
    program
}

#[test]
#[ignore = "makes the recording; needs qemu-arm and binutils"]
fn record() {
    let cases = cases::all();
    let input: Vec<u8> = cases.iter().flat_map(input).collect();
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/cases");
    std::fs::write(path, input).unwrap();
    let output = Command::new("qemu-arm")
        .args(["-cpu", "cortex-a15", &harness()])
        .stdin(Stdio::from(std::fs::File::open(path).unwrap()))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let result_bytes = 18 * 4 + 32 * 8 + REGION_BYTES;
    assert_eq!(output.stdout.len(), cases.len() * result_bytes, "{:?}", output.status);

    let mut text = String::from(
        "# What QEMU 7.2 (qemu-arm -cpu cortex-a15) does with the cases of common/cases.rs; see golden.rs. Each line: how many\n\
         # cases it refused before this one, the instruction, what it changed.\n",
    );
    let (mut refused, mut total, mut faults) = (0, 0, 0);
    for (case, bytes) in cases.iter().zip(output.stdout.chunks_exact(result_bytes)) {
        match native(case, bytes) {
            Some(outcome) => {
                writeln!(text, "{refused} {}", line(case, &outcome)).unwrap();
                faults += u32::from(outcome.alignment);
                refused = 0;
            }
            None => {
                println!("refused: {:08x} {:?}", case.word, case.steps.last().unwrap().insn);
                refused += 1;
                total += 1;
            }
        }
    }
    println!("{} cases, {total} refused, {faults} alignment faults", cases.len());
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/qemu-7.2.txt"), text).unwrap();
}

/// A case as the harness reads it.
fn input(case: &Case) -> Vec<u8> {
    let mut words = case.r.to_vec();
    words.extend([case.start | u32::from(case.thumb), case.flags]);
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend(case.d.iter().flat_map(|d| d.to_le_bytes()));
    bytes.extend(&case.region);
    bytes
}

/// What the harness wrote; `None` if QEMU did not carry the case out.
fn native(case: &Case, bytes: &[u8]) -> Option<Outcome> {
    let word = |n: usize| u32::from_le_bytes(bytes[4 * n..4 * n + 4].try_into().unwrap());
    let r: [u32; 16] = core::array::from_fn(|n| word(1 + n));
    let d = core::array::from_fn(|n| u64::from_le_bytes(bytes[72 + 8 * n..80 + 8 * n].try_into().unwrap()));
    let region = bytes[72 + 256..].to_vec();
    let end = case.first + case.steps.iter().map(|step| u32::from(step.insn.len_bytes)).sum::<u32>();
    let inside = (case.start..end).contains(&r[15]);
    // SIGILL, SIGBUS, SIGSEGV. Inside the code SIGBUS alone means that QEMU carried out what is to be compared.
    let alignment = match (word(0), inside) {
        (7, true) => true,
        (4 | 11, false) => false,
        _ => return None,
    };
    Some(Outcome { alignment, r, cpsr: word(17) & SEEN, d, region })
}
