//! A guest that checks an ARMv7-A machine from its first instruction on, and says so case by case.
//!
//! It runs on QEMU's bare `virt` machine and, the same file, as a domain of Nex, and prints the same text in both. Each
//! line is `name: ok hash` or `name: FAIL what got ... want ...`: a case compares what it sees with what the
//! architecture manual (ARM DDI 0406C, "the manual" everywhere here) says, and the hash is over all it saw, so that two
//! machines can be compared even where the manual leaves a choice. Nothing that depends on time is printed or hashed.
//!
//! No device tree is used: the machine is what `docs/virtualization.md` promises, RAM at 0x4000_0000, a GICv2, a
//! generic timer, a PL011, a PL031 and PSCI.
#![no_std]
#![no_main]

mod cases;
mod harness;

use harness::psci;
use harness::report::{self, print};

/// The first Rust code: SYS mode, everything masked, MMU and caches as they were.
#[unsafe(no_mangle)]
extern "C" fn conformance_main() -> ! {
    print(format_args!("conformance: begins\n"));
    cases::all();
    let (cases, failed) = report::totals();
    print(format_args!("conformance: {cases} cases, {failed} failed\n"));
    psci::system_off()
}
