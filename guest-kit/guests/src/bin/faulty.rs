//! Does one thing wrong, to see that it stops this domain, or is refused, and hurts nobody else. Says before what it is
//! going to do. If it survives something that should have stopped it, prints "SURVIVED".
//!
//! Options: `mode=` one of the names in [`MODES`]; without it, or with another, prints the list.
#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;
use core::sync::atomic::AtomicU32;

use nex_guest::abi::{CallError, nex, platform};
use nex_guest::{Context, entry, flush, hypercall, print, println};

entry!(main);

struct Mode {
    name: &'static str,
    about: &'static str,
    run: fn(&Context),
}

/// Where Nex keeps itself in every address space.
const NEX: u32 = 0xfff0_0000;
/// Where the virtual platform has nothing, and is not going to.
const NOTHING: u32 = 0x1000_0000;

#[rustfmt::skip]
const MODES: &[Mode] = &[
    Mode { name: "read-hypervisor", about: "read Nex's memory", run: read_hypervisor },
    Mode { name: "write-text", about: "write to its own code", run: write_text },
    Mode { name: "write-device", about: "write where no device is", run: write_device },
    Mode { name: "jump-null", about: "jump to address 0", run: jump_null },
    Mode { name: "execute-data", about: "jump into its data", run: execute_data },
    Mode { name: "undefined", about: "execute an undefined instruction", run: undefined },
    Mode { name: "privileged", about: "read SCTLR in User mode", run: privileged },
    Mode { name: "svc", about: "make a system call nobody handles", run: svc },
    Mode { name: "stack-overflow", about: "recurse without end", run: stack_overflow },
    Mode { name: "unknown-hypercall", about: "call functions that do not exist", run: unknown_hypercall },
    Mode { name: "bad-pointer", about: "print from memory it does not have", run: bad_pointer },
];

fn main(ctx: &Context) {
    let wanted = ctx.option("mode").unwrap_or("");
    let Some(mode) = MODES.iter().find(|mode| mode.name == wanted) else {
        print!("faulty: wants mode=");
        MODES.iter().for_each(|mode| print!(" {}", mode.name));
        println!();
        return;
    };
    println!("faulty: {}: going to {}", mode.name, mode.about);
    flush();
    (mode.run)(ctx);
}

/// Reached only by those which nothing stopped.
fn survived() {
    println!("faulty: SURVIVED");
}

fn read_hypervisor(_: &Context) {
    let value = read(NEX);
    println!("faulty: read {value:#010x}");
    survived();
}

fn write_text(_: &Context) {
    // An instruction that is not executed again, should the write succeed.
    write(main as *const () as usize as u32);
    survived();
}

fn write_device(_: &Context) {
    write(NOTHING);
    survived();
}

fn jump_null(_: &Context) {
    // SAFETY: none; this is meant to stop the domain.
    unsafe { asm!("blx {0}", in(reg) 0, out("lr") _) };
    survived();
}

fn execute_data(_: &Context) {
    /// `bx lr`. In the data segment, since it is mutable and not zero.
    static CODE: AtomicU32 = AtomicU32::new(0xe12f_ff1e);
    // SAFETY: none; this is meant to stop the domain. If it does not, the code returns at once.
    unsafe { asm!("blx {0}", in(reg) CODE.as_ptr(), out("lr") _) };
    survived();
}

fn undefined(_: &Context) {
    // SAFETY: none; this is meant to stop the domain.
    unsafe { asm!("udf #0") };
    survived();
}

fn privileged(_: &Context) {
    let sctlr: u32;
    // SAFETY: none; this is meant to stop the domain. If it does not, it has read a register and goes on in User mode with
    // the stack that it had.
    unsafe {
        asm!(
            "mov r2, sp",
            "mov r3, lr",
            "cps #0x10",
            "mov sp, r2",
            "mov lr, r3",
            "mrc p15, 0, {0}, c1, c0, 0",
            out(reg) sctlr, out("r2") _, out("r3") _,
        );
    }
    println!("faulty: SCTLR is {sctlr:#010x}");
    survived();
}

fn svc(_: &Context) {
    // SAFETY: none; this is meant to stop the domain.
    unsafe { asm!("svc #0", out("lr") _) };
    survived();
}

fn stack_overflow(_: &Context) {
    // More than the 16 KiB of stack in total, but not so much that all RAM below would be run through first.
    println!("faulty: depth {}", descend(1000));
    survived();
}

/// Recurses `depth` times with a frame of more than 64 bytes, which is smaller than the page it has to run into.
fn descend(depth: u32) -> u32 {
    let frame = black_box([depth; 16]);
    if depth == 0 { 0 } else { descend(depth - 1) + frame[15] / depth }
}

fn unknown_hypercall(_: &Context) {
    for function in [0, 0x8600_0000, 0x8600_1234, 0x8400_0005, 0xc400_0003, u32::MAX] {
        // SAFETY: no call with such a number may exist, so none can touch memory.
        let [r0, ..] = unsafe { hypercall(function, [0; 3]) };
        report(format_args!("function {function:#010x}"), r0, CallError::NotSupported);
    }
}

fn bad_pointer(ctx: &Context) {
    let Ok(memory) = ctx.memory() else {
        println!("faulty: no memory in the device tree");
        return;
    };
    let top = memory.base.wrapping_add(memory.bytes);
    let text = main as *const () as usize as u32;
    let (write, read) = (nex::CONSOLE_WRITE, nex::CONSOLE_READ);
    for (what, function, address, bytes) in [
        ("write from where nothing is", write, NOTHING, 16),
        ("write from below RAM", write, platform::RAM_BASE - 8, 16),
        ("write from RAM's last bytes and beyond", write, top - 8, 16),
        ("write from Nex's memory", write, NEX, 16),
        ("write from the end of the address space", write, u32::MAX - 7, 16),
        ("write of 4 GiB less a byte", write, memory.base, u32::MAX),
        ("read to Nex's memory", read, NEX, 16),
        ("read to this program's code", read, text, 16),
    ] {
        // SAFETY: meant to be refused. If one is not, it overwrites code at worst, and the domain stops.
        let [r0, ..] = unsafe { hypercall(function, [address, bytes, 0]) };
        report(format_args!("{what}"), r0, CallError::InvalidAddress);
    }
}

/// Prints a call's answer, and "SURVIVED" if it is not the error it should be.
fn report(what: core::fmt::Arguments<'_>, r0: u32, expected: CallError) {
    println!("faulty: {what}: {}", r0 as i32);
    if r0 != expected.to_r0() {
        survived();
    }
}

fn read(address: u32) -> u32 {
    // SAFETY: none; this is meant to stop the domain.
    unsafe { core::ptr::with_exposed_provenance::<u32>(address as usize).read_volatile() }
}

fn write(address: u32) {
    // SAFETY: none; this is meant to stop the domain.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(address as usize).write_volatile(0) }
}
