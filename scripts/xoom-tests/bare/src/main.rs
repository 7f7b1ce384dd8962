//! Checks of the emulated Xoom that need a CPU: how it is started, which CPU it is, which interrupts arrive as FIQ, how the
//! second core starts, what becomes of wrong accesses, and resets. Prints `ok` or `FAILED` for each on UARTB, and leaves
//! QEMU through semihosting.
//!
//! The command line says what to expect of options of the machine; see `tests/bare.rs`.
#![no_std]
#![no_main]

mod io;
mod start;

use core::arch::asm;
use core::panic::PanicInfo;
use core::sync::atomic::AtomicU32;

use io::{clear_bits, print, print_hex, read, set_bits, wait_for, write};
use start::{AT_ENTRY, AT_ENTRY_OF_CPU1, DATA_ABORTS, UNDEFINED, get, set};

const GICC_CTLR: u32 = 0x5004_0100;
const GICC_PMR: u32 = 0x5004_0104;
const GICC_IAR: u32 = 0x5004_010c;
const GICC_EOIR: u32 = 0x5004_0110;
const GICD_CTLR: u32 = 0x5004_1000;
const GICD_IGROUPR: u32 = 0x5004_1080;
const GICD_ISENABLER: u32 = 0x5004_1100;
const GICD_ICENABLER: u32 = 0x5004_1180;
const GICD_ISPENDR: u32 = 0x5004_1200;
const GICD_ICPENDR: u32 = 0x5004_1280;
const GICD_IPRIORITYR: u32 = 0x5004_1400;
const GICD_ITARGETSR: u32 = 0x5004_1800;
const GICD_SGIR: u32 = 0x5004_1f00;

/// The second bank, in which TMR3 and TMR4 are.
const LIC: u32 = 0x6000_4100;
const IER_SET: u32 = LIC + 0x24;
const IER_CLR: u32 = LIC + 0x28;
const IEP_CLASS: u32 = LIC + 0x2c;

const TMR3: u32 = 0x6000_5050;
const TMR4: u32 = 0x6000_5058;
const TMR3_SPI: u32 = 41;
const TMR4_SPI: u32 = 42;
const TMR3_BIT: u32 = 1 << (TMR3_SPI - 32);
const TMR4_BIT: u32 = 1 << (TMR4_SPI - 32);
const PTV_ENABLE: u32 = 1 << 31;
const PCR_CLEAR: u32 = 1 << 30;

const PMC_CNTRL: u32 = 0x7000_e400;
const PMC_CNTRL_MAIN_RST: u32 = 1 << 4;
const PMC_SCRATCH1: u32 = 0x7000_e454;

/// Interrupts taken, by core.
static FIQS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static IRQS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
/// What the GIC said at the last one of each kind.
static FIQ_ID: AtomicU32 = AtomicU32::new(0);
static IRQ_ID: AtomicU32 = AtomicU32::new(0);
/// Whether FIQs come from the GIC, and are acknowledged there.
static ACKNOWLEDGE_FIQ: AtomicU32 = AtomicU32::new(0);
static FAILURES: AtomicU32 = AtomicU32::new(0);

/// Makes a function that reads a CP15 register without side effects.
macro_rules! cp15_read {
    ($name:ident, $opc1:literal, $crn:literal, $crm:literal, $opc2:literal) => {
        fn $name() -> u32 {
            let value;
            // SAFETY: Only reads, in a privileged mode.
            unsafe {
                asm!(
                    concat!("mrc p15, ", $opc1, ", {}, ", $crn, ", ", $crm, ", ", $opc2),
                    out(reg) value,
                    options(nomem, nostack, preserves_flags)
                )
            };
            value
        }
    };
}

cp15_read!(midr, 0, "c0", "c0", 0);
cp15_read!(mpidr, 0, "c0", "c0", 5);
cp15_read!(cbar, 4, "c15", "c0", 0);
cp15_read!(id_pfr1, 0, "c0", "c1", 1);
cp15_read!(id_isar0, 0, "c0", "c2", 0);
cp15_read!(ccsidr, 1, "c0", "c0", 0);

fn core() -> usize {
    (mpidr() & 1) as usize
}

fn count(cell: &AtomicU32) {
    set(cell, get(cell) + 1);
}

/// Quiets the timers, whichever it was.
fn quiet() {
    write(TMR3 + 4, PCR_CLEAR);
    write(TMR4 + 4, PCR_CLEAR);
}

extern "C" fn on_fiq() {
    if get(&ACKNOWLEDGE_FIQ) != 0 {
        let id = read(GICC_IAR);
        set(&FIQ_ID, id);
        quiet();
        write(GICC_EOIR, id);
    } else {
        quiet();
    }
    count(&FIQS[core()]);
}

extern "C" fn on_irq() {
    let id = read(GICC_IAR);
    set(&IRQ_ID, id);
    quiet();
    write(GICC_EOIR, id);
    count(&IRQS[core()]);
}

fn unmask() {
    // SAFETY: The handlers only use atomics, registers and their own stacks.
    unsafe { asm!("cpsie if", options(nostack)) };
}

fn mask() {
    // SAFETY: Masking harms nothing.
    unsafe { asm!("cpsid if", options(nostack)) };
}

// ---- What a check reports ----

fn check(name: &str, good: bool) {
    print(if good { "ok      " } else { "FAILED  " });
    print(name);
    print("\r\n");
    if !good {
        count(&FAILURES);
    }
}

fn check_equal(name: &str, found: u32, expected: u32) {
    check(name, found == expected);
    if found != expected {
        print("        found ");
        print_hex(found);
        print(", expected ");
        print_hex(expected);
        print("\r\n");
    }
}

// ---- Helpers ----

/// Long enough for whatever the host does in between; only what fails takes so long.
const PATIENCE_US: u32 = 2_000_000;

/// Lets a timer expire; it says so itself, whatever becomes of its interrupt.
fn expire(timer: u32) {
    write(timer, PTV_ENABLE | 19);
    wait_for(PATIENCE_US, || read(timer) & PTV_ENABLE == 0);
}

/// Lets a timer expire and returns how many FIQs and IRQs core 0 took in consequence.
fn fire(timer: u32) -> (u32, u32) {
    let before = (get(&FIQS[0]), get(&IRQS[0]));
    unmask();
    expire(timer);
    wait_for(200, || false);
    mask();
    (get(&FIQS[0]) - before.0, get(&IRQS[0]) - before.1)
}

/// Everything off, so that each check starts from the same state, whatever the boot loader left.
fn interrupts_off() {
    mask();
    for timer in [TMR3, TMR4] {
        write(timer, 0);
    }
    quiet();
    for bank in 0..4 {
        write(0x6000_4028 + 0x100 * bank, u32::MAX);
        write(0x6000_402c + 0x100 * bank, 0);
    }
    write(GICC_CTLR, 0);
    write(GICD_CTLR, 0);
    for word in 0..5 {
        write(GICD_ICENABLER + 4 * word, u32::MAX);
        write(GICD_ICPENDR + 4 * word, u32::MAX);
        write(GICD_IGROUPR + 4 * word, 0);
    }
    set(&ACKNOWLEDGE_FIQ, 0);
}

fn gic_register(base: u32, spi: u32) -> (u32, u32) {
    let id = spi + 32;
    (base + id / 32 * 4, 1 << (id % 32))
}

/// Enables an SPI in the GIC, for core 0, in a group.
fn enable_spi(spi: u32, group: u32) {
    let (groups, bit) = gic_register(GICD_IGROUPR, spi);
    if group == 0 {
        clear_bits(groups, bit)
    } else {
        set_bits(groups, bit)
    }
    for (base, byte) in [(GICD_IPRIORITYR, if group == 0 { 0x40 } else { 0xa0 }), (GICD_ITARGETSR, 1)] {
        let word = base + (spi + 32) / 4 * 4;
        let shift = (spi + 32) % 4 * 8;
        write(word, read(word) & !(0xff << shift) | byte << shift);
    }
    let (enables, bit) = gic_register(GICD_ISENABLER, spi);
    write(enables, bit);
}

fn spi_is_pending(spi: u32) -> bool {
    let (pendings, bit) = gic_register(GICD_ISPENDR, spi);
    read(pendings) & bit != 0
}

/// The words of the command line, found in the ATAGs.
fn command_line_has(word: &str) -> bool {
    let mut tag = 0x100;
    loop {
        let words = read(tag);
        if words == 0 {
            return false;
        }
        if read(tag + 4) == 0x5441_0009 {
            let text = tag + 8;
            let end = tag + 4 * words;
            return (text..end).any(|at| {
                word.bytes()
                    .zip(at..end)
                    .all(|(byte, at)| read(at & !3) >> (at % 4 * 8) & 0xff == byte.into())
            });
        }
        tag += 4 * words;
    }
}

// ---- The checks ----

fn checks_of_the_entry() {
    check_equal("r0 is 0", get(&AT_ENTRY[0]), 0);
    check_equal("r1 is not the machine's number", get(&AT_ENTRY[1]), 0xdead_beef);
    check_equal("r2 points to ATAGs", get(&AT_ENTRY[2]), 0x100);
    check_equal("which begin with CORE", read(0x104), 0x5441_0001);
    check_equal("the kernel runs in place", get(&AT_ENTRY[3]), 0x00a0_0800);
    let mode = if command_line_has("svc") { 0x13 } else { 0x1f };
    check_equal("the CPU's mode", get(&AT_ENTRY[4]) & 0x1f, mode);
    check_equal("interrupts are masked", get(&AT_ENTRY[4]) & 0x1c0, 0x1c0);
    let hostile = command_line_has("hostile");
    check_equal(
        "the GIC is off, unless the loader left it on",
        read(GICD_CTLR) | read(GICC_CTLR),
        hostile.into(),
    );
    check("nothing is pending there, unless the loader left it", spi_is_pending(TMR3_SPI) == hostile);
    let sctlr = if hostile { 0x00c5_1878 } else { 0x00c5_0078 };
    check_equal("MMU and data cache are off", get(&AT_ENTRY[5]), sctlr);
}

fn checks_of_the_cpu() {
    check_equal("Cortex-A9 r1p0", midr(), 0x411f_c090);
    check_equal("the first of two cores", mpidr(), 0x8000_0000);
    check_equal("private peripherals are at 0x50040000", cbar(), 0x5004_0000);
    check_equal("no generic timer, no virtualization extensions", id_pfr1() & 0x000f_f000, 0);
    check_equal("no divide instructions", id_isar0() >> 24 & 0xf, 0);
    check_equal("data cache of 32 KiB", ccsidr() & 0x0fff_ffff, 0x001f_e019);

    let cpacr: u32 = 0xf << 20;
    let mvfr0: u32;
    // SAFETY: Gives access to the floating-point unit, which nothing here uses, and switches it on.
    unsafe {
        asm!(
            "mcr p15, 0, {cpacr}, c1, c0, 2",
            "isb",
            ".fpu vfpv3",
            "mov {tmp}, #0x40000000",
            "vmsr fpexc, {tmp}",
            "vmrs {mvfr0}, mvfr0",
            cpacr = in(reg) cpacr,
            tmp = out(reg) _,
            mvfr0 = out(reg) mvfr0,
            options(nostack)
        )
    };
    check_equal("VFPv3 with 16 registers", mvfr0, 0x1011_0221);
    let before = get(&UNDEFINED);
    // SAFETY: `vmov.32 d0[0], r0` changes a register that nothing else uses.
    unsafe { asm!(".inst 0xee000b10", options(nostack)) };
    check_equal("d0 is there", get(&UNDEFINED) - before, 0);
    // SAFETY: `vmov.32 d16[0], r0` is undefined, and skipped by the handler.
    unsafe { asm!(".inst 0xee000b90", options(nostack)) };
    check_equal("d16 is not", get(&UNDEFINED) - before, 1);
    // SAFETY: `vand q0, q0, q0`, as above.
    unsafe { asm!(".inst 0xf2000150", options(nostack)) };
    check_equal("NEON is not", get(&UNDEFINED) - before, 2);
}

fn checks_of_interrupts() {
    interrupts_off();
    write(GICD_IGROUPR + 4, 0x1234_5678);
    check_equal("Secure state: groups can be set", read(GICD_IGROUPR + 4), 0x1234_5678);

    interrupts_off();
    check_equal("nothing enabled: nothing arrives", fire(TMR3).0 + fire(TMR3).1, 0);

    // Class FIQ of the legacy controller, GIC off: the pin reaches the core.
    interrupts_off();
    write(IEP_CLASS, TMR3_BIT);
    write(IER_SET, TMR3_BIT);
    let cpus = if command_line_has("fiq-cpus=2") { 0 } else { 1 };
    check_equal("legacy FIQ with the GIC off", fire(TMR3).0, cpus);
    check_equal("and TMR4, not enabled, does not", fire(TMR4).0, 0);

    // Class IRQ: its own pin, until the GIC's CPU interface uses that.
    quiet();
    write(IEP_CLASS, 0);
    check("legacy IRQ with the GIC off", fire(TMR3) == (0, 1));
    check_equal("of which the GIC knows nothing", get(&IRQ_ID), 1023);
    write(GICC_CTLR, 1);
    check("legacy IRQ does not pass the GIC when that is on", fire(TMR3) == (0, 0));
    check_equal("but is pending there as ID 31", read(GICD_ISPENDR) >> 31, 1);
    quiet();
    write(IEP_CLASS, TMR3_BIT);

    // The GIC's CPU interface on, but without FIQEn: the pin still passes.
    write(GICD_CTLR, 1);
    write(GICC_PMR, 0xf0);
    write(GICC_CTLR, 3);
    check("legacy FIQ passes the GIC without FIQEn", fire(TMR3) == (cpus, 0));

    // With FIQEn the GIC owns the pin, and the legacy FIQ is its ID 28.
    write(GICC_CTLR, 0xf);
    check("legacy FIQ does not pass the GIC with FIQEn", fire(TMR3) == (0, 0));
    check_equal("but is pending there as ID 28", read(GICD_ISPENDR) >> 28 & 1, cpus);
    write(IER_CLR, TMR3_BIT);
    quiet();
    check_equal("disabled: no longer", read(GICD_ISPENDR) >> 28 & 1, 0);

    // Group 0 as FIQ, group 1 as IRQ.
    interrupts_off();
    for word in 0..5 {
        write(GICD_IGROUPR + 4 * word, u32::MAX);
    }
    write(IER_SET, TMR3_BIT | TMR4_BIT);
    enable_spi(TMR3_SPI, 0);
    enable_spi(TMR4_SPI, 1);
    write(GICD_CTLR, 3);
    write(GICC_CTLR, 0xf);
    set(&ACKNOWLEDGE_FIQ, 1);
    check("group 0 with FIQEn is a FIQ", fire(TMR3) == (1, 0));
    check_equal("with the SPI's number", get(&FIQ_ID), TMR3_SPI + 32);
    check("group 1 is an IRQ", fire(TMR4) == (0, 1));
    check_equal("with the SPI's number", get(&IRQ_ID), TMR4_SPI + 32);
    let before = get(&IRQS[0]);
    write(GICD_SGIR, 1 << 16 | 1 << 15 | 3);
    unmask();
    wait_for(200, || false);
    mask();
    check_equal("a software interrupt of group 1 is an IRQ", get(&IRQS[0]) - before, 1);
    check_equal("with its number", get(&IRQ_ID), 3);

    // Not enabled in the legacy controller: whether it reaches the GIC is an option of the machine.
    interrupts_off();
    enable_spi(TMR3_SPI, 0);
    expire(TMR3);
    let gated = command_line_has("gates");
    check(
        "enabled in the GIC only: pending unless the legacy controller gates",
        spi_is_pending(TMR3_SPI) != gated,
    );
    write(IER_SET, TMR3_BIT);
    check("enabled in both: pending", spi_is_pending(TMR3_SPI));
    interrupts_off();
}

fn check_calibration() {
    let (load, counter, control) = (0x5004_0600, 0x5004_0604, 0x5004_0608);
    write(load, u32::MAX);
    write(control, 1);
    // The host may stop the machine between two readings, so the best of some counts.
    let ticks = (0..50).map(|_| {
        let start = read(counter);
        wait_for(1000, || false);
        start.wrapping_sub(read(counter))
    });
    let best = ticks.min().unwrap_or(0);
    // The emulator's private timers count at 100 MHz, whatever the clocks say.
    check("1 ms is about 100000 ticks of the private timer", (99_000..120_000).contains(&best));
    write(control, 0);
}

fn second_core_runs() -> bool {
    let loops = get(&AT_ENTRY_OF_CPU1[3]);
    wait_for(PATIENCE_US, || get(&AT_ENTRY_OF_CPU1[3]) != loops)
}

/// It stands still for a while, at least at the end.
fn second_core_stands() -> bool {
    wait_for(PATIENCE_US, || {
        let loops = get(&AT_ENTRY_OF_CPU1[3]);
        !wait_for(5_000, || get(&AT_ENTRY_OF_CPU1[3]) != loops)
    })
}

fn checks_of_the_second_core() {
    check_equal("the second core is in reset", read(0x6000_6340), 0x2222);
    check("and does not run", !wait_for(2_000, || get(&AT_ENTRY_OF_CPU1[3]) != 0));

    write(0x6000_f100, start::cpu1_start());
    write(0x6000_6340, 0x2222);
    write(0x6000_7014, 0);
    clear_bits(0x6000_604c, 1 << 9);
    write(0x6000_7018, 0);
    check(
        "it does not run before its reset is taken away",
        !wait_for(2_000, || get(&AT_ENTRY_OF_CPU1[3]) != 0),
    );
    write(0x6000_6344, 0x2222);
    check("it runs then", second_core_runs());
    check_equal("as the second core", get(&AT_ENTRY_OF_CPU1[0]), 0x8000_0001);
    check_equal("in SVC with interrupts masked", get(&AT_ENTRY_OF_CPU1[1]) & 0x1df, 0x1d3);
    check_equal("MMU and caches off", get(&AT_ENTRY_OF_CPU1[2]), 0x00c5_0078);

    // A legacy FIQ goes to the cores that the machine's option names; the first that serves it quiets it.
    interrupts_off();
    let before = get(&FIQS[1]);
    write(IEP_CLASS, TMR3_BIT);
    write(IER_SET, TMR3_BIT);
    write(TMR3, PTV_ENABLE | 19);
    let expected = !command_line_has("fiq-cpus=1");
    let arrived = wait_for(if expected { PATIENCE_US } else { 20_000 }, || get(&FIQS[1]) != before);
    check("a legacy FIQ arrives there", arrived == expected);
    interrupts_off();

    set_bits(0x6000_604c, 1 << 9);
    check("its clock stopped, it stops", second_core_stands());
    clear_bits(0x6000_604c, 1 << 9);
    check("and goes on", second_core_runs());
    write(0x6000_6340, 0x2222);
    check("in reset, it stops", second_core_stands());
    set(&AT_ENTRY_OF_CPU1[0], 0);
    write(0x6000_6344, 0x2222);
    check("and then starts anew", wait_for(PATIENCE_US, || get(&AT_ENTRY_OF_CPU1[0]) == 0x8000_0001));
    write(0x6000_7014, 2 << 29);
    check("halted by the flow controller while it is awake, it goes on", second_core_runs());
    write(0x6000_6340, 0x2222);
    set(&AT_ENTRY_OF_CPU1[0], 0);
    write(0x6000_6344, 0x2222);
    check("halted, it does not start after a reset", !wait_for(5_000, || get(&AT_ENTRY_OF_CPU1[0]) != 0));
    write(0x6000_7014, 0);
    check("released, it does", wait_for(PATIENCE_US, || get(&AT_ENTRY_OF_CPU1[0]) != 0));
    write(0x6000_6340, 0x2222);
}

fn checks_of_wrong_accesses() {
    let before = get(&DATA_ABORTS);
    read(0x4100_0000);
    check_equal("a wild read aborts", get(&DATA_ABORTS) - before, 1);
    write(0x6abc_def0, 0x1234);
    check_equal("a wild write aborts", get(&DATA_ABORTS) - before, 2);
    check_equal("UARTC has no clock: reads 0", read(0x7000_6214), 0);
    check_equal("and does not abort", get(&DATA_ABORTS) - before, 2);
    write(0x6000_6328, 1 << 23);
    write(0x6000_630c, 1 << 23);
    check_equal("with clock and out of reset it is there", read(0x7000_6214) & 0x60, 0x60);
}

// ---- The program ----

extern "C" fn main() -> ! {
    // After the reset that the last check asks for, only this is left to look at.
    if read(PMC_SCRATCH1) == 0x5a5a_1234 {
        write(PMC_SCRATCH1, 0);
        check("PMC resets the machine, and its scratch registers stay", true);
        check_equal("the second core is in reset again", read(0x6000_6340), 0x2222);
        check_equal("RAM is as it was", read(0x0200_0000), 0x600d_f00d);
        finish();
    }
    print("xoom-bare\r\n");
    checks_of_the_entry();
    checks_of_the_cpu();
    checks_of_interrupts();
    check_calibration();
    checks_of_the_second_core();
    checks_of_wrong_accesses();
    if get(&FAILURES) != 0 {
        finish();
    }
    write(0x0200_0000, 0x600d_f00d);
    write(PMC_SCRATCH1, 0x5a5a_1234);
    write(PMC_CNTRL, PMC_CNTRL_MAIN_RST);
    wait_for(1_000_000, || false);
    check("PMC resets the machine", false);
    finish()
}

fn finish() -> ! {
    let failed = get(&FAILURES) != 0;
    print(if failed { "some failed\r\n" } else { "all is well\r\n" });
    let reason = if failed { 0x20023 } else { 0x20026 };
    // SAFETY: SYS_EXIT ends QEMU. Without semihosting the supervisor call's vector loops, which is as good.
    unsafe { asm!("svc 0x123456", in("r0") 0x18, in("r1") reason, options(noreturn)) }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    print("FAILED  panic\r\n");
    set(&FAILURES, 1);
    finish()
}
