//! A guest that runs random cases and prints a hash of what came of them.
//!
//! It runs on QEMU's bare `virt` machine and, the same file, as a domain of Nex. Both make the same cases from the same
//! seed, so what they print must be the same; `scripts/difftest` compares it (`make difftest`). What is UNPREDICTABLE or
//! UNKNOWN in the architecture manual (ARM DDI 0406C, "the manual" everywhere here) does not occur, nor what
//! `docs/virtualization.md` lists as different.
//!
//! No device tree is used: the machine is what `docs/virtualization.md` promises, RAM at 0x4000_0000, a GICv2, a
//! generic timer, a PL011, a PL031 and PSCI.
//!
//! Printed is `diff FIRST HASH` for each block of cases, or, with a block of 0, `case NUMBER HASH` for each case after
//! all that it saw, in lines that begin with two spaces. `difftest: end` is the last line.
#![no_std]
#![no_main]

mod cpu;
mod devices;
mod generate;
mod log;
mod machine;
mod parameters;
mod rng;
mod tables;

use log::Log;
use machine::console::print;
use machine::psci;
use rng::Rng;

/// Kinds of cases: bits of [`Parameters::kinds`](parameters::Parameters).
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Code with the MMU off.
    Cpu = 0,
    /// Code with the MMU on.
    Mmu = 1,
    /// Devices.
    Devices = 2,
}

/// The kind of case `n`.
fn kind(rng: &mut Rng, wanted: u32) -> Kind {
    loop {
        let kind = match rng.below(20) {
            0..9 => Kind::Cpu,
            9..18 => Kind::Mmu,
            _ => Kind::Devices,
        };
        if wanted & 1 << kind as u32 != 0 {
            return kind;
        }
    }
}

fn run(n: u32, seed: u32, wanted: u32, log: &mut Log) {
    let mut rng = Rng::new(seed, n);
    match kind(&mut rng, wanted) {
        Kind::Cpu => cpu::run(&mut rng, log, false),
        Kind::Mmu => cpu::run(&mut rng, log, true),
        Kind::Devices => devices::run(&mut rng, log),
    }
}

/// The first Rust code: SYS mode, everything masked, MMU and caches as they were.
#[unsafe(no_mangle)]
extern "C" fn difftest_main() -> ! {
    let parameters = parameters::get();
    let wanted = if parameters.kinds & 7 == 0 { 7 } else { parameters.kinds };
    devices::reset();
    print(format_args!("difftest: begin\n"));
    let end = parameters.first.wrapping_add(parameters.count);
    let mut n = parameters.first;
    while n != end {
        if parameters.block == 0 {
            print(format_args!("case {n}\n"));
            let mut log = Log::new(true);
            run(n, parameters.seed, wanted, &mut log);
            print(format_args!("case {n} {:08x}\n", log.hash()));
            n = n.wrapping_add(1);
            continue;
        }
        let first = n;
        let mut log = Log::new(false);
        while n != end && n.wrapping_sub(first) < parameters.block {
            run(n, parameters.seed, wanted, &mut log);
            n = n.wrapping_add(1);
        }
        print(format_args!("diff {first} {:08x}\n", log.hash()));
    }
    print(format_args!("difftest: end\n"));
    psci::system_off()
}
